"""`odyssey check`: which two commits, their environments, the paired measurement, the verdict. Prints
nothing.

`plan` finds out what is to be compared, `session` does it.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import IO, Any

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.environments import Workshop
from odyssey_asv.checking.plan import Options, Plan, prepare, settings
from odyssey_asv.checking.session import Observer, Session, arenas, unmeasured
from odyssey_asv.config import Config
from odyssey_asv.errors import InterruptedRunError, OdysseyError
from odyssey_asv.findings import Check
from odyssey_asv.pairs.arena import work_folder
from odyssey_asv.pairs.noise import keep_noise
from odyssey_asv.project import open_project
from odyssey_asv.repository import Repository
from odyssey_asv.sharding import slicing
from odyssey_asv.workspace import check_writable, start_state

__all__ = ["Observer", "Options", "Plan", "check", "execute", "prepare", "settings", "workshop_of"]


def check(
    contender: str | None = None,
    base: str | None = None,
    *,
    folder: str | Path = ".",
    observer: Observer | None = None,
    **options: Any,
) -> Check:
    """What `odyssey check` does, for the project in `folder`: build, measure in pairs, judge, store.

    `options` are those of `Options`: `benches=("time_add",)`, `budget_s=60`, `same=True` … Raises
    `InvalidInputError`, `CannotMeasureError`, `InterruptedRunError`.
    """
    config, asv = open_project(Path(folder))
    plan = prepare(config, asv, Options(contender, base, **options))
    found, _ = execute(plan, config, asv, observer or Observer())
    return found


def execute(  # noqa: PLR0913, PLR0917 (what it works with, and who listens)
    plan: Plan,
    config: Config,
    asv: AsvConfig,
    observer: Observer,
    echo: IO[str] | None = None,
    deadline: float = math.inf,
) -> tuple[Check, tuple[Path, ...]]:
    """Build both sides, measure them, judge; store both as result files, whose paths are returned. What
    was measured for a shard is stored as a shard file instead. The plan's budget is for measuring alone; at
    `deadline`, by the monotonic clock, building ends too.

    Raises `BuildFailedError` and `CannotMeasureError`, and `InterruptedRunError` when interrupted.
    Whatever ends the measuring early, what was measured is stored first, marked incomplete. A result
    file that cannot be written, on a full disk for example, takes nothing from the verdict: the check
    warns of it.
    """
    started = time.monotonic()
    if plan.reach is not None and plan.reach.nothing:
        return unmeasured(plan, plan.reach, time.monotonic() - started), ()
    out = plan.options.out or config.results
    check_writable(out)
    start_state(config.state)
    session = Session(plan, settings(plan, config, asv, benches=plan.options.benches), observer)
    with (
        Repository(plan.repository, search_parents=False) as repository,
        workshop_of(repository, config, asv, echo, deadline) as workshop,
        work_folder(config.state) as work,
    ):
        session.arenas = list(arenas(plan, config, asv, workshop, work, session))
        if plan.options.shard is not None:
            session.portion = slicing.take(
                session.arenas, plan.options.shard, plan.options.durations, config
            )
        try:
            session.measure(deadline)
        except (KeyboardInterrupt, OdysseyError, OSError) as error:
            session.record(whole=False)
            session.store(out)
            if isinstance(error, KeyboardInterrupt):
                raise InterruptedRunError("interrupted", tip="marked as incomplete") from error
            raise
        session.look_for_untracked(repository)
    session.record(whole=True)
    paths = () if session.portion is not None else session.store_or_warn(out)
    check = session.conclude(time.monotonic() - started)
    if session.portion is not None:
        return check, (slicing.save_check(plan, session.arenas, session.portion, check, out),)
    if plan.options.same:
        keep_noise(config.state, check)
    return check, paths


def workshop_of(
    repository: Repository,
    config: Config,
    asv: AsvConfig,
    echo: IO[str] | None,
    deadline: float = math.inf,
) -> Workshop:
    """The workshop that builds commits of a repository as its configuration has it."""
    return Workshop(
        asv,
        config.state,
        repository.check_out,
        date_of=repository.date_of,
        full_builds=config.full_builds,
        deadline=deadline,
        echo=echo,
    )
