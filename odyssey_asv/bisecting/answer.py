"""The state of a search → what to tell of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from odyssey_asv import stats
from odyssey_asv.bisecting.knowledge import (
    at_fault,
    knowledge,
    mirrored,
    places,
    suspicion,
    turn_of,
)
from odyssey_asv.culprit.bisection import (
    Between,
    Bisection,
    Candidate,
    Card,
    Culprit,
    Reversal,
    Searched,
    Skipped,
    Step,
)
from odyssey_asv.culprit.posterior import gaps
from odyssey_asv.culprit.search import suspects
from odyssey_asv.culprit.suspicion import is_document
from odyssey_asv.store.searches import Line, Sought, State

_NAMED = 20
"""Candidates that are told of, at most."""
_SMALL = "far smaller than the others, so it was not searched for; --all-steps searches for it"
_HARMLESS = 0.1
"""How probable a step may be called that only commits to documentation or tests can have made."""
_LEAST = 0.05
"""The probability from which on a range is told of."""

CardOf = Callable[[str], Card]


def answer(state: State, card: CardOf, *, finished: bool, spent: bool, file: Path) -> Bisection:
    """All that the search says. `card` describes a commit, `spent` says that the budget is."""
    first = state.lines[0]
    named = [
        culprit
        for line in state.lines
        if not line.mirrored
        for culprit in _culprits(state, line, card)
    ]
    entered = _entered(state, named)
    # A merge is not blamed for what a commit that it brought in is blamed for.
    culprits = [culprit for culprit in named if culprit.card.commit not in entered]
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
                other_way=case.verdict == _other_way(state),
                fails=None if case.cut else case.fails,
                at_least=None if case.cut else case.at_least,
            )
            for case in state.cases
        ),
        culprits=tuple(sorted(culprits, key=_size, reverse=True)),
        ranges=tuple(
            between
            for line in state.lines
            if not line.mirrored and (line.within is None or line.within not in entered)
            for between in _ranges(state, line, entered)
        ),
        reversals=tuple(_reversals(state, first)),
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
        fork=None if state.fork is None else card(state.fork),
        lacking=tuple(
            culprit
            for line in state.lines
            if line.mirrored
            for culprit in _culprits(state, line, card)
        ),
    )


def _entered(state: State, named: Sequence[Culprit]) -> set[str]:
    """The merges that brought in a culprit, also those that brought in such a merge."""
    outer = {
        one.commit: line.within
        for line in state.lines
        if line.within is not None
        for one in line.commits
    }
    entered: set[str] = set()
    for culprit in named:
        merge = culprit.within
        while merge is not None and merge not in entered:
            entered.add(merge)
            merge = outer.get(merge)
    return entered


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
                share=_share(state, line, one.commit, cases),
            )
        before = one.commit


def _size(culprit: Culprit) -> float:
    """How much a culprit matters: its share, or else its largest step."""
    return culprit.share if culprit.share is not None else abs(math.log(culprit.worst.ratio))


def _share(state: State, line: Line, commit: str, cases: Sequence[str]) -> float | None:
    """How much of the difference between the ends a commit makes, over all cases that are sought."""
    known = {case.name: case for case in state.cases}
    if line.mirrored or any(known[name].fails is not None for name in cases):
        return None
    whole = math.fsum(
        abs(stats.trimmed_mean(case.effects).estimate)
        for case in state.cases
        if case.sought and case.fails is None and case.effects
    )
    part = math.fsum(
        turn_of(state, line) * stats.trimmed_mean(line.answered[commit][name].effects).estimate
        for name in cases
    )
    return part / whole if whole > 0.0 else None


def _other_way(state: State) -> str:
    return "regression" if state.question.improvement else "faster"


def _reversals(state: State, line: Line) -> Iterator[Reversal]:
    """What surely changed in the direction that is not looked for: seen on the way, not searched for."""
    if not line.cases or line.commits[-1].commit not in line.measured:
        return
    known = knowledge(state, line)
    mirror = replace(
        known,
        levels={
            position: {case: mirrored(level) for case, level in by_case.items()}
            for position, by_case in known.levels.items()
        },
        refuted=frozenset(),
        confirmed=frozenset(),
    )
    cases = {case.name: case for case in state.cases}
    for case in known.cases():
        for gap in gaps(mirror, case):
            if gap.probability < state.question.confidence:
                continue
            turn = -turn_of(state, line) * (-1.0 if cases[case].higher_is_better else 1.0)
            yield Reversal(
                before=line.commits[gap.before - 1].commit if gap.before else line.start,
                after=line.commits[gap.after - 1].commit,
                commits=gap.after - gap.before,
                label=cases[case].label,
                ratio=math.exp(turn * gap.jump),
                probability=gap.probability,
            )


def _certainty(state: State, line: Line, position: int, cases: list[str]) -> float:
    """By the search and, independently of it, by the confirmation, whose error is known at most."""
    known = knowledge(state, line)
    searched = max(
        gap.probability for case in cases for gap in gaps(known, case) if gap.after == position
    )
    error = 1.0 - state.question.confidence
    return searched / (searched + (1.0 - searched) * error)


def _step(case: Sought, effects: list[float], state: State) -> Step:
    if case.fails is not None:
        least = case.at_least or 1.0
        return Step(case.name, case.label, least, (least, least), case.fails, case.at_least)
    place = stats.trimmed_mean(effects)
    tail = (1.0 - state.question.confidence) / 2.0
    turn = -1.0 if case.higher_is_better else 1.0
    low, high = sorted(turn * place.bound(level) for level in (tail, 1.0 - tail))
    return Step(
        case.name, case.label, math.exp(turn * place.estimate), (math.exp(low), math.exp(high))
    )


def _ranges(state: State, line: Line, entered: Collection[str]) -> Iterator[Between]:
    """What is left between two commits that could not be told apart any further, unless a merge there
    brought in a culprit."""
    if not line.cases or line.commits[-1].commit not in line.measured:
        return
    known = knowledge(state, line)
    for found in suspects(known, doubt=_LEAST):
        small = known.explained.issuperset(found.cases)
        inside = [one.commit for one in line.commits[found.before : found.after - 1]]
        if any(one.commit in entered for one in line.commits[found.before : found.after]):
            continue
        changed = [one.files for one in line.commits[found.before : found.after]]
        # No code that runs was changed: that is no step, however the levels differ, until it is confirmed.
        harmless = all(files and all(map(is_document, files)) for files in changed)
        broken = sum(commit in line.unbuildable for commit in inside)
        yield Between(
            before=line.commits[found.before - 1].commit if found.before else line.start,
            after=line.commits[found.after - 1].commit,
            commits=found.after - found.before,
            probability=min(found.probability, _HARMLESS if harmless else 1.0),
            cases=found.cases,
            why=_SMALL if small else _why(len(inside), broken),
            small=small,
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
