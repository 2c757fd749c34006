"""How the ends of a range differ → the state of a search before its first step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import IO

from odyssey_asv import checking
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.metadata import asv_name
from odyssey_asv.adapter.paired import worker
from odyssey_asv.bisecting.hunt import Observer
from odyssey_asv.bisecting.knowledge import FAILING, exception_of, to_commit
from odyssey_asv.bisecting.plan import Plan
from odyssey_asv.bisecting.remembered import remembered
from odyssey_asv.config import Config
from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.findings import Check, Finding
from odyssey_asv.model import Better, Metric, Status
from odyssey_asv.policy import Verdict
from odyssey_asv.store.checks import Case
from odyssey_asv.store.searches import Line, Measured, Sought, State

_COUNTS = 0.5
"""The smallest step that is looked for, as a share of the tolerance."""
_TIMES = 3
"""How many measurements the verdict on the ends is worth."""
_HUGE, _LONG_S = 8.0, 2.0
"""A ratio and a length of a sample, in seconds, from which on samples are stopped early in a search."""
_LEAST_S = 2 * worker.SAMPLE_S
"""What a sample takes at the good end where a call takes less; its calls are counted anew each time."""
_PRETENDED = 5
"""Blocks that a commit that fails, or does not, is worth."""


def measured(  # noqa: PLR0913, PLR0917 (what a check takes)
    plan: Plan,
    config: Config,
    asv: AsvConfig,
    observer: Observer,
    echo: IO[str] | None,
    deadline: float = math.inf,
) -> State:
    """Check the ends against each other, until `deadline` at most.

    Raises what `checking.execute` raises, and `CannotMeasureError` where no case was measured at both.
    """
    found, _ = checking.execute(plan.ends, config, asv, observer, echo, deadline)
    cases = [
        _from_finding(f, plan) for f in found.findings if len(f.effects) > 2 or _newly_fails(f)
    ]
    if not cases:
        raise _nothing(found)
    return _begun(plan, cases, found.warnings)


def reported(plan: Plan) -> State:
    """What the report of a check says of the ends. Raises `CannotMeasureError` where that is nothing."""
    cases = list(_from_report(plan))
    if not cases:
        raise CannotMeasureError(f"{plan.options.from_check}: has none of the cases asked for")
    return _begun(plan, cases, ())


def recall(state: State, plan: Plan, config: Config, asv: AsvConfig, observer: Observer) -> None:
    """Add what results stored here say about where to look first."""
    state.remembered = remembered(plan, config, asv, state.lines[0].cases)
    if state.remembered:
        observer.remembering(len(state.remembered))


def _begun(plan: Plan, cases: Sequence[Sought], warnings: Sequence[str]) -> State:
    line = Line(
        start=plan.fork or plan.question.good,
        commits=[to_commit(link) for link in plan.links],
        cases=[case.name for case in cases if case.sought],
        instead=None if plan.fork is None else plan.question.good,
    )
    if plan.fork is None:
        line.measured[plan.question.bad] = Measured(
            effects={case.name: case.effects for case in cases if case.sought}, times=_TIMES
        )
    return State(
        question=plan.question,
        cases=list(cases),
        lines=[line],
        fork=plan.fork,
        warnings=[*_left_out(plan), *warnings],
    )


def _left_out(plan: Plan) -> tuple[str, ...]:
    if not plan.unsearched:
        return ()
    others = ", ".join(plan.unsearched)
    return (f"searched in {plan.question.environment} only: another is chosen by -E ({others})",)


def _newly_fails(finding: Finding) -> bool:
    """Whether a case works at the good end and does not at the bad one."""
    return finding.verdict is Verdict.FAILED and finding.contender is not None


def _from_finding(finding: Finding, plan: Plan) -> Sought:
    found = _measured_case(finding, plan)
    base = finding.base
    if base is not None and isinstance(base.value, float) and finding.metric is Metric.DURATION:
        _stop_early(found, base.value * (base.number or 1), plan)
    if _newly_fails(finding):
        found.fails = kind_of(finding)
        _as_failing(found, finding.at_least, plan)
    return found


def _stop_early(found: Sought, good_s: float, plan: Plan) -> None:
    """Set down that a sample takes this long at the good end, and stop samples early in the search where
    one takes very much longer at the bad end: what they would take to their end need not be waited for."""
    found.good_s = max(good_s, _LEAST_S)
    ratio = found.ratio or 1.0
    if not found.sought or plan.question.improvement:
        return
    if ratio >= _HUGE and ratio * found.good_s >= _LONG_S:
        found.fails, found.cut, found.at_least = "timeout", True, math.sqrt(ratio)


def _as_failing(found: Sought, at_least: float | None, plan: Plan) -> None:
    """Make failing at the bad end a level of its own."""
    found.at_least = at_least
    level = max(math.log(at_least or 1.0), FAILING)
    found.ratio = found.interval = None
    found.effects, found.least = [level] * _PRETENDED, 0.5 * level
    found.sought, found.decided = not plan.question.improvement, True


def kind_of(finding: Finding) -> str:
    """How a case that newly fails does it: "timeout", or the type of the exception."""
    if finding.contender is not None and finding.contender.status is Status.TIMEOUT:
        return "timeout"
    return exception_of(finding.trace or "")


def _measured_case(finding: Finding, plan: Plan) -> Sought:
    interval, estimate = finding.interval, finding.estimate
    lower = finding.limits.better is Better.LOWER
    size = None if estimate is None else min(estimate.detectable, 700.0)
    return Sought(
        name=asv_name(finding.case),
        label=finding.label,
        ratio=finding.ratio,
        interval=interval,
        detectable=None if size is None else math.exp(size if lower else -size),
        verdict=finding.verdict.value,
        sought=_sought(plan, finding.verdict, gated=finding.gated),
        decided=finding.verdict is not Verdict.INCONCLUSIVE or not finding.gated,
        higher_is_better=not lower,
        least=_COUNTS * math.log1p(float(finding.limits.tolerance)),
        effects=list(finding.effects),
    )


def _from_report(plan: Plan) -> Iterator[Sought]:
    """The cases of a check's report that are of the environment and match the expressions."""
    assert plan.report is not None
    expressions = plan.expressions
    for case in plan.report.cases:
        failed = case.verdict == Verdict.FAILED
        if case.environment not in (None, plan.question.environment):
            continue
        if len(case.effects) < 3 and not failed:
            continue
        if not expressions or any(e.search(case.name) for e in expressions):
            yield _from_case(case, plan)


