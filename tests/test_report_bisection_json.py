"""A bisection for programs: strict, complete, and the same for the same bisection."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given

from odyssey_asv.culprit.bisection import Bisection
from odyssey_asv.report.bisection import json as report_json
from tests.bisection_builders import (
    bisection,
    bisections,
    culprit,
    digest,
    found,
    searched,
    showcase,
    step,
    undecided,
)
from tests.builders import golden
from tests.test_report_check_json import loaded


def test_the_report_is_the_golden_one() -> None:
    """Every key, as it was read and approved."""
    actual = report_json.render(showcase(), exit_code=1)
    assert golden("bisection.json", actual) == actual


def test_a_culprit_is_told_in_full() -> None:
    """Its own ratio is that of its largest step."""
    steps = (step("add", 1.1), step("mul", 1.5), step("sum", 1.2))
    document = loaded(report_json.render(found(culprits=(culprit(5, *steps),)), exit_code=1))
    (one,) = document["culprits"]
    assert (document["outcome"], document["exit_code"]) == ("culprit", 1)
    assert (one["commit"], one["parent"], one["confirmed"]) == (digest(5), digest(4), True)
    assert [one["ratio"], *one["interval"]] == pytest.approx(
        [1.5, 1.5 * math.exp(-0.02), 1.5 * math.exp(0.02)]
    )
    assert [case["id"] for case in one["cases"]] == [
        "suite.time_add", "suite.time_mul", "suite.time_sum",
    ]  # fmt: skip
    assert one["see"] == "git show 050505050505"
    assert one["again"] == "odyssey check 050505050505 --base 040404040404"


def test_candidates_are_in_the_order_of_their_probability() -> None:
    """With who and what."""
    document = report_json.document(undecided(), exit_code=3)
    assert [one["probability"] for one in document["candidates"]] == [0.7, 0.2, 0.1]
    assert document["candidates"][0]["subject"] == "change number 5"
    assert (document["outcome"], document["budget_spent"]) == ("undecided", True)


@pytest.mark.parametrize("unknown", [None, math.nan, math.inf])
def test_what_is_unknown_is_null(unknown: float | None) -> None:
    """And what is no number as well."""
    case = searched("f", 1.0, ratio=unknown, interval=None, detectable=unknown)
    document = loaded(report_json.render(bisection(searched=(case,)), exit_code=0))
    (one,) = document["cases"]
    assert {one[key] for key in ("ratio", "interval", "detectable")} == {None}


@given(bisections)
def test_any_bisection_is_strict_json(bisected: Bisection) -> None:
    """And it can be written as UTF-8."""
    text = report_json.render(bisected, exit_code=0)
    document = loaded(text.encode().decode())
    assert document["outcome"] == bisected.outcome.value
    assert len(document["culprits"]) == len(bisected.culprits)
    assert text.endswith("}\n")
    assert text == json.dumps(document, indent=2, sort_keys=True) + "\n"
