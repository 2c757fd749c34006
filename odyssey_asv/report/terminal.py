"""A comparison for people at a terminal: fits 80 columns, worst first."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from odyssey_asv.comparison import Comparison, Delta
from odyssey_asv.policy import Verdict
from odyssey_asv.report import words

# Of the cases that did not change, as many are shown as make this many rows in all.
_ROWS = 40

_Case = TypeVar("_Case", bound=words.Judged)

STYLES = {
    Verdict.REGRESSION: "bold red",
    Verdict.FAILED: "bold red",
    Verdict.SLOWER: "yellow",
    Verdict.FASTER: "green",
    Verdict.FIXED: "green",
    Verdict.UNCHANGED: "dim",
    Verdict.NOT_COMPARABLE: "magenta",
    Verdict.INCONCLUSIVE: "magenta",
}


def render(
    comparison: Comparison, *, width: int = 80, color: bool = False, everything: bool = False
) -> str:
    """The report as text. `everything` shows every unchanged case, however many there are."""
    console = paper(width=width, color=color)
    console.print(f"base       {words.side(comparison.base)}")
    console.print(f"contender  {words.side(comparison.contender)}")
    for doubt in words.warnings(comparison):
        console.print(Text(f"warning: {doubt}", style="yellow"))
    shown, hidden = chosen(comparison.gated, everything=everything)
    if shown:
        console.print()
        console.print(_table(shown))
    if hidden:
        console.print(Text(f"{hidden} unchanged not shown (--all shows them)", style="dim"))
    console.print()
    for label, reason in words.reasons(comparison.gated):
        console.print(f"{label}: {reason}")
    for fault in words.faults(comparison):
        console.print(Text(f"invalid: {fault}", style="bold red"))
    for line in words.ungated(comparison):
        console.print(Text(line, style="yellow"))
    for line in words.hints(comparison):
        console.print(line)
    mean = words.geometric_mean(comparison)
    total = words.counts(comparison) + (f"; geometric mean {mean}" if mean else "")
    console.print(total)
    style = "bold red" if comparison.alarm or comparison.faults else "bold"
    console.print(Text(words.conclusion(comparison), style=style))
    return text(console)


def paper(*, width: int, color: bool) -> Console:
    """A console that writes into memory and takes every text as it is."""
    return Console(
        file=io.StringIO(), width=width, force_terminal=color, no_color=not color,
        highlight=False, soft_wrap=False, emoji=False, markup=False,
    )  # fmt: skip


def text(paper: Console) -> str:
    """What was written on a `paper`, no line of it ending in spaces."""
    assert isinstance(paper.file, io.StringIO)
    return "\n".join(line.rstrip() for line in paper.file.getvalue().splitlines()) + "\n"


def chosen(cases: Sequence[_Case], *, everything: bool) -> tuple[list[_Case], int]:
    """The cases to show, and how many unchanged ones are left out."""
    changed = [case for case in cases if case.verdict is not Verdict.UNCHANGED]
    room = len(cases) if everything else max(0, _ROWS - len(changed))
    unchanged = [case for case in cases if case.verdict is Verdict.UNCHANGED]
    kept = {id(case) for case in (*changed, *unchanged[:room])}
    return [case for case in cases if id(case) in kept], max(0, len(unchanged) - room)


def _table(deltas: list[Delta]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("change", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("benchmark", overflow="fold", ratio=1)
    table.add_column("base", justify="right", no_wrap=True)
    table.add_column("contender", justify="right", no_wrap=True)
    for delta in deltas:
        style = STYLES.get(delta.verdict, "")
        table.add_row(
            Text(words.change(delta), style=style),
            Text(words.verdict(delta), style=style),
            Text(words.metric(delta)),
            Text(words.value(delta, delta.base)),
            Text(words.value(delta, delta.contender)),
        )
    return table
