"""Runs benchmarks in an environment under test, sample by sample, as it is told.

A program of its own: `python worker.py FD SETTINGS`, started by `workers` in the environment's
interpreter, which may be any Python since 3.8. It imports nothing of this package; asv_runner comes
from the folder that the settings name. One JSON object a line goes each way over a socket.

Three processes, each the parent of the next. The keeper runs no foreign code and ends everything below
it as soon as the socket FD is closed at the other end. The interpreter imports the suite and forks for
each case, so that a case costs milliseconds and loses nothing but itself. The fork has a socket of its
own, sent along with the command, and can write to no other. What a benchmark is, how its parameters,
set-up, cache and skips work is asv_runner's business: its own objects are used.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import json
import math
import os
import pickle
import pkgutil
import resource
import select
import signal
import socket
import sys
import time
import timeit
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any, NoReturn

CACHE = "cache.pickle"
"""The file that holds what `setup_cache` gave, in a folder of its own."""
SAMPLE_S = 0.002
"""Of one sample, where the benchmark does not say: short, so that the machine's drift within a pair is
small, and long enough for the clocks."""

LONGEST_LINE = 64 * 2**20
"""Of a message, in bytes."""

_OUTPUT_KEPT = 16_384
_LONGEST_REASON = 300
_COLD_TIMES = 50.0
"""A first call that takes longer than so many samples is not made again only to see whether it was cold."""
_SETUP_SHARE = 10
"""A sample of calls that are each set up anew may take this many times its target, set-up included."""
_ENDING_S = 10.0
_TRACEBACK_LINES = 60


class HungUpError(Exception):
    """Nobody is at the other end any more."""


class Channel:
    """Messages, one JSON object a line, over a socket that may bring others."""

    def __init__(self, fd: int) -> None:
        # No program that a benchmark starts is to have it.
        os.set_inheritable(fd, False)
        self._socket = socket.socket(fileno=fd)
        self._rest = b""
        self.brought: list[int] = []

    def receive(self) -> dict[str, Any]:
        while b"\n" not in self._rest:
            chunk, extras, _, _ = self._socket.recvmsg(65536, socket.CMSG_SPACE(4))
            for _, _, fd in extras:
                self.brought.append(int.from_bytes(fd[:4], sys.byteorder))
            if not chunk:
                raise HungUpError
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def send(self, **message: Any) -> None:
        data = json.dumps(message).encode() + b"\n"
        if len(data) > LONGEST_LINE:
            raise ValueError(f"too large to report: {len(data) / 2**20:.0f} MiB as JSON")
        self._socket.sendall(data)

    def close(self) -> None:
        self._socket.close()


class MissingError(Exception):
    """This side has no such benchmark or no such parameters.

    `broken` says that an exception keeps it from being had, whose traceback is kept: without it, the suite
    was imported cleanly and simply has no benchmark of this name."""

    def __init__(self, reason: str, broken: bool = False, trace: str = "") -> None:
        super().__init__(reason)
        self.broken = broken
        self.trace = trace

    @property
    def facts(self) -> dict[str, Any]:
        """What a message says of it."""
        return {"reason": str(self), "broken": self.broken, "traceback": self.trace}


class UnimportableError(Exception):
    """A module of the suite has failed to be imported before."""

    def __init__(self, module: str) -> None:
        super().__init__(module)
        self.module = module


class Suite:
    """The benchmarks of a folder: each looked up once, no module imported that they do not need.

    `faults` has what was found to be wrong so far, by module, named as in benchmarks' names: the exception
    and its traceback."""

    def __init__(self, folder: str) -> None:
        with _only_plugins():
            from asv_runner import discovery
        from asv_runner._aux import update_sys_path
        from asv_runner.benchmarks import _base

        update_sys_path(folder)
        # A second hash of the source text that nothing here asks for.
        _base.code_fingerprint = _no_hash
        self._discovery = discovery
        self._by_name = discovery.get_benchmark_from_name
        self._of_modules = discovery.disc_benchmarks
        # asv_runner goes through the whole suite for each name that is not a path to its function.
        discovery.disc_benchmarks = self.each
        discovery.importlib = SimpleNamespace(import_module=self._import)
        self._folder = folder
        self._known: dict[str, Any] = {}
        self._found: dict[str, list[Any]] = {}
        self.faults: dict[str, dict[str, str]] = {}

    def each(self, _: str = "") -> Iterator[Any]:
        """All that can be had, in asv's order; modules are imported as they are reached."""
        for module in self._modules(os.path.basename(self._folder)):
            yield from self._of(module)

    def find(self, name: str) -> Any:
        """Raises `MissingError`."""
        if name not in self._known:
            try:
                self._known[name] = self._by_name(self._folder, name)
            except UnimportableError as error:
                fault = self.faults[error.module]
                raise MissingError(fault["reason"], True, fault["traceback"]) from error
            except BaseException as error:
                home = self._broken_home(name)
                if home is None:
                    broken = not _says_not_found(error, name)
                    trace = self._traceback(error) if broken else ""
                    raise MissingError(self._reason(error), broken, trace) from error
                raise MissingError(home["reason"], True, home["traceback"]) from error
        return self._known[name]

    def _broken_home(self, name: str) -> dict[str, str] | None:
        """What is wrong with the module that a benchmark is named after, or with a package around it."""
        parts = name.split(".")
        modules = [".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]
        modules.append(os.path.basename(self._folder))
        return next((self.faults[module] for module in modules if module in self.faults), None)

    def _modules(self, name: str) -> Iterator[Any]:
        try:
            module = self._import(name)
        except UnimportableError:
            return
        yield module
        for _, inner, _ in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
            yield from self._modules(inner)

    def _import(self, name: str) -> Any:
        """What has failed is not tried again: it may be a download that takes its time to fail."""
        short = _short(name)
        if name in sys.modules or short not in self.faults:
            try:
                return importlib.import_module(name)
            except BaseException as error:
                self._blame(short, error)
        raise UnimportableError(short)

    def _blame(self, module: str, error: BaseException) -> None:
        self.faults[module] = {"reason": self._reason(error), "traceback": self._traceback(error)}

    def _of(self, module: Any) -> list[Any]:
        """The benchmarks of one module, up to the first that cannot be made."""
        name = module.__name__
        if name not in self._found:
            found = self._found[name] = []
            # asv_runner, asked for all modules, is given this one.
            self._discovery.disc_modules = lambda *_, **__: [module]
            try:
                for benchmark in self._of_modules(self._folder):
                    found.append(benchmark)  # noqa: PERF402 (those before an exception are kept)
            except BaseException as error:
                self._blame(_short(name), error)
        return self._found[name]

    def _reason(self, error: BaseException) -> str:
        """What was raised, on one line."""
        try:
            said = " ".join(str(error).split())
        except Exception:
            said = ""
        text = f"{type(error).__name__}: {said}" if said else type(error).__name__
        if len(text) > _LONGEST_REASON:
            text = f"{text[:_LONGEST_REASON]}..."
        return text

    @staticmethod
    def _traceback(error: BaseException) -> str:
        """Python's own, without the frames of the machinery that imports the suite."""
        try:
            whole = traceback.TracebackException.from_exception(error)
            ours = os.path.dirname(os.path.abspath(__file__))
            machinery = (ours, os.path.dirname(sys.modules["asv_runner"].__file__ or ours))
            frames = [
                frame
                for frame in whole.stack
                if not frame.filename.startswith((*machinery, "<frozen importlib"))
                and not frame.filename.endswith(f"{os.sep}importlib{os.sep}__init__.py")
            ]
            whole.stack = traceback.StackSummary.from_list(frames)
            lines = "".join(whole.format()).splitlines()
        except Exception:
            lines = traceback.format_exc().splitlines()
        return "\n".join(lines[-_TRACEBACK_LINES:])


def _says_not_found(error: BaseException, name: str) -> bool:
    """Whether asv_runner went through a suite that it could import and found no benchmark of this name."""
    return isinstance(error, ValueError) and str(error) == f"Could not find benchmark {name!r}"


def _short(module: str) -> str:
    """A module's name without that of the suite, which benchmarks' names go without, too."""
    return module.partition(".")[2] or module


@contextmanager
def _only_plugins() -> Iterator[None]:
    """Spare asv_runner, which looks for plugins, reading the metadata of all that is installed, and
    importing what reads it where there are none: both are a good part of starting a process."""
    if "importlib.metadata" not in sys.modules and not any(map(_may_have_plugins, sys.path)):
        sys.modules["importlib.metadata"] = SimpleNamespace(distributions=tuple)  # type: ignore[assignment]
        try:
            yield
        finally:
            del sys.modules["importlib.metadata"]
        return
    from importlib import metadata

    everything = metadata.distributions

    def plugins(**context: Any) -> Iterator[Any]:
        for found in everything(**context):
            path = getattr(found, "_path", None)
            if path is None or path.name.startswith("asv_bench"):
                yield found

    metadata.distributions = plugins
    try:
        yield
    finally:
        metadata.distributions = everything


def _may_have_plugins(folder: str) -> bool:
    """Whether asv_runner would find a plugin of its own among what is installed there."""
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return False
    return any(name.lower().replace("-", "_").startswith("asv_bench") for name in names)


def _no_hash(_: str) -> str:
    return ""


def _zero() -> float:
    return 0.0


class Usage:
    """Reads what this process has used of the machine so far, and what its sampling thread waited for."""

    def __init__(self) -> None:
        self._thread = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)
        try:
            self._queued: int | None = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        except OSError:
            self._queued = None

    def waits(self) -> int:
        """How often the sampling thread gave up its processor by itself: to sleep, for a lock, for data."""
        return resource.getrusage(self._thread).ru_nvcsw

    def read(self) -> tuple[float, float, float, float]:
        """Seconds so far: of processor by the sampling thread, by the whole process, by children that have
        ended, and those that the sampling thread stood in line for a processor."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        queued_s = 0.0
        if self._queued is not None:
            try:
                # Three numbers: nanoseconds on a processor, nanoseconds in line for one, turns.
                queued_s = int(os.pread(self._queued, 96, 0).split()[1]) / 1e9
            except (OSError, ValueError, IndexError):
                self._queued = None
        ended_s = children.ru_utime + children.ru_stime
        return time.thread_time(), time.process_time(), ended_s, queued_s


class Timing:
    """Takes samples of one `time_` case. A sample is six numbers of seconds: by the wall clock, of
    processor by the whole process, by the benchmark's own timer; blocked, which is when the sampling thread
    neither ran nor stood in line for a processor; of processor by other threads and processes; and in line
    for a processor, where the system tells that."""

    def __init__(self, benchmark: Any, sample_s: float) -> None:
        from asv_runner.benchmarks._base import Benchmark
        from asv_runner.benchmarks.time import TimeBenchmark

        self._benchmark = benchmark
        self._set_up: Callable[[], object] = benchmark.do_setup
        if type(benchmark) is TimeBenchmark:
            # The same without looking up a dozen attributes once more, which takes most of its time.
            self._set_up = partial(Benchmark.do_setup, benchmark)
        self._own: Callable[[], float] | None = None
        if benchmark.timer is not timeit.default_timer:
            self._own = benchmark.timer
        self._call: Callable[[], object] = benchmark._param_bound_func(*benchmark._build_params())
        self._explicit: int = benchmark.number
        if self._explicit < 0:
            raise ValueError(
                f"number must be at least 1, or 0 to have it found, not {self._explicit}"
            )
        self._usage = Usage()
        self._fresh = bool(benchmark._setups) and benchmark.number != 1
        own = _attribute(benchmark, "sample_time")
        self._sample_s: float = sample_s if own is None else own
        self._overhead = self._of_nothing()[:3] if self._fresh else (0.0, 0.0, 0.0)
        self.number = self._explicit
        self._first: Sequence[float] | None = None

    def prepare(self, number: int, warm: bool) -> None:
        """Warm up if that is wanted, and find how many calls make a sample where nobody says."""
        self.number = number or self._explicit or self._calibrated()
        if not warm:
            self._without_teardown()
            return
        warmup_s = max(self._benchmark.warmup_time, 0.0)
        started = time.perf_counter()
        while True:
            self._without_teardown()
            self._not_counted()
            if time.perf_counter() - started >= warmup_s:
                break

    def _calibrated(self) -> int:
        """As asv does it: more calls until they fill a sample."""
        number, again = 1, False
        while True:
            self._without_teardown()
            started = time.perf_counter()
            taken = self._not_counted(number)
            spent = time.perf_counter() - started
            longest = max(taken)
            most_s = _SETUP_SHARE * self._sample_s
            if longest >= self._sample_s or (self._fresh and spent >= most_s):
                # A first call that imports or fills caches takes longer than any later one.
                cold = number == 1 and spent < _COLD_TIMES * self._sample_s and not again
                if not cold:
                    return number
                again = True
                continue
            share = self._sample_s / longest if longest > 0 else 10.0
            if self._fresh and spent > 0:
                share = min(share, most_s / spent)
            number = max(number + 1, int(number * min(10.0, max(1.1, share))))

    def _not_counted(self, number: int = 0) -> Sequence[float]:
        taken = self.sample(number)
        if self._first is None:
            self._first = _finite(taken)
        return taken

    def _without_teardown(self) -> None:
        """As asv does it: nothing that only tears down runs before there are samples."""
        if not self._benchmark._setups:
            self._benchmark._redo_setup_next = False

    def sample(self, number: int = 0) -> Sequence[float]:
        """The six numbers for `number` calls together."""
        number = number or self.number
        collecting = gc.isenabled()
        gc.disable()
        try:
            if not self._fresh:
                return self._in_a_row(number)
            taken = self._one_by_one(self._call, self._renew, number)
        finally:
            if collecting:
                gc.enable()
        corrected = [max(t - number * o, t / 20) for t, o in zip(taken, self._overhead)]
        return [*corrected, *taken[3:]]

    def _renew(self) -> None:
        """What asv's `redo_setup` does."""
        if self._benchmark._redo_setup_next:
            self._benchmark.do_teardown()
            self._set_up()
        else:
            self._benchmark._redo_setup_next = True

    def _in_a_row(self, number: int) -> Sequence[float]:
        """A sample as `timeit` takes it, by three clocks."""
        call, calls = self._call, itertools.repeat(None, number)
        clock, processor, own = time.perf_counter, time.process_time, self._own or _zero
        self._renew()
        waits, before = self._usage.waits(), self._usage.read()
        # The clock that is likeliest to be judged by stands closest to the calls.
        cpu = processor()
        mine = own()
        started = clock()
        for _ in calls:
            call()
        ended = clock()
        mine = own() - mine
        cpu = processor() - cpu
        thread_s, all_s, children_s, queued_s = (b - a for a, b in zip(before, self._usage.read()))
        wall, blocked = ended - started, 0.0
        if self._usage.waits() != waits:
            blocked = max(wall - thread_s - queued_s, 0.0)
        others = max(all_s - thread_s, 0.0) + children_s
        return (wall, cpu, mine, blocked, others, max(queued_s, 0.0))

    def _one_by_one(
        self, call: Callable[[], object], before_each: Callable[[], object], number: int
    ) -> Sequence[float]:
        """A sample of calls that are each set up anew."""
        clock, processor, own = time.perf_counter, time.process_time, self._own or _zero
        waits, thread = self._usage.waits, time.thread_time
        wall = cpu = mine = blocked = others = 0.0
        for _ in range(number):
            before_each()
            # What setting up waits for, and who works for it, is no matter.
            waited, alone = waits(), thread()
            spent = processor()
            mine -= own()
            started = clock()
            call()
            taken = clock() - started
            mine += own()
            spent = processor() - spent
            alone = thread() - alone
            wall += taken
            cpu += spent
            others += max(spent - alone, 0.0)
            if waits() != waited:
                blocked += max(taken - alone, 0.0)
        return (wall, cpu, mine, blocked, others, 0.0)

    def _of_nothing(self) -> Sequence[float]:
        """What the clocks show for a call that does nothing, as deep as asv makes the call."""
        call = self._call_nothing if self._benchmark._build_params() else self._nothing
        taken = [self._one_by_one(call, self._nothing, 1) for _ in range(50)]
        return [sorted(values)[len(values) // 2] for values in zip(*taken)]

    def _call_nothing(self) -> None:
        self._nothing()

    @staticmethod
    def _nothing() -> None:
        pass

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "own_timer": self._own is not None,
            "repeat": _most_samples(self._benchmark.repeat),
            "fresh": self._fresh,
            # Whoever asks for a time of warming up gets it in every process.
            "first": self._first if self._benchmark.warmup_time <= 0 else None,
        }


class RawTiming:
    """Takes samples of one `timeraw_` case: each starts an interpreter, which times itself."""

    def __init__(self, benchmark: Any) -> None:
        self._benchmark = benchmark
        self._timer = benchmark._get_timer(*benchmark._build_params())
        self.number: int = benchmark.number

    def prepare(self, number: int, warm: bool) -> None:
        self.number = number or self.number or 1
        if warm:
            self.sample()

    def sample(self) -> Sequence[float]:
        taken = self._timer.timeit(self.number)
        # Its work is another process's, for which this one waits.
        return (taken, 0.0, 0.0, taken, taken, 0.0)

    @property
    def facts(self) -> dict[str, Any]:
        repeat = _most_samples(self._benchmark.repeat)
        own = {"number": self.number, "own_timer": False, "repeat": repeat, "fresh": False}
        return {**own, "first": None}


def _attribute(benchmark: Any, name: str) -> Any:
    for source in benchmark._attr_sources:
        value = getattr(source, name, None)
        if value is not None:
            return value
    return None


def _most_samples(repeat: Any) -> int:
    """How many samples a process may take at most by asv's `repeat`; 0 where it does not say."""
    return int(repeat[1] if isinstance(repeat, (tuple, list)) else repeat)


def main() -> NoReturn:
    control, settings = Channel(int(sys.argv[1])), json.loads(sys.argv[2])
    everywhere = _stand_aside(settings["aside"])
    kernel = Kernel()
    kernel.adopt_orphans()
    keeper = os.getpid()
    pid = os.fork()
    if pid:
        _keep(control, int(sys.argv[1]), pid)
    kernel.die_with(keeper)
    kernel.adopt_orphans()
    try:
        _interpret(Interpreter(control, kernel, settings), everywhere)
    except HungUpError:
        os._exit(0)


def _stand_aside(processors: Collection[int]) -> Collection[int]:
    """Keep off the processor on which somebody measures. Returns where this process may run otherwise,
    nothing if it may already."""
    if not processors:
        return ()
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    return everywhere


def _keep(control: Channel, fd: int, pid: int) -> NoReturn:
    """Wait for the interpreter, or for the other end of the socket to go, and leave nothing behind."""
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    told: list[int] = []
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: told.append(number))
    events = select.poll()
    events.register(woken, select.POLLIN)
    # Nothing is read from it here, but its end is told in any case.
    events.register(fd, 0)
    while not told:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            _end_children()
            try:
                control.send(event="ended", code=_code(status))
            except OSError:
                pass
            os._exit(0)
        ready = dict(events.poll())
        if fd in ready:
            break
        os.read(woken, 4096)
    _end_children()
    os._exit(0)


