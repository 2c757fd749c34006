"""asv's description of a benchmark (`benchmarks.json`, formats 1 and 2) → `Benchmark`.

Attributes set on a benchmark function flow through asv's discovery into this file; that is how
`work`, `work_unit`, `better`, `threshold` and `tolerance` arrive.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from odyssey_asv.model import Benchmark, Better, Case, Kind
from odyssey_asv.units import parse_fraction

# asv accepts both spellings of a prefix: functions (time_add) and classes that are benchmarks (TimeAdd).
_PREFIX = re.compile(r"^(?:timeraw|time|peakmem|mem|track)_(?=.)")
_KIND_OF_PREFIX = (
    ("timeraw_", Kind.TIME),
    ("time_", Kind.TIME),
    ("peakmem_", Kind.PEAKMEMORY),
    ("mem_", Kind.MEMORY),
)
_UNIT_OF_KIND = {
    Kind.TIME: "seconds",
    Kind.MEMORY: "bytes",
    Kind.PEAKMEMORY: "bytes",
    Kind.TRACK: "unit",
}


def short_name(benchmark_id: str) -> str:
    """`tensors.TensorAdd.time_tensor_add` → `tensor_add`."""
    return _PREFIX.sub("", benchmark_id.rpartition(".")[2]) or benchmark_id


def asv_name(case: Case) -> str:
    """What asv's `-b` expressions are searched in."""
    if not case.params:
        return case.benchmark
    return f"{case.benchmark}({', '.join(value for _, value in case.params)})"


def benchmark_of(
    benchmark_id: str,
    metadata: Mapping[str, Any] | None,
    *,
    params: Sequence[Sequence[str]] | None = None,
    version: str | None = None,
) -> Benchmark:
    """Describe one benchmark.

    `metadata` is its record in `benchmarks.json`, None where the file has none (asv forgets deleted
    benchmarks): kind and unit then follow from the name. `params` and `version` are those of a result
    row, which may be older than the record.
    """
    record = metadata or {}
    if not benchmark_id:
        raise ValueError("a benchmark without a name")
    axes = tuple(
        tuple(map(str, axis))
        for axis in (params if params is not None else record.get("params", ()))
    )
    kind = _kind(benchmark_id, record.get("type"))
    declared = record.get("version")
    return Benchmark(
        id=benchmark_id,
        name=short_name(benchmark_id),
        kind=kind,
        unit=str(record.get("unit") or _UNIT_OF_KIND[kind]),
        better=Better.HIGHER if record.get("better") == "higher" else Better.LOWER,
        param_names=_param_names(record.get("param_names", ()), len(axes)),
        params=axes,
        version=version if version is not None or declared is None else str(declared),
        work=_work(record.get("work"), math.prod(map(len, axes))),
        work_unit=str(record.get("work_unit", "call")),
        threshold=_share(record.get("threshold")),
        tolerance=_share(record.get("tolerance")),
        warmup_s=_warmup(record.get("warmup_time")),
    )


def _kind(benchmark_id: str, declared: object) -> Kind:
    try:
        return Kind(str(declared))
    except ValueError:
        pass
    function = benchmark_id.rpartition(".")[2]
    for prefix, kind in _KIND_OF_PREFIX:
        if function.startswith(prefix):
            return kind
    return Kind.TRACK


def _param_names(names: Sequence[Any], axes: int) -> tuple[str, ...]:
    """One distinct name for each axis: asv allows too few, too many and equal ones."""
    taken: list[str] = []
    for position in range(axes):
        name = str(names[position]) if position < len(names) else f"param{position + 1}"
        unique, count = name, 1
        while unique in taken:
            count += 1
            unique = f"{name}#{count}"
        taken.append(unique)
    return tuple(taken)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _warmup(value: object) -> float | None:
    """asv writes -1 for "whatever suits the interpreter"."""
    number = _number(value)
    return None if number is None or number < 0 else number


def _positive(value: object) -> float | None:
    number = _number(value)
    return number if number is not None and number > 0 else None


def _work(value: object, cases: int) -> float | tuple[float | None, ...] | None:
    """One number where every case has the same, else one for each case."""
    if not isinstance(value, list):
        return _positive(value)
    works = [_positive(item) for item in value[:cases]]
    works += [None] * (cases - len(works))
    return works[0] if len(set(works)) == 1 else tuple(works) or None


def _share(value: object) -> float | None:
    if value is None:
        return None
    try:
        return float(parse_fraction(value))
    except (ValueError, OverflowError):
        return None
