"""The evidence behind a case as strips of dots: each block's ratio, each side's samples by process."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from odyssey_asv.findings import Finding
from odyssey_asv.model import Better, Result
from odyssey_asv.report.check import words
from odyssey_asv.report.html.scale import Scale, Tick, around, bulk, finite
from odyssey_asv.units import format_value, one_line

_START, _END = 96, 704
_TOP = 6
_GAP = 8
# A lane is as high as its processes need, within these.
_LEAST, _MOST, _EACH = 18, 96, 7
# As many dots are drawn in one lane.
_DOTS = 1500
# Of an effect, a logarithm: what lies beyond is drawn here.
_FARTHEST = 600.0


@dataclass(frozen=True, slots=True)
class Lane:
    """Dots of one kind. `dots` is a path of strokes without length; `median` is across."""

    name: str
    top: float
    height: float
    dots: str
    median: float

    @property
    def middle(self) -> float:
        return self.top + self.height / 2.0


@dataclass(frozen=True, slots=True)
class Strip:
    """Lanes above one axis. `told` is the drawing in words, `caption` how to read it; `interval`, `zero`
    and the limits are across, None where they are not drawn."""

    told: str
    caption: str
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    zero: float | None = None
    tolerance: float | None = None
    threshold: float | None = None
    interval: tuple[float, float] | None = None

    @property
    def bottom(self) -> float:
        """Where the axis is."""
        return max(lane.top + lane.height for lane in self.lanes) + _TOP

    @property
    def height(self) -> float:
        return self.bottom + 20


def blocks(finding: Finding) -> Strip | None:
    """The change that each block saw, the first block on top; None without blocks."""
    # As the ratio has it: more, not worse, is to the right.
    sign = 1.0 if finding.limits.better is Better.LOWER else -1.0
    effects = [
        max(-_FARTHEST, min(sign * e, _FARTHEST)) for e in finding.effects if not math.isnan(e)
    ]
    if not effects:
        return None
    changes = [math.expm1(effect) for effect in effects]
    limits = [sign * float(limit) for limit in (finding.limits.tolerance, finding.limits.threshold)]
    shown = [limit for limit in limits if abs(limit) <= 1.0]
    ends = _near([end - 1.0 for end in finding.interval or ()], changes)
    along = around([*bulk(changes), *shown, *ends], _START, _END)
    lane = _lane("blocks", [[change] for change in changes], along, _TOP)
    count = "1 block" if len(changes) == 1 else f"{len(changes)} blocks"
    return Strip(
        told=f"{count}, from {words.percent(min(effects))} to {words.percent(max(effects))}",
        caption=_sentence(
            "One dot for each block, the first on top",
            "the bar is the interval" if ends else "",
            _beyond(changes, along),
        ),
        lanes=(lane,),
        ticks=along.ticks(),
        zero=along.at(0.0),
        tolerance=along.at(limits[0]) if limits[0] in shown else None,
        threshold=along.at(limits[1]) if limits[1] in shown else None,
        interval=(along.at(ends[0]), along.at(ends[1])) if len(ends) == 2 else None,
    )


def samples(finding: Finding) -> Strip | None:
    """Each side's samples by process, as differences from the median of the base, or of the only side
    that has any; None where no side has."""
    sides = [
        (name, times)
        for name, result in (("base", finding.base), ("contender", finding.contender))
        if (times := _processes(result))
    ]
    if not sides:
        return None
    first = statistics.median(sample for process in sides[0][1] for sample in process)
    apart = [
        (name, [[sample / first - 1.0 for sample in process] for process in times])
        for name, times in sides
    ]
    every = [[sample for process in times for sample in process] for _, times in apart]
    along = around([end for side in every for end in bulk(side)], _START, _END)
    lanes: list[Lane] = []
    for name, times in apart:
        top = lanes[-1].top + lanes[-1].height + _GAP if lanes else _TOP
        lanes.append(_lane(name, times, along, top))
    counts = [f"{name} {_counted(times)}" for name, times in apart]
    middle = one_line(format_value(first, finding.benchmark.unit))
    return Strip(
        told=f"samples: {', '.join(counts)}",
        caption=_sentence(
            f"One dot for each sample, one line for each process, the first on top; 0 % is {middle},"
            f" the median of the {sides[0][0]}",
            _beyond([sample for side in every for sample in side], along),
        ),
        lanes=tuple(lanes),
        ticks=along.ticks(),
    )


def _lane(name: str, groups: Sequence[Sequence[float]], along: Scale, top: float) -> Lane:
    height = float(min(_MOST, max(_LEAST, _EACH * len(groups))))
    step = max(1, math.ceil(sum(map(len, groups)) / _DOTS))
    dots: dict[str, None] = {}
    for number, group in enumerate(groups):
        y = round(top + (number + 0.5) * height / len(groups), 1)
        # Of very many, every so many in their order: the ends are kept.
        ordered = sorted(group)
        for change in {*ordered[::step], ordered[-1]} if step > 1 else ordered:
            dots[f"M{along.at(change)} {y}h0"] = None
    return Lane(
        name=name,
        top=top,
        height=height,
        dots="".join(sorted(dots)),
        median=along.at(statistics.median(change for group in groups for change in group)),
    )


def _processes(result: Result | None) -> list[list[float]]:
    """Seconds of a call of each process, by the clock that the case is judged by; none where they are
    not all times."""
    if result is None:
        return []
    taken = result.processes
    if not isinstance(taken, (list, tuple)):
        return []
    found = [finite(process) for process in taken if isinstance(process, (list, tuple))]
    found = [process for process in found if process]
    # Far smaller than a clock can tell, or far larger than anybody waits: no ratio of them is drawn.
    sound = all(1e-30 < sample < 1e30 for process in found for sample in process)
    return found if sound else []


def _near(ends: Sequence[float], changes: Sequence[float]) -> list[float]:
    """The ends of the interval where they do not dwarf what was seen."""
    reach = 4.0 * max(*(abs(change) for change in changes), 0.05)
    return list(ends) if all(abs(end) <= reach for end in ends) else []


def _beyond(changes: Sequence[float], along: Scale) -> str:
    count = sum(not along.holds(change) for change in changes)
    return (
        f"{count} further away {'is' if count == 1 else 'are'} drawn at the edge" if count else ""
    )


def _sentence(*parts: str) -> str:
    return "; ".join(part for part in parts if part) + "."


def _counted(times: Sequence[Sequence[float]]) -> str:
    return f"{sum(map(len, times))} in {len(times)} {'process' if len(times) == 1 else 'processes'}"
