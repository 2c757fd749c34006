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


@dataclass(frozen=True, slots=True)
class Family:
    """Kinds of work that are measured as one suite, and what they need installed."""

    name: str
    works: tuple[Work, ...]
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


def _python() -> Family:
    return Family("python", tuple(_pure(kind, size) for kind, size in _SIZES.items()))


def _slight() -> Family:
    """The same with slowdowns for the finer zones."""
    works = (replace(work, slowdowns=_SLIGHT) for work in _python().works)
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


def _one() -> Family:
    return Family("one", (replace(_pure("integers", _SIZES["integers"]), slowdowns=(0,)),))


_MAKERS: dict[str, Callable[[], Family]] = {
    "python": _python,
    "slight": _slight,
    "mixed": _mixed,
    "long": _long,
    "many": _many,
    "one": _one,
}

ONE = "one"
"""A single benchmark, for what a check costs at least."""

FAMILIES: Sequence[str] = tuple(name for name in _MAKERS if name != ONE)
"""What may be asked for by name."""


def family(name: str) -> Family:
    """One of `FAMILIES`, or `ONE`. Raises KeyError for another name."""
    return _MAKERS[name]()
