"""The paired engine with workers that are made up: order, clocks, faults, and when it stops."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

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
)
from odyssey_asv.findings import Clock, Finding
from odyssey_asv.pairs import evidence, pairing
from odyssey_asv.pairs.evidence import LOOKS, Promise
from odyssey_asv.pairs.pairing import Engine, Watcher
from odyssey_asv.pairs.trials import Block, Settings, Trial, sampled_s, trials
from odyssey_asv.policy import Policy, Verdict

READY = Prepared(number=10, repeat=0, own_timer=False, fresh=False)

Answer = Callable[[Side, Task], Outcome]
Take = Callable[[Side, Task], Sample | Failed]


class World:
    """What the made-up workers answer, and what they were asked."""

    def __init__(self) -> None:
        self.rng = random.Random(1)
        self.answer: Answer = lambda side, task: READY
        self.take: Take = self.sample_of({"base": 1.0, "contender": 1.0})
        self.load: Callable[[Side], dict[str, Missing]] = lambda side: {}
        self.ending: Callable[[Side], Failed | None] = lambda side: None
        self.tasks: list[tuple[str, Task]] = []
        self.log: list[str] = []
        self.asides: list[list[int]] = []
        self.open = 0

    def sample_of(self, speed: dict[str, float], noise: float = 0.01) -> Take:
        """Samples of some milliseconds, bound by the processor."""

        def take(side: Side, task: Task) -> Sample:
            seconds = 0.002 * speed[side.name] * math.exp(self.rng.gauss(0, noise))
            return Sample(seconds, seconds * 0.999)

        return take


class FakeWorker:
    """Stands in for a started interpreter."""

    world: World

    def __init__(self, side: Side, rng: random.Random, aside: Sequence[int] = ()) -> None:
        self.side = side
        self.alive = True
        self.world.open += 1
        self.world.asides.append(list(aside))
        self.world.log.append(f"start {side.name}")
        self._closed = False

    def __enter__(self) -> FakeWorker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if not self._closed:
            self.world.open -= 1
            self._closed = True

    def started(self) -> None:
        pass

    def load(self, names: list[str]) -> dict[str, Missing]:
        return self.world.load(self.side)

    def begin_load(self, names: list[str]) -> None:
        self.world.log.append(f"load {self.side.name}")

    def loaded(self) -> dict[str, Missing]:
        self.world.log.append(f"loaded {self.side.name}")
        return self.load([])

    def cache(self, name: str, folder: Path, timeout_s: float) -> Failed | None:
        self.world.log.append(f"cache {self.side.name} {name}")
        return Failed("setup_cache failed: no cache") if "bad" in name else None

    def begin(self, task: Task) -> None:
        self.task = task
        self.world.tasks.append((self.side.name, task))

    def prepared(self) -> Outcome:
        return self.world.answer(self.side, self.task)

    def sample(self) -> Sample | Failed:
        self.world.log.append(f"sample {self.side.name}")
        return self.world.take(self.side, self.task)

    def begin_sample(self) -> None:
        self.world.log.append(f"begin {self.side.name}")

    def sampled(self) -> Sample | Failed:
        self.world.log.append(f"sampled {self.side.name}")
        return self.world.take(self.side, self.task)

    def end(self) -> None:
        self.world.log.append(f"end {self.side.name}")

    def finish(self) -> Failed | None:
        self.world.log.append(f"finish {self.side.name}")
        return self.world.ending(self.side)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(FakeWorker, "world", made, raising=False)
    monkeypatch.setattr(pairing, "Worker", FakeWorker)
    return made


def record(name: str = "suite.time_f", **more: Any) -> dict[str, Any]:
    kind = {"time": "time", "track": "track", "peakmem": "peakmemory"}[
        name.rsplit(".", maxsplit=1)[-1].split("_", maxsplit=1)[0]
    ]
    unit = {"time": "seconds", "track": "unit", "peakmemory": "bytes"}[kind]
    return {"name": name, "type": kind, "unit": unit, "params": [], "param_names": [], **more}


def measure(
    tmp_path: Path,
    *records: dict[str, Any],
    settings: Settings | None = None,
    turns: int | None = None,
    watcher: Watcher | None = None,
) -> dict[str, Finding]:
    """Run the engine; `turns` is how often the clock may be read before time is up."""
    settings = settings or Settings(Policy())
    sides = tuple(
        Side(
            name, Path("python"), {}, tmp_path, tmp_path, tmp_path, tmp_path / name, tmp_path / name
        )
        for name in ("base", "contender")
    )
    found = trials(records or [record()], settings)
    promise = Promise(max(1, sum(t.gated for t in found)))
    engine = Engine(
        (sides[0], sides[1]),
        found,
        settings,
        lambda trial: trial.judge(settings, promise),
        random.Random(2),
        watcher or Watcher(),
        permitted=promise.of_failures,
    )
    ticks = itertools.count()
    clock = (lambda: float(next(ticks))) if turns is not None else (lambda: 0.0)
    engine.run(float(turns) if turns is not None else 1.0, clock)
    findings = (trial.finding(settings, promise) for trial in engine.trials)
    return {f.label: f for f in findings if f is not None}


def only(found: dict[str, Finding]) -> Finding:
    (one,) = found.values()
    return one


def test_a_slowdown_is_found_and_the_same_is_not(world: World, tmp_path: Path) -> None:
    world.take = world.sample_of({"base": 1.0, "contender": 1.2})
    slower = only(measure(tmp_path))
    assert slower.verdict is Verdict.REGRESSION
    assert slower.clock is Clock.CPU
    assert slower.ratio == pytest.approx(1.2, rel=0.02)
    assert len(slower.effects) == Promise(1).least
    world.take = world.sample_of({"base": 1.0, "contender": 1.0})
    same = only(measure(tmp_path))
    assert same.verdict is Verdict.UNCHANGED
    assert len(same.effects) == LOOKS[0]
    assert world.open == 0


def test_an_improvement_is_faster(world: World, tmp_path: Path) -> None:
    world.take = world.sample_of({"base": 1.0, "contender": 0.7})
    assert only(measure(tmp_path)).verdict is Verdict.FASTER


def test_each_round_has_processes_of_its_own_and_orders_at_random(
    world: World, tmp_path: Path
) -> None:
    measure(tmp_path)
    starts = [line for line in world.log if line.startswith("start")]
    assert len(starts) >= 2 + 2 * LOOKS[0]
    samples = [line.split()[1] for line in world.log if line.startswith("sample")]
    pairs = list(zip(samples[::2], samples[1::2], strict=True))
    assert all(set(pair) == {"base", "contender"} for pair in pairs)
    assert len(set(pairs)) == 2


def test_both_sides_take_as_many_calls(world: World, tmp_path: Path) -> None:
    """What the base finds once holds for every later process."""
    measure(tmp_path)
    numbers = [task.number for _, task in world.tasks]
    assert numbers[0] == 0
    assert set(numbers[1:]) == {10}


def test_a_few_samples_where_the_benchmark_allows_no_more(world: World, tmp_path: Path) -> None:
    world.answer = lambda side, task: Prepared(1, 2, own_timer=False, fresh=False)
    found = only(measure(tmp_path))
    assert found.base is not None
    assert found.base.processes is not None
    assert {len(process) for process in found.base.processes} == {2}


@pytest.mark.parametrize(
    ("base_s", "contender_s", "more", "falls"),
    [
        (0.005, 0.5, {}, True),
        (0.5, 0.005, {}, True),
        (0.005, 0.5, {"number": 10}, False),
        (0.4, 0.5, {}, False),
        (0.001, 0.05, {}, False),
    ],
)
def test_fewer_calls_where_one_side_takes_very_much_longer(
    world: World, tmp_path: Path, base_s: float, contender_s: float, more: Any, falls: bool
) -> None:
    """A call in a sample of ten; the benchmark's own number is kept."""
    per_call = {"base": base_s, "contender": contender_s}

    def take(side: Side, task: Task) -> Sample:
        number = task.number or READY.number
        return Sample(number * per_call[side.name], number * per_call[side.name])

    world.take = take
    world.answer = lambda side, task: Prepared(
        task.number or READY.number, 0, own_timer=False, fresh=False
    )
    measure(tmp_path, record(**more))
    # The first block finds out how long a sample is, with the number that the base found.
    numbers = [task.number for _, task in world.tasks]
    assert set(numbers[2:]) == ({1} if falls else {10}), numbers


