"""Blocks → verdicts: the rule, its bounds, and its error rates on simulated traces."""

from __future__ import annotations

import functools
import itertools
import json
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv import stats
from odyssey_asv.pairs import evidence
from odyssey_asv.pairs.evidence import LOOKS, Claim, Promise, claim, estimate, zone_of

ZONE = zone_of(0.05, 0.10)

effects = st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=12)


@given(effects)
def test_signed_ranks_are_wilcoxon_s(values: list[float]) -> None:
    """Against every way to give the signs, where no two ranks are tied."""
    sizes = sorted(map(abs, values))
    if 0.0 in sizes or len(set(sizes)) < len(sizes):
        return
    observed = sum(sizes.index(abs(v)) + 1 for v in values if v > 0)
    ranks = range(1, len(values) + 1)
    as_much = sum(
        sum(itertools.compress(ranks, signs)) >= observed
        for signs in itertools.product((0, 1), repeat=len(values))
    )
    assert stats.signed_rank_tail(values) == pytest.approx(as_much / 2 ** len(values))


@given(effects)
def test_ties_and_zeros_count_against_an_accusation(values: list[float]) -> None:
    shaken = [v - abs(v) * 1e-9 * k - 1e-300 for k, v in enumerate(values)]
    assert 0.0 < stats.signed_rank_tail(values) <= 1.0
    assert stats.signed_rank_tail([0.0] * len(values)) == 1.0
    assert stats.signed_rank_tail(shaken) <= 1.0


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    [
        (0.975, 1, 12.7062),
        (0.975, 2, 4.30265),
        (0.975, 4, 2.77645),
        (0.995, 4, 4.60409),
        (0.9995, 9, 4.78091),
        (0.975, 30, 2.04227),
        (0.95, 3, 2.35336),
        (0.99, 120, 2.35782),
        (0.025, 30, -2.04227),
        (0.5, 7, 0.0),
    ],
)
def test_quantiles_of_student_s_t(probability: float, freedom: int, expected: float) -> None:
    """Against the tables of Abramowitz and Stegun (26.10)."""
    assert stats.student_t(probability, freedom) == pytest.approx(expected, abs=1e-5, rel=1e-5)


@pytest.mark.parametrize(("probability", "freedom"), [(0.0, 3), (1.0, 3), (math.nan, 3), (0.9, 0)])
def test_no_such_quantile(probability: float, freedom: int) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        stats.student_t(probability, freedom)


def test_trimmed_mean_by_hand() -> None:
    """Yuen's example: one value cut on each side of ten, the Winsorised ones in the error."""
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 100.0]
    found = stats.trimmed_mean(values)
    winsorised = [2.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 9.0]
    mean = sum(winsorised) / 10
    deviation = math.sqrt(sum((w - mean) ** 2 for w in winsorised) / 9)
    assert found.estimate == pytest.approx(5.5)
    assert found.error == pytest.approx(deviation / (0.8 * math.sqrt(10)))
    assert found.freedom == 7


def test_many_blocks_keep_the_ranks_exact() -> None:
    """The smallest p is still 2**-n, the middle still a half."""
    most = LOOKS[-1]
    assert stats.signed_rank_tail([1.0 + k for k in range(most)]) == 0.5**most
    evenly = [(-1.0) ** k * (k + 1 if k % 4 < 2 else k) for k in range(most)]
    assert stats.signed_rank_tail(evenly) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("cases", [1, 5, 25, 100, 1000])
def test_the_permitted_error_is_spent_once(cases: int) -> None:
    """Over all looks and all cases together not more than promised, and no look is wasted."""
    promise = Promise(cases)
    levels = [promise.level(look) for look in LOOKS]
    assert math.fsum(levels) * cases <= promise.alarm * (1 + 1e-12)
    assert all(
        level == 0.0 or 0.5**look <= level for look, level in zip(LOOKS, levels, strict=True)
    )
    assert promise.level(promise.least) > 0.0
    assert all(promise.level(look) == 0.0 for look in LOOKS if look < promise.least)


