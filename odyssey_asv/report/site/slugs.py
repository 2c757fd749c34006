"""Names of benchmarks and places as names of files: nothing in a name leads out of the folder."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping

_LONGEST = 100
_OTHER = re.compile(r"[^A-Za-z0-9._-]+")


def slugs(names: Iterable[str]) -> Mapping[str, str]:
    """A file name, without suffix, for each name: its own where that is plain and stays apart from the
    others on any file system, else with a part of its hash."""
    every = sorted(set(names))
    plain = {name: _OTHER.sub("-", name).strip(".-")[:_LONGEST] or "benchmark" for name in every}
    taken = Counter(slug.lower() for slug in plain.values())
    return {
        name: slug if slug == name and taken[slug.lower()] == 1 else f"{slug}-{_short(name)}"
        for name, slug in plain.items()
    }


def _short(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