ALONE = Sample(0.002, 0.002)
ASLEEP = Sample(0.002, 0.0001, blocked=0.0019)
HALF_ASLEEP = Sample(0.004, 0.002, blocked=0.002)
THREADS = Sample(0.002, 0.0039, others=0.0019)


@pytest.mark.parametrize(
    ("base", "contender", "wanted", "expected"),
    [
        (ALONE, ALONE, Clock.AUTO, Clock.CPU),
        # Interrupted in every sample, as long ones are on a busy machine.
        (Sample(0.002, 0.001), Sample(0.002, 0.001), Clock.AUTO, Clock.CPU),
        (ASLEEP, ASLEEP, Clock.AUTO, Clock.WALL),
        # Either side is enough: waiting that the change brought, and waiting that it took away.
        (ALONE, HALF_ASLEEP, Clock.AUTO, Clock.WALL),
        (ASLEEP, ALONE, Clock.AUTO, Clock.WALL),
        (ALONE, THREADS, Clock.AUTO, Clock.WALL),
        (THREADS, ALONE, Clock.AUTO, Clock.WALL),
        # It waits for next to nothing.
        (ALONE, Sample(0.002, 0.002, blocked=1e-6), Clock.AUTO, Clock.CPU),
        # Two threads that got half of the processors.
        (Sample(0.002, 0.002, others=0.001), ALONE, Clock.AUTO, Clock.WALL),
        (ALONE, ALONE, Clock.WALL, Clock.WALL),
        (ASLEEP, ASLEEP, Clock.CPU, Clock.CPU),
    ],
)
def test_the_clock_that_fits(
    world: World, tmp_path: Path, base: Sample, contender: Sample, wanted: Clock, expected: Clock
) -> None:
    """CPU time where one thread that never waits does the work of both sides, else wall-clock time; as told
    where told."""
    world.take = lambda side, task: base if side.name == "base" else contender
    found = only(measure(tmp_path, settings=Settings(Policy(), clock=wanted)))
    assert found.clock is expected


def test_standing_in_line_for_a_processor_is_no_waiting_of_its_own(
    world: World, tmp_path: Path
) -> None:
    """Of work in the place of sleep, on a busy machine: as long, but for what other programs take. Where a
    sample has threads of its own, they may be what it stands in line behind."""
    rng = random.Random(5)

    def take(side: Side, task: Task) -> Sample:
        off = math.exp(rng.gauss(0, 0.005))
        if side.name == "base":
            return Sample(0.002 * off, 0.0001, blocked=0.0019)
        queued = rng.uniform(0.0, 0.002)
        return Sample(0.002 * off + queued, 0.002 * off, others=others, queued=queued)

    others = 0.0
    world.take = take
    found = only(measure(tmp_path))
    assert (found.clock, found.verdict) == (Clock.WALL, Verdict.UNCHANGED)
    assert found.contender is not None
    assert found.contender.value == pytest.approx(2e-4, rel=0.02)
    others = 0.001
    assert only(measure(tmp_path)).verdict is Verdict.REGRESSION


