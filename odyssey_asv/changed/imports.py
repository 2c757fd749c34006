"""The source of one Python module → what it imports, or why that cannot be told by reading. Pure.

Knows nothing of files: a name is only a name here. Every import in the source counts, wherever it
stands: under `if`, in `try`, in functions, for type checkers.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_DYNAMIC_MODULES = {
    **dict.fromkeys(
        (
            "apipkg", "bdb", "builtins", "cProfile", "doctest", "imp", "importlib_metadata",
            "lazy_import", "lazy_loader", "modulefinder", "pdb", "pkg_resources", "pkgutil", "pluggy",
            "profile", "pyclbr", "pydoc", "runpy", "stevedore", "trace", "unittest",
            "zipimport",
        ),
        "imports by names made at run time",
    ),
    **dict.fromkeys(("code", "codeop"), "runs code from a text"),
    **dict.fromkeys(
        ("_pickle", "cloudpickle", "copyreg", "dill", "joblib", "pickle", "shelve"),
        "unpickles, which imports by name",
    ),
    **dict.fromkeys(("subprocess", "pexpect", "pty"), "starts programs"),
    "logging.config": "imports by names from a configuration",
}  # fmt: skip
"""To import one of these is taken for using it."""

_LAZY = "loads attributes of a module lazily"

_HARMLESS_OF_IMPORTLIB = frozenset({"import_module", "metadata", "resources"})

_DYNAMIC_WORDS = {
    **dict.fromkeys(
        (
            "__import__", "entry_points", "exec_module", "find_loader", "find_spec", "import_module",
            "import_string", "iter_entry_points", "iter_modules", "load_module", "meta_path",
            "module_from_spec", "path_hooks", "reload", "run_module", "run_path",
            "spec_from_file_location", "spec_from_loader", "walk_packages",
        ),
        "imports by names made at run time",
    ),
    **dict.fromkeys(
        ("__builtins__", "__loader__", "__path__", "__spec__"), "changes how modules are found"
    ),
    "__file__": "finds files beside itself",
    **dict.fromkeys(
        (
            "create_subprocess_exec", "create_subprocess_shell", "execl", "execle", "execlp",
            "execlpe", "execv", "execve", "execvp", "execvpe", "popen", "posix_spawn",
            "posix_spawnp", "spawnl", "spawnle", "spawnlp", "spawnlpe", "spawnv", "spawnve",
            "spawnvp", "spawnvpe",
        ),
        "starts programs",
    ),
}  # fmt: skip
"""As a name or an attribute, of whatever."""

_DYNAMIC_BUILTINS = dict.fromkeys(("compile", "eval", "exec", "execfile"), "runs code from a text")
"""As a bare name only: patterns and data frames have methods that are called so."""

_OF_MODULES = {
    ("sys", "path"): "changes where modules are found",
    ("os", "system"): "starts programs",
}

# How the names of asv's benchmarks begin, and of classes that are benchmarks.
_BENCHMARK = re.compile(
    r"^(?:(?:time|timeraw|mem|peakmem|track)_.|(?:Time|Timeraw|Mem|PeakMem|Track)[A-Z_].)"
)
_NAME = "benchmark_name"
"""The attribute by which a benchmark takes another name in asv."""

# What asv takes for code to be run in an interpreter of its own.
_RUNS_RAW = "runs code in an interpreter of its own"
_RAW = re.compile(r"^(?:timeraw_.|Timeraw[A-Z_].)")
_DOTTED = re.compile(r"^(?P<module>\w+(?:\.\w+)+)(?::[\w.]+)?$")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that is imported: `from ..a import b` has level 2 and the parts `a` and `b`.

    The last parts may be attributes of a module. `star` says that everything in it is asked for.
    """

    level: int
    parts: tuple[str, ...]
    star: bool = False


@dataclass(frozen=True, slots=True)
class Imports:
    """What a module imports. `doubt` says where and why there may be more; None where there is not.

    `benchmarks`: something in it may be one. `names_benchmarks`: it may give one a name that does not
    begin with the module's.
    """

    wanted: frozenset[Wanted]
    doubt: str | None = None
    names_benchmarks: bool = False
    benchmarks: bool = False


def imports_of(source: bytes) -> Imports:
    """Everything that the source of a module imports, or names in a text that may be a module's name.

    What cannot be parsed is in doubt.
    """
    tree = _parsed(source)
    if tree is None:
        return Imports(frozenset(), "it cannot be read as Python")
    reader = _Reader(tree)
    return Imports(
        frozenset(reader.wanted), reader.doubt, reader.names_benchmarks, reader.benchmarks
    )


def same_code(one: bytes, other: bytes) -> bool:
    """Whether two sources differ in comments and layout only. Their docstrings count."""
    first, second = _parsed(one), _parsed(other)
    try:
        return first is not None and second is not None and ast.dump(first) == ast.dump(second)
    except RecursionError:
        return False


