"""What `Repository` does for a comparison: snapshots, branches to compare with, merge bases, files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from odyssey_asv.errors import CannotMeasureError, InvalidInputError
from odyssey_asv.repository import Repository
from tests.projects import Project


def empty(path: Path) -> Project:
    project = Project(path)
    project.home.mkdir()
    project.path.mkdir()
    project.git("init", "--quiet", "--initial-branch", "main")
    return project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """root ── first (v1) ── second on main, first ── other on `side`, which is not checked out."""
    project = empty(tmp_path / "repository")
    project.commit("root")
    for name in ("changed", "staged", "deleted", "gone", "kept"):
        project.write(name, f"{name}\n")
    project.commit("first")
    project.git("tag", "v1")
    project.git("checkout", "--quiet", "-b", "side")
    project.write("other", "")
    project.commit("other")
    project.git("checkout", "--quiet", "main")
    project.write("kept", "again\n")
    project.commit("second")
    return project


def make_dirty(project: Project) -> None:
    project.write("changed", "1\n")
    project.write("staged", "1\n")
    project.write("new", "1\n")
    project.git("add", "staged", "new")
    project.write("staged", "2\n")
    (project.path / "deleted").unlink()
    project.git("rm", "--quiet", "--cached", "gone")
    project.write("untracked", "1\n")


def files(project: Project, commit: str) -> dict[str, str]:
    names = project.git("ls-tree", "-r", "--name-only", commit).splitlines()
    return {name: project.git("show", f"{commit}:{name}") for name in names}


def snapshot(project: Project) -> str | None:
    with Repository(project.path) as repository:
        return repository.snapshot()


def state(project: Project) -> tuple[object, ...]:
    """All that a snapshot must leave alone."""
    content = {
        path.relative_to(project.path): path.read_bytes()
        for path in project.path.rglob("*")
        if path.is_file() and "objects" not in path.parts
    }
    return content, project.git("for-each-ref"), project.git("stash", "list")


def test_a_snapshot_holds_what_is_tracked_as_it_is(project: Project) -> None:
    make_dirty(project)
    commit = snapshot(project)
    assert commit is not None
    assert files(project, commit) == {
        "changed": "1", "kept": "again", "new": "1", "staged": "2",
    }  # fmt: skip
    assert project.git("rev-parse", f"{commit}^") == project.git("rev-parse", "HEAD")


def test_a_snapshot_changes_nothing(project: Project) -> None:
    make_dirty(project)
    before = state(project)
    assert snapshot(project) is not None
    assert state(project) == before


def test_a_clean_tree_has_no_snapshot(project: Project) -> None:
    assert snapshot(project) is None
    project.write("untracked", "")
    assert snapshot(project) is None
    (project.path / "kept").touch()
    assert snapshot(project) is None


def test_a_change_of_the_mode_alone_is_a_change(project: Project) -> None:
    (project.path / "kept").chmod(0o755)
    assert snapshot(project) is not None


def test_a_change_in_the_moment_of_the_commit_is_seen(project: Project) -> None:
    for round_ in range(20):
        project.write("kept", f"{round_:02}")
        project.commit()
        project.write("kept", f"{round_ + 50:02}")
        assert snapshot(project) is not None


def test_the_same_files_give_the_same_snapshot(project: Project) -> None:
    make_dirty(project)
    first = snapshot(project)
    project.write("untracked", "other")
    (project.path / "changed").touch()
    assert snapshot(project) == first
    project.write("changed", "2\n")
    assert snapshot(project) != first


def test_the_tree_is_the_content(project: Project) -> None:
    make_dirty(project)
    commit = snapshot(project)
    project.git("add", "--update")
    project.git("commit", "--quiet", "--message", "by hand")
    with Repository(project.path) as repository:
        assert commit is not None
        assert repository.tree_of(commit) == repository.tree_of("HEAD")
        assert repository.snapshot() is None


def test_a_snapshot_needs_no_identity(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        for part in ("NAME", "EMAIL"):
            monkeypatch.delenv(f"GIT_{role}_{part}", raising=False)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.useConfigOnly")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    make_dirty(project)
    assert snapshot(project) is not None


def test_hooks_and_signing_do_not_take_part(project: Project) -> None:
    make_dirty(project)
    for name in ("pre-commit", "post-index-change", "post-checkout", "post-commit"):
        hook = project.path / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {project.path.parent / 'hooked'}\nexit 1\n")
        hook.chmod(0o755)
    project.git("config", "commit.gpgsign", "true")
    commit = snapshot(project)
    assert commit is not None
    with Repository(project.path) as repository:
        repository.check_out(commit, project.path.parent / "checkout")
    assert not (project.path.parent / "hooked").exists()


def test_a_snapshot_from_a_folder_below_holds_the_whole_tree(project: Project) -> None:
    (project.path / "below").mkdir()
    make_dirty(project)
    with Repository(project.path / "below") as repository:
        assert repository.snapshot() == snapshot(project)


def test_a_snapshot_of_a_linked_working_tree(project: Project, tmp_path: Path) -> None:
    project.git("worktree", "add", "--quiet", str(tmp_path / "linked"), "side")
    (tmp_path / "linked/kept").write_text("linked\n")
    with Repository(tmp_path / "linked") as repository:
        commit = repository.snapshot()
        assert commit is not None
        assert files(project, commit)["kept"] == "linked"
        repository.check_out(commit, tmp_path / "checkout")
    assert (tmp_path / "checkout/kept").read_text() == "linked\n"
    assert snapshot(project) is None


def test_no_snapshot_in_the_middle_of_a_merge(project: Project) -> None:
    project.git("checkout", "--quiet", "side")
    project.write("kept", "another\n")
    project.commit()
    with pytest.raises(subprocess.CalledProcessError):
        project.git("merge", "--quiet", "main")
    with pytest.raises(InvalidInputError, match="a merge is not finished"):
        snapshot(project)


def test_no_snapshot_without_a_working_tree_or_a_commit(project: Project, tmp_path: Path) -> None:
    project.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    with Repository(tmp_path / "bare", search_parents=False) as bare:
        assert bare.snapshot() is None
    assert snapshot(empty(tmp_path / "empty")) is None


def test_tree_of(project: Project) -> None:
    with Repository(project.path) as repository:
        before = repository.tree_of("HEAD")
        assert before == project.git("rev-parse", "HEAD^{tree}")
        project.commit("nothing")
        assert repository.tree_of("HEAD") == before
        assert repository.tree_of("v1") != before
        with pytest.raises(InvalidInputError):
            repository.tree_of("--all")


# --- branches


def default_branch(path: Path, *candidates: str) -> str:
    with Repository(path) as repository:
        return repository.default_branch(candidates)


def test_the_first_candidate_that_is_a_branch(project: Project) -> None:
    assert default_branch(project.path, "side", "main") == "side"
    assert default_branch(project.path, "HEAD", "side") == "side"
    assert default_branch(project.path, "no-such", "v1", "-x") == "main"
    assert default_branch(project.path) == "main"


def test_a_branch_is_told_from_a_tag_of_its_name(project: Project) -> None:
    project.git("tag", "main", "v1")
    found = default_branch(project.path)
    with Repository(project.path) as repository:
        assert repository.resolve(found) == project.git("rev-parse", "refs/heads/main")


def test_the_default_of_the_remote(project: Project, tmp_path: Path) -> None:
    project.git("checkout", "--quiet", "-b", "trunk")
    project.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    clone.git("checkout", "--quiet", "-b", "main")
    assert default_branch(clone.path) == "origin/trunk"
    assert default_branch(clone.path, "side") == "origin/side"
    clone.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone")
    assert default_branch(clone.path) == "main"
    clone.git("remote", "set-head", "origin", "--delete")
    assert default_branch(clone.path) == "main"


def test_master_after_main(project: Project) -> None:
    project.git("branch", "master")
    assert default_branch(project.path) == "main"
    project.git("checkout", "--quiet", "--detach")
    project.git("branch", "--delete", "--force", "main")
    assert default_branch(project.path) == "master"


def test_a_detached_checkout_as_in_ci_has_the_remote_branch(
    project: Project, tmp_path: Path
) -> None:
    clone = Project(tmp_path / "clone")
    project.git("clone", "--quiet", ".", str(clone.path))
    clone.git("checkout", "--quiet", "--detach")
    clone.git("branch", "--delete", "--force", "main")
    clone.git("remote", "set-head", "origin", "--delete")
    assert default_branch(clone.path) == "origin/main"


def test_no_branch_to_compare_with(project: Project) -> None:
    project.git("branch", "--move", "main", "work")
    with pytest.raises(InvalidInputError, match="no branch to compare with") as caught:
        default_branch(project.path)
    assert caught.value.tip is not None
    assert "--base" in caught.value.tip


# --- merge bases


def test_the_merge_base(project: Project) -> None:
    with Repository(project.path) as repository:
        first = repository.resolve("v1")
        assert repository.merge_base("main", "side") == first
        assert repository.merge_base("main", "v1") == first
        assert repository.merge_base("main", "main") == repository.resolve("main")
        with pytest.raises(InvalidInputError):
            repository.merge_base("--all", "main")


def test_crossing_merges_have_one_of_their_bases(project: Project) -> None:
    main, side = project.git("rev-parse", "main"), project.git("rev-parse", "side")
    project.git("merge", "--quiet", "-m", "there", side)
    project.git("checkout", "--quiet", "side")
    project.git("merge", "--quiet", "-m", "back", main)
    with Repository(project.path) as repository:
        assert repository.merge_base("main", "side") in (main, side)


def test_histories_that_never_met(project: Project) -> None:
    project.git("checkout", "--quiet", "--orphan", "new")
    project.commit("alone")
    with (
        Repository(project.path) as repository,
        pytest.raises(InvalidInputError, match="no common ancestor") as caught,
    ):
        repository.merge_base("main", "new")
    assert caught.value.tip is not None


def shallow(project: Project, path: Path, depth: int) -> Path:
    url = f"file://{project.path}"
    words = ["clone", "--quiet", "--depth", str(depth), "--no-single-branch", url, str(path)]
    project.git(*words)
    return path


def test_a_shallow_clone_hides_the_merge_base(project: Project, tmp_path: Path) -> None:
    with (
        Repository(shallow(project, tmp_path / "clone", 1)) as repository,
        pytest.raises(InvalidInputError, match="shallow clone") as caught,
    ):
        repository.merge_base("main", "origin/side")
    assert caught.value.tip is not None
    assert "--unshallow" in caught.value.tip
    assert "fetch-depth: 0" in caught.value.tip


def test_a_shallow_clone_that_is_deep_enough(project: Project, tmp_path: Path) -> None:
    with Repository(shallow(project, tmp_path / "clone", 2)) as repository:
        assert repository.shallow
        assert repository.merge_base("main", "origin/side") == repository.resolve("v1")
        assert repository.merge_base("main", "main") == repository.resolve("main")


def test_a_shallow_clone_in_which_another_merge_base_could_be_hidden(
    project: Project, tmp_path: Path
) -> None:
    """`side` has merged main twice; the clone sees the first merge's base and, of the second, nothing."""
    project.git("checkout", "--quiet", "side")
    project.git("merge", "--quiet", "-m", "merge", "main")
    project.git("checkout", "--quiet", "main")
    project.commit("third")
    (clone := Project(tmp_path / "clone")).home.mkdir()
    project.git("clone", "--quiet", ".", str(clone.path))
    hidden = clone.git("rev-parse", "origin/side")
    base = clone.git("rev-parse", "main~2")
    # A graft as `--deepen` after a fetch of single commits leaves it.
    (clone.path / ".git/shallow").write_text(f"{hidden}\n")
    with Repository(clone.path) as repository:
        with pytest.raises(InvalidInputError, match="shallow clone"):
            repository.merge_base("main", "origin/side")
        assert repository.merge_base("main", base) == base


