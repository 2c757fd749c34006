"""A search for the commit at fault as a page."""

from __future__ import annotations

import math

import pytest
from hypothesis import given

from odyssey_asv.culprit.bisection import Bisection, Candidate, Place, Searched
from odyssey_asv.report.bisection import words
from odyssey_asv.report.html.bisection import render
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
    line,
    searched,
    showcase,
    step,
    undecided,
)
from tests.builders import golden
from tests.pages import check_page, shown


def test_the_page_is_the_golden_one() -> None:
    """Two culprits, a range, commits that did not build, as it was read and approved."""
    actual = render(showcase())
    check_page(actual)
    assert golden("html-bisection.html", shown(actual)) == shown(actual)


def test_a_culprit_is_told_in_full() -> None:
    """Hash, author, date, subject, probability, change, interval, files, and what to type."""
    page = check_page(render(showcase()))
    said = page.inside("article")
    for expected in (
        digest(5), "Ada Lovelace", "2026-11-06", "Add with a table", "99.8 %", "+12.3 %", "[+10.1, +14.6]",
        "src/add.py +12 -3", "src/a table.bin binary", "docs/page8.md +8 -0", "within merge 030303030303",
    ):  # fmt: skip
        assert expected in said, expected
    first, *_ = (text for within, text in page.texts if within[-2:] == ("pre", "code"))
    assert first.splitlines() == [words.see(culprit(5)), words.again(culprit(5))]


def test_candidates_have_bars_as_long_as_they_are_probable() -> None:
    page = check_page(render(undecided()))
    assert [found["style"] for found in page.all("i")] == [f"--share: {s}" for s in (0.7, 0.2, 0.1)]
    assert "undecided: the budget was spent" in page.inside("h1")[0]
    assert any("--resume" in text for text in page.inside("dd"))


def test_candidates_of_a_range_stand_with_it() -> None:
    """And are not told again."""
    shares = ((4, 0.2), (5, 0.7))
    made = bisection(
        ranges=(between(3, 6),), candidates=tuple(Candidate(card(n), s) for n, s in shares)
    )
    page = check_page(render(made))
    assert len(page.all("i")) == 2
    assert "git log 030303030303..060606060606" in page.inside("code")


def test_every_commit_of_the_range_has_a_mark() -> None:
    """With what is known of it; the good end is one."""
    page = check_page(render(bisection(line=line("..0x1", p3=0.5), skipped=())))
    (drawing,) = page.drawings
    told = [
        mark.findtext("title") for mark in drawing.findall("g") if mark.find("title") is not None
    ]
    assert told == [
        "000000000000: not measured",
        "010101010101: not measured",
        "020202020202: +0.0 % against the good end",
        "030303030303: could not be measured, suspect with probability 50.0 %",
        "040404040404: +10.0 % against the good end",
    ]


def test_the_good_end_is_drawn_where_the_line_lacks_it() -> None:
    page = check_page(render(bisection(line=line("..1")[1:])))
    (drawing,) = page.drawings
    assert "3 commits from the good end" in (drawing.findtext("title") or "")


def test_culprits_are_marked_and_named_where_there_is_room() -> None:
    """Names of neighbours would lie on each other."""
    marks = line("0" * 60 + "11")
    made = found(culprits=(culprit(60), culprit(61)), line=marks)
    page = check_page(render(made))
    assert len(page.all("path", class_="named")) == 2
    assert [text for text in page.inside("svg") if text == digest(60)[:8]] == [digest(60)[:8]]
    assert digest(61)[:8] not in page.inside("svg")


def test_an_improvement_is_no_alarm() -> None:
    """It is drawn and told as one."""
    faster = culprit(5, step("add", 0.8))
    made = found(culprits=(faster,), searched=(searched("add", 0.8),), improvement=True)
    page = check_page(render(made))
    assert "made 1 benchmark faster" in page.inside("h1")[0]
    assert page.all("span", class_="badge")[0]["class"] == "badge faster"
    assert page.all("article", class_="faster")
    assert not page.all("g", class_="regression")
    assert "-20.0 %" in page.inside("td")


@pytest.mark.parametrize(
    ("made", "badge", "title"),
    [
        (found(), "regression", "culprit: 1 commit"),
        (bisection(searched=(searched("f", 1.0),)), "ok", "no regression in this range"),
        (bisection(ranges=(between(3, 6),)), "slower", "range: one of 3 commits"),
        (undecided(), "inconclusive", "undecided"),
        (bisection(searched=(), line=()), "inconclusive", "undecided: no benchmark"),
    ],
)
def test_the_answer_is_the_title(made: Bisection, badge: str, title: str) -> None:
    page = check_page(render(made))
    assert page.all("span", class_="badge")[0]["class"] == f"badge {badge}"
    assert page.inside("title")[0].startswith(title)


def test_what_is_no_number_is_left_out() -> None:
    """Ratios, intervals, levels and what could have been seen."""
    wild = Searched("c", "f", math.nan, (math.nan, math.inf), math.inf, sought=True)
    none = Searched("d", "g", None, None, None, sought=False, decided=False)
    places = tuple(
        Place(digest(n), level) for n, level in enumerate((math.nan, math.inf, 0.0, -1.0))
    )
    page = check_page(render(bisection(searched=(wild, none), line=places)))
    assert "nan" not in page.words
    assert "undecided" in page.inside("td")


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_a_hostile_name_is_shown_as_text(name: str) -> None:
    """Of authors, subjects, files, benchmarks, reasons and states."""
    named = card(5, author=name, subject=name, files=((name, 1, 2),))
    made = found(
        culprits=(culprit(5, step(name, 1.2), card=named),),
        warnings=(name,),
        searched=(searched(name, 1.2),),
        ranges=(between(8, 11, why=name, cases=(name,)),),
        state=name,
        finished=False,
    )
    page = check_page(render(made))
    isolated = [text for within, text in page.texts if within[-1:] == ("bdi",)]
    plain = one_line(name)[:150].strip()
    assert sum(plain in text for text in isolated) >= 7


@given(bisections)
def test_any_bisection_can_be_shown(made: Bisection) -> None:
    page = check_page(render(made))
    assert len(page.all("article")) == len(made.culprits)
