"""What a command hands to hosts, and which hosts it takes."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv.adapter.environments.dates import AsOf
from odyssey_asv.checking import Options, prepare
from odyssey_asv.cli.check import check
from odyssey_asv.distributing import Wish
from odyssey_asv.distributing.checks import check_words
from odyssey_asv.distributing.parcel import parcel_of
from odyssey_asv.distributing.wish import class_of
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.findings import Clock
from odyssey_asv.fleet.jobs import Host
from odyssey_asv.model import Metric
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


TRAVELS: dict[str, Any] = {
    "benches": ("-x", "time_(f|g)"),
    "environments": ("virtualenv:3.12", "uv"),
    "python": "3.12",
    "as_of": AsOf(),
    "budget_s": 12.5,
    "tolerance": Fraction("0.013"),
    "threshold": Fraction("0.21"),
    "gate": frozenset({Metric.MEMORY, Metric.TRACK}),
    "confidence": 0.9,
    "clock": Clock.CPU,
    "cpu": 0,
    "strict": True,
    "thorough": True,
    "fresh": True,
}
FOR_EACH_SHARD = {"contender", "base", "seed", "shard", "machine"}
"""With a value of its own in each job."""
STAYS = {"out", "durations", "changed"}
"""Files of this machine, and what is refused for a part of a check."""


def test_every_option_of_a_check_travels_or_is_known_to_stay(tmp_path: Path) -> None:
    """A new one belongs in one of these lists, and into the words of a check where hosts need it."""
    assert {*TRAVELS, "same", *FOR_EACH_SHARD, *STAYS} == {f.name for f in fields(Options)}
    default = Options()
    assert [name for name, value in TRAVELS.items() if getattr(default, name) == value] == []
    project = make(tmp_path / "project")
    project.commit("something")
    config, asv = open_project(project.path)
    plan = prepare(config, asv, Options("HEAD", "HEAD~1", **TRAVELS))
    there = check.make_context("check", check_words(plan, "fast")).params
    assert {name: there[name] for name in TRAVELS} == TRAVELS
    assert there["machine"] == "fast"
    plan = prepare(config, asv, Options("HEAD", same=True))
    assert check.make_context("check", check_words(plan, "fast")).params["same"] is True


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
