"""What measured levels say of a range of commits: where a step was made, and how surely. Pure.

A range of commits is a line of positions: 0 is the good end, 1 … n follow it, n is the bad end. A case
runs on a *level* at each of them, the logarithm of its time over that at the good end, which stays the
same until a commit makes a step. Measuring a commit gives its level with an error.

The posterior is over all ways to cut the measured positions, in their order, into runs of one level
each: a product partition model (Barry and Hartigan, 1992), summed exactly over all partitions by
forward and backward recursion. Nothing is assumed about how many commits made a step: none, one, several,
a later fix. A measurement may be worthless with a small probability, so that a single wrong one does
not decide (the heavier tail).

Levels of the same code that were measured at different times differ by more than their errors: the load of
the machine moves the ratio of unlike work, the more the less alike the two sides are. So a measurement has,
beside its own error, one in proportion to its level, as in a random-effects model (DerSimonian and Laird,
1986). How large the proportion is is not known beforehand: it is summed over as well, with the weight that
the measurements give to each value, those of one commit taken twice among them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_STEPS = 1.0
"""How many steps are expected in a range before anything is measured."""
_DRIFTS = ((0.01, 0.6), (0.03, 0.3), (0.1, 0.1))
"""Shares of a level by which two measurements of it may differ beyond their errors, as standard deviations,
with the probability of each before anything is measured."""
_WORTHLESS = 0.002
"""How often a measurement says nothing about the level; its effect is then anything within a unit."""
_BUILD_NOISE = 0.004
"""What building the same code twice may change; no number of processes shows or removes it."""
_REFUTED = 1e-4
"""What is left of a suspicion that measuring the commit against its parent did not confirm."""
_NEGLIGIBLE = 1e-4
_LEAST_RANGE = 0.05
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Level:
    """What measuring a commit against the good end said of a case: the logarithm of the ratio, turned
    so that positive is worse, and its standard error. It was measured `times` times; `readings` are the
    effect and the error of each time, where they are known apart."""

    effect: float
    error: float
    times: int = 1
    readings: tuple[tuple[float, float], ...] = ()

    @property
    def apart(self) -> tuple[tuple[float, float, int], ...]:
        """Each reading, with how many times it stands for."""
        if not self.readings:
            return ((self.effect, self.error, self.times),)
        return tuple((effect, error, 1) for effect, error in self.readings)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that is known of a range.

    `weights` says of each commit, the first after the good end first, how suspect it is before anything
    is measured; all above 0. `least` is the smallest step of each case that counts. `levels` holds what
    was measured at a position for each case; a position that was measured without a case says nothing
    of it. `unbuildable` positions can never be measured, those `built` cost no build, those `settled` are
    not measured again. `refuted` lists the cases and positions whose step was looked for against the
    parent and is not there, `confirmed` those where it is. `explained` are the cases in which the confirmed
    steps make, within the errors, the difference between the ends: no further steps are looked for.
    """

    weights: Sequence[float]
    levels: Mapping[int, Mapping[str, Level]]
    least: Mapping[str, float]
    unbuildable: frozenset[int] = frozenset()
    built: frozenset[int] = frozenset()
    settled: frozenset[int] = frozenset()
    refuted: frozenset[tuple[str, int]] = frozenset()
    confirmed: frozenset[tuple[str, int]] = frozenset()
    explained: frozenset[str] = frozenset()

    @property
    def length(self) -> int:
        return len(self.weights)

    def cases(self) -> tuple[str, ...]:
        """The cases that are searched for: those that have a level at the bad end."""
        return tuple(self.levels[self.length])

    def times(self, position: int) -> int:
        """How often a position was measured."""
        return min((level.times for level in self.levels[position].values()), default=1)

    def silent(self, case: str) -> frozenset[int]:
        """Positions that can say nothing of a case."""
        return self.unbuildable | {p for p, seen in self.levels.items() if case not in seen}


