"""What every form says of a search for the commit at fault the same way. As in `report.words`, whatever
leaves this module is one line of printable text."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from odyssey_asv.culprit.bisection import (
    Between,
    Bisection,
    Candidate,
    Card,
    Culprit,
    Outcome,
    Searched,
)
from odyssey_asv.units import format_change, format_interval, one_line, significant

_LONGEST = 200
_LIKELY = 0.5
# Of the benchmarks of a commit or a range, as many are named.
_NAMED = 5


class Changed(Protocol):
    """A case with its change, between the ends or from parent to culprit."""

    @property
    def label(self) -> str: ...
    @property
    def ratio(self) -> float | None: ...
    @property
    def interval(self) -> tuple[float, float] | None: ...


_Changed = TypeVar("_Changed", bound=Changed)


def short(commit: str) -> str:
    """The first 12 digits of a hash."""
    return one_line(commit)[:12]


def end(card: Card) -> str:
    """An end of the range: hash, date and subject."""
    return one_line(f"{one_line(card.commit)[:8]} {date(card)} {subject(card)}")


def date(card: Card) -> str:
    """The day, as the author's clock gave it in UTC."""
    return one_line(card.date)[:10]


def author(card: Card) -> str:
    """Who wrote a commit."""
    return _cut(one_line(card.author)) or "unknown author"


def subject(card: Card) -> str:
    """The first line of a commit's message, cut where it is very long."""
    return _cut(one_line(card.subject)) or "(no subject)"


def warnings(bisection: Bisection) -> list[str]:
    """What a reader must know before believing the rest."""
    return [one_line(doubt) for doubt in bisection.warnings]


def length(bisection: Bisection) -> str:
    """How many commits were searched."""
    return f"{commits(bisection.length)} after the good end, the bad end included"


def commits(count: int) -> str:
    """`1 commit`, `12 commits`."""
    return _counted(count, "commit", "commits")


def probability(share: float) -> str:
    """`99.8 %`, never all and never nothing: what was measured is not certain.

    >>> probability(0.998), probability(0.99996), probability(1.0), probability(0.0)
    ('99.8 %', '>99.9 %', '>99.9 %', '<0.1 %')
    """
    shown = f"{share * 100.0:.1f}"
    return {"100.0": ">99.9 %", "0.0": "<0.1 %", "-0.0": "<0.1 %"}.get(shown, f"{shown} %")


def change(case: Changed) -> str:
    """`+12.3 %`, or nothing where there is no ratio."""
    if case.ratio is None or not math.isfinite(case.ratio):
        return ""
    return format_change(case.ratio - 1.0, limits=())


def interval(case: Changed) -> str:
    """`[+10.1, +14.6]` in per cent, or nothing where there is none."""
    if case.interval is None:
        return ""
    return format_interval(*case.interval)


def label(case: Changed) -> str:
    """The name of a case."""
    return one_line(case.label)


def worst_first(cases: Iterable[_Changed]) -> list[_Changed]:
    """The cases by the size of their change, those without one last."""
    return sorted(cases, key=_size, reverse=True)


def slower(bisection: Bisection) -> str:
    """What the commits that were looked for did to benchmarks."""
    return "faster" if bisection.improvement else "slower"


def unsought(bisection: Bisection) -> list[Searched]:
    """The cases that do not differ between the ends."""
    return [case for case in bisection.searched if not case.sought]


def marked(bisection: Bisection) -> frozenset[str]:
    """The commits to mark in a picture: the culprits, and the merges that brought them in."""
    found = {culprit.card.commit for culprit in bisection.culprits}
    return frozenset(found | {c.within for c in bisection.culprits if c.within is not None})


def within(culprit: Culprit) -> str | None:
    """The merge that brought a culprit in."""
    return None if culprit.within is None else f"within merge {short(culprit.within)}"


def files(card: Card) -> list[str]:
    """The files that a commit changed, with the lines added and removed."""
    return [f"{one_line(path)} {_lines(added, removed)}" for path, added, removed in card.files]


def see(culprit: Culprit) -> str:
    """The command that shows what a culprit changed."""
    return f"git show {_argument(culprit.card.commit)}"


def again(culprit: Culprit) -> str:
    """The command that measures a culprit against its parent once more."""
    return f"odyssey check {_argument(culprit.card.commit)} --base {_argument(culprit.parent)}"


def between(bisection: Bisection, found: Between) -> str:
    """Where a step lies and what it did."""
    names = {case.case: label(case) for case in bisection.searched}
    cases = listed([names.get(case, one_line(case)) for case in found.cases]) or "a benchmark"
    return (
        f"{_one_of(found.commits)} after {short(found.before)} up to {short(found.after)}"
        f" made {cases} {slower(bisection)}, probability {probability(found.probability)}"
    )


def why(found: Between) -> str:
    """Why a step could not be placed."""
    return one_line(found.why)


