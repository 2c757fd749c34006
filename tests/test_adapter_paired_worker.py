"""What the worker makes of a benchmark, beside what asv's own runner makes of it.

Both leave a trace of every call in a file. They take other numbers of samples, so that what is compared
is the order with repetitions taken out, what was called with which arguments, and what came of it.
"""

from __future__ import annotations

import ast
import json
import math
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asv_runner
import psutil
import pympler
import pytest

from odyssey_asv.adapter.paired import worker
from odyssey_asv.adapter.paired.workers import (
    Discovered,
    Failed,
    Fault,
    Measured,
    Missing,
    Prepared,
    Sample,
    Side,
    Skipped,
    Task,
    Worker,
    processors,
)
from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.pairs import clocks
from odyssey_asv.pairs.discovery import discover
from odyssey_asv.pairs.tracebacks import where

PLAIN = '''
import json
import os


def note(letter, *values):
    with open(os.environ["TRACE"], "a") as sink:
        sink.write(json.dumps([letter, *values], default=repr) + "\\n")


# asv would take seconds otherwise.
warmup_time, sample_time, rounds = 0.001, 0.0005, 1


def plain(*names):
    """A function that leaves a trace, for each name."""
    for name in names:
        def function(*args, name=name):
            note("C", name, *args)
        function.__name__ = name
        globals()[name] = function
        yield function


time_plain, time_once, time_five, time_teardown, time_many, time_tuple, time_long = plain(
    "time_plain", "time_once", "time_five", "time_teardown", "time_many", "time_tuple", "time_long"
)
time_once.number = 1
time_five.number = 5
time_teardown.teardown = lambda: note("T")
time_many.repeat = 4
time_tuple.repeat = (2, 3, 0.5)
time_long.sample_time = 0.01
time_long.warmup_time = 0.02

def time_cold(imported=[]):
    note("C")
    if not imported:
        import time
        imported.append(time.sleep(0.02))


time_one, time_two, time_twice, time_skips, time_choosy = plain(
    "time_one", "time_two", "time_twice", "time_skips", "time_choosy"
)
time_one.params = [1, "two", None]
time_two.params = ([1, 2], ["a", "b"])
time_two.param_names = ["number", "letter"]
time_twice.params = [3, 3, 4]
time_skips.params = [1, 2]
time_skips.skip_params = [(2,)]
time_skips.setup = lambda n: note("S", n)
time_skips.teardown = lambda n: note("T", n)
time_choosy.params = [1, 2]


def choose(n):
    note("S", n)
    if n == 2:
        raise NotImplementedError


time_choosy.setup = choose
time_choosy.teardown = lambda n: note("T", n)


def time_marked(n):
    note("C", n)


from asv_runner.benchmarks.mark import SkipNotImplemented, skip_benchmark, skip_for_params
time_marked = skip_for_params([(1,)])(time_marked)
time_marked.params = [1, 2]


@skip_benchmark
def time_never():
    note("C")


def time_backs_out():
    note("C")
    raise SkipNotImplemented("not here")


time_backs_out.teardown = lambda: note("T")


def track_backs_out():
    note("C")
    raise SkipNotImplemented("not here")


def time_not_implemented():
    note("C")
    raise NotImplementedError("in the body it is a failure")


def time_breaks_setup():
    note("C")


def break_it():
    note("S")
    raise ValueError("the setup broke")


time_breaks_setup.setup = break_it
time_breaks_setup.teardown = lambda: note("T")


def time_breaks():
    note("C")
    raise ValueError("the body broke")


time_breaks.teardown = lambda: note("T")


def track_breaks_teardown():
    note("C")
    return 1


track_breaks_teardown.teardown = break_it


def time_clocked():
    note("C")


def ticking(now=[0.0]):
    note("K")
    now[0] += 0.25
    return now[0]


time_clocked.timer = ticking


def time_renamed():
    note("C")


time_renamed.benchmark_name = "elsewhere.time_other_name"


def timeraw_code():
    note("C")
    return "x = sum(range(100))", "import math"


def timeraw_params(n):
    note("C", n)
    return f"sum(range({n}))"


timeraw_params.params = [10]
timeraw_params.number = 3
timeraw_params.setup = lambda n: note("S", n)
timeraw_params.teardown = lambda n: note("T", n)


def mem_list():
    note("C")
    return [0] * 1000


def peakmem_large():
    note("C")
    return sum(bytearray(30_000_000)[::1000])


def track_number():
    note("C")
    return 3.5


track_number.unit = "things"


def track_samples():
    return {"samples": [1.0, 2.0, 3.0], "number": 7}


def track_none():
    note("C")


def track_text():
    return "ünïcode\\nlines"


def track_nan():
    return float("nan")


def track_infinite():
    return float("inf")


def track_object():
    return object()


class TimeNamed:
    def time_it(self):
        note("C", type(self).__name__)


class Consuming:
    """Each call needs a set-up of its own."""

    def setup(self):
        note("S")
        self.left = [1]

    def teardown(self):
        note("T")

    def time_unset(self):
        note("C", self.left.pop())

    def time_one(self):
        note("C", self.left.pop())

    time_one.number = 1

    def time_five(self):
        note("C", self.left.pop())

    time_five.number = 5


class Cached:
    params = [[1, 2]]

    def setup_cache(self):
        note("X")
        return {"cached": [1, 2, 3]}

    def setup(self, cache, n):
        note("S", cache, n)

    def teardown(self, cache, n):
        note("T", cache, n)

    def time_it(self, cache, n):
        note("C", cache, n)

    def track_it(self, cache, n):
        note("C", cache, n)
        return cache["cached"][n]


class Base:
    def time_inherited(self):
        note("C", type(self).__name__)


class Derived(Base):
    number = 2
'''
SHARED = """
from .plain import note

warmup_time, sample_time, rounds = 0.001, 0.0005, 1
params = [5]


def setup(*args):
    note("S", *args)


def teardown(*args):
    note("T", *args)


def setup_cache():
    note("X")
    return "shared"


def time_function(*args):
    note("C", *args)


class Suite:
    def setup(self, *args):
        note("s", *args)

    def teardown(self, *args):
        note("t", *args)

    def time_method(self, *args):
        note("C", *args)

    def track_method(self, *args):
        note("C", *args)
        return len(args)
"""
# As asv's own server does it: a fork for each case, in an interpreter that has the suite; and for peak
# memory as asv does it by default: an interpreter for each case.
ASV = """
import json, os, subprocess, sys
from asv_runner.discovery import disc_benchmarks, list_benchmarks
from asv_runner.run import _run
from asv_runner.setup_cache import _setup_cache

folder, wanted, out = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
sys.path.insert(0, os.path.dirname(folder))
with open(os.path.join(out, "discovered.json"), "w") as sink:
    list_benchmarks(folder, sink)


def forked(do, arguments):
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    try:
        do(arguments)
    except BaseException:
        os._exit(1)
    os._exit(0)


codes = {}
for key, name, index, cache in wanted:
    os.environ["TRACE"] = os.path.join(out, key + ".trace")
    result = os.path.join(out, key + ".json")
    os.makedirs(os.path.join(out, cache), exist_ok=True)
    os.chdir(os.path.join(out, cache))
    if key.startswith("cache-"):
        codes[key] = forked(_setup_cache, (folder, name, "{}"))
    elif "peakmem" in name:
        spawned = "import sys; from asv_runner.run import _run; _run(sys.argv[1:])"
        words = [sys.executable, "-c", spawned, folder, name, "{}", "None", result]
        codes[key] = subprocess.run(words).returncode
    else:
        name += "" if index is None else f"-{index}"
        codes[key] = forked(_run, (folder, name, "{}", "None", result))
with open(os.path.join(out, "codes.json"), "w") as sink:
    json.dump(codes, sink)
"""

