"""Result sets written as other tools read them."""

from __future__ import annotations

import csv
import io
import itertools
import json
from dataclasses import replace
from typing import Any

import pyperf as pyperf_itself
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odyssey_asv.errors import InvalidInputError
from odyssey_asv.exporting import Target, document_for
from odyssey_asv.formats import bencher, github_action, pyperf, pytest_benchmark
from odyssey_asv.formats import csv as lines
from odyssey_asv.formats.csv import guarded
from odyssey_asv.formats.rows import rows_of
from odyssey_asv.formats.shape import utc
from odyssey_asv.model import Better, Commit, Environment, Kind, Result, ResultSet, Status
from odyssey_asv.units import shift
from tests.builders import benchmark, result, result_set, timed
from tests.neighbours import (
    NOW,
    pyperf_documents,
    pytest_document,
    pytest_documents,
    pytest_entry,
    strict,
)
from tests.strategies import any_result_sets, result_sets

TIMING = benchmark("add")
JSON_TARGETS = [Target.PYPERF, Target.PYTEST_BENCHMARK, Target.GITHUB_ACTION, Target.BENCHER]


def one(value: Any = 0.002, **changes: Any) -> ResultSet:
    """A set with one timing."""
    return result_set([(TIMING, result(TIMING, value, **changes))])


def tracked(value: Any, **changes: Any) -> ResultSet:
    """A set with one tracked value."""
    described = benchmark("score", Kind.TRACK, unit="points", **changes)
    return result_set([(described, result(described, value))])


def lined(results: ResultSet) -> list[dict[str, str]]:
    """The lines of a CSV export, as any reader of RFC 4180 reads them."""
    text = lines.write(results).text
    assert text.count("\n") >= text.count("\r\n") > 0
    return list(csv.DictReader(io.StringIO(text, newline="")))


@st.composite
def apart(draw: st.DrawFn) -> ResultSet:
    """A sound set whose samples stand in processes."""
    found = draw(result_sets())

    def split(one: Result) -> Result:
        taken = one.samples
        if taken is None:
            return one
        places = st.lists(st.integers(1, max(1, len(taken) - 1)), max_size=3, unique=True)
        cuts = [0, *sorted(draw(places)), len(taken)]
        parts = (taken[low:high] for low, high in itertools.pairwise(cuts))
        return one._replace(samples=None, processes=tuple(part for part in parts if part))

    return replace(found, results=tuple(map(split, found.results)))


# What every export begins with


def test_what_has_no_number_is_left_out_and_said() -> None:
    rows = rows_of(
        timed(
            {
                "good": 1.0,
                "bad": Status.FAILED,
                "late": Status.TIMEOUT,
                "text": "fast",
                "nan": float("nan"),
            }
        )
    )
    assert [row.name for row in rows.kept] == ["suite.time_good"]
    said = "\n".join(rows.warnings)
    for name in ("bad", "late", "text", "nan"):
        assert f"suite.time_{name}" in said
    for value in (10**400, -(10**400), 1e300, True, [1]):
        assert rows_of(tracked(value)).kept == []


def test_a_sample_that_is_no_number_costs_its_case() -> None:
    rows = rows_of(one(samples=(0.001, float("inf"))))
    assert rows.kept == []
    assert rows.warnings == ("left out, with samples that are no numbers: suite.time_add",)


def test_two_cases_of_one_name_are_told_apart() -> None:
    described = [benchmark(name, id=f"suite.time{name}") for name in ("\na", " a", "\ta")]
    rows = rows_of(result_set((d, result(d, 0.1)) for d in described))
    assert [row.name for row in rows.kept] == ["suite.time a", "suite.time a #2", "suite.time a #3"]
    assert len(rows.warnings) == 2


# pyperf


def test_processes_are_runs() -> None:
    document = strict(pyperf.write(one(processes=((0.1, 0.3), (0.2,)), number=7.0)).text)
    (found,) = document["benchmarks"]
    assert found["metadata"] == {"name": "suite.time_add", "unit": "second"}
    assert [run["values"] for run in found["runs"]] == [[0.1, 0.3], [0.2]]
    assert [run["metadata"]["loops"] for run in found["runs"]] == [7, 7]
    assert document["metadata"]["commit_id"] == "a1b2c3d4" * 5
    assert document["metadata"]["hostname"] == "bench-1"


