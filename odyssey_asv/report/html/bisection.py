"""A search for the commit at fault as a page: the answer, the range in a row, who is named and why."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from odyssey_asv.culprit.bisection import (
    Between,
    Bisection,
    Candidate,
    Card,
    Culprit,
    Outcome,
    Searched,
)
from odyssey_asv.report.bisection import words
from odyssey_asv.report.html.head import Head, known
from odyssey_asv.report.html.paper import document
from odyssey_asv.report.html.rangeline import rangeline
from odyssey_asv.units import one_line, significant


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one benchmark. `size` is the change as a share to sort by."""

    name: str
    tone: str
    size: float | None
    shown: str
    interval: str
    detectable: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A commit at fault. `parent` is what it was confirmed against."""

    short: str
    parent: str
    subject: str
    facts: tuple[tuple[str, str], ...]
    probability: str
    share: float
    changes: tuple[Change, ...]
    files: tuple[str, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A commit that may be at fault, with its probability in words and from 0 to 1."""

    short: str
    date: str
    author: str
    subject: str
    probability: str
    share: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Commits of which one made a step that was not placed."""

    said: str
    why: str
    suspects: tuple[Suspect, ...]


def render(bisection: Bisection) -> str:
    """The whole document. It asks nothing of any network and is readable without its script."""
    placed = [words.among(bisection, found) for found in bisection.ranges]
    rest = [one for one in words.likeliest(bisection) if not any(one in found for found in placed)]
    return document(
        "bisection.html",
        head=_head(bisection),
        tone="faster" if bisection.improvement else "regression",
        range=rangeline(bisection),
        culprits=[_named(bisection, culprit) for culprit in bisection.culprits],
        gaps=[_gap(bisection, found) for found in bisection.ranges],
        suspects_found=[_suspect(one) for one in rest],
        ends=_searched(bisection),
        skipped=words.skipped(bisection),
        commands=_commands(bisection),
    )


def _head(bisection: Bisection) -> Head:
    tone, word = _verdict(bisection)
    return Head(
        kind="odyssey bisect",
        tone=tone,
        verdict=word,
        conclusion=words.conclusion(bisection),
        facts=known(
            ("good", words.end(bisection.good)),
            ("bad", words.end(bisection.bad)),
            ("branches", words.fork(bisection)),
            ("range", words.length(bisection)),
            ("together", words.together(bisection)),
            ("other way", words.other_way_told(bisection)),
            ("on the way", "; ".join(words.reversals(bisection)) or None),
            ("lacking", "; ".join(_lacking(bisection)) or None),
            ("effort", words.summary(bisection)),
            ("to go on", words.going_on(bisection)),
        ),
        warnings=tuple(words.warnings(bisection)),
    )


def _lacking(bisection: Bisection) -> list[str]:
    return [
        f"{words.lacking(bisection, one)}: {words.subject(one.card)}" for one in bisection.lacking
    ]


def _verdict(bisection: Bisection) -> tuple[str, str]:
    """The class and the word of the answer."""
    match bisection.outcome:
        case Outcome.CULPRIT:
            return ("faster" if bisection.improvement else "regression"), "found"
        case Outcome.RANGE:
            return "slower", "range"
        case Outcome.NO_REGRESSION:
            return "ok", "nothing found"
        case Outcome.ELSEWHERE:
            return "ok", "on another branch"
        case Outcome.UNDECIDED:
            return "inconclusive", "undecided"


def _named(bisection: Bisection, culprit: Culprit) -> Named:
    card = culprit.card
    return Named(
        short=words.short(card.commit),
        parent=words.short(culprit.parent),
        subject=words.subject(card),
        facts=known(
            ("commit", one_line(card.commit)),
            ("author", words.author(card)),
            ("date", words.date(card)),
            ("merge", words.within(culprit)),
            ("share", words.share(culprit)),
        ),
        probability=words.probability(culprit.probability),
        share=_share(culprit.probability),
        changes=_changes(bisection, words.worst_first(culprit.steps)),
        files=tuple(words.files(card)),
        commands=(words.see(culprit), words.again(culprit)),
    )


def _gap(bisection: Bisection, found: Between) -> Gap:
    return Gap(
        said=words.between(bisection, found),
        why=words.why(found),
        suspects=tuple(_suspect(one) for one in words.among(bisection, found)),
    )


def _suspect(one: Candidate) -> Suspect:
    card: Card = one.card
    return Suspect(
        short=words.short(card.commit),
        date=words.date(card),
        author=words.author(card),
        subject=words.subject(card),
        probability=words.probability(one.probability),
        share=_share(one.probability),
    )


def _searched(bisection: Bisection) -> tuple[Change, ...]:
    """What differs between the ends, then what does not."""
    ordered = (
        *words.worst_first(bisection.sought),
        *words.other_way(bisection),
        *words.worst_first(words.unsought(bisection)),
    )
    return _changes(bisection, ordered)


def _changes(bisection: Bisection, cases: Iterable[words.Changed]) -> tuple[Change, ...]:
    return tuple(_change(bisection, case) for case in cases)


def _change(bisection: Bisection, case: words.Changed) -> Change:
    ends = case.interval
    drawn = ends is not None and not any(math.isnan(end) for end in ends)
    known_size = case.ratio is not None and math.isfinite(case.ratio)
    tone, verdict = _judged(bisection, case)
    return Change(
        name=words.label(case),
        tone=tone,
        size=case.ratio - 1.0 if case.ratio is not None and known_size else None,
        shown=words.change(case),
        interval=words.interval(case) if drawn else "",
        detectable=_detectable(case.detectable) if isinstance(case, Searched) else "",
        verdict=verdict,
    )


def _judged(bisection: Bisection, case: words.Changed) -> tuple[str, str]:
    """The class of a change and, between the ends, whether it is what was looked for."""
    sought = "faster" if bisection.improvement else "regression"
    if not isinstance(case, Searched) or case.sought:
        return sought, "differs"
    if case.other_way:
        return ("regression", "slower") if bisection.improvement else ("faster", "faster")
    return ("unchanged", "no difference") if case.decided else ("inconclusive", "undecided")


def _detectable(ratio: float | None) -> str:
    if ratio is None or not math.isfinite(ratio):
        return ""
    return f"{significant(abs(ratio - 1.0) * 100.0, 2)} %"


def _share(probability: float) -> float:
    """A probability as the length of a bar."""
    return round(max(0.0, min(probability, 1.0)), 4)


def _commands(bisection: Bisection) -> tuple[str, ...]:
    """What to type for what was not placed; for a commit that is named it stands beside it."""
    ends = [
        shlex.quote(f"{words.short(found.before)}..{words.short(found.after)}")
        for found in bisection.ranges
    ]
    return tuple(f"git log {between}" for between in ends)
