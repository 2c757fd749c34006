"""What benchmarks can do to their processes, and that it costs them their own result and nothing else.

Every test is followed by a look for processes that are left: all of them carry a mark in their
environment.
"""

from __future__ import annotations

import json
import math
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from odyssey_asv.adapter.paired import workers
from odyssey_asv.adapter.paired.workers import (
    Failed,
    Fault,
    Measured,
    Missing,
    Outcome,
    Prepared,
    Side,
    Task,
    Worker,
)
from odyssey_asv.errors import CannotMeasureError
from tests.projects import wait_for
from tests.test_adapter_paired_worker import make_side

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")

SUITE = '''
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

calls = 0


def once_measured(what):
    """Do it when samples are taken, not before: one call a sample."""
    def function():
        global calls
        calls += 1
        if calls > 2:
            what()
    function.number = 1
    return function


def forever(*_):
    while True:
        time.sleep(60)


def track_well():
    return 1


def time_well():
    sum(range(100))


def track_raises():
    raise ValueError("the body broke")


def raising(*_):
    raise ValueError("it broke here")


def time_setup(): pass


time_setup.setup = raising


def time_teardown(): pass


time_teardown.teardown = raising
time_teardown.number = 1


def time_last_teardown(): pass


def break_last():
    if calls:
        raise ValueError("the last teardown broke")


time_last_teardown.setup = lambda: None
time_last_teardown.number = 1


class LastTeardown:
    number = 1
    count = 0

    def teardown(self):
        self.count += 1
        if self.count == 3:
            raise ValueError("the last teardown broke")

    def time_it(self): pass


def track_teardown():
    return 1


track_teardown.teardown = raising


def time_reads():
    input()


def time_prints():
    print("x" * 1_000_000)


time_prints.number = 1


def time_exits(): os._exit(0)
def time_exits_3(): sys.exit(3)
def time_killed(): os.kill(os.getpid(), signal.SIGKILL)
def time_aborts(): os.abort()
def time_interrupts(): os.kill(os.getpid(), signal.SIGINT)


def time_speaks():
    print("some last words", flush=True)
    os._exit(0)


time_exits_later = once_measured(lambda: os._exit(7))
time_raises_later = once_measured(raising)
time_forever_later = once_measured(forever)


def skip():
    from asv_runner.benchmarks.mark import SkipNotImplemented
    raise SkipNotImplemented


time_skips_later = once_measured(skip)


def time_closes_output():
    os.close(1)
    os.close(2)
    sys.stdout.close()
    sys.stderr.close()


time_closes_output.number = 1
time_closes_output = once_measured(time_closes_output)


def time_closes_all():
    os.closerange(3, 4096)


def time_closes_all_and_hangs():
    os.closerange(0, 4096)
    forever()


def time_silent():
    sys.stderr.close()
    os.closerange(1, 3)
    raise ValueError("nobody hears this")


def time_forever():
    subprocess.Popen(["sleep", "1000"])
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    forever()


def leave_behind():
    subprocess.Popen(["sleep", "1000"])
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            forever()
        os._exit(0)
    return 1


track_leaves = leave_behind
track_leaves.__name__ = "track_leaves"


def peakmem_leaves():
    leave_behind()


def time_forks_and_goes_on():
    os.fork()


time_forks_and_goes_on.number = 1


def track_moves():
    os.chdir("/")
    return os.getcwd()


def track_place():
    return os.getcwd()


def track_threads():
    for _ in range(5):
        threading.Thread(target=forever).start()
    return 1


def track_memory():
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000))
    left = []
    while True:
        left.append(bytearray(10_000_000))


def write_everywhere(data):
    for fd in range(3, 64):
        try:
            os.write(fd, data)
        except OSError:
            pass


def time_scribbles(): write_everywhere(b"no JSON\\n")
def time_lies(): write_everywhere(b'{"event": "prepared", "number": -1}\\n')
def time_lists(): write_everywhere(b'[1, 2]\\n')
def time_nests(): write_everywhere(b"[" * 100_000 + b"\\n")
def time_exceeds(): write_everywhere(b'{"event": "child", "pid": -1}\\n{"event": "exit", "code": 0}\\n')


time_bad_sample = once_measured(
    lambda: write_everywhere(b'{"event": "sample", "clocks": [1, "2", null]}\\n')
)
time_nan_sample = once_measured(
    lambda: write_everywhere(b'{"event": "sample", "clocks": [NaN, 1.0, 1.0]}\\n')
)


def time_never_ends_its_line():
    data = b"x" * (1 << 20)
    for _ in range(70):
        for fd in range(3, 64):
            try:
                if os.isatty(fd):
                    continue
                socket.socket(fileno=os.dup(fd)).sendall(data)
            except OSError:
                pass


def track_huge(): return "x" * (65 * 2**20)
def track_large(): return "x" * (5 * 2**20)
def track_integer(): return 10 ** 5000
def track_object(): return object()
def track_nan(): return float("nan")
def track_infinite(): return float("-inf")


def time_broken_timer(): pass


time_broken_timer.timer = lambda: float("nan")


class Cached:
    def setup_cache(self):
        raise ValueError("the cache broke")

    def track_it(self, cache): return cache


class Unpicklable:
    def setup_cache(self):
        return lambda: None

    def track_it(self, cache): return cache


class HangingCache:
    def setup_cache(self):
        forever()

    def track_it(self, cache): return cache
'''


