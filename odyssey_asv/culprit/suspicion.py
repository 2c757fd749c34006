"""How suspect a commit is before anything is measured, by the files it changed. Pure.

A weight is never nothing: documentation is imported, and tests hold fixtures that benchmarks use.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

HARMLESS = 0.05
"""The weight of a commit that changed no code that runs."""
ELSEWHERE = 0.02
"""The weight of a commit that changed nothing the user pointed at."""
TRUST = 0.8
"""How surely a change that earlier measurements show is the one that is looked for."""

_DOCUMENTS = re.compile(
    r"""
    (^|/)(docs?|documentation|\.github|\.circleci|tests?|testing)/
    | \.(md|rst|txt|adoc|png|jpe?g|svg|gif|ico|bib|po|ipynb)$
    | (^|/)(licen[cs]e|copying|authors|changes|changelog|contributors|news|notice|codeowners)(\.\w+)?$
    | (^|/)(test_\w+|\w+_test|conftest)\.py$
    | (^|/)\.\w[\w.-]*$
    """,
    re.VERBOSE | re.IGNORECASE,
)


def weight(files: Sequence[str], paths: Sequence[str] = ()) -> float:
    """Of a commit that changed these files. `paths` are those that a user suspects, as `fnmatch`
    expressions or folders; `*` also matches `/`. A commit without files, such as a clean merge, may
    have brought in anything.

    >>> weight(["docs/index.rst"]), weight(["docs/index.rst", "src/fast.py"])
    (0.05, 1.0)
    >>> weight(["src/fast.py"], paths=["lib"])
    0.02
    """
    if not files:
        return 1.0
    if paths and not any(_matches(name, path) for name in files for path in paths):
        return ELSEWHERE
    return HARMLESS if all(map(is_document, files)) else 1.0


def is_document(name: str) -> bool:
    """Whether a file holds no code that runs in a benchmark: documentation, tests, settings of tools.

    >>> is_document("docs/index.rst"), is_document("src/fast.py")
    (True, False)
    """
    return _DOCUMENTS.search(name) is not None


def boost(weights: Sequence[float], pointed_at: Collection[int]) -> float:
    """What the weights at these indices are to be multiplied with, so that together they have `TRUST` of
    all; 1 where they have as much already, and where they are none or all.

    >>> boost([1.0, 1.0, 1.0, 1.0, 1.0], {2})
    16.0
    """
    inside = math.fsum(weights[index] for index in pointed_at)
    outside = math.fsum(weights) - inside
    if not pointed_at or len(pointed_at) == len(weights) or outside <= 0.0:
        return 1.0
    return max(1.0, round(TRUST / (1.0 - TRUST) * outside / inside, 6))


def _matches(name: str, path: str) -> bool:
    folder = path.removeprefix("./").rstrip("/")
    return fnmatchcase(name, folder) or name.startswith(f"{folder}/")
