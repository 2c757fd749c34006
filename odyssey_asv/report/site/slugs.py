"""Names of benchmarks and places as names of files: nothing in a name leads out of the folder."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping

_LONGEST, _HASH = 100, 10
_OTHER = re.compile(r"[^A-Za-z0-9._-]+")
# What we add to names that are not plain: one that ends so by itself could be taken for another's.
_HASHED = re.compile(rf"-[0-9a-f]{{{_HASH}}}\Z", re.IGNORECASE)


def slugs(names: Iterable[str]) -> Mapping[str, str]:
    """A file name, without suffix, for each name: its own where that is plain and stays apart from the
    others on any file system, else with a part of its hash."""
    every = sorted(set(names))
    plain = {name: _OTHER.sub("-", name).strip(".-")[:_LONGEST] or "benchmark" for name in every}
    taken = Counter(slug.lower() for slug in plain.values())
    return {
        name: slug
        if slug == name and taken[slug.lower()] == 1 and not _HASHED.search(slug)
        else f"{slug[: _LONGEST - _HASH - 1]}-{_short(name)}"
        for name, slug in plain.items()
    }


def _short(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
