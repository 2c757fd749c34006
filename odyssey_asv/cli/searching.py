"""What a person sees while a range is searched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from odyssey_asv.bisecting.hunt import Observer, Probed
from odyssey_asv.cli.watching import LiveWatcher, PlainWatcher, Watching, display
from odyssey_asv.report.bisection.line import picture
from odyssey_asv.units import count_of, format_change, one_line

_PICTURE, _SUBJECT = 60, 55


class Searching(Watching, Observer):
    """What is told of a search on every display: a line for each thing that is now known."""

    def searching(self, cases: int, commits: int) -> None:
        what = "case differs" if cases == 1 else "cases differ"
        among = "commit" if commits == 1 else "commits"
        self.tell(f"{cases} {what}; searching {commits} {among}")

    def remembering(self, commits: int) -> None:
        which = "commit" if commits == 1 else "commits"
        self.tell(f"stored results point at {commits} {which}: looking there first")

    def probing(self, probed: Probed) -> None:
        self.tell(f"measuring {probed.commit[:8]} {_cut(one_line(probed.subject))}")
        parts = []
        if probed.likeliest is not None:
            commit, share = probed.likeliest
            parts.append(f"likeliest so far {commit[:8]} ({100.0 * share:.0f} %)")
        if probed.left_s:
            parts.append(f"about {_duration(probed.left_s)} left")
        if parts:
            self.tell(f"  {', '.join(parts)}")

    def seen(self, commit: str, ratio: float | None, failing: int, works: int) -> None:
        parts = []
        if ratio is not None:
            parts.append(f"{format_change(ratio - 1.0, limits=())} against the good end")
        if failing:
            parts.append(f"{count_of(failing, 'case')} as bad as at the bad end")
        if works:
            parts.append(f"{count_of(works, 'case')} as good as at the good end")
        self.tell(f"  {commit[:8]}: {', '.join(parts)}")

    def unbuildable(self, commit: str, reason: str) -> None:
        self.tell(f"  {commit[:8]} is skipped: {one_line(reason.splitlines()[0])}")

    def confirming(self, commit: str, parent: str) -> None:
        self.tell(f"measuring {commit[:8]} against its parent {parent[:8]}, to be sure")

    def confirmed(self, commit: str, *, right: bool) -> None:
        self.tell(f"  {commit[:8]} {'made the step' if right else 'did not make it'}")

    def entering(self, merge: str, commits: int) -> None:
        self.tell(f"{merge[:8]} is a merge: going on in the {commits} commits that it brought in")


class PlainSearching(Searching, PlainWatcher):
    """Plain lines."""


class LiveSearching(Searching, LiveWatcher):
    """Lines that stay, above the one that moves, with a picture of the range."""

    def probing(self, probed: Probed) -> None:
        if probed.places:
            self.tell(f"  {picture(probed.places, _PICTURE)}")
        super().probing(probed)


@contextmanager
def searcher() -> Iterator[Searching]:
    """The display that suits stderr."""
    with display(PlainSearching, LiveSearching) as made:
        yield made


def _cut(text: str) -> str:
    return text if len(text) <= _SUBJECT else f"{text[: _SUBJECT - 1]}…"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
