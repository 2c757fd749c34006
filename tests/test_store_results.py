"""Result files on disk: read by anybody's hand, written once, every fault named."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings

from odyssey_asv.errors import InvalidFileError, InvalidInputError
from odyssey_asv.model import Kind, Status
from odyssey_asv.store import results as store
from odyssey_asv.store.results import load, parse, save, save_in, serialise
from tests.asv_documents import identical
from tests.builders import timed
from tests.strategies import result_sets

ENTRY = {"name": "tensor_add", "duration_ms": 12.5}
ORIGINAL: dict[str, Any] = {
    "timestamp": "2025-01-13T10:00:00Z",
    "environment": {"os": "linux", "cpu": "x86_64", "mojo_version": "0.25.7"},
    "benchmarks": [
        {
            "name": name,
            "duration_ms": duration,
            "throughput": throughput,
            "memory_mb": memory,
            "iterations": iterations,
        }
        for name, duration, throughput, memory, iterations in (
            ("tensor_add_small", 0.0123, 813008130.0813009, 0.04, 10000),
            ("tensor_add_large", 1.234567, 810000324.1, 4.0, 1000),
            ("matmul_small", 0.33, 6060606060.606061, 0.12, 100),
            ("matmul_large", 1234.5, 1620089.1, 12.0, 10),
            ("no_memory", 7.1, 140.84507042253523, 0.0, 1),
        )
    ],
}


def document(*entries: Any, **changes: Any) -> dict[str, Any]:
    """A file with these entries, no more than must be in it."""
    return {
        "timestamp": "2025-01-13T10:00:00Z",
        "environment": {},
        "benchmarks": list(entries or (ENTRY,)),
        **changes,
    }


def raw(content: Any) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content).encode()


def faults(content: Any) -> tuple[str, ...]:
    """What is found wrong with a file."""
    with pytest.raises(InvalidFileError) as caught:
        parse(raw(content), "r.json")
    assert str(caught.value).startswith("r.json: ")
    return caught.value.faults


def strict(content: bytes) -> Any:
    """Parse as a parser without Python's liberties would."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(constant)

    return json.loads(content, parse_constant=refuse)


# The seed's files


def test_the_seed_s_minimal_file_loads(fixtures: Path) -> None:
    """Three environment keys, five benchmark keys."""
    found = load(fixtures / "seed/minimal.json")
    duration, memory = found.results
    assert (duration.value, duration.status) == (0.0125, Status.OK)
    assert (memory.value, found.benchmarks[memory.case.benchmark].kind) == (2.5e6, Kind.MEMORY)
    assert found.benchmarks["tensor_add"].work == 100_000.0
    assert found.environment.mojo_version == "0.25.7"
    assert found.timestamp == "2025-01-13T10:00:00Z"


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_files_of_the_original_programs_survive(separators: tuple[str, str]) -> None:
    """Minified or not: every key that was in is in the file written from it, as it was."""
    content = json.dumps(ORIGINAL, separators=separators).encode()
    once = serialise(parse(content, "a"))
    found = json.loads(once)
    for before, after in zip(ORIGINAL["benchmarks"], found["benchmarks"], strict=True):
        assert identical({key: after[key] for key in before}, before)
    assert found["environment"].items() >= ORIGINAL["environment"].items()
    assert serialise(parse(once, "b")) == once


UNKNOWN = document(
    {
        **ENTRY,
        "colour": "red",
        "gc": {"pauses": [1, 2]},
        "stats": {"mean": 0.013, "min": 0.011, "skew": 0.5},
        "memory": [{"id": None, "type": "memory", "unit": "bytes", "value": 5, "heap": "big"}],
    },
    commit={"hash": None, "author": "somebody"},
    environment={"os": "linux", "gpu": "none"},
    run={"kind": "imported", "host": "ci"},
    approval={"by": "a", "reason": "b", "approved_at": "c", "candidate": "d", "sha256": "0" * 64,
              "ticket": 5},
    notes=["a", {"b": None}],
    seal="x",
)  # fmt: skip


