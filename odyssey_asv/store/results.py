"""Result files: `{timestamp}-{commit}_results.json` in one folder, written once, never overwritten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from odyssey_asv.errors import InvalidFileError, InvalidInputError
from odyssey_asv.files import write_new
from odyssey_asv.model import ResultSet
from odyssey_asv.store.codec import document_of
from odyssey_asv.store.loader import result_set_of
from odyssey_asv.store.schema import check
from odyssey_asv.store.text import dumps, loads, read_bytes

SUFFIX = "_results.json"
_NAME = re.compile(r"^(\d{8}T\d{6}Z)-([0-9a-f]{7,40}|nocommit)(?:-(\d+))?_results\.json$")


def load(path: str | Path) -> ResultSet:
    """Read a result file or a baseline.

    Raises `InvalidInputError` when it cannot be read, `InvalidFileError` with every fault when it
    is not a result file.

    >>> from odyssey_asv import load
    >>> load("tests/fixtures/seed/minimal.json").results[0].value
    0.0125
    """
    source = str(path)
    return parse(read_bytes(source), source)


def parse(raw: bytes, source: str) -> ResultSet:
    """The set in the bytes of a result file; `source` names it in messages."""
    try:
        file, faults = check(loads(raw, source))
        if file is not None:
            return result_set_of(file, source=source)
    except RecursionError:
        faults = ("nested too deeply",)
    raise InvalidFileError(source, faults)


def save(results: ResultSet, path: str | Path) -> None:
    """Write a result file at `path`, atomically. Raises FileExistsError rather than replace one."""
    write_new(Path(path), serialise(results))


def serialise(results: ResultSet) -> bytes:
    """The bytes of the result file for this set; equal sets give equal bytes.

    Raises `InvalidInputError` for what could not be read again: no results at all, and a value
    that is nested too deeply.
    """
    what = results.source or "result set"
    if not results.results and results.origin is None:
        raise InvalidInputError(f"{what}: no results to write")
    try:
        return dumps(document_of(results)).encode()
    except RecursionError:
        raise InvalidInputError(f"{what}: nested too deeply to be written") from None


def save_in(results: ResultSet, folder: Path) -> Path:
    """Write a result file under its own name in `folder` and return its path."""
    return _write_in(folder, _stem(results), serialise(results))


def save_once(results: ResultSet, folder: Path) -> tuple[Path, bool]:
    """As `save_in`, unless a file in `folder` holds exactly this set; the path, and whether it is new."""
    content, stem = serialise(results), _stem(results)
    for path in newest_first(folder):
        if path.name.startswith(stem) and path.read_bytes() == content:
            return path, False
    return _write_in(folder, stem, content), True


def _write_in(folder: Path, stem: str, content: bytes) -> Path:
    for attempt in range(1, 1000):
        path = folder / f"{stem}{'' if attempt == 1 else f'-{attempt}'}{SUFFIX}"
        try:
            write_new(path, content)
        except FileExistsError:
            continue
        return path
    raise InvalidInputError(f"{folder}: too many result files named {stem}")


def _stem(results: ResultSet) -> str:
    """What the name of its file begins with."""
    return f"{_compact(results.timestamp)}-{(results.commit.hash or 'nocommit')[:8]}"


def newest_first(folder: Path) -> list[Path]:
    """The result files of a folder by the time in their name, newest first; others are ignored."""
    if not folder.is_dir():
        return []
    named = [(match, path) for path in folder.iterdir() if (match := _NAME.match(path.name))]
    named.sort(key=lambda item: (item[0][1], int(item[0][3] or 1)), reverse=True)
    return [path for _, path in named]


def latest(folder: Path) -> Path:
    """The newest result file. Raises `InvalidInputError` when there is none."""
    for path in newest_first(folder):
        return path
    raise InvalidInputError(f"{folder}: no result files", tip="measure first: odyssey run")


def of_commit(folder: Path, commit: str) -> Iterator[Path]:
    """The result files whose name says they belong to this commit (40 hex digits), newest first."""
    for path in newest_first(folder):
        match = _NAME.match(path.name)
        if match and commit.startswith(match[2]):
            yield path


def now() -> str:
    """The present moment as result files write it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _compact(timestamp: str) -> str:
    """`2026-11-23T19:02:11Z` → `20261123T190211Z`. Raises `InvalidInputError` for no ISO 8601."""
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        raise InvalidInputError(f"timestamp {timestamp!r} is not ISO 8601") from None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment
    return moment.strftime("%Y%m%dT%H%M%SZ")
