"""A check as GitHub workflow commands, which become annotations of the run."""

from __future__ import annotations

from odyssey_asv.findings import Check, Conclusion, Finding
from odyssey_asv.policy import Verdict
from odyssey_asv.report.check import words
from odyssey_asv.report.github import command
from odyssey_asv.report.words import verdict
from odyssey_asv.units import one_line

_TITLE = "benchmarks"
_LEVELS = {
    Verdict.REGRESSION: "error",
    Verdict.FAILED: "error",
    Verdict.SLOWER: "warning",
    Verdict.INCONCLUSIVE: "warning",
    Verdict.NOT_COMPARABLE: "warning",
    Verdict.REMOVED: "warning",
    Verdict.FASTER: "notice",
    Verdict.FIXED: "notice",
    Verdict.ADDED: "notice",
}


def render(check: Check) -> str:
    """One command a line: errors for what must not pass, warnings for what to look at, the conclusion."""
    lines = [command("warning", _TITLE, doubt) for doubt in words.warnings(check)]
    lines += [command("notice", _TITLE, line) for line in words.left_out(check)]
    lines += [
        command(_level(finding, check), words.case(finding), _said(finding))
        for finding in check.gated
        if finding.verdict in _LEVELS
    ]
    lines += [command("warning", _TITLE, line) for line in words.ungated(check)]
    if words.one_build(check):
        lines.append(command("notice", _TITLE, words.ONE_BUILD))
    found = words.detectable(check) if check.same else None
    lines += [command("notice", _TITLE, line) for line in (found, words.noise(check)) if line]
    lines.append(command(_conclusion_level(check), _TITLE, words.conclusion(check)))
    return "\n".join(lines) + "\n"


def _level(finding: Finding, check: Check) -> str:
    """An error stands for what must not pass; what is undecided is one only under `strict`, and a
    false alarm none."""
    level = _LEVELS[finding.verdict]
    if finding.verdict is Verdict.INCONCLUSIVE and check.strict and not check.same:
        return "error"
    return "warning" if check.same and level == "error" else level


def _conclusion_level(check: Check) -> str:
    """What could not be judged must not pass unseen where no case says so."""
    return "error" if check.conclusion is Conclusion.ERROR else "notice"


def _said(finding: Finding) -> str:
    parts = [f"{words.case(finding)}: {verdict(finding)}"]
    if finding.estimate is not None:
        before, after = (words.value(finding, r) for r in (finding.base, finding.contender))
        parts.append(f"{words.change(finding)} {words.interval(finding)} ({before} → {after})")
    if finding.reason:
        parts.append(f"({one_line(finding.reason)})")
    return " ".join(parts)
