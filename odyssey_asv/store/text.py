"""Strict JSON text, the same for the same content: sorted keys, lists of numbers on one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from odyssey_asv.errors import InvalidFileError, InvalidInputError


def dumps(document: Any) -> str:
    """`document` as strict JSON that reads and diffs well. Raises ValueError for NaN and infinities."""
    return "".join(_lines(document, "")) + "\n"


def _lines(value: Any, indent: str) -> Any:
    inner = indent + "  "
    if isinstance(value, dict) and value:
        opening = "{\n"
        for key in sorted(value):
            yield f"{opening}{inner}{json.dumps(key, ensure_ascii=False)}: "
            yield from _lines(value[key], inner)
            opening = ",\n"
        yield f"\n{indent}}}"
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        opening = "[\n"
        for item in value:
            yield f"{opening}{inner}"
            yield from _lines(item, inner)
            opening = ",\n"
        yield f"\n{indent}]"
    else:
        yield json.dumps(value, ensure_ascii=False, allow_nan=False)


def loads(raw: bytes, path: str) -> Any:
    """Parse JSON; NaN is accepted here and refused, with its field, by the schema.

    Raises `InvalidFileError` naming line and column.
    """
    try:
        return json.loads(raw)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidFileError(
            path, (f"not JSON: {error.msg.lower()} at {where}",), tip="restore it or measure again"
        ) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise InvalidFileError(path, (f"not JSON: {error}",)) from error


def read_bytes(path: str) -> bytes:
    """The content of a file. Raises `InvalidInputError` where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InvalidInputError(f"{path}: not found") from None
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}") from error
