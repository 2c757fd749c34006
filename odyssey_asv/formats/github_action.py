"""The JSON that github-action-benchmark takes as `customSmallerIsBetter` or `customBiggerIsBetter`.

Written only. One file has one direction; the action shows `range` and `extra` as they are.
"""

from __future__ import annotations

from typing import Any

from odyssey_asv.formats.rows import Row, rows_of
from odyssey_asv.formats.shape import Exported
from odyssey_asv.model import Better, Kind, ResultSet
from odyssey_asv.stats import summarise
from odyssey_asv.units import one_line, shift

NAME = "github-action-benchmark"
_TOOLS = {Better.LOWER: "customSmallerIsBetter", Better.HIGHER: "customBiggerIsBetter"}


def write(results: ResultSet, better: Better = Better.LOWER) -> Exported:
    """Times in nanoseconds, memory in bytes, tracked values in their unit, of one direction."""
    rows = rows_of(results)
    entries: list[dict[str, Any]] = []
    for row in rows.kept:
        if row.benchmark.better is not better:
            rows.note(
                f"left out, {row.benchmark.better.value} is better, which is a file of its own"
                f" (--better {row.benchmark.better.value}, for {_TOOLS[row.benchmark.better]})",
                row.name,
            )
        else:
            entries.append(_entry(row))
    return rows.exported(entries)


def _entry(row: Row) -> dict[str, Any]:
    timed = row.benchmark.kind is Kind.TIME
    result, places = row.result, 9 if timed else 0
    entry: dict[str, Any] = {
        "name": row.name,
        "value": shift(row.value, places),
        "unit": "ns" if timed else one_line(row.benchmark.unit),
    }
    samples = result.all_samples
    said = [f"statistic: {row.benchmark.statistic}"]
    if samples:
        if len(samples) > 1:
            entry["range"] = f"± {shift(summarise(samples).std, places):.6g}"
        said.append(f"samples: {len(samples)}")
    if result.processes is not None:
        said.append(f"processes: {len(result.processes)}")
    return entry | {"extra": "\n".join(map(one_line, said))}
