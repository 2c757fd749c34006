"""What one stored file says, as columns of numbers: all that a history needs of it. Pure.

A real history holds millions of values; kept as `Result`s they would not fit into memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from odyssey_asv.past.timeline import Place

Values = npt.NDArray[np.float64]
Bounds = npt.NDArray[np.float32]
_PLAIN = frozenset({float, int, bool, type(None)})


class Described(NamedTuple):
    """What a file itself says of a benchmark. asv's result files say nothing of it."""

    kind: str
    unit: str
    better: str
    param_names: tuple[str, ...]


class Layout(NamedTuple):
    """One benchmark as one file has it: its id, the version of its code, the values of its parameters,
    one tuple of texts an axis."""

    benchmark: str
    version: str | None
    axes: tuple[tuple[str, ...], ...]
    described: Described | None = None

    @property
    def cases(self) -> int:
        """How many values belong to it, in the order of the axes' product."""
        return math.prod(map(len, self.axes))


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file: the results of one commit at one place.

    `values` holds those of the layouts' cases one after another, NaN where there is none; `low` and
    `high` are the ends of the stored intervals, NaN where there is none. `date` is the commit's and
    `measured_at` that of the measurement, both ISO 8601 in UTC, empty where unknown.
    """

    place: Place
    commit: str
    date: str
    measured_at: str
    layouts: tuple[Layout, ...]
    values: Values
    low: Bounds
    high: Bounds

    def rows(self) -> Iterator[tuple[Layout, int, int]]:
        """Each layout with the part of the columns that is its: from, to."""
        start = 0
        for layout in self.layouts:
            end = start + layout.cases
            yield layout, start, end
            start = end


class Columns:
    """The columns of a sheet while it is being read."""

    def __init__(self) -> None:
        self._layouts: list[Layout] = []
        self._counts: list[int] = []
        self._values: list[Any] = []
        self._low: list[Any] = []
        self._high: list[Any] = []

    def add(
        self,
        layout: Layout,
        count: int,
        values: Sequence[Any],
        low: Sequence[Any] | None,
        high: Sequence[Any] | None,
    ) -> None:
        """Add the `count` cases of one benchmark; what is not a number counts as none.

        Raises ValueError where a column has another length.
        """
        low = [None] * count if low is None else low
        high = [None] * count if high is None else high
        if not len(values) == len(low) == len(high) == count:
            raise ValueError(f"{len(values)} values for {count} cases")
        # numpy would read a text such as "12" as a number.
        self._values.extend(
            values if _PLAIN.issuperset(map(type, values)) else map(_number, values)
        )
        self._low.extend(low)
        self._high.extend(high)
        self._layouts.append(layout)
        self._counts.append(count)

    def sheet(self, place: Place, *, commit: str, date: str, measured_at: str) -> Sheet | None:
        """The sheet without the benchmarks that have no number at all; None if that leaves nothing."""
        if not self._layouts:
            return None
        values, low, high = map(_numbers, (self._values, self._low, self._high))
        values[~np.isfinite(values)] = np.nan
        counts = np.array(self._counts)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        kept = np.logical_or.reduceat(~np.isnan(values), starts)
        cells = np.repeat(kept, counts)
        if not kept.any():
            return None
        return Sheet(
            place=place,
            commit=commit,
            date=date,
            measured_at=measured_at,
            layouts=tuple(layout for layout, keep in zip(self._layouts, kept, strict=True) if keep),
            values=values[cells],
            low=_bounds(low[cells]),
            high=_bounds(high[cells]),
        )


def _bounds(column: Values) -> Bounds:
    column[~np.isfinite(column)] = np.nan
    with np.errstate(over="ignore"):
        return column.astype(np.float32)


def _numbers(column: list[Any]) -> Values:
    if _PLAIN.issuperset(map(type, column)):
        try:
            return np.array(column, dtype=np.float64)
        except OverflowError:
            pass
    return np.array([_number(entry) for entry in column], dtype=np.float64)


def _number(entry: Any) -> float:
    if isinstance(entry, (int, float)):
        try:
            return float(entry)
        except OverflowError:
            pass
    return math.nan
