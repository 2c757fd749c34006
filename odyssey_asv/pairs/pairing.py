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
from pathlib import Path

import psutil

from odyssey_asv.adapter.paired.workers import (
    Clocks,
    Discovered,
    Failed,
    Measured,
    Missing,
    Outcome,
    Prepared,
    Side,
    Skipped,
    Task,
    Worker,
    holds_cache,
    processors,
)
from odyssey_asv.model import Status
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


def discover(side: Side, rng: random.Random) -> Discovered:
    """asv's description of each benchmark of the suite. Raises `CannotMeasureError`."""
    with Worker(side, rng) as worker:
        worker.started()
        return worker.discover()


Enough = Callable[[Trial], bool]
"""Asked after each round of a trial that has new blocks: whether it needs no more."""


class Engine:
    """Measures the trials of one pair of environments until each has enough or time is up.

    `enough` may raise ValueError for values that cannot be compared; that ends the case."""

    def __init__(  # noqa: PLR0913, PLR0917 (what it works with, each used throughout)
        self,
        sides: Sides,
        found: Sequence[Trial],
        settings: Settings,
        enough: Enough,
        rng: random.Random,
        watcher: Watcher,
    ) -> None:
        self.trials = list(found)
        self.processes = 0
        self.sampling_s = 0.0
        self._sides = sides
        self._settings = settings
        self._enough = enough
        self._rng = rng
        self._watcher = watcher
        self._caches: dict[tuple[int, str], Path | str] = {}
        self._processor: int | None = None
        # What starting the interpreters of a round takes. Later ones start while one is measured.
        self._start_s = 0.0
        self._began = 0.0

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
                workers = following or self._start(stack)
                for worker in workers:
                    worker.started()
                self._load(workers, left)
                if number == 1:
                    self._start_s = time.monotonic() - self._began
                following = self._start(stack) if ahead else None
                order = self._rng.sample(left, len(left))
                for trial in order:
                    if clock() >= deadline:
                        break
                    self._watcher.case(trial.label)
                    if not all(worker.alive for worker in workers):
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

    def _load(self, workers: tuple[Worker, Worker], left: Sequence[Trial]) -> None:
        """Import what is left. What cannot be imported, its block will find missing."""
        names = sorted({t.benchmark.id for t in left if not t.alone})
        for worker in workers:
            worker.begin_load(names)
        for worker in workers:
            worker.loaded()

    def _make_ready(self) -> None:
        """Compile what will be imported and fill the caches of `setup_cache`: from the first block on
        every process of either side finds the same."""
        names = sorted({t.benchmark.id for t in self.trials})
        for side, which in enumerate(self._sides):
            with Worker(which, self._rng) as worker:
                worker.started()
                self.processes += 1
                faults = worker.load(names)
                for trial in self.trials:
                    if trial.benchmark.id in faults:
                        self._settle(trial, side, Missing(faults[trial.benchmark.id]))
                keys = {t.cache_key: t for t in self.trials if t.cache_key and not t.done}
                for key, trial in keys.items():
                    name = hashlib.sha256(key.encode()).hexdigest()[:16]
                    folder = which.caches / name
                    fault = None
                    if not holds_cache(folder):
                        shutil.rmtree(folder, ignore_errors=True)
                        folder.mkdir(parents=True)
                        fault = worker.cache(trial.benchmark.id, folder, trial.timeout_s)
                    self._caches[side, key] = folder if fault is None else fault

    def _block(self, trial: Trial, workers: tuple[Worker, Worker], left: int) -> None:
        if not trial.done:
            self._look_at_caches(trial)
        if trial.done:
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
            self._take(trial, workers, outcomes, left)
            for worker in () if trial.slow else workers:
                worker.end()
            for side, worker in enumerate(workers):
                fault = worker.finish()
                if fault is not None and not trial.done:
                    self._settle(trial, side, fault)

    def _take(
        self,
        trial: Trial,
        workers: tuple[Worker, Worker],
        outcomes: tuple[Outcome, Outcome],
        left: int,
    ) -> None:
        """Take what both sides, got ready, have to give."""
        first, second = outcomes
        if isinstance(first, Prepared) and isinstance(second, Prepared):
            trial.ready(first, second)
            if self._sample(trial, workers, left):
                trial.cool_down((first.first, second.first))
                if not trial.shared and len(trial.blocks) == 1 and self._one is not None:
                    trial.share(self._settings.clock)
        elif isinstance(first, Measured) and isinstance(second, Measured):
            trial.blocks.append(Block(0, values=(first.value, second.value)))
            self.sampling_s += sampled_s(first.value) + sampled_s(second.value)
        else:
            for side, outcome in enumerate(outcomes):
                self._settle(trial, side, outcome)

    def _look_at_caches(self, trial: Trial) -> None:
        for side in (BASE, CONTENDER):
            cache = self._cache_of(trial, side)
            if isinstance(cache, str):
                self._settle(trial, side, Failed(f"setup_cache failed: {cache}"), last=True)

    def _prepare(self, trial: Trial, workers: tuple[Worker, Worker]) -> tuple[Outcome, Outcome]:
        """Both sides at once, but one after the other where the base has to find `number` first, and in
        either order where they time themselves or have no time for each other."""
        tasks = [self._task(trial, side) for side in (BASE, CONTENDER)]
        if trial.times_itself or trial.slow:
            outcomes: dict[int, Outcome] = {}
            for side in self._rng.sample((BASE, CONTENDER), 2):
                workers[side].begin(tasks[side])
                outcomes[side] = workers[side].prepared()
            return outcomes[BASE], outcomes[CONTENDER]
        if trial.number or not trial.timed:
            for worker, task in zip(workers, tasks, strict=True):
                worker.begin(task)
            return workers[BASE].prepared(), workers[CONTENDER].prepared()
        workers[BASE].begin(tasks[BASE])
        first = workers[BASE].prepared()
        if isinstance(first, Prepared):
            trial.number = first.number
        workers[CONTENDER].begin(self._task(trial, CONTENDER))
        return first, workers[CONTENDER].prepared()

    def _task(self, trial: Trial, side: int) -> Task:
        cache = self._cache_of(trial, side)
        return Task(
            benchmark=trial.benchmark.id,
            params=tuple(text for _, text in trial.case.params) if trial.case.params else None,
            timeout_s=trial.timeout_s,
            cache=cache if isinstance(cache, Path) else None,
            number=trial.number,
            cpu=self._processor_for(trial),
            fork=not trial.alone,
            warm=trial.warm,
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

    def _cache_of(self, trial: Trial, side: int) -> Path | str | None:
        return None if trial.cache_key is None else self._caches[side, trial.cache_key]

    def _sample(self, trial: Trial, workers: tuple[Worker, Worker], left: int) -> bool:
        """Add a block; false where a side broke."""
        pairs: list[tuple[Clocks, Clocks]] = []
        take = self._at_once if trial.shared else self._in_turn
        wanted = 1
        while len(pairs) < wanted:
            began = time.monotonic()
            taken = take(trial, workers)
            if taken is None:
                return False
            pairs.append(taken)
            if len(pairs) == 1:
                wanted = self._pairs(trial, time.monotonic() - began, left)
        trial.blocks.append(Block(trial.number, tuple(pairs)))
        return True

    def _in_turn(
        self, trial: Trial, workers: tuple[Worker, Worker]
    ) -> tuple[Clocks, Clocks] | None:
        """A pair of samples, one after the other in random order; None where a side broke."""
        taken: dict[int, Clocks] = {}
        for side in self._rng.sample((BASE, CONTENDER), 2):
            clocks = workers[side].sample()
            if isinstance(clocks, Failed):
                self._settle(trial, side, clocks)
                return None
            taken[side] = clocks
            self.sampling_s += clocks[0]
        return taken[BASE], taken[CONTENDER]

    def _at_once(
        self, trial: Trial, workers: tuple[Worker, Worker]
    ) -> tuple[Clocks, Clocks] | None:
        """A pair of samples by the processor's clock, both at once; None where a side broke. The wall clock
        shows nothing then: what it would show of a sample alone is what the sample takes of the
        processor."""
        for side in self._rng.sample((BASE, CONTENDER), 2):
            workers[side].begin_sample()
        taken: dict[int, Clocks] = {}
        for side in (BASE, CONTENDER):
            clocks = workers[side].sampled()
            if isinstance(clocks, Failed):
                self._settle(trial, side, clocks)
                return None
            _, spent_s, own_s = clocks
            taken[side] = spent_s, spent_s, own_s
            self.sampling_s += spent_s
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

    def _settle(self, trial: Trial, side: int, outcome: Outcome, *, last: bool = False) -> None:
        """Remember what a side could not do, and end the case where that will not change.

        A failure may be a hiccup and gets a second chance, unless it is the `last`."""
        match outcome:
            case Missing(reason) if trial.blocks:
                # It was there before.
                self._settle(trial, side, Failed(reason))
            case Missing(reason):
                added = side == BASE
                trial.fate = (Verdict.ADDED if added else Verdict.REMOVED, reason)
                trial.missing.add(side)
                trial.done = True
            case Skipped():
                trial.states[side] = Status.SKIPPED
                trial.done = True
            case Failed():
                trial.faults[side].append(outcome)
                if last or outcome.timeout or len(trial.faults[side]) > 1:
                    trial.states[side] = Status.TIMEOUT if outcome.timeout else Status.FAILED
                    trial.done = True
            case _:
                pass

    def _look(self, trial: Trial) -> None:
        if not trial.done:
            try:
                trial.done = self._enough(trial)
            except ValueError as error:
                trial.fate, trial.done = (Verdict.NOT_COMPARABLE, str(error)), True
        if trial.done:
            self._watcher.decided(trial)
