"""One check under way: its environments, the paired measurement in each, what came of it."""

from __future__ import annotations

import math
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from odyssey_asv.adapter import machine
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.environments import Kept, Workshop
from odyssey_asv.adapter.provenance import hardware
from odyssey_asv.changed.changes import left_out
from odyssey_asv.changed.reach import Reach
from odyssey_asv.checking.plan import Plan
from odyssey_asv.config import Config
from odyssey_asv.findings import Check, Effort, worst_first
from odyssey_asv.model import ResultSet, Run, RunKind, Status
from odyssey_asv.pairs import evidence
from odyssey_asv.pairs.arena import Arena, arena, suite_of
from odyssey_asv.pairs.discovery import compared, described
from odyssey_asv.pairs.evidence import Promise
from odyssey_asv.pairs.pairing import Engine, Watcher
from odyssey_asv.pairs.trials import CONTENDER, Settings, Trial, trials
from odyssey_asv.policy import Verdict
from odyssey_asv.probes.machine import cores, load
from odyssey_asv.repository import Repository
from odyssey_asv.sharding.portions import Portion
from odyssey_asv.store import results as store
from odyssey_asv.store.results import now
from odyssey_asv.workspace import nothing_selected

_USUAL_BLOCKS = 7
"""After which most unchanged cases are let go."""


class Observer(Watcher):
    """Told of environments as well."""

    def environment(self, side: str, step: str) -> None:
        """A side's environment is found, waited for, built or installed."""

    def measuring(self, environment: str, of: int) -> None:
        """Measuring begins in one of so many environments."""

    def warned(self, text: str) -> None:
        """What the report will say as well, while there is still time to do something about it."""

    def kept(self, builds: Sequence[Kept]) -> None:
        """Something was built; this is all that is on disk now, wheels too."""


@dataclass(slots=True)
class Session:
    """One check under way."""

    plan: Plan
    settings: Settings
    observer: Observer
    arenas: list[Arena] = field(default_factory=list)
    engines: list[Engine] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    portion: Portion | None = None
    rng: random.Random = field(init=False)
    load: float | None = field(init=False)
    promise: Promise = field(init=False)
    sets: list[tuple[ResultSet, ResultSet]] = field(default_factory=list)
    spent: bool = False
    reasons: Counter[str | None] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.plan.seed)  # noqa: S311 (drawn samples, no secrets)
        self.warnings += self.plan.warnings
        self.load = load()

    def measure(self, deadline: float) -> None:
        """Measure in one environment after the other, each with an even share of the time left."""
        found = [trial for place in self.arenas for trial in place.trials]
        whole = [trial for place in self.arenas for trial in place.whole]
        if not whole and not self.reasons:
            raise nothing_selected(self.plan.options.benches, self.warnings)
        # What is promised holds for all shards together, so each judges as one of many cases.
        gated = sum(trial.gated for trial in whole)
        self.promise = Promise(cases=gated, alarm=1.0 - self.plan.confidence, every=len(whole))
        self.observer.planned(len(found), sum(trial.gated for trial in found))
        deadline = min(deadline, time.monotonic() + self.plan.budget_s)
        groups = [(place, *group) for place in self.arenas for group in place.groups]
        told = None
        for left, (place, sides, together) in zip(range(len(groups), 0, -1), groups, strict=True):
            if place is not told:
                self.observer.measuring(place.name, len(self.arenas))
                told = place
            now = time.monotonic()
            engine = Engine(
                sides,
                together,
                self.settings,
                partial(self._enough, together),
                self.rng,
                self.observer,
                permitted=self.promise.of_failures,
            )
            self.engines.append(engine)
            share_s = (deadline - now) / left
            engine.run(now + share_s, paced=partial(self._paced, share_s))
        self.spent = time.monotonic() >= deadline

    def _paced(self, share_s: float, round_s: float) -> None:
        """Say after the first round that there will not be time for as many as are needed."""
        if round_s * _USUAL_BLOCKS <= share_s:
            return
        needed_s = round_s * self.promise.least
        text = (
            f"a round takes {round_s:.0f} s here, and a regression needs {self.promise.least}: with"
            f" {share_s:.0f} s much will stay undecided; --budget {math.ceil(needed_s / 60) * 60},"
            " or fewer benchmarks with -b"
        )
        self.warnings.append(text)
        self.observer.warned(text)

    def chosen(self, found: list[Trial]) -> list[Trial]:
        """The trials that reach a changed file, where only those are wanted."""
        if self.plan.reach is None:
            return found
        whys = [self.plan.reach.why(trial.benchmark.id) for trial in found]
        self.reasons.update(whys)
        return [trial for trial, why in zip(found, whys, strict=True) if why is not None]

    def _enough(self, together: Sequence[Trial], trial: Trial) -> bool:
        """Whether a case is decided. One that is not gated changes no exit code, so nothing is measured for
        it alone, beyond what shows anything at all."""
        if trial.judge(self.settings, self.promise):
            return True
        return (
            not trial.gated
            and not self.settings.thorough
            and len(trial.blocks) >= evidence.LOOKS[0]
            and not any(other.gated and not other.done for other in together)
        )

    def record(self, *, whole: bool) -> None:
        """Make a result set of each side in each environment; measuring is over."""
        plan, record = self.plan, machine.describe(self.plan.options.machine)
        run = Run(
            kind=RunKind.PAIRED,
            complete=whole,
            budget_s=plan.budget_s,
            selection=plan.options.benches,
        )
        for place in self.arenas:
            for trial in place.trials:
                trial.choose_clock(self.settings.clock)
            first, second = (
                place.result_set(side, plan.commits[side], run, record) for side in (0, 1)
            )
            self.sets.append((first, second))

    def store_or_warn(self, folder: Path) -> tuple[Path, ...]:
        """As `store`; what cannot be written takes nothing from the verdict."""
        try:
            return self.store(folder)
        except OSError as error:
            self.warnings.append(f"the results are not stored: {error.strerror}: {error.filename}")
            return ()

    def store(self, folder: Path) -> tuple[Path, ...]:
        """Write a result file for each set in which anything was measured."""
        return tuple(
            store.save_in(results, folder)
            for pair in self.sets
            for results in pair
            if any(r.status is not Status.NOT_SELECTED for r in results.results)
        )

    def look_for_untracked(self, repository: Repository) -> None:
        """Warn of files of the working tree that git does not track, and that are therefore missing in what
        was measured, where a case fails for want of a module of that name."""
        faults = [f for place in self.arenas for t in place.trials for f in t.faults[CONTENDER]]
        modules = {name for fault in faults for name in _modules_missed(fault.reason)}
        if not self.plan.from_tree or not modules:
            return
        wanted = {f"{m.replace('.', '/')}{end}" for m in modules for end in (".py", "/__init__.py")}
        self.warnings += [
            f"{path} is not tracked by git, so it is not part of what was measured: git add {path}"
            for path in repository.untracked_paths()
            if any(f"/{path}".endswith(f"/{name}") for name in wanted)
        ]

    def conclude(self, wall_s: float) -> Check:
        """The findings of everything that was measured, worst first."""
        several = len({place.name for place in self.arenas}) > 1
        found = [
            replace(finding, environment=place.name if several else None)
            for place in self.arenas
            for trial in place.trials
            if (finding := trial.finding(self.settings, self.promise)) is not None
        ]
        return Check(
            base=tuple(first for first, _ in self.sets),
            contender=tuple(second for _, second in self.sets),
            findings=tuple(sorted(found, key=worst_first)),
            effort=Effort(
                wall_s=wall_s,
                sampling_s=sum(engine.sampling_s for engine in self.engines),
                processes=sum(engine.processes for engine in self.engines),
                budget_s=self.plan.budget_s,
                spent=self.spent,
                load=self.load,
                cores=cores(),
            ),
            confidence=self.plan.confidence,
            warnings=tuple(dict.fromkeys(self.warnings)),
            same=self.plan.options.same,
            strict=self.plan.options.strict,
            seed=self.plan.seed,
            left_out=None if self.plan.reach is None else left_out(self.plan.reach, self.reasons),
        )


