"""From numbers to places in a drawing."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# How far beyond the middle half, in its own widths, a number may lie and still be drawn in its place.
_FAR = 4.0
# Of the span of an axis, what is left free at either end.
_MARGIN = 0.04


@dataclass(frozen=True, slots=True)
class Tick:
    """A number written at its place on an axis."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Numbers from `low` to `high`, which is more, drawn from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, number: float) -> float:
        """The place of a number, of one outside at the nearer end, to a tenth."""
        inside = (min(max(number, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + inside * (self.end - self.start), 1)

    def holds(self, number: float) -> bool:
        return self.low <= number <= self.high

    def ticks(self, about: int = 6) -> tuple[Tick, ...]:
        """Relative changes in per cent at round places.

        >>> [tick.words for tick in Scale(-0.05, 0.11, 0, 1).ticks(4)]
        ['-5 %', '0 %', '+5 %', '+10 %']
        """
        return self.every(_round_step((self.high - self.low) / about))

    def every(self, step: float) -> tuple[Tick, ...]:
        """Relative changes in per cent at every whole multiple of a step."""
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return tuple(
            Tick(self.at(count * step), _percent(count * step)) for count in range(first, last + 1)
        )


def around(numbers: Iterable[float], start: float, end: float) -> Scale:
    """A scale that holds zero and all of the numbers, which are finite."""
    ends = [0.0, *numbers]
    low, high = min(ends), max(ends)
    margin = max((high - low) * _MARGIN, abs(low) * 1e-6, abs(high) * 1e-6, 1e-6)
    return Scale(low - margin, high + margin, start, end)


def finite(numbers: Iterable[object]) -> list[float]:
    """Those of the numbers that can be drawn."""
    found = (n for n in numbers if isinstance(n, (int, float)) and not isinstance(n, bool))
    return [float(n) for n in found if math.isfinite(n) and abs(n) < 1e300]


def bulk(numbers: Sequence[float]) -> list[float]:
    """The least and the greatest number that are not far from the middle half of them."""
    if len(numbers) < 3:
        return list(numbers)
    first, _, third = statistics.quantiles(numbers, n=4, method="inclusive")
    reach = _FAR * (third - first)
    near = [number for number in numbers if first - reach <= number <= third + reach]
    return [min(near), max(near)]


def _round_step(least: float) -> float:
    """The next of 1, 2, 5, 10 … times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= least), 10 * power)


def _percent(change: float) -> str:
    percent = round(change * 100.0, 9)
    return f"{percent:+.6g} %" if percent else "0 %"
