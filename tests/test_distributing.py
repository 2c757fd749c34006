"""What a command hands to hosts, and which hosts it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from odyssey_asv.distributing import Wish
from odyssey_asv.distributing.parcel import parcel_of
from odyssey_asv.distributing.wish import class_of
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.fleet.jobs import Host
from odyssey_asv.project import open_project
from odyssey_asv.repository.bundles import clone_at
from tests.projects import make

WISH = Wish("tcp://somewhere:8786")


def host(name: str, *classes: str) -> Host:
    return Host(f"tcp://{name}", name, "1.0", frozenset(classes))


def test_the_only_class_is_taken_and_of_several_one_must_be_chosen() -> None:
    assert class_of(WISH, [host("a", "fast"), host("b", "fast")]) == "fast"
    with pytest.raises(InvalidInputError, match="more than one class: fast, slow"):
        class_of(WISH, [host("a", "fast"), host("b", "slow")])
    with pytest.raises(InvalidInputError, match="says of which class it is"):
        class_of(WISH, [host("a")])
    chosen = Wish(WISH.scheduler, wanted="slow")
    assert class_of(chosen, [host("a", "fast"), host("b", "slow")]) == "slow"


def test_a_suite_in_a_folder_of_its_repository_is_found_again(tmp_path: Path) -> None:
    """With uncommitted changes, and the folder in which hosts are to give the command."""
    project = make(tmp_path / "project")
    project.git("mv", "asv.conf.json", "benchmarks/asv.conf.json")
    project.write(
        "benchmarks/asv.conf.json", '{"project": "x", "repo": "..", "benchmark_dir": "."}'
    )
    config, asv = open_project(project.path / "benchmarks")
    parcel = parcel_of(WISH, config, asv, [project.git("rev-parse", "HEAD")])
    assert parcel.folder == "benchmarks"
    assert parcel.content is not None
    (tmp_path / "packed").write_bytes(parcel.content)
    clone_at(str(tmp_path / "packed"), tmp_path / "there", parcel.commit)
    assert (tmp_path / "there" / parcel.folder / "asv.conf.json").exists()


def test_of_a_project_with_an_address_only_the_suite_is_handed_over(tmp_path: Path) -> None:
    """Its commits are elsewhere, where hosts clone them."""
    code = make(tmp_path / "code")
    suite = make(tmp_path / "suite", repo=f"file://{code.path}")
    elsewhere = code.commit("not in the suite's repository")
    config, asv = open_project(suite.path)
    parcel = parcel_of(WISH, config, asv, [elsewhere])
    assert parcel.commit == suite.git("rev-parse", "HEAD")
    assert parcel.content is not None


def test_a_project_in_another_folder_cannot_be_reached(tmp_path: Path) -> None:
    make(tmp_path / "code")
    suite = make(tmp_path / "suite", repo="../code")
    config, asv = open_project(suite.path)
    with pytest.raises(InvalidInputError, match="which hosts cannot reach"):
        parcel_of(WISH, config, asv, [])


def test_hosts_that_fetch_see_no_uncommitted_changes(tmp_path: Path) -> None:
    project = make(tmp_path / "project")
    config, asv = open_project(project.path)
    wish = Wish(WISH.scheduler, address="https://example.invalid/project.git")
    parcel = parcel_of(wish, config, asv, [])
    assert (parcel.content, parcel.digest) == (None, None)
    project.suite("def track_other():\n    return 1\n")
    with pytest.raises(InvalidInputError, match="cannot see uncommitted changes"):
        parcel_of(wish, config, asv, [])
