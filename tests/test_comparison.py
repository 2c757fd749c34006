"""Two result sets → deltas and an outcome: every case of the design's table, and what always holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odyssey_asv.comparison import Comparison, Outcome, compare
from odyssey_asv.model import (
    Better,
    Case,
    Commit,
    Environment,
    Kind,
    Metric,
    ResultSet,
    Run,
    Status,
)
from odyssey_asv.policy import Limits, OtherMachine, Policy, Severity, Verdict
from odyssey_asv.units import exact, shift
from tests import strategies
from tests.builders import benchmark, compared, named, only, result, result_set, timed

EVERYTHING = frozenset(Metric)
Pair = tuple[ResultSet, ResultSet]


def verdicts(comparison: Comparison) -> dict[str, Verdict]:
    return {delta.label: delta.verdict for delta in comparison.deltas}


def tracked(before: Any, after: Any, **described: Any) -> Comparison:
    """One gated `track` benchmark on both sides."""
    one = benchmark("score", Kind.TRACK, **described)
    base, contender = (result_set([(one, result(one, value))]) for value in (before, after))
    return compare(base, contender, Policy(gate=EVERYTHING))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(100, 110, "10"), (100, 90, "-10"), (100, 100, "0"), (50, 100, "100"), (0.3, 0.33, "10")],
)
def test_the_change_is_relative_to_the_base(before: float, after: float, expected: str) -> None:
    """(current - base) / base, exact in the decimals that were stored."""
    assert Fraction(expected) / 100 == only(compared({"f": before}, {"f": after})).change


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (94.9, Verdict.FASTER),
        (95.0, Verdict.UNCHANGED),
        (103, Verdict.UNCHANGED),
        (105, Verdict.UNCHANGED),
        (107, Verdict.SLOWER),
        (109.9, Verdict.SLOWER),
        (110.0, Verdict.SLOWER),
        (110.1, Verdict.REGRESSION),
        (115, Verdict.REGRESSION),
    ],
)
def test_a_duration_of_a_hundred_becomes(after: float, expected: Verdict) -> None:
    """The bands of the seed, on stored milliseconds."""
    assert expected is only(compared({"f": 100}, {"f": after})).verdict


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (110, None),
        (120.0, Severity.MINOR),
        (120.1, Severity.MODERATE),
        (150.0, Severity.MODERATE),
        (150.1, Severity.SEVERE),
    ],
)
def test_only_a_regression_has_a_severity(after: float, expected: Severity | None) -> None:
    """Of a hundred: 120.0 is minor, 150.0 moderate, 150.1 severe."""
    assert expected is only(compared({"f": 100}, {"f": after})).severity


def test_ten_per_cent_of_a_decimal_never_alerts() -> None:
    """Of 100,000 decimals slowed by exactly 10 %, floats flag many and we flag none."""
    limits = Limits()
    naive = alerts = 0
    for thousandths in range(1, 100_001):
        base, contender = thousandths / 1000, thousandths * 11 / 10_000
        naive += (contender - base) / base > 0.10
        before = exact(base)
        alerts += limits.judge((exact(contender) - before) / before) is Verdict.REGRESSION
    assert alerts == 0
    assert naive > 20_000


@pytest.mark.parametrize("base", [0.3, 0.7, 1.3, 2.3, 12.7, 33.3, 0.0011])
def test_ten_per_cent_of_a_stored_decimal_is_slower(base: float) -> None:
    """The same through milliseconds, seconds and back."""
    contender = float(exact(base) * 11 / 10)
    assert Verdict.SLOWER is only(compared({"f": base}, {"f": contender})).verdict


@pytest.mark.parametrize(
    ("changes", "regressions", "outcome"),
    [
        ([15, 20, 12], 3, Outcome.REGRESSION),
        ([5, 10, -5], 0, Outcome.OK),
        ([-5, 5, 10, -10], 0, Outcome.OK),
        ([-5, 15, 5], 1, Outcome.REGRESSION),
    ],
)
def test_one_regression_in_a_set_is_enough(
    changes: list[int], regressions: int, outcome: Outcome
) -> None:
    """An improvement elsewhere does not make up for it."""
    base = {f"f{number}": 100 for number in range(len(changes))}
    contender = {f"f{number}": 100 + change for number, change in enumerate(changes)}
    comparison = compared(base, contender)
    assert (regressions, outcome) == (len(comparison.regressions), comparison.outcome)


def test_a_case_only_in_the_contender_is_added() -> None:
    """It has no reason and no change, and alarms nobody."""
    comparison = compared({"f": 1}, {"f": 1, "g": 1})
    assert verdicts(comparison) == {"f": Verdict.UNCHANGED, "g": Verdict.ADDED}
    assert Outcome.OK is comparison.outcome


def test_a_case_only_in_the_base_is_removed() -> None:
    """Which is allowed unless policy says otherwise."""
    comparison = compared({"f": 1, "g": 1}, {"f": 1})
    assert verdicts(comparison) == {"f": Verdict.UNCHANGED, "g": Verdict.REMOVED}
    assert Outcome.OK is comparison.outcome


def test_a_removed_case_alarms_where_policy_forbids_it() -> None:
    """`--fail-on-missing`."""
    comparison = compared({"f": 1, "g": 1}, {"f": 1}, fail_on_missing=True)
    assert Outcome.REGRESSION is comparison.outcome
    assert Outcome.OK is compared({"f": 1}, {"f": 1, "g": 1}, fail_on_missing=True).outcome


def test_a_removed_case_that_is_not_gated_alarms_nobody() -> None:
    """Missing memory is no business of a gate on durations."""
    memory = benchmark("f", Kind.MEMORY)
    base = timed({"f": 1})
    base = replace(
        base,
        benchmarks={**base.benchmarks, memory.id: memory},
        results=(*base.results, result(memory, 1e6)),
    )
    comparison = compare(base, timed({"f": 1}), Policy(fail_on_missing=True))
    assert Outcome.OK is comparison.outcome


def test_names_match_exactly() -> None:
    """`F` is not `f`: nothing is in common."""
    comparison = compared({"f": 1}, {"F": 1})
    assert comparison.faults == ("no benchmark in common: 1 in the base, 1 in the contender",)
    assert verdicts(comparison) == {"F": Verdict.ADDED, "f": Verdict.REMOVED}


def test_nothing_in_common_is_invalid() -> None:
    """Also where one side is empty, or both are."""
    outcomes = [
        compared(base, contender).outcome
        for base, contender in (({}, {"f": 1}), ({"f": 1}, {}), ({}, {}), ({"f": 1}, {"g": 1}))
    ]
    assert outcomes == [Outcome.INVALID] * 4


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0, 1, "the base is zero: 0.0"),
        (1, 0, "the contender is zero: 0.0"),
        (0, 0, "the base is zero: 0.0"),
        (-0.0, 1, "the base is zero: -0.0"),
        (-2, 1, "the base is negative: -0.002"),
        (1, -2, "the contender is negative: -0.002"),
        (math.nan, 1, "the base is nan"),
        (1, math.inf, "the contender is inf"),
        ("fast", 1, "the base is not a number: 'fast'"),
        (1, None, "the contender is not a number: None"),
        (True, 1, "the base is not a number: True"),
        (1e-200, 1e200, "the two are more than 300 orders of magnitude apart"),
        (1e200, 1e-200, "the two are more than 300 orders of magnitude apart"),
    ],
)
def test_an_impossible_value_is_a_fault_and_the_rest_is_compared(
    before: Any, after: Any, expected: str
) -> None:
    """Zero, negative, NaN: the entry is invalid data, all others are still reported."""
    comparison = compared({"bad": before, "f": 100}, {"bad": after, "f": 120})
    assert (f"bad: {expected}",) == comparison.faults
    assert verdicts(comparison) == {"f": Verdict.REGRESSION}
    assert Outcome.INVALID is comparison.outcome


def test_what_is_no_number_is_quoted_in_part_only() -> None:
    """A tracked value may be a megabyte of text."""
    (fault,) = tracked("x" * 10_000, 1.0).faults
    assert len(fault) < 120


def test_an_impossible_value_that_is_not_gated_is_not_comparable() -> None:
    """It is nobody's gate, so it does not make the whole invalid."""
    memory = benchmark("m", Kind.MEMORY)
    one = benchmark("f")
    base, contender = (
        result_set([(one, result(one, 1.0)), (memory, result(memory, size))])
        for size in (0, 1_000_000)
    )
    comparison = compare(base, contender)
    assert verdicts(comparison) == {"f": Verdict.UNCHANGED, "m": Verdict.NOT_COMPARABLE}
    assert [d.reason for d in comparison.deltas if d.reason] == ["the base is zero: 0"]
    assert Outcome.OK is comparison.outcome


