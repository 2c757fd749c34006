"""NaN and infinities in strict JSON, which has neither: `{"nonfinite": "NaN"}`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_NONFINITE = ("NaN", "Infinity", "-Infinity")


def encode(value: Any) -> Any:
    """`value` for strict JSON. An object that looks like an encoded number is wrapped once more."""
    if isinstance(value, float) and not math.isfinite(value):
        return {
            "nonfinite": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        }
    if isinstance(value, Mapping):
        plain = {str(key): encode(item) for key, item in value.items()}
        return {"nonfinite": {"literal": plain}} if set(plain) == {"nonfinite"} else plain
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def decode(value: Any) -> Any:
    """The inverse of `encode`, but that tuples come back as lists."""
    if isinstance(value, dict):
        inner = value.get("nonfinite") if len(value) == 1 else None
        if isinstance(inner, str) and inner in _NONFINITE:
            return float(inner)
        if (
            isinstance(inner, dict)
            and list(inner) == ["literal"]
            and type(inner["literal"]) is dict
        ):
            value = inner["literal"]
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    return value
