"""What machine this is: asked of the system, overruled by `~/.asv-machine.json`."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import pytest
from asv.machine import Machine

from odyssey_asv.adapter.machine import FIELDS, cpu_model, describe
from odyssey_asv.errors import InvalidInputError

RECORD = {"machine": "quiet", "cpu": "A CPU", "ram": "16G", "os": "Linux 6.1", "num_cpu": "4"}


def known(tmp_path: Path, records: Any) -> Path:
    """A file of machine records."""
    path = tmp_path / "machines.json"
    path.write_text(records if isinstance(records, str) else json.dumps(records))
    return path


def test_every_field_of_asv_is_a_text(tmp_path: Path) -> None:
    """asv stores texts, and has no other fields."""
    found = describe(known=tmp_path / "none")
    assert tuple(found) == FIELDS == tuple(name for name, _ in Machine.fields)
    assert all(isinstance(value, str) and value for value in found.values())
    assert found["machine"] == platform.node()
    assert int(found["ram"]) > 10**6


def test_the_file_in_the_home_folder_is_read() -> None:
    """As `asv machine` writes it."""
    path = Path.home() / ".asv-machine.json"
    path.write_text(json.dumps({"quiet": RECORD, "version": 1}))
    assert describe()["cpu"] == "A CPU"


def test_the_record_of_this_host_wins(tmp_path: Path) -> None:
    """What the user said of the machine stands, the system fills the rest."""
    host = platform.node()
    records = {host: {"machine": host, "cpu": "Mine", "ram": ""}, "other": RECORD, "version": 1}
    found = describe(known=known(tmp_path, records))
    assert found["cpu"] == "Mine"
    assert found["ram"] == describe(known=tmp_path / "none")["ram"]


def test_the_only_record_stands_for_this_machine(tmp_path: Path) -> None:
    """asv's own rule, its name included."""
    found = describe(known=known(tmp_path, {"quiet": RECORD, "version": 1}))
    assert (found["machine"], found["ram"]) == ("quiet", "16G")


def test_of_several_records_none_stands_for_an_unknown_host(tmp_path: Path) -> None:
    """There is no telling which."""
    found = describe(known=known(tmp_path, {"a": RECORD, "b": RECORD}))
    assert found["machine"] == platform.node()


def test_a_name_overrules_the_host(tmp_path: Path) -> None:
    """The name stands in every result; the facts are this machine's."""
    found = describe("runner", known=known(tmp_path, {"quiet": RECORD}))
    assert (found["machine"], found["arch"]) == ("runner", platform.machine())
    assert found["cpu"] != "A CPU"


def test_a_name_picks_its_record(tmp_path: Path) -> None:
    """The facts come from the record, the name stays what was asked for."""
    found = describe("alias", known=known(tmp_path, {"alias": RECORD, "b": RECORD}))
    assert (found["machine"], found["cpu"]) == ("alias", "A CPU")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 1}', '"text"', "[" * 100_000])
def test_an_unreadable_file_counts_as_empty(content: str, tmp_path: Path) -> None:
    """A broken file of records stops no measurement."""
    expected = describe(known=tmp_path / "none")
    assert describe(known=known(tmp_path, content)) == expected


def test_a_folder_in_place_of_the_file_counts_as_empty(tmp_path: Path) -> None:
    """The same for whatever else is there."""
    assert describe(known=tmp_path)["machine"] == platform.node()


def test_values_of_a_record_become_texts(tmp_path: Path) -> None:
    """Some write numbers by hand."""
    records = {"quiet": {**RECORD, "num_cpu": 4, "ram": None}}
    assert describe(known=known(tmp_path, records))["num_cpu"] == "4"


@pytest.mark.parametrize("name", ["../x", "a/b", "-x", "..", "a\0b"])
def test_names_that_are_no_folder_are_refused(name: str, tmp_path: Path) -> None:
    """asv keeps results in a folder of the machine's name."""
    with pytest.raises(InvalidInputError, match="machine"):
        describe(name, known=tmp_path / "none")
    with pytest.raises(InvalidInputError, match="machine"):
        describe(known=known(tmp_path, {"quiet": {"machine": name}}))


@pytest.mark.parametrize(
    "content",
    [
        "processor: 0\nmodel name\t: A CPU @ 2GHz\n",
        "Hardware : A CPU @ 2GHz",
        "cpu model: A CPU @ 2GHz",
    ],
)
def test_the_processor_s_name_is_what_the_system_says(content: str, tmp_path: Path) -> None:
    """Intel, ARM and MIPS name the line differently."""
    path = tmp_path / "cpuinfo"
    path.write_text(content)
    assert cpu_model(path) == "A CPU @ 2GHz"


@pytest.mark.parametrize("content", [None, "", "model name :\n", "\xff"])
def test_the_architecture_stands_in_for_the_processor_s_name(
    content: str | None, tmp_path: Path
) -> None:
    """Where the system gives none."""
    path = tmp_path / "cpuinfo"
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    assert cpu_model(path) == (platform.processor() or platform.machine())
