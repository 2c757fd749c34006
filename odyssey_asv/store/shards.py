"""Shard files: what one call of `odyssey run --shard` or `odyssey check --shard` leaves for
`odyssey import`. Written once at the end, so that a file is there only where its shard is done.

A check's file holds its result sets and findings; a run's names the result files beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from odyssey_asv.errors import InvalidFileError
from odyssey_asv.files import plain_name, write_atomically
from odyssey_asv.findings import Check, Effort, Finding
from odyssey_asv.model import Case, Result, ResultSet
from odyssey_asv.nonfinite import decode, encode
from odyssey_asv.sharding.shards import Shard
from odyssey_asv.store import results as result_files
from odyssey_asv.store.codec import document_of
from odyssey_asv.store.text import dumps, loads, read_bytes

SCHEMA_VERSION = "1.0"
SUFFIX = "_shard.json"
_FINDINGS = TypeAdapter(tuple[Finding, ...])
_EFFORT = TypeAdapter(Effort)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Written(_Part):
    """A result file beside the shard file."""

    name: str
    sha256: str


class Checked(_Part):
    """What a check found in its shard. The sides of a finding stand in the sets, by case."""

    base: list[dict[str, Any]]
    contender: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    effort: dict[str, Any]
    confidence: float
    warnings: list[str]
    same: bool
    strict: bool
    seed: int | None


class ShardFile(_Part):
    """One shard. `whole` says of what it is a part, fact by fact; shards of one whole say the same."""

    schema_version: str = SCHEMA_VERSION
    verb: Literal["check", "run"]
    index: int = Field(ge=1)
    of: int = Field(ge=1)
    whole: dict[str, str]
    units: list[str]
    files: list[Written] = []
    check: Checked | None = None

    @property
    def shard(self) -> Shard:
        return Shard(self.index, self.of)


def name_of(verb: str, key: str, shard: Shard) -> str:
    """`check-<key>-2-of-8_shard.json`: `key` tells wholes apart."""
    return plain_name(f"{verb}-{key}-{shard.index}-of-{shard.of}{SUFFIX}", "shard file")


def run_file(
    shard: Shard, whole: Mapping[str, str], units: Sequence[str], written: Iterable[Path]
) -> ShardFile:
    """The file of a run's shard, which names the result files that answer for its commits."""
    files = [
        Written(name=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        for path in written
    ]
    return ShardFile(
        verb="run",
        index=shard.index,
        of=shard.of,
        whole=dict(whole),
        units=list(units),
        files=sorted(files, key=lambda file: file.name),
    )


def check_file(
    shard: Shard, whole: Mapping[str, str], units: Sequence[str], check: Check
) -> ShardFile:
    """The file of a check's shard."""
    bare = [replace(finding, base=None, contender=None) for finding in check.findings]
    return ShardFile(
        verb="check",
        index=shard.index,
        of=shard.of,
        whole=dict(whole),
        units=list(units),
        check=Checked(
            base=[document_of(results) for results in check.base if results.results],
            contender=[document_of(results) for results in check.contender if results.results],
            findings=encode(_FINDINGS.dump_python(tuple(bare), mode="json")),
            effort=encode(_EFFORT.dump_python(check.effort, mode="json")),
            confidence=check.confidence,
            warnings=list(check.warnings),
            same=check.same,
            strict=check.strict,
            seed=check.seed,
        ),
    )


def check_of(file: ShardFile, source: str) -> Check:
    """The check that a shard file holds; `source` names it. Raises `InvalidFileError`."""
    found = file.check
    assert found is not None
    sides = []
    for documents in (found.base, found.contender):
        sets = [result_files.parse(dumps(document).encode(), source) for document in documents]
        sides.append(tuple(sets))
    held = [_by_case(sets) for sets in sides]
    try:
        findings = _FINDINGS.validate_python(decode(found.findings))
        effort = _EFFORT.validate_python(decode(found.effort))
    except ValidationError as error:
        raise _faulty(source, error) from error
    return Check(
        base=sides[0],
        contender=sides[1],
        findings=tuple(
            replace(
                finding,
                base=held[0].get((finding.environment, finding.case)),
                contender=held[1].get((finding.environment, finding.case)),
            )
            for finding in findings
        ),
        effort=effort,
        confidence=found.confidence,
        warnings=tuple(found.warnings),
        same=found.same,
        strict=found.strict,
        seed=found.seed,
    )


def _by_case(sets: Sequence[ResultSet]) -> dict[tuple[str | None, Case], Result]:
    """The results by environment and case; a finding names no environment where there is but one."""
    found: dict[tuple[str | None, Case], Result] = {}
    for results in sets:
        for result in results.results:
            found[results.environment.env_name, result.case] = result
            found[None, result.case] = result
    return found


def save(file: ShardFile, path: Path) -> None:
    """Write a shard file, in the place of an earlier one of the same shard."""
    write_atomically(path, dumps(file.model_dump(mode="json")).encode())


def load(path: Path) -> ShardFile:
    """Read a shard file. Raises `InvalidInputError`, and `InvalidFileError` with every fault."""
    source = str(path)
    document = loads(read_bytes(source), source)
    if isinstance(document, dict) and str(document.get("schema_version", "1")).split(".")[0] != "1":
        found = document["schema_version"]
        raise InvalidFileError(
            source,
            (f"schema_version: {found!r} is newer than this tool reads ({SCHEMA_VERSION})",),
            tip="upgrade odyssey-asv",
        )
    try:
        file = ShardFile.model_validate(document)
    except ValidationError as error:
        raise _faulty(source, error) from error
    if file.index > file.of:
        raise InvalidFileError(source, (f"index: there is no shard {file.index} of {file.of}",))
    if (file.verb == "check") != (file.check is not None):
        raise InvalidFileError(source, (f"check: a shard of a {file.verb} cannot be like this",))
    return file


def _faulty(source: str, error: ValidationError) -> InvalidFileError:
    faults = tuple(
        f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}"
        for fault in error.errors()[:5]
    )
    return InvalidFileError(source, faults, tip="run that shard again")
