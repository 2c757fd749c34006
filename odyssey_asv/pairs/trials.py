"""A case on its way from blocks to a finding. Measures nothing itself.

`pairing` adds blocks to a trial; what they amount to can be asked at any moment.
"""

from __future__ import annotations

import itertools
import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from odyssey_asv.adapter.metadata import asv_name, benchmark_of
from odyssey_asv.adapter.paired.workers import Failed, Prepared, Sample
from odyssey_asv.comparison import label
from odyssey_asv.findings import Clock, Finding, verdict_of
from odyssey_asv.model import Benchmark, Better, Case, Kind, Metric, Result, Status
from odyssey_asv.pairs import clocks, evidence
from odyssey_asv.pairs.evidence import Claim, Estimate, Promise, Zone, zone_of
from odyssey_asv.pairs.failures import Failures
from odyssey_asv.policy import Limits, Policy, Verdict
from odyssey_asv.units import format_duration, significant

BASE, CONTENDER = 0, 1

_LONG_S = 0.2
_SLICES_S = 0.02
"""Samples from this length on are cut into several by whatever else wants the processor."""
_IN_TIME = 5
"""Two that share a processor take twice as long; they are to be far from the time-out."""
_AS_LONG = 0.03
_TOO_LONG_S, _TOO_MANY_TIMES = 1.0, 20.0
"""A sample of a second is too long where the other side's is so much shorter."""
_NEWEST = 10
_NORMAL = 1.4826
"""A normal distribution's standard deviation over its median absolute value."""
_LEAST_LIMIT_S, _LIMIT_TIMES = 1.0, 10.0
"""Once a side ran out of its time, both get no more than this, or so many times what the other took."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure. `benches` are asv's `-b` expressions; `cpu` pins the samples to one processor.
    `thorough` goes on with cases that are proved to be no regression, to tell faster from unchanged."""

    policy: Policy
    benches: tuple[str, ...] = ()
    clock: Clock = Clock.AUTO
    confidence: float = 0.99
    timeout_s: float = 60.0
    cpu: int | None = None
    thorough: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """What one process of each side said of a case: a sample of each for each pair, or one value each."""

    number: int
    pairs: tuple[tuple[Sample, Sample], ...] = ()
    values: tuple[Any, Any] | None = None