@pytest.mark.parametrize(
    ("before", "after", "verdict", "reason"),
    [
        (Status.FAILED, 1, Verdict.FIXED, "failed in the base"),
        (Status.TIMEOUT, 1, Verdict.FIXED, "timed out in the base"),
        (1, Status.FAILED, Verdict.FAILED, "it failed"),
        (1, Status.TIMEOUT, Verdict.FAILED, "it timed out"),
        (Status.FAILED, Status.FAILED, Verdict.NOT_COMPARABLE, "failed on both sides"),
        (Status.TIMEOUT, Status.FAILED, Verdict.NOT_COMPARABLE, "failed on both sides"),
        (Status.SKIPPED, 1, Verdict.ADDED, "skipped"),
        (Status.NOT_SELECTED, 1, Verdict.ADDED, "not selected"),
        (1, Status.SKIPPED, Verdict.REMOVED, "skipped"),
        (1, Status.NOT_SELECTED, Verdict.REMOVED, "not selected"),
        (Status.SKIPPED, Status.FAILED, Verdict.FAILED, "new, and it failed"),
        (Status.FAILED, Status.SKIPPED, Verdict.REMOVED, "skipped"),
    ],
)
def test_how_a_case_ended_decides_before_any_number(
    before: Any, after: Any, verdict: Verdict, reason: str
) -> None:
    """Failed on one side is `failed` or `fixed`; what was not run is as if it were not there."""
    delta = only(compared({"f": before}, {"f": after}))
    assert (verdict, reason, None) == (delta.verdict, delta.reason, delta.change)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (1, Status.FAILED, Outcome.REGRESSION),
        (1, Status.TIMEOUT, Outcome.REGRESSION),
        (Status.SKIPPED, Status.FAILED, Outcome.REGRESSION),
        (Status.FAILED, 1, Outcome.NOTHING_COMPARED),
        (Status.FAILED, Status.FAILED, Outcome.NOTHING_COMPARED),
        (1, Status.SKIPPED, Outcome.NOTHING_COMPARED),
        (Status.SKIPPED, Status.SKIPPED, Outcome.NOTHING_COMPARED),
    ],
)
def test_a_new_failure_alarms_and_nothing_compared_is_not_ok(
    before: Any, after: Any, expected: Outcome
) -> None:
    """Whatever else there is, the outcome is never ok when no number met another."""
    assert expected is compared({"f": before}, {"f": after}).outcome


