"""Two environments → findings: the paired engine. Knows nothing of commits and reports.

Goes round the suite in blocks. A block starts one interpreter a side, and in it each case runs in both
at once, sample by sample in random order; it ends as one number, the median of the pairs' log ratios.
After each round the cases that `evidence` finds decided drop out.
"""

from __future__ import annotations

import hashlib
import math
import random
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil

from odyssey_asv.adapter.paired.workers import (
    Failed,
    Measured,
    Missing,
    Outcome,
    Prepared,
    Sample,
    Side,
    Skipped,
    Task,
    Worker,
    holds_cache,
    processors,
)
from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.model import Status
from odyssey_asv.pairs import tracebacks
from odyssey_asv.pairs.trials import BASE, CONTENDER, Block, Settings, Trial, sampled_s
from odyssey_asv.policy import Verdict

_PAIRS = 10
_BLOCK_S = 0.04
"""Of sampling, for one case in its first block, before it is shared among pairs."""
_MOST_PAIRS = 40
_APART = 0.03
"""By how much two processes of the same code differ, as the standard deviation of the logarithm of their
ratio: 1 to 5 % for the cases of the accuracy study on a shared machine, 3 % in the middle."""

Sides = tuple[Side, Side]


class Watcher:
    """Told what goes on; every method may be overridden and does nothing itself."""

    def planned(self, cases: int, gated: int) -> None:
        """This many cases will be measured, and this many of them may raise an alarm."""

    def round(self, number: int, left: int) -> None:
        """A round begins; this many cases are not decided yet."""

    def case(self, name: str) -> None:
        """A case is being measured."""

    def decided(self, trial: Trial) -> None:
        """A case is done with."""


Enough = Callable[[Trial], bool]
"""Asked after each round of a trial that has new blocks: whether it needs no more."""


