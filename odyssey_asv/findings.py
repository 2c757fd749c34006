"""What checking a change in pairs came to: a finding for each case, and the verdict on the whole. Pure."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from odyssey_asv import stats
from odyssey_asv.model import Benchmark, Case, Metric, Result, ResultSet
from odyssey_asv.pairs.evidence import Claim, Estimate
from odyssey_asv.policy import Limits, Severity, Verdict, severity

_ALARMS = frozenset({Verdict.REGRESSION, Verdict.FAILED})
_JUDGED = frozenset(
    {
        Verdict.REGRESSION,
        Verdict.SLOWER,
        Verdict.UNCHANGED,
        Verdict.FASTER,
        Verdict.INCONCLUSIVE,
    }
)


class Clock(StrEnum):
    """Which time a case is judged by: of the wall, of the processor, or of the benchmark's own timer."""

    AUTO = "auto"
    WALL = "wall"
    CPU = "cpu"
    OWN = "own"


class Conclusion(StrEnum):
    """The verdict on a whole check. `ERROR` says that nothing could be measured on both sides, `NOTHING`
    that nothing had to be: no benchmark reaches what has changed."""

    REGRESSION = "regression"
    OK = "ok"
    NOTHING = "nothing to measure"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one case, with the evidence behind it.

    `gated` says that the verdict counts: that of a case that newly fails does, whatever it measures.
    `effects` holds one number for each block: ln(contender / base), turned so that positive is worse.
    `estimate` is None where there were too few blocks for one. `clock` is None where no time was
    measured. `reason` says what the numbers cannot; `trace` is what a case that newly fails printed, as a
    rule Python's traceback. `at_least` is how many times as long as the base the contender takes at the
    least, where its time ran out. `unsteady` says that the case failed now and then, or on both sides, and
    `suspect` that the contender failed each time, but not often enough for a verdict.
    """

    label: str
    benchmark: Benchmark
    case: Case
    gated: bool
    verdict: Verdict
    limits: Limits
    effects: tuple[float, ...] = ()
    estimate: Estimate | None = None
    clock: Clock | None = None
    reason: str | None = None
    base: Result | None = None
    contender: Result | None = None
    environment: str | None = None
    trace: str | None = None
    at_least: float | None = None
    unsteady: bool = False
    suspect: bool = False

    @property
    def metric(self) -> Metric:
        return self.benchmark.metric

    @property
    def alarm(self) -> bool:
        return self.gated and self.verdict in _ALARMS

    @property
    def ratio(self) -> float | None:
        """Contender over base: above 1 is more, which is worse unless higher is better."""
        return None if self.estimate is None else self._ratio(self.estimate.ratio)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Between which the ratio lies with the confidence asked for."""
        if self.estimate is None:
            return None
        low, high = sorted((self._ratio(self.estimate.low), self._ratio(self.estimate.high)))
        return low, high

    @property
    def severity(self) -> Severity | None:
        if self.verdict is not Verdict.REGRESSION or self.estimate is None:
            return None
        return severity(Fraction(math.expm1(min(self.estimate.ratio, 700.0))))

    def _ratio(self, effect: float) -> float:
        turned = effect if self.limits.better.value == "lower" else -effect
        return math.exp(max(-700.0, min(turned, 700.0)))


