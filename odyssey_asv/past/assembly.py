"""Sheets of many files → series along a line of commits. Pure.

At one place the newest measurement of a case at a commit counts. Of a benchmark only the newest version
of its code that was measured there is taken: values of different code are not one series.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt

from odyssey_asv.model import Benchmark, Case
from odyssey_asv.past.sheets import Bounds, Layout, Sheet, Values
from odyssey_asv.past.timeline import Place, Point, Series

Positions = npt.NDArray[np.int64]
# What is known of a benchmark besides its layout.
Describe = Callable[[Layout], Benchmark]


class Columns(Sequence[Point]):
    """Points of a series as columns: a tenth of the memory that as many `Point`s take."""

    __slots__ = ("high", "low", "positions", "values")

    def __init__(self, positions: Positions, values: Values, low: Bounds, high: Bounds) -> None:
        self.positions = positions
        self.values = values
        self.low = low
        self.high = high

    @classmethod
    def of(cls, points: Sequence[Point]) -> Columns:
        """The same points as columns."""
        if isinstance(points, cls):
            return points
        position, value, low, high = zip(*points, strict=True) if points else ((), (), (), ())
        return cls(
            np.array(position, dtype=np.int64),
            np.array(value, dtype=np.float64),
            np.array(low, dtype=np.float32),
            np.array(high, dtype=np.float32),
        )

    def __len__(self) -> int:
        return len(self.positions)

    @overload
    def __getitem__(self, index: int) -> Point: ...
    @overload
    def __getitem__(self, index: slice) -> Columns: ...
    def __getitem__(self, index: int | slice) -> Point | Columns:
        if isinstance(index, slice):
            return Columns(
                self.positions[index], self.values[index], self.low[index], self.high[index]
            )
        return Point(
            int(self.positions[index]),
            float(self.values[index]),
            _bound(self.low[index]),
            _bound(self.high[index]),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def _bound(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(value)


class _Row(NamedTuple):
    """What one file says of one benchmark: at which commit, and which part of which sheet."""

    position: int
    sheet: Sheet
    layout: Layout
    start: int
    end: int


def assemble(
    sheets: Iterable[Sheet],
    positions: Mapping[str, int],
    describe: Describe,
    wanted: Callable[[Case], bool],
) -> Iterator[Series]:
    """The series of all wanted cases, benchmark by benchmark within a place.

    `positions` tells where on the line a commit is; sheets of others are left out. `describe` describes
    the benchmark of a layout.
    """
    places: dict[Place, dict[str, list[_Row]]] = defaultdict(lambda: defaultdict(list))
    for sheet in sorted(sheets, key=lambda sheet: sheet.measured_at):
        position = positions.get(sheet.commit)
        if position is None:
            continue
        of_place = places[sheet.place]
        for layout, start, end in sheet.rows():
            of_place[layout.benchmark].append(_Row(position, sheet, layout, start, end))
    for place, benchmarks in sorted(places.items()):
        for _, rows in sorted(benchmarks.items()):
            yield from _series_of(place, rows, describe, wanted)


def _series_of(
    place: Place, rows: list[_Row], describe: Describe, wanted: Callable[[Case], bool]
) -> Iterator[Series]:
    newest = max(rows, key=lambda row: row.position).layout
    benchmark = describe(newest)
    cases = [(column, case) for column, case in enumerate(benchmark.cases()) if wanted(case)]
    if not cases:
        return
    rows = [row for row in rows if row.layout.version == newest.version]
    table = _Table(sorted({row.position for row in rows}), newest.cases)
    where: dict[Layout, Positions | None] = {newest: None}
    for row in rows:
        if row.layout not in where:
            where[row.layout] = _columns_in(newest, row.layout)
        table.fill(row, where[row.layout])
    for column, case in cases:
        points = table.points(column)
        if len(points):
            yield Series(benchmark, case, place, points, benchmark.better)


def _columns_in(newest: Layout, older: Layout) -> Positions:
    """For each case of an older layout its place among the newest's, -1 where it is gone."""
    known = {values: column for column, values in enumerate(itertools.product(*newest.axes))}
    return np.array([known.get(values, -1) for values in itertools.product(*older.axes)])


class _Table:
    """One benchmark at one place: a row for each commit, a column for each case."""

    def __init__(self, positions: list[int], cases: int) -> None:
        self._row = {position: row for row, position in enumerate(positions)}
        self._positions = np.array(positions, dtype=np.int64)
        self._values = np.full((len(positions), cases), np.nan)
        self._low = np.full((len(positions), cases), np.nan, dtype=np.float32)
        self._high = np.full((len(positions), cases), np.nan, dtype=np.float32)

    def fill(self, row: _Row, columns: Positions | None) -> None:
        """Enter what a file says; later files overwrite. `columns` is None where the cases agree."""
        values = row.sheet.values[row.start : row.end]
        known = ~np.isnan(values)
        if columns is not None:
            known &= columns >= 0
        target = np.flatnonzero(known) if columns is None else columns[known]
        line = self._row[row.position]
        self._values[line, target] = values[known]
        self._low[line, target] = row.sheet.low[row.start : row.end][known]
        self._high[line, target] = row.sheet.high[row.start : row.end][known]

    def points(self, column: int) -> Columns:
        known = ~np.isnan(self._values[:, column])
        return Columns(
            self._positions[known],
            self._values[known, column],
            self._low[known, column],
            self._high[known, column],
        )
