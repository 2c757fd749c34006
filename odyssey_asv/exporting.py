"""One result set → a document for another tool, or an asv results folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from odyssey_asv.errors import InvalidInputError
from odyssey_asv.formats import bencher, csv, github_action, pyperf, pytest_benchmark
from odyssey_asv.formats.shape import Exported, several
from odyssey_asv.model import Better, ResultSet


class Target(StrEnum):
    """For whom."""

    PYPERF = pyperf.NAME
    PYTEST_BENCHMARK = pytest_benchmark.NAME
    GITHUB_ACTION = github_action.NAME
    BENCHER = bencher.NAME
    CSV = csv.NAME
    ASV = "asv"


_WRITERS: Mapping[Target, Callable[[ResultSet], Exported]] = {
    Target.PYPERF: pyperf.write,
    Target.PYTEST_BENCHMARK: pytest_benchmark.write,
    Target.BENCHER: bencher.write,
    Target.CSV: csv.write,
}


def document_for(target: Target, results: ResultSet, better: Better = Better.LOWER) -> Exported:
    """The one document of a target that has one.

    Raises `InvalidInputError` where nothing of the results can be in it.
    """
    if target is Target.GITHUB_ACTION:
        found = github_action.write(results, better)
    else:
        found = _WRITERS[target](results)
    if target is not Target.CSV and not _says_anything(found.text):
        reasons = "".join(f"\n  {warning}" for warning in found.warnings)
        raise InvalidInputError(
            f"{results.source or 'the result'}: nothing that {target} can hold{reasons}"
        )
    return found


def _says_anything(text: str) -> bool:
    document = json.loads(text)
    return bool(document.get("benchmarks", document) if isinstance(document, dict) else document)


def into_tree(results: ResultSet, folder: Path, *, replacing: bool) -> tuple[Path, tuple[str, ...]]:
    """Write the set into an asv results folder; the file, and what of the set it does not hold.

    Raises `InvalidInputError` where something else is in the folder, for a set that asv could not hold,
    and for a file that exists unless it may be replaced.
    """
    from odyssey_asv.adapter.tree import write_asv_tree

    _refuse_foreign(folder)
    if "version" in results.benchmarks:
        raise InvalidInputError("asv has no place for a benchmark that is called 'version'")
    (path,) = write_asv_tree(folder, [results], replacing=replacing)
    return path, _lost_in_asv(results)


def _refuse_foreign(folder: Path) -> None:
    """Nothing is written into a folder that is something else than asv results."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InvalidInputError(f"{folder}: not a folder")
    foreign = sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.name != "benchmarks.json" and not (entry / "machine.json").is_file()
    )
    if foreign:
        raise InvalidInputError(
            f"{folder}: holds {several(foreign)}, which is no part of asv's results",
            tip="name a new folder, or the results_dir of an asv.conf.json",
        )


def _lost_in_asv(results: ResultSet) -> tuple[str, ...]:
    if results.origin is not None:
        return ()
    lost: list[str] = []
    if any(len(result.processes or ()) > 1 for result in results.results):
        lost.append("asv keeps the samples of several processes in one list")
    higher = [b.id for b in results.benchmarks.values() if b.better is Better.HIGHER]
    if higher:
        lost.append(f"asv cannot say that higher is better: {several(higher)}")
    reasons = [r.case.benchmark for r in results.results if r.status.failed and r.reason]
    if reasons:
        lost.append(f"asv does not keep why a benchmark failed: {several(reasons)}")
    return tuple(lost)