def test_unknown_keys_are_kept() -> None:
    """At every level, through any number of loads and saves."""
    once = serialise(parse(raw(UNKNOWN), "a"))
    found = json.loads(serialise(parse(once, "b")))
    entry = found["benchmarks"][0]
    assert (entry["colour"], entry["gc"]) == ("red", {"pauses": [1, 2]})
    assert entry["stats"] == {"mean": 0.013, "min": 0.011, "skew": 0.5}
    assert entry["memory"][0]["heap"] == "big"
    assert found["commit"]["author"] == "somebody"
    assert found["environment"]["gpu"] == "none"
    assert found["run"]["host"] == "ci"
    assert found["approval"]["ticket"] == 5
    assert (found["notes"], found["seal"]) == (["a", {"b": None}], "x")


def test_unknown_statistics_beside_samples_are_kept() -> None:
    """What follows from the samples is computed again, the rest is kept."""
    entry = {**ENTRY, "samples": [0.0125], "stats": {"mean": 99.0, "skew": 0.5}}
    found = json.loads(serialise(parse(raw(document(entry)), "a")))["benchmarks"][0]
    assert (found["stats"]["mean"], found["stats"]["skew"]) == (0.0125, 0.5)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("throughput", 123.456),
        ("throughput", 0.1),
        ("throughput", 0.0),
        ("iterations", 7),
        ("memory_mb", 0.0),
        ("memory_mb", 1.1),
        ("memory_kind", "rss_peak"),
    ],
)
@pytest.mark.parametrize("more", [{}, {"id": "suite.time_f"}, {"status": "failed"}])
def test_what_an_entry_says_for_people_survives(key: str, value: Any, more: dict[str, Any]) -> None:
    """Also where it does not follow from the rest of the entry."""
    entry = {**ENTRY, **more, key: value}
    once = serialise(parse(raw(document(entry)), "a"))
    twice = serialise(parse(once, "b"))
    assert json.loads(twice)["benchmarks"][0][key] == value
    assert once == twice


@pytest.mark.parametrize("whole", [100, 100.0])
def test_whole_numbers_may_be_written_as_fractions(whole: float) -> None:
    """Other languages have one kind of number only."""
    entry = {**ENTRY, "iterations": whole, "duration_ms": 12}
    assert parse(raw(document(entry)), "a").results[0].value == 0.012


# Faults


def test_missing_file_says_not_found(tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(InvalidInputError, match=r"none\.json: not found"):
        load(tmp_path / "none.json")


def test_folder_in_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    """In the system's words."""
    with pytest.raises(InvalidInputError, match="Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON: expecting value at line 1, column 1"),
        (b'{\n  "a": 1,\n  "b": ]\n}', "not JSON: expecting value at line 3, column 8"),
        (raw(document())[:-5], "at line 1, column"),
        (b"\xff\xfe\x00", "not JSON"),
        (b'{"a": "\xff"}', "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' * 5_000 + b"1" + b"}" * 5_000, "nested too deeply"),
        (b'{"a": 1, "b": 2, "a": 3}', "key 'a' twice in one object"),
    ],
)
def test_what_is_no_json_is_named_with_its_place(content: bytes, words: str) -> None:
    """File, line and column, and no traceback whatever it holds."""
    (fault,) = faults(content)
    assert words in fault


@pytest.mark.parametrize("content", [[], 5, None, "text", True])
def test_what_is_no_object_is_an_error(content: Any) -> None:
    """A result file is an object."""
    (fault,) = faults(content)
    assert fault.startswith("file: ")


@pytest.mark.parametrize("key", ["timestamp", "environment", "benchmarks"])
def test_missing_keys_are_named(key: str) -> None:
    """The three that must be there."""
    content = document()
    del content[key]
    assert faults(content) == (f"{key}: missing",)


@pytest.mark.parametrize("key", ["name", "duration_ms"])
def test_missing_fields_are_named_with_their_entry(key: str) -> None:
    """The two that every entry must have."""
    entry = {k: v for k, v in ENTRY.items() if k != key}
    (fault,) = faults(document(ENTRY, entry))
    assert fault.endswith(f".{key}: missing")
    assert fault.startswith("benchmarks[1]")


