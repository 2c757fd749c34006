"""Bencher Metric Format: `{benchmark: {measure: {value, lower_value, upper_value}}}`. Written only.

Units and directions belong to Bencher's measures, not to the format: `latency` is in nanoseconds,
`throughput` in operations a second, as Bencher has them.
"""

from __future__ import annotations

import re
from typing import Any

from odyssey_asv.formats.rows import Row, note_direction, rows_of, sound
from odyssey_asv.formats.shape import Exported
from odyssey_asv.model import Kind, ResultSet
from odyssey_asv.units import shift

NAME = "bencher"
_LONGEST_NAME = 1024
_LONGEST_MEASURE = 64
_IGNORED = "-bencher-ignore"
_MEASURES = {Kind.TIME: "latency", Kind.MEMORY: "memory", Kind.PEAKMEMORY: "peak-memory"}


def write(results: ResultSet) -> Exported:
    """Each case with its measure; the bounds are those of the 99 % interval, where there is one."""
    rows = rows_of(results)
    document: dict[str, dict[str, Any]] = {}
    for row in rows.kept:
        if len(row.name) > _LONGEST_NAME:
            rows.note(f"left out, Bencher's names end at {_LONGEST_NAME} characters", row.name[:80])
            continue
        if row.name.endswith(_IGNORED):
            rows.note("Bencher raises no alerts for a name that ends so", row.name)
        if row.benchmark.kind is Kind.TRACK:
            note_direction(rows, row)
        document[row.name] = _measures(row)
    return rows.exported(document)


def _measures(row: Row) -> dict[str, Any]:
    timed = row.benchmark.kind is Kind.TIME
    places = 9 if timed else 0
    metric = {"value": shift(row.value, places)}
    for key, bound in (("lower_value", row.result.ci_low), ("upper_value", row.result.ci_high)):
        if sound(bound) is not None:
            metric[key] = shift(bound or 0.0, places)
    measures = {_MEASURES.get(row.benchmark.kind) or _measure_of(row.benchmark.unit): metric}
    work = row.benchmark.work_of(row.result.case.position)
    if timed and work is not None and row.value > 0:
        rate = sound(work / row.value)
        if rate is not None:
            measures["throughput"] = {"value": rate}
    return measures


def _measure_of(unit: str) -> str:
    """A tracked value's unit as the name of a measure."""
    return (
        re.sub(r"[^a-z0-9]+", "-", unit.lower()).strip("-")[:_LONGEST_MEASURE].strip("-") or "value"
    )
