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
    resumed = f"next: odyssey bisect {history.good} --first-parent -b 'kind=one|one' --resume"
    assert resumed in err
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


def test_a_build_ends_with_the_budget(tmp_path: Path) -> None:
    """Whether it is that of an end or of a commit between them, which is not called broken for it."""
    project = Project(tmp_path / "project")
    good = project.git("rev-parse", "HEAD")
    project.write("setup.py", "import time\ntime.sleep(3600)\n")
    project.write("subject.py", CODE.format(turns=900))
    waits = project.commit("a build that waits")
    words = ("-b", "kind=one|one", "--seed", "1")
    code, _, err = project.run("bisect", f"{good}..{waits}", "--budget", "5", *words)
    assert code == 3
    assert f"the budget was spent before contender {waits[:8]} was built" in err
    assert "--budget" in err
    (project.root / "setup.py").unlink()
    bad = project.commit("builds again")
    both = (f"{good}..{bad}", *words)
    assert project.run("bisect", *both, "--steps", "1")[0] == 3
    found = project.document("bisect", *both, "--resume", "--budget", "3", code=3)
    assert found["skipped"] == []
    assert found["outcome"] == "undecided"
    assert project.left_running() == []


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
        ([".."], "no range"),
        (["..main"], "no commits in the range"),
        (["main.."], "no commits in the range"),
        (["main...main"], "no commits in the range"),
        (["nothing..main"], "nothing"),
        (["-x..main"], "-x"),
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


BUSY = """
def work():
    return sum(range({turns}))


def other():
    return sum(range(2000))
"""
BUSY_SUITE = """
import subject


def time_work():
    subject.work()


def time_other():
    subject.other()


time_work.timeout = 6
"""


