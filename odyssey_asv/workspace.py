"""What measuring needs of a project before it starts: its repository, places to write, sound words."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.repository import Repository, clone_mirror

# With the commit and the environment it makes a file name, which most systems end at 255 bytes.
_LONGEST_MACHINE = 100
_LEAST_ROOM = 16_384


def check_expressions(benches: tuple[str, ...]) -> None:
    for bench in benches:
        try:
            re.compile(bench)
        except re.error as error:
            raise InvalidInputError(
                f"-b {bench!r} is not a regular expression: {error}",
                tip=f"for that very text: -b {re.escape(bench)!r}",
            ) from error


def nothing_selected(benches: Sequence[str], left_out: Sequence[str] = ()) -> InvalidInputError:
    """The error for expressions that no benchmark matches, or for a suite without any. `left_out` says
    what could not be looked into."""
    wanted = ", ".join(map(repr, benches))
    said = f"no benchmark matches {wanted}" if wanted else "the suite has no benchmarks"
    return InvalidInputError(
        "\n".join([said, *(f"  {line}" for line in left_out)]),
        tip="-b takes regular expressions, searched in names such as"
        " module.Class.time_name(param1, param2)",
    )


def check_machine(name: str) -> None:
    """A machine's name becomes a folder of asv's results, so it must be a plain name."""
    if not name.isprintable() or set(name) & set("/\\") or name[:1] in ("", ".", "-", " "):
        raise InvalidInputError(
            f"machine {name!r} cannot name a folder",
            tip="choose a name without slashes that begins with a letter or digit: -m NAME",
        )
    if len(name.encode()) > _LONGEST_MACHINE:
        raise InvalidInputError(
            f"the machine's name has {len(name)} characters, more than {_LONGEST_MACHINE}",
            tip="choose a shorter one: -m NAME",
        )


def repository_of(asv: AsvConfig) -> Path:
    """The repository under test; a remote one is cloned to where asv looks for it."""
    if asv.local_repo is not None:
        return asv.local_repo
    if "://" not in asv.repo and not asv.repo.startswith("git@"):
        raise InvalidInputError(
            f"{asv.path}: repo {asv.repo!r} is neither a folder nor the address of a repository"
        )
    if asv.mirror.is_dir():
        with Repository(asv.mirror, search_parents=False) as repository:
            repository.pull()
    else:
        clone_mirror(asv.repo, asv.mirror)
    return asv.mirror


def check_writable(folder: Path) -> None:
    """Find out before measuring, not after, that nothing can be written. Raises OSError."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".tmp") as probe:
            probe.write(b" " * _LEAST_ROOM)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


def start_state(state: Path) -> None:
    """The state folder, which git is to ignore."""
    state.mkdir(parents=True, exist_ok=True)
    ignore = state / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