@pytest.mark.parametrize("clock", [Clock.WALL, Clock.CPU])
def test_what_is_stored_is_what_was_judged(world: World, tmp_path: Path, clock: Clock) -> None:
    """So that history shows no noise that the verdict did not have."""
    world.take = lambda side, task: Sample(0.003, 0.002)
    found = only(measure(tmp_path, settings=Settings(Policy(), clock=clock)))
    assert found.base is not None
    assert found.base.value == pytest.approx(3e-4 if clock is Clock.WALL else 2e-4)
    assert found.base.extra is not None
    other = "processor" if clock is Clock.WALL else "wall"
    assert set(found.base.extra) == {"clock", other}
    assert found.base.extra["clock"] == clock.value
    others = [seconds for process in found.base.extra[other] for seconds in process]
    assert others == pytest.approx([2e-4 if clock is Clock.WALL else 3e-4] * len(others))


def test_added_waiting_is_a_slowdown_and_waiting_for_work_is_none(
    world: World, tmp_path: Path
) -> None:
    rng = random.Random(5)

    def noisy(sample: Sample) -> Sample:
        return Sample(*(value * math.exp(rng.gauss(0, 0.005)) for value in sample))

    world.take = lambda side, task: noisy(ALONE if side.name == "base" else HALF_ASLEEP)
    assert only(measure(tmp_path)).verdict is Verdict.REGRESSION
    world.take = lambda side, task: noisy(HALF_ASLEEP if side.name == "base" else ALONE)
    assert only(measure(tmp_path)).verdict is Verdict.FASTER
    # As long by the wall clock, at work instead of asleep.
    world.take = lambda side, task: noisy(ASLEEP if side.name == "base" else ALONE)
    assert only(measure(tmp_path)).verdict is Verdict.UNCHANGED


def test_interruptions_do_not_hide_what_a_case_is_bound_by(world: World, tmp_path: Path) -> None:
    """Four samples of five lost the processor for a while."""

    def take(side: Side, task: Task) -> Sample:
        queued = 0.0 if world.rng.random() < 0.2 else 0.003
        return Sample(0.002 + queued, 0.002 * math.exp(world.rng.gauss(0, 0.01)))

    world.take = take
    assert only(measure(tmp_path)).clock is Clock.CPU


def test_a_timer_of_its_own_is_the_clock(world: World, tmp_path: Path) -> None:
    world.answer = lambda side, task: Prepared(10, 0, own_timer=True, fresh=False)
    world.take = lambda side, task: Sample(0.002, 0.002, 7.0)
    found = only(measure(tmp_path))
    assert found.clock is Clock.OWN
    assert found.base is not None
    assert found.base.value == 0.7


def drawn(spread: float, rng: random.Random, pairs: int = 10) -> Block:
    """A block whose pairs differ by so much, around a process of its own."""
    apart = rng.gauss(0.0, 0.03)

    def clocks(log_ratio: float) -> Sample:
        return Sample(0.002 * math.exp(log_ratio), 0.002 * math.exp(log_ratio))

    return Block(1, tuple((clocks(0.0), clocks(rng.gauss(apart, spread))) for _ in range(pairs)))


def test_the_spread_is_that_within_a_process() -> None:
    """However many pairs there are to a block, and however far processes lie apart."""
    rng = random.Random(3)
    (trial,) = trials([record()], Settings(Policy()))
    assert trial.spread() is None
    for pairs in (3, 10):
        trial.blocks = [drawn(0.02, rng, pairs) for _ in range(200)]
        trial.blocks += [drawn(0.01, rng, pairs) for _ in range(10)]
        assert trial.spread() == pytest.approx(0.01, rel=0.4)
    trial.blocks = [drawn(0.02, rng, 1)]
    assert trial.spread() is None
    trial.blocks = [Block(1, ((Sample(0.3, 0.0), Sample(0.3, 0.0)),) * 4)]
    trial.clock = Clock.CPU
    assert trial.spread() is None


def test_a_block_has_as_many_pairs_as_tell_most_for_their_time(tmp_path: Path) -> None:
    """More where pairs differ more or a block costs more beside them; fewer where they take long."""
    (trial,) = trials([record()], Settings(Policy()))
    side = Side("a", tmp_path, {}, tmp_path, tmp_path, tmp_path, tmp_path, tmp_path)
    engine = Engine(
        (side, side), [trial], Settings(Policy()), lambda _: False, random.Random(1), Watcher(),
        permitted=0.01,
    )  # fmt: skip

    def pairs(spread: float | None, *, pair_s: float = 0.004, ready_s: float = 0.02) -> int:
        rng = random.Random(4)
        trial.ready_s = ready_s
        trial.blocks = [] if spread is None else [drawn(spread, rng) for _ in range(10)]
        return engine._pairs(trial, pair_s, 25)

    assert pairs(None) == 10
    assert pairs(None, pair_s=0.1) == 3
    assert 3 <= pairs(0.02) < pairs(0.06) < pairs(0.2) < pairs(1.0) == 40
    assert pairs(0.02) < pairs(0.02, ready_s=0.2)
    assert pairs(0.02, pair_s=0.1) == 3
    assert pairs(0.02, pair_s=2.0) == 1
    trial.repeat = 2
    assert pairs(0.2) == 2