# Where peak memory is measured, the process is its own.
ALONE = "peakmem"


@dataclass
class Ran:
    """What became of a case: the trace of its calls and its outcome."""

    trace: list[list[Any]]
    outcome: Any
    samples: list[Any] = field(default_factory=list)

    @property
    def letters(self) -> str:
        return "".join(event[0] for event in self.trace)

    @property
    def order(self) -> str:
        """The order of the calls, repetitions taken out."""
        letters, shorter = "", self.letters
        while letters != shorter:
            letters, shorter = shorter, re.sub(r"(.+?)\1+", r"\1", shorter)
        return letters

    @property
    def calls(self) -> set[str]:
        return {json.dumps(event) for event in self.trace}


@dataclass
class Both:
    asv: dict[str, Ran]
    ours: dict[str, Ran]
    asv_found: list[dict[str, Any]]
    found: list[dict[str, Any]]


def support(folder: Path) -> Path:
    """A folder that has asv_runner and what it needs, and nothing else."""
    folder.mkdir()
    for package in (asv_runner, pympler):
        place = Path(str(package.__file__)).parent
        (folder / place.name).symlink_to(place)
    return folder


def make_side(folder: Path, *, python: str = sys.executable, **variables: str) -> Side:
    """A side whose suite is in `folder / "suite"`."""
    own = folder / "own"
    own.mkdir(exist_ok=True)
    return Side(
        name="contender",
        python=Path(python),
        vars=dict(os.environ) | variables,
        suite=folder / "suite",
        support=support(folder / "support"),
        bytecode=folder / "bytecode",
        folder=own,
        caches=own / "caches",
    )


