"""A past by hand, with hostile words in every place."""

from __future__ import annotations

from odyssey_asv.model import Benchmark, Case, Kind
from odyssey_asv.past.timeline import (
    Change,
    History,
    Level,
    Line,
    Moment,
    Place,
    Point,
    Series,
    Trend,
)

HOSTILE = "<script>window.hacked=1</script>'\"\u202e" + "x" * 280
HERE, THERE = Place("m1", "py3.11"), Place("m2", "<b>py3.12</b>")


def history() -> History:
    """Thirty commits with hostile words; a benchmark of sixty cases, one at two places, a hostile one."""
    moments = {
        n: Moment(
            n, f"{n + 1:040x}", f"2026-01-{n + 1:02}T00:00:00Z", f"{HOSTILE} {n}",
            (f"v{n}",) if n % 10 == 5 else (),
        )
        for n in range(30)
    }  # fmt: skip
    many = [trend("suite.time_many", case, HERE, 1.0 + case / 50) for case in range(60)]
    places = [trend("suite.time_places", None, HERE, 1.3)]
    places.append(trend("suite.time_places", None, THERE, 1.25))
    hostile = trend(f"suite.time_{HOSTILE}", None, HERE, 1.5)
    return History(Line(moments, 30, "main"), (*many, *places, hostile), 0.99)


def trend(name: str, case: int | None, place: Place, ratio: float) -> Trend:
    params = () if case is None else (("n", str(case)),)
    axes = () if case is None else (tuple(map(str, range(60))),)
    benchmark = Benchmark(
        name, name, Kind.TIME, "seconds", params=axes, param_names=("n",) if axes else ()
    )
    values = [1e-3 * (ratio if n >= 15 else 1.0) * (1 + 0.01 * (n % 3)) for n in range(30)]
    points = tuple(Point(n, v, 0.98 * v, 1.02 * v) for n, v in enumerate(values))
    change = Change(14, 15, 1e-3, 1e-3 * ratio, ratio, (ratio * 0.99, ratio * 1.01), worse=True)
    levels = (Level(0, 14, 1e-3), Level(15, 29, 1e-3 * ratio))
    changes = (change,) if ratio > 1.05 else ()
    series = Series(benchmark, Case(name, params, case), place, points)
    return Trend(series, levels, changes, 0.01, against_best=ratio, against_release=ratio)