class Interpreter:
    """What the process that has the suite knows."""

    def __init__(self, control: Channel, kernel: Kernel, settings: dict[str, Any]) -> None:
        self.control = control
        self.kernel = kernel
        self.output = settings["output"]
        # This file's folder was put in front by the interpreter and is none of the suite's business.
        if sys.path and sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
            sys.path.pop(0)
        sys.path.append(settings["support"])
        _redirect(self.output)
        self.suite = Suite(settings["suite"])


def _interpret(own: Interpreter, everywhere: Collection[int]) -> NoReturn:
    """Do what is asked, until nobody is there to ask; `everywhere` is where to do it."""
    own.control.send(event="started")
    while True:
        message = own.control.receive()
        if everywhere:
            # Before anything is imported that counts the processors.
            os.sched_setaffinity(0, everywhere)
            everywhere = ()
        command = message.pop("do")
        if command == "discover":
            _reply(own.control, "discovered", lambda: _discover(own.suite))
        elif command == "load":
            names = message["benchmarks"]
            _reply(own.control, "loaded", lambda: _load(own.suite, names))  # noqa: B023
        else:
            case = Channel(own.control.brought.pop(0))
            if message["fork"]:
                _fork(own, case, command, message)
            else:
                own.control.send(event="child", pid=os.getpid())
                _as_child(own, case, command, message)


