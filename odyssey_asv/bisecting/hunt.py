"""Does what `search` decides, one step after another, on one line of commits after another."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from odyssey_asv import checking, evidence, stats
from odyssey_asv.adapter.metadata import asv_name
from odyssey_asv.bisection import Place
from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.evidence import Claim, Promise, Zone
from odyssey_asv.posterior import Knowledge, Level, candidates, gaps
from odyssey_asv.probing import Prober, effects_of, why_nothing
from odyssey_asv.repository import Link
from odyssey_asv.search import Confirm, Costs, Done, Probe, decide
from odyssey_asv.store.searches import Answered, Commit, Line, Measured, State
from odyssey_asv.suspicion import weight
from odyssey_asv.trials import Trial

_LEAST_BLOCKS, _MOST_BLOCKS = 5, 20
"""Of one measurement of a commit against the good end."""
_FINE = 8.0
"""A step is to be this many times as large as the error of the level that shows it."""
_TIMES = 4
"""A commit is not measured more often against the good end."""
_CLEAR = 0.6
"""A commit is at fault if its step is not smaller than this share of what the search expects."""
_LEAST_S = 0.1
_GUESS_S = 5.0
"""What building and measuring take before any was done."""


class Observer(checking.Observer):
    """Told what the search does as well."""

    def searching(self, cases: int, commits: int) -> None:
        """So many cases differ between the ends; the search goes on among so many commits."""

    def remembering(self, commits: int) -> None:
        """Stored results of earlier measurements point at so many commits of the range."""

    def probing(self, commit: str, places: Sequence[Place], left_s: float) -> None:
        """A commit is measured next; what is known so far, and the seconds still expected."""

    def seen(self, commit: str, ratio: float) -> None:
        """A commit's ratio to the good end, the mean of all cases."""

    def unbuildable(self, commit: str, reason: str) -> None:
        """A commit cannot be measured."""

    def confirming(self, commit: str, parent: str) -> None:
        """A commit is measured against its parent."""

    def confirmed(self, commit: str, *, right: bool) -> None:
        """It made the step, or it did not."""

    def entering(self, merge: str, commits: int) -> None:
        """The search goes on in what a merge brought in."""