@dataclass(frozen=True, slots=True)
class Effort:
    """What a check took: seconds of wall-clock time in all, of which were sampling; started processes.

    `load` is the load average before it began to build, on so many `cores`; None where that is not known.
    """

    wall_s: float
    sampling_s: float
    processes: int
    budget_s: float
    spent: bool = False
    load: float | None = None
    cores: int | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was not measured because it reaches no file that has changed.

    `cases` of `of` cases; both are None where the whole suite was left out, which was then not even
    looked into. `changed` are the files that differ and may matter, `passed_over` those that differ and do
    not. `reasons` say why the other cases are measured, with how many each.
    """

    cases: int | None
    of: int | None
    changed: tuple[str, ...]
    passed_over: tuple[str, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def everything(self) -> bool:
        """Whether no case at all was left to be measured."""
        return self.cases == self.of


@dataclass(frozen=True, slots=True)
class Check:
    """All findings, worst first, with what a reader must know before believing them.

    `confidence` is that of the intervals; one less it is the share of suites of unchanged code that may
    raise an alarm. `same` says that base and contender are one code, so that every alarm is a false one.
    `left_out` is None where every case was to be measured.
    """

    base: tuple[ResultSet, ...]
    contender: tuple[ResultSet, ...]
    findings: tuple[Finding, ...]
    effort: Effort
    confidence: float
    warnings: tuple[str, ...] = ()
    same: bool = False
    strict: bool = False
    seed: int | None = None
    left_out: LeftOut | None = None

    @property
    def gated(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.gated)

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many gated cases got each verdict."""
        return Counter(finding.verdict for finding in self.gated)

    @property
    def judged(self) -> int:
        return sum(finding.verdict in _JUDGED for finding in self.gated)

    @property
    def alarm(self) -> bool:
        return any(finding.alarm for finding in self.gated)

    @property
    def undecided(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.gated if f.verdict is Verdict.INCONCLUSIVE)

    @property
    def unsteady(self) -> tuple[Finding, ...]:
        """The gated cases that failed now and then, or on both sides."""
        return tuple(finding for finding in self.gated if finding.unsteady)

    @property
    def conclusion(self) -> Conclusion:
        """The verdict on the whole. Undecided cases are no obstacle unless `strict` or one of them looks
        slower than may pass, or newly failed each time; unsteady ones are one if `strict`. An alarm about
        code that is its own base is a false one."""
        if self.alarm and not self.same:
            return Conclusion.REGRESSION
        if self.left_out is not None and self.left_out.everything:
            return Conclusion.NOTHING
        if self.judged == 0:
            return Conclusion.ERROR
        decided = self.judged - len(self.undecided)
        if self.undecided and (
            self.strict or decided == 0 or any(map(_looks_worse, self.undecided))
        ):
            return Conclusion.INCONCLUSIVE
        if self.strict and self.unsteady:
            return Conclusion.INCONCLUSIVE
        return Conclusion.OK

    @property
    def geometric_mean(self) -> tuple[float, float, float] | None:
        """Of the durations' ratios: the mean and an interval; None where nothing was timed.

        The interval takes the cases as they are and each case's error as independent of the others'.
        """
        timed = [f for f in self.findings if f.metric is Metric.DURATION and len(f.effects) > 2]
        if not timed:
            return None
        places = [stats.trimmed_mean(finding.effects) for finding in timed]
        mean = statistics.fmean(place.estimate for place in places)
        error = math.sqrt(math.fsum(place.error**2 for place in places)) / len(places)
        freedom = min(place.freedom for place in places)
        reach = error * stats.student_t(0.5 + self.confidence / 2.0, freedom)
        low, middle, high = (
            math.exp(max(-700.0, min(effect, 700.0)))
            for effect in (mean - reach, mean, mean + reach)
        )
        return middle, low, high

    @property
    def noise(self) -> float | None:
        """How far blocks of one case lie apart: the median standard deviation, as a share."""
        spreads = [
            statistics.stdev(f.effects)
            for f in self.findings
            if f.metric is Metric.DURATION and len(f.effects) > 2
        ]
        return statistics.median(spreads) if spreads else None


def _looks_worse(finding: Finding) -> bool:
    """Whether the whole interval is above the tolerance, or the contender failed each time."""
    found = finding.estimate
    return finding.suspect or (
        found is not None and found.low > math.log1p(float(finding.limits.tolerance))
    )


def verdict_of(claim: Claim | None, found: Estimate | None, limits: Limits) -> Verdict:
    """The verdict that a claim amounts to; within `NEITHER` the interval tells slower from faster."""
    if claim is Claim.REGRESSION:
        return Verdict.REGRESSION
    if claim is Claim.IMPROVEMENT:
        return Verdict.FASTER
    if claim is None or found is None:
        return Verdict.INCONCLUSIVE
    tolerance = math.log1p(float(limits.tolerance))
    if found.ratio > tolerance and found.low > 0.0:
        return Verdict.SLOWER
    if found.ratio < -tolerance and found.high < 0.0:
        return Verdict.FASTER
    return Verdict.UNCHANGED


def worst_first(finding: Finding) -> tuple[int, float, str]:
    """The order of reports."""
    rank = list(_RANKS).index(finding.verdict)
    return rank, -(finding.estimate.ratio if finding.estimate else 0.0), finding.label


_RANKS = (
    Verdict.FAILED,
    Verdict.REGRESSION,
    Verdict.INCONCLUSIVE,
    Verdict.SLOWER,
    Verdict.FASTER,
    Verdict.UNCHANGED,
    Verdict.FIXED,
    Verdict.NOT_COMPARABLE,
    Verdict.REMOVED,
    Verdict.ADDED,
)
