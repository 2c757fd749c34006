"""A check as a page: every case drawn, listed and explained, and whatever is in it shown as text."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from odyssey_asv.findings import Check, Clock, Finding
from odyssey_asv.model import Better, Commit, Kind
from odyssey_asv.pairs.evidence import Estimate
from odyssey_asv.policy import Limits, Verdict
from odyssey_asv.report.check import words
from odyssey_asv.report.html.check import render
from odyssey_asv.units import one_line
from tests import strategies
from tests.builders import benchmark, golden, result
from tests.check_builders import check, checks, finding, showcase, side, unchanged
from tests.pages import Page, check_page, shown


def rows(page: Page) -> list[str]:
    """The ids of the table's rows, in order."""
    return [found["id"] for found in page.all("tr") if "id" in found]


def seen(page: Page) -> list[str]:
    """The names of cases in the order of the table."""
    return [text for within, text in page.texts if within[-3:] == ("th", "a", "bdi")]


def timed(name: str, verdict: Verdict, change: float, **changes: Any) -> Finding:
    """A finding with samples on both sides: two processes each, the second of the base a little slower."""
    of = benchmark(name)
    base = result(of, 0.1, processes=((0.1, 0.1), (0.101, 0.102)))
    more = 1.0 + change
    contender = result(of, 0.1 * more, processes=((0.1 * more,), (0.1 * more, 0.11 * more)))
    return finding(
        name,
        verdict,
        change,
        **{"base": base, "contender": contender, "clock": Clock.WALL, **changes},
    )


def test_the_page_is_the_golden_one() -> None:
    """Every verdict, clock and doubt, and the strips of a case with samples, as read and approved."""
    found = showcase()
    actual = render(
        replace(found, findings=(timed("sum", Verdict.REGRESSION, 0.2), *found.findings))
    )
    check_page(actual)
    assert golden("html-check.html", shown(actual)) == shown(actual)


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_word_and_class(verdict: Verdict) -> None:
    """In the table, in the evidence and in the drawing, not by colour alone."""
    page = check_page(render(check([finding("f", verdict, 0.2)])))
    badges = page.all("span", class_=verdict.value.replace(" ", "-"))
    assert len(badges) == 2 + (verdict in (Verdict.REGRESSION, Verdict.INCONCLUSIVE))
    word = "undecided" if verdict is Verdict.INCONCLUSIVE else verdict.value
    assert [
        text.lower().startswith(word) for text in page.inside("td") if word in text.lower()
    ] == [True]
    assert word in page.inside("text")


def test_every_case_is_drawn_listed_and_explained() -> None:
    """Those that raise no alarm as well; each is reached from each."""
    found = showcase()
    page = check_page(render(found))
    count = len(found.findings)
    assert len(rows(page)) == len(page.all("details")) == count
    assert [link for link in page.links if link.startswith("#case-")][:count] == [
        f"#{name}" for name in rows(page)
    ]
    assert len([link for link in page.links if link.startswith("#evidence-")]) == count
    assert sorted(seen(page)) == sorted(words.case(one) for one in found.findings)


def test_regressions_come_first_and_what_is_not_gated_last() -> None:
    found = [
        finding("memory", Verdict.REGRESSION, 2.0, Kind.PEAKMEMORY),
        finding("failing", Verdict.FAILED),
        finding("slow", Verdict.SLOWER, 0.07),
        finding("small", Verdict.REGRESSION, 0.12),
        finding("large", Verdict.REGRESSION, 0.5),
    ]
    page = check_page(render(check(found)))
    assert seen(page) == ["large", "small", "failing", "slow", "memory [memory]"]
    assert [text for text in page.inside("td") if text == "not gated"] == ["not gated"]


@pytest.mark.parametrize(
    ("found", "badge", "title"),
    [
        (check([finding("f", Verdict.REGRESSION, 0.2)]), "regression", "REGRESSION: the contender"),
        (check(unchanged(1)), "ok", "ok: no regression"),
        (check([finding("f", Verdict.INCONCLUSIVE)]), "inconclusive", "undecided: 1 of 1 cases"),
        (check(), "error", "error: nothing could be measured"),
        (check(unchanged(1), same=True), "ok", "0 false alarms"),
        (
            check([finding("f", Verdict.REGRESSION, 0.2)], same=True),
            "warning",
            "1 false alarm in 1 case",
        ),
        (check([finding("f", Verdict.FAILED)], same=True), "error", "error: nothing"),
    ],
)
def test_the_verdict_is_the_title_and_the_heading(found: Check, badge: str, title: str) -> None:
    """With a word beside it."""
    page = check_page(render(found))
    assert page.all("span", class_="badge")[0]["class"] == f"badge {badge}"
    (heading,) = page.inside("h1")
    assert heading.startswith(title)
    assert page.inside("title")[0] == f"{heading} · odyssey check"


