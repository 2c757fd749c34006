"""`asv.conf.json`: found, read with comments, and every fault named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv.adapter.asv_config import AsvConfig, check_runnable, find, load
from odyssey_asv.errors import InvalidFileError, InvalidInputError

MINIMAL = {"project": "p", "repo": ".", "environment_type": "virtualenv"}


def config(folder: Path, content: Any = None, name: str = "asv.conf.json") -> Path:
    """A configuration in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    text = content if isinstance(content, str) else json.dumps(content or MINIMAL)
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, **changes: Any) -> AsvConfig:
    return load(config(folder, {**MINIMAL, **changes}))


def test_defaults_are_asv_s(tmp_path: Path) -> None:
    """Folders are asv's default ones, beside the file."""
    found = loaded(tmp_path)
    assert found.branches == ("HEAD",)
    assert found.folder == tmp_path
    assert found.benchmark_dir == tmp_path / "benchmarks"
    assert found.results_dir == tmp_path / "results"
    assert found.env_dir == tmp_path / "env"
    assert found.html_dir == tmp_path / "html"
    assert found.mirror == tmp_path / "p"


def test_folders_are_relative_to_the_file(tmp_path: Path) -> None:
    """Wherever the command was started."""
    found = loaded(tmp_path / "ci", benchmark_dir="../suite", results_dir="/elsewhere")
    assert found.benchmark_dir == tmp_path / "ci/../suite"
    assert found.results_dir == Path("/elsewhere")


def test_branches_are_what_it_says(tmp_path: Path) -> None:
    """In the order of the file; empty ones left out."""
    assert loaded(tmp_path, branches=["main", "", "v2"]).branches == ("main", "v2")


@pytest.mark.parametrize(
    ("repo", "local"), [(".", True), ("..", True), ("https://x.y/z.git", False)]
)
def test_local_repository_is_a_folder(repo: str, local: bool, tmp_path: Path) -> None:
    """An address elsewhere is none."""
    assert (loaded(tmp_path / "ci", repo=repo).local_repo is not None) is local


def test_comments_and_trailing_commas_are_allowed(tmp_path: Path) -> None:
    """As asv allows them, by the same library."""
    text = '{\n  // the project\n  "project": "p", /* here */\n  "repo": ".",\n}\n'
    assert load(config(tmp_path, text)).project == "p"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"project": "p",\n "repo": }', "line 2, column 10"),
        ('// why\n{"project": "p",\n "repo": }', "line 3, column 10"),
        ('{"project": "p"', "line 1"),
        ("{", "line 1, column 2"),
    ],
)
def test_broken_json_is_named_with_line_and_column(text: str, where: str, tmp_path: Path) -> None:
    """The place of the fault itself, not of the first comment."""
    with pytest.raises(InvalidFileError) as caught:
        load(config(tmp_path, text))
    assert "asv.conf.json: not JSON, not even with comments: " in str(caught.value)
    assert f" at {where}" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "1", "null", '"asv"', "[" * 100_000, "{a:" * 20_000])
def test_what_is_no_object_is_an_error(text: str, tmp_path: Path) -> None:
    """However it is broken, it is one clear error."""
    with pytest.raises(InvalidFileError, match=r"asv\.conf\.json"):
        load(config(tmp_path, text))


def test_other_encodings_are_an_error(tmp_path: Path) -> None:
    """asv reads UTF-8."""
    path = tmp_path / "asv.conf.json"
    path.write_bytes('{"project": "é"}'.encode("latin-1"))
    with pytest.raises(InvalidFileError, match="not UTF-8"):
        load(path)


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_what_cannot_be_opened_is_an_error(name: str, tmp_path: Path) -> None:
    """Missing, or a folder: named once, with the system's words."""
    with pytest.raises(InvalidInputError) as caught:
        load(tmp_path / name)
    assert str(caught.value).count(str(tmp_path)) == 1


def test_every_fault_is_listed(tmp_path: Path) -> None:
    """Not only the first."""
    content = {"project": "../p", "results_dir": 5, "env_dir": "", "branches": "main"}
    with pytest.raises(InvalidFileError) as caught:
        load(config(tmp_path, content))
    assert sorted(fault.partition(":")[0] for fault in caught.value.faults) == [
        "branches",
        "env_dir",
        "project",
        "repo",
        "results_dir",
    ]
    assert "repo: missing" in caught.value.faults


@pytest.mark.parametrize("branches", ["main", {"main": 1}, 5])
def test_branches_that_are_no_list_are_an_error(branches: Any, tmp_path: Path) -> None:
    """A text would be taken letter by letter."""
    with pytest.raises(InvalidFileError, match="branches: not a list"):
        loaded(tmp_path, branches=branches)


