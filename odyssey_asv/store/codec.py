"""`ResultSet` ↔ the document of a result file. Pure: no files.

In the file `time_X`, `mem_X` and `peakmem_X` of one class and one parameter combination are one
entry; in the model each is a `Result` of its own. Strict JSON has no NaN and infinities: they are
written as `{"nonfinite": "NaN"}`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from odyssey_asv import stats
from odyssey_asv.model import (
    Approval,
    Benchmark,
    Case,
    Commit,
    Environment,
    Kind,
    Result,
    ResultSet,
    Run,
    Status,
)
from odyssey_asv.store.schema import SCHEMA_VERSION, Entry, Measured, NonFinite, ResultFile
from odyssey_asv.units import exact, shift

_FUNCTION = re.compile(r"(?:timeraw|time|peakmem|mem)_(?=[^.]+$)")
_MEMORY_KINDS = {Kind.PEAKMEMORY: "rss_peak", Kind.MEMORY: "object"}
_MEMORY = (Kind.PEAKMEMORY, Kind.MEMORY)


def document_of(results: ResultSet) -> dict[str, Any]:
    """The document of a result file, ready for strict JSON.

    Raises ValueError when a value cannot be written as JSON.
    """
    document: dict[str, Any] = {
        **results.extra,
        "schema_version": SCHEMA_VERSION,
        "timestamp": results.timestamp,
        "commit": _part(results.commit),
        "environment": _part(results.environment),
        "run": _part(results.run),
        "benchmarks": _entries(results),
        "parameters": {
            benchmark.id: {
                "names": list(benchmark.param_names),
                "values": [list(axis) for axis in benchmark.params],
            }
            for benchmark in results.benchmarks.values()
            if benchmark.params
        },
    }
    if results.origin is not None:
        document["origin"] = encode(results.origin)
    if results.approval is not None:
        document["approval"] = _part(results.approval)
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


def _entries(results: ResultSet) -> list[dict[str, Any]]:
    """The entries, in the order of the results: each with the memory measured under its name."""
    groups: dict[tuple[str, Any], list[Result]] = {}
    for result in results.results:
        benchmark = results.benchmarks[result.case.benchmark]
        stem = benchmark.name if benchmark.anonymous else _FUNCTION.sub("", benchmark.id)
        groups.setdefault((stem, result.case.params), []).append(result)
    entries = []
    for group in groups.values():
        kinds = [results.benchmarks[result.case.benchmark].kind for result in group]
        memory = [r for r, kind in zip(group, kinds, strict=True) if kind in _MEMORY]
        timed = [r for r, kind in zip(group, kinds, strict=True) if kind not in _MEMORY]
        # Memory joins the timing of its name; two timings of one name stay apart.
        for position, main in enumerate(timed):
            entries.append(_entry(results, main, memory if position == 0 else []))
        if not timed:
            entries += [_entry(results, main, []) for main in memory]
    return entries


def _entry(results: ResultSet, main: Result, memory: list[Result]) -> dict[str, Any]:
    benchmark = results.benchmarks[main.case.benchmark]
    timed = benchmark.kind is Kind.TIME and main.status is Status.OK
    duration = main.value if timed and isinstance(main.value, (int, float)) else None
    work = benchmark.work_of(main.case.position)
    measured = memory or ([main] if benchmark.kind in _MEMORY else [])
    size, kind = _memory(results, measured)
    return {
        **_measured(main, benchmark),
        "name": benchmark.name,
        "params": dict(main.case.params),
        "index": main.case.position,
        "duration_ms": None if duration is None else shift(duration, 3),
        "throughput": None if not duration else float(exact(work or 1.0) / exact(duration)),
        "memory_mb": size,
        "memory_kind": kind,
        "iterations": _iterations(main),
        "work": work,
        "work_unit": benchmark.work_unit,
        "memory": [_measured(r, results.benchmarks[r.case.benchmark]) for r in memory],
    }


def _memory(results: ResultSet, measured: list[Result]) -> tuple[float | None, str | None]:
    """Megabytes and their kind: the whole process before the single object."""
    for kind in _MEMORY:
        for result in measured:
            benchmark = results.benchmarks[result.case.benchmark]
            if benchmark.kind is kind and isinstance(result.value, (int, float)):
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
    return round(result.number * repeat)


def _measured(result: Result, benchmark: Benchmark) -> dict[str, Any]:
    samples = result.all_samples
    document = {
        **(result.extra or {}),
        "id": None if benchmark.anonymous else benchmark.id,
        "type": benchmark.kind.value,
        "unit": benchmark.unit,
        "value": encode(result.value),
        "better": benchmark.better.value,
        "status": result.status.value,
        "reason": result.reason,
        "version": benchmark.version,
        "statistic": benchmark.statistic,
        "number": result.number,
        "repeat": result.repeat,
        "stats": _stats(result, samples),
        "processes": None if result.processes is None else [list(p) for p in result.processes],
        "threshold": benchmark.threshold,
        "tolerance": benchmark.tolerance,
        "warmup": benchmark.warmup_s,
    }
    if result.processes is None and samples is not None:
        document["samples"] = list(samples)
    return document


def _stats(result: Result, samples: tuple[float, ...] | None) -> dict[str, Any] | None:
    known = (result.ci_low, result.ci_high, result.q25, result.q75)
    if not samples and all(bound is None for bound in known):
        return None
    document: dict[str, Any] = {
        "ci_99": [encode(result.ci_low), encode(result.ci_high)],
        "q25": encode(result.q25),
        "q75": encode(result.q75),
    }
    if samples:
        summary = stats.summarise(samples)
        for name in ("mean", "min", "max", "std", "p50", "p95", "p99"):
            document[name] = getattr(summary, name)
    return document


def encode(value: Any) -> Any:
    """`value` for strict JSON. An object that looks like an encoded number is wrapped once more."""
    if isinstance(value, float) and not math.isfinite(value):
        return {
            "nonfinite": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        }
    if isinstance(value, Mapping):
        plain = {str(key): encode(item) for key, item in value.items()}
        return {"nonfinite": {"literal": plain}} if set(plain) == {"nonfinite"} else plain
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def decode(value: Any) -> Any:
    """The inverse of `encode`, but that tuples come back as lists."""
    if isinstance(value, dict):
        if set(value) == {"nonfinite"}:
            inner = value["nonfinite"]
            if isinstance(inner, dict):
                return {key: decode(item) for key, item in inner["literal"].items()}
            return float(inner)
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value


def result_set_of(file: ResultFile, *, source: str) -> ResultSet:
    """The set that a checked file holds."""
    loader = _Loader(file)
    for entry in file.benchmarks:
        loader.add(entry)
    extra = dict(file.model_extra or {})
    if file.seal is not None:
        extra["seal"] = file.seal
    return ResultSet(
        timestamp=file.timestamp,
        commit=Commit(**_fields(file.commit, Commit)),
        environment=_with_extra(Environment, file.environment),
        run=_with_extra(Run, file.run, ("selection", "environments")),
        benchmarks=loader.finished(),
        results=tuple(loader.results),
        origin=None if file.origin is None else decode(file.origin),
        approval=None if file.approval is None else Approval(**_fields(file.approval, Approval)),
        release=file.release,
        extra=extra,
        source=source,
    )


def _fields(part: Any, noun: type) -> dict[str, Any]:
    names = {field.name for field in fields(noun)} - {"extra"}
    return {name: getattr(part, name) for name in names}


def _with_extra(noun: Any, part: Any, tuples: tuple[str, ...] = ()) -> Any:
    values = _fields(part, noun)
    for name in tuples:
        values[name] = tuple(values[name])
    return noun(**values, extra=dict(part.model_extra or {}))


class _Loader:
    """Collects the benchmarks and results of a file, entry by entry."""

    def __init__(self, file: ResultFile) -> None:
        self._parameters = file.parameters
        self._works: dict[str, dict[int | None, float]] = {}
        self._benchmarks: dict[str, Benchmark] = {}
        self.results: list[Result] = []

    def add(self, entry: Entry) -> None:
        anonymous = entry.id is None
        main_id = self._remember(entry, entry, entry.id or entry.name)
        value = decode(entry.value)
        if value is None and entry.duration_ms is not None and entry.status is Status.OK:
            value = shift(entry.duration_ms, -3)
        work = entry.work
        if work is None and entry.throughput and isinstance(value, (int, float)) and value > 0:
            inferred = float(exact(entry.throughput) * exact(value))
            work = None if inferred == 1.0 else inferred
        if work is not None:
            self._works.setdefault(main_id, {})[entry.index] = work
        self._append(entry, entry, main_id, value)
        for memory in entry.memory:
            self._append(entry, memory, self._remember(entry, memory, memory.id or ""), None)
        if anonymous and entry.memory_mb is not None and not entry.memory:
            plain = Measured(type=Kind.MEMORY, unit="bytes")
            name = self._remember(entry, plain, f"{entry.name} memory")
            self._append(entry, plain, name, shift(entry.memory_mb, 6))

    def _remember(self, entry: Entry, measured: Measured, benchmark_id: str) -> str:
        if benchmark_id not in self._benchmarks:
            axes = self._parameters.get(benchmark_id)
            self._benchmarks[benchmark_id] = Benchmark(
                id=benchmark_id,
                name=entry.name,
                kind=measured.type,
                unit=measured.unit,
                better=measured.better,
                param_names=tuple(axes.names if axes else entry.params),
                params=tuple(tuple(axis) for axis in axes.values) if axes else (),
                version=measured.version,
                work_unit=entry.work_unit if measured is entry else "call",
                threshold=measured.threshold,
                tolerance=measured.tolerance,
                statistic=measured.statistic,
                warmup_s=measured.warmup,
                anonymous=entry.id is None,
            )
        return benchmark_id

    def _append(self, entry: Entry, measured: Measured, benchmark_id: str, value: Any) -> None:
        names = self._benchmarks[benchmark_id].param_names
        params = tuple((name, entry.params[name]) for name in names if name in entry.params)
        found = measured.stats
        low, high = (found.ci_99 if found and found.ci_99 else None) or (None, None)
        self.results.append(
            Result(
                case=Case(benchmark_id, params, entry.index),
                value=value if value is not None else decode(measured.value),
                status=measured.status,
                reason=measured.reason,
                number=measured.number,
                repeat=measured.repeat,
                ci_low=_bound(low),
                ci_high=_bound(high),
                q25=_bound(found.q25 if found else None),
                q75=_bound(found.q75 if found else None),
                samples=None if measured.samples is None else tuple(measured.samples),
                processes=None
                if measured.processes is None
                else tuple(map(tuple, measured.processes)),
                extra=dict(measured.model_extra) if measured.model_extra else None,
            )
        )

    def finished(self) -> dict[str, Benchmark]:
        """The benchmarks, with the work that their cases declare."""
        for benchmark_id, works in self._works.items():
            benchmark = self._benchmarks[benchmark_id]
            work: Any = works.get(None)
            if work is None:
                count = max(math.prod(map(len, benchmark.params)), 1 + max(k or 0 for k in works))
                work = tuple(works.get(index) for index in range(count))
                if len(set(work)) == 1:
                    work = work[0]
            values = {f.name: getattr(benchmark, f.name) for f in fields(Benchmark)}
            self._benchmarks[benchmark_id] = Benchmark(**{**values, "work": work})
        return self._benchmarks


def _bound(value: float | NonFinite | None) -> float | None:
    return float(value.nonfinite) if isinstance(value, NonFinite) else value
