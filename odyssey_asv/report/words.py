"""What every form says the same way: headings, summaries, values of a delta.

Names, reasons and paths come from outside. Whatever leaves this module is one line of printable
text; what a form gives a meaning to (a pipe, a colon) is that form's to escape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from odyssey_asv.comparison import Comparison, Delta, Outcome
from odyssey_asv.model import Benchmark, Commit, Metric, Result, ResultSet
from odyssey_asv.policy import Severity, Verdict
from odyssey_asv.units import LIMITS, format_change, format_value, one_line

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
_NAMES = {Verdict.INCONCLUSIVE: "undecided"}


class Judged(Protocol):
    """A case with its verdict, wherever that comes from."""

    @property
    def label(self) -> str: ...
    @property
    def benchmark(self) -> Benchmark: ...
    @property
    def metric(self) -> Metric: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def severity(self) -> Severity | None: ...
    @property
    def reason(self) -> str | None: ...


def side(results: ResultSet) -> str:
    """What one side of a comparison is: its commit, its release, where it was read."""
    parts = []
    if results.release:
        parts.append(f"release {results.release}")
    if known := commit(results.commit):
        parts.append(known)
    parts.append(f"measured {results.timestamp}")
    if results.source:
        parts.append(results.source)
    return one_line(", ".join(parts))


def commit(of: Commit) -> str:
    """The short hash, with what git calls it where that says more; nothing where it is unknown."""
    if not of.hash:
        return ""
    known = f" ({of.describe})" if of.describe and of.describe not in of.hash else ""
    return one_line(of.hash[:8] + known)


def warnings(comparison: Comparison) -> list[str]:
    """What a reader must know before believing the rest."""
    doubts = [one_line(doubt) for doubt in comparison.warnings]
    if comparison.advisory:
        doubts.append("times do not carry across machines; not judged")
    return doubts


def faults(comparison: Comparison) -> list[str]:
    """The data that could not be compared."""
    return [one_line(fault) for fault in comparison.faults]


def hints(comparison: Comparison) -> list[str]:
    """What to do about benchmarks that only one side has."""
    found = comparison.counts
    lines = []
    if added := found.get(Verdict.ADDED):
        lines.append(f"{added} added: not gated until the baseline is updated (odyssey baseline)")
    if removed := found.get(Verdict.REMOVED):
        alarm = comparison.policy.fail_on_missing
        lines.append(
            f"{removed} removed: the base has them, the contender does not"
            + ("; missing benchmarks must not pass (--fail-on-missing)" if alarm else "")
        )
    return lines


def counts(comparison: Comparison) -> str:
    """The gated cases by verdict."""
    return tally(comparison.counts)


def tally(found: Mapping[Verdict, int]) -> str:
    """`1 regression, 2 slower, 40 unchanged`."""
    words = []
    for kind in _ORDER:
        if count := found.get(kind):
            name = _NAMES.get(kind, kind.value)
            words.append(f"{count} {name if count == 1 else _PLURALS.get(kind, name)}")
    return ", ".join(words) or "nothing to compare"


def geometric_mean(comparison: Comparison) -> str | None:
    """The mean change of all durations compared, None where there is none."""
    ratio = comparison.geometric_mean
    return None if ratio is None else format_change(ratio - 1.0, limits=())


def change(delta: Delta) -> str:
    """`+15.0 %`, or nothing where nothing was divided."""
    if delta.change is None:
        return ""
    limits = (delta.limits.tolerance, delta.limits.threshold)
    return format_change(delta.change, (*LIMITS, *limits))


def value(case: Judged, result: Result | None) -> str:
    """One side's value with its unit, or what became of it."""
    if result is None:
        return "-"
    if result.value is None:
        return result.status.value.replace("_", " ")
    return one_line(format_value(result.value, case.benchmark.unit))


def verdict(case: Judged) -> str:
    """The verdict with the severity of a regression, which is shouted."""
    if case.verdict is Verdict.REGRESSION:
        return f"REGRESSION ({case.severity})"
    return _NAMES.get(case.verdict, case.verdict.value)


def metric(case: Judged) -> str:
    """The label of a case with its metric where that is not the duration."""
    name = one_line(case.label)
    return name if case.metric is Metric.DURATION else f"{name} [{case.metric}]"


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
                f"{kind}: {len(worse)} worse beyond the threshold, worst {one_line(worst.label)}"
                f" {change(worst)}; not gated (--gate duration,{kind})"
            )
    return lines


def reasons(deltas: Iterable[Delta]) -> list[tuple[str, str]]:
    """Label and reason of each delta that has one."""
    return [(metric(delta), one_line(delta.reason)) for delta in deltas if delta.reason]


def conclusion(comparison: Comparison) -> str:
    """The verdict on the whole in one line."""
    match comparison.outcome:
        case Outcome.INVALID:
            return "invalid data: no verdict"
        case Outcome.NOTHING_COMPARED:
            return "nothing was compared: no verdict"
        case Outcome.NOT_JUDGED:
            return "not judged: the two were measured on different machines"
        case Outcome.REGRESSION:
            return "REGRESSION: the contender must not pass"
        case Outcome.OK:
            return "ok: no regression"