@pytest.mark.parametrize(("cases", "blocks"), [(1, 9), (25, 12), (100, 14), (400, 16)])
def test_the_fewest_blocks_that_accuse(cases: int, blocks: int) -> None:
    """Unanimous ones do there, and not at any look before."""
    promise = Promise(cases)
    assert promise.least == blocks
    effects = [0.5 + 0.001 * k for k in range(blocks)]
    assert claim(effects, ZONE, promise) is Claim.REGRESSION
    for look in (look for look in LOOKS if look < blocks):
        assert claim(effects[:look], ZONE, promise) is not Claim.REGRESSION


def test_what_may_be_missed_is_spent_once() -> None:
    spent = [evidence.miss(look) for look in range(1, len(LOOKS) + 1)]
    assert spent == sorted(spent, reverse=True)
    assert 0.9 * evidence.MISS < math.fsum(spent) <= evidence.MISS


@given(st.floats(-0.5, 0.5))
def test_without_noise_arithmetic_decides(effect: float) -> None:
    """A counted value that is the same in every process needs no test."""
    found = claim([effect] * 5, ZONE, Promise(25))
    if effect > ZONE.threshold:
        assert found is Claim.REGRESSION
    elif effect < -ZONE.threshold:
        assert found is Claim.IMPROVEMENT
    else:
        assert found is Claim.NEITHER


@given(st.lists(st.floats(-1, 1), min_size=16, max_size=16))
def test_an_accusation_needs_most_blocks_above_the_tolerance(values: list[float]) -> None:
    if claim(values, ZONE, Promise(25)) is Claim.REGRESSION and len(set(values)) > 1:
        assert all(value > ZONE.tolerance for value in values)


def test_what_is_no_regression_is_settled_before_it_is_told_from_faster() -> None:
    rng = random.Random(1)
    values = [-0.06 + rng.gauss(0.0, 0.05) for _ in range(9)]
    assert claim(values, ZONE, Promise(1), thorough=False) is Claim.NEITHER
    assert claim(values, ZONE, Promise(1), thorough=True) is None


@given(st.lists(st.floats(-1, 1), min_size=9, max_size=9), st.booleans())
def test_a_regression_is_one_however_thorough(values: list[float], thorough: bool) -> None:
    regression = claim(values, ZONE, Promise(1), thorough=True) is Claim.REGRESSION
    found = claim(values, ZONE, Promise(1), thorough=thorough)
    assert (found is Claim.REGRESSION) is regression


@given(st.lists(st.floats(-1, 1), min_size=5, max_size=5))
def test_five_blocks_accuse_nobody(values: list[float]) -> None:
    """Whatever they say, where there is any noise at all."""
    if len(set(values)) > 1:
        assert claim(values, ZONE, Promise(1)) is not Claim.REGRESSION


def test_estimates() -> None:
    assert estimate([0.1, 0.1], ZONE, Promise(1), 0.99) is None
    found = estimate([0.1, 0.12, 0.08, 0.11, 0.09], ZONE, Promise(1), 0.99)
    assert found is not None
    assert found.ratio == pytest.approx(0.1)
    assert found.low < found.ratio < found.high
    assert found.detectable > ZONE.tolerance
    wider = estimate([0.1, 0.14, 0.06, 0.12, 0.08], ZONE, Promise(1), 0.99)
    assert wider is not None
    assert wider.detectable > found.detectable


Draw = Callable[[random.Random], float]


def quiet(rng: random.Random) -> float:
    return rng.gauss(0.0, 0.012)


def noisy(rng: random.Random) -> float:
    return rng.gauss(0.0, 0.045)


def heavy(rng: random.Random) -> float:
    """Student's t with three degrees of freedom: some blocks are far out."""
    return 0.015 * rng.gauss(0, 1) / math.sqrt(sum(rng.gauss(0, 1) ** 2 for _ in range(3)) / 3)


def two_modes(rng: random.Random) -> float:
    """Each process lands in one of two layouts of memory, 7 % apart."""
    return 0.07 * (rng.random() < 0.5) - 0.07 * (rng.random() < 0.5) + rng.gauss(0, 0.004)


def clumped(rng: random.Random) -> float:
    """The worst for a t test: two far modes and next to nothing within."""
    return (0.3 if rng.random() < 0.5 else -0.3) + rng.gauss(0, 1e-6)


def contaminated(rng: random.Random) -> float:
    """One block in seven met a busy neighbour."""
    return rng.gauss(0, 0.15 if rng.random() < 1 / 7 else 0.012)


