"""pytest-benchmark's JSON (`pytest --benchmark-json`, `--benchmark-save`), and back.

A session runs in one interpreter, so its rounds are one process. What a file says beyond our model is kept
in the results under `pytest_benchmark`, and written again from there.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from odyssey_asv.formats.rows import Row, Rows, rows_of, sound
from odyssey_asv.formats.shape import (
    Count,
    Exported,
    Imported,
    Name,
    NotNegative,
    Part,
    checked,
    commit_hash,
    count,
    environment_name,
    mapping,
    refuse_twice,
    several,
    text,
    utc,
)
from odyssey_asv.model import (
    Benchmark,
    Case,
    Commit,
    Environment,
    Kind,
    Result,
    ResultSet,
    Run,
    RunKind,
)
from odyssey_asv.nonfinite import encode
from odyssey_asv.stats import quantile

NAME = "pytest-benchmark"
_KEPT = "pytest_benchmark"
_SCALARS = (int, float, bool, type(None))
# What it writes in place of an object; the rest of the text is what the object prints.
_OBJECT = "UNSERIALIZABLE["
# The product of the axes is walked through, by histories among others.
_MOST_CASES = 10_000
_WRITTEN_AS = "5.1.0"
# What pytest-benchmark's tables are made of.
_NUMBERS = (
    "min", "max", "mean", "stddev", "rounds", "median", "iqr", "q1", "q3", "iqr_outliers",
    "stddev_outliers", "ld15iqr", "hd15iqr", "ops", "total", "iterations",
)  # fmt: skip
_WALL_CLOCKS = ("perf_counter", "time", "monotonic", "default_timer")


class Stats(Part):
    median: NotNegative
    iterations: Count
    rounds: Count
    mean: NotNegative | None = None
    min: NotNegative | None = None
    max: NotNegative | None = None
    stddev: NotNegative | None = None
    q1: NotNegative | None = None
    q3: NotNegative | None = None
    data: list[NotNegative] | None = None


class Entry(Part):
    name: Name
    fullname: Name
    param: str | None = None
    params: dict[str, Any] | None = None
    stats: Stats

    @property
    def function(self) -> str:
        """The test without its parameters."""
        return self.fullname if self.param is None else self.fullname.removesuffix(self._suffix)

    @property
    def short(self) -> str:
        """The name of the test without its parameters."""
        return self.name if self.param is None else self.name.removesuffix(self._suffix)

    @property
    def _suffix(self) -> str:
        return f"[{self.param}]"


class Document(Part):
    benchmarks: list[Entry] = Field(min_length=1)


def recognised(document: object) -> bool:
    """Whether this is what pytest-benchmark writes."""
    return isinstance(document, dict) and {"benchmarks", "machine_info", "commit_info"} <= set(
        document
    )


def read(document: Any, source: str, now: str) -> Imported:
    """The set that a file holds. Raises `InvalidFileError` with every fault."""
    entries = checked(Document, document, source).benchmarks
    refuse_twice(
        [(f"benchmarks[{place}]", entry.fullname) for place, entry in enumerate(entries)], source
    )
    benchmarks, cases = _suite(entries)
    raw: list[dict[str, Any]] = document["benchmarks"]
    warnings = _doubts(raw, entries)
    timestamp = utc(document.get("datetime"))
    if timestamp is None:
        warnings.append("the file has no date: taken as measured now")
    version = text(document.get("version"))
    return Imported(
        ResultSet(
            timestamp=timestamp or now,
            commit=_commit(mapping(document.get("commit_info")), warnings),
            environment=_environment(mapping(document.get("machine_info"))),
            run=Run(
                kind=RunKind.IMPORTED, extra={"imported_from": f"{NAME} {version or ''}".strip()}
            ),
            benchmarks=benchmarks,
            results=tuple(map(_result, cases, entries, raw)),
            extra={"commit_info": encode(mapping(document.get("commit_info")))},
            source=source,
        ),
        tuple(warnings),
    )


def _suite(entries: Sequence[Entry]) -> tuple[dict[str, Benchmark], list[Case]]:
    """The tests, and each entry's case."""
    groups: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        groups.setdefault(entry.function, []).append(place)
    benchmarks: dict[str, Benchmark] = {}
    cases: dict[int, Case] = {}
    for function, places in groups.items():
        benchmarks[function], found = _described(function, [entries[place] for place in places])
        cases.update(zip(places, found, strict=True))
    return benchmarks, [cases[place] for place in range(len(entries))]


