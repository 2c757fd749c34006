"""Two environments → findings: the paired engine. Knows nothing of commits and reports.

Goes round the suite in blocks. A block starts one interpreter a side, and in it each case runs in both
at once, sample by sample in random order; it ends as one number, the median of the pairs' log ratios.
After each round the cases that `evidence` finds decided drop out.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from odyssey_asv import evidence
from odyssey_asv.adapter.metadata import benchmark_of
from odyssey_asv.adapter.paired.workers import (
    Clocks,
    Failed,
    Measured,
    Missing,
    Outcome,
    Prepared,
    Side,
    Skipped,
    Task,
    Worker,
    processors,
)
from odyssey_asv.comparison import label
from odyssey_asv.evidence import Claim, Plan, Zone, zone_of
from odyssey_asv.findings import Clock, Finding, verdict_of
from odyssey_asv.model import Benchmark, Better, Case, Kind, Metric, Result, Status
from odyssey_asv.policy import Limits, Policy, Verdict

_PAIRS = 10
_BLOCK_S = 0.04
"""Of sampling, for one case in one block, before it is shared among pairs."""
_MOST_PAIRS = 40
_TINY_S = 20e-6
"""A call shorter than this, set up each time, is too short for the processor's clock."""
_BOUND_BY_PROCESSOR = (0.97, 1.03)
"""What share of an undisturbed sample's time one thread that never waits spends on the processor."""
_BASE, _CONTENDER = 0, 1

Sides = tuple[Side, Side]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure. `benches` are asv's `-b` expressions; `cpu` pins the samples to one processor."""

    policy: Policy
    benches: tuple[str, ...] = ()
    clock: Clock = Clock.AUTO
    confidence: float = 0.99
    timeout_s: float = 60.0
    cpu: int | None = None


class Watcher:
    """Told what goes on; every method may be overridden and does nothing itself."""

    def planned(self, cases: int, gated: int) -> None:
        """This many cases will be measured, and this many of them may raise an alarm."""

    def round(self, number: int, left: int) -> None:
        """A round begins; this many cases are not decided yet."""

    def case(self, name: str) -> None:
        """A case is being measured."""

    def decided(self, finding: Finding) -> None:
        """A case has its verdict."""


@dataclass(frozen=True, slots=True)
class Block:
    """What one process of each side said of a case: clocks of each pair, base first; or one value each."""

    number: int
    pairs: tuple[tuple[Clocks, Clocks], ...] = ()
    values: tuple[Any, Any] | None = None


@dataclass(slots=True)
class Trial:
    """A case on its way to a verdict."""

    benchmark: Benchmark
    case: Case
    label: str
    timeout_s: float
    cache_key: str | None
    limits: Limits
    zone: Zone
    gated: bool
    alone: bool
    own_timer: bool = False
    fresh: bool = False
    number: int = 0
    repeat: int = 0
    clock: Clock | None = None
    blocks: list[Block] = field(default_factory=list)
    faults: tuple[list[Failed], list[Failed]] = field(default_factory=lambda: ([], []))
    claim: Claim | None = None
    done: bool = False
    fate: tuple[Verdict, str | None] | None = None
    states: tuple[Status, Status] = (Status.OK, Status.OK)

    @property
    def timed(self) -> bool:
        return self.benchmark.metric is Metric.DURATION

    def effects(self) -> list[float]:
        """One number a block, positive where the contender is worse. Raises ValueError for values
        that have no ratio."""
        turn = -1.0 if self.limits.better is Better.HIGHER else 1.0
        return [turn * self._effect(block) for block in self.blocks]

    def _effect(self, block: Block) -> float:
        if block.values is not None:
            return _log_ratio(*map(_number, block.values))
        at = _POSITION[self.clock or Clock.WALL]
        return statistics.median(_log_ratio(a[at], b[at]) for a, b in block.pairs)


_POSITION = {Clock.WALL: 0, Clock.CPU: 1, Clock.OWN: 2}


def discover(side: Side, rng: random.Random) -> list[dict[str, Any]]:
    """asv's description of each benchmark of the suite. Raises `CannotMeasureError`."""
    with Worker(side, rng) as worker:
        worker.started()
        return worker.discover()


