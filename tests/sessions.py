"""Console blocks of the documents, each command with what it is said to print."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_BLOCK = re.compile(r"<!-- run -->\n```console\n(.*?)```", re.DOTALL)


def commands(document: str) -> list[tuple[str, str]]:
    """Each command of the marked blocks, with the output that follows it."""
    pairs: list[tuple[str, str]] = []
    for block in _BLOCK.findall(document):
        for line in block.splitlines():
            if line.startswith("$ "):
                pairs.append((line[2:], ""))
            else:
                command, shown = pairs[-1]
                pairs[-1] = command, f"{shown}{line}\n"
    return pairs


def without_pytest(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment that does not tell pytest inside of the one outside and its workers."""
    return {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}


def run_as_shown(command: str, shown: str, folder: Path, environment: Mapping[str, str]) -> int:
    """Run a command; it must print what is shown, where `...` stands for anything. Its exit code."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        shlex.split(command), cwd=folder, env={**without_pytest(environment), "PATH": path},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    matches = doctest.OutputChecker().check_output(shown, done.stdout, doctest.ELLIPSIS)
    assert matches, f"$ {command}\n--- shown\n{shown}\n--- printed\n{done.stdout}"
    return done.returncode
