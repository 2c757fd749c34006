"""Blocks of one case → a verdict, or the wish for more blocks. Pure.

An *effect* is what one block says: the median over its pairs of ln(contender / base), turned so that
positive is worse. Blocks are independent of each other; nothing else is assumed where somebody is
accused:

* A *regression* is claimed when Wilcoxon's signed-rank test rejects that the effects lie symmetrically
  about the tolerance or below. That holds its level for heavy tails, several modes and drift, and for
  unchanged code the effects are symmetric about zero by exchange of the two sides. The permitted error
  is shared out evenly over all cases of the suite, and over the looks at which a claim is possible.
* *No regression* is claimed when a one-sided t bound on the trimmed mean (see `stats.trimmed_mean`) is
  below the threshold. To miss a slowdown of the threshold's size is permitted to each case, most of it at
  the first look and less at each other, in proportion to 1, 1/4, 1/9 …: most cases leave at once, and
  those that stay are not asked for much more than at a single look.
* Where every block says exactly the same, as counted and tracked values do, there is nothing to test.

Between the two every answer is right, so sampling ends: the interval only has to become narrower than
from tolerance to threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from odyssey_asv import stats

LOOKS = (
    5, 7, 9, 12, 14, 16, 20, 25, 30, 40, 50, 65, 80, 100, 130, 160, 200, 250, 320, 400, 500, 640, 800, 1000,
)  # fmt: skip
"""After how many blocks a case is looked at; after the last it stays undecided."""

_FAILURES_SHARE = 0.2
"""The share of the error permitted to a case that is kept for saying that it newly fails."""
_FIRST_SHARE = 5 / 6
"""The share of the rest that the first look that can report a slowdown may use up."""

MISS = 0.005
"""How often a slowdown of exactly the threshold may be taken for none, for each case."""


class Claim(StrEnum):
    """What the effects of a case prove."""

    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Zone:
    """As logarithms of ratios: up to `tolerance` must pass, from `threshold` on must alert."""

    tolerance: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised of a suite: at most `alarm` of suites of unchanged code raise an alarm, with
    `cases` cases that may be called slower, and `every` case that may be said to fail (0: as many)."""

    cases: int
    alarm: float = 0.01
    every: int = 0

    def level(self, blocks: int) -> float:
        """The error permitted to an accusation at the look after `blocks` blocks; 0 at a look that is
        too early for any, and at block counts that are no look."""
        return self._levels().get(blocks, 0.0)

    @property
    def of_failures(self) -> float:
        """The error permitted to saying that a case newly fails."""
        return _FAILURES_SHARE * self.alarm / max(self.every, self.cases, 1)

    @property
    def least(self) -> int:
        """The fewest blocks that can support an accusation."""
        return next(iter(self._levels()), LOOKS[-1])

    def _levels(self) -> dict[int, float]:
        """The error permitted to each case, spread over the looks at which a claim is possible: the
        first has at least what unanimous blocks need, the others ever less."""
        share = (1.0 - _FAILURES_SHARE) * self.alarm / max(self.cases, 1)
        looks = [look for look in LOOKS if 0.5**look <= _FIRST_SHARE * share]
        if not looks:
            return {}
        first, *later = looks
        levels = {first: max(0.5**first, share * _harmonic(looks)[0])}
        while later:
            levels_left = [(share - levels[first]) * weight for weight in _harmonic(later)]
            if 0.5 ** later[0] <= levels_left[0]:
                return levels | dict(zip(later, levels_left, strict=True))
            # Not even unanimous blocks could accuse here.
            later.pop(0)
        return levels


def _harmonic(looks: Sequence[int]) -> list[float]:
    """Shares of one, each look's in proportion to 1, 1/2, 1/3 …"""
    weights = [1.0 / position for position in range(1, len(looks) + 1)]
    return [weight / math.fsum(weights) for weight in weights]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Where the ratio of contender to base lies, as logarithms: `low` and `high` with the confidence
    asked for, and the smallest slowdown that would very likely have been found."""

    ratio: float
    low: float
    high: float
    detectable: float


def claim(
    effects: Sequence[float], zone: Zone, promise: Promise, *, thorough: bool = True
) -> Claim | None:
    """What the effects prove at this look, None where more blocks are needed.

    Only to be asked at the block counts in `LOOKS`: each answer spends some of the permitted error. Unless
    it is to be `thorough`, that a case is no regression is enough: what is left is to tell faster from
    unchanged.
    """
    if len(set(effects)) == 1:
        return _without_noise(effects[0], zone)
    blocks = len(effects)
    level = promise.level(blocks)
    if level and stats.signed_rank_tail([e - zone.tolerance for e in effects]) <= level:
        return Claim.REGRESSION
    look = LOOKS.index(blocks) + 1
    location = stats.trimmed_mean(effects)
    spent = miss(look)
    if location.bound(spent) >= zone.threshold:
        return None
    if location.bound(spent) < -zone.tolerance:
        return Claim.IMPROVEMENT
    if not thorough:
        return Claim.NEITHER
    return Claim.NEITHER if location.bound(1.0 - spent) > -zone.threshold else None


def miss(look: int) -> float:
    """What of `MISS` the look of this number may spend, the first being 1: however many follow, not
    more than all of it together."""
    return MISS * 6.0 / (math.pi * look) ** 2


def _without_noise(effect: float, zone: Zone) -> Claim:
    if effect > zone.threshold:
        return Claim.REGRESSION
    return Claim.IMPROVEMENT if effect < -zone.threshold else Claim.NEITHER


def estimate(
    effects: Sequence[float], zone: Zone, promise: Promise, confidence: float
) -> Estimate | None:
    """Where the ratio lies by three or more blocks, None by fewer.

    `detectable` is the slowdown that blocks of the same spread would have shown beyond doubt in 99 of
    100 cases: as many blocks as there are, or as few as an accusation needs.
    """
    if len(effects) < 3:
        return None
    location = stats.trimmed_mean(effects)
    tail = (1.0 - confidence) / 2.0
    blocks = max(len(effects), promise.least)
    freedom = max(location.freedom, blocks - 2 * (blocks // 10) - 1)
    level = promise.level(max(look for look in LOOKS if look <= blocks)) or 0.5**blocks
    margin = stats.student_t(1.0 - level, freedom) + stats.student_t(0.99, freedom)
    error = location.error * math.sqrt(len(effects) / blocks)
    return Estimate(
        ratio=location.estimate,
        low=location.bound(1.0 - tail),
        high=location.bound(tail),
        detectable=zone.tolerance + margin * error,
    )


def zone_of(tolerance: float, threshold: float) -> Zone:
    """The zone between two shares: 0.05 and 0.10 for 5 % and 10 %."""
    return Zone(math.log1p(tolerance), math.log1p(threshold))
