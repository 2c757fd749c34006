"""A check for programs: strict JSON, its schema counted by `schema_version`."""

from __future__ import annotations

import json
import math
from typing import Any

from odyssey_asv.findings import Check, Finding, LeftOut
from odyssey_asv.model import Better, ResultSet
from odyssey_asv.report.check import words
from odyssey_asv.report.json import measured

SCHEMA_VERSION = "1.0"


def render(check: Check, *, exit_code: int) -> str:
    """The report as JSON text, ending in a newline."""
    plain = document(check, exit_code=exit_code)
    return json.dumps(plain, indent=2, sort_keys=True, allow_nan=False) + "\n"


def document(check: Check, *, exit_code: int) -> dict[str, Any]:
    """The report as plain data.

    `ratio`, `interval`, `detectable` and `geometric_mean` are contender over base: 1.12 is +12 %.
    `effects` are logarithms, positive where the contender is worse. Of code against itself the
    verdict is never a regression; `false_alarms` counts its alarms. `left_out` is null where every
    case was to be measured. What is unknown is null.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "base": _side(check.base),
        "contender": _side(check.contender),
        "verdict": check.conclusion.value,
        "exit_code": exit_code,
        "cases": [_case(finding) for finding in check.findings],
        "suite": _suite(check),
        "left_out": None if check.left_out is None else _left_out(check.left_out),
        "counts": {verdict.value: count for verdict, count in check.counts.items()},
        "warnings": list(check.warnings),
    }


def _side(sets: tuple[ResultSet, ...]) -> dict[str, Any]:
    commit = sets[0].commit if sets else None
    return {
        "commit": commit and commit.hash,
        "describe": commit and commit.describe,
        "branch": commit and commit.branch,
        "date": commit and commit.date,
        "dirty": commit and commit.dirty,
        "environments": [_environment(results) for results in sets],
    }


def _environment(results: ResultSet) -> dict[str, Any]:
    found = results.environment
    return {
        "name": found.env_name,
        "python": found.python_version,
        "packages": dict(found.packages),
        "machine": found.machine,
        "os": found.os,
        "kernel": found.kernel,
        "cpu": found.cpu,
        "cpu_model": found.cpu_model,
        "cores": found.cores,
        "ram_mb": found.ram_mb,
        "timestamp": results.timestamp,
    }


def _case(finding: Finding) -> dict[str, Any]:
    limits = finding.limits
    return {
        "id": None if finding.benchmark.anonymous else finding.benchmark.id,
        "name": finding.benchmark.name,
        "label": finding.label,
        "params": dict(finding.case.params),
        "environment": finding.environment,
        "metric": finding.metric.value,
        "gated": finding.gated,
        "verdict": finding.verdict.value,
        "severity": None if finding.severity is None else finding.severity.value,
        "ratio": _finite(finding.ratio),
        "interval": _interval(finding.interval),
        "clock": None if finding.clock is None else finding.clock.value,
        "blocks": len(finding.effects),
        "effects": [_finite(effect) for effect in finding.effects],
        "detectable": _detectable(finding),
        "reason": finding.reason,
        "traceback": finding.trace,
        "at_least": _finite(finding.at_least),
        "unsteady": finding.unsteady,
        "tolerance": float(limits.tolerance),
        "threshold": float(limits.threshold),
        "better": limits.better.value,
        "base": measured(finding.base),
        "contender": measured(finding.contender),
        "unit": finding.benchmark.unit,
    }


def _detectable(finding: Finding) -> float | None:
    """The ratio of the smallest worsening that would have been found: below 1 where higher is better."""
    if finding.estimate is None:
        return None
    size = min(finding.estimate.detectable, 700.0)
    return _finite(math.exp(size if finding.limits.better is Better.LOWER else -size))


def _suite(check: Check) -> dict[str, Any]:
    mean = check.geometric_mean
    effort, spread = check.effort, check.noise
    return {
        "geometric_mean": None if mean is None else _finite(mean[0]),
        "interval": None if mean is None else _interval(mean[1:]),
        "wall_s": _finite(effort.wall_s),
        "sampling_s": _finite(effort.sampling_s),
        "sampling_share": _finite(words.sampling_share(check)),
        "processes": effort.processes,
        "budget_s": _finite(effort.budget_s),
        "budget_spent": effort.spent,
        "load": _finite(effort.load),
        "cores": effort.cores,
        "seed": check.seed,
        "noise": {
            "spread": _finite(spread),
            "words": None if spread is None else words.noisiness(spread),
        },
        "confidence": check.confidence,
        "false_alarms": words.alarms(check) if check.same else None,
        "self": check.same,
        "strict": check.strict,
    }


def _left_out(found: LeftOut) -> dict[str, Any]:
    return {
        "cases": found.cases,
        "of": found.of,
        "changed": list(found.changed),
        "passed_over": list(found.passed_over),
        "measured_because": [{"reason": why, "cases": count} for why, count in found.reasons],
    }


def _interval(ends: tuple[float, float] | None) -> list[float | None] | None:
    return None if ends is None else [_finite(end) for end in ends]


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
