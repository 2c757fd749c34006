"""How often `asv find` and `odyssey bisect` name the right commit, in turn on the same repositories.

Makes repositories whose history has a known culprit: linear, with commits that do not build, with the
culprit inside a merge, with a later fix, and with nothing changed. Their build is trivial.

`python -m benchmarks.studies.bisecting [--commits 64] [--step 15] [--searches N] [--load] [--cpu N]`
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.studies.commands import Commands, load
from benchmarks.studies.subjects import CONFIG, IGNORED, PYPROJECT, git
from benchmarks.studies.tally import share

SHAPES = ("linear", "unbuildable", "merge", "fix", "nothing")

_CODE = '''"""{number}"""


def work():
    total = 0
    for _ in range({units}):
        for i in range(40):
            total += i * i % 7
    return total
'''
_FOUND = re.compile(r"Greatest regression found: ([0-9a-f]+)")


@dataclass(frozen=True)
class History:
    """A repository with the hash of its culprit, None where nothing changed."""

    root: Path
    good: str
    culprit: str | None


def make(root: Path, shape: str, commits: int, step: int, rng: random.Random) -> History:
    """A history of `commits` commits after the good one; the culprit does `step` per cent more work."""
    (root / "benchmarks").mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    (root / "asv.conf.json").write_text(json.dumps(CONFIG))
    (root / ".gitignore").write_text(IGNORED)
    (root / "benchmarks" / "__init__.py").write_text("")
    (root / "benchmarks" / "suite.py").write_text(
        "import known\n\n\ndef time_work():\n    known.work()\n"
    )
    culprit = rng.randint(2, commits - 1)
    broken = set()
    if shape == "unbuildable":
        broken = {n for n in range(1, commits) if rng.random() < 0.1} - {culprit - 1, culprit}
    fixed = rng.randint(culprit + 1, commits) if shape == "fix" else None
    units = 100
    good = blamed = ""
    for number in range(commits + 1):
        if number == culprit and shape == "merge":
            blamed = _merge(root, number, units, units + step, rng)
            units += step
            continue
        if number == culprit and shape != "nothing":
            units += step
        if number == fixed:
            units -= step // 3
        (root / "pyproject.toml").write_text("[broken" if number in broken else PYPROJECT)
        commit = _commit(root, number, units)
        good = good or commit
        if number == culprit and shape != "nothing":
            blamed = commit
    return History(root, good, blamed or None)


def _commit(root: Path, name: object, units: int) -> str:
    (root / "known.py").write_text(_CODE.format(number=name, units=units))
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", f"commit {name}")
    return git(root, "rev-parse", "HEAD")


def _merge(root: Path, number: int, before: int, after: int, rng: random.Random) -> str:
    """A branch of five commits with the culprit among them, merged."""
    git(root, "checkout", "--quiet", "-b", "side")
    culprit = rng.randint(1, 5)
    blamed = ""
    for one in range(1, 6):
        commit = _commit(root, f"{number}.{one}", after if one >= culprit else before)
        blamed = commit if one == culprit else blamed
    git(root, "checkout", "--quiet", "main")
    git(root, "merge", "--quiet", "--no-ff", "--no-edit", "side")
    git(root, "branch", "--quiet", "--delete", "side")
    return blamed


@dataclass
class Score:
    """What one tool answered."""

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    builds: list[int] = field(default_factory=list)

    def lines(self, name: str) -> list[str]:
        count = len(self.seconds)
        parts = [
            f"{word} {share(self.answers[word], count)}"
            for word in ("right", "wrong", "range", "none", "crash")
            if self.answers[word]
        ]
        built = f", builds {statistics.median(self.builds):.0f}" if self.builds else ""
        built += f" (most {max(self.builds)})" if self.builds else ""
        return [
            f"  {name}: {'; '.join(parts)}",
            f"    {statistics.median(self.seconds):.0f} s ({min(self.seconds):.0f} to"
            f" {max(self.seconds):.0f}){built}",
        ]


@dataclass(frozen=True)
class Tools:
    """What both commands answer."""

    commands: Commands

    def asv(self, history: History) -> str:
        """What `asv find` answers."""
        done, _ = self.commands.run(
            ["asv", "find", f"{history.good}..main", "time_work"], history.root
        )
        found = _FOUND.search(done.stdout)
        if found is None:
            return "crash" if done.returncode else "none"
        right = history.culprit is not None and history.culprit.startswith(found[1])
        return "right" if right else "wrong"

    def odyssey(self, history: History) -> tuple[str, int]:
        """What `odyssey bisect` answers, and for how many commits it needed a build."""
        words = ["odyssey_asv", "bisect", f"{history.good}..main", "--json"]
        done, _ = self.commands.run(words, history.root)
        try:
            document = json.loads(done.stdout)
        except ValueError:
            print(done.stderr, file=sys.stderr)
            return "crash", 0
        named = [culprit["commit"] for culprit in document["culprits"]]
        builds = int(document["builds"])
        if named:
            return ("right" if named == [history.culprit] else "wrong"), builds
        if document["outcome"] == "range":
            return "range", builds
        return ("right" if history.culprit is None else "none"), builds


def study(options: argparse.Namespace, work: Path) -> Iterator[str]:
    """The table, one line after another, as soon as a shape is done."""
    rng = random.Random(options.seed)
    home = work / "home"
    home.mkdir()
    commands = Commands(home, options.cpu)
    tools = Tools(commands)
    for shape in options.shape or SHAPES:
        theirs, ours = Score(), Score()
        for number in range(options.searches):
            history = make(work / f"{shape}{number}", shape, options.commits, options.step, rng)
            if not options.no_asv:
                commands.greet(history.root)
                # Its environment, which it has only one of, is made before the clock runs.
                commands.run(["asv", "run", "--quick", f"{history.good}^!"], history.root)
            with load(options.cpu, wanted=options.load, seed=options.seed + number):
                if not options.no_asv:
                    started = time.monotonic()
                    theirs.answers[tools.asv(history)] += 1
                    theirs.seconds.append(time.monotonic() - started)
                started = time.monotonic()
                answer, builds = tools.odyssey(history)
                ours.answers[answer] += 1
                ours.seconds.append(time.monotonic() - started)
                ours.builds.append(builds)
            print(f"{shape} {number}: {answer}", file=sys.stderr, flush=True)
        loaded = ", a process comes and goes on the processor" if options.load else ""
        step = "nothing changed" if shape == "nothing" else f"+{options.step} %"
        yield f"{options.commits} commits, {shape}, {step}{loaded}:"
        if not options.no_asv:
            yield from theirs.lines("asv find")
        yield from ours.lines("odyssey bisect")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=64)
    parser.add_argument("--step", type=int, default=15, help="in per cent")
    parser.add_argument("--searches", type=int, default=5, help="of each shape")
    parser.add_argument("--shape", action="append", choices=SHAPES)
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--no-asv", action="store_true")
    parser.add_argument("--cpu", type=int, help="run both tools on this processor only")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="odyssey-study-", ignore_cleanup_errors=True) as work:
        for line in study(options, Path(work)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
