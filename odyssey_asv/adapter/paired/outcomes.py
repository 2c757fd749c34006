"""What can come of running a case, and how a message says so.

What a process says is not trusted: a message that says nothing sensible is a KeyError, TypeError or
ValueError here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from odyssey_asv.adapter.paired.line import Message

Clocks = tuple[float, float, float]
"""Seconds by the wall clock, of processor, by the benchmark's own timer."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Ready to take samples of `number` calls, `repeat` of them at most (0: any number).

    `own_timer` says that the benchmark has one, `fresh` that each call is set up anew, `parallel` that
    more than one thread or process works. `waits` is how often a sample gave up the processor to wait.
    `first` is the very first sample, which does not count; None where there was none, or where the
    benchmark says itself how long to warm up.
    """

    number: int
    repeat: int
    own_timer: bool
    fresh: bool
    parallel: bool = False
    waits: float = 0.0
    first: Clocks | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What a benchmark that is no timing gave."""

    value: Any


@dataclass(frozen=True, slots=True)
class Skipped:
    """The benchmark does not want to be run with these parameters."""


@dataclass(frozen=True, slots=True)
class Missing:
    """This side has no such case: its module cannot be imported here, or it has other parameters."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The case broke its process, or hung; `reason` is the end of what it printed."""

    reason: str
    timeout: bool = False


Outcome = Prepared | Measured | Skipped | Missing | Failed


def outcome(message: Message) -> Outcome:
    """What came of starting a case."""
    match message["event"]:
        case "prepared":
            return Prepared(
                number=whole(message["number"], least=1),
                repeat=whole(message["repeat"], least=0),
                own_timer=bool(message["own_timer"]),
                fresh=bool(message["fresh"]),
                parallel=bool(message["parallel"]),
                waits=_share(message["waits"]),
                first=None if message["first"] is None else _clocks(message["first"]),
            )
        case "value":
            return Measured(message["content"])
        case "cached":
            return Measured(None)
        case "skipped":
            return Skipped()
        case "missing":
            return Missing(str(message["text"]))
        case event:
            raise ValueError(event)


def clocks(message: Message) -> Clocks:
    """What one sample took."""
    return _clocks(message["clocks"])


def _clocks(values: Any) -> Clocks:
    wall, cpu, own = values
    for value in (wall, cpu, own):
        if not isinstance(value, float) or not math.isfinite(value):
            raise TypeError(value)
    if wall <= 0.0:
        raise ValueError(wall)
    return wall, cpu, own


def _share(value: Any) -> float:
    if not isinstance(value, float) or not 0.0 <= value < math.inf:
        raise TypeError(value)
    return value


def whole(value: Any, *, least: int) -> int:
    """An integer that is no bool and not less than `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise TypeError(value)
    return value