# --- files of a commit


def check_out(source: Path, commit: str, folder: Path) -> Project:
    with Repository(source) as repository:
        repository.check_out(commit, folder)
    return Project(folder)


def test_the_files_of_a_commit_with_its_history(project: Project, tmp_path: Path) -> None:
    commit = project.git("rev-parse", "side")
    copy = check_out(project.path, commit, tmp_path / "a folder/copy")
    assert copy.git("rev-parse", "HEAD") == commit
    assert copy.git("status", "--porcelain") == ""
    assert (copy.path / "other").exists()
    assert copy.git("describe", "--tags") == f"v1-1-g{commit[:7]}"
    assert copy.git("log", "--format=%s").splitlines() == ["other", "first", "root"]
    assert not list((copy.path / ".git/objects").glob("??/*"))


def test_a_commit_that_nothing_refers_to(project: Project, tmp_path: Path) -> None:
    make_dirty(project)
    commit = snapshot(project)
    assert commit is not None
    copy = check_out(project.path, commit, tmp_path / "copy")
    assert sorted(path.name for path in copy.path.iterdir()) == [
        ".git", "changed", "kept", "new", "staged",
    ]  # fmt: skip


def test_from_a_shallow_clone(project: Project, tmp_path: Path) -> None:
    clone = Project(shallow(project, tmp_path / "clone", 1))
    clone.home.mkdir()
    clone.git("checkout", "--quiet", "--detach")
    clone.write("kept", "a change\n")
    commit = snapshot(clone)
    assert commit is not None
    copy = check_out(clone.path, commit, tmp_path / "copy")
    assert (copy.path / "kept").read_text() == "a change\n"
    assert copy.git("rev-list", "--count", "HEAD") == "2"


