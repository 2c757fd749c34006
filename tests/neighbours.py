"""Files as other benchmark tools write them: made by hand, drawn, and from real runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.sessions import without_pytest
from tests.strategies import HOSTILE, durations

PYTHON = sys.executable
NOW = "2026-11-25T12:00:00Z"

PYTEST_SUITE = """
import pytest


@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("kind", ["=cmd|' /C calc'!A0", "<script>"])
def test_sum(benchmark, n, kind):
    benchmark.extra_info["note"] = kind
    assert benchmark(sum, range(n)) >= 0


@pytest.mark.parametrize("thing", [object(), object()])
def test_things(benchmark, thing):
    benchmark.pedantic(repr, args=(thing,), rounds=3, iterations=2, warmup_rounds=1)


class TestGroup:
    @pytest.mark.benchmark(group="g")
    def test_method(self, benchmark):
        benchmark.pedantic(int, rounds=4, iterations=10)


def test_broken(benchmark):
    benchmark(lambda: 1 / 0)
"""
PYPERF_SUITE = """
import pyperf

runner = pyperf.Runner(processes=2, values=3, warmups=1, min_time=0.0001)
runner.timeit("sort", stmt="sorted(range(10))")
runner.bench_func("sum", sum, range(50))
"""


def run_pytest(folder: Path, *words: str) -> None:
    """Run the tests of `folder` with pytest-benchmark, as briefly as it goes."""
    brief = ["--benchmark-max-time=0.005", "--benchmark-min-rounds=3", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [PYTHON, "-m", "pytest", "-q", "-p", "no:randomly", *brief, *words], cwd=folder,
        capture_output=True, text=True, check=False, env=without_pytest(os.environ),
    )  # fmt: skip
    # One test of the suite fails, which its file leaves out.
    assert done.returncode == 1, done.stdout + done.stderr


def run_tool(folder: Path, *words: str) -> str:
    """What a Python program prints; it must end well."""
    done = subprocess.run([PYTHON, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pytest_entry(fullname: str, data: list[float] | None = None, **changes: Any) -> dict[str, Any]:
    """One test's entry; `data` are its rounds."""
    taken = [0.001, 0.002, 0.004] if data is None else data
    stats = {
        "median": 0.002, "mean": 0.0023, "min": 0.001, "max": 0.004, "stddev": 0.0015,
        "rounds": len(taken), "iterations": 5, "q1": 0.0015, "q3": 0.003, "data": taken,
    }  # fmt: skip
    known = {
        "name": fullname.rpartition("::")[2], "fullname": fullname, "param": None, "params": None,
        "group": None, "extra_info": {}, "options": {"timer": "perf_counter"}, "stats": stats,
    }  # fmt: skip
    return {**known, **changes}


def pytest_document(*entries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A file of pytest-benchmark with these entries."""
    known = {
        "machine_info": {
            "node": "bench-1", "system": "Linux", "machine": "x86_64", "release": "6.1",
            "python_version": "3.12.3", "python_implementation": "CPython",
            "cpu": {"brand_raw": "A Processor", "count": 4},
        },
        "commit_info": {
            "id": "a1b2c3d4" * 5, "author_time": "2026-11-20T10:00:00+02:00", "dirty": False,
            "time": "2026-11-21T10:00:00+02:00", "branch": "main", "project": "p",
        },
        "datetime": "2026-11-25T10:00:00.123456+00:00",
        "version": "5.3.1",
        "benchmarks": list(entries),
    }  # fmt: skip
    return {**known, **changes}


def pyperf_document(*benchmarks: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """A file of pyperf with these benchmarks."""
    known = {
        "hostname": "bench-1", "python_version": "3.12.3 (64-bit)", "cpu_count": 4,
        "python_implementation": "cpython", "perf_version": "2.11.0",
        "platform": "Linux-6.1-x86_64-with-glibc2.36", "date": "2026-11-25 10:00:00.123456",
    }  # fmt: skip
    return {"version": "1.0", "metadata": known | metadata, "benchmarks": list(benchmarks)}


def pyperf_benchmark(name: str, *runs: list[float], **metadata: Any) -> dict[str, Any]:
    """A calibration run, then one run for each list of values."""
    calibration = {"warmups": [[1, 0.5], [8, 0.25]], "metadata": {"calibrate_loops": 8}}
    measured = [{"values": run, "warmups": [[8, 0.3]]} for run in runs]
    return {
        "metadata": {"name": name, "unit": "second", "loops": 8, **metadata},
        "runs": [calibration, *measured],
    }


def google_entry(name: str, nanoseconds: float, **changes: Any) -> dict[str, Any]:
    """One repetition of a benchmark."""
    known = {
        "name": name, "run_name": name, "run_type": "iteration", "repetitions": 1,
        "repetition_index": 0, "threads": 1, "iterations": 100, "real_time": nanoseconds,
        "cpu_time": nanoseconds / 2, "time_unit": "ns",
    }  # fmt: skip
    return {**known, **changes}


def google_document(*entries: dict[str, Any], **context: Any) -> dict[str, Any]:
    """A file of Google Benchmark with these entries."""
    known = {"date": "2026-11-25T11:00:00+01:00", "host_name": "bench-1", "num_cpus": 4}
    return {"context": known | context, "benchmarks": list(entries)}


def strict(text: str) -> Any:
    """A document of strict JSON."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not strict JSON")

    return json.loads(text, parse_constant=refuse)


