"""A search for the commit at fault for programs: strict JSON, its schema counted by `schema_version`."""

from __future__ import annotations

import json
import math
from typing import Any

from odyssey_asv.culprit.bisection import (
    Between,
    Bisection,
    Candidate,
    Card,
    Culprit,
    Searched,
    Step,
)
from odyssey_asv.report.bisection import words

SCHEMA_VERSION = "1.0"


def render(bisection: Bisection, *, exit_code: int) -> str:
    """The report as JSON text, ending in a newline."""
    plain = document(bisection, exit_code=exit_code)
    return json.dumps(plain, indent=2, sort_keys=True, allow_nan=False) + "\n"


def document(bisection: Bisection, *, exit_code: int) -> dict[str, Any]:
    """The report as plain data.

    `ratio` and `interval` of `cases` are bad end over good end, those of culprits commit over parent:
    1.12 is +12 %. Those of a culprit itself are of its largest step. What is unknown is null.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "outcome": bisection.outcome.value,
        "exit_code": exit_code,
        "good": _card(bisection.good),
        "bad": _card(bisection.bad),
        "length": bisection.length,
        "cases": [_case(case) for case in bisection.searched],
        "culprits": [_culprit(culprit) for culprit in bisection.culprits],
        "ranges": [_between(found) for found in bisection.ranges],
        "candidates": [_candidate(one) for one in words.likeliest(bisection)],
        "skipped": [{"commit": one.commit, "reason": one.reason} for one in bisection.skipped],
        "warnings": list(bisection.warnings),
        "builds": bisection.builds,
        "probes": bisection.probes,
        "wall_s": _finite(bisection.wall_s),
        "confidence": _finite(bisection.confidence),
        "improvement": bisection.improvement,
        "budget_spent": bisection.spent,
        "finished": bisection.finished,
        "state": bisection.state,
        "fork": None if bisection.fork is None else _card(bisection.fork),
        "lacking": [_culprit(culprit) for culprit in bisection.lacking],
        "reversals": [
            {
                "before": one.before,
                "after": one.after,
                "commits": one.commits,
                "label": one.label,
                "ratio": _finite(one.ratio),
                "probability": _finite(one.probability),
            }
            for one in bisection.reversals
        ],
    }


def _card(card: Card) -> dict[str, Any]:
    return {
        "commit": card.commit,
        "author": card.author,
        "date": card.date,
        "subject": card.subject,
    }


def _case(case: Searched) -> dict[str, Any]:
    return {
        "id": case.case,
        "label": case.label,
        **_change(case),
        "detectable": _finite(case.detectable),
        "sought": case.sought,
        "other_way": case.other_way,
    }


def _culprit(culprit: Culprit) -> dict[str, Any]:
    worst = next(iter(words.worst_first(culprit.steps)), None)
    return {
        **_card(culprit.card),
        "parent": culprit.parent,
        "within": culprit.within,
        "probability": _finite(culprit.probability),
        "share": _finite(culprit.share),
        **_change(worst),
        "cases": [_step(step) for step in culprit.steps],
        "files": [
            {"path": path, "added": added, "removed": removed}
            for path, added, removed in culprit.card.files
        ],
        "confirmed": True,
        "see": words.see(culprit),
        "again": words.again(culprit),
    }


def _step(step: Step) -> dict[str, Any]:
    return {"id": step.case, "label": step.label, **_change(step)}


def _between(found: Between) -> dict[str, Any]:
    return {
        "before": found.before,
        "after": found.after,
        "commits": found.commits,
        "probability": _finite(found.probability),
        "cases": list(found.cases),
        "why": found.why,
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    return {**_card(one.card), "probability": _finite(one.probability)}


def _change(case: words.Changed | None) -> dict[str, Any]:
    if case is None:
        return {"ratio": None, "interval": None, "fails": None, "at_least": None}
    ends = None if case.fails is not None else case.interval
    return {
        "ratio": None if case.fails is not None else _finite(case.ratio),
        "interval": None if ends is None else [_finite(end) for end in ends],
        "fails": case.fails,
        "at_least": _finite(case.at_least),
    }


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
