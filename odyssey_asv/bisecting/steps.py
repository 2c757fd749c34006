"""Makes the steps of a search on this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from odyssey_asv import stats
from odyssey_asv.adapter.metadata import asv_name
from odyssey_asv.bisecting.hunt import Task
from odyssey_asv.bisecting.knowledge import (
    SETTLED,
    exception_of,
    knowledge,
    level_of,
    turn_of,
    zone,
)
from odyssey_asv.culprit.search import Confirm
from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.findings import Clock
from odyssey_asv.model import Status
from odyssey_asv.pairs import evidence
from odyssey_asv.pairs.evidence import Claim, Promise
from odyssey_asv.pairs.pairing import Enough
from odyssey_asv.pairs.probing import effects_of, why_nothing
from odyssey_asv.pairs.trials import BASE, CONTENDER, Trial
from odyssey_asv.store.searches import Answered, Commit, Line, Measured, Sought, State

_LEAST_BLOCKS, _MOST_BLOCKS = 5, 20
"""Of one measurement of a commit against the good end."""
_WORKS = 2
"""After so many blocks, a case that fails at the bad end is taken to work at a commit."""
_LEAST_LIMIT_S, _LIMIT_TIMES = 2.0, 20.0
_FEW_BLOCKS, _LARGE = 3, 0.7
"""So few blocks are enough where the ends differ by a factor of two and more."""
_FINE = 8.0
"""A step is to be this many times as large as the error of the level that shows it."""
_FINER = 2.0
"""The least step that counts is to be this many times as large as the error of a level that is measured
again."""


class Measuring(Protocol):
    """Builds and measures; see `pairs.probing.Prober`."""

    @property
    def clock(self) -> Clock:
        """That which is wished for."""

    @property
    def build_s(self) -> Mapping[str, float]:
        """By commit, the seconds that each build took."""

    def ready(self, base: str) -> object:
        """Build what every pair with this base needs."""

    def build(self, commit: str) -> object:
        """Raises `CannotMeasureError` where that cannot be done."""

    def measure(  # noqa: PLR0913, PLR0917 (what a measurement is of)
        self,
        base: str,
        contender: str,
        cases: Collection[str],
        enough: Enough,
        deadline: float,
        limits: Mapping[str, float],
    ) -> Mapping[str, Trial]:
        """The trials of these cases, none of which may take longer for an answer than its limit. Raises
        `CannotMeasureError`."""


class Steps:
    """Measures what a task says and adds it to the state."""

    def __init__(self, prober: Measuring, clock: Callable[[], float] = time.monotonic) -> None:
        self._prober = prober
        self._clock = clock

    def __call__(self, state: State, task: Task, deadline: float) -> State:
        """See `hunt.Step`."""
        if isinstance(task.what, Confirm):
            self._confirm(state, task, task.what, deadline)
        else:
            self._probe(state, task, deadline)
        return state

    def _probe(self, state: State, task: Task, deadline: float) -> None:
        line, commit = state.lines[task.line], task.commit
        try:
            # What goes wrong with these is not held against the commit.
            self._prober.ready(task.base)
        except CannotMeasureError as error:
            if self._clock() < deadline and not _start_elsewhere(state, line, str(error)):
                raise
            return
        state.probes += 1
        seen = line.measured.get(commit)

        def fine_enough(trial: Trial) -> bool:
            return self._fine_enough(state, trial, again=seen is not None)

        try:
            found = self._measure(state, task, line.cases, fine_enough, deadline)
            effects = _without_failing(state, effects_of(found)) | _levels(state, task.base, found)
            if not effects and self._clock() >= deadline:
                return
            if not effects:
                why = why_nothing(found)
                lacking = all(t.faults[BASE] or BASE in t.missing for t in found.values())
                if lacking and _start_elsewhere(state, line, str(why)):
                    return
                raise why
        except CannotMeasureError as error:
            if self._clock() >= deadline:
                # There was no time to build it, or to see it work.
                return
            if seen is not None:
                # What was seen before stands, and is not asked for again.
                seen.times = SETTLED
            else:
                line.unbuildable[commit] = str(error)
            return
        _add(line, commit, effects)

    def _fine_enough(self, state: State, trial: Trial, *, again: bool) -> bool:
        """Whether a level is known well enough to tell the step from none; where it is measured again,
        to tell the least step that counts from none."""
        case = _case(state, trial)
        if case.fails is not None:
            return len(trial.blocks) >= (_FEW_BLOCKS if case.cut else _WORKS)
        step = abs(stats.trimmed_mean(case.effects).estimate)
        if len(trial.blocks) < (_LEAST_BLOCKS if step < _LARGE else _FEW_BLOCKS):
            return False
        trial.choose_clock(self._prober.clock)
        wanted = min(step / _FINE, case.least / _FINER) if again else step / _FINE
        level = level_of(trial.effects(), 1.0, 1)
        return level.error <= wanted or len(trial.blocks) >= _MOST_BLOCKS

    def _confirm(self, state: State, task: Task, what: Confirm, deadline: float) -> None:
        line = state.lines[task.line]
        state.probes += 1
        known = knowledge(state, line)
        promise = Promise(len(what.cases), alarm=1.0 - state.question.confidence)
        failing = {case.name for case in state.cases if case.fails is not None}
        zones = {c: zone(known, c, what.position) for c in what.cases if c not in failing}
        claims: dict[str, Claim | None] = {}

        def enough(trial: Trial) -> bool:
            name = asv_name(trial.case)
            if name in failing:
                return len(trial.blocks) >= (_FEW_BLOCKS if _case(state, trial).cut else _WORKS)
            if len(trial.blocks) not in evidence.LOOKS:
                return False
            trial.choose_clock(self._prober.clock)
            effects = [turn_of(state, line) * effect for effect in trial.effects()]
            claims[name] = evidence.claim(effects, zones[name], promise)
            return claims[name] is not None or len(trial.blocks) >= evidence.LOOKS[-1]

        try:
            found = self._measure(state, task, what.cases, enough, deadline)
        except CannotMeasureError:
            if self._clock() < deadline:
                raise
            return
        effects = effects_of(found)
        late = self._clock() >= deadline
        answers = {
            case: Answered(
                effects=effects.get(case, []), confirmed=claims.get(case) is Claim.REGRESSION
            )
            for case in what.cases
            if case not in failing and (claims.get(case) is not None or not late)
        }
        for name, levels in _levels(state, task.base, found).items():
            step = turn_of(state, line) * stats.trimmed_mean(levels).estimate
            confirmed = step >= zone(known, name, what.position).threshold
            answers[name] = Answered(effects=levels, confirmed=confirmed)
        if answers:
            line.answered.setdefault(task.commit, {}).update(answers)

    def _measure(
        self,
        state: State,
        task: Task,
        cases: Collection[str],
        enough: Callable[[Trial], bool],
        deadline: float,
    ) -> Mapping[str, Trial]:
        for commit in (task.base, task.commit):
            self._prober.build(commit)
        state.built |= dict(self._prober.build_s)
        began = self._clock()
        limits = {case.name: _limit_s(case) for case in state.cases if case.good_s is not None}
        found = self._prober.measure(task.base, task.commit, cases, enough, deadline, limits)
        state.measuring_s.append(round(self._clock() - began, 3))
        return found


def _start_elsewhere(state: State, line: Line, reason: str) -> bool:
    """Measure a line against another commit without the step from now on, because its start cannot be
    measured; False where there is none. The start becomes one of the commits of the line: what it and the
    other one differ by is not the doing of the first commit after it."""
    if line.instead is None or line.measured:
        return False
    state.warnings.append(
        f"{line.start[:8]}, which {len(line.commits)} commits come after, cannot be measured, so they were "
        f"compared with {line.instead[:8]}: {reason}"
    )
    line.commits.insert(0, Commit(commit=line.start, parents=[], files=[]))
    line.unbuildable[line.start] = reason
    line.start, line.instead = line.instead, None
    return True


def _case(state: State, trial: Trial) -> Sought:
    name = asv_name(trial.case)
    return next(case for case in state.cases if case.name == name)


def _limit_s(case: Sought) -> float:
    """How long an answer may take in a search: many times what it takes at the good end, and at the bad
    one where that is measured."""
    if case.cut:
        return _LEAST_LIMIT_S + (case.at_least or 1.0) * (case.good_s or 0.0)
    worst = math.exp(max(map(abs, case.effects), default=0.0)) if case.fails is None else 1.0
    return _LEAST_LIMIT_S + _LIMIT_TIMES * worst * (case.good_s or 0.0)


def _levels(state: State, base: str, found: Mapping[str, Trial]) -> dict[str, list[float]]:
    """Levels of the cases that fail at the bad end: its own where they fail the same way, that of the good
    end where they work, and none where they fail otherwise, which says nothing of what is searched for.
    Where what they are compared with fails, as where the ends' branches part, it is the other way round,
    and where both fail, they are alike. The good end itself works: it says nothing when it fails.

    Of a case that is only stopped early, what it took where it was not: that of the bad end from the ratio
    on from which it is stopped, for whether it is, may be chance."""
    levels = {}
    for name, trial in found.items():
        case = _case(state, trial)
        if case.fails is None:
            continue
        failed = tuple(trial.states[side].failed for side in (BASE, CONTENDER))
        same = all(case.fails == _kind(trial, side) for side in (BASE, CONTENDER) if failed[side])
        if not same or (failed[BASE] and base == state.question.good):
            continue
        if failed[BASE] != failed[CONTENDER]:
            sign = 1.0 if failed[CONTENDER] else -1.0
            levels[name] = [sign * effect for effect in case.effects]
        elif case.cut and not failed[BASE]:
            seen = effects_of({name: trial}).get(name)
            if seen is not None:
                stopped = stats.trimmed_mean(seen).estimate >= math.log(case.at_least or 1.0)
                levels[name] = list(case.effects) if stopped else seen
        elif failed[BASE] or len(trial.blocks) >= _WORKS:
            levels[name] = [0.0] * len(case.effects)
    return levels


def _without_failing(state: State, effects: Mapping[str, list[float]]) -> dict[str, list[float]]:
    failing = {case.name for case in state.cases if case.fails is not None}
    return {name: seen for name, seen in effects.items() if name not in failing}


def _kind(trial: Trial, side: int) -> str:
    if trial.states[side] is Status.TIMEOUT:
        return "timeout"
    return exception_of(trial.faults[side][0].reason)


def _add(line: Line, commit: str, effects: Mapping[str, list[float]]) -> None:
    """Add what was seen of a commit to what is known of it."""
    counts = {case: len(more) for case, more in effects.items()}
    seen = line.measured.get(commit)
    if seen is None:
        blocks = {case: [count] for case, count in counts.items()}
        line.measured[commit] = Measured(effects=dict(effects), blocks=blocks)
        return
    for case, more in effects.items():
        before = len(seen.effects.get(case, ()))
        seen.blocks.setdefault(case, [before] if before else []).append(counts[case])
        seen.effects.setdefault(case, []).extend(more)
    seen.times += 1
