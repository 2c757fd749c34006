"""`odyssey bisect`: are the ends of the range different, which commit next, until one is named. Prints
nothing.

The ends are judged as `check` does it. Then `search` says which commit to measure against the good end,
or which against its parent, and each answer is on disk before the next is asked for.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import IO, Any

from odyssey_asv import checking
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.environments import Workshop
from odyssey_asv.arena import work_folder
from odyssey_asv.bisecting.answer import answer
from odyssey_asv.bisecting.ends import begin
from odyssey_asv.bisecting.hunt import Hunt, Observer
from odyssey_asv.bisecting.plan import Options, Plan, prepare
from odyssey_asv.bisection import Bisection
from odyssey_asv.config import Config
from odyssey_asv.errors import InterruptedRunError
from odyssey_asv.probing import Prober
from odyssey_asv.project import open_project
from odyssey_asv.repository import Repository
from odyssey_asv.store import searches
from odyssey_asv.workspace import check_writable, start_state

__all__ = ["Observer", "Options", "Plan", "bisect", "execute", "prepare"]


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
    """Search, and keep what is known after each step.

    Raises `BuildFailedError` where an end does not build, `CannotMeasureError` where no case can be
    measured at both, and `InterruptedRunError` when interrupted.
    """
    started = time.monotonic()
    start_state(config.state)
    check_writable(plan.state.parent)
    state = plan.known
    if state is None:
        state = begin(plan, config, asv, observer, echo)
        state.wall_s = time.monotonic() - started
        searches.save(state, plan.state)
    began, before = time.monotonic(), state.wall_s

    def save() -> None:
        state.wall_s = before + time.monotonic() - began
        searches.save(state, plan.state)

    with (
        Repository(plan.ends.repository, search_parents=False) as repository,
        Workshop(asv, config.state, repository.check_out, echo=echo) as workshop,
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
            rng=random.Random(plan.ends.seed),  # noqa: S311 (drawn samples, no secrets)
            watcher=observer,
            on_step=observer.environment,
        )
        hunt = Hunt(state, prober, repository.merged, observer, save)
        try:
            finished = hunt.run(started + plan.options.budget_s)
        except KeyboardInterrupt:
            raise InterruptedRunError(
                "interrupted", tip="the same command with --resume goes on from there"
            ) from None
        finally:
            save()
        return answer(state, repository.card, finished=finished, file=plan.state)
