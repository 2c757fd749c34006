"""The git repository under test, through GitPython. The only module that imports git.

Every name a user gives is resolved to 40 hex digits before git sees it as anything but a name to
resolve, and none may begin with `-`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import git
from git.exc import GitCommandError, GitCommandNotFound, InvalidGitRepositoryError, NoSuchPathError

from odyssey_asv.errors import CannotMeasureError, InvalidInputError
from odyssey_asv.model import Commit

_HEX = re.compile(r"^[0-9a-f]{40}([0-9a-f]{24})?$")
_RANGE = re.compile(r"^(?P<left>[^.].*?|)(?P<dots>\.{2,3})(?P<right>.*)$")


class Repository:
    """A git working tree or bare repository. Use it in a `with` statement."""

    def __init__(self, path: Path, *, search_parents: bool = True) -> None:
        try:
            self._repo = git.Repo(path, search_parent_directories=search_parents)
        except (InvalidGitRepositoryError, NoSuchPathError):
            raise InvalidInputError(
                f"{path}: not a git repository", tip="run this inside a repository, or: git init"
            ) from None
        except GitCommandNotFound as error:  # pragma: no cover (needs a machine without git)
            raise CannotMeasureError("git is not installed", tip="install git") from error

    def __enter__(self) -> Repository:
        return self

    def __exit__(self, *_: object) -> None:
        self._repo.close()

    @property
    def root(self) -> Path:
        """The top folder of the working tree, or the bare repository itself."""
        return Path(self._repo.working_tree_dir or self._repo.git_dir)

    @property
    def shallow(self) -> bool:
        return self._ask("rev-parse", "--is-shallow-repository") == "true"

    def resolve(self, name: str) -> str:
        """The commit that a name means, as hex digits; a tag means the commit it is on.

        Raises `InvalidInputError` for a name that begins with `-`, means nothing or is ambiguous.
        """
        if name.startswith("-"):
            raise InvalidInputError(f"{name!r} is no reference: a reference never begins with '-'")
        if not name.strip() or "\0" in name or "\n" in name:
            raise InvalidInputError(f"{name!r} is no reference")
        try:
            found = self._ask(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
            )
        except GitCommandError as error:
            if "safe.directory" in str(error.stderr):
                raise CannotMeasureError(
                    f"{self.root}: git refuses to work in a repository that belongs to somebody else",
                    tip=f"git config --global --add safe.directory {self.root}",
                ) from error
            found = ""
        if _HEX.match(found):
            return found
        if name in ("HEAD", "@") and not self._has_commits():
            raise InvalidInputError(
                f"{self.root}: the repository has no commits yet", tip="commit something first"
            )
        tip = "look at: git log --oneline --all; git tag"
        if self.shallow:
            tip = "this is a shallow clone; get the rest with: git fetch --unshallow --tags"
        raise InvalidInputError(f"unknown commit or reference {name!r}", tip=tip)

    def _has_commits(self) -> bool:
        return bool(self._ask("rev-list", "--all", "--max-count=1"))

    def range(self, spec: str, *, first_parent: bool = True) -> list[str]:
        """The commits of `A..B`, `A...B`, `A^!` or of one commit, newest first.

        A missing end of a range is HEAD, as git has it. Raises `InvalidInputError` for unknown
        names and for an empty range.
        """
        match = _RANGE.match(spec)
        if spec.endswith("^!"):
            return [self.resolve(spec.removesuffix("^!"))]
        if match is None:
            return [self.resolve(spec)]
        left, right = (self.resolve(match[side] or "HEAD") for side in ("left", "right"))
        arguments = ["rev-list", *(["--first-parent"] if first_parent else [])]
        found = self._ask(*arguments, f"{left}{match['dots']}{right}", "--").split()
        if not found:
            tip = "the first commit of a range is the older one" if left != right else None
            if self.shallow:
                tip = "this is a shallow clone; get the rest with: git fetch --unshallow"
            raise InvalidInputError(f"no commits in the range {spec!r}", tip=tip)
        return found

    def reachable(self, names: Iterable[str], *, first_parent: bool = True) -> list[str]:
        """Every commit reachable from the names, newest first."""
        ends = [self.resolve(name) for name in names]
        arguments = ["rev-list", *(["--first-parent"] if first_parent else [])]
        return self._ask(*arguments, *ends, "--").split()

    def tags(self) -> dict[str, str]:
        """Each tag that is on a commit, with that commit."""
        lines = self._ask(
            "for-each-ref", "--format=%(refname:strip=2) %(objectname) %(*objectname)", "refs/tags"
        )
        found: dict[str, str] = {}
        for line in lines.splitlines():
            name, *hashes = line.split(" ")
            commit = next((h for h in reversed(hashes) if h), "")
            if _HEX.match(commit):
                found[name] = commit
        return found

    def tag_commit(self, name: str) -> str | None:
        """The commit a tag is on, None where there is no such tag."""
        return self.tags().get(name)

    def contains(self, commit: str) -> bool:
        """Whether a full hash names a commit that is here."""
        try:
            return self._ask("cat-file", "-t", commit) == "commit"
        except GitCommandError:
            return False

    def describe(self, commit: str, *, dirty: bool = False) -> Commit:
        """Hash, author date, branch and nearest tag of a commit that has been resolved."""
        seconds = int(self._ask("show", "--no-patch", "--format=%at", commit).splitlines()[-1])
        moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
        return Commit(
            hash=commit,
            date=moment.replace("+00:00", "Z"),
            branch=self._branch_of(commit),
            dirty=dirty,
            describe=self._quietly("describe", "--tags", "--always", commit),
        )

    def _branch_of(self, commit: str) -> str | None:
        """The checked out branch where it contains the commit."""
        if self._repo.head.is_detached or not self._has_commits():
            return None
        try:
            self._ask("merge-base", "--is-ancestor", commit, "HEAD")
        except GitCommandError:
            return None
        return str(self._repo.active_branch.name)

    def subject(self, commit: str) -> str:
        """The first line of the commit's message."""
        return self._ask("show", "--no-patch", "--format=%s", commit)

    def dirty_paths(self) -> list[str]:
        """Tracked files with uncommitted changes, relative to the root; none in a bare repository."""
        if self._repo.bare or not self._has_commits():
            return []
        names = self._ask("diff", "--name-only", "-z", "HEAD", "--")
        return [name for name in names.split("\0") if name]

    def pull(self) -> None:
        """Fetch a mirror's remote. Raises `CannotMeasureError` where that fails."""
        try:
            self._ask("fetch", "--prune", "origin")
        except GitCommandError as error:
            raise CannotMeasureError(
                f"{self.root}: git fetch failed: {_last_line(error)}"
            ) from error

    def _ask(self, *arguments: str) -> str:
        command, *rest = arguments
        return str(self._repo.git.execute(["git", command, *rest]))

    def _quietly(self, *arguments: str) -> str | None:
        try:
            return self._ask(*arguments) or None
        except GitCommandError:
            return None


def clone_mirror(url: str, path: Path) -> None:
    """Clone a remote repository as asv does, so that asv finds it and goes on with it."""
    if url.startswith("-"):
        raise InvalidInputError(f"{url!r} is no repository: it begins with '-'")
    try:
        git.Repo.clone_from(url, path, mirror=True).close()
    except GitCommandError as error:
        raise CannotMeasureError(
            f"{url}: git clone failed: {_last_line(error)}", tip="check `repo` in asv.conf.json"
        ) from error


def _last_line(error: GitCommandError) -> str:
    lines = [line for line in str(error.stderr).splitlines() if line.strip()]
    return lines[-1].strip().strip("'") if lines else f"exit status {error.status}"


def evenly(commits: Sequence[str], count: int) -> list[str]:
    """`count` commits spread evenly over a history, its first and last among them.

    >>> evenly(["e", "d", "c", "b", "a"], 3)
    ['e', 'c', 'a']
    """
    if count >= len(commits):
        return list(commits)
    if count == 1:
        return [commits[0]]
    step = (len(commits) - 1) / (count - 1)
    return [commits[round(position * step)] for position in range(count)]