@dataclass(frozen=True, slots=True)
class Gap:
    """Neighbouring positions with known levels. `probability` is that of a step of at least the size
    looked for by one of the commits `before` + 1 … `after`, `jump` its expected size."""

    before: int
    after: int
    probability: float
    jump: float


def gaps(known: Knowledge, case: str) -> list[Gap]:
    """What is suspected of each gap between the positions whose level for a case is known."""
    lines = [(_Line(known, case, drift), prior) for drift, prior in _DRIFTS]
    most = max(line.evidence for line, _ in lines)
    weights = [prior * math.exp(line.evidence - most) for line, prior in lines]
    shares = [weight / math.fsum(weights) for weight in weights]
    places = lines[0][0].places
    found = []
    for at in range(1, len(places)):
        if places[at - 1] == places[at]:
            # Two measurements of one commit.
            continue
        steps = [
            line.step(at, known.least[case]) if share > _NEGLIGIBLE else (0.0, 0.0)
            for (line, _), share in zip(lines, shares, strict=True)
        ]
        probability, jump = (
            math.fsum(share * part for share, part in zip(shares, parts, strict=True))
            for parts in zip(*steps, strict=True)
        )
        found.append(Gap(places[at - 1], places[at], probability, jump))
    return found


def candidates(known: Knowledge) -> dict[int, float]:
    """For each position the probability that its commit made a step in some case, where it is one in a
    thousand or more; the largest over the cases."""
    found: dict[int, float] = {}
    for case in known.cases():
        for gap in gaps(known, case):
            inside = range(gap.before + 1, gap.after + 1)
            whole = math.fsum(weight_of(known, case, p) for p in inside)
            for position in inside:
                share = gap.probability * weight_of(known, case, position) / whole
                if share >= 0.001:
                    found[position] = max(found.get(position, 0.0), share)
    return found


def weight_of(known: Knowledge, case: str, position: int) -> float:
    own = known.weights[position - 1]
    return own * _REFUTED if (case, position) in known.refuted else own


