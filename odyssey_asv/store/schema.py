"""The shape of a result file (schema 1.x), checked on reading and published as JSON Schema.

Unknown keys are allowed and kept. Only `timestamp`, `environment` and `benchmarks` with `name` and
`duration_ms` are required: a file with no more than those, as the first programs of this kind wrote
it, is a valid result file.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from odyssey_asv.faults import faults_of
from odyssey_asv.model import Better, Kind, RunKind, Status
from odyssey_asv.units import shift

SCHEMA_VERSION = "1.0"
_NEWER_MAJOR = re.compile(r"0*([2-9]|[1-9][0-9]+)")


def milliseconds(value: object) -> float | None:
    """What a `duration_ms` says of a value in seconds: nothing where it is no duration."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        return None
    try:
        duration = shift(value, 3)
    except (OverflowError, ValueError):
        return None
    return duration if math.isfinite(duration) else None


def _finite(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("expected a number")
    if not abs(value) <= _LARGEST:
        raise ValueError("not a finite number")
    return value


def _not_negative(value: Any) -> Any:
    if _finite(value) < 0:
        raise ValueError("must not be negative")
    return value


def _positive(value: Any) -> Any:
    if _finite(value) <= 0:
        raise ValueError("must be positive")
    return value


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plain(value: Any) -> Any:
    """Anything that is strict JSON: the parser lets NaN and infinities through."""
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, dict):
        for item in value.values():
            _plain(item)
    elif isinstance(value, list):
        for item in value:
            _plain(item)
    return value


