"""The shape of a result file (schema 1.x), checked on reading and published as JSON Schema.

Unknown keys are allowed and kept. Only `timestamp`, `environment` and `benchmarks` with `name` and
`duration_ms` are required: a file with no more than those, as the first programs of this kind wrote
it, is a valid result file.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from odyssey_asv.model import Better, Kind, RunKind, Status
from odyssey_asv.units import shift

SCHEMA_VERSION = "1.0"


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Finite = Annotated[float, BeforeValidator(_finite)]
Positive = Annotated[float, BeforeValidator(_finite), Field(gt=0)]
NotNegative = Annotated[float, BeforeValidator(_finite), Field(ge=0)]
Count = Annotated[int, BeforeValidator(_whole), Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class NonFinite(_Strict):
    """Strict JSON has no NaN and no infinities; asv's intervals and tracked values do."""

    nonfinite: Literal["NaN", "Infinity", "-Infinity"]


Bound = Finite | NonFinite | None


class Stats(_Strict):
    """Of the samples, in the benchmark's unit; `std` with n - 1, quantiles linear."""

    mean: Finite | None = None
    min: Finite | None = None
    max: Finite | None = None
    std: Finite | None = None
    p50: Finite | None = None
    p95: Finite | None = None
    p99: Finite | None = None
    q25: Bound = None
    q75: Bound = None
    ci_99: tuple[Bound, Bound] | None = None


class Measured(_Strict):
    """What one asv function gave for one case."""

    id: str | None = None
    type: Kind = Field(default=Kind.TIME, strict=False)
    unit: str = "seconds"
    value: Any = None
    better: Better = Field(default=Better.LOWER, strict=False)
    status: Status = Field(default=Status.OK, strict=False)
    reason: str | None = None
    version: str | None = None
    statistic: str = "median"
    number: Finite | None = None
    repeat: Finite | None = None
    stats: Stats | None = None
    processes: list[list[Finite]] | None = None
    samples: list[Finite] | None = None
    threshold: NotNegative | None = None
    tolerance: NotNegative | None = None
    warmup: Finite | None = Field(default=None, description="seconds")


class Entry(Measured):
    """One case. `memory` holds what the `mem_` and `peakmem_` of the same name gave."""

    name: str = Field(min_length=1)
    duration_ms: NotNegative | None = Field(description="median time of one call")
    throughput: NotNegative | None = Field(default=None, description="work units per second")
    memory_mb: NotNegative | None = Field(default=None, description="MB of 10^6 bytes")
    memory_kind: Literal["rss_peak", "object"] | None = None
    iterations: Count | None = Field(default=None, description="calls measured, warm-up excluded")
    params: dict[str, str] = {}
    index: Count | None = Field(
        default=None, description="position in the product of the parameters"
    )
    work: Positive | None = Field(default=None, description="work of one call, in `work_unit`")
    work_unit: str = "call"
    memory: list[Measured] = []

    @model_validator(mode="after")
    def _consistent(self) -> Entry:
        if self.type is Kind.TIME and self.status is Status.OK:
            if self.duration_ms is None:
                raise ValueError(
                    "duration_ms is null though the benchmark is timed and its status is ok"
                )
            value = self.value
            if isinstance(value, (int, float)) and shift(value, 3) != self.duration_ms:
                raise ValueError(
                    f"duration_ms {self.duration_ms!r} and value {value!r} s say different things"
                )
        return self


class CommitPart(_Strict):
    hash: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")
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
    packages: dict[str, str] = {}
    env_name: str | None = None
    asv_version: str | None = None
    asv_runner_version: str | None = None


class RunPart(_Strict):
    kind: RunKind = Field(default=RunKind.IMPORTED, strict=False)
    duration_s: NotNegative | None = None
    complete: bool = True
    quick: bool = False
    budget_s: Positive | None = None
    selection: list[str] = []
    request: str | None = None
    environments: list[str] = []


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
    benchmarks: list[Entry] = Field(min_length=1)
    parameters: dict[str, Parameters] = {}
    origin: dict[str, Any] | None = None
    approval: ApprovalPart | None = None
    seal: str | None = Field(default=None, description="sha256 of the baseline without this key")
    release: str | None = None


def check(document: object) -> tuple[ResultFile | None, tuple[str, ...]]:
    """The checked file, or every fault found, each naming entry and field.

    A newer major version is a fault of its own: its shape is not ours to judge.
    """
    if isinstance(document, dict):
        major = str(document.get("schema_version", SCHEMA_VERSION)).partition(".")[0]
        if major.isdigit() and int(major) > int(SCHEMA_VERSION.partition(".")[0]):
            found = document["schema_version"]
            return None, (
                f"schema_version: {found!r} is newer than this tool reads ({SCHEMA_VERSION});"
                " upgrade odyssey-asv",
            )
    try:
        return ResultFile.model_validate(document), ()
    except ValidationError as error:
        return None, tuple(dict.fromkeys(_worded(part, document) for part in error.errors()))


def _worded(part: Any, document: object) -> str:
    where: list[str] = []
    here: Any = document
    for step in part["loc"]:
        if isinstance(here, list) and isinstance(step, int):
            here = here[step]
            name = here.get("name") if isinstance(here, dict) else None
            where.append(f"[{step}]" + (f" ({name})" if name else ""))
        elif isinstance(here, dict) and (step in here or part["type"] == "missing"):
            here = here.get(step)
            where.append(f".{step}" if where else str(step))
    place = "".join(where) or "file"
    if part["type"] == "missing":
        return f"{place}: missing"
    message = part["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    shown = "" if isinstance(here, (dict, list)) else f", found {here!r:.80}"
    return f"{place}: {message}{shown}"
