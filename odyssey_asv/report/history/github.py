"""A history as GitHub workflow commands, which become annotations of the run."""

from __future__ import annotations

from odyssey_asv.past.timeline import Found, History
from odyssey_asv.report.github import command
from odyssey_asv.report.history import words

# GitHub shows no more than ten of a kind.
_MOST = 10


def render(history: History) -> str:
    """A warning for each regression that holds, the worst ten, a notice for what was seen once."""
    held = [found for found in history.regressions if found.change.confirmed]
    fresh = [found for found in history.regressions if not found.change.confirmed]
    lines = [command("warning", "history", doubt) for doubt in history.warnings]
    lines += [command("warning", "regression", _said(f, history)) for f in held[:_MOST]]
    lines += [command("notice", "measure again", _said(f, history)) for f in fresh[:_MOST]]
    lines.append(command("notice", "history", words.counts(history)))
    return "\n".join(lines) + "\n"


def _said(found: Found, history: History) -> str:
    change, line = found.change, history.line
    return (
        f"{words.case(found.trend, history)}: {words.change(change)} ({words.values(found)}),"
        f" {words.where(change, line)}, {words.when(change, line)}"
    )
