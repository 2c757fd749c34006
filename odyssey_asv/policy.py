"""What counts as a regression. The rule stands here and nowhere else; it knows only numbers.

All limits are exact fractions: a change of exactly 10 % does not alert, of exactly 5 % is unchanged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from odyssey_asv.model import Benchmark, Better, Metric
from odyssey_asv.units import exact

DEFAULT_TOLERANCE = Fraction(5, 100)
DEFAULT_THRESHOLD = Fraction(10, 100)


class Verdict(StrEnum):
    """What became of one case between base and contender."""

    REGRESSION = "regression"
    SLOWER = "slower"
    UNCHANGED = "unchanged"
    FASTER = "faster"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"
    FIXED = "fixed"
    ADDED = "added"
    REMOVED = "removed"
    NOT_COMPARABLE = "not comparable"


class Severity(StrEnum):
    """How bad a regression is: up to 20 %, up to 50 %, above."""

    MINOR = "minor"
    MODERATE = "moderate"
    SEVERE = "severe"


class OtherMachine(StrEnum):
    """What a comparison across machines is worth: `gate` judges it and warns, `advise` shows it
    without judging, `refuse` will not compare."""

    GATE = "gate"
    ADVISE = "advise"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Limits:
    """The zone of one case: up to `tolerance` is noise, beyond `threshold` alerts."""

    tolerance: Fraction = DEFAULT_TOLERANCE
    threshold: Fraction = DEFAULT_THRESHOLD
    better: Better = Better.LOWER

    def worsening(self, change: Fraction) -> Fraction:
        """`change` with its sign turned so that positive is worse."""
        return change if self.better is Better.LOWER else -change

    def judge(self, change: Fraction) -> Verdict:
        """The verdict on an exact relative change, `(contender - base) / base`."""
        worse = self.worsening(change)
        if worse > self.threshold:
            return Verdict.REGRESSION
        if worse > self.tolerance:
            return Verdict.SLOWER
        if worse < -self.tolerance:
            return Verdict.FASTER
        return Verdict.UNCHANGED


def severity(worsening: Fraction) -> Severity:
    """How severe a regression of this size is."""
    if worsening <= Fraction(20, 100):
        return Severity.MINOR
    if worsening <= Fraction(50, 100):
        return Severity.MODERATE
    return Severity.SEVERE


@dataclass(frozen=True, slots=True)
class Override:
    """Limits for the benchmarks whose id or name the expression `match` finds."""

    match: re.Pattern[str]
    tolerance: Fraction | None = None
    threshold: Fraction | None = None
    better: Better | None = None

    def applies_to(self, benchmark: Benchmark) -> bool:
        return any(self.match.search(text) for text in (benchmark.id, benchmark.name))


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that turns measured changes into verdicts and an alarm.

    `forced` comes from the command line and beats what a benchmark declares, which beats
    `overrides` (the last match wins), which beat `limits`.
    """

    limits: Limits = field(default_factory=Limits)
    overrides: tuple[Override, ...] = ()
    forced: Mapping[str, Fraction] = field(default_factory=dict)
    gate: frozenset[Metric] = frozenset({Metric.DURATION})
    fail_on_missing: bool = False
    other_machine: OtherMachine = OtherMachine.GATE
    strict_environment: bool = False

    def limits_for(self, benchmark: Benchmark) -> Limits:
        """The limits that hold for one benchmark.

        Raises ValueError for a limit that the benchmark declares and that is no share. A declared
        `better = "lower"` cannot be told from none, so an override may still turn that direction.

        >>> from odyssey_asv.model import Kind
        >>> Policy().limits_for(Benchmark("m.time_f", "f", kind=Kind.TIME, unit="seconds")).threshold
        Fraction(1, 10)
        """
        tolerance, threshold = self.limits.tolerance, self.limits.threshold
        better = benchmark.better
        for override in self.overrides:
            if override.applies_to(benchmark):
                tolerance = override.tolerance if override.tolerance is not None else tolerance
                threshold = override.threshold if override.threshold is not None else threshold
                if benchmark.better is Better.LOWER:
                    better = override.better or better
        if benchmark.tolerance is not None:
            tolerance = _declared("tolerance", benchmark.tolerance)
        if benchmark.threshold is not None:
            threshold = _declared("threshold", benchmark.threshold)
        tolerance = self.forced.get("tolerance", tolerance)
        threshold = self.forced.get("threshold", threshold)
        # A case with a small threshold of its own keeps a zone: noise never reaches past the alert.
        return Limits(min(tolerance, threshold), threshold, better)


def _declared(name: str, value: float) -> Fraction:
    if not 0 <= value < math.inf:
        raise ValueError(f"the benchmark declares a {name} of {value!r}, which is no share")
    return exact(value)
