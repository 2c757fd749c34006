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
from odyssey_asv.adapter.paired.workers import Clocks, Failed, Prepared
from odyssey_asv.comparison import label
from odyssey_asv.findings import Clock, Finding, verdict_of
from odyssey_asv.model import Benchmark, Better, Case, Kind, Metric, Result, Status
from odyssey_asv.pairs import evidence
from odyssey_asv.pairs.evidence import Claim, Estimate, Promise, Zone, zone_of
from odyssey_asv.policy import Limits, Policy, Verdict

BASE, CONTENDER = 0, 1

_PROCESSOR_BOUND = (0.97, 1.03)
"""What share of an undisturbed sample's time one thread that never waits spends on the processor."""

_WAITS = 0.5
"""A case whose samples give up the processor as often as this waits for something."""
_LONG_S = 0.2
_SLICES_S = 0.02
"""Samples from this length on are cut into several by whatever else wants the processor."""
_IN_TIME = 5
"""Two that share a processor take twice as long; they are to be far from the time-out."""
_AS_LONG = 0.03
_NEWEST = 10
_NORMAL = 1.4826
"""A normal distribution's standard deviation over its median absolute value."""
_TINY_S = 20e-6
"""A call shorter than this, set up each time, is too short for the processor's clock."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure. `benches` are asv's `-b` expressions; `cpu` pins the samples to one processor."""

    policy: Policy
    benches: tuple[str, ...] = ()
    clock: Clock = Clock.AUTO
    confidence: float = 0.99
    timeout_s: float = 60.0
    cpu: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """What one process of each side said of a case: clocks of each pair, base first; or one value each."""

    number: int
    pairs: tuple[tuple[Clocks, Clocks], ...] = ()
    values: tuple[Any, Any] | None = None