def make_suite(folder: Path) -> Side:
    """A side whose processes all have a mark of their own in their environment."""
    (folder / "suite").mkdir()
    (folder / "suite" / "__init__.py").touch()
    (folder / "suite" / "bad.py").write_text(SUITE)
    (folder / "suite" / "broken.py").write_text("import no_such_module\n")
    return make_side(folder, TEST_MARK=secrets.token_hex(16))


@pytest.fixture
def side(tmp_path: Path) -> Iterator[Side]:
    """A side with the suite; afterwards no process of it may be left."""
    made = make_suite(tmp_path)
    yield made
    assert left(made.vars["TEST_MARK"]) == []


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """One worker for all cases that have to leave it as it was."""
    made = make_suite(tmp_path_factory.mktemp("shared"))
    with Worker(made, random.Random(1)) as started:
        started.started()
        yield started
    assert left(made.vars["TEST_MARK"]) == []


@pytest.fixture
def process(shared: Worker) -> Iterator[Worker]:
    """The shared worker. Whatever is done to it, the next case is none the worse."""
    mark = shared.side.vars["TEST_MARK"]
    before = marked(mark)
    yield shared
    assert shared.alive
    assert run(shared, "track_well") == Measured(1)
    assert isinstance(run(shared, "time_well"), Prepared)
    assert marked(mark) == before


