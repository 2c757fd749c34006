"""A comparison as GitHub-flavoured Markdown, for a comment. Every name is data and is escaped."""

from __future__ import annotations

import html

from odyssey_asv.comparison import Comparison, Delta
from odyssey_asv.policy import Verdict
from odyssey_asv.report import words

# GitHub refuses comments of more than 65,536 characters.
LONGEST = 60_000


def render(comparison: Comparison) -> str:
    """The report: changed cases open, unchanged ones folded away, cut to what a comment may hold."""
    gated = comparison.gated
    changed = [delta for delta in gated if delta.verdict is not Verdict.UNCHANGED]
    unchanged = [delta for delta in gated if delta.verdict is Verdict.UNCHANGED]
    mean = words.geometric_mean(comparison)
    head = [
        f"**{escape(words.conclusion(comparison))}**",
        "",
        f"Base: {escape(words.side(comparison.base))}  ",
        f"Contender: {escape(words.side(comparison.contender))}",
        "",
        escape(words.counts(comparison)) + (f"; geometric mean {mean}" if mean else ""),
        "",
        *(f"- warning: {escape(doubt)}" for doubt in comparison.warnings),
        *(f"- **invalid: {escape(fault)}**" for fault in comparison.faults),
        *(f"- {escape(line)}" for line in words.ungated(comparison)),
        *(f"- {code(label)}: {escape(why)}" for label, why in words.reasons(gated)),
        "",
    ]
    blocks = ["\n".join(head)[: LONGEST // 2]]
    room = LONGEST - len(blocks[0])
    if changed:
        table = _table(changed, room)
        blocks.append(table)
        room -= len(table)
    folded = f"<details><summary>{len(unchanged)} unchanged</summary>\n\n"
    if unchanged and room > len(folded) + 500:
        blocks.append(folded + _table(unchanged, room - len(folded) - 20) + "\n</details>")
    return "\n".join(blocks).rstrip() + "\n"


def _table(deltas: list[Delta], room: int) -> str:
    lines = [
        "| change | verdict | benchmark | base | contender |",
        "| ---: | --- | --- | ---: | ---: |",
    ]
    used = sum(map(len, lines)) + 100
    for shown, delta in enumerate(deltas):
        cells = (
            escape(words.change(delta)),
            escape(words.verdict(delta)),
            code(words.metric(delta)),
            escape(words.value(delta, delta.base)),
            escape(words.value(delta, delta.contender)),
        )
        line = f"| {' | '.join(cells)} |"
        if used + len(line) + 1 > room:
            return "\n".join(lines) + f"\n\n{len(deltas) - shown} more are not shown here.\n"
        lines.append(line)
        used += len(line) + 1
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that Markdown and HTML show as it is, on one line."""
    plain = html.escape(" ".join(text.split()), quote=False)
    return "".join(f"&#{ord(c)};" if c in "\\`*_{}[]()#+!|~@" else c for c in plain)


def code(text: str) -> str:
    """A name in code type, where nothing in it means anything, mentions included."""
    return f"<code>{escape(text)}</code>"
