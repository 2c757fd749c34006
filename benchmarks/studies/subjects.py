"""Repositories of two commits whose slowdown is known, for the studies of accuracy.

Knows nothing of the tools that measure them. Each kind of work does a small unit over and over, and the
second commit does it more often: with 100 units, 110 are a slowdown of 10 % whatever the unit costs.
What a call costs besides (some 0.2 µs) takes part in nothing, which shows only below 50 µs.
"""

from __future__ import annotations

import importlib.metadata
import itertools
import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

SLOWDOWNS = (0, 3, 5, 10, 20)
_COARSE = (0, 5, 10, 20)
_SLIGHT = (0, 1, 2, 3, 5)


@dataclass(frozen=True, slots=True)
class Case:
    """One number that a tool judges: its label, as asv prints it, and by how many per cent it slows."""

    label: str
    slowdown: int


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work, a benchmark for each of its `slowdowns`, given in per cent.

    A call does the statements of `unit` `units` times. The function that does so takes the parameters
    `takes`; the benchmarks are methods of `owner`, a class without its methods, that take `receives`
    and give `gives`. `params` has the values where `owner` is parametrised, `made` what the
    module under test holds ready, which kinds may share.
    """

    name: str
    unit: str
    units: int = 100
    slowdowns: tuple[int, ...] = SLOWDOWNS
    takes: str = ""
    gives: str = ""
    owner: str = ""
    receives: str = ""
    params: tuple[int, ...] = ()
    made: str = ""

    def cases(self) -> list[Case]:
        """All that is judged, in the order of the suite."""
        return [
            Case(label, slowdown)
            for slowdown in self.slowdowns
            for label in self._labels(f"{self._place}time_{self.name}_{slowdown}")
        ]

    def module(self, *, slowed: bool) -> str:
        """The code under test, before or after it slowed down. Raises ValueError where a slowdown is no
        whole number of units."""
        lines = []
        for slowdown in self.slowdowns:
            more, rest = divmod(self.units * slowdown, 100)
            if rest:
                raise ValueError(
                    f"{self.name}: {slowdown} % of {self.units} units is no whole number"
                )
            lines.append(f"{self.name}_{slowdown} = {self.units + more * slowed}")
        body = self.unit.replace("\n", "\n        ")
        head = ", ".join(filter(None, ("n", self.takes)))
        lines.append(f"def {self.name}({head}):\n    for _ in range(n):\n        {body}")
        return "\n".join(lines)

    def suite(self) -> str:
        """The benchmarks."""
        lines = [self.owner] if self.owner else []
        indent = "    " if self.owner else ""
        head = ", ".join(filter(None, ("self" if self.owner else "", self.receives)))
        for slowdown in self.slowdowns:
            name = f"{self.name}_{slowdown}"
            given = ", ".join(filter(None, (f"known.{name}", self.gives)))
            lines += [
                f"{indent}def time_{name}({head}):",
                f"{indent}    known.{self.name}({given})",
            ]
        return "\n".join(lines)

    @property
    def _place(self) -> str:
        if not self.owner:
            return "suite."
        return f"suite.{self.owner.split()[1].rstrip(':')}."

    def _labels(self, name: str) -> list[str]:
        return [f"{name}({value})" for value in self.params] or [name]


FAILS = 1_000_000
"""Stands for the slowdown of a case that fails after the change and did not before."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A benchmark whose second commit does something else, `after` in place of `before`, which takes
    `slowdown` per cent more wall-clock time, or less where that is below zero.

    `attributes` of the benchmark are statements, `owner` a class without its methods where there is one,
    `made` what the module under test holds ready, which others may share.
    """

    name: str
    slowdown: int
    before: str
    after: str
    made: str = ""
    owner: str = ""
    attributes: tuple[str, ...] = ()

    def cases(self) -> list[Case]:
        """The one case."""
        place = f"suite.{self.owner.split()[1].rstrip(':')}." if self.owner else "suite."
        return [Case(f"{place}time_{self.name}", self.slowdown)]

    def module(self, *, slowed: bool) -> str:
        """The function under test, before or after the change."""
        body = (self.after if slowed else self.before).replace("\n", "\n    ")
        return f"def {self.name}():\n    {body}"

    def suite(self) -> str:
        """The benchmark."""
        if not self.owner:
            attributes = [f"time_{self.name}.{line}" for line in self.attributes]
            return "\n".join([f"def time_{self.name}():\n    known.{self.name}()", *attributes])
        attributes = [f"    {line}" for line in self.attributes]
        method = f"    def time_{self.name}(self):\n        known.{self.name}()"
        return "\n".join([self.owner, *attributes, method])


@dataclass(frozen=True, slots=True)
class Family:
    """Kinds of work that are measured as one suite, and what they need installed."""

    name: str
    works: tuple[Work | Exchange, ...]
    requirements: dict[str, str] = field(default_factory=dict)

    @property
    def cases(self) -> tuple[Case, ...]:
        return tuple(case for work in self.works for case in work.cases())

    def make(self, root: Path, *, slowed: bool) -> None:
        """A repository of two commits; of the second every case is slower, or none where `slowed` is
        false."""
        (root / "benchmarks").mkdir(parents=True)
        git(root, "init", "--quiet", "--initial-branch=main")
        config = CONFIG | {"matrix": {"req": {k: [v] for k, v in self.requirements.items()}}}
        (root / "asv.conf.json").write_text(json.dumps(config))
        (root / "pyproject.toml").write_text(PYPROJECT)
        (root / ".gitignore").write_text(IGNORED)
        (root / "benchmarks" / "__init__.py").write_text("")
        suites = ["import known", *(work.suite() for work in self.works)]
        (root / "benchmarks" / "suite.py").write_text("\n\n\n".join(suites) + "\n")
        for message, second in (("first", False), ("second", True)):
            parts = [f'"""The {message} commit."""']
            parts += dict.fromkeys(work.made for work in self.works if work.made)
            parts += [work.module(slowed=slowed and second) for work in self.works]
            (root / "known.py").write_text("\n\n\n".join(parts) + "\n")
            git(root, "add", "--all")
            git(root, "commit", "--quiet", "--message", message)


def git(root: Path, *words: str) -> str:
    """What git says in a repository, with an identity of its own."""
    identity = ["-c", "user.name=A Study", "-c", "user.email=study@example.invalid"]
    done = subprocess.run(
        ["git", *identity, *words], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


CONFIG = {
    "version": 1,
    "project": "known",
    "repo": ".",
    "branches": ["main"],
    "environment_type": "virtualenv",
    "env_dir": "env",
    "results_dir": "asv-results",
}
PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "known"
version = "0.1"

[tool.setuptools]
py-modules = ["known"]
"""
IGNORED = ".odyssey\nasv-results\nenv\nbuild\n*.egg-info\n__pycache__\nbenchmarks/results\n"