def _trace(path: Path) -> list[list[Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _wanted(found: list[dict[str, Any]]) -> Iterator[tuple[str, str, int | None, str]]:
    """Key, name, position of the parameters, and the folder of the cache, caches first."""
    caches = {r["setup_cache_key"]: r["name"] for r in found if r.get("setup_cache_key")}
    places = {key: f"place{number}" for number, key in enumerate(caches)}
    for key, name in caches.items():
        yield f"cache-{places[key]}", name, None, places[key]
    for record in found:
        place = places.get(record.get("setup_cache_key") or "", "nowhere")
        count = math.prod(len(axis) for axis in record["params"])
        for index in range(count) if record["params"] else [None]:
            yield f"{record['name']}-{index}", record["name"], index, place


def _texts(record: dict[str, Any], index: int | None) -> tuple[str, ...] | None:
    if index is None:
        return None
    texts = []
    for axis in reversed(record["params"]):
        index, at = divmod(index, len(axis))
        texts.append(axis[at])
    return tuple(reversed(texts))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("both")
    suite = folder / "suite"
    suite.mkdir()
    (suite / "__init__.py").touch()
    (suite / "plain.py").write_text(PLAIN)
    (suite / "shared.py").write_text(SHARED)
    trace, out = folder / "trace", folder / "asv"
    out.mkdir()
    side = make_side(folder, TRACE=str(trace))
    ours: dict[str, Ran] = {}
    with Worker(side, random.Random(1)) as process:
        process.started()
        found = process.discover().records
        assert process.load([record["name"] for record in found]) == {}
        wanted = list(_wanted(found))
        records = {record["name"]: record for record in found}
        for key, name, index, place in wanted:
            trace.unlink(missing_ok=True)
            cache = side.folder / place
            cache.mkdir(exist_ok=True)
            if key.startswith("cache-"):
                assert process.cache(name, cache, 60) is None
                ours[key] = Ran(_trace(trace), 0)
                continue
            if ALONE in name:
                ours[key] = _alone(side, Task(name, None, 60, fork=False), trace)
                continue
            case = Task(name, _texts(records[name], index), 60, cache)
            ours[key] = _ran(process, case, trace)
    done = subprocess.run(
        [sys.executable, "-c", ASV, str(suite), json.dumps(wanted), str(out)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    codes = json.loads((out / "codes.json").read_text())
    asv = {}
    for key, code in codes.items():
        value: Any = Failed("asv")
        if code == 0:
            path = out / f"{key}.json"
            value = json.loads(path.read_text()) if path.exists() else 0
        asv[key] = Ran(_trace(out / f"{key}.trace"), value)
    return Both(asv, ours, json.loads((out / "discovered.json").read_text()), found)


def _ran(process: Worker, task: Task, trace: Path) -> Ran:
    process.begin(task)
    outcome = process.prepared()
    samples = []
    if isinstance(outcome, Prepared):
        samples = [process.sample() for _ in range(3)]
    failed = process.finish()
    return Ran(_trace(trace), failed or outcome, samples)


def _alone(side: Side, task: Task, trace: Path) -> Ran:
    with Worker(side, random.Random(2)) as process:
        process.started()
        ran = _ran(process, task, trace)
        assert not process.alive
        return ran


def test_the_suite_is_found_as_asv_finds_it(both: Both) -> None:
    def known(records: list[dict[str, Any]]) -> list[str]:
        return [json.dumps(record, sort_keys=True) for record in records]

    assert known(both.found) == known(both.asv_found)
    assert "elsewhere.time_other_name" in {record["name"] for record in both.found}
    assert not any("never" in record["name"] for record in both.found)


def test_every_case_is_called_in_asvs_order(both: Both) -> None:
    assert set(both.ours) == set(both.asv)
    orders = {key: (ran.order, both.ours[key].order) for key, ran in both.asv.items()}
    assert {key: pair for key, pair in orders.items() if pair[0] != pair[1]} == {}


def test_every_case_is_called_with_asvs_arguments(both: Both) -> None:
    calls = {key: (ran.calls, both.ours[key].calls) for key, ran in both.asv.items()}
    assert {key: pair for key, pair in calls.items() if pair[0] != pair[1]} == {}


def test_every_case_ends_as_under_asv(both: Both) -> None:
    def ending(outcome: Any) -> str:
        if isinstance(outcome, (Skipped, Failed)):
            return type(outcome).__name__
        return "Skipped" if isinstance(outcome, float) and math.isnan(outcome) else "value"

    endings = {}
    for key, ran in both.asv.items():
        if "track_nan" not in key:  # asv cannot tell it from a skip
            endings[key] = ending(ran.outcome), ending(both.ours[key].outcome)
    assert {key: pair for key, pair in endings.items() if pair[0] != pair[1]} == {}
    assert {theirs for theirs, _ in endings.values()} == {"value", "Skipped", "Failed"}


@pytest.mark.parametrize(
    "name",
    [
        "plain.mem_list-None", "plain.track_number-None", "plain.track_samples-None",
        "plain.track_none-None", "plain.track_text-None", "plain.track_infinite-None",
        "plain.Cached.track_it-0", "plain.Cached.track_it-1", "shared.Suite.track_method-0",
    ],
)  # fmt: skip
def test_a_value_is_asvs_value(both: Both, name: str) -> None:
    assert both.ours[name].outcome == Measured(both.asv[name].outcome)


def test_a_value_that_is_no_number_stays_one(both: Both) -> None:
    outcome = both.ours["plain.track_nan-None"].outcome
    assert isinstance(outcome, Measured)
    assert math.isnan(outcome.value)


def test_peak_memory_is_that_of_asv(both: Both) -> None:
    name = "plain.peakmem_large-None"
    outcome = both.ours[name].outcome
    assert isinstance(outcome, Measured)
    assert outcome.value == pytest.approx(both.asv[name].outcome, rel=0.2)


@pytest.mark.parametrize(
    "name",
    [
        "plain.Consuming.time_unset-None", "plain.Consuming.time_one-None",
        "plain.Consuming.time_five-None", "plain.Cached.time_it-1", "plain.time_skips-0",
    ],
)  # fmt: skip
def test_each_call_after_a_setup_has_one_of_its_own_and_a_teardown(both: Both, name: str) -> None:
    for ran in (both.asv[name], both.ours[name]):
        assert re.fullmatch("(SCT)+", ran.letters)


def test_without_a_setup_a_teardown_stands_between_samples(both: Both) -> None:
    """asv's way: none before the first sample, one before each later, one at the end."""
    for ran in (both.asv["plain.time_teardown-None"], both.ours["plain.time_teardown-None"]):
        assert re.fullmatch("C+(TC+)+T", ran.letters)


def test_setups_go_from_the_module_in_and_teardowns_out(both: Both) -> None:
    assert both.ours["shared.Suite.time_method-0"].letters.startswith("SsCtTSsCtT")
    assert both.ours["shared.Suite.track_method-0"].letters == "SsCtT"


def test_a_broken_setup_is_not_torn_down_and_a_broken_body_is(both: Both) -> None:
    assert both.ours["plain.time_breaks_setup-None"].letters == "S"
    assert both.ours["plain.time_breaks-None"].letters == "CT"


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("plain.time_once-None", Prepared(1, 0, own_timer=False, fresh=False)),
        ("plain.time_five-None", Prepared(5, 0, own_timer=False, fresh=False)),
        ("plain.Consuming.time_one-None", Prepared(1, 0, own_timer=False, fresh=False)),
        ("plain.Consuming.time_five-None", Prepared(5, 0, own_timer=False, fresh=True)),
        ("plain.timeraw_code-None", Prepared(1, 0, own_timer=False, fresh=False)),
        ("plain.timeraw_params-0", Prepared(3, 0, own_timer=False, fresh=False)),
        ("plain.Derived.time_inherited-None", Prepared(2, 0, own_timer=False, fresh=False)),
    ],
)
def test_an_explicit_number_is_kept(both: Both, name: str, facts: Prepared) -> None:
    ran = both.ours[name]
    assert ran.outcome == facts
    assert ran.letters.count("C") % (1 if "timeraw" in name else facts.number) == 0
    if isinstance(both.asv[name].outcome, dict):
        assert both.asv[name].outcome["number"] == facts.number


def test_a_first_call_that_imports_does_not_choose_the_number(both: Both) -> None:
    outcome = both.ours["plain.time_cold-None"].outcome
    assert isinstance(outcome, Prepared)
    assert outcome.number > 1


@pytest.mark.parametrize(("name", "most"), [("time_plain", 0), ("time_many", 4), ("time_tuple", 3)])
def test_repeat_bounds_the_samples_of_a_process(both: Both, name: str, most: int) -> None:
    outcome = both.ours[f"plain.{name}-None"].outcome
    assert isinstance(outcome, Prepared)
    assert outcome.repeat == most


def test_a_timer_of_its_own_is_read_around_the_calls_and_judged(both: Both) -> None:
    name = "plain.time_clocked-None"
    ran = both.ours[name]
    assert isinstance(ran.outcome, Prepared)
    assert ran.outcome.own_timer
    assert re.fullmatch("(KC+K)+", ran.letters)
    assert re.fullmatch("(KC+K)+", both.asv[name].letters)
    assert {sample.own for sample in ran.samples} == {0.25}


def test_a_sample_has_the_time_of_all_its_calls(both: Both) -> None:
    for name in ("plain.time_five-None", "plain.Consuming.time_five-None"):
        for wall, cpu, own, *_ in both.ours[name].samples:
            assert wall > 0
            assert cpu >= 0
            assert own == 0.0


def test_parameters_are_found_by_their_texts_and_not_by_their_place(tmp_path: Path) -> None:
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "__init__.py").touch()
    (tmp_path / "suite" / "moved.py").write_text(
        "def track_p(a, b): return [a, b]\n"
        "track_p.params = ([3, 3, 1], ['x', None])\n"
        "def track_none(): return 1\n"
    )
    with Worker(make_side(tmp_path), random.Random(1)) as process:
        process.started()

        def outcome(name: str, params: tuple[str, ...] | None) -> Any:
            process.begin(Task(name, params, 60))
            try:
                return process.prepared()
            finally:
                process.finish()

        assert outcome("moved.track_p", ("1", "'x'")) == Measured([1, "x"])
        assert outcome("moved.track_p", ("3 (1)", "None")) == Measured([3, None])
        for name, params in (
            ("moved.track_p", ("2", "'x'")),
            ("moved.track_p", ("3 (1)",)),
            ("moved.track_p", None),
            ("moved.track_none", ("1",)),
            ("moved.track_gone", None),
            ("gone.track_gone", None),
        ):
            assert isinstance(outcome(name, params), Missing)


BROKEN = {
    "absent": "import no_such_module\n",
    "syntax": "def time_x(:\n",
    "raising": "from .common import connect\nconnect()\n",
    "leaving": "import sys\nsys.exit('not today')\n",
    "interrupted": "raise KeyboardInterrupt\n",
    "wordy": "raise ValueError('first\\n\\n' + 'x' * 1000)\n",
    "dependent": "from . import absent\n",
    "inner/__init__": "raise OSError\n",
    "inner/deep": "def track_deep(): return 1\n",
    "instances": (
        "def track_before(): return 1\n"
        "class Broken:\n"
        "    def __init__(self): self.absent\n"
        "    def track_it(self): return 1\n"
    ),
}
FINE = {
    "__init__": "",
    "common": "def connect(): raise ConnectionError('no network on purpose')\n",
    "another": "def track_a(): return 1\n",
    "zebra": "def track_z(): return 1\n",
    "renamed": "def track_r(): return 1\ntrack_r.benchmark_name = 'elsewhere.track_other'\n",
    "working/__init__": "def track_in_package(): return 1\n",
    "working/deep": "class Set:\n    def track_it(self): return 1\n",
}


def write_suite(folder: Path, modules: dict[str, str]) -> Side:
    """Each module leaves a trace of being imported."""
    for name, text in modules.items():
        path = folder / "suite" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        trace = "with open(os.environ['TRACE'], 'a') as sink: print(__name__, file=sink)"
        # What does not compile leaves none.
        path.write_text(f"import os\n{trace}\n{text}")
    return make_side(folder, TRACE=str(folder / "trace"))


def _imported(folder: Path) -> list[str]:
    return (folder / "trace").read_text().split()


def test_modules_that_cannot_be_imported_cost_themselves_only(tmp_path: Path) -> None:
    with Worker(write_suite(tmp_path, FINE | BROKEN), random.Random(1)) as process:
        process.started()
        found = process.discover()
        assert process.discover() == found
    assert [record["name"] for record in found.records] == [
        "another.track_a",
        "instances.track_before",
        "elsewhere.track_other",
        "working.track_in_package",
        "working.deep.Set.track_it",
        "zebra.track_z",
    ]
    told = {
        module: f"{fault.reason} ({where(fault.traceback, process.side)})"
        for module, fault in found.faults.items()
    }
    told = {name: told[name].replace("suite/", "").replace(", in the suite", "") for name in told}
    missing = "ModuleNotFoundError: No module named 'no_such_module' (absent.py, line 3)"
    syntax = told.pop("syntax")
    assert syntax.startswith("SyntaxError: ")
    assert syntax.endswith("(syntax.py, line 3)")
    assert told == {
        "absent": missing,
        "raising": "ConnectionError: no network on purpose (common.py, line 3)",
        "leaving": "SystemExit: not today (leaving.py, line 4)",
        "interrupted": "KeyboardInterrupt (interrupted.py, line 3)",
        "wordy": f"{'ValueError: first '.ljust(300, 'x')}... (wordy.py, line 3)",
        "dependent": missing,
        "inner": f"OSError ({Path('inner', '__init__.py')}, line 3)",
        "instances": "AttributeError: 'Broken' object has no attribute 'absent'"
        " (instances.py, line 5)",
    }


def test_what_is_found_beside_broken_modules_can_be_run(tmp_path: Path) -> None:
    with Worker(write_suite(tmp_path, FINE | BROKEN), random.Random(1)) as process:
        process.started()
        names = [record["name"] for record in process.discover().records]
        assert process.load(names) == {}
        for name in names:
            assert _ran(process, Task(name, None, 60), tmp_path / "none").outcome == Measured(1)


def test_loading_imports_what_is_asked_for_and_nothing_else(tmp_path: Path) -> None:
    with Worker(write_suite(tmp_path, FINE | BROKEN), random.Random(1)) as process:
        process.started()
        assert process.load(["another.track_a", "working.deep.Set.track_it"]) == {}
    assert _imported(tmp_path) == ["suite", "suite.another", "suite.working", "suite.working.deep"]


def test_a_broken_module_is_tried_once_however_many_ask_for_it(tmp_path: Path) -> None:
    with Worker(write_suite(tmp_path, FINE | BROKEN), random.Random(1)) as process:
        process.started()
        faults = process.load(["raising.track_a", "raising.Set.track_b", "gone.track_it"])
        first = faults["raising.track_a"]
        assert process.load(["raising.track_c"])["raising.track_c"] == first
        assert process.discover().faults["raising"] == Fault(first.reason, first.traceback)
    assert {name: (missing.reason, missing.broken) for name, missing in faults.items()} == {
        "raising.track_a": ("ConnectionError: no network on purpose", True),
        "raising.Set.track_b": ("ConnectionError: no network on purpose", True),
        "gone.track_it": ("ValueError: Could not find benchmark 'gone.track_it'", False),
    }
    assert re.search(r'common.py", line 3', first.traceback)
    assert _imported(tmp_path).count("suite.raising") == 1


def test_a_name_elsewhere_is_looked_for_as_far_as_it_is_found(tmp_path: Path) -> None:
    with Worker(write_suite(tmp_path, FINE | BROKEN), random.Random(1)) as process:
        process.started()
        assert process.load(["elsewhere.track_other"]) == {}
    assert "suite.renamed" in _imported(tmp_path)
    assert "suite.zebra" not in _imported(tmp_path)


@pytest.mark.parametrize("broken", [*sorted(BROKEN.keys() - {"inner/deep"}), "__init__"])
def test_a_suite_of_nothing_but_faults_cannot_be_measured(tmp_path: Path, broken: str) -> None:
    modules = {"__init__": "", "common": FINE["common"]}
    if broken == "instances":
        modules["instances"] = BROKEN[broken].replace("track_before", "before")
    else:
        modules[broken] = BROKEN.get(broken, "import no_such_module\n")
    with pytest.raises(CannotMeasureError) as caught:
        discover(write_suite(tmp_path, modules), random.Random(1))
    module = {"__init__": "suite", "inner/__init__": "inner"}.get(broken, broken)
    assert f"\n  {module}: " in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


def test_an_interpreter_stands_aside_until_it_is_told_to_do_something(tmp_path: Path) -> None:
    allowed = processors()
    if len(allowed) < 2:
        pytest.skip("this machine has one processor")
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "__init__.py").touch()
    # A library that counts processors does so when it is imported.
    (tmp_path / "suite" / "one.py").write_text(
        "import os\nSEEN = sorted(os.sched_getaffinity(0))\ndef track_seen(): return SEEN\n"
    )
    with Worker(make_side(tmp_path), random.Random(1), allowed[1:]) as process:
        process.started()
        own = psutil.Process(process._process.pid)
        there = [own, *own.children(recursive=True)]
        assert len(there) == 2
        assert [one.cpu_affinity() for one in there] == [allowed[1:]] * 2
        assert process.load(["one.track_seen"]) == {}
        assert _ran(
            process, Task("one.track_seen", None, 60), tmp_path / "none"
        ).outcome == Measured(allowed)


