"""`odyssey baseline …` end to end, on benchmarks whose clock is made up: what is true is known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.projects import EXISTING, Answer, Project, entries, load, make

SUITE = """
import os


def clock(step):
    now = [0.0]

    def tick():
        now[0] += step()
        return now[0]

    return tick


def steady():
    return 0.5


def jumping():
    # 1 s in the first process, 2 s in the second, and so on until it has jumped often enough.
    with open(os.environ["CALLS"]) as stream:
        return min(len(stream.read().split()), int(os.environ.get("JUMPS", "1")))


def count():
    with open(os.environ["CALLS"], "a") as stream:
        stream.write("x ")


@quick
def time_steady():
    pass


time_steady.timer = clock(steady)


@quick
def time_jumps():
    pass


time_jumps.setup = count
time_jumps.repeat = 1
time_jumps.timer = clock(jumping)
"""


def _create(project: Project, *words: str, jumps: int = 1) -> Answer:
    return project.odyssey(
        "baseline", "create", "-E", EXISTING, "--runs", "2", *words, env={"JUMPS": str(jumps)}
    )


def _approve(project: Project, candidate: Path, *words: str) -> Answer:
    return project.here(
        "baseline", "approve", str(candidate), "--by", "Ada L.", "--reason", "first release", *words
    )


@pytest.fixture(scope="module")
def created(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    """A project with a candidate. Not to be changed: `project` is a copy."""
    project = make(tmp_path_factory.mktemp("created") / "p", SUITE)
    answer = _create(project)
    assert answer.code == 0, answer.words()
    assert "next: odyssey baseline approve" in answer.err
    project.git("tag", "v1.0")
    project.commit("second")
    project.git("tag", "v2.0")
    return project, answer.paths[0]


@pytest.fixture
def project(created: tuple[Project, Path], tmp_path: Path) -> Project:
    project = Project(tmp_path / "p")
    shutil.copytree(created[0].path, project.path)
    project.home.mkdir()
    return project


@pytest.fixture
def candidate(created: tuple[Project, Path], project: Project) -> Path:
    return project.path / created[1].relative_to(created[0].path)


@pytest.fixture
def approved(project: Project, candidate: Path) -> Path:
    """The current baseline, which is of release v1.0."""
    answer = _approve(project, candidate, "--release", "v1.0")
    assert answer.code == 0, answer.words()
    return answer.paths[0]


def test_create_pools_its_runs(project: Project, candidate: Path) -> None:
    assert candidate.parent == project.path / "benchmarks/baselines/candidates"
    found = entries(load(candidate))
    assert found["suite.time_steady"]["value"] == 0.5
    assert found["suite.time_steady"]["processes"] == [[0.5, 0.5], [0.5, 0.5]]
    assert found["suite.time_jumps"]["value"] == 1.0
    assert load(candidate)["run"]["complete"] is True
    # Nothing but `approve` makes a baseline, and the runs were not ordinary results.
    assert not (project.path / "benchmarks/baselines/baseline_results.json").exists()
    assert not project.results.exists()


def test_create_refuses_what_never_settles(tmp_path: Path) -> None:
    project = make(tmp_path / "p", SUITE)
    answer = _create(project, "--retries", "1", jumps=99)
    assert answer.code == 3, answer.words()
    assert "jumps" in answer.err
    assert "steady" not in answer.err
    assert "tolerance" in answer.err
    assert "try:" in answer.err
    assert answer.out == ""
    assert not (project.path / "benchmarks/baselines").exists()
    # Two runs and one more of the unstable benchmark alone.
    assert len(project.counted()) == 3


def test_create_measures_again_what_did_not_agree(tmp_path: Path) -> None:
    project = make(tmp_path / "p", SUITE)
    answer = _create(project, jumps=2)
    assert answer.code == 0, answer.words()
    assert "measured once more" in answer.err
    found = entries(load(answer.paths[0]))
    assert found["suite.time_jumps"]["value"] == 2.0
    assert found["suite.time_steady"]["processes"] == [[0.5, 0.5], [0.5, 0.5]]


def test_create_refuses_uncommitted_changes_at_once(tmp_path: Path) -> None:
    project = make(tmp_path / "p", SUITE)
    project.write("benchmarks/suite.py", (project.path / "benchmarks/suite.py").read_text() + "\n")
    answer = _create(project)
    assert answer.code == 3, answer.words()
    assert "uncommitted" in answer.err
    assert len(project.counted()) == 1


def test_create_of_another_commit_needs_a_build(project: Project) -> None:
    answer = project.odyssey("baseline", "create", "HEAD~1", "-E", EXISTING)
    assert answer.code == 2, answer.words()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["run"].update(complete=False), "incomplete"),
        (lambda d: d["run"].update(quick=True), "quick"),
        (lambda d: d["commit"].update(dirty=True), "uncommitted"),
        (lambda d: d["commit"].update(hash=None), "no commit"),
        (
            lambda d: d["benchmarks"][0].update(
                status="not_selected", value=None, duration_ms=None, throughput=None,
                iterations=None, processes=None, stats=None, number=None, repeat=None,
            ),
            "1 cases of the suite were not selected",
        ),
    ],
)  # fmt: skip
def test_what_may_not_become_a_baseline(
    project: Project, candidate: Path, change: Callable[[Any], None], said: str
) -> None:
    document = load(candidate)
    change(document)
    path = project.write("changed.json", json.dumps(document))
    proposed = project.here("baseline", "propose", str(path))
    assert proposed.code == 2, proposed.words()
    assert said in proposed.err
    assert "try:" in proposed.err
    answer = _approve(project, path)
    assert answer.code == 2, answer.words()
    assert said in answer.err


def test_propose_keeps_the_same_file_once(project: Project, candidate: Path) -> None:
    first = project.here("baseline", "propose", str(candidate))
    assert (first.code, first.paths) == (0, [candidate])
    assert project.here("baseline", "propose", "latest").code == 2
    assert project.here("baseline", "propose", "missing.json").code == 2


def test_approve(project: Project, candidate: Path, approved: Path) -> None:
    folder = project.path / "benchmarks/baselines"
    assert approved == folder / "baseline_results.json"
    document = load(approved)
    assert document["release"] == "v1.0"
    approval = document["approval"]
    assert (approval["by"], approval["reason"]) == ("Ada L.", "first release")
    assert approval["approved_at"].endswith("Z")
    assert approval["candidate"] == candidate.name
    assert (folder / "v1.0.json").read_bytes() == approved.read_bytes()
    verified = project.here("baseline", "verify")
    assert verified.code == 0, verified.words()
    assert [line.split()[0] for line in verified.out.splitlines()] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--release", "v2.0"], "is on"),
        (["--release", "v9"], "there is no tag 'v9'"),
        (["--release", ""], "no tag"),
        (["--release", "../x"], "no tag"),
        (["--release", "-x"], "no tag"),
        (["--by", " "], "nobody approves"),
        (["--reason", ""], "no reason"),
    ],
)
def test_approvals_with_nothing_behind_them(
    project: Project, candidate: Path, words: list[str], said: str
) -> None:
    answer = _approve(project, candidate, *words)
    assert answer.code == 2, answer.words()
    assert said in answer.err
    assert not (project.path / "benchmarks/baselines/baseline_results.json").exists()


@pytest.mark.parametrize("words", [[], ["--by", "Ada"], ["--reason", "x"]])
def test_who_and_why_must_be_said(project: Project, candidate: Path, words: list[str]) -> None:
    answer = project.here("baseline", "approve", str(candidate), *words)
    assert answer.code == 2
    assert "Missing option" in answer.err


def test_approve_what_is_not_there(project: Project) -> None:
    assert _approve(project, Path("missing.json")).code == 2
    assert _approve(project, project.path / "asv.conf.json").code == 2


def test_the_one_before_is_archived(project: Project, candidate: Path, approved: Path) -> None:
    before = approved.read_bytes()
    again = _approve(project, candidate, "--by", "Grace")
    assert again.code == 0, again.words()
    (archived,) = (approved.parent / "archive").iterdir()
    assert archived.read_bytes() == before
    assert (approved.parent / "v1.0.json").read_bytes() == before
    assert load(approved)["approval"]["by"] == "Grace"
    verified = project.here("baseline", "verify")
    assert (verified.code, len(verified.out.splitlines())) == (0, 3), verified.words()


def test_list_and_show(project: Project, candidate: Path, approved: Path) -> None:
    listed = project.here("baseline", "list")
    assert listed.code == 0
    assert "baseline_results.json" in listed.out
    assert "by Ada L." in listed.out
    assert "candidate" in listed.out
    rows = json.loads(project.here("baseline", "list", "--json").out)
    assert [row["kind"] for row in rows] == ["approved", "approved", "candidate"]
    for words in ([], ["v1.0"]):
        shown = project.here("baseline", "show", *words)
        assert shown.code == 0, shown.words()
        assert "first release" in shown.out
        assert load(approved)["approval"]["sha256"] in shown.out
        assert shown.err.startswith("next: ")
    raw = project.here("baseline", "show", "--json")
    assert raw.out == approved.read_text(encoding="utf-8")
    assert project.here("baseline", "show", "v9").code == 2


def test_a_project_without_baselines(tmp_path: Path) -> None:
    project = make(tmp_path / "p", SUITE)
    listed = project.here("baseline", "list")
    assert (listed.code, listed.out) == (0, "")
    assert "next: odyssey baseline create" in listed.err
    for verb in ("show", "verify"):
        answer = project.here("baseline", verb)
        assert answer.code == 2
        assert "odyssey baseline create" in answer.err


def _set(path: Path, change: Callable[[Any], None]) -> None:
    document = load(path)
    change(document)
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["benchmarks"][0].update(value=9.0, duration_ms=9000.0), "sha256 differs"),
        (lambda d: d["approval"].update(by="Mallory"), "seal differs"),
        (lambda d: d["approval"].update(sha256="0" * 64), "sha256 differs"),
        (lambda d: d.update(release="v2.0"), "seal differs"),
        (lambda d: d.pop("approval"), "never approved"),
        (lambda d: d.pop("seal"), "seal differs"),
        (lambda d: d.update(extra="x"), "differs"),
        (lambda d: d["benchmarks"].pop(), "sha256 differs"),
        (lambda d: d["benchmarks"][0].update(value="fast"), "value"),
    ],
)
def test_tampering_is_seen(
    project: Project, approved: Path, change: Callable[[Any], None], said: str
) -> None:
    _set(approved, change)
    answer = project.here("baseline", "verify")
    assert answer.code == 1, answer.words()
    assert said in answer.out
    assert "next: git log" in answer.err
    rows = json.loads(project.here("baseline", "verify", "--json").out)
    assert [bool(row["faults"]) for row in rows] == [True, False]


def test_formatting_anew_is_no_tampering(project: Project, approved: Path) -> None:
    _set(approved, lambda _: None)
    assert project.here("baseline", "verify").code == 0


def test_a_cut_file_is_seen(project: Project, approved: Path) -> None:
    approved.write_bytes(approved.read_bytes()[:-100])
    answer = project.here("baseline", "verify")
    assert answer.code == 1, answer.words()
    assert "not JSON" in answer.out
    listed = project.here("baseline", "list")
    assert listed.code == 0
    assert "unreadable" in listed.out


def test_a_moved_tag_is_seen(project: Project, approved: Path) -> None:
    project.git("tag", "--force", "v1.0", "HEAD")
    answer = project.here("baseline", "verify")
    assert answer.code == 1, answer.words()
    assert "tag 'v1.0' is on" in answer.out


def test_a_missing_tag_cannot_be_checked(project: Project, approved: Path) -> None:
    project.git("tag", "--delete", "v1.0")
    answer = project.here("baseline", "verify")
    assert answer.code == 0, answer.words()
    assert "not checked: there is no tag 'v1.0'" in answer.out


def test_a_commit_of_another_history(project: Project, candidate: Path, approved: Path) -> None:
    shutil.rmtree(project.path / ".git")
    project.git("init", "--quiet")
    project.commit("another history")
    verified = project.here("baseline", "verify")
    assert verified.code == 1, verified.words()
    assert "not in this repository" in verified.out
    answer = _approve(project, candidate)
    assert answer.code == 2, answer.words()
    assert "not in this repository" in answer.err
