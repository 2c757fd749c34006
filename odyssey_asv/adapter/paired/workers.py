"""Drives the processes of both sides: starts them, tells them what to do, and ends what they leave.

A `Worker` is one started interpreter of one side, the unit of evidence; it knows nothing of the other
side. What a case does to its process is answered with an `Outcome`, never with an exception; what a
case writes to its socket is not trusted.
"""

from __future__ import annotations

import json
import math
import os
import random
import secrets
import select
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from odyssey_asv.adapter.paired import worker as program
from odyssey_asv.errors import CannotMeasureError

_START_S = 120.0
_END_S = 20.0
_LINES_SHOWN = 20
_OUTPUT_SHOWN = 65_536
_MARK = "ODYSSEY_WORKER"
# Room for where the stack of a process begins: its size moves by as much as a few pages.
_PADDING = 4096

Message = dict[str, Any]
Clocks = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Side:
    """Where one side's processes run.

    `vars` is the environment of a process, `suite` the folder of the benchmarks, `support` one that
    has asv_runner, `bytecode` one for what Python compiles, and `folder` one of the side's own for caches,
    output and working directories.
    """

    name: str
    python: Path
    vars: Mapping[str, str]
    suite: Path
    support: Path
    bytecode: Path
    folder: Path


@dataclass(frozen=True, slots=True)
class Task:
    """One case to be run in a process. `params` are the texts of its parameters, None for no
    parameters; `cache` is the folder of its `setup_cache`; `number` is 0 where it is to be found."""

    benchmark: str
    params: tuple[str, ...] | None
    timeout_s: float
    cache: Path | None = None
    number: int = 0
    cpu: int | None = None
    fork: bool = True


@dataclass(frozen=True, slots=True)
class Prepared:
    """Ready to take samples of `number` calls, `repeat` of them at most (0: any number)."""

    number: int
    repeat: int
    own_timer: bool
    fresh: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """What a benchmark that is no timing gave."""

    value: Any


@dataclass(frozen=True, slots=True)
class Skipped:
    """The benchmark does not want to be run with these parameters."""


@dataclass(frozen=True, slots=True)
class Missing:
    """This side has no such case: its suite cannot be imported here, or has other parameters."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The case broke its process, or hung; `reason` is the end of what it printed."""

    reason: str
    timeout: bool = False


Outcome = Prepared | Measured | Skipped | Missing | Failed


class _TimeoutError(Exception):
    pass


class _EndedError(Exception):
    """Nothing more will come; `code` is how the process ended, where that is known."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__()
        self.code = code


class _GarbledError(Exception):
    pass


class _Line:
    """One end of a socket that brings messages, one JSON object a line."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self.socket = end
        self.ended = False
        self._rest = bytearray()
        self._searched = 0

    def read(self) -> bool:
        """Take what has arrived, if anything. Raises `_GarbledError` for a line without end."""
        try:
            chunk = self.socket.recv(1 << 18)
        except BlockingIOError:
            return False
        except OSError:
            chunk = b""
        self.ended = not chunk
        self._rest += chunk
        if len(self._rest) > program.LONGEST_LINE and self._rest.find(b"\n", self._searched) < 0:
            raise _GarbledError
        return bool(chunk)

    def forget(self) -> None:
        self._rest.clear()
        self._searched = 0

    def next(self) -> Message | None:
        """The next message, None where none is complete. Raises `_GarbledError`."""
        at = self._rest.find(b"\n", self._searched)
        if at < 0:
            self._searched = len(self._rest)
            return None
        line = bytes(self._rest[:at])
        del self._rest[: at + 1]
        self._searched = 0
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise _GarbledError from None
        if not isinstance(message, dict) or not isinstance(message.get("event"), str):
            raise _GarbledError
        return message

    def send(self, message: Message, passing: socket.socket | None = None) -> None:
        """Send a message, and a socket with it. What goes wrong is told by the answer that does not
        come."""
        data = json.dumps(message).encode() + b"\n"
        with suppress(OSError):
            self.socket.settimeout(_START_S)
            try:
                if passing is not None:
                    sent = socket.send_fds(self.socket, [data], [passing.fileno()])
                    data = data[sent:]
                self.socket.sendall(data)
            finally:
                self.socket.setblocking(False)

    def close(self) -> None:
        self.ended = True
        with suppress(OSError):
            self.socket.close()


