"""An examination for people at a terminal: a line a finding, a remedy below it, in 80 columns."""

from __future__ import annotations

import textwrap
from collections import Counter

from rich.text import Text

from odyssey_asv.diagnoses import Diagnosis, Level, Topic
from odyssey_asv.diagnoses.noise import assumed
from odyssey_asv.doctor import Examination
from odyssey_asv.report.terminal import paper, text
from odyssey_asv.units import one_line

_STYLES = {
    Level.PROBLEM: "bold red",
    Level.ADVICE: "yellow",
    Level.UNKNOWN: "magenta",
    Level.FINE: "green",
}
_LEVEL = max(map(len, Level)) + 2
_HEAD = _LEVEL + max(map(len, Topic)) + 2


def render(examination: Examination, *, width: int = 80, color: bool = False) -> str:
    """Every finding, in the order in which things were looked at; how many of each kind at the end."""
    console = paper(width=width, color=color)
    for finding in examination.findings:
        for number, line in enumerate(_lines(finding, width)):
            row = Text(line)
            if number == 0:
                row.stylize(_STYLES[finding.level], 0, len(finding.level))
            console.print(row)
    console.print()
    if examination.noise is not None and (granted := assumed(examination.noise)):
        console.print(Text(granted, style="dim"))
    console.print(Text(conclusion(examination), style="bold red" if examination.ill else "bold"))
    return text(console)


def conclusion(examination: Examination) -> str:
    """What it comes to, in a line."""
    counts = Counter(finding.level for finding in examination.findings)
    parts = [
        f"{counts[level]} {_counted(level, counts[level])}" for level in Level if counts[level]
    ]
    if examination.ill:
        return f"{', '.join(parts)}: something needs doing"
    return f"{', '.join(parts)}: nothing needs doing"


def _counted(level: Level, count: int) -> str:
    return "problems" if level is Level.PROBLEM and count > 1 else level.value


def _lines(finding: Diagnosis, width: int) -> list[str]:
    head = f"{finding.level:<{_LEVEL}}{finding.topic:<{_HEAD - _LEVEL}}"
    lines = _wrapped(one_line(finding.said), head, width)
    if finding.remedy is not None:
        lines += _wrapped(one_line(finding.remedy), f"{'':{_HEAD}}→ ", width)
    return lines


def _wrapped(words: str, head: str, width: int) -> list[str]:
    return textwrap.wrap(
        words,
        width,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
    ) or [head]
