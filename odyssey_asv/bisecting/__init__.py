"""`odyssey bisect`: are the ends of the range different, which commit next, until one is named. Prints
nothing.

The ends are judged as `check` does it. Then `culprit.search` says which commit to measure against the good
end, or which against its parent, and each answer is on disk before the next is asked for.

plan        what is to be searched
pursuit     the search from its ends to its answer, whoever measures
ends        how the ends differ
hunt        what to measure next, and what is told of it
knowledge   the state, as `culprit.search` sees it
steps       measures on this machine
remembered  what stored results make suspect
answer      what to tell of the state
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import IO, Any

from odyssey_asv import checking
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.bisecting.ends import measured
from odyssey_asv.bisecting.hunt import Observer
from odyssey_asv.bisecting.plan import Options, Plan, prepare
from odyssey_asv.bisecting.pursuit import Pursuit
from odyssey_asv.bisecting.steps import Steps
from odyssey_asv.config import Config
from odyssey_asv.culprit.bisection import Bisection
from odyssey_asv.pairs.arena import work_folder
from odyssey_asv.pairs.probing import Prober
from odyssey_asv.project import open_project
from odyssey_asv.repository import Repository

__all__ = ["Observer", "Options", "Plan", "Pursuit", "bisect", "execute", "prepare"]


def bisect(
    range: str | None = None,  # noqa: A002 (what it is called everywhere)
    *,
    folder: str | Path = ".",
    observer: Observer | None = None,
    **options: Any,
) -> Bisection:
    """What `odyssey bisect` does, for the project in `folder`: check the ends, search, confirm.

    `options` are those of `Options`: `benches=("time_add",)`, `budget_s=600`, `resume=True` … Raises
    `InvalidInputError`, `CannotMeasureError`, `InterruptedRunError`.
    """
    config, asv = open_project(Path(folder))
    plan = prepare(config, asv, Options(range, **options))
    return execute(plan, config, asv, observer or Observer())


def execute(
    plan: Plan, config: Config, asv: AsvConfig, observer: Observer, echo: IO[str] | None = None
) -> Bisection:
    """Search on this machine, and keep what is known after each step.

    Raises `BuildFailedError` where an end does not build, `CannotMeasureError` where no case can be
    measured at both, and `InterruptedRunError` when interrupted.
    """
    pursuit = Pursuit(plan, config, asv, observer)
    until = pursuit.deadline
    state = pursuit.first(lambda: measured(plan, config, asv, observer, echo, until))
    with (
        Repository(plan.ends.repository, search_parents=False) as repository,
        checking.workshop_of(repository, config, asv, echo, until) as workshop,
        work_folder(config.state) as work,
    ):
        prober = Prober(
            asv=asv,
            repository=plan.ends.repository,
            workshop=workshop,
            recipe=plan.ends.recipes[0],
            settings=checking.settings(plan.ends, config, asv, benches=()),
            suite_from=plan.question.bad,
            state=config.state,
            work=work,
            # A search that goes on draws anew, also with a seed of the user's.
            rng=random.Random(plan.ends.seed + state.probes),  # noqa: S311 (drawn samples, no secrets)
            watcher=observer,
            on_step=observer.environment,
        )
        return pursuit.go_on(state, Steps(prober), repository)
