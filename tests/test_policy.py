"""The rule: what is noise, what is slower, what alerts, how bad it is, and whose limits hold."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.model import Better, Kind
from odyssey_asv.policy import Limits, Override, Policy, Severity, Verdict, severity
from tests.builders import benchmark


def percent(value: str) -> Fraction:
    return Fraction(value) / 100


@pytest.mark.parametrize("change", ["3", "5", "7", "9.9", "10.0", "-5", "-10", "-50", "0"])
def test_up_to_ten_per_cent_does_not_alert(change: str) -> None:
    """Nor does anything that became faster."""
    assert Limits().judge(percent(change)) is not Verdict.REGRESSION


@pytest.mark.parametrize("change", ["10.1", "11", "12", "15", "20", "50", "10.0000000000000001"])
def test_more_than_ten_per_cent_alerts(change: str) -> None:
    """However little more it is."""
    assert Verdict.REGRESSION is Limits().judge(percent(change))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("0", Verdict.UNCHANGED),
        ("3", Verdict.UNCHANGED),
        ("5", Verdict.UNCHANGED),
        ("5.000001", Verdict.SLOWER),
        ("7", Verdict.SLOWER),
        ("10", Verdict.SLOWER),
        ("-5", Verdict.UNCHANGED),
        ("-5.000001", Verdict.FASTER),
        ("-5.1", Verdict.FASTER),
        ("-50", Verdict.FASTER),
        ("100", Verdict.REGRESSION),
    ],
)
def test_each_band_includes_its_upper_limit(change: str, expected: Verdict) -> None:
    """Within 5 % is noise, up to 10 % is slower, and the limits themselves belong to the milder."""
    assert expected is Limits().judge(percent(change))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("10.1", Severity.MINOR),
        ("20.0", Severity.MINOR),
        ("20.1", Severity.MODERATE),
        ("50.0", Severity.MODERATE),
        ("50.1", Severity.SEVERE),
        ("900", Severity.SEVERE),
    ],
)
def test_a_regression_is_minor_moderate_or_severe(change: str, expected: Severity) -> None:
    """Up to 20 %, up to 50 %, above."""
    assert expected is severity(percent(change))


@given(st.fractions(-1, 3))
def test_where_more_is_better_the_sign_turns(change: Fraction) -> None:
    """A loss of throughput is judged as a gain of time is."""
    assert Limits().judge(change) is Limits(better=Better.HIGHER).judge(-change)


@given(st.fractions(-1, 3), st.fractions(-1, 3))
def test_a_worse_change_never_gets_a_better_verdict(one: Fraction, other: Fraction) -> None:
    """The verdict is monotone in the change."""
    ladder = [Verdict.FASTER, Verdict.UNCHANGED, Verdict.SLOWER, Verdict.REGRESSION]
    ranks = [ladder.index(Limits().judge(change)) for change in sorted((one, other))]
    assert sorted(ranks) == ranks


def test_the_limits_are_five_and_ten_per_cent_unless_told_otherwise() -> None:
    """The default policy gates durations only, and nobody has to be present."""
    limits = Policy().limits_for(benchmark("f"))
    assert Limits(Fraction(1, 20), Fraction(1, 10), Better.LOWER) == limits


def test_a_policy_of_its_own_replaces_the_defaults() -> None:
    """What the configuration says holds for every benchmark."""
    own = Limits(percent("1"), percent("2"))
    assert own == Policy(limits=own).limits_for(benchmark("f"))


def test_verdicts_and_severities_are_the_words_of_the_reports() -> None:
    """Programs read them: a word that changes is a change of the format."""
    assert [verdict.value for verdict in Verdict] == [
        "regression",
        "slower",
        "unchanged",
        "faster",
        "inconclusive",
        "failed",
        "fixed",
        "added",
        "removed",
        "not comparable",
    ]
    assert [grade.value for grade in Severity] == ["minor", "moderate", "severe"]


def override(match: str, **limits: Any) -> Override:
    return Override(re.compile(match), **limits)


@pytest.mark.parametrize("match", ["time_f", r"^suite\.", "^f$", "f"])
def test_an_override_applies_where_its_expression_finds_id_or_name(match: str) -> None:
    """The expression is searched, as asv searches with `-b`."""
    assert override(match).applies_to(benchmark("f"))


@pytest.mark.parametrize("match", ["time_g", "^time_f", "F"])
def test_an_override_leaves_others_alone(match: str) -> None:
    """Neither id nor name is found, so the defaults hold; case counts."""
    policy = Policy(overrides=(override(match, threshold=percent("30")),))
    assert percent("10") == policy.limits_for(benchmark("f")).threshold


def test_the_last_override_that_matches_wins() -> None:
    """Each key by itself: a later override that is silent on a key leaves it."""
    policy = Policy(
        overrides=(
            override("f", tolerance=percent("6"), threshold=percent("20"), better=Better.HIGHER),
            override("f", threshold=percent("30")),
            override("g", threshold=percent("40")),
        )
    )
    expected = Limits(percent("6"), percent("30"), Better.HIGHER)
    assert expected == policy.limits_for(benchmark("f"))


def test_an_override_of_zero_is_one() -> None:
    """Zero is a limit, not the absence of one."""
    policy = Policy(overrides=(override("f", tolerance=Fraction(0), threshold=Fraction(0)),))
    expected = Limits(Fraction(0), Fraction(0))
    assert expected == policy.limits_for(benchmark("f"))


def test_what_a_benchmark_declares_beats_the_file() -> None:
    """Attribute before override before default, and exactly as the decimal was written."""
    policy = Policy(overrides=(override("f", tolerance=percent("1"), threshold=percent("20")),))
    declared = benchmark("f", tolerance=0.07, threshold=0.3)
    assert Limits(percent("7"), percent("30")) == policy.limits_for(declared)


def test_the_command_line_beats_what_a_benchmark_declares() -> None:
    """Who types a limit means it for every benchmark, each key by itself."""
    declared = benchmark("f", tolerance=0.07, threshold=0.3)
    forced = Policy(forced={"threshold": percent("25")})
    assert Limits(percent("7"), percent("25")) == forced.limits_for(declared)
    forced = Policy(forced={"tolerance": percent("2")})
    assert Limits(percent("2"), percent("30")) == forced.limits_for(declared)


def test_a_declared_direction_beats_the_file() -> None:
    """`better = "higher"` next to the code is not turned by a pattern."""
    policy = Policy(overrides=(override("f", better=Better.LOWER),))
    declared = benchmark("f", Kind.TRACK, better=Better.HIGHER)
    assert Better.HIGHER is policy.limits_for(declared).better


def test_a_small_threshold_shrinks_the_tolerance() -> None:
    """Noise never reaches past the alert."""
    limits = Policy().limits_for(benchmark("f", threshold=0.02))
    assert Limits(percent("2"), percent("2")) == limits


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1])
@pytest.mark.parametrize("name", ["threshold", "tolerance"])
def test_a_declared_limit_that_is_no_share_is_refused(name: str, value: float) -> None:
    """It names the limit and what was found."""
    expected = f"the benchmark declares a {name} of {value!r}, which is no share"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        Policy().limits_for(replace(benchmark("f"), **{name: value}))  # type: ignore[arg-type]


def test_a_declared_limit_of_zero_holds() -> None:
    """Any slowdown at all then alerts."""
    assert Fraction(0) == Policy().limits_for(benchmark("f", threshold=0)).threshold
