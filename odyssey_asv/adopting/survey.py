"""What a Python project is: its name, its build backend, and the package to import. Runs nothing of it."""

from __future__ import annotations

import ast
import configparser
import keyword
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odyssey_asv.errors import InvalidFileError, InvalidInputError

_LEGACY_BACKEND = "setuptools.build_meta:__legacy__"
_MARKS = ("pyproject.toml", "setup.py", "setup.cfg")
# Folders with an __init__.py that are rarely what a project is.
_ASIDE = frozenset(
    {
        "asv_bench",
        "asv_benchmarks",
        "bench",
        "benchmark",
        "benchmarks",
        "build",
        "dist",
        "doc",
        "docs",
    }
    | {"example", "examples", "script", "scripts", "test", "testing", "tests", "tool", "tools"}
)
_ADDRESS = re.compile(r"^https://github\.com/[\w.-]+/[\w.-]+?(?=\.git/?$|/?$)")


@dataclass(frozen=True, slots=True)
class Package:
    """A project and what of it is imported. `layout` is `src`, `flat`, `module` (one file) or `extension`
    (compiled, without a file of Python); `address` is its page on GitHub where it names one."""

    name: str
    module: str
    layout: str
    backend: str
    address: str | None


def survey(folder: Path, module: str | None = None) -> Package:
    """What the project in `folder` is; `module` is the name to import where the user says it.

    Raises `InvalidInputError` where this is no Python project, and where no telling which of several
    packages is meant.
    """
    if not any((folder / mark).is_file() for mark in _MARKS):
        raise InvalidInputError(
            f"{folder}: no {', '.join(_MARKS[:-1])} or {_MARKS[-1]}, so this is no Python project",
            tip="run odyssey init in the folder that pip would install",
        )
    project = _pyproject(folder)
    setup = _setup_calls(folder)
    name = _name(folder, project, setup)
    found = _named(folder, module) if module else _found(folder, project, setup, name)
    build = _table(project, "build-system")
    return Package(
        name=name,
        module=found[0],
        layout=found[1],
        backend=str(build.get("build-backend") or _LEGACY_BACKEND),
        address=_address(_table(project, "project", "urls")),
    )


def _named(folder: Path, module: str) -> tuple[str, str]:
    if not importable(module):
        raise InvalidInputError(
            f"{module!r} is no name that can be imported", tip="for example: --package mypackage"
        )
    top = module.partition(".")[0]
    return module, dict(_candidates(folder)).get(top, "extension")


def _found(
    folder: Path, project: Mapping[str, Any], setup: Mapping[str, Any], name: str
) -> tuple[str, str]:
    """The module to import and how it lies there: the one named like the project, else the only one."""
    wanted = _plain(name)
    candidates = dict(_candidates(folder))
    told = list(_told(project, setup))
    for module in (*told, *candidates):
        if _plain(module) == wanted:
            return module, candidates.get(module.partition(".")[0], "extension")
    if (inner := _in_namespace(folder, name)) is not None:
        return inner
    known = [module for module in told if module in candidates] or list(candidates)
    if len(known) == 1:
        return known[0], candidates[known[0]]
    compiled = [module for module in told if importable(module)]
    if not known and len(compiled) == 1:
        return compiled[0], "extension"
    if known:
        reason = f"which of {', '.join(sorted(known))} is the package of {name!r}?"
    else:
        reason = f"no package to import was found for {name!r}"
    raise InvalidInputError(f"{folder}: {reason}", tip="name it: odyssey init --package NAME")


def _in_namespace(folder: Path, name: str) -> tuple[str, str] | None:
    """The package of a name of several words in a folder for each: `google/cloud/storage`."""
    words = _plain(name).split("_")
    for place, layout in ((folder / "src", "src"), (folder, "flat")):
        if len(words) > 1 and (place.joinpath(*words) / "__init__.py").is_file():
            return ".".join(words), layout
    return None