def test_every_fault_is_listed() -> None:
    """Not only the first, each once, each with entry and field."""
    content = document(
        {"name": "a", "duration_ms": -1},
        {"name": "b", "duration_ms": "12"},
        {"name": "", "duration_ms": 1, "iterations": 1.5},
        {"duration_ms": 1, "processes": [[1, "x"]], "stats": {"ci_99": [1]}},
        timestamp="",
        run={"complete": "yes"},
    )
    found = faults(content)
    assert [fault.partition(": ")[0] for fault in found] == [
        "timestamp",
        "run.complete",
        "benchmarks[0] (a).duration_ms",
        "benchmarks[1] (b).duration_ms",
        "benchmarks[2].name",
        "benchmarks[2].iterations",
        "benchmarks[3].stats.ci_99",
        "benchmarks[3].processes[0][1]",
        "benchmarks[3].name",
    ]
    assert "must not be negative, found -1" in found[2]
    assert "expected a number, found '12'" in found[3]


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
@pytest.mark.parametrize(
    ("template", "place"),
    [
        (b'"duration_ms": %s', "benchmarks[0] (a).duration_ms"),
        (b'"duration_ms": 1, "value": %s', "benchmarks[0] (a).value"),
        (b'"duration_ms": 1, "samples": [1, %s]', "benchmarks[0] (a).samples[1]"),
        (b'"duration_ms": 1, "mine": {"x": [%s]}', "benchmarks[0] (a).mine"),
        (b'"duration_ms": 1, "stats": {"q25": %s}', "benchmarks[0] (a).stats.q25"),
    ],
)
def test_nan_and_infinities_are_refused(template: bytes, place: str, constant: bytes) -> None:
    """Anywhere, known key or not: they are no JSON."""
    entry = b'{"name": "a", %s}' % template.replace(b"%s", constant)
    content = b'{"timestamp": "t", "environment": {}, "benchmarks": [%s]}' % entry
    (fault,) = faults(content)
    assert fault.startswith(f"{place}: not a finite number")


@pytest.mark.parametrize("where", ["origin", "mine"])
def test_nan_outside_the_entries_is_refused(where: str) -> None:
    """In asv's document and in unknown keys too."""
    (fault,) = faults(document(**{where: {"a": [math.nan]}}))
    assert fault.startswith(where)


def test_numbers_beyond_floats_are_refused() -> None:
    """A whole number that no float holds."""
    assert "not a finite number" in faults(document({**ENTRY, "duration_ms": 10**400}))[0]


@pytest.mark.parametrize("value", [True, None, [], {}])
def test_durations_are_numbers(value: Any) -> None:
    """A timed entry that is ok has one."""
    (fault,) = faults(document({"name": "a", "duration_ms": value}))
    assert fault.startswith("benchmarks[0] (a)")
    assert "duration_ms" in fault


def test_failed_entries_need_no_duration() -> None:
    """Null says that there is none."""
    entry = {"name": "a", "duration_ms": None, "status": "failed", "reason": "why"}
    assert parse(raw(document(entry)), "a").results[0].status is Status.FAILED


@pytest.mark.parametrize("value", [0.0126, -0.0125, "text", 0])
def test_duration_and_value_must_agree(value: Any) -> None:
    """Two numbers for one thing is one too many where they differ."""
    (fault,) = faults(document({**ENTRY, "value": value}))
    assert "say different things" in fault


@pytest.mark.parametrize(("duration", "value"), [(0.33, 0.00033), (12, 0.012), (1e-7, 1e-10)])
def test_duration_and_value_agree_as_decimals(duration: float, value: float) -> None:
    """Binary floating point has no part in it."""
    entry = {"name": "a", "duration_ms": duration, "value": value}
    assert parse(raw(document(entry)), "a").results[0].value == value