def _fork(own: Interpreter, case: Channel, command: str, message: dict[str, Any]) -> None:
    """Have a process of its own carry out a command, and tell how it ended."""
    _flush()
    mine, helpers = os.getpid(), _children()
    try:
        with warnings.catch_warnings():
            # Of threads that the suite has started: they are missing in the fork, as in asv's.
            warnings.simplefilter("ignore")
            pid = os.fork()
    except OSError:
        case.close()
        _write_traceback(own.output)
        own.control.send(event="exit", code=1)
        return
    if pid == 0:
        try:
            os.setpgid(0, 0)
            own.kernel.die_with(mine)
        finally:
            _as_child(own, case, command, message)
    case.close()
    try:
        os.setpgid(pid, pid)
    except OSError:
        pass
    own.control.send(event="child", pid=pid)
    try:
        code = _code(os.waitpid(pid, 0)[1])
    except ChildProcessError:  # the suite has told the system not to keep it
        code = 1
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass
    _end_children(spared=helpers)
    own.control.send(event="exit", code=code)


def _as_child(own: Interpreter, case: Channel, command: str, message: dict[str, Any]) -> NoReturn:
    """Carry out a command that may do anything to this process."""
    code = 1
    try:
        own.control.close()
        if message["cpu"] is not None:
            os.sched_setaffinity(0, {message["cpu"]})
        os.chdir(message["folder"])
        if command == "cache":
            _cache(own.suite, message)
            case.send(event="cached")
        else:
            _case(case, own, message)
        code = 0
    except HungUpError:
        pass
    except BaseException:
        _flush()
        _write_traceback(own.output)
    finally:
        _flush()
        os._exit(code)