def test_what_neither_side_ran_is_not_reported() -> None:
    """Skipped here and not selected there says nothing."""
    comparison = compared(
        {"f": 1, "g": Status.SKIPPED}, {"f": 1, "g": Status.NOT_SELECTED, "h": Status.SKIPPED}
    )
    assert verdicts(comparison) == {"f": Verdict.UNCHANGED}


def test_a_failure_gives_the_last_line_of_its_reason() -> None:
    """The exception stands at the end of a traceback."""
    one = benchmark("f")
    failed = result(one, None, Status.FAILED, reason="Traceback:\n  line 1\nValueError: no\n")
    delta = only(compare(result_set([(one, result(one, 1.0))]), result_set([(one, failed)])))
    assert delta.reason == "it failed: ValueError: no"


def test_a_failed_metric_that_is_not_gated_alarms_nobody() -> None:
    """The delta is there, the alarm is not."""
    memory, one = benchmark("m", Kind.MEMORY), benchmark("f")
    base = result_set([(one, result(one, 1.0)), (memory, result(memory, 1.0))])
    contender = result_set([(one, result(one, 1.0)), (memory, result(memory, None, Status.FAILED))])
    comparison = compare(base, contender)
    assert Verdict.FAILED is verdicts(comparison)["m"]
    assert [delta.alarm for delta in comparison.deltas] == [False, False]


