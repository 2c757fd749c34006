"""What every export begins with: the results that have a number, each under a name of its own.

Knows no format. What is left out, and what is changed, is noted on the way and ends as warnings.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, NamedTuple

from odyssey_asv.comparison import label
from odyssey_asv.formats.shape import Exported, several
from odyssey_asv.model import Benchmark, Better, Kind, Result, ResultSet, Status
from odyssey_asv.units import one_line

# Its square, a thousand million times that, is still a number.
_LARGEST = 1e100


class Row(NamedTuple):
    """One result with a number, `value`. `name` is the case's own in this export."""

    name: str
    benchmark: Benchmark
    result: Result
    value: float

    @property
    def short(self) -> str:
        """The name without the module."""
        return label(self.benchmark, self.result.case)

    @property
    def loops(self) -> int | None:
        """Calls in one sample, where that is a whole number."""
        number = sound(self.result.number)
        return int(number) if number is not None and number >= 1 and number.is_integer() else None


class Rows:
    """The rows of one export, and what there is to say of them."""

    def __init__(self) -> None:
        self.kept: list[Row] = []
        self._notes: dict[str, list[str]] = {}

    def note(self, what: str, name: str) -> None:
        """Something to say of a case; cases with the same remark share a warning."""
        self._notes.setdefault(what, []).append(name)

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(f"{what}: {several(names)}" for what, names in self._notes.items())

    def exported(self, document: Any) -> Exported:
        """A JSON document with the warnings; strict, and ASCII only."""
        return Exported(json.dumps(document, allow_nan=False, indent=1) + "\n", self.warnings)


def rows_of(
    results: ResultSet, *, kinds: Collection[Kind] = tuple(Kind), exact_names: bool = False
) -> Rows:
    """The results of these kinds that have a number.

    Names are ids with parameters. Unless they are to be exact they are text on one line that drives no
    terminal. Two cases of one name are told apart by `#2`.
    """
    rows = Rows()
    taken: set[str] = set()
    for result in results.results:
        benchmark = results.benchmarks[result.case.benchmark]
        exact = label(benchmark, result.case, qualified=not benchmark.anonymous)
        name = exact if exact_names else one_line(exact)
        if benchmark.kind not in kinds:
            rows.note(f"left out, the format has no place for {benchmark.kind.value}", name)
            continue
        value = sound(result.value) if result.status is Status.OK else None
        if value is None:
            why = "not a number" if result.status is Status.OK else result.status.value
            rows.note(f"left out, without a value ({why})", name)
            continue
        if any(sound(sample) is None for sample in result.all_samples or ()):
            rows.note("left out, with samples that are no numbers", name)
            continue
        if not name:
            rows.note("left out, its name is white space", repr(exact))
            continue
        if name != exact:
            rows.note("the name is changed, to be one line that drives no terminal", name)
        if name in taken:
            name = _another(name, taken)
            rows.note("a second case of this name is called", name)
        taken.add(name)
        rows.kept.append(Row(name, benchmark, result, value))
    return rows


def note_direction(rows: Rows, row: Row) -> None:
    """Say that a format takes lower for better where this case does not."""
    if row.benchmark.better is Better.HIGHER:
        rows.note("the format cannot say that higher is better", row.name)


def sound(value: object) -> float | None:
    """A number that can be scaled, summed and squared, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= _LARGEST:
        return None
    return float(value)


def _another(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name} #{number}" in taken:
        number += 1
    return f"{name} #{number}"
