"""Result sets of several machines or calls → fewer sets, or every conflict between them. Pure.

Sets of one commit, machine and environment, measured in one way, are parts of one set as long as no two
say different things. A case that several hold with the same result is there once; a case that was not
selected in one and measured in another was measured. Sets of different commits, machines or environments
stay apart: nothing is ever averaged, and nothing is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from odyssey_asv.model import Benchmark, Case, Environment, Result, ResultSet, Status

_MAY_DIFFER = ("os", "kernel", "ram_mb")
"""Facts in which hosts of one class are rarely the same; where they are not, they are left unknown."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The sets that came of it, in the order of their first parts. With `conflicts` they are not to be
    used: each is a line that names both files, the case or field, and what either says."""

    sets: tuple[ResultSet, ...]
    conflicts: tuple[str, ...] = ()


def join(sets: Sequence[ResultSet]) -> Joined:
    """Join the parts of each set. The order of the parts changes no result, only the order of cases."""
    groups: dict[tuple[Any, ...], list[ResultSet]] = {}
    for part in sets:
        groups.setdefault(_place(part), []).append(part)
    conflicts: list[str] = []
    joined = tuple(_joined(parts, conflicts) for parts in groups.values())
    return Joined(joined, tuple(conflicts))


def _place(part: ResultSet) -> tuple[Any, ...]:
    """What makes two sets parts of one."""
    found = part.environment
    return part.commit.hash, found.machine, found.env_name, part.run.kind


def _joined(parts: Sequence[ResultSet], conflicts: list[str]) -> ResultSet:
    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts[1:]:
        conflicts += _facts_apart(first, part)
    benchmarks = _benchmarks(parts, conflicts)
    results = _results(parts, conflicts)
    known = [part.run.duration_s for part in parts if part.run.duration_s is not None]
    unsure: dict[str, Any] = {
        name: None
        for name in _MAY_DIFFER
        if len({getattr(part.environment, name) for part in parts}) > 1
    }
    return replace(
        first,
        environment=replace(first.environment, **unsure),
        timestamp=max(part.timestamp for part in parts),
        run=replace(
            first.run,
            duration_s=sum(known) if known else None,
            complete=all(part.run.complete for part in parts),
            selection=_selection(parts),
        ),
        benchmarks=benchmarks,
        results=results,
    )


def _selection(parts: Sequence[ResultSet]) -> tuple[str, ...]:
    """What the parts were asked for together: everything, if one was."""
    if not all(part.run.selection for part in parts):
        return ()
    return tuple(dict.fromkeys(word for part in parts for word in part.run.selection))


def _facts_apart(one: ResultSet, other: ResultSet) -> Iterable[str]:
    """Facts of the surroundings that the parts of one set cannot have differently."""
    if one.commit.dirty != other.commit.dirty:
        yield _apart("commit.dirty", one, one.commit.dirty, other, other.commit.dirty)
    for name in (f.name for f in fields(Environment) if f.name not in _MAY_DIFFER):
        ours, theirs = getattr(one.environment, name), getattr(other.environment, name)
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            for key in sorted({*ours, *theirs}):
                if ours.get(key) != theirs.get(key):
                    where = f"environment.{name}.{key}"
                    yield _apart(where, one, ours.get(key), other, theirs.get(key))
        elif ours != theirs:
            yield _apart(f"environment.{name}", one, ours, other, theirs)


def _benchmarks(parts: Sequence[ResultSet], conflicts: list[str]) -> dict[str, Benchmark]:
    """The benchmarks of all parts. A set that holds some cases of one knows only their work."""
    found: dict[str, tuple[Benchmark, ResultSet]] = {}
    for part in parts:
        for name, benchmark in part.benchmarks.items():
            known, source = found.setdefault(name, (benchmark, part))
            for field in fields(Benchmark):
                ours, theirs = getattr(known, field.name), getattr(benchmark, field.name)
                if field.name == "work":
                    merged = _work(ours, theirs)
                    if merged is not None or ours == theirs:
                        known = replace(known, work=merged)
                        continue
                if ours != theirs:
                    where = f"{name}: {field.name}"
                    conflicts.append(_apart(where, source, ours, part, theirs))
            found[name] = known, source
    return {name: benchmark for name, (benchmark, _) in found.items()}


def _work(ours: Any, theirs: Any) -> Any:
    """The work of the cases that either knows; None where they contradict each other."""
    if ours is None or theirs is None or ours == theirs:
        return theirs if ours is None else ours
    if not isinstance(ours, tuple) and not isinstance(theirs, tuple):
        return None
    length = max(len(side) for side in (ours, theirs) if isinstance(side, tuple))
    known = [_stretched(side, length) for side in (ours, theirs)]
    merged = []
    for one, other in zip(*known, strict=True):
        if one is not None and other is not None and one != other:
            return None
        merged.append(other if one is None else one)
    return merged[0] if len(set(merged)) == 1 else tuple(merged)


def _stretched(work: Any, length: int) -> tuple[Any, ...]:
    values = work if isinstance(work, tuple) else (work,) * length
    return (*values, *(None,) * (length - len(values)))


def _results(parts: Sequence[ResultSet], conflicts: list[str]) -> tuple[Result, ...]:
    found: dict[Case, tuple[Result, ResultSet]] = {}
    for part in parts:
        for result in part.results:
            known = found.get(result.case)
            if known is None or known[0].status is Status.NOT_SELECTED:
                found[result.case] = result, part
            elif result.status is not Status.NOT_SELECTED and not _same(known[0], result):
                one, other = (_said(r) for r in (known[0], result))
                if one == other:
                    one, other = f"{one} of other samples", f"{other} of others"
                conflicts.append(_apart(_name(result.case), known[1], one, part, other))
    return tuple(result for result, _ in found.values())


def _same(one: Result, other: Result) -> bool:
    # By their texts, in which NaN is NaN.
    return one is other or repr(one) == repr(other)


def _said(result: Result) -> str:
    return f"{result.value!r:.40}" if result.status is Status.OK else result.status.value


def _name(case: Case) -> str:
    values = ", ".join(value for _, value in case.params)
    return case.benchmark + (f"({values})" if values else "")


def _apart(what: str, one: ResultSet, ours: object, other: ResultSet, theirs: object) -> str:
    sources = [part.source or "a result set" for part in (one, other)]
    return f"{what}: {ours} in {sources[0]}, {theirs} in {sources[1]}"
