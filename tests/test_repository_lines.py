"""Lines of first parents, what merges brought in, and what a person wants to know of a commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from odyssey_asv.errors import CannotMeasureError, InvalidInputError
from odyssey_asv.repository import Repository


class Made:
    """A repository with a merged branch."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.first = self.commit("first", "one.py")
        self.second = self.commit("second", "docs/über alles.md")
        self.git("checkout", "--quiet", "-b", "branch", self.first)
        self.inner = self.commit("inner", "tab\tand\nline.py")
        self.tip = self.commit("tip", "two.py")
        self.git("checkout", "--quiet", "main")
        self.git("merge", "--quiet", "--no-ff", "--no-edit", "branch")
        self.merge = self.git("rev-parse", "HEAD")
        self.last = self.commit("last -- a `subject` with <signs>", "one.py")

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, subject: str, name: str) -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(f"{subject}\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)
        return self.git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    with pytest.MonkeyPatch.context() as patch:
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Ada O'Hara")
            patch.setenv(f"GIT_{role}_EMAIL", "ada@example.invalid")
        return Made(tmp_path_factory.mktemp("lines") / "repository")


def test_a_line_is_of_first_parents_the_oldest_first(made: Made) -> None:
    with Repository(made.root) as repository:
        links = repository.line(made.first, "main")
    assert [link.commit for link in links] == [made.second, made.merge, made.last]
    assert links[0].parents == (made.first,)
    assert links[1].parents == (made.second, made.tip)
    assert links[2].files == ("one.py",)


def test_a_merge_has_the_files_that_it_brought_in(made: Made) -> None:
    """Quoted as git does it, so that no name can look like the next commit."""
    with Repository(made.root) as repository:
        links = repository.line(made.second, made.merge)
    assert len(links) == 1
    assert "two.py" in links[0].files
    assert len(links[0].files) == 2


def test_what_a_merge_brought_in(made: Made) -> None:
    with Repository(made.root) as repository:
        (links,) = repository.merged(made.merge)
        assert [link.commit for link in links] == [made.inner, made.tip]
        assert links[0].parents == (made.first,)
        assert repository.merged(made.last) == []
        (rest,) = repository.merged(made.merge, [made.inner])
        assert [link.commit for link in rest] == [made.tip]
        assert repository.merged(made.merge, [made.tip]) == []


def test_from_another_branch_a_line_begins_where_it_left_that(made: Made) -> None:
    with Repository(made.root) as repository:
        links = repository.line("branch", "main")
        beside = repository.line(links[0].parents[0], "branch")
    assert [link.commit for link in links] == [made.second, made.merge, made.last]
    assert links[0].parents == (made.first,)
    assert [link.commit for link in beside] == [made.inner, made.tip]


def test_ends_without_a_common_history_are_refused(made: Made) -> None:
    made.git("checkout", "--quiet", "--orphan", "island", made.first)
    made.git("commit", "--quiet", "--message", "an island")
    made.git("checkout", "--quiet", "main")
    with (
        Repository(made.root) as repository,
        pytest.raises(InvalidInputError, match="no commit in common"),
    ):
        repository.line("island", "main")


@pytest.mark.parametrize("ends", [("main", "main"), ("main", "main~1")])
def test_nothing_in_a_range(made: Made, ends: tuple[str, str]) -> None:
    with (
        Repository(made.root) as repository,
        pytest.raises(InvalidInputError, match="no commits in the range"),
    ):
        repository.line(*ends)


def test_a_card(made: Made) -> None:
    """Files with strange names among it; of a merge, what it brought in."""
    with Repository(made.root) as repository:
        last, first, inner, merge = (
            repository.card(commit) for commit in (made.last, made.first, made.inner, made.merge)
        )
    assert (last.commit, last.parents) == (made.last, (made.merge,))
    assert (last.author, last.subject) == ("Ada O'Hara", "last -- a `subject` with <signs>")
    assert last.date.endswith("Z")
    assert last.files == (("one.py", 1, 0),)
    assert (first.parents, first.files) == ((), (("one.py", 1, 0),))
    assert inner.files == (("tab\tand\nline.py", 1, 0),)
    assert {name for name, _, _ in merge.files} == {"tab\tand\nline.py", "two.py"}


def test_a_folder_whose_name_looks_like_a_variable(made: Made, tmp_path: Path) -> None:
    """And like other things that a shell, or GitPython, would take for more than a name."""
    root = tmp_path / "we $HOME [x] ~ird"
    subprocess.run(["git", "clone", "--quiet", made.root, root], check=True)
    with Repository(root) as repository:
        assert repository.root == root
        assert repository.resolve("HEAD") == made.last


def test_a_bare_repository_that_does_not_say_so(made: Made, tmp_path: Path) -> None:
    """One without a configuration works in git, and is no working tree of the folder above."""
    bare = tmp_path / "above" / "bare"
    subprocess.run(["git", "clone", "--quiet", "--bare", made.root, bare], check=True)
    (bare / "config").unlink()
    with Repository(bare, search_parents=False) as repository:
        assert repository.root == bare
        assert repository.resolve("main") == made.last
        assert not repository.shallow
        assert repository.dirty_paths() == repository.untracked_paths() == []
        assert repository.snapshot() is None
        assert [link.commit for link in repository.line("main~1", "main")] == [made.last]


def test_every_question_to_somebody_else_s_repository_is_refused(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With git's own switch for tests; in words, with the remedy."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with Repository(made.root) as repository:
        for ask in (repository.default_branch, repository.tags, lambda: repository.shallow):
            with pytest.raises(CannotMeasureError, match="belongs to somebody else") as caught:
                ask()
            assert "safe.directory" in (caught.value.tip or "")