@pytest.mark.parametrize(
    ("what", "before", "after"),
    [("unit", "seconds", "minutes"), ("statistic", "median", "mean")],
)
def test_another_unit_or_statistic_is_a_fault(what: str, before: str, after: str) -> None:
    """Two numbers that do not mean the same are never divided."""
    one = replace(benchmark("f"), **{what: before})  # type: ignore[arg-type]
    other = replace(one, **{what: after})  # type: ignore[arg-type]
    comparison = compare(
        result_set([(one, result(one, 1.0))]), result_set([(other, result(other, 1.0))])
    )
    expected = f"f: the {what} differs: {before!r} in the base, {after!r} in the contender"
    assert (expected,) == comparison.faults
    assert comparison.deltas == ()


def test_another_unit_of_what_is_not_gated_is_not_comparable() -> None:
    """A track benchmark may change its unit without making the gate on durations invalid."""
    metre, foot = (benchmark("d", Kind.TRACK, unit=unit) for unit in ("m", "ft"))
    one = benchmark("f")
    base = result_set([(one, result(one, 1.0)), (metre, result(metre, 1.0))])
    contender = result_set([(one, result(one, 1.0)), (foot, result(foot, 1.0))])
    comparison = compare(base, contender)
    assert verdicts(comparison) == {"f": Verdict.UNCHANGED, "d": Verdict.NOT_COMPARABLE}
    assert Outcome.OK is comparison.outcome


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("1", "2", Verdict.NOT_COMPARABLE),
        ("1", "1", Verdict.REGRESSION),
        ("1", None, Verdict.REGRESSION),
        (None, "2", Verdict.REGRESSION),
    ],
)
def test_another_version_of_the_benchmark_is_not_comparable(
    before: str | None, after: str | None, expected: Verdict
) -> None:
    """An unknown version is taken for the same."""
    one, other = benchmark("f", version=before), benchmark("f", version=after)
    comparison = compare(
        result_set([(one, result(one, 1.0))]), result_set([(other, result(other, 2.0))])
    )
    assert expected is only(comparison).verdict


def test_a_name_taken_twice_is_a_fault_of_its_side() -> None:
    """Neither of the two is compared, on neither side; all others are."""
    one, other = benchmark("f"), benchmark("g")
    once = [(one, result(one, 1.0)), (other, result(other, 1.0))]
    twice = [*once, (one, result(one, 9.0))]
    for sets, side in (((twice, once), "base"), ((once, twice), "contender")):
        comparison = compare(result_set(sets[0]), result_set(sets[1]))
        expected = f"suite.time_f: named more than once in the {side}; names must be unique"
        assert (expected,) == comparison.faults
        assert verdicts(comparison) == {"g": Verdict.UNCHANGED}


def test_a_fault_of_a_name_taken_twice_says_which_case() -> None:
    """With the parameters, where there are some."""
    one = benchmark("f")
    case = Case(one.id, (("n", "10"), ("kind", "'a'")), 0)
    twice = result_set([(one, result(one, 1.0, case=case))] * 2)
    (fault,) = compare(twice, twice).faults[1:]
    assert fault == "suite.time_f(n=10, kind=a): named more than once in the contender; " + (
        "names must be unique"
    )


def test_a_name_taken_twice_that_is_not_gated_is_a_warning() -> None:
    """Two kinds of memory of one name, matched by name, do not make a gate on durations invalid."""
    kinds = (Kind.TIME, Kind.MEMORY, Kind.PEAKMEMORY)
    described = [benchmark("f", kind) for kind in kinds]
    measured = result_set([(one, result(one, 1.0)) for one in described])
    comparison = compare(named({"f": 1000}), measured)
    expected = "f [memory]: named more than once in the contender; names must be unique"
    assert (expected,) == comparison.warnings
    assert Outcome.OK is comparison.outcome


