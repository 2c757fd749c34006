"""asv's result files as sheets of numbers: what a history reads, by the thousand.

`tree` reads the same files without loss; here only the values, their intervals and what they belong to
are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from odyssey_asv.adapter import tree
from odyssey_asv.adapter.convert import iso_date
from odyssey_asv.adapter.metadata import benchmark_of
from odyssey_asv.errors import InvalidFileError
from odyssey_asv.model import Benchmark
from odyssey_asv.sheets import Columns, Layout, Sheet
from odyssey_asv.timeline import Place

Report = Callable[[InvalidFileError], None]


def result_files(folder: Path, report: Report) -> Iterator[Path]:
    """The result files of an asv results folder, machine by machine; none where there is no folder."""
    if folder.is_dir():
        for machine in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
            yield from tree.result_files(machine, report)


def read_sheet(raw: bytes, source: Path, report: Report) -> Sheet | None:
    """The numbers of one result file, None where there are none.

    What cannot be read is reported, and the rest is read.
    """
    document = tree.read_document(raw, source, report)
    if document is None:
        return None
    try:
        return _sheet(document, source, report)
    except KeyError as error:
        report(InvalidFileError(str(source), (f"missing key {error}",)))
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        report(InvalidFileError(str(source), (f"not an asv result file: {error}",)))
    return None


def _sheet(document: dict[str, Any], source: Path, report: Report) -> Sheet | None:
    at = {name: position for position, name in enumerate(document["result_columns"])}
    columns, faults = Columns(), []
    started = 0.0
    for benchmark, row in document["results"].items():
        entry = dict(zip(at, row, strict=False))
        values = entry["result"]
        if values is None or not benchmark:
            continue
        axes = tuple(tuple(map(str, axis)) for axis in entry.get("params") or ())
        version = entry.get("version")
        layout = Layout(benchmark, None if version is None else str(version), axes)
        try:
            columns.add(layout, values, entry.get("stats_ci_99_a"), entry.get("stats_ci_99_b"))
        except (ValueError, TypeError) as error:
            faults.append(f"{benchmark}: not a row of results: {error}")
        moment = entry.get("started_at")
        if isinstance(moment, (int, float)):
            started = max(started, moment)
    if faults:
        report(InvalidFileError(str(source), tuple(faults)))
    machine = document["params"].get("machine") or source.parent.name
    return columns.sheet(
        Place(str(machine), str(document["env_name"])),
        commit=str(document["commit_hash"]),
        date=iso_date(document.get("date")) or "",
        measured_at=iso_date(started or None) or "",
    )


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
