"""An examination for programs: strict JSON, its schema counted by `schema_version`."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from odyssey_asv.diagnoses.noise import NoiseFacts, assumed, sight
from odyssey_asv.doctor import Examination

SCHEMA_VERSION = "1.0"


def render(examination: Examination, *, exit_code: int) -> str:
    """The report as JSON text, ending in a newline."""
    plain = document(examination, exit_code=exit_code)
    return json.dumps(plain, indent=2, sort_keys=True, allow_nan=False) + "\n"


def document(examination: Examination, *, exit_code: int) -> dict[str, Any]:
    """The report as plain data. `seen` and `accused` are shares: 0.04 is a slowdown of 4 %. `machine` and
    `noise` are null where they were not looked at, and what in them is not known."""
    machine = examination.machine
    return {
        "schema_version": SCHEMA_VERSION,
        "exit_code": exit_code,
        "findings": [asdict(finding) for finding in examination.findings],
        "machine": None if machine is None else asdict(machine),
        "noise": None if examination.noise is None else _noise(examination.noise),
    }


def _noise(facts: NoiseFacts) -> dict[str, Any]:
    found = sight(facts)
    return {
        "seconds": facts.seconds,
        "budget_s": facts.budget_s,
        "effects": {name: list(effects) for name, effects in facts.effects.items()},
        "seen": None if found is None else _share(found.seen),
        "accused": None if found is None else _share(found.accused),
        "blocks": None if found is None else found.blocks,
        "assumed": assumed(facts),
        "blocks_expected": None if found is None else found.expected,
    }


def _share(effect: float) -> float:
    return math.expm1(min(effect, 700.0))
