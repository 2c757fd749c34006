"""The pages in a real Chromium, from the disk: no errors, nothing from outside, everything works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from odyssey_asv.publishing import write_pages
from odyssey_asv.report.site import Site, pages
from tests.browser import Heard, address, chromium, listen
from tests.past_builders import HOSTILE, history


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "odyssey"
    report = b"<!DOCTYPE html><title>a check</title><p>fine</p>"
    made = Site(
        HOSTILE,
        history(),
        "https://example.invalid/commit/",
        reports=(("the latest check", report),),
    )
    write_pages(folder, pages(made))
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(color_scheme=request.param)
    yield context.new_page()
    context.close()


@pytest.fixture
def heard(page: Page, site: Path) -> Heard:
    return listen(page, site.as_uri())


def quiet(page: Page, heard: Heard) -> None:
    assert heard.errors == []
    assert heard.outside == []
    assert page.evaluate("window.hacked") is None


def test_the_overview_leads_to_a_benchmark_that_is_drawn(
    page: Page, site: Path, heard: Heard
) -> None:
    page.goto(address(site, "index.html"))
    page.get_by_role("link", name="suite.time_many(59)").first.click()
    page.wait_for_selector("#plot[data-lines]")
    assert page.locator("#plot .scatterlayer .trace").count() == 40
    assert page.locator("#boxes input:checked").count() == 40
    quiet(page, heard)


def test_lines_can_be_chosen(page: Page, site: Path, heard: Heard) -> None:
    page.goto(address(site, "benchmarks/suite.time_many.html"))
    page.wait_for_selector("#plot[data-lines]")
    page.locator("#lines summary").click()
    page.fill("#filter", "7")
    assert page.locator("#boxes label:visible").count() == 6
    page.locator("#boxes label:visible input").first.click()
    assert page.locator("#boxes input:checked").count() in (39, 41)
    quiet(page, heard)


def test_places_and_dates_can_be_chosen(page: Page, site: Path, heard: Heard) -> None:
    page.goto(address(site, "benchmarks/suite.time_places.html"))
    page.wait_for_selector("#plot[data-lines]")
    page.select_option("#place", index=1)
    page.select_option("#axis", "date")
    page.wait_for_function("document.querySelector('#plot .xtitle').textContent.includes('date')")
    assert page.locator("#plot .errorbar").count() == 30
    quiet(page, heard)


def test_the_search_works_by_keyboard(page: Page, site: Path, heard: Heard) -> None:
    page.goto(address(site, "index.html"))
    page.keyboard.press("/")
    page.keyboard.type("PLACES")
    assert page.locator("#list tbody tr:visible").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_url("**/suite.time_places.html")
    quiet(page, heard)


def test_a_search_for_nothing_says_so(page: Page, site: Path, heard: Heard) -> None:
    page.goto(address(site, "index.html"))
    page.fill("#search", "no such thing")
    assert page.locator("#none").is_visible()
    quiet(page, heard)


def test_hostile_words_are_text(page: Page, site: Path, heard: Heard) -> None:
    page.goto(address(site, "index.html"))
    assert "<script>window.hacked=1</script>" in page.inner_text("body")
    page.locator("#list a", has_text="window.hacked").first.click()
    page.wait_for_selector("#plot[data-lines]")
    page.locator("#plot .point").nth(3).hover(force=True)
    page.wait_for_selector("#plot .hoverlayer .hovertext")
    assert "<script>" in (page.locator("#plot .hoverlayer").text_content() or "")
    quiet(page, heard)


def test_every_page_opens_and_fits_a_phone(browser: Browser, site: Path) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    heard = listen(page, site.as_uri())
    for path in sorted(site.rglob("*.html")):
        page.goto(path.as_uri())
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{path.name} is {width} wide"
    quiet(page, heard)
    context.close()


def test_without_javascript_the_tables_are_there(browser: Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address(site, "benchmarks/suite.time_places.html"))
    assert page.get_by_role("heading", name="Changes").is_visible()
    assert page.locator("table").first.is_visible()
    context.close()


def test_the_keyboard_reaches_the_content(page: Page, site: Path, heard: Heard) -> None:
    page.goto(address(site, "index.html"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('nav') !== null")
    quiet(page, heard)


def test_a_changed_scheme_is_followed(page: Page, site: Path, heard: Heard) -> None:
    page.goto(address(site, "benchmarks/suite.time_places.html"))
    page.wait_for_selector("#plot[data-lines]")
    colors = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(200)
        colors.add(page.evaluate("document.querySelector('#plot .main-svg').style.background"))
    assert len(colors) == 2
    quiet(page, heard)
