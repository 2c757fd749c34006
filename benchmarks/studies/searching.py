"""How often the search of `odyssey bisect` names the right commit, in simulation.

Histories whose culprit is known are searched as `odyssey bisect` does it, ends and confirmation and all;
only the blocks are made up. They are as noisy as those that were recorded of unchanged code, quiet and
beside a load (`tests/fixtures/traces.json`, by `benchmarks.studies.traces`). A search takes some 60 ms.

`python -m benchmarks.studies.searching [--searches N] [--seed N] [--jobs N]`
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import math
import os
import random
import statistics
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.studies.tally import share
from benchmarks.studies.worlds import World, recorded
from odyssey_asv.bisecting.answer import answer
from odyssey_asv.bisecting.hunt import Hunt, Observer
from odyssey_asv.bisecting.steps import Steps
from odyssey_asv.culprit.bisection import Bisection, Card
from odyssey_asv.pairs.evidence import Zone, zone_of

COMMITS = (64, 256)
STEPS = (10, 15, 30)
SHAPES = (
    "linear",
    "10 % unbuildable",
    "merge",
    "a later fix",
    "two culprits",
    "1 % worthless",
    "nothing changed",
)
UNLIKE = "unlike work"
"""The ends do work so unlike that the machine's load moves their ratio, by 5 % of its logarithm."""

_TRACES = Path(__file__).parents[2] / "tests" / "fixtures" / "traces.json"
_BUILD_S, _BLOCK_S = 2.5, 0.3
"""What a trivial build and a block take in the real study."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of history: how many commits, the step in per cent, and what makes it hard."""

    commits: int
    step: int
    name: str = "linear"

    @property
    def zone(self) -> Zone:
        """That of the check of the ends: the default, and half of it where what a fix leaves is inside."""
        left = self.step - self.step // 3 if self.name == "a later fix" else self.step
        return zone_of(0.05, 0.10) if left >= 10 else zone_of(0.025, 0.05)

    @property
    def limit(self) -> int:
        """The builds that were promised of a linear history."""
        return int(math.log2(self.commits)) + 3

    def make(self, rng: random.Random) -> tuple[World, set[str]]:
        """A history with its culprits."""
        culprit = rng.randint(2, self.commits - 1)
        culprits = {str(culprit)}
        size = math.log1p(self.step / 100)
        steps = {str(culprit): size}
        world = World(
            {"case": steps},
            self.commits,
            noise=recorded(rng.choice(_traces())),
            rng=rng,
            built_s=_BUILD_S,
            block_s=_BLOCK_S,
        )
        match self.name:
            case "10 % unbuildable":
                others = {*range(1, self.commits)} - {culprit - 1, culprit}
                world.broken = {str(p) for p in others if rng.random() < 0.1}
            case "merge":
                inside = f"b{rng.randint(1, 5)}"
                world.branch(culprit, fork=culprit - 1)
                # The level of a merge is that of its first parent and its own step.
                steps[inside] = size
                culprits = {inside}
            case "a later fix":
                left = math.log1p((self.step - self.step // 3) / 100)
                steps[str(rng.randint(culprit + 1, self.commits))] = left - size
            case "two culprits":
                other = str(rng.choice([n for n in range(2, self.commits) if n != culprit]))
                steps[other] = size
                culprits.add(other)
            case "1 % worthless":
                world.wild = 0.01
            case "unlike work":
                world.drift = 0.05
            case "nothing changed":
                steps.clear()
                culprits.clear()
        return world, culprits


def search(world: World, zone: Zone) -> Bisection:
    """What `odyssey bisect` would answer."""
    hunt = Hunt(
        world.checked(zone),
        Steps(world, lambda: world.now),
        world.merged,
        Observer(),
        lambda _: None,
        lambda: world.now,
    )
    finished = hunt.run(math.inf)
    return answer(hunt.state, _card, finished=finished, spent=False, file=Path())


@functools.cache
def _traces() -> Sequence[Sequence[float]]:
    records = json.loads(_TRACES.read_text(encoding="utf-8"))
    return [trace for record in records for trace in record["effects"].values()]


def _card(commit: str) -> Card:
    return Card(commit, (), "", "", "")


@dataclass(frozen=True, slots=True)
class Score:
    """What came of the searches of a kind: how many of each answer, and what each search took."""

    shape: Shape
    answers: Counter[str]
    builds: Sequence[int]
    probes: Sequence[int]

    def __str__(self) -> str:
        answers = ", ".join(f"{word} {count}" for word, count in sorted(self.answers.items()))
        step = "" if self.shape.name == "nothing changed" else f", +{self.shape.step} %"
        over = ""
        if self.shape.name == "linear":
            count = sum(builds > self.shape.limit for builds in self.builds)
            over = f", more than {self.shape.limit}: {count}"
        return (
            f"  {self.shape.commits} commits{step}, {self.shape.name}: {answers};"
            f" builds {statistics.median(self.builds):.0f} (most {max(self.builds)}{over}),"
            f" probes {statistics.fmean(self.probes):.1f} (most {max(self.probes)})"
        )


def score(shape: Shape, searches: int, seed: int) -> Score:
    """Search so many histories of a kind."""
    rng = random.Random(f"{shape} {seed}")
    answers: Counter[str] = Counter()
    builds, probes = [], []
    for _ in range(searches):
        world, culprits = shape.make(rng)
        found = search(world, shape.zone)
        named = {one.card.commit for one in found.culprits}
        short = "one of two" if named else found.outcome
        answers["right" if named == culprits else "wrong" if named - culprits else short] += 1
        builds.append(found.builds)
        probes.append(found.probes)
    return Score(shape, answers, builds, probes)


def study(searches: int, seed: int, jobs: int = 1) -> list[str]:
    """A line for each kind of history."""
    shapes = [
        Shape(commits, step, name)
        for commits, step, name in itertools.product(COMMITS, STEPS, SHAPES)
        if name != "nothing changed" or step == STEPS[0]
    ]
    shapes += [Shape(commits, step, UNLIKE) for commits in COMMITS for step in (100, 700)]
    ask = functools.partial(score, searches=searches, seed=seed)
    if jobs == 1:
        scores = [ask(shape) for shape in shapes]
    else:
        with ProcessPoolExecutor(jobs) as pool:
            scores = list(pool.map(ask, shapes))
    together: Counter[str] = sum((one.answers for one in scores), Counter())
    linear = [
        (one.shape.limit, b) for one in scores if one.shape.name == "linear" for b in one.builds
    ]
    return [
        f"{searches} searches of each kind, confidence 95 %:",
        *map(str, scores),
        f"together: right {share(together['right'], together.total())}, wrong {together['wrong']}",
        "linear, within log2(commits) + 3 builds:"
        f" {share(sum(b <= limit for limit, b in linear), len(linear))}",
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=50, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    options = parser.parse_args()
    print("\n".join(study(options.searches, options.seed, options.jobs)))


if __name__ == "__main__":
    main()
