"""What files a commit holds: git's words read."""

from __future__ import annotations

from typing import NamedTuple

from odyssey_asv.repository.lines import Ask

LINK = "120000"


class Entry(NamedTuple):
    """A file of a commit: how git keeps it, and the hash of its content. A submodule is one as well."""

    mode: str
    blob: str


def entries(ask: Ask, commit: str) -> dict[str, Entry]:
    """Every file of a commit by its path from the top. A name that is not UTF-8 keeps its bytes as
    surrogates."""
    said = ask("ls-tree", "-r", "-z", "--full-tree", commit)
    found = {}
    for line in filter(None, said.split("\0")):
        facts, _, path = line.partition("\t")
        mode, _, blob = facts.split(" ")
        found[path] = Entry(mode, blob)
    return found
