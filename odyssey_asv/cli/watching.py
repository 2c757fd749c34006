"""What a person sees while a change is checked: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from odyssey_asv.check import Observer
from odyssey_asv.cli.exits import say
from odyssey_asv.findings import Finding
from odyssey_asv.policy import Verdict
from odyssey_asv.units import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_HEARTBEAT_S = 10.0
_TOLD = frozenset({Verdict.REGRESSION, Verdict.FAILED})


class PlainWatcher(Observer):
    """A line for each thing that matters, and one now and then to show that it goes on."""

    def __init__(self) -> None:
        self._cases = 0
        self._spoke_at = time.monotonic()

    def environment(self, side: str, step: str) -> None:
        say(f"{side}: {step}")

    def planned(self, cases: int, gated: int) -> None:
        self._cases = cases
        say(f"{cases} cases, {gated} of which may alert")

    def round(self, number: int, left: int) -> None:
        if time.monotonic() - self._spoke_at >= _HEARTBEAT_S:
            self._spoke_at = time.monotonic()
            say(f"  round {number}: {left} of {self._cases} cases to be decided")

    def decided(self, finding: Finding) -> None:
        if finding.verdict in _TOLD:
            say(f"  {finding.verdict}: {printable(finding.label)}")


class LiveWatcher(Observer):
    """One line that says what is being measured and how many cases are decided."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._prefix = ""

    def environment(self, side: str, step: str) -> None:
        self._progress.update(self._task, description=f"{side}: {step}")

    def planned(self, cases: int, gated: int) -> None:
        self._progress.reset(self._task, total=cases)

    def round(self, number: int, left: int) -> None:
        self._prefix = f"round {number}, "

    def case(self, name: str) -> None:
        text = printable(name)
        shown = text if len(text) <= 36 else f"…{text[-35:]}"
        self._progress.update(self._task, description=f"{self._prefix}{shown}")

    def decided(self, finding: Finding) -> None:
        self._progress.advance(self._task)
        if finding.verdict in _TOLD:
            line = f"{finding.verdict}: {printable(finding.label)}"
            self._progress.console.print(line, markup=False, highlight=False)


@contextmanager
def watcher() -> Iterator[Observer]:
    """The display that suits stderr."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield PlainWatcher()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield LiveWatcher(progress, progress.add_task("looking for environments", total=None))
