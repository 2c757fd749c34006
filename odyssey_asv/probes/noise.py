"""Some seconds of a check of code against itself, on a suite of its own: the paired engine as it is.

Both sides are fresh processes of the interpreter that runs this program, in alternation. Nothing of the
project is built, imported or measured.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from odyssey_asv.adapter.paired.workers import Side
from odyssey_asv.config import Config
from odyssey_asv.diagnoses.noise import NoiseFacts
from odyssey_asv.findings import Clock
from odyssey_asv.pairs import pairing
from odyssey_asv.pairs.arena import support_folder
from odyssey_asv.pairs.discovery import discover
from odyssey_asv.pairs.evidence import zone_of
from odyssey_asv.pairs.trials import Settings, Trial, trials
from odyssey_asv.policy import Policy

_SUITE = '''
"""Arithmetic, memory that is allocated, and memory that is read."""

TABLE = bytes(range(256)) * 8192


def time_arithmetic():
    total = 0
    for number in range(2000):
        total += number * number


def time_allocation():
    [{"a": number, "b": [number]} for number in range(400)]


def time_memory():
    TABLE.count(b"\\\\x7f")
'''


def measure(
    config: Config, seconds: float, *, clock: Callable[[], float] = time.monotonic
) -> NoiseFacts:
    """Check the same code against itself for some seconds by `clock`.

    The settings say which check is meant. Raises `CannotMeasureError` and OSError.
    """
    rng = random.Random()  # noqa: S311 (drawn orders, no secrets)
    settings = Settings(policy=Policy(), clock=Clock(config.clock), confidence=config.confidence)
    with tempfile.TemporaryDirectory(prefix="odyssey-") as work:
        sides = _sides(Path(work))
        found = trials(discover(sides[1], rng).records, settings)
        engine = pairing.Engine(
            sides, found, settings, _never, rng, pairing.Watcher(), permitted=1e-3
        )
        began = clock()
        engine.run(began + seconds, clock)
        taken = clock() - began
    for trial in engine.trials:
        trial.choose_clock(settings.clock)
    return NoiseFacts(
        effects={trial.label: tuple(trial.effects()) for trial in engine.trials},
        seconds=taken,
        zone=zone_of(float(config.tolerance), float(config.threshold)),
        confidence=config.confidence,
        budget_s=config.budget_s,
    )


def _never(_: Trial) -> bool:
    """No case is decided before the time is up."""
    return False


def _sides(work: Path) -> tuple[Side, Side]:
    suite = work / "suite"
    suite.mkdir()
    (suite / "__init__.py").write_text("", encoding="utf-8")
    (suite / "noise.py").write_text(_SUITE, encoding="utf-8")
    support = support_folder(work)
    first, second = (
        Side(
            name=name,
            python=Path(sys.executable),
            vars={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
            suite=suite,
            support=support,
            bytecode=work / f"{name}-bytecode",
            folder=work / name,
            caches=work / name,
        )
        for name in ("a", "b")
    )
    for side in (first, second):
        side.folder.mkdir()
    return first, second