class Engine:
    """Measures the trials of one pair of environments until each has enough or time is up.

    `enough` may raise ValueError for values that cannot be compared; that ends the case. `permitted` is the
    error permitted to saying of a case that one side fails more often than the other."""

    def __init__(  # noqa: PLR0913, PLR0917 (what it works with, each used throughout)
        self,
        sides: Sides,
        found: Sequence[Trial],
        settings: Settings,
        enough: Enough,
        rng: random.Random,
        watcher: Watcher,
        *,
        permitted: float,
    ) -> None:
        self.trials = list(found)
        self.processes = 0
        self.sampling_s = 0.0
        self._sides = sides
        self._settings = settings
        self._enough = enough
        self._rng = rng
        self._watcher = watcher
        self._permitted = permitted
        self._caches: dict[tuple[int, str], Path | Failed] = {}
        self._processor: int | None = None
        # What starting the interpreters of a round takes. Later ones start while one is measured.
        self._start_s = 0.0
        self._began = 0.0
        # What each side took for its last answer to being told to get ready.
        self._answered_s = [0.0, 0.0]
        self._ended: dict[int, Failed] = {}

    def run(
        self,
        deadline: float,
        clock: Callable[[], float] = time.monotonic,
        paced: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Measure until everything is decided or `clock` has passed `deadline`.

        `paced` is told, once, the seconds that a round of all cases takes."""
        self._make_ready()
        for trial in self.trials:
            if trial.done:
                self._watcher.decided(trial)
        number = 0
        # On a single processor the next interpreters would start in the middle of samples.
        ahead = len(processors()) != 1
        with ExitStack() as stack:
            began = clock()
            following = self._start(stack) if ahead else None
            while (left := [t for t in self.trials if not t.done]) and clock() < deadline:
                number += 1
                self._watcher.round(number, len(left))
                self._choose_processor()
                if number > 1:
                    self._retry_caches(left)
                workers = following or self._start(stack)
                for worker in workers:
                    worker.started()
                # What ends a process that imports it fails in the cases, not for the whole check.
                self._ended = self._load(workers, left)
                going = [w for side, w in enumerate(workers) if side not in self._ended]
                if number == 1:
                    self._start_s = time.monotonic() - self._began
                following = self._start(stack) if ahead else None
                order = self._rng.sample(left, len(left))
                for trial in order:
                    if clock() >= deadline:
                        break
                    self._watcher.case(trial.label)
                    if not all(worker.alive for worker in going):
                        break
                    self._block(trial, workers, len(left))
                for worker in workers:
                    worker.close()
                for trial in left:
                    self._look(trial)
                if number == 1:
                    paced(clock() - began)

    def _start(self, stack: ExitStack) -> tuple[Worker, Worker]:
        """An interpreter for each side, either first."""
        started: dict[int, Worker] = {}
        aside = self._aside()
        for side in self._rng.sample((BASE, CONTENDER), 2):
            started[side] = Worker(self._sides[side], self._rng, aside)
            stack.callback(started[side].close)
        self.processes += 2
        self._began = time.monotonic()
        return started[BASE], started[CONTENDER]

    def _aside(self) -> list[int]:
        """Where to start interpreters while samples are taken: on other processors than those are."""
        sampled = self._one
        return [] if sampled is None else [number for number in processors() if number != sampled]

    @property
    def _one(self) -> int | None:
        """The processor for samples that need only one."""
        return self._processor if self._settings.cpu is None else self._settings.cpu

    def _load(self, workers: tuple[Worker, Worker], left: Sequence[Trial]) -> dict[int, Failed]:
        """Import what is left. What cannot be imported, its block will find missing. Returns how processes
        ended over it, by side."""
        names = sorted({t.benchmark.id for t in left if not t.alone})
        for worker in workers:
            worker.begin_load(names)
        ended = {}
        for side, worker in enumerate(workers):
            try:
                worker.loaded()
            except CannotMeasureError as error:
                how, *said = str(error).splitlines()
                ended[side] = Failed("\n".join([*said, how.removesuffix("; it said:")]))
        return ended

    def _make_ready(self) -> None:
        """Compile what will be imported and fill the caches of `setup_cache`: from the first block on
        every process of either side finds the same."""
        names = sorted({t.benchmark.id for t in self.trials})
        with ExitStack() as stack:
            workers = self._start(stack)
            absent: list[dict[str, Missing]] = []
            for worker in workers:
                worker.started()
                worker.begin_load(names)
            for worker in workers:
                try:
                    absent.append(worker.loaded())
                except CannotMeasureError:
                    absent.append({})
            for trial in self.trials:
                before, after = (faults.get(trial.benchmark.id) for faults in absent)
                if after is not None and not after.broken:
                    self._lacks(trial, CONTENDER, after)
                elif before is not None and after is None:
                    self._lacks(trial, BASE, before)
        for key in {t.cache_key for t in self.trials if t.cache_key and not t.done}:
            self._make_caches(key)

    def _make_caches(self, key: str) -> None:
        """Run the `setup_cache` of either side that has not been run to its end."""
        trial = next(t for t in self.trials if t.cache_key == key and not t.done)
        name = hashlib.sha256(key.encode()).hexdigest()[:16]
        for side, which in enumerate(self._sides):
            folder = which.caches / name
            self._caches[side, key] = folder
            if holds_cache(folder):
                continue
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            with Worker(which, self._rng) as worker:
                worker.started()
                self.processes += 1
                fault = worker.cache(trial.benchmark.id, folder, trial.limit_s)
                if fault is not None:
                    self._caches[side, key] = self._located(side, fault)

    def _retry_caches(self, left: Sequence[Trial]) -> None:
        """Run a `setup_cache` that failed once more, and that of the other side with it: where it fails by
        chance, it fails as often on either side."""
        for key in {t.cache_key for t in left if t.cache_key}:
            made = [self._caches[side, key] for side in (BASE, CONTENDER)]
            if any(isinstance(cache, Failed) for cache in made):
                for cache in made:
                    if isinstance(cache, Path):
                        shutil.rmtree(cache, ignore_errors=True)
                self._make_caches(key)

    def _located(self, side: int, failed: Failed) -> Failed:
        """A failure with the place in the suite or the project where it was raised."""
        return replace(failed, where=tracebacks.where(failed.reason, self._sides[side]))

    def _lacks(self, trial: Trial, side: int, missing: Missing) -> None:
        """End a case that one side simply does not have."""
        trial.fate = (Verdict.ADDED if side == BASE else Verdict.REMOVED, missing.reason)
        trial.missing.add(side)
        trial.done = True

    def _block(self, trial: Trial, workers: tuple[Worker, Worker], left: int) -> None:
        """One attempt at a case: a process of either side, asked for the same. What it gives counts where
        neither side failed."""
        if trial.done:
            return
        failed = {
            side: cache
            for side in (BASE, CONTENDER)
            if isinstance(cache := self._cache_of(trial, side), Failed)
        }
        if failed:
            self._attempted(trial, failed)
            return
        with ExitStack() as stack:
            if trial.alone:
                workers = self._start(stack)
                for worker in workers:
                    worker.started()
            began = time.monotonic()
            outcomes = self._prepare(trial, workers)
            if not trial.blocks:
                trial.ready_s = time.monotonic() - began
            block = self._take(trial, workers, outcomes, failed, left)
            for worker in () if trial.slow else workers:
                worker.end()
            for side, worker in enumerate(workers):
                fault = worker.finish()
                if fault is not None:
                    failed.setdefault(side, self._located(side, fault))
        if trial.done:
            return
        if block is not None and not failed:
            trial.blocks.append(block)
            first, second = outcomes
            if isinstance(first, Prepared) and isinstance(second, Prepared):
                trial.cool_down((first.first, second.first))
                trial.shorten()
                if not trial.shared and len(trial.blocks) == 1 and self._one is not None:
                    trial.share(self._settings.clock)
        self._attempted(trial, failed)

    def _attempted(self, trial: Trial, failed: dict[int, Failed]) -> None:
        """Take down what came of an attempt."""
        for side, fault in failed.items():
            trial.faults[side].append(fault)
        if len(failed) == 1:
            ((side, fault),) = failed.items()
            if fault.timeout:
                trial.out_of_time(max(self._answered_s[1 - side], *trial.solo[1 - side][-1:], 0.0))
        trial.attempted(BASE in failed, CONTENDER in failed, self._permitted)

    def _take(
        self,
        trial: Trial,
        workers: tuple[Worker, Worker],
        outcomes: tuple[Outcome, Outcome],
        failed: dict[int, Failed],
        left: int,
    ) -> Block | None:
        """What both sides, got ready, have to give; None where one of them has nothing. Failures are added
        to `failed`."""
        first, second = outcomes
        if isinstance(first, Prepared) and isinstance(second, Prepared):
            trial.ready(first)
            return self._sample(trial, workers, failed, left)
        if isinstance(first, Measured) and isinstance(second, Measured):
            self.sampling_s += sampled_s(first.value) + sampled_s(second.value)
            return Block(0, values=(first.value, second.value))
        for side, outcome in enumerate(outcomes):
            self._decline(trial, side, outcome, failed)
        if not failed and not trial.done:
            trial.fate = (Verdict.NOT_COMPARABLE, "it takes time on one side only")
            trial.done = True
        for side, outcome in enumerate(outcomes):
            if isinstance(outcome, Prepared) and not trial.done:
                # What this side takes tells how bad it is on the other, and it may fail as well.
                trial.ready(outcome)
                taken = workers[side].sample()
                if isinstance(taken, Failed):
                    failed[side] = self._located(side, taken)
                else:
                    trial.solo[side].append(taken.wall / outcome.number)
        return None

    def _decline(
        self, trial: Trial, side: int, outcome: Outcome, failed: dict[int, Failed]
    ) -> None:
        """Take down why a side has nothing to give, if it has not."""
        match outcome:
            case Skipped():
                trial.states[side] = Status.SKIPPED
                trial.done = True
            case Missing(broken=False) if not trial.blocks:
                self._lacks(trial, side, outcome)
            case Missing():
                said = outcome.traceback or outcome.reason
                failed[side] = self._located(side, Failed(said))
            case Failed():
                failed[side] = self._located(side, outcome)
            case _:
                pass

    def _prepare(self, trial: Trial, workers: tuple[Worker, Worker]) -> tuple[Outcome, Outcome]:
        """Both sides at once, but one after the other where the base has to find `number` first, and in
        either order where they time themselves or have no time for each other."""
        outcomes: dict[int, Outcome] = {}
        began: dict[int, float] = {}

        def begin(side: int) -> None:
            began[side] = time.monotonic()
            if trial.alone or side not in self._ended:
                workers[side].begin(self._task(trial, side))

        def wait(side: int) -> None:
            if trial.alone or side not in self._ended:
                outcomes[side] = workers[side].prepared()
            else:
                outcomes[side] = self._ended[side]
            self._answered_s[side] = time.monotonic() - began[side]

        if trial.times_itself or trial.slow:
            for side in self._rng.sample((BASE, CONTENDER), 2):
                begin(side)
                wait(side)
        elif trial.number or not trial.timed:
            begin(BASE)
            begin(CONTENDER)
            wait(BASE)
            wait(CONTENDER)
        else:
            begin(BASE)
            wait(BASE)
            if isinstance(first := outcomes[BASE], Prepared):
                trial.number = first.number
            begin(CONTENDER)
            wait(CONTENDER)
        return outcomes[BASE], outcomes[CONTENDER]

    def _task(self, trial: Trial, side: int) -> Task:
        cache = self._cache_of(trial, side)
        return Task(
            benchmark=trial.benchmark.id,
            params=tuple(text for _, text in trial.case.params) if trial.case.params else None,
            timeout_s=trial.limit_s,
            cache=cache if isinstance(cache, Path) else None,
            number=trial.number,
            cpu=self._processor_for(trial),
            fork=not trial.alone,
            warm=trial.warm,
            shared=trial.shared,
        )

    def _processor_for(self, trial: Trial) -> int | None:
        """Where to take the samples: both sides on one processor, for two differ in what else they do.

        Not in the first block, which shows whether the case needs more than one."""
        found_out = trial.blocks or trial.shared
        if self._settings.cpu is not None or not found_out or not trial.timed:
            return self._settings.cpu
        # Nobody knows how many threads one that times itself has.
        return None if trial.parallel or trial.times_itself else self._processor

    def _choose_processor(self) -> None:
        """The one that was least busy in the last round."""
        allowed = processors()
        busy = psutil.cpu_percent(percpu=True)
        known = [number for number in allowed if number < len(busy)]
        self._processor = min(known, key=lambda number: busy[number], default=None)

    def _cache_of(self, trial: Trial, side: int) -> Path | Failed | None:
        return None if trial.cache_key is None else self._caches[side, trial.cache_key]

    def _sample(
        self, trial: Trial, workers: tuple[Worker, Worker], failed: dict[int, Failed], left: int
    ) -> Block | None:
        """A block of as many pairs as it takes; None where a side broke. Both sides are asked for the same,
        also after one of them broke."""
        pairs: list[tuple[Sample, Sample]] = []
        wanted = 1
        while len(pairs) < wanted:
            began = time.monotonic()
            base, contender = self._pair(trial, workers)
            for side, taken in enumerate((base, contender)):
                if isinstance(taken, Failed):
                    failed[side] = self._located(side, taken)
            if isinstance(base, Failed) or isinstance(contender, Failed):
                samples = [*(pair[BASE] for pair in pairs), base], [
                    *(pair[CONTENDER] for pair in pairs), contender,
                ]  # fmt: skip
                for side, every in enumerate(samples):
                    good = [sample.wall for sample in every if isinstance(sample, Sample)]
                    trial.solo[side].extend(seconds / trial.number for seconds in good)
                return None
            pairs.append((base, contender))
            if len(pairs) == 1:
                wanted = self._pairs(trial, time.monotonic() - began, left)
        return Block(trial.number, tuple(pairs))

    def _pair(
        self, trial: Trial, workers: tuple[Worker, Worker]
    ) -> tuple[Sample | Failed, Sample | Failed]:
        """A sample of each side: one after the other in random order, or both at once on one processor."""
        taken: dict[int, Sample | Failed] = {}
        order = self._rng.sample((BASE, CONTENDER), 2)
        for side in order:
            if trial.shared:
                workers[side].begin_sample()
            else:
                taken[side] = workers[side].sample()
        for side in (BASE, CONTENDER):
            if trial.shared:
                taken[side] = workers[side].sampled()
            if isinstance(sample := taken[side], Sample):
                # Two that share a processor each take the CPU time that they get.
                self.sampling_s += sample.cpu if trial.shared else sample.wall
        return taken[BASE], taken[CONTENDER]

    def _pairs(self, trial: Trial, pair_s: float, left: int) -> int:
        """How many pairs make a block, `left` cases sharing the start of its processes: as many as tell
        most for their time. What pairs differ by within a process is worth sampling away only as far as
        processes agree, and the further the more a block costs beside its samples: the optimum of
        sampling in two stages (Cochran, *Sampling Techniques*, 1977, 10.6), here for a median. A pair that
        shares a processor is many short ones."""
        spread = trial.spread()
        if spread is None:
            wanted = min(_PAIRS, _BLOCK_S / max(pair_s, 1e-9))
        else:
            beside_s = trial.ready_s + self._start_s / left
            wanted = spread / _APART * math.sqrt(math.pi / 2.0 * beside_s / max(pair_s, 1e-9))
        pairs = max(1, min(_MOST_PAIRS, round(wanted)))
        if pair_s < 1.0 and not trial.shared:
            pairs = max(pairs, 3)
        return min(pairs, trial.repeat) if trial.repeat else pairs

    def _look(self, trial: Trial) -> None:
        if not trial.done:
            try:
                trial.done = self._enough(trial)
            except ValueError as error:
                trial.fate, trial.done = (Verdict.NOT_COMPARABLE, str(error)), True
        if trial.done:
            self._watcher.decided(trial)
