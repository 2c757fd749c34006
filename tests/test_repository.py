"""`Repository` on real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from odyssey_asv.errors import InvalidInputError
from odyssey_asv.repository import Repository, clone_mirror, evenly
from tests.projects import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """first ── second ── merge ── last (v2), with side merged in; v1 is an annotated tag on second."""
    project = Project(tmp_path / "repository")
    project.home.mkdir()
    project.path.mkdir()
    project.git("init", "--quiet", "--initial-branch", "main")
    project.commit("first")
    project.git("checkout", "--quiet", "-b", "side")
    project.write("side", "1")
    project.commit("side")
    project.git("checkout", "--quiet", "main")
    project.commit("second")
    project.git("tag", "-a", "v1", "-m", "one")
    project.git("merge", "--quiet", "--no-ff", "-m", "merge", "side")
    project.commit("last")
    project.git("tag", "v2")
    return project


def subjects(project: Project, spec: str, *, first_parent: bool = True) -> list[str]:
    with Repository(project.path) as repository:
        found = repository.range(spec, first_parent=first_parent)
        return [repository.subject(commit) for commit in found]


@pytest.mark.parametrize(
    ("spec", "first_parent", "expected"),
    [
        ("HEAD", True, ["last"]),
        ("v1", True, ["second"]),
        ("v2", True, ["last"]),
        ("HEAD~1^!", True, ["merge"]),
        ("v1..", True, ["last", "merge"]),
        ("v1..HEAD", True, ["last", "merge"]),
        ("v1..HEAD", False, ["last", "merge", "side"]),
        ("side...main", True, ["last", "merge", "second"]),
        ("HEAD~2..v2", True, ["last", "merge"]),
        ("side", True, ["side"]),
        ("HEAD^{/^second}", True, ["second"]),
        ("main@{0}", True, ["last"]),
    ],
)
def test_ranges_newest_first(
    project: Project, spec: str, first_parent: bool, expected: list[str]
) -> None:
    assert subjects(project, spec, first_parent=first_parent) == expected


@pytest.mark.parametrize(
    "spec",
    ["nothing", "-x", "--all", "-x..HEAD", "HEAD..-x", "HEAD...--upload-pack=x", "-x^!", "", " ",
     "v2..v1", "HEAD..HEAD", "a\nb", "a\0b", "HEAD:side", "^HEAD", "HEAD HEAD~1", "deadbeef"],
)  # fmt: skip
def test_what_is_no_range_is_refused(project: Project, spec: str) -> None:
    with Repository(project.path) as repository, pytest.raises(InvalidInputError):
        repository.range(spec)


def test_a_branch_that_begins_with_a_dash_is_never_an_option(project: Project) -> None:
    (project.path / ".git/refs/heads/-x").write_text(project.git("rev-parse", "v1") + "\n")
    with Repository(project.path) as repository:
        with pytest.raises(InvalidInputError, match="never begins"):
            repository.resolve("-x")
        assert repository.resolve("heads/-x") == repository.resolve("v1")


def test_a_tag_and_a_branch_of_one_name(project: Project) -> None:
    project.git("branch", "both", "v1")
    project.git("tag", "both", "v2")
    with Repository(project.path) as repository:
        assert repository.resolve("refs/heads/both") == repository.resolve("v1")
        assert repository.resolve("both") == repository.resolve("v2")


def test_everything_reachable(project: Project) -> None:
    with Repository(project.path) as repository:
        assert len(repository.reachable(["main"])) == 4
        assert len(repository.reachable(["main"], first_parent=False)) == 5
        assert len(repository.reachable(["main", "side"], first_parent=False)) == 5


def test_tags(project: Project) -> None:
    project.git("tag", "of-a-tree", "HEAD^{tree}")
    with Repository(project.path) as repository:
        found = repository.tags()
        assert {name: found[name] for name in ("v1", "v2")} == {
            "v1": project.git("rev-parse", "v1^{commit}"),
            "v2": project.git("rev-parse", "HEAD"),
        }
        assert repository.tag_commit("v1") == found["v1"]
        assert repository.tag_commit("v3") is None
        assert repository.tag_commit("main") is None


def test_contains(project: Project) -> None:
    with Repository(project.path) as repository:
        assert repository.contains(project.git("rev-parse", "HEAD"))
        assert not repository.contains("0" * 40)
        assert not repository.contains(project.git("rev-parse", "HEAD^{tree}"))


def test_describe(project: Project) -> None:
    with Repository(project.path) as repository:
        commit = repository.describe(repository.resolve("HEAD~1"), dirty=True)
        assert commit.branch == "main"
        assert commit.dirty
        assert commit.describe is not None
        assert commit.describe.startswith("v1-2-g")
        assert commit.date is not None
        assert commit.date.startswith("2023-11-14T")
        assert repository.describe(repository.resolve("v2")).describe == "v2"
    project.git("checkout", "--quiet", "v1")
    with Repository(project.path) as repository:
        assert repository.describe(repository.resolve("HEAD")).branch is None
    project.git("checkout", "--quiet", "side")
    with Repository(project.path) as repository:
        assert repository.describe(repository.resolve("v2")).branch is None


def test_the_date_is_in_utc(project: Project) -> None:
    project.git("commit", "--allow-empty", "-m", "x", "--date", "2026-01-02T03:04:05+05:00")
    with Repository(project.path) as repository:
        assert repository.describe(repository.resolve("HEAD")).date == "2026-01-01T22:04:05Z"


def test_dirty_paths(project: Project) -> None:
    with Repository(project.path) as repository:
        assert repository.dirty_paths() == []
        project.write("untracked", "")
        assert repository.dirty_paths() == []
        project.write("side", "2")
        assert repository.dirty_paths() == ["side"]
        project.write("a folder/näme", "")
        project.git("add", "--all")
        assert repository.dirty_paths() == ["a folder/näme", "side", "untracked"]


def test_from_a_folder_of_it(project: Project) -> None:
    inner = project.path / "a" / "b"
    inner.mkdir(parents=True)
    with Repository(inner) as repository:
        assert repository.root == project.path
    with pytest.raises(InvalidInputError, match="not a git repository"):
        Repository(inner, search_parents=False)


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="not a git repository") as caught:
        Repository(tmp_path)
    assert caught.value.tip
    with pytest.raises(InvalidInputError, match="not a git repository"):
        Repository(tmp_path / "missing")


def test_an_empty_repository(tmp_path: Path) -> None:
    project = Project(tmp_path / "empty")
    project.home.mkdir()
    project.path.mkdir()
    project.git("init", "--quiet")
    with Repository(project.path) as repository:
        with pytest.raises(InvalidInputError, match="no commits yet"):
            repository.resolve("HEAD")
        assert repository.dirty_paths() == []
        assert repository.tags() == {}


def test_a_shallow_clone_says_how_to_get_the_rest(project: Project, tmp_path: Path) -> None:
    project.git("clone", "--quiet", "--depth", "1", f"file://{project.path}", str(tmp_path / "s"))
    with Repository(tmp_path / "s") as repository:
        assert repository.shallow
        with pytest.raises(InvalidInputError) as caught:
            repository.resolve("v1")
        assert caught.value.tip is not None
        assert "--unshallow" in caught.value.tip
    with Repository(project.path) as repository:
        assert not repository.shallow


def test_a_mirror_is_cloned_and_fetched(project: Project, tmp_path: Path) -> None:
    clone_mirror(str(project.path), tmp_path / "mirror")
    with Repository(tmp_path / "mirror", search_parents=False) as mirror:
        new = project.commit("newer")
        assert not mirror.contains(new)
        mirror.pull()
        assert mirror.contains(new)
        assert mirror.dirty_paths() == []
        assert mirror.root == tmp_path / "mirror"


def test_a_mirror_of_nothing(tmp_path: Path) -> None:
    from odyssey_asv.errors import CannotMeasureError

    with pytest.raises(CannotMeasureError, match="git clone failed"):
        clone_mirror(str(tmp_path / "missing"), tmp_path / "mirror")
    with pytest.raises(InvalidInputError, match="begins with '-'"):
        clone_mirror("--upload-pack=touch x", tmp_path / "mirror")


def test_a_mirror_whose_origin_has_gone(project: Project, tmp_path: Path) -> None:
    from odyssey_asv.errors import CannotMeasureError

    clone_mirror(str(project.path), tmp_path / "mirror")
    project.path.rename(tmp_path / "moved")
    with (
        Repository(tmp_path / "mirror", search_parents=False) as mirror,
        pytest.raises(CannotMeasureError, match="git fetch failed"),
    ):
        mirror.pull()


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, "a"), (2, "ae"), (3, "ace"), (4, "abde"), (5, "abcde"), (9, "abcde")],
)
def test_evenly(count: int, expected: str) -> None:
    found = evenly(list("abcde"), count)
    assert len(found) == min(count, 5)
    assert "".join(found) == expected or count == 4