def test_a_thorough_check_goes_on_until_faster_is_told_from_unchanged(
    world: World, tmp_path: Path
) -> None:
    """No exit code depends on it, so it is asked for."""
    blocks = {}
    for thorough in (False, True):
        world.rng = random.Random(2)
        world.take = world.sample_of({"base": 1.0, "contender": 0.93}, noise=0.1)
        found = only(measure(tmp_path, settings=Settings(Policy(), thorough=thorough)))
        assert found.verdict in {Verdict.FASTER, Verdict.UNCHANGED}
        blocks[thorough] = len(found.effects)
    assert blocks[False] < blocks[True]


def test_time_up_is_undecided(world: World, tmp_path: Path) -> None:
    world.take = world.sample_of({"base": 1.0, "contender": 1.07}, noise=0.3)
    found = only(measure(tmp_path, turns=14))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason is not None
    assert found.reason == "time was up after 6 of the 9 blocks that a regression needs"
    none = only(measure(tmp_path, turns=0))
    assert (none.verdict, none.ratio) == (Verdict.INCONCLUSIVE, None)
    assert world.open == 0


def test_undecided_after_the_last_look_is_no_matter_of_time(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "LOOKS", LOOKS[:4])
    world.take = world.sample_of({"base": 1.0, "contender": 1.07}, noise=0.8)
    found = only(measure(tmp_path))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason is not None
    assert found.reason.startswith(f"not decided by {LOOKS[3]} blocks; a slowdown of ")


def test_what_fails_once_is_measured_on_and_called_unsteady(world: World, tmp_path: Path) -> None:
    """One failure in a contender that else is the base's equal raises no alarm, and hides nothing."""
    seen: list[str] = []

    def answer(side: Side, task: Task) -> Outcome:
        seen.append(side.name)
        first = seen.count("contender") == 1 and side.name == "contender"
        return Failed("ValueError: hiccup") if first else READY

    world.answer = answer
    found = only(measure(tmp_path))
    assert (found.verdict, found.unsteady, found.alarm) == (Verdict.NOT_COMPARABLE, True, False)
    assert found.reason is not None
    assert found.reason.startswith("unsteady: failed in 0 of ")
    assert "of the base and 1 of the contender; it failed: ValueError: hiccup" in found.reason
    assert len(found.effects) >= LOOKS[0]


def test_a_slowdown_is_found_though_processes_fail_now_and_then(
    world: World, tmp_path: Path
) -> None:
    """A block that failed takes nothing from those that did not."""
    plain = world.sample_of({"base": 1.0, "contender": 1.5})
    rng = random.Random(7)
    world.take = lambda side, task: (
        Failed("late", timeout=True) if rng.random() < 0.01 else plain(side, task)
    )
    assert only(measure(tmp_path)).verdict is Verdict.REGRESSION


@pytest.mark.parametrize(
    ("bad", "verdict"),
    [
        ({"contender"}, Verdict.FAILED),
        ({"base"}, Verdict.FIXED),
        ({"base", "contender"}, Verdict.NOT_COMPARABLE),
    ],
)
@pytest.mark.parametrize("timeout", [False, True])
def test_what_fails_on_one_side_each_time_has_failed(
    world: World, tmp_path: Path, bad: set[str], verdict: Verdict, timeout: bool
) -> None:
    world.answer = lambda side, task: (
        Failed("first\nValueError: last", timeout=timeout) if side.name in bad else READY
    )
    found = only(measure(tmp_path))
    assert found.verdict is verdict
    assert found.unsteady is (len(bad) == 2)
    assert "ValueError: last" in (found.reason or "")


def test_as_many_processes_have_to_fail_as_the_promise_asks_for(
    world: World, tmp_path: Path
) -> None:
    """By chance, one side alone fails as often as the other: ten times in a row is 1 in 1024."""
    world.answer = lambda side, task: Failed("x") if side.name == "contender" else READY
    attempts = {}
    for cases in (1, 30):
        world.tasks.clear()
        records = [record(f"suite.time_{number}") for number in range(cases)]
        assert {f.verdict for f in measure(tmp_path, *records).values()} == {Verdict.FAILED}
        attempts[cases] = len(world.tasks) / cases / 2
    assert 0.5 ** attempts[1] < Promise(1).of_failures < 0.5 ** (attempts[1] - 3)
    assert attempts[30] == attempts[1] + 5


def test_too_few_failures_for_a_verdict_do_not_pass(world: World, tmp_path: Path) -> None:
    world.answer = lambda side, task: Failed("x") if side.name == "contender" else READY
    found = only(measure(tmp_path, turns=14))
    assert (found.verdict, found.suspect) == (Verdict.INCONCLUSIVE, True)
    assert found.reason is not None
    assert found.reason.startswith("time was up; failed in 0 of 6 processes of the base and 6 of ")


def test_a_failure_tells_what_the_base_takes(world: World, tmp_path: Path) -> None:
    world.take = world.sample_of({"base": 1.0})
    world.answer = lambda side, task: Failed("x") if side.name == "contender" else READY
    found = only(measure(tmp_path))
    assert found.base is not None
    assert found.base.value == pytest.approx(0.0002, rel=0.05)
    assert found.at_least is None


