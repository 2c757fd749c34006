"""`ResultSet` ↔ document: entries, memory beside its timing, numbers that JSON does not have."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.model import Benchmark, Case, Kind, Result, ResultSet, Status
from odyssey_asv.nonfinite import decode, encode
from odyssey_asv.store.codec import document_of
from odyssey_asv.store.results import parse, serialise
from odyssey_asv.store.text import dumps
from tests.asv_documents import identical, json_values
from tests.builders import benchmark, result, result_set


def again(results: ResultSet) -> ResultSet:
    """The set after it was written and read."""
    return parse(serialise(results), "r.json")


def entries(results: ResultSet) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document_of(results)["benchmarks"]
    return found


def pair(kind: Kind, value: Any, name: str = "f", **changes: Any) -> tuple[Benchmark, Result]:
    of = benchmark(name, kind, **changes)
    return of, result(of, value)


# Values


@given(json_values)
def test_every_value_survives(value: Any) -> None:
    """NaN, infinities, and objects that look like our way to write them."""
    encoded = encode(value)
    assert identical(decode(json.loads(json.dumps(encoded, allow_nan=False))), value)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (math.nan, {"nonfinite": "NaN"}),
        (math.inf, {"nonfinite": "Infinity"}),
        (-math.inf, {"nonfinite": "-Infinity"}),
        ({"nonfinite": "NaN"}, {"nonfinite": {"literal": {"nonfinite": "NaN"}}}),
        ((1, (2,)), [1, [2]]),
        ({1: 2}, {"1": 2}),
    ],
)
def test_numbers_that_json_has_not_are_objects(value: Any, encoded: Any) -> None:
    """One key, one word."""
    assert encode(value) == encoded


@pytest.mark.parametrize(
    "value",
    [
        {"nonfinite": "1e5"},
        {"nonfinite": "nan"},
        {"nonfinite": 5},
        {"nonfinite": None},
        {"nonfinite": {"x": 1}},
        {"nonfinite": {"literal": 5}},
        {"nonfinite": {"literal": {}, "more": 1}},
        {"nonfinite": "NaN", "more": 1},
    ],
)
def test_look_alikes_in_a_file_are_plain_objects(value: Any) -> None:
    """What we would never have written means itself."""
    assert decode(value) == value
    assert decode(encode(value)) == value


@given(st.text(st.characters(codec=None, categories=["L", "Cs", "Cc", "P"])))
def test_every_text_is_written_as_utf_8(text: str) -> None:
    """Half a surrogate pair is escaped, and two halves are one character, as JSON has it."""
    written = dumps({"text": text}).encode()
    assert json.loads(written)["text"] == json.loads(json.dumps(text))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nothing_but_json_is_written(value: float) -> None:
    """What nobody encoded is an error, not a file that others cannot read."""
    with pytest.raises(ValueError, match="JSON"):
        dumps({"a": [1, value]})


# Entries


def test_memory_joins_the_timing_of_its_name() -> None:
    """`time_f`, `mem_f` and `peakmem_f` of one class are one entry."""
    results = result_set(
        [pair(Kind.TIME, 0.5), pair(Kind.MEMORY, 5_000_000), pair(Kind.PEAKMEMORY, 70_000_000)]
    )
    (entry,) = entries(results)
    assert (entry["name"], entry["duration_ms"]) == ("f", 500.0)
    assert (entry["memory_mb"], entry["memory_kind"]) == (70.0, "rss_peak")
    assert [measured["id"] for measured in entry["memory"]] == ["suite.mem_f", "suite.peakmem_f"]
    assert again(results) == results


def test_results_keep_their_order() -> None:
    """Though memory stands beside its timing in the file."""
    results = result_set(
        [
            pair(Kind.PEAKMEMORY, 1, "b"),
            pair(Kind.TIME, 0.5, "a"),
            pair(Kind.TIME, 0.25, "b"),
            pair(Kind.MEMORY, 2, "a"),
        ]
    )
    assert document_of(results)["order"] == [2, 0, 1, 3]
    assert again(results) == results


def test_an_order_of_other_entries_is_not_followed() -> None:
    """Somebody took an entry out by hand."""
    results = result_set([pair(Kind.MEMORY, 1), pair(Kind.TIME, 0.5), pair(Kind.TIME, 1, "g")])
    document = document_of(results)
    del document["benchmarks"][1]
    found = parse(json.dumps(document).encode(), "r.json")
    assert [r.case.benchmark for r in found.results] == ["suite.time_f", "suite.mem_f"]


def test_memory_alone_is_an_entry() -> None:
    """With no duration, which is null and not 0."""
    results = result_set([pair(Kind.MEMORY, 2_500_000), pair(Kind.PEAKMEMORY, 70_000_000)])
    one, other = entries(results)
    assert (one["duration_ms"], one["memory_mb"], one["memory_kind"]) == (None, 2.5, "object")
    assert (other["duration_ms"], other["memory_mb"], other["memory_kind"]) == (
        None,
        70,
        "rss_peak",
    )
    assert again(results) == results


def test_memory_of_other_cases_stays_apart() -> None:
    """Equal values at another position of other parameters are another case."""
    time_ = benchmark("f", param_names=("n",), params=(("1", "2"),))
    memory = benchmark("f", Kind.MEMORY, param_names=("n",), params=(("2",),))
    case = Case(time_.id, (("n", "2"),), 1)
    results = result_set(
        [(time_, Result(case, 0.5)), (memory, Result(Case(memory.id, (("n", "2"),), 0), 5))]
    )
    assert len(entries(results)) == 2
    assert again(results) == results


def test_memory_of_other_classes_stays_apart() -> None:
    """The name is only the last part."""
    other = benchmark("f", Kind.MEMORY, id="suite.Class.mem_f")
    results = result_set([pair(Kind.TIME, 0.5), (other, result(other, 5))])
    assert len(entries(results)) == 2
    assert again(results) == results


def test_a_prefix_in_the_middle_of_a_name_is_part_of_it() -> None:
    """`time_mem_f` is timed as `mem_f`, `time_f` as `f`."""
    results = result_set(
        [pair(Kind.TIME, 0.5, "mem_f"), pair(Kind.TIME, 0.25, "f"), pair(Kind.PEAKMEMORY, 5, "f")]
    )
    assert [len(entry["memory"]) for entry in entries(results)] == [0, 1]
    assert again(results) == results


def test_trackers_stay_apart_from_memory() -> None:
    """Only a timing takes the memory of its name."""
    results = result_set([pair(Kind.TRACK, "text"), pair(Kind.MEMORY, 5)])
    assert len(entries(results)) == 2
    assert again(results) == results


def test_two_timings_of_one_name_stay_apart() -> None:
    """`time_f` and `timeraw_f`; the first takes the memory."""
    raw = benchmark("f", id="suite.timeraw_f")
    results = result_set([pair(Kind.TIME, 0.5), (raw, result(raw, 0.25)), pair(Kind.MEMORY, 5)])
    assert [len(entry["memory"]) for entry in entries(results)] == [1, 0]
    assert again(results) == results


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.OK])
def test_every_status_survives(status: Status) -> None:
    """With its reason, and no number beside it."""
    of = benchmark("f")
    found = Result(Case(of.id), None, status, "why", extra={"exit_status": 1})
    results = result_set([(of, found)])
    (entry,) = entries(results)
    assert (entry["status"], entry["duration_ms"], entry["throughput"]) == (status, None, None)
    assert again(results) == results


def test_attributes_of_memory_survive_beside_a_timing() -> None:
    """It has work, limits and units of its own."""
    memory = pair(
        Kind.MEMORY,
        5,
        unit="MB",
        work=3.0,
        work_unit="row",
        threshold=0.5,
        tolerance=0.1,
        version="2",
    )
    results = result_set([pair(Kind.TIME, 0.5, work=2.0, work_unit="flop", warmup_s=0.1), memory])
    assert again(results) == results


WORKS: list[Any] = [None, 7.0, (1.0, 2.0), (1.0, None), (None, 2.0)]


@pytest.mark.parametrize("work", WORKS)
def test_work_of_each_case_survives(work: Any) -> None:
    """One for all, one for each, or none for some."""
    of = benchmark("f", param_names=("n",), params=(("1", "2"),), work=work)
    cases = [Case(of.id, (("n", n),), k) for k, n in enumerate("12")]
    results = result_set((of, Result(case, 0.003)) for case in cases)
    assert again(results) == results


def test_throughput_is_work_by_time() -> None:
    """A call where no work is declared, and exact in decimals."""
    (entry,) = entries(result_set([pair(Kind.TIME, 0.0125, work=100_000.0)]))
    assert entry["throughput"] == 8_000_000.0
    (entry,) = entries(result_set([pair(Kind.TIME, 0.003)]))
    assert entry["throughput"] == pytest.approx(1 / 0.003)


@pytest.mark.parametrize(
    ("value", "duration", "throughput"),
    [
        (0.0, 0.0, None),
        (5e-324, 5e-321, None),
        (1e308, None, None),
        (-1.0, None, None),
        (math.inf, None, None),
        (10**400, None, None),
        ("text", None, None),
        (True, None, None),
    ],
)
def test_values_that_are_no_duration_have_none(
    value: Any, duration: float | None, throughput: float | None
) -> None:
    """A benchmark's own timer may give anything; the value itself is kept."""
    results = result_set([pair(Kind.TIME, value)])
    (entry,) = entries(results)
    assert (entry["duration_ms"], entry["throughput"]) == (duration, throughput)
    assert identical(again(results), results)


