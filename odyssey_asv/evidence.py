"""Blocks of one case → a verdict, or the wish for more blocks. Pure.

An *effect* is what one block says: the median over its pairs of ln(contender / base), turned so that
positive is worse. Blocks are independent of each other; nothing else is assumed where somebody is
accused:

* A *regression* is claimed when Wilcoxon's signed-rank test rejects that the effects lie symmetrically
  about the tolerance or below. That holds its level for heavy tails, several modes and drift, and for
  unchanged code the effects are symmetric about zero by exchange of the two sides. The permitted error
  is shared out evenly over all cases of the suite and over all looks at which a claim is possible.
* *No regression* is claimed when a one-sided t bound on the trimmed mean (see `stats.trimmed_mean`) is
  below the threshold. To miss a slowdown of the threshold's size is permitted to each case, half of the
  error at the first look, a quarter at the second and so on: most cases leave at once.
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

LOOKS = (5, 7, 9, 12, 16, 20, 25, 30, 40, 50, 65, 80, 100, 130, 160, 200)
"""After how many blocks a case is looked at; after the last it stays undecided."""

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
class Plan:
    """What is promised of a suite: at most `alarm` of suites of unchanged code raise an alarm, with
    `cases` cases that may."""

    cases: int
    alarm: float = 0.01

    def level(self, blocks: int) -> float:
        """The error permitted to an accusation at the look after `blocks` blocks; 0 at a look that is
        too early for any."""
        share = self.alarm / max(self.cases, 1)
        for position, look in enumerate(LOOKS):
            permitted = share / (len(LOOKS) - position)
            if 0.5**look <= permitted:
                return permitted if blocks >= look else 0.0
        return 0.0

    @property
    def least(self) -> int:
        """The fewest blocks that can support an accusation."""
        return next((look for look in LOOKS if self.level(look) > 0.0), LOOKS[-1])


@dataclass(frozen=True, slots=True)
class Estimate:
    """Where the ratio of contender to base lies, as logarithms: `low` and `high` with the confidence
    asked for, and the smallest slowdown that would very likely have been found."""

    ratio: float
    low: float
    high: float
    detectable: float


def claim(effects: Sequence[float], zone: Zone, plan: Plan) -> Claim | None:
    """What the effects prove at this look, None where more blocks are needed.

    Only to be asked at the block counts in `LOOKS`: each answer spends some of the permitted error.
    """
    if len(set(effects)) == 1:
        return _without_noise(effects[0], zone)
    blocks = len(effects)
    level = plan.level(blocks)
    if level and stats.signed_rank_tail([e - zone.tolerance for e in effects]) <= level:
        return Claim.REGRESSION
    look = LOOKS.index(blocks) + 1
    location = stats.trimmed_mean(effects)
    spent = MISS / 2**look
    if location.bound(spent) >= zone.threshold:
        return None
    if location.bound(spent) < -zone.tolerance:
        return Claim.IMPROVEMENT
    return Claim.NEITHER if location.bound(1.0 - spent) > -zone.threshold else None


def _without_noise(effect: float, zone: Zone) -> Claim:
    if effect > zone.threshold:
        return Claim.REGRESSION
    return Claim.IMPROVEMENT if effect < -zone.threshold else Claim.NEITHER


def estimate(
    effects: Sequence[float], zone: Zone, plan: Plan, confidence: float
) -> Estimate | None:
    """Where the ratio lies by three or more blocks, None by fewer.

    `detectable` is the slowdown that blocks of the same spread would have shown beyond doubt in 99 of
    100 cases: as many blocks as there are, or as few as an accusation needs.
    """
    if len(effects) < 3:
        return None
    location = stats.trimmed_mean(effects)
    tail = (1.0 - confidence) / 2.0
    blocks = max(len(effects), plan.least)
    freedom = max(location.freedom, blocks - 2 * (blocks // 10) - 1)
    margin = stats.student_t(1.0 - plan.level(blocks), freedom) + stats.student_t(0.99, freedom)
    error = location.error * math.sqrt(len(effects) / blocks)
    return Estimate(
        ratio=location.estimate,
        low=location.bound(1.0 - tail),
        high=location.bound(tail),
        detectable=zone.tolerance + margin * error,
    )


def next_look(blocks: int) -> int | None:
    """The next block count at which a case is looked at, None after the last."""
    return next((look for look in LOOKS if look > blocks), None)


def zone_of(tolerance: float, threshold: float) -> Zone:
    """The zone between two shares: 0.05 and 0.10 for 5 % and 10 %."""
    return Zone(math.log1p(tolerance), math.log1p(threshold))
