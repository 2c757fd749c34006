"""Which stored results a word means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from odyssey_asv.config import Config
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.model import Benchmark, Case, Commit, Environment, Kind, Result, ResultSet, Run
from odyssey_asv.repository import Repository
from odyssey_asv.select import Selector
from odyssey_asv.store import results as store
from tests.projects import Project

ID = "m.time_f"


def result_set(commit: str, environment: str = "e", machine: str = "m", **more: str) -> ResultSet:
    return ResultSet(
        timestamp=more.get("timestamp", "2026-11-23T10:00:00Z"),
        commit=Commit(hash=commit),
        environment=Environment(
            os="linux", cpu="x", python_version="3.11.7", machine=machine, env_name=environment
        ),
        run=Run(),
        benchmarks={ID: Benchmark(ID, "f", Kind.TIME, "seconds", version="1")},
        results=(Result(Case(ID), 1.0),),
    )


class Place:
    """A repository with two commits and a selector on it."""

    def __init__(self, path: Path) -> None:
        self.project = Project(path)
        self.project.home.mkdir()
        path.mkdir()
        self.project.git("init", "--quiet", "--initial-branch", "main")
        self.old, self.new = self.project.commit("old"), self.project.commit("new")
        self.config = Config(root=path)

    @property
    def selector(self) -> Selector:
        return Selector(
            self.config, repository=lambda: Repository(self.project.path), tree=lambda: None
        )

    def keep(self, results: ResultSet) -> Path:
        return store.save_in(results, self.config.results)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "p")


def test_the_newest_file_of_a_commit(place: Place) -> None:
    place.keep(result_set(place.new, timestamp="2026-01-01T00:00:00Z"))
    newest = place.keep(result_set(place.new, timestamp="2026-01-03T00:00:00Z"))
    place.keep(result_set(place.new, timestamp="2026-01-02T00:00:00Z"))
    assert place.selector.one("HEAD").source == str(newest)


def test_latest_is_the_newest_of_all(place: Place) -> None:
    newest = place.keep(result_set(place.old, timestamp="2026-01-03T00:00:00Z"))
    place.keep(result_set(place.new, timestamp="2026-01-02T00:00:00Z"))
    assert place.selector.one("latest").source == str(newest)


def test_several_places_are_ambiguous(place: Place) -> None:
    place.keep(result_set(place.new, "e1"))
    place.keep(result_set(place.new, "e2"))
    with pytest.raises(InvalidInputError, match="more than one place: e1 on m; e2 on m"):
        place.selector.one("HEAD")


def test_a_pair_shares_its_place(place: Place) -> None:
    place.keep(result_set(place.old, "e1"))
    place.keep(result_set(place.new, "e1"))
    place.keep(result_set(place.new, "e2"))
    base, contender = place.selector.pair("HEAD~1", "HEAD", None)
    assert (base.environment.env_name, contender.environment.env_name) == ("e1", "e1")


def test_a_pair_with_two_shared_places_wants_a_choice(place: Place) -> None:
    for commit in (place.old, place.new):
        for environment in ("e1", "e2"):
            place.keep(result_set(commit, environment))
    with pytest.raises(InvalidInputError, match="more than one place"):
        place.selector.pair("HEAD~1", "HEAD", None)
    base, contender = place.selector.pair("HEAD~1", "HEAD", "e2")
    assert (base.environment.env_name, contender.environment.env_name) == ("e2", "e2")
    with pytest.raises(InvalidInputError, match="no results in environment 'e3'; it has e1, e2"):
        place.selector.pair("HEAD~1", "HEAD", "e3")


def test_a_pair_from_two_machines_is_compared_where_there_is_no_choice(place: Place) -> None:
    place.keep(result_set(place.old, machine="m1"))
    place.keep(result_set(place.new, machine="m2"))
    base, contender = place.selector.pair("HEAD~1", "HEAD", None)
    assert (base.environment.machine, contender.environment.machine) == ("m1", "m2")


def test_a_file_name_of_another_commit_with_the_same_beginning(place: Place) -> None:
    """A file's name has eight digits of the commit; what counts is what is in it."""
    other = place.new[:8] + "0" * 32
    place.keep(result_set(other))
    with pytest.raises(InvalidInputError, match="no stored results"):
        place.selector.one("HEAD")


def test_a_broken_file_is_named(place: Place) -> None:
    path = place.keep(result_set(place.new))
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="line 1, column 2") as caught:
        place.selector.one("HEAD")
    assert str(path) in str(caught.value)


def test_a_set_of_the_same_commit_written_without_commit_is_not_found(place: Place) -> None:
    place.keep(replace(result_set(place.new), commit=Commit()))
    with pytest.raises(InvalidInputError, match="no stored results"):
        place.selector.one("HEAD")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("missing.json", "not found"),
        ("no/such/thing", "not found"),
        ("nosuchref", "unknown commit"),
        ("-x", "never begins"),
        ("latest", "no result files"),
        ("baseline", "no baseline yet"),
        ("baseline:v1", "no baseline for release 'v1'"),
        ("baseline:", "no baseline yet"),
    ],
)
def test_words_that_mean_nothing(place: Place, word: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said) as caught:
        place.selector.one(word)
    assert caught.value.tip or "never begins" in str(caught.value)
