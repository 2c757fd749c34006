"""The workflows of this repository: what they may do, what they take from others, and their steps run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import odyssey_asv
from tests.actions import GITHUB, ROOT, Done, Runner, actions, document, workflows
from tests.paired_projects import COPIED, Project

BIN = Path(sys.executable).parent
TEMPLATES = Path(odyssey_asv.__file__).parent / "adopting" / "templates"
_OTHERS = re.compile(r"uses: ([\w./-]+)@(\S+)(?: # (v\d+\.\d+\.\d+))?$", re.MULTILINE)
SETTINGS = """
[tool.odyssey-asv]
gate = ["track"]
"""
SUITE = """
import subject


def track_size():
    return subject.SIZE
"""


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, workflow in workflows().items():
        for job, content in workflow["jobs"].items():
            yield f"{name}: {job}", content


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for place, job in jobs():
        yield from ((place, step) for step in job.get("steps", []))
    for name, action in actions().items():
        yield from ((name, step) for step in action["runs"]["steps"])


def texts() -> list[str]:
    paths = [*GITHUB.glob("workflows/*.yml"), *GITHUB.glob("actions/*/action.yml")]
    return [path.read_text(encoding="utf-8") for path in [*paths, *TEMPLATES.glob("*.yml")]]


def writes(job: dict[str, Any]) -> set[str]:
    return {name for name, access in job["permissions"].items() if access == "write"}


def test_every_job_says_what_it_may_and_how_long() -> None:
    """And nothing is allowed but by a job."""
    assert all(workflow["permissions"] == {} for workflow in workflows().values())
    for place, job in jobs():
        assert isinstance(job["permissions"], dict), place
        assert job["timeout-minutes"] > 0, place


def test_pull_requests_run_with_a_token_that_only_reads() -> None:
    for name, workflow in workflows().items():
        assert "pull_request_target" not in workflow["on"], name
        if "pull_request" not in workflow["on"]:
            continue
        for job, content in workflow["jobs"].items():
            reached = "if" not in content or "pull_request" in content["if"]
            assert not (reached and "needs" not in content and writes(content)), (name, job)


def test_a_job_that_may_write_runs_nothing_that_is_measured() -> None:
    """Only scripts of `.github`, or actions; neither the project nor its tests nor its build."""
    for place, job in jobs():
        if writes(job):
            for step in job["steps"]:
                word = step.get("run", "node .github/")
                assert re.match(r"(node|python3) \.github/", word), (place, word)


def test_the_comment_is_written_without_a_checkout() -> None:
    job = workflows()["benchmarks-comment.yml"]["jobs"]["comment"]
    assert [step["uses"] for step in job["steps"]] == ["$/.github/actions/comment"]
    assert job["permissions"] == {"actions": "read", "pull-requests": "write"}


def test_what_init_writes_is_what_we_use() -> None:
    """The comment's workflow is the same but for where the action comes from; so is the check's job."""
    theirs = document(TEMPLATES / "benchmarks-comment.yml")
    theirs["jobs"]["comment"]["steps"] = [{"uses": "$/.github/actions/comment"}]
    assert theirs == workflows()["benchmarks-comment.yml"]
    ours = workflows()["benchmarks.yml"]["jobs"]["check"]
    job = document(TEMPLATES / "benchmarks.yml")["jobs"]["check"]
    assert job["steps"][0] == ours["steps"][0]
    assert (job["permissions"], job["runs-on"]) == (ours["permissions"], ours["runs-on"])


def test_nothing_is_pasted_into_a_shell() -> None:
    """`${{ }}` reaches a step by `env:` alone."""
    for place, step in steps():
        assert "${{" not in step.get("run", ""), place


def test_actions_of_others_are_pinned_to_one_commit_each() -> None:
    """With the version that it is; in what `odyssey init` writes to the same as here."""
    found: dict[str, set[tuple[str, str]]] = {}
    for text in texts():
        for name, ref, version in _OTHERS.findall(text):
            assert re.fullmatch(r"[0-9a-f]{40}", ref), name
            assert version, name
            found.setdefault(name, set()).add((ref, version))
    assert len(found) >= 6
    assert {name: len(pins) for name, pins in found.items()} == dict.fromkeys(found, 1)


def test_no_token_is_left_in_a_checkout() -> None:
    for place, step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, place


def test_make_targets_of_the_workflows_exist() -> None:
    for _, step in steps():
        for target in re.findall(r"^make (\w+)$", step.get("run", ""), re.MULTILINE):
            subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_tests_run_on_every_python_that_is_promised() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    promised = re.findall(r"Programming Language :: Python :: (3\.\d+)", text)
    matrix = workflows()["tests.yml"]["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == promised


def test_the_checkers_would_see_it(tmp_path: Path) -> None:
    """That `make workflows` is quiet says something: zizmor finds what is made worse on purpose."""
    text = (GITHUB / "workflows" / "benchmarks.yml").read_text(encoding="utf-8")
    worse = re.sub(
        r"checkout@[0-9a-f]{40}",
        "checkout@v7",
        text.replace("persist-credentials: false", "persist-credentials: true"),
    )
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "benchmarks.yml").write_text(worse, encoding="utf-8")
    zizmor = [str(BIN / "zizmor"), "--offline", "--no-progress", "--quiet", str(tmp_path)]
    done = subprocess.run(zizmor, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "unpinned-uses" in done.stdout, done.stderr


class Main:
    """A project with the scripts and workflows of this one, its remote, and this machine's program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = Project(folder / "work", COPIED)
        root = self.project.root
        shutil.copytree(GITHUB, root / ".github")
        (root / ".venv").symlink_to(BIN.parent)
        self.project.write("Makefile", "setup:\n\t@true\n")
        self.project.write(".gitignore", (root / ".gitignore").read_text() + ".venv\n.asv\n")
        conf = json.loads((root / "asv.conf.json").read_text())
        conf |= {"results_dir": ".asv/results", "env_dir": ".asv/env", "html_dir": ".asv/html"}
        self.project.write("asv.conf.json", json.dumps(conf))
        self.project.write("pyproject.toml", (root / "pyproject.toml").read_text() + SETTINGS)
        self.project.write("benchmarks/suite.py", SUITE)
        # One commit: each further one is a build.
        self.project.git("add", "--all")
        self.project.git("commit", "--quiet", "--amend", "--message", "all")
        bare = folder / "remote.git"
        self.project.git("clone", "--quiet", "--bare", str(root), str(bare))
        self.project.git("remote", "add", "origin", bare.as_uri())
        self.runs = 0

    def job(self, name: str, event: str, ref_type: str = "branch") -> tuple[Runner, Done, str]:
        """Run the steps of a job of `benchmarks.yml`, and what it hands on as `candidate`."""
        self.runs += 1
        folder = self.folder / f"runner{self.runs}"
        more = {"GITHUB_REF_TYPE": ref_type}
        nothing = {"actions/upload-artifact": lambda *_: None}
        runner = Runner(folder, self.project.root, event, {}, more, nothing)
        context = runner.context()
        found = workflows()["benchmarks.yml"]
        done = runner.steps(
            found["jobs"][name]["steps"], context, {}, shell=found["defaults"]["run"]["shell"]
        )
        outputs = context["steps"].get("candidate", {}).get("outputs", {})
        return runner, done, outputs.get("candidate", "")


