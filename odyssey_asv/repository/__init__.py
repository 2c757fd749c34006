"""The git repository under test: everything git is asked, and the only place where it is."""

import os

# Where there is no git, its import would fail; `Repository` says so in a word.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

from odyssey_asv.repository.core import (
    UNSHALLOW,
    Range,
    Repository,
    clone_mirror,
    evenly,
    range_of,
)
from odyssey_asv.repository.lines import Link, Stop
from odyssey_asv.repository.trees import LINK, Entry

__all__ = [
    "LINK",
    "UNSHALLOW",
    "Entry",
    "Link",
    "Range",
    "Repository",
    "Stop",
    "clone_mirror",
    "evenly",
    "range_of",
]
