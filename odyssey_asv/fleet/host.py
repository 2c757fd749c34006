"""What runs on a host: one job at a time, each in a process of its own that outlives whoever asked.

The functions here are what an engine calls there. Everything is in one folder, the host's home:

    lock                   held as long as anything is measured, by the measuring process itself
    id                     what stays the same when the host comes back
    bundles/SHA256         repositories as they were handed over
    projects/NAME          a checkout of each, with its environments, which are kept
    jobs/ID                a job's words, what it said, its files, and its answer
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from odyssey_asv import __version__
from odyssey_asv.files import plain_name, write_atomically, write_new
from odyssey_asv.fleet.jobs import Job, job_of

HOME = "ODYSSEY_HOST_DIR"
"""The environment variable that moves a host's home."""

_KEPT_S = 7 * 24 * 3600.0
_POLL_S = 0.1


def home_of(named: str | None) -> Path:
    """The host's folder: the one a job names, else `ODYSSEY_HOST_DIR`, else one in the user's cache."""
    if named is not None:
        return Path(named)
    if os.environ.get(HOME):
        return Path(os.environ[HOME])
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache, "odyssey-asv", "host")


def describe(named: str | None = None) -> dict[str, Any]:
    """Which host this is, with which version of this program."""
    home = home_of(named)
    return {"id": _identity(home), "version": __version__, "home": str(home)}


def _identity(home: Path) -> str:
    path = home / "id"
    with suppress(FileExistsError):
        write_new(path, f"{socket.gethostname()}-{secrets.token_hex(3)}\n".encode())
    return path.read_text(encoding="utf-8").strip()


def has_bundle(named: str | None, digest: str) -> bool:
    """Whether a repository is here already; if so, it is kept for a while longer."""
    path = home_of(named) / "bundles" / plain_name(digest, "bundle")
    if not path.is_file():
        return False
    os.utime(path)
    return True


def put_bundle(named: str | None, digest: str, content: bytes) -> None:
    """Keep a repository that was handed over. Raises ValueError where it is not what it should be."""
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"the bundle {digest[:12]} did not arrive whole")
    write_atomically(home_of(named) / "bundles" / plain_name(digest, "bundle"), content)


def perform(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Do a job and return its answer as plain data; at once where it was done before.

    Waits until nothing else is measured here. Raises RuntimeError where no answer came of it.
    """
    job = job_of(plain)
    home = home_of(job.home)
    folder = home / "jobs" / plain_name(job.id, "job")
    if not _done(folder, job):
        with _alone(home) as lock:
            # Who held the lock may have been doing this very job.
            if not _done(folder, job):
                if job.bundle is not None:
                    has_bundle(job.home, job.bundle)
                _forget_old(home)
                shutil.rmtree(folder, ignore_errors=True)
                _measure(plain, folder, lock)
    return _answer(folder)


def _done(folder: Path, job: Job) -> bool:
    """Whether a job left an answer with the files that make one; one without is worth another try."""
    if not (folder / "answer.json").is_file():
        return False
    out = folder / "out"
    wanted = [out / name for name in job.places.values()]
    return all(path.is_file() for path in wanted) if wanted else any(out.glob("*"))


def stop(named: str | None, session: str) -> None:
    """End what is measured for a session, whose jobs' ids begin with its name."""
    jobs = home_of(named) / "jobs"
    for path in jobs.glob(f"{plain_name(session, 'session')}-*/pid"):
        with suppress(OSError, ValueError, psutil.Error):
            found = psutil.Process(int(path.read_text(encoding="ascii")))
            # Its number may be another's by now.
            if found.cmdline()[-1:] == [str(path.parent)]:
                os.killpg(found.pid, signal.SIGTERM)


@contextmanager
def _alone(home: Path) -> Iterator[int]:
    """Hold the host's lock; it is open, so that a process can inherit it and hold it further."""
    home.mkdir(parents=True, exist_ok=True)
    lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_POLL_S)
        yield lock
    finally:
        os.close(lock)


def _measure(plain: Mapping[str, Any], folder: Path, lock: int) -> None:
    """Start the measuring process and wait for it. Killed with its parent it is not: it goes on, keeps
    the lock, and its answer is found by whoever asks for the job next."""
    write_atomically(folder / "job.json", json.dumps(dict(plain)).encode())
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "odyssey_asv.fleet.bench", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
            start_new_session=True,
        )
        write_atomically(folder / "pid", str(child.pid).encode())
        code = child.wait()
    (folder / "pid").unlink(missing_ok=True)
    if not (folder / "answer.json").is_file():
        said = (folder / "log").read_text(encoding="utf-8", errors="replace").strip()
        last = said.splitlines()[-1] if said else f"exit status {code}"
        raise RuntimeError(f"{socket.gethostname()}: {last}")


def _answer(folder: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((folder / "answer.json").read_bytes())
    out = folder / "out"
    files = sorted(path for path in out.iterdir() if path.is_file()) if out.is_dir() else []
    return {**answer, "files": {path.name: path.read_bytes() for path in files}}


def _forget_old(home: Path) -> None:
    """Remove jobs and bundles that nobody will ask for any more."""
    for path in (*home.glob("jobs/*"), *home.glob("bundles/*")):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _KEPT_S:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
