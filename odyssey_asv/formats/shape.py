"""What the formats share: checked shapes, moments, and a value with what could not be held.

Documents are checked as strictly as our own files: every fault is listed, with its entry and field.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

from odyssey_asv.errors import InvalidFileError
from odyssey_asv.faults import faults_of
from odyssey_asv.model import ResultSet

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Imported:
    """A result set from another tool's file. `warnings` say what of the file it does not tell."""

    results: ResultSet
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exported:
    """A document for another tool. `warnings` say what of the results it does not hold."""

    text: str
    warnings: tuple[str, ...] = ()


class Part(BaseModel):
    """A part of a document. Keys that it does not name are left alone."""

    model_config = ConfigDict(extra="ignore", strict=True)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("expected a number")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("too large for a number") from None
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _not_negative(value: Any) -> float:
    number = _number(value)
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _positive(value: Any) -> float:
    number = _number(value)
    if number <= 0:
        raise ValueError("must be positive")
    return number


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Number = Annotated[float, PlainValidator(_number)]
NotNegative = Annotated[float, PlainValidator(_not_negative)]
Positive = Annotated[float, PlainValidator(_positive)]
Count = Annotated[int, Field(ge=1), BeforeValidator(_whole)]
Name = Annotated[str, Field(min_length=1)]
P = TypeVar("P", bound=Part)


def checked(shape: type[P], document: object, source: str) -> P:
    """The document as this shape. Raises `InvalidFileError` with every fault."""
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        raise InvalidFileError(source, faults_of(error.errors(), document)) from None


def refuse_twice(names: list[tuple[str, str]], source: str) -> None:
    """Raise `InvalidFileError` naming every entry whose name an earlier one has.

    `names` has the place of each entry, and its name.
    """
    seen: set[str] = set()
    faults: list[str] = []
    for place, name in names:
        if name in seen:
            faults.append(f"{place} ({name}): a second one of this name")
        seen.add(name)
    if faults:
        raise InvalidFileError(source, tuple(faults))


def utc(moment: object) -> str | None:
    """A moment in ISO 8601, in UTC as result files write it; one without a zone counts as UTC.

    None for what is no moment.

    >>> utc("2026-11-25T23:23:18.99+01:00")
    '2026-11-25T22:23:18Z'
    """
    if not isinstance(moment, str):
        return None
    try:
        found = datetime.fromisoformat(moment)
        found = found.astimezone(UTC) if found.tzinfo else found
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def text(value: object) -> str | None:
    """A text that says something, else None."""
    return value if isinstance(value, str) and value.strip() else None


def count(value: object) -> int | None:
    """A whole number from 0 on, else None."""
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if isinstance(value, int) and known else None


def commit_hash(value: object) -> str | None:
    """The hash of a commit, else None."""
    return value if isinstance(value, str) and _COMMIT.fullmatch(value) else None


def environment_name(tool: str, implementation: object, version: str | None) -> str:
    """What to call the environment of a tool's results: results of two Pythons are not one series.

    >>> environment_name("pyperf", "cpython", "3.11.7")
    'pyperf-py3.11'
    """
    if version is None:
        return tool
    kind = text(implementation) or "cpython"
    short = ".".join(version.split(".")[:2])
    return f"{tool}-{'py' if kind.lower() == 'cpython' else kind.lower()}{short}"


def mapping(value: object) -> Mapping[str, Any]:
    """An object of a document, an empty one where something else stands."""
    return value if isinstance(value, dict) else {}


def several(names: list[str], shown: int = 3) -> str:
    """Names in a line, at most three of them.

    >>> several(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    head = ", ".join(names[:shown])
    return head if len(names) <= shown else f"{head} and {len(names) - shown} more"
