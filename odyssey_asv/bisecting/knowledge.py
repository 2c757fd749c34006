"""What the state of a search says: as `search` sees it, and as it is drawn. Measures nothing."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

from odyssey_asv import stats
from odyssey_asv.culprit.bisection import Place
from odyssey_asv.culprit.posterior import Knowledge, Level, candidates, gaps
from odyssey_asv.culprit.search import Costs
from odyssey_asv.culprit.suspicion import weight
from odyssey_asv.pairs.evidence import Zone
from odyssey_asv.repository import Link
from odyssey_asv.store.searches import Commit, Line, Measured, State

FAILING = 0.7
"""The least level that failing is taken for, a logarithm: twice as slow."""
SETTLED = 4
"""A commit is not measured more often against the good end."""
_CLEAR = 0.6
"""A commit is at fault if its step is not smaller than this share of what the search expects."""
_LEAST_BLOCKS = 3
_WITHIN_ERRORS, _NEARLY, _AT_MOST = 1.5, 0.1, 0.2
_LEAST_S = 0.1
_GUESS_S = 5.0
"""What building and measuring take before any was done."""


def to_commit(link: Link) -> Commit:
    """A commit of a line, as the state keeps it."""
    return Commit(commit=link.commit, parents=list(link.parents), files=list(link.files))


def exception_of(said: str) -> str:
    """The type of the exception that a traceback ends with, or whatever its last line begins with."""
    lines = said.strip().splitlines()
    return lines[-1].partition(":")[0].strip() if lines else ""


def turn_of(state: State, line: Line) -> float:
    """What effects are multiplied with so that positive is what is looked for on a line."""
    return -1.0 if state.question.improvement != line.mirrored else 1.0


def at_fault(line: Line, commit: str) -> list[str]:
    """The cases in which a commit was confirmed to have made a step."""
    answers = line.answered.get(commit, {})
    return [case for case, answer in answers.items() if answer.confirmed]


def knowledge(state: State, line: Line) -> Knowledge:
    """A line as `search` sees it. Its end must have been measured."""
    at = {one.commit: position for position, one in enumerate(line.commits, start=1)}
    turn = turn_of(state, line)
    return Knowledge(
        weights=[
            weight(one.files, state.question.paths) * state.remembered.get(one.commit, 1.0)
            for one in line.commits
        ],
        levels={
            at[commit]: {
                case: _level(effects, turn, seen.times, seen.blocks.get(case, ()))
                for case, effects in seen.effects.items()
            }
            for commit, seen in line.measured.items()
        },
        least={case.name: case.least for case in state.cases},
        unbuildable=frozenset(at[commit] for commit in line.unbuildable),
        built=frozenset(at[commit] for commit in state.built if commit in at)
        | {at[commit] for commit in line.measured},
        settled=frozenset(at[c] for c, seen in line.measured.items() if seen.times >= SETTLED),
        refuted=_answers(line, at, confirmed=False),
        confirmed=_answers(line, at, confirmed=True),
        explained=frozenset(
            case
            for case in line.cases
            if not state.question.all_steps and _explained(line, case, turn)
        ),
    )


def _level(effects: Sequence[float], turn: float, times: int, blocks: Sequence[int]) -> Level:
    """A level from all blocks, with what each measurement said apart where there were several."""
    whole = level_of(effects, turn, times)
    if len(blocks) < 2 or sum(blocks) != len(effects) or min(blocks) < _LEAST_BLOCKS:
        return whole
    readings, start = [], 0
    for count in blocks:
        part = level_of(effects[start : start + count], turn, 1)
        readings.append((part.effect, part.error))
        start += count
    return replace(whole, readings=tuple(readings))


def _explained(line: Line, case: str, turn: float) -> bool:
    """Whether the steps that were confirmed against a parent make the level at the end of the line, within
    their errors, though not more than a fifth of it, or within a tenth: what is left is far smaller than
    what is looked for."""
    seen = line.measured.get(line.commits[-1].commit)
    steps = [
        level_of(answers[case].effects, turn, 1)
        for answers in line.answered.values()
        if case in answers and answers[case].confirmed
    ]
    if seen is None or case not in seen.effects or not steps:
        return False
    end = level_of(seen.effects[case], turn, 1)
    left = end.effect - math.fsum(step.effect for step in steps)
    error = math.hypot(end.error, *(step.error for step in steps))
    within = min(_WITHIN_ERRORS * error, _AT_MOST * abs(end.effect))
    return abs(left) <= max(within, _NEARLY * abs(end.effect))


def _answers(line: Line, at: Mapping[str, int], *, confirmed: bool) -> frozenset[tuple[str, int]]:
    return frozenset(
        (case, at[commit])
        for commit, by_case in line.answered.items()
        for case, answer in by_case.items()
        if answer.confirmed is confirmed
    )


def level_of(effects: Sequence[float], turn: float, times: int) -> Level:
    """With the error that a normal distribution would need to be as wide as Student's with so few
    blocks."""
    found = stats.trimmed_mean(effects)
    wider = math.sqrt(found.freedom / (found.freedom - 2)) if found.freedom > 2 else 3.0
    return Level(turn * found.estimate, found.error * wider, times)


def mirrored(level: Level) -> Level:
    """A level as it is for somebody who looks for the opposite."""
    readings = tuple((-effect, error) for effect, error in level.readings)
    return replace(level, effect=-level.effect, readings=readings)


def zone(known: Knowledge, case: str, position: int) -> Zone:
    """Between no step that counts and one as large as expected: what a confirmation has to tell apart."""
    expected = _expected(known, case, position)
    threshold = max(_CLEAR * expected, 1.5 * known.least[case])
    return Zone(tolerance=min(known.least[case], 0.5 * threshold), threshold=threshold)


def _expected(known: Knowledge, case: str, position: int) -> float:
    return max(gap.jump for gap in gaps(known, case) if gap.after == position)


def suspicion(state: State, line: Line) -> dict[int, float]:
    """By position, how probably a commit of a line made a step; nothing before its end was measured."""
    if line.commits[-1].commit not in line.measured:
        return {}
    return {at: min(share, 1.0) for at, share in candidates(knowledge(state, line)).items()}


def places(line: Line, suspects: Mapping[int, float]) -> tuple[Place, ...]:
    """A line for the picture of it, with what `suspicion` says."""
    return tuple(
        Place(
            commit=one.commit,
            level=ratio(line.measured.get(one.commit)),
            broken=one.commit in line.unbuildable,
            suspicion=suspects.get(position, 0.0),
        )
        for position, one in enumerate(line.commits, start=1)
    )


def ratio(seen: Measured | None) -> float | None:
    if seen is None or not seen.effects:
        return None
    return math.exp(statistics.fmean(stats.trimmed_mean(e).estimate for e in seen.effects.values()))


def costs(state: State) -> Costs:
    """What building and measuring a commit took until now."""
    built, measured = state.built.values(), state.measuring_s
    return Costs(
        build_s=statistics.fmean(built) if built else _GUESS_S,
        measure_s=max(statistics.fmean(measured), _LEAST_S) if measured else _GUESS_S,
    )


def left_s(state: State, suspects: Mapping[int, float]) -> float:
    """Seconds still expected: halving what is suspected until one is left, and confirming it; 0 where
    nothing is."""
    if not suspects:
        return 0.0
    expected = costs(state)
    whole = math.fsum(suspects.values())
    bits = -math.fsum(s / whole * math.log2(s / whole) for s in suspects.values())
    return bits * (expected.build_s + expected.measure_s) + expected.measure_s
