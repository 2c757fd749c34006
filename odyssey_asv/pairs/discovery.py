"""Benchmarks that a suite has with the base and with the contender, and those that the change made vanish.

The contender's benchmarks run on both sides. A benchmark that loads with the base only may have been
removed on purpose, or the change may have broken it: an exception that prevents it from loading with the
contender tells the two apart.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from odyssey_asv.adapter.environments.remedies import remedy
from odyssey_asv.adapter.paired.workers import Discovered, Fault, Side, Worker
from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.pairs import tracebacks

_SHOWN = 20

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Suite:
    """asv's descriptions of benchmarks, in asv's order.

    `records` are those to be measured with the contender's suite on both sides, those that vanished from
    the contender's side among them. `of_base` are benchmarks that only the base's own suite has, because an
    exception keeps the contender's from being imported anywhere. `removed` are those that were taken out,
    and `faults` says by module what else cannot be had.
    """

    records: Sequence[Record]
    of_base: Sequence[Record] = ()
    removed: Sequence[Record] = ()
    faults: Mapping[str, Fault] = field(default_factory=dict)


def discover(side: Side, rng: random.Random) -> Discovered:
    """The suite of one side alone. Raises `CannotMeasureError` where it is nothing but faults."""
    (found,) = _looked_at((side,), rng)
    if isinstance(found, CannotMeasureError):
        raise found
    if found.faults and not found.records:
        raise _unimportable(side, found.faults)
    return found


def compared(sides: tuple[Side, Side], own: Path | None, rng: random.Random) -> Suite:
    """The suite of both sides. `own` is the folder of the base's own benchmarks where they differ from the
    contender's.

    Raises `CannotMeasureError` where nothing can be imported on any side.
    """
    base_side, contender_side = sides
    before, after = _looked_at(sides, rng)
    faults = _faults_of(after, contender_side.suite.name)
    there = {record["name"] for record in _records_of(after)}
    vanished, removed = _apart(_records_of(before), there, faults)
    of_base: list[Record] = []
    if own is not None:
        (found,) = _looked_at((replace(base_side, suite=own),), rng)
        known = there | {record["name"] for record in (*vanished, *removed)}
        of_base, others = _apart(_records_of(found), known, faults)
        removed += others
    if not there and not vanished and not of_base:
        if isinstance(after, CannotMeasureError):
            raise after
        if faults:
            raise _unimportable(contender_side, faults)
    explained = {_home(record, faults) for record in (*vanished, *of_base)}
    return Suite(
        records=(*_records_of(after), *vanished),
        of_base=of_base,
        removed=removed,
        faults={module: fault for module, fault in faults.items() if module not in explained},
    )


def _looked_at(sides: Sequence[Side], rng: random.Random) -> list[Discovered | CannotMeasureError]:
    """What each side has, all at once; the error for one whose process ended over it."""
    found: list[Discovered | CannotMeasureError] = []
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(side, rng)) for side in sides]
        for worker in workers:
            worker.started()
            worker.begin_discovery()
        for worker in workers:
            try:
                found.append(worker.discovered())
            except CannotMeasureError as error:
                found.append(error)
    return found


def _records_of(found: Discovered | CannotMeasureError) -> list[Record]:
    return found.records if isinstance(found, Discovered) else []


def _faults_of(found: Discovered | CannotMeasureError, suite: str) -> dict[str, Fault]:
    """By module; the empty name stands for the whole suite, which is a package of the name `suite`, where
    its own module cannot be imported or its process ended over the import."""
    if isinstance(found, CannotMeasureError):
        return {"": Fault(str(found).splitlines()[0], str(found))}
    if found.records or suite not in found.faults:
        return found.faults
    return {"" if module == suite else module: fault for module, fault in found.faults.items()}


def _apart(
    records: Sequence[Record], known: Collection[str], faults: Mapping[str, Fault]
) -> tuple[list[Record], list[Record]]:
    """Those of the records that are not known: first those that a fault keeps from being had, then those
    that are simply not there."""
    missing = [record for record in records if record["name"] not in known]
    kept_out = [record for record in missing if _home(record, faults) is not None]
    return kept_out, [record for record in missing if _home(record, faults) is None]


def _home(record: Record, faults: Mapping[str, Fault]) -> str | None:
    """The module that a benchmark is named after, or a package around it, where that has a fault."""
    parts = record["name"].split(".")
    modules = (".".join(parts[:length]) for length in range(len(parts) - 1, -1, -1))
    return next((module for module in modules if module in faults), None)


def _unimportable(side: Side, faults: Mapping[str, Fault]) -> CannotMeasureError:
    lines = [
        f"\n  {module or side.suite.name}: {described(fault, side)}"
        for module, fault in faults.items()
    ]
    remedies = [remedy(fault.reason, importing=True) for fault in faults.values()]
    known = next((text for text in remedies if text is not None), None)
    return CannotMeasureError(
        f"the suite cannot be imported with the {side.name}:{''.join(lines[:_SHOWN])}",
        tip=known or f"some module with benchmarks must import: {side.suite}",
    )


def described(fault: Fault, side: Side) -> str:
    """An exception on one line, with the place in the suite or the project where it was raised."""
    place = tracebacks.where(fault.traceback, side)
    return f"{fault.reason} ({place})" if place else fault.reason