@dataclass(slots=True)
class Trial:
    """What is known of one case: how to measure it, the blocks so far, and what went wrong."""

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
    parallel: bool = False
    shared: bool = False
    waits: list[float] = field(default_factory=list)
    warm: bool = True
    ready_s: float = 0.0
    number: int = 0
    repeat: int = 0
    clock: Clock | None = None
    blocks: list[Block] = field(default_factory=list)
    faults: tuple[list[Failed], list[Failed]] = field(default_factory=lambda: ([], []))
    claim: Claim | None = None
    done: bool = False
    fate: tuple[Verdict, str | None] | None = None
    states: list[Status] = field(default_factory=lambda: [Status.OK, Status.OK])
    missing: set[int] = field(default_factory=set)

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

    def ready(self, base: Prepared, contender: Prepared) -> None:
        """Take down what both sides found out while they got ready."""
        self.number, self.repeat = base.number, base.repeat
        self.own_timer, self.fresh = base.own_timer, base.fresh
        if self.warm:
            self.parallel |= base.parallel or contender.parallel
            self.waits += [base.waits, contender.waits]

    def cool_down(self, firsts: tuple[Clocks | None, Clocks | None]) -> None:
        """Do without warming up from now on where a sample is one long call and the first one of a process,
        given for each side, takes as long as the next: with calls of seconds it is half of the time."""
        pairs = self.blocks[-1].pairs
        if not self.warm or self.number != 1 or len(self.blocks) > 1:
            return
        for side, first in enumerate(firsts):
            # Only the processor's clock tells one call from the next on a busy machine.
            later = statistics.median(pair[side][_POSITION[Clock.CPU]] for pair in pairs)
            if first is None or later < _LONG_S:
                return
            if abs(first[_POSITION[Clock.CPU]] / later - 1.0) > _AS_LONG:
                return
        self.warm = False

    def share(self, wanted: Clock) -> bool:
        """After the first block, whether both sides had better take their samples at once on one processor,
        which the kernel gives to either every few milliseconds: what a sample takes of the processor is
        then seen under the same conditions as the other's, however long it is. That chooses the clock,
        for no other is of use then, and the block, which was only to find out, does not count."""
        if self.own_timer or self.times_itself:
            return False
        at = _POSITION[Clock.CPU]
        spent_s = statistics.median(c[at] for pair in self.blocks[0].pairs for c in pair)
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
        at = _POSITION[self.clock or Clock.WALL]
        return statistics.median(_log_ratio(a[at], b[at]) for a, b in block.pairs)

    def spread(self) -> float | None:
        """By how much pairs of one process differ: the standard deviation of their log ratios, without
        those far off and without drift, from neighbours in the newest blocks; None where no process took
        two pairs."""
        if not any(block.pairs for block in self.blocks):
            return None
        at = _POSITION[self.clock or self._fitting_clock()]
        apart: list[float] = []
        for block in self.blocks[-_NEWEST:]:
            clocks = [(base[at], contender[at]) for base, contender in block.pairs]
            ratios = [_log_ratio(*pair) for pair in clocks if min(pair) > 0.0]
            apart += [abs(later - before) for before, later in itertools.pairwise(ratios)]
        return _NORMAL * statistics.median(apart) / math.sqrt(2.0) if apart else None

    def choose_clock(self, wanted: Clock) -> None:
        """Choose the clock to judge by, once, from both sides alike."""
        if self.clock is None and self.timed and self.blocks:
            if self.own_timer or self.times_itself:
                self.clock = Clock.OWN
            else:
                self.clock = self._fitting_clock() if wanted is Clock.AUTO else wanted

    def _fitting_clock(self) -> Clock:
        samples = [clocks for block in self.blocks for pair in block.pairs for clocks in pair]
        if self.fresh and statistics.median(w for w, _, _ in samples) < _TINY_S * self.number:
            return Clock.WALL
        shares = sorted(cpu / wall for wall, cpu, _ in samples)
        # Most samples may have been interrupted; those that were not show what the work is bound by.
        least, most = _PROCESSOR_BOUND
        share = shares[-1 - len(shares) // 10]
        waits = share < least and statistics.median(self.waits) >= _WAITS
        return Clock.WALL if waits or self.parallel or share > most else Clock.CPU

    def judge(self, settings: Settings, promise: Promise) -> bool:
        """Whether the blocks so far decide the case, or will not decide it however many follow. Raises
        ValueError for values that have no ratio."""
        if len(self.blocks) not in evidence.LOOKS:
            return False
        self.choose_clock(settings.clock)
        self.claim = evidence.claim(self.effects(), self.zone, promise)
        return self.claim is not None or len(self.blocks) >= evidence.LOOKS[-1]

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
        if fate is None:
            self.choose_clock(settings.clock)
            try:
                effects = self.effects()
            except ValueError as error:
                fate = (Verdict.NOT_COMPARABLE, str(error))
        found = evidence.estimate(effects, self.zone, promise, settings.confidence)
        verdict, reason = fate or (verdict_of(self.claim, found, self.limits), None)
        if verdict is Verdict.INCONCLUSIVE:
            reason = _why_undecided(found, len(effects), promise.least)
        return Finding(
            label=self.label,
            benchmark=self.benchmark,
            case=self.case,
            gated=self.gated,
            verdict=verdict,
            limits=self.limits,
            effects=tuple(effects),
            estimate=found,
            clock=self.clock,
            reason=reason,
            base=self.result(BASE),
            contender=self.result(CONTENDER),
        )

    def _fate(self) -> tuple[Verdict, str | None] | None:
        """The verdict where the case could not be measured on both sides."""
        before, after = self.states
        if before.failed and after.failed:
            return Verdict.NOT_COMPARABLE, f"on both sides it {self._failed(CONTENDER)}"
        if after.failed:
            return Verdict.FAILED, f"it {self._failed(CONTENDER)}"
        if before.failed:
            return Verdict.FIXED, f"{self._failed(BASE)} in the base"
        if Status.SKIPPED in (before, after):
            return (Verdict.ADDED if before is Status.SKIPPED else Verdict.REMOVED), "skipped"
        return None

    def _failed(self, side: int) -> str:
        cause = self.faults[side][-1].reason.strip().splitlines()
        return "failed" + (f": {cause[-1]}" if cause else "")

    def result(self, side: int) -> Result | None:
        """What one side gave, as an ordinary result: seconds of a call by the wall clock or by the
        benchmark's own timer; the processor's are kept beside them. None where it has no such case,
        or was never asked because of what the other side could not do."""
        status, faults = self.states[side], self.faults[side]
        if side in self.missing or (status is Status.OK and self.done and not self.blocks):
            return None
        if status is not Status.OK:
            reason = faults[-1].reason if status.failed and faults else None
            return Result(self.case, None, status, reason)
        if not self.blocks:
            return Result(self.case, None, Status.NOT_SELECTED)
        if self.blocks[0].values is not None:
            values = [block.values[side] for block in self.blocks if block.values is not None]
            if all(map(_is_sampled, values)):
                return _of_samples(self.case, values)
            numbers = [value for value in values if _is_number(value)]
            whole = len(numbers) == len(values)
            return Result(self.case, statistics.median(numbers) if whole else values[-1])
        at = _POSITION[Clock.OWN if self.own_timer else Clock.WALL]
        processes = self._seconds(side, at)
        return Result(
            case=self.case,
            value=statistics.median(sample for process in processes for sample in process),
            number=self.number,
            repeat=sum(map(len, processes)),
            processes=processes,
            extra={"processor": [list(p) for p in self._seconds(side, _POSITION[Clock.CPU])]},
        )

    def _seconds(self, side: int, at: int) -> tuple[tuple[float, ...], ...]:
        """Of a call, by the clock at `at`, for each process."""
        return tuple(
            tuple(pair[side][at] / block.number for pair in block.pairs) for block in self.blocks
        )


_POSITION = {Clock.WALL: 0, Clock.CPU: 1, Clock.OWN: 2}


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
                )
            )
    return found


def _why_undecided(found: Estimate | None, blocks: int, least: int) -> str:
    if found is None or blocks < least:
        return f"time was up after {blocks} of the {least} blocks that an accusation needs"
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


def _number(value: Any) -> float:
    """A measured value as a number: of samples that a benchmark took itself the median."""
    if _is_sampled(value):
        value = statistics.median(value["samples"])
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
