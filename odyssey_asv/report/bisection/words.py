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
from odyssey_asv.culprit.suspicion import is_document
from odyssey_asv.units import format_change, format_interval, one_line, significant

_LONGEST = 200
_LIKELY, _SURE = 0.5, 0.95
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
    @property
    def fails(self) -> str | None: ...
    @property
    def at_least(self) -> float | None: ...


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
    """`+12.3 %`, `at least ×31` or `fails`, or nothing where there is no ratio."""
    if case.fails is not None:
        return "fails" if case.at_least is None else f"at least ×{significant(case.at_least, 2)}"
    if case.ratio is None or not math.isfinite(case.ratio):
        return ""
    return format_change(case.ratio - 1.0, limits=())


def interval(case: Changed) -> str:
    """`[+10.1, +14.6]` in per cent, or nothing where there is none."""
    if case.interval is None or case.fails is not None:
        return ""
    return format_interval(*case.interval)


def label(case: Changed) -> str:
    """The name of a case, and how it fails where it does."""
    name = one_line(case.label)
    if case.fails is None:
        return name
    how = "stopped by its time limit" if case.fails == "timeout" else one_line(case.fails)
    return f"{name} ({how})"


def worst_first(cases: Iterable[_Changed]) -> list[_Changed]:
    """The cases by the size of their change, those without one last."""
    return sorted(cases, key=_size, reverse=True)


def slower(bisection: Bisection) -> str:
    """What the commits that were looked for did to benchmarks."""
    return "faster" if bisection.improvement else "slower"


def unsought(bisection: Bisection) -> list[Searched]:
    """The cases that do not differ between the ends."""
    return [case for case in bisection.searched if not case.sought and not case.other_way]


def other_way(bisection: Bisection) -> list[Searched]:
    """The cases that differ in the direction that is not looked for."""
    return worst_first(case for case in bisection.searched if case.other_way)


def other_way_told(bisection: Bisection) -> str | None:
    """`2 became faster (-37.0 %, -48.4 %): --improvement searches for what did it`."""
    found = other_way(bisection)
    if not found:
        return None
    sizes = listed([change(case) for case in found])
    if bisection.improvement:
        return f"{len(found)} became slower ({sizes}): without --improvement, what did it is searched for"
    return f"{len(found)} became faster ({sizes}): --improvement searches for what did it"


def named(bisection: Bisection) -> str:
    """What a commit that is named is called: nobody is at fault for an improvement."""
    return "commit" if bisection.improvement else "culprit"


def share(culprit: Culprit) -> str | None:
    """How much of the difference between the ends a culprit makes: `63 % of the difference`."""
    return None if culprit.share is None else f"{culprit.share * 100.0:.0f} % of the difference"


def together(bisection: Bisection) -> str | None:
    """What several culprits make together, of what the ends differ by: `×4.1 of ×4.2`; None for one."""
    shares = [culprit.share for culprit in bisection.culprits]
    known = [part for part in shares if part is not None]
    whole = _mean_log(bisection.sought)
    if len(shares) < 2 or len(known) < len(shares) or not whole:
        return None
    made = math.exp(whole * math.fsum(known))
    what = "commits make" if bisection.improvement else "culprits make"
    return f"together the {len(shares)} {what} {_times(made)} of {_times(math.exp(whole))}"


def _mean_log(cases: Sequence[Searched]) -> float | None:
    """The mean of the logarithms of the ratios of these cases."""
    ratios = [c.ratio for c in cases if c.fails is None and c.ratio is not None and c.ratio > 0.0]
    if not ratios or not all(map(math.isfinite, ratios)):
        return None
    return math.fsum(map(math.log, ratios)) / len(ratios)


def _times(ratio: float) -> str:
    return f"×{significant(ratio, 3)}"


def reversals(bisection: Bisection) -> list[str]:
    """What changed on the way in the direction that is not looked for."""
    kind = "slower" if bisection.improvement else "faster"
    return [
        f"on the way {one_line(one.label)} became {kind} again,"
        f" {format_change(one.ratio - 1.0, limits=())}, by {_one_or_more(one.commits)}"
        f" after {short(one.before)} up to {short(one.after)}"
        for one in bisection.reversals
    ]


def _one_or_more(count: int) -> str:
    return "the commit" if count == 1 else f"one or several of {commits(count)}"


