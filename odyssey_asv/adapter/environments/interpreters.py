"""Finds the Python that a recipe asks for, among those that are installed. Downloads none."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from odyssey_asv.errors import InvalidInputError

_PROBE = (
    "import json, platform, sys;"
    "print(json.dumps([getattr(sys, '_base_executable', None) or sys.executable,"
    " platform.python_version(), platform.python_implementation()]))"
)
_PROBE_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that works. `path` is no virtual environment but what one would be made from."""

    path: Path
    version: str
    implementation: str

    @property
    def identity(self) -> list[str]:
        return [os.path.realpath(self.path), self.version, self.implementation]


def find(python: str, uv: str) -> Interpreter:
    """The interpreter of a version ("3.11", "pypy3.10"), a name on PATH or a path; "" is the running one.

    As asv has it, `python3.11` on PATH goes before the running interpreter. One that does not start
    (a shim for a version that is not chosen) is passed over. Raises `InvalidInputError`.
    """
    looked_for: list[str] = []
    for candidate in _candidates(python, uv):
        if candidate in looked_for:
            continue
        looked_for.append(candidate)
        interpreter = _probe(candidate)
        if interpreter is not None and _fits(interpreter, python):
            return interpreter
    tried = f" (not usable: {', '.join(looked_for)})" if looked_for else ""
    raise InvalidInputError(
        f"no interpreter found for Python {python!r}{tried}",
        tip="install it, name one with --python PATH, or change `pythons` in asv.conf.json",
    )


def _candidates(python: str, uv: str) -> Iterator[str]:
    if not python:
        yield sys.executable
        return
    if os.sep in python:
        yield os.path.abspath(os.path.expanduser(python))  # noqa: PTH100, PTH111 (keeps symbolic links)
        return
    name = f"python{python}" if python[0].isdigit() else python
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = Path(folder or ".", name)
        if path.is_file() and os.access(path, os.X_OK):
            yield os.path.abspath(path)  # noqa: PTH100 (keeps symbolic links)
    if python[0].isdigit():
        yield sys.executable
        yield from (path for path in _of_pyenv() if _named(path, python))
    if known := _ask_uv(python, uv):
        yield known


def installed(uv: str) -> list[Interpreter]:
    """Every Python that works and can be found: on PATH, of pyenv, of uv, and the running one."""
    names = re.compile(r"python3\.\d+t?")
    found = [sys.executable, *_of_pyenv(), *_listed(uv)]
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        with suppress(OSError):
            found += [
                str(path) for path in Path(folder or ".").iterdir() if names.fullmatch(path.name)
            ]
    shims = _pyenv() / "shims"
    paths = [path for path in dict.fromkeys(found) if Path(path).parent != shims]
    return [interpreter for path in paths if (interpreter := _probe(path)) is not None]


def _pyenv() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def _of_pyenv() -> list[str]:
    """What pyenv has installed, newest first; its shims refuse all versions but those in use."""
    pythons = _pyenv().glob("versions/*/bin/python")
    return sorted(map(str, pythons), key=_numbers, reverse=True)


def _numbers(path: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", Path(path).parent.parent.name)]


def _named(path: str, python: str) -> bool:
    """Whether pyenv's folder has the name of the version asked for, or of one of its releases."""
    name = Path(path).parent.parent.name
    return name == python or name.startswith(f"{python}.")


def _listed(uv: str) -> list[str]:
    """What uv knows to be installed."""
    words = [uv, "python", "list", "--only-installed", "--no-config", "--output-format", "json"]
    with suppress(OSError, subprocess.SubprocessError, ValueError, TypeError, KeyError):
        answer = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=_PROBE_TIMEOUT_S, check=True,
        )  # fmt: skip
        return [entry["path"] for entry in json.loads(answer.stdout)]
    return []


def _ask_uv(python: str, uv: str) -> str | None:
    """uv knows interpreters that are on no PATH, such as those it has installed."""
    words = [uv, "python", "find", "--no-project", "--no-config", "--system", python]
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    with suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run(
            words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=_PROBE_TIMEOUT_S, check=True,
        )  # fmt: skip
        return answer.stdout.strip() or None
    return None


def _probe(path: str) -> Interpreter | None:
    with suppress(OSError, subprocess.SubprocessError, ValueError):
        answer = subprocess.run(
            [path, "-I", "-S", "-c", _PROBE], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=_PROBE_TIMEOUT_S, check=True,
        )  # fmt: skip
        base, version, implementation = json.loads(answer.stdout)
        return Interpreter(Path(base), version, implementation)
    return None


def _fits(interpreter: Interpreter, python: str) -> bool:
    """Whether it has the version asked for; a name or path means whatever it is."""
    if not python or not python[0].isdigit():
        return True
    wanted = python.rstrip("t").split(".")
    return interpreter.version.split(".")[: len(wanted)] == wanted
