"""A check as a comment: short enough, folded, and every name shown as text."""

from __future__ import annotations

import pytest
from hypothesis import given

from odyssey_asv.findings import Check
from odyssey_asv.model import Commit
from odyssey_asv.policy import Verdict
from odyssey_asv.report import markdown as comment
from odyssey_asv.report.check import markdown
from odyssey_asv.units import one_line
from tests import strategies
from tests.builders import golden
from tests.check_builders import check, checks, finding, showcase, side, unchanged
from tests.test_report_markdown import OURS, seen


def test_the_report_is_the_golden_one() -> None:
    """Every verdict, clock and doubt, as it was read and approved."""
    actual = markdown.render(showcase())
    assert golden("check.md", actual) == actual


def test_a_regression_is_told_in_full() -> None:
    """The change, its interval, the word, the name, and both values with units."""
    text = markdown.render(check([finding("add", Verdict.REGRESSION, 0.15)]))
    expected = (
        "| +15.0 % | &#91;+12.7, +17.3&#93; | REGRESSION (minor) | <code>add</code>"
        " | 100 ms | 115 ms | 5 |"
    )
    assert expected in text.splitlines()
    assert text.startswith("**REGRESSION: the contender must not pass**\n")


def test_unchanged_cases_are_folded_away() -> None:
    """They are counted in the open and listed in the fold."""
    text = markdown.render(check([finding("g", Verdict.SLOWER, 0.07), *unchanged(2)]))
    opened, folded = text.split("<details><summary>2 unchanged</summary>\n\n")
    assert ["<code>g</code>" in opened, "<code>f00</code>" in opened] == [True, False]
    assert "<code>f00</code>" in folded
    assert folded.endswith("\n</details>\n")


def test_code_against_itself_is_said_to_be() -> None:
    """With what would have been found."""
    text = markdown.render(check(unchanged(2), same=True))
    assert text.startswith("**0 false alarms in 2 cases of the same code**\n")
    assert "- a slowdown of 8.3 % would have been found in every case" in text


def test_a_comment_of_five_thousand_long_names_is_not_too_long() -> None:
    """What does not fit is counted."""
    many = [
        finding(f"{'*' * 300}{number}", Verdict.REGRESSION, 0.2, reason=f"{'`' * 90}{number}")
        for number in range(5000)
    ]
    text = markdown.render(check(many))
    assert len(text) <= comment.LONGEST
    assert "more are not shown here" in text
    assert text.count("\n| +20.0 % |") > 5


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_a_hostile_name_is_shown_as_text(name: str) -> None:
    """In the table, in warnings, reasons and headings; nothing of it becomes an element."""
    found = [finding(name, Verdict.FAILED, reason=f"E {name}", environment="V|`*")]
    commit = Commit(hash="ab" * 20, describe=name)
    text = markdown.render(
        check(found, base=(side(commit),), contender=(side(commit),), warnings=(f"W {name}",))
    )
    page = seen(text)
    assert page.elements <= OURS
    codes = [" ".join(code.split()) for code in page.codes]
    known = " ".join(f"abababab ({name})".split())
    expected = [f"W {name}", f"E {name}", f"{one_line(name)} [V|`*]", known]
    assert [one for one in map(one_line, expected) if one.strip() not in codes] == []
    assert "://" not in text
    assert "www." not in text


@given(checks)
def test_any_check_can_be_shown(found: Check) -> None:
    """Short enough, printable, and of our elements only."""
    text = markdown.render(found)
    assert len(text) <= comment.LONGEST
    assert text.replace("\n", "").isprintable()
    assert seen(text).elements <= OURS
