"""What a series says: changes that count, recoveries, where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest

from odyssey_asv.adapter.steps import solve
from odyssey_asv.model import Benchmark, Better, Case, Kind
from odyssey_asv.past import trends
from odyssey_asv.past.timeline import Place, Point, Series, Trend
from odyssey_asv.policy import Limits

PLACE = Place("m1", "py3.11")


def series(values: Sequence[float], positions: Sequence[int] | None = None) -> Series:
    benchmark = Benchmark("suite.time_f", "f", Kind.TIME, "seconds")
    where = positions or range(len(values))
    points = tuple(Point(p, v) for p, v in zip(where, values, strict=True))
    return Series(benchmark, Case(benchmark.id), PLACE, points)


def trend(
    values: Sequence[float],
    positions: Sequence[int] | None = None,
    *,
    limits: Limits | None = None,
    release: int | None = None,
) -> Trend:
    return trends.trend(series(values, positions), limits or Limits(), solve, 0.99, release)


def test_a_change_names_the_commits_between_which_it_happened() -> None:
    positions = [0, 2, 4, 6, 8, 15, 17, 19, 21, 23]
    (change,) = trend([1.0] * 5 + [1.3] * 5, positions).changes
    assert (change.before, change.after, change.exact) == (8, 15, False)
    assert change.ratio == pytest.approx(1.3)
    assert change.worse
    assert change.confirmed
    assert change.recovered is None


def test_of_neighbours_one_commit_is_named() -> None:
    (change,) = trend([1.0] * 5 + [1.3] * 5).changes
    assert change.exact


def test_where_higher_is_better_a_drop_is_worse() -> None:
    higher = Limits(better=Better.HIGHER)
    (change,) = trend([100.0] * 6 + [80.0] * 6, limits=higher).changes
    assert change.worse
    assert trend([100.0] * 6 + [80.0] * 6, limits=higher).against_best == pytest.approx(0.8)


def test_changes_within_the_tolerance_are_counted_only() -> None:
    found = trend([1.0] * 8 + [1.04] * 8)
    assert found.changes == ()
    assert found.small == 1
    fine = trend([1.0] * 8 + [1.04] * 8, limits=Limits(Fraction(1, 100), Fraction(3, 100)))
    assert len(fine.changes) == 1


def test_a_regression_that_was_undone_names_when() -> None:
    found = trend([1.0] * 6 + [1.5] * 6 + [1.01] * 6)
    worse, better = found.changes
    assert worse.recovered == 12
    assert better.recovered is None
    assert not better.worse


def test_a_regression_half_undone_is_not_recovered() -> None:
    worse, _ = trend([1.0] * 6 + [1.5] * 6 + [1.25] * 6).changes
    assert worse.recovered is None


def test_two_regressions_are_made_up_for_together() -> None:
    found = trend([1.0] * 6 + [1.2] * 6 + [1.5] * 6 + [0.9] * 6)
    assert [change.recovered for change in found.changes] == [18, 18, None]


def test_the_latest_level_against_the_best_and_the_last_release() -> None:
    found = trend([1.0] * 6 + [0.8] * 6 + [1.2] * 6, release=3)
    assert found.against_best == pytest.approx(1.2 / 0.8)
    assert found.against_release == pytest.approx(1.2)
    assert trend([1.0] * 6, release=None).against_release is None


def test_a_release_before_the_first_measurement_is_not_compared_with() -> None:
    assert trend([1.0] * 6, range(10, 16), release=5).against_release is None


def test_a_step_at_the_newest_commit_counts_and_is_not_confirmed() -> None:
    (change,) = trend([1.0, 1.01, 0.99, 1.0, 1.02, 1.0, 1.6]).changes
    assert not change.confirmed
    assert change.after == 6


def test_zero_cannot_be_searched() -> None:
    assert not trends.searchable(series([1.0, 0.0]))
    assert trends.searchable(series([1.0, 2.0]))


def test_overall_is_the_geometric_mean_of_all_levels() -> None:
    places = trends.overall([trend([1.0] * 6 + [2.0] * 6), trend([1.0] * 12)])
    assert [(point.position, point.series) for point in places] == [(0, 2), (6, 2)]
    assert places[0].ratio == 1.0
    assert places[1].ratio == pytest.approx(2.0**0.5)


def test_overall_of_nothing_timed_is_nothing() -> None:
    assert trends.overall([]) == ()