def _parsed(source: bytes) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Reader:
    def __init__(self, tree: ast.Module) -> None:
        self.wanted: set[Wanted] = set()
        self.names_benchmarks = False
        self.benchmarks = False
        self._doubts: list[tuple[int, str]] = []
        self._called: set[ast.AST] = set()
        self._lazy = set(_functions_of_the_module(tree))
        self._aliases: dict[str, str] = {}
        nodes = list(ast.walk(tree))
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._aliases[alias.asname or alias.name] = alias.name
        for node in nodes:
            self._read(node)

    @property
    def doubt(self) -> str | None:
        if not self._doubts:
            return None
        line, reason = min(self._doubts)
        return f"line {line} {reason}"

    def _suspect(self, node: ast.AST, reason: str | None) -> None:
        if reason is not None:
            self._doubts.append((getattr(node, "lineno", 0), reason))

    def _read(self, node: ast.AST) -> None:
        match node:
            case ast.Import(names=names):
                for alias in names:
                    self._whole(node, alias.name)
            case ast.ImportFrom():
                self._from(node)
            case ast.Call():
                self._call(node)
            case ast.Constant(value=str(text)):
                self.names_benchmarks |= text == _NAME
                if found := _DOTTED.match(text):
                    self.wanted.add(Wanted(0, tuple(found["module"].split("."))))
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                self._definition(node, name)
            case _:
                self._use(node)

    def _use(self, node: ast.AST) -> None:
        """A name, or an attribute of something."""
        match node:
            case ast.Name(id=word):
                self._word(node, word)
                self._suspect(node, _DYNAMIC_BUILTINS.get(word))
                self._suspect(node, _LAZY if word == "__getattr__" else None)
            case ast.Attribute(value=of, attr=word, ctx=use):
                self._word(node, word)
                if word == "__getattr__" and isinstance(use, ast.Store):
                    self._suspect(node, _LAZY)
                if isinstance(of, ast.Name):
                    of_module = self._aliases.get(of.id, of.id)
                    self._suspect(node, _OF_MODULES.get((of_module, word)))
            case _:
                pass

    def _definition(self, node: ast.AST, name: str) -> None:
        self._name(node, name)
        self._suspect(node, _LAZY if node in self._lazy else None)

    def _word(self, node: ast.AST, word: str) -> None:
        self._name(node, word)
        self.names_benchmarks |= word == _NAME
        if node not in self._called:
            self._suspect(node, _DYNAMIC_WORDS.get(word))

    def _name(self, node: ast.AST, name: str) -> None:
        """A name that is bound or used."""
        self.benchmarks |= bool(_BENCHMARK.match(name))
        self._suspect(node, _RUNS_RAW if _RAW.match(name) else None)

    def _whole(self, node: ast.AST, name: str) -> None:
        self._module(node, name)
        self.wanted.add(Wanted(0, tuple(name.split("."))))

    def _module(self, node: ast.AST, name: str) -> None:
        parts = name.split(".")
        self._suspect(node, _DYNAMIC_MODULES.get(parts[0]) or _DYNAMIC_MODULES.get(name))
        if parts[0] == "importlib" and len(parts) > 1 and parts[1] not in _HARMLESS_OF_IMPORTLIB:
            self._suspect(node, "imports by names made at run time")

    def _from(self, node: ast.ImportFrom) -> None:
        parts = tuple(node.module.split(".")) if node.module else ()
        for alias in node.names:
            star = alias.name == "*"
            self._name(node, alias.asname or alias.name)
            self.benchmarks |= star
            self.wanted.add(Wanted(node.level, parts if star else (*parts, alias.name), star))
            if node.level:
                self._suspect(node, _DYNAMIC_WORDS.get(alias.name))
                continue
            whole = ".".join((*parts, alias.name))
            self._module(node, whole)
            self._suspect(node, _OF_MODULES.get((".".join(parts), alias.name)))
            # What is called `import_module` is looked at where it is used.
            if alias.name != "import_module" or alias.asname not in (None, "import_module"):
                self._suspect(node, _DYNAMIC_WORDS.get(alias.name))

    def _call(self, node: ast.Call) -> None:
        """Take the import of a module by a name that stands in the source for what it is."""
        match node.func:
            case ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"):
                pass
            case _:
                return
        match node:
            case ast.Call(args=[ast.Constant(value=str(name))], keywords=[]) if name[:1] != ".":
                self._called.add(node.func)
                self._whole(node, name)
            case _:
                pass


def _functions_of_the_module(tree: ast.Module) -> Iterator[ast.AST]:
    """A module's own `__getattr__`, under conditions too, but not that of a class."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name == "__getattr__":
                yield node
            continue
        waiting += ast.iter_child_nodes(node)
