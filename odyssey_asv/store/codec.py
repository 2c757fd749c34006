"""`ResultSet` → the document of a result file. Pure: no files. `loader` is the way back.

In the file `time_X`, `mem_X` and `peakmem_X` of one class and one parameter combination are one
entry; in the model each is a `Result` of its own. Strict JSON has no NaN and infinities: they are
written as `{"nonfinite": "NaN"}`.
"""

from __future__ import annotations

import math
from dataclasses import fields
from decimal import Context
from typing import Any

from odyssey_asv.model import (
    Approval,
    Benchmark,
    Commit,
    Environment,
    Kind,
    Result,
    ResultSet,
    Run,
    Status,
)
from odyssey_asv.nonfinite import encode
from odyssey_asv.stats import summarise
from odyssey_asv.store.schema import (
    SCHEMA_VERSION,
    milliseconds,
)
from odyssey_asv.units import decimal, shift

_MEMORY_KINDS = {Kind.PEAKMEMORY: "rss_peak", Kind.MEMORY: "object"}
MEMORY = (Kind.PEAKMEMORY, Kind.MEMORY)
_DIGITS = Context(prec=40)


def document_of(results: ResultSet) -> dict[str, Any]:
    """The document of a result file, ready for strict JSON.

    Raises ValueError when a value cannot be written as JSON.
    """
    entries, order = _entries(results)
    document: dict[str, Any] = {
        **results.extra,
        "schema_version": SCHEMA_VERSION,
        "timestamp": results.timestamp,
        "commit": {**results.extra.get("commit", {}), **_part(results.commit)},
        "environment": _part(results.environment),
        "run": _part(results.run),
        "benchmarks": entries,
        "parameters": {
            benchmark.id: {
                "names": list(benchmark.param_names),
                "values": [list(axis) for axis in benchmark.params],
            }
            for benchmark in results.benchmarks.values()
            if benchmark.param_names
        },
    }
    if order != sorted(order):
        document["order"] = order
    if results.origin is not None:
        document["origin"] = encode(results.origin)
    if results.approval is not None:
        document["approval"] = {**results.extra.get("approval", {}), **_part(results.approval)}
    if results.release is not None:
        document["release"] = results.release
    return document


def _part(part: Commit | Environment | Run | Approval) -> dict[str, Any]:
    document = {field.name: getattr(part, field.name) for field in fields(part)}
    extra = document.pop("extra", {})
    return {
        **extra,
        **{
            key: list(value) if isinstance(value, tuple) else encode(value)
            for key, value in document.items()
        },
    }


def _entries(results: ResultSet) -> tuple[list[dict[str, Any]], list[int]]:
    """The entries, each timing with the memory measured under its name; and which result each
    entry, and each memory after it, is."""
    kinds = [results.benchmarks[result.case.benchmark].kind for result in results.results]
    groups: dict[Any, list[int]] = {}
    for position, result in enumerate(results.results):
        benchmark = results.benchmarks[result.case.benchmark]
        place = "" if benchmark.anonymous else benchmark.id.rpartition(".")[0]
        key = (place, benchmark.name, result.case.params, result.case.position)
        groups.setdefault(key, []).append(position)
    entries = []
    order: list[int] = []
    for group in groups.values():
        timing = next((k for k in group if kinds[k] is Kind.TIME), None)
        joined = [k for k in group if kinds[k] in MEMORY and timing is not None]
        for main in group:
            if main not in joined:
                memory = joined if main == timing else []
                order += [main, *memory]
                entry = _entry(results, results.results[main], [results.results[k] for k in memory])
                entries.append(entry)
    return entries, order


def _entry(results: ResultSet, main: Result, memory: list[Result]) -> dict[str, Any]:
    benchmark = results.benchmarks[main.case.benchmark]
    measured = [(results.benchmarks[r.case.benchmark], r) for r in (memory or [main])]
    return {
        **derived(benchmark, main, benchmark.work_of(main.case.position), measured),
        **_measured(main, benchmark),
        "name": benchmark.name,
        "params": dict(main.case.params),
        "index": main.case.position,
        "memory": [_measured(result, benchmark) for benchmark, result in measured if memory],
    }


def derived(
    benchmark: Benchmark,
    main: Result,
    work: float | None,
    memory: list[tuple[Benchmark, Result]],
) -> dict[str, Any]:
    """What an entry says for people, all of it following from the rest."""
    timed = benchmark.kind is Kind.TIME and main.status is Status.OK
    duration = milliseconds(main.value) if timed else None
    size, kind = _memory(memory)
    return {
        "duration_ms": duration,
        "throughput": _throughput(work, main.value) if duration else None,
        "memory_mb": size,
        "memory_kind": kind,
        "iterations": _iterations(main),
    }


def _throughput(work: float | None, seconds: float) -> float | None:
    quotient = float(_DIGITS.divide(decimal(work or 1.0), decimal(seconds)))
    return quotient if math.isfinite(quotient) else None


def _memory(measured: list[tuple[Benchmark, Result]]) -> tuple[float | None, str | None]:
    """Megabytes and their kind: the whole process before the single object."""
    for kind in MEMORY:
        for benchmark, result in measured:
            # Bytes to 10^6 bytes is seconds to milliseconds, three times back.
            if benchmark.kind is kind and milliseconds(result.value) is not None:
                known = None if benchmark.anonymous else _MEMORY_KINDS[kind]
                return shift(result.value, -6), known
    return None, None


def _iterations(result: Result) -> int | None:
    samples = result.all_samples
    repeat = result.repeat
    if repeat is None and samples is not None:
        repeat = len(samples)
    if result.number is None or repeat is None:
        return None
    calls = result.number * repeat
    return round(calls) if 0 <= calls < math.inf else None


def _measured(result: Result, benchmark: Benchmark) -> dict[str, Any]:
    extra = dict(result.extra or {})
    stats = {**_stats(result), **extra.pop("stats", {})}
    document = {
        **extra,
        "id": None if benchmark.anonymous else benchmark.id,
        "type": benchmark.kind.value,
        "unit": benchmark.unit,
        "value": encode(result.value),
        "better": benchmark.better.value,
        "status": result.status.value,
        "reason": result.reason,
        "version": benchmark.version,
        "statistic": benchmark.statistic,
        "number": encode(result.number),
        "repeat": encode(result.repeat),
        "stats": stats or None,
        "processes": encode(result.processes),
        "threshold": benchmark.threshold,
        "tolerance": benchmark.tolerance,
        "warmup": benchmark.warmup_s,
        "work": benchmark.work_of(result.case.position),
        "work_unit": benchmark.work_unit,
    }
    if result.samples is not None:
        document["samples"] = encode(result.samples)
    return document


def _stats(result: Result) -> dict[str, Any]:
    samples = result.all_samples
    bounds = (result.ci_low, result.ci_high, result.q25, result.q75)
    document: dict[str, Any] = {}
    if samples or any(bound is not None for bound in bounds):
        low, high, q25, q75 = map(encode, bounds)
        document |= {"ci_99": [low, high], "q25": q25, "q75": q75}
    if samples and all(map(math.isfinite, samples)):
        try:
            summary = summarise(samples)
        except OverflowError:
            return document
        for name in ("mean", "min", "max", "std", "p50", "p95", "p99"):
            document[name] = getattr(summary, name)
    return document