@pytest.fixture(scope="module")
def main(tmp_path_factory: pytest.TempPathFactory) -> Main:
    return Main(tmp_path_factory.mktemp("main"))


def test_a_year_of_main(main: Main) -> None:
    """The weekly run; a first candidate; none for the baseline's own commit; one when it moved; a tag's."""
    runner, done, _ = main.job("history", "schedule")
    assert done.code == 0, done.log
    root = main.project.root
    assert json.loads((root / "odyssey-history" / "report.json").read_text())["changes"] == []
    assert runner.summary.read_text() == (root / "odyssey-history" / "report.md").read_text()
    assert (root / ".asv" / "html" / "odyssey" / "index.html").is_file()
    assert list((root / "benchmarks" / "results").glob("*_results.json"))
    assert [name for name, _ in done.used][-1] == "actions/upload-pages-artifact"
    kept = {given["path"] for name, given in done.used if name == "actions/upload-artifact"}
    assert kept == {"odyssey-history", ".asv/results\nbenchmarks/results\n"}

    _, done, candidate = main.job("measure", "push")
    assert done.code == 0, done.log
    assert (root / candidate).is_file()
    assert ("actions/upload-artifact", candidate) in [
        (n, g["path"]) for n, g in done.used if "path" in g
    ]

    code, _, err = main.project.run(
        "baseline", "approve", candidate, "--by", "A", "--reason", "first"
    )
    assert code == 0, err
    _, done, candidate = main.job("measure", "push")
    assert (done.code, candidate) == (0, ""), done.log
    assert "HEAD is the commit of the baseline" in done.log

    main.project.write("subject.py", "SIZE = 200\n\n\ndef work(kind): ...\n")
    head = main.project.commit("twice the size")
    before = (root / "benchmarks" / "baselines" / "baseline_results.json").read_bytes()
    runner, done, candidate = main.job("measure", "push")
    assert done.code == 0, done.log
    assert json.loads((root / candidate).read_text())["commit"]["hash"] == head
    assert "regression" in runner.summary.read_text().lower()

    _, done, candidate = main.job("measure", "push", "tag")
    assert done.code == 0, done.log
    assert json.loads((root / candidate).read_text())["run"]["runs"] == 3
    assert (root / "benchmarks" / "baselines" / "baseline_results.json").read_bytes() == before