def test_a_file_of_names_only_is_matched_by_name() -> None:
    """And the cases keep their short names, which are what was matched."""
    comparison = compare(named({"f": 100, "g": 100}), timed({"f": 120, "g": 100}))
    assert verdicts(comparison) == {"f": Verdict.REGRESSION, "g": Verdict.UNCHANGED}


def test_with_ids_on_both_sides_names_do_not_match() -> None:
    """A benchmark that moved is removed here and added there, each under its id."""
    here, there = benchmark("f"), benchmark("f", id="moved.time_f")
    comparison = compare(
        result_set([(here, result(here, 1.0))]), result_set([(there, result(there, 1.0))])
    )
    expected = {"suite.time_f": Verdict.REMOVED, "moved.time_f": Verdict.ADDED}
    assert expected == verdicts(comparison)


def test_cases_are_called_by_name_and_parameters() -> None:
    """`repr` quotes of plain text are dropped."""
    one = benchmark("add", param_names=("n", "dtype"), params=(("1000",), ("'float32'",)))
    case = Case(one.id, (("n", "1000"), ("dtype", "'float32'")), 0)
    results = result_set([(one, result(one, 1.0, case=case))])
    assert [d.label for d in compare(results, results).deltas] == ["add(n=1000, dtype=float32)"]


def test_a_parameter_that_is_one_quote_or_nothing_keeps_its_quotes() -> None:
    """`''` is clearer than nothing at all."""
    one = benchmark("f")
    case = Case(one.id, (("a", "''"), ("b", "'"), ("c", "\"x'"), ("d", '"y"')), 0)
    results = result_set([(one, result(one, 1.0, case=case))])
    assert [d.label for d in compare(results, results).deltas] == ["f(a='', b=', c=\"x', d=y)"]


def test_one_name_of_two_metrics_is_not_ambiguous() -> None:
    """`time_f` and `mem_f` are both `f`; two `time_f` are called by their ids."""
    described = [benchmark("f"), benchmark("f", Kind.MEMORY)]
    results = result_set([(one, result(one, 1.0)) for one in described])
    assert [delta.label for delta in compare(results, results).deltas] == ["f", "f"]


def test_memory_alerts_only_where_it_is_gated() -> None:
    """Seen either way, gated or not."""
    memory, one = benchmark("m", Kind.PEAKMEMORY), benchmark("f")
    base, contender = (
        result_set([(one, result(one, 1.0)), (memory, result(memory, size))])
        for size in (1_000_000, 1_100_001)
    )
    narrow = compare(base, contender)
    wide = compare(base, contender, Policy(gate=frozenset({Metric.DURATION, Metric.MEMORY})))
    assert Verdict.REGRESSION is verdicts(narrow)["m"]
    assert [narrow.outcome, wide.outcome] == [Outcome.OK, Outcome.REGRESSION]
    assert [len(narrow.gated), len(wide.gated)] == [1, 2]


def test_a_score_that_falls_is_a_regression_where_more_is_better() -> None:
    """And one that rises is an improvement."""
    fallen = tracked(100.0, 85.0, better=Better.HIGHER)
    risen = tracked(100.0, 150.0, better=Better.HIGHER)
    assert [
        only(fallen).verdict,
        only(risen).verdict,
    ] == [Verdict.REGRESSION, Verdict.FASTER]
    assert Fraction(15, 100) == only(fallen).worsening
    assert Severity.MINOR is only(fallen).severity


def test_a_gated_score_that_is_no_number_is_a_fault() -> None:
    """A `track` benchmark may return anything."""
    assert tracked([1], [1]).faults == ("score: the base is not a number: [1]",)


def test_the_limits_of_a_case_are_those_of_the_contender() -> None:
    """What a benchmark declares now holds now."""
    one, other = benchmark("f", threshold=0.5), benchmark("f", threshold=0.2)
    delta = only(
        compare(result_set([(one, result(one, 1.0))]), result_set([(other, result(other, 1.3))]))
    )
    assert (Verdict.REGRESSION, Fraction(1, 5)) == (delta.verdict, delta.limits.threshold)


def test_a_declared_limit_that_is_no_share_is_a_fault() -> None:
    """The comparison says so; it does not guess."""
    one = benchmark("f", threshold=math.nan)
    results = result_set([(one, result(one, 1.0))])
    expected = "f: the benchmark declares a threshold of nan, which is no share"
    assert (expected,) == compare(results, results).faults


