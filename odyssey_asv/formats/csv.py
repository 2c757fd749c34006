"""One line a result, as RFC 4180 has it: commas, quotes doubled, CRLF, a header. Written only.

Names are data that somebody else may have chosen, and spreadsheets take a text that begins with `=`, `+`,
`-` or `@` for a formula. Such a text gets an apostrophe before it, and so does one that begins with an
apostrophe: who reads the file takes one away. All text is quoted, no number is.
"""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from odyssey_asv.comparison import label
from odyssey_asv.formats.shape import Exported
from odyssey_asv.model import Result, ResultSet
from odyssey_asv.stats import summarise

NAME = "csv"
COLUMNS = (
    "case", "benchmark", "params", "type", "value", "unit", "better", "status", "reason", "statistic",
    "mean", "std", "min", "max", "q25", "q75", "ci_99_low", "ci_99_high", "number", "samples", "processes",
    "timestamp", "commit", "commit_date", "branch", "dirty", "machine", "environment",
)  # fmt: skip
_FORMULA = "=+-@\t\r\n'＝＋－＠"


def write(results: ResultSet) -> Exported:
    """Every result, those without a value too."""
    sink = io.StringIO(newline="")
    # Text is quoted always, so that a comma or semicolon inside never begins a cell.
    writer = csv.writer(sink, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    protected = False
    for result in results.results:
        cells = _cells(results, result)
        row = [guarded(cell) if isinstance(cell, str) else cell for cell in cells]
        protected = protected or row != cells
        writer.writerow(row)
    warnings = ["the samples are not in it, only what they come to"] if _sampled(results) else []
    if protected:
        warnings.append(
            "text that a spreadsheet would take for a formula begins with an apostrophe"
        )
    # Half of a surrogate pair has no UTF-8.
    text = sink.getvalue().encode("utf-8", errors="replace").decode("utf-8")
    return Exported(text, tuple(warnings))


def guarded(text: str) -> str:
    """The text as no spreadsheet runs it.

    >>> guarded("=1+1"), guarded("time_add")
    ("'=1+1", 'time_add')
    """
    return f"'{text}" if text.lstrip(" ")[:1] in _FORMULA and text.strip(" ") else text


def _sampled(results: ResultSet) -> bool:
    return any(result.all_samples for result in results.results)


def _cells(results: ResultSet, result: Result) -> list[Any]:
    benchmark = results.benchmarks[result.case.benchmark]
    commit, environment = results.commit, results.environment
    samples = result.all_samples
    known = samples and all(map(math.isfinite, samples))
    try:
        summary = summarise(samples) if samples and known else None
    except OverflowError:
        summary = None
    cells: list[Any] = [
        label(benchmark, result.case, qualified=not benchmark.anonymous),
        benchmark.id,
        json.dumps(dict(result.case.params)) if result.case.params else None,
        benchmark.kind.value,
        _plain(result.value),
        benchmark.unit,
        benchmark.better.value,
        result.status.value,
        result.reason,
        benchmark.statistic,
        *(getattr(summary, name, None) for name in ("mean", "std", "min", "max")),
        result.q25,
        result.q75,
        result.ci_low,
        result.ci_high,
        result.number,
        len(samples) if samples is not None else result.repeat,
        len(result.processes) if result.processes is not None else None,
        results.timestamp,
        commit.hash,
        commit.date,
        commit.branch,
        str(commit.dirty).lower(),
        environment.machine,
        environment.env_name,
    ]
    return ["" if cell is None else cell for cell in cells]


def _plain(value: Any) -> Any:
    """A number as it is, anything else that was tracked as JSON."""
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    return value if isinstance(value, str) else json.dumps(value)