def trials(records: Sequence[dict[str, Any]], settings: Settings) -> list[Trial]:
    """The cases to be measured, in the order of the suite. Raises ValueError for limits that are none."""
    expressions = [re.compile(bench) for bench in settings.benches]
    benchmarks = [(benchmark_of(record["name"], record), record) for record in records]
    names = [(benchmark.name, benchmark.metric) for benchmark, _ in benchmarks]
    found = []
    for benchmark, record in benchmarks:
        limits = settings.policy.limits_for(benchmark)
        for case in _cases(benchmark):
            name = case.benchmark
            if case.params:
                name += f"({', '.join(text for _, text in case.params)})"
            if expressions and not any(e.search(name) for e in expressions):
                continue
            shared = names.count((benchmark.name, benchmark.metric)) > 1
            found.append(
                Trial(
                    benchmark=benchmark,
                    case=case,
                    label=label(benchmark, case, qualified=shared),
                    timeout_s=float(record.get("timeout") or settings.timeout_s),
                    cache_key=record.get("setup_cache_key"),
                    limits=limits,
                    zone=zone_of(float(limits.tolerance), float(limits.threshold)),
                    gated=benchmark.metric in settings.policy.gate,
                    # Its value is of the whole process, which must be its own.
                    alone=benchmark.kind is Kind.PEAKMEMORY,
                )
            )
    return found


def _cases(benchmark: Benchmark) -> Iterator[Case]:
    if not benchmark.params:
        yield Case(benchmark.id)
        return
    for position, values in enumerate(itertools.product(*benchmark.params)):
        yield Case(benchmark.id, tuple(zip(benchmark.param_names, values, strict=True)), position)