def _candidates(folder: Path) -> Iterator[tuple[str, str]]:
    """What could be imported from here: packages in `src`, those beside it, single files."""
    sources = folder / "src"
    for place, layout in ((sources, "src"), (folder / "python", "src"), (folder, "flat")):
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if not importable(path.name) or (layout == "flat" and path.name in _ASIDE):
                continue
            if (path / "__init__.py").is_file():
                yield path.name, layout
    for place in (sources, folder):
        for path in sorted(place.glob("*.py")):
            if importable(path.stem) and path.stem not in {*_ASIDE, "setup", "conftest", "noxfile"}:
                yield path.stem, "module"


def _told(project: Mapping[str, Any], setup: Mapping[str, Any]) -> Iterator[str]:
    """The modules that the build's own settings name."""
    tool = _table(project, "tool")
    setuptools = _table(tool, "setuptools")
    for names in (
        setuptools.get("packages"),
        setuptools.get("py-modules"),
        [entry.get("name") for entry in _tables(setuptools.get("ext-modules"))],
        _table(tool, "hatch", "build", "targets", "wheel").get("packages"),
        [_table(tool, "flit", "module").get("name")],
        [entry.get("include") for entry in _tables(_table(tool, "poetry").get("packages"))],
        [_table(tool, "maturin").get("module-name")],
        _table(tool, "scikit-build", "wheel").get("packages"),
        setup.get("packages"),
        setup.get("py_modules"),
        setup.get("extensions"),
    ):
        for name in names if isinstance(names, list) else ():
            module = str(name).rpartition("/")[2]
            if importable(module):
                yield module


def _name(folder: Path, project: Mapping[str, Any], setup: Mapping[str, Any]) -> str:
    """The name of the distribution, else of the folder."""
    names = (
        _table(project, "project").get("name"),
        _table(project, "tool", "poetry").get("name"),
        _setup_cfg(folder),
        setup.get("name"),
    )
    found = next((name for name in names if isinstance(name, str) and name), folder.name)
    # It becomes a folder of asv's, and a line of YAML.
    return re.sub(r"[^\w.-]+", "-", found).strip("-.") or "project"


def _pyproject(folder: Path) -> dict[str, Any]:
    path = folder / "pyproject.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidFileError(str(path), (f"not TOML: {error}",)) from error


def _setup_cfg(folder: Path) -> str | None:
    parser = configparser.ConfigParser(interpolation=None)
    with suppress(configparser.Error, UnicodeDecodeError):
        parser.read(folder / "setup.cfg", encoding="utf-8")
    return parser.get("metadata", "name", fallback=None)


def _setup_calls(folder: Path) -> dict[str, Any]:
    """What `setup.py` says with constants: nothing of it is run."""
    try:
        tree = ast.parse((folder / "setup.py").read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return {}
    said: dict[str, Any] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = ast.unparse(node.func).rpartition(".")[2]
        arguments = {word.arg: _constant(word.value) for word in node.keywords if word.arg}
        if function == "setup":
            said |= {k: v for k, v in arguments.items() if k in ("name", "packages", "py_modules")}
        elif function == "Extension":
            name = _constant(node.args[0]) if node.args else arguments.get("name")
            said.setdefault("extensions", []).append(name)
    return said


def _constant(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _address(urls: Mapping[str, Any]) -> str | None:
    for url in urls.values():
        match = _ADDRESS.match(url) if isinstance(url, str) else None
        if match:
            return match[0]
    return None


def _table(document: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The table at a path of keys, an empty one where there is none."""
    found: Any = document
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _tables(value: Any) -> list[Mapping[str, Any]]:
    return (
        [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
    )


def importable(name: str) -> bool:
    """Whether a dotted name can stand after `import`, and be told in plain letters.

    >>> importable("numpy.linalg"), importable("my-package"), importable("class"), importable("")
    (True, False, False, False)
    """
    parts = name.split(".")
    return name.isascii() and all(p.isidentifier() and not keyword.iskeyword(p) for p in parts)


def _plain(name: str) -> str:
    """A name without what distributions and modules spell differently.

    >>> _plain("Foo-Bar.baz") == _plain("foo_bar_baz")
    True
    """
    return re.sub(r"[-_.]+", "_", name).lower()
