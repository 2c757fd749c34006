"""One series as a small picture in text: points in dots of braille, or in plain characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

from odyssey_asv.past.timeline import Line, Trend
from odyssey_asv.units import format_value

HEIGHT = 10
_LEAST_WIDTH = 30
_BRAILLE = 0x2800
# Bits of the eight dots of a braille character, by column and row.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


def draw(trend: Trend, line: Line, width: int, *, ascii_only: bool = False) -> list[str]:
    """The series in at most `width` columns: values upwards from the lowest to the highest, commits to
    the right, a mark under each change."""
    points = trend.series.points
    unit = trend.series.benchmark.unit
    values = [point.value for point in points]
    low, high = min(values), max(values)
    labels = [format_value(high, unit), format_value(low, unit)]
    margin = max(map(len, labels)) + 1
    columns = max(_LEAST_WIDTH, width - margin - 1)
    first, last = points[0].position, points[-1].position
    across, down = (1, 1) if ascii_only else (2, 4)
    spots = [
        (
            _scaled(point.position, first, last, columns * across),
            HEIGHT * down - 1 - _scaled(point.value, low, high, HEIGHT * down),
        )
        for point in points
    ]
    rows = _plain(spots, columns) if ascii_only else _braille(spots, columns)
    edge = "|" if ascii_only else "│"
    texts = [labels[0], *[""] * (HEIGHT - 2), labels[1]]
    drawn = [f"{text:>{margin - 1}} {edge}{row}" for text, row in zip(texts, rows, strict=True)]
    marks = _marks(trend, first, last, columns)
    dates = [line.moments[position].date[:10] for position in (first, last)]
    ends = dates[0] + dates[1].rjust(columns - len(dates[0]))
    return [*drawn, *[" " * (margin + 1) + text for text in (*marks, ends)]]


def _scaled(value: float, low: float, high: float, steps: int) -> int:
    if high <= low:
        return steps // 2
    return min(steps - 1, math.floor((value - low) / (high - low) * steps))


def _braille(spots: Sequence[tuple[int, int]], columns: int) -> list[str]:
    cells = [[0] * columns for _ in range(HEIGHT)]
    for x, y in spots:
        cells[y // 4][x // 2] |= _DOTS[x % 2][y % 4]
    return ["".join(chr(_BRAILLE + cell) if cell else " " for cell in row) for row in cells]


def _plain(spots: Sequence[tuple[int, int]], columns: int) -> list[str]:
    cells = [[" "] * columns for _ in range(HEIGHT)]
    for x, y in spots:
        cells[y][x] = "*"
    return ["".join(row) for row in cells]


def _marks(trend: Trend, first: int, last: int, columns: int) -> list[str]:
    """A line with a mark under each change, none where there is no change."""
    signs = [" "] * columns
    for change in trend.changes:
        signs[_scaled(change.after, first, last, columns)] = "^"
    return ["".join(signs).rstrip()] if trend.changes else []
