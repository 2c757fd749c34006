"""The git repository under test, through GitPython. The only module that imports it.

Every name a user gives is resolved to 40 hex digits before git sees it as anything but a name to
resolve, and none may begin with `-`.
"""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import git
from git.exc import GitCommandError, InvalidGitRepositoryError, NoSuchPathError

from odyssey_asv.culprit.bisection import Card
from odyssey_asv.errors import CannotMeasureError, InvalidInputError
from odyssey_asv.model import Commit
from odyssey_asv.repository import checkout, lines, trees
from odyssey_asv.repository.checkout import NO_HOOKS
from odyssey_asv.repository.lines import Link, Stop
from odyssey_asv.repository.trees import Entry

_HEX = re.compile(r"^[0-9a-f]{40}([0-9a-f]{24})?$")
UNSHALLOW = "git fetch --unshallow, or fetch-depth: 0 for the checkout in CI"
_RANGE = re.compile(r"^(?P<left>[^.].*?|)(?P<dots>\.{2,3})(?P<right>[^.].*|)$")


class Repository:
    """A git working tree or bare repository. Use it in a `with` statement."""

    def __init__(self, path: Path, *, search_parents: bool = True) -> None:
        if shutil.which("git") is None:
            raise CannotMeasureError("git is not installed, or not on PATH", tip="install git")
        try:
            # Names of folders are taken as they are: a `$` in one names no variable.
            self._repo = git.Repo(path, search_parent_directories=search_parents, expand_vars=False)
        except (InvalidGitRepositoryError, NoSuchPathError):
            raise InvalidInputError(
                f"{path}: not a git repository", tip="run this inside a repository, or: git init"
            ) from None
        self._bare = self._repo.bare or Path(self._repo.git_dir).resolve() == path.resolve()
        # In a bare repository git is asked where that lies: it may lack the file that says that it is bare,
        # and be taken for a working tree, whose commands are run in the folder above. GitPython expands
        # variables in a text, not in a path.
        at = self._repo.git_dir if self._bare else self._repo.working_dir
        self._git = git.Git(Path(at))

    def __enter__(self) -> Repository:
        return self

    def __exit__(self, *_: object) -> None:
        self._repo.close()

    @property
    def root(self) -> Path:
        """The top folder of the working tree, or the bare repository itself."""
        if self._bare or self._repo.working_tree_dir is None:
            return Path(self._repo.git_dir)
        return Path(self._repo.working_tree_dir)

    @property
    def objects(self) -> Path:
        """The folder of the objects."""
        return self._path_of("objects")

    @property
    def shallow(self) -> bool:
        return self._ask("rev-parse", "--is-shallow-repository") == "true"

    @property
    def detached(self) -> bool:
        """Whether no branch is checked out."""
        return bool(self._repo.head.is_detached)

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
        except GitCommandError:
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
        ends = range_of(spec)
        if spec.endswith("^!"):
            return [self.resolve(spec.removesuffix("^!"))]
        if ends is None:
            return [self.resolve(spec)]
        left, right = self.resolve(ends.left), self.resolve(ends.right)
        arguments = ["rev-list", *(["--first-parent"] if first_parent else [])]
        found = self._ask(*arguments, f"{left}{ends.dots}{right}", "--").split()
        if not found:
            tip = "the first commit of a range is the older one" if left != right else None
            if self.shallow:
                tip = "this is a shallow clone; get the rest with: git fetch --unshallow"
            raise InvalidInputError(f"no commits in the range {spec!r}", tip=tip)
        return found

    def line(self, start: str, end: str) -> list[Link]:
        """The commits up to `end` along its first parents that are not in the history of `start`, the
        oldest first.

        The first of them has `start` as its first parent where that is on the line, else the commit at
        which the line left the history of `start`. Raises `InvalidInputError` where there are none, and
        where the two have no commit in common.
        """
        first, last = self.resolve(start), self.resolve(end)
        links = lines.links(self._ask, first, last)
        if not links:
            tip = "the older commit comes first: GOOD..BAD"
            if self.shallow:
                tip = f"this is a shallow clone; get the whole history: {UNSHALLOW}"
            raise InvalidInputError(f"no commits in the range {start}..{end}", tip=tip)
        if not links[0].parents:
            tip = f"this is a shallow clone; get the whole history: {UNSHALLOW}"
            raise InvalidInputError(
                f"{start} and {end} have no commit in common", tip=tip if self.shallow else None
            )
        return links

    def first_parents(self, end: str) -> list[Stop]:
        """A commit and all its first parents, the oldest first."""
        return lines.stops(self._ask, self.resolve(end))

    def merged(self, merge: str, without: Sequence[str] = ()) -> list[list[Link]]:
        """What each parent of a merge but the first brought in that is not in the history of a commit
        `without`, along its first parents, the oldest first; nothing for a parent that brought in
        nothing."""
        first, *others = self._ask("rev-parse", f"{merge}^@").split()
        found = (lines.links(self._ask, first, other, without) for other in others)
        return [links for links in found if links]

    def card(self, commit: str) -> Card:
        """Who made a commit, when, what for, and the files it changed against its first parent."""
        return lines.card(self._ask, commit)

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

    def fork(self, commit: str, line: str) -> str | None:
        """Where on the way to `line` a commit lies or branched off; None for unrelated ones."""
        return self._quietly("merge-base", self.resolve(commit), self.resolve(line))

    def newest_tags(self, count: int) -> list[str]:
        """The tags made last, the newest first."""
        return self._ask(
            "for-each-ref", f"--count={count}", "--sort=-creatordate",
            "--format=%(refname:strip=2)", "refs/tags",
        ).splitlines()  # fmt: skip

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

    def date_of(self, commit: str) -> datetime:
        """When a commit that has been resolved was made: the committer's date, in UTC."""
        seconds = int(self._ask("show", "--no-patch", "--format=%ct", commit).splitlines()[-1])
        return datetime.fromtimestamp(seconds, UTC)

    def _branch_of(self, commit: str) -> str | None:
        """The checked out branch where it contains the commit."""
        if self._repo.head.is_detached or not self._has_commits():
            return None
        try:
            self._ask("merge-base", "--is-ancestor", commit, "HEAD")
        except GitCommandError:
            return None
        return str(self._repo.active_branch.name)

    def user(self) -> str | None:
        """The name that git commits with, None where it has none."""
        return self._quietly("config", "--get", "user.name")

    def parent(self, commit: str) -> str | None:
        """The first parent of a commit, None for one without."""
        return self._quietly("rev-parse", "--verify", "--quiet", f"{commit}^")

    def subject(self, commit: str) -> str:
        """The first line of the commit's message."""
        return self._ask("show", "--no-patch", "--format=%s", commit)

    def dirty_paths(self) -> list[str]:
        """Tracked files with uncommitted changes, relative to the root; none in a bare repository."""
        if self._bare or not self._has_commits():
            return []
        names = self._ask("diff", "--name-only", "-z", "HEAD", "--")
        return [name for name in names.split("\0") if name]

    def untracked_paths(self) -> list[str]:
        """Files of the working tree that git neither tracks nor is told to ignore, relative to the root;
        none in a bare repository."""
        if self._bare:
            return []
        names = self._ask("ls-files", "--others", "--exclude-standard", "--full-name", "-z", ":/")
        return [name for name in names.split("\0") if name]

    def entries(self, commit: str) -> dict[str, Entry]:
        """Every file of a commit by its path from the top."""
        return trees.entries(self._ask, self.resolve(commit))

    def content(self, blob: str) -> bytes:
        """What a file holds, by the hash of its content."""
        return bytes(self._repo.odb.stream(bytes.fromhex(blob)).read())

    def tree_of(self, commit: str) -> str:
        """The hash of all that a commit holds, without its message, date and parents."""
        return self._ask("rev-parse", "--verify", f"{self.resolve(commit)}^{{tree}}")

    def snapshot(self) -> str | None:
        """A commit, on HEAD, of the tracked files as they are in the working tree; None where clean.

        Files that git does not track are not in it. No reference, nor the index, nor the working tree
        is changed; git removes the commit some weeks later. The same files on the same HEAD give
        the same commit. Raises `InvalidInputError` in the middle of a merge.
        """
        if self._bare or not self._has_commits():
            return None
        head = self.resolve("HEAD")
        if self._ask("ls-files", "--unmerged"):
            raise InvalidInputError(
                f"{self.root}: a merge is not finished", tip="resolve it: git status"
            )
        with tempfile.TemporaryDirectory(prefix="odyssey-") as work:
            index = Path(work, "index")
            # With its time, which tells git what may have changed since.
            with suppress(FileNotFoundError):
                shutil.copy2(self._path_of("index"), index)
            apart = {"GIT_INDEX_FILE": str(index)}
            self._ask(*NO_HOOKS, "add", "--update", ":/", env=apart)
            tree = self._ask(*NO_HOOKS, "write-tree", env=apart)
        if tree == self.tree_of(head):
            return None
        moment = self._ask("show", "--no-patch", "--format=%ct +0000", head).splitlines()[-1]
        signed = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in {
                "NAME": "odyssey",
                "EMAIL": "odyssey@invalid",
                "DATE": moment,
            }.items()
        }
        return self._ask("commit-tree", "-p", head, "-m", "the working tree", tree, env=signed)

    def default_branch(self, candidates: Sequence[str] = (), *, option: str = "--base REF") -> str:
        """The branch that changes are made for: the first of the candidates that is a branch, else the
        remote's default, else main or master.

        A branch that only the remote has is named `origin/…`. Raises `InvalidInputError`, which names the
        `option` with which the caller's user can name a branch.
        """
        names = [name for name in candidates if name not in ("", "HEAD")]
        remote = self._quietly("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD") or ""
        names.append(remote.removeprefix("refs/remotes/"))
        for name in (*names, "main", "master"):
            for place in ("refs/heads", "refs/remotes/origin", "refs/remotes"):
                if name and (found := self._branch(f"{place}/{name}")):
                    return found
        asked = [name for name in candidates if name not in ("", "HEAD")]
        said = "there is no main or master, and the remote names no default"
        if asked:
            said = f"{', '.join(asked)}, of `branches` in asv.conf.json, is not here, and {said}"
        tip = f"name one with {option}"
        if self.shallow:
            tip = f"this is a shallow clone, which may lack it: {UNSHALLOW}; or {tip}"
        raise InvalidInputError(f"{self.root}: no branch to compare with is known: {said}", tip=tip)

    def _branch(self, reference: str) -> str | None:
        """How a branch is named for short, where there is one of this full name."""
        lines = self._ask(
            "for-each-ref", "--format=%(refname) %(refname:short)", "refs/heads", "refs/remotes"
        )
        return dict(line.split(" ") for line in lines.splitlines()).get(reference)

    def merge_base(self, one: str, other: str) -> str:
        """The best common ancestor of two commits.

        Raises `InvalidInputError` where there is none, and where a shallow clone hides whether what
        is found is the best.
        """
        first, second = self.resolve(one), self.resolve(other)
        found = self._quietly("merge-base", first, second)
        if self.shallow:
            hidden = set(self._path_of("shallow").read_text(encoding="ascii").split())
            wanted = [first, second, *([f"^{found}"] if found else [])]
            if not found or hidden & set(self._ask("rev-list", *wanted, "--").split()):
                raise InvalidInputError(
                    f"{self.root}: where {one[:12]} and {other[:12]} part cannot be seen, for this"
                    " is a shallow clone",
                    tip=f"get the whole history: {UNSHALLOW}",
                )
        if not found:
            raise InvalidInputError(
                f"{one[:12]} and {other[:12]} have no common ancestor",
                tip="name the commit to compare with: --base REF",
            )
        return found

    def check_out(self, commit: str, folder: Path) -> None:
        """Put a commit's files into a new folder, with their whole history and their submodules.

        The folder is a repository of its own that borrows this one's objects. The commit is a full
        hash; no reference needs to reach it. No hooks are run. Raises `CannotMeasureError`.
        """
        if not _HEX.match(commit) or not self.contains(commit):
            raise InvalidInputError(f"{self.root}: no commit {commit!r}")
        checkout.check_out(self.root, self._path_of("objects"), commit, folder, self._origin())

    def published(self) -> tuple[str, str] | None:
        """The address of the remote and the commit that is checked out, where a branch of the remote, as
        far as is known here, has it."""
        address = self._quietly("config", "--get", "remote.origin.url")
        head = self._quietly("rev-parse", "--verify", "--quiet", "HEAD")
        if address is None or head is None:
            return None
        there = self._quietly("for-each-ref", f"--contains={head}", "refs/remotes/origin")
        return (address, head) if there else None

    def _origin(self) -> dict[str, str]:
        """Where the remote is, and whether this is a partial clone of it."""
        found = {
            key: self._quietly("config", "--get", f"remote.origin.{key}")
            for key in ("url", "promisor", "partialclonefilter")
        }
        known = {key: value for key, value in found.items() if value}
        return known if ":" in known.get("url", "") else {}

    def _path_of(self, name: str) -> Path:
        """A file of the repository, wherever this kind of working tree has it."""
        return Path(self.root, self._ask("rev-parse", "--git-path", name)).resolve()

    def pull(self) -> None:
        """Fetch a mirror's remote. Raises `CannotMeasureError` where that fails."""
        try:
            self._ask("fetch", "--prune", "origin")
        except GitCommandError as error:
            raise CannotMeasureError(
                f"{self.root}: git fetch failed: {_last_line(error)}"
            ) from error

    def _ask(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        try:
            return str(self._git.execute(["git", *arguments], env=env))
        except GitCommandError as error:
            if "safe.directory" in str(error.stderr):
                raise CannotMeasureError(
                    f"{self.root}: git refuses to work in a repository that belongs to somebody else",
                    tip=f"git config --global --add safe.directory {shlex.quote(str(self.root))}",
                ) from error
            raise

    def _quietly(self, *arguments: str) -> str | None:
        try:
            return self._ask(*arguments) or None
        except GitCommandError:
            return None


class Range(NamedTuple):
    """The ends of a range as git writes it, and the two or three dots between them."""

    left: str
    dots: str
    right: str


def range_of(text: str) -> Range | None:
    """The ends of `A..B` or `A...B`, a missing one being HEAD; None for anything else.

    >>> range_of("v1.0..")
    Range(left='v1.0', dots='..', right='HEAD')
    >>> range_of("main...topic/fast").right, range_of("v1.0"), range_of("..")
    ('topic/fast', None, None)
    """
    match = _RANGE.match(text)
    if match is None or not (match["left"] or match["right"]):
        return None
    return Range(match["left"] or "HEAD", match["dots"], match["right"] or "HEAD")


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