def fork(bisection: Bisection) -> str | None:
    """Where the branches of the ends part."""
    if bisection.fork is None:
        return None
    return f"the ends are on different branches, which part at {end(bisection.fork)}"


def likely(bisection: Bisection) -> list[Between]:
    """The steps that were looked for, not placed, and are more likely than not."""
    return [one for one in bisection.ranges if one.probability >= _LIKELY and not one.small]


def marked(bisection: Bisection) -> frozenset[str]:
    """The commits to mark in a picture: the culprits, and the merges that brought them in."""
    found = {culprit.card.commit for culprit in bisection.culprits}
    return frozenset(found | {c.within for c in bisection.culprits if c.within is not None})


def within(culprit: Culprit) -> str | None:
    """The merge that brought a culprit in."""
    return None if culprit.within is None else f"within merge {short(culprit.within)}"


def files(card: Card) -> list[str]:
    """The files that a commit changed, with the lines added and removed: those that may matter first,
    documentation and tests last."""
    ordered = sorted(card.files, key=lambda changed: is_document(changed[0]))
    return [f"{one_line(path)} {_lines(added, removed)}" for path, added, removed in ordered]


def lacking(bisection: Bisection, culprit: Culprit) -> str:
    """What a commit of the good end's branch is to the bad end's."""
    kind = "worse" if bisection.improvement else "better"
    return (
        f"lacking {short(culprit.card.commit)}: the good end's branch has it and is {kind} for it,"
        f" the bad end's has not; probability {probability(culprit.probability)}"
    )


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
    made = "made" if found.probability >= _SURE else "may have made"
    return (
        f"{_one_of(found.commits)} after {short(found.before)} up to {short(found.after)}"
        f" {made} {cases} {slower(bisection)}, probability {probability(found.probability)}"
    )


def kind(found: Between) -> str:
    """What to call a step that was not placed."""
    if found.small:
        return "small step"
    return "range" if found.probability >= _LIKELY else "possible step"


def why(found: Between) -> str:
    """Why a step could not be placed."""
    return one_line(found.why)


def among(bisection: Bisection, found: Between) -> list[Candidate]:
    """The candidates that lie in a range, the likeliest first; none where the line does not tell, or a
    step there is less likely than none."""
    if found.probability < _LIKELY or found.small:
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
        case Outcome.ELSEWHERE:
            return _elsewhere(bisection)
        case Outcome.UNDECIDED:
            return f"undecided: {_doubt(bisection)}"


def _culprits(bisection: Bisection) -> str:
    number = len(bisection.culprits)
    cases = {step.case for culprit in bisection.culprits for step in culprit.steps}
    heading = "found" if bisection.improvement else _culprit_or_culprits(number)
    said = f"{heading}: {commits(number)} made {_benchmarks(len(cases))} {_done(bisection)}"
    if more := len(likely(bisection)):
        placed = "was" if more == 1 else "were"
        said += f"; {_counted(more, 'further step', 'further steps')} {placed} not placed"
    if possible := len(bisection.ranges) - more:
        said += f"; {_counted(possible, 'further step is', 'further steps are')} possible"
    return said if bisection.finished else f"{said}; the search was not finished"


def _culprit_or_culprits(number: int) -> str:
    return "culprit" if number == 1 else "culprits"


def _done(bisection: Bisection) -> str:
    """What was done to benchmarks: some may have been made to fail."""
    steps = [step for culprit in bisection.culprits for step in culprit.steps]
    if steps and all(step.fails is not None and step.at_least is None for step in steps):
        return "fail"
    return slower(bisection)


def _elsewhere(bisection: Bisection) -> str:
    said = "no regression on the way to the bad end: the good end's branch has"
    if number := len(bisection.lacking):
        which = "a commit" if number == 1 else commits(number)
        return f"{said} {which} that the bad end's branch lacks"
    return f"{said} something that the bad end's branch lacks"


def _ranges(bisection: Bisection) -> str:
    found = likely(bisection) or list(bisection.ranges)
    what = _one_of(found[0].commits) if len(found) == 1 else f"each of {len(found)} ranges"
    cases = {case for one in found for case in one.cases}
    made = "made" if all(one.probability >= _SURE for one in found) else "may have made"
    return f"{what} {made} {_benchmarks(len(cases))} {slower(bisection)}"


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
