"""The commits of a searched range in a row, a mark for each: how slow it is, or why that is not known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from odyssey_asv.culprit.bisection import Bisection, Place
from odyssey_asv.report.bisection import words
from odyssey_asv.report.html.scale import Scale, Tick, around, finite
from odyssey_asv.units import format_change

_LEFT, _RIGHT = 76, 944
_TOP, _GROUND = 34, 168
# The lowest level, and below it where what has none is marked; how high a certain suspicion is.
_LOWEST, _FLOOR = 134, 156
_TALLEST = 110
# Names of commits closer together than this would lie on each other.
_ROOM = 76
_LEAST = 0.001


@dataclass(frozen=True, slots=True)
class Mark:
    """One commit. `sign` is named, measured, broken or unmeasured; `suspicion` is a height, `label` its
    hash where there is room for it, `told` all that is known of it."""

    x: float
    y: float
    sign: str
    tone: str
    suspicion: float
    label: str
    told: str


@dataclass(frozen=True, slots=True)
class RangeLine:
    """The whole drawing: `ticks` are heights, `course` leads through what was measured."""

    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    course: str
    good: str
    bad: str
    told: str
    caption: str
    left: int = _LEFT
    right: int = _RIGHT
    top: int = _TOP
    ground: int = _GROUND
    height: int = _GROUND + 26


def rangeline(bisection: Bisection) -> RangeLine | None:
    """The drawing of a range; None where it holds no commits."""
    places = bisection.line
    if not places:
        return None
    if places[0].commit != bisection.good.commit:
        places = (Place(bisection.good.commit, level=1.0), *places)
    up = around(finite(_change(place) for place in places), _LOWEST, _TOP + 8)
    marked = words.marked(bisection)
    reasons = {one.commit: one.reason for one in bisection.skipped}
    marks: list[Mark] = []
    labelled = -math.inf
    for number, place in enumerate(places):
        x = round(_LEFT + (number + 0.5) * (_RIGHT - _LEFT) / len(places), 1)
        named = place.commit in marked
        room = named and x - labelled >= _ROOM
        labelled = x if room else labelled
        marks.append(_mark(place, x, up, bisection, named=named, labelled=room, reasons=reasons))
    measured = sum(mark.sign in ("measured", "named") for mark in marks)
    return RangeLine(
        marks=tuple(marks),
        ticks=up.ticks(about=3),
        course=_course(marks),
        good=words.short(bisection.good.commit)[:8],
        bad=words.short(bisection.bad.commit)[:8],
        told=f"{words.commits(len(marks))} from the good end to the bad end, {measured} with a level",
        caption=_caption(marks, bisection),
    )


def _mark(  # noqa: PLR0913 (all that a mark shows)
    place: Place,
    x: float,
    up: Scale,
    bisection: Bisection,
    *,
    named: bool,
    labelled: bool,
    reasons: Mapping[str, str],
) -> Mark:
    change = _change(place)
    known = bool(finite([change]))
    worse = "faster" if bisection.improvement else "regression"
    suspicion = 0.0 if named or not place.suspicion > _LEAST else min(place.suspicion, 1.0)
    return Mark(
        x=x,
        y=up.at(change) if change is not None and known else _FLOOR,
        sign=_sign(place, named=named, known=known),
        tone=worse if named else "unchanged",
        suspicion=round(_TALLEST * suspicion, 1),
        label=words.short(place.commit)[:8] if labelled else "",
        told=_told(place, reasons.get(place.commit), named=named),
    )


def _sign(place: Place, *, named: bool, known: bool) -> str:
    if named:
        return "named"
    if known:
        return "measured"
    return "broken" if place.broken else "unmeasured"


def _told(place: Place, reason: str | None, *, named: bool) -> str:
    """Everything that is known of a commit, in one line."""
    change = _change(place)
    parts = ["named"] if named else []
    if change is not None:
        parts.append(f"{format_change(change, limits=())} against the good end")
    elif place.broken:
        parts.append("could not be measured" + (f" ({reason})" if reason else ""))
    else:
        parts.append("not measured")
    if place.suspicion > _LEAST:
        parts.append(f"suspect with probability {words.probability(min(place.suspicion, 1.0))}")
    return f"{words.short(place.commit)}: {', '.join(parts)}"


def _course(marks: Sequence[Mark]) -> str:
    known = [mark for mark in marks if mark.y != _FLOOR]
    return "".join(
        f"{'L' if number else 'M'}{mark.x} {mark.y}" for number, mark in enumerate(known)
    )


_SIGNS = {
    "measured": "a dot is measured, in the height of its change against the good end",
    "named": "a diamond is a commit that is named",
    "broken": "a cross could not be measured",
    "unmeasured": "a speck was not measured",
}


def _caption(marks: Sequence[Mark], bisection: Bisection) -> str:
    found = {mark.sign for mark in marks}
    parts = [meaning for sign, meaning in _SIGNS.items() if sign in found]
    if any(mark.suspicion for mark in marks):
        parts.append("a bar is a suspicion, full height would be certainty")
    if len(bisection.sought) > 1:
        parts.append("changes are means over the benchmarks that differ")
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."


def _change(place: Place) -> float | None:
    """By how much a commit is worse than the good end, None where that is not known."""
    level = place.level
    return None if level is None or not 0.0 < level < 1e9 else level - 1.0
