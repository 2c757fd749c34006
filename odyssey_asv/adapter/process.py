"""Drives `asv run` as a child process and turns what it tells into events.

asv's own words go to a log file (and on, where asked); its exit code is looked at but never passed
on, for it returns 1 for everything from a bad reference to a crash.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.inside import Settings
from odyssey_asv.errors import CannotMeasureError, InterruptedRunError

_PATIENCE_S = 10.0
_LOG_LINES_SHOWN = 20

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AsvRun:
    """One call of `asv run`: for these commits, in these environments, these benchmarks."""

    config: AsvConfig
    commits: tuple[str, ...]
    settings: Settings
    log: Path
    benches: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    existing: bool = False
    work: Path = field(default_factory=Path)

    def arguments(self) -> list[str]:
        """What asv is told. Commits are full hashes, handed over in a file."""
        words = ["--config", str(self.config.path), "run"]
        if self.existing:
            words += ["--set-commit-hash", self.commits[0]]
        else:
            words += [f"HASHFILE:{self.work / 'commits.txt'}"]
        words += ["--show-stderr", "--no-pull"]
        if self.settings.quick:
            words.append("--quick")
        for bench in self.benches:
            words.append(f"--bench={bench}")
        for environment in self.environments:
            words.append(f"--environment={environment}")
        return words


def run(asv: AsvRun, on_event: Callable[[Event], None], echo: IO[str] | None = None) -> int:
    """Run asv to its end, telling each event as it comes. Returns asv's exit code.

    Raises `InterruptedRunError` when interrupted: asv has then been stopped, with every benchmark it
    had started, and what it had measured is in its journals. Raises `CannotMeasureError` when asv
    is a version that cannot be watched.
    """
    asv.work.mkdir(parents=True, exist_ok=True)
    (asv.work / "commits.txt").write_text("\n".join(asv.commits) + "\n", encoding="utf-8")
    settings = asv.work / "settings.json"
    settings.write_text(json.dumps(asdict(asv.settings)), encoding="utf-8")
    # -P: a folder of the project named like one of our modules must not be imported instead.
    inside = [sys.executable, "-P", "-u", "-m", "odyssey_asv.adapter.inside"]
    command = [*inside, str(settings), *asv.arguments()]
    with _interrupts() as interrupts, _child(command, asv.log, echo) as child:
        interrupts.watch(child)
        for event in _events(child):
            if event.get("event") == "unsupported":
                raise CannotMeasureError(
                    f"the installed asv cannot be watched: {event['message']}",
                    tip="install a version that was tested: pip install 'asv==0.6.6'",
                )
            on_event(event)
        code = child.wait()
    if interrupts.seen:
        raise InterruptedRunError(
            "interrupted", tip="the same command, without --force, goes on from there"
        )
    return code


class _Interrupts:
    """Turns Ctrl-C and a polite kill into the same for asv, so that no event is dropped half handled."""

    def __init__(self) -> None:
        self.seen = 0
        self._child: subprocess.Popen[bytes] | None = None

    def watch(self, child: subprocess.Popen[bytes]) -> None:
        """From here on asv is told; an interrupt that came before is told now."""
        self._child = child
        if self.seen:
            self._tell(child)

    def on_signal(self, *_: object) -> None:
        self.seen += 1
        if self._child is not None:
            self._tell(self._child)

    def _tell(self, child: subprocess.Popen[bytes]) -> None:
        """First asked, then, at a second interrupt or where it will not listen, killed."""
        if self.seen > 1:
            child.kill()
            return
        child.send_signal(signal.SIGINT)
        timer = threading.Timer(_PATIENCE_S, child.kill)
        timer.daemon = True
        timer.start()


@contextmanager
def _interrupts() -> Iterator[_Interrupts]:
    """Handles SIGINT and SIGTERM in the block; in another thread than the main one, nothing."""
    interrupts = _Interrupts()
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, interrupts.on_signal)
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _child(
    command: Sequence[str], log: Path, echo: IO[str] | None
) -> Iterator[subprocess.Popen[bytes]]:
    """The child in a session of its own; gone, with its children, when the block is left."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as sink:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        pump = threading.Thread(target=_pump, args=(child.stderr, sink, echo), daemon=True)
        pump.start()
        try:
            yield child
        finally:
            if child.returncode is None:
                _stop(child)
            _sweep(child.pid)
            pump.join(_PATIENCE_S)
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    stream.close()


def _events(child: subprocess.Popen[bytes]) -> Iterator[Event]:
    assert child.stdout is not None
    while line := child.stdout.readline():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Ask asv to stop, as Ctrl-C would, and see to it that it does."""
    # asv puts every benchmark in a process group of its own and kills it when interrupted.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        child.send_signal(number)
        try:
            child.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            continue
        return


def _sweep(session: int) -> None:
    """Kill what is left of an asv that had no time to tidy up: its benchmarks share its session."""
    for pid in psutil.pids():
        with suppress(OSError):
            if pid != session and os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)


def _pump(source: IO[bytes] | None, sink: IO[bytes], echo: IO[str] | None) -> None:
    assert source is not None
    with source:
        for line in source:
            # A full disk must not stop the run: the log is a convenience.
            with suppress(OSError):
                sink.write(line)
                sink.flush()
            if echo is not None:
                # Nobody has to go on reading what asv says.
                with suppress(OSError, ValueError):
                    echo.write(line.decode(errors="replace"))


def end_of_log(log: Path) -> str:
    """The last lines of asv's words, for an error message."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(line for line in lines[-_LOG_LINES_SHOWN:] if line.strip())
