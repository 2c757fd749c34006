"""The report as a comment: short enough, folded, and every name shown as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from odyssey_asv.comparison import compare
from odyssey_asv.model import Environment, ResultSet, Status
from odyssey_asv.policy import Policy
from odyssey_asv.report import markdown
from odyssey_asv.units import one_line
from tests import strategies
from tests.builders import benchmark, compared, golden, result, result_set, showcase

Pair = tuple[ResultSet, ResultSet]
OURS = {
    "p", "br", "strong", "code", "ul", "li", "table", "thead", "tbody", "tr", "th", "td",
    "details", "summary",
}  # fmt: skip


class Seen(HTMLParser):
    """What a reader sees of a page, and the elements it is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.text = ""
        self.codes: list[str] = []
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.add(tag)
        self._in_code = tag == "code"
        if self._in_code:
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_code = self._in_code and tag != "code"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_code:
            self.codes[-1] += data


def seen(text: str) -> Seen:
    """The page that a comment becomes."""
    page = Seen()
    page.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))
    return page


def test_the_report_is_the_golden_one() -> None:
    """Every verdict, hint and doubt, as it was read and approved."""
    actual = markdown.render(showcase())
    assert golden("report.md", actual) == actual


def test_a_regression_is_told_in_full() -> None:
    """The word, the benchmark, the change, and both values with units, in the source as well."""
    text = markdown.render(compared({"add": 100}, {"add": 115}))
    expected = "| +15.0 % | REGRESSION (minor) | <code>add</code> | 100 ms | 115 ms |"
    assert expected in text.splitlines()
    assert text.startswith("**REGRESSION: the contender must not pass**\n")


def test_unchanged_cases_are_folded_away() -> None:
    """They are counted in the open and listed in the fold."""
    text = markdown.render(compared({"f": 1, "g": 1, "h": 1}, {"f": 1, "g": 2, "h": 1}))
    opened, folded = text.split("<details><summary>2 unchanged</summary>\n\n")
    assert ["<code>g</code>" in opened, "<code>f</code>" in opened] == [True, False]
    assert "<code>f</code>" in folded
    assert folded.endswith("\n</details>\n")


def test_both_lists_are_in_the_report() -> None:
    """What was added, what was removed, and what to do about it."""
    text = markdown.render(compared({"f": 1, "old": 1}, {"f": 1, "new": 1}))
    assert "| removed | <code>old</code> | 1.00 ms | - |" in text
    assert "| added | <code>new</code> | - | 1.00 ms |" in text
    assert "- 1 added: not gated until the baseline is updated (odyssey baseline)" in text


def test_faults_warnings_and_reasons_are_listed() -> None:
    """Each as a line of its own."""
    one, other = benchmark("f"), benchmark("g")
    base = result_set([(one, result(one, 1.0)), (other, result(other, 0))])
    contender = result_set(
        [(one, result(one, None, Status.FAILED, reason="KeyError")), (other, result(other, 1))],
        environment=Environment(machine="other"),
    )
    lines = markdown.render(compare(base, contender)).splitlines()
    assert "- warning: <code>another machine: bench-1 → other</code>" in lines
    assert "- **invalid:** <code>g: the base is zero: 0</code>" in lines
    assert "- <code>f</code>: <code>it failed: KeyError</code>" in lines


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_a_hostile_name_is_shown_as_text(name: str) -> None:
    """In the table, in faults, warnings, reasons and headings; nothing of it becomes an element."""
    one, bad = benchmark(name), benchmark(f"{name}!")
    base = result_set([(one, result(one, 1.0)), (bad, result(bad, 0))], release=name)
    contender = result_set(
        [
            (one, result(one, None, Status.FAILED, reason=f"E {' '.join(name.split())}")),
            (bad, result(bad, 1)),
        ],
        environment=Environment(machine=f"M {name}"),
        source=name,
    )
    page = seen(markdown.render(compare(base, contender)))
    assert page.elements <= OURS
    codes = [" ".join(code.split()) for code in page.codes]
    expected = [
        f"{name}!: the base is zero: 0",
        name,
        f"it failed: E {name}",
        f"another machine: bench-1 → M {name}",
    ]
    assert [one for one in map(one_line, expected) if one not in codes] == []


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_a_hostile_name_notifies_nobody_and_links_nowhere(name: str) -> None:
    """Outside code type no `@` touches a name, and no address is bare."""
    text = markdown.render(compared({name: 1}, {name: 2}))
    assert "://" not in text
    assert "www." not in text
    outside = re.sub(r"<code>.*?</code>", "", text)
    assert "@" not in outside
    assert markdown.escape("@user") == "&#64;&#8203;user"


def test_a_comment_of_five_thousand_long_names_is_not_too_long() -> None:
    """GitHub refuses more than 65,536 characters; what does not fit is counted."""
    base = {f"{number}_{'<long|name>' * 27}": 1 for number in range(5000)}
    for contender in (dict.fromkeys(base, 2), base, dict.fromkeys(base, Status.FAILED)):
        text = markdown.render(compared(base, contender))
        assert len(text) <= markdown.LONGEST
        shown = len(re.findall(r"^\| .*<code>", text, flags=re.MULTILINE))
        assert f"\n{5000 - shown} more are not shown here." in text
        assert shown > 10


@pytest.mark.parametrize("length", [100_000, 1_000_000])
def test_one_endless_name_does_not_hide_the_others(length: int) -> None:
    """It is cut where nobody reads on."""
    text = markdown.render(compared({"`" * length: 1, "g": 1}, {"`" * length: 3, "g": 2}))
    assert len(text) <= markdown.LONGEST
    assert "<code>g</code>" in text
    assert max(map(len, seen(text).codes)) == 500


def test_faults_leave_room_for_the_table() -> None:
    """However many there are; those left out are counted."""
    base = {f"{'x' * 300}{number}": 0 for number in range(5000)}
    text = markdown.render(compared({**base, "f": 1}, {**base, "f": 2}))
    assert len(text) <= markdown.LONGEST
    listed = text.count("**invalid:**")
    assert 10 < listed < 5000
    assert f"- {5000 - listed} more are not shown here" in text
    assert "<code>f</code>" in text


def test_a_comment_just_full_leaves_the_fold_out() -> None:
    """A fold with nothing in it helps nobody."""
    slow = {f"{'*' * 90}{number}": 1 for number in range(500)}
    text = markdown.render(compared({**slow, "f": 1}, {**dict.fromkeys(slow, 2), "f": 1}))
    assert "<details>" not in text
    assert "500 regressions, 1 unchanged" in text


@given(strategies.any_pairs(), strategies.policies)
def test_any_comparison_can_be_shown(pair: Pair, policy: Policy) -> None:
    """Short enough, printable, and of our elements only."""
    text = markdown.render(compare(pair[0], pair[1], policy))
    assert len(text) <= markdown.LONGEST
    assert text.replace("\n", "").isprintable()
    assert seen(text).elements <= OURS
