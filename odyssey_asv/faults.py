"""What a validation found wrong with a document, in words: where, what, and what stood there.

Knows the shape of pydantic's errors, but neither files nor any format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def faults_of(errors: Iterable[Mapping[str, Any]], document: object) -> tuple[str, ...]:
    """One line for each place that is wrong: `benchmarks[3] (tensor_add).duration_ms: missing`."""
    # A field that may be of two shapes has a fault for each: the first one tells.
    faults: dict[str, str] = {}
    for error in errors:
        place, message = _worded(error, document)
        faults.setdefault(place, message)
    return tuple(f"{place}: {message}" for place, message in faults.items())


def _worded(error: Mapping[str, Any], document: object) -> tuple[str, str]:
    """Where the fault is, and what."""
    where: list[str] = []
    here: Any = document
    for step in error["loc"]:
        if isinstance(here, list) and isinstance(step, int):
            here = here[step]
            name = here.get("name") if isinstance(here, dict) else None
            where.append(f"[{step}]" + (f" ({name})" if name else ""))
        elif isinstance(here, dict) and (step in here or error["type"] == "missing"):
            here = here.get(step)
            where.append(f".{step}" if where else str(step))
    place = "".join(where) or "file"
    if error["type"] == "missing":
        return place, "missing"
    message = error["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    shown = "" if isinstance(here, (dict, list)) else f", found {here!r:.80}"
    return place, f"{message}{shown}"
