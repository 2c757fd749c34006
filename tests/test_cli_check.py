"""`odyssey check` as a user meets it: real git, real builds, real processes. No test asserts a time."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.paired_projects import CODE, COPIED, PYPROJECT, Project
from tests.projects import ODYSSEY, wait_for

SLEEPING = """
import time

import subject


def time_sleeping():
    time.sleep(0.3)
"""


@pytest.fixture(scope="module")
def slowed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """HEAD is twice as slow as HEAD~1, in a branch off main."""
    project = Project(tmp_path_factory.mktemp("slowed") / "project")
    project.git("checkout", "--quiet", "-b", "change")
    project.write("subject.py", CODE.format(turns=600))
    project.commit("slower")
    project.git("checkout", "--quiet", "main")
    project.write("subject.py", CODE.format(turns=1200))
    project.commit("main went on, and is slower still")
    project.git("checkout", "--quiet", "change")
    return project


def test_a_slowdown_is_a_regression(slowed: Project) -> None:
    """Against the merge base with main, which nobody had to name; both sides are stored."""
    folder = slowed.root / "benchmarks" / "results"
    before = set(folder.glob("*"))
    document = slowed.document("check", "--seed", "1", code=1)
    verdicts = {case["label"]: case["verdict"] for case in document["cases"]}
    assert verdicts["work(kind=one)"] == verdicts["work(kind=two)"] == "regression"
    assert document["verdict"] == "regression"
    assert document["base"]["commit"] == slowed.git("rev-parse", "main~1")
    assert document["contender"]["commit"] == slowed.git("rev-parse", "HEAD")
    stored = sorted(set(folder.glob("*_results.json")) - before)
    assert len(stored) == 2
    sides = [json.loads(path.read_text()) for path in stored]
    assert {side["run"]["kind"] for side in sides} == {"paired"}
    assert {side["commit"]["hash"] for side in sides} == {
        document["base"]["commit"],
        document["contender"]["commit"],
    }
    assert all(len(b["processes"]) >= 5 for s in sides for b in s["benchmarks"] if b["processes"])


def test_both_sides_find_their_modules_compiled(slowed: Project) -> None:
    """Also where Python is told to write no bytecode: a side that compiles in every process has its
    memory laid out otherwise."""
    environment = {**slowed.environment, "PYTHONDONTWRITEBYTECODE": "1"}
    words = [ODYSSEY, "check", "-b", "track_", "--gate", "track", "--fresh"]
    subprocess.run(words, cwd=slowed.root, env=environment, check=True, capture_output=True)
    made = (slowed.root / ".odyssey" / "environments").glob("*/bytecode")
    compiled = [len(list(folder.rglob("subject*.pyc"))) for folder in made]
    assert len(compiled) >= 2
    assert all(compiled)


def test_the_same_code_raises_no_alarm(slowed: Project) -> None:
    """And what was seen is kept for the next check."""
    document = slowed.document("check", "--self", "--budget", "60", code=0)
    assert document["suite"]["self"] is True
    assert "regression" not in {case["verdict"] for case in document["cases"]}
    assert (slowed.root / ".odyssey" / "noise.json").is_file()


def test_table_and_reports(slowed: Project, tmp_path: Path) -> None:
    """The table fits 80 columns of a pipe; the only commit is named; every form is written."""
    code, out, err = slowed.run("check", "-b", "kind=one|one", "--report", str(tmp_path / "report"))
    assert code == 1
    assert "work(kind=one)" in out
    assert "REGRESSION" in out
    assert f"next: git show {slowed.git('rev-parse', 'HEAD')[:12]}\n" in err
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names == {"report.txt", "report.json", "report.md", "report.html", "annotations.txt"}
    page = slowed.root / ".odyssey" / "reports" / "check.html"
    assert page.read_bytes() == (tmp_path / "report" / "report.html").read_bytes()


def test_a_spent_budget_is_undecided_never_wrong(slowed: Project) -> None:
    """Nothing could be judged: exit code 3, and no accusation."""
    document = slowed.document("check", "--budget", "0.01", code=3)
    assert document["suite"]["budget_spent"] is True
    assert not any(case["verdict"] == "regression" for case in document["cases"])


def test_uncommitted_changes_are_the_contender(tmp_path: Path) -> None:
    """On main itself: the working tree against HEAD; nothing in the repository changes by it."""
    project = Project(tmp_path / "project")
    code, _, err = project.run("check")
    assert code == 2
    assert "nothing differs" in err
    project.write("subject.py", CODE.format(turns=700))
    status = project.git("status", "--porcelain")
    document = project.document("check", "-b", "one", code=1)
    assert document["contender"]["dirty"] is True
    assert document["base"]["commit"] == document["contender"]["commit"]
    assert project.git("status", "--porcelain") == status


def test_what_one_side_lacks(tmp_path: Path) -> None:
    """A benchmark of what the base does not have is added; one that breaks in the contender failed;
    other parameters are other cases."""
    project = Project(tmp_path / "project", COPIED)
    project.git("checkout", "--quiet", "-b", "change")
    project.write("subject.py", CODE.format(turns=300) + "\nNEW = 1\nKINDS = ['a', 'b']\n")
    project.write(
        "benchmarks/newer.py", "from subject import NEW\n\ndef track_new():\n    return NEW\n"
    )
    broken = """
