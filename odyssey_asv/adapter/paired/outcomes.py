"""What can come of running a case, and how a message says so.

What a process says is not trusted: a message that says nothing sensible is a KeyError, TypeError or
ValueError here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from odyssey_asv.adapter.paired.line import Message

_INSTALLED = re.compile(r"\(/[^()]*/site-packages/([^()]+)\)")


class Sample(NamedTuple):
    """What one sample took, all in seconds.

    `wall` is wall-clock time, `cpu` the CPU time of the process, `own` the time by the benchmark's own
    timer, 0 where it has none. `blocked` is how long the sampling thread neither ran nor stood in line for
    a processor: it slept or waited for a lock, for data or for another process. `others` is the CPU time of
    other threads and of processes that the sample started, `queued` how long the sampling thread stood in
    line for a processor, 0 where that is not known.
    """

    wall: float
    cpu: float
    own: float = 0.0
    blocked: float = 0.0
    others: float = 0.0
    queued: float = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """An exception that keeps benchmarks from being had: `reason` is its type and message on one line."""

    reason: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Ready to take samples of `number` calls, `repeat` of them at most (0: any number).

    `own_timer` says that the benchmark has one, `fresh` that each call is set up anew. `first` is the very
    first sample, which does not count; None where there was none, or where the benchmark says itself how
    long to warm up.
    """

    number: int
    repeat: int
    own_timer: bool
    fresh: bool
    first: Sample | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What a benchmark that is no timing gave."""

    value: Any


@dataclass(frozen=True, slots=True)
class Skipped:
    """The benchmark does not want to be run with these parameters."""


@dataclass(frozen=True, slots=True)
class Missing:
    """This side has no such case. `broken` says that an exception, whose traceback is kept, keeps it from
    being had; without it the suite has no benchmark of this name, or not with these parameters."""

    reason: str
    broken: bool = False
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The case broke its process, or hung; `reason` is the end of what it printed, `where` the place in the
    suite or the project where it was raised, empty where that is not known."""

    reason: str
    timeout: bool = False
    where: str = ""

    @property
    def brief(self) -> str:
        """The last line of the reason, an exception's type and message, and where it was raised."""
        lines = self.reason.strip().splitlines()
        # Where an installed module lies, in a folder of nobody's interest, says its name.
        said = _INSTALLED.sub(r"(\1)", lines[-1].strip()) if lines else ""
        return f"{said} ({self.where})" if self.where else said


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
                first=None if message["first"] is None else _sample(message["first"]),
            )
        case "value":
            return Measured(message["content"])
        case "cached":
            return Measured(None)
        case "skipped":
            return Skipped()
        case "missing":
            return missing(message)
        case event:
            raise ValueError(event)


def missing(facts: Message) -> Missing:
    """Why a side does not have a case."""
    return Missing(str(facts["reason"]), bool(facts["broken"]), str(facts["traceback"]))


def sample(message: Message) -> Sample:
    """What one sample took."""
    return _sample(message["clocks"])


def _sample(values: Any) -> Sample:
    taken = Sample(*values)
    for value in taken:
        if not isinstance(value, float) or not math.isfinite(value):
            raise TypeError(value)
    if taken.wall <= 0.0 or min(taken.blocked, taken.others, taken.queued) < 0.0:
        raise ValueError(taken)
    return taken


def whole(value: Any, *, least: int) -> int:
    """An integer that is no bool and not less than `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise TypeError(value)
    return value