@pytest.mark.parametrize("value", [-1, math.inf, "text", None, True])
def test_values_that_are_no_size_have_none(value: Any) -> None:
    """The same for memory."""
    results = result_set([pair(Kind.MEMORY, value)])
    assert entries(results)[0]["memory_mb"] is None
    assert identical(again(results), results)


@pytest.mark.parametrize(
    ("number", "repeat", "samples", "iterations"),
    [
        (10, 5, None, 50),
        (10, None, (1.0, 2.0), 20),
        (None, 5, (1.0,), None),
        (10, None, None, None),
        (0.5, 3, None, 2),
        (math.inf, 3, None, None),
        (-1, 3, None, None),
        (math.nan, 3, None, None),
    ],
)
def test_iterations_are_the_calls_measured(
    number: Any, repeat: Any, samples: Any, iterations: int | None
) -> None:
    """Null where it is not known, whatever asv's file says."""
    of = benchmark("f")
    found = result(of, 0.5, number=number, repeat=repeat, samples=samples)
    results = result_set([(of, found)])
    assert entries(results)[0]["iterations"] == iterations
    assert identical(again(results), results)


@pytest.mark.parametrize(
    "samples", [(1.0, 2.0), (math.inf, 1.0), (math.nan,), (1e200, -1e200, 1.0), (1, 2), ()]
)
@pytest.mark.parametrize("apart", [False, True])
def test_samples_survive(samples: tuple[float, ...], apart: bool) -> None:
    """Together or process by process, and also those that no statistics come of."""
    of = benchmark("f")
    kept: dict[str, Any] = {"processes": (samples, (0.5,))} if apart else {"samples": samples}
    results = result_set([(of, result(of, 0.5, **kept))])
    assert identical(again(results), results)


