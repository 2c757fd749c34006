"""A repository on its way to another machine: packed into one file, and checked out from it there."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from odyssey_asv.errors import InvalidInputError
from odyssey_asv.repository.checkout import run_git
from odyssey_asv.repository.core import Repository

_HEX = re.compile(r"^[0-9a-f]{40}([0-9a-f]{24})?$")
_HEADS = "+refs/heads/*:refs/heads/*"
_TAGS = "+refs/tags/*:refs/tags/*"


def bundle(repository: Repository, commits: Sequence[str]) -> bytes:
    """The branches and tags of a repository and these commits, which no reference need reach, with all
    their history. The repository itself is only read. Raises `InvalidInputError` for a shallow clone."""
    if repository.shallow:
        raise InvalidInputError(
            f"{repository.root}: a shallow clone cannot be handed to hosts",
            tip="get the whole history: git fetch --unshallow, or fetch-depth: 0 in CI",
        )
    with tempfile.TemporaryDirectory(prefix="odyssey-") as work:
        # Borrowing all objects, so that nothing is copied and references cost the repository nothing.
        packed = Path(work, "packed")
        run_git("init", "--quiet", "--bare", str(packed), cwd=Path(work))
        borrowed = packed / "objects" / "info" / "alternates"
        borrowed.write_text(f"{repository.objects}\n", encoding="utf-8")
        words = ["--quiet", "--no-auto-gc", "--end-of-options", str(repository.root)]
        run_git("fetch", *words, _HEADS, _TAGS, cwd=packed)
        for commit in commits:
            run_git("update-ref", f"refs/heads/odyssey-{_checked(commit)}", commit, cwd=packed)
        file = Path(work, "bundle")
        run_git("bundle", "create", "--quiet", str(file), "--branches", "--tags", cwd=packed)
        return file.read_bytes()


def clone_at(source: str, folder: Path, commit: str) -> None:
    """Make `folder` a working tree of a commit out of a bundle or an address. One that is there is kept
    and moved to the commit; what git ignores in it stays. Raises `CannotMeasureError`."""
    _checked(commit)
    if source.startswith("-"):
        raise InvalidInputError(f"{source!r} is no repository: it begins with '-'")
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        run_git("init", "--quiet", "--initial-branch=odyssey-none", cwd=folder)
    words = ["--quiet", "--no-auto-gc", "--end-of-options", source]
    run_git("fetch", *words, _HEADS, _TAGS, cwd=folder)
    run_git("checkout", "--quiet", "--force", "--detach", commit, cwd=folder)


def _checked(commit: str) -> str:
    if not _HEX.match(commit):
        raise InvalidInputError(f"{commit!r} is not the hash of a commit")
    return commit
