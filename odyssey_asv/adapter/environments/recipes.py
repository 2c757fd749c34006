"""What `asv.conf.json` says of environments: which there are, and how the project gets into them.

The matrix, its includes and excludes and the `-E` specifications mean what asv says they mean: asv's
own functions read them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.errors import InvalidFileError, InvalidInputError

# What asv installs by itself. It leaves these out of an environment's name, wherever they are named.
_ASV_OWN = ("pip+build", "pip+asv_runner", "pip+pympler")
BUILDABLE = ("virtualenv", "uv")
_TIP = 'set "environment_type": "virtualenv" in asv.conf.json, or use -E virtualenv'
_ADDRESS = re.compile(r"^(?:git\+|https?://|file:|\.{1,2}/|/)")
_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True, slots=True)
class Dates:
    """Dates as of which an environment is made: of what it requires, and of the tools that build the
    project, which are as of each commit's own date where there is no other."""

    requirements: datetime
    tools: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """One environment that asv's configuration asks for.

    `name` is asv's own. `python` is a version ("3.11"), a path, or empty for the running interpreter.
    `requirements` are as asv has them, `pip+` included. `build_vars` are set while building,
    `run_vars` are what benchmarks see. Without `dates` everything is as new as can be.
    """

    name: str
    python: str
    requirements: Mapping[str, str]
    build_vars: Mapping[str, str]
    run_vars: Mapping[str, str]
    dates: Dates | None = None

    @property
    def kind(self) -> str:
        """asv's type of environment."""
        return self.name.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Instructions:
    """How the project is built and installed. Commands are None where asv's default holds.

    `tools` are the requirements that asv adds to an environment for building: there only where the
    project has commands of its own.
    """

    project: str
    folder: Path
    repo_subdir: str
    build: tuple[str, ...] | None
    install: tuple[str, ...] | None
    timeout_s: float
    tools: tuple[str, ...]

    @property
    def own_commands(self) -> bool:
        return self.build is not None or self.install is not None


def recipes(
    config: AsvConfig, *, environments: tuple[str, ...] = (), python: str | None = None
) -> list[Recipe]:
    """The environments of a project, or those that `environments` (asv's `-E`) choose.

    `python` takes the place of the configuration's `pythons`, as asv's `--python` does. Raises
    `InvalidInputError` for what cannot be built here, and `InvalidFileError` for a faulty matrix.
    """
    conf = _asv_config(config)
    found: dict[str, Recipe] = {}
    if config.environment_type == "unset" and not environments:
        raise InvalidFileError(
            str(config.path),
            ("environment_type: missing, and asv stops without it",),
            tip='add "environment_type": "virtualenv"',
        )
    default = config.environment_type
    by_name = {}
    if environments and default in BUILDABLE:
        by_name = {recipe.name: recipe for recipe in _of_type(config, conf, default, None)}
    for spec in environments or (default,):
        if spec in by_name:
            found[spec] = by_name[spec]
            continue
        kind, colon, version = spec.partition(":")
        kind = kind or default
        chosen = version if colon else python
        _check(kind, chosen, spec, by_name)
        found |= {recipe.name: recipe for recipe in _of_type(config, conf, kind, chosen)}
    if not found:
        raise InvalidInputError(
            f"{config.path}: its matrix has no environment for {', '.join(environments) or default}",
            tip="look at `matrix`, `exclude` and `pythons`",
        )
    return list(found.values())


def instructions(config: AsvConfig) -> Instructions:
    """How asv would build and install the project. Raises `InvalidFileError`."""
    conf = _asv_config(config)
    subdir = conf.repo_subdir or ""
    if not isinstance(subdir, str) or Path(subdir).is_absolute() or ".." in Path(subdir).parts:
        raise InvalidFileError(
            str(config.path), (f"repo_subdir: {subdir!r} leads out of the repository",)
        )
    if not isinstance(conf.install_timeout, int | float):
        raise InvalidFileError(str(config.path), ("install_timeout: not a number",))
    return Instructions(
        project=config.project,
        folder=config.folder,
        repo_subdir=subdir,
        build=_commands(config, "build_command", conf.build_command),
        install=_commands(config, "install_command", conf.install_command),
        timeout_s=float(conf.install_timeout),
        tools=("pip", "setuptools", "wheel", "build", *_build_requirements(config.folder)),
    )


