"""A check as annotations: the right level, one command a line, whatever the names are."""

from __future__ import annotations

import pytest
from hypothesis import given

from odyssey_asv.findings import Check
from odyssey_asv.policy import Verdict
from odyssey_asv.report.check import github, words
from odyssey_asv.units import one_line
from tests import strategies
from tests.builders import golden
from tests.check_builders import check, checks, finding, showcase, unchanged
from tests.test_report_github import commands


def test_the_report_is_the_golden_one() -> None:
    """Every level, as it was read and approved."""
    actual = github.render(showcase())
    assert golden("check-annotations.txt", actual) == actual


@pytest.mark.parametrize(
    ("verdict", "change", "expected"),
    [
        (
            Verdict.REGRESSION,
            0.15,
            ("error", "f", "f: REGRESSION (minor) +15.0 % [+12.7, +17.3] (100 ms → 115 ms)"),
        ),
        (
            Verdict.SLOWER,
            0.07,
            ("warning", "f", "f: slower +7.0 % [+4.9, +9.2] (100 ms → 107 ms)"),
        ),
        (
            Verdict.FASTER,
            -0.2,
            ("notice", "f", "f: faster -20.0 % [-21.6, -18.4] (100 ms → 80.0 ms)"),
        ),
        (Verdict.FAILED, None, ("error", "f", "f: failed")),
        (Verdict.INCONCLUSIVE, None, ("warning", "f", "f: undecided")),
        (Verdict.REMOVED, None, ("warning", "f", "f: removed")),
        (Verdict.ADDED, None, ("notice", "f", "f: added")),
    ],
)
def test_the_level_follows_the_verdict(
    verdict: Verdict, change: float | None, expected: tuple[str, str, str]
) -> None:
    """An error for what must not pass, a warning for what to look at."""
    assert commands(github.render(check([finding("f", verdict, change)])))[0] == expected


def test_what_is_undecided_is_an_error_where_it_must_not_pass() -> None:
    """`--strict`."""
    found = check([finding("f", Verdict.INCONCLUSIVE)], strict=True)
    assert commands(github.render(found))[0][0] == "error"


def test_a_false_alarm_is_no_error() -> None:
    """Nobody is accused of a change that is none."""
    found = check([finding("f", Verdict.REGRESSION, 0.2), *unchanged(2)], same=True)
    levels = [level for level, _, _ in commands(github.render(found))]
    assert levels == ["warning", "notice", "notice", "notice"]


def test_what_did_not_change_is_not_annotated() -> None:
    """Only noise and conclusion are."""
    found = commands(github.render(check(unchanged(3))))
    assert [message for _, _, message in found] == [
        "noise: blocks of one case differ by 0.79 % (a very quiet machine)",
        "ok: no regression",
    ]


def test_nothing_measured_is_an_error() -> None:
    """A run that says nothing must not look like one that passes."""
    assert commands(github.render(check()))[-1][0] == "error"


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_a_hostile_name_is_shown_as_text(name: str) -> None:
    """It starts no command of its own, and reads as it was written."""
    found = check([finding(name, Verdict.FAILED, reason=f"E {name}")], warnings=(f"W {name}",))
    first, second, _ = commands(github.render(found))
    assert first == ("warning", "benchmarks", one_line(f"W {name}"))
    reason = one_line(f"E {name}")
    assert second == ("error", one_line(name), f"{one_line(name)}: failed ({reason})")


@given(checks)
def test_any_check_can_be_shown(found: Check) -> None:
    """One command a line, printable, the conclusion last."""
    text = github.render(found)
    assert commands(text)[-1][2] == words.conclusion(found)
    assert text.replace("\n", "").isprintable()