@pytest.mark.parametrize("project", ["..", "a/b", "/", "."])
def test_project_is_a_plain_name(project: str, tmp_path: Path) -> None:
    """It names the folder of the mirror."""
    with pytest.raises(InvalidFileError, match="is not a plain name"):
        loaded(tmp_path, project=project)


def test_repository_is_no_option(tmp_path: Path) -> None:
    """It is handed to git."""
    with pytest.raises(InvalidFileError, match="begins with '-'"):
        loaded(tmp_path, repo="--upload-pack=x")


# Finding it


def test_the_named_file_is_taken(tmp_path: Path) -> None:
    """Even where there is another one here."""
    config(tmp_path)
    path = config(tmp_path / "ci", name="other.json")
    assert find(tmp_path, "ci/other.json") == path
    assert find(tmp_path, str(path)) == path


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    """A wrong name is not made up for."""
    config(tmp_path)
    with pytest.raises(InvalidInputError, match=r"other\.json: not found"):
        find(tmp_path, "other.json")


@pytest.mark.parametrize("name", ["asv.conf.json", "asv.conf.jsonc"])
def test_the_file_here_is_taken(name: str, tmp_path: Path) -> None:
    """Either name that asv knows."""
    path = config(tmp_path, name=name)
    assert find(tmp_path) == path


def test_the_nearest_file_above_is_taken(tmp_path: Path) -> None:
    """From anywhere in the project."""
    config(tmp_path)
    path = config(tmp_path / "a")
    (tmp_path / "a/b/c").mkdir(parents=True)
    assert find(tmp_path / "a/b/c") == path


def test_the_only_file_below_is_taken(tmp_path: Path) -> None:
    """Many projects keep it in a folder of its own."""
    path = config(tmp_path / "asv_bench")
    assert find(tmp_path) == path


def test_of_several_below_none_is_taken(tmp_path: Path) -> None:
    """There is no telling which: all are named."""
    config(tmp_path / "one")
    config(tmp_path / "two", name="asv.conf.jsonc")
    with pytest.raises(InvalidInputError) as caught:
        find(tmp_path)
    assert "one/asv.conf.json" in str(caught.value)
    assert "two/asv.conf.jsonc" in str(caught.value)


def test_none_at_all_says_how_to_make_one(tmp_path: Path) -> None:
    """With a remedy."""
    with pytest.raises(InvalidInputError, match="no asv") as caught:
        find(tmp_path)
    assert caught.value.tip


# What would stop asv


def test_a_sound_project_can_run(tmp_path: Path) -> None:
    """A package of benchmarks and a type of environment is all it takes."""
    found = loaded(tmp_path)
    found.benchmark_dir.mkdir()
    (found.benchmark_dir / "__init__.py").touch()
    check_runnable(found, ())


def test_environment_type_must_be_said(tmp_path: Path) -> None:
    """asv stops without it; environments named on the command line stand in."""
    found = load(config(tmp_path, {"repo": "."}))
    with pytest.raises(InvalidFileError, match="environment_type: missing"):
        check_runnable(found, ())
    with pytest.raises(InvalidInputError, match="__init__"):
        check_runnable(found, ("existing",))


def test_benchmarks_must_be_a_package(tmp_path: Path) -> None:
    """asv finds none otherwise."""
    with pytest.raises(InvalidInputError, match=r"no __init__\.py"):
        check_runnable(loaded(tmp_path), ())


# The suite's identity


def test_digest_changes_with_any_file_of_the_suite(tmp_path: Path) -> None:
    """A file changed, added or renamed is another suite; other files are not of it."""
    found = loaded(tmp_path)
    folder = found.benchmark_dir
    (folder / "nested").mkdir(parents=True)
    (folder / "nested/a.py").write_text("1")
    seen = {found.suite_digest()}
    (folder / "nested/a.py").write_text("2")
    seen.add(found.suite_digest())
    (folder / "b.py").write_text("")
    seen.add(found.suite_digest())
    (folder / "b.py").rename(folder / "c.py")
    seen.add(found.suite_digest())
    (folder / "notes.txt").write_text("")
    seen.add(found.suite_digest())
    assert len(seen) == 4


def test_digest_changes_with_the_configuration(tmp_path: Path) -> None:
    """Another matrix is another question."""
    one = loaded(tmp_path).suite_digest()
    assert loaded(tmp_path, matrix={"req": {"numpy": ["2"]}}).suite_digest() != one
