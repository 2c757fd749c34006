"""One asv document ↔ one result set, value by value."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from typing import Any

import pytest
from asv.results import Results
from hypothesis import given, settings
from hypothesis import strategies as st

from odyssey_asv.adapter.compose import document_of, machine_of, suite_of
from odyssey_asv.adapter.convert import COLUMNS, Converter
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
from tests.asv_documents import MACHINE, document, documents, identical, record, records, row

NAME = "suite.time_f"
AXES = [["1", "2"], ["'a'", "'b'"]]


def read(
    found: dict[str, Any],
    suite: dict[str, Any] | None = None,
    machine: dict[str, Any] | None = None,
) -> ResultSet:
    """The set of a document without faults; the document itself is left alone."""
    content = copy.deepcopy(found)
    content.pop("version")
    results, faults = Converter(suite or {}).result_set(content, machine, source="a")
    assert faults == []
    return results


def only(found: dict[str, Any]) -> Result:
    (result,) = read(found).results
    return result


def imported(*pairs: tuple[Benchmark, Result], **changes: Any) -> ResultSet:
    """A set that never was an asv document."""
    known: dict[str, Any] = {
        "timestamp": "2026-11-23T19:02:11Z",
        "commit": Commit(hash="ab" * 20),
        "environment": Environment(),
        "run": Run(kind=RunKind.IMPORTED),
        "benchmarks": {benchmark.id: benchmark for benchmark, _ in pairs},
        "results": tuple(result for _, result in pairs),
    }
    return ResultSet(**{**known, **changes})


def timing(**changes: Any) -> Benchmark:
    return Benchmark(**{"id": NAME, "name": "f", "kind": Kind.TIME, "unit": "seconds", **changes})


# Reading


def test_columns_are_asv_s() -> None:
    """The format is asv's, and asv's upgrade of an empty document shows it."""
    empty = {"commit_hash": "", "date": 0, "params": {}, "python": "", "requirements": {},
             "results": {}}  # fmt: skip
    assert tuple(Results.update_to_2(empty)["result_columns"]) == COLUMNS


def test_every_column_arrives() -> None:
    """The value and its statistics, samples run together."""
    cells = {
        "result": [0.5], "params": [], "version": "7", "stats_ci_99_a": [-math.inf],
        "stats_ci_99_b": [math.inf], "stats_q_25": [0.4], "stats_q_75": [0.6],
        "stats_number": [10], "stats_repeat": [3], "samples": [[0.4, 0.5, 0.6]],
    }  # fmt: skip
    results = read(document({NAME: row(COLUMNS, **cells)}))
    assert results.results == (
        Result(
            Case(NAME), 0.5, number=10, repeat=3, ci_low=-math.inf, ci_high=math.inf, q25=0.4,
            q75=0.6, samples=(0.4, 0.5, 0.6),
        ),
    )  # fmt: skip
    assert results.benchmarks[NAME].version == "7"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (None, [Status.FAILED] * 4),
        ([1.0, None, math.nan, math.inf], [Status.OK, Status.FAILED, Status.SKIPPED, Status.OK]),
        ([None, None, None, 1.0], [Status.FAILED] * 3 + [Status.OK]),
        ([math.nan] * 4, [Status.SKIPPED] * 4),
    ],
)
def test_null_is_failed_and_nan_skipped(values: Any, expected: list[Status]) -> None:
    """For each case alone; only a measured one has a value."""
    results = read(document({NAME: [values, AXES]})).results
    assert [result.status for result in results] == expected
    assert [result.value is None for result in results] == [s is not Status.OK for s in expected]
    assert all(bool(r.reason) is (r.status is Status.SKIPPED) for r in results)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (None, Status.FAILED),
        (math.nan, Status.SKIPPED),
        (math.inf, Status.OK),
        (0.0, Status.OK),
        ("text", Status.OK),
        ([1, None], Status.OK),
        ([math.nan], Status.OK),
        ({"a": math.nan}, Status.OK),
        (False, Status.OK),
    ],
)
def test_a_single_case_is_read_alike(value: Any, status: Status) -> None:
    """The quick way for rows of one case says the same."""
    assert only(document({NAME: [[value], []]})).status is status
    (result, _) = read(document({NAME: [[value, 1.0], [["1", "2"]]]})).results
    assert result.status is status


def test_columns_are_found_by_name() -> None:
    """In any order, with others between them."""
    columns = ["colour", "stats_repeat", "params", "samples", "result"]
    found = document({NAME: ["red", [3], [], [[1.0]], [0.5]]}, result_columns=columns)
    result = only(found)
    assert (result.value, result.repeat, result.samples) == (0.5, 3, (1.0,))
    assert result.number is None


@pytest.mark.parametrize("axes", [[], [["1"]]])
def test_single_case_with_some_statistics(axes: list[list[str]]) -> None:
    """Old files have no number and repeat; null among the statistics is none."""
    cells = {"result": [0.5], "params": axes, "stats_ci_99_a": [0.1], "stats_q_25": [None]}
    result = only(document({NAME: row(COLUMNS, **cells)}))
    assert (result.ci_low, result.ci_high, result.q25, result.number) == (0.1, None, None, None)
    assert result.case.position == (0 if axes else None)


@pytest.mark.parametrize("missing", [name for name in COLUMNS if name.startswith("stats")])
@pytest.mark.parametrize("axes", [[], [["1", "2"]]])
def test_any_statistic_may_be_missing(missing: str, axes: list[list[str]]) -> None:
    """Each is read by its own name, whatever else the file has."""
    count = len(axes[0]) if axes else 1
    columns = [name for name in COLUMNS if name != missing]
    cells = {name: [1] * count for name in columns if name.startswith("stats")}
    found = row(columns, result=[0.5] * count, params=axes, **cells)
    for result in read(document({NAME: found}, result_columns=columns)).results:
        stats = (result.ci_low, result.ci_high, result.q25, result.q75)
        assert (*stats, result.number, result.repeat).count(None) == 1


def test_a_row_longer_than_its_columns_is_a_fault() -> None:
    """There is no telling what the rest is."""
    content = document({NAME: [[0.5], [], *[None] * 11, "more"]})
    results, faults = Converter({}).result_set(content, None, source="")
    assert [fault.partition(":")[0] for fault in faults] == [NAME]
    assert document_of(results)["results"] == {NAME: [[0.5], [], *[None] * 11, "more"]}


def test_known_benchmarks_are_described_once_for_each_version() -> None:
    """A converter remembers, and notices a change of parameters or version."""
    converter = Converter({})
    seen = []
    for axes, version in ([["1"]], "1"), ([["1"]], "2"), ([["1", "2"]], "2"), ([["1"]], "1"):
        count = len(axes[0])
        content = document({NAME: [[1.0] * count, axes, version]})
        results, _ = converter.result_set(content, None, source="")
        benchmark = results.benchmarks[NAME]
        seen.append((benchmark.params, benchmark.version, len(results.results)))
    assert seen == [
        ((("1",),), "1", 1),
        ((("1",),), "2", 1),
        ((("1", "2"),), "2", 2),
        ((("1",),), "1", 1),
    ]


def test_a_row_without_a_name_is_a_fault() -> None:
    """Nothing could refer to it."""
    content = document({"": [[1.0], []]})
    results, faults = Converter({}).result_set(content, None, source="")
    assert faults == [": not a row of results: a benchmark without a name"]
    assert results.results == ()


def test_environment_is_what_the_files_say() -> None:
    """Of machine and result file, the latter wins; scaled and split as our model has it."""
    found = document(
        {},
        params={**MACHINE, "cpu": "Another", "python": "3.12"},
        requirements={"numpy": "2.1", "mojo-compiler": 25.7},
        env_name="e",
    )
    environment = read(found, machine={"cpu": "Old", "machine": "m"}).environment
    assert (environment.os, environment.kernel, environment.cpu) == ("linux", "6.1", "x86_64")
    assert (environment.cpu_model, environment.machine) == ("Another", "m")
    assert (environment.cores, environment.ram_mb) == (2, 8000)
    assert (environment.numpy_version, environment.mojo_version) == ("2.1", "25.7")
    assert (environment.python_version, environment.env_name) == ("3.12", "e")


@pytest.mark.parametrize("ram", ["16G", "", None, "8.2G", "-5000000", "12", "9" * 5000, [1]])
def test_memory_in_other_words_is_unknown(ram: Any) -> None:
    """asv's field is free text; never guessed."""
    assert read(document({}, params={"ram": ram})).environment.ram_mb is None


