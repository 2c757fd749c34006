"""`odyssey check --changed` as a user meets it: real git, real builds, real processes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.paired_projects import Project

SUITE = """
from package import {name}


def track_value():
    return {name}.VALUE
"""
CONFIGURED = """
[tool.setuptools]
packages = ["package"]

[tool.odyssey-asv]
gate = ["track"]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A package of two modules with a benchmark each, and a branch off main."""
    made = Project(tmp_path_factory.mktemp("changed") / "project")
    made.write("pyproject.toml", (made.root / "pyproject.toml").read_text() + CONFIGURED)
    made.write("package/__init__.py", "")
    for name in ("one", "two"):
        made.write(f"package/{name}.py", "VALUE = 1\n")
        made.write(f"benchmarks/{name}.py", SUITE.format(name=name))
    (made.root / "benchmarks/suite.py").unlink()
    (made.root / "subject.py").unlink()
    made.commit("two")
    made.git("checkout", "--quiet", "-b", "change")
    return made


def test_only_what_reaches_the_change_is_measured(project: Project) -> None:
    """An uncommitted change of one module leaves the other's benchmark out, and is found."""
    project.write("package/one.py", "VALUE = 2\n")
    try:
        document = project.document("check", "--changed", code=1)
    finally:
        project.write("package/one.py", "VALUE = 1\n")
    assert [case["id"] for case in document["cases"]] == ["one.track_value"]
    assert document["left_out"] == {
        "cases": 1,
        "of": 2,
        "changed": ["package/one.py"],
        "passed_over": [],
        "measured_because": [{"reason": "package/one.py has changed", "cases": 1}],
    }


def test_nothing_reached_is_an_answer_of_its_own(project: Project, tmp_path: Path) -> None:
    """Documentation only: nothing is built, nothing is measured, and it may pass."""
    project.write("README.md", "words\n")
    project.commit("documentation")
    built = {path.name for path in (project.root / ".odyssey" / "environments").glob("*")}
    code, out, err = project.run("check", "--changed", "--report", str(tmp_path / "report"))
    project.git("reset", "--quiet", "--hard", "HEAD~1")
    assert code == 0
    assert "nothing to measure: no benchmark reaches what has changed" in out
    assert "passed over: 1 file: README.md" in out
    assert "at most 1 %" not in out
    assert re.search(
        r"^next: odyssey check --report \S+ --no-changed  # the whole suite$", err, re.MULTILINE
    )
    assert "results:" not in err
    assert {path.name for path in (project.root / ".odyssey" / "environments").glob("*")} == built
    for form in ("report.txt", "report.md", "annotations.txt", "report.html"):
        text = (tmp_path / "report" / form).read_text(encoding="utf-8")
        assert "nothing to measure" in text, form
        assert "README.md" in text, form
    document = json.loads((tmp_path / "report" / "report.json").read_text())
    assert document["verdict"] == "nothing to measure"
    assert document["left_out"]["cases"] is None


def test_what_is_measured_may_be_nothing_after_looking(project: Project) -> None:
    """The one benchmark asked for does not reach the change."""
    project.write("package/one.py", "VALUE = 2\n")
    try:
        document = project.document("check", "--changed", "-b", "two", code=0)
    finally:
        project.write("package/one.py", "VALUE = 1\n")
    assert document["verdict"] == "nothing to measure"
    assert (document["left_out"]["cases"], document["left_out"]["of"]) == (1, 1)


def test_an_untracked_module_of_the_suite_counts_as_changed(project: Project) -> None:
    """What git does not know differs from what the base has."""
    project.write("README.md", "words\n")
    project.commit("documentation")
    fresh = project.root / "benchmarks" / "fresh.py"
    fresh.write_text(SUITE.format(name="one"))
    try:
        document = project.document("check", "--changed", code=0)
    finally:
        fresh.unlink()
        project.git("reset", "--quiet", "--hard", "HEAD~1")
    assert [case["id"] for case in document["cases"]] == ["fresh.track_value"]


def test_settings_ask_for_it(project: Project) -> None:
    """`changed = true` in the settings; `--no-changed` is stronger, and `--self` has no changes."""
    settings = (project.root / "pyproject.toml").read_text()
    project.write("pyproject.toml", settings + "changed = true\nunreached = ['pyproject.toml']\n")
    try:
        nothing = project.document("check", code=0)
        everything = project.document("check", "--no-changed", code=0)
        code, _, err = project.run("check", "--self", "--changed")
    finally:
        project.write("pyproject.toml", settings)
    assert nothing["verdict"] == "nothing to measure"
    assert everything["left_out"] is None
    assert len(everything["cases"]) == 2
    assert code == 2
    assert "leave out --changed" in err


def test_no_benchmark_of_that_name_is_still_an_error(project: Project) -> None:
    """That a name is wrong must not look like nothing to do."""
    project.write("package/one.py", "VALUE = 2\n")
    try:
        code, _, err = project.run("check", "--changed", "-b", "no_such")
    finally:
        project.write("package/one.py", "VALUE = 1\n")
    assert code == 2
    assert "no benchmark matches" in err
