"""`odyssey bisect --scheduler` as a user meets it: real hosts, one of which is lost, and a command that is
interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet_hosts import Hosts, hosts, until
from tests.paired_projects import CODE, COPIED, Project
from tests.projects import family, gone


class History(Project):
    """A line of three commits, of which the second makes a size half as large again, and an end that
    cannot be installed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, COPIED)
        self.good = self.git("rev-parse", "HEAD")
        for number in range(1, 4):
            size = 150 if number >= 2 else 100
            self.write("subject.py", CODE.format(turns=300).replace("100", str(size)))
            self.write("notes.cfg", str(number))
            self.commit(f"change {number}")
        self.bad = self.git("rev-parse", "HEAD")
        self.culprit = self.git("rev-parse", "HEAD~1")
        self.git("checkout", "--quiet", "-b", "broken")
        self.git("rm", "--quiet", "subject.py")
        self.broken = self.commit("cannot be installed")
        self.git("checkout", "--quiet", "main")

    @property
    def state(self) -> Any:
        """What is known of the search."""
        (path,) = (self.root / ".odyssey" / "bisect").glob("*.json")
        return json.loads(path.read_text())


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Hosts]:
    with hosts(tmp_path) as started:
        started.scheduler()
        yield started


def heard(child: subprocess.Popen[str], wanted: str) -> str:
    """Read what a command says up to a line with these words."""
    assert child.stderr is not None
    said = []
    for line in child.stderr:
        said.append(line)
        if wanted in line:
            return line
    raise AssertionError(f"never said {wanted!r}:\n{''.join(said)}")


def jobs(made: Hosts, left: str = "answer.json") -> dict[str, str]:
    """The host of each step that left such a file, the ends apart. No step may have been made twice."""
    paths = [path.parent for path in made.folder.glob(f"*/jobs/*/{left}")]
    found = {path.name: path.parents[1].name for path in paths if not path.name.endswith("-ends")}
    assert len(found) == sum(not path.name.endswith("-ends") for path in paths)
    return found


def test_the_culprit_is_named_though_a_host_is_lost_and_the_command_interrupted(
    tmp_path: Path, made: Hosts
) -> None:
    """Only the step that was under way on the lost host is measured again, on the other; what was
    answered before the interruption is not."""
    project = History(tmp_path / "project")
    workers = {name: made.host(name) for name in ("one", "two")}
    cases = ("-b", "track_size", "--gate", "track")
    over = ("--scheduler", made.address, "--class", "fast")
    words = (f"{project.good}..main", *cases, *over)

    code, _, err = project.run("bisect", *words[:-1], "slow", "--wait", "1")
    assert code == 3
    assert "no host of class slow was there for 1 s" in err

    child = project.start("bisect", *words)
    heard(child, "measuring")
    until(lambda: jobs(made, "pid"))
    ((_, lost),) = jobs(made, "pid").items()
    (measuring,) = made.folder.glob(f"{lost}/jobs/*/pid")
    processes = family(int(measuring.read_text()))
    os.killpg(workers[lost].pid, signal.SIGKILL)
    for process in processes:
        process.kill()
    heard(child, "its host is gone")
    heard(child, "against the good end")
    (kept,) = {name for name in workers if name != lost}
    until(lambda: project.state["probes"] == 1)
    until(lambda: len(jobs(made, "pid")) > 1)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "--resume" in err
    until(lambda: gone(processes))
    before = project.state
    assert set(jobs(made).values()) == {kept}

    found = project.document("bisect", *words, "--resume", code=1)
    assert [culprit["commit"] for culprit in found["culprits"]] == [project.culprit]
    after = project.state
    assert found["probes"] == after["probes"] == len(jobs(made))
    (known,), (line,) = before["lines"], after["lines"]
    assert known["measured"].items() <= line["measured"].items()
    results = [
        json.loads(path.read_text())
        for path in (project.root / "benchmarks" / "results").glob("*_results.json")
    ]
    assert {r["commit"]["hash"] for r in results} == {project.good, project.bad}
    assert [r["environment"]["machine"] for r in results] == ["fast", "fast"]
    assert not list((project.root / ".odyssey" / "sessions").iterdir())
    again = project.document("bisect", words[0], *cases, "--resume", code=1)
    assert (again["probes"], again["culprits"]) == (found["probes"], found["culprits"])

    code, _, err = project.run("bisect", f"{project.good}..{project.broken}", *cases, *over)
    assert code == 3
    assert "error: the ends: on " in err
    assert project.broken[:8] in err
