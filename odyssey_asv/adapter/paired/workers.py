"""Drives the processes of both sides: starts them, tells them what to do, and ends what they leave.

A `Worker` is one started interpreter of one side, the unit of evidence; it knows nothing of the other
side. What a case does to its process is answered with an `Outcome`, never with an exception; what a
case writes to its socket is not trusted.
"""

from __future__ import annotations

import json
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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from odyssey_asv.adapter.paired import outcomes
from odyssey_asv.adapter.paired import worker as program
from odyssey_asv.adapter.paired.line import GarbledError, Line, Message
from odyssey_asv.adapter.paired.outcomes import (
    Failed,
    Fault,
    Measured,
    Missing,
    Outcome,
    Prepared,
    Sample,
    Skipped,
)
from odyssey_asv.errors import CannotMeasureError

__all__ = [
    "Discovered",
    "Failed",
    "Fault",
    "Measured",
    "Missing",
    "Outcome",
    "Prepared",
    "Sample",
    "Side",
    "Skipped",
    "Task",
    "Worker",
    "holds_cache",
    "processors",
]

_START_S = 120.0
_IMPORT_S = 600.0
"""For importing a suite: as long as asv allows."""
_END_S = 20.0
_PATIENCE = 4.0
"""Where two sides share a processor, a time limit counts CPU time: on a busy machine it may take this many
times as long by the wall clock."""
_LINES_SHOWN = 20
_OUTPUT_SHOWN = 65_536
_MARK = "ODYSSEY_WORKER"
# Room for where the stack of a process begins: its size moves by as much as a few pages.
_PADDING = 4096


@dataclass(frozen=True, slots=True)
class Side:
    """Where one side's processes run.

    `vars` is the environment of a process, `suite` the folder of the benchmarks, `support` one that
    has asv_runner, `bytecode` one for what Python compiles, `folder` one of the side's own for output and
    working directories, and `caches` one for what `setup_cache` gives, which later pairs may use again.
    `project` is the folder with the project's files, None where that is not known.
    """

    name: str
    python: Path
    vars: Mapping[str, str]
    suite: Path
    support: Path
    bytecode: Path
    folder: Path
    caches: Path
    project: Path | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One case to be run in a process. `params` are the texts of its parameters, None for no
    parameters; `cache` is the folder of its `setup_cache`; `number` is 0 where it is to be found. Without
    `warm` the first sample counts. `shared` says that the other side runs on the same processor at the same
    time, so that the limit counts CPU time."""

    benchmark: str
    params: tuple[str, ...] | None
    timeout_s: float
    cache: Path | None = None
    number: int = 0
    cpu: int | None = None
    fork: bool = True
    warm: bool = True
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Discovered:
    """A suite as one side has it: asv's description of each benchmark that can be had, in asv's order,
    and by module, named as in benchmarks' names, what keeps some of its benchmarks from being had."""

    records: list[dict[str, Any]]
    faults: dict[str, Fault]


class _TimeoutError(Exception):
    pass


