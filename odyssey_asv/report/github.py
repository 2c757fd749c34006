"""A comparison as GitHub workflow commands, which become annotations of the run."""

from __future__ import annotations

from odyssey_asv.comparison import Comparison, Delta
from odyssey_asv.policy import Verdict
from odyssey_asv.report import words
from odyssey_asv.units import one_line

_COMMANDS = {
    Verdict.REGRESSION: "error",
    Verdict.FAILED: "error",
    Verdict.SLOWER: "warning",
    Verdict.NOT_COMPARABLE: "warning",
    Verdict.FASTER: "notice",
    Verdict.FIXED: "notice",
    Verdict.ADDED: "notice",
    Verdict.REMOVED: "warning",
}


def render(comparison: Comparison) -> str:
    """One command a line: errors for regressions, warnings for 5 to 10 %, notices for improvements."""
    lines = [command("error", "invalid data", fault) for fault in words.faults(comparison)]
    lines += [command("warning", "benchmarks", doubt) for doubt in words.warnings(comparison)]
    lines += [
        command(_level(delta, comparison), words.metric(delta), _said(delta))
        for delta in comparison.gated
        if delta.verdict in _COMMANDS
    ]
    lines += [command("warning", "benchmarks", line) for line in words.ungated(comparison)]
    lines += [command("notice", "benchmarks", line) for line in words.hints(comparison)]
    lines.append(command("notice", "benchmarks", words.conclusion(comparison)))
    return "\n".join(lines) + "\n"


def _level(delta: Delta, comparison: Comparison) -> str:
    """An error stands for what must not pass, so there is none where policy does not judge."""
    command = _COMMANDS[delta.verdict]
    if delta.verdict is Verdict.REMOVED and comparison.policy.fail_on_missing:
        command = "error"
    return "warning" if comparison.advisory and command == "error" else command


def _said(delta: Delta) -> str:
    parts = [f"{words.metric(delta)}: {words.verdict(delta)}"]
    if delta.change is not None:
        before, after = words.value(delta, delta.base), words.value(delta, delta.contender)
        parts.append(f"{words.change(delta)} ({before} → {after})")
    if delta.reason:
        parts.append(f"({one_line(delta.reason)})")
    return " ".join(parts)


def command(level: str, title: str, message: str) -> str:
    """One workflow command: `error`, `warning` or `notice`. Nothing in its texts starts another."""
    return f"::{level} title={_property(title)}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
