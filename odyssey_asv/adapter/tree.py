"""asv's results folder: `benchmarks.json`, `<machine>/machine.json`, `<machine>/<commit>-<env>.json`.

Reads formats 1 and 2 file by file, so memory does not grow with the tree, and writes format 2. asv's
files hold bare `NaN` and `Infinity`.
"""

from __future__ import annotations

import copy
import gc
import hashlib
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from odyssey_asv.adapter.compose import document_of, machine_of, suite_of
from odyssey_asv.adapter.convert import FORMAT, Converter
from odyssey_asv.errors import InvalidFileError, InvalidInputError
from odyssey_asv.files import plain_name, write_atomically
from odyssey_asv.model import ResultSet

_RESULT_FILE = re.compile(r"^[0-9a-f]{7,8}-.+\.json$")
_LONGEST_NAME = 128


class BrokenResultWarning(UserWarning):
    """A file or row of an asv tree that could not be read; the rest was."""


def read_asv_tree(
    path: str | Path,
    *,
    only: str = "",
    on_fault: Callable[[InvalidFileError], None] | None = None,
) -> Iterator[ResultSet]:
    """Read an asv results folder, one `ResultSet` for each result file, machine by machine.

    A file that cannot be read is reported to `on_fault` (default: a `BrokenResultWarning`) and the
    rest is read. `only` reads no file but those whose name begins with it. Formats 1 and 2 are read;
    a format 1 file comes out as if `asv update` had been run. Raises `InvalidInputError` when there
    is no such folder.

    >>> from odyssey_asv import read_asv_tree
    >>> sorted({s.environment.machine for s in read_asv_tree("tests/fixtures/asv_tree")})
    ['other-machine', 'tiny-machine']
    """
    folder = Path(path)
    report = on_fault or _warn
    if not folder.is_dir():
        raise InvalidInputError(
            f"{folder}: no such folder",
            tip="name an asv results folder (`results_dir` in asv.conf.json)",
        )
    converter = Converter(read_records(folder, report))
    for machine_folder in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        files = result_files(machine_folder, report, only=only)
        machine = _read_machine(machine_folder / "machine.json", report) if files else None
        for file in files:
            with _no_collection():
                results = _read_result_file(file, converter, machine, report)
            if results is not None:
                yield results


def result_files(
    folder: Path, report: Callable[[InvalidFileError], None], *, only: str = ""
) -> list[Path]:
    """The result files in a machine's folder; asv follows no links to folders either."""
    if folder.is_symlink():
        report(InvalidFileError(str(folder), ("a symbolic link: not read",)))
        return []
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        report(InvalidFileError(str(folder), (error.strerror or str(error),)))
        return []
    return [folder / n for n in names if _RESULT_FILE.match(n) and n.startswith(only)]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the cycle collector from scanning, over and over, the thousands of containers that one
    file makes; none of them is part of a cycle."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def read_records(
    folder: Path, report: Callable[[InvalidFileError], None]
) -> dict[str, dict[str, Any]]:
    """The records of the `benchmarks.json` in an asv results folder; none where the file is missing."""
    return _read_suite(folder / "benchmarks.json", report)


def read_suite(path: Path) -> dict[str, dict[str, Any]]:
    """The records of a `benchmarks.json` by benchmark. Raises `InvalidFileError` if unreadable."""
    return _read_suite(path, _raise)


def read_asv_file(path: Path, suite: dict[str, Any], machine: dict[str, Any]) -> ResultSet:
    """Read one result file of a tree. Raises `InvalidFileError` when any of it cannot be read."""
    faults: list[InvalidFileError] = []
    results = _read_result_file(path, Converter(suite), machine, faults.append)
    if faults:
        raise faults[0]
    assert results is not None
    return results


def write_asv_tree(
    path: str | Path, sets: Iterable[ResultSet], *, replacing: bool = True
) -> list[Path]:
    """Write result sets as an asv results folder (format 2) that `asv publish` and `show` read.

    Returns the result files written. A file of the same machine, commit and environment is
    replaced, or refused where that is not wanted; `benchmarks.json` keeps the benchmarks it had. Raises
    `InvalidInputError` for a set without commit, or whose machine or environment name is no file name.
    """
    folder = Path(path)
    index = folder / "benchmarks.json"
    suite: dict[str, Any] = dict(_read_suite(index, _raise)) if index.exists() else {}
    written: list[Path] = []
    try:
        for results in sets:
            written.append(_write_set(folder, results, replacing))
            suite.update(suite_of(results))
    finally:
        if written:
            _write(index, {**suite, "version": FORMAT}, compact=False)
    return written


def _write_set(folder: Path, results: ResultSet, replacing: bool) -> Path:
    try:
        document = document_of(results)
    except ValueError as error:
        raise InvalidInputError(f"{results.source or 'result set'}: {error}") from error
    machine = machine_of(results)
    machine_folder = folder / plain_name(str(machine["machine"]), "machine")
    if machine_folder.is_symlink():
        raise InvalidInputError(f"{machine_folder}: a symbolic link: nothing is written through it")
    name = _file_name(str(document["commit_hash"]), str(document["env_name"]))
    if not replacing and (machine_folder / name).exists():
        raise InvalidInputError(
            f"{machine_folder / name}: exists already", tip="--force replaces it"
        )
    _write(machine_folder / "machine.json", {**machine, "version": 1}, compact=False)
    _write(machine_folder / name, {**document, "version": FORMAT}, compact=True)
    return machine_folder / name