@pytest.mark.parametrize("plugin", [False, True])
def test_what_reads_metadata_is_imported_only_for_plugins(tmp_path: Path, plugin: bool) -> None:
    place = tmp_path / "installed"
    place.mkdir()
    if plugin:
        shared = place / "asv_bench_things-1.0.dist-info"
        shared.mkdir()
        (shared / "METADATA").write_text("Metadata-Version: 2.1\nName: asv_bench_things\n")
        inner = place / "asv_bench_things" / "benchmarks"
        inner.mkdir(parents=True)
        (place / "asv_bench_things" / "__init__.py").touch()
        (inner / "odd.py").write_text(
            "import re\n"
            "from asv_runner.benchmarks.track import TrackBenchmark\n"
            "class Odd(TrackBenchmark):\n"
            "    name_regex = re.compile('^odd_.*')\n"
            "export_as_benchmark = [Odd]\n"
        )
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "__init__.py").touch()
    (tmp_path / "suite" / "one.py").write_text(
        "import sys\n"
        "SEEN = 'importlib.metadata' in sys.modules\n"
        "def odd_one(): return 1\n"
        "def track_seen(): return SEEN\n"
        "def track_version():\n"
        "    from importlib import metadata\n"
        "    return metadata.version('asv_bench_things')\n"
    )
    side = make_side(tmp_path, PYTHONPATH=str(place))
    with Worker(side, random.Random(1)) as process:
        process.started()
        names = [record["name"] for record in process.discover().records]
        assert ("one.odd_one" in names) is plugin
        assert _ran(
            process, Task("one.track_seen", None, 60), tmp_path / "none"
        ).outcome == Measured(plugin)
        found = _ran(process, Task("one.track_version", None, 60), tmp_path / "none").outcome
        # What the suite asks of it is answered by the real one.
        if not plugin:
            assert isinstance(found, Failed)
            assert "PackageNotFoundError" in found.reason


