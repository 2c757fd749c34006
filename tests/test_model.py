"""The nouns: the little that they work out for themselves."""

from __future__ import annotations

import pytest

from odyssey_asv.model import Case, Kind, Metric, Result, Status
from tests.builders import benchmark


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.TIME, Metric.DURATION),
        (Kind.MEMORY, Metric.MEMORY),
        (Kind.PEAKMEMORY, Metric.MEMORY),
        (Kind.TRACK, Metric.TRACK),
    ],
)
def test_every_kind_has_its_metric(kind: Kind, expected: Metric) -> None:
    """Both kinds of memory are gated as one."""
    assert expected is benchmark("f", kind).metric


@pytest.mark.parametrize(
    ("work", "position", "expected"),
    [
        (None, None, None),
        (100.0, None, 100.0),
        (100.0, 3, 100.0),
        ((1.0, None, 3.0), 0, 1.0),
        ((1.0, None, 3.0), 1, None),
        ((1.0, None, 3.0), 2, 3.0),
        ((1.0, None, 3.0), 3, None),
        ((1.0,), None, None),
    ],
)
def test_work_is_one_number_or_one_for_each_case(
    work: float | tuple[float | None, ...] | None, position: int | None, expected: float | None
) -> None:
    """Where a case has none declared there is none."""
    assert expected == benchmark("f", work=work).work_of(position)


@pytest.mark.parametrize("status", Status)
def test_only_a_failure_and_a_time_out_are_failures(status: Status) -> None:
    """What was not run did not fail."""
    assert status.failed is (status in {Status.FAILED, Status.TIMEOUT})


@pytest.mark.parametrize(
    ("samples", "processes", "expected"),
    [
        (None, None, None),
        ((1.0, 2.0), None, (1.0, 2.0)),
        (None, ((1.0, 2.0), (3.0,)), (1.0, 2.0, 3.0)),
        ((9.0,), ((1.0,),), (1.0,)),
    ],
)
def test_samples_come_in_the_order_taken(
    samples: tuple[float, ...] | None,
    processes: tuple[tuple[float, ...], ...] | None,
    expected: tuple[float, ...] | None,
) -> None:
    """From the processes where their boundaries are known."""
    result = Result(Case("f"), 1.0, samples=samples, processes=processes)
    assert expected == result.all_samples