def marked(mark: str) -> list[str]:
    """The processes that were started for a side, and theirs."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TEST_MARK") == mark:
                found.append(f"{process.pid} {process.cmdline()}")
        except psutil.Error:
            continue
    return found


def left(mark: str) -> list[str]:
    """Those that are left after a moment in which the system takes its leave of them."""
    deadline = time.monotonic() + 3
    while (found := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def task(name: str, timeout_s: float = 20, **more: Any) -> Task:
    return Task(f"bad.{name}", None, timeout_s, **more)


def run(process: Worker, name: str, timeout_s: float = 20, **more: Any) -> Outcome:
    """The outcome of a case, or what went wrong in its samples or its end."""
    process.begin(task(name, timeout_s, **more))
    outcome = process.prepared()
    if isinstance(outcome, Prepared):
        for _ in range(2):
            clocks = process.sample()
            if isinstance(clocks, Failed):
                outcome = clocks
                break
    return process.finish() or outcome


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("track_raises", "ValueError: the body broke"),
        ("time_setup", "ValueError: it broke here"),
        ("time_teardown", "ValueError: it broke here"),
        ("track_teardown", "ValueError: it broke here"),
        ("LastTeardown.time_it", "ValueError: the last teardown broke"),
        ("time_reads", "EOFError: EOF when reading a line"),
        ("time_exits", "the process ended with exit code 0"),
        ("time_exits_3", "SystemExit: 3"),
        ("time_exits_later", "the process ended with exit code 7"),
        ("time_raises_later", "ValueError: it broke here"),
        ("time_killed", "the process was killed by SIGKILL"),
        ("time_aborts", "the process was killed by SIGABRT"),
        ("time_interrupts", "KeyboardInterrupt"),
        ("time_closes_all", "OSError: [Errno 9] Bad file descriptor"),
        ("time_silent", "ValueError: nobody hears this"),
        ("time_broken_timer", "ValueError: the timer gave "),
        ("time_skips_later", "it asked to be skipped when it had been measured already"),
        ("track_memory", "MemoryError"),
        ("track_huge", "ValueError: too large to report: 65 MiB as JSON"),
        ("track_integer", "ValueError: Exceeds the limit"),
        ("track_object", "TypeError: Object of type object is not JSON serializable"),
    ],
)
def test_what_breaks_a_case_is_its_reason(process: Worker, name: str, reason: str) -> None:
    outcome = run(process, name)
    assert isinstance(outcome, Failed)
    assert not outcome.timeout
    assert outcome.reason.splitlines()[-1].startswith(reason)


def test_what_it_said_stands_before_how_it_ended(process: Worker) -> None:
    assert run(process, "time_speaks") == Failed(
        "some last words\nthe process ended with exit code 0"
    )


@pytest.mark.parametrize("name", ["time_exits", "time_killed", "track_raises", "time_exits_later"])
def test_a_process_of_its_own_tells_the_same(process: Worker, side: Side, name: str) -> None:
    with Worker(side, random.Random(1)) as alone:
        outcomes = run(alone, name, fork=False), run(process, name)
        own, forked = (o.reason.splitlines()[-1] for o in outcomes if isinstance(o, Failed))
        assert own == forked
        assert not alone.alive


@pytest.mark.parametrize(
    "name",
    [
        "time_scribbles", "time_lies", "time_lists", "time_nests", "time_exceeds",
        "time_bad_sample", "time_nan_sample", "time_never_ends_its_line",
    ],
)  # fmt: skip
def test_what_a_case_writes_to_sockets_is_not_believed(process: Worker, name: str) -> None:
    outcome = run(process, name)
    assert isinstance(outcome, Failed)
    assert outcome.reason.endswith("it wrote to a socket that is not its own")
    assert process.alive


@pytest.mark.parametrize(
    ("name", "value"), [("track_large", "x" * (5 * 2**20)), ("track_infinite", -math.inf)]
)
def test_values_arrive(process: Worker, name: str, value: Any) -> None:
    assert run(process, name) == Measured(value)


def test_a_value_that_is_no_number_arrives(process: Worker) -> None:
    outcome = run(process, "track_nan")
    assert isinstance(outcome, Measured)
    assert math.isnan(outcome.value)


def test_output_is_cut(process: Worker) -> None:
    process.begin(task("time_prints"))
    assert isinstance(process.prepared(), Prepared)
    for _ in range(3):
        assert not isinstance(process.sample(), Failed)
    (output,) = process.side.folder.glob("output-*")
    assert output.stat().st_size < 100_000
    assert process.finish() is None


def test_closing_the_output_is_no_fault(process: Worker) -> None:
    process.begin(task("time_closes_output"))
    assert isinstance(process.prepared(), Prepared)
    assert not isinstance(process.sample(), Failed)
    assert process.finish() is None


@pytest.mark.parametrize("name", ["time_forever", "time_closes_all_and_hangs"])
@pytest.mark.parametrize("fork", [True, False])
def test_what_does_not_return_is_ended(side: Side, name: str, fork: bool) -> None:
    mark = side.vars["TEST_MARK"]
    with Worker(side, random.Random(1)) as process:
        process.started()
        before = len(marked(mark))
        process.begin(task(name, 0.5, fork=fork))
        outcome = process.prepared()
        assert isinstance(outcome, Failed)
        assert outcome.timeout
        assert outcome.reason.endswith("no answer within 0.5 s")
        process.finish()
        assert process.alive is fork
        # Without a fork the process was the case's own, and goes with it.
        assert len(marked(mark) if fork else left(mark)) == (before if fork else 0)
        assert isinstance(run(process, "time_well"), Prepared if fork else Failed)


def test_a_sample_that_does_not_return_is_ended(process: Worker) -> None:
    process.begin(task("time_forever_later", 0.5))
    assert isinstance(process.prepared(), Prepared)
    answers = [process.sample() for _ in range(2)]
    assert isinstance(answers[-1], Failed)
    assert answers[-1].timeout
    assert process.finish() is None


def test_what_a_case_leaves_running_ends_with_it(process: Worker) -> None:
    mark = process.side.vars["TEST_MARK"]
    before = len(marked(mark))
    assert run(process, "track_leaves") == Measured(1)
    assert len(marked(mark)) == before
    assert isinstance(run(process, "time_forks_and_goes_on", 2), (Prepared, Failed))
    assert len(marked(mark)) == before


def test_what_a_process_of_its_own_leaves_running_ends_with_it(side: Side) -> None:
    with Worker(side, random.Random(1)) as process:
        assert isinstance(run(process, "peakmem_leaves", fork=False), Measured)
        assert left(side.vars["TEST_MARK"]) == []


def test_what_the_suite_started_when_it_was_imported_goes_on(tmp_path: Path, side: Side) -> None:
    (tmp_path / "suite" / "served.py").write_text(
        "import subprocess\n"
        "served = subprocess.Popen(['sleep', '1000'])\n"
        "def track_served(): return open(f'/proc/{served.pid}/comm').read().strip()\n"
    )
    with Worker(side, random.Random(1)) as process:
        process.started()
        assert process.load(["served.track_served"]) == {}
        for _ in range(2):
            process.begin(Task("served.track_served", None, 20))
            assert process.prepared() == Measured("sleep")
            assert process.finish() is None


def test_the_next_case_starts_where_this_one_did(process: Worker) -> None:
    assert run(process, "track_moves") == Measured("/")
    assert run(process, "track_place") == Measured(str(process.side.folder))
    assert run(process, "track_threads") == Measured(1)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Cached", "ValueError: the cache broke"),
        ("Unpicklable", "pickle"),
        ("HangingCache", "no answer within 1 s"),
    ],
)
def test_a_broken_cache_has_a_reason(process: Worker, name: str, reason: str) -> None:
    fault = process.cache(f"bad.{name}.track_it", process.side.folder, 1 if "Hang" in name else 20)
    assert fault is not None
    assert reason in fault.reason.splitlines()[-1]


def test_a_module_that_cannot_be_imported_is_missing(process: Worker) -> None:
    faults = process.load(["broken.track_it", "bad.track_well", "bad.track_gone"])
    assert set(faults) == {"broken.track_it", "bad.track_gone"}
    broken = faults["broken.track_it"]
    assert broken.reason.startswith("ModuleNotFoundError: No module named")
    assert broken.broken
    assert 'broken.py", line ' in broken.traceback
    assert not faults["bad.track_gone"].broken
    process.begin(Task("broken.track_it", None, 20))
    outcome = process.prepared()
    assert isinstance(outcome, Missing)
    assert "no_such_module" in outcome.reason
    assert process.finish() is None
    found = process.discover()
    assert "bad.track_well" in {record["name"] for record in found.records}
    assert found.faults == {"broken": Fault(broken.reason, broken.traceback)}


def test_a_suite_that_ends_its_process_cannot_be_measured(tmp_path: Path, side: Side) -> None:
    (tmp_path / "suite" / "ending.py").write_text(
        "print('so long', flush=True)\nimport os; os._exit(3)"
    )
    with Worker(side, random.Random(1)) as process:
        process.started()
        with pytest.raises(CannotMeasureError, match=r"ended with exit code 3; it said:\nso long"):
            process.load(["ending.track_it"])
        assert not process.alive
        assert isinstance(run(process, "track_well"), Failed)


def test_a_suite_that_takes_too_long_cannot_be_measured(
    tmp_path: Path, side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "suite" / "slow.py").write_text("import time\ntime.sleep(1000)\n")
    monkeypatch.setattr(workers, "_IMPORT_S", 0.5)
    with Worker(side, random.Random(1)) as process:
        process.started()
        with pytest.raises(CannotMeasureError, match=r"no answer within 0\.5 s"):
            process.discover()


def test_an_interpreter_that_cannot_be_started_is_an_error(tmp_path: Path, side: Side) -> None:
    from dataclasses import replace

    with pytest.raises(CannotMeasureError, match="cannot be started"):
        Worker(replace(side, python=tmp_path / "none"), random.Random(1))
    with (
        Worker(
            replace(side, support=tmp_path / "none", python=Path("/bin/false")), random.Random(1)
        ) as process,
        pytest.raises(CannotMeasureError, match="did not start"),
    ):
        process.started()


def _interpreter(process: Worker) -> int:
    (child,) = psutil.Process(process._process.pid).children()
    return child.pid


@pytest.mark.parametrize("who", ["keeper", "interpreter"])
def test_a_worker_killed_from_outside_fails_its_case(side: Side, who: str) -> None:
    with Worker(side, random.Random(1)) as process:
        process.started()
        process.begin(task("time_well"))
        assert isinstance(process.prepared(), Prepared)
        victim = process._process.pid if who == "keeper" else _interpreter(process)
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: isinstance(process.sample(), Failed))
        process.finish()
        assert not process.alive
        assert isinstance(run(process, "time_well"), Failed)


def test_a_killed_worker_leaves_nothing(side: Side) -> None:
    """Not even what a case had started in a session of its own."""
    with Worker(side, random.Random(1)) as process:
        process.started()
        process.begin(task("time_forever"))
        wait_for(lambda: len(marked(side.vars["TEST_MARK"])) >= 5)
        os.kill(process._process.pid, signal.SIGKILL)
        assert isinstance(process.prepared(), Failed)


DRIVER = """
import json, os, random, sys
from pathlib import Path
from odyssey_asv.adapter.paired.workers import Side, Task, Worker
places = {k: Path(v) for k, v in json.loads(sys.argv[1]).items()}
with Worker(Side(name="base", vars=dict(os.environ), **places), random.Random(1)) as process:
    process.started()
    process.begin(Task("bad.time_forever", None, 1000))
    print("begun", flush=True)
    process.prepared()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_outlives_the_driver(side: Side, number: int) -> None:
    places = {
        name: str(getattr(side, name))
        for name in ("python", "suite", "support", "bytecode", "folder", "caches")
    }
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, json.dumps(places)],
        env=dict(side.vars), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    with driver:
        # The driver, the keeper, the interpreter, the case and the two that it started.
        wait_for(lambda: len(marked(side.vars["TEST_MARK"])) >= 6)
        os.killpg(driver.pid, number)
        driver.communicate(timeout=20)
    assert driver.returncode == (-number)
    assert left(side.vars["TEST_MARK"]) == []