class _Line:
    """The measurements of one case in the order of their positions, and the sums over all partitions of
    them. Two measurements of one position are two places without a gap between them."""

    def __init__(self, known: Knowledge, case: str, drift: float) -> None:
        seen = sorted(
            (position, reading)
            for position, levels in known.levels.items()
            if case in levels
            for reading in levels[case].apart
        )
        self.places = [0, *(position for position, _ in seen)]
        # The good end is what everything is measured against: its level is 0 and has no error.
        self._effects = [0.0, *(effect for _, (effect, _, _) in seen)]
        self._times = [1, *(times for _, (_, _, times) in seen)]
        noise = _BUILD_NOISE**2
        self._variances = [
            noise,
            *(
                error**2 + noise + (drift * effect) ** 2 / times
                for _, (effect, error, times) in seen
            ),
        ]
        spread = max(self._effects) - min(self._effects)
        self._prior = max(spread, _LEAST_RANGE) ** 2
        self._centre = 0.5 * (max(self._effects) + min(self._effects))
        self._steps = [0.0, *self._gap_priors(known, case)]
        self._runs = {
            (first, last): self._run(first, last)
            for first in range(len(self.places))
            for last in range(first, len(self.places))
        }
        self._before: list[float] = []
        self._after: list[float] = []
        self._sum_up()

    @property
    def evidence(self) -> float:
        """The logarithm of the probability of all measurements."""
        return self._before[-1]

    def step(self, at: int, least: float) -> tuple[float, float]:
        """Of the gap that ends at measured place `at`: the probability of a step of `least` or more,
        and the expected size of a step there."""
        total = reaching = size = 0.0
        for first in range(at):
            for last in range(at, len(self.places)):
                left, right = self._runs[first, at - 1], self._runs[at, last]
                weight = math.exp(
                    self._before_run(first, at - 1)
                    + math.log(max(self._steps[at], _TINY))
                    + self._after_run(at, last)
                    - self._before[-1]
                )
                jump = right.mean - left.mean
                total += weight
                size += weight * jump
                if weight > 1e-9:
                    spread = math.sqrt(left.variance + right.variance)
                    reaching += weight * _normal_tail((least - jump) / spread)
        return min(reaching, 1.0), size / total if total > 0.0 else 0.0

    def _gap_priors(self, known: Knowledge, case: str) -> Iterator[float]:
        whole = math.fsum(known.weights)
        for before, after in zip(self.places, self.places[1:], strict=False):
            if before == after:
                yield 0.0
                continue
            inside = math.fsum(weight_of(known, case, p) for p in range(before + 1, after + 1))
            yield -math.expm1(-_STEPS * inside / whole)

    def _run(self, first: int, last: int) -> _Run:
        """All places of a run on one level, or all but one that is worthless."""
        inside = range(first, last + 1)
        precision = math.fsum(1.0 / self._variances[k] for k in inside)
        pull = math.fsum((self._effects[k] - self._centre) / self._variances[k] for k in inside)
        squares = math.fsum(
            (self._effects[k] - self._centre) ** 2 / self._variances[k] for k in inside
        )
        logs = math.fsum(math.log(self._variances[k]) for k in inside)
        count = last - first + 1
        fit = self._evidence(count, precision, pull, squares, logs)
        for k in inside:
            if k == 0 or count == 1:
                continue
            off, variance = self._effects[k] - self._centre, self._variances[k]
            without = self._evidence(
                count - 1,
                precision - 1.0 / variance,
                pull - off / variance,
                squares - off * off / variance,
                logs - math.log(variance),
            )
            fit = _add(fit, without + self._times[k] * math.log(_WORTHLESS))
        variance = 1.0 / (precision + 1.0 / self._prior)
        return _Run(fit, self._centre + pull * variance, variance)

    def _evidence(
        self, count: int, precision: float, pull: float, squares: float, logs: float
    ) -> float:
        """The logarithm of the probability of a run's effects, its level drawn from the prior."""
        whole = precision + 1.0 / self._prior
        return -0.5 * (
            count * math.log(2.0 * math.pi)
            + logs
            + math.log(self._prior * whole)
            + squares
            - pull * pull / whole
        )

    def _stays(self, first: int, last: int) -> float:
        """The logarithm of the prior probability that no step lies between two places."""
        return math.fsum(math.log1p(-self._steps[k]) for k in range(first + 1, last + 1))

    def _before_run(self, first: int, last: int) -> float:
        """All that comes before a run, with the run itself."""
        start = 0.0 if first == 0 else self._before[first - 1] + self._step_prior(first)
        return start + self._runs[first, last].fit + self._stays(first, last)

    def _after_run(self, first: int, last: int) -> float:
        """A run with all that comes after it."""
        end = len(self.places) - 1
        rest = 0.0 if last == end else self._step_prior(last + 1) + self._after[last + 1]
        return self._runs[first, last].fit + self._stays(first, last) + rest

    def _step_prior(self, at: int) -> float:
        return math.log(max(self._steps[at], _TINY))

    def _sum_up(self) -> None:
        """Logarithms of the sums over all partitions of the places up to, and from, each place."""
        count = len(self.places)
        for last in range(count):
            self._before.append(_sum(self._before_run(first, last) for first in range(last + 1)))
        self._after += [0.0] * count
        for first in reversed(range(count)):
            self._after[first] = _sum(self._after_run(first, last) for last in range(first, count))


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring places on one level: how well that fits, and where the level then lies."""

    fit: float
    mean: float
    variance: float


def _normal_tail(z: float) -> float:
    """The probability that a standard normal variable is above `z`."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def _add(one: float, other: float) -> float:
    """Of two logarithms, the logarithm of the sum."""
    high, low = max(one, other), min(one, other)
    return high + math.log1p(math.exp(low - high))


def _sum(logs: Iterator[float]) -> float:
    every = list(logs)
    high = max(every)
    return high + math.log(math.fsum(math.exp(value - high) for value in every))