def test_an_empty_suite_has_nothing_and_no_faults(tmp_path: Path) -> None:
    with Worker(write_suite(tmp_path, {"__init__": ""}), random.Random(1)) as process:
        process.started()
        assert process.discover() == Discovered([], {})


def test_plugins_of_asv_are_found_among_what_is_installed(tmp_path: Path) -> None:
    for name in ("asv_bench_things", "others"):
        place = tmp_path / f"{name}-1.0.dist-info"
        place.mkdir()
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    from importlib import metadata

    with worker._only_plugins():
        found = list(metadata.distributions(path=[str(tmp_path)]))
    assert [distribution.metadata["Name"] for distribution in found] == ["asv_bench_things"]
    assert len(list(metadata.distributions(path=[str(tmp_path)]))) == 2


def test_the_program_reads_as_python_3_8() -> None:
    ast.parse(Path(worker.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))


def _others() -> list[str]:
    """Interpreters of other versions on this machine that can be started."""
    places = [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep)]
    places += sorted((Path.home() / ".local/share/uv/python").glob("*/bin"))
    if root := os.environ.get("PYENV_ROOT"):
        places += sorted(Path(root, "versions").glob("*/bin"))
    found: dict[str, str] = {}
    for minor in range(8, 15):
        if minor == sys.version_info.minor:
            continue
        for place in places:
            python = place / f"python3.{minor}"
            if place.name != "shims" and python.exists():
                found.setdefault(python.name, str(python))
    return list(found.values())


