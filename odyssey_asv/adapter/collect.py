"""What asv stored and what the journal knows of it → one `ResultSet`.

asv's file has the values and its statistics. The journal adds which samples came from one process,
why a case failed, and cases that were measured but that asv had not stored yet when it was stopped.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from odyssey_asv.adapter.convert import COLUMNS, FORMAT, Converter
from odyssey_asv.adapter.journal import Measurement
from odyssey_asv.adapter.metadata import benchmark_of
from odyssey_asv.adapter.provenance import with_packages
from odyssey_asv.adapter.tree import read_asv_file, read_suite
from odyssey_asv.model import Benchmark, Case, Environment, Result, ResultSet, Status

_TIMEOUT = -256
_SKIPPED = "its setup raised NotImplementedError, or it gave NaN"


@dataclass(frozen=True, slots=True)
class Finished:
    """What is known of one commit in one environment when asv is done with it, in asv's terms.

    `selected` lists the cases asked for as (benchmark id, position). `said` is the end of what was
    printed where the project was not `built`.
    """

    commit: str
    environment: str
    file: Path
    suite: Path
    measurements: tuple[Measurement, ...]
    selected: frozenset[tuple[str, int]]
    machine: Mapping[str, str]
    packages: Mapping[str, str]
    python: str | None
    built: bool = True
    said: str = ""
    complete: bool = True

    @property
    def why_not_built(self) -> str:
        """As of everything that fails: the last line says what it comes to."""
        return f"{self.said}\nthe project did not build at this commit".lstrip()


def collect(finished: Finished, earlier: ResultSet | None = None) -> tuple[ResultSet, bool]:
    """The result set, and whether every selected case has an outcome in it.

    Cases that were not measured now are taken from asv's file, with what `earlier` (our last result
    file of the same commit, machine and environment) knows of them beyond it. Raises
    `InvalidFileError` when asv's file cannot be read.
    """
    suite = read_suite(finished.suite)
    stored = _stored(finished, suite)
    journal: dict[tuple[str, int], list[Measurement]] = {}
    for measurement in sorted(finished.measurements, key=lambda m: m.round):
        if suite.get(measurement.name, {}).get("version") == measurement.version:
            journal.setdefault((measurement.name, measurement.position), []).append(measurement)
    known = {} if earlier is None else _by_version(earlier)
    benchmarks: dict[str, Benchmark] = {}
    results: list[Result] = []
    missing = False
    for name, record in suite.items():
        benchmark = benchmark_of(name, record)
        benchmarks[name] = benchmark
        for case in benchmark.cases():
            key = (name, case.position or 0)
            row = stored.get(key)
            if key in journal:
                result = _measured(case, row, journal[key])
            elif not finished.built and key in finished.selected:
                result = Result(case, None, Status.FAILED, finished.why_not_built)
            else:
                result = _carried(case, row, known.get((case, benchmark.version)))
            missing = missing or (result.status is Status.NOT_SELECTED and key in finished.selected)
            results.append(result)
    origin = _origin(finished, suite, stored)
    found = ResultSet(
        timestamp="",
        commit=origin.commit,
        environment=_environment(origin.environment, finished),
        run=origin.run,
        benchmarks=benchmarks,
        results=tuple(results),
        origin=origin.origin,
        source=str(finished.file),
    )
    return found, finished.complete and not missing


class _Stored(dict[tuple[str, int], Result]):
    """What asv's file says of each case of the present suite, with the set it was read from."""

    source: ResultSet | None = None


def _stored(finished: Finished, suite: dict[str, Any]) -> _Stored:
    stored = _Stored()
    if not finished.file.exists():
        return stored
    results = read_asv_file(finished.file, suite, dict(finished.machine))
    for result in results.results:
        name = result.case.benchmark
        current = suite.get(name, {})
        benchmark = results.benchmarks[name]
        same = benchmark.version == current.get("version") and [
            list(axis) for axis in benchmark.params
        ] == current.get("params", [])
        if same:
            stored[name, result.case.position or 0] = result
    stored.source = results
    return stored


def _origin(finished: Finished, suite: dict[str, Any], stored: _Stored) -> ResultSet:
    """The set that carries asv's document, less the rows that are not of the present suite."""
    if stored.source is None:
        # asv was stopped before it stored anything: a document in its form, with no rows yet.
        document = {
            "commit_hash": finished.commit,
            "env_name": finished.environment,
            "date": None,
            "params": dict(finished.machine),
            "python": ".".join((finished.python or "").split(".")[:2]),
            "requirements": {},
            "env_vars": {},
            "result_columns": list(COLUMNS),
            "results": {},
            "durations": {},
            "version": FORMAT,
        }
        source, _ = Converter(suite).result_set(
            document, finished.machine, source=str(finished.file)
        )
        return source
    rows = {name for name, _ in stored}
    origin = dict(stored.source.origin or {})
    kept = origin["document"]
    origin["document"] = {
        **kept,
        "results": {name: row for name, row in kept["results"].items() if name in rows},
    }
    return replace(stored.source, origin=origin)


def _by_version(results: ResultSet) -> dict[tuple[Case, str | None], Result]:
    return {
        (result.case, results.benchmarks[result.case.benchmark].version): result
        for result in results.results
    }


def _measured(case: Case, row: Result | None, processes: list[Measurement]) -> Result:
    """A case with its processes apart, and the reason where it failed."""
    failed = [process for process in processes if process.errcode != 0]
    if failed:
        last = failed[-1]
        status = Status.TIMEOUT if last.errcode == _TIMEOUT else Status.FAILED
        reason = last.stderr or (
            "it took too long" if last.errcode == _TIMEOUT else f"exit status {last.errcode}"
        )
        return Result(case, None, status, reason, extra={"exit_status": last.errcode})
    sampled = [process for process in processes if process.samples is not None]
    if not sampled:
        value = processes[-1].value
        if value is None:
            return Result(case, None, Status.FAILED, "it returned None, which asv counts as failed")
        if isinstance(value, float) and math.isnan(value):
            return Result(case, None, Status.SKIPPED, _SKIPPED)
        return Result(case, value)
    samples = tuple(tuple(process.samples or ()) for process in sampled)
    everything = [sample for process in samples for sample in process]
    agreed = row is not None and row.status is Status.OK and row.repeat == len(everything)
    result = (
        row
        if row is not None and agreed
        else Result(
            case,
            statistics.median(everything),
            number=sampled[-1].number,
            repeat=len(everything),
        )
    )
    numbers = [process.number for process in sampled]
    extra = {"numbers": numbers} if len(set(numbers)) > 1 else None
    return result._replace(case=case, processes=samples, samples=None, extra=extra)


def _carried(case: Case, row: Result | None, earlier: Result | None) -> Result:
    """A case that was not measured now: what is stored of it, with all that is known."""
    if row is None or row.status is Status.SKIPPED:
        if earlier is not None and earlier.status is Status.SKIPPED:
            return earlier
        if earlier is not None and row is None and earlier.status is not Status.OK:
            return earlier
        return Result(case, None, Status.NOT_SELECTED)
    if earlier is not None and (earlier.status, earlier.value) == (row.status, row.value):
        return earlier
    if row.status.failed:
        if earlier is not None and earlier.status.failed:
            return earlier
        return row._replace(case=case, reason="it failed in an earlier run of asv")
    return row._replace(case=case)


def _environment(environment: Environment, finished: Finished) -> Environment:
    return replace(
        with_packages(environment, finished.packages),
        python_version=finished.python or environment.python_version,
        env_name=finished.environment,
    )
