"""asv's files as asv writes them: strategies for whole trees, and comparison that knows NaN.

Rows are in the normal form of `asv.results.Results.save`: a list over the cases, a list of nothing
but null written as null, trailing nulls dropped. Columns come in any order, some are missing, some
are unknown, as other versions of asv would have them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from odyssey_asv.adapter.convert import COLUMNS

MACHINE = {
    "arch": "x86_64",
    "cpu": "A CPU",
    "machine": "m",
    "num_cpu": "2",
    "os": "Linux 6.1",
    "ram": "8000000000",
}
PREFIXES = {
    "time_": ("time", "seconds"),
    "timeraw_": ("time", "seconds"),
    "mem_": ("memory", "bytes"),
    "peakmem_": ("peakmemory", "bytes"),
    "track_": ("track", "unit"),
}
FAILED = None
SKIPPED = math.nan

texts = st.text(max_size=8)
words = st.text("abcdefgh", min_size=1, max_size=6)
numbers = st.integers(0, 10**12) | st.floats(1e-12, 1e6)
seconds = st.floats(1e-12, 1e6)
bounds = st.sampled_from((math.inf, -math.inf)) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts | st.just("nonfinite"), inner, max_size=3)
    ),
    max_leaves=6,
)
plain_objects = st.dictionaries(texts, json_values, max_size=3)
hashes = st.integers(0, 2**160 - 1).map(lambda number: f"{number:040x}")


@dataclass(frozen=True)
class Tree:
    """The files of an asv tree by their path in it."""

    files: dict[str, Any]

    def write(self, folder: Path) -> Path:
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content), encoding="utf-8")
        return folder


def contents(folder: Path) -> dict[str, Any]:
    """Every JSON file below `folder` by its path."""
    return {
        str(path.relative_to(folder)): json.loads(path.read_bytes())
        for path in sorted(folder.rglob("*.json"))
    }


def identical(one: Any, other: Any) -> bool:
    """Equal in value and type all the way down, NaN to NaN; the order of keys does not matter."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(identical(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(identical, one, other))
    if is_dataclass(one):
        names = [field.name for field in fields(one) if field.compare]
        return all(identical(getattr(one, name), getattr(other, name)) for name in names)
    return bool(one == other)


def compressed(values: Iterable[Any]) -> list[Any] | None:
    """A column over the cases as asv stores it."""
    column = list(values)
    return None if all(value is None for value in column) else column


def row(columns: Iterable[str], **values: Any) -> list[Any]:
    """A row with these values; the columns left out are null."""
    cells = [values.get(column) for column in columns]
    while cells and cells[-1] is None:
        cells.pop()
    return cells


def document(rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A result file of format 2 with these rows."""
    return {
        "commit_hash": "0a1b2c3d" * 5,
        "env_name": "virtualenv-py3.12",
        "date": 1_700_000_000_000,
        "params": {**MACHINE, "python": "3.12"},
        "python": "3.12",
        "requirements": {},
        "env_vars": {},
        "result_columns": list(COLUMNS),
        "results": rows,
        "durations": {},
        "version": 2,
        **changes,
    }


def tree(*documents: Any, suite: dict[str, Any] | None = None) -> Tree:
    """A tree of one machine with these result files."""
    files: dict[str, Any] = {
        "m/machine.json": {**MACHINE, "version": 1},
        "benchmarks.json": {**(suite or {}), "version": 2},
    }
    for found in documents:
        files[f"m/{found['commit_hash'][:8]}-{found['env_name']}.json"] = found
    return Tree(files)


def record(name: str, params: Any = (), **attributes: Any) -> dict[str, Any]:
    """A benchmark's record in `benchmarks.json`."""
    function = name.rpartition(".")[2]
    prefix = next((prefix for prefix in PREFIXES if function.startswith(prefix)), "track_")
    kind, unit = PREFIXES[prefix]
    return {
        "code": "def f(): ...",
        "name": name,
        "param_names": [f"p{position}" for position in range(len(params))],
        "params": [list(axis) for axis in params],
        "type": kind,
        "unit": unit,
        "version": "1",
        **attributes,
    }


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """One benchmark, some with attributes of ours, some with odd names."""
    prefix = draw(st.sampled_from(sorted(PREFIXES)))
    places = st.sampled_from(("suite.", "suite.Class.", "a: b.", ""))
    name = draw(places) + prefix + draw(words)
    axes = draw(st.lists(st.lists(words, min_size=1, max_size=3, unique=True), max_size=2))
    attributes = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "work": numbers | st.lists(numbers, max_size=4) | texts,
                "work_unit": words,
                "threshold": st.sampled_from((0.2, "20%", -1, None, "x")),
                "tolerance": st.sampled_from((0.01, True, [])),
                "better": st.sampled_from(("lower", "higher", "sideways")),
                "warmup_time": st.sampled_from((-1, 0, 0.1)),
                "pretty_name": texts,
                "timeout": st.floats(0, 100),
            },
        )
    )
    return record(name, axes, **attributes)