class Busy(Project):
    """A project whose `work` takes as long as its commits say."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, COPIED)
        self.write("benchmarks/suite.py", BUSY_SUITE)
        self.turn(2000, "start")

    def turn(self, turns: int, message: str) -> str:
        return self.code(BUSY.format(turns=turns), message)

    def code(self, text: str, message: str) -> str:
        self.write("subject.py", f"{text}\n# {message}\n")
        return self.commit(message)


def branches(root: Path, on_release: int, on_main: int) -> tuple[Busy, str, str]:
    """A release on a branch of its own, and main, each with a commit that changes what `work` takes;
    the release is tagged v1. The commits of release and main that did it."""
    project = Busy(root)
    fork = project.git("rev-parse", "HEAD")
    project.git("checkout", "--quiet", "-b", "release/1.x")
    project.turn(2000, "prepare the release")
    there = project.turn(on_release, "on the release branch")
    project.git("tag", "v1")
    project.git("checkout", "--quiet", "main")
    project.turn(2000, "first on main")
    here = project.turn(on_main, "on main")
    project.turn(on_main, "last on main")
    project.git("tag", "v2")
    assert project.git("merge-base", "v1", "v2") == fork
    return project, there, here


def test_a_release_on_a_maintenance_branch_is_an_end(tmp_path: Path) -> None:
    """From where the branches part, the commit on main is found."""
    project, _, culprit = branches(tmp_path / "project", on_release=2000, on_main=6000)
    found = project.document("bisect", "v1..v2", "-b", "work", code=1)
    assert [one["commit"] for one in found["culprits"]] == [culprit]
    assert found["fork"]["subject"] == "start"
    assert found["lacking"] == []
    code, out, _ = project.run("bisect", "v1...v2", "-b", "work")
    assert code == 1
    assert "the ends are on different branches, which part at" in out


def test_a_fix_that_main_never_had_blames_nobody(tmp_path: Path) -> None:
    """The release is faster for what its own branch did; that commit is named as what is lacking."""
    project, fix, _ = branches(tmp_path / "project", on_release=600, on_main=2000)
    found = project.document("bisect", "v1..v2", "-b", "work", code=0)
    assert (found["outcome"], found["culprits"]) == ("elsewhere", [])
    assert [one["commit"] for one in found["lacking"]] == [fix]
    code, out, _ = project.run("bisect", "v1..v2", "-b", "work")
    assert code == 0
    said = " ".join(out.split())
    assert "the good end's branch has a commit that the bad end's branch lacks" in said


def test_a_step_on_both_sides_is_found_on_each(tmp_path: Path) -> None:
    project, fix, culprit = branches(tmp_path / "project", on_release=600, on_main=6000)
    found = project.document("bisect", "v1..v2", "-b", "work", code=1)
    assert [one["commit"] for one in found["culprits"]] == [culprit]
    assert [one["commit"] for one in found["lacking"]] == [fix]


def test_check_takes_a_range(tmp_path: Path) -> None:
    """`A..B` is B against A, `A...B` is B against where they part."""
    project, _, _ = branches(tmp_path / "project", on_release=600, on_main=2000)
    document = project.document("check", "v1..v2", "-b", "work", code=1)
    assert document["base"]["commit"] == project.git("rev-parse", "v1^{commit}")
    document = project.document("check", "v1...v2", "-b", "work", code=0)
    assert document["base"]["commit"] == project.git("merge-base", "v1", "v2")
    code, _, err = project.run("check", "v1..v2", "--base", "v1")
    assert code == 2
    assert "leave one out" in err


def test_a_hang_is_searched_for(tmp_path: Path) -> None:
    """As long as shows that a commit hangs is waited for, not as long as the benchmark may take."""
    project = Busy(tmp_path / "project")
    good = project.git("rev-parse", "HEAD")
    for number in range(3):
        project.turn(2000, f"before {number}")
    hanging = BUSY.replace("return sum(range({turns}))", "while True: pass")
    culprit = project.code(hanging, "hang")
    for number in range(3):
        project.code(hanging, f"after {number}")
    found = project.document("bisect", f"{good}..main", code=1)
    assert [one["commit"] for one in found["culprits"]] == [culprit]
    (case,) = [case for case in found["cases"] if case["label"] == "work"]
    assert case["fails"] == "timeout"
    assert case["at_least"] > 100
    code, out, err = project.run("bisect", f"{good}..main")
    assert code == 1
    assert "at least ×" in out
    # A level that was made up for a hang is not told as a ratio.
    assert "1 case as bad as at the bad end" in err
    assert "1 case as good as at the good end" in err
    assert "00 %" not in err


def test_what_newly_raises_is_searched_for(tmp_path: Path) -> None:
    """A commit that fails otherwise says nothing; the one that began to fail as the bad end does is it."""
    project = Busy(tmp_path / "project")
    good = project.git("rev-parse", "HEAD")
    project.turn(2000, "before")
    project.code(BUSY.replace("return sum(range({turns}))", "raise KeyError(1)"), "fails otherwise")
    project.turn(2000, "works again")
    failing = BUSY.replace("return sum(range({turns}))", "raise ValueError('on purpose')")
    culprit = project.code(failing, "fails")
    project.code(failing, "after")
    found = project.document("bisect", f"{good}..main", code=1)
    assert [one["commit"] for one in found["culprits"]] == [culprit]
    (case,) = [case for case in found["cases"] if case["label"] == "work"]
    assert (case["fails"], case["at_least"], case["ratio"]) == ("ValueError", None, None)
    _, out, _ = project.run("bisect", f"{good}..main")
    assert "work (ValueError)" in out
    assert "made 1 benchmark fail" in out


def test_what_became_faster_is_told_of(tmp_path: Path) -> None:
    project = Busy(tmp_path / "project")
    project.turn(600, "faster")
    code, out, _ = project.run("bisect", "HEAD~1..HEAD")
    assert code == 0
    assert "1 became faster (-" in out
    assert "--improvement searches for what did it" in out
    assert "1 without a difference" in out


def test_interrupted_it_says_what_it_knows(tmp_path: Path) -> None:
    project = Busy(tmp_path / "project")
    for number in range(30):
        project.turn(2000 if number < 20 else 6000, f"commit {number}")
    report = tmp_path / "report"
    child = project.start("bisect", "HEAD~30..HEAD", "-b", "work", "--report", str(report))
    assert child.stderr is not None
    for line in child.stderr:
        if "against the good end" in line:
            break
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "undecided: the search ended before" in out
    assert "likeliest" in out
    assert "--resume" in err
    assert json.loads((report / "report.json").read_text())["finished"] is False