def test_from_a_partial_clone(project: Project, tmp_path: Path) -> None:
    project.git("config", "uploadpack.allowFilter", "true")
    url = f"file://{project.path}"
    project.git("clone", "--quiet", "--filter=blob:none", url, str(tmp_path / "partial"))
    copy = check_out(tmp_path / "partial", project.git("rev-parse", "v1"), tmp_path / "copy")
    assert (copy.path / "kept").read_text() == "kept\n"


def test_from_a_bare_repository(project: Project, tmp_path: Path) -> None:
    project.git("clone", "--quiet", "--mirror", ".", str(tmp_path / "bare"))
    commit = project.git("rev-parse", "v1")
    copy = check_out(tmp_path / "bare", commit, tmp_path / "copy")
    assert (copy.path / "kept").read_text() == "kept\n"


def test_called_from_a_hook(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = project.git("rev-parse", "HEAD")
    with Repository(project.path) as repository:
        monkeypatch.setenv("GIT_DIR", str(project.path / ".git"))
        monkeypatch.setenv("GIT_INDEX_FILE", str(project.path / ".git/index"))
        before = (project.path / ".git/index").read_bytes()
        repository.check_out(commit, tmp_path / "copy")
    assert (tmp_path / "copy/kept").exists()
    assert (project.path / ".git/index").read_bytes() == before


@pytest.fixture
def with_submodule(project: Project, tmp_path: Path) -> Project:
    library = empty(tmp_path / "library")
    library.write("code", "1\n")
    library.commit()
    project.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.path)
    )
    project.commit("with a submodule")
    return project