def test_numbers_of_each_process_are_its_loops() -> None:
    several = one(processes=((0.1,), (0.2,)), extra={"numbers": [3, 5]})
    (found,) = strict(pyperf.write(several).text)["benchmarks"]
    assert [run["metadata"] for run in found["runs"]] == [{"loops": 3}, {"loops": 5}]


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (one(samples=(0.1, 0.2)), "all stand in one run"),
        (one(), "its value stands as the only one"),
        (one(0), "numbers above 0 only"),
        (tracked(0.5), "whole numbers only"),
        (tracked(5), "does not have its unit"),
        (tracked(5, better=Better.HIGHER), "higher is better"),
    ],
)
def test_what_pyperf_cannot_hold_is_said(results: ResultSet, said: str) -> None:
    assert any(said in warning for warning in pyperf.write(results).warnings)


def test_a_timestamp_that_is_no_moment_is_no_date_of_pyperf() -> None:
    document = pyperf.write(replace(one(), timestamp="yesterday")).text
    assert pyperf_itself.BenchmarkSuite.loads(document).get_dates() is None


def test_memory_is_bytes() -> None:
    for kind in (Kind.MEMORY, Kind.PEAKMEMORY):
        described = benchmark("add", kind)
        document = strict(pyperf.write(result_set([(described, result(described, 512))])).text)
        assert document["benchmarks"][0]["metadata"]["unit"] == "byte"


@settings(max_examples=40)
@given(apart())
def test_pyperf_reads_the_values_that_we_had(results: ResultSet) -> None:
    """pyperf itself loads the file; our reader finds the same processes, loops and units."""
    exported = pyperf.write(results)
    if not strict(exported.text)["benchmarks"]:
        return
    rows = {row.name: row for row in rows_of(results).kept}
    suite = pyperf_itself.BenchmarkSuite.loads(exported.text)
    again = pyperf.read(json.loads(exported.text), "a.json", NOW).results
    assert [one.get_name() for one in suite] == list(again.benchmarks)
    for theirs, ours in zip(suite, again.results, strict=True):
        row = rows[ours.case.benchmark]
        before = row.result.processes or (row.result.samples or (row.value,),)
        assert theirs.get_values() == tuple(value for process in before for value in process)
        assert ours.processes == before
        unit = again.benchmarks[row.name].unit
        assert unit == ("integer" if row.benchmark.kind is Kind.TRACK else row.benchmark.unit)
        if row.loops is not None:
            assert ours.number == row.loops
    assert again.commit.hash == results.commit.hash
    assert again.environment.machine == results.environment.machine
    assert again.timestamp == (utc(results.timestamp) or NOW)


@given(pyperf_documents())
def test_a_pyperf_file_comes_back(document: dict[str, Any]) -> None:
    """Runs, warm-ups, calibration and metadata, as pyperf itself sees them."""
    found = pyperf.read(json.loads(json.dumps(document)), "a.json", NOW).results
    before = pyperf_itself.BenchmarkSuite.loads(json.dumps(document))
    after = pyperf_itself.BenchmarkSuite.loads(pyperf.write(found).text)
    for ours, theirs in zip(after, before, strict=True):
        for mine, their in zip(ours.get_runs(), theirs.get_runs(), strict=True):
            assert (mine.values, mine.warmups) == (their.values, their.warmups)
            assert mine.get_metadata() == their.get_metadata()


MISFITS = [
    {"runs": [{"metadata": {}, "warmups": [], "calibration": calibration}] * count}
    for calibration, count in ((True, 1), (False, 2))
]


@pytest.mark.parametrize(
    "kept",
    [
        *MISFITS,
        7,
        {"runs": 7},
        {"runs": [1]},
        {"runs": [{"calibration": 1}]},
        {"metadata": {"a": []}},
    ],
)
def test_a_result_file_that_only_looks_imported(kept: Any) -> None:
    """What somebody else wrote under our key is data, not our word."""
    environment = Environment(extra={"pyperf": kept, "machine_info": kept})
    found = one(processes=((0.1,),), extra={"pyperf": kept, "pytest_benchmark": kept})
    found = replace(found, environment=environment, extra={"commit_info": kept})
    (run,) = strict(pyperf.write(found).text)["benchmarks"][0]["runs"]
    assert run["values"] == [0.1]
    (entry,) = strict(pytest_benchmark.write(found).text)["benchmarks"]
    assert entry["stats"]["data"] == [0.1]


