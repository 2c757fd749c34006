"""Where the durations that balance shards come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from odyssey_asv.errors import InvalidInputError
from odyssey_asv.model import Commit, Environment, Kind, Run, RunKind
from odyssey_asv.sharding.portions import case_seconds, commit_seconds, portion, stored
from odyssey_asv.sharding.shards import Shard
from odyssey_asv.store import results as result_files
from tests.builders import benchmark, result, result_set


def test_a_case_takes_its_samples_and_a_little() -> None:
    long, brief = benchmark("long"), benchmark("brief")
    sets = [
        result_set(
            [
                (long, result(long, 0.5, number=4, samples=(0.5, 0.5))),
                (brief, result(brief, 1e-6, number=10, processes=((1e-6,), (1e-6,)))),
            ]
        )
    ]
    found = case_seconds(sets)
    assert found[long.id] == pytest.approx(4.2)
    assert found[brief.id] == pytest.approx(0.2, rel=0.01)


def test_a_commit_takes_all_its_environments_each_as_measured_last() -> None:
    of = benchmark("a", Kind.TIME)
    first = result_set(
        [(of, result(of, 1.0))],
        commit=Commit(hash="a" * 40),
        environment=Environment(env_name="one"),
        run=Run(kind=RunKind.ASV, duration_s=9.0),
    )
    again = replace(first, run=Run(kind=RunKind.ASV, duration_s=5.0))
    other = replace(first, environment=Environment(env_name="two"))
    assert commit_seconds([first, again, other]) == {"a" * 40: 14.0}


def test_durations_come_from_what_is_named_else_the_baseline_else_nowhere(tmp_path: Path) -> None:
    of = benchmark("a", Kind.TIME)
    made = result_set([(of, result(of, 1.0))])
    baseline = tmp_path / "baseline_results.json"
    assert stored(None, baseline) == []
    result_files.save(made, baseline)
    assert stored(None, baseline) == [made]
    folder = tmp_path / "results"
    with pytest.raises(InvalidInputError, match="not found"):
        stored(folder, baseline)
    folder.mkdir()
    with pytest.raises(InvalidInputError, match="no result files"):
        stored(folder, baseline)
    path = result_files.save_in(made, folder)
    assert stored(folder, baseline) == stored(path, baseline) == [made]


def test_other_durations_are_another_cut() -> None:
    """So that shards which were balanced by different durations are not joined."""
    units = ["a", "b", "c"]
    plain = portion(units, {}, Shard(1, 2))
    assert portion(reversed(units), {}, Shard(2, 2)).cut == plain.cut
    assert portion(units, {"a": 2.0, "b": 1.0}, Shard(1, 2)).cut != plain.cut