def test_what_does_not_end_is_waited_for_once(world: World, tmp_path: Path) -> None:
    """The first time as long as the benchmark may take; then as long as shows that it takes many times as
    long as the base."""
    world.answer = lambda side, task: (
        Failed("no answer within 60 s", timeout=True) if side.name == "contender" else READY
    )
    found = only(measure(tmp_path))
    limits = [task.timeout_s for _, task in world.tasks]
    assert limits[:2] == [60.0, 60.0]
    assert set(limits[2:]) == {1.0}
    assert found.verdict is Verdict.FAILED
    # Ten calls of 0.2 ms make a sample, which took more than a minute.
    assert found.at_least == pytest.approx(60.0 / 0.002, rel=0.05)
    assert "at least ×" in (found.reason or "")
    assert "a call takes 200 µs in the base" in (found.reason or "").replace("199", "200")


@pytest.mark.parametrize("torn", [("contender",), ("base", "contender")])
def test_a_tear_down_that_breaks_is_a_failure(
    world: World, tmp_path: Path, torn: tuple[str, ...]
) -> None:
    """As asv has it: also where everything was measured before. Both sides are asked."""
    world.ending = lambda side: Failed("torn") if side.name in torn else None
    found = only(measure(tmp_path))
    if len(torn) == 1:
        assert (found.verdict, found.reason) == (Verdict.FAILED, "it failed: torn")
    else:
        assert found.verdict is Verdict.NOT_COMPARABLE
        assert found.reason == "on both sides it failed: torn"


def test_a_sample_that_breaks_ends_the_block(world: World, tmp_path: Path) -> None:
    world.take = lambda side, task: (
        Failed("broke") if side.name == "contender" else Sample(1e-3, 1e-3)
    )
    found = only(measure(tmp_path))
    assert found.verdict is Verdict.FAILED
    assert found.base is not None
    assert found.base.value == pytest.approx(1e-4)


def test_both_sides_are_asked_for_the_sample_that_breaks(world: World, tmp_path: Path) -> None:
    """Something that is used up fails on both sides at once, whichever is asked first."""
    taken = dict.fromkeys(("base", "contender"), 0)

    def take(side: Side, task: Task) -> Sample | Failed:
        taken[side.name] += 1
        return Failed("StopIteration") if taken[side.name] % 4 == 0 else Sample(1e-3, 1e-3)

    world.take = take
    found = only(measure(tmp_path))
    assert (found.verdict, found.reason) == (
        Verdict.NOT_COMPARABLE, "on both sides it failed: StopIteration",
    )  # fmt: skip


def test_chance_failures_of_the_same_code_raise_no_alarm(world: World, tmp_path: Path) -> None:
    """Not more often than is permitted, 2 in 1000, whatever the rate."""
    rng = random.Random(11)
    verdicts = []
    for rate in (0.02, 0.2, 0.5):

        def answer(side: Side, task: Task, rate: float = rate) -> Outcome:
            return Failed("chance") if rng.random() < rate else READY

        world.answer = answer
        verdicts += [only(measure(tmp_path)).verdict for _ in range(100)]
    assert verdicts.count(Verdict.FAILED) <= 3
    assert Verdict.REGRESSION not in verdicts
    assert verdicts.count(Verdict.NOT_COMPARABLE) > 200


@pytest.mark.parametrize(
    ("side", "verdict"), [("base", Verdict.ADDED), ("contender", Verdict.REMOVED)]
)
def test_what_one_side_does_not_have(
    world: World, tmp_path: Path, side: str, verdict: Verdict
) -> None:
    world.answer = lambda at, task: Missing("no such thing") if at.name == side else READY
    found = only(measure(tmp_path))
    assert (found.verdict, found.reason) == (verdict, "no such thing")
    world.answer = lambda at, task: READY
    absent = Missing("Could not find benchmark 'suite.time_f'")
    world.load = lambda at: {"suite.time_f": absent} if at.name == side else {}
    found = only(measure(tmp_path))
    assert (found.verdict, found.reason) == (verdict, absent.reason)


def test_what_an_exception_keeps_from_the_contender_has_failed(
    world: World, tmp_path: Path
) -> None:
    """Beside the base it is new; beside the contender it is broken, with its traceback."""
    broken = Missing("ImportError: x", broken=True, traceback="Traceback:\nImportError: x")
    world.load = lambda at: {"suite.time_f": broken} if at.name == "base" else {}
    found = only(measure(tmp_path))
    assert (found.verdict, found.reason) == (Verdict.ADDED, "ImportError: x")
    world.load = lambda at: {"suite.time_f": broken} if at.name == "contender" else {}
    world.answer = lambda side, task: broken if side.name == "contender" else READY
    found = only(measure(tmp_path))
    assert (found.verdict, found.alarm) == (Verdict.FAILED, True)
    assert (found.reason, found.trace) == ("it failed: ImportError: x", broken.traceback)


def test_a_failure_counts_whatever_is_gated(world: World, tmp_path: Path) -> None:
    world.answer = lambda side, task: Failed("x") if side.name == "contender" else Measured(1)
    found = only(measure(tmp_path, record("suite.track_f")))
    assert (found.verdict, found.gated, found.alarm) == (Verdict.FAILED, True, True)


def test_what_is_missing_later_has_failed(world: World, tmp_path: Path) -> None:
    """An import that fails in a later process makes no case added; a hiccup makes nothing of it."""
    asked = itertools.count()
    hiccup = {7}
    world.answer = lambda side, task: Missing("ImportError: x") if next(asked) in hiccup else READY
    found = only(measure(tmp_path))
    assert (found.verdict, found.unsteady) == (Verdict.NOT_COMPARABLE, True)
    asked = itertools.count()
    world.answer = lambda side, task: (
        Missing("ImportError: x") if next(asked) >= 6 and side.name == "contender" else READY
    )
    found = only(measure(tmp_path))
    assert found.verdict is Verdict.FAILED
    assert "ImportError: x" in (found.reason or "")