_THING = "class Thing:\n    def __init__(self, i):\n        self.i = i"


def _pure(kind: str, size: int) -> Work:
    """One of five kinds of plain Python, with `size` steps a unit."""
    units = {
        "integers": f"s = 0\nfor i in range({size}):\n    s += i * i % 7",
        "dictionary": f"d = {{}}\nfor i in range({size}):\n    d[i % 97] = i",
        "text": f"''.join([str(i) for i in range({size})])",
        "sorting": f"sorted(range({size}), key=lambda i: i * 7919 % 1009)",
        "objects": f"[Thing(i) for i in range({size})]",
    }
    return Work(kind, units[kind], made=_THING if kind == "objects" else "")


_SIZES = {"integers": 40, "dictionary": 60, "text": 30, "sorting": 25, "objects": 25}


def _plain() -> tuple[Work, ...]:
    return tuple(_pure(kind, size) for kind, size in _SIZES.items())


def _python() -> Family:
    return Family("python", _plain())


def _slight() -> Family:
    """The same with slowdowns for the finer zones."""
    works = (replace(work, slowdowns=_SLIGHT) for work in _plain())
    return Family("slight", tuple(works))


def _many() -> Family:
    """Twenty sizes of each kind, from a tenth of the usual to eight times as much."""
    works = []
    for (kind, size), position in itertools.product(_SIZES.items(), range(20)):
        slowdown = SLOWDOWNS[position % len(SLOWDOWNS)]
        steps = max(2, round(size * 10 ** (position / 10 - 1)))
        work = _pure(kind, steps)
        works.append(replace(work, name=f"{kind}{position:02}", slowdowns=(slowdown,)))
    return Family("many", tuple(works))


def _long() -> Family:
    """One call a sample, of a third of a second to two seconds."""

    def once(kind: str, units: int, *slowdowns: int) -> Work:
        owner = f"class {kind.title()}:\n    number = 1"
        work = _pure(kind, _SIZES[kind] * 100)
        return replace(work, units=units, slowdowns=slowdowns, owner=owner)

    return Family(
        "long",
        (
            once("integers", 1000, *_COARSE),
            once("dictionary", 1000, 0, 20),
            once("text", 2000, 0, 10),
            once("sorting", 3000, 5, 20),
        ),
    )