# pytest-benchmark


@given(pytest_documents())
def test_a_pytest_benchmark_file_comes_back(document: dict[str, Any]) -> None:
    found = pytest_benchmark.read(json.loads(json.dumps(document)), "a.json", NOW).results
    after = strict(pytest_benchmark.write(found).text)
    assert after["machine_info"] == document["machine_info"]
    assert after["commit_info"] == document["commit_info"]
    for ours, theirs in zip(after["benchmarks"], document["benchmarks"], strict=True):
        for key in ("name", "fullname", "params", "param", "group", "extra_info", "options"):
            assert ours[key] == theirs[key]
        assert ours["stats"]["data"] == theirs["stats"]["data"]
        assert ours["stats"]["iterations"] == theirs["stats"]["iterations"]


def test_a_commit_that_was_given_is_written() -> None:
    found = pytest_benchmark.read(pytest_document(pytest_entry("t.py::test_a")), "a.json", NOW)
    other = replace(found.results, commit=Commit(hash="f" * 40))
    assert strict(pytest_benchmark.write(other).text)["commit_info"]["id"] == "f" * 40


def test_statistics_of_pytest_benchmark() -> None:
    exported = pytest_benchmark.write(one(processes=((1.0, 2.0, 3.0), (4.0, 90.0)), number=5.0))
    (entry,) = strict(exported.text)["benchmarks"]
    stats = entry["stats"]
    assert (stats["min"], stats["max"], stats["median"], stats["mean"]) == (1, 90, 3, 20)
    assert (stats["q1"], stats["q3"], stats["iqr"]) == (2, 4, 2)
    assert (stats["ld15iqr"], stats["hd15iqr"], stats["outliers"]) == (1, 4, "1;1")
    assert (stats["rounds"], stats["iterations"], stats["ops"]) == (5, 5, 0.05)
    assert exported.warnings == (
        "the rounds of several processes stand in one list: suite.time_add",
    )


def test_memory_has_no_place_in_pytest_benchmark() -> None:
    exported = pytest_benchmark.write(tracked(5))
    assert strict(exported.text)["benchmarks"] == []
    assert "no place for track" in exported.warnings[0]


# github-action-benchmark


def test_github_action_benchmark() -> None:
    (entry,) = strict(github_action.write(one(0.002, processes=((0.001, 0.003),))).text)
    assert entry == {
        "name": "suite.time_add", "value": 2000000.0, "unit": "ns", "range": "± 1.41421e+06",
        "extra": "statistic: median\nsamples: 2\nprocesses: 1",
    }  # fmt: skip


def test_a_file_of_the_action_has_one_direction() -> None:
    higher = tracked(5, better=Better.HIGHER)
    assert strict(github_action.write(higher).text) == []
    assert "--better higher" in github_action.write(higher).warnings[0]
    (entry,) = strict(github_action.write(higher, Better.HIGHER).text)
    assert (entry["value"], entry["unit"]) == (5, "points")
    assert strict(github_action.write(one(), Better.HIGHER).text) == []


# Bencher


def test_bencher() -> None:
    described = benchmark("add", work=1000.0)
    found = result(described, 0.002, ci_low=0.001, ci_high=float("inf"))
    assert strict(bencher.write(result_set([(described, found)])).text) == {
        "suite.time_add": {
            "latency": {"value": 2000000.0, "lower_value": 1000000.0},
            "throughput": {"value": 500000.0},
        }
    }


def test_measures_of_bencher() -> None:
    memory = benchmark("add", Kind.PEAKMEMORY)
    document = strict(bencher.write(result_set([(memory, result(memory, 512))])).text)
    assert document == {"suite.peakmem_add": {"peak-memory": {"value": 512}}}
    (measures,) = strict(bencher.write(tracked(1.5)).text).values()
    assert measures == {"points": {"value": 1.5}}
    described = benchmark("s", Kind.TRACK, unit=" §/m² " * 40)
    (measures,) = strict(
        bencher.write(result_set([(described, result(described, 1))])).text
    ).values()
    assert len(next(iter(measures))) <= 64


def test_names_that_mean_something_to_bencher() -> None:
    described = [benchmark("x" * 1100), benchmark("quiet-bencher-ignore")]
    exported = bencher.write(result_set((d, result(d, 0.1)) for d in described))
    assert list(strict(exported.text)) == ["suite.time_quiet-bencher-ignore"]
    assert [warning.partition(":")[0] for warning in exported.warnings] == [
        "left out, Bencher's names end at 1024 characters",
        "Bencher raises no alerts for a name that ends so",
    ]


