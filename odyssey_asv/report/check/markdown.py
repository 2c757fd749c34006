"""A check as GitHub-flavoured Markdown, for a comment. Every name is data and is escaped."""

from __future__ import annotations

from odyssey_asv.findings import Check, Conclusion, Finding
from odyssey_asv.report.check import words
from odyssey_asv.report.markdown import code, comment, escape, notes
from odyssey_asv.report.words import verdict

_HEAD = """\
| change | interval | verdict | benchmark | base | contender | blocks |
| ---: | :---: | --- | --- | ---: | ---: | ---: |"""


def render(check: Check) -> str:
    """The report: changed cases open, unchanged ones folded away, cut to what a comment may hold."""
    return comment([_head(check), _notes(check)], _HEAD, check.gated, _row)


def _head(check: Check) -> str:
    mean = words.geometric_mean(check)
    lines = [
        f"**{escape(words.conclusion(check))}**",
        "",
        f"Base: {code(words.side(check.base))}  ",
        f"Contender: {code(words.contender(check))}",
        "",
        escape(words.counts(check) + (f"; geometric mean {mean}" if mean else "")),
    ]
    return "\n".join(lines) + "\n"


def _notes(check: Check) -> str:
    noise = words.noise(check)
    detectable = words.detectable(check) if check.same else None
    clocks = "".join(f"; {escape(meaning)}" for meaning in words.clocks(check.gated))
    nothing = check.conclusion is Conclusion.NOTHING
    lines = [
        *(f"- warning: {code(doubt)}" for doubt in words.warnings(check)),
        *(f"- {code(line)}" for line in words.left_out(check)),
        *(f"- {escape(line)}" for line in (detectable, noise) if line),
        *([] if nothing else [f"- {escape(words.effort(check))}"]),
        *([] if nothing else [f"- intervals of {words.confidence(check)}{clocks}"]),
        *([f"- {words.ONE_BUILD}"] if words.one_build(check) else []),
        *(f"- {code(line)}" for line in words.ungated(check)),
        *(f"- {code(label)}: {code(why)}" for label, why in words.reasons(check)),
    ]
    return notes(lines)


def _row(finding: Finding) -> tuple[str, ...]:
    blocks = f"{words.clock(finding)} {len(finding.effects) or ''}".strip()
    return (
        escape(words.change(finding)),
        escape(words.interval(finding)),
        escape(verdict(finding)),
        code(words.case(finding)),
        escape(words.value(finding, finding.base)),
        escape(words.value(finding, finding.contender)),
        blocks,
    )
