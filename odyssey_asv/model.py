"""The nouns: what was measured, where, and what came of it. Knows no files, clocks, asv or git.

Seconds and bytes throughout. A `Result` is what one *case* (one asv function, one parameter
combination) gave at one commit on one machine in one environment; a `ResultSet` holds all of one
run at one commit in one environment.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    """What a benchmark measures; the text is asv's `type`."""

    TIME = "time"
    MEMORY = "memory"
    PEAKMEMORY = "peakmemory"
    TRACK = "track"


class Metric(StrEnum):
    """What can be compared and gated: `--gate duration,memory,track`."""

    DURATION = "duration"
    MEMORY = "memory"
    TRACK = "track"


class Status(StrEnum):
    """How one case ended. Only `ok` carries a value to compare."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    NOT_SELECTED = "not_selected"

    @property
    def failed(self) -> bool:
        return self in (Status.FAILED, Status.TIMEOUT)


class Better(StrEnum):
    """Which direction is an improvement."""

    LOWER = "lower"
    HIGHER = "higher"


class RunKind(StrEnum):
    """How the numbers came to be."""

    ASV = "asv"
    PAIRED = "paired"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One asv function.

    `id` is asv's name (`tensors.TensorAdd.time_tensor_add`); for an `anonymous` benchmark, one from a
    file that has names but no asv ids, it only tells the file's entries apart.
    `params` holds the axes, one tuple of `repr` texts for each name in `param_names`; cases follow in
    `itertools.product` order. `work` is the work of one call, one number for every case or one for
    each case in that order.
    """

    id: str
    name: str
    kind: Kind
    unit: str
    better: Better = Better.LOWER
    param_names: tuple[str, ...] = ()
    params: tuple[tuple[str, ...], ...] = ()
    version: str | None = None
    work: float | tuple[float | None, ...] | None = None
    work_unit: str = "call"
    threshold: float | None = None
    tolerance: float | None = None
    statistic: str = "median"
    warmup_s: float | None = None
    anonymous: bool = False

    @property
    def metric(self) -> Metric:
        match self.kind:
            case Kind.TIME:
                return Metric.DURATION
            case Kind.MEMORY | Kind.PEAKMEMORY:
                return Metric.MEMORY
            case Kind.TRACK:
                return Metric.TRACK

    def cases(self) -> Iterator[Case]:
        """Its cases in the order of the parameters' product."""
        if not self.params:
            yield Case(self.id)
            return
        for position, values in enumerate(itertools.product(*self.params)):
            yield Case(self.id, tuple(zip(self.param_names, values, strict=True)), position)

    def work_of(self, position: int | None) -> float | None:
        """The work of one call of the case at `position`; None where none, or none for it, is declared."""
        if isinstance(self.work, tuple):
            known = position is not None and position < len(self.work)
            return self.work[position or 0] if known else None
        return self.work


class Case(NamedTuple):
    """One benchmark with one parameter combination.

    `params` pairs each parameter's name with the `repr` of its value; `position` counts in the product
    of the benchmark's axes and is None where the benchmark has no parameters.
    """

    benchmark: str
    params: tuple[tuple[str, str], ...] = ()
    position: int | None = None


class Result(NamedTuple):
    """What one case gave. A tuple, because a real history holds hundreds of thousands.

    `value` is in the benchmark's unit (a `track` benchmark may give any JSON value) and None unless
    `status` is `ok`. `number` calls make one sample, `repeat` samples were taken in all.
    `ci_low`/`ci_high` are asv's 99 % interval of the median and may be infinite; `q25`/`q75` its
    quartiles; all four are None where there were no samples. `processes` holds the seconds per call
    of each interpreter apart; `samples` holds them run together where the boundaries are unknown.
    `extra` keeps what a file's entry says beyond this.
    """

    case: Case
    value: Any
    status: Status = Status.OK
    reason: str | None = None
    number: float | None = None
    repeat: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    q25: float | None = None
    q75: float | None = None
    samples: tuple[float, ...] | None = None
    processes: tuple[tuple[float, ...], ...] | None = None
    extra: Mapping[str, Any] | None = None

    @property
    def all_samples(self) -> tuple[float, ...] | None:
        """Every sample in the order taken, None where none was kept."""
        if self.processes is not None:
            return tuple(sample for process in self.processes for sample in process)
        return self.samples


@dataclass(frozen=True, slots=True)
class Commit:
    """The code that was measured. `date` is the author date in UTC, ISO 8601."""

    hash: str | None = None
    date: str | None = None
    branch: str | None = None
    dirty: bool = False
    describe: str | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """Where it was measured. Absent facts are None, never guessed."""

    os: str | None = None
    cpu: str | None = None
    mojo_version: str | None = None
    python_version: str | None = None
    numpy_version: str | None = None
    machine: str | None = None
    cpu_model: str | None = None
    cores: int | None = None
    ram_mb: int | None = None
    kernel: str | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    env_name: str | None = None
    asv_version: str | None = None
    asv_runner_version: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """How it was measured.

    `complete` is False when the budget was spent or the run was interrupted before every selected
    case was measured. `selection` lists the `-b` expressions, empty for the whole suite. `request`
    identifies what was asked for, so that the same question is not measured twice; `environments`
    names every environment the request covers.
    """

    kind: RunKind = RunKind.IMPORTED
    duration_s: float | None = None
    complete: bool = True
    quick: bool = False
    budget_s: float | None = None
    selection: tuple[str, ...] = ()
    request: str | None = None
    environments: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Approval:
    """Who made a result file a baseline, when and why. `sha256` is the candidate's."""

    by: str
    reason: str
    approved_at: str
    candidate: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ResultSet:
    """All results of one run at one commit in one environment.

    `benchmarks` maps each case's `benchmark` to its description. `origin` is what the asv file held
    beyond the results and is read by the asv adapter alone. `extra` keeps unknown top-level keys.
    `source` says where the set was read from, for messages; it is not part of its content.
    """

    timestamp: str
    commit: Commit
    environment: Environment
    run: Run
    benchmarks: Mapping[str, Benchmark]
    results: tuple[Result, ...]
    origin: Mapping[str, Any] | None = None
    approval: Approval | None = None
    release: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    source: str = field(default="", compare=False)
