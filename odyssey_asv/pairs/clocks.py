"""Which clock fits a case, by what the samples of each side used of the machine. Pure.

CPU time is the better clock on a busy machine, but it is blind to waiting. So each side is looked at for
itself: where either of them waits, or has others work for it, only wall-clock time tells what the change
did, also where the other side does nothing but compute.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from odyssey_asv.adapter.paired.outcomes import Sample
from odyssey_asv.findings import Clock

_WAITING = 0.01
"""A side waits whose samples are blocked for this share of their wall-clock time."""
_OTHERS = 0.03
"""Others work for a side where they take this share of the CPU time of a sample, ..."""
_LEAST_OTHERS_S = 50e-6
"""... and this much of it: what two clocks read one after the other may differ by does not count."""
_TINY_S = 20e-6
"""A call shorter than this, set up each time, is too short for reading the CPU time around it."""


def fitting(sides: Sequence[Sequence[Sample]], *, fresh: bool, number: int) -> Clock:
    """Wall-clock time or CPU time for the samples of base and contender, of `number` calls each.

    `fresh` says that each call is set up anew, and its time read by itself.
    """
    if any(waits(samples) or works_with_others(samples) for samples in sides):
        return Clock.WALL
    every = [sample.wall for samples in sides for sample in samples]
    return Clock.WALL if fresh and statistics.median(every) < _TINY_S * number else Clock.CPU


def waits(samples: Sequence[Sample]) -> bool:
    """Whether most samples sleep or wait for something. To stand in line for a processor, as everybody does
    on a busy machine, is no waiting of their own."""
    return statistics.median(sample.blocked / sample.wall for sample in samples) >= _WAITING


def works_with_others(samples: Sequence[Sample]) -> bool:
    """Whether other threads, or processes that a sample started, work in most samples."""
    return (
        statistics.median(
            sample.others - max(_OTHERS * sample.cpu, _LEAST_OTHERS_S) for sample in samples
        )
        >= 0.0
    )


def undisturbed(sides: Sequence[Sequence[Sample]]) -> bool:
    """Whether wall-clock time is to be taken without the time in line for a processor.

    Where it does all the work itself, only other programs can have put it there. Where it shares its work
    with threads of its own, they can, and then it is part of what the work takes."""
    return not any(works_with_others(samples) for samples in sides)


def seconds(sample: Sample, clock: Clock, *, queued: bool = True) -> float:
    """What a sample took by a clock that is not `Clock.AUTO`; wall-clock time without standing in line for
    a processor unless that is `queued` as well."""
    match clock:
        case Clock.CPU:
            return sample.cpu
        case Clock.OWN:
            return sample.own
        case _:
            return sample.wall if queued else max(sample.wall - sample.queued, 0.05 * sample.wall)