_LARGEST = 1.7976931348623157e308
Finite = Annotated[float, PlainValidator(_finite), WithJsonSchema({"type": "number"})]
NotNegative = Annotated[
    float, PlainValidator(_not_negative), WithJsonSchema({"type": "number", "minimum": 0})
]
Positive = Annotated[
    float, PlainValidator(_positive), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})
]
Count = Annotated[int, Field(ge=0), BeforeValidator(_whole)]
Plain = Annotated[Any, BeforeValidator(_plain)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    __pydantic_extra__: dict[str, Plain] = Field(init=False)


class NonFinite(_Strict):
    """Strict JSON has no NaN and no infinities; asv's intervals and tracked values do."""

    nonfinite: Literal["NaN", "Infinity", "-Infinity"]


Bound = Finite | NonFinite
Samples = list[Bound]


class Stats(_Strict):
    """Of the samples, in the benchmark's unit; `std` with n - 1, quantiles linear."""

    mean: Finite | None = None
    min: Finite | None = None
    max: Finite | None = None
    std: Finite | None = None
    p50: Finite | None = None
    p95: Finite | None = None
    p99: Finite | None = None
    q25: Bound | None = None
    q75: Bound | None = None
    ci_99: Annotated[list[Bound | None], Field(min_length=2, max_length=2)] | None = None


class Measured(_Strict):
    """What one asv function gave for one case."""

    id: str | None = None
    type: Kind = Field(default=Kind.TIME, strict=False)
    unit: str = "seconds"
    value: Plain = None
    better: Better = Field(default=Better.LOWER, strict=False)
    status: Status = Field(default=Status.OK, strict=False)
    reason: str | None = None
    version: str | None = None
    statistic: str = "median"
    number: Bound | None = Field(default=None, description="calls in one sample")
    repeat: Bound | None = Field(default=None, description="samples")
    stats: Stats | None = None
    processes: list[Samples] | None = Field(
        default=None, description="seconds of each call, process by process"
    )
    samples: Samples | None = Field(
        default=None, description="the same where the processes are not known apart"
    )
    threshold: NotNegative | None = None
    tolerance: NotNegative | None = None
    warmup: Finite | None = Field(default=None, description="seconds")
    work: Positive | None = Field(default=None, description="work of one call, in `work_unit`")
    work_unit: str = "call"


class Entry(Measured):
    """One case. `memory` holds what the `mem_` and `peakmem_` of the same name gave."""

    name: str = Field(min_length=1)
    duration_ms: NotNegative | None = Field(description="median time of one call")
    throughput: NotNegative | None = Field(default=None, description="work units per second")
    memory_mb: NotNegative | None = Field(default=None, description="MB of 10^6 bytes")
    memory_kind: Literal["rss_peak", "object"] | None = None
    iterations: Count | None = Field(default=None, description="calls measured, warm-up excluded")
    params: dict[str, str] = Field(default_factory=dict)
    index: Count | None = Field(
        default=None, description="position in the product of the parameters"
    )
    memory: list[Measured] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> Entry:
        if self.type is not Kind.TIME or self.status is not Status.OK:
            return self
        expected = milliseconds(self.value)
        if self.duration_ms is None and (self.value is None or expected is not None):
            raise ValueError(
                "duration_ms is null though the benchmark is timed and its status is ok"
            )
        if self.duration_ms is not None and self.value is not None and self.duration_ms != expected:
            raise ValueError(
                f"duration_ms {self.duration_ms!r} and value {self.value!r:.40} s"
                " say different things"
            )
        return self


class CommitPart(_Strict):
    hash: str | None = Field(default=None, pattern=r"^[0-9a-f]{7,64}$")
    date: str | None = None
    branch: str | None = None
    dirty: bool = False
    describe: str | None = None


class EnvironmentPart(_Strict):
    os: str | None = None
    cpu: str | None = None
    mojo_version: str | None = None
    python_version: str | None = None
    numpy_version: str | None = None
    machine: str | None = None
    cpu_model: str | None = None
    cores: Count | None = None
    ram_mb: Count | None = None
    kernel: str | None = None
    packages: dict[str, str] = Field(default_factory=dict)
    env_name: str | None = None
    asv_version: str | None = None
    asv_runner_version: str | None = None


class RunPart(_Strict):
    kind: RunKind = Field(default=RunKind.IMPORTED, strict=False)
    duration_s: NotNegative | None = None
    complete: bool = True
    quick: bool = False
    budget_s: Positive | None = None
    selection: list[str] = Field(default_factory=list)
    request: str | None = None
    environments: list[str] = Field(default_factory=list)


class ApprovalPart(_Strict):
    by: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    approved_at: str
    candidate: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Parameters(_Strict):
    names: list[str]
    values: list[list[str]]


class ResultFile(_Strict):
    """One run at one commit in one environment."""

    schema_version: str = Field(default="1.0", pattern=r"^\d+\.\d+$")
    timestamp: str = Field(min_length=1, description="UTC, ISO 8601, ending in Z")
    commit: CommitPart = CommitPart()
    environment: EnvironmentPart
    run: RunPart = RunPart()
    benchmarks: list[Entry]
    parameters: dict[str, Parameters] = Field(default_factory=dict)
    order: list[Count] | None = Field(
        default=None,
        description="where each result stood, memory after its entry, if not in this order",
    )
    origin: Annotated[dict[str, Any], BeforeValidator(_plain)] | None = Field(
        default=None, description="what the asv file held beyond the results"
    )
    approval: ApprovalPart | None = None
    seal: str | None = Field(default=None, description="sha256 of the baseline without this key")
    release: str | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> ResultFile:
        if not self.benchmarks and self.origin is None:
            raise ValueError("benchmarks is empty")
        return self


def json_schema() -> dict[str, Any]:
    """The shape as JSON Schema (2020-12), for editors and other programs.

    What it cannot say, `check` does: that `duration_ms` and `value` agree.
    """
    return {
        **ResultFile.model_json_schema(),
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"odyssey-asv result file, schema {SCHEMA_VERSION}",
    }


def check(document: object) -> tuple[ResultFile | None, tuple[str, ...]]:
    """The checked file, or every fault found, each naming entry and field.

    A newer major version is a fault of its own: its shape is not ours to judge.
    """
    if isinstance(document, dict):
        major = str(document.get("schema_version", SCHEMA_VERSION)).partition(".")[0]
        if _NEWER_MAJOR.fullmatch(major):
            found = document["schema_version"]
            return None, (
                f"schema_version: {found!r} is newer than this tool reads ({SCHEMA_VERSION});"
                " upgrade odyssey-asv",
            )
    try:
        return ResultFile.model_validate(document), ()
    except ValidationError as error:
        return None, faults_of(error.errors(), document)
