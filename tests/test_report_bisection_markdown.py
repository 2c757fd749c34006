"""A bisection as a comment: short enough, folded, and every text of a commit shown as text."""

from __future__ import annotations

import pytest
from hypothesis import given

from odyssey_asv.culprit.bisection import Bisection, Candidate, Skipped
from odyssey_asv.report import markdown as comment
from odyssey_asv.report.bisection import markdown, words
from odyssey_asv.units import one_line
from tests import strategies
from tests.bisection_builders import (
    between,
    bisection,
    bisections,
    card,
    culprit,
    digest,
    found,
    searched,
    showcase,
    step,
    undecided,
)
from tests.builders import golden
from tests.test_report_markdown import OURS, seen


def test_the_report_is_the_golden_one() -> None:
    """Culprits, a range, skipped commits and doubts, as it was read and approved."""
    actual = markdown.render(showcase())
    assert golden("bisection.md", actual) == actual


def test_a_culprit_is_a_row() -> None:
    """With its hash bare, which GitHub makes a link of."""
    text = markdown.render(found())
    expected = (
        "| 050505050505 | <code>change number 5</code> | Ada Lovelace | 2026-11-06 | 1 | +12.3 %"
        " | &#91;+10.1, +14.6&#93; | 99.8 % |"
    )
    assert expected in text.splitlines()
    assert text.startswith("**culprit: 1 commit made 1 benchmark slower**\n")


def test_details_are_folded_away() -> None:
    """Files and commands among them."""
    text = markdown.render(found(skipped=(Skipped(digest(7), "build failed"),)))
    opened, folded = text.split("<details><summary>details</summary>\n\n")
    assert "- 1 commit could not be measured" in opened
    assert "build failed" not in opened
    assert "- 070707070707: <code>build failed</code>" in folded
    assert "- <code>git show 050505050505</code>" in folded
    assert folded.endswith("\n</details>\n")


def test_candidates_are_shown_while_nothing_is_decided() -> None:
    """The likeliest first."""
    lines = markdown.render(undecided()).splitlines()
    at = lines.index("| probability | commit | subject |")
    assert lines[at + 2] == "| 70.0 % | 050505050505 | <code>change number 5</code> |"
    assert "| probability | commit |" not in markdown.render(found())


def test_a_comment_of_many_long_names_is_not_too_long() -> None:
    """What does not fit is counted."""
    long = card(5, subject="*" * 900, author="`" * 900, files=(("|" * 900, 1, 1),) * 500)
    many = bisection(
        searched=tuple(searched("_" * 900, 1.5) for _ in range(500)),
        culprits=(culprit(5, *(step("_" * 900, 1.5) for _ in range(500)), card=long),) * 50,
        ranges=(between(3, 5, why="[" * 900),) * 50,
        skipped=(Skipped(digest(4), "#" * 900),) * 500,
        warnings=("~" * 900,) * 100,
    )
    text = markdown.render(many)
    assert len(text) <= comment.LONGEST
    assert "more are not shown here" in text
    assert seen(text).elements <= OURS


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_a_hostile_text_is_shown_as_text(name: str) -> None:
    """In tables, lists and headings; nothing of it becomes an element."""
    hostile = card(
        5, commit=name, author=name, date=name, subject=f"S {name}", files=((f"F {name}", 1, 2),)
    )
    bisected = bisection(
        good=hostile,
        bad=hostile,
        searched=(searched(f"L {name}", 1.2),),
        culprits=(culprit(5, step(f"L {name}", 1.2), card=hostile, parent=name, within=name),),
        ranges=(between(3, 5, before=name, after=name, cases=(name,), why=f"Y {name}"),),
        skipped=(Skipped(name, f"E {name}"),),
        warnings=(f"W {name}",),
    )
    text = markdown.render(bisected)
    page = seen(text)
    assert page.elements <= OURS
    codes = [" ".join(code.split()) for code in page.codes]
    expected = [
        words.subject(hostile),
        *(one_line(f"{kind} {name}") for kind in "LYEW"),
        *words.files(hostile),
    ]
    assert [one for one in expected if one.strip() not in codes] == []
    open_search = markdown.render(undecided(candidates=(Candidate(hostile, 0.5),)))
    assert seen(open_search).elements <= OURS
    for said in (text, open_search):
        assert "://" not in said
        assert "www." not in said


@given(bisections)
def test_any_bisection_can_be_shown(bisected: Bisection) -> None:
    """Short enough, printable, and of our elements only."""
    text = markdown.render(bisected)
    assert len(text) <= comment.LONGEST
    assert text.replace("\n", "").isprintable()
    assert seen(text).elements <= OURS