def test_an_empty_list_is_refused() -> None:
    """Nothing was measured: nothing can be said."""
    assert faults(document(benchmarks=[])) == ("file: benchmarks is empty",)


def test_equal_names_load() -> None:
    """They are found when sets are compared, where both can be named."""
    assert len(parse(raw(document(ENTRY, ENTRY)), "a").results) == 2


@pytest.mark.parametrize("version", ["2.0", "2", "10.3", 2, 2.0, "002.0", "9" * 5000])
def test_newer_major_schema_is_refused(version: Any) -> None:
    """Its shape is not ours to judge: that is the only fault."""
    (fault,) = faults(document({"unknown": "shape"}, schema_version=version))
    assert "newer than this tool reads (1.0)" in fault


@pytest.mark.parametrize("version", ["1.0", "1.7", "1.99", "0.9"])
def test_newer_minor_schema_is_read(version: str) -> None:
    """It may only add keys, and those are kept."""
    content = document({**ENTRY, "new": 1}, schema_version=version)
    found = parse(raw(content), "a")
    assert found.results[0].extra == {"new": 1}


@pytest.mark.parametrize("version", ["", "1", "one", "²", 1, None, [], "1.0\n"])
def test_versions_of_another_shape_are_refused(version: Any) -> None:
    """With the field's name."""
    (fault,) = faults(document(schema_version=version))
    assert fault.startswith("schema_version: ")


# Writing


@settings(deadline=None)
@given(result_sets().filter(lambda results: results.results))
def test_sets_are_equal_after_save_and_load(results: Any) -> None:
    """Whatever a run could have measured."""
    content = serialise(results)
    loaded = parse(content, "r.json")
    assert loaded.results == results.results
    assert serialise(loaded) == content


@settings(deadline=None)
@given(result_sets().filter(lambda results: results.results))
def test_files_are_strict_json_with_sorted_keys(results: Any) -> None:
    """Any parser reads them, and diffs are small."""
    found = strict(serialise(results))
    text = json.dumps(found)
    assert text == json.dumps(found, sort_keys=True)


def test_equal_sets_give_equal_bytes() -> None:
    """The order in which mappings were filled does not show."""
    one = timed({"a": 1, "b": 2}, extra={"x": 1, "y": 2})
    other = replace(
        timed({"a": 1, "b": 2}, extra={"y": 2, "x": 1}),
        benchmarks=dict(reversed(list(one.benchmarks.items()))),
    )
    assert one == other
    assert serialise(one) == serialise(other)


def test_lists_of_numbers_stand_on_one_line() -> None:
    """A hundred samples are no hundred lines."""
    results = timed({"a": 1})
    sampled = replace(results, results=(results.results[0]._replace(samples=(1.0, 2.0, 3.0)),))
    assert b'"samples": [1.0, 2.0, 3.0]' in serialise(sampled)


def test_saving_never_replaces(tmp_path: Path) -> None:
    """A result is written once."""
    path = tmp_path / "r.json"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        save(timed({"a": 1}), path)
    assert path.read_text() == "mine"


def test_files_are_named_by_time_and_commit(tmp_path: Path) -> None:
    """In UTC, with the commit's first eight digits."""
    results = timed({"a": 1}, timestamp="2026-11-23T20:02:11+01:00")
    path = save_in(results, tmp_path / "new")
    assert path == tmp_path / "new/20261123T190211Z-a1b2c3d4_results.json"
    assert load(path) == results


def test_two_saves_in_one_second_get_two_names(tmp_path: Path) -> None:
    """And both are found, the later first."""
    one = save_in(timed({"a": 1}), tmp_path)
    two = save_in(timed({"a": 2}), tmp_path)
    assert two.name == "20261123T190211Z-a1b2c3d4-2_results.json"
    assert store.newest_first(tmp_path) == [two, one]
    assert store.latest(tmp_path) == two