@pytest.mark.parametrize("number", ["-1", "many", "", None, "2.5"])
def test_cores_in_other_words_are_unknown(number: Any) -> None:
    """The same for the number of processors."""
    assert read(document({}, params={"num_cpu": number})).environment.cores is None


@pytest.mark.parametrize("requirements", [None, [], ["numpy"], "numpy", {"numpy": ""}])
def test_requirements_of_another_shape_say_nothing(requirements: Any) -> None:
    """Old documentation calls them a list."""
    assert read(document({}, requirements=requirements)).environment.numpy_version is None


@pytest.mark.parametrize(
    ("started", "date", "timestamp"),
    [
        (1_700_000_001_500, 1_600_000_000_000, "2023-11-14T22:13:21Z"),
        (None, 1_600_000_000_000, "2020-09-13T12:26:40Z"),
        ("x", 1_600_000_000_000, "2020-09-13T12:26:40Z"),
        (None, None, "1970-01-01T00:00:00Z"),
        (None, True, "1970-01-01T00:00:00Z"),
        (None, 1e300, "1970-01-01T00:00:00Z"),
        (None, 10**400, "1970-01-01T00:00:00Z"),
        (None, math.nan, "1970-01-01T00:00:00Z"),
        (None, -(10**18), "1970-01-01T00:00:00Z"),
        (None, "2020", "1970-01-01T00:00:00Z"),
    ],
)
def test_timestamp_is_when_it_was_measured(started: Any, date: Any, timestamp: str) -> None:
    """Else the commit's date; else the beginning of time, for want of a null."""
    found = document({NAME: row(COLUMNS, result=[1.0], params=[], started_at=started)}, date=date)
    assert read(found).timestamp == timestamp


