"""Pages → files: only what differs is written, only what was written before is removed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from odyssey_asv.config import Config
from odyssey_asv.errors import InvalidFileError, InvalidInputError
from odyssey_asv.files import write_atomically
from odyssey_asv.model import ResultSet
from odyssey_asv.store import results
from odyssey_asv.store.baselines import Baselines

_MANIFEST = ".odyssey-site.json"
# Names that are about to be added to it, one a line: writing it anew for each of thousands is slow.
_ADDED = ".odyssey-site.added"
# The pages that `check` and `bisect` leave, with their titles.
_REPORTS = {"check.html": "the latest check", "bisect.html": "the latest search"}


@dataclass(frozen=True, slots=True)
class Written:
    """How many files were written, were the same already, and were removed."""

    written: int
    unchanged: int
    removed: int


def write_pages(folder: Path, pages: Iterable[tuple[str, bytes]]) -> Written:
    """Make a folder hold these files, by their paths below it, and no other of an earlier time.

    Each file is replaced as a whole. Raises `InvalidInputError` for a folder that holds files of somebody
    else, and for a path that leads out of the folder or through a link.
    """
    earlier = _earlier(folder)
    made: set[str] = set()
    written = 0
    folder.mkdir(parents=True, exist_ok=True)
    # From now on it is known whose folder this is, whatever happens.
    _remember(folder, earlier)
    for name, content in pages:
        path = _below(folder, name)
        made.add(name)
        if not _holds(path, content):
            if name not in earlier:
                earlier.add(name)
                _announce(folder, name)
            write_atomically(path, content)
            written += 1
    gone = sorted(earlier - made)
    for name in gone:
        # What has become a folder is not what was written.
        with suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError):
            _below(folder, name).unlink()
    _remember(folder, made)
    return Written(written, len(made) - written, len(gone))


def baselines(config: Config) -> list[tuple[str, ResultSet]]:
    """The approved baselines by name, the current one first; unreadable ones are left out."""
    held = Baselines(config.baselines)
    paths = sorted(held.approved(), key=lambda path: (path != held.current, path.name))
    found = []
    for path in paths:
        try:
            found.append((path.stem, results.load(path)))
        except (InvalidFileError, InvalidInputError):
            continue
    return found


def reports(config: Config) -> Iterator[tuple[str, bytes]]:
    """The latest pages of a check and of a search, by title."""
    for name, title in _REPORTS.items():
        path = config.pages / name
        if path.is_file():
            yield title, path.read_bytes()


def _earlier(folder: Path) -> set[str]:
    """What was written here before; of a manifest that is damaged, what can be read."""
    if folder.is_symlink():
        raise InvalidInputError(f"{folder}: a symbolic link: nothing is written through it")
    try:
        held = (folder / _MANIFEST).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        _check_empty(folder)
        return set()
    added: list[str] = []
    with suppress(FileNotFoundError):
        added = (folder / _ADDED).read_text(encoding="utf-8", errors="replace").splitlines()
    listed = _loaded(held)
    names = [*(listed if isinstance(listed, list) else []), *map(_loaded, added)]
    return {name for name in names if isinstance(name, str) and _plain(name)}


def _check_empty(folder: Path) -> None:
    """A kill while the manifest was first written leaves the beginning of it and nothing else."""
    held = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if not all(name.startswith(f".{_MANIFEST}.") and name.endswith(".tmp") for name in held):
        raise InvalidInputError(
            f"{folder}: holds files that are not ours", tip="name an empty folder: --out DIR"
        )


def _loaded(line: str) -> object:
    """What a text of JSON says; None for what is none."""
    try:
        found: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found


def _remember(folder: Path, names: set[str]) -> None:
    """Make the manifest list exactly these."""
    content = (json.dumps(sorted(names), indent=0) + "\n").encode()
    if not _holds(folder / _MANIFEST, content):
        write_atomically(folder / _MANIFEST, content)
    (folder / _ADDED).unlink(missing_ok=True)


def _announce(folder: Path, name: str) -> None:
    """Say that a file is ours before it is there."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    with os.fdopen(os.open(folder / _ADDED, flags, 0o666), "wb") as sink:
        # Begins a new line: the last one may have been cut off by a kill.
        sink.write(f"\n{json.dumps(name)}\n".encode())


def _below(folder: Path, name: str) -> Path:
    path = folder.joinpath(*PurePosixPath(name).parts)
    if not _plain(name):
        raise InvalidInputError(f"{name!r}: leads out of {folder}")
    for parent in path.parents:
        if parent == folder:
            return path
        if parent.is_symlink():
            raise InvalidInputError(f"{parent}: a symbolic link: nothing is written through it")
    raise InvalidInputError(f"{name!r}: leads out of {folder}")


def _plain(name: str) -> bool:
    """Whether a path stays below where it begins."""
    parts = PurePosixPath(name).parts
    outside = ".." in parts or PurePosixPath(name).is_absolute() or "\\" in name or "\0" in name
    return bool(parts) and not outside


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except FileNotFoundError:
        return False
