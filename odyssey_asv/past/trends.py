"""A series → its levels, the changes between them, and where it stands now. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from odyssey_asv.model import Better, Metric
from odyssey_asv.past import changepoints
from odyssey_asv.past.assembly import Columns
from odyssey_asv.past.changepoints import Run, Solver, Split
from odyssey_asv.past.sheets import Values
from odyssey_asv.past.timeline import Change, Level, Overall, Series, Trend
from odyssey_asv.policy import Limits


def values_of(series: Series) -> Values:
    """The values of a series as a column."""
    return Columns.of(series.points).values


def searchable(series: Series) -> bool:
    """Whether all values are above zero, so that ratios of them mean something."""
    return bool(np.all(values_of(series) > 0.0))


def trend(
    series: Series, limits: Limits, solve: Solver, confidence: float, release: int | None = None
) -> Trend:
    """What a series with at least one point says.

    Changes up to the tolerance are counted and not listed. `release` is the position of the newest
    release on the line. Raises ValueError where a value is zero or below.
    """
    found = changepoints.split(values_of(series), solve)
    changes = _changes(series, found, limits, confidence)
    tolerance = math.log1p(float(limits.tolerance))
    large = [change for change in changes if abs(math.log(change.ratio)) > tolerance]
    return Trend(
        series=series,
        levels=tuple(Level(run.first, run.last, changepoints.exp(run.level)) for run in found.runs),
        changes=tuple(_recovered(large, tolerance)),
        noise=math.expm1(min(found.noise, 700.0)),
        small=len(changes) - len(large),
        against_best=_against(found.runs[-1], _best(found.runs, limits.better)),
        against_release=_against(found.runs[-1], _at(series, found.runs, release)),
    )


def _changes(series: Series, found: Split, limits: Limits, confidence: float) -> list[Change]:
    points = series.points
    changes = []
    for before, after in itertools.pairwise(found.runs):
        ratio, low, high = changepoints.step(before, after, found.noise, confidence)
        changes.append(
            Change(
                before=points[before.last].position,
                after=points[after.first].position,
                old=changepoints.exp(before.level),
                new=changepoints.exp(after.level),
                ratio=ratio,
                interval=(low, high),
                worse=(ratio > 1.0) == (limits.better is Better.LOWER),
                confirmed=after.sure,
            )
        )
    return changes


def _recovered(changes: Sequence[Change], tolerance: float) -> list[Change]:
    """The changes, each for the worse with the position of the later one after which the level was back
    to within the tolerance of what it had been."""
    found = []
    for place, change in enumerate(changes):
        back = next(
            (
                later.after
                for later in changes[place + 1 :]
                if later.confirmed and _made_up(change, later, tolerance)
            ),
            None,
        )
        found.append(replace(change, recovered=back) if change.worse else change)
    return found


def _made_up(change: Change, later: Change, tolerance: float) -> bool:
    left = math.log(later.new / change.old)
    return (left if change.ratio > 1.0 else -left) <= tolerance


def _best(runs: Sequence[Run], better: Better) -> Run | None:
    sure = [run for run in runs if run.sure]
    choose = min if better is Better.LOWER else max
    return choose(sure, key=lambda run: run.level, default=None)


def _at(series: Series, runs: Sequence[Run], position: int | None) -> Run | None:
    """The run that holds at a position: that of the last point up to it."""
    if position is None:
        return None
    held = None
    for run in runs:
        if series.points[run.first].position <= position:
            held = run
    return held


def _against(latest: Run, other: Run | None) -> float | None:
    return None if other is None else changepoints.exp(latest.level - other.level)


def overall(trends: Sequence[Trend]) -> tuple[Overall, ...]:
    """How the durations of one place went on the whole, by the levels: their geometric mean, at each
    position where any level begins, over that at the first. A series counts from its first point on,
    as unchanged before."""
    moves: dict[int, float] = {}
    starts: dict[int, int] = {}
    for one in trends:
        if one.series.benchmark.metric is not Metric.DURATION:
            continue
        points, levels = one.series.points, one.levels
        starts[points[0].position] = starts.get(points[0].position, 0) + 1
        for before, after in itertools.pairwise(levels):
            position = points[after.first].position
            moves[position] = moves.get(position, 0.0) + math.log(after.value / before.value)
    series = sum(starts.values())
    total, count, found = 0.0, 0, []
    for position in sorted(moves.keys() | starts.keys()):
        total += moves.get(position, 0.0)
        count += starts.get(position, 0)
        found.append(Overall(position, changepoints.exp(total / series), count))
    return tuple(found)
