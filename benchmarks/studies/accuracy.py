"""How often `asv continuous` and `odyssey check` are right, side by side on the same repositories.

Makes repositories whose slowdown between two commits is known, and twins whose two commits do the same
(see `subjects`). Runs both tools in turn on the same processor, optionally beside a process that comes
and goes on it, and counts. Every run can be kept in a log, so that many are collected in pieces.

`python -m benchmarks.studies.accuracy [--work python] [--runs N] [--same N] [--load] [--log FILE]`
`python -m benchmarks.studies.accuracy --summary FILE...`
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import itertools
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.studies import tally
from benchmarks.studies.commands import Commands, Said, load, version_of
from benchmarks.studies.subjects import FAMILIES, ONE, Family, family
from benchmarks.studies.tally import ASV, CHANGED, COLD, ODYSSEY, SAME, WARM, Run, Setting, Zone
from odyssey_asv.units import parse_fraction


@dataclass(frozen=True, slots=True)
class Job:
    """One turn: what both tools are to do, where."""

    family: Family
    what: str
    root: Path


@dataclass(slots=True)
class Study:
    """Runs jobs and keeps what they found, also in the file `log`."""

    commands: Commands
    zone: Zone
    load: bool
    with_asv: bool
    budget: tuple[str, ...]
    log: Path | None
    rng: random.Random
    runs: list[Run] = field(default_factory=list)

    def warm(self, job: Job) -> None:
        """Build every environment before any clock runs. Raises RuntimeError where that fails."""
        first = f"{job.family.cases[0].label.partition('(')[0]}$"
        tools = [(ODYSSEY, self.commands.odyssey(job.root, "-b", first, "--budget", "1"))]
        if self.with_asv:
            tools.append((ASV, self.commands.asv(job.root, "--quick", "-b", first)))
        for tool, said in tools:
            if said.complaint:
                raise RuntimeError(f"{tool}: exit code {said.exit_code}\n{said.complaint}")

    def turn(self, job: Job) -> None:
        """Both tools once, in random order."""
        turn = _now()
        tools = [ODYSSEY, ASV] if self.with_asv else [ODYSSEY]
        for tool in self.rng.sample(tools, len(tools)):
            if job.what == COLD:
                for folder in (".odyssey", "env", "asv-results"):
                    shutil.rmtree(job.root / folder, ignore_errors=True)
            if tool == ASV:
                said = self.commands.asv(job.root)
            else:
                said = self.commands.odyssey(job.root, *self.budget)
            self._note(job, turn, tool, said)

    def _note(self, job: Job, turn: str, tool: str, said: Said) -> None:
        if said.complaint:
            print(f"{tool}: exit code {said.exit_code}\n{said.complaint}", file=sys.stderr)
        counts = tally.count(job.family.cases, said.judged, job.what, self.zone)
        run = Run(
            date=_now(),
            turn=turn,
            tool=tool,
            version=version_of(tool),
            what=job.what,
            setting=Setting(job.family.name, self.zone, self.load, self.commands.cpu),
            seconds=round(said.seconds, 3),
            exit_code=said.exit_code,
            tallies=counts.tallies,
            sampling=None if said.sampling is None else round(said.sampling, 4),
            wrong=counts.wrong,
            undecided=counts.undecided,
            missing=counts.missing,
        )
        self.runs.append(run)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as log:
                log.write(run.line() + "\n")


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")


def study(options: argparse.Namespace, work: Path) -> Generator[list[Run], None, None]:
    """All runs so far, after each turn."""
    rng = random.Random(options.seed)
    zone, words = _zone(options)
    home = work / "home"
    home.mkdir()
    made = Study(
        commands=Commands(home, options.cpu, words),
        zone=zone,
        load=options.load,
        with_asv=not options.no_asv,
        budget=("--budget", str(options.budget)) if options.budget else (),
        log=options.log,
        rng=rng,
    )
    yield made.runs
    jobs = _cold(options, work) if options.cold else _jobs(options, work)
    for position, job in enumerate({job.root: job for job in jobs}.values()):
        job.family.make(job.root, slowed=job.what == CHANGED)
        if position == 0 and made.with_asv:
            made.commands.greet(job.root)
        made.warm(job)
    ends = time.monotonic() + 60 * options.minutes if options.minutes else None
    with load(options.cpu, wanted=options.load, seed=options.seed):
        for job in shuffled(jobs, rng, again=ends is not None):
            if ends is not None and time.monotonic() >= ends:
                break
            made.turn(job)
            yield made.runs


def _jobs(options: argparse.Namespace, work: Path) -> list[Job]:
    jobs: list[Job] = []
    for name in dict.fromkeys(options.work or ["python"]):
        subject = family(name)
        for what, number in ((CHANGED, options.runs), (SAME, options.same)):
            jobs += [Job(subject, what, work / f"{name}-{what}")] * number
    return jobs


def _cold(options: argparse.Namespace, work: Path) -> list[Job]:
    """From nothing and with the environments there, of a suite of one benchmark. What was downloaded once
    is there for both."""
    subject = family(ONE)
    number: int = options.cold
    return [Job(subject, what, work / f"{ONE}-{what}") for what in (COLD, WARM)] * number


def shuffled(jobs: Sequence[Job], rng: random.Random, *, again: bool) -> Iterator[Job]:
    """The jobs in random order, once or over and over."""
    for _ in itertools.count() if again and jobs else range(1):
        yield from rng.sample(jobs, len(jobs))


def _zone(options: argparse.Namespace) -> tuple[Zone, tuple[str, ...]]:
    """The zone and how `odyssey check` is told of it."""
    shares = {
        name: parse_fraction(text)
        for name in ("tolerance", "threshold")
        if (text := getattr(options, name)) is not None
    }
    words = itertools.chain(*((f"--{name}", str(float(share))) for name, share in shares.items()))
    return Zone(**{name: float(100 * share) for name, share in shares.items()}), tuple(words)


def main() -> int:
    """The command line."""
    options = _parser().parse_args()
    if options.summary:
        runs = [run for path in options.summary for run in tally.read(path)]
        print("\n".join(tally.table(runs)))
        return 0
    found: list[Run] = []
    code = 0
    with tempfile.TemporaryDirectory(
        prefix="odyssey-study-", ignore_cleanup_errors=True
    ) as work, contextlib.closing(study(options, Path(work))) as turns:  # fmt: skip
        try:
            for found in turns:  # noqa: B007 (used after an interruption)
                pass
        except KeyboardInterrupt:
            code = 130
    print("\n".join(tally.table(found)), flush=True)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--work", action="append", choices=FAMILIES, help="what is measured (default: python)"
    )
    parser.add_argument("--runs", type=int, default=10, help="of the repository with slowdowns")
    parser.add_argument("--same", type=int, default=10, help="of the one where nothing changed")
    parser.add_argument("--minutes", type=float, help="go on, shuffled, until they have passed")
    parser.add_argument(
        "--cold", type=int, metavar="N", help="instead: what one benchmark costs, from nothing"
    )
    parser.add_argument("--load", action="store_true", help="beside a process that comes and goes")
    parser.add_argument("--no-asv", action="store_true", help="run odyssey check alone")
    parser.add_argument("--cpu", type=int, help="run both tools on this processor only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tolerance", help="of odyssey check, 1%% for example")
    parser.add_argument("--threshold", help="of odyssey check")
    parser.add_argument("--budget", type=float, help="of odyssey check, in seconds")
    parser.add_argument("--log", type=Path, help="add every run to this file")
    parser.add_argument(
        "--summary", type=Path, nargs="+", metavar="FILE", help="measure nothing: the table of logs"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