class Drift:
    """The noise itself comes and goes over blocks, and sides are exchanged at random."""

    def __init__(self) -> None:
        self.size = 0.01

    def __call__(self, rng: random.Random) -> float:
        self.size = min(0.08, max(0.004, self.size * math.exp(rng.gauss(0, 0.3))))
        return rng.gauss(0, self.size)


class Recorded:
    """What an unchanged case said on a real machine (`python -m benchmarks.studies.traces`), drawn
    again in stretches of neighbours, so that what lasts for a while still does, with the sides of each
    stretch exchanged or not."""

    def __init__(self, cases: Sequence[Sequence[float]]) -> None:
        self._cases = cases
        self._effects: Sequence[float] = ()
        self._left: list[float] = []

    def __call__(self, rng: random.Random) -> float:
        self._effects = self._effects or rng.choice(self._cases)
        if not self._left:
            start = rng.randrange(len(self._effects) - _STRETCH + 1)
            side = rng.choice((1.0, -1.0))
            self._left = [side * e for e in self._effects[start : start + _STRETCH]]
        return self._left.pop()


_STRETCH = 5


def recorded() -> dict[str, Callable[[], Draw]]:
    """One of the above for each recording."""
    path = Path(__file__).parent / "fixtures" / "traces.json"
    found: dict[str, Callable[[], Draw]] = {}
    for recording in json.loads(path.read_text(encoding="utf-8")):
        name = f"recorded {recording['work']}{', loaded' if recording['load'] else ''}"
        found[name] = functools.partial(Recorded, list(recording["effects"].values()))
    return found


TRACES: dict[str, Callable[[], Draw]] = {
    "quiet": lambda: quiet,
    "noisy": lambda: noisy,
    "heavy tails": lambda: heavy,
    "two modes": lambda: two_modes,
    "contaminated": lambda: contaminated,
    "drift": Drift,
    **recorded(),
}


def decide(
    draw: Draw, shift: float, promise: Promise, rng: random.Random
) -> tuple[Claim | None, int]:
    """A case measured look by look until it is decided."""
    seen: list[float] = []
    for look in LOOKS:
        while len(seen) < look:
            seen.append(shift + draw(rng))
        found = claim(seen, ZONE, promise)
        if found is not None:
            return found, look
    return None, LOOKS[-1]


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_unchanged_code_is_not_accused(trace: Callable[[], Draw]) -> None:
    """1,500 cases, by the looser level of a suite of 25: the promise allows less than one alarm."""
    rng = random.Random(11)
    promise = Promise(25)
    alarms = sum(decide(trace(), 0.0, promise, rng)[0] is Claim.REGRESSION for _ in range(1500))
    assert alarms <= 1


def test_the_worst_clumps_do_not_fool_it() -> None:
    """Where a t test at the same level would be wrong in one case of some hundred."""
    rng = random.Random(5)
    promise = Promise(1, alarm=0.05)
    alarms = 0
    for _ in range(400):
        seen = [clumped(rng) for _ in range(LOOKS[4])]
        alarms += any(claim(seen[:look], ZONE, promise) is Claim.REGRESSION for look in LOOKS[:5])
    assert alarms <= 400 * 0.05


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_at_the_tolerance_itself_the_level_holds(trace: Callable[[], Draw]) -> None:
    """A slowdown of exactly 5 % is raised in no more than 1 % of cases."""
    rng = random.Random(12)
    promise = Promise(25)
    alarms = sum(
        decide(trace(), ZONE.tolerance, promise, rng)[0] is Claim.REGRESSION for _ in range(120)
    )
    assert alarms <= 2


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_a_slowdown_of_the_threshold_is_found(trace: Callable[[], Draw]) -> None:
    """10 % in at least 99 of 100 cases."""
    rng = random.Random(13)
    promise = Promise(25)
    found = sum(
        decide(trace(), ZONE.threshold, promise, rng)[0] is Claim.REGRESSION for _ in range(300)
    )
    assert found >= 294


def test_mirrored_effects_are_improvements() -> None:
    rng = random.Random(14)
    claims = [decide(quiet, -math.log(1.2), Promise(25), rng)[0] for _ in range(100)]
    assert claims.count(Claim.IMPROVEMENT) >= 99
