"""pyperf's JSON, format 1.0, and back.

A run of pyperf that has values is a process of ours. Warm-ups and calibration runs are no values: with all
metadata they are kept in the results under `pyperf`, and written again from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, ValidationError

from odyssey_asv.errors import InvalidFileError
from odyssey_asv.formats.rows import Row, Rows, note_direction, rows_of
from odyssey_asv.formats.shape import (
    Exported,
    Imported,
    NotNegative,
    Part,
    Positive,
    checked,
    commit_hash,
    count,
    environment_name,
    mapping,
    refuse_twice,
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
from odyssey_asv.units import one_line

NAME = "pyperf"
_KEPT = "pyperf"
_VERSION = "1.0"
_UNITS = {
    "second": (Kind.TIME, "seconds"),
    "byte": (Kind.PEAKMEMORY, "bytes"),
    "integer": (Kind.TRACK, "integer"),
}
_UNIT_OF = {kind: unit for unit, (kind, _) in _UNITS.items()} | {Kind.MEMORY: "byte"}


# Loops, and seconds of one.
Warmup = Annotated[list[NotNegative], Field(min_length=2, max_length=2)]


class OneRun(Part):
    metadata: dict[str, Any] = Field(default_factory=dict)
    values: list[Positive] = Field(default_factory=list)
    warmups: list[Warmup] | None = None


class KeptRun(Part):
    """What of a run is kept beside its values."""

    metadata: dict[str, Any]
    warmups: list[Warmup]
    calibration: bool


class Kept(Part):
    runs: list[KeptRun]


class OneBenchmark(Part):
    metadata: dict[str, Any] = Field(default_factory=dict)
    runs: list[OneRun] = Field(min_length=1)


class Document(Part):
    version: str
    metadata: dict[str, Any] | None = None
    benchmarks: list[OneBenchmark] = Field(min_length=1)


def recognised(document: object) -> bool:
    """Whether this is what pyperf writes."""
    found = document.get("benchmarks") if isinstance(document, dict) else None
    first = found[0] if isinstance(found, list) and found else None
    return isinstance(first, dict) and isinstance(first.get("runs"), list)


def read(document: Any, source: str, now: str) -> Imported:
    """The set that a file holds. Raises `InvalidFileError` with every fault."""
    version = document.get("version") if isinstance(document, dict) else None
    if version is not None and version != _VERSION:
        raise InvalidFileError(
            source,
            (f"version: {version!r} is not read, {_VERSION!r} is",),
            tip="python -m pyperf convert OLD.json -o NEW.json",
        )
    suite = checked(Document, document, source)
    common = suite.metadata or {}
    metadata = [
        common | benchmark.metadata | benchmark.runs[0].metadata for benchmark in suite.benchmarks
    ]
    _check_names(metadata, source)
    warnings: list[str] = []
    benchmarks = {one["name"]: _described(one) for one in metadata}
    results = [
        _result(benchmark, common | benchmark.metadata, benchmarks[one["name"]], source)
        for benchmark, one in zip(suite.benchmarks, metadata, strict=True)
    ]
    idle = [result.case.benchmark for result in results if result.status is not Status.OK]
    if idle:
        warnings.append(f"only calibration, no values: {several(idle)}")
    units = {unit for _, unit in _UNITS.values()}
    unknown = [one.id for one in benchmarks.values() if one.unit not in units]
    if unknown:
        warnings.append(f"of a unit that pyperf does not have, kept as it is: {several(unknown)}")
    return Imported(
        ResultSet(
            timestamp=_timestamp(suite, common, warnings) or now,
            commit=_commit(metadata[0]),
            environment=_environment(metadata[0], common),
            run=Run(
                kind=RunKind.IMPORTED,
                extra={"imported_from": f"{NAME} {metadata[0].get('perf_version') or ''}".strip()},
            ),
            benchmarks=benchmarks,
            results=tuple(results),
            source=source,
        ),
        tuple(warnings),
    )


def _check_names(metadata: Sequence[Mapping[str, Any]], source: str) -> None:
    faults = tuple(
        f"benchmarks[{place}]: no name in its metadata"
        for place, one in enumerate(metadata)
        if text(one.get("name")) is None
    )
    if faults:
        raise InvalidFileError(source, faults)
    refuse_twice(
        [(f"benchmarks[{place}]", one["name"]) for place, one in enumerate(metadata)], source
    )


def _described(metadata: Mapping[str, Any]) -> Benchmark:
    name = metadata["name"]
    unit = str(metadata.get("unit", "second"))
    kind, ours = _UNITS.get(unit, (Kind.TRACK, unit))
    return Benchmark(id=name, name=name, kind=kind, unit=ours)


def _result(
    found: OneBenchmark, metadata: dict[str, Any], benchmark: Benchmark, source: str
) -> Result:
    measured = [run for run in found.runs if run.values]
    processes = tuple(tuple(run.values) for run in measured)
    numbers = [_loops(metadata | run.metadata, benchmark.id, source) for run in measured]
    extra: dict[str, Any] = {
        _KEPT: encode(
            {
                "metadata": found.metadata,
                "runs": [
                    {
                        "metadata": run.metadata,
                        "warmups": run.warmups or [],
                        "calibration": not run.values,
                    }
                    for run in found.runs
                ],
            }
        )
    }
    case = Case(benchmark.id)
    if not processes:
        reason = "only calibration runs, no values"
        return Result(case, None, Status.SKIPPED, reason, extra=extra)
    same = len(set(numbers)) == 1
    if not same:
        extra["numbers"] = numbers
    ordered = sorted(value for process in processes for value in process)
    return Result(
        case,
        quantile(ordered, 0.5),
        number=float(numbers[0]) if same else None,
        repeat=float(len(ordered)),
        q25=quantile(ordered, 0.25),
        q75=quantile(ordered, 0.75),
        processes=processes,
        extra=extra,
    )


def _loops(metadata: Mapping[str, Any], name: str, source: str) -> int:
    """Calls that one value stands for."""
    loops, inner = (count(metadata.get(key, 1)) for key in ("loops", "inner_loops"))
    if not loops or not inner:
        raise InvalidFileError(source, (f"{name}: loops and inner_loops are counts from 1 on",))
    return loops * inner


def _timestamp(suite: Document, common: dict[str, Any], warnings: list[str]) -> str | None:
    """When the last run began."""
    dates = [
        utc((common | benchmark.metadata | run.metadata).get("date"))
        for benchmark in suite.benchmarks
        for run in benchmark.runs
    ]
    known = [date for date in dates if date is not None]
    warnings.append(
        "pyperf writes dates without a zone: taken as UTC"
        if known
        else "the file has no date: taken as measured now"
    )
    return max(known, default=None)


def _commit(metadata: Mapping[str, Any]) -> Commit:
    """What `pyperformance` writes; pyperf itself knows no commits."""
    return Commit(
        hash=commit_hash(metadata.get("commit_id")),
        date=utc(metadata.get("commit_date")),
        branch=text(metadata.get("commit_branch")),
    )


def _environment(metadata: Mapping[str, Any], common: Mapping[str, Any]) -> Environment:
    python = (text(metadata.get("python_version")) or "").partition(" ")[0] or None
    system = (text(metadata.get("platform")) or "").partition("-")[0].lower() or None
    return Environment(
        os=system,
        python_version=python,
        machine=text(metadata.get("hostname")),
        cpu_model=text(metadata.get("cpu_model_name")),
        cores=count(metadata.get("cpu_count")),
        env_name=environment_name(NAME, metadata.get("python_implementation"), python),
        extra={_KEPT: encode(dict(common))},
    )


def write(results: ResultSet) -> Exported:
    """The document that `pyperf stats` and `pyperf compare_to` read."""
    rows = rows_of(results)
    benchmarks = [found for row in rows.kept if (found := _benchmark(row, rows)) is not None]
    return rows.exported(
        {"version": _VERSION, "metadata": _common(results), "benchmarks": benchmarks}
    )


def _benchmark(row: Row, rows: Rows) -> dict[str, Any] | None:
    result = row.result
    unit = _UNIT_OF[row.benchmark.kind]
    runs: Sequence[Sequence[float]] | None = result.processes
    if runs is None:
        runs = [result.samples or (row.value,)]
        rows.note(
            "which process a sample is of is not known, so all stand in one run"
            if result.samples
            else "no samples are known, so its value stands as the only one",
            row.name,
        )
    runs = [run for run in runs if run]
    values = [value for run in runs for value in run]
    if not values or min(values) <= 0:
        rows.note("left out, pyperf holds numbers above 0 only", row.name)
        return None
    if unit == "integer" and not all(float(value).is_integer() for value in values):
        rows.note("left out, pyperf holds seconds, bytes and whole numbers only", row.name)
        return None
    if row.benchmark.kind is Kind.TRACK and row.benchmark.unit != "integer":
        rows.note("the format does not have its unit", row.name)
    note_direction(rows, row)
    kept = mapping((result.extra or {}).get(_KEPT))
    return {
        "metadata": _plain(mapping(kept.get("metadata"))) | {"name": row.name, "unit": unit},
        "runs": _restored(kept, runs) or _new_runs(row, runs),
    }


def _restored(
    kept: Mapping[str, Any], runs: Sequence[Sequence[float]]
) -> list[dict[str, Any]] | None:
    """The runs with their warm-ups and metadata, calibration runs between them; None where they
    are not those that were read."""
    try:
        known = Kept.model_validate(kept).runs
    except ValidationError:
        return None
    if sum(not run.calibration for run in known) != len(runs):
        return None
    values = iter(runs)
    return [
        {"metadata": _plain(run.metadata)}
        | ({"warmups": [[int(loops), s] for loops, s in run.warmups]} if run.warmups else {})
        | ({} if run.calibration else {"values": list(next(values))})
        for run in known
    ]


def _new_runs(row: Row, runs: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    numbers = (row.result.extra or {}).get("numbers")
    if not isinstance(numbers, list) or len(numbers) != len(runs) or not all(map(count, numbers)):
        numbers = [row.loops] * len(runs)
    return [
        {"values": list(values)} | ({"metadata": {"loops": int(loops)}} if loops else {})
        for values, loops in zip(runs, numbers, strict=True)
    ]


def _common(results: ResultSet) -> dict[str, Any]:
    """Metadata of the whole file: what was read, else what is known of the environment."""
    environment, commit = results.environment, results.commit
    kept = environment.extra.get(_KEPT)
    known: dict[str, Any] = (
        dict(kept)
        if isinstance(kept, dict)
        else {
            "hostname": environment.machine,
            "python_version": environment.python_version,
            "cpu_model_name": environment.cpu_model,
            "cpu_count": environment.cores,
            "date": (utc(results.timestamp) or "").replace("T", " ").removesuffix("Z"),
        }
    )
    known |= {
        "commit_id": commit.hash,
        "commit_date": commit.date,
        "commit_branch": commit.branch,
    }
    return _plain({key: value for key, value in known.items() if key not in ("name", "unit")})


def _plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What pyperf takes as metadata: numbers, and text on one line that says something."""
    lines = {
        key: one_line(value) if isinstance(value, str) else value
        for key, value in metadata.items()
        if not isinstance(value, bool)
    }
    return {
        key: value
        for key, value in lines.items()
        if (isinstance(value, str) and value)
        or (isinstance(value, int) or (isinstance(value, float) and abs(value) < float("inf")))
        or (key == "tags" and isinstance(value, list))
    }
