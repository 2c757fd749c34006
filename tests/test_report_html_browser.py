"""Pages in a real browser: they fit a phone, ask for nothing, and their script finds and orders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from odyssey_asv.findings import Finding
from odyssey_asv.policy import Verdict
from odyssey_asv.report.html import bisection, check, comparison
from tests import bisection_builders, builders, check_builders, strategies
from tests.browser import Heard, address, chromium, listen
from tests.check_builders import finding, unchanged

LONG = "x" * 300
KINDS = ("check", "comparison", "bisection")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One page of each kind, with names as long and as hostile as any."""
    made = tmp_path_factory.mktemp("pages")
    cases = [
        finding(name, verdict, 0.2, reason=LONG)
        for name, verdict in zip((*strategies.HOSTILE, LONG), Verdict, strict=False)
    ]
    long = bisection_builders.card(5, subject=LONG, author=LONG, files=((LONG, 1, 2),))
    named = (bisection_builders.culprit(5, card=long),)
    for name, text in zip(
        KINDS,
        (
            check.render(check_builders.check(cases, warnings=(LONG,))),
            comparison.render(builders.compared({LONG: 1, "b": 0}, {LONG: 2, "b": 1})),
            bisection.render(bisection_builders.showcase(culprits=named, warnings=(LONG,))),
        ),
        strict=True,
    ):
        (made / f"{name}.html").write_text(text, encoding="utf-8")
    return made


def opened(page: Page, found: list[Finding], folder: Path) -> Page:
    """A page that shows a check of these findings."""
    (folder / "page.html").write_text(check.render(check_builders.check(found)), encoding="utf-8")
    page.goto(address(folder, "page.html"))
    return page


def cases(page: Page) -> str:
    """The names in the table as they stand, those that are hidden left out."""
    return "".join(row.inner_text() for row in page.locator("#table tbody th:visible").all())


def hear(page: Page, folder: Path) -> Heard:
    return listen(page, folder.as_uri())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_never_scrolls_to_the_side(
    browser: Browser, folder: Path, kind: str, scheme: str
) -> None:
    """What is wide scrolls in a box of its own; nothing is complained of, nothing asked for."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    heard = hear(page, folder)
    page.goto(address(folder, f"{kind}.html"))
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("document.body.scrollWidth") <= 360
    assert (heard.errors, heard.outside) == ([], [])
    context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_may_not_ask_for_anything(page: Page, folder: Path, kind: str) -> None:
    """Not even by a script that got in."""
    page.goto(address(folder, f"{kind}.html"))
    refused = page.evaluate(
        """new Promise((done) => {
            addEventListener("securitypolicyviolation", (e) => done(e.effectiveDirective));
            new Image().src = "http://127.0.0.1:9/";
        })"""
    )
    assert refused == "img-src"


def test_everything_is_there_without_scripts(browser: Browser, tmp_path: Path) -> None:
    """The filter, which would do nothing, is not."""
    context = browser.new_context(java_script_enabled=False)
    page = opened(context.new_page(), unchanged(3), tmp_path)
    assert cases(page) == "f00f01f02"
    assert page.locator(".filter").is_hidden()
    page.locator("summary").nth(1).click()
    assert page.locator("#evidence-1 svg").is_visible()
    context.close()


def test_columns_are_put_in_order(page: Page, tmp_path: Path) -> None:
    """By number, greatest first and then least; what has none stays last. Keys are enough."""
    found = [
        finding("b", Verdict.SLOWER, 0.07),
        finding("c", Verdict.ADDED),
        finding("a", Verdict.FASTER, -0.2),
        finding("d", Verdict.SLOWER, 0.09),
    ]
    opened(page, found, tmp_path)
    change = page.get_by_role("button", name="change")
    seen = [cases(page)]
    for _ in range(2):
        change.press("Enter")
        seen.append(cases(page))
    assert page.locator("th[aria-sort='ascending']").inner_text().startswith("change")
    page.get_by_role("button", name="case").press("Space")
    assert [*seen, cases(page)] == ["dbac", "dbac", "abdc", "abcd"]


def test_cases_are_found_by_words(page: Page, tmp_path: Path) -> None:
    """In the table and in the evidence; the number of those shown is told."""
    opened(page, [*unchanged(12), finding("g", Verdict.SLOWER, 0.07)], tmp_path)
    page.get_by_label("Only cases with").fill("UNCH 02")
    assert cases(page) == "f02"
    assert page.locator("#evidence details:visible").count() == 1
    assert page.locator(".filter output").inner_text() == "1 of 13 shown"
    page.get_by_label("Only cases with").fill("")
    assert page.locator("#evidence details:visible").count() == 13


def test_a_case_is_followed_from_the_drawing_to_its_evidence(page: Page, tmp_path: Path) -> None:
    """Its mark leads to its line, and that to what it was judged by, which opens."""
    opened(page, unchanged(40), tmp_path)
    page.locator("svg a").nth(30).press("Enter")
    assert page.evaluate("document.querySelector(':target').id") == "case-30"
    page.locator("#case-30 a").click()
    assert page.locator("#evidence-30").is_visible()
    assert page.locator("#evidence-29").is_hidden()
