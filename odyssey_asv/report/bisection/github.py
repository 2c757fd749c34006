"""A search for the commit at fault as GitHub workflow commands, which become annotations of the run."""

from __future__ import annotations

from odyssey_asv.culprit.bisection import Bisection, Culprit, Outcome
from odyssey_asv.report.bisection import words
from odyssey_asv.report.github import command

_TITLE = "bisect"


def render(bisection: Bisection) -> str:
    """One command a line: errors for culprits, warnings for ranges and doubts, the conclusion."""
    # A commit that made it faster is no fault.
    level = "notice" if bisection.improvement else "error"
    lines = [command("warning", _TITLE, doubt) for doubt in words.warnings(bisection)]
    lines += [
        command(
            level,
            f"{words.named(bisection)} {words.short(culprit.card.commit)}",
            _said(bisection, culprit),
        )
        for culprit in bisection.culprits
    ]
    lines += [
        command("notice", _TITLE, f"{words.lacking(bisection, one)}: {words.subject(one.card)}")
        for one in bisection.lacking
    ]
    lines += [command("notice", _TITLE, line) for line in words.reversals(bisection)]
    told = (words.fork(bisection), words.together(bisection), words.other_way_told(bisection))
    lines += [command("notice", _TITLE, line) for line in told if line]
    for found in bisection.ranges:
        reason = words.why(found)
        said = words.between(bisection, found) + (f" ({reason})" if reason else "")
        lines.append(
            command("warning", f"{words.kind(found)} up to {words.short(found.after)}", said)
        )
    doubtful = bisection.outcome is Outcome.UNDECIDED
    conclusion = words.conclusion(bisection)
    lines.append(command("warning" if doubtful else "notice", _TITLE, conclusion))
    return "\n".join(lines) + "\n"


def _said(bisection: Bisection, culprit: Culprit) -> str:
    card = culprit.card
    known = [f"{words.author(card)}, {words.date(card)}", words.within(culprit)]
    steps = [
        f"{words.label(step)} {words.slower(bisection)} {words.change(step)} {words.interval(step)}"
        for step in words.worst_first(culprit.steps)
    ]
    parts = [
        f"{words.subject(card)} ({', '.join(one for one in known if one)})",
        words.listed(steps),
        f"probability {words.probability(culprit.probability)}",
        words.share(culprit) or "",
        words.see(culprit),
    ]
    return "; ".join(part for part in parts if part)