def test_without_findings_there_is_no_drawing_and_no_table() -> None:
    page = check_page(render(check(base=(), contender=())))
    assert [page.drawings, page.all("table"), page.all("details")] == [[], [], []]
    assert "Nothing was measured." in page.words


def test_what_a_reader_must_know_is_above_the_numbers() -> None:
    """Sides, doubts, effort, noise, and what of both is not gated."""
    found = showcase()
    page = check_page(render(found))
    above = page.words.partition("Changes")[0]
    noise = words.noise(found)
    assert noise is not None
    for said in (
        words.side(found.base), words.contender(found), *words.warnings(found), words.effort(found),
        noise.removeprefix("noise: "), *words.ungated(found), words.ONE_BUILD, words.counts(found),
    ):  # fmt: skip
        assert said in above


def test_the_evidence_of_a_case_is_drawn() -> None:
    """A strip of its blocks, one of its samples by process, and both values."""
    page = check_page(render(check([timed("f", Verdict.SLOWER, 0.07)])))
    told = [
        drawing.findtext("title") for drawing in page.drawings if "strip" in drawing.attrib["class"]
    ]
    assert told == [
        "5 blocks, from +5.9 % to +8.1 %",
        "samples: base 4 in 2 processes, contender 3 in 2 processes",
    ]
    assert {"100 ms", "107 ms", "5 %, 10 %", "suite.time_f"} <= {*page.inside("dd")}


def test_what_was_not_measured_has_no_strips() -> None:
    page = check_page(render(check([finding("f", Verdict.ADDED)])))
    assert page.drawings == []
    assert len(page.all("details")) == 1


@pytest.mark.parametrize("ends", [(-math.inf, math.inf), (math.nan, math.nan), (-800.0, 1e308)])
def test_boundless_intervals_end_at_the_edge(ends: tuple[float, float]) -> None:
    """With an arrow; no coordinate is without a number."""
    wild = Estimate(0.01, ends[0], ends[1], math.inf)
    page = check_page(render(check([finding("f", Verdict.INCONCLUSIVE, 0.01, estimate=wild)])))
    assert "nan" not in page.words.lower()
    assert page.all("path", class_="interval")


def test_higher_may_be_better() -> None:
    """Limits are on the side that is worse, here the left one."""
    of = benchmark("rate", Kind.TRACK, better=Better.HIGHER, unit="rows/s")
    found = finding("rate", Verdict.REGRESSION, 0.2, benchmark=of, gated=True)
    page = check_page(render(check([found])))
    threshold, zero = (
        float(page.all("path", class_=name)[0]["d"][1:].split()[0])
        for name in ("threshold", "zero")
    )
    assert threshold < zero
    assert "higher" in page.inside("dd")


def test_limits_may_differ_from_case_to_case() -> None:
    """Each has a stroke of its own; none where there is no limit."""
    own = Limits(tolerance=Limits().tolerance * 0, threshold=Limits().threshold)
    found = [finding("f", Verdict.SLOWER, 0.07, limits=own), finding("g", Verdict.SLOWER, 0.06)]
    page = check_page(render(check(found)))
    strokes = [page.all("path", class_=name)[0]["d"] for name in ("tolerance", "threshold")]
    assert [stroke.count("M") for stroke in strokes] == [1, 2]


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_a_hostile_name_is_shown_as_text(name: str) -> None:
    """In the heading, the drawing, the table, warnings, reasons and the evidence, on its own direction."""
    found = [timed(name, Verdict.FAILED, 0.1, reason=f"E {name}", environment="V<b>")]
    commit = Commit(hash="ab" * 20, describe=name)
    page = check_page(
        render(
            check(found, base=(side(commit),), contender=(side(commit),), warnings=(f"W {name}",))
        )
    )
    isolated = {" ".join(text.split()) for within, text in page.texts if within[-1:] == ("bdi",)}
    expected = [f"W {name}", f"E {name}", f"{one_line(name)} [V<b>]", f"abababab ({name})"]
    assert {one_line(one).strip() for one in expected if one_line(one).strip()} <= isolated


def test_the_same_check_gives_the_same_page() -> None:
    """It takes nothing from a clock."""
    assert render(showcase()) == render(showcase())


@given(checks)
def test_any_check_can_be_shown(found: Check) -> None:
    page = check_page(render(found))
    assert len(rows(page)) == len(found.findings)
