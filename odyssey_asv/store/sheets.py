"""Our result files as sheets of numbers: what a history reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from odyssey_asv.model import Benchmark, Result, ResultSet
from odyssey_asv.past.sheets import Columns, Described, Layout, Sheet
from odyssey_asv.past.timeline import Place
from odyssey_asv.store import results


def result_files(folder: Path) -> list[Path]:
    """The result files of a folder, the oldest first."""
    return results.newest_first(folder)[::-1]


def read_sheet(raw: bytes, source: Path) -> Sheet | None:
    """The numbers of one result file.

    None where there are none, and for results that belong to no commit: those of uncommitted changes
    and of files that name none. Raises `InvalidFileError` for anything but a result file.
    """
    return sheet_of(results.parse(raw, str(source)))


def sheet_of(found: ResultSet) -> Sheet | None:
    """The numbers of a set; see `read_sheet`."""
    if found.commit.hash is None or found.commit.dirty:
        return None
    columns = Columns()
    by_benchmark: dict[str, list[Result]] = {}
    for result in found.results:
        by_benchmark.setdefault(result.case.benchmark, []).append(result)
    for name, of_benchmark in by_benchmark.items():
        benchmark = found.benchmarks[name]
        if not benchmark.anonymous:
            _add(columns, benchmark, of_benchmark)
    environment = found.environment
    return columns.sheet(
        Place(environment.machine or "", environment.env_name or "", found.run.kind),
        commit=found.commit.hash,
        date=found.commit.date or "",
        measured_at=found.timestamp,
    )


def _add(columns: Columns, benchmark: Benchmark, found: Iterable[Result]) -> None:
    layout = Layout(
        benchmark.id,
        benchmark.version,
        benchmark.params,
        Described(
            benchmark.kind.value, benchmark.unit, benchmark.better.value, benchmark.param_names
        ),
    )
    rows: list[tuple[object, object, object]] = [(None, None, None)] * layout.cases
    for result in found:
        rows[result.case.position or 0] = (result.value, result.ci_low, result.ci_high)
    values, low, high = zip(*rows, strict=True)
    columns.add(layout, layout.cases, values, low, high)