class Hunt:
    """One search under way. `merged` lists what a merge brought in, `save` keeps the state."""

    def __init__(  # noqa: PLR0913, PLR0917 (what it works with, each used throughout)
        self,
        state: State,
        prober: Prober,
        merged: Callable[[str], list[list[Link]]],
        observer: Observer,
        save: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._prober = prober
        self._merged = merged
        self._observer = observer
        self._save = save
        self._clock = clock
        self._turn = turn_of(state)

    def run(self, deadline: float) -> bool:
        """Go on until every line is searched, True, or the clock has passed `deadline`, False."""
        while (line := self._next_line()) is not None:
            self._observer.searching(len(line.cases), len(line.commits))
            while not line.finished:
                if self._clock() >= deadline:
                    return False
                self._step(line, deadline)
                self._save()
        return True

    def _next_line(self) -> Line | None:
        """The first that is not searched yet; then what a merge at fault brought in."""
        for line in self._state.lines:
            if line.finished and not self._state.question.first_parent:
                self._enter_merges(line)
        return next((line for line in self._state.lines if line.cases and not line.finished), None)

    def _step(self, line: Line, deadline: float) -> None:
        end = line.commits[-1].commit
        if end in line.unbuildable:
            line.finished = True
            return
        if end not in line.measured:
            # The tip of what a merge brought in.
            self._probe(line, end, 0.0, deadline)
            return
        known = knowledge(self._state, line)
        match decide(known, self._costs(), confidence=self._state.question.confidence):
            case Probe(position):
                self._probe(line, line.commits[position - 1].commit, self._left(known), deadline)
            case Confirm(position, cases):
                self._confirm(line, position, cases, deadline)
            case Done():
                line.finished = True

    def _costs(self) -> Costs:
        built, measured = self._state.built.values(), self._state.measuring_s
        return Costs(
            build_s=statistics.fmean(built) if built else _GUESS_S,
            measure_s=max(statistics.fmean(measured), _LEAST_S) if measured else _GUESS_S,
        )

    def _left(self, known: Knowledge) -> float:
        """Seconds still expected: halving what is suspected until one is left, and confirming it."""
        costs = self._costs()
        suspects = list(candidates(known).values())
        whole = math.fsum(suspects)
        bits = -math.fsum(s / whole * math.log2(s / whole) for s in suspects) if whole else 0.0
        return bits * (costs.build_s + costs.measure_s) + costs.measure_s

    def _probe(self, line: Line, commit: str, left_s: float, deadline: float) -> None:
        self._observer.probing(commit, places(self._state, line), left_s)
        # What goes wrong with these is not held against the commit.
        self._prober.ready(line.start)
        self._state.probes += 1
        seen = line.measured.get(commit)
        try:
            found = self._measure(line.start, commit, line.cases, self._fine_enough, deadline)
            effects = effects_of(found)
            if not effects and self._clock() >= deadline:
                return
            if not effects:
                raise why_nothing(found)
        except CannotMeasureError as error:
            if seen is not None:
                # What was seen before stands, and is not asked for again.
                seen.times = _TIMES
                return
            line.unbuildable[commit] = str(error)
            self._observer.unbuildable(commit, str(error))
            return
        if seen is None:
            seen = line.measured[commit] = Measured(effects=effects)
        else:
            for case, more in effects.items():
                seen.effects.setdefault(case, []).extend(more)
            seen.times += 1
        self._observer.seen(commit, _ratio(seen) or 1.0)

    def _fine_enough(self, trial: Trial) -> bool:
        """Whether a level is known well enough to tell the step from none."""
        if len(trial.blocks) < _LEAST_BLOCKS:
            return False
        trial.choose_clock(self._prober.settings.clock)
        case = next(c for c in self._state.cases if c.name == asv_name(trial.case))
        step = abs(stats.trimmed_mean(case.effects).estimate)
        level = _level(trial.effects(), 1.0, 1)
        return level.error <= step / _FINE or len(trial.blocks) >= _MOST_BLOCKS

    def _confirm(self, line: Line, position: int, cases: Collection[str], deadline: float) -> None:
        commit = line.commits[position - 1].commit
        parent = line.commits[position - 2].commit if position > 1 else line.start
        self._observer.confirming(commit, parent)
        self._state.probes += 1
        known = knowledge(self._state, line)
        promise = Promise(len(cases), alarm=1.0 - self._state.question.confidence)
        zones = {case: _zone(known, case, position) for case in cases}
        claims: dict[str, Claim | None] = {}

        def enough(trial: Trial) -> bool:
            if len(trial.blocks) not in evidence.LOOKS:
                return False
            trial.choose_clock(self._prober.settings.clock)
            name = asv_name(trial.case)
            effects = [self._turn * effect for effect in trial.effects()]
            claims[name] = evidence.claim(effects, zones[name], promise)
            return claims[name] is not None or len(trial.blocks) >= evidence.LOOKS[-1]

        found = self._measure(parent, commit, cases, enough, deadline)
        effects = effects_of(found)
        late = self._clock() >= deadline
        answers = {
            case: Answered(
                effects=effects.get(case, []), confirmed=claims.get(case) is Claim.REGRESSION
            )
            for case in cases
            if claims.get(case) is not None or not late
        }
        if not answers:
            return
        line.answered.setdefault(commit, {}).update(answers)
        right = any(answer.confirmed for answer in answers.values())
        self._observer.confirmed(commit, right=right)

    def _measure(
        self,
        base: str,
        contender: str,
        cases: Collection[str],
        enough: Callable[[Trial], bool],
        deadline: float,
    ) -> Mapping[str, Trial]:
        for commit in (base, contender):
            self._prober.build(commit)
        self._state.built |= self._prober.build_s
        began = self._clock()
        found = self._prober.measure(base, contender, cases, enough, deadline)
        self._state.measuring_s.append(round(self._clock() - began, 3))
        return found

    def _enter_merges(self, line: Line) -> None:
        """What a merge at fault brought in is to be searched as a line of its own."""
        entered = {other.within for other in self._state.lines}
        for link in line.commits:
            cases = at_fault(line, link.commit)
            if not cases or len(link.parents) < 2 or link.commit in entered:
                continue
            for links in self._merged(link.commit):
                if not links[0].parents:
                    # A history of its own has no commit to measure against.
                    continue
                self._observer.entering(link.commit, len(links))
                self._state.lines.append(
                    Line(
                        start=links[0].parents[0],
                        commits=[to_commit(one) for one in links],
                        cases=cases,
                        within=link.commit,
                    )
                )
        self._save()


def to_commit(link: Link) -> Commit:
    """A commit of a line, as the state keeps it."""
    return Commit(commit=link.commit, parents=list(link.parents), files=list(link.files))


def turn_of(state: State) -> float:
    """What effects are multiplied with so that positive is what is looked for."""
    return -1.0 if state.question.improvement else 1.0


def at_fault(line: Line, commit: str) -> list[str]:
    """The cases in which a commit was confirmed to have made a step."""
    answers = line.answered.get(commit, {})
    return [case for case, answer in answers.items() if answer.confirmed]


def knowledge(state: State, line: Line) -> Knowledge:
    """A line as `search` sees it. Its end must have been measured."""
    at = {one.commit: position for position, one in enumerate(line.commits, start=1)}
    turn = turn_of(state)
    return Knowledge(
        weights=[
            weight(one.files, state.question.paths) * state.remembered.get(one.commit, 1.0)
            for one in line.commits
        ],
        levels={
            at[commit]: {
                case: _level(effects, turn, seen.times) for case, effects in seen.effects.items()
            }
            for commit, seen in line.measured.items()
        },
        least={case.name: case.least for case in state.cases},
        unbuildable=frozenset(at[commit] for commit in line.unbuildable),
        built=frozenset(at[commit] for commit in state.built if commit in at)
        | {at[commit] for commit in line.measured},
        settled=frozenset(at[c] for c, seen in line.measured.items() if seen.times >= _TIMES),
        refuted=_answers(line, at, confirmed=False),
        confirmed=_answers(line, at, confirmed=True),
    )


def _answers(line: Line, at: Mapping[str, int], *, confirmed: bool) -> frozenset[tuple[str, int]]:
    return frozenset(
        (case, at[commit])
        for commit, by_case in line.answered.items()
        for case, answer in by_case.items()
        if answer.confirmed is confirmed
    )


def _level(effects: Sequence[float], turn: float, times: int) -> Level:
    """With the error that a normal distribution would need to be as wide as Student's with so few
    blocks."""
    found = stats.trimmed_mean(effects)
    wider = math.sqrt(found.freedom / (found.freedom - 2)) if found.freedom > 2 else 3.0
    return Level(turn * found.estimate, found.error * wider, times)


def _zone(known: Knowledge, case: str, position: int) -> Zone:
    """Between no step that counts and one as large as expected: what a confirmation has to tell apart."""
    expected = _expected(known, case, position)
    threshold = max(_CLEAR * expected, 1.5 * known.least[case])
    return Zone(tolerance=min(known.least[case], 0.5 * threshold), threshold=threshold)


def _expected(known: Knowledge, case: str, position: int) -> float:
    return max(gap.jump for gap in gaps(known, case) if gap.after == position)


def places(state: State, line: Line) -> tuple[Place, ...]:
    """A line for the picture of it."""
    end = line.commits[-1].commit
    suspicion = candidates(knowledge(state, line)) if end in line.measured else {}
    return tuple(
        Place(
            commit=one.commit,
            level=_ratio(line.measured.get(one.commit)),
            broken=one.commit in line.unbuildable,
            suspicion=min(suspicion.get(position, 0.0), 1.0),
        )
        for position, one in enumerate(line.commits, start=1)
    )


def _ratio(seen: Measured | None) -> float | None:
    if seen is None or not seen.effects:
        return None
    return math.exp(statistics.fmean(stats.trimmed_mean(e).estimate for e in seen.effects.values()))