def _values(kind: str) -> st.SearchStrategy[Any]:
    missing = st.sampled_from((FAILED, SKIPPED))
    match kind:
        case "time":
            return seconds | missing
        case "memory" | "peakmemory":
            return st.integers(0, 10**12) | missing
        case _:
            return json_values | missing


@st.composite
def rows(draw: st.DrawFn, benchmark: dict[str, Any], columns: list[str]) -> list[Any]:
    """One benchmark's row in a result file."""
    count = math.prod(len(axis) for axis in benchmark["params"])
    values = [draw(_values(benchmark["type"])) for _ in range(count)]
    timed = benchmark["type"] == "time" or draw(st.booleans())
    sampled = draw(st.booleans())
    cells: dict[str, list[Any]] = {name: [] for name in (*COLUMNS[5:12],)}
    for value in values:
        measured = isinstance(value, float) and math.isfinite(value) and timed
        for name in ("stats_ci_99_a", "stats_ci_99_b", "stats_q_25", "stats_q_75"):
            cells[name].append(draw(bounds) if measured else None)
        for name in ("stats_number", "stats_repeat"):
            cells[name].append(draw(st.integers(1, 10**6)) if measured else None)
        taken = st.lists(bounds, min_size=1, max_size=3)
        cells["samples"].append(draw(taken) if measured and sampled else None)
    unknown = {name: draw(json_values) for name in columns if name not in COLUMNS}
    return row(
        columns,
        result=compressed(values),
        params=benchmark["params"],
        version=draw(st.sampled_from((benchmark["version"], "an older one", None))),
        started_at=draw(st.none() | st.integers(0, 4 * 10**12)),
        duration=draw(st.none() | seconds),
        profile=draw(st.none() | texts),
        **{name: compressed(column) for name, column in cells.items()},
        **unknown,
    )


@st.composite
def documents(draw: st.DrawFn, suite: list[dict[str, Any]], machine: str) -> dict[str, Any]:
    """One result file."""
    optional = draw(st.lists(st.sampled_from(COLUMNS[2:]), unique=True))
    unknown = draw(st.sampled_from(([], ["colour"], ["stats_std", "colour"])))
    columns = draw(st.permutations(["result", "params", *optional, *unknown]))
    columns = draw(st.sampled_from((list(COLUMNS), columns)))
    measured = draw(st.lists(st.sampled_from(suite), unique_by=lambda b: b["name"]))
    more = {f"unknown {name}": value for name, value in draw(plain_objects).items()}
    return document(
        {benchmark["name"]: draw(rows(benchmark, columns)) for benchmark in measured},
        commit_hash=draw(hashes),
        env_name=draw(st.sampled_from(("virtualenv-py3.12", "conda-py3.9-numpy", "e" * 200))),
        date=draw(st.none() | st.integers(0, 4 * 10**12)),
        params={**MACHINE, "machine": machine, **draw(plain_objects)},
        requirements=draw(st.dictionaries(words | st.just("numpy"), texts | st.none(), max_size=2)),
        env_vars=draw(st.dictionaries(words, texts, max_size=2)),
        durations=draw(st.dictionaries(texts.map("<{}>".format), seconds, max_size=2)),
        result_columns=columns,
        **more,
    )


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """A tree of one or two machines."""
    suite = draw(st.lists(records(), min_size=1, max_size=4, unique_by=lambda b: b["name"]))
    # asv forgets the records of deleted benchmarks, not their results.
    present = draw(st.lists(st.sampled_from(suite), min_size=1, unique_by=lambda b: b["name"]))
    files: dict[str, Any] = {"benchmarks.json": {b["name"]: b for b in present}}
    files["benchmarks.json"]["version"] = 2
    for machine in draw(st.sampled_from((["m"], ["m", "other"]))):
        found = draw(
            st.lists(
                documents(suite, machine),
                min_size=1,
                max_size=2,
                unique_by=lambda d: d["commit_hash"][:8],
            )
        )
        extra = draw(st.dictionaries(texts.map("more {}".format), json_values, max_size=1))
        files[f"{machine}/machine.json"] = {**MACHINE, "machine": machine, **extra, "version": 1}
        for file in found:
            files[_path(machine, file)] = file
    return Tree(files)


def _path(machine: str, file: dict[str, Any]) -> str:
    from asv.results import get_filename

    return str(get_filename(machine, file["commit_hash"], file["env_name"]))
