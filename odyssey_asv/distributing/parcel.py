"""What goes to the hosts: the project, and the words of a job."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from odyssey_asv import bisecting, checking
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.config import Config
from odyssey_asv.distributing.wish import Wish
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.files import plain_name
from odyssey_asv.fleet.jobs import Job
from odyssey_asv.repository import Repository
from odyssey_asv.repository.bundles import bundle
from odyssey_asv.sharding.shards import fingerprint


@dataclass(frozen=True, slots=True)
class Parcel:
    """What hosts need of a project: its name, the commit to check out, the folder in it, and the
    repository packed, None where they fetch it."""

    project: str
    commit: str
    folder: str
    content: bytes | None = None
    digest: str | None = None


def parcel_of(wish: Wish, config: Config, asv: AsvConfig, commits: Sequence[str]) -> Parcel:
    """The repository around the suite, with the working tree's changes, on its way to the hosts."""
    with Repository(asv.folder) as repository:
        root = repository.root.resolve()
        _check_reach(asv, root)
        head = repository.resolve("HEAD")
        commit = repository.snapshot() or head
        if wish.address is not None and commit != head:
            raise InvalidInputError(
                "hosts that fetch the repository themselves cannot see uncommitted changes",
                tip="commit and push them, or leave out --repository",
            )
        # A project that is cloned from its address has its commits there.
        wanted = [commit, *commits] if asv.local_repo is not None else [commit]
        content = None if wish.address is not None else bundle(repository, wanted)
    folder = config.root.resolve().relative_to(root)
    name = plain_name(f"{asv.project[:40]}-{fingerprint([str(root), wish.address])}", "project")
    digest = None if content is None else hashlib.sha256(content).hexdigest()
    return Parcel(name, commit, folder.as_posix(), content, digest)


def _check_reach(asv: AsvConfig, root: Path) -> None:
    """Hosts have the repository around the suite; of everything else they know only addresses."""
    local = asv.local_repo
    if local is not None and local.resolve() != root:
        raise InvalidInputError(
            f"{asv.path}: repo {asv.repo!r} is a folder outside {root}, which hosts cannot reach",
            tip="name the repository by its address, which hosts clone themselves",
        )


def job_of(parcel: Parcel, wish: Wish, job_id: str, label: str, words: Sequence[str]) -> Job:
    return Job(
        id=job_id,
        label=label,
        words=tuple(words),
        project=parcel.project,
        commit=parcel.commit,
        bundle=parcel.digest,
        address=wish.address,
        folder=parcel.folder,
    )


def config_words(asv: AsvConfig, config: Config) -> list[str]:
    """Which asv configuration, from the folder in which a host gives the command."""
    return [f"--config={os.path.relpath(asv.path, config.root.resolve())}"]


def each(flag: str, values: Sequence[str]) -> list[str]:
    """An option once for each value."""
    # With "=", so that a value that begins with "-" is none.
    return [f"{flag}={value}" for value in values]


def limit_words(options: checking.Options | bisecting.Options) -> list[str]:
    """What checks and searches are asked alike: which cases, in which environments, with which limits."""
    words = each("--bench", options.benches) + each("--environment", options.environments)
    if options.python is not None:
        words += ["--python", options.python]
    words += [] if options.as_of is None else ["--as-of", str(options.as_of)]
    for flag, share in (("--tolerance", options.tolerance), ("--threshold", options.threshold)):
        if share is not None:
            words += [flag, repr(float(share))]
    if options.gate is not None:
        words += ["--gate", ",".join(sorted(metric.value for metric in options.gate))]
    return words if options.cpu is None else [*words, "--cpu", str(options.cpu)]
