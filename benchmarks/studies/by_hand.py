"""Times a benchmark at two commits with a plain loop of `timeit`: what odyssey's answers are held against.

Two work trees of the repository stand beside each other. Each round starts a fresh process in either, in
turn, and takes the ratio of the two, of the processor's time. Nothing here imports or runs odyssey or asv.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

YES, NO, UNCLEAR = "yes", "no", "unclear"
_NOTICEABLE = 1.02
"""What the median must differ by: less is within what two equal work trees differ by."""

# Runs in the process that is timed, and on old versions of Python.
_LOOP = r"""
import json, re, subprocess, sys, time, timeit, types

source, select, path = sys.argv[1:]
sys.path.insert(0, path)
with open(source) as file:
    code = compile(file.read(), source, "exec")
# A module that can be found, which annotations of classes are resolved in.
sys.modules["suite"] = types.ModuleType("suite")
names = vars(sys.modules["suite"])
exec(code, names)

RAW = "import time; s = time.process_time(); exec({0!r}); print(time.process_time() - s)"


def raw(function):
    command = [sys.executable, "-c", "import sys; sys.path.insert(0, %r); " % path + RAW.format(function())]
    return min(float(subprocess.check_output(command)) for _ in range(6))


def plain(function):
    timer = timeit.Timer(function, timer=time.process_time)
    number = 1
    while True:
        seconds = timer.timeit(number)
        if seconds > 0.02:
            break
        number *= 2
    repeat = 5 if seconds < 1 else 0
    return min([seconds] + timer.repeat(repeat, number)) / number


def found():
    for name, thing in sorted(names.items()):
        if isinstance(thing, type):
            for method in sorted(vars(thing)):
                if method.startswith("time"):
                    yield thing.__name__ + "." + method, thing, method
        elif name.startswith("time") and callable(thing):
            yield name, None, name


times = {}
for label, kind, method in list(found()):
    if not re.search(select, label):
        continue
    if kind is None:
        function = names[method]
    else:
        one = kind()
        if hasattr(one, "setup"):
            one.setup()
        function = getattr(one, method)
    times[label] = (raw if method.startswith("timeraw") else plain)(function)
print(json.dumps(times))
"""


class NotTimedError(Exception):
    """A commit on which the benchmark cannot be timed, with the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Suite:
    """Benchmarks that `select` finds. `requires` is installed; `path` has the packages of a work tree."""

    source: str
    select: str
    python: str
    path: str = "."
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ratio:
    """How the second commit compares with the first: the median, least and greatest of the rounds."""

    label: str
    before_s: float
    after_s: float
    median: float
    low: float
    high: float

    def changed(self, *, improvement: bool) -> str:
        """Whether the second commit is slower, or faster: all rounds must agree."""
        median, least = (1 / self.median, 1 / self.high) if improvement else (self.median, self.low)
        if median < _NOTICEABLE:
            return NO
        return YES if least > 1 else UNCLEAR

    def __str__(self) -> str:
        times = f"{self.before_s:.3g} s to {self.after_s:.3g} s"
        return f"{self.label} x{self.median:.3g} ({self.low:.3g} to {self.high:.3g}), {times}"


def compare(
    repository: Path, before: str, after: str, suite: Suite, *, rounds: int = 5, limit: float = 120
) -> list[Ratio]:
    """The ratios of all selected benchmarks. Raises `NotTimedError`."""
    with tempfile.TemporaryDirectory(prefix="by-hand-", ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        loop, source = work / "loop.py", work / "suite_by_hand.py"
        loop.write_text(_LOOP, encoding="utf-8")
        source.write_text(suite.source, encoding="utf-8")
        python = _python(work, suite)
        with _work_tree(repository, before, work / "before") as one, _work_tree(
            repository, after, work / "after"
        ) as two:  # fmt: skip
            sides = (one / suite.path, two / suite.path)
            times: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
            for turn in range(rounds):
                # In turn, each first as often as the other, so that drift falls on both.
                for side in (0, 1) if turn % 2 == 0 else (1, 0):
                    command = [python, str(loop), str(source), suite.select, str(sides[side])]
                    times[side].append(_time(command, work, (before, after)[side], limit))
    return _ratios(*times)


def _ratios(before: Sequence[dict[str, float]], after: Sequence[dict[str, float]]) -> list[Ratio]:
    found = []
    for label in before[0]:
        if not all(label in times for times in after):
            continue
        ratios = [two[label] / one[label] for one, two in zip(before, after, strict=True)]
        found.append(
            Ratio(
                label=label,
                before_s=statistics.median(times[label] for times in before),
                after_s=statistics.median(times[label] for times in after),
                median=statistics.median(ratios),
                low=min(ratios),
                high=max(ratios),
            )
        )
    if not found:
        raise NotTimedError("no benchmark was selected")
    return found


def _time(command: list[str], work: Path, commit: str, limit: float) -> dict[str, float]:
    try:
        done = subprocess.run(
            command, cwd=work, capture_output=True, text=True, check=False, timeout=limit,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise NotTimedError(f"{commit}: no answer within {limit:g} s") from error
    if done.returncode:
        raise NotTimedError(f"{commit}: {done.stderr.strip()[-600:]}")
    times: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return times


def _python(work: Path, suite: Suite) -> str:
    home = work / "environment"
    python = str(home / "bin" / "python")
    env = {**os.environ, "PATH": search_path()}
    commands = [["venv", "--quiet", "--no-python-downloads", "--python", suite.python, str(home)]]
    if suite.requires:
        commands.append(["pip", "install", "--quiet", "--python", python, *suite.requires])
    for command in commands:
        done = subprocess.run(
            [find_uv_bin(), *command],
            cwd=work,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NotTimedError(done.stderr.strip())
    return python


def search_path() -> str:
    """PATH with the Pythons of pyenv before its shims, which refuse versions that are not chosen."""
    folders = sorted(map(str, Path.home().glob(".pyenv/versions/*/bin")), reverse=True)
    return os.pathsep.join([*folders, os.environ["PATH"]])


@contextmanager
def _work_tree(repository: Path, commit: str, folder: Path) -> Iterator[Path]:
    git = ["git", "-C", str(repository)]
    add = [*git, "worktree", "add", "--quiet", "--detach", "--force", str(folder), commit]
    done = subprocess.run(add, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotTimedError(f"{commit}: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run([*git, "worktree", "remove", "--force", str(folder)], check=False)
