"""The files of the site, without a browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.model import Approval
from odyssey_asv.past.timeline import History
from odyssey_asv.report.site import Site, pages
from odyssey_asv.report.site.slugs import slugs
from tests.builders import timed
from tests.past_builders import HOSTILE, history, trend

ATOM = "{http://www.w3.org/2005/Atom}"


class Elements(HTMLParser):
    """Every element with its attributes, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(content: bytes) -> Elements:
    parser = Elements()
    parser.feed(content.decode())
    return parser


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return made(history())


def made(of: History, **more: object) -> dict[str, bytes]:
    known = {"project": HOSTILE, "history": of, "commit_url": "https://example.invalid/commit/"}
    return dict(pages(Site(**(known | more))))  # type: ignore[arg-type]


def test_the_same_past_gives_the_same_bytes(files: dict[str, bytes]) -> None:
    assert made(history()) == files


def test_every_link_leads_to_a_file_of_the_site(files: dict[str, bytes]) -> None:
    from posixpath import dirname, join, normpath
    from urllib.parse import unquote

    for name, content in files.items():
        if not name.endswith(".html"):
            continue
        for _, attributes in read(content).found:
            target = attributes.get("href") or attributes.get("src") or ""
            if not target or target.startswith(("#", "https://example.invalid/commit/")):
                continue
            path = normpath(join(dirname(name), unquote(target.partition("#")[0])))
            assert path in files, f"{name} leads to {target}"


def test_no_name_is_markup(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        if name.endswith(".html"):
            assert b"<script>window" not in content, name
            assert "\u202e".encode() not in content, name
        if name.startswith("data/"):
            assert b"<" not in content, name


def test_commits_are_linked_only_on_the_web() -> None:
    page = made(history(), commit_url="javascript:alert(1)//")["index.html"]
    assert b"javascript:" not in page
    assert b"https://example.invalid/commit/" in made(history())["index.html"]


def test_what_is_drawn_is_what_was_measured(files: dict[str, bytes]) -> None:
    (name,) = [name for name in files if name.startswith("data/suite.time_many")]
    found = re.fullmatch(r"odyssey\.load\((.*)\);\n", files[name].decode())
    assert found
    lines = json.loads(found[1])
    assert len(lines) == 60
    assert lines[3]["label"] == "3"
    assert lines[3]["x"] == list(range(30))
    assert lines[3]["y"][0] == 1e-3
    assert lines[3]["y"][20] == pytest.approx(1.06e-3 * 1.02, rel=1e-4)
    assert lines[3]["low"][0] < lines[3]["y"][0] < lines[3]["high"][0]
    assert lines[3]["changes"] == [[14, 15, 1.06, 1]]


def test_each_place_has_its_own_numbers(files: dict[str, bytes]) -> None:
    assert sum(name.startswith("data/suite.time_places") for name in files) == 2


def test_the_feed_keeps_its_ids_and_is_atom(files: dict[str, bytes]) -> None:
    feed = ET.fromstring(files["feed.xml"].decode())
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == len(history().regressions)
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    for entry in entries:
        assert (entry.findtext(f"{ATOM}id") or "").startswith("urn:uuid:")
        assert entry.findtext(f"{ATOM}updated") == "2026-01-16T00:00:00Z"
        link = entry.find(f"{ATOM}link")
        assert link is not None
        assert link.get("href") in files or "%" in str(link.get("href"))


def test_a_new_commit_adds_to_the_feed_and_changes_no_id(files: dict[str, bytes]) -> None:
    more = history()
    more = replace(more, trends=(*more.trends, trend("suite.time_new", None, more.places[0], 1.2)))
    before, after = (
        {
            e.findtext(f"{ATOM}id")
            for e in ET.fromstring(f["feed.xml"].decode()).findall(f"{ATOM}entry")
        }
        for f in (files, made(more))
    )
    assert before < after


def test_baselines_show_their_approval(files: dict[str, bytes]) -> None:
    assert b"None yet" in files["baselines.html"]
    approved = replace(
        timed({"f": 1.0}),
        release="v1",
        approval=Approval("Ann <b>", "it is & fine", "2026-01-01T00:00:00Z", "c.json", "ab" * 32),
    )
    page = read(made(history(), baselines=[("baseline_results", approved)])["baselines.html"])
    assert "Ann <b>" in page.text
    assert "it is & fine" in page.text
    assert "ab" * 32 in page.text


def test_an_empty_history_has_pages() -> None:
    empty = replace(history(), trends=())
    assert b"No regression holds" in made(empty)["index.html"]


names = st.lists(st.text(min_size=1, max_size=140), min_size=1, max_size=8, unique=True)


@given(names)
def test_slugs_are_plain_and_stay_apart(given_names: list[str]) -> None:
    found = slugs(given_names)
    assert len({slug.lower() for slug in found.values()}) == len(given_names)
    for slug in found.values():
        assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", slug), slug
        assert len(slug) <= 120


def test_plain_names_are_kept_and_those_that_differ_by_case_are_not() -> None:
    found = slugs(["m.time_f", "m.time_g", "m.time_G", "../../x"])
    assert found["m.time_f"] == "m.time_f"
    assert found["m.time_g"].lower() != found["m.time_G"].lower()
    assert "/" not in found["../../x"]
    assert not found["../../x"].startswith(".")
