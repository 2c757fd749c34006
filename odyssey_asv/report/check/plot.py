"""Where a case's interval lies, drawn in one line of text on an axis that a whole table shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from odyssey_asv.findings import Finding

WIDTH = 17
_MIDDLE = WIDTH // 2
# Up to 100 %: there is nothing below -100 %.
_REACHES = (0.02, 0.05, 0.10, 0.20, 0.50, 1.00)


@dataclass(frozen=True, slots=True)
class Signs:
    """What to draw with: one column each."""

    zero: str
    tolerance: str
    threshold: str
    line: str
    point: str
    left: str
    right: str


LINES = Signs("│", "┊", "╎", "━", "●", "◂", "▸")
ASCII = Signs("|", ":", "!", "=", "o", "<", ">")


@dataclass(frozen=True, slots=True)
class Axis:
    """Relative changes from `-reach` to `reach`; what lies beyond is an arrow at the edge."""

    reach: float

    @property
    def heading(self) -> str:
        """Its ends in per cent, as wide as the plot."""
        left, right = (f"{sign}{self.reach * 100.0:.10g} %" for sign in "-+")
        return left + right.rjust(WIDTH - len(left))

    def plot(self, finding: Finding, signs: Signs = LINES) -> str:
        """The interval and the estimate of a case over its limits, nothing where there is none."""
        if finding.interval is None or finding.ratio is None:
            return ""
        columns = [" "] * WIDTH
        columns[_MIDDLE] = signs.zero
        limits = finding.limits
        for limit, sign in (
            (limits.tolerance, signs.tolerance),
            (limits.threshold, signs.threshold),
        ):
            worse = float(limits.worsening(limit))
            if 0.0 < abs(worse) <= self.reach:
                columns[self._column(worse)] = sign
        low, high, middle = (r - 1.0 for r in (*finding.interval, finding.ratio))
        for column in range(self._column(low), self._column(high) + 1):
            columns[column] = signs.line
        if abs(middle) <= self.reach:
            columns[self._column(middle)] = signs.point
        if low < -self.reach:
            columns[0] = signs.left
        if high > self.reach:
            columns[-1] = signs.right
        return "".join(columns)

    def _column(self, change: float) -> int:
        inside = max(-1.0, min(change / self.reach, 1.0))
        return _MIDDLE + round(inside * _MIDDLE)


def axis(findings: Sequence[Finding]) -> Axis:
    """One that holds half of the intervals, but at least two and at most five thresholds."""
    threshold = float(median(f.limits.threshold for f in findings)) if findings else 0.0
    wanted = max(2.0 * threshold, min(median(_farthest(findings) or [0.0]), 5.0 * threshold))
    return Axis(next((reach for reach in _REACHES if reach >= wanted), _REACHES[-1]))


def _farthest(findings: Iterable[Finding]) -> list[float]:
    """How far from no change each interval reaches."""
    intervals = [finding.interval for finding in findings]
    return [max(abs(end - 1.0) for end in ends) for ends in intervals if ends is not None]
