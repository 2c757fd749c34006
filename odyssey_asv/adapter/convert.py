"""One asv result document (format 2) → one `ResultSet`, without loss. Touches no files.

asv stores a row for each benchmark: columns named by `result_columns`, trailing nulls dropped, lists
over the cases in `itertools.product` order, a list of nothing but null written as null. What a row
says about cases becomes `Result`s; the rest of the row and of the document stays as it was in
`ResultSet.origin`, from which `compose.document_of` makes the document again.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from odyssey_asv.adapter.metadata import benchmark_of
from odyssey_asv.adapter.provenance import hardware, text
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
_PER_CASE = ("result", *(name for name in COLUMNS if name.startswith("stats_")), "samples")
_FIRST_STATS, _SAMPLES, _PROFILE = map(COLUMNS.index, ("stats_ci_99_a", "samples", "profile"))
_NUMBER = frozenset((int, float))
_NUMBERS = _NUMBER | {type(None)}
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_NO_DATE = "1970-01-01T00:00:00Z"
_UNKNOWN_NAN = "asv does not record whether it was skipped or not selected"


class _Known(NamedTuple):
    """A benchmark as a row describes it: parameters and version, and what follows from them."""

    axes: list[list[str]]
    version: str | None
    cases: tuple[Case, ...]
    benchmark: Benchmark
    all_ok: tuple[Status, ...]
    nothing: tuple[None, ...]


# The constructor of a NamedTuple without its Python frame.
_new_result: Callable[[type[Result], Iterable[Any]], Result] = tuple.__new__


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
        commit = _checked_commit(document["commit_hash"])
        at = _positions(document["result_columns"])
        rows: dict[str, list[Any]] = document["results"]
        if not isinstance(rows, dict):
            raise ValueError(f"results: expected an object, found {type(rows).__name__}")
        results, benchmarks, faults = self._read(rows, at)
        origin = {"document": document, "machine": machine, "suite": self._suite}
        if len(benchmarks) != len(rows):
            unread = [name for name in rows if name not in benchmarks]
            origin["unread"] = {name: _trimmed(rows.pop(name)) for name in unread}
        date = iso_date(document.get("date"))
        found = ResultSet(
            timestamp=_first_start(rows, at.get("started_at")) or date or _NO_DATE,
            commit=Commit(hash=commit, date=date),
            environment=_environment(document, machine),
            run=Run(kind=RunKind.ASV),
            benchmarks=benchmarks,
            results=tuple(results),
            origin=origin,
            source=source,
        )
        return found, faults

    def _read(
        self, rows: dict[str, list[Any]], at: Mapping[str, int]
    ) -> tuple[list[Result], dict[str, Benchmark], list[str]]:
        """The results of all rows, the benchmarks that have any, and the faults.

        What a row says of its cases is taken out of it.
        """
        order = None if tuple(at) == COLUMNS else [at.get(name) for name in COLUMNS]
        per_case = [at[name] for name in _PER_CASE if name in at]
        remembered = self._known
        results: list[Result] = []
        benchmarks: dict[str, Benchmark] = {}
        faults: list[str] = []
        for name, row in rows.items():
            try:
                found = row
                if order is not None or not _SAMPLES <= len(row) <= len(COLUMNS):
                    found = _aligned(row, order or range(len(COLUMNS)), len(at))
                axes, version = found[1] or [], found[2]
                known = remembered.get(name)
                if known is None or known.axes != axes or known.version != version:
                    known = remembered[name] = self._describe(name, axes, version)
                if len(known.cases) == 1:
                    results.append(_only_result(found, known))
                elif known.cases:
                    results += _results(found, known)
                else:
                    continue
            except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
                faults.append(f"{name}: not a row of results: {error}")
                continue
            benchmarks[name] = known.benchmark
            if order is None and len(row) <= _PROFILE:
                row[:1] = [None]
                del row[_FIRST_STATS:]
            else:
                row.extend([None] * (len(at) - len(row)))
                for position in per_case:
                    row[position] = None
        return results, benchmarks, faults

    def _describe(self, name: str, axes: list[list[str]], version: str | None) -> _Known:
        benchmark = benchmark_of(name, self._suite.get(name), params=axes, version=version)
        cases = tuple(benchmark.cases())
        count = len(cases)
        return _Known(axes, version, cases, benchmark, (Status.OK,) * count, (None,) * count)


def _aligned(row: list[Any], order: Sequence[int | None], width: int) -> list[Any]:
    """A row with every column of `COLUMNS` in its place; null where it has no such column."""
    if len(row) > width:
        raise ValueError(f"{len(row)} columns where the file names {width}")
    return [None if i is None or i >= len(row) else row[i] for i in order]


def _only_result(row: list[Any], known: _Known) -> Result:
    """The result of a row with one case, the columns in the order of `COLUMNS`.

    Nearly every row of a real history is of this kind and is all numbers; those are read at once,
    and whatever is not so (nothing but numbers can be subtracted) is looked at piece by piece.
    """
    (case,) = known.cases
    try:
        (value,), _, _, _, _, (low,), (high,), (q25,), (q75,), (number,), (repeat,), *rest = row
        low - high - q25 - q75 - number - repeat
        if value - value == 0:
            samples = None
            if rest and rest[0] is not None:
                (samples,) = map(_samples, rest[0])
            fields = (value, Status.OK, None, number, repeat, low, high, q25, q75, samples)
            return _new_result(Result, (case, *fields, None, None))
    except (TypeError, ValueError, OverflowError):
        pass
    return _any_results(row, known)[0]


def _results(row: list[Any], known: _Known) -> list[Result]:
    """The results of a row with any number of cases, the columns in the order of `COLUMNS`.

    All numbers and no samples are read at once: nothing but numbers can be added up.
    """
    if len(row) == _SAMPLES:
        try:
            values, _, _, _, _, low, high, q25, q75, number, repeat = row
            sum(low), sum(high), sum(q25), sum(q75), sum(number), sum(repeat)
            if math.isfinite(sum(values)):
                fields = (values, known.all_ok, known.nothing, number, repeat, low, high, q25, q75)
                return _zipped(known, *fields, known.nothing)
        except (TypeError, ValueError, OverflowError):
            pass
    return _any_results(row, known)


def _any_results(row: list[Any], known: _Known) -> list[Result]:
    """The results of a row that holds anything: nulls, NaN, text, samples, faults."""
    values, _, _, _, _, *stats = row[:_SAMPLES]
    nothing, count = known.nothing, len(known.cases)
    if values is None:
        values = nothing
    elif type(values) is not list or len(values) != count:
        raise ValueError(f"its results are no list of {count}: {values!r:.40}")
    statuses = [_status(value) for value in values]
    reasons = [_UNKNOWN_NAN if status is Status.SKIPPED else None for status in statuses]
    values = [
        value if status is Status.OK else None
        for value, status in zip(values, statuses, strict=True)
    ]
    columns = [nothing if column is None else column for column in stats]
    if not _NUMBERS.issuperset(map(type, itertools.chain.from_iterable(columns))):
        raise TypeError("statistics that are no numbers")
    low, high, q25, q75, number, repeat = columns
    samples = row[_SAMPLES] if len(row) > _SAMPLES else None
    taken = nothing if samples is None else [_samples(each) for each in samples]
    return _zipped(known, values, statuses, reasons, number, repeat, low, high, q25, q75, taken)


def _zipped(known: _Known, *columns: Iterable[Any]) -> list[Result]:
    """The results whose fields stand in these columns. Raises ValueError for unequal lengths."""
    fields = zip(known.cases, *columns, known.nothing, known.nothing, strict=True)
    return list(map(_new_result, itertools.repeat(Result), fields))


def _samples(taken: Any) -> tuple[float, ...] | None:
    if taken is None:
        return None
    if type(taken) is not list or not _NUMBER.issuperset(map(type, taken)):
        raise TypeError(f"samples that are no numbers: {taken!r:.40}")
    return tuple(taken)


def _trimmed(row: Any) -> Any:
    while isinstance(row, list) and row and row[-1] is None:
        row.pop()
    return row


def _checked_commit(value: Any) -> str:
    if isinstance(value, str) and _COMMIT.fullmatch(value):
        return value
    raise ValueError(f"commit_hash: not the hash of a commit: {value!r:.80}")


def _positions(columns: Any) -> dict[str, int]:
    """Where each column is in a row."""
    at = {name: position for position, name in enumerate(columns)}
    if len(at) != len(columns) or "result" not in at or "params" not in at:
        raise ValueError(f"result_columns: not the columns of results: {columns!r:.80}")
    return at


def _status(value: Any) -> Status:
    if value is None:
        return Status.FAILED
    return Status.SKIPPED if isinstance(value, float) and math.isnan(value) else Status.OK


def _environment(document: Mapping[str, Any], machine: Mapping[str, Any] | None) -> Environment:
    asked = document.get("requirements")
    requirements = asked if isinstance(asked, dict) else {}
    return replace(
        hardware({**(machine or {}), **(document.get("params") or {})}),
        mojo_version=text(requirements.get("mojo-compiler")),
        python_version=text(document.get("python")),
        numpy_version=text(requirements.get("numpy")),
        env_name=text(document["env_name"]),
    )


def _first_start(rows: Mapping[str, list[Any]], position: int | None) -> str | None:
    """When the first benchmark of the file that says so was started."""
    if position is None:
        return None
    starts = (iso_date(row[position]) for row in rows.values() if position < len(row))
    return next((start for start in starts if start is not None), None)


def iso_date(milliseconds: object) -> str | None:
    """asv's milliseconds since 1970 as ISO 8601 in UTC; None for what is no such moment."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)):
        return None
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