# Half of a surrogate pair is no text, neither there nor in our files.
_names = st.one_of(
    st.text(min_size=1, max_size=12), st.sampled_from([n for n in HOSTILE if n != "\ud800"])
)
_params = st.dictionaries(
    st.sampled_from(("n", "kind")), st.one_of(st.integers(), st.booleans(), _names, st.none()),
    min_size=1,
)  # fmt: skip
_rounds = st.lists(durations, min_size=1, max_size=5)


@st.composite
def pytest_documents(draw: st.DrawFn) -> dict[str, Any]:
    """What pytest-benchmark may write: plain tests and parametrised ones, their ids unique."""
    entries = []
    for number, name in enumerate(draw(st.lists(_names, min_size=1, max_size=3))):
        function = f"test_{number}.py::{name}"
        ids = draw(st.lists(_names, max_size=3, unique=True))
        for case in ids:
            fullname = f"{function}[{case}]"
            more = {"name": f"{name}[{case}]", "param": case, "params": draw(_params)}
            entries.append(pytest_entry(fullname, draw(_rounds), **more))
        if not ids:
            entries.append(pytest_entry(function, draw(_rounds), name=name))
    return pytest_document(*entries)


@st.composite
def pyperf_documents(draw: st.DrawFn) -> dict[str, Any]:
    """What pyperf may write, its names on one line."""
    lines = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=12)
    names = draw(st.lists(lines, min_size=1, max_size=3, unique=True))
    return pyperf_document(
        *(
            pyperf_benchmark(name, *draw(st.lists(_rounds, min_size=1, max_size=3)))
            for name in names
        )
    )


@st.composite
def google_documents(draw: st.DrawFn) -> dict[str, Any]:
    """What Google Benchmark may write: repetitions, aggregates, errors."""
    entries = []
    for name in draw(st.lists(_names, min_size=1, max_size=3, unique=True)):
        for taken in draw(_rounds):
            unit = draw(st.sampled_from(("ns", "us", "ms", "s")))
            entries.append(google_entry(name, taken, time_unit=unit, counter=draw(durations)))
        if draw(st.booleans()):
            aggregate = {
                "run_type": "aggregate",
                "aggregate_name": draw(st.sampled_from(("mean", "p9"))),
            }
            entries.append(google_entry(name, 1.0, **aggregate))
        if draw(st.booleans()):
            entries.append(google_entry(name, 0, error_occurred=True, error_message=draw(_names)))
    return google_document(*entries)


_anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.just(10**400),
        _names,
        st.just("\ud800"),
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_names, inner, max_size=2),
    max_leaves=4,
)


@st.composite
def damaged(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> Any:
    """A document of which one part has become something else, or is gone."""
    document = json.loads(json.dumps(draw(documents)))
    here: Any = document
    for _ in range(draw(st.integers(0, 5))):
        inner = list(here) if isinstance(here, dict) else list(range(len(here)))
        step = draw(st.sampled_from(inner))
        if not isinstance(here[step], (dict, list)) or not here[step]:
            break
        here = here[step]
    last = draw(st.sampled_from(list(here) if isinstance(here, dict) else list(range(len(here)))))
    if draw(st.booleans()):
        here[last] = draw(_anything)
    else:
        del here[last]
    return document
