"""Which modules of a suite reach a file that differs between two commits. Pure: files are names here.

What is said errs on one side: a module that is said not to reach a change does not, for anything that
`imports` can read; a module said to reach one may not. Where a module cannot be followed, it reaches
everything.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from odyssey_asv.changed.imports import Imports, Wanted

INIT = "__init__.py"

ImportsOf = Callable[[str], Imports]
"""What the file of a path imports."""

_EVERYWHERE = frozenset({"conftest.py", "setup.py", "sitecustomize.py", "usercustomize.py"})
"""Python files that have a say without being imported."""
_DOCUMENTS = (".md", ".rst")
DOCUMENT_FOLDERS = frozenset({"doc", "docs"})
_HOSTING = frozenset({".github", ".gitlab"})
_HOUSEKEEPING = frozenset(
    {".gitignore", ".mailmap", ".pre-commit-config.yaml", ".readthedocs.yaml", "CITATION.cff"}
)


class Tree:
    """The Python files of one commit, and how names lead to them.

    `roots` are folders that are searched for top-level modules in any case. Where a build puts files is
    not known, so a name leads to every file that it might mean.
    """

    def __init__(self, files: Iterable[str], imports_of: ImportsOf, roots: Sequence[str] = ()):
        self.files = frozenset(files)
        self.imports_of = imports_of
        self._steps: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        self._within: dict[str, set[str]] = {}
        for file in self.files:
            path = file
            while path and path not in self._within.get(posixpath.dirname(path), ()):
                self._within.setdefault(posixpath.dirname(path), set()).add(path)
                path = posixpath.dirname(path)
        self._tops: dict[str, set[str]] = {}
        self._anywhere: dict[str, set[str]] = {}
        for folder, paths in self._within.items():
            searched = folder in roots or posixpath.join(folder, INIT) not in self.files
            for path in paths:
                name = posixpath.basename(path)
                name = name.removesuffix(".py") if path in self.files else name
                self._anywhere.setdefault(name, set()).add(folder)
                if searched:
                    self._tops.setdefault(name, set()).add(folder)

    def step(self, file: str) -> tuple[frozenset[str], frozenset[str]]:
        """The files that one leads to at once, and the top names in it that lead to none."""
        if file not in self._steps:
            files, nowhere = self.parents(file), set()
            for wanted in self.imports_of(file).wanted:
                leads_to = self.found(wanted, file)
                files |= leads_to
                if not leads_to and not wanted.level:
                    nowhere.add(wanted.parts[0])
            self._steps[file] = frozenset(files), frozenset(nowhere)
        return self._steps[file]

    def found(self, wanted: Wanted, importer: str) -> set[str]:
        """Every file that an import in `importer` may mean; empty for what is of no file here."""
        if wanted.level:
            folder = posixpath.dirname(importer)
            for _ in range(wanted.level - 1):
                folder = posixpath.dirname(folder)
            found = self._walk(folder, wanted)
            if wanted.parts and not found:
                # A build can put files of two folders into one package.
                found = self._everywhere(wanted)
            init = posixpath.join(folder, INIT)
            return found | ({init} & self.files)
        first = wanted.parts[0]
        if folders := self._tops.get(first):
            return set().union(*(self._walk(folder, wanted) for folder in folders))
        return set() if first in sys.stdlib_module_names else self._everywhere(wanted)

    def _everywhere(self, wanted: Wanted) -> set[str]:
        folders = self._anywhere.get(wanted.parts[0], ())
        return set().union(*(self._walk(folder, wanted) for folder in folders))

    def _walk(self, folder: str, wanted: Wanted) -> set[str]:
        """Follow the parts down from a folder as far as they lead."""
        found: set[str] = set()
        for part in wanted.parts:
            inner = posixpath.join(folder, part)
            found |= {f"{inner}.py", posixpath.join(inner, INIT)} & self.files
            if inner not in self._within:
                return found
            folder = inner
        if wanted.star:
            # It imports the modules that `__all__` names.
            for inner in self._within.get(folder, ()):
                found |= {inner, posixpath.join(inner, INIT)} & self.files
        return found

    def parents(self, file: str) -> set[str]:
        """What is run before a module of a package: the package's own file, and those around it."""
        found: set[str] = set()
        folder = posixpath.dirname(file)
        while (init := posixpath.join(folder, INIT)) in self.files:
            found.add(init)
            if not folder:
                break
            folder = posixpath.dirname(folder)
        return found - {file}


@dataclass(frozen=True, slots=True)
class Reached:
    """What a module leads to: `files`, itself among them, and why there may be more, else None."""

    files: frozenset[str]
    doubt: str | None = None


def reached(tree: Tree, starts: Iterable[str], own: Collection[str] = ()) -> Reached:
    """Everything that the files `starts` lead to.

    `own` are names of the project itself: where one leads to no file, the build has moved it.
    """
    waiting = [start for start in starts if start in tree.files]
    seen = set(waiting)
    doubts: list[str] = []
    while waiting:
        file = waiting.pop()
        found = tree.imports_of(file)
        if found.doubt is not None:
            doubts.append(f"{file}: {found.doubt}")
        following, nowhere = tree.step(file)
        doubts += [
            f"{file}: {name} is not where its name says" for name in nowhere.intersection(own)
        ]
        waiting += following - seen
        seen |= following
    return Reached(frozenset(seen), min(doubts, default=None))


