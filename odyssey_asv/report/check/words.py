"""What every form says of a check the same way. As in `report.words`, whatever leaves this module is one
line of printable text."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from odyssey_asv.findings import Check, Clock, Conclusion, Finding
from odyssey_asv.model import Metric, Result, ResultSet
from odyssey_asv.policy import Verdict
from odyssey_asv.report import words
from odyssey_asv.units import (
    format_change,
    format_duration,
    format_interval,
    one_line,
    short_change,
    significant,
)

ONE_BUILD = (
    "one build of each side: a layout of code that differs from build to build is not averaged out"
)
_NOISE = ((0.01, "very quiet"), (0.03, "quiet"), (0.08, "noisy"), (math.inf, "very noisy"))
_LETTERS = {Clock.WALL: "w", Clock.OWN: "o"}
_CLOCKS = {
    Clock.WALL: "judged by wall-clock time",
    Clock.OWN: "judged by the benchmark's own timer",
}
# Of the cases with one and the same reason, as many are named.
_NAMED = 5


def side(sets: tuple[ResultSet, ...]) -> str:
    """What one side is: its commit and what was changed since."""
    if not sets:
        return "unknown"
    of = sets[0].commit
    known = words.commit(of) or "unknown commit"
    return f"{known} + uncommitted changes" if of.dirty else known


def contender(check: Check) -> str:
    """The contender's side, which may be the base once more."""
    return f"{side(check.contender)}, the same code" if check.same else side(check.contender)


def warnings(check: Check) -> list[str]:
    """What a reader must know before believing the rest."""
    return [one_line(doubt) for doubt in check.warnings]


def case(finding: Finding) -> str:
    """The label of a case with its metric and, where there are several, its environment."""
    name = words.metric(finding)
    return f"{name} [{one_line(finding.environment)}]" if finding.environment else name


def change(finding: Finding) -> str:
    """`+12.3 %`, or nothing where nothing was estimated."""
    return "" if finding.ratio is None else format_change(finding.ratio - 1.0, limits=())


def interval(finding: Finding) -> str:
    """`[+10.1, +14.6]` in per cent, or nothing where nothing was estimated."""
    return "" if finding.interval is None else format_interval(*finding.interval)


def clock(finding: Finding) -> str:
    """A letter for the clock where it is not the processor's."""
    return "" if finding.clock is None else _LETTERS.get(finding.clock, "")


def clocks(findings: Iterable[Finding]) -> list[str]:
    """What the letters mean that stand at these cases."""
    seen = {finding.clock for finding in findings}
    return [f"{_LETTERS[kind]}: {meaning}" for kind, meaning in _CLOCKS.items() if kind in seen]


def value(finding: Finding, result: Result | None) -> str:
    """One side's value with its unit, by the clock of the case, or what became of it."""
    return words.value(finding, result)


def reasons(check: Check) -> list[tuple[str, str]]:
    """Each reason once, with the cases it holds for before it; for cases that newly fail, with what a call
    takes in the base."""
    found: dict[str, list[Finding]] = {}
    for finding in check.gated:
        if finding.reason:
            found.setdefault(one_line(finding.reason), []).append(finding)
    return [(_listed(list(map(case, of))), reason + _in_base(of)) for reason, of in found.items()]


def _in_base(findings: list[Finding]) -> str:
    took = [
        finding.base.value
        for finding in findings
        if finding.verdict is Verdict.FAILED
        and finding.at_least is None
        and finding.base is not None
        and finding.metric is Metric.DURATION
        and isinstance(finding.base.value, float)
    ]
    if not took:
        return ""
    ends = dict.fromkeys(map(format_duration, (min(took), max(took))))
    return f"; in the base a call takes {' to '.join(ends)}"


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def ungated(check: Check) -> list[str]:
    """A line for each metric that is not gated but got worse or failed."""
    lines = []
    for kind in Metric:
        found = [f for f in check.findings if not f.gated and f.metric is kind]
        worse = [f for f in found if f.verdict is Verdict.REGRESSION]
        failed = sum(f.verdict is Verdict.FAILED for f in found)
        parts = []
        if worse:
            worst = max(worse, key=lambda f: f.estimate.ratio if f.estimate else 0.0)
            size = f" {change(worst)}" if worst.estimate else ""
            parts.append(f"{len(worse)} worse, worst {one_line(worst.label)}{size}")
        if failed:
            parts.append(f"{failed} failed")
        if parts:
            gate = ",".join(dict.fromkeys(["duration", kind.value]))
            lines.append(f"{kind}: {'; '.join(parts)}; not gated (--gate {gate})")
    return lines


def left_out(check: Check) -> list[str]:
    """What was not measured because it reaches no change, and why the rest was."""
    found = check.left_out
    if found is None:
        return []
    which = "the whole suite" if found.of is None else f"{found.cases} of {_cases(found.of)}"
    files = _some_of(found.changed, "changed file")
    lines = [f"left out: {which}; {files}"]
    if found.passed_over:
        lines.append(f"passed over: {_some_of(found.passed_over, 'file')}")
    ordered = sorted(found.reasons, key=lambda reason: -reason[1])
    shown = [f"measured: {_cases(count)}: {one_line(why)}" for why, count in ordered[:_NAMED]]
    more = sum(count for _, count in ordered[_NAMED:])
    return lines + shown + ([f"measured: {_cases(more)} for other reasons"] if more else [])


