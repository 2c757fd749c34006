"""What a search asks of the hosts of a fleet: all that is asked here, in words that mean the same there."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from typing import Any

import pytest

from odyssey_asv.adapter.environments.dates import AsOf
from odyssey_asv.bisecting import Options, Plan, prepare
from odyssey_asv.bisecting.plan import check_question
from odyssey_asv.cli.bisect import bisect
from odyssey_asv.distributing.searches import search_words
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.findings import Clock
from odyssey_asv.model import Metric
from odyssey_asv.project import open_project
from odyssey_asv.store.searches import State
from tests import past_projects
from tests.projects import Project

TRAVELS: dict[str, Any] = {
    "benches": ("-x", "time_(f|g)"),
    "environments": ("virtualenv:3.12", "uv"),
    "python": "3.12",
    "paths": ("src/*.py", "-*"),
    "confidence": 0.9,
    "tolerance": Fraction("0.013"),
    "threshold": Fraction("0.21"),
    "gate": frozenset({Metric.MEMORY, Metric.TRACK}),
    "clock": Clock.CPU,
    "cpu": 0,
    "improvement": True,
    "first_parent": True,
    "as_of": AsOf(),
    "all_steps": True,
}
FOR_EACH_STEP = {"budget_s", "seed", "resume", "steps", "machine"}
"""With a value of its own in each job."""
STAYS = {"from_check", "state", "out"}
"""Files of this machine."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made, _ = past_projects.make(tmp_path_factory.mktemp("past") / "project", 4)
    return made


def planned(project: Project, options: Options) -> Plan:
    return prepare(*open_project(project.path), options)


def read(words: list[str]) -> dict[str, Any]:
    """What the command line takes from words."""
    return bisect.make_context("bisect", words).params


def test_every_option_travels_or_is_known_to_stay() -> None:
    """A new one belongs in one of these lists, and into the words of a search where hosts need it."""
    assert {"range", *TRAVELS, *FOR_EACH_STEP, *STAYS} == {field.name for field in fields(Options)}
    default = Options()
    assert [name for name, value in TRAVELS.items() if getattr(default, name) == value] == []


def test_what_hosts_are_asked_is_what_is_asked_here(project: Project) -> None:
    """Also values that begin with a dash; the range in full, whatever it was called."""
    plan = planned(project, Options("HEAD~2..main", **TRAVELS))
    there = read(search_words(plan))
    assert {name: there[name] for name in TRAVELS} == TRAVELS
    assert there["range"] == f"{project.git('rev-parse', 'HEAD~2')}..{plan.question.bad}"
    assert len(plan.question.bad) == 40


@pytest.mark.parametrize("options", [{}, TRAVELS], ids=["none", "all"])
def test_the_question_is_the_same_there(project: Project, options: dict[str, Any]) -> None:
    """So that a state is that of the same search on both sides."""
    plan = planned(project, Options("HEAD~2..main", **options))
    there = read(search_words(plan))
    names = {field.name for field in fields(Options)}
    asked = Options(**{name: value for name, value in there.items() if name in names})
    again = planned(project, asked)
    assert again.question == plan.question
    assert again.ends.policy == plan.ends.policy
    assert again.ends.confidence == plan.ends.confidence


def test_a_host_with_another_python_measures_another_environment(project: Project) -> None:
    plan = planned(project, Options("HEAD~2..main"))
    other = planned(project, Options("HEAD~2..main", python="3.8"))
    state = State(question=other.question, cases=[])
    with pytest.raises(InvalidInputError, match=r"what h measured is another search: its env") as e:
        check_question(state, plan.question, "what h measured")
    assert "-E" in (e.value.tip or "")
