"""Any two commits of a project → the effects of chosen cases. For one search, which knows what it wants;
`check` does the same for one pair and judges it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.environments import Built, Recipe, Workshop
from odyssey_asv.adapter.metadata import asv_name
from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.findings import Clock
from odyssey_asv.pairs.arena import arena, suite_of, work_folder
from odyssey_asv.pairs.discovery import discover
from odyssey_asv.pairs.pairing import Engine, Enough, Watcher
from odyssey_asv.pairs.trials import Settings, Trial, trials

_TWICE = 0.28
"""The error permitted to saying that a commit fails in a benchmark: two attempts out of two show it."""


@dataclass(slots=True)
class Prober:
    """Builds commits and measures pairs of them, all with the benchmarks of one commit, `suite_from`.

    `work` is a folder for what processes leave, `state` that of the project. `on_step` is told of a
    commit's environment. `build_s` says how long each took that was not there.
    """

    asv: AsvConfig
    repository: Path
    workshop: Workshop
    recipe: Recipe
    settings: Settings
    suite_from: str
    state: Path
    work: Path
    rng: random.Random
    watcher: Watcher
    on_step: Callable[[str, str], None]
    build_s: dict[str, float] = field(default_factory=dict)
    _built: dict[str, Built] = field(default_factory=dict)
    _records: list[dict[str, Any]] | None = None

    @property
    def clock(self) -> Clock:
        return self.settings.clock

    def build(self, commit: str) -> Built:
        """The environment of a commit, with the versions of the suite's commit where that can be.
        Raises `BuildFailedError`."""
        if commit not in self._built:
            like = None if commit == self.suite_from else self.build(self.suite_from)
            began = time.monotonic()
            built, _ = self.workshop.one(
                self.recipe,
                commit,
                like=like,
                on_step=lambda _, step: self.on_step(commit[:8], step),
            )
            if not built.reused:
                self.build_s[commit] = time.monotonic() - began
            self._built[commit] = built
        return self._built[commit]

    def ready(self, base: str) -> None:
        """Build what every pair with this base needs, and look into the suite. Raises
        `CannotMeasureError`."""
        self.build(base)
        self._look()

    def _look(self) -> Sequence[dict[str, Any]]:
        """asv's description of each benchmark, asked for once."""
        if self._records is None:
            newest = self.build(self.suite_from)
            with work_folder(self.work) as folder:
                place = arena((newest, newest), self._suite, self.state, folder / "suite")
                self._records = discover(place.sides[1], self.rng).records
        return self._records

    @property
    def _suite(self) -> Path:
        return suite_of(self.asv, self.repository, self.build(self.suite_from))

    def measure(  # noqa: PLR0913, PLR0917 (what a measurement is of)
        self,
        base: str,
        contender: str,
        cases: Collection[str],
        enough: Enough,
        deadline: float,
        limits: Mapping[str, float],
    ) -> dict[str, Trial]:
        """The trials of the named cases, each measured until it has enough or time is up. `limits` are
        seconds that an answer of a case may take, where that is less than it may anyway. Raises
        `CannotMeasureError`, `BuildFailedError` among it."""
        pair = (self.build(base), self.build(contender))
        found = {
            name: trial
            for trial in trials(self._look(), self.settings)
            if (name := asv_name(trial.case)) in cases
        }
        for name, trial in found.items():
            trial.limit_s = min(trial.limit_s, limits.get(name, trial.limit_s))
        with work_folder(self.work) as folder:
            place = arena(pair, self._suite, self.state, folder / "pair", self.work / "caches")
            engine = Engine(
                place.sides,
                list(found.values()),
                self.settings,
                enough,
                self.rng,
                self.watcher,
                permitted=_TWICE,
            )
            engine.run(deadline)
        return found


def effects_of(found: Mapping[str, Trial]) -> dict[str, list[float]]:
    """The effects of every trial that has three or more."""
    effects: dict[str, list[float]] = {}
    for name, trial in found.items():
        try:
            seen = trial.effects()
        except ValueError:
            continue
        if len(seen) >= 3 and trial.fate is None and not any(s.failed for s in trial.states):
            effects[name] = seen
    return effects


def why_nothing(found: Mapping[str, Trial]) -> CannotMeasureError:
    """What to say where no trial has any effects."""
    for trial in found.values():
        if trial.fate is not None and trial.fate[1]:
            return CannotMeasureError(trial.fate[1])
        for faults in trial.faults:
            if faults:
                return CannotMeasureError(faults[-1].reason.strip().splitlines()[-1])
    return CannotMeasureError("none of the benchmarks could be measured")
