"""The steps of making one environment: wheel, versions, virtual environment, installation.

By default the project is one wheel, built by itself; the versions of everything else are settled once,
by uv, for both sides; and uv installs them. Commands of the project's own are run as asv runs them.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from odyssey_asv.adapter.environments import wheels
from odyssey_asv.adapter.environments.commands import (
    Command,
    CommandFailedError,
    Runner,
    last_lines,
)
from odyssey_asv.adapter.environments.interpreters import Interpreter
from odyssey_asv.adapter.environments.recipes import Dates, Instructions, Recipe, distribution
from odyssey_asv.errors import CannotMeasureError, InvalidInputError

PROJECT = "project"
_UNNAMEABLE = "The built wheel has an invalid filename"
_CACHE = "asv-build-cache"
# Those of whoever runs this would aim uv at another environment or another Python.
_NOT_FOR_UV = ("UV_PYTHON", "UV_PROJECT", "UV_SYSTEM_PYTHON", "UV_WORKING_DIRECTORY", "VIRTUAL_ENV")
# asv's users have told pip where their packages are.
_OF_PIP = {"UV_DEFAULT_INDEX": "PIP_INDEX_URL", "UV_INDEX": "PIP_EXTRA_INDEX_URL"}


@dataclass(frozen=True, slots=True)
class Order:
    """One environment to be made: of this recipe, holding the project at this commit.

    `dates` are the recipe's for this commit and this Python: both are given.
    """

    recipe: Recipe
    commit: str
    interpreter: Interpreter
    log: Path
    dates: Dates | None = None


def uv() -> str:
    """Where uv is. Raises `CannotMeasureError` where it is not installed."""
    from uv import find_uv_bin

    try:
        return str(find_uv_bin())
    except FileNotFoundError as error:
        raise CannotMeasureError("uv is not installed", tip="pip install uv") from error


def asv_vars(instructions: Instructions, order: Order, folder: Path) -> dict[str, str]:
    """What asv sets for everything that it runs in an environment."""
    return {
        "ASV": "true",
        "ASV_PROJECT": instructions.project,
        "ASV_CONF_DIR": str(instructions.folder),
        "ASV_ENV_NAME": order.recipe.name,
        "ASV_ENV_DIR": str(folder),
        "ASV_ENV_TYPE": order.recipe.kind,
        "ASV_COMMIT": order.commit,
        "ASV_BUILD_DIR": str(folder / PROJECT / instructions.repo_subdir),
        "ASV_BUILD_CACHE_DIR": str(folder / _CACHE / order.commit),
    }


def environment(
    outer: Mapping[str, str], chosen: Mapping[str, str], own: Mapping[str, str], folder: Path
) -> dict[str, str]:
    """The environment of a process in an environment, as asv composes it.

    `chosen` is the user's and `own` asv's. The environment's programs go first on PATH, and PYTHONPATH
    is only what ASV_PYTHONPATH says.
    """
    env = {**outer, **chosen, **own, "PIP_USER": "false"}
    env["PATH"] = os.pathsep.join([str(folder / "bin"), *filter(None, [env.get("PATH")])])
    path = env.pop("ASV_PYTHONPATH", None)
    env.pop("PYTHONPATH", None)
    return env if path is None else env | {"PYTHONPATH": path}


class Installer:
    """Makes environments, one step a method. Steps raise `CommandFailedError`."""

    def __init__(self, instructions: Instructions, runner: Runner, uv: str) -> None:
        self._instructions = instructions
        self._runner = runner
        self._uv = uv

    def wheel(self, order: Order, folder: Path) -> str:
        """Build the project's wheel in the folder, without what it requires. Returns its name."""
        source = folder / PROJECT / self._instructions.repo_subdir
        if not source.is_dir():
            raise CommandFailedError(f"repo_subdir {source.name!r}: not there at this commit")
        words = ["build", "--wheel", "--no-sources", "--out-dir", str(folder)]
        words += _not_newer(order.dates.tools if order.dates else None)
        try:
            self._ask_uv(order, folder, *words, str(source))
        except CommandFailedError:
            # setuptools of then has built it, and uv does not take the version that it has.
            if not any(_UNNAMEABLE in line for line in last_lines(order.log)):
                raise
            return wheels.mend_version(_only_wheel(folder)).name
        return _only_wheel(folder).name

    def settle(
        self, order: Order, requirements: Sequence[str], wheel: Path | None, prefer: Sequence[str]
    ) -> tuple[str, ...]:
        """The versions to install besides the project: all that it and the requirements need.

        Those in `prefer` are chosen wherever the requirements allow it.
        """
        wanted = list(requirements)
        words = ["--no-header", "--no-annotate", "--no-strip-extras"]
        if wheel is not None:
            project = _project_of(wheel)
            wanted.append(f"{project} @ {wheel.as_uri()}")
            words += ["--no-emit-package", project]
        if not wanted:
            return ()
        with _work() as work:
            asked, settled = work / "asked.txt", work / "settled.txt"
            asked.write_text("\n".join(wanted) + "\n", encoding="utf-8")
            settled.write_text("\n".join(prefer) + "\n", encoding="utf-8")
            words += ["--quiet", str(asked), "--output-file", str(settled)]
            words += _not_newer(order.dates.requirements if order.dates else None)
            self._ask_uv(order, None, "pip", "compile", *words)
            lines = settled.read_text(encoding="utf-8").splitlines()
        return tuple(sorted(line.strip() for line in lines if line.strip()))

    def create(self, order: Order, folder: Path) -> None:
        """An empty virtual environment; the folder may hold the project's files already."""
        words = [
            sys.executable,
            "-P",
            "-m",
            "virtualenv",
            "--quiet",
            "--no-seed",
            "--no-vcs-ignore",
        ]
        words += ["--python", str(order.interpreter.path), str(folder)]
        env = {**os.environ, **order.recipe.build_vars, "ASV_ENV_DIR": str(folder)}
        # The user's own settings for virtualenv could clear the folder.
        env = {name: text for name, text in env.items() if not name.startswith("VIRTUALENV_")}
        env["VIRTUALENV_CONFIG_FILE"] = os.devnull
        self._runner.run(Command(tuple(words), env, folder), order.log)

    def install(
        self, order: Order, folder: Path, lock: Sequence[str], wheel: Path | None = None
    ) -> None:
        """Install exactly these versions, and the project."""
        python = folder / "bin" / "python"
        if lock:
            with _work() as work:
                listed = work / "settled.txt"
                listed.write_text("\n".join(lock) + "\n", encoding="utf-8")
                words = ["pip", "install", "--no-deps", "--requirement", str(listed)]
                # What comes without a wheel is built on the way, with tools of then.
                words += _not_newer(order.dates.requirements if order.dates else None)
                self._ask_uv(order, folder, *words, python=python)
        if wheel is not None:
            # Or a copy of every commit's wheel would stay in the user's cache of packages.
            words = [
                "pip",
                "install",
                "--no-deps",
                "--no-index",
                "--no-cache",
                "--link-mode",
                "copy",
            ]
            self._ask_uv(order, folder, *words, str(wheel), python=python)

    def build(self, order: Order, folder: Path) -> None:
        """Run the project's own build commands."""
        build_dir, cache = self._build_dirs(order, folder)
        cache.mkdir(parents=True, exist_ok=True)
        self._run_all(self._instructions.build or (), order, folder, build_dir)

    def install_by_command(self, order: Order, folder: Path) -> None:
        """Run the project's own install commands. Nothing is uninstalled first: all is new."""
        build_dir, _ = self._build_dirs(order, folder)
        self._run_all(self._instructions.install or (), order, folder, build_dir)

    def offer(self, order: Order, folder: Path, wheel: Path) -> None:
        """Put a wheel where commands find it as {wheel_file}."""
        _, cache = self._build_dirs(order, folder)
        cache.mkdir(parents=True, exist_ok=True)
        shutil.copy2(wheel, cache / wheel.name)

    def built_wheel(self, order: Order, folder: Path) -> Path:
        """The wheel that the project's own commands have built."""
        return _only_wheel(self._build_dirs(order, folder)[1])

    def _build_dirs(self, order: Order, folder: Path) -> tuple[Path, Path]:
        build_dir = folder / PROJECT / self._instructions.repo_subdir
        if not build_dir.is_dir():
            raise CommandFailedError(f"repo_subdir {build_dir.name!r}: not there at this commit")
        return build_dir, folder / _CACHE / order.commit

    def _run_all(
        self, commands: Sequence[str], order: Order, folder: Path, build_dir: Path
    ) -> None:
        from asv.util import UserError, interpolate_command, which

        own = asv_vars(self._instructions, order, folder)
        names = {key.removeprefix("ASV_").lower(): value for key, value in own.items()}
        names["wheel_dir"] = names["build_cache_dir"]
        wheels = sorted(Path(names["build_cache_dir"]).glob("*.whl"))
        if len(wheels) == 1:
            names["wheel_file"] = str(wheels[0])
        try:
            parsed = [interpolate_command(command, names) for command in commands]
        except (UserError, ValueError, IndexError) as error:
            if len(wheels) > 1:
                raise CommandFailedError(f"more than one wheel in {names['wheel_dir']}") from error
            raise InvalidInputError(f"asv.conf.json: {error}") from error
        for words, prefix, accepted, cwd in parsed:
            # As asv has it: only what is installed in the environment can be run by its name.
            try:
                program = words[0] if os.sep in words[0] else which(words[0], [str(folder / "bin")])
            except OSError as error:
                raise CommandFailedError(str(error)) from error
            env = environment(os.environ, {**order.recipe.build_vars, **prefix}, own, folder)
            codes = None if accepted is None else frozenset(accepted)
            where = Path(cwd) if cwd is not None else build_dir
            self._runner.run(Command((program, *words[1:]), env, where, codes), order.log)

    def _ask_uv(
        self, order: Order, folder: Path | None, *words: str, python: Path | None = None
    ) -> None:
        env = {**os.environ, **order.recipe.build_vars}
        for name in (*_NOT_FOR_UV, "PYTHONPATH"):
            env.pop(name, None)
        for name, of_pip in _OF_PIP.items():
            if of_pip in env and "UV_INDEX_URL" not in env:
                env.setdefault(name, env[of_pip])
        env |= {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
        if folder is not None:
            env |= asv_vars(self._instructions, order, folder)
        choice = ["--python", str(python or order.interpreter.path)]
        with _work() as work:
            # Elsewhere, for uv would read the settings of the project whose folder it is called in.
            self._runner.run(Command((self._uv, *words, *choice), env, work), order.log)


def _not_newer(moment: datetime | None) -> list[str]:
    return [] if moment is None else ["--exclude-newer", f"{moment:%Y-%m-%dT%H:%M:%SZ}"]


@contextmanager
def _work() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="odyssey-") as work:
        yield Path(work)


def _only_wheel(folder: Path) -> Path:
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) == 1:
        return wheels[0]
    found = f"{len(wheels)} wheels" if wheels else "no wheel"
    raise CommandFailedError(f"the build left {found} in {folder}")


def _project_of(wheel: Path) -> str:
    return distribution(wheel.name.partition("-")[0])


def installed(folder: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """What an environment holds, name to version, and which of it was built from the project."""
    packages: dict[str, str] = {}
    project = []
    sites = [str(path) for path in folder.glob("lib/*/site-packages")]
    for found in importlib.metadata.distributions(path=sites):
        if not (name := found.metadata["Name"]):
            continue
        packages[name] = found.version
        with suppress(ValueError, AttributeError):
            source = json.loads(found.read_text("direct_url.json") or "{}").get("url", "")
            if source.startswith(folder.parent.as_uri()):
                project.append(name)
    return dict(sorted(packages.items())), tuple(sorted(project))