# CSV


def test_csv() -> None:
    described = benchmark("power", param_names=("n",), params=(("1", "2"),))
    case = list(described.cases())[1]
    found = Result(case, 0.002, processes=((0.001, 0.002), (0.003,)), number=4.0)
    (line,) = lined(result_set([(described, found)]))
    assert line["case"] == "suite.time_power(n=2)"
    assert (line["benchmark"], line["params"]) == ("suite.time_power", '{"n": "2"}')
    assert (float(line["value"]), line["unit"], line["better"]) == (0.002, "seconds", "lower")
    assert (line["samples"], line["processes"], float(line["mean"])) == ("3", "2", 0.002)
    assert (line["commit"], line["machine"]) == ("a1b2c3d4" * 5, "bench-1")


def test_a_failure_is_a_line_with_its_reason() -> None:
    (line,) = lined(one(None, status=Status.FAILED, reason='it "broke"\nhere, and here'))
    assert (line["status"], line["value"]) == ("failed", "")
    assert line["reason"] == 'it "broke"\nhere, and here'


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "'quoted", "＝1+1"]
)
def test_no_spreadsheet_runs_a_name(name: str) -> None:
    described = benchmark("x", id=name)
    exported = lines.write(result_set([(described, result(described, 0.1))]))
    assert exported.text.splitlines()[1].startswith("\"'")
    assert any("apostrophe" in warning for warning in exported.warnings)
    (line,) = csv.DictReader(io.StringIO(exported.text, newline=""))
    assert line["benchmark"].removeprefix("'") == name


@given(st.text())
def test_one_apostrophe_less_is_the_text(text: str) -> None:
    assert guarded(text) in (text, f"'{text}")
    # So whoever takes one from every text that begins with one is right.
    assert not text.startswith("'") or guarded(text) == f"'{text}"


# All of them


@pytest.mark.parametrize("target", JSON_TARGETS)
@settings(max_examples=50)
@given(found=any_result_sets())
def test_whatever_is_in_a_result_file_is_written_strictly(target: Target, found: ResultSet) -> None:
    try:
        exported = document_for(target, found)
    except InvalidInputError as error:
        assert "nothing that" in str(error)  # noqa: PT017 (either outcome is right)
        return
    document = strict(exported.text)
    assert exported.text.isascii()
    if target is Target.PYPERF:
        pyperf_itself.BenchmarkSuite.loads(exported.text)
    names = (
        [entry["name"] for entry in document]
        if target is Target.GITHUB_ACTION
        else list(document)
        if target is Target.BENCHER
        else []
    )
    assert len(set(names)) == len(names)
    assert all(name.isprintable() and name for name in names)


@settings(max_examples=40)
@given(result_sets())
def test_values_come_back(found: ResultSet) -> None:
    """Scaling moves the decimal point only, so what is read and scaled back is the same number."""
    rows = rows_of(found).kept
    measures = strict(bencher.write(found).text)
    action = {
        entry["name"]: entry
        for better in Better
        for entry in strict(github_action.write(found, better).text)
    }
    cells = {line["case"]: line for line in lined(found)}
    assert set(measures) == set(action) == {row.name for row in rows}
    for row in rows:
        places = -9 if row.benchmark.kind is Kind.TIME else 0
        (metric,) = measures[row.name].values()
        assert shift(metric["value"], places) == row.value
        assert shift(action[row.name]["value"], places) == row.value
        assert float(cells[row.name]["value"]) == row.value


@given(any_result_sets())
def test_a_line_for_whatever_is_in_a_result_file(found: ResultSet) -> None:
    read = lined(found)
    assert len(read) == len(found.results)
    for line, before in zip(read, found.results, strict=True):
        described = found.benchmarks[before.case.benchmark].id
        exact = described.encode("utf-8", errors="replace").decode()
        assert line["benchmark"] == guarded(exact)


@pytest.mark.parametrize("target", JSON_TARGETS)
def test_nothing_to_write_is_an_error_that_says_why(target: Target) -> None:
    with pytest.raises(InvalidInputError, match=r"(?s)nothing that .* can hold\n.*failed"):
        document_for(target, one(None, status=Status.FAILED))