def test_closing_may_come_at_any_time_and_twice(side: Side) -> None:
    never = Worker(side, random.Random(1))
    never.close()
    never.close()
    assert not never.alive
    busy = Worker(side, random.Random(1))
    busy.started()
    busy.begin(task("time_forever"))
    busy.close()
    assert isinstance(busy.sample(), Failed)
    busy.finish()
    busy.close()
    assert list(side.folder.glob("output-*")) == []


def test_a_worker_may_be_started_from_a_thread(side: Side) -> None:
    """The keeper watches a socket, not the thread that it was started from."""
    started: list[Worker] = []
    thread = threading.Thread(target=lambda: started.append(Worker(side, random.Random(1))))
    thread.start()
    thread.join()
    with started[0] as process:
        process.started()
        assert run(process, "track_well") == Measured(1)


def test_no_descriptor_is_left(side: Side) -> None:
    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = opened()
    with Worker(side, random.Random(1)) as process:
        for name in ("track_well", "time_killed", "time_scribbles"):
            run(process, name)
    assert opened() == before


def test_a_program_that_a_case_starts_gets_none_of_the_sockets(tmp_path: Path, side: Side) -> None:
    (tmp_path / "suite" / "open.py").write_text(
        "import subprocess\n"
        "def track_open():\n"
        "    words = ['ls', '-l', '/proc/self/fd']\n"
        "    text = subprocess.run(words, close_fds=False, capture_output=True, text=True).stdout\n"
        "    return text.count('socket:')\n"
    )
    with Worker(side, random.Random(1)) as process:
        for fork in (True, False):
            process.begin(Task("open.track_open", None, 20, fork=fork))
            assert process.prepared() == Measured(0)
            process.finish()
