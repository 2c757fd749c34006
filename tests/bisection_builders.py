"""Small bisections by hand, those that the golden files show, and strategies for any bisection."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from odyssey_asv.culprit.bisection import (
    Between,
    Bisection,
    Candidate,
    Card,
    Culprit,
    Place,
    Searched,
    Skipped,
    Step,
)
from tests import strategies

SPREAD = 0.02


def digest(number: int) -> str:
    """The hash of the commit at a position of the range."""
    return f"{number:02x}" * 20


def card(number: int, /, **changes: Any) -> Card:
    """The commit at a position of the range."""
    known: dict[str, Any] = {
        "commit": digest(number),
        "parents": (digest(number - 1),),
        "author": "Ada Lovelace",
        "date": f"2026-11-{number % 28 + 1:02}T08:00:00Z",
        "subject": f"change number {number}",
    }
    return Card(**{**known, **changes})


def around(ratio: float) -> tuple[float, float]:
    """An interval around a ratio."""
    return ratio * math.exp(-SPREAD), ratio * math.exp(SPREAD)


def searched(name: str, ratio: float, /, **changes: Any) -> Searched:
    """A case that differs between the ends where its ratio is far from 1."""
    known: dict[str, Any] = {
        "case": f"suite.time_{name}",
        "label": name,
        "ratio": ratio,
        "interval": around(ratio),
        "detectable": 1.06,
        "sought": abs(ratio - 1.0) > 0.05,
    }
    return Searched(**{**known, **changes})


def step(name: str, ratio: float) -> Step:
    """What a culprit did to a case."""
    return Step(f"suite.time_{name}", name, ratio, around(ratio))


def culprit(number: int, *steps: Step, **changes: Any) -> Culprit:
    """The commit at a position, at fault."""
    known: dict[str, Any] = {
        "card": card(number),
        "parent": digest(number - 1),
        "probability": 0.998,
        "steps": steps or (step("add", 1.123),),
    }
    return Culprit(**{**known, **changes})


def between(before: int, after: int, /, **changes: Any) -> Between:
    """A step of which only this is known."""
    known: dict[str, Any] = {
        "before": digest(before),
        "after": digest(after),
        "commits": after - before,
        "probability": 0.97,
        "cases": ("suite.time_add",),
        "why": "the commits between could not be built",
    }
    return Between(**{**known, **changes})


def line(levels: str, **suspicion: float) -> tuple[Place, ...]:
    """Places from letters: a digit is ten per cent each, `x` broken, `.` not measured.

    `p3=0.5` makes the third commit suspect.
    """
    return tuple(
        Place(
            digest(number),
            1.0 + int(letter) / 10.0 if letter.isdigit() else None,
            broken=letter == "x",
            suspicion=suspicion.get(f"p{number}", 0.0),
        )
        for number, letter in enumerate(levels)
    )


def bisection(**changes: Any) -> Bisection:
    """A range of twelve commits with one case that is 12.3 % slower at its end."""
    known: dict[str, Any] = {
        "good": card(0),
        "bad": card(12),
        "length": 12,
        "searched": (searched("add", 1.123), searched("same", 1.0)),
        "line": line("0..0..1.1...1"),
        "builds": 6,
        "probes": 5,
        "wall_s": 725.0,
    }
    return Bisection(**{**known, **changes})


def found(**changes: Any) -> Bisection:
    """One commit is at fault."""
    return bisection(**{"culprits": (culprit(5),), **changes})


def undecided(**changes: Any) -> Bisection:
    """The budget was spent while three commits were suspect."""
    known: dict[str, Any] = {
        "candidates": tuple(
            Candidate(card(number), share) for number, share in ((4, 0.2), (5, 0.7), (6, 0.1))
        ),
        "line": line("0..0..1.1...1", p4=0.2, p5=0.7, p6=0.1),
        "spent": True,
        "finished": False,
        "state": ".odyssey/bisect/0123.json",
    }
    return bisection(**{**known, **changes})


def showcase(**changes: Any) -> Bisection:
    """Two culprits, one of them inside a merge, a range, a commit that did not build, and a doubt."""
    files = (
        ("src/add.py", 12, 3),
        ("src/a table.bin", None, None),
        *((f"docs/page{number}.md", number, 0) for number in range(9)),
    )
    known: dict[str, Any] = {
        "searched": (
            searched("add", 1.123),
            searched("matmul", 1.6),
            searched("sum", 1.08),
            searched("same", 1.001),
        ),
        "culprits": (
            culprit(
                5,
                step("add", 1.123),
                step("matmul", 1.59),
                card=card(5, subject="Add with a table", files=files),
            ),
            culprit(
                3,
                step("sum", 1.2),
                card=card(3, commit="ab" * 20, author="Grace Hopper", subject="Sum twice"),
                within=digest(3),
                probability=0.99997,
            ),
        ),
        "ranges": (between(8, 11, cases=("suite.time_sum", "suite.time_add")),),
        "candidates": tuple(Candidate(card(n), s) for n, s in ((9, 0.3), (10, 0.66), (11, 0.01))),
        "line": line("0.023.x.3xx.6", p9=0.3, p10=0.66, p11=0.01),
        "skipped": tuple(Skipped(digest(n), f"build failed: gcc: {n}") for n in (6, 9, 10)),
        "warnings": ("the machine was busy",),
    }
    return bisection(**{**known, **changes})


_ratios = st.one_of(
    st.floats(0.5, 2.0), st.floats(1e-300, 1e300), st.sampled_from((1.0, math.inf, math.nan, 0.0))
)
_shares = st.floats(0.0, 1.0)
_intervals = st.tuples(_ratios, _ratios)
_hashes = st.integers(0, 12).map(digest) | strategies.texts
_counts = st.integers(0, 10**6)


def _tuples(of: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=most).map(tuple)


_cards = st.integers(0, 12).map(card) | st.builds(
    Card,
    commit=_hashes,
    parents=_tuples(_hashes),
    author=strategies.texts,
    date=st.sampled_from(("2026-11-20T08:00:00Z", "")) | strategies.texts,
    subject=strategies.texts,
    files=_tuples(st.tuples(strategies.texts, st.none() | _counts, st.none() | _counts)),
)
_culprits = st.builds(
    Culprit,
    card=_cards,
    parent=_hashes,
    probability=_shares,
    steps=_tuples(st.builds(Step, strategies.texts, strategies.texts, _ratios, _intervals)),
    within=st.none() | _hashes,
)
_ranges = st.builds(
    Between,
    before=_hashes,
    after=_hashes,
    commits=st.integers(1, 10**6),
    probability=_shares,
    cases=_tuples(strategies.texts, 6),
    why=strategies.texts | st.just(""),
)
places = st.builds(
    Place, commit=_hashes, level=st.none() | _ratios, broken=st.booleans(), suspicion=_shares
)
"""Any commit of a picture."""

bisections: st.SearchStrategy[Bisection] = st.builds(
    Bisection,
    good=_cards,
    bad=_cards,
    length=_counts,
    searched=_tuples(
        st.builds(
            Searched,
            case=strategies.texts,
            label=strategies.texts,
            ratio=st.none() | _ratios,
            interval=st.none() | _intervals,
            detectable=st.none() | _ratios,
            sought=st.booleans(),
        )
    ),
    culprits=_tuples(_culprits),
    ranges=_tuples(_ranges),
    candidates=_tuples(st.builds(Candidate, _cards, _shares)),
    skipped=_tuples(st.builds(Skipped, _hashes, strategies.texts)),
    line=_tuples(places, 6),
    warnings=_tuples(strategies.texts),
    builds=_counts,
    probes=_counts,
    wall_s=st.floats(0.0, 1e9),
    confidence=st.floats(0.5, 0.99999),
    improvement=st.booleans(),
    spent=st.booleans(),
    finished=st.booleans(),
    state=strategies.texts | st.just(""),
)
"""Whatever the types allow."""
