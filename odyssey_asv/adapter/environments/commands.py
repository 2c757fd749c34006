"""Runs programs that build: closed input, output to a log, and nothing left behind, however it ends."""

from __future__ import annotations

import math
import os
import re
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from odyssey_asv.adapter.environments.remedies import remedy
from odyssey_asv.errors import CannotMeasureError

_LINES_SHOWN = 20
_TAIL_BYTES = 64 * 1024
_LOOK_S = 0.5
_PATIENCE_S = 10.0
_MARK = "ASV_ENV_DIR"

_OFFLINE = re.compile(
    r"error sending request for url|dns error|failed to lookup address|network was disabled"
    r"|name resolution|Name or service not known|Failed to establish a new connection"
    r"|Network is unreachable|Could not resolve host|tcp connect error",
    re.IGNORECASE,
)
_FULL = re.compile(r"No space left on device|Disk quota exceeded", re.IGNORECASE)
_UNSOLVED = re.compile(r"No solution found when resolving|ResolutionImpossible")


class CommandFailedError(Exception):
    """A program said that it failed, could not be started, or was silent for too long."""


class OutOfTimeError(CommandFailedError):
    """Nothing is wrong with a program, but there is no time left for it."""


class BuildFailedError(CannotMeasureError):
    """One side ("base" or "contender", "commit" where there is but one) could not be built. `log` is the
    file with everything that its programs said."""

    def __init__(self, side: str, commit: str, reason: str, log: Path) -> None:
        self.side = side
        self.log = log
        said = last_lines(log)
        why, tip = _explain("\n".join(said))
        message = f"{side} {commit[:8]} could not be built: {why or reason}"
        if said:
            message += f"; the end of its log, {log}:\n" + "\n".join(f"  {line}" for line in said)
        super().__init__(message, tip=tip)


def _explain(said: str) -> tuple[str | None, str | None]:
    """What a log says that is better said in our words, and the remedy."""
    if _FULL.search(said):
        return "the disk is full", "make room on it"
    if _OFFLINE.search(said):
        return (
            "no package index could be reached",
            "look at the network and at the addresses of package indexes in the log",
        )
    known = remedy(said)
    if _UNSOLVED.search(said):
        usual = "look at `matrix` in asv.conf.json and at the project's own requirements"
        return "no versions of its requirements agree", known or usual
    return None, known


def last_lines(log: Path) -> tuple[str, ...]:
    """The end of a log, without empty lines."""
    try:
        with log.open("rb") as source:
            source.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = source.read().decode(errors="replace").splitlines()
    except OSError:
        return ()
    return tuple(line.rstrip() for line in lines if line.strip())[-_LINES_SHOWN:]


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments; `accepted` are the exit codes that are no failure, None for any."""

    words: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    accepted: frozenset[int] | None = frozenset({0})


class Runner:
    """Runs commands one after another or in several threads; `stop`, from any thread, ends them all.

    `silence_s` is how long a program may say nothing before it is ended, as asv's `install_timeout`;
    `deadline`, by the monotonic clock, is when all have to have ended.
    """

    def __init__(
        self, silence_s: float, echo: IO[str] | None = None, deadline: float = math.inf
    ) -> None:
        self._silence_s = silence_s
        self._deadline = deadline
        self._echo = echo
        self._lock = threading.Lock()
        self._live: list[subprocess.Popen[bytes]] = []
        self._stopped = False

    def run(self, command: Command, log: Path) -> None:
        """Run it to its end. Raises `CommandFailedError`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink:
            sink.write(f"$ {shlex.join(command.words)}\n".encode())
            sink.flush()
            with self._started(command) as child:
                output = _Output(child, sink, self._echo)
                code = self._wait(child, output)
        if command.accepted is not None and code not in command.accepted:
            raise CommandFailedError(f"`{_brief(command)}` {_ending(code)}")

    def note(self, text: str, log: Path) -> None:
        """Say something of our own where the programs' words go."""
        with suppress(OSError), log.open("a", encoding="utf-8") as sink:
            sink.write(f"# {text}\n")
        if self._echo is not None:
            with suppress(OSError, ValueError):
                self._echo.write(f"{text}\n")

    def stop(self) -> None:
        """End everything that runs; nothing is started any more."""
        with self._lock:
            self._stopped = True
            for child in self._live:
                _end(child)

    def resume(self) -> None:
        """Allow commands again, when those that were stopped have ended."""
        self._stopped = False

    @contextmanager
    def _started(self, command: Command) -> Iterator[subprocess.Popen[bytes]]:
        with self._lock:
            if self._stopped:
                raise CommandFailedError("stopped")
            try:
                child = subprocess.Popen(
                    command.words,
                    cwd=command.cwd,
                    env=dict(command.env),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise CommandFailedError(f"{command.words[0]}: {error.strerror}") from error
            self._live.append(child)
        try:
            yield child
        finally:
            with self._lock:
                # Also after success: a build has nothing to leave running beside measurements.
                _end(child)
                child.wait()
                self._live.remove(child)

    def _wait(self, child: subprocess.Popen[bytes], output: _Output) -> int:
        # A child that ended may have left another behind that holds its output open.
        while not output.ended(_LOOK_S) and child.poll() is None:
            if time.monotonic() > self._deadline:
                raise OutOfTimeError("the budget was spent")
            if time.monotonic() - output.last > self._silence_s:
                raise CommandFailedError(
                    f"it said nothing for {self._silence_s:g} s (install_timeout in asv.conf.json)"
                )
        if child.poll() is None:
            # It has closed its output and goes on.
            try:
                child.wait(self._silence_s)
            except subprocess.TimeoutExpired:
                raise CommandFailedError(f"it did not end in {self._silence_s:g} s") from None
        _end(child)
        output.ended(_PATIENCE_S)
        return child.returncode


class _Output:
    """Carries what a child says to its log, and on where asked. `last` is when it said something."""

    def __init__(
        self, child: subprocess.Popen[bytes], sink: IO[bytes], echo: IO[str] | None
    ) -> None:
        assert child.stdout is not None
        self._source = child.stdout
        self._sink = sink
        self._echo = echo
        self.last = time.monotonic()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def ended(self, timeout_s: float) -> bool:
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _carry(self) -> None:
        with self._source:
            while chunk := os.read(self._source.fileno(), 65536):
                self.last = time.monotonic()
                # A full disk stops the build, not the log of it; and nobody has to listen.
                with suppress(OSError, ValueError):
                    self._sink.write(chunk)
                    self._sink.flush()
                if self._echo is not None:
                    with suppress(OSError, ValueError):
                        self._echo.write(chunk.decode(errors="replace"))


def _brief(command: Command) -> str:
    words = [Path(command.words[0]).name, *command.words[1:]]
    line = shlex.join(words)
    return line if len(line) <= 120 else line[:117] + "..."


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill a child and everything else in its session."""
    child.kill()
    for pid in psutil.pids():
        with suppress(OSError):
            if pid != child.pid and os.getsid(pid) == child.pid:
                os.kill(pid, signal.SIGKILL)


def end_leftovers(folder: Path) -> None:
    """Kill programs that still build into a folder though whoever started them is gone."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(_MARK) == str(folder):
                process.kill()
                found.append(process)
    deadline = time.monotonic() + _PATIENCE_S
    while any(map(_runs, found)) and time.monotonic() < deadline:
        time.sleep(0.01)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
