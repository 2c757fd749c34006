"""One asv result document (format 2) ↔ one `ResultSet`, without loss. Touches no files.

asv stores a row for each benchmark: columns named by `result_columns`, trailing nulls dropped, lists
over the cases in `itertools.product` order, a list of nothing but null written as null. What a row
says about cases becomes `Result`s; the rest of the row and of the document stays as it was in
`ResultSet.origin`, from which `document_of` builds the document again.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from odyssey_asv.adapter.metadata import benchmark_of
from odyssey_asv.model import (
    Benchmark,
    Case,
    Commit,
    Environment,
    Result,
    ResultSet,
    Run,
    RunKind,
    Status,
)

FORMAT = 2

COLUMNS = (
    "result",
    "params",
    "version",
    "started_at",
    "duration",
    "stats_ci_99_a",
    "stats_ci_99_b",
    "stats_q_25",
    "stats_q_75",
    "stats_number",
    "stats_repeat",
    "samples",
    "profile",
)
_STATS = (
    "stats_number",
    "stats_repeat",
    "stats_ci_99_a",
    "stats_ci_99_b",
    "stats_q_25",
    "stats_q_75",
)
_PER_CASE = ("result", *_STATS, "samples")
_WIDTH = len(COLUMNS)
_FIRST_STATS, _PROFILE = COLUMNS.index("stats_ci_99_a"), COLUMNS.index("profile")
_NO_STATS = [None] * (_PROFILE - _FIRST_STATS)
_UNKNOWN_NAN = "asv does not record whether it was skipped or not selected"


# A benchmark as a row describes it: parameters and version, and what follows from them.
_Known = tuple[list[list[str]], str | None, tuple[Case, ...], Benchmark]

# The constructor of a NamedTuple without its Python frame.
_new_result: Callable[[Iterable[Any]], Result] = partial(tuple.__new__, Result)


class Converter:
    """Reads the documents of one tree. Remembers each benchmark's cases, which rarely change
    from file to file; a tree holds hundreds of thousands of rows."""

    def __init__(self, suite: Mapping[str, Mapping[str, Any]]) -> None:
        self._suite = suite
        self._known: dict[str, _Known] = {}

    def result_set(
        self, document: dict[str, Any], machine: Mapping[str, Any] | None, *, source: str
    ) -> tuple[ResultSet, list[str]]:
        """The set that a format 2 document holds, and a fault for each row that cannot be read.

        `document` is taken over and changed. Raises KeyError for a missing key and ValueError or
        TypeError for one of the wrong type.
        """
        columns: list[str] = document["result_columns"]
        at = {name: position for position, name in enumerate(columns)}
        if "result" not in at or "params" not in at:
            raise KeyError("result_columns without 'result' and 'params'")
        order = None if tuple(columns) == COLUMNS else [at.get(name) for name in COLUMNS]
        per_case = [at[name] for name in _PER_CASE if name in at]
        remembered = self._known
        results: list[Result] = []
        benchmarks: dict[str, Benchmark] = {}
        faults: list[str] = []
        rows: dict[str, list[Any]] = document["results"]
        padding = [None] * len(columns)
        for name, row in rows.items():
            try:
                row.extend(padding[len(row) :])
                found = row if order is None else [None if i is None else row[i] for i in order]
                axes, version = found[1] or [], found[2]
                known = remembered.get(name)
                if known is None or known[0] != axes or known[1] != version:
                    known = remembered[name] = self._describe(name, axes, version)
                cases = known[2]
                if len(cases) == 1:
                    results.append(_only_result(found, cases[0]))
                else:
                    results += _results(found, cases)
            except (ValueError, TypeError, AttributeError, LookupError) as error:
                faults.append(f"{name}: {error}")
                continue
            benchmarks[name] = known[3]
            if order is None:
                row[0] = None
                row[_FIRST_STATS:_PROFILE] = _NO_STATS
            else:
                for position in per_case:
                    row[position] = None
        for fault in faults:
            rows.pop(fault.partition(":")[0], None)
        return (
            ResultSet(
                timestamp=_first_start(rows, at.get("started_at"))
                or _iso(document.get("date"))
                or "",
                commit=Commit(hash=document["commit_hash"], date=_iso(document.get("date"))),
                environment=_environment(document, machine),
                run=Run(kind=RunKind.ASV),
                benchmarks=benchmarks,
                results=tuple(results),
                origin={"document": document, "machine": machine, "suite": self._suite},
                source=source,
            ),
            faults,
        )

    def _describe(self, name: str, axes: list[list[str]], version: str | None) -> _Known:
        benchmark = benchmark_of(name, self._suite.get(name), params=axes, version=version)
        return axes, version, tuple(cases_of(benchmark)), benchmark


def cases_of(benchmark: Benchmark) -> Iterable[Case]:
    """The cases of a benchmark in the order of its parameters' product."""
    if not benchmark.params:
        yield Case(benchmark.id)
        return
    for position, values in enumerate(itertools.product(*benchmark.params)):
        pairs = tuple(zip(benchmark.param_names, values, strict=True))
        yield Case(benchmark.id, pairs, position)


