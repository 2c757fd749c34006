"""How often `asv continuous` and `odyssey check` are right, side by side on one repository.

Makes a small repository of five kinds of work whose slowdown between two commits is known, and a twin
whose two commits do the same. Runs both tools in turn on the same processor, optionally beside a process
that comes and goes on it, and counts.

`python -m benchmarks.studies.accuracy [--runs N] [--same N] [--load] [--tolerance 1% --threshold 3%]`
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SLOWDOWNS = (0, 3, 5, 10, 20)

_WORK = {
    "integers": "s = 0\n    for i in range(n):\n        s += i * i % 7",
    "dictionary": "d = {}\n    for i in range(n):\n        d[i % 97] = i",
    "text": "s = ''.join([str(i) for i in range(n)])",
    "sorting": "s = sorted(range(n), key=lambda i: i * 7919 % 1009)",
    "objects": "s = [Thing(i) for i in range(n)]",
}
_SIZES = {"integers": 4000, "dictionary": 6000, "text": 3000, "sorting": 2500, "objects": 2500}
_CONFIG = {
    "version": 1,
    "project": "known",
    "repo": ".",
    "branches": ["main"],
    "environment_type": "virtualenv",
    "results_dir": "asv-results",
}
_PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "known"
version = "0.1"
"""
_LOAD = """
import random, sys, time
rng = random.Random(int(sys.argv[1]))
while True:
    end = time.monotonic() + rng.uniform(0.2, 2.0)
    while time.monotonic() < end:
        sum(range(10000))
    time.sleep(rng.uniform(0.2, 2.0))
"""


@dataclass
class Count:
    """How often one tool called a slowdown of each size a regression, and how long it took."""

    called: dict[int, list[bool]] = field(default_factory=dict)
    undecided: int = 0
    same_alarms: list[int] = field(default_factory=list)
    same_cases: int = 0
    changed_s: list[float] = field(default_factory=list)
    same_s: list[float] = field(default_factory=list)
    sampling: list[float] = field(default_factory=list)


def make(root: Path, slowdowns: Sequence[int]) -> None:
    """A repository of two commits; the second does `slowdowns` per cent more work, in turn."""
    root.mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    (root / "benchmarks").mkdir()
    (root / "pyproject.toml").write_text(_PYPROJECT)
    (root / "asv.conf.json").write_text(json.dumps(_CONFIG))
    (root / "benchmarks" / "__init__.py").write_text("")
    (root / ".gitignore").write_text(
        ".odyssey\nasv-results\nenv\nbuild\n*.egg-info\n__pycache__\nbenchmarks/results\n"
    )
    lines = ["import known", ""]
    for kind in _WORK:
        for slowdown in SLOWDOWNS:
            name = f"{kind}_{slowdown}"
            lines += ["", f"def time_{name}():", f"    known.{name}()", ""]
    (root / "benchmarks" / "suite.py").write_text("\n".join(lines))
    for number, message in enumerate(("first", "second")):
        (root / "known.py").write_text(
            _module(slowdowns if number else (0,) * len(SLOWDOWNS), message)
        )
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", message)


def _module(slowdowns: Sequence[int], message: str) -> str:
    parts = [f'"""{message}"""', "class Thing:\n    def __init__(self, i):\n        self.i = i"]
    for kind, body in _WORK.items():
        for nominal, slowdown in zip(SLOWDOWNS, slowdowns, strict=True):
            # The work grows as the size does; sorting nearly so.
            size = round(_SIZES[kind] * (1 + slowdown / 100))
            parts.append(f"def {kind}_{nominal}(n={size}):\n    {body}")
    return "\n\n\n".join(parts) + "\n"


def git(root: Path, *words: str) -> None:
    """Run git with an identity."""
    identity = ["-c", "user.name=A Study", "-c", "user.email=study@example.invalid"]
    subprocess.run(["git", *identity, *words], cwd=root, check=True, stdout=subprocess.DEVNULL)


