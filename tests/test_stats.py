"""Estimators: the figures of the original's own cases, and what holds for any samples."""

from __future__ import annotations

import math

import pytest
from hypothesis import given

from odyssey_asv.stats import Summary, geometric_mean, quantile, spread, summarise
from tests import strategies


def test_no_samples_are_an_error() -> None:
    """A summary of nothing would be zeros that nobody measured."""
    with pytest.raises(ValueError, match="no samples"):
        summarise([])


def test_one_sample_is_its_own_summary() -> None:
    """[5000]: minimum, maximum and mean are 5000 and the deviation is 0."""
    expected = Summary(
        count=1, total=5000, mean=5000, min=5000, max=5000, std=0, p50=5000, p95=5000, p99=5000
    )
    assert expected == summarise([5000])


def test_equal_samples_do_not_deviate() -> None:
    """10 × 1000: total 10000, deviation 0."""
    found = summarise([1000] * 10)
    assert (found.count, found.total, found.mean, found.std) == (10, 10000, 1000, 0)


def test_the_deviation_is_that_of_a_sample() -> None:
    """[1000, 2000, 3000]: mean 2000 and deviation 1000, with n - 1 below."""
    found = summarise([1000, 2000, 3000])
    assert (found.mean, found.std) == (2000, 1000)


def test_a_thousand_samples() -> None:
    """10000 + (i % 100) for i < 1000 has the mean 10049.5."""
    found = summarise([10000 + i % 100 for i in range(1000)])
    assert (found.count, found.mean, found.min, found.max) == (1000, 10049.5, 10000, 10099)


def test_an_outlier_moves_the_mean_and_not_the_median() -> None:
    """100 × 100, one 10000, 100 × 100: mean 30000/201, median 100."""
    found = summarise([100] * 100 + [10000] + [100] * 100)
    assert (found.mean, found.p50, found.max) == (30000 / 201, 100, 10000)


def test_ten_even_steps() -> None:
    """1000 … 10000: mean 5500, deviation 3027.65."""
    found = summarise(range(1000, 10001, 1000))
    assert (found.mean, round(found.std, 2)) == (5500, 3027.65)


def test_quantiles_interpolate_linearly() -> None:
    """[10, 20, 30, 40, 50]: p50 30, p95 48, p99 49.6, deviation 15.811."""
    found = summarise([50, 10, 40, 20, 30])
    assert (found.p50, found.p95, found.p99, round(found.std, 3)) == (30, 48, 49.6, 15.811)


@pytest.mark.parametrize(
    ("fraction", "expected"), [(0, 1.0), (0.25, 1.75), (0.5, 2.5), (0.75, 3.25), (1, 4.0)]
)
def test_a_quantile_lies_between_order_statistics(fraction: float, expected: float) -> None:
    """Type 7 of Hyndman and Fan, as `numpy.percentile` has it."""
    assert expected == quantile([1.0, 2.0, 3.0, 4.0], fraction)


@given(strategies.samples)
def test_a_summary_is_ordered(samples: list[float]) -> None:
    """Minimum ≤ p50 ≤ p95 ≤ p99 ≤ maximum, and no deviation is negative."""
    found = summarise(samples)
    ladder = [found.min, found.p50, found.p95, found.p99, found.max]
    assert sorted(ladder) == ladder
    assert found.std >= 0


@given(strategies.samples)
def test_the_order_of_samples_does_not_matter(samples: list[float]) -> None:
    """A summary is of a set of samples, not of a series."""
    assert summarise(sorted(samples)) == summarise(sorted(samples, reverse=True))


@given(strategies.samples)
def test_the_mean_lies_among_the_samples(samples: list[float]) -> None:
    """Up to the last binary digit."""
    found = summarise(samples)
    assert math.nextafter(found.min, 0) <= found.mean <= math.nextafter(found.max, math.inf)


def test_the_geometric_mean_balances_double_and_half() -> None:
    """2 and 1/2 are one change and its inverse."""
    assert geometric_mean([2.0, 0.5]) == pytest.approx(1.0)


def test_the_geometric_mean_of_nothing_is_none() -> None:
    """No ratio, no mean."""
    assert geometric_mean(iter(())) is None


def test_the_geometric_mean_of_no_change_is_one() -> None:
    """Exactly one: an unchanged suite is shown as +0.0 %."""
    assert geometric_mean([1.0] * 7) == 1.0


def test_the_spread_is_largest_over_smallest() -> None:
    """0.25 says that the largest lies a quarter above the smallest."""
    assert [spread([5.0, 4.0, 4.5]), spread([3.0])] == [0.25, 0.0]
