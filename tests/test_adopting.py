"""What `odyssey init` finds out of a project's files, and what it does to files that are there."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv.adopting import Package, State, source
from odyssey_asv.adopting.drafts import ignored, settings, whole
from odyssey_asv.adopting.origin import _installed_from
from odyssey_asv.adopting.survey import survey
from odyssey_asv.errors import InvalidFileError, InvalidInputError
from tests.projects import Project

SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
NAMED = '[project]\nname = "Some-Thing"\nversion = "1"\n'


def project(folder: Path, **files: str) -> Path:
    """A folder with these files; `__` in a name stands for a slash, `_init` for `__init__.py`."""
    for name, text in files.items():
        parts = name.split("__")
        path = folder.joinpath(*parts[:-1], {"init": "__init__.py"}.get(parts[-1], parts[-1]))
        path = (
            path if path.suffix else path.with_suffix({"pyproject": ".toml"}.get(path.stem, ".py"))
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def found(folder: Path, **files: str) -> tuple[str, str]:
    package = survey(project(folder, **files))
    return package.module, package.layout


def test_a_package_in_src(tmp_path: Path) -> None:
    """Names are compared as distributions and modules spell them."""
    package = survey(
        project(tmp_path, pyproject=SETUPTOOLS + NAMED, src__some_thing__init="", tests__init="")
    )
    assert package == Package("Some-Thing", "some_thing", "src", "setuptools.build_meta", None)


def test_a_package_beside_its_tests(tmp_path: Path) -> None:
    assert found(tmp_path, pyproject=NAMED, some_thing__init="", other__init="") == (
        "some_thing", "flat",
    )  # fmt: skip


def test_a_package_of_another_name(tmp_path: Path) -> None:
    """The only one there is; tests, docs and benchmarks are none."""
    assert found(
        tmp_path, pyproject=NAMED, odd__init="", tests__init="", docs__init="", benchmarks__init=""
    ) == ("odd", "flat")


def test_a_package_in_a_namespace(tmp_path: Path) -> None:
    """A folder for each word of the name."""
    assert found(tmp_path, pyproject=NAMED, src__some__thing__init="", other__init="") == (
        "some.thing", "src",
    )  # fmt: skip


def test_one_file(tmp_path: Path) -> None:
    assert found(tmp_path, pyproject=NAMED, some_thing="", setup="", noxfile="") == (
        "some_thing", "module",
    )  # fmt: skip


@pytest.mark.parametrize(
    "told",
    [
        '[tool.hatch.build.targets.wheel]\npackages = ["lib/one"]\n',
        '[tool.setuptools]\npackages = ["one"]\n',
        '[tool.flit.module]\nname = "one"\n',
        '[[tool.poetry.packages]]\ninclude = "one"\n',
    ],
    ids=["hatch", "setuptools", "flit", "poetry"],
)
def test_the_build_says_which(tmp_path: Path, told: str) -> None:
    assert found(tmp_path, pyproject=NAMED + told, one__init="", two__init="")[0] == "one"


def test_no_telling_which(tmp_path: Path) -> None:
    """Then the user says it."""
    folder = project(tmp_path, pyproject=NAMED, one__init="", two__init="")
    with pytest.raises(InvalidInputError, match="which of one, two") as caught:
        survey(folder)
    assert caught.value.tip == "name it: odyssey init --package NAME"
    assert survey(folder, "two").module == "two"
    assert survey(folder, "two.inner").layout == "flat"
    for name in ("two-three", "import os", "1st", "class", ""):
        if name:
            with pytest.raises(InvalidInputError, match="no name that can be imported"):
                survey(folder, name)


def test_a_bare_extension(tmp_path: Path) -> None:
    """Nothing of `setup.py` is run; its constants are read."""
    text = (
        "raise SystemExit('run')\nimport setuptools\nsetuptools.setup(name='Spam-Eggs',"
        " ext_modules=[setuptools.Extension('_spam', ['spam.c'])])\n"
    )
    package = survey(project(tmp_path, setup=text))
    assert (package.name, package.module, package.layout) == ("Spam-Eggs", "_spam", "extension")
    assert package.backend == "setuptools.build_meta:__legacy__"


def test_names_become_plain(tmp_path: Path) -> None:
    """A name goes into a folder's name and into files that others read."""
    text = '[project]\nname = "a b/../c\\n: d"\n'
    assert survey(project(tmp_path, pyproject=text, x__init="")).name == "a-b-..-c-d"


def test_its_page(tmp_path: Path) -> None:
    text = NAMED + (
        '[project.urls]\nDocs = "https://x.example"\nCode = "https://github.com/a/b.c.git"\n'
    )
    assert (
        survey(project(tmp_path, pyproject=text, x__init="")).address == "https://github.com/a/b.c"
    )