def test_a_side_without_a_case_stores_none(world: World, tmp_path: Path) -> None:
    """Nothing is incomplete about a base that does not have what is new."""
    world.answer = lambda at, task: Missing("no such thing") if at.name == "base" else READY
    assert only(measure(tmp_path)).base is None


def test_a_cache_of_what_the_base_does_not_have_is_not_asked_for(
    world: World, tmp_path: Path
) -> None:
    """It is added, not mended."""
    absent = Missing("ImportError: x", broken=True)
    world.load = lambda at: {"suite.time_bad": absent} if at.name == "base" else {}
    found = only(measure(tmp_path, record("suite.time_bad", setup_cache_key="suite:3")))
    assert found.verdict is Verdict.ADDED
    assert [line for line in world.log if line.startswith("cache base")] == []


def test_skipped(world: World, tmp_path: Path) -> None:
    """On both sides there is nothing to tell; on one it is as if it were not there."""
    world.answer = lambda side, task: Skipped()
    assert measure(tmp_path) == {}
    world.answer = lambda side, task: Skipped() if side.name == "base" else READY
    assert only(measure(tmp_path)).verdict is Verdict.ADDED


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((100, 100), Verdict.UNCHANGED),
        ((100, 111), Verdict.REGRESSION),
        ((100, 80), Verdict.FASTER),
        ((0, 0), Verdict.UNCHANGED),
        ((0, 5), Verdict.NOT_COMPARABLE),
        (("a", "b"), Verdict.NOT_COMPARABLE),
        ((None, None), Verdict.NOT_COMPARABLE),
        (
            ({"samples": [1.0, 2.0, 3.0], "number": 1}, {"samples": [2.0], "number": 1}),
            Verdict.UNCHANGED,
        ),
    ],
)
def test_values_are_compared_block_by_block(
    world: World, tmp_path: Path, values: tuple[Any, Any], verdict: Verdict
) -> None:
    """Counted values that are the same in every process are decided by arithmetic."""
    world.answer = lambda side, task: Measured(values[side.name == "contender"])
    assert only(measure(tmp_path, record("suite.track_f"))).verdict is verdict


def test_a_timing_may_bring_its_own_samples(world: World, tmp_path: Path) -> None:
    """Of a `track_` function whose type is `time`: a duration, judged by its own timer; each process is
    kept apart, and no two run at once."""
    at_work: list[str] = []

    def answer(side: Side, task: Task) -> Outcome:
        at_work.append(side.name)
        slow = {"base": 1.0, "contender": 1.3}[side.name]
        return Measured({"samples": [0.01 * slow, 0.02 * slow, 0.09 * slow], "number": 4})

    world.answer = answer
    found = only(measure(tmp_path, record("suite.track_f", type="time", unit="seconds")))
    assert (found.verdict, found.gated, found.clock) == (Verdict.REGRESSION, True, Clock.OWN)
    assert found.ratio == pytest.approx(1.3)
    blocks = len(found.effects)
    assert [name for name, _ in world.tasks] == at_work
    assert {tuple(at_work[i : i + 2]) for i in range(0, 2 * blocks, 2)} == {
        ("base", "contender"), ("contender", "base"),
    }  # fmt: skip
    assert {task.cpu for _, task in world.tasks} == {None}
    assert found.base is not None
    assert found.base.value == 0.02
    assert found.base.processes == ((0.01, 0.02, 0.09),) * blocks
    assert (found.base.number, found.base.repeat) == (4, 3 * blocks)


def test_time_of_samples_that_a_benchmark_took_is_time_of_sampling() -> None:
    assert sampled_s({"samples": [0.5, 0.25], "number": 4}) == 3.0
    assert sampled_s({"samples": [0.5]}) == sampled_s(7) == 0.0


@pytest.mark.parametrize(
    "odd", [{"samples": [], "number": 1}, {"samples": [1.0]}, {"samples": ["1"], "number": 1}]
)
def test_samples_that_are_none_are_not_compared(world: World, tmp_path: Path, odd: Any) -> None:
    world.answer = lambda side, task: Measured(odd)
    found = only(measure(tmp_path, record("suite.track_f", type="time", unit="seconds")))
    assert found.verdict is Verdict.NOT_COMPARABLE


def test_higher_may_be_better(world: World, tmp_path: Path) -> None:
    world.answer = lambda side, task: Measured({"base": 100, "contender": 120}[side.name])
    found = only(measure(tmp_path, record("suite.track_f", better="higher")))
    assert found.verdict is Verdict.FASTER
    assert found.ratio == pytest.approx(1.2)


def test_peak_memory_has_a_process_of_its_own(world: World, tmp_path: Path) -> None:
    world.answer = lambda side, task: Measured(10**7)
    measure(tmp_path, record("suite.peakmem_f"))
    assert all(not task.fork for _, task in world.tasks)


def test_caches_are_filled_once_a_side(world: World, tmp_path: Path) -> None:
    records = [record(f"suite.time_{n}", setup_cache_key="suite:3") for n in "ab"]
    found = measure(tmp_path, *records)
    caches = [line for line in world.log if line.startswith("cache")]
    assert sorted(line.split()[1] for line in caches) == ["base", "contender"]
    assert {task.cache is not None for _, task in world.tasks} == {True}
    assert {f.verdict for f in found.values()} == {Verdict.UNCHANGED}


def test_a_cache_that_fails_fails_its_cases(world: World, tmp_path: Path) -> None:
    found = only(measure(tmp_path, record("suite.time_bad", setup_cache_key="suite:3")))
    assert "no cache" in (found.reason or "")
    assert found.verdict is Verdict.NOT_COMPARABLE


