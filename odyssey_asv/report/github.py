"""A comparison as GitHub workflow commands, which become annotations of the run."""

from __future__ import annotations

from odyssey_asv.comparison import Comparison, Delta
from odyssey_asv.policy import Verdict
from odyssey_asv.report import words

_COMMANDS = {
    Verdict.REGRESSION: "error",
    Verdict.FAILED: "error",
    Verdict.SLOWER: "warning",
    Verdict.NOT_COMPARABLE: "warning",
    Verdict.FASTER: "notice",
    Verdict.FIXED: "notice",
}


def render(comparison: Comparison) -> str:
    """One command a line: errors for regressions, warnings for 5 to 10 %, notices for improvements."""
    lines = [_command("error", "invalid data", fault) for fault in comparison.faults]
    lines += [_command("warning", "benchmarks", doubt) for doubt in comparison.warnings]
    lines += [
        _command(_COMMANDS[delta.verdict], words.metric(delta), _said(delta))
        for delta in comparison.gated
        if delta.verdict in _COMMANDS
    ]
    lines.append(_command("notice", "benchmarks", words.conclusion(comparison)))
    return "\n".join(lines) + "\n"


def _said(delta: Delta) -> str:
    parts = [f"{words.metric(delta)}: {words.verdict(delta)}"]
    if delta.change is not None:
        before, after = words.value(delta, delta.base), words.value(delta, delta.contender)
        parts.append(f"{words.change(delta)} ({before} → {after})")
    if delta.reason:
        parts.append(delta.reason)
    return " ".join(parts)


def _command(command: str, title: str, message: str) -> str:
    return f"::{command} title={_property(title)}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
