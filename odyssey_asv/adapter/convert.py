"""One asv result document (format 2) → one `ResultSet`, without loss. Touches no files.

asv stores a row for each benchmark: columns named by `result_columns`, trailing nulls dropped, lists
over the cases in `itertools.product` order, a list of nothing but null written as null. What a row
says about cases becomes `Result`s; the rest of the row and of the document stays as it was in
`ResultSet.origin`, from which `compose.document_of` makes the document again.
"""

from __future__ import annotations

import itertools
import math
import operator
import re
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
_PER_CASE = ("result", *(name for name in COLUMNS if name.startswith("stats_")), "samples")
_FIRST_STATS, _SAMPLES, _PROFILE = map(COLUMNS.index, ("stats_ci_99_a", "samples", "profile"))
_NO_STATS = [None] * (_PROFILE - _FIRST_STATS)
_NO_NUMBERS = [None] * (_SAMPLES - _FIRST_STATS)
_NUMBER = frozenset((int, float))
_NUMBERS = _NUMBER | {type(None)}
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_NO_DATE = "1970-01-01T00:00:00Z"
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
        date = _iso(document.get("date"))
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
        padding = [None] * len(at)
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
                elif cases:
                    results += _results(found, cases)
                else:
                    continue
            except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
                faults.append(f"{name}: not a row of results: {error}")
                continue
            benchmarks[name] = known[3]
            if order is None:
                row[0] = None
                row[_FIRST_STATS:_PROFILE] = _NO_STATS
            else:
                for position in per_case:
                    row[position] = None
        return results, benchmarks, faults

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
    values, _, _, _, _, ci_low, ci_high, q25, q75, number, repeat, samples, _ = row
    value = None
    if type(values) is list:
        (value,) = values
    elif values is not None:
        raise TypeError(f"its results are no list: {values!r:.40}")
    status, reason = Status.OK, None
    if value is None or value != value:  # noqa: PLR0124 (NaN is not equal to itself)
        status = _status(value)
        reason = _UNKNOWN_NAN if status is Status.SKIPPED else None
        value = None
    stats = row[_FIRST_STATS:_SAMPLES]
    if stats != _NO_NUMBERS:
        try:
            (ci_low,), (ci_high,), (q25,), (q75,), (number,), (repeat,) = stats
            # Anything but numbers cannot be subtracted.
            ci_low - ci_high - q25 - q75 - number - repeat
        except TypeError:
            stats = [_numbers(column) for column in stats]
            (ci_low,), (ci_high,), (q25,), (q75,), (number,), (repeat,) = stats
    if samples is not None:
        (taken,) = samples
        samples = _samples(taken)
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


def _results(row: list[Any], cases: tuple[Case, ...]) -> list[Result]:
    """The results of a row with any number of cases, the columns in the order of `COLUMNS`."""
    count = len(cases)
    nothing: list[Any] = [None] * count
    values, _, _, _, _, *stats, samples, _ = row
    if values is None:
        values = nothing
    elif type(values) is not list or len(values) != count:
        raise ValueError(f"its results are no list of {count}: {values!r:.40}")
    statuses: Iterable[Status] = itertools.repeat(Status.OK, count)
    reasons: Iterable[str | None] = nothing
    if None in values or any(map(operator.ne, values, values)):
        statuses = [_status(value) for value in values]
        reasons = [_UNKNOWN_NAN if status is Status.SKIPPED else None for status in statuses]
        values = [
            value if status is Status.OK else None
            for value, status in zip(values, statuses, strict=True)
        ]
    columns = [nothing if column is None else column for column in stats]
    if not _NUMBERS.issuperset(map(type, itertools.chain.from_iterable(columns))):
        raise TypeError("statistics that are no numbers")
    ci_low, ci_high, q25, q75, number, repeat = columns
    taken = nothing if samples is None else [_samples(sample) for sample in samples]
    fields = (cases, values, statuses, reasons, number, repeat, ci_low, ci_high, q25, q75, taken)
    # A list, so that columns of unequal lengths leave no results behind.
    return list(map(_new_result, zip(*fields, nothing, nothing, strict=True)))


def _numbers(column: Any) -> list[Any]:
    if column is None:
        return [None]
    if type(column) is not list or not _NUMBERS.issuperset(map(type, column)):
        raise TypeError(f"statistics that are no numbers: {column!r:.40}")
    return column


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
    facts = {**(machine or {}), **(document.get("params") or {})}
    system, _, kernel = str(facts.get("os") or "").partition(" ")
    asked = document.get("requirements")
    requirements = asked if isinstance(asked, dict) else {}
    return Environment(
        os=_text(system.lower()),
        kernel=_text(kernel),
        cpu=_text(facts.get("arch")),
        mojo_version=_text(requirements.get("mojo-compiler")),
        python_version=_text(document.get("python")),
        numpy_version=_text(requirements.get("numpy")),
        machine=_text(facts.get("machine")),
        cpu_model=_text(facts.get("cpu")),
        cores=_count(facts.get("num_cpu")),
        ram_mb=_megabytes(facts.get("ram")),
        env_name=_text(document["env_name"]),
    )


def _first_start(rows: Mapping[str, list[Any]], position: int | None) -> str | None:
    """When the first benchmark of the file that says so was started."""
    if position is None:
        return None
    starts = (_iso(row[position]) for row in rows.values())
    return next((start for start in starts if start is not None), None)


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def _count(value: object) -> int | None:
    try:
        count = int(str(value))
    except ValueError:
        return None
    return count if count >= 0 else None


def _megabytes(ram: object) -> int | None:
    """asv's `ram` is free text; asv itself writes bytes. Anything else stays unknown."""
    size = _count(ram)
    return None if size is None or size < 10**6 else (size + 500_000) // 10**6


def _iso(milliseconds: object) -> str | None:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)):
        return None
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