@dataclass(frozen=True)
class Tools:
    """Both commands, on one processor, with a home of their own."""

    home: Path
    cpu: int | None
    options: tuple[str, ...]

    def run(
        self, words: Sequence[str], root: Path
    ) -> tuple[subprocess.CompletedProcess[str], float]:
        """Run one command in a repository; what it said, and its wall time."""
        pinned = ["taskset", "-c", str(self.cpu)] if self.cpu is not None else []
        env = {**os.environ, "HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": ""}
        started = time.monotonic()
        done = subprocess.run(
            [*pinned, sys.executable, "-m", *words], cwd=root, env=env, text=True,
            capture_output=True, check=False,
        )  # fmt: skip
        return done, time.monotonic() - started

    def asv(self, root: Path) -> tuple[dict[str, bool], float]:
        """Which benchmarks `asv continuous` calls slower."""
        words = ["asv", "continuous", "--interleave-rounds", "main~1", "main"]
        done, seconds = self.run(words, root)
        if "SOME BENCHMARKS" not in done.stdout and "BENCHMARKS NOT" not in done.stdout:
            raise RuntimeError(f"asv continuous: {done.returncode}\n{done.stdout}\n{done.stderr}")
        found = re.findall(r"^\|\s*\+.*?\|\s*suite\.time_(\w+)", done.stdout, re.MULTILINE)
        return dict.fromkeys(found, True), seconds

    def odyssey(self, root: Path, *words: str) -> tuple[dict[str, str], float, float]:
        """The verdict of `odyssey check` on each benchmark."""
        command = ["odyssey_asv", "check", "main", "--base", "main~1", "--json"]
        done, seconds = self.run([*command, *self.options, *words], root)
        if done.returncode not in (0, 1, 3):
            raise RuntimeError(f"odyssey check: {done.returncode}\n{done.stderr}")
        document = json.loads(done.stdout)
        verdicts = {case["name"]: case["verdict"] for case in document["cases"]}
        return verdicts, seconds, document["suite"]["sampling_s"] / seconds


@contextlib.contextmanager
def load(cpu: int | None, *, wanted: bool, seed: int) -> Iterator[None]:
    """A process that comes and goes on the processor, while the block lasts."""
    if not wanted:
        yield
        return
    pinned = ["taskset", "-c", str(cpu)] if cpu is not None else []
    child = subprocess.Popen([*pinned, sys.executable, "-c", _LOAD, str(seed)])
    try:
        yield
    finally:
        child.kill()
        child.wait()


def study(
    *, runs: int, same: int, loaded: bool, with_asv: bool, cpu: int | None,
    options: tuple[str, ...], seed: int = 0,
) -> list[str]:  # fmt: skip
    """The table, one line after another."""
    rng = random.Random(seed)
    ours, theirs = Count(), Count()
    with tempfile.TemporaryDirectory(prefix="odyssey-study-") as work:
        changed, unchanged, home = (
            Path(work, "changed"),
            Path(work, "unchanged"),
            Path(work, "home"),
        )
        home.mkdir()
        make(changed, SLOWDOWNS)
        make(unchanged, (0,) * len(SLOWDOWNS))
        tools = Tools(home, cpu, options)
        _warm(tools, (changed, unchanged), with_asv=with_asv)
        jobs = [(changed, False)] * runs + [(unchanged, True)] * same
        rng.shuffle(jobs)
        with load(cpu, wanted=loaded, seed=seed):
            for root, is_same in jobs:
                if with_asv:
                    slower, seconds = tools.asv(root)
                    verdicts = dict.fromkeys(_names(), "unchanged")
                    verdicts |= dict.fromkeys(slower, "regression")
                    _note(theirs, verdicts, seconds, is_same=is_same)
                verdicts, seconds, sampling = tools.odyssey(root)
                ours.sampling.append(sampling)
                _note(ours, verdicts, seconds, is_same=is_same)
    lines = [
        f"25 cases, {'a process comes and goes on the processor' if loaded else 'no load made'},"
        f" zone {' '.join(options) or '5 % to 10 %'}:"
    ]
    for name, count in (("asv continuous", theirs), ("odyssey check", ours)):
        lines += _lines(name, count)
    if with_asv:
        for what, mine, its in (
            ("with slowdowns", ours.changed_s, theirs.changed_s),
            ("unchanged", ours.same_s, theirs.same_s),
        ):
            if mine and its:
                ratio = statistics.median(m / t for m, t in zip(mine, its, strict=True))
                lines.append(f"  wall time over asv's, {what}: {ratio:.2f}")
    lines.append(f"  of odyssey's wall time sampling: {statistics.median(ours.sampling):.0%}")
    return lines


