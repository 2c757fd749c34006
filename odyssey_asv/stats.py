"""Estimators on plain numbers. Pure: knows nothing but numbers.

Quantiles interpolate linearly between order statistics (type 7 of Hyndman and Fan, *Sample
Quantiles in Statistical Packages*, 1996), as `numpy.percentile` does by default.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


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
    squares = math.fsum((sample - mean) ** 2 for sample in ordered)
    return Summary(
        count=len(ordered),
        total=total,
        mean=mean,
        min=ordered[0],
        max=ordered[-1],
        std=math.sqrt(squares / (len(ordered) - 1)) if len(ordered) > 1 else 0.0,
        p50=quantile(ordered, 0.50),
        p95=quantile(ordered, 0.95),
        p99=quantile(ordered, 0.99),
    )


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