def test_benches_choose_cases_by_name_and_parameters(world: World, tmp_path: Path) -> None:
    settings = Settings(Policy(), benches=(r"time_f\(.*2",))
    found = measure(tmp_path, record(params=[["1", "2"]], param_names=["n"]), settings=settings)
    assert list(found) == ["f(n=2)"]
    assert {task.params for _, task in world.tasks} == {("2",)}


def test_the_watcher_is_told(world: World, tmp_path: Path) -> None:
    told: list[str] = []

    class Told(Watcher):
        def round(self, number: int, left: int) -> None:
            told.append(f"round {number}")

        def decided(self, trial: Trial) -> None:
            told.append(f"{trial.label} {trial.alarm}")

    measure(tmp_path, watcher=Told())
    assert told[0] == "round 1"
    assert told[-1] == "f None"


@pytest.mark.parametrize("parallel", [False, True])
def test_only_what_one_processor_is_enough_for_is_kept_on_one(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parallel: bool
) -> None:
    monkeypatch.setattr(pairing, "processors", lambda: [0, 1])
    sample = THREADS if parallel else ALONE
    world.take = lambda side, task: sample
    measure(tmp_path)
    first, *later = [task.cpu for _, task in world.tasks[::2]]
    assert first is None
    assert later
    assert all((cpu is None) == parallel for cpu in later)


@pytest.mark.parametrize(("cpu", "there", "aside"), [
    (None, [0, 1, 2], {(0, 1), (0, 2), (1, 2)}),
    (2, [0, 1, 2], {(0, 1)}),
    (2, [0, 1], {(0, 1)}),
    (0, [0], {()}),
])  # fmt: skip
def test_interpreters_start_on_other_processors_than_samples_are_taken_on(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cpu: int | None,
    there: list[int],
    aside: set[tuple[int, ...]],
) -> None:
    monkeypatch.setattr(pairing, "processors", lambda: there)
    measure(tmp_path, settings=Settings(Policy(), cpu=cpu))
    # Those before the first round start before anything is sampled, nobody having chosen where.
    later = world.asides[4 if cpu is None else 2 :]
    assert later
    assert {tuple(one) for one in later} <= aside
    if cpu is None:
        pinned = [task.cpu for _, task in world.tasks if task.cpu is not None]
        assert pinned
        assert all(len(one) == len(there) - 1 for one in later)


def test_both_sides_import_and_tear_down_at_once(world: World, tmp_path: Path) -> None:
    measure(tmp_path)
    order = [line.split() for line in world.log if line.split()[0] in {"load", "loaded"}]
    assert [word for word, _ in order[:4]] == ["load", "load", "loaded", "loaded"]
    ends = [line for line in world.log if line.split()[0] in {"end", "finish"}]
    assert ends[:4] == ["end base", "end contender", "finish base", "finish contender"]