def _only_result(row: list[Any], case: Case) -> Result:
    """The result of a row with one case, the columns in the order of `COLUMNS`.

    Written out because most rows are of this kind and real histories have hundreds of thousands.
    """
    values, _, _, _, _, ci_low, ci_high, q25, q75, number, repeat, samples, _ = row[:_WIDTH]
    value = values
    if isinstance(values, list):
        (value,) = values
    status, reason = Status.OK, None
    if value is None or value != value:  # noqa: PLR0124 (NaN is not equal to itself)
        status = _status(value)
        reason = _UNKNOWN_NAN if status is Status.SKIPPED else None
        value = None
    if ci_low is not None:
        (ci_low,) = ci_low
    if ci_high is not None:
        (ci_high,) = ci_high
    if q25 is not None:
        (q25,) = q25
    if q75 is not None:
        (q75,) = q75
    if number is not None:
        (number,) = number
    if repeat is not None:
        (repeat,) = repeat
    if samples is not None:
        (taken,) = samples
        samples = None if taken is None else tuple(taken)
    return _new_result(
        (
            case,
            value,
            status,
            reason,
            number,
            repeat,
            ci_low,
            ci_high,
            q25,
            q75,
            samples,
            None,
            None,
        )
    )


def _results(row: list[Any], cases: tuple[Case, ...]) -> Iterable[Result]:
    """The results of a row with any number of cases, the columns in the order of `COLUMNS`."""
    count = len(cases)
    nothing: list[Any] = [None] * count
    columns = [nothing if column is None else column for column in row[:_WIDTH]]
    values, _, _, _, _, ci_low, ci_high, q25, q75, number, repeat, samples, _ = columns
    statuses: Iterable[Status] = itertools.repeat(Status.OK, count)
    reasons: Iterable[str | None] = nothing
    if None in values or any(map(operator.ne, values, values)):
        statuses = [_status(value) for value in values]
        reasons = [_UNKNOWN_NAN if status is Status.SKIPPED else None for status in statuses]
        values = [
            value if status is Status.OK else None
            for value, status in zip(values, statuses, strict=True)
        ]
    taken = nothing
    if samples is not nothing:
        taken = [None if sample is None else tuple(sample) for sample in samples]
    stats = (number, repeat, ci_low, ci_high, q25, q75)
    return map(
        _new_result,
        zip(cases, values, statuses, reasons, *stats, taken, nothing, nothing, strict=True),
    )


def _status(value: Any) -> Status:
    if value is None:
        return Status.FAILED
    return Status.SKIPPED if isinstance(value, float) and math.isnan(value) else Status.OK


def document_of(results: ResultSet) -> dict[str, Any]:
    """The asv document (format 2) that holds this set.

    A set that never was an asv document gets one made from what it says of itself. Raises
    ValueError when it has no commit: asv keeps results by commit.
    """
    if results.commit.hash is None:
        raise ValueError("no commit: asv keeps results by commit")
    kept: Mapping[str, Any] = (results.origin or {}).get("document") or _new_document(results)
    columns: list[str] = list(kept["result_columns"])
    rows: dict[str, list[Any]] = {}
    by_benchmark: dict[str, list[Result]] = {name: [] for name in kept["results"]}
    for result in results.results:
        by_benchmark.setdefault(result.case.benchmark, []).append(result)
    for name, found in by_benchmark.items():
        benchmark = results.benchmarks.get(name)
        row = list(kept["results"].get(name, ()))
        row.extend([None] * (len(columns) - len(row)))
        if benchmark is not None:
            _fill(row, columns, benchmark, found)
        while row and row[-1] is None:
            row.pop()
        rows[name] = row
    return {**kept, "results": rows}


