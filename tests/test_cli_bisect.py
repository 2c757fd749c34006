"""`odyssey bisect` as a user meets it: real git, real builds, real processes. No test asserts a time."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.paired_projects import CODE, COPIED, PYPROJECT, Project


class History(Project):
    """Six commits on main; one does not build, one merges a branch whose second commit doubles the work."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.good = self.git("rev-parse", "HEAD")
        self.add("notes")
        self.git("checkout", "--quiet", "-b", "branch")
        self.add("first of the branch")
        self.write("subject.py", CODE.format(turns=600))
        self.culprit = self.commit("twice the work")
        self.add("third of the branch")
        self.git("checkout", "--quiet", "main")
        self.add("meanwhile")
        self.git("merge", "--quiet", "--no-edit", "branch")
        self.merge = self.git("rev-parse", "HEAD")
        self.write("pyproject.toml", PYPROJECT + "\n[tool.setuptools]\nnot-a-key = 1\n")
        self.broken = self.commit("does not build")
        self.write("pyproject.toml", PYPROJECT)
        self.bad = self.commit("builds again")

    def add(self, name: str) -> None:
        """A commit that changes nothing that is measured."""
        self.write(f"{name.replace(' ', '_')}.cfg", f"{name}\n")
        self.commit(name)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return History(tmp_path_factory.mktemp("history") / "project")


def test_the_commit_inside_the_merge_is_named(history: History) -> None:
    """Though one commit does not build; by both cases, with all that a person wants to know."""
    found = history.document("bisect", f"{history.good}..main", "--seed", "1", code=1)
    assert found["outcome"] == "culprit"
    (culprit,) = found["culprits"]
    assert culprit["commit"] == history.culprit
    assert culprit["within"] == history.merge
    assert culprit["confirmed"] is True
    assert culprit["probability"] > 0.95
    assert {case["label"] for case in culprit["cases"]} == {"work(kind=one)", "work(kind=two)"}
    assert culprit["subject"] == "twice the work"
    assert [file["path"] for file in culprit["files"]] == ["subject.py"]
    assert {one["commit"] for one in found["skipped"]} <= {history.broken}


def test_first_parents_only(history: History) -> None:
    """The merge itself, in two pieces, in a table that fits a pipe and ends with what to type next."""
    words = ("bisect", history.good, "--first-parent", "-b", "kind=one|one")
    code, out, err = history.run(*words, "--steps", "2")
    assert code == 3
    assert "undecided: the search ended before" in out
    assert "next: the same command with --resume\n" in err
    assert err.count("against the good end") == 1
    code, out, err = history.run(*words, "--resume")
    assert code == 1
    assert f"culprit {history.merge[:12]}" in out
    assert max(map(len, out.splitlines())) <= 100
    assert f"next: git show {history.merge[:12]}" in err
    page = history.root / ".odyssey" / "reports" / "bisect.html"
    assert history.merge[:12] in page.read_text()


def test_no_regression(history: History) -> None:
    found = history.document("bisect", f"{history.merge}..main", "-b", "time_", code=0)
    assert found["outcome"] == "no_regression"
    assert found["culprits"] == []


