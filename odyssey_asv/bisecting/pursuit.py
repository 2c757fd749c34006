"""A search from its ends to its answer, whoever measures: its time, its budget, its file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.bisecting.answer import answer
from odyssey_asv.bisecting.ends import recall, reported
from odyssey_asv.bisecting.hunt import Hunt, Observer, Step
from odyssey_asv.bisecting.plan import Plan
from odyssey_asv.config import Config
from odyssey_asv.culprit.bisection import Bisection
from odyssey_asv.errors import InterruptedRunError
from odyssey_asv.repository import Repository
from odyssey_asv.store import searches
from odyssey_asv.store.searches import State
from odyssey_asv.workspace import check_writable, start_state


@dataclass(slots=True)
class Pursuit:
    """One search of one command. Its budget counts from the moment that this is made."""

    plan: Plan
    config: Config
    asv: AsvConfig
    observer: Observer
    clock: Callable[[], float] = time.monotonic
    _started: float = field(init=False)
    _before_s: float = field(init=False)
    _steps: int | None = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()
        self._before_s = 0.0 if self.plan.known is None else self.plan.known.wall_s
        self._steps = self.plan.options.steps
        start_state(self.config.state)
        check_writable(self.plan.state.parent)

    @property
    def deadline(self) -> float:
        return self._started + self.plan.options.budget_s

    def first(self, ends: Callable[[], State]) -> State:
        """What is known already, else what a report says of the ends, else what `ends` measures, which
        is a step."""
        if self.plan.known is not None:
            return self.plan.known
        if self.plan.report is not None:
            state = reported(self.plan)
        else:
            state = ends()
            self._steps = None if self._steps is None else self._steps - 1
        recall(state, self.plan, self.config, self.asv, self.observer)
        self._keep(state)
        return state

    def go_on(self, state: State, step: Step, repository: Repository) -> Bisection:
        """Search, and keep what is known after each step.

        Raises `InterruptedRunError` when interrupted, and whatever `step` raises.
        """
        hunt = Hunt(
            state,
            step,
            repository.merged,
            self.observer,
            self._keep,
            self.clock,
            beside=self.plan.beside,
            subject=repository.subject,
        )
        try:
            finished = hunt.run(self.deadline, self._steps)
        except KeyboardInterrupt:
            self._keep(hunt.state)
            found = self._answer(hunt.state, repository, finished=False)
            raise InterruptedRunError("interrupted", found=found) from None
        self._keep(hunt.state)
        return self._answer(hunt.state, repository, finished=finished)

    def _answer(self, state: State, repository: Repository, *, finished: bool) -> Bisection:
        return answer(
            state,
            repository.card,
            finished=finished,
            spent=not finished and self.clock() >= self.deadline,
            file=self.plan.state,
        )

    def _keep(self, state: State) -> None:
        state.wall_s = self._before_s + self.clock() - self._started
        searches.save(state, self.plan.state)
