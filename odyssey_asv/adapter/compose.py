"""One `ResultSet` → what an asv tree says of it: document (format 2), machine and suite.

What was read from a tree is composed again from `ResultSet.origin` without loss; a set that never
was in one gets what it says of itself. Touches no files.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from odyssey_asv.adapter.convert import COLUMNS
from odyssey_asv.model import Benchmark, Result, ResultSet, Status

_FIELDS = {
    "stats_ci_99_a": "ci_low",
    "stats_ci_99_b": "ci_high",
    "stats_q_25": "q25",
    "stats_q_75": "q75",
    "stats_number": "number",
    "stats_repeat": "repeat",
}


def document_of(results: ResultSet) -> dict[str, Any]:
    """The asv document that holds this set.

    Raises ValueError when asv could not hold it: results are kept by commit, and by position in the
    product of a benchmark's parameters.
    """
    if results.commit.hash is None:
        raise ValueError("no commit: asv keeps results by commit")
    origin = results.origin or {}
    kept: Mapping[str, Any] = origin.get("document") or _new_document(results)
    columns: list[str] = list(kept["result_columns"])
    by_benchmark: dict[str, list[Result]] = {}
    for result in results.results:
        by_benchmark.setdefault(result.case.benchmark, []).append(result)
    rows: dict[str, Any] = dict(origin.get("unread", {}))
    for name, found in by_benchmark.items():
        row = kept["results"].get(name)
        # asv has no row for a benchmark that was never selected.
        if row is not None or any(r.status is not Status.NOT_SELECTED for r in found):
            rows[name] = _row(row, columns, results.benchmarks[name], found)
    return {**kept, "results": rows}


def _row(
    kept: list[Any] | None, columns: list[str], benchmark: Benchmark, found: list[Result]
) -> list[Any]:
    slots: list[Result | None] = [None] * math.prod(map(len, benchmark.params))
    for result in found:
        position = result.case.position or 0
        if position >= len(slots) or slots[position] is not None:
            raise ValueError(
                f"{benchmark.id}: no place for {dict(result.case.params)} among its parameters"
            )
        slots[position] = result
    row = list(kept or ())
    row.extend([None] * (len(columns) - len(row)))
    for position, column in enumerate(columns):
        match column:
            case "result":
                row[position] = _compressed(map(_value, slots))
            case "samples":
                row[position] = _compressed(map(_samples, slots))
            case "params" if kept is None:
                row[position] = [list(axis) for axis in benchmark.params]
            case "version" if kept is None:
                row[position] = benchmark.version
            case _ if column in _FIELDS:
                field = _FIELDS[column]
                row[position] = _compressed(slot and getattr(slot, field) for slot in slots)
    while row and row[-1] is None:
        row.pop()
    return row


def _value(slot: Result | None) -> Any:
    if slot is None:
        return math.nan
    if slot.status is Status.OK:
        return slot.value
    return None if slot.status.failed else math.nan


def _samples(slot: Result | None) -> list[float] | None:
    samples = slot and slot.all_samples
    return None if samples is None else list(samples)


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


def _milliseconds(moment: str) -> int:
    try:
        date = datetime.fromisoformat(moment)
    except ValueError:
        return 0
    return round((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() * 1000)


def machine_of(results: ResultSet) -> dict[str, Any]:
    """What `machine.json` says: the set's own, else made from its environment."""
    environment = results.environment
    kept = (results.origin or {}).get("machine")
    if kept:
        return {"machine": environment.machine or "unknown", **kept}
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
    """The records of `benchmarks.json`: those of the set's tree, else made from its benchmarks.

    Nothing is added to the records of a tree: asv forgets deleted benchmarks on purpose.
    """
    kept = (results.origin or {}).get("suite")
    if kept:
        return dict(kept)
    return {
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
    }
