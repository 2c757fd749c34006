"""What every form says the same way: headings, summaries, values of a delta."""

from __future__ import annotations

from collections.abc import Iterable

from odyssey_asv.comparison import Comparison, Delta
from odyssey_asv.model import Metric, Result, ResultSet
from odyssey_asv.policy import Verdict
from odyssey_asv.units import format_change, format_value

_ORDER = (
    Verdict.REGRESSION,
    Verdict.FAILED,
    Verdict.SLOWER,
    Verdict.UNCHANGED,
    Verdict.FASTER,
    Verdict.FIXED,
    Verdict.ADDED,
    Verdict.REMOVED,
    Verdict.NOT_COMPARABLE,
    Verdict.INCONCLUSIVE,
)
_PLURALS = {Verdict.REGRESSION: "regressions"}


def side(results: ResultSet) -> str:
    """What one side of a comparison is: its commit, its release, where it was read."""
    parts = []
    if results.release:
        parts.append(f"release {results.release}")
    if results.commit.hash:
        describe = results.commit.describe
        known = f" ({describe})" if describe and describe not in results.commit.hash else ""
        parts.append(results.commit.hash[:8] + known)
    parts.append(f"measured {results.timestamp}")
    if results.source:
        parts.append(results.source)
    return ", ".join(parts)


def counts(comparison: Comparison) -> str:
    """`1 regression, 2 slower, 40 unchanged`: the gated cases by verdict."""
    found = comparison.counts
    words = [
        f"{found[verdict]} {_PLURALS.get(verdict, verdict.value) if found[verdict] != 1 else verdict}"
        for verdict in _ORDER
        if found.get(verdict)
    ]
    return ", ".join(words) or "nothing to compare"


def geometric_mean(comparison: Comparison) -> str | None:
    """The mean change of all durations compared, None where there is none."""
    ratio = comparison.geometric_mean
    return None if ratio is None else format_change(ratio - 1.0)


def change(delta: Delta) -> str:
    """`+15.0 %`, or nothing where nothing was divided."""
    return "" if delta.change is None else format_change(delta.change)


def value(delta: Delta, result: Result | None) -> str:
    """One side's value with its unit, or what became of it."""
    if result is None:
        return "-"
    if result.value is None:
        return result.status.value.replace("_", " ")
    return format_value(result.value, delta.benchmark.unit)


def verdict(delta: Delta) -> str:
    """The verdict with the severity of a regression, which is shouted."""
    if delta.verdict is Verdict.REGRESSION:
        return f"REGRESSION ({delta.severity})"
    return delta.verdict.value


def metric(delta: Delta) -> str:
    """The label of a case with its metric where that is not the duration."""
    return delta.label if delta.metric is Metric.DURATION else f"{delta.label} [{delta.metric}]"


def ungated(comparison: Comparison) -> list[str]:
    """A line for each metric that is not gated but got worse beyond its threshold."""
    lines = []
    for kind in Metric:
        worse = [
            delta
            for delta in comparison.deltas
            if not delta.gated and delta.metric is kind and delta.verdict is Verdict.REGRESSION
        ]
        if worse:
            worst = max(worse, key=lambda delta: delta.worsening or 0)
            lines.append(
                f"{kind}: {len(worse)} worse beyond the threshold, worst {worst.label}"
                f" {change(worst)}; not gated (--gate duration,{kind})"
            )
    return lines


def reasons(deltas: Iterable[Delta]) -> list[tuple[str, str]]:
    """Label and reason of each delta that has one."""
    return [(delta.label, delta.reason) for delta in deltas if delta.reason]


def conclusion(comparison: Comparison) -> str:
    """The verdict on the whole in one line."""
    if comparison.faults:
        return "invalid data: no verdict"
    if comparison.compared == 0 and not comparison.alarm:
        return "nothing was compared: no verdict"
    if comparison.advisory:
        return "not judged: the two were measured on different machines"
    if comparison.alarm:
        return "REGRESSION: the contender must not pass"
    return "ok: no regression"
