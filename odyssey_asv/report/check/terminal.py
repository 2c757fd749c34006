"""A check for people at a terminal: fits 80 columns, worst first."""

from __future__ import annotations

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from odyssey_asv.findings import Check, Conclusion, Finding
from odyssey_asv.policy import Verdict
from odyssey_asv.report.check import words
from odyssey_asv.report.check.plot import ASCII, LINES, WIDTH, Axis, Signs, axis
from odyssey_asv.report.terminal import STYLES, chosen, paper, text
from odyssey_asv.report.words import verdict

# A plot that leaves less to the names is left out.
_LEAST_NAME = 12


def render(
    check: Check,
    *,
    width: int = 80,
    color: bool = False,
    everything: bool = False,
    ascii: bool = False,  # noqa: A002 (what it is called elsewhere, and keyword only)
) -> str:
    """The report as text. `everything` shows every unchanged case, `ascii` draws without lines."""
    console = paper(width=width, color=color)
    signs = ASCII if ascii else LINES
    console.print(f"base       {words.side(check.base)}")
    console.print(f"contender  {words.contender(check)}")
    for line in words.left_out(check):
        console.print(Text(line))
    for doubt in words.warnings(check):
        console.print(Text(f"warning: {doubt}", style="yellow"))
    shown, hidden = chosen(check.gated, everything=everything)
    if shown:
        console.print()
        plotted = _plotted(shown, width)
        console.print(_table(shown, axis(shown) if plotted else None, signs))
        console.print(Text(_legend(check, shown, signs if plotted else None), style="dim"))
    if hidden:
        console.print(Text(f"{hidden} unchanged not shown (--all shows them)", style="dim"))
    console.print()
    for label, reason in words.reasons(check):
        console.print(f"{label}: {reason}")
    for line in words.ungated(check):
        console.print(Text(line, style="yellow"))
    for line in _summary(check):
        console.print(line)
    if words.one_build(check):
        console.print(Text(words.ONE_BUILD, style="dim"))
    alarm = check.conclusion is Conclusion.REGRESSION
    console.print(Text(words.conclusion(check), style="bold red" if alarm else "bold"))
    return text(console)


def _summary(check: Check) -> list[str]:
    mean, counts = words.geometric_mean(check), words.counts(check)
    lines = [counts + (f"; geometric mean {mean}" if mean else "")] if check.findings else []
    lines += [line for line in (words.noise(check),) if line]
    if check.conclusion is not Conclusion.NOTHING:
        lines.append(words.effort(check))
    lines += [line for line in (words.detectable(check),) if line and check.same]
    return lines


def _legend(check: Check, shown: list[Finding], signs: Signs | None) -> str:
    parts = [f"intervals of {words.confidence(check)}"]
    if signs is not None:
        parts.append(f"{signs.tolerance} tolerance, {signs.threshold} threshold")
    return "; ".join([*parts, *words.clocks(shown)])


def _cells(finding: Finding) -> tuple[str, str, str, str]:
    """What stands beside plot and name."""
    blocks = f"{words.clock(finding)} {len(finding.effects) or ''}".strip()
    return words.change(finding), words.interval(finding), _verdict(finding), blocks


def _verdict(finding: Finding) -> str:
    """In one word: the severity of a regression stands in the column of changes."""
    return "REGRESSION" if finding.verdict is Verdict.REGRESSION else verdict(finding)


_HEADINGS = ("change", "interval", "verdict", "blocks")


def _plotted(shown: list[Finding], width: int) -> bool:
    """Whether the plot leaves room for the names."""
    if all(finding.interval is None for finding in shown):
        return False
    columns = zip(_HEADINGS, *map(_cells, shown), strict=True)
    taken = sum(max(map(cell_len, column)) + 1 for column in columns) + WIDTH + 1
    return width - taken >= _LEAST_NAME


def _table(shown: list[Finding], along: Axis | None, signs: Signs) -> Table:
    change, interval, verdict_, blocks = _HEADINGS
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column(change, justify="right", no_wrap=True)
    table.add_column(interval, justify="right", no_wrap=True)
    if along is not None:
        table.add_column(along.heading, no_wrap=True, min_width=WIDTH)
    table.add_column(verdict_, no_wrap=True)
    table.add_column(blocks, justify="right", no_wrap=True)
    table.add_column("benchmark", overflow="fold", ratio=1)
    for finding in shown:
        style = STYLES.get(finding.verdict, "")
        first, second, word, number = _cells(finding)
        table.add_row(
            Text(first, style=style),
            Text(second, style=style),
            *(() if along is None else (Text(along.plot(finding, signs), style=style),)),
            Text(word, style=style),
            Text(number),
            Text(words.case(finding)),
        )
    return table
