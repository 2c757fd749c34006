"""Small real projects with real benchmarks, and the real command run on them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

PYTHON = sys.executable
ODYSSEY = str(Path(PYTHON).parent / "odyssey")
# Measured as installed, with this interpreter: no build, so a run takes two seconds.
EXISTING = f"existing:{PYTHON}"

QUICK = """
def quick(function):
    function.number, function.repeat, function.warmup_time, function.rounds = 1, 2, 0, 1
    return function


"""
SUITE = """@quick
def time_add():
    sum(range(100))


time_add.rounds = 2


@quick
def time_power(n):
    n ** 2


time_power.params = [1, 2]
time_power.param_names = ["n"]


def track_three():
    return 3
"""
_TRACEBACK = re.compile(r"^Traceback \(most recent call last\)", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def paths(self) -> list[Path]:
        """The paths it printed."""
        return [self.folder / line for line in self.out.splitlines()]

    @property
    def document(self) -> Any:
        """The one result file it printed the path of, which must be strict JSON."""
        (path,) = self.paths
        return load(path)

    def words(self) -> str:
        return f"exit code {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


class Started(subprocess.Popen[str]):
    """A command that runs in `folder`."""

    folder: Path


def load(path: Path) -> Any:
    """A file of strict JSON."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{path}: {word} is not strict JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


@dataclass
class Project:
    """A git repository with an asv suite in a folder of its own, and a HOME beside it."""

    path: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    _seconds: int = 1_700_000_000

    @property
    def home(self) -> Path:
        return self.path.parent / f"{self.path.name}-home"

    @property
    def results(self) -> Path:
        return self.path / "benchmarks" / "results"

    @property
    def asv_results(self) -> Path:
        return self.path / ".asv" / "results"

    @property
    def calls(self) -> Path:
        """What benchmarks that leave a trace append to, outside the repository."""
        return self.path.parent / f"{self.path.name}-calls"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command: nothing of the person who runs the tests."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GIT_", "ODYSSEY_", "COLUMNS", "NO_COLOR", "FORCE_COLOR"))
        }
        name, mail = "A Tester", "tester@example.invalid"
        self._seconds += 60
        return kept | {
            "HOME": str(self.home),
            "CALLS": str(self.calls),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": mail,
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": mail,
            "GIT_AUTHOR_DATE": f"{self._seconds} +0000",
            "GIT_COMMITTER_DATE": f"{self._seconds} +0000",
        }

    def git(self, *words: str) -> str:
        answer = subprocess.run(
            ["git", *words], cwd=self.path, env=self.environment, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        return answer.stdout.strip()

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def suite(self, text: str, *, quick: bool = True) -> None:
        """Make this the whole suite; `@quick` takes one call a sample."""
        self.write("benchmarks/suite.py", (QUICK if quick else "") + text)

    def commit(self, message: str = "a change") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def start(self, *words: str, **more: Any) -> Started:
        """Start the command, in a session of its own, without waiting for it."""
        environment = self.environment | more.pop("env", {})
        options: dict[str, Any] = {
            "cwd": self.path, "env": environment, "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
            "start_new_session": True,
        }  # fmt: skip
        child = Started([ODYSSEY, *words], **(options | more))
        child.folder = Path(more.get("cwd", self.path))
        return child

    def odyssey(self, *words: str, **more: Any) -> Answer:
        """Run the command to its end. A traceback, ours or hidden, fails the test."""
        return finished(self.start(*words, **more))

    def here(self, *words: str) -> Answer:
        """As `odyssey`, in this process: for verbs that start nothing, where a process start would
        take most of the time."""
        from odyssey_asv.cli import cli
        from odyssey_asv.cli.exits import finish

        out, err, code = io.StringIO(), io.StringIO(), 0
        with (
            contextlib.chdir(self.path),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                finish(lambda: cli.main(list(words), prog_name="odyssey", standalone_mode=False))
            except SystemExit as end:
                code = int(end.code or 0)
        return _checked(Answer(code, out.getvalue(), err.getvalue(), self.path))

    def run(self, *words: str, **more: Any) -> Answer:
        """`odyssey run` on the project as it is installed."""
        return self.odyssey("run", "-E", EXISTING, *words, **more)

    def counted(self) -> list[str]:
        """The words that benchmarks appended to `calls`."""
        return self.calls.read_text(encoding="utf-8").split() if self.calls.exists() else []


def finished(child: Started, timeout_s: float = 120) -> Answer:
    """Wait for a command that was started and check what every command must keep."""
    try:
        out, err = child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    return _checked(Answer(child.returncode, out or "", err or "", child.folder))


def _checked(answer: Answer) -> Answer:
    assert not _TRACEBACK.search(answer.out + answer.err), answer.words()
    assert "this is a bug" not in answer.err, answer.words()
    return answer


def make(path: Path, suite: str = SUITE, **settings: Any) -> Project:
    """A project with one commit. `settings` are further keys of `asv.conf.json`."""
    project = Project(path, settings)
    project.home.mkdir()
    path.mkdir()
    project.git("init", "--quiet", "--initial-branch", "main")
    configuration = {
        "version": 1, "project": "tiny", "repo": ".", "branches": ["HEAD"],
        "environment_type": "virtualenv", "benchmark_dir": "benchmarks",
        "results_dir": ".asv/results", "env_dir": ".asv/env", "html_dir": ".asv/html",
    } | settings  # fmt: skip
    project.write("asv.conf.json", json.dumps(configuration, indent=4) + "\n")
    project.write(".gitignore", "/.asv/\n/.odyssey/\n/benchmarks/results/\n__pycache__/\n")
    project.write("benchmarks/__init__.py", "")
    project.suite(suite)
    project.commit("first")
    return project


def entries(document: Any) -> dict[str, Any]:
    """The entries of a result file by label: `suite.time_f(1)`."""
    found = {}
    for entry in document["benchmarks"]:
        values = ", ".join(entry["params"].values())
        found[entry["id"] + (f"({values})" if values else "")] = entry
    return found


def statuses(document: Any) -> dict[str, str]:
    """How each case ended, by its function's name with its parameters."""
    return {
        name.removeprefix("suite."): entry["status"] for name, entry in entries(document).items()
    }


def wait_for(happened: Callable[[], object], timeout_s: float = 30) -> None:
    """Wait until something is true, or fail."""
    deadline = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def family(pid: int) -> list[psutil.Process]:
    """A process and everything it has started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def gone(processes: list[psutil.Process]) -> bool:
    """Whether none of them runs any more."""
    return not any(
        process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes
    )
