"""Small result sets by hand, the comparison that the golden files show, and the golden files.

`ODYSSEY_RENEW_GOLDEN=1 pytest` writes the golden files anew; read the difference before committing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from odyssey_asv.comparison import Comparison, Delta, compare
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
from odyssey_asv.policy import Policy
from odyssey_asv.units import shift

GOLDEN = Path(__file__).parent / "golden"
TIMESTAMP = "2026-11-23T19:02:11Z"
_PREFIXES = {Kind.TIME: "time", Kind.MEMORY: "mem", Kind.PEAKMEMORY: "peakmem", Kind.TRACK: "track"}
_UNITS = {Kind.TIME: "seconds", Kind.MEMORY: "bytes", Kind.PEAKMEMORY: "bytes", Kind.TRACK: "unit"}


def benchmark(name: str, kind: Kind = Kind.TIME, **changes: Any) -> Benchmark:
    """One benchmark of the module `suite`, named as asv names it."""
    known = {"id": f"suite.{_PREFIXES[kind]}_{name}", "name": name, "unit": _UNITS[kind]}
    return Benchmark(**{**known, "kind": kind, **changes})


def result(of: Benchmark, value: Any, status: Status = Status.OK, **changes: Any) -> Result:
    """What the only case of a benchmark gave, in the benchmark's own unit."""
    known = {"case": Case(of.id), "value": value, "status": status}
    return Result(**{**known, **changes})


def result_set(pairs: Iterable[tuple[Benchmark, Result]], **changes: Any) -> ResultSet:
    """A complete run of these results at one commit on one machine."""
    pairs = tuple(pairs)
    known = {
        "timestamp": TIMESTAMP,
        "commit": Commit(hash="a1b2c3d4" * 5),
        "environment": Environment(os="linux", cpu="x86_64", machine="bench-1"),
        "run": Run(kind=RunKind.ASV),
        "benchmarks": {described.id: described for described, _ in pairs},
        "results": tuple(found for _, found in pairs),
    }
    return ResultSet(**{**known, **changes})


def timed(milliseconds: Mapping[str, Any], **changes: Any) -> ResultSet:
    """A run of timings. In place of a number a `Status` may stand; text and None are kept as values."""
    described = {name: benchmark(name) for name in milliseconds}
    pairs = ((described[name], _timing(described[name], ms)) for name, ms in milliseconds.items())
    return result_set(pairs, **changes)


def named(milliseconds: Mapping[str, float]) -> ResultSet:
    """A run read from a file that has names but no asv ids."""
    described = {name: benchmark(name, id=name, anonymous=True) for name in milliseconds}
    return result_set(
        (described[name], _timing(described[name], ms)) for name, ms in milliseconds.items()
    )


def compared(base: Mapping[str, Any], contender: Mapping[str, Any], **policy: Any) -> Comparison:
    """Two runs of timings under a policy."""
    return compare(timed(base), timed(contender), Policy(**policy))


def only(comparison: Comparison) -> Delta:
    """The one delta of a comparison."""
    (delta,) = comparison.deltas
    return delta


def _timing(of: Benchmark, value: Any) -> Result:
    if isinstance(value, Status):
        return result(of, None, value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return result(of, shift(value, -3) if number else value)


def showcase(**policy: Any) -> Comparison:
    """One case of every verdict, a metric that is not gated, and doubts about both sides."""
    base = timed(
        {
            "matmul": 100,
            "add": 12.5,
            "close": 10,
            "slow": 200,
            "same": 0.0033,
            "better": 80,
            "broken": 1,
            "mended": Status.FAILED,
            "gone": 5,
            "rewritten": 1,
        },
        release="v1.2",
        source="benchmarks/baselines/v1.2.json",
    )
    contender = timed(
        {
            "matmul": 160,
            "add": 14.375,
            "close": 11.004,
            "slow": 214,
            "same": 0.0033,
            "better": 60,
            "broken": Status.FAILED,
            "mended": 2,
            "fresh": 3,
            "rewritten": 1,
        },
        commit=Commit(hash="0f1e2d3c" * 5, describe="v1.2-3-gabcdef0", dirty=True),
        environment=Environment(os="linux", cpu="x86_64", machine="bench-2"),
        source="latest_results.json",
    )
    memory = benchmark("add", Kind.PEAKMEMORY)
    base = _with(base, memory, result(memory, 2_500_000))
    contender = _with(contender, memory, result(memory, 5_000_000))
    reason = "Traceback:\nZeroDivisionError: division by zero"
    return compare(
        _versioned(base, "rewritten", "1"),
        _versioned(_explained(contender, "broken", reason), "rewritten", "2"),
        Policy(**policy),
    )


def golden(name: str, actual: str) -> str:
    """What the golden file holds; `actual` is written to it first where it is to be renewed."""
    path = GOLDEN / name
    if os.environ.get("ODYSSEY_RENEW_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(actual, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def _with(results: ResultSet, of: Benchmark, found: Result) -> ResultSet:
    return replace(
        results,
        benchmarks={**results.benchmarks, of.id: of},
        results=(*results.results, found),
    )


def _versioned(results: ResultSet, name: str, version: str) -> ResultSet:
    benchmarks = {
        key: replace(one, version=version) if one.name == name else one
        for key, one in results.benchmarks.items()
    }
    return replace(results, benchmarks=benchmarks)


def _explained(results: ResultSet, name: str, reason: str) -> ResultSet:
    explained = (
        found._replace(reason=reason) if found.case.benchmark == f"suite.time_{name}" else found
        for found in results.results
    )
    return replace(results, results=tuple(explained))
