"""Putting a commit's files into a folder of their own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from odyssey_asv.errors import CannotMeasureError

NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")

# What a hook that calls us has set for its own repository.
_OF_ONE_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_WORK_TREE",
)  # fmt: skip


def check_out(
    root: Path, objects: Path, commit: str, folder: Path, origin: Mapping[str, str]
) -> None:
    """Put a commit of the repository at `root` into a new folder, which becomes a repository that
    borrows from `objects`. `origin` holds the settings of the remote that are passed on: addresses of
    submodules may be relative to it, and a partial clone fetches files from it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    words = ["--quiet", "--shared", "--no-checkout", "--", str(root), str(folder)]
    run_git("clone", *words, cwd=folder.parent)
    # git does not share the objects of a shallow clone, and copies only what references reach.
    borrowed = folder / ".git" / "objects" / "info" / "alternates"
    if not borrowed.exists():
        borrowed.write_text(f"{objects}\n", encoding="utf-8")
    for key, value in origin.items():
        run_git("config", f"remote.origin.{key}", value, cwd=folder)
    if "promisor" in origin:
        run_git("config", "core.repositoryFormatVersion", "1", cwd=folder)
        run_git("config", "extensions.partialClone", "origin", cwd=folder)
    run_git("checkout", "--quiet", "--force", "--detach", commit, cwd=folder)
    if (folder / ".gitmodules").exists():
        words = ["submodule", "--quiet", "update", "--init", "--recursive"]
        try:
            # As asv has it: submodules may be folders of this machine.
            run_git("-c", "protocol.file.allow=always", *words, cwd=folder)
        except CannotMeasureError as error:
            error.tip = "see that git submodule update --init --recursive works by itself"
            raise


def run_git(*arguments: str, cwd: Path) -> None:
    """Run git in another repository than ours, and end it with all it started if we are interrupted."""
    env = {name: value for name, value in os.environ.items() if name not in _OF_ONE_REPOSITORY}
    child = subprocess.Popen(
        ["git", *NO_HOOKS, *arguments],  # noqa: S607 (git is where PATH says)
        cwd=cwd,
        env=env | {"GIT_TERMINAL_PROMPT": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, said = child.communicate()
    except BaseException:
        with suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    if child.returncode:
        command = next(word for word in arguments if word.isalpha())
        lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
        reasons = [line for line in lines if line.startswith("fatal:")] or lines[-1:]
        reason = reasons[0] if reasons else f"exit status {child.returncode}"
        raise CannotMeasureError(f"{cwd}: git {command} failed: {reason}")
