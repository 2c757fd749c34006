"""Shared and exclusive locks on names, between processes and between threads.

The lock of a process that dies, however it dies, is gone with it: the operating system sees to that.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Hold:
    """A lock that is held until it is released. It does not outlive the process."""

    path: Path
    _fd: int

    def share(self) -> None:
        """Let others in to read. For a moment nobody holds the lock, so look again afterwards."""
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def release(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def remove(self) -> None:
        """Release an exclusive lock whose name will not be needed again."""
        self.path.unlink(missing_ok=True)
        self.release()


class Locks:
    """One empty file for each name, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def shared(self, name: str, waiting: Callable[[], None] | None = None) -> Hold:
        """The lock, as one of any number of readers; `waiting` is called if it takes long."""
        hold = self._take(name, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if hold is None:
            if waiting is not None:
                waiting()
            hold = self._take(name, fcntl.LOCK_SH)
        assert hold is not None
        return hold

    def exclusive(self, name: str) -> Hold | None:
        """The lock for nobody but us, None where anybody else has it."""
        return self._take(name, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _take(self, name: str, how: int) -> Hold | None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name}.lock"
        while True:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(fd, how)
                # Whoever had it before may have removed the file: then we hold what nobody sees.
                if _same_file(fd, path):
                    return Hold(path, fd)
            except BlockingIOError:
                os.close(fd)
                return None
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)


def _same_file(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
