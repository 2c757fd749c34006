"""A range as a picture: as wide as there is room, each column the most telling of its commits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.culprit.bisection import Place
from odyssey_asv.report.bisection.line import ASCII, LINES, Signs, legend, picture
from tests.bisection_builders import digest, line, places


def test_levels_are_drawn_between_the_lowest_and_the_highest() -> None:
    """In three heights."""
    assert picture(line("00.2x44"), 80) == "▁▁·▄×██"


def test_levels_that_differ_by_noise_are_drawn_alike() -> None:
    """There is no step to see in them."""
    measured = [Place(digest(n), level) for n, level in enumerate((1.0, 1.004, 0.99, 1.009))]
    assert picture(measured, 80) == "▁▁▁▁"


def test_what_became_faster_goes_down() -> None:
    """The good end is the slowest then."""
    measured = [Place(digest(n), level) for n, level in enumerate((1.0, 0.99, 0.6, 0.6))]
    assert picture(measured, 80) == "██▁▁"


def test_a_culprit_is_marked_before_all_else() -> None:
    """By its hash."""
    assert picture(line("00444", p2=0.9), 80, culprits={digest(2)}) == "▁▁!██"


def test_suspects_are_marked_by_their_share_of_the_greatest_suspicion() -> None:
    """A suspicion that is small beside another is not worth a sign, and a culprit is no measure."""
    assert picture(line("0....4", p1=0.5, p2=0.05, p3=0.1, p4=0.2), 80) == "▁?·??█"
    drawn = picture(line("0....4", p1=0.99, p3=0.1), 80, culprits={digest(1)})
    assert drawn == "▁!·?·█"
    assert picture(line("0....4", p1=0.009), 80) == "▁····█"


def test_neighbours_share_a_column_where_there_is_no_room() -> None:
    """The most telling of them is shown."""
    assert picture(line("00.x..4444", p4=0.3), 5) == "▁×?██"
    assert picture(line("00.x..4444", p4=0.3), 5, culprits={digest(3)}) == "▁!?██"


@pytest.mark.parametrize("width", [0, -1])
def test_without_room_nothing_is_drawn(width: int) -> None:
    """Nor of nothing."""
    assert picture(line("004"), width) == ""
    assert picture((), 80) == ""


def test_the_legend_explains_the_signs_that_occur() -> None:
    """And how many commits a column is."""
    assert legend("▁·!█", 4) == "▁ fast; █ slow; · not measured; ! found"
    assert legend("__^", 7, ASCII) == "_ fast; ^ slow; each column up to 3 commits"


@given(st.lists(places, max_size=20), st.integers(1, 25), st.sampled_from((LINES, ASCII)))
def test_any_range_fits(found: list[Place], width: int, signs: Signs) -> None:
    """One column for each commit, or as many as there are."""
    drawn = picture(found, width, signs=signs)
    assert len(drawn) == min(width, len(found))
    assert set(drawn) <= set(signs.meanings)