@dataclass(slots=True, eq=False)
class Trial:
    """What is known of one case: how to measure it, the blocks so far, and what went wrong.

    `limit_s` is how long either side may take for an answer now, `timeout_s` how long at first. `queued`
    says that wall-clock time holds what a sample stood in line for a processor. `solo` holds seconds of a
    call that a side took while the other failed. `fixed` says that the benchmark itself gives the number of
    calls in a sample.
    """

    benchmark: Benchmark
    case: Case
    label: str
    timeout_s: float
    cache_key: str | None
    limits: Limits
    zone: Zone
    gated: bool
    alone: bool
    fixed: bool = False
    limit_s: float = 0.0
    stopped_s: float = 0.0
    own_timer: bool = False
    fresh: bool = False
    shared: bool = False
    warm: bool = True
    ready_s: float = 0.0
    number: int = 0
    repeat: int = 0
    clock: Clock | None = None
    queued: bool = True
    blocks: list[Block] = field(default_factory=list)
    failures: Failures = field(default_factory=Failures)
    faults: tuple[list[Failed], list[Failed]] = field(default_factory=lambda: ([], []))
    solo: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    claim: Claim | None = None
    done: bool = False
    fate: tuple[Verdict, str | None] | None = None
    states: list[Status] = field(default_factory=lambda: [Status.OK, Status.OK])
    missing: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.limit_s = self.limit_s or self.timeout_s

    @property
    def timed(self) -> bool:
        return self.benchmark.metric is Metric.DURATION

    @property
    def slow(self) -> bool:
        """Whether both sides, at once on one processor, might not get ready before their time is up."""
        return self.ready_s > self.timeout_s / _IN_TIME

    @property
    def times_itself(self) -> bool:
        """Whether it is a timing whose processes give samples that they took, as far as is known yet."""
        return self.timed and bool(self.blocks) and self.blocks[0].values is not None

    @property
    def parallel(self) -> bool:
        """Whether more than one thread or process works on either side."""
        return any(samples and clocks.works_with_others(samples) for samples in self._samples())

    def _samples(self) -> tuple[list[Sample], list[Sample]]:
        """All samples of either side."""
        pairs = [pair for block in self.blocks for pair in block.pairs]
        return [base for base, _ in pairs], [contender for _, contender in pairs]

    def ready(self, base: Prepared) -> None:
        """Take down what the base, whom the contender follows, found out while it got ready."""
        self.number, self.repeat = base.number, base.repeat
        self.own_timer, self.fresh = base.own_timer, base.fresh

    def cool_down(self, firsts: tuple[Sample | None, Sample | None]) -> None:
        """Do without warming up from now on where a sample is one long call and the first one of a process,
        given for each side, takes as long as the next: with calls of seconds it is half of the time."""
        pairs = self.blocks[-1].pairs
        if not self.warm or self.number != 1 or len(self.blocks) > 1:
            return
        for side, first in enumerate(firsts):
            # Only CPU time tells one call from the next on a busy machine.
            later = statistics.median(pair[side].cpu for pair in pairs)
            if first is None or later < _LONG_S:
                return
            if abs(first.cpu / later - 1.0) > _AS_LONG:
                return
        self.warm = False

    def shorten(self) -> None:
        """Make fewer calls a sample from now on where one side takes very much longer than the other, which
        found their number: the larger the ratio, the less exactly it has to be known."""
        pairs = self.blocks[-1].pairs
        if self.fixed or self.number == 1 or not pairs:
            return
        shorter, longer = sorted(
            statistics.median(pair[side].wall for pair in pairs) for side in (BASE, CONTENDER)
        )
        if longer > _TOO_LONG_S and longer > _TOO_MANY_TIMES * shorter:
            self.number = max(1, math.ceil(self.number * _LONG_S / longer))

    def share(self, wanted: Clock) -> bool:
        """After the first block, whether both sides had better take their samples at once on one processor,
        which the kernel gives to either every few milliseconds: what a sample takes of the processor is
        then seen under the same conditions as the other's, however long it is. That chooses the clock,
        for no other is of use then, and the block, which was only to find out, does not count."""
        if self.own_timer or self.times_itself:
            return False
        spent_s = statistics.median(s.cpu for pair in self.blocks[0].pairs for s in pair)
        if not _SLICES_S <= spent_s <= self.timeout_s / _IN_TIME:
            return False
        if wanted is Clock.WALL or self._fitting_clock() is not Clock.CPU:
            return False
        self.clock, self.shared = Clock.CPU, True
        self.blocks.clear()
        return True

    def effects(self) -> list[float]:
        """One number a block, positive where the contender is worse. Raises ValueError for values
        that have no ratio."""
        turn = -1.0 if self.limits.better is Better.HIGHER else 1.0
        return [turn * self._effect(block) for block in self.blocks]

    def _effect(self, block: Block) -> float:
        if block.values is not None:
            return _log_ratio(*map(_number, block.values))
        clock = self.clock or Clock.WALL
        return statistics.median(
            _log_ratio(self._taken(a, clock), self._taken(b, clock)) for a, b in block.pairs
        )

    def _taken(self, sample: Sample, clock: Clock) -> float:
        return clocks.seconds(sample, clock, queued=self.queued)

    def spread(self) -> float | None:
        """By how much pairs of one process differ: the standard deviation of their log ratios, without
        those far off and without drift, from neighbours in the newest blocks; None where no process took
        two pairs."""
        if not any(block.pairs for block in self.blocks):
            return None
        clock = self.clock or self._fitting_clock()
        apart: list[float] = []
        for block in self.blocks[-_NEWEST:]:
            taken = [(self._taken(a, clock), self._taken(b, clock)) for a, b in block.pairs]
            ratios = [_log_ratio(*pair) for pair in taken if min(pair) > 0.0]
            apart += [abs(later - before) for before, later in itertools.pairwise(ratios)]
        return _NORMAL * statistics.median(apart) / math.sqrt(2.0) if apart else None

    def choose_clock(self, wanted: Clock) -> None:
        """Choose the clock to judge by, once, for both sides alike."""
        if self.clock is None and self.timed and self.blocks:
            if self.own_timer or self.times_itself:
                self.clock = Clock.OWN
            else:
                self.clock = self._fitting_clock() if wanted is Clock.AUTO else wanted
                asked = wanted is Clock.WALL
                self.queued = asked or not clocks.undisturbed(self._samples())

    def _fitting_clock(self) -> Clock:
        return clocks.fitting(self._samples(), fresh=self.fresh, number=self.number)

    def out_of_time(self, other_s: float) -> None:
        """After a side ran out of its time for an answer, which the other gave after `other_s`: what is so
        much slower need not be waited for to the end again."""
        self.stopped_s = max(self.stopped_s, self.limit_s)
        self.limit_s = min(self.limit_s, max(_LEAST_LIMIT_S, _LIMIT_TIMES * other_s))

    def attempted(self, base: bool, contender: bool, permitted: float) -> None:
        """Take down whether the sides failed in an attempt, and end the case where one is thereby proved to
        fail, with this permitted error, or both do."""
        self.failures.add(base, contender)
        if self.failures.always_both:
            self._failed_sides(BASE, CONTENDER)
        elif self.failures.shown(CONTENDER, permitted):
            self._failed_sides(CONTENDER)
        elif self.failures.shown(BASE, permitted):
            self._failed_sides(BASE)
        elif self.failures.any and not self.failures.pending and self.claim is None:
            self.done = True

    def _failed_sides(self, *sides: int) -> None:
        for side in sides:
            late = all(fault.timeout for fault in self.faults[side])
            self.states[side] = Status.TIMEOUT if late else Status.FAILED
        self.done = True

    def judge(self, settings: Settings, promise: Promise) -> bool:
        """Whether the blocks so far decide the case, or will not decide it however many follow. Raises
        ValueError for values that have no ratio."""
        if len(self.blocks) not in evidence.LOOKS:
            # An attempt that failed brings no new block, and so no new look.
            return self._enough()
        self.choose_clock(settings.clock)
        self.claim = evidence.claim(self.effects(), self.zone, promise, thorough=settings.thorough)
        return self._enough() or len(self.blocks) >= evidence.LOOKS[-1]

    def _enough(self) -> bool:
        """Whether there is a claim, and nothing to be found out about failures."""
        return self.claim is Claim.REGRESSION or (
            self.claim is not None and not self.failures.pending
        )

    @property
    def alarm(self) -> Verdict | None:
        """The verdict where it is one that raises an alarm, None otherwise and where it is not known."""
        fate = self.fate or self._fate()
        if fate is not None:
            return fate[0] if fate[0] is Verdict.FAILED else None
        return Verdict.REGRESSION if self.claim is Claim.REGRESSION else None

    def finding(self, settings: Settings, promise: Promise) -> Finding | None:
        """What is known so far; None where the case was skipped on both sides."""
        if self.states == [Status.SKIPPED, Status.SKIPPED]:
            return None
        fate = self.fate or self._fate()
        effects: list[float] = []
        if self.blocks:
            self.choose_clock(settings.clock)
            try:
                effects = self.effects()
            except ValueError as error:
                fate = fate or (Verdict.NOT_COMPARABLE, str(error))
        found = evidence.estimate(effects, self.zone, promise, settings.confidence)
        verdict, reason = fate or (verdict_of(self.claim, found, self.limits), None)
        if fate is None and verdict is Verdict.INCONCLUSIVE:
            reason = _why_undecided(found, len(effects), promise.least)
        return Finding(
            label=self.label,
            benchmark=self.benchmark,
            case=self.case,
            gated=self.gated or verdict is Verdict.FAILED,
            verdict=verdict,
            limits=self.limits,
            effects=tuple(effects),
            estimate=found,
            clock=self.clock,
            reason=reason,
            base=self.result(BASE),
            contender=self.result(CONTENDER),
            trace=self._trace() if verdict is Verdict.FAILED else None,
            at_least=self.at_least,
            unsteady=verdict is Verdict.NOT_COMPARABLE and self.failures.any,
            suspect=verdict is Verdict.INCONCLUSIVE and self.failures.one_sided,
        )

    def _fate(self) -> tuple[Verdict, str | None] | None:
        """The verdict where the case could not be measured on both sides, or not each time."""
        before, after = self.states
        if before.failed and after.failed:
            return Verdict.NOT_COMPARABLE, f"on both sides it {self._failed(CONTENDER)}"
        if after.failed:
            return Verdict.FAILED, self._newly_failed()
        if before.failed:
            return Verdict.FIXED, f"{self._failed(BASE)} in the base"
        if Status.SKIPPED in (before, after):
            return (Verdict.ADDED if before is Status.SKIPPED else Verdict.REMOVED), "skipped"
        if self.failures.any and self.claim is not Claim.REGRESSION:
            if self.failures.one_sided:
                said = f"time was up; {self._how_often()}; it {self._failed(CONTENDER)}"
                return Verdict.INCONCLUSIVE, said
            side = CONTENDER if self.faults[CONTENDER] else BASE
            said = f"unsteady: {self._how_often()}; it {self._failed(side)}"
            return Verdict.NOT_COMPARABLE, said
        return None

    def _how_often(self) -> str:
        first, second = self.failures.of(BASE), self.failures.of(CONTENDER)
        count = self.failures.attempts
        return f"failed in {first} of {count} processes of the base and {second} of the contender"

    def _newly_failed(self) -> str:
        said = f"it {self._failed(CONTENDER)}"
        took, least = self._took(BASE), self.at_least
        if took is None or least is None:
            return said
        base = format_duration(took)
        return f"{said}, at least ×{significant(least, 2)}: a call takes {base} in the base"

    def _failed(self, side: int) -> str:
        faults = self.faults[side]
        cause = faults[0].brief if faults else ""
        return "failed" + (f": {cause}" if cause else "")

    def _trace(self) -> str | None:
        faults = self.faults[CONTENDER]
        return faults[0].reason if faults else None

    def _took(self, side: int) -> float | None:
        """Seconds of a call on one side, None where none ended."""
        if not self.timed:
            return None
        samples = self._samples()[side]
        taken = [sample.wall / max(self.number, 1) for sample in samples] or self.solo[side]
        return statistics.median(taken) if taken else None

    @property
    def at_least(self) -> float | None:
        """How many times as long as the base the contender takes at the least, where its time ran out."""
        took = self._took(BASE)
        if self.states[CONTENDER] is not Status.TIMEOUT or not took:
            return None
        return max(self.stopped_s / (max(self.number, 1) * took), 1.0)

    def result(self, side: int) -> Result | None:
        """What one side gave, as an ordinary result: seconds of a call by the clock that the case is judged
        by, the other clock's beside them. None where it has no such case, or was never asked because of
        what the other side could not do."""
        status, faults = self.states[side], self.faults[side]
        if side in self.missing:
            return None
        if status is not Status.OK:
            reason = faults[-1].reason if status.failed and faults else None
            return Result(self.case, None, status, reason)
        if not self.blocks:
            if self.solo[side]:
                taken = tuple(self.solo[side])
                return Result(
                    self.case,
                    statistics.median(taken),
                    number=self.number,
                    repeat=len(taken),
                    processes=tuple((seconds,) for seconds in taken),
                )
            if faults:
                return Result(self.case, None, Status.FAILED, faults[-1].reason)
            return None if self.done else Result(self.case, None, Status.NOT_SELECTED)
        if self.blocks[0].values is not None:
            values = [block.values[side] for block in self.blocks if block.values is not None]
            if all(map(_is_sampled, values)):
                return _of_samples(self.case, values)
            numbers = [value for value in values if _is_number(value)]
            whole = len(numbers) == len(values)
            return Result(self.case, _middle(numbers) if whole else values[-1])
        clock = self.clock or Clock.WALL
        processes = self._seconds(side, clock)
        return Result(
            case=self.case,
            value=statistics.median(sample for process in processes for sample in process),
            number=self.number,
            repeat=sum(map(len, processes)),
            processes=processes,
            extra={"clock": clock.value, **self._other_clock(side, clock)},
        )

    def _other_clock(self, side: int, clock: Clock) -> dict[str, list[list[float]]]:
        """The samples by the clock that the case is not judged by. Where both sides shared a processor,
        wall-clock time holds the other side's as well and says nothing."""
        if clock is Clock.CPU:
            return (
                {} if self.shared else {"wall": [list(p) for p in self._seconds(side, Clock.WALL)]}
            )
        return {"processor": [list(p) for p in self._seconds(side, Clock.CPU)]}

    def _seconds(self, side: int, clock: Clock) -> tuple[tuple[float, ...], ...]:
        """The seconds of a call by this clock, for each process."""
        return tuple(
            tuple(self._taken(pair[side], clock) / block.number for pair in block.pairs)
            for block in self.blocks
        )