def test_what_stands_around_a_sample_counts_in_the_length_of_a_block(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A benchmark whose `setup` takes a second each time gets fewer pairs, short as its samples are."""
    now = [0.0]
    monkeypatch.setattr("odyssey_asv.pairs.pairing.time.monotonic", lambda: now[0])

    def pairs_of_a_block(around_s: float) -> int:
        plain = world.sample_of({"base": 1.0, "contender": 1.0})

        def take(side: Side, task: Task) -> Sample | Failed:
            now[0] += around_s
            return plain(side, task)

        world.take = take
        base = only(measure(tmp_path)).base
        assert base is not None
        assert base.processes is not None
        return len(base.processes[-1])

    assert pairs_of_a_block(1.0) == 1
    assert pairs_of_a_block(0.001) > 1


def both_at_once(world: World, spent_s: float) -> Take:
    """Samples on a machine whose speed changes by a factor of two from one to the next, and that take twice
    as long by the wall clock, and as long as each other, when another one runs beside them."""
    rng, speed = random.Random(3), [1.0]

    def take(side: Side, task: Task) -> Sample:
        word = world.log[-1].split()[0]
        if word == "sample" or world.log[-2].split()[0] != "sampled":
            speed[0] = rng.uniform(1.0, 2.0)
        spent = spent_s * speed[0] * math.exp(rng.gauss(0, 0.005))
        return Sample(spent if word == "sample" else 2.0 * spent, spent * 0.999)

    return take


def test_long_samples_are_taken_at_once_on_one_processor(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In turn, half of the samples would be off by more than the tolerance."""
    monkeypatch.setattr(pairing, "processors", lambda: [0, 1])
    world.take = both_at_once(world, 1.0)
    found = only(measure(tmp_path))
    assert found.verdict is Verdict.UNCHANGED
    assert found.clock is Clock.CPU
    assert len(found.effects) == LOOKS[0]
    assert max(map(abs, found.effects)) < 0.03
    # The first block is taken in turn, to find out, and does not count.
    words = [line.split()[0] for line in world.log]
    assert words.index("sample") < words.index("begin")
    assert words.count("begin") == words.count("sampled") > 0
    orders = [line.split()[1] for line in world.log if line.startswith("begin")][::2]
    assert set(orders) == {"base", "contender"}
    cpus = {task.cpu for _, task in world.tasks[2:]}
    assert None not in cpus
    # What a sample takes of the processor stands for what it would have taken alone.
    assert found.base is not None
    assert found.base.processes is not None
    assert all(0.9 < seconds * 10 < 2.1 for process in found.base.processes for seconds in process)
    assert found.base.extra == {"clock": "cpu"}
    assert {task.shared for _, task in world.tasks[2:]} == {True}


@pytest.mark.parametrize(
    ("spent_s", "ready", "settings"),
    [
        pytest.param(0.002, {}, {}, id="short"),
        pytest.param(1.0, {"others": 0.5}, {}, id="threads"),
        pytest.param(1.0, {"blocked": 0.5}, {}, id="waiting"),
        pytest.param(1.0, {"own_timer": True}, {}, id="timer"),
        pytest.param(1.0, {}, {"clock": Clock.WALL}, id="wall clock"),
        pytest.param(20.0, {}, {}, id="near its time-out"),
    ],
)
def test_other_samples_are_taken_in_turn(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spent_s: float,
    ready: dict[str, Any],
    settings: dict[str, Any],
) -> None:
    monkeypatch.setattr(pairing, "processors", lambda: [0, 1])
    world.answer = lambda side, task: replace(READY, own_timer="own_timer" in ready)
    other = {name: seconds for name, seconds in ready.items() if name != "own_timer"}
    world.take = lambda side, task: Sample(spent_s, spent_s * 0.999, spent_s, **other)
    found = only(measure(tmp_path, settings=Settings(Policy(), **settings)))
    assert len(found.effects) >= LOOKS[0]
    assert not any(line.startswith("begin") for line in world.log)


def test_what_waits_on_one_side_is_not_taken_at_once(world: World, tmp_path: Path) -> None:
    """Long samples that share a processor show no waiting."""
    world.take = lambda side, task: (
        Sample(0.1, 0.05, blocked=0.05) if side.name == "contender" else Sample(0.05, 0.05)
    )
    assert only(measure(tmp_path, settings=Settings(Policy(), cpu=0))).clock is Clock.WALL
    assert not any(line.startswith("begin") for line in world.log)


@pytest.mark.parametrize("broken", ["base", "contender"])
def test_a_side_that_breaks_beside_the_other_fails_alone(
    world: World, tmp_path: Path, broken: str
) -> None:
    def take(side: Side, task: Task) -> Sample | Failed:
        if world.log[-1] == f"sampled {broken}":
            return Failed("gone")
        return Sample(0.1, 0.1)

    world.take = take
    found = only(measure(tmp_path, settings=Settings(Policy(), cpu=0)))
    assert found.verdict is (Verdict.FIXED if broken == "base" else Verdict.FAILED)
    assert found.reason is not None
    assert "gone" in found.reason


def test_sides_that_take_long_to_get_ready_do_so_in_turn(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once on one processor, what takes 40 s alone would pass a time-out of 60 s."""
    now = [0.0]
    monkeypatch.setattr("odyssey_asv.pairs.pairing.time.monotonic", lambda: now[0])
    began: list[str] = []

    def answer(side: Side, task: Task) -> Outcome:
        began.append(f"{len(world.tasks)}")
        now[0] += 40.0
        return READY

    world.answer = answer
    measure(tmp_path)
    # Whenever one side is ready the other has not begun.
    assert len(began) >= 2 * LOOKS[0]
    assert began == [str(number) for number in range(1, len(began) + 1)]
    ends = [line for line in world.log if line.split()[0] in {"end", "finish"}]
    assert not any(line.startswith("end") for line in ends)


def long_calls(first: float, later: float, asked: bool) -> tuple[Answer, Take]:
    """Samples of one call that takes seconds, on a processor; the first takes `first`, unless the
    benchmark asked for a time to warm up."""
    ready = Prepared(1, 0, False, False, first=None if asked else Sample(first, first))
    return lambda side, task: ready, lambda side, task: Sample(later * 1.001, later)


@pytest.mark.parametrize(
    ("first", "later", "asked", "warm"),
    [
        (2.0, 2.0, False, False),
        (2.03, 2.0, False, False),
        (2.5, 2.0, False, True),
        (1.5, 2.0, False, True),
        (2.0, 2.0, True, True),
        (0.1, 0.1, False, True),
    ],
)
def test_long_calls_are_not_warmed_up_where_the_first_is_like_the_next(
    world: World, tmp_path: Path, first: float, later: float, asked: bool, warm: bool
) -> None:
    """The first block always is; the later ones only where the first call differs, where calls are short,
    and where the benchmark says how to."""
    world.answer, world.take = long_calls(first, later, asked)
    measure(tmp_path)
    asked_for = [task.warm for _, task in world.tasks]
    assert asked_for[:2] == [True, True]
    assert len(asked_for) > 2
    assert set(asked_for[2:]) == {warm}


def test_one_side_that_needs_warming_up_is_enough_for_both(world: World, tmp_path: Path) -> None:
    world.answer = lambda side, task: Prepared(
        1, 0, False, False, first=Sample(*((3.0 if side.name == "contender" else 2.0),) * 2)
    )
    world.take = lambda side, task: Sample(2.0, 2.0)
    measure(tmp_path)
    assert all(task.warm for _, task in world.tasks)


def test_the_pace_of_the_first_round_is_told_once(world: World, tmp_path: Path) -> None:
    told: list[float] = []
    settings = Settings(Policy())
    side = Side("base", Path("python"), {}, *[tmp_path] * 5)
    engine = Engine(
        (side, replace(side, name="contender")),
        trials([record()], settings),
        settings,
        lambda trial: len(trial.blocks) == 3,
        random.Random(2),
        Watcher(),
        permitted=0.01,
    )
    ticks = itertools.count(step=5)
    engine.run(math.inf, lambda: float(next(ticks)), told.append)
    # The clock is read at the start, before the round, before its case, and at its end.
    assert told == [15.0]
