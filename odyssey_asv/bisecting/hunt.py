"""What a search does next, on one line of commits after another, and what is told of it. Measures
nothing itself: who makes a step, here or on another machine, is handed in."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from odyssey_asv import checking
from odyssey_asv.bisecting.knowledge import (
    at_fault,
    costs,
    knowledge,
    left_s,
    level_of,
    places,
    ratio,
    suspicion,
    to_commit,
    turn_of,
)
from odyssey_asv.culprit.bisection import Place
from odyssey_asv.culprit.search import Confirm, Done, Probe, decide, suspects
from odyssey_asv.repository import Link
from odyssey_asv.store.searches import Commit, Line, Measured, State


@dataclass(frozen=True, slots=True)
class Probed:
    """What is known when a commit is measured next: its subject, the line for a picture of it, the seconds
    still expected, and the likeliest commit so far with its probability, where any was measured."""

    commit: str
    subject: str
    places: Sequence[Place]
    left_s: float
    likeliest: tuple[str, float] | None = None


class Observer(checking.Observer):
    """Told what the search does as well."""

    def searching(self, cases: int, commits: int) -> None:
        """So many cases differ between the ends; the search goes on among so many commits."""

    def remembering(self, commits: int) -> None:
        """Stored results of earlier measurements point at so many commits of the range."""

    def probing(self, probed: Probed) -> None:
        """A commit is measured next."""

    def seen(self, commit: str, ratio: float | None, failing: int, works: int) -> None:
        """A commit was measured: its ratio to the good end, the mean of the cases that have one, and how
        many of those that fail at the bad end fail there as well, or work."""

    def unbuildable(self, commit: str, reason: str) -> None:
        """A commit cannot be measured."""

    def confirming(self, commit: str, parent: str) -> None:
        """A commit is measured against its parent."""

    def confirmed(self, commit: str, *, right: bool) -> None:
        """It made the step, or it did not."""

    def entering(self, merge: str, commits: int) -> None:
        """The search goes on in what a merge brought in."""


@dataclass(frozen=True, slots=True)
class Task:
    """One step: `what` to measure on the line with this number, `commit` against `base`."""

    line: int
    what: Probe | Confirm
    commit: str
    base: str


Step = Callable[[State, Task, float], State]
"""Makes a step in the time until a moment of the clock, and gives the state after it. The one that it
is given may be changed on the way; what it raises is raised by the search."""


class Hunt:
    """One search under way. `step` measures, `merged` lists what a merge brought in that is not in the
    history of some commits, and `save` keeps the state. `beside` leads from where the ends part to the good
    one, where that is on another branch; `subject` gives the first line of a commit's message."""

    def __init__(  # noqa: PLR0913, PLR0917 (what it works with, each used throughout)
        self,
        state: State,
        step: Step,
        merged: Callable[[str, Sequence[str]], list[list[Link]]],
        observer: Observer,
        save: Callable[[State], None],
        clock: Callable[[], float] = time.monotonic,
        beside: Sequence[Link] = (),
        subject: Callable[[str], str] = lambda _: "",
    ) -> None:
        self.state = state
        self._step = step
        self._merged = merged
        self._observer = observer
        self._save = save
        self._clock = clock
        self._beside = beside
        self._subject = subject
        self._told_of: int | None = None
        self._entered = len(state.lines)

    def run(self, deadline: float, steps: int | None = None) -> bool:
        """Go on until every line is searched, True, or the clock has passed `deadline` or so many steps
        are made, False."""
        while (task := self._timed_next()) is not None:
            if self._clock() >= deadline or steps == 0:
                return False
            steps = None if steps is None else steps - 1
            self._announce(task)
            before = _blocks(self.state, task)
            self.state = self._step(self.state, task, deadline)
            self._tell(task, before)
            self._save(self.state)
        return True

    def _timed_next(self) -> Task | None:
        began = self._clock()
        task = self._next()
        self.state.deciding_s += self._clock() - began
        return task

    def _next(self) -> Task | None:
        """What to measure next. Of a line on which nothing is left to learn, that is remembered."""
        while (number := self._next_line()) is not None:
            self._look_beside()
            line = self.state.lines[number]
            if (task := self._on(number, line)) is not None:
                return task
            line.finished = True
            self._save(self.state)
        return None

    def _next_line(self) -> int | None:
        """The first that is not searched yet; then what a merge at fault brought in."""
        lines = self.state.lines
        if not self.state.question.first_parent:
            for line in [line for line in lines if line.finished]:
                self._enter_merges(line)
        for line in lines[self._entered :]:
            self._observer.entering(line.within or "", len(line.commits))
        self._entered = len(lines)
        wanted = (n for n, line in enumerate(lines) if line.cases and not line.finished)
        return next(wanted, None)

    def _look_beside(self) -> None:
        """Where the ends are on different branches, search the good end's for what made it better, as far
        as what the bad end's line did does not explain that they differ."""
        first = self.state.lines[0]
        if self.state.fork is None or len(self.state.lines) > 1:
            return
        if (seen := first.measured.get(first.commits[-1].commit)) is None:
            return
        cases = [case for case in first.cases if _unexplained(self.state, case, seen)]
        if cases and self._beside:
            self.state.lines.append(
                Line(
                    start=self.state.fork,
                    commits=[to_commit(link) for link in self._beside],
                    cases=cases,
                    mirrored=True,
                )
            )
            self._save(self.state)

    def _on(self, number: int, line: Line) -> Task | None:
        end = line.commits[-1].commit
        if end in line.unbuildable:
            return None
        if end not in line.measured:
            # The tip of what a merge brought in.
            return Task(number, Probe(len(line.commits)), end, line.start)
        known = knowledge(self.state, line)
        what = decide(known, costs(self.state), confidence=self.state.question.confidence)
        if isinstance(what, Done):
            return None
        commit = line.commits[what.position - 1].commit
        against_parent = isinstance(what, Confirm) and what.position > 1
        base = line.commits[what.position - 2].commit if against_parent else line.start
        return Task(number, what, commit, base)

    def _announce(self, task: Task) -> None:
        line = self.state.lines[task.line]
        if task.line != self._told_of:
            self._told_of = task.line
            self._observer.searching(len(line.cases), len(line.commits))
        if isinstance(task.what, Confirm):
            self._observer.confirming(task.commit, task.base)
            return
        likely = suspicion(self.state, line)
        best = max(likely, key=lambda position: likely[position], default=None)
        known = len(line.measured) > 1 and best is not None
        self._observer.probing(
            Probed(
                commit=task.commit,
                subject=self._subject(task.commit),
                places=places(line, likely),
                left_s=left_s(self.state, likely),
                likeliest=(line.commits[best - 1].commit, likely[best])
                if known and best is not None
                else None,
            )
        )

    def _tell(self, task: Task, before: int) -> None:
        """What came of a task; nothing where time was up in the middle of it."""
        line = self.state.lines[task.line]
        if isinstance(task.what, Confirm):
            answers = line.answered.get(task.commit, {})
            answered = [answers[case] for case in task.what.cases if case in answers]
            if answered:
                right = any(answer.confirmed for answer in answered)
                self._observer.confirmed(task.commit, right=right)
        elif task.commit in line.unbuildable:
            self._observer.unbuildable(task.commit, line.unbuildable[task.commit])
        elif _blocks(self.state, task) > before:
            fails = {
                case.name: 0.5 * math.fsum(case.effects) / len(case.effects)
                for case in self.state.cases
                if case.fails is not None and case.effects
            }
            effects = line.measured[task.commit].effects
            lasting = Measured(effects={n: e for n, e in effects.items() if n not in fails})
            bad = [math.fsum(e) / len(e) > fails[n] for n, e in effects.items() if n in fails and e]
            self._observer.seen(task.commit, ratio(lasting), sum(bad), len(bad) - sum(bad))

    def _enter_merges(self, line: Line) -> None:
        """Search what a merge at fault brought in as a line of its own, and what merges brought in that lie
        where a step could not be placed, since commits there cannot be measured."""
        entered = {other.within for other in self.state.lines}
        for before, link, cases in self._merges(line):
            if link.commit in entered:
                continue
            entered.add(link.commit)
            without = [*line.without, before]
            for links in self._merged(link.commit, without):
                if not links[0].parents:
                    # A history of its own has no commit to measure against.
                    continue
                self.state.lines.append(
                    Line(
                        start=links[0].parents[0],
                        commits=[to_commit(one) for one in links],
                        cases=cases,
                        within=link.commit,
                        instead=before,
                        without=without,
                    )
                )
                self._save(self.state)

    def _merges(self, line: Line) -> Iterator[tuple[str, Commit, list[str]]]:
        """The merges that may have brought in a step, each with a commit of the line that does not have it
        and the cases in which it is sought."""
        before = line.start
        for one in line.commits:
            if len(one.parents) > 1 and (cases := at_fault(line, one.commit)):
                yield before, one, cases
            before = one.commit
        if line.mirrored or line.commits[-1].commit not in line.measured:
            return
        known = knowledge(self.state, line)
        for found in suspects(known, doubt=self.state.question.confidence):
            if known.explained.issuperset(found.cases):
                continue
            before = line.commits[found.before - 1].commit if found.before else line.start
            inside = line.commits[found.before : found.after]
            for one in reversed([one for one in inside if len(one.parents) > 1]):
                yield before, one, list(found.cases)


def _unexplained(state: State, name: str, seen: Measured) -> bool:
    """Whether the ends differ in a case by more than the bad end does from where their branches part."""
    case = next(case for case in state.cases if case.name == name)
    turn = turn_of(state, state.lines[0])
    ends = level_of(case.effects, turn, 1)
    if name not in seen.effects:
        return False
    line = level_of(seen.effects[name], turn, 1)
    error = math.hypot(ends.error, line.error)
    return ends.effect - line.effect > max(2.0 * case.least, 2.0 * error)


def _blocks(state: State, task: Task) -> int:
    """How many blocks are known of a task's commit against the start of its line."""
    seen = state.lines[task.line].measured.get(task.commit)
    return 0 if seen is None else sum(len(effects) for effects in seen.effects.values())
