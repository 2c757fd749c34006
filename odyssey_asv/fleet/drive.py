"""Hands out the jobs of a line over an engine, and hands on each answer the moment it is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.fleet.jobs import Answer, Host, Job
from odyssey_asv.fleet.line import Line, Terms


class DisconnectedError(Exception):
    """The engine cannot be reached at the moment."""


@dataclass(frozen=True, slots=True)
class Event:
    """What became of the job on a host: an answer, a reason why there is none, or neither where it was
    lost on the way."""

    address: str
    job: str
    answer: Answer | None = None
    reason: str | None = None


class Engine(Protocol):
    """What carries jobs to hosts. Each method may raise `DisconnectedError`."""

    def hosts(self) -> tuple[Host, ...]:
        """The hosts that are there; the same tuple again as long as nobody comes or goes."""

    def submit(self, handed: Sequence[tuple[Job, Host]]) -> None:
        """Send each job to its host, which has none."""

    def events(self, timeout_s: float) -> Sequence[Event]:
        """What happened since it was asked last; waits for at most so long."""

    def reconnect(self, timeout_s: float) -> None:
        """Find the engine again. Raises `CannotMeasureError` when time is up."""


class Watcher:
    """Told what goes on; every method may be overridden and does nothing itself."""

    def handed(self, job: Job, host: Host) -> None:
        """A job is sent to a host."""

    def answered(self, job: Job, answer: Answer, left: int) -> None:
        """It is done, and so many are left."""

    def failed(self, job: Job, reason: str) -> None:
        """It is given up."""

    def lost(self, job: Job) -> None:
        """Its host is gone; it will be done again."""

    def refused(self, host: str, reason: str) -> None:
        """A host gets no jobs."""

    def disconnected(self) -> None:
        """The engine is gone."""


Keep = Callable[[Job, Answer], str | None]
"""Stores an answer, or says why it is none."""


def drive(  # noqa: PLR0913 (what it works with, each used throughout)
    line: Line,
    engine: Engine,
    keep: Keep,
    watcher: Watcher,
    *,
    clock: Callable[[], float] = time.monotonic,
    poll_s: float = 0.5,
) -> None:
    """Do every job of the line. `keep` is handed each answer at once.

    Jobs that fail are in `line.failed` afterwards. Raises `CannotMeasureError` where there are no hosts
    to do the rest; what was done until then has been kept.
    """
    told: set[tuple[str, str]] = set()
    refused: Mapping[str, str] = {}
    while not line.finished:
        try:
            _step(line, engine, keep, watcher, clock, poll_s)
        except DisconnectedError:
            line.disconnected(clock())
            watcher.disconnected()
            engine.reconnect(line.terms.patience_s)
        if line.refused is not refused:
            refused = line.refused
            for name, reason in refused.items():
                if (name, reason) not in told:
                    told.add((name, reason))
                    watcher.refused(name, reason)
        if line.stuck(clock()):
            raise nobody(line)


def first_hosts(
    engine: Engine,
    terms: Terms,
    *,
    clock: Callable[[], float] = time.monotonic,
    poll_s: float = 0.5,
) -> Sequence[Host]:
    """The hosts that fit, as soon as there is one. Raises `CannotMeasureError` where none comes."""
    probe = Line((), terms)
    deadline = clock() + terms.patience_s
    while True:
        try:
            probe.seen(engine.hosts(), clock())
        except DisconnectedError:
            engine.reconnect(terms.patience_s)
        if probe.usable:
            return probe.usable
        if clock() >= deadline:
            raise nobody(probe)
        engine.events(poll_s)


def nobody(line: Line) -> CannotMeasureError:
    """The error for a line that waited in vain."""
    return CannotMeasureError(
        line.why_nobody(),
        tip="odyssey fleet status ADDRESS says who is there; docs/fleet.md how hosts join",
    )


def _step(  # noqa: PLR0913, PLR0917 (the same)
    line: Line,
    engine: Engine,
    keep: Keep,
    watcher: Watcher,
    clock: Callable[[], float],
    poll_s: float,
) -> None:
    for job in line.seen(engine.hosts(), clock()):
        _tell_lost(line, watcher, job)
    handed = line.next(clock())
    for job, host in handed:
        watcher.handed(job, host)
    if handed:
        engine.submit(handed)
    for event in engine.events(poll_s):
        _take(event, line, keep, watcher, clock)


def _take(
    event: Event,
    line: Line,
    keep: Keep,
    watcher: Watcher,
    clock: Callable[[], float],
) -> None:
    if event.answer is not None:
        job = line.answered(event.address, event.job)
        if job is None:
            return
        reason = keep(job, event.answer)
        if reason is None:
            watcher.answered(job, event.answer, line.left)
        else:
            line.spoiled(job, reason)
            watcher.failed(job, reason)
    elif event.reason is not None:
        job = line.gave_up(event.address, event.job, event.reason)
        if job is not None:
            watcher.failed(job, event.reason)
    else:
        job = line.strayed(event.address, event.job, clock())
        if job is not None:
            _tell_lost(line, watcher, job)


def _tell_lost(line: Line, watcher: Watcher, job: Job) -> None:
    if job.id in line.failed:
        watcher.failed(job, line.failed[job.id])
    else:
        watcher.lost(job)