def test_no_project(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no Python project"):
        survey(tmp_path)
    project(tmp_path, pyproject="[project\n")
    with pytest.raises(InvalidFileError, match="not TOML"):
        survey(tmp_path)


@pytest.mark.parametrize("tool", ["x = 1", "[tool]\nx = 1", "[[tool.poetry.packages]]", "tool = 3"])
def test_settings_of_odd_shapes_are_none(tmp_path: Path, tool: str) -> None:
    """What other tools put there is theirs to complain of."""
    survey(project(tmp_path, pyproject=f"{tool}\n", x__init=""))


ODD = {
    "comments": '# mine\n[project] # yes\nname = "x"   # odd   spacing\n\n\n',
    "no newline": '[project]\nname = "x"',
    "windows": '[project]\r\nname = "x"\r\n',
    "tool": '[tool.other]\nx = 1\n\n[project]\nname = "x"\n',
    "dotted": 'tool.other.x = 1\nproject.name = "x"\n',
    "empty": "",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_settings_are_added_at_the_end(tmp_path: Path, text: str) -> None:
    """Every byte that was there stays, and means what it meant."""
    path = tmp_path / "pyproject.toml"
    path.write_bytes(text.encode())
    draft = settings(tmp_path)
    assert draft.state is State.EXTENDED
    assert draft.content.startswith(text.encode())
    after = tomllib.loads(draft.content.decode())
    added = after["tool"].pop("odyssey-asv")
    assert added == {"tolerance": "5%", "threshold": "10%", "budget_s": 600}
    assert (after if after["tool"] else {k: v for k, v in after.items() if k != "tool"}) == (
        tomllib.loads(text)
    )
    ends = draft.content.count(b"\r\n")
    assert ends == (draft.content.count(b"\n") if "\r\n" in text else 0)
    assert path.read_bytes() == text.encode()


def test_where_no_table_can_be_added(tmp_path: Path) -> None:
    """An inline table takes none; the remedy is a file of its own."""
    (tmp_path / "pyproject.toml").write_text('tool = { other = 1 }\nproject.name = "x"\n')
    with pytest.raises(InvalidInputError, match="no table can be added") as caught:
        settings(tmp_path)
    assert "odyssey-asv.toml" in str(caught.value.tip)


def test_settings_without_a_pyproject(tmp_path: Path) -> None:
    draft = settings(tmp_path)
    assert (draft.path.name, draft.state) == ("odyssey-asv.toml", State.NEW)


def test_ignored_folders(tmp_path: Path) -> None:
    """Only what is missing, however it is written there."""
    path = tmp_path / ".gitignore"
    path.write_text("*.pyc\n.asv\n/.odyssey/", encoding="utf-8")
    draft = ignored(tmp_path, [".asv", ".odyssey", "benchmarks/results"])
    assert draft.content == b"*.pyc\n.asv\n/.odyssey/\n/benchmarks/results/\n"
    path.write_bytes(draft.content)
    assert ignored(tmp_path, [".asv", ".odyssey", "benchmarks/results"]).state is State.KEPT


def test_a_file_is_written_kept_or_left(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert whole(path, "a\n").state is State.NEW
    path.write_text("a\n")
    assert whole(path, "a\n").state is State.KEPT
    path.write_text("b\n")
    draft = whole(path, "a\n")
    assert (draft.state, draft.content, draft.to_write) == (State.DIFFERS, b"b\n", False)
    assert "move it away" in str(draft.remedy)
    path.unlink()
    path.mkdir()
    with pytest.raises(InvalidInputError, match="is a folder"):
        whole(path, "a\n")


COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_where_this_program_was_installed_from() -> None:
    """PEP 610 says it of an installation from a repository; CI takes that very commit."""
    origin: dict[str, Any] = {
        "url": "https://github.com/owner/repo.git",
        "vcs_info": {"vcs": "git", "commit_id": COMMIT, "requested_revision": "main"},
    }
    found = _installed_from(origin)
    assert found is not None
    assert found.action("check") == f"owner/repo/.github/actions/check@{COMMIT}"
    assert found.requirement == f"odyssey-asv @ git+https://github.com/owner/repo@{COMMIT}"
    assert found.pinned
    for other in (
        None,
        {"url": "file:///somewhere", "dir_info": {}},
        {**origin, "url": "https://elsewhere.example/owner/repo"},
        {**origin, "url": "https://github.com/owner/repo@x\n- run: y"},
        {**origin, "vcs_info": {"vcs": "git", "commit_id": "main"}},
    ):
        assert _installed_from(other) is None


def test_an_installation_from_a_clone(tmp_path: Path) -> None:
    """CI takes the commit of the clone, if the remote has it: from a folder alone nothing is known."""
    clone = Project(tmp_path / "a clone")
    clone.home.mkdir()
    clone.path.mkdir()
    origin = {"url": clone.path.as_uri(), "dir_info": {}}
    assert _installed_from(origin) is None
    clone.git("init", "--quiet", "--initial-branch", "main")
    assert _installed_from(origin) is None
    commit = clone.commit()
    clone.git("remote", "add", "origin", "git@github.com:owner/repo.git")
    assert _installed_from(origin) is None
    clone.git("update-ref", "refs/remotes/origin/main", commit)
    found = _installed_from(origin)
    assert found is not None
    assert (found.repository, found.ref, found.certain) == ("owner/repo", commit, True)
    clone.commit("not pushed")
    assert _installed_from(origin) is None


def test_a_source_that_is_named() -> None:
    found = source("owner/repo.x@v1.2")
    assert (found.repository, found.ref, found.certain, found.pinned) == (
        "owner/repo.x", "v1.2", True, False,
    )  # fmt: skip
    assert source(f"owner/repo@{COMMIT}").pinned
    for name in (
        "owner/repo",
        "repo@v1",
        "o/r@v1 x",
        "o/r@v1\nrun: x",
        "o/r@../x",
        "-o/../r@v1",
        "@v1",
    ):
        with pytest.raises(InvalidInputError, match="not OWNER/REPO@REF"):
            source(name)
