"""Environments as of a date, wheels made from a neighbour's, and what to do where a build fails."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from odyssey_asv.adapter import asv_config
from odyssey_asv.adapter.environments import interpreters
from odyssey_asv.adapter.environments.dates import AsOf, choose, parse_as_of, usable
from odyssey_asv.adapter.environments.interpreters import Interpreter
from odyssey_asv.adapter.environments.remedies import remedy
from tests.paired_projects import CONFIG, Project


@pytest.mark.parametrize("text", ["", "yesterday", "2019-13-01", "commits"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither 'commit' nor a date"):
        parse_as_of(text)


def test_a_day_is_meant_to_its_end_and_a_moment_as_it_is() -> None:
    assert parse_as_of("2019-06-01").moment == datetime(2019, 6, 2, tzinfo=UTC)
    assert parse_as_of("2019-06-01T12:00:00Z").moment == datetime(2019, 6, 1, 12, tzinfo=UTC)
    assert parse_as_of("commit") == AsOf()


def test_no_date_is_before_the_python_that_is_used() -> None:
    """Tools that did not know it yet would not run on it."""
    early = datetime(2018, 1, 1, tzinfo=UTC)
    assert usable(early, "3.11.7") == datetime(2023, 1, 22, tzinfo=UTC)
    late = datetime(2024, 1, 1, tzinfo=UTC)
    assert usable(late, "3.11.7") == late
    assert usable(early, "pypy3.10") == early
    assert usable(early, "") > early


@pytest.mark.parametrize(
    ("here", "when", "expected", "warned"),
    [
        (["3.8", "3.10", "3.11"], 2022, "3.10", False),
        (["3.8", "3.10", "3.11"], 2020, "3.8", False),
        (["3.10", "3.11"], 2018, "3.10", True),
        (["3.11"], 2018, "3.11", True),
        # Newer than the configuration's is none, not even where there is no other.
        (["3.8", "3.11", "3.14"], 2026, None, False),
        (["3.12"], 2018, None, True),
    ],
)
def test_the_newest_python_that_was_out_is_chosen(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    here: list[str],
    when: int,
    expected: str | None,
    warned: bool,
) -> None:
    installed = [
        Interpreter(
            path=Path(f"/python{version}"), version=f"{version}.1", implementation="CPython"
        )
        for version in here
    ]
    monkeypatch.setattr(interpreters, "installed", lambda _uv: installed)
    (tmp_path / "asv.conf.json").write_text(json.dumps({**CONFIG, "pythons": ["3.11"]}))
    config = asv_config.load(tmp_path / "asv.conf.json")
    moment = datetime(when, 1, 1, tzinfo=UTC)
    found = choose(config, AsOf(), base=moment, contender=moment, uv="uv")
    assert found.python == expected
    assert [recipe.python for recipe in found.recipes] == [expected or "3.11"]
    assert bool(found.warnings) is warned
    asked = choose(config, AsOf(), base=moment, contender=moment, python="3.11", uv="uv")
    assert [recipe.python for recipe in asked.recipes] == ["3.11"]


# What builds and imports of old commits of urllib3, networkx, attrs, sympy and others say today.
SAID = [
    ("packaging.version.InvalidVersion: Invalid version: 'dev'", "--as-of commit"),
    ("error in setup command: use_2to3 is invalid.", "--as-of commit"),
    ("ModuleNotFoundError: No module named 'distutils'", "--python V"),
    ("ModuleNotFoundError: No module named 'imp'", "--python V"),
    ("ModuleNotFoundError: No module named 'pkg_resources'", '"setuptools": ["<81"]'),
    ("ModuleNotFoundError: No module named 'setuptools'", '"setuptools": [""]'),
    ("AttributeError: module 'inspect' has no attribute 'getargspec'", "--python V"),
    ("ImportError: cannot import name 'Mapping' from 'collections'", "--python V"),
    ("AttributeError: 'HTMLParser' object has no attribute 'unescape'", "--python V"),
    ("AttributeError: module 'pkgutil' has no attribute 'ImpImporter'", "--python V"),
    ("fatal error: Python.h: No such file or directory", "python3-dev"),
    ("error: command 'gcc' failed: No such file or directory", "build-essential"),
    ("error: Microsoft Visual C++ 14.0 or greater is required", "compiler"),
    ("/x does not appear to be a Python project, as neither `pyproject.toml`", "repo_subdir"),
    ("because numpy==1.16 has no wheels with a matching Python ABI tag", "--python V"),
    ("ModuleNotFoundError: No module named 'Cython'", "requires in [build-system]"),
    ("hint: `six` was filtered by `exclude-newer` to only include packages", "--as-of DATE"),
]


@pytest.mark.parametrize(("said", "expected"), SAID)
def test_a_known_failure_has_a_remedy(said: str, expected: str) -> None:
    found = remedy(f"  File x, line 3\n{said}\n")
    assert found is not None
    assert expected in found


def test_a_module_that_is_missing_in_a_suite_is_no_matter_of_building() -> None:
    said = "ModuleNotFoundError: No module named 'sage'"
    assert "[build-system]" in (remedy(said) or "")
    assert '"matrix": {"req"' in (remedy(said, importing=True) or "")


def test_an_unknown_failure_has_none() -> None:
    assert remedy("ValueError: something of the project's own") is None


def test_a_build_that_fails_for_a_known_reason_says_what_to_try(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.write("setup.py", "import not_there_at_all\nfrom setuptools import setup\nsetup()\n")
    project.commit("needs what it does not require")
    child = project.start("check", "--base", "HEAD~1")
    _, err = child.communicate(timeout=300)
    assert child.returncode == 3
    assert "requires in [build-system]" in err


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="six 1.16 is older than this Python")
def test_requirements_are_as_of_the_date(tmp_path: Path) -> None:
    """six 1.17 came in December 2024, 1.16 in May 2021."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    config = {**CONFIG, "matrix": {"req": {"six": [""]}}}
    project = Project(tmp_path / "project", config)
    project.write("notes.cfg", "nothing that is measured\n")
    project.commit("notes")
    words = ("check", "HEAD~1..HEAD", "--python", version, "--gate", "track", "-b", "track_")
    code, _, err = project.run(*words, "--as-of", "2024-01-01", "--out", "then")
    assert code in (0, 3), err
    (one, _) = sorted((project.root / "then").glob("*_results.json"))
    assert json.loads(one.read_text())["environment"]["packages"]["six"] == "1.16.0"


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="six 1.16 is older than this Python")
@pytest.mark.parametrize("as_of", ["2024-01-01", "commit"])
def test_a_run_as_of_a_date_is_a_series_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_of: str
) -> None:
    """six 1.17 came in December 2024. The runner of benchmarks is as new as ever, and what was measured
    with the requirements of today is not taken for it."""
    config = {**CONFIG, "matrix": {"req": {"six": [""]}}}
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2023-12-01T12:00:00Z")
    project = Project(tmp_path / "project", config)
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2025-12-01T12:00:00Z")
    project.write("notes.cfg", "nothing that is measured\n")
    project.commit("notes")
    words = ("run", "HEAD~1", "HEAD", "-b", "track_", "--machine", "here")
    code, _, err = project.run(*words, "--as-of", as_of)
    assert code == 0, err
    results = project.root / "benchmarks" / "results"
    then = {path: json.loads(path.read_text()) for path in results.rglob("*_results.json")}
    versions = {
        document["commit"]["hash"]: document["environment"]["packages"]["six"]
        for document in then.values()
    }
    old, new = project.git("rev-parse", "HEAD~1", "HEAD").split()
    assert versions[old] == "1.16.0"
    assert (versions[new] == "1.16.0") is (as_of != "commit")
    (name,) = {document["environment"]["env_name"] for document in then.values()}
    assert f"ODYSSEY_AS_OF{'commit' if as_of == 'commit' else '2024-01-02'}" in name
    code, _, err = project.run(*words, "--as-of", as_of)
    assert err.count("stored already") == 2
    if as_of == "commit":
        return
    code, _, err = project.run(*words[:2], *words[3:])
    assert code == 0, err
    now = [json.loads(p.read_text()) for p in results.rglob("*_results.json") if p not in then]
    assert [document["environment"]["packages"]["six"] != "1.16.0" for document in now] == [True]
    assert "ODYSSEY_AS_OF" not in now[0]["environment"]["env_name"]


