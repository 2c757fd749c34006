"""Hypothesis strategies for result sets: sound ones, and whatever a file could hold.

`result_sets()` gives sets that a run could have written. `any_result_sets()` gives what the types
allow: hostile names, values of every kind, cases named twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from odyssey_asv.model import (
    Benchmark,
    Better,
    Case,
    Commit,
    Environment,
    Kind,
    Metric,
    Result,
    ResultSet,
    Run,
    RunKind,
    Status,
)
from odyssey_asv.policy import OtherMachine, Policy

HOSTILE = (
    "<script>alert(1)</script>",
    "a|b`c`*d*_e_~f~",
    "line\nbreak\r\n::error::fake",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202eright to left\u200f",
    "@user #1 GH-1 :smile: https://example.invalid www.example.invalid",
    "%0A%25::error::",
    "日本語のベンチマーク",
    "\ud800",
    "\\",
    " ",
    "x" * 300,
)


def shortened(name: str) -> str:
    """A name as the id of a test."""
    return ascii(name)[:24]


_IDENTIFIERS = st.from_regex(r"[a-z][a-z0-9]{0,7}(_[a-z0-9]{1,5})?", fullmatch=True)
_PREFIXES = {Kind.TIME: "time", Kind.MEMORY: "mem", Kind.PEAKMEMORY: "peakmem", Kind.TRACK: "track"}
_UNITS = {Kind.TIME: "seconds", Kind.MEMORY: "bytes", Kind.PEAKMEMORY: "bytes", Kind.TRACK: "unit"}

texts = st.one_of(st.text(min_size=1, max_size=12), st.sampled_from(HOSTILE))
"""Any text a name may be, hostile ones among it."""

durations = st.decimals("1e-9", "1e4", places=10).map(float)
"""Seconds of one call, as a clock gives them."""

samples = st.lists(durations, min_size=1, max_size=20)
"""Samples of one case, never none."""

values = st.one_of(
    durations,
    st.floats(),
    st.integers(),
    st.just(10**400),
    st.booleans(),
    st.none(),
    texts,
    st.lists(st.integers(), max_size=2),
)
"""Any value that JSON can hold where a number should be."""


@st.composite
def benchmarks(draw: st.DrawFn, kinds: st.SearchStrategy[Kind] | None = None) -> Benchmark:
    """A benchmark as asv discovers it, with up to two parameters of up to three values."""
    kind = draw(kinds or st.sampled_from(Kind))
    name = draw(_IDENTIFIERS)
    axes = draw(
        st.dictionaries(
            _IDENTIFIERS,
            st.lists(st.integers(1, 9999).map(repr), min_size=1, max_size=3, unique=True),
            max_size=2,
        )
    )
    return Benchmark(
        id=f"{draw(_IDENTIFIERS)}.{_PREFIXES[kind]}_{name}",
        name=name,
        kind=kind,
        unit=_UNITS[kind],
        better=draw(st.sampled_from(Better)) if kind is Kind.TRACK else Better.LOWER,
        param_names=tuple(axes),
        params=tuple(map(tuple, axes.values())),
        version=draw(st.none() | st.sampled_from(("1" * 64, "2" * 64))),
        threshold=draw(st.none() | st.sampled_from((0.0, 0.02, 0.5))),
    )


def cases_of(benchmark: Benchmark) -> list[Case]:
    """Every case of a benchmark, in the order of the product of its axes."""
    if not benchmark.params:
        return [Case(benchmark.id)]
    return [
        Case(benchmark.id, tuple(zip(benchmark.param_names, chosen, strict=True)), position)
        for position, chosen in enumerate(itertools.product(*benchmark.params))
    ]


@st.composite
def results(draw: st.DrawFn, benchmark: Benchmark, case: Case) -> Result:
    """What one case of a benchmark gave: mostly a value, sometimes a failure or nothing."""
    status = draw(st.sampled_from((*[Status.OK] * 6, *Status)))
    if status is not Status.OK:
        reason = draw(st.none() | st.sampled_from(("ValueError: no", "a\nb\nKeyError: 'x'")))
        return Result(case, None, status, reason)
    if benchmark.kind is not Kind.TIME:
        return Result(case, float(draw(st.integers(1, 10**9))))
    taken = tuple(draw(samples))
    return Result(
        case,
        sorted(taken)[len(taken) // 2],
        number=float(draw(st.integers(1, 1000))),
        repeat=float(len(taken)),
        samples=taken,
    )


commits = st.builds(
    Commit,
    hash=st.none() | st.text("0123456789abcdef", min_size=40, max_size=40),
    branch=st.none() | _IDENTIFIERS,
    dirty=st.booleans(),
    describe=st.none() | st.sampled_from(("v1.2", "v1.2-3-gabcdef0")),
)
environments = st.builds(
    Environment,
    os=st.sampled_from((None, "linux", "darwin")),
    cpu=st.sampled_from((None, "x86_64", "arm64")),
    python_version=st.sampled_from((None, "3.11", "3.12")),
    numpy_version=st.sampled_from((None, "2.0", "2.1")),
    machine=st.sampled_from((None, "bench-1", "bench-2")),
    cores=st.none() | st.integers(1, 128),
    packages=st.dictionaries(
        st.sampled_from(("numpy", "asv_runner", "rich")), st.sampled_from(("1.0", "2.0"))
    ),
)
runs = st.builds(Run, kind=st.sampled_from(RunKind), complete=st.booleans(), quick=st.booleans())
_timestamps = st.datetimes().map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%SZ}")


@st.composite
def result_sets(
    draw: st.DrawFn, described: st.SearchStrategy[list[Benchmark]] | None = None
) -> ResultSet:
    """A set that a run could have written: ids unique, values positive, cases in order."""
    many = st.lists(benchmarks(), max_size=4, unique_by=lambda one: (one.name, one.kind))
    chosen = draw(described if described is not None else many)
    return ResultSet(
        timestamp=draw(_timestamps),
        commit=draw(commits),
        environment=draw(environments),
        run=draw(runs),
        benchmarks={one.id: one for one in chosen},
        results=tuple(draw(results(one, case)) for one in chosen for case in cases_of(one)),
    )


@st.composite
def pairs(draw: st.DrawFn) -> tuple[ResultSet, ResultSet]:
    """Two sound sets of one suite: most cases are on both sides."""
    many = st.lists(
        benchmarks(), min_size=1, max_size=4, unique_by=lambda one: (one.name, one.kind)
    )
    suite = draw(many)
    subsets = st.lists(st.sampled_from(suite), unique_by=lambda one: one.id)
    base, contender = (draw(result_sets(st.just(suite) | subsets)) for _ in range(2))
    return base, contender


@st.composite
def _wild_benchmarks(draw: st.DrawFn) -> Benchmark:
    return Benchmark(
        id=draw(texts),
        name=draw(texts),
        kind=draw(st.sampled_from(Kind)),
        unit=draw(st.sampled_from(("seconds", "bytes", "unit")) | texts),
        better=draw(st.sampled_from(Better)),
        version=draw(st.none() | texts),
        threshold=draw(st.none() | st.floats()),
        tolerance=draw(st.none() | st.floats()),
        statistic=draw(st.sampled_from(("median", "mean"))),
        anonymous=draw(st.booleans()),
    )


@st.composite
def any_result_sets(draw: st.DrawFn) -> ResultSet:
    """Whatever the types allow. Only this holds: each result's benchmark is described."""
    described: Mapping[str, Benchmark] = {
        one.id: one for one in draw(st.lists(_wild_benchmarks(), max_size=4))
    }
    wild: list[Result] = []
    if described:
        params = st.lists(st.tuples(texts, texts), max_size=2).map(tuple)
        positions = st.none() | st.integers(0, 3)
        cases = st.tuples(st.sampled_from(sorted(described)), params, positions)
        found = st.tuples(cases, values, st.sampled_from(Status), st.none() | texts)
        wild = [
            Result(Case(*case), value, status, reason)
            for case, value, status, reason in draw(st.lists(found, max_size=6))
        ]
    return ResultSet(
        timestamp=draw(texts),
        commit=replace(draw(commits), describe=draw(st.none() | texts)),
        environment=replace(draw(environments), machine=draw(st.none() | texts)),
        run=draw(runs),
        benchmarks=described,
        results=tuple(wild),
        release=draw(st.none() | texts),
        source=draw(st.just("") | texts),
    )


def any_pairs() -> st.SearchStrategy[tuple[ResultSet, ResultSet]]:
    """Two sets: of one suite, of nothing in common, or the same one twice."""
    wild = any_result_sets()
    return st.one_of(pairs(), st.tuples(wild, wild), wild.map(lambda one: (one, one)))


policies: st.SearchStrategy[Policy] = st.builds(
    Policy,
    gate=st.frozensets(st.sampled_from(Metric), min_size=1),
    fail_on_missing=st.booleans(),
    other_machine=st.sampled_from(OtherMachine),
    strict_environment=st.booleans(),
)
"""Any policy with the default limits."""


def scaled(results_: ResultSet, change: Any) -> ResultSet:
    """The set with `change` applied to every value that a case gave."""
    return replace(
        results_,
        results=tuple(
            found._replace(value=change(found.value)) if found.status is Status.OK else found
            for found in results_.results
        ),
    )