@dataclass(frozen=True, slots=True)
class Change:
    """The files that differ, and how they were sorted: `counted` may matter, `passed_over` do not."""

    counted: tuple[str, ...]
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """Why each module of a suite is to be measured; None for one that reaches no change.

    Modules are named as in benchmarks' names, without the suite's own package, which itself is "".
    """

    change: Change
    modules: Mapping[str, str | None]

    @property
    def nothing(self) -> bool:
        """Whether no module has to be measured."""
        return bool(self.modules) and all(why is None for why in self.modules.values())

    def why(self, benchmark: str) -> str | None:
        """Why a benchmark is to be measured, by its full name; None where it need not be."""
        parts = benchmark.split(".")
        for length in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:length])
            if module in self.modules:
                return self.modules[module]
        return self.modules.get("") or "its module is not known"


@dataclass(frozen=True, slots=True)
class Project:
    """What has to be known besides the files.

    `suite` is the folder of the suite; `names` are the project's own, as imported; `always` are
    names of modules that run without being imported by anybody here: plug-ins. `unfollowed` says why the
    build cannot be followed, None where it can. `unreached` are patterns of paths that no benchmark
    reaches, by the word of whoever configured it.
    """

    suite: str
    names: frozenset[str] = frozenset()
    always: frozenset[str] = frozenset()
    unfollowed: str | None = None
    unreached: tuple[re.Pattern[str], ...] = ()


def reach(
    before: Tree,
    after: Tree,
    differing: Iterable[str],
    project: Project,
    alike: Collection[str] = (),
) -> Reach:
    """Which modules of the suite, as it is in `after`, reach what differs between the two trees.

    `alike` are files that differ in comments and layout only.
    """
    change = sort_out(set(differing) - set(alike), before, after, project)
    passed_over = tuple(sorted((*change.passed_over, *alike)))
    change = Change(change.counted, passed_over)
    everything = _touches_everything(change, project, after)
    return Reach(
        change,
        {
            name: everything or _why(file, (before, after), frozenset(change.counted), project)
            for file in sorted(after.files)
            if (name := module_name(file, project.suite)) is not None
        },
    )


def sort_out(differing: Iterable[str], before: Tree, after: Tree, project: Project) -> Change:
    """Tell the files that may matter from those that do not: documentation, and what is `unreached`."""
    counted: list[str] = []
    passed_over: list[str] = []
    for path in sorted(differing):
        harmless = is_document(path, before, after, project.suite) or any(
            pattern.fullmatch(path) for pattern in project.unreached
        )
        (passed_over if harmless else counted).append(path)
    return Change(tuple(counted), tuple(passed_over))


def is_document(path: str, before: Tree, after: Tree, suite: str) -> bool:
    """Whether a file is read by people only.

    That is anything in `.github` or `.gitlab`; a licence, and some files of housekeeping at the top; what
    lies in a top folder `doc` or `docs`, unless it is Python; and Markdown and reStructuredText
    anywhere but in the suite and in packages, where they may be data.
    """
    folders = path.split("/")[:-1]
    name = posixpath.basename(path)
    if inside(path, suite) or name.endswith(".py"):
        return False
    if not folders:
        housekeeping = name in _HOUSEKEEPING or name.upper().startswith(("LICENSE", "LICENCE"))
        return housekeeping or name.lower().endswith(_DOCUMENTS)
    if folders[0] in _HOSTING or folders[0] in DOCUMENT_FOLDERS:
        return True
    packaged = any(
        posixpath.join(*folders[:depth], INIT) in tree.files
        for depth in range(1, len(folders) + 1)
        for tree in (before, after)
    )
    return name.lower().endswith(_DOCUMENTS) and not packaged


def inside(path: str, folder: str) -> bool:
    """Whether a path lies in a folder; everything lies in the top one, ""."""
    return not folder or path.startswith(f"{folder}/")


def module_name(file: str, suite: str) -> str | None:
    """The name of a file of the suite as benchmarks' names have it, "" for the suite's own; None for any
    other file.

    >>> module_name("bench/parts/sorting.py", "bench"), module_name("bench/parts/__init__.py", "bench")
    ('parts.sorting', 'parts')
    """
    if not inside(file, suite) or not file.endswith(".py"):
        return None
    inner = file.removeprefix(suite).lstrip("/").removesuffix(".py")
    return inner.removesuffix("__init__").rstrip("/").replace("/", ".")


def _touches_everything(change: Change, project: Project, after: Tree) -> str | None:
    """Why each benchmark is to be measured, None where that depends."""
    for path in change.counted:
        if not path.endswith(".py") or posixpath.basename(path) in _EVERYWHERE:
            return f"{path} has changed, which may matter to all"
    if not change.counted or project.unfollowed is not None:
        return project.unfollowed if change.counted else None
    suite = (file for file in sorted(after.files) if inside(file, project.suite))
    named = next((file for file in suite if after.imports_of(file).names_benchmarks), None)
    return None if named is None else f"{named} gives benchmarks names of its own"


def _why(
    file: str, trees: tuple[Tree, Tree], changed: frozenset[str], project: Project
) -> str | None:
    """Why the benchmarks of one file are to be measured, None where they need not be."""
    if not changed:
        return None
    for tree in trees:
        plugins = {
            path
            for name in project.always
            for path in tree.found(Wanted(0, tuple(name.split("."))), file)
        }
        found = reached(tree, {file, *plugins}, project.names)
        if touched := min(found.files & changed, default=None):
            return f"{touched} has changed"
        if found.doubt is not None:
            return found.doubt
        foreign = all(inside(other, project.suite) for other in found.files)
        # Its benchmarks may be those of a class that it takes from another module.
        if foreign and any(tree.imports_of(other).benchmarks for other in found.files):
            return "it imports nothing of the repository, so what it measures is not known"
    return None
