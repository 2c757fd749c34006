"""What each file of the site says, and that nothing foreign in it is more than text."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import replace
from datetime import datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.model import Approval
from odyssey_asv.past.timeline import Change, History, Line, Moment, Trend
from odyssey_asv.report.site import Site, pages
from odyssey_asv.report.site.script import script
from odyssey_asv.report.site.slugs import slugs
from tests.builders import timed
from tests.past_builders import HERE, history, trend

ATOM = "{http://www.w3.org/2005/Atom}"


def made(of: History, **more: object) -> dict[str, bytes]:
    return dict(pages(Site(**({"project": "tiny", "history": of} | more))))  # type: ignore[arg-type]


def small(*trends: Trend, subject: str = "a change") -> History:
    moments = {
        n: Moment(n, f"{n + 1:040x}", f"2026-01-{n + 1:02}T00:00:00Z", subject) for n in range(30)
    }
    return History(Line(moments, 30, "main"), trends, 0.99)


def changed(one: Trend, **parts: object) -> Trend:
    (change,) = one.changes
    return replace(one, changes=(replace(change, **parts),))  # type: ignore[arg-type]


def entries(files: dict[str, bytes]) -> list[ET.Element]:
    return ET.fromstring(files["feed.xml"].decode()).findall(f"{ATOM}entry")


def policy(page: bytes) -> dict[str, list[str]]:
    """The Content-Security-Policy of a page by directive."""
    (found,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page.decode())
    return {name: words for name, *words in (part.split() for part in found.split(";"))}


# The overview and the pages of benchmarks.


def test_the_overview_says_what_there_is() -> None:
    page = made(small(trend("suite.time_f", None, HERE, 1.5)))["index.html"].decode()
    assert "One regression holds" in page
    assert "main, 30 commits" in page
    assert "in 1 series of 30 measurements" in page
    assert "typical noise 1.0 %" in page


def test_warnings_are_shown_as_text() -> None:
    warned = replace(small(trend("suite.time_f", None, HERE, 1.0)), warnings=("<i>no</i> file",))
    page = made(warned)["index.html"]
    assert b"&lt;i&gt;no&lt;/i&gt; file" in page
    assert b"<i>" not in page


def test_what_was_seen_once_is_apart_from_what_holds() -> None:
    sure = trend("suite.time_sure", None, HERE, 1.2)
    fresh = changed(trend("suite.time_fresh", None, HERE, 1.5), confirmed=False)
    page = made(small(sure, fresh))["index.html"].decode()
    held, _, rest = page.partition("measure again before believing")
    assert "One regression holds" in held
    assert "suite.time_sure" in held
    assert "suite.time_fresh" in rest


def test_every_name_of_a_benchmark_has_a_page_of_its_own() -> None:
    names = ["m.time_f", "m.Time_f", "../../x", ".hidden", "a b", "a/b", "", "é" * 300, "y" * 300]
    files = made(small(*(trend(name, None, HERE, 1.2) for name in names)))
    own = [name for name in files if name.startswith("benchmarks/")]
    assert len({name.lower() for name in own}) == len(names)
    for name in own:
        assert re.fullmatch(r"benchmarks/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}\.html", name), name


def test_no_file_leads_out_of_the_folder() -> None:
    files = made(
        small(trend("../../etc/x", None, HERE, 1.2)), reports=[("../../up", b"<!DOCTYPE html>")]
    )
    for name in files:
        assert re.fullmatch(r"([a-z]+/)?[A-Za-z0-9_-][A-Za-z0-9._-]*", name), name


def test_reports_are_as_they_were_given() -> None:
    report = b"<!DOCTYPE html><title>\xff</title>"
    files = made(small(), reports=[("the latest check", report)])
    (name,) = [name for name in files if name.startswith("reports/")]
    assert files[name] == report
    assert name.encode() in files["reports.html"]


def test_a_baseline_shows_from_which_candidate_it_comes() -> None:
    approval = Approval("Ann", "fine", "2026-01-01T00:00:00Z", "2026-<b>.json", "ab" * 32)
    files = made(small(), baselines=[("v1", replace(timed({"f": 1.0}), approval=approval))])
    assert b"2026-&lt;b&gt;.json" in files["baselines.html"]


def test_asvs_pages_are_linked_where_they_are() -> None:
    assert b"../index.html" in made(small(), asv_pages=True)["index.html"]
    assert b"../index.html" not in made(small())["index.html"]


def test_pages_come_one_after_another() -> None:
    """A site may be larger than the memory: what was taken is all that was made."""
    several = pages(Site("tiny", small(trend("suite.time_f", None, HERE, 1.2))))
    first, second = next(several)[0], next(several)[0]
    assert {first, second} == {"style.css", "app.js"}


def test_pages_may_ask_for_nothing_from_elsewhere() -> None:
    files = made(small(trend("suite.time_f", None, HERE, 1.2)))
    for name, content in files.items():
        if not name.endswith(".html"):
            continue
        allowed = policy(content)
        assert allowed["default-src"] == ["'none'"]
        assert allowed["base-uri"] == allowed["form-action"] == ["'none'"]
        words = {word for source in allowed.values() for word in source}
        assert words == {"'none'", "'self'", "file:", "'unsafe-inline'", "data:", "blob:"}
        assert not re.search(rb"(src|href)=\"(https?:)?//", content)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)//", "data:text/html,", "//x/", "#", "", "file:///etc/", None]
)
def test_links_to_commits_lead_to_the_web_or_nowhere(url: str | None) -> None:
    files = made(small(trend("suite.time_f", None, HERE, 1.5)), commit_url=url)
    assert (
        b"<a href"
        not in files["index.html"].partition(b'class="commits"')[2].partition(b"</td>")[0]
    )
    assert b'"url":""' in files["benchmarks/suite.time_f.html"]


@given(st.text())
def test_no_text_ends_a_script(text: str) -> None:
    written = script({"a": [text]})
    assert json.loads(written) == {"a": [text]}
    assert not set(written) & set("<>&\u2028\u2029")


# The names of files.


def test_names_of_files_are_not_too_long() -> None:
    found = slugs(["y" * 300, "é" * 300, "a b" * 90, "z" * 100])
    assert max(map(len, found.values())) == 100
    assert found["z" * 100] == "z" * 100


def test_a_name_like_one_that_is_made_takes_the_place_of_none() -> None:
    other = f"x-{hashlib.sha256(b'x!').hexdigest()[:10]}"
    found = slugs(["x!", other, other.upper()])
    assert len({slug.lower() for slug in found.values()}) == 3


# The feed.


def test_a_feed_has_what_every_feed_must() -> None:
    files = made(small(trend("suite.time_f", None, HERE, 1.5), subject="\x1b[1m & <b>"))
    feed = ET.fromstring(files["feed.xml"].decode())
    for element in (feed, *entries(files)):
        for name in ("id", "title", "updated"):
            assert element.findtext(f"{ATOM}{name}"), name
        uuid.UUID((element.findtext(f"{ATOM}id") or "").removeprefix("urn:uuid:"))
        assert datetime.fromisoformat(element.findtext(f"{ATOM}updated") or "").tzinfo
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "tiny"
    (entry,) = entries(files)
    link = entry.find(f"{ATOM}link")
    assert link is not None
    assert link.get("href") in files
    assert "& <b>" in (entry.findtext(f"{ATOM}summary") or "")


def test_the_feed_tells_only_what_holds() -> None:
    fresh = changed(trend("suite.time_fresh", None, HERE, 1.5), confirmed=False)
    recovered = changed(trend("suite.time_back", None, HERE, 1.5), recovered=20)
    better = changed(trend("suite.time_better", None, HERE, 1.5), worse=False)
    assert entries(made(small(fresh, recovered, better))) == []


def test_the_feed_keeps_the_newest_hundred() -> None:
    many = []
    for number in range(130):
        after = 1 + number % 29
        one = trend(f"suite.time_{number:03}", None, HERE, 1.5)
        many.append(changed(one, before=after - 1, after=after))
    dates = [entry.findtext(f"{ATOM}updated") or "" for entry in entries(made(small(*many)))]
    assert len(dates) == 100
    assert dates == sorted(dates, reverse=True)


def test_an_entry_has_the_same_id_whatever_else_there_is() -> None:
    one = trend("suite.time_f", None, HERE, 1.5)
    alone = {entry.findtext(f"{ATOM}id") for entry in entries(made(small(one)))}
    more = {entry.findtext(f"{ATOM}id") for entry in entries(made(history()))}
    again = {entry.findtext(f"{ATOM}id") for entry in entries(made(small(*history().trends, one)))}
    assert alone <= again
    assert alone.isdisjoint(more)


@given(st.text())
def test_whatever_a_commit_is_called_the_feed_is_xml(subject: str) -> None:
    one = trend("suite.time_f", None, HERE, 1.5)
    assert len(entries({"feed.xml": _feed(small(one, subject=subject))})) == 1


def _feed(of: History) -> bytes:
    from odyssey_asv.report.site.feed import feed

    return feed("tiny", of, {name.series.benchmark.id: "benchmarks/x.html" for name in of.trends})


def test_a_range_of_commits_has_no_link() -> None:
    wide: Change = trend("suite.time_f", None, HERE, 1.5).changes[0]
    one = replace(
        trend("suite.time_f", None, HERE, 1.5), changes=(replace(wide, before=wide.after - 3),)
    )
    page = made(small(one), commit_url="https://example.invalid/c/")["index.html"]
    assert b"https://example.invalid/c/" not in page
    assert b"one of 3 commits" in page