def _mixed() -> Family:
    numpy = "import numpy as np\n_rng = np.random.default_rng(0)\n"
    # At the start of a page and half a page apart: else where arrays happen to lie makes a factor of two,
    # process by process.
    arrays = (
        "_block = _rng.random(3 * 2304 + 512)\n"
        "_first = -_block.ctypes.data % 4096 // 8\n"
        "FIRST, SECOND, SUM = _block[_first : _first + 3 * 2304].reshape(3, 2304)"
    )
    reader = (
        "class Read:\n"
        "    def setup_cache(self):\n"
        "        import os\n"
        "        with open('numbers', 'wb') as file:\n"
        "            file.write(bytes(range(256)) * 1024)\n"
        "        return os.path.abspath('numbers')"
    )
    filled = "class Filled:\n    def setup(self):\n        self.values = list(range(8))"
    split = "class Split:\n    params = [20, 200, 2000]\n    param_names = ['words']"
    works = (
        Work("add", "np.add(FIRST, SECOND, out=SUM)", made=numpy + arrays),
        Work("sort", "np.sort(SHUFFLED)", 40, made="SHUFFLED = _rng.random(2_000)"),
        # In as many threads as there are processors to run on.
        Work(
            "product",
            "np.matmul(MATRIX, MATRIX, out=PRODUCT)",
            20,
            made="MATRIX = _rng.random((256, 256))\nPRODUCT = np.empty((256, 256))",
        ),
        Work("allocate", "{i: [i] for i in range(1000)}", 20),
        Work(
            "read",
            "with open(path, 'rb') as file:\n    file.read()",
            20,
            takes="path",
            gives="path",
            owner=reader,
            receives="path",
        ),
        Work("sleep", "time.sleep(0.001)", 20, made="import time"),
        Work(
            "split",
            "text.split()",
            20,
            takes="text",
            gives="known.TEXTS[words]",
            owner=split,
            receives="words",
            params=(20, 200, 2000),
            made="TEXTS = {words: 'word ' * words for words in (20, 200, 2000)}",
        ),
        Work(
            "filled",
            "sum(values)",
            60,
            takes="values",
            gives="self.values",
            owner=filled,
        ),
        replace(_pure("integers", 40), name="call_of_50_ms", units=6000),
    )
    coarse = tuple(replace(work, slowdowns=_COARSE) for work in works)
    return Family("mixed", coarse, {"numpy": importlib.metadata.version("numpy")})


_WAITING = """\
import mmap
import os
import subprocess
import threading
import time


def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def behind_a_lock(seconds):
    lock, held = threading.Lock(), threading.Event()

    def hold():
        with lock:
            held.set()
            time.sleep(seconds)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with lock:
        thread.join()


def from_a_pipe(seconds):
    source, sink = os.pipe()

    def feed():
        time.sleep(seconds)
        os.write(sink, b"x")

    thread = threading.Thread(target=feed)
    thread.start()
    os.read(source, 1)
    thread.join()
    os.close(source)
    os.close(sink)


def in_a_thread(work, seconds):
    thread = threading.Thread(target=work, args=(seconds,))
    thread.start()
    thread.join()


def beside_a_thread(seconds):
    thread = threading.Thread(target=spin, args=(seconds,))
    thread.start()
    spin(seconds)
    thread.join()


def touch_pages(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        with mmap.mmap(-1, 2**20) as pages:
            for start in range(0, 2**20, 4096):
                pages[start] = 1"""


