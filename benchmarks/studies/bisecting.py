"""How often `asv find` and `odyssey bisect` name the right commit, in turn on the same repositories.

Makes repositories whose history has a known culprit: linear, with commits that do not build, with the
culprit inside a merge, with a later fix, and with nothing changed. Their build is trivial.

`python -m benchmarks.studies.bisecting [--commits 64] [--step 15] [--searches N] [--load] [--log FILE]`
`python -m benchmarks.studies.bisecting --summary FILE...`
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import itertools
import json
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.studies.commands import Commands, load, version_of
from benchmarks.studies.subjects import CONFIG, IGNORED, PYPROJECT, git
from benchmarks.studies.tally import share

ASV, ODYSSEY = "asv find", "odyssey bisect"
ANSWERS = ("right", "wrong", "range", "none", "crash")
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
    small: bool = False
    """Whether what a fix leaves is within the default zone, so that a finer one must be asked for."""


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
    return History(root, good, blamed or None, small=shape == "fix" and step - step // 3 < 10)


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


@dataclass(frozen=True, slots=True)
class Search:
    """One search by one tool; `builds` is None where the tool does not tell."""

    date: str
    tool: str
    commits: int
    shape: str
    step: int
    load: bool
    answer: str
    seconds: float
    builds: int | None = None
    version: str = ""

    @property
    def setting(self) -> str:
        """What is counted together."""
        loaded = ", a process comes and goes on the processor" if self.load else ""
        step = "nothing changed" if self.shape == "nothing" else f"+{self.step} %"
        return f"{self.commits} commits, {self.shape}, {step}{loaded}:"


def read(path: Path) -> list[Search]:
    """The searches of a log, a line of JSON each."""
    return [Search(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def table(searches: Sequence[Search]) -> list[str]:
    """What was found, by setting and tool, as they come first."""
    lines: list[str] = []
    for setting in dict.fromkeys(search.setting for search in searches):
        lines.append(setting)
        of_setting = [search for search in searches if search.setting == setting]
        for tool in dict.fromkeys(search.tool for search in of_setting):
            lines += _score([search for search in of_setting if search.tool == tool])
    return lines


def _score(searches: Sequence[Search]) -> list[str]:
    answers = Counter(search.answer for search in searches)
    parts = [f"{word} {share(answers[word], len(searches))}" for word in ANSWERS if answers[word]]
    seconds = [search.seconds for search in searches]
    builds = [search.builds for search in searches if search.builds is not None]
    built = f", builds {statistics.median(builds):.0f} (most {max(builds)})" if builds else ""
    return [
        f"  {searches[0].tool}: {'; '.join(parts)}",
        f"    {statistics.median(seconds):.0f} s ({min(seconds):.0f} to {max(seconds):.0f}){built}",
    ]


@dataclass(frozen=True)
class Tools:
    """What both commands answer."""

    commands: Commands

    def ask(self, tool: str, history: History) -> tuple[str, int | None]:
        """What it answers, and for how many commits it needed a build where it tells."""
        return (self.asv(history), None) if tool == ASV else self.odyssey(history)

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
        if history.small:
            words += ["--tolerance", "2.5%", "--threshold", "5%"]
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


def study(options: argparse.Namespace, work: Path) -> Generator[Search, None, None]:
    """Each search as soon as it is done; of each shape one, then of each another."""
    rng = random.Random(options.seed)
    home = work / "home"
    home.mkdir()
    commands = Commands(home, options.cpu)
    tools = Tools(commands)
    shapes: Sequence[str] = options.shape or SHAPES
    for number, shape in itertools.product(range(options.searches), shapes):
        history = make(work / f"{shape}{number}", shape, options.commits, options.step, rng)
        if not options.no_asv:
            commands.greet(history.root)
            # Its environment, which it has only one of, is made before the clock runs.
            commands.run(["asv", "run", "--quick", f"{history.good}^!"], history.root)
        with load(options.cpu, wanted=options.load, seed=options.seed + number):
            for tool in (ODYSSEY,) if options.no_asv else (ASV, ODYSSEY):
                started = time.monotonic()
                answer, builds = tools.ask(tool, history)
                yield Search(
                    date=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                    tool=tool,
                    commits=options.commits,
                    shape=shape,
                    step=options.step,
                    load=options.load,
                    answer=answer,
                    seconds=round(time.monotonic() - started, 1),
                    builds=builds,
                    version=version_of(tool),
                )
        shutil.rmtree(history.root, ignore_errors=True)


def main() -> int:
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
    parser.add_argument("--log", type=Path, help="add every search to this file")
    parser.add_argument(
        "--summary", type=Path, nargs="+", metavar="FILE", help="measure nothing: the table of logs"
    )
    options = parser.parse_args()
    if options.summary:
        print("\n".join(table([search for path in options.summary for search in read(path)])))
        return 0
    found: list[Search] = []
    code = 0
    with tempfile.TemporaryDirectory(
        prefix="odyssey-study-", ignore_cleanup_errors=True
    ) as work, contextlib.closing(study(options, Path(work))) as searches:  # fmt: skip
        try:
            for search in searches:
                found.append(search)
                line = json.dumps(asdict(search))
                print(line, file=sys.stderr, flush=True)
                if options.log:
                    with options.log.open("a", encoding="utf-8") as log:
                        log.write(line + "\n")
        except KeyboardInterrupt:
            code = 130
    print("\n".join(table(found)), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