def _file_name(commit: str, environment: str) -> str:
    """As asv names it: names of 128 characters and more become their md5."""
    if len(environment) >= _LONGEST_NAME:
        digest = hashlib.md5(environment.encode(), usedforsecurity=False).hexdigest()
        environment = f"env-{digest}"
    return f"{plain_name(commit[:8], 'commit')}-{plain_name(environment, 'environment')}.json"


def _write(path: Path, content: object, *, compact: bool) -> None:
    try:
        text = json.dumps(content) if compact else json.dumps(content, indent=4, sort_keys=True)
    except RecursionError:
        raise InvalidInputError(f"{path}: nested too deeply to be written") from None
    write_atomically(path, text.encode())


def parse_json(raw: bytes) -> Any:
    """Parse JSON as asv writes it, NaN and Infinity included. Raises ValueError with line and column.

    The fast parser refuses a few texts that Python's own accepts (lone surrogates); those are
    parsed again with the slow one, which also words the error.
    """
    try:
        return from_json(raw, cache_strings="keys")
    except ValueError:
        return json.loads(raw)


def _load(path: Path, report: Callable[[InvalidFileError], None]) -> dict[str, Any] | None:
    try:
        raw = path.read_bytes()
    except OSError as error:
        report(InvalidFileError(str(path), (error.strerror or str(error),)))
        return None
    return _parsed(raw, path, report)


def _parsed(
    raw: bytes, path: Path, report: Callable[[InvalidFileError], None]
) -> dict[str, Any] | None:
    try:
        document = parse_json(raw)
    except (ValueError, RecursionError) as error:
        report(InvalidFileError(str(path), (f"not JSON: {error}",)))
        return None
    if not isinstance(document, dict):
        report(
            InvalidFileError(str(path), (f"expected an object, found {type(document).__name__}",))
        )
        return None
    return document


def _read_suite(
    path: Path, report: Callable[[InvalidFileError], None]
) -> dict[str, dict[str, Any]]:
    """The records of `benchmarks.json` by name; none where the file is missing."""
    document = (_load(path, report) if path.exists() else None) or {}
    document.pop("version", None)
    faults = [name for name, record in document.items() if not isinstance(record, dict)]
    if faults:
        report(InvalidFileError(str(path), tuple(f"{name}: expected an object" for name in faults)))
    return {name: record for name, record in document.items() if isinstance(record, dict)}


def _read_machine(path: Path, report: Callable[[InvalidFileError], None]) -> dict[str, Any] | None:
    document = _load(path, report) if path.exists() else None
    if document is not None:
        document.pop("version", None)
    return document


def _read_result_file(
    path: Path,
    converter: Converter,
    machine: dict[str, Any] | None,
    report: Callable[[InvalidFileError], None],
) -> ResultSet | None:
    document = _load(path, report)
    if document is None:
        return None
    old = copy.deepcopy(document) if document.get("version") == 1 else None
    document = _in_format_2(document, path, report)
    if document is None:
        return None
    try:
        results, faults = converter.result_set(document, machine, source=str(path))
    except KeyError as error:
        report(InvalidFileError(str(path), (f"missing key {error}",)))
        return None
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        report(InvalidFileError(str(path), (f"not an asv result file: {error}",)))
        return None
    if faults:
        report(InvalidFileError(str(path), tuple(faults)))
    if old is not None:
        # asv's upgrade drops a few things, such as the mean and when a benchmark ended.
        del old["version"]
        results = replace(results, origin={**(results.origin or {}), "format_1": old})
    return results


def read_document(
    raw: bytes, path: Path, report: Callable[[InvalidFileError], None]
) -> dict[str, Any] | None:
    """The document, in format 2, in the bytes of a result file; `path` names it in what is reported.

    None, and a report, where it cannot be read.
    """
    with _no_collection():
        document = _parsed(raw, path, report)
    return None if document is None else _in_format_2(document, path, report)


def _in_format_2(
    document: dict[str, Any], path: Path, report: Callable[[InvalidFileError], None]
) -> dict[str, Any] | None:
    version = document.pop("version", None)
    if version == FORMAT:
        return document
    if version != 1:
        tip = "this tool reads formats 1 and 2"
        report(InvalidFileError(str(path), (f"format {version!r} is unknown",), tip=tip))
        return None
    try:
        return _updated(document)
    except KeyError as error:
        report(InvalidFileError(str(path), (f"missing key {error}",)))
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        report(InvalidFileError(str(path), (f"not an asv result file: {error}",)))
    return None


def _updated(document: dict[str, Any]) -> dict[str, Any]:
    """A format 1 document in format 2: asv's own upgrade, the one `asv update` runs."""
    from asv.results import Results
    from asv.util import UserError

    try:
        updated: dict[str, Any] = Results.update_to_2(document)
    except UserError as error:
        raise ValueError(str(error)) from error
    return updated


def _warn(fault: InvalidFileError) -> None:
    warnings.warn(str(fault), BrokenResultWarning, stacklevel=3)


def _raise(fault: InvalidFileError) -> None:
    raise fault
