"""Levels → next commit or answer: the rule alone, and thousands of searches over simulated histories."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from odyssey_asv.culprit.posterior import Knowledge, Level, candidates, gaps
from odyssey_asv.culprit.search import Confirm, Costs, Done, Probe, Suspect, decide, suspects

COSTS = Costs(build_s=3.0, measure_s=3.0)
LEAST = math.log1p(0.025)
"""Half of the default tolerance, as `odyssey bisect` has it."""


@dataclass
class History:
    """A simulated range: what each commit adds to the level of each case, and what measuring finds."""

    steps: Mapping[str, Mapping[int, float]]
    length: int
    noise: float = 0.01
    broken: frozenset[int] = frozenset()
    wild: float = 0.0
    weights: tuple[float, ...] = ()
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    probes: list[int] = field(default_factory=list)
    confirmed: set[tuple[str, int]] = field(default_factory=set)
    refuted: set[tuple[str, int]] = field(default_factory=set)

    def level(self, case: str, position: int) -> float:
        return math.fsum(size for at, size in self.steps[case].items() if at <= position)

    def seen(self, case: str, position: int) -> float:
        """One measurement, which is of something else altogether with probability `wild`."""
        if self.rng.random() < self.wild:
            return self.rng.uniform(-0.3, 0.3)
        return self.level(case, position) + self.rng.gauss(0.0, self.noise)

    def search(self, confidence: float = 0.95) -> list[Suspect]:
        """Do what `decide` says until it is done; what is suspected then."""
        taken: dict[int, dict[str, list[float]]] = {}
        unbuildable: set[int] = set()
        # Whether there is anything to look for was settled before.
        for _ in range(3):
            self._measure(taken, self.length)
        for _ in range(100):
            known = Knowledge(
                weights=self.weights or (1.0,) * self.length,
                levels={
                    p: {
                        case: Level(
                            math.fsum(values) / len(values),
                            self.noise / math.sqrt(len(values)),
                            len(values),
                        )
                        for case, values in by_case.items()
                    }
                    for p, by_case in taken.items()
                },
                least=dict.fromkeys(self.steps, LEAST),
                unbuildable=frozenset(unbuildable),
                built=frozenset(taken),
                settled=frozenset(
                    p for p, by_case in taken.items() if len(next(iter(by_case.values()))) >= 4
                ),
                refuted=frozenset(self.refuted),
                confirmed=frozenset(self.confirmed),
            )
            match decide(known, COSTS, confidence=confidence):
                case Done():
                    return suspects(known, doubt=1.0 - confidence)
                case Confirm(position, cases):
                    for name in cases:
                        step = self.steps[name].get(position, 0.0)
                        found = step + self.rng.gauss(0.0, self.noise / 2) > LEAST / 2
                        (self.confirmed if found else self.refuted).add((name, position))
                case Probe(position):
                    assert 1 <= position <= self.length
                    assert position not in unbuildable
                    self.probes.append(position)
                    if position in self.broken:
                        unbuildable.add(position)
                    else:
                        self._measure(taken, position)
        raise AssertionError("the search does not end")

    def _measure(self, taken: dict[int, dict[str, list[float]]], position: int) -> None:
        for case in self.steps:
            by_case = taken.setdefault(position, {})
            by_case.setdefault(case, []).append(self.seen(case, position))

    @property
    def builds(self) -> int:
        """Of commits, the ends among them."""
        return len({0, self.length, *self.probes} - self.broken)


ANY = {"c": LEAST, "other": LEAST}


@pytest.mark.parametrize("length", [1, 2, 3, 7, 64, 100])
def test_without_noise_every_culprit_is_named_by_halving(length: int) -> None:
    """At every position, with at most one probe more than halving takes."""
    for culprit in range(1, length + 1):
        history = History({"c": {culprit: 0.1}}, length, noise=1e-4)
        history.search()
        assert history.confirmed == {("c", culprit)}
        assert len(history.probes) <= math.ceil(math.log2(length)) + 1


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(1, 40),
    steps=st.dictionaries(st.integers(1, 40), st.floats(-0.3, 0.3), max_size=4),
    broken=st.frozensets(st.integers(1, 39), max_size=10),
    seed=st.integers(0, 1000),
)
def test_it_ends_and_stays_within_the_range(
    length: int, steps: dict[int, float], broken: frozenset[int], seed: int
) -> None:
    """Whatever the history is like."""
    inside = {at: size for at, size in steps.items() if at <= length}
    history = History(
        {"c": inside}, length, broken=broken - {length}, rng=random.Random(seed), wild=0.05
    )
    left = history.search()
    assert all(0 <= s.before < s.after <= length for s in left)
    assert all(0.0 <= s.probability <= 1.0 for s in left)
    # Whether it is the right one is a matter of chance here: see `test_the_right_commit_is_named`.
    assert all(1 <= at <= length for _, at in history.confirmed)


@example(length=27, levels={1: 0.28125, 2: 0.0})
@settings(max_examples=40, deadline=None)
@given(
    length=st.integers(2, 60),
    levels=st.dictionaries(st.integers(1, 60), st.floats(-0.3, 0.3), min_size=1, max_size=6),
)
def test_position_free(length: int, levels: dict[int, float]) -> None:
    """Read from its other end, with improvements for regressions, a history says the same."""
    inside = {at: effect for at, effect in levels.items() if at < length} | {length: 0.1}
    forward = Knowledge(
        (1.0,) * length,
        {at: {"c": Level(effect, 0.01)} for at, effect in inside.items()},
        ANY,
    )
    backward = Knowledge(
        (1.0,) * length,
        {
            length - at: {"c": Level(effect - 0.1, 0.01)}
            for at, effect in {**inside, 0: 0.0}.items()
            if at < length
        },
        ANY,
    )
    there = gaps(forward, "c")
    back = gaps(backward, "c")
    jumps = [gap.jump for gap in reversed(back)]
    # The end that everything is measured against has no error of its own, so the two differ a little.
    assert [gap.jump for gap in there] == pytest.approx([-j for j in jumps], abs=0.1)
    assert [(length - g.after, length - g.before) for g in reversed(back)] == [
        (g.before, g.after) for g in there
    ]


def searches(count: int, seed: int, **shape: object) -> list[tuple[History, int]]:
    """Simulated searches for one step each, at places drawn at random."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        length = int(str(shape.get("length", 64)))
        culprit = rng.randint(1, length)
        step = math.log1p(float(str(shape.get("step", 0.15))))
        history = History(
            {"c": {culprit: step}},
            length,
            noise=float(str(shape.get("noise", 0.01))),
            wild=float(str(shape.get("wild", 0.0))),
            rng=random.Random(1000 * seed + number),
        )
        history.search()
        found.append((history, culprit))
    return found