def requirements(recipe: Recipe, folder: Path, tools: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What is to be installed besides the project, one line each as pip and uv read them.

    Paths are relative to `folder`. Never asv_runner, which comes with whoever runs the benchmarks.
    A tool that the recipe names itself is as the recipe has it.
    """
    lines = [_line(key, value, folder) for key, value in recipe.requirements.items()]
    named = {distribution(line) for line in lines}
    lines += [tool for tool in tools if distribution(tool) not in named]
    return tuple(line for line in lines if distribution(line) != "asv-runner")


def distribution(requirement: str) -> str:
    """The normal form of the name in a requirement, empty where it has none."""
    match = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", match[1]).lower() if match else ""


def _line(key: str, value: str, folder: Path) -> str:
    """asv's key and value as a requirement.

    A value is a version, a specifier, an address, or empty for any version.

    >>> _line("pip+numpy", "1.26", Path("/conf")), _line("six", "", Path("/conf"))
    ('numpy==1.26', 'six')
    >>> _line("numpy", ">=1,<2", Path("/conf")), _line("mine", "./mine", Path("/conf"))
    ('numpy>=1,<2', 'mine @ file:///conf/mine')
    """
    name, value = key.removeprefix("pip+").strip(), value.strip()
    if name.startswith("-e "):
        return "-e " + _address(name.removeprefix("-e ").strip(), folder)
    if not value:
        return _address(name, folder) if _ADDRESS.match(name) else name
    if value[0] in "<>=!~":
        return name + value
    if value[0].isdigit():
        return f"{name}=={value}"
    if _ADDRESS.match(value):
        return f"{name} @ {_address(value, folder)}"
    raise InvalidInputError(
        f"matrix: {key}: {value!r} is not a version, a path or an address",
        tip="asv hands such a value to pip as options; they cannot be used here",
    )


def _address(text: str, folder: Path) -> str:
    return (folder / text).resolve().as_uri() if text[0] in "./" else text


def _asv_config(config: AsvConfig) -> Any:
    from asv.config import Config
    from asv.util import UserError

    try:
        return Config.load(str(config.path))
    except UserError as error:
        raise InvalidFileError(str(config.path), (str(error),)) from error


def _of_type(config: AsvConfig, conf: Any, kind: str, python: str | None) -> Iterator[Recipe]:
    """The environments of one type; of one Python where that is given, and then without includes."""
    from asv.environment import iter_matrix
    from asv.util import UserError

    try:
        pythons = conf.pythons if python is None else [python]
        for entries in iter_matrix(kind, pythons, conf, python is not None):
            yield _recipe(kind, entries, config)
    except (UserError, AttributeError, TypeError, ValueError) as error:
        raise InvalidFileError(
            str(config.path), (f"matrix, include, exclude or pythons: {error}",)
        ) from error


def _recipe(kind: str, entries: Mapping[tuple[str, str | None], Any], config: AsvConfig) -> Recipe:
    from asv.environment import get_env_name

    of: dict[str, dict[str, str]] = {"python": {}, "req": {}, "env": {}, "env_nobuild": {}}
    for (place, key), value in entries.items():
        if not isinstance(value, str):
            raise TypeError(f"{key or place}: not a text: {value!r:.60}")
        of[place][key or ""] = value
    python = of["python"].get("", "")
    own = {*_ASV_OWN, *(f"pip+{line}" for line in _build_requirements(config.folder))}
    version = python or f"{sys.version_info[0]}.{sys.version_info[1]}"
    name = get_env_name(
        kind,
        # asv's name for PyPy, for it puts "py" before any version.
        version[2:] if version.startswith("pypy") else version,
        {key: value for key, value in of["req"].items() if key not in own},
        {
            (place, key): value
            for place in ("env", "env_nobuild")
            for key, value in of[place].items()
        },
    )
    return Recipe(
        name=name,
        python=python,
        requirements=of["req"],
        build_vars=of["env"],
        run_vars=of["env"] | of["env_nobuild"],
    )


def _check(kind: str, python: str | None, spec: str, by_name: Mapping[str, Recipe]) -> None:
    if kind == "existing" or python == "same":
        raise InvalidInputError(
            f"environment {spec!r}: what is installed is one version of the project, and two are"
            " to be compared",
            tip=_TIP,
        )
    if kind in ("conda", "mamba", "rattler"):
        raise InvalidInputError(
            f"environments of type {kind!r} cannot be built here, only virtualenv and uv", tip=_TIP
        )
    if kind not in BUILDABLE:
        names = f"; asv.conf.json has: {', '.join(by_name)}" if by_name else ""
        raise InvalidInputError(f"unknown environment {spec!r}{names}", tip=_TIP)


def _commands(config: AsvConfig, key: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    commands = value if isinstance(value, list) else [value]
    if not all(isinstance(command, str) for command in commands):
        raise InvalidFileError(str(config.path), (f"{key}: not a list of texts",))
    return tuple(command for command in commands if command)


def _build_requirements(folder: Path) -> tuple[str, ...]:
    """What the `pyproject.toml` beside the configuration needs for building, as asv reads it."""
    import tomllib

    try:
        document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        found = document.get("build-system", {}).get("requires", [])
    except (OSError, ValueError, AttributeError):
        return ()
    return tuple(line for line in found if isinstance(line, str)) if isinstance(found, list) else ()
