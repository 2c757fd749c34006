"""What other tools' files say, read into result sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.errors import InvalidFileError
from odyssey_asv.formats import google_benchmark, pyperf, pytest_benchmark
from odyssey_asv.formats.shape import Imported
from odyssey_asv.importing import Known, Source, attribute, recognise
from odyssey_asv.model import Kind, Result, RunKind, Status
from odyssey_asv.store.results import parse, serialise
from tests.neighbours import (
    NOW,
    damaged,
    google_document,
    google_documents,
    google_entry,
    pyperf_benchmark,
    pyperf_document,
    pyperf_documents,
    pytest_document,
    pytest_documents,
    pytest_entry,
)

READ = {
    Source.PYTEST_BENCHMARK: pytest_benchmark.read,
    Source.PYPERF: pyperf.read,
    Source.GOOGLE_BENCHMARK: google_benchmark.read,
}


def read(document: Any) -> Imported:
    """The set in a document, whose tool must be found out."""
    source = recognise(document)
    assert source is not None
    return READ[source](document, "a.json", NOW)


def by_id(found: Imported) -> dict[tuple[str, tuple[tuple[str, str], ...]], Result]:
    return {(r.case.benchmark, r.case.params): r for r in found.results.results}


def refused(document: Any) -> tuple[str, ...]:
    with pytest.raises(InvalidFileError) as caught:
        read(document)
    assert caught.value.path == "a.json"
    return caught.value.faults


# pytest-benchmark


def test_rounds_of_a_session_are_one_process() -> None:
    found = read(pytest_document(pytest_entry("tests/test_a.py::TestA::test_one")))
    (result,) = found.results.results
    benchmark = found.results.benchmarks[result.case.benchmark]
    assert (benchmark.id, benchmark.name) == ("tests/test_a.py::TestA::test_one", "test_one")
    assert (benchmark.kind, benchmark.unit) == (Kind.TIME, "seconds")
    assert result.processes == ((0.001, 0.002, 0.004),)
    assert (result.value, result.number, result.repeat) == (0.002, 5, 3)
    assert found.warnings == ()
    assert found.results.run.kind is RunKind.IMPORTED


def test_commit_and_machine_of_a_session() -> None:
    found = read(pytest_document(pytest_entry("t.py::test_a"))).results
    assert found.timestamp == "2026-11-25T10:00:00Z"
    commit, environment = found.commit, found.environment
    assert (commit.hash, commit.branch, commit.dirty) == ("a1b2c3d4" * 5, "main", False)
    assert commit.date == "2026-11-20T08:00:00Z"
    assert (environment.machine, environment.os, environment.cores) == ("bench-1", "linux", 4)
    assert environment.env_name == "pytest-benchmark-py3.12"
    assert environment.extra["machine_info"]["cpu"]["brand_raw"] == "A Processor"


@pytest.mark.parametrize(
    ("info", "commit", "branch", "warned"),
    [
        ({"id": "unversioned", "branch": "(unknown)"}, None, None, True),
        ({"id": "a1b2c3d", "branch": "(detached head)"}, "a1b2c3d", None, False),
        ({"id": "--upload-pack=x"}, None, None, True),
        ({"id": 7}, None, None, True),
        ({}, None, None, False),
        (None, None, None, False),
    ],
)
def test_what_is_no_commit(info: Any, commit: str | None, branch: str | None, warned: bool) -> None:
    found = read(pytest_document(pytest_entry("t.py::test_a"), commit_info=info))
    assert (found.results.commit.hash, found.results.commit.branch) == (commit, branch)
    assert any("not the hash of a commit" in words for words in found.warnings) is warned


def test_plain_parameters_are_axes() -> None:
    entries = [
        pytest_entry(
            f"t.py::test_a[{n}-{kind}]", param=f"{n}-{kind}", params={"n": n, "kind": kind}
        )
        for n, kind in ((1, "a"), (1, "b"), (5, "b"))
    ]
    found = read(pytest_document(*entries))
    (benchmark,) = found.results.benchmarks.values()
    assert (benchmark.id, benchmark.name) == ("t.py::test_a", "test_a")
    assert benchmark.param_names == ("n", "kind")
    assert benchmark.params == (("1", "5"), ("'a'", "'b'"))
    places = [(dict(r.case.params), r.case.position) for r in found.results.results]
    assert places == [
        ({"n": "1", "kind": "'a'"}, 0),
        ({"n": "1", "kind": "'b'"}, 1),
        ({"n": "5", "kind": "'b'"}, 3),
    ]
    assert [case.params for case in benchmark.cases()][3] == (("n", "5"), ("kind", "'b'"))


@pytest.mark.parametrize(
    "values",
    [
        ({"x": "UNSERIALIZABLE[<object at 0x1>]"}, {"x": "UNSERIALIZABLE[<object at 0x2>]"}),
        ({"x": [1]}, {"x": [2]}),
        ({"x": 1}, {"x": 1}),
        ({"x": 1}, {"y": 1}),
        (None, None),
    ],
    ids=["objects", "lists", "same", "other names", "none"],
)
def test_other_parameters_are_pytests_own_ids(values: tuple[Any, Any]) -> None:
    """What an object prints differs from run to run; its id does not."""
    entries = [
        pytest_entry(f"t.py::test_a[x{n}]", param=f"x{n}", params=value)
        for n, value in enumerate(values)
    ]
    found = read(pytest_document(*entries))
    (benchmark,) = found.results.benchmarks.values()
    assert benchmark.param_names == ("param",)
    assert benchmark.params == (("'x0'", "'x1'"),)


def test_a_product_too_large_to_walk_is_not_made() -> None:
    entries = [
        pytest_entry(f"t.py::test_a[{n}]", param=str(n), params=dict.fromkeys("abc", n))
        for n in range(30)
    ]
    found = read(pytest_document(*entries))
    (benchmark,) = found.results.benchmarks.values()
    assert benchmark.param_names == ("param",)
    assert len(list(benchmark.cases())) == 30


def test_a_file_without_rounds_says_so() -> None:
    entry = pytest_entry("t.py::test_a")
    del entry["stats"]["data"]
    found = read(pytest_document(entry))
    (result,) = found.results.results
    assert (result.processes, result.value, result.q25) == (None, 0.002, 0.0015)
    assert (result.extra or {})["stats"]["std"] == 0.0015
    assert ["no rounds" in words for words in found.warnings] == [True]


def test_another_clock_is_said() -> None:
    entry = pytest_entry("t.py::test_a", options={"timer": "time.process_time"})
    (warning,) = read(pytest_document(entry)).warnings
    assert "process_time" in warning


def test_a_session_without_a_date() -> None:
    found = read(pytest_document(pytest_entry("t.py::test_a"), datetime="yesterday"))
    assert found.results.timestamp == NOW
    assert "no date" in found.warnings[0]


# pyperf


def test_runs_are_processes_and_warmups_are_no_values() -> None:
    found = read(pyperf_document(pyperf_benchmark("sort", [1.0, 3.0], [2.0, 8.0]), inner_loops=4))
    (result,) = found.results.results
    assert result.processes == ((1.0, 3.0), (2.0, 8.0))
    assert (result.value, result.number, result.repeat) == (2.5, 32, 4)
    kept = (result.extra or {})["pyperf"]["runs"]
    assert [run["calibration"] for run in kept] == [True, False, False]
    assert kept[1]["warmups"] == [[8, 0.3]]
    assert kept[0]["metadata"] == {"calibrate_loops": 8}


def test_loops_that_differ_are_said_of_each_process() -> None:
    document = pyperf_document(pyperf_benchmark("sort", [1.0], [2.0]))
    document["benchmarks"][0]["runs"][2]["metadata"] = {"loops": 16}
    (result,) = read(document).results.results
    assert result.number is None
    assert (result.extra or {})["numbers"] == [8, 16]


@pytest.mark.parametrize(
    ("unit", "kind", "ours"),
    [
        ("second", Kind.TIME, "seconds"),
        ("byte", Kind.PEAKMEMORY, "bytes"),
        ("integer", Kind.TRACK, "integer"),
        ("furlong", Kind.TRACK, "furlong"),
    ],
)
def test_units(unit: str, kind: Kind, ours: str) -> None:
    found = read(pyperf_document(pyperf_benchmark("a", [7.0], unit=unit)))
    benchmark = found.results.benchmarks["a"]
    assert (benchmark.kind, benchmark.unit) == (kind, ours)
    assert any("unit" in words for words in found.warnings) is (unit == "furlong")


def test_environment_and_commit_of_pyperf() -> None:
    document = pyperf_document(
        pyperf_benchmark("a", [1.0]), commit_id="a1b2c3d4" * 5, commit_branch="main"
    )
    found = read(document).results
    assert found.timestamp == "2026-11-25T10:00:00Z"
    assert (found.commit.hash, found.commit.branch) == ("a1b2c3d4" * 5, "main")
    environment = found.environment
    assert (environment.os, environment.python_version) == ("linux", "3.12.3")
    assert environment.env_name == "pyperf-py3.12"
    assert environment.extra["pyperf"]["hostname"] == "bench-1"


def test_calibration_alone_is_no_value() -> None:
    document = pyperf_document(pyperf_benchmark("a"), pyperf_benchmark("b", [1.0]))
    found = read(document)
    assert [r.status for r in found.results.results] == [Status.SKIPPED, Status.OK]
    assert "only calibration, no values: a" in found.warnings


def test_older_pyperf_says_how_to_convert() -> None:
    document = pyperf_document(pyperf_benchmark("a", [1.0]))
    document["version"] = 6
    with pytest.raises(InvalidFileError) as caught:
        read(document)
    assert "pyperf convert" in str(caught.value.tip)


# Google Benchmark


def test_repetitions_are_one_process_in_wall_seconds() -> None:
    entries = [google_entry("BM/8", ns, repetition_index=n) for n, ns in enumerate((300, 100, 500))]
    fit = {"name": "BM_BigO", "run_name": "BM", "run_type": "aggregate", "aggregate_name": "BigO"}
    found = read(google_document(*entries, fit))
    (result,) = found.results.results
    assert result.processes == ((3e-07, 1e-07, 5e-07),)
    assert (result.value, result.number) == (3e-07, 100)
    assert found.results.benchmarks["BM/8"].statistic == "median"
    assert (result.extra or {})["google_benchmark"]["cpu_time"] == [150, 50, 250]
    assert found.results.timestamp == "2026-11-25T10:00:00Z"
    assert found.results.extra["google_benchmark"]["fits"] == [fit]
    assert any("BM_BigO" in words for words in found.warnings)


@pytest.mark.parametrize(("unit", "seconds"), [("ns", 2e-9), ("us", 2e-6), ("ms", 2e-3), ("s", 2)])
def test_time_units(unit: str, seconds: float) -> None:
    (result,) = read(google_document(google_entry("a", 2, time_unit=unit))).results.results
    assert result.value == seconds


def test_repetitions_that_were_skipped_are_no_values() -> None:
    skipped = google_entry("a", 0, skipped=True, skip_message="not today")
    (result,) = read(google_document(skipped)).results.results
    assert (result.status, result.reason, result.value) == (Status.SKIPPED, "not today", None)
    (result,) = read(google_document(skipped, google_entry("a", 5))).results.results
    assert result.processes == ((5e-09,),)


def test_iterations_that_differ_are_kept() -> None:
    entries = [google_entry("a", 5, iterations=count) for count in (10, 20)]
    (result,) = read(google_document(*entries)).results.results
    assert result.number is None
    assert (result.extra or {})["google_benchmark"]["iterations"] == [10, 20]


def test_a_library_built_for_debugging_is_said() -> None:
    found = read(google_document(google_entry("a", 5), library_build_type="debug"))
    assert "debugging" in found.warnings[0]
    assert found.results.environment.env_name == "google-benchmark-debug"


def test_real_files_of_google_benchmark(fixtures: Path) -> None:
    folder = fixtures / "neighbours"
    repeated = read(json.loads((folder / "google-repetitions.json").read_text()))
    alone = read(json.loads((folder / "google-aggregates.json").read_text()))
    for found in (repeated, alone):
        statuses = {key[0]: result.status for key, result in by_id(found).items()}
        assert statuses == {
            "sort_it/1024": Status.OK, "sort_it/2048": Status.OK,
            "counting": Status.OK, "broken": Status.FAILED,
        }  # fmt: skip
        assert by_id(found)["broken", ()].reason == 'it "broke"'
        assert by_id(found)["counting", ()].value < 0.001
    sort = by_id(repeated)["sort_it/1024", ()]
    assert [len(process) for process in sort.processes or ()] == [3]
    assert sort.extra is not None
    assert len(sort.extra["google_benchmark"]["items_per_second"]) == 3
    mean = by_id(alone)["sort_it/1024", ()]
    assert mean.processes is None
    assert mean.extra is not None
    assert set(mean.extra["stats"]) == {"mean", "p50", "std"}
    assert mean.value == mean.extra["stats"]["p50"]
    assert alone.results.benchmarks["sort_it/1024"].statistic == "median"


def test_a_mean_alone_is_a_mean() -> None:
    mean = google_entry("a", 5, run_type="aggregate", aggregate_name="mean")
    found = read(google_document(mean)).results
    assert (found.results[0].value, found.benchmarks["a"].statistic) == (5e-09, "mean")


# All of them


GOOD: dict[str, Callable[[], Any]] = {
    "pytest": lambda: pytest_document(pytest_entry("t.py::test_a")),
    "pyperf": lambda: pyperf_document(pyperf_benchmark("a", [1.0])),
    "google": lambda: google_document(google_entry("a", 1.0)),
}
BAD: list[tuple[str, str, Any, str]] = [
    ("pytest", "benchmarks", [], "benchmarks: "),
    ("pytest", "benchmarks.0.fullname", "", "benchmarks[0] (test_a).fullname: "),
    ("pytest", "benchmarks.0.fullname", "\ud800", "should be a valid string"),
    ("pytest", "benchmarks.0.stats", None, "benchmarks[0] (test_a).stats: "),
    ("pytest", "benchmarks.0.stats.median", "fast", "expected a number"),
    ("pytest", "benchmarks.0.stats.median", -1.0, "must not be negative"),
    ("pytest", "benchmarks.0.stats.median", True, "expected a number"),
    ("pytest", "benchmarks.0.stats.data", [0.1, float("nan")], "not a finite number"),
    ("pytest", "benchmarks.0.stats.data", [10**400], "too large"),
    ("pytest", "benchmarks.0.stats.iterations", 0, "greater than or equal to 1"),
    ("pyperf", "benchmarks.0.metadata", {}, "benchmarks[0]: no name"),
    ("pyperf", "benchmarks.0.metadata.name", " ", "benchmarks[0]: no name"),
    ("pyperf", "benchmarks.0.metadata.loops", 0, "a: loops and inner_loops"),
    ("pyperf", "benchmarks.0.runs", [], "benchmarks[0].runs: "),
    ("pyperf", "benchmarks.0.runs.1.values", [0], "must be positive"),
    ("pyperf", "benchmarks.0.runs.1.warmups", [[1]], "benchmarks[0].runs[1].warmups[0]: "),
    ("google", "benchmarks.0.time_unit", "fortnight", "benchmarks[0] (a): time_unit: "),
    ("google", "benchmarks.0.real_time", None, "real_time: missing"),
    ("google", "benchmarks.0.real_time", -1, "must not be negative"),
    ("google", "benchmarks.0.run_type", "aggregate", "no times"),
]


@pytest.mark.parametrize(("tool", "place", "value", "said"), BAD)
def test_faults_name_the_entry_and_the_field(tool: str, place: str, value: Any, said: str) -> None:
    document = GOOD[tool]()
    *path, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    here: Any = document
    for step in path:
        here = here[step]
    here[last] = value
    if place == "benchmarks":
        with pytest.raises(InvalidFileError) as caught:
            pytest_benchmark.read(document, "a.json", NOW)
        faults = caught.value.faults
    else:
        faults = refused(document)
    assert any(said in fault for fault in faults), faults


def test_every_fault_is_listed() -> None:
    entries = [pytest_entry(f"t.py::test_{n}", name="") for n in range(3)]
    assert len(refused(pytest_document(*entries))) == 3


@pytest.mark.parametrize(
    "document",
    [
        pytest_document(pytest_entry("t.py::test_a"), pytest_entry("t.py::test_a")),
        pyperf_document(pyperf_benchmark("a", [1.0]), pyperf_benchmark("a", [1.0])),
    ],
    ids=["pytest", "pyperf"],
)
def test_a_name_that_stands_twice(document: Any) -> None:
    (fault,) = refused(document)
    assert fault.startswith("benchmarks[1]")


@pytest.mark.parametrize(
    "document",
    [None, [], 7, {}, {"benchmarks": []}, {"benchmarks": [1]}, {"version": "1.0"}, {"context": {}}],
    ids=repr,
)
def test_what_is_nobodys(document: Any) -> None:
    assert recognise(document) is None


def test_whose_file_it_is() -> None:
    seed = {"timestamp": NOW, "environment": {}, "benchmarks": []}
    asv = {"commit_hash": "a1b2c3d4", "results": {}, "version": 2}
    assert [recognise(make()) for make in GOOD.values()] == [
        Source.PYTEST_BENCHMARK, Source.PYPERF, Source.GOOGLE_BENCHMARK,
    ]  # fmt: skip
    assert [recognise(seed), recognise(asv)] == [Source.ODYSSEY, Source.ASV]


@given(st.one_of(pytest_documents(), pyperf_documents(), google_documents()))
def test_what_is_imported_comes_back_from_our_file(document: Any) -> None:
    """Nothing of it is such that a result file could not hold it."""
    found = read(json.loads(json.dumps(document))).results
    assert parse(serialise(found), found.source) == found


@pytest.mark.parametrize(
    ("source", "documents"),
    [
        (Source.PYTEST_BENCHMARK, pytest_documents()),
        (Source.PYPERF, pyperf_documents()),
        (Source.GOOGLE_BENCHMARK, google_documents()),
    ],
    ids=str,
)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_can_be_stored(
    source: Source, documents: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    document = data.draw(damaged(documents))
    try:
        found = READ[source](document, "a.json", NOW)
    except InvalidFileError:
        return
    complete = attribute(found, Known(NOW)).results
    assert parse(serialise(complete), complete.source) == complete


def test_nan_in_what_is_kept_stays_strict() -> None:
    entry = pytest_entry("t.py::test_a", extra_info={"ratio": float("nan")})
    found = read(pytest_document(entry)).results
    assert b"NaN" in serialise(found)
    assert parse(serialise(found), found.source) == found