def _reply(channel: Channel, event: str, function: Callable[[], Any]) -> None:
    try:
        channel.send(event=event, content=function())
    except Exception:
        channel.send(event="error", text=traceback.format_exc())


def _discover(suite: Suite) -> dict[str, Any]:
    """What asv keeps of each benchmark, its plain attributes, and what is wrong with which module."""
    kept = (str, int, float, list, dict, bool)
    found = []
    for benchmark in suite.each():
        facts = vars(benchmark).items()
        plain = {k: v for k, v in facts if isinstance(v, kept) and not k.startswith("_")}
        found.append(json.loads(json.dumps(plain, skipkeys=True, default=repr)))
    return {"records": found, "faults": suite.faults}


def _load(suite: Suite, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Import what these benchmarks need. Returns why, for those that cannot be had here."""
    faults = {}
    for name in names:
        try:
            suite.find(name)
        except MissingError as error:
            faults[name] = error.facts
    gc.collect()
    if hasattr(gc, "freeze"):
        gc.freeze()
    return faults


def _cache(suite: Suite, message: dict[str, Any]) -> None:
    cache = suite.find(message["benchmark"]).do_setup_cache()
    made = os.path.join(message["folder"], CACHE)
    with open(made + ".new", "wb") as sink:
        pickle.dump(cache, sink)
    os.rename(made + ".new", made)


def _case(channel: Channel, own: Interpreter, message: dict[str, Any]) -> None:
    """Run a benchmark in asv's order; what it gives is told once it is torn down, as asv keeps it."""
    try:
        benchmark = _chosen(own.suite, message)
    except MissingError as error:
        channel.send(event="missing", **error.facts)
        return
    from asv_runner.benchmarks.mark import SkipNotImplemented

    if benchmark.setup_cache_key is not None:
        with open(os.path.join(message["cache"], CACHE), "rb") as source:
            benchmark.set_cache(pickle.load(source))
    else:
        benchmark.set_cache(None)
    answer: dict[str, Any] = {"event": "skipped"}
    skipped = benchmark.do_setup()
    try:
        if not skipped and benchmark.type == "time" and hasattr(benchmark, "benchmark_timing"):
            _time(channel, own, benchmark, message)
            answer = {"event": "finished"}
        elif not skipped:
            answer = {"event": "value", "content": benchmark.do_run()}
    except SkipNotImplemented:
        pass
    finally:
        benchmark.do_teardown()
    channel.send(**answer)


def _chosen(suite: Suite, message: dict[str, Any]) -> Any:
    """The benchmark with the parameters that go by these texts, wherever they stand on this side.

    Raises `MissingError`."""
    benchmark = suite.find(message["benchmark"])
    wanted = message["params"]
    if wanted is None:
        if benchmark.params:
            raise MissingError("it has parameters here")
        return benchmark
    for index, texts in enumerate(itertools.product(*benchmark.params)):
        if list(texts) == wanted:
            benchmark.set_param_idx(index)
            return benchmark
    raise MissingError(f"no parameters ({', '.join(wanted)})")


def _time(channel: Channel, own: Interpreter, benchmark: Any, message: dict[str, Any]) -> None:
    """Take a sample whenever told to."""
    raw = not hasattr(benchmark, "timer")
    timing = RawTiming(benchmark) if raw else Timing(benchmark, message["sample_s"])
    timing.prepare(message["number"], message["warm"])
    _cut(own.output)
    channel.send(event="prepared", **timing.facts)
    while channel.receive()["do"] == "sample":
        taken = _finite(timing.sample())
        _cut(own.output)
        channel.send(event="sample", clocks=taken)


def _finite(values: Sequence[float]) -> Sequence[float]:
    taken = [float(value) for value in values]
    if not all(math.isfinite(value) for value in taken):
        raise ValueError(f"the timer gave {taken!r}")
    return taken


def _redirect(path: str) -> None:
    """What is printed goes to a file; what is read comes from nowhere."""
    nowhere = os.open(os.devnull, os.O_RDONLY)
    sink = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nowhere, 0)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    os.close(nowhere)
    os.close(sink)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # a benchmark may have closed or replaced it
            pass