def test_submodules_are_there(with_submodule: Project, tmp_path: Path) -> None:
    commit = with_submodule.git("rev-parse", "HEAD")
    copy = check_out(with_submodule.path, commit, tmp_path / "copy")
    assert (copy.path / "library/code").read_text() == "1\n"
    before = with_submodule.git("rev-parse", "HEAD~1")
    assert not (check_out(with_submodule.path, before, tmp_path / "old").path / "library").exists()


def test_submodules_at_relative_addresses(with_submodule: Project, tmp_path: Path) -> None:
    """They are relative to where the repository came from, not to where it is now."""
    text = (with_submodule.path / ".gitmodules").read_text()
    with_submodule.write(".gitmodules", text.replace(str(tmp_path), ".."))
    with_submodule.git("remote", "add", "origin", f"file://{with_submodule.path}")
    commit = with_submodule.commit("relative")
    moved = tmp_path / "elsewhere/moved"
    moved.parent.mkdir()
    shutil.copytree(with_submodule.path, moved)
    copy = check_out(moved, commit, tmp_path / "copy")
    assert (copy.path / "library/code").exists()


def test_a_submodule_that_has_gone(with_submodule: Project, tmp_path: Path) -> None:
    (tmp_path / "library").rename(tmp_path / "moved")
    commit = with_submodule.git("rev-parse", "HEAD")
    with pytest.raises(CannotMeasureError, match="git submodule failed") as caught:
        check_out(with_submodule.path, commit, tmp_path / "copy")
    assert "library" in str(caught.value)
    assert caught.value.tip is not None


@pytest.mark.parametrize("commit", ["main", "0" * 40, "--upload-pack=x", ""])
def test_only_hashes_of_commits_that_are_here(
    project: Project, tmp_path: Path, commit: str
) -> None:
    with pytest.raises(InvalidInputError, match="no commit"):
        check_out(project.path, commit, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