def _waiting() -> Family:
    """Computing, with waiting of every kind added or taken away, or in the place of work as long."""
    kinds = {
        "sleep": "time.sleep(0.003)",
        "event": "threading.Event().wait(0.003)",
        "lock": "behind_a_lock(0.003)",
        "pipe": "from_a_pipe(0.003)",
        "program": "subprocess.run(['sleep', '0.003'])",
        "thread": "in_a_thread(time.sleep, 0.003)",
        "pages": "touch_pages(0.003)",
    }
    works = []
    for name, waiting in kinds.items():
        alone, both = "spin(0.003)", f"spin(0.003)\n{waiting}"
        works += [
            Exchange(f"{name}_added", 100, alone, both, _WAITING),
            Exchange(f"{name}_removed", -50, both, alone, _WAITING),
            Exchange(f"{name}_same", 0, both, both, _WAITING),
        ]
    once = ("number = 1",)
    long, slept = "spin(0.3)", "spin(0.3)\ntime.sleep(0.15)"
    works += [
        Exchange("slight", 10, "spin(0.01)", "spin(0.01)\ntime.sleep(0.001)", _WAITING),
        Exchange("lock_of_the_interpreter", 100, "spin(0.003)", "beside_a_thread(0.003)", _WAITING),
        Exchange("let_go_of_it", -50, "beside_a_thread(0.003)", "spin(0.003)", _WAITING),
        Exchange("sleep_for_work", 0, "spin(0.005)", "time.sleep(0.005)", _WAITING),
        Exchange("work_for_sleep", 0, "time.sleep(0.005)", "spin(0.005)", _WAITING),
        Exchange("handed_over", 0, "spin(0.005)", "in_a_thread(spin, 0.005)", _WAITING),
        Exchange("slept_longer", 40, "spin(0.005)", "time.sleep(0.007)", _WAITING),
        Exchange("long_added", 50, long, slept, _WAITING, attributes=once),
        Exchange("long_removed", -33, slept, long, _WAITING, attributes=once),
        Exchange("long_same", 0, slept, slept, _WAITING, attributes=once),
        Exchange("long_work", 0, long, long, _WAITING, attributes=once),
    ]
    return Family("waiting", tuple(works))


_FLAKY = """\
import os
import random
import signal
import time

chance = random.SystemRandom().random
COIN = chance()
ITEMS = iter(range(30))


def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def raise_at(rate):
    spin(0.0002)
    if chance() < rate:
        raise ValueError("by chance")


def late_at(rate):
    spin(0.0002)
    if chance() < rate:
        time.sleep(30)


def end_at(rate):
    spin(0.0002)
    if chance() < rate:
        os.kill(os.getpid(), signal.SIGKILL)"""


def _flaky() -> Family:
    """Code that fails by chance, the same on both sides, beside code that never does and code that does
    after the change."""
    few = ("number = 2", "warmup_time = 0")

    def same(name: str, body: str, *more: str) -> Exchange:
        return Exchange(name, 0, body, body, _FLAKY, attributes=(*few, *more))

    def torn(name: str, when: str) -> Exchange:
        owner = (
            f"class {name.title()}:\n    def teardown(self):\n"
            f"        if known.chance() < {when}:\n            raise RuntimeError('torn')"
        )
        return Exchange(
            name, 0, "spin(0.0002)", "spin(0.0002)", _FLAKY, owner=owner, attributes=few
        )

    def changed(name: str, slowdown: int, after: str) -> Exchange:
        return Exchange(name, slowdown, "spin(0.001)", after, _FLAKY, attributes=few)

    return Family(
        "flaky",
        (
            same("raises_rarely", "raise_at(1 / 500)"),
            same("raises_at_times", "raise_at(1 / 50)"),
            same("raises_often", "raise_at(1 / 5)"),
            same("late_at_times", "late_at(1 / 500)", "timeout = 1.0"),
            same("is_killed_at_times", "end_at(1 / 200)"),
            same("is_used_up", "spin(0.0002)\nnext(ITEMS)"),
            same("half_of_the_processes", "raise_at(COIN > 0.5)"),
            torn("torn", "1"),
            torn("torn_at_times", "1 / 5"),
            same("works", "spin(0.001)"),
            changed("fails_after_it", FAILS, "raise_at(1)"),
            changed("fails_half_after_it", FAILS, "spin(0.0008)\nraise_at(COIN > 0.5)"),
            changed("slower_after_it", 20, "spin(0.0012)"),
        ),
    )


def _one() -> Family:
    return Family("one", (replace(_pure("integers", _SIZES["integers"]), slowdowns=(0,)),))


_MAKERS: dict[str, Callable[[], Family]] = {
    "python": _python,
    "slight": _slight,
    "mixed": _mixed,
    "long": _long,
    "many": _many,
    "waiting": _waiting,
    "flaky": _flaky,
    "one": _one,
}

ONE = "one"
"""A single benchmark, for what a check costs at least."""

FAMILIES: Sequence[str] = tuple(name for name in _MAKERS if name != ONE)
"""What may be asked for by name."""


def family(name: str) -> Family:
    """One of `FAMILIES`, or `ONE`. Raises KeyError for another name."""
    return _MAKERS[name]()
