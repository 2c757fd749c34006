"""What a person sees while measuring: a live line on a terminal, plain lines elsewhere. On stderr."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from odyssey_asv.cli.exits import say
from odyssey_asv.files import near
from odyssey_asv.measure import Observer
from odyssey_asv.model import ResultSet, Status
from odyssey_asv.units import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

# How often something is said where there is no terminal to draw on.
_HEARTBEAT_S = 10.0


class PlainProgress(Observer):
    """A line for each thing that matters, and one now and then to show that it goes on."""

    def __init__(self) -> None:
        self._total = 0
        self._done = 0
        self._spoke_at = 0.0
        self._failed: set[str] = set()

    def building(self, commit: str, environment: str) -> None:
        say(f"{commit[:8]}: building in {environment}")

    def built(self, *, ok: bool, seconds: float) -> None:
        say(f"  {'built' if ok else 'BUILD FAILED'} in {seconds:.1f} s")

    def begin(self, commit: str, environment: str, processes: int) -> None:
        self._total, self._done, self._spoke_at = processes, 0, time.monotonic()
        self._failed = set()
        say(f"{commit[:8]}: measuring in {environment}, {processes} processes")

    def process(self, label: str, *, ok: bool, replayed: bool) -> None:
        self._done += 1
        now = time.monotonic()
        if not ok:
            if label not in self._failed:
                self._failed.add(label)
                say(f"  failed: {printable(label)}")
        elif now - self._spoke_at >= _HEARTBEAT_S:
            self._spoke_at = now
            say(f"  {self._done} of {self._total}: {printable(label)}")

    def end(self, results: ResultSet) -> None:
        say(_said(results))


class LiveProgress(Observer):
    """One line that says what is running, how far it is and how long it will take."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._failed: set[str] = set()

    def building(self, commit: str, environment: str) -> None:
        text = _short(f"{commit[:8]} building in {environment}")
        self._progress.update(self._task, description=text, total=None)

    def begin(self, commit: str, environment: str, processes: int) -> None:
        text = _short(f"{commit[:8]} {environment}")
        self._progress.reset(self._task, total=processes, description=text)

    def start(self, label: str) -> None:
        self._progress.update(self._task, description=_short(printable(label)))

    def process(self, label: str, *, ok: bool, replayed: bool) -> None:
        self._progress.advance(self._task)
        if not ok and label not in self._failed:
            self._failed.add(label)
            self._progress.console.print(f"failed: {printable(label)}", markup=False)

    def end(self, results: ResultSet) -> None:
        self._progress.console.print(_said(results), markup=False, highlight=False)


@contextmanager
def observer() -> Iterator[Observer]:
    """The display that suits stderr."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield PlainProgress()
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield LiveProgress(progress, progress.add_task("starting asv", total=None))


def _said(results: ResultSet) -> str:
    said = f"{(results.commit.hash or '')[:8]}: {summary(results)}"
    # What came of an interrupted run would be told nowhere else.
    return said if results.run.complete else f"{said}: {near(results.source)}"


def summary(results: ResultSet) -> str:
    """`84 cases measured, 1 failed, 3 skipped in 61 s`."""
    found = [result.status for result in results.results]
    parts = [f"{found.count(Status.OK)} cases measured"]
    failed = sum(status.failed for status in found)
    for count, name in ((failed, "failed"), (found.count(Status.SKIPPED), "skipped")):
        if count:
            parts.append(f"{count} {name}")
    if not results.run.complete:
        parts.append("INCOMPLETE")
    seconds = results.run.duration_s
    return ", ".join(parts) + ("" if seconds is None else f" in {seconds:.0f} s")


def _short(label: str, width: int = 40) -> str:
    """The end of a label tells the cases of a benchmark apart, so it is the part that stays."""
    return label if len(label) <= width else f"…{label[-(width - 1) :]}"
