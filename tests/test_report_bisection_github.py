"""A bisection as annotations: the right level, one command a line, whatever the commits say."""

from __future__ import annotations

import pytest
from hypothesis import given

from odyssey_asv.culprit.bisection import Bisection
from odyssey_asv.report.bisection import github, words
from odyssey_asv.units import one_line
from tests import strategies
from tests.bisection_builders import (
    between,
    bisection,
    bisections,
    card,
    culprit,
    found,
    searched,
    showcase,
    step,
    undecided,
)
from tests.builders import golden
from tests.test_report_github import commands


def test_the_report_is_the_golden_one() -> None:
    """Every level, as it was read and approved."""
    actual = github.render(showcase())
    assert golden("bisection-annotations.txt", actual) == actual


@pytest.mark.parametrize(
    ("bisected", "expected"),
    [
        (found(), ["error", "notice"]),
        (found(improvement=True), ["notice", "notice"]),
        (bisection(ranges=(between(3, 5),)), ["warning", "notice"]),
        (undecided(), ["warning"]),
        (bisection(searched=(searched("f", 1.0),)), ["notice"]),
    ],
)
def test_the_level_follows_the_outcome(bisected: Bisection, expected: list[str]) -> None:
    """An error for a culprit, unless it made things faster; a warning for what is open."""
    assert [level for level, _, _ in commands(github.render(bisected))] == expected


def test_a_culprit_is_told_in_full() -> None:
    """Who, what, how much, how sure, and where to look."""
    assert commands(github.render(found()))[0] == (
        "error",
        "culprit 050505050505",
        "change number 5 (Ada Lovelace, 2026-11-06); add slower +12.3 % [+10.1, +14.6];"
        " probability 99.8 %; git show 050505050505",
    )


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_a_hostile_text_is_shown_as_text(name: str) -> None:
    """It starts no command of its own, and reads as it was written."""
    hostile = card(5, commit=name, author=name, date=name, subject=name)
    bisected = bisection(
        culprits=(culprit(5, step(name, 1.2), card=hostile, parent=name, within=name),),
        ranges=(between(3, 5, before=name, after=name, cases=(name,), why=name),),
        warnings=(f"W {name}",),
    )
    first, second, third, _ = commands(github.render(bisected))
    assert first == ("warning", "bisect", one_line(f"W {name}"))
    assert second[:2] == ("error", f"culprit {words.short(name)}")
    assert second[2].startswith(f"{words.subject(hostile)} ({words.author(hostile)}, ")
    assert third[1] == f"range up to {words.short(name)}"


@given(bisections)
def test_any_bisection_can_be_shown(bisected: Bisection) -> None:
    """One command a line, printable, the conclusion last."""
    text = github.render(bisected)
    assert commands(text)[-1][2] == words.conclusion(bisected)
    assert text.replace("\n", "").isprintable()