def test_the_program_runs_in_other_versions(tmp_path: Path) -> None:
    """The oldest and the newest on this machine."""
    others = _others()
    if not others:
        pytest.skip("no other interpreter on this machine")
    for number, python in enumerate({others[0], others[-1]}):
        folder = tmp_path / str(number)
        (folder / "suite").mkdir(parents=True)
        (folder / "suite" / "__init__.py").touch()
        (folder / "suite" / "some.py").write_text(
            "import sys\n"
            "def track_version(): return list(sys.version_info[:2])\n"
            "class Set:\n"
            "    def setup(self): self.left = [1]\n"
            "    def time_it(self): self.left.pop()\n"
        )
        (folder / "suite" / "broken.py").write_text("import no_such_module\n")
        side = make_side(folder, python=python)
        with Worker(side, random.Random(1)) as process:
            process.started()
            found = process.discover()
            assert len(found.records) == 2
            assert set(found.faults) == {"broken"}
            assert process.load(["some.track_version", "some.Set.time_it"]) == {}
            version = _ran(process, Task("some.track_version", None, 60), folder / "none")
            assert version.outcome == Measured([3, int(python.rpartition(".")[2])])
            timed = _ran(process, Task("some.Set.time_it", None, 60), folder / "none")
            assert isinstance(timed.outcome, Prepared)
            assert len(timed.samples) == 3


