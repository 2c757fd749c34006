"""A comparison for programs: strict JSON, its schema counted by `schema_version`."""

from __future__ import annotations

import json
import math
from typing import Any

from odyssey_asv.comparison import Comparison, Delta
from odyssey_asv.model import Result, ResultSet, Status

SCHEMA_VERSION = "1.0"


def render(comparison: Comparison, *, exit_code: int) -> str:
    """The report as JSON text, ending in a newline."""
    plain = document(comparison, exit_code=exit_code)
    return json.dumps(plain, indent=2, sort_keys=True, allow_nan=False) + "\n"


def document(comparison: Comparison, *, exit_code: int) -> dict[str, Any]:
    """The report as plain data. `change` is relative (0.15 is +15 %), `geometric_mean` a ratio."""
    return {
        "schema_version": SCHEMA_VERSION,
        "base": _side(comparison.base),
        "contender": _side(comparison.contender),
        "verdict": comparison.outcome.value,
        "exit_code": exit_code,
        "counts": {verdict.value: count for verdict, count in comparison.counts.items()},
        "geometric_mean": comparison.geometric_mean,
        "gate": sorted(metric.value for metric in comparison.policy.gate),
        "warnings": list(comparison.warnings),
        "faults": list(comparison.faults),
        "cases": [_case(delta) for delta in comparison.deltas],
    }


def _side(results: ResultSet) -> dict[str, Any]:
    return {
        "source": results.source,
        "timestamp": results.timestamp,
        "commit": results.commit.hash,
        "describe": results.commit.describe,
        "dirty": results.commit.dirty,
        "release": results.release,
        "machine": results.environment.machine,
        "complete": results.run.complete,
    }


def _case(delta: Delta) -> dict[str, Any]:
    return {
        "id": None if delta.benchmark.anonymous else delta.benchmark.id,
        "name": delta.benchmark.name,
        "label": delta.label,
        "params": dict(delta.case.params),
        "metric": delta.metric.value,
        "gated": delta.gated,
        "verdict": delta.verdict.value,
        "severity": None if delta.severity is None else delta.severity.value,
        "change": None if delta.change is None else float(delta.change),
        "base": measured(delta.base),
        "contender": measured(delta.contender),
        "unit": delta.benchmark.unit,
        "better": delta.limits.better.value,
        "tolerance": float(delta.limits.tolerance),
        "threshold": float(delta.limits.threshold),
        "reason": delta.reason,
    }


def measured(result: Result | None) -> Any:
    """A finite number as it is; any other value as text, which strict JSON can hold."""
    if result is None or result.status is not Status.OK or result.value is None:
        return None
    value = result.value
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if number and -math.inf < value < math.inf else str(value)
