"""How often the search of `odyssey bisect` names the right commit, in simulation.

Histories whose steps are known are searched with made-up measurements: normal noise as it is left after a
handful of paired blocks, now and then one that is worth nothing. Thousands of searches take a minute.

`python -m benchmarks.studies.searching [--searches N] [--seed N]`
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.studies.tally import share
from odyssey_asv.culprit.posterior import Knowledge, Level
from odyssey_asv.culprit.search import Confirm, Costs, Done, Probe, Suspect, decide, suspects

COSTS = Costs(build_s=3.0, measure_s=3.0)
LEAST = math.log1p(0.025)
"""Half of the default tolerance, as `odyssey bisect` has it."""


@dataclass
class History:
    """A simulated range: what each commit adds to the level of each case, and what measuring finds."""

    steps: Mapping[str, Mapping[int, float]]
    length: int
    noise: float = 0.01
    broken: frozenset[int] = frozenset()
    wild: float = 0.0
    weights: tuple[float, ...] = ()
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    probes: list[int] = field(default_factory=list)
    confirmed: set[tuple[str, int]] = field(default_factory=set)
    refuted: set[tuple[str, int]] = field(default_factory=set)

    def level(self, case: str, position: int) -> float:
        return math.fsum(size for at, size in self.steps[case].items() if at <= position)

    def seen(self, case: str, position: int) -> float:
        """One measurement, which is of something else altogether with probability `wild`."""
        if self.rng.random() < self.wild:
            return self.rng.uniform(-0.3, 0.3)
        return self.level(case, position) + self.rng.gauss(0.0, self.noise)

    def search(self, confidence: float = 0.95) -> list[Suspect]:
        """Do what `decide` says until it is done; what is suspected then."""
        taken: dict[int, dict[str, list[float]]] = {}
        unbuildable: set[int] = set()
        # Whether there is anything to look for was settled before.
        for _ in range(3):
            self._measure(taken, self.length)
        for _ in range(100):
            known = Knowledge(
                weights=self.weights or (1.0,) * self.length,
                levels={
                    p: {
                        case: Level(
                            math.fsum(values) / len(values),
                            self.noise / math.sqrt(len(values)),
                            len(values),
                        )
                        for case, values in by_case.items()
                    }
                    for p, by_case in taken.items()
                },
                least=dict.fromkeys(self.steps, LEAST),
                unbuildable=frozenset(unbuildable),
                built=frozenset(taken),
                settled=frozenset(
                    p for p, by_case in taken.items() if len(next(iter(by_case.values()))) >= 4
                ),
                refuted=frozenset(self.refuted),
                confirmed=frozenset(self.confirmed),
            )
            match decide(known, COSTS, confidence=confidence):
                case Done():
                    return suspects(known, doubt=1.0 - confidence)
                case Confirm(position, cases):
                    for name in cases:
                        step = self.steps[name].get(position, 0.0)
                        found = step + self.rng.gauss(0.0, self.noise / 2) > LEAST / 2
                        (self.confirmed if found else self.refuted).add((name, position))
                case Probe(position):
                    assert 1 <= position <= self.length
                    assert position not in unbuildable
                    self.probes.append(position)
                    if position in self.broken:
                        unbuildable.add(position)
                    else:
                        self._measure(taken, position)
        raise AssertionError("the search does not end")

    def _measure(self, taken: dict[int, dict[str, list[float]]], position: int) -> None:
        for case in self.steps:
            by_case = taken.setdefault(position, {})
            by_case.setdefault(case, []).append(self.seen(case, position))

    @property
    def builds(self) -> int:
        """Of commits, the ends among them."""
        return len({0, self.length, *self.probes} - self.broken)


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of history: how many commits, the step in per cent, the error of a measured level in per
    cent, and what makes it hard."""

    commits: int
    step: int
    error: float
    name: str = "linear"

    def make(self, rng: random.Random) -> tuple[History, int | None]:
        """A history with the position of its culprit."""
        culprit = rng.randint(1, self.commits)
        size = math.log1p(self.step / 100)
        steps = {culprit: size}
        broken: frozenset[int] = frozenset()
        wild = 0.0
        match self.name:
            case "10 % unbuildable":
                others = (p for p in range(1, self.commits) if p not in {culprit - 1, culprit})
                broken = frozenset(p for p in others if rng.random() < 0.1)
            case "a later fix":
                culprit = rng.randint(1, self.commits - 1)
                steps = {culprit: size, rng.randint(culprit + 1, self.commits): -size / 3}
            case "1 % worthless":
                wild = 0.01
        return History(
            {"case": steps},
            self.commits,
            noise=self.error / 100,
            broken=broken,
            wild=wild,
            rng=rng,
        ), culprit


def study(searches: int, seed: int) -> list[str]:
    """A line for each kind of history."""
    shapes = itertools.product(
        (64, 256),
        ((10, 1.0), (15, 1.2), (30, 1.5)),
        ("linear", "10 % unbuildable", "a later fix", "1 % worthless"),
    )
    lines = [f"{searches} searches of each kind, confidence 95 %:"]
    count = all_right = all_wrong = 0
    for commits, (step, error), name in shapes:
        line, right, wrong = _line(Shape(commits, step, error, name), searches, seed)
        lines.append(line)
        count, all_right, all_wrong = count + searches, all_right + right, all_wrong + wrong
    return [*lines, f"together: right {share(all_right, count)}, wrong {all_wrong}"]


def _line(shape: Shape, searches: int, seed: int) -> tuple[str, int, int]:
    rng = random.Random(f"{shape} {seed}")
    right = wrong = 0
    builds = []
    for _ in range(searches):
        history, culprit = shape.make(rng)
        history.search()
        named = {position for _, position in history.confirmed}
        right += named == {culprit}
        wrong += bool(named - {culprit})
        builds.append(history.builds)
    said = (
        f"  {shape.commits} commits, +{shape.step} %, error {shape.error} %, {shape.name}: right"
        f" {right}, wrong {wrong}, builds {statistics.median(builds):.0f} (most {max(builds)})"
    )
    return said, right, wrong


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=100, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("\n".join(study(options.searches, options.seed)))


if __name__ == "__main__":
    main()
