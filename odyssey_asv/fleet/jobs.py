"""A job and what came of it, as plain data that any engine can carry. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """One call of `odyssey` on one host.

    `words` are the arguments of the command, without `--out`, and `folder` where in the project it is
    given. The project is `commit` of the repository that a host has as the bundle `bundle`, or at
    `address`. `id` is part of folder names. `home` is where the host keeps everything; None for the
    place that the host itself knows.
    """

    id: str
    label: str
    words: tuple[str, ...]
    project: str
    commit: str
    bundle: str | None = None
    address: str | None = None
    folder: str = "."
    home: str | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {**asdict(self), "words": list(self.words)}


def job_of(plain: Mapping[str, Any]) -> Job:
    """The inverse of `Job.plain`."""
    return Job(**{**plain, "words": tuple(plain["words"])})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a job left: the command's exit code, the end of what it said, the files it wrote.

    `started` and `ended` are seconds of the host's clock since 1970, `host` the host's own name.
    """

    job: str
    host: str
    code: int
    said: str
    started: float
    ended: float
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Host:
    """A host as the engine sees it: `address` is where it is reached now, `id` what stays the same when
    it comes back. `version` is its odyssey-asv's, None where it has none; `classes` are what it offers.
    """

    address: str
    id: str
    version: str | None
    classes: frozenset[str] = frozenset()
    exclusive: bool = True
    fault: str | None = None
