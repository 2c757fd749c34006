"""The command to type next: one that can be pasted as it is, with the options that were given.

What follows a `#` is for the reader; a shell leaves it out.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from odyssey_asv.cli import Scene
from odyssey_asv.cli.exits import say
from odyssey_asv.units import printable

_PLAIN = re.compile(r"[\w@%+=:,./^-][\w@%+=:,./^~-]*", re.ASCII)


def tell(command: str, why: str = "") -> None:
    """Say the next command, and in a few words why."""
    say(f"next: {printable(command)}" + (f"  # {why}" if why else ""))


def odyssey(scene: Scene, *words: str) -> str:
    """A command of this program, on the asv configuration that was named."""
    named = [] if scene.asv_config is None else ["--config", scene.asv_config]
    return _joined(["odyssey", *named, *words])


def again(scene: Scene, *more: str, without: Mapping[str, int] | None = None) -> str:
    """The command that was given, with more words, and without these options, each of which takes so many
    values."""
    return _joined(["odyssey", *_left(scene.words, without or {}), *more])


def git(repository: Path, folder: Path, *words: str) -> str:
    """A command of git that works in `folder`, wherever the repository is."""
    here = folder.resolve()
    inside = repository.resolve() in (here, *here.parents)
    place = [] if inside else ["-C", os.path.relpath(repository, folder)]
    return _joined(["git", *place, *words])


def _joined(words: Sequence[str]) -> str:
    """Words as a shell takes them, quoted only where that is needed: `HEAD~1` and `5%` are not."""
    return " ".join(word if _PLAIN.fullmatch(word) else shlex.quote(word) for word in words)


def _left(words: Sequence[str], without: Mapping[str, int]) -> list[str]:
    kept: list[str] = []
    skip = 0
    for word in words:
        if skip:
            skip -= 1
            continue
        name, equals, _ = word.partition("=")
        if name in without:
            skip = 0 if equals else without[name]
            continue
        kept.append(word)
    return kept
