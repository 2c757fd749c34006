"""Failures of a case in processes of both sides → whether one side fails, or both now and then. Pure.

In each attempt both sides run the case once, in processes of their own. Where the code did not change, an
attempt in which only the contender fails is as likely as one in which only the base does, however often
either happens and whether or not the two are independent. So the product of `1 + s` for each attempt in
which only one side fails and `1 - s` for each in which only the other does is a martingale with expectation
1, and by Ville's inequality (Ville, 1939; Shafer and Vovk, 2019) it ever reaches 1/a with a probability of
at most `a`: a test that may be looked at after every attempt. Attempts in which both fail, or neither, say
nothing of a difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_STAKES = (1.0, 0.8)
"""The `s` of two martingales, of which the mean is taken: the first is quickest where one side always fails
and the other never, the second allows for exceptions."""
_BOTH = 2
"""After so many attempts, in all of which both sides failed, nobody tries again."""
_MOST = 40
"""After so many attempts, failures that tell nothing are called unsteady."""


@dataclass(slots=True)
class Failures:
    """How many attempts there were, and in how many of them which side failed."""

    attempts: int = 0
    both: int = 0
    alone: tuple[int, int] = (0, 0)

    def add(self, base: bool, contender: bool) -> None:
        """Take down an attempt: whether the base failed, and whether the contender did."""
        self.attempts += 1
        self.both += base and contender
        first, second = self.alone
        self.alone = first + (base and not contender), second + (contender and not base)

    def of(self, side: int) -> int:
        """In how many attempts a side failed."""
        return self.both + self.alone[side]

    @property
    def any(self) -> bool:
        return self.both > 0 or self.alone != (0, 0)

    def shown(self, side: int, level: float) -> bool:
        """Whether a side is proved to fail more often than the other, with a permitted error of `level`."""
        mine, others = self.alone[side], self.alone[1 - side]
        logs = [
            -math.inf if stake == 1.0 and others else _log(stake, mine) + _log(-stake, others)
            for stake in _STAKES
        ]
        most = max(logs)
        mean = most + math.log(sum(math.exp(log - most) for log in logs) / len(logs))
        return mean >= -math.log(level)

    @property
    def always_both(self) -> bool:
        """Whether both sides failed in every attempt, and were asked often enough."""
        return self.both == self.attempts >= _BOTH

    @property
    def pending(self) -> bool:
        """Whether there were failures of which more attempts may tell whose they are."""
        return self.any and self.attempts < _MOST and not self.always_both

    @property
    def one_sided(self) -> bool:
        """Whether the contender failed in each of several attempts and the base in none: too few for a
        verdict, but no ground to let the change pass either."""
        return self.alone == (0, self.attempts) and self.attempts >= _BOTH


def _log(stake: float, times: int) -> float:
    return times * math.log1p(stake) if times else 0.0