def test_date_of_the_commit_is_in_utc() -> None:
    """asv keeps milliseconds."""
    assert read(document({}, date=1_600_000_000_000)).commit.date == "2020-09-13T12:26:40Z"


# Writing


@settings(deadline=None)
@given(st.data())
def test_generated_documents_come_back(data: st.DataObject) -> None:
    """Any columns, values, unknown keys."""
    suite = data.draw(st.lists(records(), min_size=1, max_size=3, unique_by=lambda b: b["name"]))
    found = data.draw(documents(suite, "m"))
    results = read(found, {benchmark["name"]: benchmark for benchmark in suite}, MACHINE)
    assert identical({**document_of(results), "version": 2}, found)
    assert machine_of(results) == MACHINE
    assert set(suite_of(results)) == {benchmark["name"] for benchmark in suite}


def test_writing_leaves_the_set_alone() -> None:
    """It can be written again, to the same document."""
    found = document({NAME: [[1.0, None, math.nan, 2.0], AXES, "1"]})
    results = read(found)
    assert identical(document_of(results), document_of(results))
    assert identical({**document_of(results), "version": 2}, found)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.OK, 0.5),
        (Status.FAILED, None),
        (Status.TIMEOUT, None),
        (Status.SKIPPED, math.nan),
        (Status.NOT_SELECTED, math.nan),
    ],
)
def test_status_becomes_asv_s_value(status: Status, expected: Any) -> None:
    """null for failed, NaN for what was not measured."""
    benchmark = timing(param_names=("n",), params=(("1", "2"),))
    cases = [Case(NAME, (("n", n),), k) for k, n in enumerate("12")]
    value = 0.5 if status is Status.OK else None
    found = document_of(
        imported((benchmark, Result(cases[0], value, status)), (benchmark, Result(cases[1], 1.0)))
    )
    assert identical(found["results"][NAME][0], [expected, 1.0])