def test_the_worst_comes_first() -> None:
    """Failures, then by verdict, in it by size, in it by name; then what could not be judged."""
    failed, skipped = Status.FAILED, Status.SKIPPED
    sides = {
        "a": (100, 90),
        "b": (100, 100),
        "c": (100, 107),
        "d": (100, 115),
        "e": (100, 160),
        "f": (100, 107),
        "g": (1, failed),
        "h": (failed, failed),
        "i": (skipped, 1),
        "j": (1, skipped),
        "k": (failed, 1),
    }
    comparison = compared(
        {name: before for name, (before, _) in sides.items()},
        {name: after for name, (_, after) in sides.items()},
    )
    assert "".join(delta.label for delta in comparison.deltas) == "gedcfbakhji"


def test_a_regression_precedes_what_is_merely_slower() -> None:
    """Also where a small threshold makes a small change the regression."""
    strict, lax = benchmark("strict", threshold=0.01), benchmark("lax")
    base, contender = (
        result_set([(lax, result(lax, slow)), (strict, result(strict, little))])
        for slow, little in ((1.0, 1.0), (1.09, 1.02))
    )
    assert [delta.label for delta in compare(base, contender).deltas] == ["strict", "lax"]


def test_the_geometric_mean_is_of_the_durations_compared() -> None:
    """Twice and half balance; memory, additions and failures do not count."""
    memory = benchmark("m", Kind.MEMORY)
    base = timed({"f": 1, "g": 1, "h": 1, "i": Status.FAILED})
    contender = timed({"f": 2, "g": 0.5, "i": 1, "j": 1})
    base, contender = (
        replace(
            one,
            benchmarks={**one.benchmarks, memory.id: memory},
            results=(*one.results, result(memory, size)),
        )
        for one, size in ((base, 1), (contender, 7))
    )
    assert pytest.approx(1.0) == compare(base, contender).geometric_mean
    assert compared({"f": 1}, {"f": Status.FAILED}).geometric_mean is None


def test_a_set_against_itself_says_nothing() -> None:
    """No doubt, no fault, no change."""
    comparison = compared({"f": 1, "g": 2}, {"f": 1, "g": 2})
    assert (
        comparison.warnings,
        comparison.faults,
        comparison.counts,
        comparison.compared,
        comparison.geometric_mean,
    ) == ((), (), {Verdict.UNCHANGED: 2}, 2, 1.0)


FACTS: list[tuple[str, Any, Any, str]] = [
    ("machine", "a", "b", "another machine: a → b"),
    ("cpu_model", "a", "b", "another processor: a → b"),
    ("cpu", "x86_64", "arm64", "another processor: x86_64 → arm64"),
    ("cores", 4, 8, "another cores: 4 → 8"),
    ("os", "linux", "darwin", "another operating system: linux → darwin"),
    ("kernel", "5", "6", "another kernel: 5 → 6"),
    ("python_version", "3.11", "3.12", "another Python: 3.11 → 3.12"),
    ("numpy_version", "1", "2", "another numpy: 1 → 2"),
    ("mojo_version", "1", "2", "another Mojo: 1 → 2"),
    ("asv_runner_version", "1", "2", "another asv_runner: 1 → 2"),
    ("packages", {"rich": "1", "x": "1"}, {"rich": "2", "x": "1"}, "other packages: rich 1 → 2"),
    ("packages", {"x": "1"}, {"x": "1", "y": "2"}, "other packages: y none → 2"),
    ("packages", {"x": "1", "y": "2"}, {"x": "1"}, "other packages: y 2 → none"),
    ("packages", {"numpy": "1"}, {"numpy": "2"}, "other packages: numpy 1 → 2"),
]
HARDWARE = ("machine", "cpu_model", "cpu", "cores", "os")


def moved(fact: str, before: Any, after: Any, **policy: Any) -> Comparison:
    """The same timing in two environments that differ in one fact."""
    base, contender = (
        timed({"f": 1}, environment=Environment(**{fact: value})) for value in (before, after)
    )
    return compare(base, contender, Policy(**policy))


