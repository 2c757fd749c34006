"""Makes the two environments of a comparison, or finds them again.

An environment is named by its content: interpreter, requirements, build commands, commit, and the
versions that were settled for everything else. The contender's versions are settled first and the
base's follow them wherever its own requirements allow, so that the two differ in the project alone.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.environments import interpreters
from odyssey_asv.adapter.environments.built import Built, Side, differences
from odyssey_asv.adapter.environments.commands import Runner
from odyssey_asv.adapter.environments.dates import usable
from odyssey_asv.adapter.environments.installer import Order, uv
from odyssey_asv.adapter.environments.maker import CheckOut, Maker, OnStep
from odyssey_asv.adapter.environments.recipes import Dates, Recipe, instructions
from odyssey_asv.adapter.environments.storage import Kept, Storage, read_status

_LOGS_KEPT = 20


def _nothing(_side: str, _step: str) -> None:
    pass


class Workshop:
    """Makes environments in the project's `state` folder and keeps the `keep` last used.

    `check_out` puts a commit's files into a folder, `date_of` tells its date, for recipes that are as of
    each commit's own. What is not built at `deadline`, by the monotonic clock, is given up with
    `CannotMeasureError`. With `full_builds` no wheel is made from that of another commit. What `pair` and
    `one` return stays in use, and is therefore not removed by anybody, until the workshop is closed. It
    is for one thread at a time; any number of workshops, in any number of processes, may work in one
    state folder.
    """

    def __init__(  # noqa: PLR0913 (a few choices, each by its name)
        self,
        config: AsvConfig,
        state: Path,
        check_out: CheckOut,
        *,
        date_of: Callable[[str], datetime] | None = None,
        full_builds: bool = False,
        keep: int = 10,
        timeout_s: float | None = None,
        deadline: float = math.inf,
        echo: IO[str] | None = None,
    ) -> None:
        state = state.resolve()
        self._date_of = date_of
        self._logs = state / "logs"
        self._instructions = instructions(config)
        self._storage = Storage(state / "environments", keep)
        self._uv = uv()
        runner = Runner(timeout_s or self._instructions.timeout_s, echo, deadline)
        self._maker = Maker(
            self._instructions,
            self._storage,
            runner,
            self._uv,
            check_out,
            full_builds=full_builds,
        )
        self._interpreters: dict[str, interpreters.Interpreter] = {}

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of every environment."""
        self._storage.release()

    def pair(
        self,
        recipe: Recipe,
        base: str,
        contender: str,
        *,
        fresh: bool = False,
        on_step: OnStep = _nothing,
    ) -> tuple[Built, Built, tuple[str, ...]]:
        """The environments of base and contender, and warnings where they differ in more than that.

        Where both are one commit there are two environments all the same, made alike. `on_step` is
        told of a side "found", "waiting" (for another process that makes it), "building" or
        "installing". `fresh` makes them anew. Raises `BuildFailedError`, and `InvalidInputError` for a
        Python that is not there.
        """
        second = self._side("contender", recipe, contender, fresh=fresh)
        first = self._side("base", recipe, base, fresh=fresh, like=second)
        self._prune_logs()
        if self._instructions.own_commands:
            # They were written for one build at a time.
            self._maker.make([second], on_step)
            self._maker.make([first], on_step)
        else:
            self._maker.make([second, first], on_step)
        self._storage.evict()
        built = (side.to_built(self._instructions) for side in (first, second))
        return next(built), next(built), differences(first, second)

    def one(
        self,
        recipe: Recipe,
        commit: str,
        *,
        like: Built | None = None,
        fresh: bool = False,
        on_step: OnStep = _nothing,
    ) -> tuple[Built, tuple[str, ...]]:
        """As `pair` for one commit, with the versions of `like` where its requirements allow."""
        model = None
        if like is not None and (status := read_status(like.folder)) is not None:
            model = self._side(like.commit[:8], like.recipe, like.commit)
            model.status, model.lock = status, tuple(status["lock"])
        wanted = self._side("commit", recipe, commit, fresh=fresh, like=model)
        self._prune_logs()
        self._maker.make([wanted], on_step)
        self._storage.evict()
        return wanted.to_built(self._instructions), differences(wanted, model) if model else ()

    def contents(self) -> list[Kept]:
        """What is kept on disk, last used first."""
        return self._storage.contents()

    def clear(self) -> list[Kept]:
        """Remove everything. Returns what others use and was therefore left."""
        return self._storage.clear()

    def _side(
        self,
        name: str,
        recipe: Recipe,
        commit: str,
        *,
        fresh: bool = False,
        like: Side | None = None,
    ) -> Side:
        if recipe.python not in self._interpreters:
            self._interpreters[recipe.python] = interpreters.find(recipe.python, self._uv)
        moment = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
        log = self._logs / f"{moment}-environment-{name}-{commit[:8]}.log"
        interpreter = self._interpreters[recipe.python]
        dates = self._dates(recipe, commit, interpreter.version)
        order = Order(recipe, commit, interpreter, log, dates)
        own = self._instructions
        wheel_content = {
            "interpreter": order.interpreter.identity,
            "build_vars": dict(recipe.build_vars),
            "repo_subdir": own.repo_subdir,
            "commit": commit,
        }
        if dates is not None:
            wheel_content["tools_as_of"] = str(dates.tools)
        content = {
            **wheel_content,
            "type": recipe.kind,
            "requirements": dict(recipe.requirements),
            "build": own.build,
            "install": own.install,
            "project": own.project,
            "tools": own.tools if own.own_commands else (),
            "requirements_as_of": str(dates.requirements) if dates is not None else None,
            "twin": name == "base" and like is not None and like.order.commit == commit,
        }
        # A name of its own, for what is there may be in use.
        token = secrets.token_hex(8) if fresh else None
        return Side(name, order, wheel_content, content, token, like)

    def _dates(self, recipe: Recipe, commit: str, version: str) -> Dates | None:
        """A recipe's dates for one commit, none of them before its Python was out."""
        if recipe.dates is None:
            return None
        tools = recipe.dates.tools
        if tools is None:
            assert self._date_of is not None
            tools = self._date_of(commit)
        return Dates(usable(recipe.dates.requirements, version), usable(tools, version))

    def _prune_logs(self) -> None:
        """Of environments, that is; runs have their own."""
        for log in sorted(self._logs.glob("*-environment-*.log"))[:-_LOGS_KEPT]:
            log.unlink(missing_ok=True)
