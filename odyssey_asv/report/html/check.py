"""A check as a page: the verdict, every case on one axis and in a table, and the evidence behind each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from odyssey_asv.findings import Check, Clock, Conclusion, Finding
from odyssey_asv.policy import Verdict
from odyssey_asv.report import words as common
from odyssey_asv.report.check import words
from odyssey_asv.report.html import strips
from odyssey_asv.report.html.head import Head, known, machine, measured, tone, word
from odyssey_asv.report.html.intervals import Mark, plot
from odyssey_asv.report.html.paper import document
from odyssey_asv.report.html.strips import Strip
from odyssey_asv.units import one_line

_CLOCKS = {Clock.CPU: "processor", Clock.WALL: "wall", Clock.OWN: "own timer"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One case as the table and its evidence show it.

    `change` and `smallest` are shares to sort by, None where there is none; the texts beside them are
    what is read.
    """

    number: int
    name: str
    tone: str
    verdict: str
    gated: bool
    change: float | None
    shown: str
    interval: str
    clock: str
    blocks: int
    smallest: float | None
    detectable: str
    reason: str
    facts: tuple[tuple[str, str], ...]
    strips: tuple[Strip, ...]

    @property
    def anchor(self) -> str:
        """The id of its row in the table."""
        return f"case-{self.number}"

    @property
    def evidence(self) -> str:
        """The id of what it was judged by."""
        return f"evidence-{self.number}"


def render(check: Check) -> str:
    """The whole document. It asks nothing of any network and is readable without its script."""
    ordered = _ordered(check.findings)
    entries = [_entry(finding, number) for number, finding in enumerate(ordered)]
    marks = [_mark(*pair) for pair in zip(ordered, entries, strict=True)]
    return document(
        "check.html",
        head=_head(check),
        entries=entries,
        plot=plot(marks),
        confidence=f"intervals of {words.confidence(check)}",
    )


def _ordered(findings: Sequence[Finding]) -> list[Finding]:
    """What may raise an alarm before what may not, and regressions first; worst first in each."""
    return sorted(findings, key=lambda f: (not f.gated, f.verdict is not Verdict.REGRESSION))


def _head(check: Check) -> Head:
    kind, word = _verdict(check)
    mean, noise = words.geometric_mean(check), words.noise(check)
    detectable = words.detectable(check) if check.same else None
    return Head(
        kind="odyssey check",
        tone=kind,
        verdict=word,
        conclusion=words.conclusion(check),
        facts=known(
            ("base", words.side(check.base)),
            ("contender", words.contender(check)),
            ("cases", words.counts(check)),
            ("geometric mean", mean),
            ("noise", noise and noise.removeprefix("noise: ")),
            ("effort", words.effort(check)),
            ("machine", machine((*check.contender, *check.base))),
            ("measured", measured(check.contender)),
        ),
        warnings=tuple(words.warnings(check)),
        notes=(
            *words.left_out(check),
            *words.ungated(check),
            *([detectable] if detectable else []),
            *([words.ONE_BUILD] if words.one_build(check) else []),
        ),
    )


def _verdict(check: Check) -> tuple[str, str]:
    """The class and the word of the verdict on the whole."""
    match check.conclusion:
        case Conclusion.REGRESSION:
            return "regression", "regression"
        case Conclusion.OK if check.same and words.alarms(check):
            return "warning", "false alarms"
        case Conclusion.OK:
            return "ok", "ok"
        case Conclusion.NOTHING:
            return "ok", "nothing to measure"
        case Conclusion.INCONCLUSIVE:
            return "inconclusive", "undecided"
        case Conclusion.ERROR:
            return "error", "error"


def _entry(finding: Finding, number: int) -> Entry:
    smallest = _smallest(finding)
    drawn = (strips.blocks(finding), strips.samples(finding))
    return Entry(
        number=number,
        name=words.case(finding),
        tone=tone(finding.verdict),
        verdict=common.verdict(finding),
        gated=finding.gated,
        change=None if finding.ratio is None else finding.ratio - 1.0,
        shown=words.change(finding),
        interval=words.interval(finding),
        clock="" if finding.clock is None else _CLOCKS.get(finding.clock, ""),
        blocks=len(finding.effects),
        smallest=smallest,
        detectable="" if smallest is None else words.share(smallest),
        reason=one_line(finding.reason or ""),
        facts=_facts(finding),
        strips=tuple(strip for strip in drawn if strip is not None),
    )


def _facts(finding: Finding) -> tuple[tuple[str, str], ...]:
    """What the table has no room for."""
    limits = finding.limits
    return known(
        ("base", words.value(finding, finding.base)),
        ("contender", words.value(finding, finding.contender)),
        ("judged by", _judged_by(finding)),
        ("tolerance, threshold", f"{_share(limits.tolerance)}, {_share(limits.threshold)}"),
        ("better", limits.better.value),
        ("benchmark", "" if finding.benchmark.anonymous else one_line(finding.benchmark.id)),
        ("reason", one_line(finding.reason or "")),
    )


def _judged_by(finding: Finding) -> str:
    match finding.clock:
        case Clock.CPU:
            return "time of the processor"
        case Clock.WALL:
            return "time of the wall's clock"
        case Clock.OWN:
            return "time of the benchmark's own timer"
        case _:
            return ""


def _smallest(finding: Finding) -> float | None:
    """The smallest worsening that would have been found, as a share."""
    if finding.estimate is None or not math.isfinite(finding.estimate.detectable):
        return None
    return math.expm1(min(finding.estimate.detectable, 700.0))


def _share(share: Fraction) -> str:
    return f"{float(share) * 100.0:.10g} %"


def _mark(finding: Finding, entry: Entry) -> Mark:
    limits, ends = finding.limits, finding.interval
    return Mark(
        name=entry.name,
        anchor=entry.anchor,
        tone=entry.tone,
        verdict=word(finding.verdict),
        shown=entry.shown,
        change=entry.change,
        interval=None if ends is None else (ends[0] - 1.0, ends[1] - 1.0),
        tolerance=float(limits.worsening(limits.tolerance)),
        threshold=float(limits.worsening(limits.threshold)),
        alarm=finding.alarm,
    )
