"""A history for programs: strict JSON, its schema counted by `schema_version`."""

from __future__ import annotations

import json
from typing import Any

from odyssey_asv.past.timeline import Found, History, Line, Place, Trend

SCHEMA_VERSION = "1.0"


def render(history: History, *, exit_code: int, regressions: bool = False) -> str:
    """The report as JSON text, ending in a newline. `regressions` leaves out all other changes."""
    plain = document(history, exit_code=exit_code, regressions=regressions)
    return json.dumps(plain, indent=2, sort_keys=True, allow_nan=False) + "\n"


def document(history: History, *, exit_code: int, regressions: bool = False) -> dict[str, Any]:
    """The report as plain data.

    `ratio`, `interval`, `against_best` and `against_release` are new over old: 1.12 is +12 %. A change
    is after the commit `before` and not after the commit `after`; `commits` of them may be at fault.
    What is unknown is null.
    """
    line = history.line
    changes = history.regressions if regressions else history.found
    return {
        "schema_version": SCHEMA_VERSION,
        "branch": line.branch,
        "commits": line.length,
        "since": history.since,
        "confidence": history.confidence,
        "exit_code": exit_code,
        "releases": [
            {"commit": moment.commit, "names": list(moment.releases), "date": moment.date}
            for moment in line.releases
        ],
        "places": [_place(place) for place in history.places],
        "changes": [_change(found, line) for found in changes],
        "series": [_series(trend, line) for trend in history.trends],
        "warnings": list(history.warnings),
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "machine": place.machine,
        "environment": place.environment,
        "kind": place.how.value,
    }


def _case(trend: Trend) -> dict[str, Any]:
    series = trend.series
    return {
        "id": series.benchmark.id,
        "name": series.benchmark.name,
        "label": trend.label,
        "params": dict(series.case.params),
        "unit": series.benchmark.unit,
        "better": series.better.value,
        **_place(series.place),
    }


def _change(found: Found, line: Line) -> dict[str, Any]:
    change = found.change
    after = line.moments[change.after]
    back = None if change.recovered is None else line.moments[change.recovered].commit
    return {
        **_case(found.trend),
        "before": line.moments[change.before].commit,
        "after": after.commit,
        "commits": change.after - change.before,
        "date": after.date,
        "subject": after.subject,
        "old": change.old,
        "new": change.new,
        "ratio": change.ratio,
        "interval": list(change.interval),
        "worse": change.worse,
        "confirmed": change.confirmed,
        "recovered": back,
    }


def _series(trend: Trend, line: Line) -> dict[str, Any]:
    points = trend.series.points
    return {
        **_case(trend),
        "measurements": len(points),
        "first": line.moments[points[0].position].commit,
        "last": line.moments[points[-1].position].commit,
        "latest": trend.levels[-1].value,
        "noise": trend.noise,
        "against_best": trend.against_best,
        "against_release": trend.against_release,
    }