def test_from_a_check(history: History, tmp_path: Path) -> None:
    """Its ends are not measured again; another range is refused."""
    one = ("-b", "kind=one|one")
    code, out, _ = history.run("check", history.merge, "--base", history.good, *one, "--json")
    assert code == 1
    report = tmp_path / "report.json"
    report.write_text(out)
    words = ["--from-check", str(report), "--state", str(tmp_path / "state.json"), "--first-parent"]
    found = history.document("bisect", *words, code=1)
    assert [culprit["commit"] for culprit in found["culprits"]] == [history.merge]
    known = {case["label"]: case["ratio"] for case in json.loads(out)["cases"]}
    assert {case["label"]: case["ratio"] for case in found["cases"]} == {
        label: known[label] for label in (case["label"] for case in found["cases"])
    }
    code, _, err = history.run("bisect", f"{history.good}..{history.bad}", *words)
    assert code == 2
    assert "leave the range out" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_it_goes_on(history: History, tmp_path: Path, number: signal.Signals) -> None:
    """What was measured is not measured again, nothing is left running, and the culprit is named."""
    words = [
        f"{history.good}..{history.merge}", "--first-parent", "-b", "kind=one|one",
        "--state", str(tmp_path / "state.json"), "--seed", "3",
    ]  # fmt: skip
    child = history.start("bisect", *words)
    assert child.stderr is not None
    for line in child.stderr:
        if "against the good end" in line:
            break
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    if number is not signal.SIGKILL:
        assert child.returncode == 130
        assert "--resume" in err
        assert history.left_running() == []
    before = json.loads((tmp_path / "state.json").read_text())
    found = history.document("bisect", *words, "--resume", code=1)
    assert [culprit["commit"] for culprit in found["culprits"]] == [history.merge]
    after = json.loads((tmp_path / "state.json").read_text())
    known = before["lines"][0]["measured"]
    assert known.keys() <= after["lines"][0]["measured"].keys()
    again = history.document("bisect", *words, "--resume", code=1)
    assert again["probes"] == found["probes"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no range"),
        (["main..main"], "no commits in the range"),
        (["main..HEAD~2"], "no commits in the range"),
        (["..main"], "no range"),
        (["main.."], "no range"),
        (["HEAD~2...main"], "no range"),
        (["nothing..main"], "nothing"),
        (["-x..main"], "-x"),
        (["branch..main"], "another branch"),
        (["HEAD~2..main", "-b", "("], "regular expression"),
        (["HEAD~2..main", "--resume"], "no such search"),
        (["HEAD~2..main", "--tolerance", "20%"], "must be below the threshold"),
        (["HEAD~2..main", "--confidence", "2"], "confidence"),
        (["--from-check", "asv.conf.json"], "no report of a check"),
        (["--from-check", "not-there.json"], "not-there.json"),
    ],
)
def test_bad_words(history: History, words: list[str], said: str) -> None:
    """Exit code 2 and a message that says what to do, before anything is built."""
    code, out, err = history.run("bisect", *words)
    assert code == 2
    assert said in err
    assert out == ""


def test_an_end_that_does_not_build(history: History) -> None:
    """Says which; exit code 3."""
    code, _, err = history.run("bisect", f"{history.good}..{history.broken}")
    assert code == 3
    assert history.broken[:8] in err


def test_of_a_matrix_one_environment_is_searched(tmp_path: Path) -> None:
    """The first, unless another is chosen; which are left out is said."""
    matrix = {"env": {"SIZE": ["1", "2"]}}
    project = Project(tmp_path / "project", {**COPIED, "matrix": matrix})
    project.git("commit", "--quiet", "--allow-empty", "--message", "nothing")
    words = ["HEAD~1..HEAD", "-b", "track_", "--gate", "track"]
    (warning,) = project.document("bisect", *words, code=0)["warnings"]
    first, other = re.findall(r"virtualenv-\S+SIZE\d", warning)
    assert re.search("in .* only: another is chosen by -E", warning)
    assert project.document("bisect", *words, "-E", other, code=0)["warnings"] == []
    assert first != other


def test_a_cache_is_made_once_for_each_commit(tmp_path: Path) -> None:
    """However many pairs a search measures it in."""
    project = Project(tmp_path / "project", COPIED)
    made = tmp_path / "made"
    project.write(
        "benchmarks/suite.py",
        f"""
import subject


class Cached:
    def setup_cache(self):
        with open({str(made)!r}, "a") as stream:
            print(subject.SIZE, file=stream)
        return subject.SIZE

    def track_size(self, size):
        return size
""",
    )
    good = project.commit("good")
    for size in (101, 102, 150, 151, 152):
        project.write("subject.py", CODE.format(turns=300).replace("100", str(size)))
        project.commit(f"a size of {size}")
    words = [f"{good}..main", "-b", "track_size", "--gate", "track"]
    report = tmp_path / "report.json"
    report.write_text(project.run("check", "main", "--base", good, "--json", *words[1:])[1])
    made.unlink()
    found = project.document("bisect", *words, "--from-check", str(report), code=1)
    assert [culprit["subject"] for culprit in found["culprits"]] == ["a size of 150"]
    sizes = made.read_text().split()
    assert found["probes"] >= 2
    assert sorted(sizes) == sorted(set(sizes))
