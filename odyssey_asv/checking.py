"""`odyssey check`: which two commits, their environments, the paired measurement, the verdict. Prints
nothing."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import IO, Any

from odyssey_asv import pairing, slicing
from odyssey_asv.adapter import machine
from odyssey_asv.adapter.asv_config import AsvConfig, check_suite
from odyssey_asv.adapter.environments import Kept, Recipe, Workshop, recipes
from odyssey_asv.adapter.provenance import hardware
from odyssey_asv.arena import Arena, arena, suite_of, work_folder
from odyssey_asv.changes import Sides, left_out, survey
from odyssey_asv.config import Config
from odyssey_asv.errors import InterruptedRunError, InvalidInputError, OdysseyError
from odyssey_asv.evidence import Promise
from odyssey_asv.findings import Check, Clock, Effort, worst_first
from odyssey_asv.model import Commit, Metric, ResultSet, Run, RunKind, Status
from odyssey_asv.noise import keep_noise
from odyssey_asv.pairing import Engine, Watcher
from odyssey_asv.policy import Policy
from odyssey_asv.portions import Portion
from odyssey_asv.project import open_project
from odyssey_asv.reach import Reach
from odyssey_asv.repository import Repository
from odyssey_asv.shards import Shard
from odyssey_asv.store import results as store
from odyssey_asv.store.baselines import Baselines
from odyssey_asv.store.results import now
from odyssey_asv.trials import Settings, Trial, trials
from odyssey_asv.workspace import (
    check_expressions,
    check_machine,
    check_writable,
    nothing_selected,
    repository_of,
    start_state,
)

_USUAL_BLOCKS = 7
"""After which most unchanged cases are let go."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a user asks of a check; None where the configuration is to decide."""

    contender: str | None = None
    base: str | None = None
    benches: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    python: str | None = None
    budget_s: float | None = None
    tolerance: Fraction | None = None
    threshold: Fraction | None = None
    gate: frozenset[Metric] | None = None
    confidence: float | None = None
    clock: Clock | None = None
    cpu: int | None = None
    seed: int | None = None
    same: bool = False
    strict: bool = False
    fresh: bool = False
    changed: bool = False
    shard: Shard | None = None
    durations: Path | None = None
    machine: str | None = None
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a check is going to do. `base` and `contender` are what to build, `commits` what to call
    them: a working tree with changes is built from a commit that no reference reaches. `reach` says which
    benchmarks need measuring, None where all do."""

    repository: Path
    base: str
    contender: str
    commits: tuple[Commit, Commit]
    why: str
    recipes: tuple[Recipe, ...]
    policy: Policy
    options: Options
    confidence: float
    budget_s: float
    clock: Clock
    seed: int
    from_tree: bool
    reach: Reach | None = None


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


def check(
    contender: str | None = None,
    base: str | None = None,
    *,
    folder: str | Path = ".",
    observer: Observer | None = None,
    **options: Any,
) -> Check:
    """What `odyssey check` does, for the project in `folder`: build, measure in pairs, judge, store.

    `options` are those of `Options`: `benches=("time_add",)`, `budget_s=60`, `same=True` … Raises
    `InvalidInputError`, `CannotMeasureError`, `InterruptedRunError`.
    """
    config, asv = open_project(Path(folder))
    plan = prepare(config, asv, Options(contender, base, **options))
    found, _ = execute(plan, config, asv, observer or Observer())
    return found


def prepare(config: Config, asv: AsvConfig, options: Options) -> Plan:
    """Find out what is to be compared. Builds and measures nothing.

    Raises `InvalidInputError` for unknown commits, where nothing differs, and the like.
    """
    check_suite(asv)
    check_expressions(options.benches)
    _check_zone(config, options)
    if options.machine is not None:
        check_machine(options.machine)
    policy = config.policy(tolerance=options.tolerance, threshold=options.threshold)
    if options.gate is not None:
        policy = replace(policy, gate=options.gate)
    location = repository_of(asv)
    with Repository(location, search_parents=False) as repository:
        tree = _contender(repository, asv, options)
        base, why = _base(repository, config, asv, options, tree.commit)
        if options.same and options.changed:
            raise InvalidInputError(
                "code against itself has no changed files", tip="leave out --changed, or --self"
            )
        if options.same:
            base, why = tree.built, "the same code, against itself"
        elif base == tree.built:
            raise InvalidInputError(
                f"nothing differs: {base[:8]} is both base and contender",
                tip="name another base, --base HEAD~1, or measure the noise: --self",
            )
        commits = (
            repository.describe(tree.commit if options.same else base, dirty=False),
            repository.describe(tree.commit, dirty=tree.built != tree.commit),
        )
        places = tuple(recipes(asv, environments=options.environments, python=options.python))
        sides = Sides(base, tree.built, from_tree=tree.here)
        reach = survey(repository, asv, config, sides, places) if options.changed else None
    return Plan(
        repository=location,
        base=base,
        contender=tree.built,
        commits=commits,
        why=why,
        recipes=places,
        policy=policy,
        options=options,
        confidence=options.confidence or config.confidence,
        budget_s=options.budget_s or config.budget_s,
        clock=options.clock or Clock(config.clock),
        seed=random.SystemRandom().randrange(2**32) if options.seed is None else options.seed,
        from_tree=tree.here,
        reach=reach,
    )


def _check_zone(config: Config, options: Options) -> None:
    tolerance = config.tolerance if options.tolerance is None else options.tolerance
    threshold = config.threshold if options.threshold is None else options.threshold
    if tolerance >= threshold:
        raise InvalidInputError(
            f"the tolerance ({float(tolerance):.3g}) must be below the threshold"
            f" ({float(threshold):.3g}): between them lies what may be answered either way",
            tip="--tolerance 5% --threshold 10%",
        )


@dataclass(frozen=True, slots=True)
class _Tree:
    """The contender: the commit it is called by, the one to build, whether it is the working tree."""

    commit: str
    built: str
    here: bool


def _contender(repository: Repository, asv: AsvConfig, options: Options) -> _Tree:
    if options.contender is not None:
        commit = repository.resolve(options.contender)
        return _Tree(commit, commit, here=False)
    if asv.local_repo is None:
        commit = repository.resolve(repository.default_branch(asv.branches))
        return _Tree(commit, commit, here=False)
    head = repository.resolve("HEAD")
    return _Tree(head, repository.snapshot() or head, here=True)


def _base(
    repository: Repository, config: Config, asv: AsvConfig, options: Options, contender: str
) -> tuple[str, str]:
    """The commit to compare with, and why this one."""
    word = options.base
    if options.same:
        return contender, ""
    if word is None:
        branch = repository.default_branch(asv.branches)
        return repository.merge_base(contender, branch), f"merge base with {branch}"
    if word == "baseline" or word.startswith("baseline:"):
        found = Baselines(config.baselines).load(word.partition(":")[2] or None)
        if found.commit.hash is None:
            raise InvalidInputError(f"{word}: the baseline names no commit")
        return repository.resolve(found.commit.hash), word
    return repository.resolve(word), word


def execute(
    plan: Plan, config: Config, asv: AsvConfig, observer: Observer, echo: IO[str] | None = None
) -> tuple[Check, tuple[Path, ...]]:
    """Build both sides, measure them, judge; store both as result files, whose paths are returned. What
    was measured for a shard is stored as a shard file instead.

    Raises `BuildFailedError` and `CannotMeasureError`, and `InterruptedRunError` when interrupted.
    Whatever ends the measuring early, what was measured is stored first, marked incomplete. A result
    file that cannot be written, on a full disk for example, takes nothing from the verdict: the check
    warns of it.
    """
    started = time.monotonic()
    if plan.reach is not None and plan.reach.nothing:
        return _unmeasured(plan, plan.reach, time.monotonic() - started), ()
    out = plan.options.out or config.results
    check_writable(out)
    start_state(config.state)
    session = _Session(plan, settings(plan, config, asv, benches=plan.options.benches), observer)
    with (
        Repository(plan.repository, search_parents=False) as repository,
        Workshop(asv, config.state, repository.check_out, echo=echo) as workshop,
        work_folder(config.state) as work,
    ):
        session.arenas = list(_arenas(plan, config, asv, workshop, work, session))
        if plan.options.shard is not None:
            session.portion = slicing.take(
                session.arenas, plan.options.shard, plan.options.durations, config
            )
        try:
            session.measure()
        except (KeyboardInterrupt, OdysseyError, OSError) as error:
            session.record(whole=False)
            session.store(out)
            if isinstance(error, KeyboardInterrupt):
                raise InterruptedRunError("interrupted", tip="marked as incomplete") from error
            raise
    session.record(whole=True)
    paths = () if session.portion is not None else session.store_or_warn(out)
    check = session.conclude(time.monotonic() - started)
    if session.portion is not None:
        return check, (slicing.save_check(plan, session.arenas, session.portion, check, out),)
    if plan.options.same:
        keep_noise(config.state, check)
    return check, paths


def _arenas(  # noqa: PLR0913, PLR0917 (all that a check has)
    plan: Plan, config: Config, asv: AsvConfig, workshop: Workshop, work: Path, session: _Session
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
        place = arena(pair, suite, config.state, work / str(number))
        discovered = pairing.discover(place.sides[1], session.rng)
        session.warnings += [
            f"benchmarks of {module} are left out: {reason}"
            for module, reason in discovered.faults.items()
        ]
        place.trials = place.whole = session.chosen(trials(discovered.records, session.settings))
        yield place


def _unmeasured(plan: Plan, reach: Reach, wall_s: float) -> Check:
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


@dataclass(slots=True)
class _Session:
    """One check under way."""

    plan: Plan
    settings: Settings
    observer: Observer
    arenas: list[Arena] = field(default_factory=list)
    engines: list[Engine] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    portion: Portion | None = None
    rng: random.Random = field(init=False)
    promise: Promise = field(init=False)
    sets: list[tuple[ResultSet, ResultSet]] = field(default_factory=list)
    spent: bool = False
    reasons: Counter[str | None] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.plan.seed)  # noqa: S311 (drawn samples, no secrets)

    def measure(self) -> None:
        """Measure in one environment after the other, each with an even share of the time left."""
        found = [trial for place in self.arenas for trial in place.trials]
        whole = [trial for place in self.arenas for trial in place.whole]
        if not whole and not self.reasons:
            raise nothing_selected(self.plan.options.benches, self.warnings)
        # What is promised holds for all shards together, so each judges as one of many cases.
        gated = sum(trial.gated for trial in whole)
        self.promise = Promise(cases=gated, alarm=1.0 - self.plan.confidence)
        self.observer.planned(len(found), sum(trial.gated for trial in found))
        deadline = time.monotonic() + self.plan.budget_s
        arenas = [place for place in self.arenas if place.trials]
        for left, place in zip(range(len(arenas), 0, -1), arenas, strict=True):
            self.observer.measuring(place.name, len(self.arenas))
            now = time.monotonic()
            engine = Engine(
                place.sides, place.trials, self.settings, self._enough, self.rng, self.observer
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
            f"a round takes {round_s:.0f} s here, and an accusation needs {self.promise.least}: with"
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

    def _enough(self, trial: Trial) -> bool:
        return trial.judge(self.settings, self.promise)

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

    def conclude(self, wall_s: float) -> Check:
        """The findings of everything that was measured, worst first."""
        several = len(self.arenas) > 1
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
            ),
            confidence=self.plan.confidence,
            warnings=tuple(dict.fromkeys(self.warnings)),
            same=self.plan.options.same,
            strict=self.plan.options.strict,
            seed=self.plan.seed,
            left_out=None if self.plan.reach is None else left_out(self.plan.reach, self.reasons),
        )


def settings(plan: Plan, config: Config, asv: AsvConfig, *, benches: tuple[str, ...]) -> Settings:
    """How to measure what a plan compares, for the cases that `benches` find."""
    return Settings(
        policy=plan.policy,
        benches=benches,
        clock=plan.clock,
        confidence=plan.confidence,
        timeout_s=config.benchmark_timeout_s or asv.benchmark_timeout_s,
        cpu=plan.options.cpu,
    )