def _from_case(case: Case, plan: Plan) -> Sought:
    found = _reported_case(case, plan)
    if isinstance(case.base, float) and case.unit == "seconds":
        _stop_early(found, case.base, plan)
    if case.verdict == Verdict.FAILED:
        said = case.traceback or ""
        found.fails = "timeout" if case.at_least is not None else exception_of(said)
        _as_failing(found, case.at_least, plan)
    return found


def _reported_case(case: Case, plan: Plan) -> Sought:
    return Sought(
        name=case.name,
        label=case.label,
        ratio=case.ratio,
        interval=case.interval,
        detectable=case.detectable,
        verdict=case.verdict,
        sought=_sought(plan, case.verdict, gated=case.gated),
        decided=case.verdict != Verdict.INCONCLUSIVE or not case.gated,
        higher_is_better=case.better == Better.HIGHER,
        least=_COUNTS * math.log1p(case.tolerance),
        effects=case.effects,
    )


def _sought(plan: Plan, verdict: str, *, gated: bool) -> bool:
    """Whether a case with this verdict is searched for; one that was named need not be gated."""
    wanted = Verdict.FASTER if plan.question.improvement else Verdict.REGRESSION
    return verdict == wanted and (gated or bool(plan.question.benches))


def _nothing(found: Check) -> CannotMeasureError:
    reasons = [f"{f.label}: {f.reason}" for f in found.findings if f.reason][:3]
    return CannotMeasureError(
        "; ".join(["no case could be measured at both ends of the range", *reasons])
    )
