"""The change of every case with its interval, drawn one below the other on one axis."""

from __future__ import annotations

import math
import statistics
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from odyssey_asv.report.html.scale import Scale, Tick

ROW = 24
# From where to where the axis goes: names stand left of it, changes and verdicts right.
_START, _END = 300, 728
# As many columns of a name as fit beside the axis.
_COLUMNS = 38
# Up to 100 %: there is nothing below -100 %.
_REACHES = (0.02, 0.05, 0.10, 0.20, 0.50, 1.00)


@dataclass(frozen=True, slots=True)
class Mark:
    """What is to be drawn of a case. Changes are shares, 0.1 for +10 %; None where there is none.

    `anchor` is the id of its row in the table, `tone` the class of its verdict, `shown` the change in
    words. `tolerance` and `threshold` have the sign of what is worse.
    """

    name: str
    anchor: str
    tone: str
    verdict: str
    shown: str
    change: float | None
    interval: tuple[float, float] | None
    tolerance: float
    threshold: float
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One case in its place. `low`, `high` and `point` are across, `y` is its middle from above; `left`
    and `right` say that its interval goes on beyond the axis."""

    mark: Mark
    label: str
    y: float
    low: float | None
    high: float | None
    point: float | None
    left: bool
    right: bool

    @property
    def told(self) -> str:
        """The row in words."""
        change = f"{self.mark.shown} " if self.mark.shown else ""
        return f"{self.mark.name}: {change}{self.mark.verdict}"

    @property
    def sign(self) -> str:
        """How the estimate is drawn, so that colour is not all that tells an alarm."""
        if self.mark.alarm:
            return "diamond"
        return "hollow" if self.mark.tone == "inconclusive" else "circle"


@dataclass(frozen=True, slots=True)
class Plot:
    """The whole drawing. `tolerance` and `threshold` are paths with a stroke for each case."""

    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    zero: float
    tolerance: str
    threshold: str

    @property
    def height(self) -> int:
        return ROW * len(self.rows)


def plot(marks: Sequence[Mark]) -> Plot | None:
    """The drawing of all cases in their order; None where nothing was estimated in any."""
    if all(mark.change is None for mark in marks):
        return None
    reach = _reach(marks)
    along = Scale(-reach, reach, _START, _END)
    return Plot(
        rows=tuple(_row(mark, number, along) for number, mark in enumerate(marks)),
        ticks=along.every(reach / 2.0),
        zero=along.at(0.0),
        tolerance=_limits([mark.tolerance for mark in marks], along),
        threshold=_limits([mark.threshold for mark in marks], along),
    )


def _row(mark: Mark, number: int, along: Scale) -> Row:
    low, high = mark.interval or (None, None)
    change = mark.change
    return Row(
        mark=mark,
        label=shortened(mark.name),
        y=ROW * (number + 0.5),
        low=None if low is None else along.at(low),
        high=None if high is None else along.at(high),
        point=along.at(change) if change is not None and along.holds(change) else None,
        left=low is not None and low < along.low,
        right=high is not None and high > along.high,
    )


def _limits(limits: Sequence[float], along: Scale) -> str:
    strokes = (
        f"M{along.at(limit)} {ROW * number}v{ROW}"
        for number, limit in enumerate(limits)
        if limit and along.holds(limit)
    )
    return "".join(strokes)


def _reach(marks: Sequence[Mark]) -> float:
    """How far the axis goes to either side: nine of ten intervals fit, and two thresholds at least."""
    farthest = sorted(
        max(abs(end) for end in (mark.change, *(mark.interval or (mark.change,))))
        for mark in marks
        if mark.change is not None
    )
    most = farthest[math.ceil(0.9 * len(farthest)) - 1]
    wanted = max(2.0 * statistics.median(abs(mark.threshold) for mark in marks), most)
    return next((reach for reach in _REACHES if reach >= wanted), _REACHES[-1])


def shortened(name: str) -> str:
    """A name cut in its middle to what fits beside the axis: both ends tell cases apart.

    >>> shortened("suite.time_sum(n=10)")
    'suite.time_sum(n=10)'
    """
    if sum(map(_columns, name)) <= _COLUMNS:
        return name
    start = _fitting(name, _COLUMNS // 2)
    end = _fitting(name[::-1], _COLUMNS - _COLUMNS // 2 - 1)[::-1]
    return f"{start}…{end}"


def _fitting(name: str, columns: int) -> str:
    """As much of the beginning as these columns hold."""
    for length, character in enumerate(name):
        columns -= _columns(character)
        if columns < 0:
            return name[:length]
    return name


def _columns(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