@pytest.mark.parametrize(
    ("length", "step", "noise", "right"),
    [(64, 0.15, 0.01, 0.99), (256, 0.15, 0.01, 0.99), (64, 0.10, 0.012, 0.95)],
)
def test_the_right_commit_is_named(length: int, step: float, noise: float, right: float) -> None:
    """As often as is promised, hardly ever another, and with no more builds than promised."""
    found = searches(120, 3, length=length, step=step, noise=noise)
    named = [{at for _, at in history.confirmed} for history, _ in found]
    culprits = [{culprit} for _, culprit in found]
    assert sum(n == c for n, c in zip(named, culprits, strict=True)) >= right * len(found)
    builds = sorted(history.builds for history, _ in found)
    assert builds[len(builds) // 2] <= math.log2(length) + 3


def test_worthless_measurements_blame_nobody_else() -> None:
    """One measurement in fifty is of something else."""
    found = searches(120, 4, wild=0.02)
    named = [{at for _, at in history.confirmed} for history, _ in found]
    assert all(n <= {culprit} for n, (_, culprit) in zip(named, found, strict=True))
    assert sum(bool(n) for n in named) >= 110


def test_several_culprits_and_a_fix() -> None:
    """Each is found; what makes it faster is not blamed."""
    steps = {10: 0.12, 30: -0.08, 45: 0.2}
    history = History({"c": steps}, 64, noise=0.008)
    history.search()
    assert history.confirmed == {("c", 10), ("c", 45)}


def test_cases_share_what_is_measured() -> None:
    """Two cases with one culprit take no more probes than one, and with two culprits find both."""
    one = History({"a": {20: 0.15}}, 64)
    both = History({"a": {20: 0.15}, "b": {20: 0.1}}, 64)
    one.search()
    both.search()
    assert both.confirmed == {("a", 20), ("b", 20)}
    assert len(both.probes) <= len(one.probes) + 2
    two = History({"a": {20: 0.15}, "b": {50: 0.15}}, 64)
    two.search()
    assert two.confirmed == {("a", 20), ("b", 50)}


def test_unbuildable_around_the_culprit_gives_a_range() -> None:
    """With the commits it may be and nobody else; the nearest that build were measured."""
    history = History({"c": {20: 0.2}}, 64, broken=frozenset(range(18, 24)))
    (suspect,) = history.search()
    assert (suspect.before, suspect.after) == (17, 24)
    assert history.confirmed == set()


def test_a_case_that_a_commit_does_not_have_says_nothing_there() -> None:
    levels = {
        32: {"other": Level(0.0, 0.01)},
        64: {"c": Level(0.2, 0.01), "other": Level(0.2, 0.01)},
    }
    known = Knowledge((1.0,) * 64, levels, ANY)
    assert [(g.before, g.after) for g in gaps(known, "c")] == [(0, 64)]
    assert [(g.before, g.after) for g in gaps(known, "other")] == [(0, 32), (32, 64)]
    assert decide(known, COSTS, confidence=0.95) != Probe(32)


def test_what_is_built_is_preferred_and_suspects_are_weighed() -> None:
    levels = {64: {"c": Level(0.2, 0.01)}}
    equal = Knowledge((1.0,) * 64, levels, ANY)
    assert decide(equal, COSTS, confidence=0.95) == Probe(32)
    built = Knowledge((1.0,) * 64, levels, ANY, built=frozenset({25}))
    assert decide(built, COSTS, confidence=0.95) == Probe(25)
    late = Knowledge((0.01,) * 60 + (1.0,) * 4, levels, ANY)
    assert decide(late, COSTS, confidence=0.95) in (Probe(61), Probe(62))


@pytest.mark.parametrize(
    ("further", "doubt", "settled"),
    [
        pytest.param((0.05, 0.025, 0.5), {Probe(32), Probe(64)}, {Done()}, id="possible"),
        pytest.param((0.5, 0.04, 0.95), {Probe(32), Probe(64)}, {Probe(48)}, id="likely"),
        pytest.param((0.95, 0.06, 1.0), {Probe(48)}, {Probe(48)}, id="sure"),
    ],
)
def test_a_further_step_is_measured_for_before_it_is_built_for(
    further: tuple[float, float, float], doubt: set[object], settled: set[object]
) -> None:
    """What is in doubt is measured again while that may tell; then it has to be likely. The size of the
    step stands between the bounds of its probability."""
    low, size, high = further
    levels = {31: 0.0, 32: 0.15, 64: 0.15 + size}
    known = Knowledge(
        (1.0,) * 64,
        {at: {"c": Level(effect, 0.008, times=4)} for at, effect in levels.items()},
        ANY,
        built=frozenset(levels),
        confirmed=frozenset({("c", 32)}),
    )
    (probability,) = (gap.probability for gap in gaps(known, "c") if gap.after == 64)
    assert low <= probability <= high
    assert decide(known, COSTS, confidence=0.95) in doubt
    told = replace(known, settled=frozenset(levels))
    assert decide(told, COSTS, confidence=0.95) in settled


@pytest.mark.parametrize(("once", "often"), [(32, 64), (64, 32)])
def test_of_two_around_a_doubt_the_one_measured_less_is_measured_again(
    once: int, often: int
) -> None:
    levels = {31: (0.0, 4), once: (0.15, 1), often: (0.15, 3)}
    levels[64] = (0.19, levels[64][1])
    known = Knowledge(
        (1.0,) * 64,
        {at: {"c": Level(effect, 0.008, times)} for at, (effect, times) in levels.items()},
        ANY,
        confirmed=frozenset({("c", 32)}),
    )
    assert decide(known, COSTS, confidence=0.95) == Probe(once)


def test_a_likely_commit_is_confirmed_when_nothing_else_is_left_to_measure() -> None:
    """What the levels leave in doubt, measuring it against its parent may make sure."""

    def last(effect: float) -> object:
        levels = {31: 0.0, 32: effect, 64: 0.15}
        known = Knowledge(
            (1.0,) * 64,
            {at: {"c": Level(level, 0.02, times=4)} for at, level in levels.items()},
            ANY,
            settled=frozenset(levels),
            unbuildable=frozenset(range(1, 31)) | frozenset(range(33, 64)),
        )
        return decide(known, COSTS, confidence=0.95)

    assert last(0.09) == Confirm(32, ("c",))
    assert last(0.05) == Done()


def test_a_possible_step_is_built_for_while_no_other_was_found() -> None:
    """The levels of what is built do not tell where the step of the bad end is, and cannot be told any
    better: what is in doubt is split."""
    levels = {32: Level(0.02, 0.02, times=4), 64: Level(0.045, 0.02, times=4)}
    known = Knowledge(
        (1.0,) * 64,
        {at: {"c": level} for at, level in levels.items()},
        ANY,
        settled=frozenset(levels),
    )
    probabilities = [gap.probability for gap in gaps(known, "c")]
    assert all(0.05 < probability < 0.5 for probability in probabilities)
    assert decide(known, COSTS, confidence=0.95) in {Probe(16), Probe(48)}
    found = replace(known, confirmed=frozenset({("c", 1)}))
    assert decide(found, COSTS, confidence=0.95) == Done()


def test_a_light_suspect_is_found_all_the_same() -> None:
    """Weights are where to look first, never where not to look."""
    weights = tuple(0.05 if at == 20 else 1.0 for at in range(1, 65))
    history = History({"c": {20: 0.15}}, 64, weights=weights)
    history.search()
    assert history.confirmed == {("c", 20)}


def test_what_was_refuted_is_not_blamed() -> None:
    """The rest of the range is suspected instead."""
    levels = {
        at: {"c": Level(effect, 0.01)} for at, effect in {31: 0.0, 32: 0.15, 64: 0.15}.items()
    }
    before = candidates(Knowledge((1.0,) * 64, levels, ANY))
    assert max(before, key=lambda at: before[at]) == 32
    known = Knowledge((1.0,) * 64, levels, ANY, refuted=frozenset({("c", 32)}))
    assert decide(known, COSTS, confidence=0.95) != Confirm(32, ("c",))


def test_probabilities_are_calibrated() -> None:
    """Of suspicions between 20 % and 80 %, about the middle of them are true."""
    rng = random.Random(7)
    seen: list[tuple[float, bool]] = []
    for _ in range(400):
        culprit = rng.randint(1, 16)
        places = sorted(rng.sample(range(1, 16), 5))
        noise = 0.05
        levels = {
            p: {"c": Level((0.1 if p >= culprit else 0.0) + rng.gauss(0.0, noise), noise)}
            for p in [*places, 16]
        }
        seen += [
            (gap.probability, gap.before < culprit <= gap.after)
            for gap in gaps(Knowledge((1.0,) * 16, levels, {"c": 0.0}), "c")
            if 0.2 <= gap.probability <= 0.8
        ]
    expected = math.fsum(p for p, _ in seen)
    assert sum(hit for _, hit in seen) == pytest.approx(expected, rel=0.2)


def test_one_wild_measurement_does_not_decide_and_a_repeated_one_does() -> None:
    """A commit far off between two that agree may have been measured for nothing; measured again and again
    with the same result it is a step and a later fix."""

    def step(times: int) -> float:
        levels = {
            20: {"c": Level(0.0, 0.01)},
            21: {"c": Level(0.12, 0.01, times=times)},
            22: {"c": Level(0.0, 0.01)},
            40: {"c": Level(0.0, 0.01)},
        }
        known = Knowledge((1.0,) * 40, levels, ANY)
        return next(gap.probability for gap in gaps(known, "c") if gap.after == 21)

    once, often = step(1), step(4)
    assert once < 0.9
    assert often > once