@pytest.mark.parametrize(("fact", "before", "after", "expected"), FACTS)
def test_another_environment_is_a_warning(
    fact: str, before: Any, after: Any, expected: str
) -> None:
    """It says what differs, and the two are compared all the same."""
    comparison = moved(fact, before, after)
    assert ((expected,), (), Outcome.OK, False) == (
        comparison.warnings,
        comparison.faults,
        comparison.outcome,
        comparison.advisory,
    )


@pytest.mark.parametrize(("fact", "before", "after", "expected"), FACTS)
def test_another_environment_is_invalid_where_policy_is_strict(
    fact: str, before: Any, after: Any, expected: str
) -> None:
    """`--strict-environment`."""
    comparison = moved(fact, before, after, strict_environment=True)
    assert (f"the environments differ: {expected}",) == comparison.faults


@pytest.mark.parametrize(("fact", "before", "after", "expected"), FACTS)
def test_only_another_machine_is_refused_or_not_judged(
    fact: str, before: Any, after: Any, expected: str
) -> None:
    """`--other-machine refuse` and `advise` concern hardware and operating system, not packages."""
    hardware = fact in HARDWARE
    refused = moved(fact, before, after, other_machine=OtherMachine.REFUSE)
    advised = moved(fact, before, after, other_machine=OtherMachine.ADVISE)
    assert (Outcome.INVALID if hardware else Outcome.OK) is refused.outcome
    assert (Outcome.NOT_JUDGED if hardware else Outcome.OK) is advised.outcome


@pytest.mark.parametrize(("fact", "before", "after", "expected"), FACTS)
def test_what_one_side_does_not_say_is_no_difference(
    fact: str, before: Any, after: Any, expected: str
) -> None:
    """Absent facts are never guessed."""
    empty: dict[str, str] | None = {} if fact == "packages" else None
    assert [
        moved(fact, *sides, strict_environment=True).warnings
        for sides in ((before, empty), (empty, after))
    ] == [(), ()]


def test_a_regression_on_another_machine_is_not_judged_where_policy_advises() -> None:
    """The delta is shown; the outcome is neither ok nor a regression."""
    base = timed({"f": 1}, environment=Environment(machine="a"))
    contender = timed({"f": 2}, environment=Environment(machine="b"))
    comparison = compare(base, contender, Policy(other_machine=OtherMachine.ADVISE))
    assert verdicts(comparison) == {"f": Verdict.REGRESSION}
    assert Outcome.NOT_JUDGED is comparison.outcome
    assert Outcome.REGRESSION is compare(base, contender).outcome


def test_the_version_of_a_package_is_told_once() -> None:
    """numpy and asv_runner are facts of their own."""
    base, contender = (
        timed(
            {"f": 1},
            environment=Environment(
                numpy_version=version,
                asv_runner_version=version,
                packages={"numpy": version, "asv_runner": version},
            ),
        )
        for version in ("1", "2")
    )
    expected = ("another numpy: 1 → 2", "another asv_runner: 1 → 2")
    assert expected == compare(base, contender).warnings


def test_all_differences_are_told_at_once() -> None:
    """In one fault, where they are refused."""
    base, contender = (
        timed({"f": 1}, environment=Environment(os=word, kernel=word)) for word in "ab"
    )
    expected = "the environments differ: another operating system: a → b; another kernel: a → b"
    assert compare(base, contender, Policy(strict_environment=True)).faults == (expected,)


def test_the_same_machine_is_no_warning() -> None:
    """Equal facts are not mentioned."""
    environment = Environment(os="linux", cores=4, machine="a", packages={"rich": "1"})
    results = timed({"f": 1}, environment=environment)
    assert compare(results, results, Policy(strict_environment=True)).warnings == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"run": Run(complete=False)},
            "the {} is incomplete: its run stopped before every case was measured",
        ),
        ({"run": Run(quick=True)}, "the {} is a quick run: one call a case, no evidence"),
        ({"commit": Commit(dirty=True)}, "the {} was measured with uncommitted changes"),
    ],
)
def test_a_doubtful_run_is_a_warning(change: dict[str, Any], expected: str) -> None:
    """It says which side."""
    sound, doubtful = timed({"f": 1}), timed({"f": 1}, **change)
    assert (expected.format("base"),) == compare(doubtful, sound).warnings
    assert (expected.format("contender"),) == compare(sound, doubtful).warnings


