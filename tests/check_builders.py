"""Small checks by hand, the one that the golden files show, and strategies for any check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from odyssey_asv.findings import Check, Clock, Effort, Finding, LeftOut, worst_first
from odyssey_asv.model import (
    Better,
    Case,
    Commit,
    Environment,
    Kind,
    Metric,
    Result,
    ResultSet,
    Run,
    RunKind,
    Status,
)
from odyssey_asv.pairs.evidence import Estimate
from odyssey_asv.policy import Limits, Verdict
from tests import strategies
from tests.builders import benchmark, result, result_set

EFFORT = Effort(wall_s=6.1, sampling_s=3.782, processes=14, budget_s=900.0)
BASE = Commit(hash="a1b2c3d4" * 5, describe="v1.2", branch="main", date="2026-11-20T08:00:00Z")
CONTENDER = Commit(hash="0f1e2d3c" * 5, describe="v1.2-3-gabcdef0", branch="fast", dirty=True)


def estimated(change: float, reach: float = 0.02, detectable: float = 0.08) -> Estimate:
    """An estimate of a relative change for the worse; `reach` is half of its interval, as a logarithm."""
    middle = math.log1p(change)
    return Estimate(middle, middle - reach, middle + reach, detectable)


def finding(
    name: str, verdict: Verdict, change: float | None = None, kind: Kind = Kind.TIME, **changes: Any
) -> Finding:
    """A finding on the only case of a benchmark; with a `change`, five blocks that say so."""
    of = changes.pop("benchmark", None) or benchmark(name, kind)
    known: dict[str, Any] = {
        "label": of.name,
        "benchmark": of,
        "case": Case(of.id),
        "gated": of.metric is Metric.DURATION,
        "verdict": verdict,
        "limits": Limits(better=of.better),
    }
    if change is not None:
        middle = math.log1p(change)
        turn = 1.0 if of.better is Better.LOWER else -1.0
        known |= {
            "effects": tuple(middle + step / 200.0 for step in (-2, -1, 0, 1, 2)),
            "estimate": estimated(change),
            "clock": Clock.CPU if kind is Kind.TIME else None,
            "base": result(of, 0.1),
            "contender": result(of, 0.1 * math.exp(turn * middle)),
        }
    return Finding(**{**known, **changes})


def side(commit: Commit, name: str = "virtualenv-py3.12") -> ResultSet:
    """One side as a result set; its results do not matter here."""
    environment = Environment(
        os="linux", cpu="x86_64", python_version="3.12.3", machine="bench-1", env_name=name
    )
    return result_set((), commit=commit, environment=environment, run=Run(kind=RunKind.PAIRED))


def check(findings: Sequence[Finding] = (), **changes: Any) -> Check:
    """A check of these findings, in the order of reports."""
    known: dict[str, Any] = {
        "base": (side(BASE),),
        "contender": (side(CONTENDER),),
        "findings": tuple(sorted(findings, key=worst_first)),
        "effort": EFFORT,
        "confidence": 0.99,
    }
    return Check(**{**known, **changes})


def unchanged(count: int) -> list[Finding]:
    """As many findings that nothing changed."""
    return [finding(f"f{number:02}", Verdict.UNCHANGED, 0.0) for number in range(count)]


def showcase(**changes: Any) -> Check:
    """One case of every verdict, every clock, a metric that is not gated, and doubts."""
    track = benchmark("rate", Kind.TRACK, better=Better.HIGHER, unit="rows/s")
    wide = Estimate(0.06, -0.11, 0.23, 0.29)
    findings = [
        finding("matmul", Verdict.REGRESSION, 0.60),
        finding("add", Verdict.REGRESSION, 0.123, clock=Clock.WALL),
        finding("slow", Verdict.SLOWER, 0.07),
        finding("same", Verdict.UNCHANGED, 0.001, clock=Clock.OWN),
        finding("better", Verdict.FASTER, -0.25),
        finding(
            "restless", Verdict.INCONCLUSIVE, 0.06, estimate=wide,
            reason="time was up; a slowdown of 34% would have been found",
        ),
        finding("brief", Verdict.INCONCLUSIVE, reason="too few blocks before the time was up"),
        finding(
            "broken", Verdict.FAILED, reason="it failed: ZeroDivisionError: division by zero",
            base=result(benchmark("broken"), 0.1),
            contender=result(benchmark("broken"), None, Status.FAILED),
        ),
        finding("mended", Verdict.FIXED, reason="failed: ValueError in the base"),
        finding("gone", Verdict.REMOVED),
        finding("fresh", Verdict.ADDED),
        finding("odd", Verdict.NOT_COMPARABLE, reason="no ratio between 0 and 1"),
        finding("rate", Verdict.REGRESSION, 0.2, Kind.TRACK, benchmark=track, gated=True),
        finding("matmul", Verdict.REGRESSION, 1.0, Kind.PEAKMEMORY),
    ]  # fmt: skip
    doubt = "numpy: 2.0 → 2.1 between the two environments"
    return check(findings, **{"warnings": (doubt,), **changes})


_logs = st.one_of(
    st.floats(-0.3, 0.3), st.floats(-700.0, 700.0), st.sampled_from((0.0, -0.0, 700.0, -700.0))
)
_ends = _logs | st.sampled_from((math.inf, -math.inf, 1e308, -1e308))
_shares = st.fractions(0, 10) | st.sampled_from((Fraction(0), Fraction(1, 20), Fraction(1, 10)))
_seconds = st.floats(0.0, 1e9)


@st.composite
def _estimates(draw: st.DrawFn) -> Estimate:
    low, middle, high = sorted(draw(st.tuples(_ends, _ends, _ends)))
    return Estimate(middle, low, high, abs(draw(_ends)))


@st.composite
def _findings(draw: st.DrawFn) -> Finding:
    of = replace(
        benchmark(draw(strategies.texts), draw(st.sampled_from(Kind))),
        better=draw(st.sampled_from(Better)),
        unit=draw(st.sampled_from(("seconds", "bytes")) | strategies.texts),
        anonymous=draw(st.booleans()),
    )
    params = draw(st.lists(st.tuples(strategies.texts, strategies.texts), max_size=2))
    results = st.none() | st.builds(
        lambda value, status, extra: Result(Case(of.id), value, status, extra=extra),
        strategies.values,
        st.sampled_from(Status),
        st.sampled_from((None, {"processor": [[0.1, 0.2], [0.3]]}, {"processor": []})),
    )
    effects = st.lists(_logs, max_size=6) | st.just([0.0] * 5)
    return Finding(
        label=draw(strategies.texts),
        benchmark=of,
        case=Case(of.id, tuple(params)),
        gated=draw(st.booleans()),
        verdict=draw(st.sampled_from(Verdict)),
        limits=Limits(draw(_shares), draw(_shares), of.better),
        effects=tuple(draw(effects)),
        estimate=draw(st.none() | _estimates()),
        clock=draw(st.none() | st.sampled_from(Clock)),
        reason=draw(st.none() | strategies.texts),
        base=draw(results),
        contender=draw(results),
        environment=draw(st.none() | strategies.texts),
    )


_left_out = st.builds(
    LeftOut,
    cases=st.none() | st.integers(0, 9),
    of=st.none() | st.integers(0, 9),
    changed=st.lists(strategies.texts, max_size=3).map(tuple),
    passed_over=st.lists(strategies.texts, max_size=3).map(tuple),
    reasons=st.lists(st.tuples(strategies.texts, st.integers(1, 9)), max_size=7).map(tuple),
)
_sides = st.lists(strategies.any_result_sets(), max_size=2).map(tuple)

checks: st.SearchStrategy[Check] = st.builds(
    Check,
    base=_sides,
    contender=_sides,
    findings=st.lists(_findings(), max_size=5).map(tuple),
    effort=st.builds(
        Effort,
        wall_s=_seconds,
        sampling_s=_seconds,
        processes=st.integers(0, 10**6),
        budget_s=_seconds,
        spent=st.booleans(),
    ),
    confidence=st.floats(0.5, 0.99999),
    warnings=st.lists(strategies.texts, max_size=3).map(tuple),
    same=st.booleans(),
    strict=st.booleans(),
    left_out=st.none() | _left_out,
)
"""Whatever the types allow."""
