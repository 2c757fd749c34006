"""What every page is written on: nothing from outside becomes markup, and no network is asked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest

from odyssey_asv.report.html import check as check_page_
from odyssey_asv.report.html import paper
from odyssey_asv.report.html.paper import document, environment, number, style, text
from tests import strategies
from tests.check_builders import check
from tests.pages import Page


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_templates_show_whatever_they_are_handed(name: str) -> None:
    """In texts and in attributes, printable and the same when it is read back."""
    made = environment("html").from_string('<p title="{{ name }}">{{ name }}</p>').render(name=name)
    page = Page(made)
    shown = "".join(c if c == "\n" or c.isprintable() else "\ufffd" for c in name)
    assert page.elements == [("p", {"title": shown})]
    assert "".join(text for _, text in page.texts) == shown


def test_what_is_not_defined_is_an_error() -> None:
    """Never an empty place."""
    with pytest.raises(jinja2.UndefinedError):
        environment("html").from_string("{{ nothing }}").render()


def test_the_templates_of_a_folder_come_before_the_shared_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the shared ones are there for both."""
    monkeypatch.setattr(paper, "_REPORT", tmp_path)
    (tmp_path / "other" / "templates").mkdir(parents=True)
    (tmp_path / "other" / "templates" / "parts.html").write_text("ours")
    other = environment("other")
    assert other.get_template("parts.html").render() == "ours"
    assert "<!doctype html>" in other.get_template("base.html").render()


def test_style_and_script_ask_no_network() -> None:
    """No address, no import, no picture from elsewhere."""
    for found in (style(), str(environment("html").globals["script"])):
        assert re.findall(r"https?:|//[a-z]|url\(|@import|@font-face|fetch\(|XMLHttp", found) == []


def test_the_style_knows_light_and_dark_and_paper() -> None:
    """Each colour that is drawn with is another in the dark."""
    light, dark, printed = (
        set(re.findall(r"(--[a-z]+):", block))
        for block in re.findall(r":root \{\n(.*?)\}", style(), flags=re.DOTALL)
    )
    drawn = {"--regression", "--improvement", "--neutral", "--tolerance", "--threshold", "--line"}
    assert drawn <= dark <= light
    assert printed <= light


def test_every_page_forbids_requests() -> None:
    """Before anything else is read."""
    page = Page(check_page_.render(check()))
    (policy,) = (found["content"] for found in page.all("meta") if "http-equiv" in found)
    assert policy.split("; ")[0] == "default-src 'none'"
    assert "http" not in policy
    assert [tag for tag, _ in page.elements[:5]] == ["html", "head", "meta", "meta", "meta"]
    assert page.elements[2][1] == {"charset": "utf-8"}
    assert page.elements[0][1] == {"lang": "en"}
    assert page.source.startswith("<!doctype html>\n")


def test_templates_are_loaded_when_a_page_is_written() -> None:
    """Not by importing the forms."""
    program = "import sys, odyssey_asv.report.html.check; print('jinja2' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert answer.stdout == b"False\n"


def test_small_texts_and_numbers() -> None:
    """Cut where they are endless."""
    assert [number(1.0), number(1.26), number(float("inf")), number(float("-inf"))] == [
        "1", "1.3", "9999", "-9999",
    ]  # fmt: skip
    assert [text("a\nb"), text("abc", 2)] == ["a b", "a…"]


def test_a_template_that_is_missing_says_which() -> None:
    with pytest.raises(jinja2.TemplateNotFound, match=r"missing\.html"):
        document("missing.html")