def arenas(  # noqa: PLR0913, PLR0917 (all that a check has)
    plan: Plan, config: Config, asv: AsvConfig, workshop: Workshop, work: Path, session: Session
) -> Iterator[Arena]:
    """Each pair of environments with its trials. All are built before the first is looked into."""
    pairs = []
    for recipe in plan.recipes:
        base, contender, differing = workshop.pair(
            recipe,
            plan.base,
            plan.contender,
            fresh=plan.options.fresh,
            on_step=session.observer.environment,
        )
        session.warnings += differing
        pairs.append((base, contender))
    if not all(built.reused for pair in pairs for built in pair):
        session.observer.kept(workshop.contents())
    for number, pair in enumerate(pairs):
        # The benchmarks of the working tree go with its code.
        suite = asv.benchmark_dir if plan.from_tree else suite_of(asv, plan.repository, pair[1])
        own = suite_of(asv, plan.repository, pair[0])
        place = arena(pair, suite, config.state, work / str(number))
        place.own = own if _differs(own, suite) else None
        found = compared(place.sides, place.own, session.rng)
        session.warnings += [
            f"benchmarks of {module or suite.name} are left out: {described(fault, place.sides[1])}"
            for module, fault in found.faults.items()
        ]
        together = session.chosen(trials(found.records, session.settings))
        place.of_base = session.chosen(trials(found.of_base, session.settings))
        gone = session.chosen(trials(found.removed, session.settings))
        for trial in gone:
            trial.fate, trial.done = (
                (Verdict.REMOVED, "the contender's suite has no such benchmark"),
                True,
            )
            trial.missing.add(CONTENDER)
        place.trials = place.whole = [*together, *place.of_base, *gone]
        yield place


def _differs(own: Path, suite: Path) -> bool:
    """Whether a file of one suite is not, or not the same, in another."""
    if own == suite:
        return False
    for path in own.rglob("*.py"):
        other = suite / path.relative_to(own)
        if not other.is_file() or other.read_bytes() != path.read_bytes():
            return True
    return False


_NO_MODULE = re.compile(r"No module named '([\w.]+)'")
_NO_NAME = re.compile(
    r"cannot import name '(\w+)' from (?:partially initialized module )?'([\w.]+)'"
)


def _modules_missed(said: str) -> Iterator[str]:
    """The modules that an exception may be for want of."""
    yield from _NO_MODULE.findall(said)
    for name, package in _NO_NAME.findall(said):
        yield f"{package}.{name}"


def unmeasured(plan: Plan, reach: Reach, wall_s: float) -> Check:
    """The answer where nothing has to be measured, nor anything built to find that out."""
    environment = hardware(machine.describe())
    sides = (
        (ResultSet(now(), commit, environment, Run(kind=RunKind.PAIRED), {}, ()),)
        for commit in plan.commits
    )
    return Check(
        base=next(sides),
        contender=next(sides),
        findings=(),
        effort=Effort(wall_s, 0.0, 0, plan.budget_s),
        confidence=plan.confidence,
        strict=plan.options.strict,
        seed=plan.seed,
        left_out=left_out(reach, None),
    )
