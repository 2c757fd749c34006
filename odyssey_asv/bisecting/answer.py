"""The state of a search → what to tell of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from odyssey_asv import stats
from odyssey_asv.bisecting.knowledge import at_fault, knowledge, places, suspicion
from odyssey_asv.culprit.bisection import (
    Between,
    Bisection,
    Candidate,
    Card,
    Culprit,
    Searched,
    Skipped,
    Step,
)
from odyssey_asv.culprit.posterior import gaps
from odyssey_asv.culprit.search import suspects
from odyssey_asv.store.searches import Line, Sought, State

_NAMED = 20
"""Candidates that are told of, at most."""
_LEAST = 0.05
"""The probability from which on a range is told of."""

CardOf = Callable[[str], Card]


def answer(state: State, card: CardOf, *, finished: bool, spent: bool, file: Path) -> Bisection:
    """All that the search says. `card` describes a commit, `spent` says that the budget is."""
    first = state.lines[0]
    culprits = [culprit for line in state.lines for culprit in _culprits(state, line, card)]
    entered = {culprit.within for culprit in culprits}
    suspects = suspicion(state, first) if first.cases else {}
    return Bisection(
        good=card(state.question.good),
        bad=card(state.question.bad),
        length=len(first.commits),
        searched=tuple(
            Searched(
                case=case.name,
                label=case.label,
                ratio=case.ratio,
                interval=case.interval,
                detectable=case.detectable,
                sought=case.sought,
                decided=case.decided,
            )
            for case in state.cases
        ),
        # A merge is not blamed for what a commit that it brought in is blamed for.
        culprits=tuple(culprit for culprit in culprits if culprit.card.commit not in entered),
        ranges=tuple(
            between
            for line in state.lines
            for between in _ranges(state, line)
            if line.within is None or line.within not in entered
        ),
        candidates=tuple(_candidates(first, suspects, card)),
        skipped=tuple(
            Skipped(commit, reason)
            for line in state.lines
            for commit, reason in line.unbuildable.items()
        ),
        line=places(first, suspects) if first.cases else (),
        warnings=tuple(state.warnings),
        builds=len(
            {c for line in state.lines for c in (line.start, *line.measured, *line.unbuildable)}
        ),
        probes=state.probes,
        wall_s=state.wall_s,
        confidence=state.question.confidence,
        improvement=state.question.improvement,
        spent=spent,
        finished=finished,
        state=str(file),
    )


def _culprits(state: State, line: Line, card: CardOf) -> Iterator[Culprit]:
    known = {case.name: case for case in state.cases}
    before = line.start
    for position, one in enumerate(line.commits, start=1):
        cases = at_fault(line, one.commit)
        if cases:
            yield Culprit(
                card=card(one.commit),
                parent=before,
                probability=_certainty(state, line, position, cases),
                steps=tuple(
                    _step(known[case], line.answered[one.commit][case].effects, state)
                    for case in cases
                ),
                within=line.within,
            )
        before = one.commit


def _certainty(state: State, line: Line, position: int, cases: list[str]) -> float:
    """By the search and, independently of it, by the confirmation, whose error is known at most."""
    known = knowledge(state, line)
    searched = max(
        gap.probability for case in cases for gap in gaps(known, case) if gap.after == position
    )
    error = 1.0 - state.question.confidence
    return searched / (searched + (1.0 - searched) * error)


def _step(case: Sought, effects: list[float], state: State) -> Step:
    place = stats.trimmed_mean(effects)
    tail = (1.0 - state.question.confidence) / 2.0
    turn = -1.0 if case.higher_is_better else 1.0
    low, high = sorted(turn * place.bound(level) for level in (tail, 1.0 - tail))
    return Step(
        case.name, case.label, math.exp(turn * place.estimate), (math.exp(low), math.exp(high))
    )


def _ranges(state: State, line: Line) -> Iterator[Between]:
    """What is left between two commits that could not be told apart any further."""
    if not line.cases or line.commits[-1].commit not in line.measured:
        return
    for found in suspects(knowledge(state, line), doubt=_LEAST):
        inside = [one.commit for one in line.commits[found.before : found.after - 1]]
        broken = sum(commit in line.unbuildable for commit in inside)
        yield Between(
            before=line.commits[found.before - 1].commit if found.before else line.start,
            after=line.commits[found.after - 1].commit,
            commits=found.after - found.before,
            probability=found.probability,
            cases=found.cases,
            why=_why(len(inside), broken),
        )


def _why(inside: int, broken: int) -> str:
    if inside and broken == inside:
        return "none of those between could be measured"
    if broken:
        return f"{broken} of those between could not be measured, the others were not yet"
    return "those between were not measured" if inside else "the measurements do not agree"


def _candidates(line: Line, suspects: Mapping[int, float], card: CardOf) -> Iterator[Candidate]:
    for position in sorted(suspects, key=lambda at: -suspects[at])[:_NAMED]:
        yield Candidate(card(line.commits[position - 1].commit), suspects[position])