def test_cases_without_a_result_are_nan() -> None:
    """Part of a benchmark was measured."""
    benchmark = timing(param_names=("n",), params=(("1", "2", "3"),))
    result = Result(Case(NAME, (("n", "2"),), 1), 0.5, number=10, processes=((1.0,), (2.0, 3.0)))
    cells = dict(
        zip(COLUMNS, document_of(imported((benchmark, result)))["results"][NAME], strict=False)
    )
    assert identical(cells["result"], [math.nan, 0.5, math.nan])
    assert cells["stats_number"] == [None, 10, None]
    assert cells["samples"] == [None, [1.0, 2.0, 3.0], None]
    assert cells["params"] == [["1", "2", "3"]]


def test_results_that_were_taken_out_are_not_written() -> None:
    """A set reduced to some benchmarks becomes a file of those."""
    results = read(document({NAME: [[1.0], []], "suite.time_g": [[2.0], []]}))
    fewer = replace(results, results=results.results[:1])
    assert set(document_of(fewer)["results"]) == {NAME}


@pytest.mark.parametrize("position", [4, 100])
def test_a_case_beyond_the_parameters_is_refused(position: int) -> None:
    """A file changed by hand."""
    benchmark = timing(param_names=("n", "m"), params=(("1", "2"), ("1", "2")))
    with pytest.raises(ValueError, match="no place for"):
        document_of(imported((benchmark, Result(Case(NAME, (), position), 1.0))))


def test_cases_that_asv_could_not_tell_apart_are_refused() -> None:
    """Parameters without their lists of values have no place in a row."""
    pairs = [(timing(param_names=("n",)), Result(Case(NAME, (("n", n),)), 1.0)) for n in "12"]
    with pytest.raises(ValueError, match=r"no place for \{'n': '2'\}"):
        document_of(imported(*pairs))


def test_a_set_without_commit_is_refused() -> None:
    """asv keeps results by commit."""
    with pytest.raises(ValueError, match="no commit"):
        document_of(imported(commit=Commit()))


def test_an_imported_set_says_what_it_knows() -> None:
    """In asv's words: machine texts, bytes, milliseconds, records."""
    environment = Environment(
        os="linux", kernel="6.1", cpu="x86_64", machine="m", cpu_model="A CPU", cores=2,
        ram_mb=8000, python_version="3.12.4", env_name="e",
    )  # fmt: skip
    commit = Commit(hash="ab" * 20, date="2020-09-13T12:26:40")
    results = imported(
        (timing(version="7"), Result(Case(NAME), 0.5)), environment=environment, commit=commit
    )
    assert machine_of(results) == MACHINE
    found = document_of(results)
    assert (found["date"], found["python"], found["env_name"]) == (1_600_000_000_000, "3.12", "e")
    assert found["params"] == {**MACHINE, "python": "3.12"}
    assert found["results"] == {NAME: [[0.5], [], "7"]}
    assert suite_of(results) == {NAME: record(NAME, code="", version="7")}


@pytest.mark.parametrize("timestamp", ["yesterday", "", "2026-13-01"])
def test_a_date_of_another_shape_is_no_date(timestamp: str) -> None:
    """asv wants a number."""
    assert document_of(imported(timestamp=timestamp))["date"] == 0


def test_an_imported_set_that_knows_nothing_has_texts_still() -> None:
    """asv's machine fields are texts, empty where unknown."""
    found = machine_of(imported())
    assert found == dict.fromkeys(MACHINE, "") | {"machine": "unknown"}


def test_read_back_an_imported_set_is_equal() -> None:
    """Through asv's document and the reader again."""
    benchmark = timing(param_names=("n",), params=(("1", "2"),), version="1")
    pairs = [
        (benchmark, Result(Case(NAME, (("n", n),), k), 0.5, number=3, repeat=2, q25=0.4))
        for k, n in enumerate("12")
    ]
    results = imported(*pairs)
    again = read({**json.loads(json.dumps(document_of(results))), "version": 2}, suite_of(results))
    assert again.results == results.results
    assert again.benchmarks == results.benchmarks


def test_a_row_of_nothing_is_a_failed_case() -> None:
    """asv drops trailing nulls; nothing at all is what is left of a benchmark that broke."""
    result = only(document({NAME: []}))
    assert (result.status, result.value, result.number) == (Status.FAILED, None, None)
