"""A history for people at a terminal: fits 80 columns, what still hurts first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from odyssey_asv.past.timeline import Found, History, Trend
from odyssey_asv.report.history import words
from odyssey_asv.report.history.plot import draw
from odyssey_asv.report.terminal import paper, text

# As many rows under each heading, unless everything is wanted.
_ROWS = 15
_STYLES = ("bold red", "yellow", "dim", "green")


def render(  # noqa: PLR0913 (each is an option of the command)
    history: History,
    *,
    regressions: bool = False,
    width: int = 80,
    color: bool = False,
    everything: bool = False,
    ascii: bool = False,  # noqa: A002 (what it is called elsewhere, and keyword only)
) -> str:
    """The report as text. `regressions` leaves all else out, `everything` shows every change, `ascii`
    draws without lines. A single series is drawn as well."""
    page = paper(width=width, color=color)
    page.print(_head(history))
    for doubt in history.warnings:
        page.print(Text(f"warning: {doubt}", style="yellow"))
    if len(history.trends) == 1:
        _one(page, history.trends[0], history, width, ascii)
    for heading, found in words.sections(history, regressions=regressions):
        page.print()
        page.print(Text(heading, style="bold"))
        shown = found if everything else found[:_ROWS]
        page.print(_table(shown, history))
        if len(shown) < len(found):
            left = len(found) - len(shown)
            page.print(Text(f"{left} more not shown (--all shows them)", style="dim"))
    page.print()
    page.print(words.counts(history))
    held = any(found.change.confirmed for found in history.regressions)
    page.print(Text(words.conclusion(history), style="bold red" if held else "bold"))
    return text(page)


def _head(history: History) -> Table:
    head = Table.grid(padding=(0, 2, 0, 0))
    head.add_column(no_wrap=True)
    head.add_column(overflow="fold")
    head.add_row("line", Text(words.line(history.line)))
    for number, place in enumerate(words.places(history)):
        head.add_row("" if number else "places", Text(place))
    return head


def _one(page: Console, trend: Trend, history: History, width: int, ascii_only: bool) -> None:
    page.print()
    page.print(Text(words.case(trend, history), style="bold"))
    for row in draw(trend, history.line, width, ascii_only=ascii_only):
        page.print(Text(row))
    page.print("; ".join(words.standing(trend, history.line)))


def _table(shown: Sequence[Found], history: History) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("change", justify="right", no_wrap=True)
    table.add_column("interval", justify="right", no_wrap=True)
    table.add_column("commits", no_wrap=True)
    table.add_column("date", no_wrap=True)
    table.add_column("benchmark", overflow="fold", ratio=1)
    for found in shown:
        change, line = found.change, history.line
        style = _style(found)
        note = words.state(change, line) if change.recovered is not None else ""
        table.add_row(
            Text(words.change(change), style=style),
            Text(words.interval(change), style=style),
            Text(words.where(change, line)),
            Text(words.when(change, line)),
            Text(words.case(found.trend, history) + (f" ({note})" if note else "")),
        )
    return table


def _style(found: Found) -> str:
    change = found.change
    if not change.confirmed:
        return _STYLES[1]
    if not change.worse:
        return _STYLES[3]
    return _STYLES[0] if change.recovered is None else _STYLES[2]
