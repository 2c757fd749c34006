"""Where the level of a series of numbers changes. Pure: knows nothing but numbers.

The Potts model: runs of constant level, each further run paid for by a penalty, distances absolute.
The solver is handed in. Values are logarithms in units of their own noise, so that one penalty suits
every series: 3 ln(n), with at least three points to a run. The noise is estimated from differences of
neighbours, which steps do not reach (Rousseeuw and Croux, *Alternatives to the Median Absolute
Deviation*, 1993, for the estimator).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from odyssey_asv import stats

Numbers = npt.NDArray[np.float64]
# (values, penalty, fewest points) -> where each run ends, exclusive, in order; the last is the length.
Solver = Callable[[Sequence[float], float, int], Sequence[int]]

MIN_POINTS = 3
PENALTY = 3.0
# Nobody's timings repeat better than this; and counts that hardly ever change have no noise at all.
_LEAST_NOISE = 1e-3
_MAD_TO_SIGMA = 1.482602218505602
# Of a median, against that of a mean, for normal values.
_MEDIAN_ERROR = math.sqrt(math.pi / 2.0)
# How far off, in standard deviations, the newest points must be to be pointed out.
_OFF = 6.0


class Run(NamedTuple):
    """A run of points of one level: from `first` to `last`, both included; `level` is the median of the
    logarithms. `sure` is False for newest points that are too few for the model."""

    first: int
    last: int
    level: float
    sure: bool = True

    @property
    def points(self) -> int:
        return self.last - self.first + 1


class Split(NamedTuple):
    """The runs of a series, in order and without gaps, and the noise: the standard deviation of a
    logarithm about the level of its run."""

    runs: tuple[Run, ...]
    noise: float


def split(values: Sequence[float] | Numbers, solve: Solver) -> Split:
    """Split positive values, one or more, into runs of one level.

    Raises ValueError where a value is not a finite number above zero.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not len(numbers) or not np.all(np.isfinite(numbers) & (numbers > 0.0)):
        raise ValueError("only finite values above zero have a level to change")
    logs = np.log(numbers)
    ends = _ends(logs, solve)
    runs = [
        Run(first, last - 1, float(np.median(logs[first:last])))
        for first, last in itertools.pairwise([0, *ends])
    ]
    noise = _noise_about(logs, runs)
    return Split((*runs[:-1], *_newest(logs, runs[-1], noise)), noise)


def step(before: Run, after: Run, noise: float, confidence: float) -> tuple[float, float, float]:
    """The ratio of the levels of two runs and where it lies with `confidence`: (ratio, low, high).

    The runs' medians are taken as normal, the noise as the same in both.
    """
    change = after.level - before.level
    error = noise * _MEDIAN_ERROR * math.sqrt(1.0 / before.points + 1.0 / after.points)
    freedom = max(1, before.points + after.points - 2)
    reach = error * stats.student_t(0.5 + confidence / 2.0, freedom)
    return exp(change), exp(change - reach), exp(change + reach)


def exp(value: float) -> float:
    """e to the power of a value, kept within what a float holds."""
    return math.exp(max(-700.0, min(value, 700.0)))


def neighbour_noise(logs: Numbers) -> float:
    """The standard deviation of a value, from differences of neighbours: steps and slow drift hardly
    change it. At least 0.1 %."""
    if len(logs) < 2:
        return _LEAST_NOISE
    typical = float(np.median(np.abs(np.diff(logs))))
    return max(_LEAST_NOISE, _MAD_TO_SIGMA * typical / math.sqrt(2.0))


def _ends(logs: Numbers, solve: Solver) -> list[int]:
    count = len(logs)
    if count < 2 * MIN_POINTS:
        return [count]
    scaled: Any = (logs / neighbour_noise(logs)).tolist()
    ends = [0]
    for end in solve(scaled, PENALTY * math.log(count), MIN_POINTS):
        # The approximate solver joins runs, and may leave one shorter than asked for.
        if end - ends[-1] >= MIN_POINTS:
            ends.append(int(end))
    return [*ends[1:-1], count]


def _noise_about(logs: Numbers, runs: Sequence[Run]) -> float:
    """Of the points about their levels; a robust estimate, at least 0.1 %."""
    off = np.concatenate([logs[run.first : run.last + 1] - run.level for run in runs])
    return max(_LEAST_NOISE, _MAD_TO_SIGMA * float(np.median(np.abs(off))))


def _newest(logs: Numbers, run: Run, noise: float) -> list[Run]:
    """The last run, without the newest one or two points if these lie far off on one side and farther
    than any other of the run. The model gives no run so few points."""
    for few in range(MIN_POINTS - 1, 0, -1):
        edge = run.last + 1 - few
        if edge - run.first < MIN_POINTS:
            continue
        rest = logs[run.first : edge]
        level = float(np.median(rest))
        off = logs[edge : run.last + 1] - level
        nearest = float(np.min(np.abs(off)))
        one_side = bool(np.all(off > 0.0) or np.all(off < 0.0))
        if one_side and nearest > max(_OFF * noise, float(np.max(np.abs(rest - level)))):
            newest = Run(edge, run.last, level + float(np.median(off)), sure=False)
            return [Run(run.first, edge - 1, level), newest]
    return [run]
