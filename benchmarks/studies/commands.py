"""Runs `asv continuous` and `odyssey check` in a repository of `subjects`, and reads what they say."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import json
import math
import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import odyssey_asv
from benchmarks.studies.tally import ASV, Judged

_ROW = re.compile(r"^\|([^|]*)\|[^|]*\|[^|]*\|\s*~?([^|]*?)\s*\|\s*([^|]*?)\s*\|$", re.MULTILINE)
_LOAD = """
import random, sys, time
rng = random.Random(int(sys.argv[1]))
while True:
    end = time.monotonic() + rng.uniform(0.2, 2.0)
    while time.monotonic() < end:
        sum(range(10000))
    time.sleep(rng.uniform(0.2, 2.0))
"""


@functools.cache
def version_of(tool: str) -> str:
    """The version of a tool; ours with the commit where it is run from a checkout."""
    if tool == ASV:
        return importlib.metadata.version("asv")
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    here = Path(__file__).parent
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    commit = done.stdout.strip()
    return f"{odyssey_asv.__version__}+{commit}" if commit else odyssey_asv.__version__


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said of each case, and what it took. `complaint` is why there is no verdict."""

    seconds: float
    exit_code: int
    judged: Mapping[str, Judged] = field(default_factory=dict)
    sampling: float | None = None
    complaint: str = ""


@dataclass(frozen=True, slots=True)
class Commands:
    """Both commands, on one processor, with a home of their own. `options` are of `odyssey check`."""

    home: Path
    cpu: int | None = None
    options: tuple[str, ...] = ()

    def asv(self, root: Path, *words: str) -> Said:
        """`asv continuous`. What it shows as slower is a regression, all else measured is not."""
        # What an earlier run measured must not stand for this one.
        results = root / "asv-results"
        shutil.rmtree(results, ignore_errors=True)
        command = ["asv", "continuous", "--interleave-rounds", *words, "main~1", "main"]
        done, seconds = self.run(command, root)
        if "SOME BENCHMARKS" not in done.stdout and "BENCHMARKS NOT" not in done.stdout:
            return Said(seconds, done.returncode, complaint=f"{done.stdout}\n{done.stderr}")
        judged = dict.fromkeys(measured_by_asv(results), Judged("unchanged"))
        judged |= {k: v for k, v in slower_by_asv(done.stdout).items() if k in judged}
        return Said(seconds, done.returncode, judged)

    def odyssey(self, root: Path, *words: str) -> Said:
        """`odyssey check`."""
        command = ["odyssey_asv", "check", "main", "--base", "main~1", "--json"]
        done, seconds = self.run([*command, *self.options, *words], root)
        try:
            document = json.loads(done.stdout)
        except ValueError:
            return Said(seconds, done.returncode, complaint=done.stderr)
        sampling = document["suite"]["sampling_s"] / seconds
        return Said(seconds, done.returncode, judged_by_odyssey(document), sampling)

    def greet(self, root: Path) -> None:
        """Tell asv about the machine, so that it does not ask."""
        self.run(["asv", "machine", "--yes"], root)

    def run(
        self, words: Sequence[str], root: Path
    ) -> tuple[subprocess.CompletedProcess[str], float]:
        """Run a module of Python in a repository; what it said, and its wall time."""
        env = {**os.environ, "HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": ""}
        started = time.monotonic()
        done = subprocess.run(
            [*_pinned(self.cpu), sys.executable, "-m", *words], cwd=root, env=env, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )  # fmt: skip
        return done, time.monotonic() - started


def slower_by_asv(output: str) -> dict[str, Judged]:
    """The rows that `asv continuous` marks with a plus, with their ratios."""
    return {
        name: Judged("regression", _number(ratio))
        for mark, ratio, name in _ROW.findall(output)
        if mark.strip() == "+"
    }


def measured_by_asv(results: Path) -> set[str]:
    """The cases that have a value at every commit of an asv results folder, two of them at least."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", odyssey_asv.BrokenResultWarning)
        found = [
            {
                _label(result.case.benchmark, [text for _, text in result.case.params])
                for result in results_of_commit.results
                if isinstance(result.value, (int, float)) and math.isfinite(result.value)
            }
            for results_of_commit in odyssey_asv.read_asv_tree(results)
        ]
    return set.intersection(*found) if len(found) > 1 else set()


def judged_by_odyssey(document: Mapping[str, object]) -> dict[str, Judged]:
    """The verdicts of a report as JSON."""
    cases = document["cases"]
    assert isinstance(cases, list)
    return {
        _label(case["id"], list(case["params"].values())): Judged(
            case["verdict"], case["ratio"], case["reason"]
        )
        for case in cases
    }


def _label(name: str, params: Sequence[str]) -> str:
    return f"{name}({', '.join(params)})" if params else name


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _pinned(cpu: int | None) -> list[str]:
    return [] if cpu is None else ["taskset", "-c", str(cpu)]


@contextlib.contextmanager
def load(cpu: int | None, *, wanted: bool, seed: int) -> Iterator[None]:
    """A process that comes and goes on the processor, while the block lasts."""
    if not wanted:
        yield
        return
    child = subprocess.Popen([*_pinned(cpu), sys.executable, "-c", _LOAD, str(seed)])
    try:
        yield
    finally:
        child.kill()
        child.wait()