def _described(function: str, entries: Sequence[Entry]) -> tuple[Benchmark, list[Case]]:
    """A test and the cases of its entries.

    Parameters are axes by name where every value is a plain one. Where they are not, or do not tell the
    cases apart, pytest's own id of the case is the one parameter: what an object prints changes from run
    to run.
    """
    names, values = _axes(entries)
    axes = tuple(tuple(dict.fromkeys(column)) for column in zip(*values, strict=True))
    place = (
        {value: number for number, value in enumerate(itertools.product(*axes))} if names else {}
    )
    benchmark = Benchmark(
        id=function,
        name=entries[0].short,
        kind=Kind.TIME,
        unit="seconds",
        param_names=names,
        params=axes,
    )
    return benchmark, [
        Case(function, tuple(zip(names, value, strict=True)), place.get(value)) for value in values
    ]


def _axes(entries: Sequence[Entry]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The names of the parameters, and each entry's values as Python writes them."""
    if all(entry.param is None for entry in entries):
        return (), [()] * len(entries)
    names = tuple(entries[0].params or ())
    plain = all(
        tuple(entry.params or ()) == names and all(map(_is_plain, (entry.params or {}).values()))
        for entry in entries
    )
    if names and plain:
        values = [tuple(map(repr, (entry.params or {}).values())) for entry in entries]
        size = math.prod(len(set(column)) for column in zip(*values, strict=True))
        if len(set(values)) == len(values) and size <= _MOST_CASES:
            return names, values
    return ("param",), [(repr(entry.param),) for entry in entries]


def _is_plain(value: object) -> bool:
    """Whether Python writes the value alike in every run."""
    if isinstance(value, str):
        return not value.startswith(_OBJECT)
    return isinstance(value, _SCALARS)


def _result(case: Case, entry: Entry, raw: Mapping[str, Any]) -> Result:
    stats = entry.stats
    said = ("group", "param", "params", "extra_info", "options")
    kept = {key: raw[key] for key in said if raw.get(key) not in (None, {})}
    data = tuple(stats.data or ())
    ordered = sorted(data)
    known: dict[str, Any] = {}
    if not data:
        kept["stats"] = raw["stats"]
        own = {"mean": stats.mean, "min": stats.min, "max": stats.max, "std": stats.stddev}
        known = {name: value for name, value in own.items() if value is not None}
        known["p50"] = stats.median
    extra: dict[str, Any] = {_KEPT: encode(kept)}
    if known:
        extra["stats"] = known
    return Result(
        case,
        quantile(ordered, 0.5) if data else stats.median,
        number=float(stats.iterations),
        repeat=float(len(data) or stats.rounds),
        q25=quantile(ordered, 0.25) if data else stats.q1,
        q75=quantile(ordered, 0.75) if data else stats.q3,
        processes=(data,) if data else None,
        extra=extra,
    )


def _doubts(raw: Sequence[Any], entries: Sequence[Entry]) -> list[str]:
    """What to know of the times."""
    warnings: list[str] = []
    bare = [entry.fullname for entry in entries if not entry.stats.data]
    if bare:
        warnings.append(
            f"no rounds in the file, only what they came to, of {several(bare)}"
            " (--benchmark-save-data keeps them)"
        )
    timers = {str(mapping(entry.get("options")).get("timer", "perf_counter")) for entry in raw}
    others = sorted(timer for timer in timers if timer.rpartition(".")[2] not in _WALL_CLOCKS)
    if others:
        warnings.append(f"timed with {', '.join(others)}: not to be compared with wall time")
    return warnings


def _commit(info: Mapping[str, Any], warnings: list[str]) -> Commit:
    found = commit_hash(info.get("id"))
    if found is None and info.get("id") is not None:
        warnings.append(f"commit_info.id {info['id']!r} is not the hash of a commit")
    branch = text(info.get("branch"))
    return Commit(
        hash=found,
        date=utc(info.get("author_time")) or utc(info.get("time")),
        # "(detached head)" and "(unknown)" are no branches.
        branch=None if branch is None or branch.startswith("(") else branch,
        dirty=info.get("dirty") is True,
    )


def _environment(machine: Mapping[str, Any]) -> Environment:
    cpu = mapping(machine.get("cpu"))
    python = text(machine.get("python_version"))
    system = text(machine.get("system"))
    return Environment(
        os=system and system.lower(),
        cpu=text(machine.get("machine")),
        python_version=python,
        machine=text(machine.get("node")),
        cpu_model=text(cpu.get("brand_raw")) or text(cpu.get("brand")),
        cores=count(cpu.get("count")),
        kernel=text(machine.get("release")),
        env_name=environment_name(NAME, machine.get("python_implementation"), python),
        extra={"machine_info": encode(dict(machine))},
    )


def write(results: ResultSet) -> Exported:
    """The document that `pytest-benchmark compare` reads: timings only."""
    rows = rows_of(results, kinds=(Kind.TIME,), exact_names=True)
    document = {
        "machine_info": _machine_info(results.environment),
        "commit_info": _commit_info(results),
        "benchmarks": [_entry(row, rows) for row in rows.kept],
        "datetime": results.timestamp.replace("Z", "+00:00"),
        "version": _WRITTEN_AS,
    }
    return rows.exported(document)


def _entry(row: Row, rows: Rows) -> dict[str, Any]:
    kept = mapping((row.result.extra or {}).get(_KEPT))
    given, own = dict(row.result.case.params), kept.get("param")
    if isinstance(own, str):
        name, fullname = f"{row.benchmark.name}[{own}]", f"{row.benchmark.id}[{own}]"
    else:
        name, fullname, own = row.short, row.name, "-".join(given.values()) or None
    return {
        "group": text(kept.get("group")),
        "name": name,
        "fullname": fullname,
        "params": mapping(kept.get("params")) or given or None,
        "param": own,
        "extra_info": mapping(kept.get("extra_info")),
        "options": mapping(kept.get("options")),
        "stats": _kept_stats(kept) or _stats(row, rows),
    }


def _kept_stats(kept: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the file said of rounds that it did not hold."""
    found = mapping(kept.get("stats"))
    return found if all(sound(found.get(name)) is not None for name in _NUMBERS) else None


def _stats(row: Row, rows: Rows) -> dict[str, Any]:
    result = row.result
    data = list(result.all_samples or ())
    if not data:
        rows.note("no samples are known, so its value stands as the only round", row.name)
        data = [row.value]
    if len(result.processes or ()) > 1:
        rows.note("the rounds of several processes stand in one list", row.name)
    ordered = sorted(data)
    mean, median = statistics.fmean(data), statistics.median(data)
    deviation = statistics.stdev(data) if len(data) > 1 else 0.0
    q1, q3 = quantile(ordered, 0.25), quantile(ordered, 0.75)
    low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    beyond = sum(not mean - deviation <= value <= mean + deviation for value in data)
    far = sum(not low <= value <= high for value in data)
    total = math.fsum(data)
    return {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": mean,
        "stddev": deviation,
        "rounds": len(data),
        "median": median,
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": far,
        "stddev_outliers": beyond,
        "outliers": f"{beyond};{far}",
        "ld15iqr": min((value for value in ordered if value >= low), default=ordered[0]),
        "hd15iqr": max((value for value in ordered if value <= high), default=ordered[-1]),
        "ops": len(data) / total if total else 0,
        "total": total,
        "data": data,
        "iterations": row.loops or 1,
    }


def _machine_info(environment: Environment) -> dict[str, Any]:
    kept = environment.extra.get("machine_info")
    if isinstance(kept, dict):
        return kept
    return {
        "node": environment.machine or "",
        "processor": "",
        "machine": environment.cpu or "",
        "python_implementation": "CPython" if environment.python_version else "",
        "python_version": environment.python_version or "",
        "release": environment.kernel or "",
        "system": (environment.os or "").capitalize(),
        "cpu": {"brand_raw": environment.cpu_model or "", "count": environment.cores},
    }


def _commit_info(results: ResultSet) -> dict[str, Any]:
    kept = results.extra.get("commit_info")
    if isinstance(kept, dict) and kept.get("id") == results.commit.hash:
        return kept
    commit = results.commit
    return {
        "id": commit.hash or "unversioned",
        "time": commit.date,
        "author_time": commit.date,
        "dirty": commit.dirty,
        "project": "",
        "branch": commit.branch or "(unknown)",
    }