@given(strategies.any_pairs(), strategies.policies)
@settings(max_examples=300)
def test_comparing_never_raises(pair: Pair, policy: Policy) -> None:
    """Whatever two files hold: each case gets a verdict or a fault, and the whole an outcome."""
    comparison = compare(pair[0], pair[1], policy)
    assert comparison.outcome in Outcome
    assert len(comparison.gated) == sum(comparison.counts.values())


@given(strategies.any_pairs(), strategies.policies)
def test_nothing_compared_is_never_ok(pair: Pair, policy: Policy) -> None:
    """An outcome of ok has at least one gated pair of numbers behind it, and no alarm."""
    comparison = compare(pair[0], pair[1], policy)
    if comparison.outcome is Outcome.OK:
        assert comparison.compared > 0
        assert not comparison.alarm


@given(strategies.pairs())
def test_swapping_base_and_contender_inverts_the_ratio(pair: Pair) -> None:
    """Exactly; what was added is then removed, what failed is fixed."""
    base, contender = pair
    policy = Policy(gate=EVERYTHING)
    there = {(d.case, d.metric): d for d in compare(base, contender, policy).deltas}
    back = {(d.case, d.metric): d for d in compare(contender, base, policy).deltas}
    mirrored = {Verdict.ADDED: Verdict.REMOVED, Verdict.FIXED: Verdict.FAILED}
    assert there.keys() == back.keys()
    for key, delta in there.items():
        change = back[key].change
        if delta.change is not None:
            assert change is not None
            assert (1 + delta.change) * (1 + change) == 1
        if delta.verdict is Verdict.FIXED:
            assert mirrored[delta.verdict] is back[key].verdict


@given(
    st.lists(st.tuples(*[st.decimals("0.001", "1000", places=6).map(float)] * 2), min_size=1),
    st.integers(-6, 3),
)
def test_scaling_both_sides_changes_no_verdict(times: Any, places: int) -> None:
    """Milliseconds or seconds: the decimal point alone moves."""
    base = timed({f"f{number}": before for number, (before, _) in enumerate(times)})
    contender = timed({f"f{number}": after for number, (_, after) in enumerate(times)})
    scale: Callable[[float], float] = lambda value: shift(value, places)  # noqa: E731
    scaled = compare(strategies.scaled(base, scale), strategies.scaled(contender, scale))
    assert [(d.label, d.change, d.verdict) for d in compare(base, contender).deltas] == [
        (d.label, d.change, d.verdict) for d in scaled.deltas
    ]


@given(strategies.result_sets())
def test_identical_samples_never_regress(results: Any) -> None:
    """A set held against itself has nothing but unchanged cases and failures on both sides."""
    found = set(compare(results, results, Policy(gate=EVERYTHING)).counts)
    assert found <= {Verdict.UNCHANGED, Verdict.NOT_COMPARABLE}


@given(strategies.pairs())
def test_the_deltas_are_ordered_worst_first(pair: Pair) -> None:
    """No regression stands below anything but a failure or a worse one."""
    ranks = [Verdict.FAILED, Verdict.REGRESSION, Verdict.SLOWER, Verdict.UNCHANGED, Verdict.FASTER]
    deltas = [
        (ranks.index(delta.verdict), -(delta.worsening or 0))
        for delta in compare(pair[0], pair[1], Policy(gate=EVERYTHING)).deltas
        if delta.verdict in ranks
    ]
    assert sorted(deltas) == deltas


@given(strategies.pairs(), st.randoms(use_true_random=False))
def test_the_order_of_results_does_not_matter(pair: Pair, rng: Any) -> None:
    """The same cases in another order get the same report."""
    base, contender = pair
    shuffled = replace(base, results=tuple(rng.sample(base.results, len(base.results))))
    assert compare(base, contender).deltas == compare(shuffled, contender).deltas
