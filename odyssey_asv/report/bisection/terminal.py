"""A search for the commit at fault for people at a terminal: fits 80 columns, the answer last."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from odyssey_asv.culprit.bisection import Between, Bisection, Candidate, Culprit, Outcome
from odyssey_asv.report.bisection import words
from odyssey_asv.report.bisection.line import ASCII, LINES, Signs, legend, picture
from odyssey_asv.report.terminal import paper, text

# How many of each are shown unless everything is.
_CASES = 20
_FILES = 8
_CANDIDATES = 10
_SKIPPED = 5
_INDENT = 2


def render(
    bisection: Bisection,
    *,
    width: int = 80,
    color: bool = False,
    everything: bool = False,
    ascii: bool = False,  # noqa: A002 (what it is called elsewhere, and keyword only)
) -> str:
    """The report as text. `everything` leaves nothing out, `ascii` draws the range without blocks."""
    page = _Page(paper(width=width, color=color), everything=everything)
    page.line(f"good  {words.end(bisection.good)}")
    page.line(f"bad   {words.end(bisection.bad)}")
    if parted := words.fork(bisection):
        page.line(parted)
    page.line(words.length(bisection))
    for doubt in words.warnings(bisection):
        page.line(f"warning: {doubt}", "yellow")
    _range(page, bisection, ASCII if ascii else LINES, width)
    _ends(page, bisection)
    colour = "green" if bisection.improvement else "red"
    for culprit in bisection.culprits:
        chance = words.probability(culprit.probability)
        said = [words.named(bisection), f"{words.short(culprit.card.commit)}, probability {chance}"]
        if share := words.share(culprit):
            said.append(f"({share})" if len(bisection.culprits) > 1 else "")
        _culprit(page, culprit, " ".join(filter(None, said)), colour)
    for culprit in bisection.lacking:
        _culprit(page, culprit, words.lacking(bisection, culprit), "yellow")
    for found in bisection.ranges:
        _between(page, bisection, found)
    for line in words.reversals(bisection):
        page.gap()
        page.line(line, "yellow")
    if bisection.outcome is Outcome.UNDECIDED and bisection.candidates:
        page.gap()
        page.line("candidates:")
        page.candidates(words.likeliest(bisection))
    if bisection.skipped:
        page.gap()
        lines = [f"{commit}: {reason}" for commit, reason in words.skipped(bisection)]
        page.line("could not be measured:")
        page.listed(lines, _SKIPPED)
    page.gap()
    page.line(words.summary(bisection))
    if sum_ := words.together(bisection):
        page.line(sum_)
    if hint := words.going_on(bisection):
        page.line(hint)
    alarm = bisection.outcome is Outcome.CULPRIT and not bisection.improvement
    page.line(words.conclusion(bisection), "bold red" if alarm else "bold")
    return text(page.console)


class _Page:
    """Writes lines and tables, and counts what it leaves out."""

    def __init__(self, console: Console, *, everything: bool) -> None:
        self.console = console
        self.everything = everything

    def gap(self) -> None:
        self.console.print()

    def line(self, said: str, style: str = "", *, indent: int = 0) -> None:
        self.console.print(Padding(Text(said, style=style), (0, 0, 0, indent), expand=False))

    def listed(self, lines: Sequence[str], most: int, *, indent: int = _INDENT) -> None:
        shown = len(lines) if self.everything else most
        for said in lines[:shown]:
            self.line(said, indent=indent)
        self.more(len(lines) - shown, indent)

    def more(self, hidden: int, indent: int) -> None:
        if hidden > 0:
            self.line(f"and {hidden} more (--all shows them)", "dim", indent=indent)

    def cases(
        self, cases: Sequence[words.Changed], heading: str, *, style: str, indent: int = 0
    ) -> None:
        table = _table("change", "interval", last=heading)
        ordered = words.worst_first(cases)
        shown = len(ordered) if self.everything else _CASES
        for case in ordered[:shown]:
            change, interval = words.change(case), words.interval(case)
            table.add_row(Text(change, style=style), Text(interval), Text(words.label(case)))
        self._print(table, indent)
        self.more(len(ordered) - shown, indent)

    def candidates(self, found: Sequence[Candidate]) -> None:
        table = _table("probability", last="commit")
        shown = len(found) if self.everything else _CANDIDATES
        for one in found[:shown]:
            table.add_row(Text(words.probability(one.probability)), Text(words.candidate(one)))
        self._print(table, _INDENT)
        self.more(len(found) - shown, _INDENT)

    def _print(self, table: Table, indent: int) -> None:
        self.console.print(Padding(table, (0, 0, 0, indent), expand=False))


def _range(page: _Page, bisection: Bisection, signs: Signs, width: int) -> None:
    """The picture between the hashes of its ends."""
    good, bad = (words.short(card.commit)[:8] for card in (bisection.good, bisection.bad))
    room = width - cell_len(good) - cell_len(bad) - 2
    drawn = picture(bisection.line, room, culprits=words.marked(bisection), signs=signs)
    if drawn:
        page.gap()
        page.line(f"{good} {drawn} {bad}")
        page.line(legend(drawn, len(bisection.line), signs), "dim")


def _ends(page: _Page, bisection: Bisection) -> None:
    """What differs between the ends, and with everything what does not."""
    hidden = words.unsought(bisection)
    others = words.other_way(bisection)
    shown = [*bisection.sought, *((*others, *hidden) if page.everything else ())]
    if shown or hidden or others:
        page.gap()
    if shown:
        page.cases(shown, "benchmark, bad end against good end", style="yellow")
    if other := words.other_way_told(bisection):
        page.line(other, "yellow" if bisection.improvement else "green")
    if hidden and not page.everything:
        page.line(f"{len(hidden)} without a difference not shown (--all shows them)", "dim")


def _culprit(page: _Page, culprit: Culprit, heading: str, colour: str) -> None:
    card = culprit.card
    page.gap()
    page.line(heading, f"bold {colour}")
    page.line(words.subject(card), indent=_INDENT)
    page.line(f"{words.author(card)}, {words.date(card)}", indent=_INDENT)
    if merge := words.within(culprit):
        page.line(merge, indent=_INDENT)
    if culprit.steps:
        heading = f"benchmark, against parent {words.short(culprit.parent)}"
        page.cases(culprit.steps, heading, style=colour, indent=_INDENT)
    if card.files:
        page.line("files:", indent=_INDENT)
        page.listed(words.files(card), _FILES, indent=2 * _INDENT)
    page.line(words.see(culprit), indent=_INDENT)
    page.line(words.again(culprit), indent=_INDENT)


def _between(page: _Page, bisection: Bisection, found: Between) -> None:
    page.gap()
    page.line(f"{words.kind(found)}: {words.between(bisection, found)}", "bold yellow")
    if reason := words.why(found):
        page.line(reason, indent=_INDENT)
    inside = words.among(bisection, found)
    if inside and bisection.outcome is not Outcome.UNDECIDED:
        page.candidates(inside)


def _table(*numbers: str, last: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(last, overflow="fold")
    return table