def _some_of(paths: tuple[str, ...], noun: str) -> str:
    """How many files, and the first of them by name."""
    if not paths:
        return f"no {noun} matters"
    head = f"{len(paths)} {noun}{'' if len(paths) == 1 else 's'}"
    return f"{head}: {_listed([one_line(path) for path in paths])}"


def _fail(count: int) -> str:
    return "fails" if count == 1 else "fail"


def _cases(count: int) -> str:
    return f"{count} {'case' if count == 1 else 'cases'}"


def counts(check: Check) -> str:
    """`1 regression, 2 slower, 40 unchanged`: the gated cases by verdict."""
    return words.tally(check.counts)


def geometric_mean(check: Check) -> str | None:
    """The mean change of all durations with its interval: `+1.2 % [+0.4, +2.0]`."""
    found = check.geometric_mean
    if found is None:
        return None
    ratio, low, high = found
    return f"{format_change(ratio - 1.0, limits=())} {format_interval(low, high)}"


def noisiness(spread: float) -> str:
    """What to call a machine whose blocks lie this far apart."""
    return next((name for limit, name in _NOISE if spread < limit), _NOISE[-1][1])


def noise(check: Check) -> str | None:
    """How far blocks of one case lie apart, and what that means; None where nothing was timed."""
    spread = check.noise
    if spread is None:
        return None
    said = f"noise: blocks of one case differ by {share(spread)} (a {noisiness(spread)} machine)"
    average, cores = check.effort.load, check.effort.cores
    if average is None or not cores or average <= cores:
        return said
    which = "core" if cores == 1 else "cores"
    return f"{said}; when it began, the load average was {average:.1f} on {cores} {which}"


def confidence(check: Check) -> str:
    """The confidence of the intervals: `99 %`."""
    return f"{check.confidence * 100.0:.10g} %"


def sampling_share(check: Check) -> float | None:
    """Which share of its time a check took samples."""
    effort = check.effort
    return effort.sampling_s / effort.wall_s if effort.wall_s > 0.0 else None


def effort(check: Check) -> str:
    """What the check took, and what it promises."""
    spent = check.effort
    share = sampling_share(check)
    parts = [_seconds(spent.wall_s)]
    if share is not None:
        parts.append(f"{share:.0%} of it sampling".replace("%", " %"))
    parts.append(f"{spent.processes} {'process' if spent.processes == 1 else 'processes'}")
    if spent.spent:
        parts.append(f"the budget of {_seconds(spent.budget_s)} was spent")
    alarm = f"{(1.0 - check.confidence) * 100.0:.3g} %"
    return f"{', '.join(parts)}; at most {alarm} of suites of unchanged code raise an alarm"


def alarms(check: Check) -> int:
    """How many gated cases raise an alarm; false ones where both sides are the same code."""
    return sum(finding.alarm for finding in check.gated)


def judged(check: Check) -> int:
    """How many gated cases might have raised one."""
    return check.judged + check.counts.get(Verdict.FAILED, 0)


def detectable(check: Check) -> str | None:
    """Which slowdowns would have been found, by all cases that have an estimate."""
    seen = [f.estimate.detectable for f in check.gated if f.estimate is not None]
    if not seen:
        return None
    cases = judged(check)
    which = "every case" if len(seen) >= cases else f"each of {len(seen)} of {cases} cases"
    worst, middle = (share(math.expm1(min(d, 700.0))) for d in (max(seen), statistics.median(seen)))
    return f"a slowdown of {worst} would have been found in {which}, of {middle} in the median case"


def one_build(check: Check) -> bool:
    """Whether to say how far a regression found between two builds carries."""
    return not check.same and Verdict.REGRESSION in check.counts


def conclusion(check: Check) -> str:
    """The verdict on the whole in one line."""
    found = check.conclusion
    if found is Conclusion.ERROR:
        return "error: nothing could be measured on both sides: no verdict"
    if found is Conclusion.NOTHING:
        return "nothing to measure: no benchmark reaches what has changed"
    undecided = len(check.undecided)
    more = f"; {undecided} undecided" if undecided else ""
    if check.same:
        number, cases = alarms(check), judged(check)
        return (
            f"{number} false {'alarm' if number == 1 else 'alarms'}"
            f" in {_cases(cases)} of the same code{more}"
        )
    match found:
        case Conclusion.REGRESSION:
            failed = check.counts.get(Verdict.FAILED, 0)
            if Verdict.REGRESSION not in check.counts:
                return f"FAILED: {_cases(failed)} that the base can run {_fail(failed)} in the contender"
            return "REGRESSION: the contender must not pass"
        case Conclusion.INCONCLUSIVE:
            if not undecided:
                return f"undecided: {_cases(len(check.unsteady))} failed now and then, or on both sides"
            return f"undecided: {undecided} of {judged(check)} cases; the time was too short"
        case Conclusion.OK:
            return f"ok: no regression{more}"


def share(part: float) -> str:
    """In per cent, two digits: `8.0 %`."""
    return f"{significant(part * 100.0, 2)} %"


def percent(effect: float) -> str:
    """The change that a logarithm of a ratio is, in per cent: `+10.1 %`."""
    return f"{short_change(math.exp(max(-700.0, min(effect, 700.0))))} %"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100.0 else f"{seconds:.0f} s"
