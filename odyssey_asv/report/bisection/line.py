"""A range of commits drawn in one line of text, the good end first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from odyssey_asv.culprit.bisection import Place

# Levels closer together than this, as logarithms, are drawn alike: it is what noise does.
_FLAT = 0.02
# Suspicion that is drawn: this share of the greatest, and at least so much.
_SHARE = 0.2
_LEAST = 0.01


@dataclass(frozen=True, slots=True)
class Signs:
    """What to draw with: one column each."""

    low: str
    middle: str
    high: str
    unmeasured: str
    broken: str
    suspect: str
    culprit: str

    @property
    def meanings(self) -> dict[str, str]:
        """What each sign says, in the order of legends."""
        return {
            self.low: "fast",
            self.middle: "between",
            self.high: "slow",
            self.unmeasured: "not measured",
            self.broken: "cannot be measured",
            self.suspect: "suspect",
            self.culprit: "found",
        }


LINES = Signs("▁", "▄", "█", "·", "×", "?", "!")
ASCII = Signs("_", "-", "^", ".", "x", "?", "!")


def picture(
    places: Sequence[Place], width: int, *, culprits: Collection[str] = (), signs: Signs = LINES
) -> str:
    """One column for each commit, or for neighbours together where there are more than `width`.

    A column shows the most telling of its commits: one of `culprits`, then suspects, a measured level,
    one that cannot be measured. No places, or no width, give no picture.
    """
    columns = _columns(places, width)
    suspicion = [
        0.0 if _named(column, culprits) else sum(place.suspicion for place in column)
        for column in columns
    ]
    least = max(_LEAST, _SHARE * max(suspicion, default=0.0))
    heights = _Heights.of(places)
    drawn = []
    for column, suspected in zip(columns, suspicion, strict=True):
        levels = [level for place in column if (level := _level(place)) is not None]
        if _named(column, culprits):
            drawn.append(signs.culprit)
        elif suspected >= least:
            drawn.append(signs.suspect)
        elif levels:
            drawn.append(heights.sign(math.fsum(levels) / len(levels), signs))
        else:
            broken = any(place.broken for place in column)
            drawn.append(signs.broken if broken else signs.unmeasured)
    return "".join(drawn)


def legend(drawn: str, places: int, signs: Signs = LINES) -> str:
    """What the signs of a picture of so many places mean, of those that occur."""
    parts = [f"{sign} {meaning}" for sign, meaning in signs.meanings.items() if sign in drawn]
    if len(drawn) < places:
        parts.append(f"each column up to {math.ceil(places / len(drawn))} commits")
    return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class _Heights:
    """The lowest and the highest level, as logarithms of the ratio to the good end."""

    lowest: float
    highest: float

    @classmethod
    def of(cls, places: Sequence[Place]) -> _Heights:
        levels = [0.0, *(level for place in places if (level := _level(place)) is not None)]
        return cls(min(levels), max(levels))

    def sign(self, level: float, signs: Signs) -> str:
        span = self.highest - self.lowest
        share = 0.0 if span < _FLAT else (level - self.lowest) / span
        if share < 1 / 3:
            return signs.low
        return signs.high if share > 2 / 3 else signs.middle


def _columns(places: Sequence[Place], width: int) -> list[Sequence[Place]]:
    """The places in at most `width` groups of neighbours that differ in size by one at most."""
    count = min(width, len(places))
    ends = [column * len(places) // count for column in range(count + 1)] if count > 0 else []
    return [places[start:end] for start, end in itertools.pairwise(ends)]


def _named(column: Sequence[Place], culprits: Collection[str]) -> bool:
    return any(place.commit in culprits for place in column)


def _level(place: Place) -> float | None:
    """The logarithm of a place's level, None where it has none that can be drawn."""
    level = place.level
    return math.log(level) if level is not None and 0.0 < level < math.inf else None
