"""What a person sees while a change is checked: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from odyssey_asv.adapter.environments import Kept
from odyssey_asv.adapter.environments.storage import WHEEL
from odyssey_asv.checking import Observer
from odyssey_asv.cli.exits import say
from odyssey_asv.files import near
from odyssey_asv.pairs.trials import Trial
from odyssey_asv.units import count_of, format_bytes, one_line, printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

W = TypeVar("W", bound="Watching")

_HEARTBEAT_S = 10.0


class Watching(Observer):
    """What every display does. `builds` is what is on disk, where something was built."""

    builds: Sequence[Kept] = ()

    def tell(self, line: str) -> None:
        """Show a line that stays."""
        raise NotImplementedError

    def kept(self, builds: Sequence[Kept]) -> None:
        self.builds = builds

    def warned(self, text: str) -> None:
        self.tell(f"warning: {text}")

    def measuring(self, environment: str, of: int) -> None:
        if of > 1:
            self.tell(f"measuring in {one_line(environment)}")


class PlainWatcher(Watching):
    """A line for each thing that matters, and one now and then to show that it goes on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spoke_at = clock()

    def tell(self, line: str) -> None:
        say(line)

    def environment(self, side: str, step: str) -> None:
        say(f"{side}: {step}")

    def planned(self, cases: int, gated: int) -> None:
        say(f"{count_of(cases, 'case')}, {gated} of which may alert")

    def round(self, number: int, left: int) -> None:
        if self._clock() - self._spoke_at >= _HEARTBEAT_S:
            self._spoke_at = self._clock()
            cases = "case" if left == 1 else "cases"
            say(f"  round {number}: {left} {cases} to be decided")

    def decided(self, trial: Trial) -> None:
        if (verdict := trial.alarm) is not None:
            say(f"  {verdict}: {printable(trial.label)}")


class LiveWatcher(Watching):
    """One line that says what is being measured and how many cases are decided."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._prefix = ""

    def tell(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False)

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

    def decided(self, trial: Trial) -> None:
        self._progress.advance(self._task)
        if (verdict := trial.alarm) is not None:
            self.tell(f"{verdict}: {printable(trial.label)}")


@contextmanager
def watcher() -> Iterator[Watching]:
    """The display of a check that suits stderr."""
    with display(PlainWatcher, LiveWatcher) as made:
        yield made


@contextmanager
def display(plain: Callable[[], W], live: Callable[[Progress, TaskID], W]) -> Iterator[W]:
    """The one of two displays that suits stderr."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield plain()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield live(progress, progress.add_task("looking for environments", total=None))


def kept_words(builds: Sequence[Kept]) -> str:
    """`4 kept in .odyssey/environments, 310 MB`: the number is of environments, the size of all builds."""
    count = sum(build.name not in {"", WHEEL} for build in builds)
    size = format_bytes(sum(build.bytes for build in builds))
    return f"{count} kept in {near(builds[0].folder.parent)}, {size}"