def _fill(row: list[Any], columns: list[str], benchmark: Benchmark, found: list[Result]) -> None:
    count = math.prod(len(axis) for axis in benchmark.params)
    slots: list[Result | None] = [None] * count
    for result in found:
        slots[result.case.position or 0] = result
    for position, column in enumerate(columns):
        match column:
            case "result":
                row[position] = _compressed(
                    math.nan if slot is None else _asv_value(slot) for slot in slots
                )
            case "params":
                row[position] = [list(axis) for axis in benchmark.params]
            case "version":
                row[position] = benchmark.version
            case "samples":
                row[position] = _compressed(
                    None if slot is None or slot.all_samples is None else list(slot.all_samples)
                    for slot in slots
                )
            case "stats_number" | "stats_repeat" | "stats_q_25" | "stats_q_75":
                field = column.removeprefix("stats_").replace("_", "")
                row[position] = _compressed(slot and getattr(slot, field) for slot in slots)
            case "stats_ci_99_a" | "stats_ci_99_b":
                field = "ci_low" if column.endswith("a") else "ci_high"
                row[position] = _compressed(slot and getattr(slot, field) for slot in slots)


def _asv_value(result: Result) -> Any:
    if result.status is Status.OK:
        return result.value
    return None if result.status.failed else math.nan


def _compressed(values: Iterable[Any]) -> list[Any] | None:
    column = list(values)
    return None if all(value is None for value in column) else column


def _new_document(results: ResultSet) -> dict[str, Any]:
    environment = results.environment
    python = ".".join((environment.python_version or "").split(".")[:2])
    return {
        "commit_hash": results.commit.hash,
        "env_name": environment.env_name or "imported",
        "date": _milliseconds(results.commit.date or results.timestamp),
        "params": {**machine_of(results), "python": python},
        "python": python,
        "requirements": {},
        "env_vars": {},
        "result_columns": list(COLUMNS),
        "results": {},
        "durations": {},
    }


def machine_of(results: ResultSet) -> dict[str, Any]:
    """What `machine.json` says: the set's own, else made from its environment."""
    kept = (results.origin or {}).get("machine")
    if kept:
        return dict(kept)
    environment = results.environment
    ram = None if environment.ram_mb is None else environment.ram_mb * 10**6
    return {
        "machine": environment.machine or "unknown",
        "os": f"{(environment.os or '').capitalize()} {environment.kernel or ''}".strip(),
        "arch": environment.cpu or "",
        "cpu": environment.cpu_model or "",
        "num_cpu": "" if environment.cores is None else str(environment.cores),
        "ram": "" if ram is None else str(ram),
    }


def suite_of(results: ResultSet) -> dict[str, dict[str, Any]]:
    """The records of `benchmarks.json` for this set: its own, else made from its benchmarks."""
    kept = (results.origin or {}).get("suite") or {}
    made = {
        name: {
            "code": "",
            "name": name,
            "param_names": list(benchmark.param_names),
            "params": [list(axis) for axis in benchmark.params],
            "type": benchmark.kind.value,
            "unit": benchmark.unit,
            "version": benchmark.version or "",
        }
        for name, benchmark in results.benchmarks.items()
        if name not in kept
    }
    return {**{name: dict(record) for name, record in kept.items()}, **made}


def _environment(document: Mapping[str, Any], machine: Mapping[str, Any] | None) -> Environment:
    facts = {**(machine or {}), **document.get("params", {})}
    system, _, kernel = str(facts.get("os") or "").partition(" ")
    requirements = {str(k): str(v) for k, v in (document.get("requirements") or {}).items() if v}
    return Environment(
        os=_text(system.lower()),
        kernel=_text(kernel),
        cpu=_text(facts.get("arch")),
        mojo_version=requirements.get("mojo-compiler"),
        python_version=_text(document.get("python")),
        numpy_version=requirements.get("numpy"),
        machine=_text(facts.get("machine")),
        cpu_model=_text(facts.get("cpu")),
        cores=_integer(facts.get("num_cpu")),
        ram_mb=_megabytes(facts.get("ram")),
        packages={},
        env_name=_text(document.get("env_name")),
    )


def _first_start(rows: Mapping[str, list[Any]], position: int | None) -> str | None:
    """When the first benchmark of the file that says so was started."""
    if position is None:
        return None
    starts = (_iso(row[position]) for row in rows.values() if position < len(row))
    return next((start for start in starts if start is not None), None)


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def _integer(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _megabytes(ram: object) -> int | None:
    """asv's `ram` is free text; asv itself writes bytes. Anything else stays unknown."""
    size = _integer(ram)
    return None if size is None or size < 10**6 else round(size / 10**6)


def _iso(milliseconds: object) -> str | None:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)):
        return None
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _milliseconds(moment: str) -> int:
    try:
        return round(datetime.fromisoformat(moment).timestamp() * 1000)
    except ValueError:
        return 0


__all__ = ["COLUMNS", "FORMAT", "Converter", "document_of", "machine_of", "suite_of"]
