"""A comparison as GitHub-flavoured Markdown, for a comment. Every name is data and is escaped."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from odyssey_asv.comparison import Comparison, Delta
from odyssey_asv.policy import Verdict
from odyssey_asv.report import words
from odyssey_asv.units import one_line

# GitHub refuses comments of more than 65,536 characters.
LONGEST = 60_000
_LONGEST_TEXT = 500
_HEAD = """\
| change | verdict | benchmark | base | contender |
| ---: | --- | --- | ---: | ---: |"""

_Case = TypeVar("_Case", bound=words.Judged)


def render(comparison: Comparison) -> str:
    """The report: changed cases open, unchanged ones folded away, cut to what a comment may hold."""
    return comment([_head(comparison), _notes(comparison)], _HEAD, comparison.gated, _row)


def comment(
    blocks: list[str], head: str, cases: Sequence[_Case], row: Callable[[_Case], tuple[str, ...]]
) -> str:
    """`blocks`, then a table of what changed and, folded away, one of what did not.

    `row` gives the cells of a case, escaped; what a comment cannot hold is counted.
    """
    changed = [case for case in cases if case.verdict is not Verdict.UNCHANGED]
    unchanged = [case for case in cases if case.verdict is Verdict.UNCHANGED]
    room = LONGEST - sum(len(block) + 1 for block in blocks)
    if changed:
        table = _table(head, map(row, changed), len(changed), room)
        blocks = [*blocks, table]
        room -= len(table) + 1
    folded = f"<details><summary>{len(unchanged)} unchanged</summary>\n\n"
    if unchanged and room > len(folded) + 500:
        table = _table(head, map(row, unchanged), len(unchanged), room - len(folded) - 20)
        blocks = [*blocks, f"{folded}{table}\n</details>"]
    return "\n".join(block for block in blocks if block).rstrip() + "\n"


def _head(comparison: Comparison) -> str:
    mean = words.geometric_mean(comparison)
    lines = [
        f"**{escape(words.conclusion(comparison))}**",
        "",
        f"Base: {code(words.side(comparison.base))}  ",
        f"Contender: {code(words.side(comparison.contender))}",
        "",
        escape(words.counts(comparison)) + (f"; geometric mean {mean}" if mean else ""),
    ]
    return "\n".join(lines) + "\n"


def _notes(comparison: Comparison) -> str:
    """All that is more than numbers."""
    lines = [
        *(f"- warning: {code(doubt)}" for doubt in words.warnings(comparison)),
        *(f"- **invalid:** {code(fault)}" for fault in words.faults(comparison)),
        *(f"- {code(line)}" for line in words.ungated(comparison)),
        *(f"- {escape(line)}" for line in words.hints(comparison)),
        *(f"- {code(label)}: {code(why)}" for label, why in words.reasons(comparison.gated)),
    ]
    return notes(lines)


def notes(lines: list[str]) -> str:
    """A list's lines, cut to half of what a comment may hold."""
    room = LONGEST // 2
    for shown, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            lines = [*lines[:shown], f"- {len(lines) - shown} more are not shown here"]
            break
    return "\n".join(lines) + "\n" if lines else ""


def _row(delta: Delta) -> tuple[str, ...]:
    return (
        escape(words.change(delta)),
        escape(words.verdict(delta)),
        code(words.metric(delta)),
        escape(words.value(delta, delta.base)),
        escape(words.value(delta, delta.contender)),
    )


def _table(head: str, rows: Iterable[tuple[str, ...]], count: int, room: int) -> str:
    lines = [head]
    used = len(head) + 100
    for shown, cells in enumerate(rows):
        line = f"| {' | '.join(cells)} |"
        if used + len(line) + 1 > room:
            return "\n".join(lines) + f"\n\n{count - shown} more are not shown here.\n"
        lines.append(line)
        used += len(line) + 1
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that Markdown and HTML show as it is, on one line, cut where it is very long.

    A space of no width after each `@` keeps GitHub from notifying people.
    """
    return _entities(text).replace("&#64;", "&#64;&#8203;")


def code(text: str) -> str:
    """A name in code type, where nothing in it means anything, mentions and references included."""
    return f"<code>{_entities(text)}</code>"


def _entities(text: str) -> str:
    line = one_line(text)
    if len(line) > _LONGEST_TEXT:
        line = f"{line[: _LONGEST_TEXT - 1]}…"
    plain = html.escape(line, quote=False)
    escaped = "".join(f"&#{ord(c)};" if c in "\\`*_[]~|#@" else c for c in plain)
    # GitHub makes links of bare addresses.
    return escaped.replace("://", "&#58;//").replace("www.", "www&#46;")