def _warm(tools: Tools, roots: Sequence[Path], *, with_asv: bool) -> None:
    """Build every environment before any clock runs."""
    if with_asv:
        tools.run(["asv", "machine", "--yes"], roots[0])
    for root in roots:
        tools.odyssey(root, "-b", "integers_0", "--budget", "1")
        if with_asv:
            words = ["asv", "continuous", "--quick", "-b", "integers_0", "main~1", "main"]
            tools.run(words, root)


def _names() -> list[str]:
    return [f"{kind}_{slowdown}" for kind in _WORK for slowdown in SLOWDOWNS]


def _note(count: Count, verdicts: dict[str, str], seconds: float, *, is_same: bool) -> None:
    alarms = {name for name, verdict in verdicts.items() if verdict == "regression"}
    count.undecided += sum(verdict == "inconclusive" for verdict in verdicts.values())
    if is_same:
        count.same_alarms.append(len(alarms))
        count.same_cases += len(verdicts)
        count.same_s.append(seconds)
        return
    count.changed_s.append(seconds)
    for name in verdicts:
        slowdown = int(name.rpartition("_")[2])
        count.called.setdefault(slowdown, []).append(name in alarms)


def _lines(name: str, count: Count) -> list[str]:
    if not count.changed_s and not count.same_s:
        return []
    lines = [f"  {name}"]
    for slowdown in SLOWDOWNS:
        called = count.called.get(slowdown, [])
        if called:
            lines.append(
                f"    true +{slowdown} %: called a regression in {share(sum(called), len(called))}"
            )
    if count.same_alarms:
        runs = sum(1 for alarms in count.same_alarms if alarms)
        lines.append(
            f"    unchanged code: {share(sum(count.same_alarms), count.same_cases)} of cases,"
            f" {share(runs, len(count.same_alarms))} of runs"
        )
    lines.append(f"    undecided: {count.undecided}")
    for what, seconds in (("with slowdowns", count.changed_s), ("unchanged", count.same_s)):
        if seconds:
            lines.append(
                f"    wall time {what}: {statistics.median(seconds):.1f} s"
                f" ({min(seconds):.1f} to {max(seconds):.1f})"
            )
    return lines


def share(hits: int, of: int) -> str:
    """`3 of 40 (7.5 %, 1.6 to 20.4)`: with the 95 % interval of Clopper and Pearson (1934)."""
    low = 0.0 if hits == 0 else _root(lambda p: _tail(hits, of, p) - 0.025)
    high = 1.0 if hits == of else _root(lambda p: 0.025 - (1.0 - _tail(hits + 1, of, p)))
    return f"{hits} of {of} ({hits / of:.1%}, {low:.1%} to {high:.1%})"


def _tail(hits: int, of: int, chance: float) -> float:
    """The probability of at least so many hits."""
    return math.fsum(
        math.comb(of, k) * chance**k * (1.0 - chance) ** (of - k) for k in range(hits, of + 1)
    )


def _root(rising: object) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)  # type: ignore[operator]
    return low


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="of the repository with slowdowns")
    parser.add_argument("--same", type=int, default=10, help="of the one where nothing changed")
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--no-asv", action="store_true")
    parser.add_argument("--cpu", type=int, help="run both tools on this processor only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tolerance")
    parser.add_argument("--threshold")
    options = parser.parse_args()
    zone: list[str] = []
    for name in ("tolerance", "threshold"):
        if getattr(options, name):
            zone += [f"--{name}", getattr(options, name)]
    for line in study(
        runs=options.runs, same=options.same, loaded=options.load, with_asv=not options.no_asv,
        cpu=options.cpu, options=tuple(zone), seed=options.seed,
    ):  # fmt: skip
        print(line, flush=True)


if __name__ == "__main__":
    main()
