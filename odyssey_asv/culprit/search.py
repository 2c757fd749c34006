"""Which commit of a range to measure next, and when nothing is left to learn. Pure.

Where a step is sure, the next commit is the one that tells most for the time it takes: splits most of
what is suspected of making it (see `posterior`), is likely to build, and is cheap. Where one is in doubt,
what is built is measured again first: that costs no build, and tells whether there is anything to split.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from odyssey_asv.culprit.posterior import Gap, Knowledge, gaps, weight_of

_FAILING = 0.1
"""How often a commit does not build, before any was tried."""
_SURE = 0.95
"""How probable a step must be for commits to be built for it before anything else is done."""
_LIKELY = 0.5
"""The same, once nothing that is built can tell more."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds to build a commit that is not built yet, and to measure one."""

    build_s: float
    measure_s: float


@dataclass(frozen=True, slots=True)
class Probe:
    """Measure this position against the good end, whether for the first time or again."""

    position: int


@dataclass(frozen=True, slots=True)
class Confirm:
    """Measure these cases at a position against the position before it, with fresh processes."""

    position: int
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing more can be learnt; `suspects` says what was not settled."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A gap in which some cases make a step that no commit was confirmed to have made, with the
    largest of their probabilities."""

    before: int
    after: int
    probability: float
    cases: tuple[str, ...]


def decide(known: Knowledge, costs: Costs, *, confidence: float) -> Probe | Confirm | Done:
    """The next thing to do.

    Commits are built where a step is sure. Whether there is one where that is in doubt is asked of what is
    built already; if that does not tell, commits are built where a step is likely, and where it is only
    possible as long as no other was found. Of cases that are explained only what is placed already is
    confirmed.
    """
    every = [_Belief(known, case, gaps(known, case)) for case in known.cases()]
    beliefs = [belief for belief in every if belief.case not in known.explained]
    unexplained = [belief for belief in beliefs if not belief.explained]
    if sure := _splitting(known, costs, beliefs, _SURE):
        return Probe(_best(sure))
    if (found := _located(every, confidence)) is not None:
        return found
    for telling in (
        _doubtful(known, beliefs, confidence),
        _splitting(known, costs, beliefs, _LIKELY),
        _splitting(known, costs, unexplained, 1.0 - confidence),
    ):
        if telling:
            return Probe(_best(telling))
    # The least suspicion that a confirmation, which errs as often as is permitted, makes sure.
    return _located(beliefs, confidence / (1.0 + confidence)) or Done()


def suspects(known: Knowledge, *, doubt: float) -> list[Suspect]:
    """What is suspected with a probability of `doubt` or more and was not settled by measuring a commit
    against its parent, in the order of the range."""
    together: dict[tuple[int, int], list[tuple[float, str]]] = {}
    for case in known.cases():
        for gap in gaps(known, case):
            asked = (case, gap.after) in known.confirmed | known.refuted
            if gap.probability >= doubt and not (asked and gap.after - gap.before == 1):
                seen = together.setdefault((gap.before, gap.after), [])
                seen.append((gap.probability, case))
    return [
        Suspect(before, after, max(seen)[0], tuple(sorted(case for _, case in seen)))
        for (before, after), seen in sorted(together.items())
    ]


class _Belief:
    """What is believed of one case."""

    def __init__(self, known: Knowledge, case: str, found: Sequence[Gap]) -> None:
        self.case = case
        self.gaps = found
        self.silent = known.silent(case)
        self.explained = any(its == case for its, _ in known.confirmed)
        self._asked = {at for its, at in known.confirmed | known.refuted if its == case}
        weights = (weight_of(known, case, p) for p in range(1, known.length + 1))
        self._up_to = [0.0, *itertools.accumulate(weights)]

    def open(self, least: float) -> set[int]:
        """Positions not measured yet that would split a gap with at least this probability of a step."""
        return {
            position
            for gap in self.gaps
            if gap.probability >= least
            for position in range(gap.before + 1, gap.after)
            if position not in self.silent
        }

    def gain(self, position: int) -> float:
        """The bits that measuring a position for the first time is expected to say."""
        if position in self.silent:
            return 0.0
        for gap in self.gaps:
            if gap.before < position < gap.after:
                left = self._up_to[position] - self._up_to[gap.before]
                whole = self._up_to[gap.after] - self._up_to[gap.before]
                return gap.probability * _entropy(left / whole)
        return 0.0

    def doubt(self, position: int, confidence: float) -> float:
        """The bits of doubt that hang on a measured position: of whether there is a step on either side,
        where neither is sure."""
        return max(
            (
                _entropy(gap.probability)
                for gap in self.gaps
                if position in (gap.before, gap.after)
                and 1.0 - confidence <= gap.probability < confidence
                and gap.after not in self._asked
            ),
            default=0.0,
        )

    def located(self, least: float) -> list[int]:
        """The commits that make a step with at least this probability, and were not asked about yet."""
        return [
            gap.after
            for gap in self.gaps
            if gap.after - gap.before == 1
            and gap.probability >= least
            and gap.after not in self._asked
        ]


def _located(beliefs: Sequence[_Belief], least: float) -> Confirm | None:
    """The first commit that makes a step with at least this probability in some case."""
    located = [(position, belief.case) for belief in beliefs for position in belief.located(least)]
    if not located:
        return None
    first = min(located)[0]
    return Confirm(first, tuple(sorted(case for position, case in located if position == first)))


def _best(telling: Mapping[int, float]) -> int:
    """The position that tells most, the first of them."""
    return max(telling, key=lambda position: (telling[position], -position))


def _splitting(
    known: Knowledge, costs: Costs, beliefs: Sequence[_Belief], least: float
) -> dict[int, float]:
    """Of positions not measured yet that would split a gap with at least this probability of a step, the
    bits a second that measuring them is expected to say."""
    return {
        position: gain / (costs.measure_s + (0.0 if position in known.built else costs.build_s))
        for position in set().union(*(belief.open(least) for belief in beliefs))
        if (gain := _gain(known, beliefs, position)) > 0.0
    }


def _doubtful(known: Knowledge, beliefs: Sequence[_Belief], confidence: float) -> dict[int, float]:
    """Of measured positions next to a gap in doubt, the bits that measuring them once more is expected to
    say."""
    if not beliefs:
        return {}
    return {
        position: doubt / known.times(position)
        for position in known.levels
        if position not in known.settled
        and (doubt := max(belief.doubt(position, confidence) for belief in beliefs))
    }


def _gain(known: Knowledge, beliefs: Sequence[_Belief], position: int) -> float:
    """The bits that measuring a position for the first time is expected to say, by all cases."""
    return math.fsum(b.gain(position) for b in beliefs) * (1.0 - _fails(known, position))


def _fails(known: Knowledge, position: int) -> float:
    """The probability that a position does not build: neighbours of one that does not, often do not."""
    nearest = min((abs(position - p) for p in known.unbuildable), default=None)
    if nearest is None:
        return _FAILING
    return max(_FAILING, 0.9 * math.exp(-nearest / max(2.0, known.length / 40)))


def _entropy(share: float) -> float:
    """Bits of a yes or no."""
    if share <= 0.0 or share >= 1.0:
        return 0.0
    return -share * math.log2(share) - (1.0 - share) * math.log2(1.0 - share)
