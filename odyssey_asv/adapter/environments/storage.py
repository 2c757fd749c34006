"""The folder of finished builds: which there are, who uses them, which have to go.

Each build is a folder with a name as long as any other's, for the length of a path moves the memory
of a process. What it is stands in its status file, which is written last: a folder without one is
half built and is never used. Locks keep a build from being made twice at once, and from being removed
while somebody uses it.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odyssey_asv.adapter.environments.commands import end_leftovers
from odyssey_asv.adapter.environments.locks import Hold, Locks
from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.files import write_atomically

STATUS = "odyssey.json"
WHEEL = "wheel"
ENVIRONMENT = "environment"
_FORMAT = 1
_NAME_DIGITS = 16
_KEYS = {"kind", "name", "commit", "content", "preferences", "parts"}
_LOCKS = "locks"
_LOOKS = 500
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Kept:
    """A build on disk. `name` is asv's name of an environment, `wheel` for a wheel, and empty for what
    was never finished; `last_used` is in seconds since the epoch."""

    name: str
    commit: str
    folder: Path
    bytes: int
    last_used: float


@dataclass(slots=True)
class Claim:
    """A build that this process may use (`status`), or is alone in making (None)."""

    folder: Path
    hold: Hold
    status: Mapping[str, Any] | None


def digest(content: object) -> str:
    """Equal for equal content, in 64 hex digits."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Storage:
    """The builds in `folder`, of each kind the `keep` last used and those in use.

    What was claimed stays in use until `release`.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder = folder
        self._keep = max(1, keep)
        self._locks = Locks(folder / _LOCKS)
        self._holds: dict[str, Hold] = {}

    def name(self, *content: object) -> str:
        return digest(content)[:_NAME_DIGITS]

    def find(self, content: str, preference: str) -> Mapping[str, Any] | None:
        """An environment made of this content that was the answer to this preference, now in use."""
        for folder in sorted(self._folders(), key=_last_used, reverse=True):
            status = read_status(folder)
            if status and status["content"] == content and preference in status["preferences"]:
                with self.claimed([folder.name]) as claims:
                    found = claims[folder.name].status
                if found is not None:
                    return found
        return None

    def family(self, name: str) -> list[Mapping[str, Any]]:
        """The wheels of a family, last used first, all in use from now on."""
        found = []
        for folder in sorted(self._folders(), key=_last_used, reverse=True):
            status = read_status(folder)
            if status is not None and status["kind"] == WHEEL and status.get("family") == name:
                with self.claimed([folder.name]) as claims:
                    if (whole := claims[folder.name].status) is not None:
                        found.append(whole)
        return found

    @contextmanager
    def claimed(
        self, names: Iterable[str], waiting: Callable[[str], None] = lambda _: None
    ) -> Iterator[dict[str, Claim]]:
        """A claim on each name. What was to be made and is not `finish`ed in the block is discarded."""
        claims: dict[str, Claim] = {}
        try:
            # In one order for all, or two processes could wait for each other.
            for name in sorted(set(names)):
                claims[name] = self._claim(name, waiting)
            yield claims
        finally:
            for claim in claims.values():
                if claim.status is None:
                    with suppress(OSError):
                        _remove(claim.folder)
                    claim.hold.remove()

    def finish(self, claim: Claim, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Say that a build is whole. From then on it is found, and others may use it too."""
        folder = claim.folder
        content = {**status, "format": _FORMAT, "folder": str(folder)}
        _write_status(folder, content)
        claim.status = content
        claim.hold.share()
        self._keep_hold(folder.name, claim.hold)
        # Between the two locks it was nobody's, and may have been removed as the oldest.
        if read_status(folder) is None:
            raise FileNotFoundError(2, "removed while it was being finished", str(folder))
        return content

    def prefer(self, status: Mapping[str, Any], preference: str) -> None:
        """Note that an environment in use is the answer to one more preference."""
        if preference not in status["preferences"]:
            preferences = [*status["preferences"], preference][-100:]
            _write_status(Path(status["folder"]), {**status, "preferences": preferences})

    def evict(self) -> None:
        """Remove what is half built or was not used for longest, unless somebody uses it."""
        seen = {WHEEL: 0, ENVIRONMENT: 0}
        for folder in sorted(self._folders(), key=_last_used, reverse=True):
            status = read_status(folder)
            if status is not None:
                seen[status["kind"]] += 1
                if seen[status["kind"]] <= self._keep:
                    continue
            self._remove(folder)

    def clear(self) -> list[Kept]:
        """Remove everything, and return what others use and was therefore left."""
        self.release()
        for folder in self._folders():
            self._remove(folder)
        return self.contents()

    def contents(self) -> list[Kept]:
        """Everything there is, last used first."""
        found = []
        for folder in self._folders():
            status = read_status(folder) or {"name": "", "commit": ""}
            used = _last_used(folder)
            found.append(Kept(status["name"], status["commit"], folder, _size(folder), used))
        return sorted(found, key=lambda kept: kept.last_used, reverse=True)

    def release(self) -> None:
        """Nothing is in use by this process any more."""
        while self._holds:
            self._holds.popitem()[1].release()

    def _claim(self, name: str, waiting: Callable[[str], None]) -> Claim:
        folder = self.folder / name
        looks = 0
        while True:
            hold = self._locks.shared(name, lambda: waiting(name))
            if (status := read_status(folder)) is not None:
                os.utime(folder / STATUS)
                self._keep_hold(name, hold)
                return Claim(folder, hold, status)
            hold.release()
            if name in self._holds:
                self._holds.pop(name).release()
            alone = self._locks.exclusive(name)
            if alone is None:
                # Somebody has begun to build it, or looks as we do. Neither is so for long.
                if (looks := looks + 1) > _LOOKS:
                    raise CannotMeasureError(
                        f"{folder}: damaged, and in use by another process",
                        tip="wait until that one has ended, and try again",
                    )
                time.sleep(random.uniform(0.001, _LOOK_S))  # noqa: S311 (nothing secret)
                continue
            if read_status(folder) is None:
                try:
                    if folder.exists():
                        end_leftovers(folder)
                        _remove(folder)
                    folder.mkdir(parents=True)
                except BaseException:
                    alone.release()
                    raise
                return Claim(folder, alone, None)
            alone.release()

    def _keep_hold(self, name: str, hold: Hold) -> None:
        if name in self._holds:
            self._holds.pop(name).release()
        self._holds[name] = hold

    def _remove(self, folder: Path) -> None:
        hold = self._locks.exclusive(folder.name)
        if hold is None:
            return
        try:
            if read_status(folder) is None:
                end_leftovers(folder)
            _remove(folder)
        except BaseException:
            hold.release()
            raise
        hold.remove()

    def _folders(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return [path for path in self.folder.iterdir() if path.is_dir() and path.name != _LOCKS]


def read_status(folder: Path) -> Mapping[str, Any] | None:
    """What a finished build says of itself, None where it is not whole, or was made elsewhere."""
    try:
        status = json.loads((folder / STATUS).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(status, dict) or status.get("format") != _FORMAT:
        return None
    if not status.keys() >= _KEYS:
        return None
    # Environments hold their own address: a project that was moved needs new ones.
    if status.get("folder") != str(folder):
        return None
    return status if all((folder / part).exists() for part in status["parts"]) else None


def _write_status(folder: Path, status: Mapping[str, Any]) -> None:
    content = json.dumps(status, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    write_atomically(folder / STATUS, content.encode())


def _last_used(folder: Path) -> float:
    for path in (folder / STATUS, folder):
        with suppress(OSError):
            return path.stat().st_mtime
    return 0.0


def _remove(folder: Path) -> None:
    """The status first: half of a build must not look like one."""
    (folder / STATUS).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _size(folder: Path) -> int:
    total = 0
    for path, _, files in os.walk(folder):
        for file in files:
            with suppress(OSError):
                total += os.lstat(os.path.join(path, file)).st_size
    return total