class _EndedError(Exception):
    """Nothing more will come; `code` is how the process ended, where that is known."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__()
        self.code = code


class Worker:
    """One interpreter of one side. A context manager: nothing of it is left afterwards."""

    def __init__(self, side: Side, rng: random.Random, aside: Sequence[int] = ()) -> None:
        """Start it, on the processors `aside` where there are any; what it is told to do then is done on
        all that this program may use."""
        self.side = side
        self._case: Line | None = None
        self._task: Task | None = None
        self._child: int | None = None
        self._exit: _EndedError | None = None
        self._failed: Failed | None = None
        self._replies: list[Message] = []
        self._told_to_end = False
        self._gone = False
        self._closed = False
        self._output = side.folder / f"output-{secrets.token_hex(4)}"
        self._mark = secrets.token_hex(8)
        settings = {
            "suite": str(side.suite),
            "support": str(side.support),
            "output": str(self._output),
            "aside": list(aside),
        }
        ours, theirs = socket.socketpair()
        self._control = Line(ours)
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

    def begin_discovery(self) -> None:
        """Start to look through the suite; `discovered` waits for it, so that both sides may do so at
        once."""
        self._control.send({"do": "discover"})

    def discovered(self) -> Discovered:
        """What the suite has, which may be nothing but faults. Raises `CannotMeasureError` where the
        process ended over it."""
        content = self._expect("discovered", _IMPORT_S)["content"]
        faults = {module: Fault(**fault) for module, fault in content["faults"].items()}
        return Discovered(content["records"], faults)

    def discover(self) -> Discovered:
        """What `discovered` returns."""
        self.begin_discovery()
        return self.discovered()

    def load(self, benchmarks: Sequence[str]) -> dict[str, Missing]:
        """Import what these need. Returns why, for those that this side does not have."""
        self.begin_load(benchmarks)
        return self.loaded()

    def begin_load(self, benchmarks: Sequence[str]) -> None:
        """Start to import; `loaded` waits for it, so that both sides may do so at once."""
        self._control.send({"do": "load", "benchmarks": list(benchmarks)})

    def loaded(self) -> dict[str, Missing]:
        """What `load` returns. Raises `CannotMeasureError` where the process ended over it."""
        content = self._expect("loaded", _IMPORT_S)["content"]
        return {name: outcomes.missing(facts) for name, facts in content.items()}

    def cache(self, benchmark: str, folder: Path, timeout_s: float) -> Failed | None:
        """Run a benchmark's `setup_cache` in `folder`. Returns what went wrong, None for nothing."""
        task = Task(benchmark, None, timeout_s)
        self.begin(task, folder=folder, command="cache")
        found = self.prepared()
        self.finish()
        match found:
            case Failed():
                return replace(found, reason=f"{found.reason}\nsetup_cache failed: {found.brief}")
            case Missing():
                return Failed(f"{found.traceback}\nsetup_cache failed: {found.reason}")
            case _:
                return None

    def begin(self, task: Task, *, folder: Path | None = None, command: str = "case") -> None:
        """Start a case; `prepared` waits for it, so that both sides may get ready at once."""
        if self._case is not None:
            self.finish()
        self._task, self._child, self._failed = task, None, None
        self._told_to_end = False
        self._exit = _EndedError() if self._gone else None
        with suppress(OSError):
            os.truncate(self._output, 0)
        ours, theirs = socket.socketpair()
        self._case = Line(ours)
        message = {
            "do": command,
            "fork": task.fork,
            "benchmark": task.benchmark,
            "params": None if task.params is None else list(task.params),
            "number": task.number,
            "warm": task.warm,
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
            return outcomes.outcome(answer)
        except (KeyError, TypeError, ValueError):
            return self._garbled()

    def sample(self) -> Sample | Failed:
        """Take one sample: what all its calls take together."""
        self.begin_sample()
        return self.sampled()

    def begin_sample(self) -> None:
        """Start a sample; `sampled` waits for it, so that both sides may take one at once."""
        if self._case is not None:
            self._case.send({"do": "sample"})

    def sampled(self) -> Sample | Failed:
        """What `sample` returns."""
        answer = self._answer()
        if isinstance(answer, Failed):
            return answer
        if answer["event"] == "skipped":
            return self._fail("it asked to be skipped when it had been measured already")
        try:
            return outcomes.sample(answer)
        except (KeyError, TypeError, ValueError):
            return self._garbled()

    def end(self) -> None:
        """Tell the case to end; `finish` waits for it, so that both sides may do so at once."""
        if self._case is not None and not self._told_to_end:
            self._told_to_end = True
            self._case.send({"do": "finish"})

    def finish(self) -> Failed | None:
        """End the case. Its tear-down may take as long as the case itself. Returns what went wrong in
        it, None where that has been told before."""
        if self._case is None:
            return None
        told = self._failed
        self.end()
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

    @property
    def _shared(self) -> bool:
        return self._task is not None and self._task.shared

    def _cpu_s(self) -> float:
        """The CPU time of the case's process so far, 0 where that is not known or not asked for."""
        if not self._shared or self._child is None:
            return 0.0
        with suppress(psutil.Error):
            used = psutil.Process(self._child).cpu_times()
            return float(used.user + used.system + used.children_user + used.children_system)
        return 0.0

    def _answer(self) -> Message | Failed:
        """What the case says next, or how it failed to."""
        limit_s = self._task_timeout
        began, spent_s = time.monotonic(), self._cpu_s()
        wait_s = limit_s
        try:
            while True:
                try:
                    return self._case_says(began + wait_s)
                except _TimeoutError:
                    left_s = limit_s - (self._cpu_s() - spent_s)
                    if not self._shared or left_s <= 0.0 or wait_s >= _PATIENCE * limit_s:
                        raise
                    wait_s = min(wait_s + max(left_s, 0.1 * limit_s), _PATIENCE * limit_s)
        except _TimeoutError:
            self._kill_child()
            return self._fail(f"no answer within {limit_s:g} s", timeout=True)
        except _EndedError as error:
            return self._broken(error)
        except GarbledError:
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
            except GarbledError:
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
                        self._child = outcomes.whole(message["pid"], least=2)
                    case "exit":
                        self._exit = _EndedError(outcomes.whole(message["code"], least=-1000))
                    case "ended":
                        self._gone = True
                        self._exit = _EndedError(outcomes.whole(message["code"], least=-1000))
                    case _:
                        self._replies.append(message)
        except (GarbledError, KeyError, TypeError):
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

    def _expect(self, event: str, timeout_s: float = _START_S) -> Message:
        deadline = time.monotonic() + timeout_s
        with suppress(_TimeoutError):
            while not self._replies and not self._gone:
                self._turn(deadline)
        if not self._replies:
            how = f"no answer within {timeout_s:g} s"
            if self._gone:
                how = _ending(None if self._exit is None else self._exit.code)
            said = self._said() or "it printed nothing"
            if event == "started":
                raise CannotMeasureError(
                    f"the {self.side.name}'s benchmark process did not start: {how}; it said:\n{said}",
                    tip=f"try it: {self.side.python} -c 'import sys'",
                )
            raise CannotMeasureError(
                f"the suite ended or held up the {self.side.name}'s benchmark process when it was"
                f" imported: {how}; it said:\n{said}",
                tip=f"no module of it may end its process or take so long: {self.side.suite}",
            )
        message = self._replies.pop(0)
        if message["event"] == event:
            return message
        raise self._unimportable(str(message.get("text", "")).strip().splitlines()[-_LINES_SHOWN:])

    def _unimportable(self, said: Sequence[str]) -> CannotMeasureError:
        lines = "".join(f"\n  {line}" for line in said)
        return CannotMeasureError(
            f"the suite cannot be imported with the {self.side.name}:{lines}",
            tip=f"some module with benchmarks must import: {self.side.suite}",
        )


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


def holds_cache(folder: Path) -> bool:
    """Whether a `setup_cache` has run to its end in a folder."""
    return (folder / program.CACHE).is_file()


def processors() -> list[int]:
    """The numbers of the processors that this program may use, none where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
