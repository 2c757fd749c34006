"""Folders of shards → one check, or the result files of one run, or every conflict. Prints nothing.

What joins is in `joining` and `shards`; here it is read, and stored where results belong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from odyssey_asv.errors import InvalidFileError, InvalidInputError
from odyssey_asv.files import near
from odyssey_asv.findings import Check, Effort, Finding, worst_first
from odyssey_asv.model import ResultSet
from odyssey_asv.sharding.joining import join
from odyssey_asv.sharding.shards import disagreements, missing
from odyssey_asv.store import results as result_files
from odyssey_asv.store import shards as store
from odyssey_asv.store.shards import ShardFile

_TIP = "docs/sharding.md says what may differ and what may not"


@dataclass(frozen=True, slots=True)
class Found:
    """A shard file and where it was."""

    source: str
    file: ShardFile


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the folders hold: the sets, joined, and the check that was sharded, if one was."""

    sets: tuple[ResultSet, ...]
    check: Check | None = None


def gather(folders: Sequence[Path]) -> Gathered:
    """Everything in the folders and the files named, joined. Reads folders to their full depth.

    Raises `InvalidFileError` with every conflict, `InvalidInputError` where there is nothing.
    """
    faults: list[str] = []
    shards, sets = _read(folders, faults)
    by_verb = {
        verb: _agreeing([found for found in shards if found.file.verb == verb], faults)
        for verb in ("check", "run")
    }
    _whole_files(by_verb["run"], folders, faults)
    checks = [store.check_of(found.file, found.source) for found in by_verb["check"]]
    _once_each(by_verb["check"], faults)
    if not shards and not sets and not faults:
        raise InvalidInputError(
            f"{_names(folders)}: neither result files nor shards",
            tip="they are called …_results.json and …_shard.json",
        )
    plain = join(sets)
    faults += plain.conflicts
    check: Check | None = None
    if checks and not faults:
        check, apart = join_checks(checks, by_verb["check"][0].file.of)
        faults += apart
    if faults:
        raise InvalidFileError(_names(folders), tuple(dict.fromkeys(faults)), tip=_TIP)
    return Gathered(plain.sets, check)


def holds_shards(places: Sequence[Path]) -> bool:
    """Whether any of these files, or any file below these folders, is a shard's."""
    return any(path.name.endswith(store.SUFFIX) for path in _files(places))


def keep(gathered: Gathered, folder: Path) -> tuple[Path, ...]:
    """Store the sets in a folder, each once however often it is imported; their paths."""
    sets = list(gathered.sets)
    if gathered.check is not None:
        sets += [*gathered.check.base, *gathered.check.contender]
    return tuple(result_files.save_once(results, folder)[0] for results in sets)


def _read(folders: Sequence[Path], faults: list[str]) -> tuple[list[Found], list[ResultSet]]:
    shards: list[Found] = []
    sets: list[ResultSet] = []
    seen: set[bytes] = set()
    for path in _files(folders):
        content = hashlib.sha256(path.read_bytes()).digest()
        if content in seen:
            # The same file twice, as when two artifacts hold it, is no conflict.
            continue
        seen.add(content)
        try:
            if path.name.endswith(store.SUFFIX):
                shards.append(Found(near(path), store.load(path)))
            else:
                sets.append(replace(result_files.load(path), source=near(path)))
        except InvalidFileError as error:
            faults += [f"{near(path)}: {fault}" for fault in error.faults]
    return shards, sets


def _files(folders: Sequence[Path]) -> Iterable[Path]:
    for folder in folders:
        if folder.is_file():
            yield folder
        elif folder.is_dir():
            endings = (store.SUFFIX, result_files.SUFFIX)
            yield from sorted(p for p in folder.rglob("*.json") if p.name.endswith(endings))
        else:
            raise InvalidInputError(f"{folder}: not found")


