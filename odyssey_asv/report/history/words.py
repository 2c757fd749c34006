"""What every form of a history says, in words. Texts come out on one line, not escaped for any form."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from odyssey_asv.past.timeline import Change, Found, History, Line, Moment, Place, Trend
from odyssey_asv.units import format_change, format_value, one_line, significant

_FACTOR = 10.0


def line(of: Line) -> str:
    """Which commits there are: the branch, how many were measured of how many, from when to when."""
    dates = [moment.date[:10] for moment in of.moments.values()]
    span = f", {min(dates)} to {max(dates)}" if dates else ""
    if of.branch is None:
        return f"{of.length} measured commits by date{span}"
    return f"{one_line(of.branch)}, {of.length:,} commits{span}"


def place(of: Place) -> str:
    """Machine and environment; how it was measured where that is not asv's way."""
    how = "" if of.how.value == "asv" else f", {of.how.value}"
    return one_line(f"{of.environment} on {of.machine}{how}")


def case(trend: Trend, history: History) -> str:
    """The case; with its place where there are several."""
    label = one_line(trend.label)
    if len(history.places) == 1:
        return label
    return f"{label} [{history.places.index(trend.series.place) + 1}]"


def places(history: History) -> list[str]:
    """The places, numbered where there are several, each with its noise."""
    lines = []
    for number, of in enumerate(history.places, start=1):
        noise = [trend.noise for trend in history.trends if trend.series.place == of]
        mark = f"[{number}] " if len(history.places) > 1 else ""
        end = "" if of in history.current else ", no longer measured"
        lines.append(
            f"{mark}{place(of)}: {len(noise):,} series{end}, typical noise {100 * median(noise):.1f} %"
        )
    return lines


def change(of: Change) -> str:
    """In per cent; tenfold and more, either way, as a factor."""
    return moved(of.ratio)


def moved(ratio: float) -> str:
    """A ratio as a change, from tenfold on as a factor: `+12.3 %`, `×25.0`, `÷25.0`."""
    if ratio >= _FACTOR:
        return f"×{_factor(ratio)}"
    if 0.0 < ratio <= 1.0 / _FACTOR:
        return f"÷{_factor(1.0 / ratio)}"
    return format_change(ratio - 1.0, limits=())


def _factor(ratio: float) -> str:
    return f"{ratio:,.0f}" if 1000.0 <= ratio < 1e9 else significant(ratio, 3)


def interval(of: Change) -> str:
    """Between what the change lies, in per cent or, as the change is given, as factors."""
    ends = of.interval
    if of.ratio >= _FACTOR:
        return f"[{', '.join(_factor(ratio) for ratio in ends)}]"
    if 0.0 < min(ends) <= of.ratio <= 1.0 / _FACTOR:
        return f"[{', '.join(_factor(1.0 / ratio) for ratio in reversed(ends))}]"
    return f"[{', '.join(f'{(ratio - 1.0) * 100.0:+.1f}' for ratio in ends)}]"


def values(found: Found) -> str:
    """From what to what."""
    unit = found.trend.series.benchmark.unit
    return f"{format_value(found.change.old, unit)} → {format_value(found.change.new, unit)}"


def at(position: int, of: Line) -> Moment:
    return of.moments[position]


def where(of: Change, within: Line) -> str:
    """The commit at fault, or the range it is in, as git takes it."""
    after = at(of.after, within).commit[:8]
    if of.exact:
        return after
    return f"{at(of.before, within).commit[:8]}..{after}"


def commits(of: Change, within: Line) -> str:
    """How many commits may be at fault."""
    count = of.after - of.before
    unknown = within.branch is None
    return "one commit" if count == 1 and not unknown else f"one of {count} commits"


def when(of: Change, within: Line) -> str:
    return at(of.after, within).date[:10]


def state(of: Change, within: Line) -> str:
    """What became of a change: nothing to say of one that holds."""
    if not of.confirmed:
        return "seen at the newest commits only"
    if of.recovered is not None:
        return f"recovered {at(of.recovered, within).date[:10]}"
    return ""


def headline(history: History) -> str:
    """How many regressions hold, in a few words."""
    held = sum(found.change.confirmed for found in history.regressions)
    if not held:
        return "No regression holds"
    return "One regression holds" if held == 1 else f"{held:,} regressions hold"


def counts(history: History) -> str:
    """How much there is."""
    held = [found for found in history.regressions if found.change.confirmed]
    fresh = len(history.regressions) - len(held)
    ended = sum(found.change.worse for found in history.ended)
    recovered = sum(found.change.recovered is not None for found in history.found)
    better = sum(not found.change.worse for found in history.found)
    parts = [f"{len(held)} regressions hold"]
    if fresh:
        parts.append(f"{fresh} seen at the newest commits only")
    parts += [f"{recovered} recovered", f"{better} improvements"]
    if ended:
        parts.append(f"{ended} where nothing is measured any more")
    points = sum(len(trend.series.points) for trend in history.trends)
    return f"{', '.join(parts)}, in {len(history.trends):,} series of {points:,} measurements"


def standing(trend: Trend, of: Line) -> list[str]:
    """Where a series stands: its latest level, against the best ever and against the last release."""
    unit = trend.series.benchmark.unit
    parts = [f"latest level {format_value(trend.levels[-1].value, unit)}"]
    if trend.against_best is not None:
        parts.append(f"{moved(trend.against_best)} against the best")
    if trend.against_release is not None:
        release = of.releases[-1]
        names = one_line(", ".join(release.releases))
        parts.append(f"{moved(trend.against_release)} since {names}")
    parts.append(f"noise {100 * trend.noise:.1f} %")
    return parts


def conclusion(history: History) -> str:
    """The worst that still holds, in a sentence."""
    held = history.regressions
    if not held:
        return "no regression holds"
    worst = held[0]
    return (
        f"worst: {case(worst.trend, history)} {change(worst.change)},"
        f" {where(worst.change, history.line)} ({commits(worst.change, history.line)})"
    )


def sections(history: History, *, regressions: bool) -> list[tuple[str, Sequence[Found]]]:
    """The changes under their headings; empty ones are left out."""
    held = [found for found in history.regressions if found.change.confirmed]
    fresh = [found for found in history.found if not found.change.confirmed]
    recovered = [found for found in history.found if found.change.recovered is not None]
    better = [f for f in history.found if not f.change.worse and f.change.confirmed]
    if regressions:
        fresh, recovered, better = [f for f in fresh if f.change.worse], [], []
    every = [
        ("regressions that hold", held),
        ("at the newest commits only: measure again before believing", fresh),
        ("regressions that were made up for", recovered),
        ("improvements", better),
    ]
    return [(heading, found) for heading, found in every if found]
