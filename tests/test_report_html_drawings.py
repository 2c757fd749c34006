"""Numbers at their places: scales, the intervals of all cases, strips of samples, the range in a row."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.findings import Clock
from odyssey_asv.policy import Verdict
from odyssey_asv.report.html import strips
from odyssey_asv.report.html.intervals import Mark, plot, shortened
from odyssey_asv.report.html.rangeline import rangeline
from odyssey_asv.report.html.scale import around, bulk, finite
from tests.bisection_builders import between, bisection, line
from tests.builders import benchmark, result
from tests.check_builders import finding

numbers = st.floats(-1e200, 1e200) | st.floats(-0.5, 0.5)


def mark(name: str, change: float | None, reach: float = 0.0, threshold: float = 0.1) -> Mark:
    """A row with an interval of this reach around its change."""
    ends = None if change is None else (change - reach, change + reach)
    return Mark(
        name, "case-0", "unchanged", "unchanged", "", change, ends, threshold / 2, threshold
    )


@given(st.lists(numbers), st.floats(0.0, 100.0))
def test_a_scale_keeps_the_order_and_the_edges(found: list[float], start: float) -> None:
    """Whatever it is handed, zero has a place."""
    along = around(found, start, start + 100.0)
    places = [along.at(number) for number in sorted([*found, 0.0])]
    assert places == sorted(places)
    assert all(start - 0.1 <= place <= start + 100.1 for place in places)
    assert all(along.holds(number) for number in (*found, 0.0))


@given(st.lists(numbers, min_size=1), st.integers(2, 9))
def test_ticks_are_round_few_and_apart(found: list[float], about: int) -> None:
    ticks = around(found, 0.0, 100.0).ticks(about)
    assert 1 <= len(ticks) <= about + 1
    assert [a.at < b.at for a, b in itertools.pairwise(ticks)] == [True] * (len(ticks) - 1)
    assert len({tick.words for tick in ticks}) == len(ticks)


def test_what_is_far_from_the_rest_does_not_set_the_scale() -> None:
    """Of few there is no rest."""
    assert bulk([1.0, 1.1, 1.2, 1.3, 50.0]) == [1.0, 1.3]
    assert bulk([1.0, 50.0]) == [1.0, 50.0]


def test_only_numbers_are_drawn() -> None:
    assert finite([1, 2.5, None, "3", True, math.nan, math.inf, 1e305]) == [1.0, 2.5]


@pytest.mark.parametrize(
    ("changes", "reach"),
    [([0.0], 0.2), ([0.0] * 9 + [0.9], 0.2), ([0.9], 1.0), ([0.3] * 5, 0.5), ([30.0], 1.0)],
)
def test_the_axis_holds_nine_of_ten_intervals(changes: list[float], reach: float) -> None:
    """At least two thresholds, and nothing is below -100 %."""
    drawn = plot([mark("f", change) for change in changes])
    assert drawn is not None
    assert drawn.ticks[-1].words == f"+{reach * 100:.0f} %"
    assert drawn.ticks[0].words == f"-{reach * 100:.0f} %"
    assert drawn.zero == (drawn.ticks[0].at + drawn.ticks[-1].at) / 2


def test_what_leaves_the_axis_is_marked_on_the_side_where_it_does() -> None:
    drawn = plot(
        [mark("f", 0.0, 0.05), mark("g", 0.15, 0.1), mark("h", -0.3, 0.15), *[mark("i", 0.0)] * 30]
    )
    assert drawn is not None
    shown = [(row.left, row.right, row.point is None) for row in drawn.rows[:3]]
    assert shown == [(False, False, False), (False, True, False), (True, False, True)]


def test_an_alarm_has_a_shape_of_its_own() -> None:
    """Colour is not all that tells it."""
    marks = [replace(mark("f", 0.2), alarm=True), replace(mark("g", 0.2), tone="inconclusive")]
    drawn = plot([*marks, mark("h", 0.0)])
    assert drawn is not None
    assert [row.sign for row in drawn.rows] == ["diamond", "hollow", "circle"]


def test_nothing_estimated_nothing_drawn() -> None:
    """But a row for each case where anything was."""
    assert plot([]) is plot([mark("f", None)]) is None
    drawn = plot([mark("f", None), mark("g", 0.1)])
    assert drawn is not None
    assert [row.point is None for row in drawn.rows] == [True, False]


@given(st.text(max_size=80))
def test_names_are_cut_in_the_middle(name: str) -> None:
    """Both ends stay."""
    short = shortened(name)
    if short != name:
        start, end = short.split("…")[0], short.rsplit("…")[-1]
        assert name.startswith(start)
        assert name.endswith(end)
        assert len(short) <= 38


def test_wide_characters_take_two_columns() -> None:
    assert shortened("日" * 19) == "日" * 19
    assert shortened("日" * 20) == f"{'日' * 9}…{'日' * 9}"


@pytest.mark.parametrize("processes", [None, (), ((),), ((0.0, 1.0),), ((-1.0,),), ((math.inf,),)])
def test_without_sound_samples_there_is_no_strip(processes: object) -> None:
    base = result(benchmark("f"), 1.0, processes=processes)
    assert strips.samples(finding("f", Verdict.SLOWER, 0.1, base=base, contender=None)) is None


def test_of_very_many_samples_some_are_drawn() -> None:
    """The least and the greatest of each process among them."""
    processes = tuple(tuple(1.0 + n / 1e6 for n in range(10_000)) for _ in range(20))
    base = result(benchmark("f"), 1.0, processes=processes)
    strip = strips.samples(
        finding("f", Verdict.SLOWER, 0.1, base=base, contender=None, clock=Clock.WALL)
    )
    assert strip is not None
    (lane,) = strip.lanes
    assert lane.dots.count("M") <= 1600
    assert "200000 in 20 processes" in strip.told


def test_a_single_block_is_drawn() -> None:
    strip = strips.blocks(finding("f", Verdict.INCONCLUSIVE, effects=(0.0,)))
    assert strip is not None
    assert strip.told == "1 block, from +0.0 % to +0.0 %"
    assert strip.interval is None


def test_a_range_without_commits_is_not_drawn() -> None:
    assert rangeline(bisection(line=())) is None


def test_suspicion_is_a_height() -> None:
    """Of a commit that is not named; certainty is the whole height."""
    drawn = rangeline(bisection(line=line("0..1", p1=0.5, p2=1.0), ranges=(between(0, 3),)))
    assert drawn is not None
    assert [mark.suspicion for mark in drawn.marks] == [0.0, 55.0, 110.0, 0.0]
    assert drawn.marks[0].y > drawn.marks[3].y
