"""A check for programs: strict, complete, and the same for the same check."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given

from odyssey_asv.findings import Check
from odyssey_asv.model import Better, Case, Kind, Result
from odyssey_asv.pairs.evidence import Estimate
from odyssey_asv.policy import Verdict
from odyssey_asv.report.check import json as report_json
from tests.builders import benchmark, golden
from tests.check_builders import check, checks, finding, showcase, unchanged


def refused(constant: str) -> None:
    raise AssertionError(f"not strict JSON: {constant}")


def loaded(text: str) -> Any:
    """The document, NaN and infinities refused."""
    return json.loads(text, parse_constant=refused)


def only(found: Check) -> Any:
    (case,) = loaded(report_json.render(found, exit_code=0))["cases"]
    return case


def test_the_report_is_the_golden_one() -> None:
    """Every key, as it was read and approved."""
    actual = report_json.render(showcase(), exit_code=1)
    assert golden("check.json", actual) == actual


def test_a_regression_is_told_in_full() -> None:
    """Values in the benchmark's unit, ratios of contender over base."""
    document = loaded(
        report_json.render(check([finding("f", Verdict.REGRESSION, 0.25)]), exit_code=1)
    )
    (case,) = document["cases"]
    assert (document["verdict"], document["exit_code"]) == ("regression", 1)
    assert document["counts"] == {"regression": 1}
    assert (case["verdict"], case["severity"], case["blocks"]) == ("regression", "moderate", 5)
    assert (case["base"], case["unit"], case["clock"]) == (0.1, "seconds", "cpu")
    assert [case["ratio"], *case["interval"], case["detectable"]] == pytest.approx(
        [1.25, 1.25 * math.exp(-0.02), 1.25 * math.exp(0.02), math.exp(0.08)]
    )


def test_what_is_unknown_is_null() -> None:
    """Of a case that was not measured, and of a check without sides."""
    document = loaded(
        report_json.render(check([finding("f", Verdict.ADDED)], base=(), contender=()), exit_code=3)
    )
    (case,) = document["cases"]
    unknown = ("severity", "ratio", "interval", "clock", "detectable", "base", "contender")
    assert {case[key] for key in unknown} == {None}
    assert document["base"] == {
        "commit": None, "describe": None, "branch": None, "date": None, "dirty": None,
        "environments": [],
    }  # fmt: skip
    assert document["suite"]["geometric_mean"] is None
    assert document["suite"]["noise"] == {"spread": None, "words": None}
    assert document["suite"]["false_alarms"] is None


def test_false_alarms_are_counted_in_code_against_itself() -> None:
    """Zero is a number too."""
    suite = report_json.document(check(unchanged(2), same=True), exit_code=0)["suite"]
    assert (suite["self"], suite["false_alarms"]) == (True, 0)


@pytest.mark.parametrize("verdict", [Verdict.REGRESSION, Verdict.FAILED])
def test_a_false_alarm_is_no_regression(verdict: Verdict) -> None:
    """The verdict agrees with the exit code; the case keeps its own."""
    found = check([finding("f", verdict), *unchanged(1)], same=True)
    document = report_json.document(found, exit_code=0)
    assert document["verdict"] == "ok"
    assert document["suite"]["false_alarms"] == 1
    assert verdict.value in {case["verdict"] for case in document["cases"]}


@pytest.mark.parametrize("seed", [None, 0, 2**32 - 1])
def test_the_seed_is_told(seed: int | None) -> None:
    """Whoever wants the same draws again needs it."""
    document = loaded(report_json.render(check(seed=seed), exit_code=3))
    assert document["suite"]["seed"] == seed


def test_where_higher_is_better_a_worsening_is_a_ratio_below_one() -> None:
    """All ratios of a case are of one kind."""
    rate = benchmark("rate", Kind.TRACK, better=Better.HIGHER)
    case = only(check([finding("rate", Verdict.REGRESSION, 0.25, Kind.TRACK, benchmark=rate)]))
    assert (case["ratio"], case["detectable"]) == pytest.approx((0.8, math.exp(-0.08)))
    assert case["interval"] == sorted(case["interval"])
    assert case["effects"][2] > 0


def test_a_failure_is_told_with_its_traceback_and_what_the_base_took() -> None:
    taken = Result(Case("f"), 0.5)
    found = finding("f", Verdict.FAILED, 0.0, base=taken, at_least=120.0, trace="Traceback")
    case = only(check([found]))
    assert (case["base"], case["at_least"], case["traceback"]) == (0.5, 120.0, "Traceback")
    assert case["unsteady"] is False


def test_infinite_estimates_stay_strict_json() -> None:
    """The largest and smallest ratios there are."""
    endless = Estimate(0.0, -math.inf, math.inf, math.inf)
    case = only(check([finding("f", Verdict.INCONCLUSIVE, 0.0, estimate=endless)]))
    assert case["interval"] == [math.exp(-700.0), math.exp(700.0)]
    assert case["detectable"] == math.exp(700.0)


@given(checks)
def test_any_check_is_strict_json(found: Check) -> None:
    """And it can be written as UTF-8."""
    text = report_json.render(found, exit_code=0)
    document = loaded(text.encode().decode())
    assert document["verdict"] == found.conclusion.value
    assert len(document["cases"]) == len(found.findings)
    assert text.endswith("}\n")
    assert text == json.dumps(document, indent=2, sort_keys=True) + "\n"
