"""Files of other tools, and result files from elsewhere → result files of ours.

`read` gives one result set after another, `attribute` adds what the caller knows of it; storing it is
`store.results`' own. Whoever joins several sets into one does so between the first two.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from odyssey_asv.errors import InvalidFileError, InvalidInputError
from odyssey_asv.formats import google_benchmark, pyperf, pytest_benchmark
from odyssey_asv.formats.shape import Imported
from odyssey_asv.model import Commit, ResultSet
from odyssey_asv.store import results as result_files
from odyssey_asv.store.text import loads, read_bytes

_GZIP = b"\x1f\x8b"
_SUFFIXES = (".json", ".json.gz")


class Source(StrEnum):
    """Whose file it is."""

    ODYSSEY = "odyssey"
    PYTEST_BENCHMARK = pytest_benchmark.NAME
    PYPERF = pyperf.NAME
    GOOGLE_BENCHMARK = google_benchmark.NAME
    ASV = "asv"


@dataclass(frozen=True, slots=True)
class Known:
    """What the caller knows of the files: the time now, the commit measured, the machine's name."""

    now: str
    commit: Commit | None = None
    machine: str | None = None


class Format(NamedTuple):
    """How a document is known to be of a tool, and how it is read: document, its name, the time now."""

    recognised: Callable[[object], bool]
    read: Callable[[Any, str, str], Imported]


OnFault = Callable[[InvalidInputError], None]
_FORMATS = {
    Source.PYTEST_BENCHMARK: Format(pytest_benchmark.recognised, pytest_benchmark.read),
    Source.PYPERF: Format(pyperf.recognised, pyperf.read),
    Source.GOOGLE_BENCHMARK: Format(google_benchmark.recognised, google_benchmark.read),
}


def read(
    paths: Iterable[Path],
    source: Source | None,
    now: str,
    on_fault: OnFault,
    on_skip: Callable[[Path], None],
) -> Iterator[Imported]:
    """The sets in files and folders, in order. A folder means all files below it that are recognised.

    A file that cannot be read goes to `on_fault`, one in a folder that nobody recognises to `on_skip`; the
    rest is read. `source` forces whose files they are.
    """
    for path in paths:
        if not path.is_dir():
            yield from _read_file(path, source, now, on_fault, None)
            continue
        for found in _results_below(path, source):
            if found.is_dir():
                yield from _read_tree(found, on_fault)
            else:
                yield from _read_file(found, source, now, on_fault, on_skip)


def _results_below(folder: Path, source: Source | None) -> Iterator[Path]:
    """What may be results in a folder, in order: files, and asv results folders as a whole.

    No links are followed to other folders.
    """
    for where, inner, names in os.walk(folder):
        if source in (None, Source.ASV) and _is_tree(Path(where)):
            inner.clear()
            yield Path(where)
            continue
        inner.sort()
        yield from (Path(where, name) for name in sorted(names) if name.endswith(_SUFFIXES))


def _is_tree(folder: Path) -> bool:
    """Whether this is an asv results folder."""
    return (folder / "benchmarks.json").is_file() and any(folder.glob("*/machine.json"))


def _read_tree(folder: Path, on_fault: OnFault) -> Iterator[Imported]:
    from odyssey_asv.adapter.tree import read_asv_tree

    yield from map(Imported, read_asv_tree(folder, on_fault=on_fault))


def _read_file(
    path: Path,
    source: Source | None,
    now: str,
    on_fault: OnFault,
    on_skip: Callable[[Path], None] | None,
) -> Iterator[Imported]:
    try:
        raw = _unpacked(path)
        document = loads(raw, str(path))
        whose = source or recognise(document)
        if whose is not None:
            yield _converted(document, raw, whose, path, now)
        elif on_skip is not None:
            on_skip(path)
        else:
            on_fault(_unrecognised(path))
    except InvalidInputError as fault:
        on_fault(fault)
    except RecursionError:
        on_fault(InvalidFileError(str(path), ("nested too deeply",)))


def _unrecognised(path: Path) -> InvalidFileError:
    return InvalidFileError(
        str(path),
        ("not the result file of a tool that is known here",),
        tip=f"--from says whose it is: {', '.join(Source)}",
    )


def _unpacked(path: Path) -> bytes:
    raw = read_bytes(str(path))
    if not raw.startswith(_GZIP):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError) as error:
        raise InvalidFileError(str(path), (f"not gzip: {error}",)) from None


def recognise(document: object) -> Source | None:
    """Whose file it is, by what is in it; None where nobody's."""
    if not isinstance(document, dict):
        return None
    for source, form in _FORMATS.items():
        if form.recognised(document):
            return source
    if {"timestamp", "environment", "benchmarks"} <= set(document):
        return Source.ODYSSEY
    if {"commit_hash", "results"} <= set(document):
        return Source.ASV
    return None


def _converted(document: Any, raw: bytes, source: Source, path: Path, now: str) -> Imported:
    match source:
        case Source.ODYSSEY:
            return _unapproved(result_files.parse(raw, str(path)))
        case Source.ASV:
            return Imported(_of_asv(path))
        case _:
            return _FORMATS[source].read(document, str(path), now)


def _unapproved(results: ResultSet) -> Imported:
    """A result file as it is; of a baseline, the results alone."""
    if results.approval is None:
        return Imported(results)
    extra = {key: value for key, value in results.extra.items() if key not in ("seal", "approval")}
    plain = replace(results, approval=None, release=None, extra=extra)
    return Imported(plain, ("a baseline: imported without its approval",))


def _of_asv(path: Path) -> ResultSet:
    """One file of an asv tree, with what stands around it."""
    from odyssey_asv.adapter.tree import parse_json, read_asv_file, read_suite

    suite = path.parent.parent / "benchmarks.json"
    machine = path.parent / "machine.json"
    try:
        record = parse_json(machine.read_bytes()) if machine.is_file() else {}
    except ValueError as error:
        raise InvalidFileError(str(machine), (f"not JSON: {error}",)) from None
    return read_asv_file(path, read_suite(suite), record)


def attribute(found: Imported, known: Known) -> Imported:
    """The set with what the caller knows of it.

    Raises `InvalidInputError` where the file says that it is of another commit.
    """
    results, warnings = found.results, list(found.warnings)
    said, given = results.commit, known.commit
    if given is not None and given.hash is not None:
        if said.hash is not None and not given.hash.startswith(said.hash):
            raise InvalidInputError(
                f"{results.source} is of commit {said.hash[:12]}, not of {given.hash[:12]}",
                tip="leave out --commit, or name the files of that commit alone",
            )
        results = replace(results, commit=replace(given, dirty=said.dirty))
    elif said.hash is None:
        warnings.append("no commit is known: histories leave it out (--commit REF says it)")
    if known.machine is not None:
        environment = replace(results.environment, machine=known.machine)
        results = replace(results, environment=environment)
    if warnings:
        extra = {**results.run.extra, "warnings": warnings}
        results = replace(results, run=replace(results.run, extra=extra))
    return Imported(results, tuple(warnings))
