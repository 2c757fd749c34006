"""What a project's build files say of its modules: names, plug-ins, and whether the build can be followed.
Pure: texts in.

A build that only puts Python files where their names say changes nothing that reading imports would
miss. Anything else may run or move any file, and is not followed.
"""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_FOLLOWED = frozenset(
    {
        "flit_core.buildapi",
        "hatchling.build",
        "pdm.backend",
        "poetry.core.masonry.api",
        "setuptools.build_meta",
        "uv_build",
    }
)
_HOOKS = frozenset({"vcs", "version", "fancy-pypi-readme", "requirements_txt"})
"""Of hatchling: those that write a version or a text."""


@dataclass(frozen=True, slots=True)
class Build:
    """`names` are what the project may be imported as; `always` are names of modules that others may
    load as plug-ins. `unfollowed` says why the build cannot be followed, None where it can."""

    names: frozenset[str] = frozenset()
    always: frozenset[str] = frozenset()
    unfollowed: str | None = None


def build_of(files: Mapping[str, bytes]) -> Build:
    """What the build files of a project, by their names in its folder, say. Those that matter are
    `pyproject.toml`, `setup.cfg` and `setup.py`; others only by being there."""
    names: set[str] = set()
    always: set[str] = set()
    others = [name for name in ("CMakeLists.txt", "Cargo.toml", "meson.build") if name in files]
    reasons = [f"what {other} makes the build do cannot be followed" for other in others]
    try:
        _pyproject(files.get("pyproject.toml"), names, always, reasons)
        _setup_cfg(files.get("setup.cfg"), names, always, reasons)
        _setup_py(files.get("setup.py"), names, reasons)
    except (ValueError, SyntaxError, RecursionError, MemoryError, configparser.Error):
        reasons.append("a build file cannot be read, so the build cannot be followed")
    if not {"pyproject.toml", "setup.py", "setup.cfg"} & set(files):
        reasons.append("there is no build file, so the build cannot be followed")
    return Build(
        frozenset(re.sub(r"[-.]+", "_", name).lower() for name in names) | frozenset(names),
        frozenset(always),
        min(reasons, default=None),
    )


def _pyproject(
    content: bytes | None, names: set[str], always: set[str], reasons: list[str]
) -> None:
    if content is None:
        return
    document = tomllib.loads(content.decode())
    system = _table(document, "build-system")
    backend = str(system.get("build-backend", "setuptools.build_meta"))
    if backend not in _FOLLOWED or "backend-path" in system:
        reasons.append(f"pyproject.toml: what {backend} does cannot be followed")
    project, tool = _table(document, "project"), _table(document, "tool")
    poetry, setuptools = _table(tool, "poetry"), _table(tool, "setuptools")
    names |= {str(table["name"]) for table in (project, poetry) if "name" in table}
    plugins = [_table(project, "entry-points"), _table(poetry, "plugins")]
    always |= {_module(text) for table in plugins for text in _texts(table)}
    moved = [
        f"tool.setuptools.{key}"
        for key in ("package-dir", "cmdclass", "ext-modules")
        if (set(_table(setuptools, key)) - {""} if key == "package-dir" else key in setuptools)
    ]
    moved += [f"tool.hatch {key}" for key in _hatch(_table(tool, "hatch"))]
    moved += ["tool.pdm.build"] if _table(_table(tool, "pdm"), "build") else []
    moved += ["tool.poetry.build"] if "build" in poetry else []
    moved += (
        ["tool.poetry.packages"] if '"to"' in repr(poetry.get("packages")).replace("'", '"') else []
    )
    if moved:
        reasons.append(f"pyproject.toml: {moved[0]}: the build cannot be followed")


def _hatch(table: Mapping[str, Any]) -> Iterator[str]:
    """What of hatchling's settings moves files or runs code."""
    for key, value in table.items():
        if key in ("force-include", "sources") and isinstance(value, dict):
            yield key
        elif key == "hooks" and isinstance(value, dict):
            yield from (f"hooks.{name}" for name in value if name not in _HOOKS)
        elif isinstance(value, dict) and key not in ("envs", "env"):
            yield from _hatch(value)


def _setup_cfg(
    content: bytes | None, names: set[str], always: set[str], reasons: list[str]
) -> None:
    if content is None:
        return
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(content.decode())
    if name := parser.get("metadata", "name", fallback=""):
        names.add(name)
    if parser.has_section("options.entry_points"):
        for _, lines in parser.items("options.entry_points"):
            targets = (line.partition("=")[2] for line in lines.splitlines() if "=" in line)
            always |= {_module(target) for target in targets}
    folders = parser.get("options", "package_dir", fallback="").split("\n")
    if any(line.partition("=")[0].strip() for line in folders):
        reasons.append("setup.cfg: package_dir: the build cannot be followed")
    if parser.get("options", "cmdclass", fallback=""):
        reasons.append("setup.cfg: cmdclass: the build cannot be followed")


_SIMPLE = frozenset({"setup", "find_packages", "find_namespace_packages"})


def _setup_py(content: bytes | None, names: set[str], reasons: list[str]) -> None:
    """A setup.py is followed where it does nothing but call `setup` with plain values."""
    if content is None:
        return
    tree = ast.parse(content)
    plain = (
        ast.Module, ast.Expr, ast.Call, ast.Name, ast.Load, ast.Constant, ast.keyword, ast.List,
        ast.Tuple, ast.Dict, ast.ImportFrom, ast.Import, ast.alias, ast.Attribute,
    )  # fmt: skip
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=module) if module != "setuptools":
                break
            case ast.Import(names=modules) if any(m.name != "setuptools" for m in modules):
                break
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if (
                called not in _SIMPLE
            ):
                break
            case ast.keyword(arg="name", value=ast.Constant(value=str(name))):
                names.add(name)
            case ast.keyword(arg="entry_points" | "cmdclass" | "ext_modules" | "use_scm_version"):
                break
            case ast.keyword(arg="package_dir", value=value):
                if not (isinstance(value, ast.Dict) and all(map(_top, value.keys))):
                    break
            case ast.keyword(arg=None):
                break
            case _ if not isinstance(node, plain):
                break
    else:
        return
    reasons.append("what setup.py does cannot be followed")


def _top(key: ast.expr | None) -> bool:
    return isinstance(key, ast.Constant) and key.value == ""


def _table(of: Any, key: str) -> Mapping[str, Any]:
    found = of.get(key, {}) if isinstance(of, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)


def _module(target: str) -> str:
    """Of `package.module:object [extra]`.

    >>> _module("package.module:object [extra]")
    'package.module'
    """
    return target.partition(":")[0].partition("[")[0].strip()
