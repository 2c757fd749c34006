"""The nouns of a history: commits in line, series of values along them, and where their level changed.

Knows no files, git or asv. Positions count the commits of the line, the oldest first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from odyssey_asv.model import Benchmark, Better, Case, Metric, RunKind


class Place(NamedTuple):
    """Where and how values were measured. Values of different places are never in one series."""

    machine: str
    environment: str
    how: RunKind = RunKind.ASV


@dataclass(frozen=True, slots=True)
class Moment:
    """One commit of the line. `date` is when it was committed, UTC, ISO 8601; `releases` are its tags."""

    position: int
    commit: str
    date: str
    subject: str = ""
    releases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """The first parents of a branch. `moments` holds by position the commits that have results or a
    release, `length` counts all. `branch` is None where there was no repository: then the commits that
    have results are ordered by date and nothing is known of what lies between."""

    moments: Mapping[int, Moment]
    length: int
    branch: str | None = None

    @cached_property
    def releases(self) -> tuple[Moment, ...]:
        """The commits that have a release, the oldest first."""
        return tuple(m for _, m in sorted(self.moments.items()) if m.releases)


class Point(NamedTuple):
    """One measurement: the commit's position, the value in the benchmark's unit, and the interval that
    was stored with it, None where none was."""

    position: int
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Series:
    """The values of one case at one place, in the order of the line. At most one for each commit.

    `better` is the benchmark's own word, or that of the settings where these turn it.
    """

    benchmark: Benchmark
    case: Case
    place: Place
    points: Sequence[Point]
    better: Better = Better.LOWER


class Level(NamedTuple):
    """A run of points that differ by noise alone: `first` and `last` index `Series.points`, both
    included. `value` is their median."""

    first: int
    last: int
    value: float


@dataclass(frozen=True, slots=True)
class Change:
    """Where the level of a series changed.

    The commit at fault is after position `before`, the last one with the old level, and not after
    `after`, the first one with the new. `ratio` is new over old and `interval` where it lies with the
    history's confidence. `worse` says in which direction. `confirmed` is False where fewer points than
    `MIN_POINTS` carry the new level: at the newest commits. `recovered` is the position where a later
    change made up for it, None where none did.
    """

    before: int
    after: int
    old: float
    new: float
    ratio: float
    interval: tuple[float, float]
    worse: bool
    confirmed: bool = True
    recovered: int | None = None

    @property
    def exact(self) -> bool:
        """Whether one commit alone can be at fault."""
        return self.after - self.before == 1


@dataclass(frozen=True)
class Trend:
    """A series with what was found in it.

    `changes` are those that count: larger than the benchmark's tolerance; `small` is how many did not.
    `noise` is the standard deviation of a value about its level, as a share. `against_best` and
    `against_release` are the latest level over the best one ever and over the level at the newest
    release on the line, each None where there is none; above 1 is slower for time.
    """

    series: Series
    levels: tuple[Level, ...]
    changes: tuple[Change, ...]
    noise: float
    small: int = 0
    against_best: float | None = None
    against_release: float | None = None

    @property
    def label(self) -> str:
        """The case as asv names it: the benchmark and the parameters' values."""
        case = self.series.case
        values = ", ".join(value for _, value in case.params)
        return f"{case.benchmark}({values})" if case.params else case.benchmark


class Found(NamedTuple):
    """A change with the series it is in."""

    trend: Trend
    change: Change


class Overall(NamedTuple):
    """The geometric mean, at one position, of the latest durations known over those first known of all
    series of one place; as many `series` are in it."""

    position: int
    ratio: float
    series: int


@dataclass(frozen=True)
class History:
    """Everything that stored results say about the past.

    `trends` holds one for each series, ordered by name. `since` is the position from which on changes
    are of interest, 0 for all. `overall` holds for each place how it went on the whole. `warnings` says
    what was left out and why. `closed` are places where nothing has been measured for long.
    """

    line: Line
    trends: tuple[Trend, ...]
    confidence: float
    since: int = 0
    overall: Mapping[Place, tuple[Overall, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    closed: frozenset[Place] = frozenset()

    @cached_property
    def found(self) -> tuple[Found, ...]:
        """Every change since `since`, the largest first; regressions that still hold before all others,
        durations before all else."""
        every = (Found(trend, change) for trend in self.trends for change in trend.changes)
        return tuple(sorted((f for f in every if f.change.after >= self.since), key=_rank))

    @cached_property
    def regressions(self) -> tuple[Found, ...]:
        """The changes for the worse that no later one made up for, at current places, the worst first."""
        return tuple(f for f in self._held if f.trend.series.place in self.current)

    @cached_property
    def ended(self) -> tuple[Found, ...]:
        """As `regressions`, at places where nothing has been measured for long."""
        return tuple(f for f in self._held if f.trend.series.place not in self.current)

    @cached_property
    def _held(self) -> tuple[Found, ...]:
        return tuple(f for f in self.found if f.change.worse and f.change.recovered is None)

    @cached_property
    def current(self) -> frozenset[Place]:
        """The places where something is still measured."""
        return frozenset(self.places) - self.closed

    @cached_property
    def places(self) -> tuple[Place, ...]:
        return tuple(sorted({trend.series.place for trend in self.trends}))


def _rank(found: Found) -> tuple[int, bool, float, str, int]:
    change = found.change
    size = max(change.ratio, 1.0 / change.ratio) if change.ratio > 0.0 else float("inf")
    kind = 0 if change.worse and change.recovered is None else 1 if change.worse else 2
    timed = found.trend.series.benchmark.metric is Metric.DURATION
    return kind, not timed, -size, found.trend.label, change.after
