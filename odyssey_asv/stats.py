"""Estimators on plain numbers. Pure: knows nothing but numbers.

Quantiles interpolate linearly between order statistics (type 7 of Hyndman and Fan, *Sample
Quantiles in Statistical Packages*, 1996), as `numpy.percentile` does by default.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Summary:
    """Samples in a few numbers; `std` has n - 1 in its denominator and is 0 for one sample."""

    count: int
    total: float
    mean: float
    min: float
    max: float
    std: float
    p50: float
    p95: float
    p99: float


def summarise(samples: Sequence[float]) -> Summary:
    """Summarise one or more samples.

    Raises ValueError when there is none: an empty summary would be zeros that nobody measured.
    """
    if not samples:
        raise ValueError("no samples to summarise")
    ordered = sorted(samples)
    total = math.fsum(ordered)
    mean = total / len(ordered)
    return Summary(
        count=len(ordered),
        total=total,
        mean=mean,
        min=ordered[0],
        max=ordered[-1],
        std=_deviation(ordered) if len(ordered) > 1 else 0.0,
        p50=quantile(ordered, 0.50),
        p95=quantile(ordered, 0.95),
        p99=quantile(ordered, 0.99),
    )


def _deviation(values: Sequence[float]) -> float:
    """The standard deviation of two or more values, with n - 1 in its denominator. `statistics.stdev`
    computes with fractions, which takes ten times as long and changes the last digit at most."""
    mean = statistics.fmean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def quantile(ordered: Sequence[float], fraction: float) -> float:
    """The `fraction` quantile of samples in ascending order, linearly interpolated."""
    position = fraction * (len(ordered) - 1)
    below = math.floor(position)
    if below + 1 >= len(ordered):
        return ordered[-1]
    low, high = ordered[below], ordered[below + 1]
    return min(high, low + (high - low) * (position - below))


def geometric_mean(ratios: Iterable[float]) -> float | None:
    """The geometric mean of positive ratios, None where there is none to average."""
    values = list(ratios)
    return statistics.geometric_mean(values) if values else None


def spread(values: Sequence[float]) -> float:
    """How far apart positive values lie: largest over smallest, less one. 0.05 means 5 %."""
    return max(values) / min(values) - 1.0


@dataclass(frozen=True, slots=True)
class Location:
    """Where independent values lie: an estimate, its standard error and the latter's degrees of
    freedom."""

    estimate: float
    error: float
    freedom: int

    def bound(self, level: float) -> float:
        """The upper bound that the truth exceeds with probability `level`; the lower for 1 - `level`."""
        return self.estimate + student_t(1.0 - level, self.freedom) * self.error


def trimmed_mean(values: Sequence[float], share: float = 0.1) -> Location:
    """The mean without the `share` smallest and largest of three or more values.

    The standard error is that of the Winsorised values (Tukey and McLaughlin, 1963; Yuen, *The
    two-sample trimmed t for unequal population variances*, 1974).
    """
    ordered = sorted(values)
    count = len(ordered)
    cut = math.floor(share * count)
    kept = ordered[cut : count - cut]
    winsorised = [kept[0]] * cut + kept + [kept[-1]] * cut
    error = _deviation(winsorised) / ((1.0 - 2.0 * cut / count) * math.sqrt(count))
    return Location(statistics.fmean(kept), error, len(kept) - 1)


def signed_rank_tail(values: Sequence[float]) -> float:
    """Wilcoxon's signed-rank test: how likely independent values, each symmetric about a centre of
    zero or below, show at least this much above zero.

    Exact for any such distributions, equal or not; the smallest possible answer is 2**-n. Ties and
    zeros count against the values, which keeps the level.
    """
    ordered = sorted(values)
    above = 0
    partner = len(ordered)
    # Pairs (i, j) with i <= j and a mean above zero; without ties as many as the positive ranks' sum.
    for position, value in enumerate(ordered):
        while partner > 0 and value + ordered[partner - 1] > 0.0:
            partner -= 1
        above += len(ordered) - max(partner, position)
    return math.fsum(_rank_sums(len(ordered))[above:])


@functools.lru_cache(maxsize=64)
def _rank_sums(count: int) -> NDArray[np.float64]:
    """The probability of each sum of positive ranks where every sign is a fair coin."""
    import numpy as np

    chances = np.zeros(count * (count + 1) // 2 + 1)
    chances[0] = 1.0
    size = 1
    for rank in range(1, count + 1):
        halves = chances[:size] / 2.0
        size += rank
        chances[:size] = 0.0
        chances[: size - rank] += halves
        chances[rank:size] += halves
    return chances


@functools.lru_cache(maxsize=1024)
def student_t(probability: float, freedom: int) -> float:
    """The quantile of Student's t distribution with a whole number of degrees of freedom.

    Inverts the finite series of Abramowitz and Stegun, *Handbook of Mathematical Functions*, 26.7.3
    and 26.7.4, which are exact. Raises ValueError outside of 0 < `probability` < 1.
    """
    if not 0.0 < probability < 1.0 or freedom < 1:
        raise ValueError(f"no quantile {probability!r} with {freedom!r} degrees of freedom")
    if probability < 0.5:
        return -student_t(1.0 - probability, freedom)
    low, high = 0.0, 1.0
    while _t_tail(high, freedom) > 1.0 - probability and high < 1e300:
        high *= 2.0
    for _ in range(200):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        low, high = (
            (middle, high) if _t_tail(middle, freedom) > 1.0 - probability else (low, middle)
        )
    return high


def _t_tail(value: float, freedom: int) -> float:
    """The probability above `value`, at least zero."""
    angle = math.atan(value / math.sqrt(freedom))
    cosine = math.cos(angle)
    term = total = 1.0 if freedom % 2 == 0 else cosine
    for step in range(2 + freedom % 2, freedom, 2):
        term *= cosine * cosine * (step - 1) / step
        total += term
    if freedom % 2 == 0:
        return (1.0 - math.sin(angle) * total) / 2.0
    both = angle + (math.sin(angle) * total if freedom > 1 else 0.0)
    return max(0.0, 0.5 - both / math.pi)