def test_statistics_are_of_all_samples() -> None:
    """n - 1 and linear quantiles, beside asv's interval."""
    of = benchmark("f")
    found = result(of, 0.5, processes=((1.0, 2.0), (3.0,)), ci_low=-math.inf, ci_high=math.inf)
    (entry,) = entries(result_set([(of, found)]))
    assert entry["stats"]["mean"] == entry["stats"]["p50"] == 2.0
    assert entry["stats"]["std"] == 1.0
    assert entry["stats"]["ci_99"] == [{"nonfinite": "-Infinity"}, {"nonfinite": "Infinity"}]
    assert "samples" not in entry


def test_anonymous_entries_survive_any_number_of_times() -> None:
    """Files without asv ids, each with its memory."""
    content = {
        "timestamp": "t",
        "environment": {},
        "benchmarks": [
            {"name": name, "duration_ms": 1.5, "memory_mb": 2.5, "throughput": 3.5} for name in "ab"
        ],
    }
    once = parse(json.dumps(content).encode(), "r.json")
    assert set(once.benchmarks) == {"a", "a memory", "b", "b memory"}
    assert again(once) == once
    assert again(again(once)) == once


def test_anonymous_memory_is_not_measured_twice() -> None:
    """An entry that is memory itself gets no second one from its `memory_mb`."""
    of = replace(benchmark("f", Kind.MEMORY), id="f", anonymous=True)
    results = result_set([(of, result(of, 2_500_000))])
    assert entries(results)[0]["memory_mb"] == 2.5
    assert again(results) == results


def test_parameters_without_a_list_of_values_are_read() -> None:
    """A hand-written file names the parameters of each entry and no more."""
    content = {
        "timestamp": "t",
        "environment": {},
        "benchmarks": [
            {"name": "a", "duration_ms": 1, "params": {"n": n, "m": "x"}} for n in ("1", "2")
        ],
    }
    found = parse(json.dumps(content).encode(), "r.json")
    assert [dict(r.case.params) for r in found.results] == [
        {"n": "1", "m": "x"},
        {"n": "2", "m": "x"},
    ]
    assert again(found) == found


def test_a_release_and_its_approval_survive() -> None:
    """And all the rest of the set."""
    results = result_set([pair(Kind.TIME, 0.5)], release="v1/α", extra={"mine": [1]})
    assert again(results) == results