def test_names_run_out_at_some_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand files of one second are no accident."""

    def taken(path: Path, _: bytes) -> None:
        raise FileExistsError(17, "File exists", str(path))

    monkeypatch.setattr(store, "write_new", taken)
    with pytest.raises(InvalidInputError, match="too many"):
        save_in(timed({"a": 1}), tmp_path)


def test_a_set_without_commit_is_saved(fixtures: Path, tmp_path: Path) -> None:
    """Its name says so."""
    path = save_in(load(fixtures / "seed/minimal.json"), tmp_path)
    assert path.name == "20250113T100000Z-nocommit_results.json"
    assert store.newest_first(tmp_path) == [path]


@pytest.mark.parametrize("timestamp", ["2025-01-13T10:00:00", "2025-01-13T10:00:00Z"])
def test_a_time_without_zone_is_utc(timestamp: str, tmp_path: Path) -> None:
    """Wherever the machine stands."""
    path = save_in(timed({"a": 1}, timestamp=timestamp), tmp_path)
    assert path.name.startswith("20250113T100000Z-")


@pytest.mark.parametrize("timestamp", ["yesterday", "", "/../x"])
def test_a_timestamp_of_another_shape_names_no_file(timestamp: str, tmp_path: Path) -> None:
    """It would lead elsewhere or sort anywhere."""
    with pytest.raises(InvalidInputError, match="not ISO 8601"):
        save_in(timed({"a": 1}, timestamp=timestamp), tmp_path)


def test_other_files_of_the_folder_are_ignored(tmp_path: Path) -> None:
    """Baselines, notes, temporary files."""
    path = save_in(timed({"a": 1}), tmp_path)
    for name in ("baseline_results.json", ".x_results.json.tmp", "20261123T190211Z-x_results.json"):
        (tmp_path / name).touch()
    assert store.newest_first(tmp_path) == [path]


def test_files_of_a_commit_are_found_newest_first(tmp_path: Path) -> None:
    """By the digits in their name."""
    old = save_in(timed({"a": 1}, timestamp="2026-01-01T00:00:00Z"), tmp_path)
    new = save_in(timed({"a": 1}, timestamp="2026-01-02T00:00:00Z"), tmp_path)
    assert list(store.of_commit(tmp_path, "a1b2c3d4" * 5)) == [new, old]
    assert list(store.of_commit(tmp_path, "ff" * 20)) == []


@pytest.mark.parametrize("folder", ["", "none"])
def test_no_result_files_say_what_to_do(folder: str, tmp_path: Path) -> None:
    """Whether the folder is empty or missing."""
    assert store.newest_first(tmp_path / folder) == []
    with pytest.raises(InvalidInputError, match="no result files") as caught:
        store.latest(tmp_path / folder)
    assert caught.value.tip


def test_the_present_moment_is_utc() -> None:
    """As result files write it."""
    assert store.now().endswith("Z")
    assert len(store.now()) == len("2026-11-23T19:02:11Z")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": [value]}
    return value


def test_nested_values_are_kept() -> None:
    """Whatever a `track_` function gives."""
    results = timed({"a": 1}, origin={"document": nested(50)})
    assert parse(serialise(results), "r.json") == results


@pytest.mark.parametrize("depth", [2_000, 100_000])
def test_values_nested_too_deeply_are_not_written(depth: int) -> None:
    """What no parser would read again, and no RecursionError."""
    results = timed({"a": 1}, origin={"document": nested(depth)})
    with pytest.raises(InvalidInputError, match="nested too deeply"):
        serialise(results)


@pytest.mark.parametrize("depth", range(200, 1000, 40))
def test_values_nested_too_deeply_are_not_read(depth: int) -> None:
    """Whichever part of the reading gives up first."""
    origin = b'{"a": ' * depth + b"1" + b"}" * depth
    content = raw(document())[:-1] + b', "origin": ' + origin + b"}"
    try:
        parse(content, "r.json")
    except InvalidFileError as error:
        found = error.faults
    else:
        found = ("nested too deeply",)
    assert found == ("nested too deeply",)


def test_a_set_without_results_is_not_written() -> None:
    """It could not be read again."""
    with pytest.raises(InvalidInputError, match="no results to write"):
        serialise(replace(timed({"a": 1}), results=()))
