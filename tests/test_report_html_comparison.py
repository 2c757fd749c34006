"""A comparison as a page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from odyssey_asv.comparison import compare
from odyssey_asv.model import ResultSet
from odyssey_asv.policy import Policy, Verdict
from odyssey_asv.report import words
from odyssey_asv.report.html.comparison import render
from odyssey_asv.units import one_line
from tests import strategies
from tests.builders import compared, golden, named, showcase
from tests.pages import check_page, shown


def test_the_page_is_the_golden_one() -> None:
    """Every verdict that stored results can have, as it was read and approved."""
    actual = render(showcase())
    check_page(actual)
    assert golden("html-comparison.html", shown(actual)) == shown(actual)


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_word_and_class(verdict: Verdict) -> None:
    found = compared({"f": 1}, {"f": 2})
    made = replace(found, deltas=(replace(found.deltas[0], verdict=verdict),))
    page = check_page(render(made))
    assert page.all("span", class_=verdict.value.replace(" ", "-"))
    assert words.verdict(made.deltas[0]) in page.inside("td")


def test_every_case_is_drawn_and_listed() -> None:
    """Those that are not gated too."""
    found = showcase()
    page = check_page(render(found))
    names = [text for within, text in page.texts if within[-2:] == ("th", "bdi")]
    assert sorted(names) == sorted(words.metric(delta) for delta in found.deltas)
    assert len([link for link in page.links if link.startswith("#case-")]) == len(found.deltas)
    values = page.inside("td")
    assert {"+60.0 %", "100 ms", "160 ms", "ZeroDivisionError: division by zero"} <= {
        text.removeprefix("it failed: ") for text in values
    }


@pytest.mark.parametrize(
    ("before", "after", "badge", "title"),
    [
        ({"f": 1}, {"f": 2}, "regression", "REGRESSION"),
        ({"f": 1}, {"f": 1}, "ok", "ok"),
        ({"f": 0}, {"f": 1}, "error", "invalid data"),
        ({"f": 1}, {"g": 1}, "error", "invalid data"),
        ({}, {}, "error", "invalid data"),
    ],
)
def test_the_verdict_is_the_title(
    before: dict[str, float], after: dict[str, float], badge: str, title: str
) -> None:
    found = compared(before, after)
    page = check_page(render(found))
    assert page.all("span", class_="badge")[0]["class"] == f"badge {badge}"
    assert page.inside("title")[0].startswith(title)
    assert [fault for fault in words.faults(found) if fault not in page.words] == []


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_a_hostile_name_is_shown_as_text(name: str) -> None:
    found = compare(named({name: 1.0}), named({name: 2.0}))
    page = check_page(render(replace(found, warnings=(name,), faults=(name,))))
    isolated = [text.strip() for within, text in page.texts if within[-1:] == ("bdi",)]
    assert isolated.count(one_line(name).strip()) >= 3 * bool(one_line(name).strip())


@given(strategies.any_pairs(), strategies.policies)
def test_any_comparison_can_be_shown(pair: tuple[ResultSet, ResultSet], policy: Policy) -> None:
    found = compare(*pair, policy)
    page = check_page(render(found))
    assert len([one for one in page.all("tr") if "id" in one]) == len(found.deltas)