def _agreeing(found: list[Found], faults: list[str]) -> list[Found]:
    """The shards in order. That they are not of one whole, or not all of it, is a fault."""
    if not found:
        return []
    faults += disagreements([(f.source, f.file.whole) for f in found])
    by_shard: dict[str, list[Found]] = {}
    for f in found:
        by_shard.setdefault(str(f.file.shard), []).append(f)
    for shard, several in by_shard.items():
        if len(several) > 1:
            sources = ", ".join(f.source for f in several)
            faults.append(f"shard {shard} is there more than once, measured anew: {sources}")
    verb = found[0].file.verb
    absent = missing(f.file.shard for f in found)
    if absent:
        more = f" and {len(absent) - 8} more" if len(absent) > 8 else ""
        named = ", ".join(map(str, absent[:8]))
        faults.append(f"missing of the {verb}: shard {named}{more}")
    return sorted(found, key=lambda f: (f.file.of, f.file.index))


def _once_each(found: Sequence[Found], faults: list[str]) -> None:
    """Each unit is in one shard. Where every shard cut the same whole it is; files may be edited."""
    where: dict[str, str] = {}
    for f in found:
        for unit in f.file.units:
            first = where.setdefault(unit, f.source)
            if first != f.source:
                faults.append(f"{unit.partition(' ')[2]}: is in two shards: {first}, {f.source}")


def _whole_files(found: Sequence[Found], folders: Sequence[Path], faults: list[str]) -> None:
    """Each result file that a run's shard names is there as it was written."""
    if not found:
        return
    there = {
        (path.name, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in _files(folders)
        if path.name.endswith(result_files.SUFFIX)
    }
    for f in found:
        faults += [
            f"{f.source}: {written.name} is not there, or not as it was written"
            for written in f.file.files
            if (written.name, written.sha256) not in there
        ]


def join_checks(checks: Sequence[Check], of: int) -> tuple[Check, tuple[str, ...]]:
    """One check of the checks of all shards of one whole, with what stands against it."""
    sides = [join([part for check in checks for part in getattr(check, side)]) for side in _SIDES]
    findings: dict[tuple[str | None, str, str], Finding] = {}
    faults: list[str] = [line for side in sides for line in side.conflicts]
    for check in checks:
        for finding in check.findings:
            key = finding.environment, finding.benchmark.id, repr(finding.case)
            if key in findings:
                faults.append(f"{finding.label}: was judged in two shards")
            findings[key] = finding
    warnings = [warning for check in checks for warning in check.warnings]
    warnings += _hardware(sides[1].sets)
    warnings.append(f"joined from {of} shards: times are sums over all of them")
    seeds = {check.seed for check in checks}
    joined = Check(
        base=sides[0].sets,
        contender=sides[1].sets,
        findings=tuple(sorted(findings.values(), key=worst_first)),
        effort=_together([check.effort for check in checks]),
        confidence=checks[0].confidence,
        warnings=tuple(dict.fromkeys(warnings)),
        same=checks[0].same,
        strict=checks[0].strict,
        seed=seeds.pop() if len(seeds) == 1 else None,
    )
    return joined, tuple(faults)


_SIDES = ("base", "contender")


def _together(efforts: Sequence[Effort]) -> Effort:
    return Effort(
        wall_s=sum(effort.wall_s for effort in efforts),
        sampling_s=sum(effort.sampling_s for effort in efforts),
        processes=sum(effort.processes for effort in efforts),
        budget_s=max(effort.budget_s for effort in efforts),
        spent=any(effort.spent for effort in efforts),
    )


def _hardware(sets: Sequence[ResultSet]) -> list[str]:
    """A pair is measured on one machine, so shards of different hardware are no conflict, but news."""
    models = sorted({s.environment.cpu_model or "unknown" for s in sets})
    if len(models) < 2:
        return []
    return [f"shards were measured on different processors, each pair on one: {'; '.join(models)}"]


def _names(folders: Sequence[Path]) -> str:
    return ", ".join(map(near, folders))
