"""asv's result files as sheets of numbers: what a history reads, by the thousand.

`tree` reads the same files without loss; here only the values, their intervals and what they belong to
are looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from odyssey_asv.adapter import tree
from odyssey_asv.adapter.convert import iso_date
from odyssey_asv.adapter.metadata import benchmark_of
from odyssey_asv.errors import InvalidFileError
from odyssey_asv.model import Benchmark
from odyssey_asv.past.sheets import Columns, Layout, Sheet
from odyssey_asv.past.timeline import Place

_COLUMNS = ("params", "version", "started_at", "stats_ci_99_a", "stats_ci_99_b")
# The position of a column that a file does not have: no row is so long.
_NEVER = sys.maxsize

Report = Callable[[InvalidFileError], None]


def result_files(folder: Path, report: Report) -> Iterator[Path]:
    """The result files of an asv results folder, machine by machine; none where there is no folder."""
    if folder.is_dir():
        for machine in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
            yield from tree.result_files(machine, report)


class Reader:
    """Reads the files of one tree. What a benchmark looks like rarely differs from file to file, so it is
    remembered. What cannot be read is reported, and the rest is read."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._known: dict[str, tuple[Any, Any, Layout, int]] = {}

    def __call__(self, raw: bytes, source: Path) -> Sheet | None:
        """The numbers of one result file, None where there are none."""
        document = tree.read_document(raw, source, self._report)
        if document is None:
            return None
        try:
            return self._sheet(document, source)
        except KeyError as error:
            self._report(InvalidFileError(str(source), (f"missing key {error}",)))
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            self._report(InvalidFileError(str(source), (f"not an asv result file: {error}",)))
        return None

    def _sheet(self, document: dict[str, Any], source: Path) -> Sheet | None:
        at = {name: position for position, name in enumerate(document["result_columns"])}
        result = at["result"]
        params, version, started, low, high = (at.get(name, _NEVER) for name in _COLUMNS)
        columns, faults, newest = Columns(), [], 0.0
        for benchmark, row in document["results"].items():
            values = row[result]
            if values is None or not benchmark:
                continue
            # asv leaves out the nulls at the end of a row.
            width = len(row)
            axes = row[params] if params < width else None
            code = row[version] if version < width else None
            known = self._known.get(benchmark)
            try:
                if known is None or known[0] != axes or known[1] != code:
                    known = self._known[benchmark] = _known(benchmark, axes, code)
                columns.add(
                    known[2],
                    known[3],
                    values,
                    row[low] if low < width else None,
                    row[high] if high < width else None,
                )
            except (ValueError, TypeError) as error:
                faults.append(f"{benchmark}: not a row of results: {error}")
            moment = row[started] if started < width else None
            if isinstance(moment, (int, float)) and moment > newest:
                newest = moment
        if faults:
            self._report(InvalidFileError(str(source), tuple(faults)))
        machine = document["params"].get("machine") or source.parent.name
        return columns.sheet(
            Place(str(machine), str(document["env_name"])),
            commit=str(document["commit_hash"]),
            date=iso_date(document.get("date")) or "",
            measured_at=iso_date(newest or None) or "",
        )


def _known(benchmark: str, axes: Any, version: Any) -> tuple[Any, Any, Layout, int]:
    texts = tuple(tuple(map(str, axis)) for axis in axes or ())
    layout = Layout(benchmark, None if version is None else str(version), texts)
    return axes, version, layout, layout.cases


class Suite:
    """What `benchmarks.json` says of the benchmarks. Empty where there is no such file."""

    def __init__(self, folder: Path, report: Report) -> None:
        self._records: Mapping[str, Mapping[str, Any]] = tree.read_records(folder, report)

    def __bool__(self) -> bool:
        return bool(self._records)

    def __contains__(self, benchmark: str) -> bool:
        return benchmark in self._records

    def describe(self, layout: Layout) -> Benchmark:
        """The benchmark as the suite describes it, with the parameters that the layout has."""
        return benchmark_of(
            layout.benchmark,
            self._records.get(layout.benchmark),
            params=layout.axes,
            version=layout.version,
        )
