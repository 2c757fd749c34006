"""How often change points are right, by the penalty: on made-up series, and on what the noise of a real
history is made of.

Of a real history each long series is taken, its levels are taken out, and what is left is drawn again in
blocks of five neighbours: noise with the outliers, modes and drift of that machine, and no change in it.
Then the same with a step at a known place. Only changes beyond 5 % count, as in `odyssey history`.

`python -m benchmarks.studies.steps [--project FOLDER] [--series N] [--seed N]`
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from odyssey_asv.adapter.steps import solve
from odyssey_asv.past import changepoints, trends
from odyssey_asv.past.changepoints import split
from odyssey_asv.past.histories import history

_PENALTIES = (1.5, 2.0, 3.0, 4.0, 6.0)
_STEPS = (0.05, 0.1, 0.2)
_TOLERANCE = math.log1p(0.05)
_BLOCK = 5
_LEAST = 40
# A step is found where it is placed within as many points.
_NEAR = 2


def made_up(count: int, rng: random.Random) -> list[list[float]]:
    """Noise of 2 % with outliers of up to 50 % in one point of 33; 60 or 200 points."""
    return [
        [
            rng.gauss(0.0, 0.02) + (rng.uniform(0.0, 0.4) if rng.random() < 0.03 else 0.0)
            for _ in range(60 if number % 2 else 200)
        ]
        for number in range(count)
    ]


def real(folder: Path, count: int, rng: random.Random) -> list[list[float]]:
    """The noise of that many of the long series of a project, as logarithms."""
    every = [t for t in history(folder).trends if len(t.series.points) >= _LEAST]
    chosen = rng.sample(every, min(count, len(every)))
    found = []
    for trend in chosen:
        logs = np.log(trends.values_of(trend.series))
        left = [
            logs[level.first : level.last + 1] - math.log(level.value) for level in trend.levels
        ]
        found.append(np.concatenate(left).tolist())
    return found


def drawn(noise: Sequence[float], rng: random.Random) -> list[float]:
    """As much noise again, in blocks of neighbours."""
    made: list[float] = []
    while len(made) < len(noise):
        start = rng.randrange(max(1, len(noise) - _BLOCK))
        made += noise[start : start + _BLOCK]
    return made[: len(noise)]


def found(logs: Sequence[float], penalty: float) -> list[int]:
    """Where changes beyond the tolerance begin, those of the newest points left out."""
    before = changepoints.PENALTY
    changepoints.PENALTY = penalty
    try:
        runs = split(np.exp(np.asarray(logs)), solve).runs
    finally:
        changepoints.PENALTY = before
    return [
        b.first
        for a, b in itertools.pairwise(runs)
        if abs(b.level - a.level) > _TOLERANCE and b.sure
    ]


def rates(noises: Sequence[Sequence[float]], seed: int) -> list[str]:
    """For each penalty: false changes a series, and the share of steps found."""
    lines = []
    for penalty in _PENALTIES:
        rng = random.Random(seed)
        false, hits = 0, dict.fromkeys(_STEPS, 0)
        for noise in noises:
            quiet = drawn(noise, rng)
            false += len(found(quiet, penalty))
            for step in _STEPS:
                at = rng.randrange(len(quiet) // 4, 3 * len(quiet) // 4)
                logs = [v + math.log1p(step) * (n >= at) for n, v in enumerate(drawn(noise, rng))]
                hits[step] += any(abs(first - at) <= _NEAR for first in found(logs, penalty))
        shares = ", ".join(f"+{s:.0%} {hits[s] / len(noises):.0%}" for s in _STEPS)
        lines.append(
            f"  penalty {penalty:.1f} ln n: {false / len(noises):.2f} false a series; found {shares}"
        )
    return lines


def study(folder: Path | None, count: int, seed: int) -> list[str]:
    """The figures, one a line."""
    rng = random.Random(seed)
    lines = [f"{count} made-up series, noise 2 %, outliers 3 %:", *rates(made_up(count, rng), seed)]
    if folder is not None:
        noises = real(folder, count, rng)
        typical = np.median([1.4826 * np.median(np.abs(noise)) for noise in noises])
        lines += [
            f"{len(noises)} real series of {folder.name}, typical noise {typical:.1%}:",
            *rates(noises, seed),
        ]
    return lines


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path)
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for line in study(given.project, given.series, given.seed):
        print(line, flush=True)


if __name__ == "__main__":
    main()
