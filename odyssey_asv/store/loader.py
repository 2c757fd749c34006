"""A checked result file → `ResultSet`. Pure: no files. `codec` is the way back.

What an entry says that would not be derived again from the model (`iterations` without samples, a
`throughput` that is no product of the rest) is kept in `Result.extra`, unknown keys beside it.
"""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, overload

from odyssey_asv.model import (
    Approval,
    Benchmark,
    Case,
    Commit,
    Environment,
    Kind,
    Result,
    ResultSet,
    Run,
    Status,
)
from odyssey_asv.nonfinite import decode
from odyssey_asv.store.codec import MEMORY, derived
from odyssey_asv.store.schema import (
    Entry,
    Measured,
    NonFinite,
    ResultFile,
    Stats,
    milliseconds,
)
from odyssey_asv.units import exact, shift


def result_set_of(file: ResultFile, *, source: str) -> ResultSet:
    """The set that a checked file holds."""
    loader = _Loader(file)
    for entry in file.benchmarks:
        loader.add(entry)
    extra = dict(file.model_extra or {})
    for name, part in (("commit", file.commit), ("approval", file.approval)):
        if part is not None and part.model_extra:
            extra[name] = part.model_extra
    if file.seal is not None:
        extra["seal"] = file.seal
    return ResultSet(
        timestamp=file.timestamp,
        commit=Commit(**_fields(file.commit, Commit)),
        environment=_with_extra(Environment, file.environment),
        run=_with_extra(Run, file.run, ("selection", "environments")),
        benchmarks=loader.finished(),
        results=_ordered(loader.results, file.order),
        origin=None if file.origin is None else decode(file.origin),
        approval=None if file.approval is None else Approval(**_fields(file.approval, Approval)),
        release=file.release,
        extra=extra,
        source=source,
    )


def _ordered(results: list[Result], order: list[int] | None) -> tuple[Result, ...]:
    """The results in the order they had; in the file's where entries came or went since."""
    if order is None or sorted(order) != list(range(len(results))):
        return tuple(results)
    places = sorted(zip(order, range(len(results)), strict=True))
    return tuple(results[position] for _, position in places)


def _fields(part: Any, noun: type) -> dict[str, Any]:
    names = {field.name for field in fields(noun)} - {"extra"}
    return {name: getattr(part, name) for name in names}


def _with_extra(noun: Any, part: Any, tuples: tuple[str, ...] = ()) -> Any:
    values = _fields(part, noun)
    for name in tuples:
        values[name] = tuple(values[name])
    return noun(**values, extra=dict(part.model_extra or {}))


