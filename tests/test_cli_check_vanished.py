"""What the change makes vanish has failed: package or suite no longer imports, or has lost a name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.paired_projects import COPIED, Project

SUBJECT = """
NAMES = ["one", "two"]


def helper():
    return 1


def marked(function):
    return function


def work():
    return sum(range(1000))
"""
SUITE = """
import subject
from subject import NAMES, marked


class Work:
    params = NAMES

    def setup(self, name):
        subject.helper()

    def time_work(self, name):
        subject.work()


@marked
def time_marked():
    subject.work()


def track_size():
    return 3
"""
OTHER = """
import subject


def time_other():
    subject.work()
"""
# What is there beside the base, by the names in the report.
BROKEN = {"work(param1=one)", "work(param1=two)", "marked", "size"}
ALL = BROKEN | {"other"}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path / "project", COPIED)
    made.write("subject.py", SUBJECT)
    made.write("benchmarks/suite.py", SUITE)
    made.write("benchmarks/other.py", OTHER)
    made.commit("base")
    yield made
    assert made.left_running() == []


def failed(document: Any) -> dict[str, str]:
    """The label and reason of each case that newly fails."""
    cases = document["cases"]
    return {case["label"]: case["reason"] for case in cases if case["verdict"] == "failed"}


def in_subject(old: str, new: str) -> Callable[[Project], None]:
    return lambda project: project.write("subject.py", SUBJECT.replace(old, new))


def in_suite(old: str, new: str) -> Callable[[Project], None]:
    return lambda project: project.write("benchmarks/suite.py", SUITE.replace(old, new))


@pytest.mark.parametrize(
    ("change", "cases", "reason"),
    [
        pytest.param(
            in_subject("NAMES =", "import nowhere\nNAMES ="), ALL,
            "ModuleNotFoundError: No module named 'nowhere' (subject.py, line 2, in the project)",
            id="missing import in the package",
        ),
        pytest.param(
            in_suite("import subject\nfrom", "import nowhere\nfrom"), BROKEN,
            "ModuleNotFoundError: No module named 'nowhere' (benchmarks/suite.py, line 2, in the suite)",
            id="missing import in the suite",
        ),
        pytest.param(
            in_subject("def work():", "def work(:"), ALL, "SyntaxError: ",
            id="syntax error in the package",
        ),
        pytest.param(
            in_suite("def track_size():", "def track_size(:"), BROKEN,
            "SyntaxError: ", id="syntax error in the suite",
        ),
        pytest.param(
            in_subject("def helper", "def helped"), {"work(param1=one)", "work(param1=two)"},
            "AttributeError: module 'subject' has no attribute 'helper' (benchmarks/suite.py, line 10,",
            id="renamed function used in setup",
        ),
        pytest.param(
            in_subject("NAMES =", "LABELS ="), BROKEN, "ImportError: cannot import name 'NAMES'",
            id="renamed at module level",
        ),
        pytest.param(
            in_subject("def marked", "def noted"), BROKEN,
            "ImportError: cannot import name 'marked' from 'subject' (subject.py)"
            " (benchmarks/suite.py, line 3, in the suite)",
            id="renamed decorator",
        ),
        pytest.param(
            in_subject("def work", "def works"), ALL - {"size"},
            "AttributeError: module 'subject' has no attribute 'work'",
            id="renamed function used in the body",
        ),
        pytest.param(
            in_suite("params = NAMES", "params = [name.missing for name in NAMES]"), BROKEN,
            "AttributeError: 'str' object has no attribute 'missing' (benchmarks/suite.py, line 7,",
            id="exception in params",
        ),
        pytest.param(
            in_subject("NAMES =", "import ctypes\nctypes.CDLL('/no/such.so')\nNAMES ="), ALL,
            "OSError: /no/such.so: cannot open shared object file", id="extension that fails to load",
        ),
        pytest.param(
            in_subject("NAMES =", "import os\nos._exit(3)\nNAMES ="), ALL,
            "exit code 3", id="import that ends the process",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_had_any_more_has_failed(
    project: Project, change: Callable[[Project], None], cases: set[str], reason: str
) -> None:
    change(project)
    project.commit("change")
    document = project.document("check", "--base", "HEAD~1", code=1)
    found = failed(document)
    assert set(found) == cases
    for said in found.values():
        assert said.startswith("it failed: ")
        assert reason in said
    assert document["verdict"] == "regression"
    assert document["counts"]["failed"] == len(cases)


def test_the_table_counts_failures_and_verbose_shows_tracebacks(project: Project) -> None:
    in_subject("NAMES =", "import nowhere\nNAMES =")(project)
    project.commit("change")
    code, out, err = project.run("check", "--base", "HEAD~1")
    assert code == 1
    assert "5 failed" in out
    assert "FAILED: 5 cases that the base can run fail in the contender" in out
    assert "in the base a call takes" in out
    assert "import nowhere" not in err
    child = project.start("--verbose", "check", "--base", "HEAD~1")
    _, err = child.communicate(timeout=300)
    assert "Traceback (most recent call last):" in err
    assert "    import nowhere" in err


def test_what_was_taken_out_on_purpose_is_removed(project: Project) -> None:
    in_suite("def track_size():\n    return 3\n", "")(project)
    project.write("benchmarks/other.py", "")
    project.commit("change")
    document = project.document("check", "--base", "HEAD~1", "--gate", "duration,track", code=0)
    assert failed(document) == {}
    removed = {c["label"] for c in document["cases"] if c["verdict"] == "removed"}
    assert removed == {"size", "other"}


def test_what_is_new_beside_a_base_that_cannot_run_it_is_added(project: Project) -> None:
    project.write("subject.py", SUBJECT + "\n\ndef newer():\n    return work()\n")
    project.write(
        "benchmarks/new.py",
        "from subject import newer\n\n\ndef time_newer():\n    newer()\n",
    )
    project.commit("change")
    document = project.document("check", "--base", "HEAD~1", code=0)
    assert {c["label"]: c["verdict"] for c in document["cases"]}["newer"] == "added"


def test_a_source_file_that_git_does_not_track_is_named(project: Project) -> None:
    """It is not part of what is measured, so its import fails."""
    project.write("fresh.py", "def fresh():\n    return 1\n")
    project.write("stray.py", "")
    project.write("subject.py", f"import fresh\n{SUBJECT}")
    document = project.document("check", code=1)
    assert set(failed(document)) == ALL
    (warning,) = [w for w in document["warnings"] if "not tracked" in w]
    assert warning == (
        "fresh.py is not tracked by git, so it is not part of what was measured: git add fresh.py"
    )
