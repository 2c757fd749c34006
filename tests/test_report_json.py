"""The report for programs: strict, complete, and the same for the same comparison."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given

from odyssey_asv.comparison import compare
from odyssey_asv.model import Kind, Metric, ResultSet
from odyssey_asv.policy import OtherMachine, Policy
from odyssey_asv.report import json as report_json
from tests import strategies
from tests.builders import benchmark, compared, golden, named, result, result_set, showcase

Pair = tuple[ResultSet, ResultSet]


def refused(constant: str) -> None:
    raise AssertionError(f"not strict JSON: {constant}")


def loaded(text: str) -> Any:
    """The document, NaN and infinities refused."""
    return json.loads(text, parse_constant=refused)


def test_the_report_is_the_golden_one() -> None:
    """Every key, as it was read and approved."""
    actual = report_json.render(showcase(), exit_code=1)
    assert golden("report.json", actual) == actual


def test_a_regression_is_told_in_full() -> None:
    """Values in the benchmark's unit, the change as a ratio."""
    document = loaded(report_json.render(compared({"f": 100}, {"f": 115}), exit_code=1))
    (case,) = document["cases"]
    assert document["verdict"] == "regression"
    assert document["exit_code"] == 1
    assert document["counts"] == {"regression": 1}
    assert {key: case[key] for key in ("verdict", "severity", "change", "base", "contender")} == {
        "verdict": "regression",
        "severity": "minor",
        "change": 0.15,
        "base": 0.1,
        "contender": 0.115,
    }


@pytest.mark.parametrize(
    ("base", "contender", "policy", "expected"),
    [
        ({"f": 1}, {"f": 1}, {}, "ok"),
        ({"f": 1}, {"f": 2}, {}, "regression"),
        ({"f": 0}, {"f": 2}, {}, "invalid"),
        ({"f": 1}, {"g": 2}, {}, "invalid"),
        ({"f": 1, "g": 1}, {"f": 1}, {"fail_on_missing": True}, "regression"),
    ],
)
def test_the_verdict_is_the_outcome(
    base: dict[str, float], contender: dict[str, float], policy: dict[str, Any], expected: str
) -> None:
    """One word for the whole."""
    comparison = compared(base, contender, **policy)
    assert report_json.document(comparison, exit_code=0)["verdict"] == expected


def test_another_machine_may_leave_it_not_judged() -> None:
    """`--other-machine advise`."""
    comparison = showcase(other_machine=OtherMachine.ADVISE)
    assert report_json.document(comparison, exit_code=0)["verdict"] == "not judged"


def test_a_name_that_is_no_id_is_not_given_as_one() -> None:
    """A file of names only has no asv ids to show."""
    comparison = compare(named({"f": 1}), named({"f": 1}))
    (case,) = report_json.document(comparison, exit_code=0)["cases"]
    assert (case["id"], case["name"]) == (None, "f")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (2.5, 2.5),
        (10**400, 10**400),
        (True, "True"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        ("text", "text"),
        ([1, 2], "[1, 2]"),
        (None, None),
    ],
)
def test_a_value_is_a_number_or_text(value: Any, expected: Any) -> None:
    """A tracked value may be anything; strict JSON cannot."""
    one = benchmark("t", Kind.TRACK)
    results = result_set([(one, result(one, value))])
    text = report_json.render(compare(results, results), exit_code=0)
    (case,) = loaded(text)["cases"]
    assert case["base"] == expected
    assert type(case["base"]) is type(expected)


def test_gate_and_limits_are_given() -> None:
    """A program need not know our defaults."""
    comparison = compared({"f": 1}, {"f": 1}, gate=frozenset(Metric))
    document = report_json.document(comparison, exit_code=0)
    assert document["gate"] == ["duration", "memory", "track"]
    assert [(case["tolerance"], case["threshold"]) for case in document["cases"]] == [(0.05, 0.1)]


@given(strategies.any_pairs(), strategies.policies)
def test_any_comparison_is_strict_json(pair: Pair, policy: Policy) -> None:
    """And it can be written as UTF-8."""
    comparison = compare(pair[0], pair[1], policy)
    text = report_json.render(comparison, exit_code=0)
    assert loaded(text.encode().decode())["verdict"] == comparison.outcome.value
    assert text.endswith("}\n")
