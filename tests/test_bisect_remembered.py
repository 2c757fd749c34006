"""Where stored results make a search look first: real repositories, made-up results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv.bisecting import Options, prepare
from odyssey_asv.bisecting.remembered import remembered
from odyssey_asv.culprit.suspicion import TRUST
from odyssey_asv.project import open_project
from tests import past_projects
from tests.projects import Project

CASE = "suite.time_f"
COMMITS, EVERY, STEP = 40, 3, 24


def noisy(position: int) -> float:
    return 1e-3 * (1 + 0.002 * (position % 5))


def slower_from(step: int, ratio: float = 1.4) -> Callable[[int], float]:
    return lambda position: noisy(position) * (ratio if position >= step else 1.0)


def past(tmp_path: Path, value: Callable[[int], float]) -> tuple[Project, list[str]]:
    """Every third of forty commits has a stored result."""
    project, hashes = past_projects.make(tmp_path / "p", COMMITS)
    past_projects.suite(project, CASE)
    for position in range(0, COMMITS, EVERY):
        past_projects.store(project, hashes[position], {CASE: value(position)})
    return project, hashes


def pointed_at(
    project: Project, good: str, cases: tuple[str, ...] = (CASE,), **options: Any
) -> dict[str, float]:
    config, asv = open_project(project.path)
    plan = prepare(config, asv, Options(f"{good}..main", **options))
    return remembered(plan, config, asv, cases)


def test_the_commits_that_can_have_made_a_stored_step_are_looked_at_first(tmp_path: Path) -> None:
    project, hashes = past(tmp_path, slower_from(STEP - 1))
    found = pointed_at(project, hashes[5])
    assert set(found) == {*hashes[STEP - 2 : STEP + 1]}
    suspected = sum(found.values())
    assert suspected / (suspected + COMMITS - 6 - len(found)) == pytest.approx(TRUST)


def test_only_those_of_the_range(tmp_path: Path) -> None:
    project, hashes = past(tmp_path, slower_from(STEP - 1))
    assert set(pointed_at(project, hashes[STEP - 2])) == {*hashes[STEP - 1 : STEP + 1]}
    assert pointed_at(project, hashes[STEP]) == {}


@pytest.mark.parametrize(
    ("value", "cases", "options"),
    [
        (noisy, (CASE,), {}),
        (slower_from(STEP), (), {}),
        (slower_from(STEP), ("suite.time_g",), {}),
        (slower_from(STEP), (CASE,), {"improvement": True}),
        (slower_from(STEP, 0.7), (CASE,), {}),
    ],
    ids=["no step", "nothing searched", "another case", "for improvements", "an improvement"],
)
def test_nothing_that_is_not_looked_for(
    tmp_path: Path, value: Callable[[int], float], cases: tuple[str, ...], options: dict[str, Any]
) -> None:
    project, hashes = past(tmp_path, value)
    assert pointed_at(project, hashes[5], cases, **options) == {}


def test_improvements_where_they_are_looked_for(tmp_path: Path) -> None:
    project, hashes = past(tmp_path, slower_from(STEP, 0.7))
    found = pointed_at(project, hashes[5], improvement=True)
    assert set(found) == {*hashes[STEP - 2 : STEP + 1]}


def test_without_stored_results(tmp_path: Path) -> None:
    project, hashes = past_projects.make(tmp_path / "p", 5)
    assert pointed_at(project, hashes[0]) == {}
