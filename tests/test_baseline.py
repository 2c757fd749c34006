"""The story of a baseline without its commands: pooled runs, objections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from odyssey_asv.baseline import create, objections, unstable_cases
from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.model import (
    Benchmark,
    Case,
    Commit,
    Environment,
    Kind,
    Result,
    ResultSet,
    Run,
    Status,
)
from odyssey_asv.policy import Limits, Policy

POLICY = Policy(Limits(Fraction(5, 100), Fraction(10, 100)))


def case(name: str) -> Case:
    return Case(f"m.time_{name}")


def timed(name: str, value: float) -> Result:
    return Result(
        case(name), value, number=1.0, repeat=1.0, ci_low=value, ci_high=value,
        processes=((value,),),
    )  # fmt: skip


def result_set(*results: Result, kind: Kind = Kind.TIME, unit: str = "seconds") -> ResultSet:
    return ResultSet(
        timestamp="2026-11-23T10:00:00Z",
        commit=Commit(hash="a" * 40),
        environment=Environment(),
        run=Run(duration_s=1.0),
        benchmarks={
            result.case.benchmark: Benchmark(
                result.case.benchmark, result.case.benchmark.rpartition("_")[2], kind, unit
            )
            for result in results
        },
        results=results,
    )


def measurer(
    *sets: ResultSet,
) -> tuple[Callable[[tuple[str, ...]], ResultSet], list[tuple[str, ...]]]:
    """Gives one set after the other, and notes what it was asked for."""
    left, asked = list(sets), list[tuple[str, ...]]()

    def measured(benches: tuple[str, ...]) -> ResultSet:
        asked.append(benches)
        return left.pop(0)

    return measured, asked


def test_runs_are_pooled() -> None:
    measured, asked = measurer(*(result_set(timed("f", value)) for value in (1.0, 1.04, 1.02)))
    pooled = create(measured, POLICY)
    (result,) = pooled.results
    assert result.value == 1.02
    assert result.processes == ((1.0,), (1.04,), (1.02,))
    assert result.repeat == 3
    assert (result.ci_low, result.ci_high) == (None, None)
    assert pooled.run.duration_s == 3.0
    assert pooled.run.complete
    assert asked == [(), (), ()]


def test_what_did_not_agree_is_measured_once_more() -> None:
    sets = [result_set(timed("f", value), timed("g", 1.0)) for value in (1.0, 2.0, 2.0, 2.0)]
    measured, asked = measurer(*sets)
    told: list[str] = []
    pooled = create(measured, POLICY, told=lambda found: told.extend(c.label for c in found))
    assert [result.value for result in pooled.results] == [2.0, 1.0]
    assert told == ["f"]
    assert asked == [(), (), (), (r"^m\.time_f(\(|$)",)]
    assert pooled.results[1].processes == ((1.0,),) * 3


def test_what_never_agrees_is_refused_by_name() -> None:
    measured, _ = measurer(*(result_set(timed("f", float(2**n))) for n in range(4)))
    with pytest.raises(CannotMeasureError, match=r"f: 400\.0% apart|f: 300\.0% apart") as caught:
        create(measured, POLICY, runs=3, retries=1)
    assert caught.value.tip


def test_a_difference_of_exactly_the_tolerance_agrees() -> None:
    sets = [result_set(timed("f", value)) for value in (1.0, 1.0625)]
    for tolerance, expected in ((Fraction(1, 16), 0), (Fraction(1, 17), 1)):
        policy = Policy(Limits(tolerance, Fraction(1, 10)))
        taken = {case("f"): [found.results[0] for found in sets]}
        assert len(unstable_cases(sets[0], taken, policy, 2)) == expected


def test_only_durations_must_agree() -> None:
    sets = [result_set(Result(case("f"), value), kind=Kind.TRACK, unit="x") for value in (1.0, 9.0)]
    measured, _ = measurer(*sets)
    assert create(measured, POLICY, runs=2).results[0].value == 5.0


@pytest.mark.parametrize("value", ["text", [1, 2], True, {"a": 1}])
def test_what_is_no_number_is_kept_as_it_is(value: object) -> None:
    found = result_set(Result(case("f"), value), kind=Kind.TRACK, unit="x")
    measured, _ = measurer(found, found)
    assert create(measured, POLICY, runs=2).results[0].value == value


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_one_failure_is_a_failure(order: tuple[int, int]) -> None:
    pair = (timed("f", 1.0), Result(case("f"), None, Status.FAILED, "broke"))
    sets = [result_set(pair[at], timed("g", 1.0)) for at in order]
    measured, _ = measurer(*sets)
    assert create(measured, POLICY, runs=2).results[0].status is Status.FAILED


def test_one_skip_is_no_crash() -> None:
    sets = [
        result_set(Result(case("f"), None, Status.SKIPPED), timed("g", 1.0)),
        result_set(timed("f", 1.0), timed("g", 1.0)),
    ]
    measured, _ = measurer(*sets)
    assert create(measured, POLICY, runs=2).results[0].status is Status.OK


GOOD = result_set(timed("f", 1.0))


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (replace(GOOD, commit=Commit()), "it has no commit"),
        (replace(GOOD, commit=Commit(hash="a" * 40, dirty=True)), "uncommitted"),
        (replace(GOOD, run=Run(complete=False)), "incomplete"),
        (replace(GOOD, run=Run(quick=True)), "quick"),
        (result_set(timed("f", 1.0), Result(case("g"), None, Status.NOT_SELECTED)), "1 case"),
        (result_set(Result(case("f"), None, Status.FAILED)), "nothing in it was measured"),
    ],
)
def test_objections(results: ResultSet, said: str) -> None:
    (found,) = objections(results)
    assert said in found
    measured, asked = measurer(results, results, results)
    with pytest.raises(CannotMeasureError, match="cannot become a baseline"):
        create(measured, POLICY)
    assert len(asked) == 1


def test_no_objections() -> None:
    assert objections(GOOD) == []
