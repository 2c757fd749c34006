"""Histories that are made up, with what measuring them would say: a search is tried on them in no time.

A `World` stands for what builds and measures. All else is that of `odyssey bisect`: what the search knows,
what it asks next, how many blocks it takes, by what test it confirms.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.findings import Clock
from odyssey_asv.pairs import evidence
from odyssey_asv.pairs.evidence import LOOKS, Claim, Promise, Zone, zone_of
from odyssey_asv.pairs.pairing import Enough
from odyssey_asv.pairs.trials import Block, Settings, Trial, trials
from odyssey_asv.policy import Policy
from odyssey_asv.repository import Link
from odyssey_asv.store.searches import Commit, Line, Measured, Question, Sought, State

Noise = Callable[[random.Random], Iterator[float]]
"""What the blocks of one measurement say of unchanged code, without end."""


def normal(deviation: float) -> Noise:
    """Independent blocks of this standard deviation."""

    def effects(rng: random.Random) -> Iterator[float]:
        while True:
            yield rng.gauss(0.0, deviation)

    return effects


_EVEN = normal(0.01)


def recorded(trace: Sequence[float]) -> Noise:
    """Blocks that follow each other in a trace of unchanged code, from anywhere in it, of either sign."""

    def effects(rng: random.Random) -> Iterator[float]:
        sign = rng.choice((-1.0, 1.0))
        for at in itertools.count(rng.randrange(len(trace))):
            yield sign * trace[at % len(trace)]

    return effects


@dataclass
class World:
    """A history of commits `0`, `1` … `length` with what each adds to the level of each case, as a
    logarithm. Commits named in `broken` cannot be built. A measurement is of something else altogether
    with probability `wild`; two of the same differ, beyond their blocks, by the share `drift` of the level,
    a standard deviation.

    `now` is its clock, `asked` the pairs that were measured. Stands for `odyssey_asv.pairs.probing.Prober`.
    """

    steps: Mapping[str, Mapping[str, float]]
    length: int = 16
    noise: Noise = _EVEN
    broken: Collection[str] = ()
    wild: float = 0.0
    drift: float = 0.0
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    built_s: float = 3.0
    block_s: float = 1.0
    now: float = 0.0
    parents: dict[str, str] = field(default_factory=dict)
    branches: dict[str, list[Link]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    build_s: dict[str, float] = field(default_factory=dict)
    clock: Clock = Clock.AUTO

    def __post_init__(self) -> None:
        for number in range(1, self.length + 1):
            self.parents[str(number)] = str(number - 1)

    def branch(self, merge: int, fork: int) -> None:
        """Make a commit a merge of a branch of five, `b1` … `b5`, that left the line at commit `fork`."""
        names = [f"b{number}" for number in range(1, 6)]
        for parent, name in itertools.pairwise([str(fork), *names]):
            self.parents[name] = parent
        self.branches[str(merge)] = [
            Link(name, (self.parents[name],), ("code.py",)) for name in names
        ]

    def merged(self, commit: str, without: Sequence[str] = ()) -> list[list[Link]]:
        """What a merge brought in; see `odyssey_asv.repository.Repository.merged`."""
        return [self.branches[commit]] if commit in self.branches else []

    def level(self, case: str, commit: str | None) -> float:
        """The sum of all steps on the way from the first commit."""
        steps, total = self.steps[case], 0.0
        while commit is not None:
            total += steps.get(commit, 0.0)
            commit = self.parents.get(commit)
        return total

    def effects(self, case: str, base: str, contender: str) -> Iterator[float]:
        """What the blocks of a new measurement of two commits say."""
        step = self.level(case, contender) - self.level(case, base)
        if self.rng.random() < self.wild:
            step = self.rng.uniform(-0.3, 0.3)
        step *= 1.0 + self.rng.gauss(0.0, self.drift)
        for off in self.noise(self.rng):
            self.now += self.block_s
            yield step + off

    def ready(self, base: str) -> None:
        self.build(base)

    def build(self, commit: str) -> None:
        """Raises `CannotMeasureError` for a broken one."""
        if commit in self.broken:
            raise CannotMeasureError(f"{commit} could not be built")
        if commit not in self.build_s:
            self.build_s[commit] = self.built_s
            self.now += self.built_s

    def measure(
        self,
        base: str,
        contender: str,
        cases: Collection[str],
        enough: Enough,
        deadline: float,
        limits: Mapping[str, float] | None = None,
    ) -> dict[str, Trial]:
        """Blocks of each case until it has enough or the clock has passed the deadline."""
        self.asked.append((base, contender))
        found = {case: self.trial(case) for case in cases}
        for case, trial in found.items():
            effects = self.effects(case, base, contender)
            while self.now < deadline:
                trial.blocks.append(Block(0, values=(100.0, 100.0 * math.exp(next(effects)))))
                if enough(trial):
                    break
        return found

    @staticmethod
    def trial(case: str) -> Trial:
        """A case of which nothing is known yet."""
        (trial,) = trials([{"name": case, "type": "track"}], Settings(Policy()))
        return trial

    def checked(self, zone: Zone | None = None, **question: Any) -> State:
        """The state of a search after the ends of the range were checked, in a zone of 5 % to 10 % unless
        another is given; `question` says more of what is asked."""
        zone = zone or zone_of(0.05, 0.10)
        end = str(self.length)
        cases = [
            self._at_ends(case, end, zone, improvement=question.get("improvement", False))
            for case in self.steps
        ]
        sought = [case for case in cases if case.sought]
        return State(
            question=Question(good="0", bad=end, confidence=0.95, clock="auto", **question),
            cases=cases,
            lines=[
                Line(
                    start="0",
                    commits=[self._commit(str(n)) for n in range(1, self.length + 1)],
                    cases=[case.name for case in sought],
                    measured={
                        end: Measured(effects={c.name: list(c.effects) for c in sought}, times=3)
                    },
                )
            ],
            built={"0": self.built_s, end: self.built_s},
        )

    def _commit(self, name: str) -> Commit:
        brought = [links[-1].commit for links in (self.branches.get(name),) if links]
        return Commit(commit=name, parents=[self.parents[name], *brought], files=["code.py"])

    def _at_ends(self, case: str, end: str, zone: Zone, *, improvement: bool) -> Sought:
        promise = Promise(len(self.steps))
        effects: list[float] = []
        claim = None
        for effect in self.effects(case, "0", end):
            effects.append(effect)
            if len(effects) in LOOKS:
                claim = evidence.claim(effects, zone, promise)
                if claim is not None or len(effects) == LOOKS[-1]:
                    break
        found = evidence.estimate(effects, zone, promise, 0.95)
        assert found is not None
        return Sought(
            name=case,
            label=case,
            ratio=math.exp(found.ratio),
            interval=(math.exp(found.low), math.exp(found.high)),
            detectable=math.exp(found.detectable),
            sought=claim is (Claim.IMPROVEMENT if improvement else Claim.REGRESSION),
            decided=claim is not None,
            least=zone.tolerance / 2.0,
            effects=effects,
        )
