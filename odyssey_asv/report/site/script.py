"""Numbers and texts as JavaScript that a page loads: scripts work where nothing else can be fetched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from odyssey_asv.past import trends
from odyssey_asv.past.assembly import Columns
from odyssey_asv.past.timeline import Line, Trend
from odyssey_asv.report.html.paper import text

_DIGITS = 5
# What would end a script, or a line in one.
_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def script(value: Any) -> str:
    """A value as JavaScript that may stand within HTML."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)


def commits(line: Line) -> bytes:
    """The measured and released commits: position, short hash, date, subject, releases."""
    rows = [
        [m.position, m.commit, m.date, text(m.subject, 200), text(", ".join(m.releases), 80)]
        for _, m in sorted(line.moments.items())
    ]
    return f"odyssey.commits={script(rows)};\n".encode()


def lines(of_place: Sequence[Trend]) -> bytes:
    """All series of one benchmark at one place."""
    return f"odyssey.load({script([_line(trend) for trend in of_place])});\n".encode()


def _line(trend: Trend) -> dict[str, Any]:
    columns = Columns.of(trend.series.points)
    known = ~(np.isnan(columns.low) | np.isnan(columns.high))
    found = {
        "label": text(", ".join(value for _, value in trend.series.case.params) or "value", 200),
        "x": columns.positions.tolist(),
        "y": _rounded(columns.values),
        "levels": [
            [
                int(columns.positions[level.first]),
                int(columns.positions[level.last]),
                float(f"{level.value:.{_DIGITS}g}"),
            ]
            for level in trend.levels
        ],
        "changes": [
            [change.before, change.after, float(f"{change.ratio:.{_DIGITS}g}"), int(change.worse)]
            for change in trend.changes
        ],
    }
    if known.any():
        # Where no interval was stored it is the value itself.
        found["low"] = _rounded(np.where(known, columns.low, columns.values))
        found["high"] = _rounded(np.where(known, columns.high, columns.values))
    return found


def _rounded(values: npt.NDArray[np.float64]) -> list[float]:
    """To five significant digits."""
    return [float(f"{value:.{_DIGITS}g}") for value in values.tolist()]


def spark(trend: Trend, width: float = 120.0, height: float = 24.0) -> str:
    """The path of a small picture of a series: logarithms of the values over its points."""
    logs = np.log(trends.values_of(trend.series))
    if len(logs) > 2 * width:
        logs = logs[:: int(len(logs) / width)]
    low, span = float(logs.min()), float(logs.max() - logs.min()) or 1.0
    across = width / max(1, len(logs) - 1)
    spots = [
        f"{n * across:.0f} {height - 2 - (height - 4) * (float(v) - low) / span:.1f}"
        for n, v in enumerate(logs)
    ]
    return "M" + "L".join(spots)
