"""Strict JSON text, the same for the same content: sorted keys, lists of numbers on one line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from odyssey_asv.errors import InvalidFileError, InvalidInputError

_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(document: Any) -> str:
    """`document` as strict JSON that reads and diffs well. Raises ValueError for NaN and infinities."""
    text = "".join(_lines(document, "")) + "\n"
    # Half of a surrogate pair has no UTF-8; asv's files may hold one in a tracked text.
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


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

    Raises `InvalidFileError` naming line and column, or the key that an object has twice.
    """
    try:
        return json.loads(raw, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidFileError(
            path, (f"not JSON: {error.msg.lower()} at {where}",), tip="restore it or measure again"
        ) from error
    except RecursionError:
        raise InvalidFileError(path, ("nested too deeply",)) from None
    except ValueError as error:
        raise InvalidFileError(path, (f"not JSON: {error}",)) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {twice!r} twice in one object")
    return document


def read_bytes(path: str) -> bytes:
    """The content of a file. Raises `InvalidInputError` where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InvalidInputError(f"{path}: not found") from None
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}") from error
