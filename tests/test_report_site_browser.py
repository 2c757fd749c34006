"""What only a browser can tell of the site: over HTTP, of names that drawings read, of places in haste."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from odyssey_asv.model import Case
from odyssey_asv.past.timeline import History, Trend
from odyssey_asv.publishing import write_pages
from odyssey_asv.report.site import Site, pages
from tests.browser import address, chromium, listen
from tests.past_builders import HERE, THERE, history, trend

# What Plotly would fill, cut in two, or take for markup.
LABEL = "%{y} & <b>%{customdata}</b>"
LONG = "&" * 100


def labelled(label: str) -> Trend:
    one = trend("suite.time_labels", 0, HERE, 1.2)
    case = Case("suite.time_labels", (("n", label),), 0)
    return replace(one, series=replace(one.series, case=case))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "odyssey"
    past = history()
    more = History(past.line, (*past.trends, labelled(LABEL), labelled(LONG)), 0.99)
    write_pages(folder, pages(Site("tiny", more)))
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_over_http_everything_works_as_from_the_disk(page: Page, served: str) -> None:
    heard = listen(page, served)
    page.goto(f"{served}/index.html")
    page.keyboard.press("/")
    page.keyboard.type("places")
    page.keyboard.press("Enter")
    page.wait_for_selector("#plot[data-lines]")
    assert page.locator("#plot .scatterlayer .trace").count() == 2
    for name in ("baselines.html", "reports.html"):
        page.goto(f"{served}/{name}")
    assert heard.errors == []
    assert heard.outside == []


def test_the_browser_itself_refuses_what_is_elsewhere(page: Page, site: Path) -> None:
    page.goto(address(site, "index.html"))
    refused = page.evaluate(
        """async () => {
            const seen = [];
            document.addEventListener("securitypolicyviolation", e => seen.push(e.effectiveDirective));
            const image = new Image(); image.src = "https://example.invalid/x.png";
            const script = document.createElement("script");
            script.src = "https://example.invalid/x.js"; document.head.appendChild(script);
            await fetch("https://example.invalid/x").catch(() => null);
            await new Promise(done => setTimeout(done, 200));
            return seen;
        }"""
    )
    assert {"img-src", "script-src-elem", "connect-src"} <= {*refused}


def test_parameters_are_text_wherever_they_are_drawn(page: Page, site: Path) -> None:
    page.goto(address(site, "benchmarks/suite.time_labels.html"))
    page.wait_for_selector("#plot[data-lines]")
    legend = page.locator("#plot .legendtext").all_text_contents()
    assert LABEL in legend
    for number, label in ((0, LABEL), (1, LONG[:60])):
        # By the boxes themselves: a picture that is drawn anew moves them under a pointer.
        page.evaluate(
            """number => document.querySelectorAll("#boxes input").forEach((box, n) => {
                if (box.checked !== (n === number)) box.click();
            })""",
            number,
        )
        page.locator("#plot .point").nth(3).hover(force=True)
        page.wait_for_selector("#plot .hoverlayer .hovertext .name")
        assert page.locator("#plot .hoverlayer .name").text_content() == label


def test_of_two_places_the_one_chosen_last_is_drawn(page: Page, site: Path) -> None:
    """Also where the numbers of the other come later."""
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    def drawn() -> object:
        return page.evaluate("document.getElementById('plot').data.map(trace => trace.y)")

    page.route(re.compile(r"data/suite\.time_places-1\.js$"), hold)
    page.goto(address(site, "benchmarks/suite.time_places.html"))
    page.wait_for_selector("#plot[data-lines]")
    before = drawn()
    page.select_option("#place", index=1)
    page.wait_for_timeout(200)
    page.select_option("#place", index=0)
    page.wait_for_timeout(200)
    (late,) = waiting
    late.continue_()
    page.wait_for_timeout(500)
    assert drawn() == before
    # That the other differs, and comes when it is wanted.
    page.unroute_all()
    page.select_option("#place", index=1)
    page.wait_for_function(
        "before => JSON.stringify(document.getElementById('plot').data.map(t => t.y)) !== before",
        arg=page.evaluate("value => JSON.stringify(value)", before),
    )
    assert page.locator("#place option:checked").inner_text().endswith(THERE.machine)