class Engine:
    """Measures the trials of one pair of environments until each is decided or time is up."""

    def __init__(  # noqa: PLR0913, PLR0917 (what it works with, each used throughout)
        self,
        sides: Sides,
        found: Sequence[Trial],
        settings: Settings,
        plan: Plan,
        rng: random.Random,
        watcher: Watcher,
    ) -> None:
        self.trials = list(found)
        self.processes = 0
        self.sampling_s = 0.0
        self._sides = sides
        self._settings = settings
        self._plan = plan
        self._rng = rng
        self._watcher = watcher
        self._caches: dict[tuple[int, str], Path | str] = {}
        self._processor: int | None = None
        # What starting the interpreters of a round takes. Later ones start while one is measured.
        self._start_s = 0.0
        self._began = 0.0

    def run(self, deadline: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Measure until everything is decided or `clock` has passed `deadline`."""
        self._make_ready()
        number = 0
        # On a single processor the next interpreters would start in the middle of samples.
        ahead = len(processors()) != 1
        with ExitStack() as stack:
            following = self._start(stack) if ahead else None
            while (left := [t for t in self.trials if not t.done]) and clock() < deadline:
                number += 1
                self._watcher.round(number, len(left))
                self._choose_processor()
                workers = following or self._start(stack)
                for side, worker in enumerate(workers):
                    worker.started()
                    self._load(side, worker, left)
                if number == 1:
                    self._start_s = time.monotonic() - self._began
                following = self._start(stack) if ahead else None
                order = self._rng.sample(left, len(left))
                for trial in order:
                    if clock() >= deadline:
                        break
                    self._watcher.case(trial.label)
                    if not all(worker.alive for worker in workers):
                        break
                    self._block(trial, workers, len(left))
                for worker in workers:
                    worker.close()
                for trial in left:
                    self._look(trial)

    def _start(self, stack: ExitStack) -> tuple[Worker, Worker]:
        """An interpreter for each side, either first."""
        started: dict[int, Worker] = {}
        for side in self._rng.sample((_BASE, _CONTENDER), 2):
            started[side] = Worker(self._sides[side], self._rng)
            stack.callback(started[side].close)
        self.processes += 2
        self._began = time.monotonic()
        return started[_BASE], started[_CONTENDER]

    def _load(self, side: int, worker: Worker, left: Sequence[Trial]) -> None:
        names = sorted({t.benchmark.id for t in left if not t.alone})
        for name, fault in worker.load(names).items():
            for trial in left:
                if trial.benchmark.id == name and not trial.done:
                    self._settle(trial, side, Missing(fault))

    def _make_ready(self) -> None:
        """Compile what will be imported and fill the caches of `setup_cache`: from the first block on
        every process of either side finds the same."""
        keys = {t.cache_key: t for t in self.trials if t.cache_key is not None}
        names = sorted({t.benchmark.id for t in self.trials})
        for side, which in enumerate(self._sides):
            with Worker(which, self._rng) as worker:
                worker.started()
                self.processes += 1
                worker.load(names)
                for key, trial in keys.items():
                    name = hashlib.sha256(key.encode()).hexdigest()[:16]
                    folder = which.folder / f"cache-{name}"
                    folder.mkdir(parents=True, exist_ok=True)
                    fault = worker.cache(trial.benchmark.id, folder, trial.timeout_s)
                    self._caches[side, key] = folder if fault is None else fault

    def _block(self, trial: Trial, workers: tuple[Worker, Worker], left: int) -> None:
        if trial.done:
            return
        caches = [self._cache_of(trial, side) for side in (_BASE, _CONTENDER)]
        for side, cache in enumerate(caches):
            if isinstance(cache, str):
                self._settle(trial, side, Failed(f"setup_cache failed: {cache}"), last=True)
        if trial.done:
            return
        with ExitStack() as stack:
            if trial.alone:
                workers = self._start(stack)
                for worker in workers:
                    worker.started()
            outcomes = self._prepare(trial, workers)
            first, second = outcomes
            if isinstance(first, Prepared) and isinstance(second, Prepared):
                trial.number, trial.repeat = first.number, first.repeat
                trial.own_timer, trial.fresh = first.own_timer, first.fresh
                self._sample(trial, workers, left)
            elif isinstance(first, Measured) and isinstance(second, Measured):
                trial.blocks.append(Block(0, values=(first.value, second.value)))
            else:
                for side, outcome in enumerate(outcomes):
                    self._settle(trial, side, outcome)
            for side, worker in enumerate(workers):
                fault = worker.finish()
                if fault is not None and not trial.done:
                    self._settle(trial, side, fault)

    def _prepare(self, trial: Trial, workers: tuple[Worker, Worker]) -> tuple[Outcome, Outcome]:
        """Both sides at once, but one after the other where the base has to find `number` first."""
        tasks = [self._task(trial, side) for side in (_BASE, _CONTENDER)]
        if trial.number or not trial.timed:
            for worker, task in zip(workers, tasks, strict=True):
                worker.begin(task)
            return workers[_BASE].prepared(), workers[_CONTENDER].prepared()
        workers[_BASE].begin(tasks[_BASE])
        first = workers[_BASE].prepared()
        if isinstance(first, Prepared):
            trial.number = first.number
        workers[_CONTENDER].begin(self._task(trial, _CONTENDER))
        return first, workers[_CONTENDER].prepared()

    def _task(self, trial: Trial, side: int) -> Task:
        cache = self._cache_of(trial, side)
        return Task(
            benchmark=trial.benchmark.id,
            params=tuple(text for _, text in trial.case.params) if trial.case.params else None,
            timeout_s=trial.timeout_s,
            cache=cache if isinstance(cache, Path) else None,
            number=trial.number,
            cpu=self._processor_for(trial),
            fork=not trial.alone,
        )

    def _processor_for(self, trial: Trial) -> int | None:
        """Where to take the samples: both sides on one processor, for two differ in what else they do.

        Not in the first block, which shows whether the case needs more than one."""
        if self._settings.cpu is not None or not trial.blocks or not trial.timed:
            return self._settings.cpu
        pairs = [clocks for pair in trial.blocks[0].pairs for clocks in pair]
        single = statistics.median(cpu / wall for wall, cpu, _ in pairs) <= _BOUND_BY_PROCESSOR[1]
        return self._processor if single else None

    def _choose_processor(self) -> None:
        """The one that was least busy in the last round."""
        allowed = processors()
        busy = psutil.cpu_percent(percpu=True)
        known = [number for number in allowed if number < len(busy)]
        self._processor = min(known, key=lambda number: busy[number], default=None)

    def _cache_of(self, trial: Trial, side: int) -> Path | str | None:
        return None if trial.cache_key is None else self._caches[side, trial.cache_key]

    def _sample(self, trial: Trial, workers: tuple[Worker, Worker], left: int) -> None:
        pairs: list[tuple[Clocks, Clocks]] = []
        wanted = 1
        while len(pairs) < wanted:
            taken: dict[int, Clocks] = {}
            for side in self._rng.sample((_BASE, _CONTENDER), 2):
                clocks = workers[side].sample()
                if isinstance(clocks, Failed):
                    self._settle(trial, side, clocks)
                    return
                taken[side] = clocks
                self.sampling_s += clocks[0]
            pairs.append((taken[_BASE], taken[_CONTENDER]))
            if len(pairs) == 1:
                wanted = self._pairs(trial, taken[_BASE][0] + taken[_CONTENDER][0], left)
        trial.blocks.append(Block(trial.number, tuple(pairs)))

    def _pairs(self, trial: Trial, pair_s: float, left: int) -> int:
        """How many pairs make a block: fewer where a pair takes long, more where few cases are left to
        share what a round costs."""
        room = max(_BLOCK_S, self._start_s / left)
        most = _MOST_PAIRS if left * _BLOCK_S < self._start_s else _PAIRS
        pairs = max(1, min(most, round(room / max(pair_s, 1e-9))))
        if pair_s < 1.0:
            pairs = max(pairs, 3)
        return min(pairs, trial.repeat) if trial.repeat else pairs

    def _settle(self, trial: Trial, side: int, outcome: Outcome, *, last: bool = False) -> None:
        """Remember what a side could not do, and end the case where that will not change.

        A failure may be a hiccup and gets a second chance, unless it is the `last`."""
        match outcome:
            case Missing(reason):
                added = side == _BASE
                trial.fate = (Verdict.ADDED if added else Verdict.REMOVED, reason)
                trial.done = True
            case Skipped():
                before, after = trial.states
                mark = Status.SKIPPED
                trial.states = (mark, after) if side == _BASE else (before, mark)
                trial.done = True
            case Failed():
                trial.faults[side].append(outcome)
                if last or outcome.timeout or len(trial.faults[side]) > 1:
                    before, after = trial.states
                    mark = Status.TIMEOUT if outcome.timeout else Status.FAILED
                    trial.states = (mark, after) if side == _BASE else (before, mark)
                    trial.done = True
            case _:
                pass

    def _look(self, trial: Trial) -> None:
        if trial.done or len(trial.blocks) not in evidence.LOOKS:
            return
        if trial.timed and trial.clock is None:
            trial.clock = _clock(trial, self._settings.clock)
        try:
            effects = trial.effects()
        except ValueError as error:
            trial.fate, trial.done = (Verdict.NOT_COMPARABLE, str(error)), True
            return
        trial.claim = evidence.claim(effects, trial.zone, self._plan)
        trial.done = trial.claim is not None or len(trial.blocks) >= evidence.LOOKS[-1]
        if trial.done and (found := finding(trial, self._settings, self._plan)) is not None:
            self._watcher.decided(found)


def finding(trial: Trial, settings: Settings, plan: Plan) -> Finding | None:
    """What is known of a trial; None where it was skipped on both sides."""
    fate = trial.fate or _fate(trial)
    if trial.states == (Status.SKIPPED, Status.SKIPPED):
        return None
    effects: list[float] = []
    if fate is None:
        if trial.timed and trial.clock is None and trial.blocks:
            trial.clock = _clock(trial, settings.clock)
        try:
            effects = trial.effects()
        except ValueError as error:
            fate = (Verdict.NOT_COMPARABLE, str(error))
    found = evidence.estimate(effects, trial.zone, plan, settings.confidence)
    verdict, reason = fate or (verdict_of(trial.claim, found, trial.limits), None)
    if verdict is Verdict.INCONCLUSIVE:
        reason = _why_undecided(found)
    return Finding(
        label=trial.label,
        benchmark=trial.benchmark,
        case=trial.case,
        gated=trial.gated,
        verdict=verdict,
        limits=trial.limits,
        effects=tuple(effects),
        estimate=found,
        clock=trial.clock,
        reason=reason,
        base=result(trial, _BASE),
        contender=result(trial, _CONTENDER),
    )


def _fate(trial: Trial) -> tuple[Verdict, str | None] | None:
    """The verdict of a case that could not be measured on both sides."""
    before, after = trial.states
    if before.failed and after.failed:
        return Verdict.NOT_COMPARABLE, f"on both sides it {_failed(trial, _CONTENDER)}"
    if after.failed:
        return Verdict.FAILED, f"it {_failed(trial, _CONTENDER)}"
    if before.failed:
        return Verdict.FIXED, f"{_failed(trial, _BASE)} in the base"
    if Status.SKIPPED in (before, after):
        return (Verdict.ADDED if before is Status.SKIPPED else Verdict.REMOVED), "skipped"
    return None


def _failed(trial: Trial, side: int) -> str:
    fault = trial.faults[side][-1]
    cause = fault.reason.strip().splitlines()
    return "failed" + (f": {cause[-1]}" if cause else "")


def _why_undecided(found: evidence.Estimate | None) -> str:
    if found is None:
        return "too few blocks before the time was up"
    return f"time was up; a slowdown of {_percent(found.detectable)} would have been found"


def _percent(effect: float) -> str:
    return f"{100 * math.expm1(min(effect, 50.0)):.0f} %"


def result(trial: Trial, side: int) -> Result:
    """What one side gave, as an ordinary result: seconds of a call by the wall clock or by the
    benchmark's own timer; the processor's are kept beside them."""
    status = trial.states[side]
    faults = trial.faults[side]
    reason = faults[-1].reason if status.failed and faults else None
    if status is not Status.OK or not trial.blocks:
        known = status if status is not Status.OK else Status.NOT_SELECTED
        return Result(trial.case, None, known, reason)
    if trial.blocks[0].values is not None:
        values = [block.values[side] for block in trial.blocks if block.values is not None]
        numbers = [v for v in values if _is_number(v)]
        whole = len(numbers) == len(values)
        return Result(trial.case, statistics.median(numbers) if whole else values[-1])
    at = 2 if trial.own_timer else 0
    processes = tuple(
        tuple(pair[side][at] / block.number for pair in block.pairs) for block in trial.blocks
    )
    processor = [[pair[side][1] / block.number for pair in block.pairs] for block in trial.blocks]
    return Result(
        case=trial.case,
        value=statistics.median(sample for process in processes for sample in process),
        number=trial.number,
        repeat=sum(map(len, processes)),
        processes=processes,
        extra={"processor": processor},
    )


def _clock(trial: Trial, wanted: Clock) -> Clock:
    """The clock to judge a case by, chosen once, from both sides alike."""
    if trial.own_timer:
        return Clock.OWN
    if wanted is not Clock.AUTO:
        return wanted
    samples = [clocks for block in trial.blocks for pair in block.pairs for clocks in pair]
    if trial.fresh and statistics.median(wall for wall, _, _ in samples) < _TINY_S * trial.number:
        return Clock.WALL
    shares = sorted(cpu / wall for wall, cpu, _ in samples)
    # Most samples may have been interrupted; those that were not show what the work is bound by.
    low, high = _BOUND_BY_PROCESSOR
    return Clock.CPU if low <= shares[-1 - len(shares) // 10] <= high else Clock.WALL


def _number(value: Any) -> float:
    """A measured value as a number: the median of a dictionary's samples, which asv takes for timing."""
    if isinstance(value, dict) and isinstance(value.get("samples"), list):
        value = statistics.median(value["samples"]) if value["samples"] else None
    if not _is_number(value):
        raise ValueError(f"not a number: {value!r:.60}")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _log_ratio(before: float, after: float) -> float:
    if before == after:
        return 0.0
    if before <= 0.0 or after <= 0.0:
        raise ValueError(f"no ratio between {before:g} and {after:g}")
    return math.log(after / before)
