"""Which part of the whole is this call's: stored durations → weights → the units of one shard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from odyssey_asv.adapter.metadata import asv_name
from odyssey_asv.errors import InvalidFileError, InvalidInputError
from odyssey_asv.model import ResultSet
from odyssey_asv.sharding.shards import Shard, cut, fingerprint, weighed
from odyssey_asv.store import results as result_files

_CASE_S = 0.2
"""What a case costs beside its samples, about: processes are started for it, it is set up."""


@dataclass(frozen=True, slots=True)
class Portion:
    """The units of one shard, and a fingerprint of how the whole was cut."""

    shard: Shard
    units: tuple[str, ...]
    cut: str


def portion(units: Iterable[str], seconds: Mapping[str, float], shard: Shard) -> Portion:
    """The part of the whole that falls to a shard."""
    weights = weighed(units, seconds)
    return Portion(shard, cut(weights, shard.of)[shard.index - 1], fingerprint([*_rows(weights)]))


def _rows(weights: Mapping[str, float]) -> Iterable[list[str]]:
    return ([name, f"{weights[name]:.9g}"] for name in sorted(weights))


def case_seconds(sets: Iterable[ResultSet]) -> dict[str, float]:
    """What measuring each case took, by its name as asv's `-b` sees it; the last set that knows wins."""
    found: dict[str, float] = {}
    for results in sets:
        for result in results.results:
            taken = result.all_samples
            if taken and result.number:
                found[asv_name(result.case)] = _CASE_S + sum(taken) * result.number
            elif isinstance(result.value, float) and result.value > 0 and taken is None:
                found.setdefault(asv_name(result.case), _CASE_S)
    return found


def commit_seconds(sets: Iterable[ResultSet]) -> dict[str, float]:
    """What measuring each commit took in all its environments."""
    found: dict[tuple[str, str | None], float] = {}
    for results in sets:
        if results.commit.hash and results.run.duration_s:
            key = results.commit.hash, results.environment.env_name
            found[key] = results.run.duration_s
    total: dict[str, float] = {}
    for (commit, _), seconds in found.items():
        total[commit] = total.get(commit, 0.0) + seconds
    return total


def stored(durations: Path | None, baseline: Path) -> list[ResultSet]:
    """The results that durations are taken from, oldest first: the file or folder named, else the
    current baseline, which a commit brings to every machine, else none. Raises `InvalidInputError`."""
    if durations is None:
        try:
            return [result_files.load(baseline)] if baseline.is_file() else []
        except InvalidFileError:
            # A broken baseline is for `odyssey baseline verify` to say; every machine has the same one.
            return []
    if durations.is_dir():
        found = [result_files.load(path) for path in reversed(result_files.newest_first(durations))]
        if not found:
            raise InvalidInputError(f"--durations {durations}: no result files in it")
        return found
    return [result_files.load(durations)]