def trials(records: Sequence[dict[str, Any]], settings: Settings) -> list[Trial]:
    """The cases to be measured, in the order of the suite, from asv's records of its benchmarks."""
    expressions = [re.compile(bench) for bench in settings.benches]
    benchmarks = [(benchmark_of(record["name"], record), record) for record in records]
    names = [(benchmark.name, benchmark.metric) for benchmark, _ in benchmarks]
    found = []
    for benchmark, record in benchmarks:
        limits = settings.policy.limits_for(benchmark)
        shared = names.count((benchmark.name, benchmark.metric)) > 1
        for case in benchmark.cases():
            if expressions and not any(e.search(asv_name(case)) for e in expressions):
                continue
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
                    fixed=bool(record.get("number")),
                )
            )
    return found


def _why_undecided(found: Estimate | None, blocks: int, least: int) -> str:
    if found is None or blocks < least:
        return f"time was up after {blocks} of the {least} blocks that a regression needs"
    ended = "time was up" if blocks < evidence.LOOKS[-1] else f"not decided by {blocks} blocks"
    return f"{ended}; a slowdown of {_percent(found.detectable)} would have been found"


def _percent(effect: float) -> str:
    percent = 100 * math.expm1(min(effect, 50.0))
    return f"{percent:.2g} %" if percent < 99.5 else f"{percent:.0f} %"


