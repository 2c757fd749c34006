"""Google Benchmark's JSON (`--benchmark_format=json`, `--benchmark_out`). Read only.

The repetitions of a benchmark run in one interpreter or program: they are one process. The time is the
wall's, `real_time`; the processor's, counters and labels are kept in the results under `google_benchmark`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from odyssey_asv.errors import InvalidFileError
from odyssey_asv.formats.shape import (
    Imported,
    Name,
    Number,
    Part,
    checked,
    count,
    mapping,
    several,
    text,
    utc,
)
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
from odyssey_asv.nonfinite import encode
from odyssey_asv.stats import quantile
from odyssey_asv.units import shift

NAME = "google-benchmark"
_KEPT = "google_benchmark"
_PLACES = {"ns": -9, "us": -6, "ms": -3, "s": 0}
_OWN = ("mean", "median", "stddev", "cv")
# What the model itself tells.
_SAID = ("name", "run_name", "run_type", "real_time", "iterations", "repetition_index")


class Entry(Part):
    name: Name
    run_name: Name | None = None
    run_type: str = "iteration"
    aggregate_name: str | None = None
    error_occurred: bool = False
    error_message: str | None = None
    skipped: bool = False
    skip_message: str | None = None
    iterations: Number | None = None
    real_time: Number | None = None
    time_unit: str = "ns"

    @property
    def benchmark(self) -> str:
        return self.run_name or self.name

    @property
    def seconds(self) -> float:
        assert self.real_time is not None
        return shift(self.real_time, _PLACES[self.time_unit])


class Document(Part):
    benchmarks: list[Entry] = Field(min_length=1)


def recognised(document: object) -> bool:
    """Whether this is what Google Benchmark writes."""
    return isinstance(document, dict) and {"context", "benchmarks"} <= set(document)


def read(document: Any, source: str, now: str) -> Imported:
    """The set that a file holds. Raises `InvalidFileError` with every fault."""
    entries = checked(Document, document, source).benchmarks
    faults = tuple(
        f"benchmarks[{place}] ({entry.name}): {fault}"
        for place, entry in enumerate(entries)
        if (fault := _fault(entry)) is not None
    )
    if faults:
        raise InvalidFileError(source, faults)
    groups: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        groups.setdefault(entry.benchmark, []).append(place)
    raw: list[dict[str, Any]] = document["benchmarks"]
    benchmarks: dict[str, Benchmark] = {}
    results: list[Result] = []
    fits: list[Any] = []
    for name, places in groups.items():
        found = _result(name, [entries[p] for p in places], [raw[p] for p in places])
        if found is None:
            fits += [raw[p] for p in places]
            continue
        result, statistic = found
        benchmarks[name] = Benchmark(name, name, Kind.TIME, "seconds", statistic=statistic)
        results.append(result)
    if not results:
        raise InvalidFileError(source, ("benchmarks: no times, only fits of complexity",))
    context = mapping(document.get("context"))
    return Imported(
        ResultSet(
            timestamp=utc(context.get("date")) or now,
            commit=Commit(),
            environment=_environment(context),
            run=Run(
                kind=RunKind.IMPORTED,
                extra={"imported_from": f"{NAME} {context.get('library_version') or ''}".strip()},
            ),
            benchmarks=benchmarks,
            results=tuple(results),
            extra={_KEPT: {"fits": encode(fits)}} if fits else {},
            source=source,
        ),
        tuple(_doubts(context, fits)),
    )


def _doubts(context: Mapping[str, Any], fits: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What to know of the times, and what is not among the results."""
    if fits:
        names = list(dict.fromkeys(str(fit.get("name")) for fit in fits))
        yield f"kept in the file but no results, fits of complexity: {several(names)}"
    if context.get("library_build_type") == "debug":
        yield "the library was built for debugging: its own times count in"
    if utc(context.get("date")) is None:
        yield "the file has no date that can be read: taken as measured now"


def _fault(entry: Entry) -> str | None:
    if entry.time_unit not in _PLACES:
        return f"time_unit: {entry.time_unit!r} is none of {', '.join(_PLACES)}"
    if entry.run_type == "iteration" and not entry.error_occurred and not entry.skipped:
        if entry.real_time is None:
            return "real_time: missing"
        if entry.real_time < 0:
            return "real_time: must not be negative"
    return None


def _result(
    name: str, entries: Sequence[Entry], raw: Sequence[Mapping[str, Any]]
) -> tuple[Result, str] | None:
    """What a benchmark gave, and the statistic that its value is; None where it has no times at all."""
    case = Case(name)
    extra: dict[str, Any] = {_KEPT: encode(_beside(entries, raw))}
    runs = [entry for entry in entries if entry.run_type != "aggregate"]
    broken = next((entry for entry in runs if entry.error_occurred), None)
    if broken is not None:
        return Result(case, None, Status.FAILED, broken.error_message, extra=extra), "median"
    if runs and all(entry.skipped for entry in runs):
        return Result(case, None, Status.SKIPPED, runs[0].skip_message, extra=extra), "median"
    taken = tuple(entry.seconds for entry in runs if not entry.skipped)
    if not taken:
        return _from_aggregates(case, entries, extra)
    numbers = [entry.iterations for entry in runs if not entry.skipped]
    same = len(set(numbers)) == 1
    if not same:
        extra[_KEPT]["iterations"] = numbers
    ordered = sorted(taken)
    result = Result(
        case,
        quantile(ordered, 0.5),
        number=numbers[0] if same else None,
        repeat=float(len(taken)),
        q25=quantile(ordered, 0.25),
        q75=quantile(ordered, 0.75),
        processes=(taken,),
        extra=extra,
    )
    return result, "median"


def _beside(entries: Sequence[Entry], raw: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the entries say beyond name, kind and wall time: repetitions as lists, aggregates apart."""
    lists: dict[str, list[Any]] = {}
    aggregates: dict[str, Any] = {}
    for entry, record in zip(entries, raw, strict=True):
        if entry.run_type == "aggregate":
            aggregates[entry.aggregate_name or entry.name] = record
            continue
        for key, value in record.items():
            if key not in _SAID:
                lists.setdefault(key, []).append(value)
    # What is the same in every repetition is said once.
    beside = {key: v[0] if all(one == v[0] for one in v) else v for key, v in lists.items()}
    # The usual ones follow from the repetitions, where those are there.
    own = _OWN if lists else ()
    others = {name: record for name, record in aggregates.items() if name not in own}
    return beside | ({"aggregates": others} if others else {})


def _from_aggregates(
    case: Case, entries: Sequence[Entry], extra: dict[str, Any]
) -> tuple[Result, str] | None:
    """The value where only aggregates were written (`--benchmark_report_aggregates_only`)."""
    known = {
        entry.aggregate_name: entry.seconds
        for entry in entries
        if entry.real_time is not None and entry.real_time >= 0 and entry.aggregate_name in _OWN[:3]
    }
    statistic = next((name for name in ("median", "mean") if name in known), None)
    if statistic is None:
        return None
    ours = {"mean": "mean", "median": "p50", "stddev": "std"}
    extra["stats"] = {ours[name]: value for name, value in known.items() if name is not None}
    return Result(case, known[statistic], extra=extra), statistic


def _environment(context: Mapping[str, Any]) -> Environment:
    build = text(context.get("library_build_type"))
    return Environment(
        machine=text(context.get("host_name")),
        cores=count(context.get("num_cpus")),
        env_name=f"{NAME}-{build}" if build else NAME,
        extra={"context": encode(dict(context))},
    )