import subject

def track_broken():
    if hasattr(subject, "NEW"):
        raise RuntimeError("broken on purpose")
    return 1

def track_kinds(kind):
    return 1

track_kinds.params = getattr(subject, "KINDS", ["a"])
"""
    project.write("benchmarks/broken.py", broken)
    project.commit("new")
    document = project.document("check", "-b", "track_", "--gate", "duration,track", code=1)
    verdicts = {case["label"]: case["verdict"] for case in document["cases"]}
    assert verdicts["new"] == "added"
    assert verdicts["broken"] == "failed"
    assert verdicts["size"] == "unchanged"
    assert sorted(v for k, v in verdicts.items() if k.startswith("kinds")) == ["added", "unchanged"]
    sides = (project.root / "benchmarks" / "results").iterdir()
    assert all(json.loads(path.read_text())["run"]["complete"] for path in sides)
    reasons = {case["label"]: case["reason"] for case in document["cases"]}
    assert "broken on purpose" in reasons["broken"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_leaves_nothing_running(slowed: Project, number: signal.Signals) -> None:
    """What was measured is stored as incomplete; exit code 130."""
    # Of the same code nothing of the kind can be said for a long time.
    child = slowed.start("check", "--self", "--tolerance", "0.01%", "--threshold", "0.02%")
    assert child.stderr is not None
    for line in child.stderr:
        if "cases" in line:
            break
    time.sleep(2.0)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert slowed.left_running() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--base", "nowhere"], "nowhere"),
        (["--base", "-x"], "-x"),
        (["--base", "baseline"], "baseline"),
        (["-b", "("], "regular expression"),
        (["-b", "no_such_benchmark"], "no benchmark matches"),
        (["--tolerance", "10%", "--threshold", "5%"], "below the threshold"),
        (["--confidence", "1"], "confidence"),
        (["-E", "conda"], "virtualenv"),
        (["--python", "2.2"], "2.2"),
    ],
)
def test_bad_words(slowed: Project, words: list[str], said: str) -> None:
    """Exit code 2, and a message that names what was wrong."""
    code, out, err = slowed.run("check", *words)
    assert code == 2, err
    assert said in err
    assert out == ""


def test_every_environment_of_a_matrix(tmp_path: Path) -> None:
    """Measured one after the other, each side stored for each, and told apart in the report."""
    matrix = {"env": {"SIZE": ["1", "2"]}}
    project = Project(tmp_path / "project", {**COPIED, "matrix": matrix})
    project.write(
        "benchmarks/suite.py",
        "import os\nimport subject\n\ndef track_size():\n"
        "    return int(os.environ['SIZE']) * subject.SIZE\n",
    )
    project.commit("two environments")
    project.write("subject.py", CODE.format(turns=300).replace("100", "150"))
    document = project.document("check", "--gate", "track", code=1)
    assert len({case["environment"] for case in document["cases"]}) == 2
    assert {case["verdict"] for case in document["cases"]} == {"regression"}
    assert {case["base"] for case in document["cases"]} == {100, 200}
    assert len(list((project.root / "benchmarks" / "results").iterdir())) == 4


def test_a_base_that_does_not_build(tmp_path: Path) -> None:
    """Says which side, shows the end of the log and where the whole is; exit code 3."""
    project = Project(tmp_path / "project")
    project.write("pyproject.toml", PYPROJECT + "\n[tool.setuptools]\nnot-a-key = 1\n")
    project.commit("broken build")
    project.write("pyproject.toml", PYPROJECT)
    project.commit("mended")
    code, _, err = project.run("check", "--base", "HEAD~1")
    assert code == 3
    assert "base" in err
    assert "log" in err


def test_a_module_that_cannot_be_imported_costs_itself(tmp_path: Path) -> None:
    """The rest of the suite is checked; a benchmark of that module is not just "not found"."""
    project = Project(tmp_path / "project", COPIED)
    project.write("benchmarks/broken.py", "raise OSError('no network on purpose')\n")
    project.commit("a broken module")
    document = project.document(
        "check", "--base", "HEAD~1", "--gate", "track", "-b", "track_", code=0
    )
    (warning,) = document["warnings"]
    assert "broken" in warning
    assert "no network on purpose" in warning
    code, _, err = project.run("check", "--base", "HEAD~1", "-b", "time_in_broken")
    assert code == 2
    assert "no network on purpose" in err


def test_a_suite_that_cannot_be_imported_on_either_side(tmp_path: Path) -> None:
    """Nothing can be measured: exit code 3, the end of what Python said, and what to do."""
    project = Project(tmp_path / "project", COPIED)
    project.write("benchmarks/suite.py", "raise OSError('no network on purpose')\n")
    project.commit("broken suite")
    project.write("subject.py", "SIZE = 1\n")
    project.commit("another change")
    code, _, err = project.run("check", "--base", "HEAD~1")
    assert code == 3
    assert "no network on purpose" in err
    assert "must import" in err


def test_a_disk_that_fills_up_takes_nothing_from_the_verdict(slowed: Project, mount: Any) -> None:
    """It is full when the results are to be stored: the report says so, and judges."""
    results = slowed.root / "benchmarks" / "results"
    mount(results, "size=64k")
    filler = results / "filler"
    child = slowed.start("check", "--json", "-b", "kind=one|one")
    try:
        # After the folder was looked at and before anything is written to it.
        wait_for(lambda: list((slowed.root / ".odyssey").glob("work-*")), timeout_s=120)
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(b"x" * 200_000)
    finally:
        out, err = child.communicate(timeout=300)
    assert child.returncode == 1, err
    document = json.loads(out)
    assert document["verdict"] == "regression"
    assert any("not stored: No space left" in warning for warning in document["warnings"])
    assert sorted(path.name for path in results.iterdir()) == ["filler"]


def test_a_budget_that_cannot_do_is_said_after_the_first_round(slowed: Project) -> None:
    slowed.write("benchmarks/suite.py", SLEEPING)
    try:
        _, out, err = slowed.run("check", "--budget", "2", "-b", "time_sleeping")
    finally:
        slowed.git("checkout", "--quiet", "benchmarks/suite.py")
    for text in (out, err):
        assert "much will stay undecided" in text
    assert "--budget 60" in err