BOUND = """
import hashlib
import subprocess
import sys
import threading
import time

BLOCK = b"x" * 2_000_000


def digest():
    for _ in range(20):
        hashlib.sha256(BLOCK).digest()


def time_alone():
    digest()


def time_threads():
    # Without the lock of the interpreter, as numpy's do.
    started = [threading.Thread(target=digest) for _ in range(2)]
    for one in started:
        one.start()
    for one in started:
        one.join()


def time_sleeps():
    time.sleep(0.001)


def time_starts_a_program():
    subprocess.run([sys.executable, "-c", "sum(range(100000))"], check=True)
"""


@pytest.mark.parametrize(
    ("name", "parallel", "waits"),
    [
        ("time_alone", False, False),
        ("time_threads", True, True),
        ("time_sleeps", False, True),
        ("time_starts_a_program", True, True),
    ],
)
def test_what_a_sample_is_bound_by(tmp_path: Path, name: str, parallel: bool, waits: bool) -> None:
    """Threads, other processes, and waiting are noticed, however busy the machine is."""
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "__init__.py").write_text("")
    (tmp_path / "suite" / "bound.py").write_text(BOUND)
    with Worker(make_side(tmp_path), random.Random(1)) as worker:
        worker.started()
        worker.load([f"bound.{name}"])
        worker.begin(Task(f"bound.{name}", None, 60.0))
        assert isinstance(worker.prepared(), Prepared)
        taken = [worker.sample() for _ in range(10)]
        worker.finish()
    samples = [sample for sample in taken if isinstance(sample, Sample)]
    assert len(samples) == len(taken)
    assert clocks.works_with_others(samples) is parallel
    assert clocks.waits(samples) is waits
