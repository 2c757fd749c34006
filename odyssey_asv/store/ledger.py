"""What was read from result files, kept for the next time: one SQLite file that anybody may delete.

An entry stands for a file while path, size and time of change are the same; where the time has changed,
or is too near to that of the reading to tell, the content decides. Several processes may use it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from os import stat_result
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from odyssey_asv.model import RunKind
from odyssey_asv.past.sheets import Described, Layout, Sheet
from odyssey_asv.past.timeline import Place

# Of what is kept and how: a change begins a new file.
VERSION = 1
# File systems keep times no finer than this.
_COARSEST_NS = 2_000_000_000
_PATIENCE_S = 30.0
# As many files are read between two writes, which keep other processes waiting.
_BATCH = 100
_TABLES = """
create table if not exists layouts (id integer primary key, said text not null unique);
create table if not exists files (
    path text primary key, size integer not null, changed_ns integer not null,
    read_ns integer not null, digest blob not null, head text, layouts blob, columns blob
) without rowid;
"""


class _Entry(NamedTuple):
    size: int
    changed_ns: int
    read_ns: int
    digest: bytes


class Ledger:
    """Sheets by file. Where it cannot be written to it remembers nothing more, and works."""

    def __init__(self, folder: Path) -> None:
        self._base = _open(folder / f"history-{VERSION}.sqlite")
        self._entries: dict[str, _Entry] = {}
        self._layouts: dict[int, Layout] = {}
        self._fresh: list[tuple[str, _Entry, Sheet | None]] = []
        self._touched: list[tuple[str, _Entry]] = []
        self._load()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(sqlite3.Error):
            self._flush()
        self._base.close()

    def sheet(self, path: Path, read: Callable[[bytes, Path], Sheet | None]) -> Sheet | None:
        """The sheet of a file: remembered, or read by `read` and remembered.

        Raises OSError where the file cannot be read; what `read` raises passes through.
        """
        status = path.stat()
        entry = self._entries.get(str(path))
        if entry is not None and _unchanged(entry, status):
            return self._remembered(str(path))
        now, raw = time.time_ns(), path.read_bytes()
        digest = hashlib.sha256(raw).digest()
        fresh = _Entry(status.st_size, status.st_mtime_ns, now, digest)
        if entry is not None and entry.digest == digest:
            self._touched.append((str(path), fresh))
            return self._remembered(str(path))
        found = read(raw, path)
        self._fresh.append((str(path), fresh, found))
        if len(self._fresh) >= _BATCH:
            self._flush()
        return found

    def forget_all_but(self, files: Iterable[Path]) -> None:
        """Drop what is remembered of files that are not among these."""
        gone = set(self._entries) - set(map(str, files))
        if gone:
            with suppress(sqlite3.Error), self._base:
                self._base.executemany("delete from files where path = ?", [(p,) for p in gone])

    def _load(self) -> None:
        found = self._base.execute("select path, size, changed_ns, read_ns, digest from files")
        self._entries = {path: _Entry(*rest) for path, *rest in found}
        self._layouts = {
            number: _layout(said)
            for number, said in self._base.execute("select id, said from layouts")
        }

    def _remembered(self, path: str) -> Sheet | None:
        row = self._base.execute(
            "select head, layouts, columns from files where path = ?", (path,)
        ).fetchone()
        if row is None or row[0] is None:
            return None
        machine, environment, how, commit, date, measured_at, count = json.loads(row[0])
        numbers = np.frombuffer(row[1], dtype=np.int64).tolist()
        return Sheet(
            place=Place(machine, environment, RunKind(how)),
            commit=commit,
            date=date,
            measured_at=measured_at,
            layouts=tuple(map(self._layouts.__getitem__, numbers)),
            values=np.frombuffer(row[2], dtype=np.float64, count=count),
            low=np.frombuffer(row[2], dtype=np.float32, count=count, offset=8 * count),
            high=np.frombuffer(row[2], dtype=np.float32, count=count, offset=12 * count),
        )

    def _flush(self) -> None:
        """Write what is new, in one transaction. A full disk costs the memory and nothing else."""
        fresh, self._fresh = self._fresh, []
        touched, self._touched = self._touched, []
        with suppress(sqlite3.Error), self._base:
            self._base.executemany(
                "update files set size = ?, changed_ns = ?, read_ns = ? where path = ?",
                [(entry.size, entry.changed_ns, entry.read_ns, path) for path, entry in touched],
            )
            numbers = self._numbers({x for _, _, sheet in fresh if sheet for x in sheet.layouts})
            self._base.executemany(
                "insert or replace into files values (?, ?, ?, ?, ?, ?, ?, ?)",
                [(path, *entry, *_content(sheet, numbers)) for path, entry, sheet in fresh],
            )

    def _numbers(self, layouts: Iterable[Layout]) -> dict[Layout, int]:
        """The number under which each layout is kept, the same for every process."""
        said = {layout: json.dumps(layout) for layout in layouts}
        self._base.executemany(
            "insert or ignore into layouts (said) values (?)", [(s,) for s in said.values()]
        )
        known = {text: n for n, text in self._base.execute("select id, said from layouts")}
        return {layout: known[text] for layout, text in said.items()}


def _content(
    sheet: Sheet | None, numbers: dict[Layout, int]
) -> tuple[str | None, bytes | None, bytes | None]:
    if sheet is None:
        return None, None, None
    head = [*sheet.place, sheet.commit, sheet.date, sheet.measured_at, len(sheet.values)]
    layouts = np.array([numbers[layout] for layout in sheet.layouts], dtype=np.int64)
    columns = (sheet.values, sheet.low, sheet.high)
    return json.dumps(head), layouts.tobytes(), b"".join(column.tobytes() for column in columns)


def _layout(said: str) -> Layout:
    benchmark, version, axes, described = json.loads(said)
    if described is not None:
        kind, unit, better, names = described
        described = Described(kind, unit, better, tuple(names))
    return Layout(benchmark, version, tuple(map(tuple, axes)), described)


def _unchanged(entry: _Entry, status: stat_result) -> bool:
    """Whether a file must be as it was read: another change just after the reading might not show."""
    same = (status.st_size, status.st_mtime_ns) == (entry.size, entry.changed_ns)
    return same and entry.changed_ns < entry.read_ns - _COARSEST_NS


def _open(path: Path) -> sqlite3.Connection:
    """The base in a file; a new one in place of what is none; one in memory where there can be none."""
    for attempt in (1, 2):
        base = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            base = sqlite3.connect(path, timeout=_PATIENCE_S)
            base.executescript(_TABLES)
            base.execute("select count(*) from files").fetchone()
        except (sqlite3.OperationalError, OSError):
            _close(base)
            break
        except sqlite3.DatabaseError:
            _close(base)
            if attempt == 1:
                with suppress(OSError):
                    path.unlink()
        else:
            return base
    base = sqlite3.connect(":memory:")
    base.executescript(_TABLES)
    return base


def _close(base: sqlite3.Connection | None) -> None:
    if base is not None:
        base.close()
