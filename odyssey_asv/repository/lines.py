"""Lines of first parents, and what a person wants to know of a commit: git's words read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from odyssey_asv.culprit.bisection import Card


class Ask(Protocol):
    """What git answers to a command. Raises `git.GitCommandError`."""

    def __call__(self, *arguments: str) -> str: ...


class Link(NamedTuple):
    """A commit on a line of first parents, with the files it changed against its first parent."""

    commit: str
    parents: tuple[str, ...]
    files: tuple[str, ...]


class Stop(NamedTuple):
    """A commit on a line. `date` is when it was committed, ISO 8601 in UTC."""

    commit: str
    date: str
    subject: str


def stops(ask: Ask, end: str) -> list[Stop]:
    """All first parents of a commit and itself, the oldest first."""
    said = ask("log", "--first-parent", "--reverse", "--format=%H%x00%ct%x00%s", end, "--")
    found = []
    for line in said.split("\n"):
        commit, seconds, subject = line.split("\0", 2)
        found.append(Stop(commit, _iso(seconds), subject))
    return found


def links(ask: Ask, start: str, end: str, without: Sequence[str] = ()) -> list[Link]:
    """The commits after `start` up to `end` along first parents, the oldest first, but none in the history
    of one `without`."""
    # A name with a control character in it is quoted by git, so none begins with this one.
    said = ask(
        "-c", "core.quotePath=true", "log", "--first-parent", "-m", "--reverse", "--name-only",
        "--no-renames", "--format=%x01%H %P", f"{start}..{end}", *(f"^{one}" for one in without), "--",
    )  # fmt: skip
    found = []
    for part in said.split("\x01")[1:]:
        head, *names = part.splitlines()
        commit, *parents = head.split()
        found.append(Link(commit, tuple(parents), tuple(name for name in names if name)))
    return found


def card(ask: Ask, commit: str) -> Card:
    """Who made a commit, when, what for, and the files it changed against its first parent."""
    shown = "%H%x00%P%x00%an%x00%at%x00%s"
    said = ask("show", "--no-patch", f"--format={shown}", commit)
    hash_, parents, author, seconds, subject = said.split("\0")
    changed = ask(
        "log", "-1", "-m", "--first-parent", "--numstat", "--no-renames", "-z", "--format=", hash_
    )
    files = []
    for entry in filter(None, changed.strip("\n").split("\0")):
        added, removed, name = entry.split("\t", 2)
        files.append((name, _count(added), _count(removed)))
    return Card(
        commit=hash_,
        parents=tuple(parents.split()),
        author=author,
        date=_iso(seconds),
        subject=subject,
        files=tuple(files),
    )


def _iso(seconds: str) -> str:
    moment = datetime.fromtimestamp(int(seconds), UTC).isoformat(timespec="seconds")
    return moment.replace("+00:00", "Z")


def _count(text: str) -> int | None:
    """Of lines, None for a file that has none."""
    return int(text) if text.isdigit() else None
