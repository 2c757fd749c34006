"""A job and what came of it, as plain data that any engine can carry. Pure."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """One call of `odyssey` on one host.

    `words` are the arguments of the command, without `--out`, and `folder` where in the project it is
    given. The project is `commit` of the repository that a host has as the bundle `bundle`, or at
    `address`. `id` is part of folder names. `home` is where the host keeps everything; None for the
    place that the host itself knows. `places` are options that name a file in the folder of `--out`,
    each of which makes an answer, and `files` are there before the command begins, which may replace
    them.
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
    places: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        files = {name: b64encode(content).decode() for name, content in self.files.items()}
        return {**asdict(self), "words": list(self.words), "files": files}


def job_of(plain: Mapping[str, Any]) -> Job:
    """The inverse of `Job.plain`."""
    files = {name: b64decode(text) for name, text in plain["files"].items()}
    return Job(**{**plain, "words": tuple(plain["words"]), "files": files})


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
