"""The journal of one measurement: what each process gave, on disk the moment it ended.

One file for each commit and environment, one JSON line for each process, appended while asv runs.
It outlives a kill: the next run of the same commit replays it instead of measuring again. It also
holds what asv's files do not: which samples came from one process, and what a failure printed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_STDERR_LINES = 20
_STDERR_WIDTH = 400


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one process gave for one case.

    `samples` are seconds a call of `number` calls each, None where the benchmark is not timed;
    `value` is the result of one that is not. `errcode` is asv's: 0, an exit status, or -256 for a
    time-out. `round` counts the processes of the case from 0.
    """

    name: str
    version: str
    position: int
    round: int
    value: Any
    samples: list[float] | None
    number: float | None
    errcode: int
    stderr: str
    seconds: float

    @property
    def key(self) -> tuple[str, str, int, int]:
        return self.name, self.version, self.position, self.round


class Journal:
    """The file. `identity` is all that must be equal for a measurement to be the same one."""

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path = path
        self.identity = json.loads(json.dumps(identity))

    def read(self) -> list[Measurement]:
        """What is recorded; nothing where the file is of another measurement.

        A last line that a kill cut short is left out.
        """
        lines = self._lines()
        if next(lines, None) != self.identity:
            return []
        found = []
        for line in lines:
            try:
                found.append(Measurement(**line))
            except TypeError:
                continue
        return found

    def _lines(self) -> Iterator[Any]:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return
        for line in content.splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                yield None

    def start(self, *, afresh: bool) -> list[Measurement]:
        """Make the file ready for `append` and return what is recorded, nothing where `afresh`."""
        recorded = [] if afresh else self.read()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not recorded:
            self.path.write_text(json.dumps(self.identity) + "\n", encoding="utf-8")
        return recorded

    def append(self, measurement: Measurement) -> None:
        """Record one process, in a single write that is on its way to the disk on return."""
        line = "\n" + json.dumps(asdict(measurement)) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)


def journal_path(folder: Path, machine: str, commit: str, environment: str) -> Path:
    """Where the journal of one measurement is, whatever characters the names have."""
    digest = hashlib.sha256("\0".join((machine, commit, environment)).encode()).hexdigest()
    return folder / f"{commit[:12]}-{digest[:16]}.jsonl"


def last_lines(output: str) -> str:
    """The end of what a benchmark printed, within bounds."""
    lines = [line[:_STDERR_WIDTH] for line in output.strip().splitlines()]
    return "\n".join(lines[-_STDERR_LINES:])