class _Loader:
    """Collects the benchmarks and results of a file, entry by entry."""

    def __init__(self, file: ResultFile) -> None:
        self._parameters = file.parameters
        self._works: dict[str, dict[int | None, float]] = {}
        self._benchmarks: dict[str, Benchmark] = {}
        self.results: list[Result] = []

    def add(self, entry: Entry) -> None:
        main_id = self._remember(entry, entry, entry.id or entry.name)
        main = self._result(entry, entry, main_id)
        if main.value is None and entry.duration_ms is not None and entry.status is Status.OK:
            main = main._replace(value=shift(entry.duration_ms, -3))
        work = entry.work
        if "work" not in entry.model_fields_set and entry.throughput and milliseconds(main.value):
            # A file that has no `work` can only mean this by its throughput.
            work = float(exact(entry.throughput) * exact(main.value))
            work = None if work == 1.0 else work
        self._declare(main_id, entry, work)
        memory = []
        for measured in entry.memory:
            name = self._remember(entry, measured, measured.id or f"{entry.name} memory")
            self._declare(name, entry, measured.work)
            memory.append(self._result(entry, measured, name))
        plainly = entry.id is None and entry.memory_mb is not None
        if plainly and not memory and entry.type not in MEMORY:
            plain = Measured(type=Kind.MEMORY, unit="bytes")
            name = self._remember(entry, plain, f"{entry.name} memory")
            size = shift(entry.memory_mb or 0.0, 6)
            memory.append(self._result(entry, plain, name)._replace(value=size))
        self.results += [self._with_own_words(entry, main, work, memory), *memory]

    def _declare(self, benchmark_id: str, entry: Entry, work: float | None) -> None:
        if work is not None:
            self._works.setdefault(benchmark_id, {})[entry.index] = work

    def _with_own_words(
        self, entry: Entry, main: Result, work: float | None, memory: list[Result]
    ) -> Result:
        """`main` with what the entry says for people, where it would not be derived again."""
        benchmark = self._benchmarks[main.case.benchmark]
        measured = [(self._benchmarks[r.case.benchmark], r) for r in (memory or [main])]
        said = entry.model_fields_set
        own = {
            name: getattr(entry, name)
            for name, value in derived(benchmark, main, work, measured).items()
            if name in said and getattr(entry, name) != value
        }
        return main._replace(extra={**(main.extra or {}), **own}) if own else main

    def _remember(self, entry: Entry, measured: Measured, benchmark_id: str) -> str:
        if benchmark_id not in self._benchmarks:
            axes = self._parameters.get(benchmark_id)
            self._benchmarks[benchmark_id] = Benchmark(
                id=benchmark_id,
                name=entry.name,
                kind=measured.type,
                unit=measured.unit,
                better=measured.better,
                param_names=tuple(axes.names if axes else entry.params),
                params=tuple(tuple(axis) for axis in axes.values) if axes else (),
                version=measured.version,
                work_unit=measured.work_unit,
                threshold=measured.threshold,
                tolerance=measured.tolerance,
                statistic=measured.statistic,
                warmup_s=measured.warmup,
                anonymous=entry.id is None,
            )
        return benchmark_id

    def _result(self, entry: Entry, measured: Measured, benchmark_id: str) -> Result:
        names = self._benchmarks[benchmark_id].param_names
        params = tuple((name, entry.params[name]) for name in names if name in entry.params)
        found = measured.stats or Stats()
        low, high = found.ci_99 or (None, None)
        processes = measured.processes
        extra = dict(measured.model_extra or {})
        own = _own_stats(measured)
        if own:
            extra["stats"] = own
        return Result(
            case=Case(benchmark_id, params, entry.index),
            value=decode(measured.value),
            status=measured.status,
            reason=measured.reason,
            number=_bound(measured.number),
            repeat=_bound(measured.repeat),
            ci_low=_bound(low),
            ci_high=_bound(high),
            q25=_bound(found.q25),
            q75=_bound(found.q75),
            samples=_samples(measured.samples),
            processes=None if processes is None else tuple(map(_samples, processes)),
            extra=extra or None,
        )

    def finished(self) -> dict[str, Benchmark]:
        """The benchmarks, with the work that their cases declare."""
        for benchmark_id, works in self._works.items():
            benchmark = self._benchmarks[benchmark_id]
            work: Any = works.get(None)
            if work is None:
                count = max(math.prod(map(len, benchmark.params)), 1 + max(k or 0 for k in works))
                work = tuple(works.get(index) for index in range(count))
                if len(set(work)) == 1:
                    work = work[0]
            values = {f.name: getattr(benchmark, f.name) for f in fields(Benchmark)}
            self._benchmarks[benchmark_id] = Benchmark(**{**values, "work": work})
        return self._benchmarks


def _own_stats(measured: Measured) -> dict[str, Any]:
    """The statistics that would not be derived again from samples: all, where there are none."""
    if measured.stats is None:
        return {}
    if measured.samples or measured.processes:
        return dict(measured.stats.model_extra or {})
    bounds = {"ci_99", "q25", "q75"}
    return measured.stats.model_dump(exclude=bounds, exclude_none=True)


def _bound(value: float | NonFinite | None) -> float | None:
    return float(value.nonfinite) if isinstance(value, NonFinite) else value


@overload
def _samples(taken: list[float | NonFinite]) -> tuple[float, ...]: ...
@overload
def _samples(taken: None) -> None: ...
def _samples(taken: list[float | NonFinite] | None) -> tuple[float, ...] | None:
    if taken is None:
        return None
    return tuple(float(s.nonfinite) if isinstance(s, NonFinite) else s for s in taken)
