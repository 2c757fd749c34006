"""Result sets in parts: joined they are the whole, and no contradiction passes unnamed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.model import (
    Benchmark,
    Case,
    Commit,
    Environment,
    Kind,
    Result,
    ResultSet,
    Run,
    RunKind,
    Status,
)
from odyssey_asv.sharding.joining import join
from tests import strategies
from tests.builders import benchmark, result, result_set

COMMIT = Commit(hash="a" * 40)
PLACE = Environment(machine="bench", env_name="py3.12", cpu_model="Fast", python_version="3.12.1")


def part(source: str, *pairs: tuple[Benchmark, Any], **changes: Any) -> ResultSet:
    """A set of these benchmarks with one case each."""
    known: dict[str, Any] = {
        "commit": COMMIT,
        "environment": PLACE,
        "run": Run(kind=RunKind.PAIRED, duration_s=2.0),
        "source": source,
    }
    made = result_set([(b, result(b, value)) for b, value in pairs], **{**known, **changes})
    return replace(made, benchmarks={b.id: b for b, _ in pairs})


A, B = benchmark("a", Kind.TIME), benchmark("b", Kind.TIME)


def test_disjoint_parts_make_one_set() -> None:
    joined = join([part("x", (A, 0.1)), part("y", (B, 0.2))])
    assert joined.conflicts == ()
    (whole,) = joined.sets
    assert [r.value for r in whole.results] == [0.1, 0.2]
    assert set(whole.benchmarks) == {A.id, B.id}
    assert whole.run.duration_s == 4.0


def test_the_same_result_twice_is_there_once() -> None:
    joined = join([part("x", (A, 0.1)), part("y", (A, 0.1), (B, 0.2))])
    assert joined.conflicts == ()
    assert len(joined.sets[0].results) == 2


def test_different_values_of_a_case_are_a_conflict_with_both_files() -> None:
    joined = join([part("x.json", (A, 0.1)), part("y.json", (A, 0.2))])
    assert joined.conflicts == ("suite.time_a: 0.1 in x.json, 0.2 in y.json",)


def test_what_was_not_selected_in_one_part_is_taken_from_the_other() -> None:
    """Whichever comes first."""
    unasked = replace(part("x", (A, 0.1)), results=(Result(Case(A.id), None, Status.NOT_SELECTED),))
    for parts in ([unasked, part("y", (A, 0.1))], [part("y", (A, 0.1)), unasked]):
        joined = join(parts)
        assert joined.conflicts == ()
        assert [r.value for r in joined.sets[0].results] == [0.1]


@pytest.mark.parametrize(
    ("field", "value"),
    [("cpu_model", "Slow"), ("python_version", "3.13.0"), ("packages", {"numpy": "2.0"})],
)
def test_a_class_of_machines_that_is_none_is_a_conflict(field: str, value: Any) -> None:
    other = part("y", (B, 0.2), environment=replace(PLACE, **{field: value}))
    (conflict,) = join([part("x", (A, 0.1)), other]).conflicts
    assert f"environment.{field}" in conflict
    assert "in x" in conflict
    assert "in y" in conflict


def test_what_hosts_of_a_class_may_differ_in_is_left_unknown() -> None:
    first = part("x", (A, 0.1), environment=replace(PLACE, kernel="6.1", os="linux"))
    other = part("y", (B, 0.2), environment=replace(PLACE, kernel="6.2", os="linux"))
    joined = join([first, other])
    assert joined.conflicts == ()
    assert joined.sets[0].environment.kernel is None
    assert joined.sets[0].environment.os == "linux"


@pytest.mark.parametrize(
    ("field", "value"), [("version", "2" * 64), ("tolerance", 0.2), ("unit", "bytes")]
)
def test_another_suite_is_a_conflict(field: str, value: Any) -> None:
    """Another version of a benchmark's code, other limits, another unit."""
    other = replace(A, **{field: value})
    conflicts = join([part("x", (A, 0.1)), part("y", (other, 0.1))]).conflicts
    assert any(f"{A.id}: {field}: " in line for line in conflicts)


@pytest.mark.parametrize(
    "changes",
    [
        {"commit": Commit(hash="b" * 40)},
        {"environment": replace(PLACE, machine="other")},
        {"environment": replace(PLACE, env_name="py3.13")},
        {"run": Run(kind=RunKind.ASV)},
    ],
)
def test_other_commits_and_places_stay_apart(changes: dict[str, Any]) -> None:
    parts = [part("x", (A, 0.1)), part("y", (A, 0.2), **changes)]
    joined = join(parts)
    assert joined.conflicts == ()
    assert list(joined.sets) == parts


def test_the_whole_is_complete_only_where_every_part_is() -> None:
    broken = part("y", (B, 0.2), run=Run(kind=RunKind.PAIRED, complete=False))
    assert join([part("x", (A, 0.1)), broken]).sets[0].run.complete is False


@given(strategies.result_sets(), st.integers(1, 4))
def test_a_set_that_was_cut_and_joined_is_what_it_was(whole: ResultSet, of: int) -> None:
    parts = [replace(whole, results=whole.results[number::of]) for number in range(of)]
    joined = join(parts)
    assert joined.conflicts == ()
    (made,) = joined.sets
    assert sorted(map(repr, made.results)) == sorted(map(repr, whole.results))
    assert made.benchmarks == whole.benchmarks
    assert made.environment == whole.environment


@given(st.lists(strategies.any_result_sets(), max_size=4))
def test_whatever_a_file_holds_is_joined_or_a_conflict(sets: list[ResultSet]) -> None:
    """And what is joined with itself is itself, unless it contradicts itself."""
    joined = join(sets)
    assert len(joined.sets) <= len(sets)
    assert all(isinstance(line, str) for line in joined.conflicts)