def _is_sampled(value: Any) -> bool:
    """Whether a value is a dictionary of samples, which asv takes for timing."""
    if not isinstance(value, dict) or not {"samples", "number"} <= value.keys():
        return False
    samples = value["samples"]
    return (
        isinstance(samples, list)
        and bool(samples)
        and all(map(_is_number, samples))
        and _is_number(value["number"])
    )


def sampled_s(value: Any) -> float:
    """How long the samples of a value took, 0 where it has none."""
    return sum(value["samples"]) * value["number"] if _is_sampled(value) else 0.0


def _of_samples(case: Case, values: Sequence[Mapping[str, Any]]) -> Result:
    """What benchmarks that took their samples themselves gave, one process each."""
    processes = tuple(tuple(map(float, value["samples"])) for value in values)
    numbers = [value["number"] for value in values]
    return Result(
        case=case,
        value=statistics.median(sample for process in processes for sample in process),
        number=numbers[-1],
        repeat=sum(map(len, processes)),
        processes=processes,
        extra={"numbers": numbers} if len(set(numbers)) > 1 else None,
    )


def _number(value: Any) -> int | float:
    """A measured value as a number: of samples that a benchmark took itself the median."""
    if _is_sampled(value):
        value = statistics.median(value["samples"])
    if not _is_number(value):
        raise ValueError(f"not a number: {value!r:.60}")
    return value  # type: ignore[no-any-return]


def _is_number(value: Any) -> bool:
    """Whether a value is an integer of any size, or a float that is finite."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _middle(numbers: Sequence[int | float]) -> int | float:
    """The median; of numbers too large for their mean to be a float, the lower of the two in the middle."""
    try:
        return statistics.median(numbers)
    except OverflowError:
        return statistics.median_low(numbers)


def _log_ratio(before: int | float, after: int | float) -> float:
    if before == after:
        return 0.0
    if before <= 0 or after <= 0:
        raise ValueError(f"no ratio between {before!r:.30} and {after!r:.30}")
    try:
        return math.log(after / before)
    except (OverflowError, ValueError, ZeroDivisionError):
        # Beyond what a float holds, one of them or their ratio.
        return math.log(after) - math.log(before)