def keeping(folder: Path, word: str) -> str:
    """Run the one step of `benchmarks.yml` that restores or keeps. What is kept comes from `results`."""
    found = workflows()["benchmarks.yml"]
    command = f"keep.py {word}"
    every = [step for job in found["jobs"].values() for step in job["steps"]]
    (step,) = [step for step in every if command in step.get("run", "")]
    if not (folder / ".github").exists():
        (folder / ".github").symlink_to(GITHUB)
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    runner = Runner(folder.parent / "runner", folder, "schedule", {}, more={"PATH": path})
    done = runner.steps([step], runner.context(), {}, shell=found["defaults"]["run"]["shell"])
    assert done.code == 0, done.log
    return done.log


def test_results_outlive_a_run(tmp_path: Path) -> None:
    """On a branch without history of the code; a shallow clone gets them again. Nothing else of an artifact
    is kept, and nothing of it comes near the code of the job that may write."""
    project = Project(tmp_path / "work")
    bare = tmp_path / "remote.git"
    project.git("clone", "--quiet", "--bare", str(project.root), str(bare))
    project.git("remote", "add", "origin", bare.as_uri())
    artifact = tmp_path / "runner" / "_temp" / "results"

    def measured(name: str, text: str) -> None:
        (artifact / name).parent.mkdir(parents=True, exist_ok=True)
        (artifact / name).write_text(text)

    assert "nothing to restore" in keeping(project.root, "restore")
    measured(".asv/results/one/a.json", "1")
    measured("benchmarks/results/b.json", "2")
    measured(".github/scripts/keep.py", "raise SystemExit('taken over')")
    status = project.git("status", "--porcelain")
    assert "results kept" in keeping(project.root, "keep")
    assert "nothing new" in keeping(project.root, "keep")
    assert project.git("status", "--porcelain") == status

    later = tmp_path / "later"
    project.git("clone", "--quiet", "--depth=1", bare.as_uri(), str(later))
    assert "results restored" in keeping(later, "restore")
    assert (later / ".asv/results/one/a.json").read_text() == "1"
    measured("benchmarks/results/c.json", "3")
    assert "results kept" in keeping(later, "keep")
    listed = project.git("ls-remote", "origin", "refs/heads/odyssey-results").split()[0]
    project.git("fetch", "--quiet", "origin", "odyssey-results")
    assert project.git("ls-tree", "-r", "--name-only", listed).splitlines() == [
        ".asv/results/one/a.json", "benchmarks/results/b.json", "benchmarks/results/c.json",
    ]  # fmt: skip
    assert project.git("rev-list", "--count", listed) == "2"


def test_a_job_that_may_write_gets_artifacts_beside_its_code() -> None:
    """Else another job's files could take the place of the scripts that it runs."""
    for place, job in jobs():
        if writes(job):
            for step in job["steps"]:
                if step.get("uses", "").startswith("actions/download-artifact@"):
                    assert step["with"]["path"].startswith("${{ runner.temp }}/"), place