def _write_traceback(path: str) -> None:
    """To the file itself: nobody knows what has become of standard error."""
    try:
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as sink:
            traceback.print_exc(file=sink)
    except BaseException:
        pass


def _cut(path: str) -> None:
    """Forget what a benchmark printed so far where it is much."""
    try:
        if os.stat(path).st_size > _OUTPUT_KEPT:
            os.truncate(path, 0)
    except OSError:
        pass


def _code(status: int) -> int:
    """The exit code, or minus the signal."""
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _end_children(spared: Collection[int] = ()) -> None:
    """Kill the children of this process, and what becomes its child by that."""
    deadline = time.monotonic() + _ENDING_S
    while time.monotonic() < deadline:
        left = [pid for pid in _children() if pid not in spared]
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except OSError:
                pass


def _children() -> list[int]:
    """The processes whose parent this one is, those that have ended among them; Linux knows them."""
    mine = os.getpid()
    try:
        with open(f"/proc/{mine}/task/{mine}/children", "rb") as listing:
            return [int(pid) for pid in listing.read().split()]
    except OSError:
        pass
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    return [pid for pid in pids if _parent(pid) == mine]


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as source:
            return int(source.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return 0


class Kernel:
    """What Linux does for whoever asks: orphans find a new parent, children die with theirs."""

    def __init__(self) -> None:
        self._control: Any = None
        if sys.platform.startswith("linux"):
            try:
                import ctypes

                self._control = ctypes.CDLL(None).prctl
            except (ImportError, OSError, AttributeError):
                pass

    def adopt_orphans(self) -> None:
        """Become the parent of every process below this one that loses its own."""
        if self._control is not None:
            self._control(36, 1, 0, 0, 0)

    def die_with(self, parent: int) -> None:
        """Be killed when `parent` ends, however that happens."""
        if self._control is not None:
            self._control(1, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


if __name__ == "__main__":
    main()
