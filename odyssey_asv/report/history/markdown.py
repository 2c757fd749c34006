"""A history as GitHub-flavoured Markdown, for an issue or a job's summary. Names are data, and escaped."""

from __future__ import annotations

from collections.abc import Sequence

from odyssey_asv.past.timeline import Found, History
from odyssey_asv.report.history import words
from odyssey_asv.report.markdown import LONGEST, code, escape, notes

_HEAD = """\
| change | interval | commits | date | benchmark | |
| ---: | ---: | --- | --- | --- | --- |"""
_ROWS = 50


def render(history: History, *, regressions: bool = False) -> str:
    """The report, cut to what a comment may hold."""
    blocks = [
        f"**{escape(words.conclusion(history))}**\n",
        escape(words.counts(history)) + "\n",
        notes(
            [
                f"- line: {code(words.line(history.line))}",
                *(f"- {code(place)}" for place in words.places(history)),
                *(f"- warning: {code(doubt)}" for doubt in history.warnings),
            ]
        ),
    ]
    room = LONGEST - sum(len(block) + 1 for block in blocks)
    for heading, found in words.sections(history, regressions=regressions):
        table = _table(found, history, room - len(heading) - 100)
        block = f"### {heading}\n\n{table}"
        room -= len(block) + 1
        if room < 0:
            break
        blocks.append(block)
    return "\n".join(blocks).rstrip() + "\n"


def _table(found: Sequence[Found], history: History, room: int) -> str:
    lines = [_HEAD]
    room -= len(_HEAD) + 60
    for shown, row in enumerate(_row(one, history) for one in found):
        room -= len(row) + 1
        if shown == _ROWS or room < 0:
            lines += ["", f"{len(found) - shown} more are not shown here."]
            break
        lines.append(row)
    return "\n".join(lines) + "\n"


def _row(found: Found, history: History) -> str:
    change, line = found.change, history.line
    cells = (
        words.change(change),
        words.interval(change),
        code(words.where(change, line)),
        words.when(change, line),
        code(words.case(found.trend, history)),
        escape(words.state(change, line)),
    )
    return f"| {' | '.join(cells)} |"
