"""Levels of made-up series: steps are found where they are, noise is not taken for one."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.adapter.steps import solve
from odyssey_asv.past.changepoints import MIN_POINTS, Run, neighbour_noise, split, step


def noisy(levels: list[tuple[int, float]], noise: float, seed: int) -> list[float]:
    """As many values as each level says, with multiplicative noise."""
    draw = random.Random(seed)
    return [
        level * math.exp(draw.gauss(0.0, noise)) for count, level in levels for _ in range(count)
    ]


def firsts(values: list[float]) -> list[int]:
    """Where each run but the first begins."""
    return [run.first for run in split(values, solve).runs[1:]]


def test_steps_are_found_where_they_are() -> None:
    values = noisy([(40, 1.0), (30, 1.1), (50, 0.8)], 0.01, seed=1)
    assert firsts(values) == [40, 70]


def test_noise_alone_has_one_level_nearly_always() -> None:
    found = sum(bool(firsts(noisy([(100, 1.0)], 0.02, seed))) for seed in range(200))
    assert found <= 4


def test_single_outliers_in_the_middle_are_no_levels() -> None:
    values = noisy([(60, 1.0)], 0.01, seed=3)
    values[20] *= 3.0
    values[45] *= 0.3
    assert firsts(values) == []


def test_a_step_by_a_tenth_is_found_in_two_per_cent_noise() -> None:
    found = sum(
        any(abs(first - 50) <= 1 for first in firsts(noisy([(50, 1.0), (50, 1.1)], 0.02, seed)))
        for seed in range(100)
    )
    assert found >= 98


@pytest.mark.parametrize("few", range(1, MIN_POINTS))
def test_a_step_at_the_newest_commits_is_seen_and_not_sure(few: int) -> None:
    values = noisy([(30, 1.0), (few, 1.5)], 0.01, seed=5)
    runs = split(values, solve).runs
    assert [(run.first, run.sure) for run in runs] == [(0, True), (30, False)]
    assert math.exp(runs[1].level - runs[0].level) == pytest.approx(1.5, rel=0.05)


def test_the_newest_point_is_not_pointed_out_where_others_lie_as_far_off() -> None:
    values = noisy([(30, 1.0)], 0.01, seed=6)
    values[10] *= 1.5
    values[29] *= 1.4
    assert firsts(values) == []


def test_newest_points_on_both_sides_are_noise() -> None:
    values = [*noisy([(30, 1.0)], 0.01, seed=7), 1.5, 0.6]
    assert all(run.last - run.first > 0 or run.sure is False for run in split(values, solve).runs)
    assert [run.first for run in split(values, solve).runs[1:]] != [30]


def test_a_series_that_never_changes_has_one_level_and_the_least_noise() -> None:
    found = split([2.5] * 40, solve)
    assert len(found.runs) == 1
    assert math.exp(found.runs[0].level) == pytest.approx(2.5)
    assert found.noise == pytest.approx(0.001)


def test_a_constant_series_with_one_step_is_split() -> None:
    assert firsts([100.0] * 20 + [103.0] * 20) == [20]


def test_a_few_points_have_one_level() -> None:
    assert firsts([1.0, 5.0]) == []
    assert split([3.0], solve).runs == (Run(0, 0, math.log(3.0)),)


@pytest.mark.parametrize("values", [[], [1.0, 0.0], [1.0, -2.0], [math.nan], [math.inf, 1.0]])
def test_values_without_a_ratio_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="above zero"):
        split(values, solve)


@given(st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=60))
def test_runs_cover_the_series_without_gaps(values: list[float]) -> None:
    runs = split(values, solve).runs
    assert runs[0].first == 0
    assert runs[-1].last == len(values) - 1
    assert all(a.last + 1 == b.first for a, b in itertools.pairwise(runs))
    assert all(run.points >= MIN_POINTS for run in runs if run.sure and len(values) >= MIN_POINTS)


@given(st.lists(st.floats(0.5, 2.0), min_size=8, max_size=40), st.sampled_from((2.0**-20, 2.0**10)))
def test_the_unit_does_not_matter(values: list[float], unit: float) -> None:
    scaled = split([value * unit for value in values], solve)
    assert [run.first for run in scaled.runs] == [run.first for run in split(values, solve).runs]


def test_the_noise_is_that_of_neighbours_not_of_steps() -> None:
    import numpy as np

    values = np.log(noisy([(200, 1.0), (200, 5.0)], 0.03, seed=9))
    assert neighbour_noise(values) == pytest.approx(0.03, rel=0.2)


def test_the_interval_of_a_step_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(300):
        values = noisy([(15, 1.0), (15, 1.2)], 0.02, seed)
        found = split(values, solve)
        if len(found.runs) != 2:
            continue
        _, low, high = step(found.runs[0], found.runs[1], found.noise, 0.95)
        held += low <= 1.2 <= high
    assert held >= 0.9 * 300


def test_the_interval_of_a_step_turns_with_it() -> None:
    one, other = Run(0, 9, 0.0), Run(10, 29, 0.5)
    there, low, high = step(one, other, 0.02, 0.99)
    back, low_back, high_back = step(other, one, 0.02, 0.99)
    assert there * back == pytest.approx(1.0)
    assert low * high_back == pytest.approx(1.0)
    assert high * low_back == pytest.approx(1.0)
    assert low < there < high
