"""The action `check` as GitHub runs it: a bare repository as remote, a fork, a pull request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.actions import ROOT, Done, Runner, actions
from tests.paired_projects import Project

# What decides here is counted, not timed, so no machine is too busy for it.
SETTINGS = """
[tool.odyssey-asv]
gate = ["track"]
"""
SIZE = "SIZE = 100"
ONE = "track_size"
INSTALL = "Install odyssey-asv"
# As actions/setup-python leaves it.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@dataclass
class Forge:
    """The repository as GitHub has it, and a pull request from a fork, whose base has moved on."""

    folder: Path
    base: str
    tip: str
    head: str
    merge: str

    @property
    def bare(self) -> Path:
        return self.folder / "upstream.git"

    @property
    def pull_request(self) -> dict[str, Any]:
        return {
            "action": "synchronize", "number": 1,
            "pull_request": {
                "number": 1,
                "base": {"ref": "main", "sha": self.tip},
                "head": {"ref": "topic", "sha": self.head, "repo": {"full_name": "fork/project"}},
            },
        }  # fmt: skip


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=A Test", "-c", "user.email=test@example.invalid"]
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Forge:
    """`refs/pull/1/head` and `/merge` are made as GitHub makes them."""
    folder = tmp_path_factory.mktemp("forge")
    project = Project(folder / "maintainer")
    project.write("pyproject.toml", (project.root / "pyproject.toml").read_text() + SETTINGS)
    base = project.commit("settings")
    bare = folder / "upstream.git"
    git(folder, "clone", "--quiet", "--bare", str(project.root), str(bare))
    # GitHub hands out every commit that a reference reaches, by its hash.
    git(bare, "config", "uploadpack.allowReachableSHA1InWant", "true")
    git(folder, "clone", "--quiet", "--bare", bare.as_uri(), "fork.git")
    git(folder, "clone", "--quiet", (folder / "fork.git").as_uri(), "contributor")
    work = folder / "contributor"
    git(work, "checkout", "--quiet", "-b", "topic")
    changed = (work / "subject.py").read_text().replace(SIZE, "SIZE = 200")
    (work / "subject.py").write_text(changed)
    git(work, "commit", "--quiet", "--all", "--message", "twice the size")
    git(work, "push", "--quiet", "origin", "topic")
    project.write("README.md", "main went on\n")
    tip = project.commit("main goes on")
    git(project.root, "push", "--quiet", str(bare), "main")
    git(bare, "fetch", "--quiet", str(folder / "fork.git"), "topic:refs/pull/1/head")
    head = git(bare, "rev-parse", "refs/pull/1/head")
    tree = git(bare, "merge-tree", "--write-tree", tip, head)
    merge = git(bare, "commit-tree", tree, "-p", tip, "-p", head, "-m", "Merge")
    git(bare, "update-ref", "refs/pull/1/merge", merge)
    return Forge(folder, base, tip, head, merge)


def check_out(forge: Forge, folder: Path, *, depth: int) -> Path:
    """What actions/checkout leaves of a pull request: its merge, detached; at depth 0 all branches."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    git(folder, "remote", "add", "origin", forge.bare.as_uri())
    merge = f"+{forge.merge}:refs/remotes/pull/1/merge"
    wanted = ["+refs/heads/*:refs/remotes/origin/*", merge] if depth == 0 else [merge]
    limit = [f"--depth={depth}"] if depth else []
    git(folder, "fetch", "--quiet", "--no-tags", *limit, "origin", *wanted)
    git(folder, "checkout", "--quiet", "--force", "refs/remotes/pull/1/merge")
    return folder


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `_temp` of a runner on which the action has installed this program, from its own tree. What it
    depends on is this machine's, for the tests of one project need not download it again."""
    folder = tmp_path_factory.mktemp("runner")
    runner = Runner(folder, folder, "push", {}, more={"PATH": PATH})
    made = runner.temp / "odyssey-asv"
    venv.create(made, with_pip=False)
    (packages,) = made.glob("lib/python*/site-packages")
    (packages / "of_the_tests.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    (step,) = [s for s in actions()["check"]["runs"]["steps"] if s.get("name") == INSTALL]
    where = {"GITHUB_ACTION_PATH": str(ROOT / ".github/actions/check")}
    done = runner.steps([step], runner.context() | {"inputs": {"version": ""}}, where)
    assert done.code == 0, done.log
    assert (packages / "odyssey_asv" / "adopting" / "templates" / "benchmarks.yml").is_file()
    return made


def at(folder: Path, program: Path) -> Path:
    """A runner's folder with the program in its `_temp`."""
    (folder / "_temp").mkdir()
    (folder / "_temp" / "odyssey-asv").symlink_to(program)
    return folder


@pytest.fixture
def place(tmp_path: Path, program: Path) -> Path:
    return at(tmp_path, program)


def run(
    place: Path, workspace: Path, event: dict[str, Any], name: str = "pull_request", **inputs: str
) -> tuple[Runner, Done]:
    """The action, without its step that installs."""
    runner = Runner(place, workspace, name, event, more={"PATH": PATH})
    return runner, runner.action("check", skip=INSTALL, **inputs)


def report(runner: Runner) -> Any:
    return json.loads((runner.artifacts / "odyssey-report" / "report.json").read_text())


@pytest.fixture(scope="module")
def full(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with `fetch-depth: 0`; environments that were built in it stay."""
    return check_out(forge, tmp_path_factory.mktemp("full") / "project", depth=0)


@pytest.fixture(scope="module")
def red(
    forge: Forge, full: Path, program: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Runner, Done]:
    """The action on the pull request, once."""
    return run(at(tmp_path_factory.mktemp("red"), program), full, forge.pull_request, bench=ONE)


def test_a_pull_request_from_a_fork(red: tuple[Runner, Done], forge: Forge, full: Path) -> None:
    """Its head against where it left main, not against main's tip; red, with everything to look at."""
    runner, done = red
    assert done.code == 1, done.log
    found = report(runner)
    assert found["base"]["commit"] == forge.base
    assert found["contender"]["commit"] == forge.head
    assert done.outputs == {
        "verdict": "regression", "regressions": "1", "report": str(runner.temp / "odyssey-report"),
    }  # fmt: skip
    kept = {path.name for path in (runner.artifacts / "odyssey-report").iterdir()}
    assert kept == {"report.txt", "report.json", "report.md", "report.html", "annotations.txt"}
    assert "must not pass" in runner.summary.read_text()
    assert "::error title=size" in done.log
    assert git(full, "status", "--porcelain") == ""


def test_nothing_that_is_measured_speaks_to_github(red: tuple[Runner, Done]) -> None:
    """Between the two marks no line is a command; our own annotations come after them."""
    log = red[1].log
    start, end = (log.index(mark) for mark in ("::stop-commands::", "::error title="))
    word = log[start:].splitlines()[0].removeprefix("::stop-commands::")
    assert start < log.index("checking") < log.index(f"\n::{word}::\n") < end


def test_a_spent_budget_is_kept_as_well(place: Path, forge: Forge, full: Path) -> None:
    """Exit code 3 survives, and its report is there to be looked at; `never` only tells."""
    inputs = {"bench": ONE, "budget": "0.01"}
    runner, done = run(place, full, forge.pull_request, **inputs)
    assert done.code == 3, done.log
    assert report(runner)["exit_code"] == 3
    assert done.outputs["verdict"] == report(runner)["verdict"]
    assert runner.summary.stat().st_size > 0
    (place / "artifacts").rename(place / "before")
    assert run(place, full, forge.pull_request, **inputs, fail_on="never")[1].code == 0


def test_the_other_way_round_passes(place: Path, forge: Forge, full: Path) -> None:
    """A base and a head that are named count, whatever the event says. Improvements are no alarm."""
    runner, done = run(place, full, forge.pull_request, bench=ONE, base=forge.head, head=forge.base)
    assert done.code == 0, done.log
    assert report(runner)["base"]["commit"] == forge.head
    assert done.outputs["verdict"] == "ok"


def test_what_cannot_be_measured_is_reported(place: Path, forge: Forge, full: Path) -> None:
    """Exit code 3 or 2, and still a report with the reason, for the summary and the comment."""
    runner, done = run(place, full, forge.pull_request, bench="time_<no such>\n  \n")
    assert done.code == 2
    assert done.outputs["verdict"] == "error"
    text = (runner.artifacts / "odyssey-report" / "report.md").read_text()
    assert "no verdict: exit code 2" in text
    assert "<code>error: no benchmark matches" in text
    assert "no such>" not in text
    assert runner.summary.read_text() == text


def test_a_shallow_checkout_is_deepened(place: Path, forge: Forge) -> None:
    """The default of actions/checkout has one commit; the remote has the rest."""
    workspace = check_out(forge, place / "work", depth=1)
    assert git(workspace, "rev-parse", "--is-shallow-repository") == "true"
    assert sides(place, workspace, "pull_request", forge.pull_request) == [
        forge.head, "--base", forge.base,
    ]  # fmt: skip


def test_a_shallow_checkout_without_its_remote_says_what_to_do(place: Path, forge: Forge) -> None:
    """As of a private repository, for which the action has no token."""
    workspace = check_out(forge, place / "work", depth=1)
    git(workspace, "remote", "set-url", "origin", (place / "nowhere").as_uri())
    _, done = run(place, workspace, forge.pull_request)
    assert done.code == 2
    assert "::error title=odyssey check::" in done.log
    assert "fetch-depth: 0" in done.log


def test_what_other_events_compare(place: Path, forge: Forge, full: Path) -> None:
    """A push what was there before, a merge queue its base, anything else what `odyssey check` finds."""
    push = {"before": forge.base, "after": forge.head}
    assert sides(place, full, "push", push) == [forge.head, "--base", forge.base]
    new = {"before": "0" * 40, "after": forge.head}
    assert sides(place, full, "push", new) == [forge.head]
    queue = {"merge_group": {"base_sha": forge.tip, "head_sha": forge.merge}}
    assert sides(place, full, "merge_group", queue) == [forge.merge, "--base", forge.tip]
    assert sides(place, full, "workflow_dispatch", {}) == []
    assert sides(place, full, "workflow_dispatch", {}, base="baseline") == ["--base", "baseline"]


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"base": "--output=/tmp/x"}, "never begins with '-'"),
        ({"head": "-x"}, "never begins with '-'"),
        ({"config": "../elsewhere.json"}, "no file '../elsewhere.json' in the repository"),
        ({"config": "missing.json"}, "no file 'missing.json'"),
        ({"fail_on": "sometimes"}, "is none of regression, undecided, never"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_impossible_inputs(
    place: Path, forge: Forge, full: Path, inputs: dict[str, str], reason: str
) -> None:
    _, done = run(place, full, forge.pull_request, **inputs)
    assert done.code == 2
    assert reason in done.log


def test_a_version_is_no_option_of_pip(tmp_path: Path) -> None:
    runner = Runner(tmp_path, tmp_path, "push", {}, more={"CHECK_VERSION": "--index-url=x"})
    step = [sys.executable, str(ROOT / ".github/actions/check/check.py"), "install"]
    done = subprocess.run(step, env=runner.variables(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is no requirement" in done.stdout
    assert not (runner.temp / "odyssey-asv").exists()


def sides(
    place: Path, workspace: Path, name: str, event: dict[str, Any], **inputs: str
) -> list[str]:
    """What the script would hand to `odyssey check`, asked in a process of its own."""
    runner = Runner(place, workspace, name, event)
    more = {f"CHECK_{key.upper()}": value for key, value in inputs.items()}
    code = "import json, pathlib, sys, check; print(json.dumps(check.sides(pathlib.Path(sys.argv[1]))))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(workspace)],
        env={**runner.variables(), **more, "PYTHONPATH": str(ROOT / ".github/actions/check")},
        cwd=workspace, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: list[str] = json.loads(done.stdout)
    return found
