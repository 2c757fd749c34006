"""What a check leaves out because it reaches no change, in every form of the report."""

from __future__ import annotations

import json

import pytest

from odyssey_asv.cli.check import exit_code
from odyssey_asv.cli.exits import Exit
from odyssey_asv.findings import Check, Conclusion, LeftOut
from odyssey_asv.policy import Verdict
from odyssey_asv.report.check import github, markdown, terminal, words
from odyssey_asv.report.check import json as report_json
from odyssey_asv.report.html import check as html
from tests.check_builders import check, finding, unchanged

SOME = LeftOut(
    cases=7,
    of=9,
    changed=("src/a.py", "src/b.py"),
    passed_over=("README.md",),
    reasons=(("src/a.py has changed", 1), ("src/lazy.py: line 3 runs code from a text", 1)),
)
ALL = LeftOut(None, None, (), ("README.md",))


def forms(of: Check) -> list[str]:
    return [
        terminal.render(of),
        markdown.render(of),
        github.render(of),
        html.render(of),
        report_json.render(of, exit_code=0),
    ]


@pytest.mark.parametrize("form", range(5))
def test_how_many_and_why_is_in_every_form(form: int) -> None:
    text = forms(check(unchanged(2), left_out=SOME))[form]
    for word in ("src/a.py", "README.md", "src/lazy.py: line 3 runs code from a text", "7", "9"):
        assert word in text


def test_the_lines() -> None:
    assert words.left_out(check(unchanged(2), left_out=SOME)) == [
        "left out: 7 of 9 cases; 2 changed files: src/a.py, src/b.py",
        "passed over: 1 file: README.md",
        "measured: 1 case: src/a.py has changed",
        "measured: 1 case: src/lazy.py: line 3 runs code from a text",
    ]
    assert words.left_out(check(left_out=ALL)) == [
        "left out: the whole suite; no changed file matters",
        "passed over: 1 file: README.md",
    ]
    assert words.left_out(check()) == []


def test_many_reasons_are_cut_short() -> None:
    """The ones that hold for most cases first."""
    many = LeftOut(0, 36, (), (), tuple((f"r{number}", number) for number in range(1, 9)))
    lines = words.left_out(check(unchanged(2), left_out=many))[1:]
    assert lines[0] == "measured: 8 cases: r8"
    assert lines[-1] == "measured: 6 cases for other reasons"


def test_nothing_to_measure_is_an_outcome_of_its_own_that_may_pass() -> None:
    """Whichever way it was found out, and however strict: nothing is undecided."""
    for left_out in (ALL, LeftOut(3, 3, ("a.py",))):
        found = check(left_out=left_out, strict=True)
        assert found.conclusion is Conclusion.NOTHING
        assert exit_code(found) is Exit.OK
        assert json.loads(report_json.render(found, exit_code=0))["verdict"] == "nothing to measure"
        for text in forms(found):
            assert "nothing to measure" in text


def test_what_was_to_be_measured_and_was_not_still_fails() -> None:
    """That other cases were left out excuses nothing."""
    found = check(left_out=SOME)
    assert found.conclusion is Conclusion.ERROR
    assert exit_code(found) is Exit.CANNOT
    alarmed = check([finding("f", Verdict.REGRESSION, 0.5)], left_out=SOME)
    assert alarmed.conclusion is Conclusion.REGRESSION


def test_the_names_of_files_are_data() -> None:
    odd = LeftOut(1, 2, ("<img src=x>|`\n::error::x",), (), (("<b>why</b>\x1b[2J", 1),))
    table, comment, annotations, page, _ = forms(check(unchanged(2), left_out=odd))
    assert "\x1b" not in table
    assert "<img" not in comment
    assert "\n::error" not in annotations
    assert "<img" not in page
    assert "<b>why" not in page
