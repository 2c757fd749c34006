"""`asv publish`: asv's own site, made as it is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.errors import CannotMeasureError, InvalidInputError

_LINES_SHOWN = 15
# What marks a folder as asv's site.
_MARK = "index.json"


def publish(asv: AsvConfig, log: Path, keep: str) -> None:
    """Make asv's site in its `html_dir`, where the folder `keep` survives.

    asv wipes the folder that it writes to, so it writes to a new one that takes the old one's place when
    it is whole. What asv says goes to `log`. Raises `CannotMeasureError` when asv fails; the old site is
    still there then. Raises `InvalidInputError` where `html_dir` holds something else.
    """
    old = asv.html_dir
    new = old.with_name(f"{old.name}.new")
    _take_back(old, new, keep)
    _check_replaceable(old, keep)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-P", "-m", "asv", "--config", str(asv.path), "publish", "--no-pull",
        f"--html-dir={new}",
    ]  # fmt: skip
    try:
        code = _run(command, asv.folder, log)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    if code or not (new / _MARK).is_file():
        shutil.rmtree(new, ignore_errors=True)
        raise CannotMeasureError(
            f"asv publish failed:\n{_end_of(log)}",
            tip=f"all it said is in {log}; --only-ours leaves it out",
        )
    _replace(old, new, keep)


def _run(command: Sequence[str], folder: Path, log: Path) -> int:
    """asv's exit code. Interrupted, asv ends with every process it has started."""
    with (
        log.open("wb") as told,
        subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            start_new_session=True,
        ) as child,
    ):
        try:
            return child.wait()
        except BaseException:
            # It has written nothing but what is thrown away.
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            raise


def _take_back(old: Path, new: Path, keep: str) -> None:
    """Where a kill left the sites half replaced, the old one is as it was."""
    aside = _aside(old)
    if aside.is_dir() and not old.exists():
        aside.rename(old)
    if (new / keep).is_dir() and not (old / keep).exists():
        old.mkdir(parents=True, exist_ok=True)
        (new / keep).rename(old / keep)


def _aside(old: Path) -> Path:
    return old.with_name(f"{old.name}.old")


def _check_replaceable(folder: Path, keep: str) -> None:
    """A folder that is not a site would be lost."""
    held = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    if folder.is_symlink() or (held - {keep} and _MARK not in held):
        raise InvalidInputError(
            f"{folder}: holds other files than asv's site, which would be lost",
            tip="choose an empty folder as html_dir in asv.conf.json, or --only-ours --out DIR",
        )


def _replace(old: Path, new: Path, keep: str) -> None:
    """Put the new site in the place of the old. Killed in between, the next time takes it back first."""
    if (old / keep).is_dir():
        (old / keep).rename(new / keep)
    aside = _aside(old)
    shutil.rmtree(aside, ignore_errors=True)
    with suppress(FileNotFoundError):
        old.rename(aside)
    new.rename(old)
    shutil.rmtree(aside, ignore_errors=True)


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_LINES_SHOWN:])
