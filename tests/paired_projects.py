"""Repositories with a package to build and a suite to measure, and the real command run in them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from tests.projects import ODYSSEY

PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "subject"
version = "0.1"
"""
SUITE = """
import subject


class Work:
    params = [["one", "two"]]
    param_names = ["kind"]

    def time_work(self, kind):
        subject.work(kind)

    time_work.number = 40

def track_size():
    return subject.SIZE
"""
CODE = """
SIZE = 100


def work(kind):
    total = 0
    for i in range({turns}):
        total += i
    return total
"""
CONFIG: dict[str, Any] = {
    "version": 1,
    "project": "subject",
    "repo": ".",
    "branches": ["main"],
    "environment_type": "virtualenv",
    "results_dir": "asv-results",
}


# An installation that takes no time and no network, where it does not matter how the project is built.
_COPY = (
    'python -c "import shutil, sysconfig;'
    " shutil.copy('{build_dir}/subject.py', sysconfig.get_paths()['purelib'])\""
)
COPIED = {**CONFIG, "build_command": [], "install_command": [_COPY]}


class Project:
    """A repository with a base, a branch, and a suite."""

    def __init__(self, root: Path, config: Mapping[str, Any] = CONFIG) -> None:
        self.root = root
        root.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.write("pyproject.toml", PYPROJECT)
        self.write("asv.conf.json", json.dumps(config))
        self.write("subject.py", CODE.format(turns=300))
        self.write("benchmarks/__init__.py", "")
        self.write("benchmarks/suite.py", SUITE)
        self.write(".gitignore", ".odyssey\nbenchmarks/results\n__pycache__\nbuild\n*.egg-info\n")
        self.commit("one")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def git(self, *words: str) -> str:
        identity = ["-c", "user.name=A Test", "-c", "user.email=test@example.invalid"]
        done = subprocess.run(
            ["git", *identity, *words], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [ODYSSEY, *words], cwd=self.root, text=True, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "ODYSSEY_TEST_MARK": str(self.root)}

    def run(self, verb: str, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        child = self.start(verb, *words)
        out, err = child.communicate(timeout=300)
        assert "Traceback (most recent call last)" not in err, err
        return child.returncode, out, err

    def document(self, verb: str, *words: str, code: int) -> Any:
        """The JSON report of a command that must end with this code."""
        found, out, err = self.run(verb, "--json", *words)
        assert found == code, f"{found}\n{out}\n{err}"
        document = json.loads(out)
        assert document["exit_code"] == code
        return document

    def left_running(self) -> list[str]:
        """Processes that carry this project's mark."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("ODYSSEY_TEST_MARK") == str(self.root):
                    found.append(f"{process.pid} {process.cmdline()}")
            except psutil.Error:
                continue
        return found