class Worker:
    """One interpreter of one side. A context manager: nothing of it is left afterwards."""

    def __init__(self, side: Side, rng: random.Random) -> None:
        self.side = side
        self._case: _Line | None = None
        self._task: Task | None = None
        self._child: int | None = None
        self._exit: _EndedError | None = None
        self._failed: Failed | None = None
        self._replies: list[Message] = []
        self._gone = False
        self._closed = False
        self._output = side.folder / f"output-{secrets.token_hex(4)}"
        self._mark = secrets.token_hex(8)
        settings = {
            "suite": str(side.suite),
            "support": str(side.support),
            "output": str(self._output),
        }
        ours, theirs = socket.socketpair()
        self._control = _Line(ours)
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [side.python, program.__file__, str(theirs.fileno()), json.dumps(settings)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd=side.folder,
                    env=_variables(side, rng) | {_MARK: self._mark},
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            except BaseException as error:
                self._control.close()
                if isinstance(error, OSError):
                    raise CannotMeasureError(
                        f"the {side.name}'s interpreter cannot be started: {error}"
                    ) from None
                raise

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and everything it started. Never raises, and may be called again."""
        if self._closed:
            return
        self._closed = self._gone = True
        self._exit = self._exit or _EndedError()
        if self._case is not None:
            self._case.close()
        self._control.close()
        # It ends by itself, having ended what is below it, as soon as its socket is closed.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        if self._process.returncode != 0:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
            _end_marked(self._mark)
        with suppress(OSError):
            self._output.unlink(missing_ok=True)

    def started(self) -> None:
        """Wait until the interpreter has the suite's machinery. Raises `CannotMeasureError`."""
        self._expect("started")

    def discover(self) -> list[Message]:
        """The benchmarks of the suite as asv describes them. Raises `CannotMeasureError`."""
        self._control.send({"do": "discover"})
        found: list[Message] = self._expect("discovered")["content"]
        return found

    def load(self, benchmarks: Sequence[str]) -> dict[str, str]:
        """Import what these need. Returns why, for those that this side does not have."""
        self._control.send({"do": "load", "benchmarks": list(benchmarks)})
        faults: dict[str, str] = self._expect("loaded")["content"]
        return faults

    def cache(self, benchmark: str, folder: Path, timeout_s: float) -> str | None:
        """Run a benchmark's `setup_cache` in `folder`. Returns what went wrong, None for nothing."""
        task = Task(benchmark, None, timeout_s)
        self.begin(task, folder=folder, command="cache")
        found = self.prepared()
        self.finish()
        return found.reason if isinstance(found, Failed) else None

    def begin(self, task: Task, *, folder: Path | None = None, command: str = "case") -> None:
        """Start a case; `prepared` waits for it, so that both sides may get ready at once."""
        if self._case is not None:
            self.finish()
        self._task, self._child, self._failed = task, None, None
        self._exit = _EndedError() if self._gone else None
        with suppress(OSError):
            os.truncate(self._output, 0)
        ours, theirs = socket.socketpair()
        self._case = _Line(ours)
        message = {
            "do": command,
            "fork": task.fork,
            "benchmark": task.benchmark,
            "params": None if task.params is None else list(task.params),
            "number": task.number,
            "sample_s": program.SAMPLE_S,
            "cache": None if task.cache is None else str(task.cache),
            "folder": str(folder or task.cache or self.side.folder),
            "cpu": task.cpu,
        }
        with theirs:
            self._control.send(message, theirs)

    def prepared(self) -> Outcome:
        """What came of starting the case."""
        answer = self._answer()
        if isinstance(answer, Failed):
            return answer
        try:
            return _outcome(answer)
        except (KeyError, TypeError, ValueError):
            return self._garbled()

    def sample(self) -> Clocks | Failed:
        """Take one sample: seconds of all its calls by the wall clock, of processor, by its own timer."""
        if self._case is not None:
            self._case.send({"do": "sample"})
        answer = self._answer()
        if isinstance(answer, Failed):
            return answer
        if answer["event"] == "skipped":
            return self._fail("it asked to be skipped when it had been measured already")
        try:
            return _clocks(answer)
        except (KeyError, TypeError, ValueError):
            return self._garbled()

    def finish(self) -> Failed | None:
        """End the case. Its tear-down may take as long as the case itself. Returns what went wrong in
        it, None where that has been told before."""
        if self._case is None:
            return None
        told = self._failed
        self._case.send({"do": "finish"})
        try:
            self._until_exit(self._task_timeout)
        except _TimeoutError:
            self._fail(f"no end within {self._task_timeout:g} s", timeout=True)
            self._kill_child()
            with suppress(_TimeoutError):
                self._until_exit(_END_S)
        if self._exit is None:
            # Not even the interpreter answers.
            self.close()
        elif self._failed is None and self._exit.code != 0:
            self._broken(self._exit)
        self._case.close()
        self._case = None
        return None if told else self._failed

    @property
    def alive(self) -> bool:
        return not self._gone and self._process.poll() is None

    @property
    def _task_timeout(self) -> float:
        return _START_S if self._task is None else self._task.timeout_s

    def _answer(self) -> Message | Failed:
        """What the case says next, or how it failed to."""
        try:
            return self._case_says(time.monotonic() + self._task_timeout)
        except _TimeoutError:
            self._kill_child()
            return self._fail(f"no answer within {self._task_timeout:g} s", timeout=True)
        except _EndedError as error:
            return self._broken(error)
        except _GarbledError:
            return self._garbled()

    def _case_says(self, deadline: float) -> Message:
        case = self._case
        if case is None:
            raise _EndedError
        while (message := case.next()) is None:
            if self._exit is None:
                self._turn(deadline)
            elif case.ended:
                raise self._exit
            elif not case.read():
                # All that it said before its end has been heard.
                raise self._exit
        return message

    def _until_exit(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while self._exit is None:
            try:
                self._turn(deadline)
            except _GarbledError:
                self._garbled()
            if self._case is not None:
                self._case.forget()

    def _turn(self, deadline: float) -> None:
        """Read once from whoever has something to say. Raises `_TimeoutError`."""
        events = select.poll()
        lines = [self._control, *([self._case] if self._case else [])]
        for line in lines:
            if not line.ended:
                events.register(line.socket, select.POLLIN)
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise _TimeoutError
        ready = {fd for fd, _ in events.poll(left_s * 1000)}
        for line in lines:
            if not line.ended and line.socket.fileno() in ready:
                if line is self._control:
                    self._listen()
                else:
                    line.read()

    def _listen(self) -> None:
        """Take what the interpreter, or its keeper, says of itself."""
        try:
            self._control.read()
            while (message := self._control.next()) is not None:
                match message["event"]:
                    case "child":
                        self._child = _whole(message["pid"], least=2)
                    case "exit":
                        self._exit = _EndedError(_whole(message["code"], least=-1000))
                    case "ended":
                        self._gone = True
                        self._exit = _EndedError(_whole(message["code"], least=-1000))
                    case _:
                        self._replies.append(message)
        except (_GarbledError, KeyError, TypeError):
            self.close()
        if self._control.ended:
            self._gone = True
            self._exit = self._exit or _EndedError()

    def _kill_child(self) -> None:
        if self._exit is not None:
            return
        if self._child is None:
            self.close()
            return
        with suppress(OSError):
            os.killpg(self._child, signal.SIGKILL)
        with suppress(OSError):
            os.kill(self._child, signal.SIGKILL)

    def _garbled(self) -> Failed:
        self._kill_child()
        return self._fail("it wrote to a socket that is not its own")

    def _broken(self, ended: _EndedError) -> Failed:
        # Our own program ends with 1, having printed the exception.
        said = self._said() if ended.code == 1 else ""
        return self._fail("" if said else _ending(ended.code))

    def _fail(self, reason: str, *, timeout: bool = False) -> Failed:
        said = [text for text in (self._said(), reason) if text]
        self._failed = Failed("\n".join(said), timeout=timeout)
        return self._failed

    def _said(self) -> str:
        """The end of what the case printed."""
        try:
            with self._output.open("rb") as source:
                size = source.seek(0, os.SEEK_END)
                source.seek(max(0, size - _OUTPUT_SHOWN))
                text = source.read().decode(errors="replace")
        except OSError:
            return ""
        lines = [line for line in text.splitlines() if line.strip()]
        return "\n".join(lines[-_LINES_SHOWN:])

    def _expect(self, event: str) -> Message:
        deadline = time.monotonic() + _START_S
        with suppress(_TimeoutError):
            while not self._replies and not self._gone:
                self._turn(deadline)
        if not self._replies:
            said = self._said() or "it printed nothing"
            missed = "did not start" if event == "started" else "ended or hung at its imports"
            raise CannotMeasureError(
                f"the {self.side.name}'s benchmark process {missed}; it said:\n{said}",
                tip=f"try it: {self.side.python} -c 'import sys'",
            )
        message = self._replies.pop(0)
        if message["event"] == event:
            return message
        lines = str(message.get("text", "")).strip().splitlines()[-_LINES_SHOWN:]
        raise CannotMeasureError(
            f"the suite cannot be imported beside the {self.side.name}; the end of what Python said:\n"
            + "\n".join(f"  {line}" for line in lines),
            tip=f"every module of it must import, as for asv: {self.side.suite}",
        )


def _outcome(message: Message) -> Outcome:
    """Raises KeyError, TypeError or ValueError for what no case of ours says."""
    match message["event"]:
        case "prepared":
            return Prepared(
                number=_whole(message["number"], least=1),
                repeat=_whole(message["repeat"], least=0),
                own_timer=bool(message["own_timer"]),
                fresh=bool(message["fresh"]),
            )
        case "value":
            return Measured(message["content"])
        case "cached":
            return Measured(None)
        case "skipped":
            return Skipped()
        case "missing":
            return Missing(str(message["text"]))
        case event:
            raise ValueError(event)


def _clocks(message: Message) -> Clocks:
    wall, cpu, own = message["clocks"]
    for value in (wall, cpu, own):
        if not isinstance(value, float) or not math.isfinite(value):
            raise TypeError(value)
    if wall <= 0.0:
        raise ValueError(wall)
    return wall, cpu, own


def _whole(value: Any, *, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise TypeError(value)
    return value


def _variables(side: Side, rng: random.Random) -> dict[str, str]:
    """The environment of one process: a hash seed and a size of its own."""
    return {
        **side.vars,
        "PYTHONHASHSEED": str(rng.randrange(1, 2**32)),
        "PYTHONPYCACHEPREFIX": str(side.bytecode),
        "ODYSSEY_PADDING": "x" * rng.randrange(_PADDING),
    }


def _ending(code: int | None) -> str:
    if code is None:
        return "the process ended"
    if code >= 0:
        return f"the process ended with exit code {code}"
    with suppress(ValueError):
        return f"the process was killed by {signal.Signals(-code).name}"
    return f"the process was killed by signal {-code}"


def _end_marked(mark: str) -> None:
    """Kill what a worker left because its keeper was killed."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(_MARK) == mark:
                process.kill()


def processors() -> list[int]:
    """The numbers of the processors that this program may use, none where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