def among(bisection: Bisection, found: Between) -> list[Candidate]:
    """The candidates that lie in a range, the likeliest first; none where the line does not tell, or a
    step there is less likely than none."""
    if found.probability < _LIKELY:
        return []
    line = [bisection.good.commit, *(place.commit for place in bisection.line)]
    if found.before not in line or found.after not in line:
        return []
    start = len(line) - line[::-1].index(found.before)
    inside = set(line[start : line.index(found.after) + 1])
    return [one for one in likeliest(bisection) if one.card.commit in inside]


def likeliest(bisection: Bisection) -> list[Candidate]:
    """The candidates, the likeliest first."""
    return sorted(bisection.candidates, key=lambda one: -one.probability)


def candidate(one: Candidate) -> str:
    """A candidate's hash, date and subject."""
    return one_line(f"{short(one.card.commit)} {date(one.card)} {subject(one.card)}")


def listed(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def skipped(bisection: Bisection) -> list[tuple[str, str]]:
    """The commits that could not be measured, each with its reason."""
    return [(short(one.commit), one_line(one.reason)) for one in bisection.skipped]


def summary(bisection: Bisection) -> str:
    """What the search took."""
    parts = [
        _counted(bisection.probes, "probe", "probes"),
        _counted(bisection.builds, "build", "builds"),
        _duration(bisection.wall_s),
    ]
    if bisection.spent:
        parts.append("the budget was spent")
    return f"{', '.join(parts)}; confidence {bisection.confidence * 100.0:.10g} %"


def going_on(bisection: Bisection) -> str | None:
    """How a search that was not finished can be taken up."""
    if bisection.finished or not bisection.state:
        return None
    return f"the same command with --resume goes on; kept in {one_line(bisection.state)}"


def conclusion(bisection: Bisection) -> str:
    """The answer in one line."""
    match bisection.outcome:
        case Outcome.CULPRIT:
            return _culprits(bisection)
        case Outcome.NO_REGRESSION:
            kind = "improvement" if bisection.improvement else "regression"
            found = _detectable(bisection)
            return f"no {kind} in this range" + (f"; {found}" if found else "")
        case Outcome.RANGE:
            return f"range: {_ranges(bisection)}"
        case Outcome.UNDECIDED:
            return f"undecided: {_doubt(bisection)}"


def _culprits(bisection: Bisection) -> str:
    number = len(bisection.culprits)
    cases = {step.case for culprit in bisection.culprits for step in culprit.steps}
    said = (
        f"{'culprit' if number == 1 else 'culprits'}: {commits(number)} made"
        f" {_benchmarks(len(cases))} {slower(bisection)}"
    )
    if more := len(bisection.ranges):
        placed = "was" if more == 1 else "were"
        said += f"; {_counted(more, 'further step', 'further steps')} {placed} not placed"
    return said if bisection.finished else f"{said}; the search was not finished"


def _ranges(bisection: Bisection) -> str:
    found = bisection.ranges
    what = _one_of(found[0].commits) if len(found) == 1 else f"each of {len(found)} ranges"
    cases = {case for one in found for case in one.cases}
    return f"{what} made {_benchmarks(len(cases))} {slower(bisection)}"


def _one_of(count: int) -> str:
    if count == 1:
        return "1 commit, not confirmed,"
    return f"one of {commits(count)}, or several together,"


def _doubt(bisection: Bisection) -> str:
    if not bisection.searched:
        return "no benchmark was measured at both ends"
    what = f"the commit that made {_benchmarks(len(bisection.sought))} {slower(bisection)}"
    if bisection.spent:
        reason = f"the budget was spent before {what} was found"
    elif not bisection.finished:
        reason = f"the search ended before {what} was found"
    else:
        reason = f"{what} could not be found"
    best = next(iter(likeliest(bisection)), None)
    if best is None:
        return reason
    return f"{reason}; likeliest {short(best.card.commit)} ({probability(best.probability)})"


def _detectable(bisection: Bisection) -> str | None:
    """The smallest step that would have been found, by all cases that can tell."""
    sizes = [
        abs(case.detectable - 1.0)
        for case in bisection.searched
        if case.detectable is not None and math.isfinite(case.detectable)
    ]
    if not sizes:
        return None
    kind = "speed-up" if bisection.improvement else "slowdown"
    said = f"a {kind} of {significant(max(sizes) * 100.0, 2)} % would have been found"
    count = len(bisection.searched)
    return said if len(sizes) == count else f"{said} in {len(sizes)} of {_benchmarks(count)}"


def _size(case: Changed) -> float:
    ratio = case.ratio
    return abs(math.log(ratio)) if ratio is not None and 0.0 < ratio < math.inf else -1.0


def _lines(added: int | None, removed: int | None) -> str:
    return "binary" if added is None or removed is None else f"+{added} -{removed}"


def _argument(commit: str) -> str:
    return shlex.quote(short(commit))


def _duration(seconds: float) -> str:
    """`42.0 s`, `12 min 5 s`, `1 h 23 min`: a search may take a night."""
    if seconds < 100.0:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _benchmarks(count: int) -> str:
    return _counted(count, "benchmark", "benchmarks")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