def test_a_run_of_what_is_installed_is_as_of_no_date(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    code, _, err = project.run("run", "-E", "existing:same", "--as-of", "2024-01-01")
    assert code == 2
    assert "leave out --as-of" in err


def packaged(root: Path) -> Project:
    """A project whose package has two modules."""
    project = Project(root)
    (project.root / "subject.py").unlink()
    project.write("subject/__init__.py", "from subject.fast import SIZE, work\n")
    code = "SIZE = 100\n\n\ndef work(kind):\n    return sum(range({turns}))\n"
    project.write("pyproject.toml", f"{PYPROJECT}\n[tool.setuptools]\npackages = ['subject']\n")
    for turns in (300, 301, 3000):
        project.write("subject/fast.py", code.format(turns=turns))
        project.commit(f"{turns} turns")
    return project


PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "subject"
version = "0.1"
"""


def test_a_wheel_is_made_from_a_neighbour_s_where_a_build_only_copies(tmp_path: Path) -> None:
    project = packaged(tmp_path / "project")
    child = project.start("-v", "check", "HEAD~2..HEAD~1", "-b", "track_", "--gate", "track")
    _, err = child.communicate(timeout=300)
    assert "its wheel is made from" not in err
    child = project.start("-v", "check", "HEAD~1..HEAD", "--json")
    out, err = child.communicate(timeout=300)
    assert err.count("its wheel is made from") == 1
    document = json.loads(out)
    assert document["verdict"] == "regression"
    installed = list((project.root / ".odyssey").rglob("site-packages/subject/fast.py"))
    assert sorted("3000" in path.read_text() for path in installed) == [False, False, True]
    # What says how to build has changed: it is built.
    project.write(
        "pyproject.toml", f"{PYPROJECT}\n[tool.setuptools]\npackages = ['subject']\n# x\n"
    )
    project.commit("how to build")
    child = project.start("-v", "check", "HEAD~1..HEAD", "-b", "track_", "--gate", "track")
    _, err = child.communicate(timeout=300)
    assert "its wheel is made from" not in err


def test_full_builds_can_be_asked_for(tmp_path: Path) -> None:
    project = packaged(tmp_path / "project")
    project.write("odyssey-asv.toml", "full_builds = true\n")
    for ends in ("HEAD~2..HEAD~1", "HEAD~1..HEAD"):
        child = project.start("-v", "check", ends, "-b", "track_", "--gate", "track")
        _, err = child.communicate(timeout=300)
        assert "its wheel is made from" not in err
