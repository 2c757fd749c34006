"""`--scheduler` as a user meets it: a real fleet on this machine, real bundles, builds and measurements."""

from __future__ import annotations

import itertools
import json
import os
import signal
from pathlib import Path

from tests import paired_projects
from tests.paired_projects import CODE
from tests.projects import finished, load, make, wait_for

# Nothing is built, so that a commit costs a process or two.
UNBUILT = {
    "build_command": [],
    "install_command": ["python -c pass"],
    "uninstall_command": ["python -c pass"],
    "matrix": {"req": {}},
}
SUITE = "@quick\ndef track_number():\n    return {number}\n"


def test_a_history_is_measured_by_several_hosts_and_stored_as_it_comes(tmp_path: Path) -> None:
    """Each commit once, under the name of the hosts' class; what is stored is not measured again."""
    project = make(tmp_path / "project", SUITE.format(number=1), **UNBUILT)
    commits = [project.git("rev-parse", "HEAD"), *(project.commit(f"c{n}") for n in range(2))]
    project.suite(SUITE.format(number=2))
    words = ("run", "ALL", "--scheduler", "local:2", "--wait", "120")
    answer = finished(project.start(*words), timeout_s=300)
    assert answer.code == 0, answer.words()
    documents = [load(path) for path in answer.paths]
    assert sorted(d["commit"]["hash"] for d in documents) == sorted(commits)
    assert {d["environment"]["machine"] for d in documents} == {"local"}
    # The suite of the working tree, and said to be changed.
    assert [entry["value"] for d in documents for entry in d["benchmarks"]] == [2] * 3
    assert all(d["commit"]["dirty"] for d in documents)
    assert {d["commit"]["branch"] for d in documents} == {"main"}
    homes = list((project.path / ".odyssey" / "fleet").glob("host-*/jobs/*/answer.json"))
    assert len(homes) == 3
    assert len({path.parents[2].name for path in homes}) == 2
    spans: dict[str, list[tuple[float, float]]] = {}
    for path in homes:
        told = json.loads(path.read_text())
        spans.setdefault(path.parents[2].name, []).append((told["started"], told["ended"]))
    for times in spans.values():
        times.sort()
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(times))
    again = project.odyssey(*words)
    assert again.code == 0
    assert sorted(again.out.split()) == sorted(answer.out.split())
    assert "done in" not in again.err


def test_a_check_over_a_fleet_ends_as_on_one_machine(tmp_path: Path) -> None:
    """Killed in the middle it goes on: the shard that was answered is not measured again."""
    project = paired_projects.Project(tmp_path / "project", paired_projects.COPIED)
    project.git("checkout", "--quiet", "-b", "change")
    project.write("subject.py", CODE.format(turns=600))
    words = ("check", "--scheduler", "local", "--jobs", "2", "--budget", "60")
    first = project.start(*words)
    sessions = project.root / ".odyssey" / "sessions"
    wait_for(lambda: list(sessions.glob("*/1/*_shard.json")), timeout_s=120)
    os.kill(first.pid, signal.SIGTERM)
    first.communicate(timeout=60)
    assert first.returncode == 130
    (kept,) = sessions.glob("*/1/*_shard.json")
    content = kept.read_bytes()
    code, out, err = project.run(*words, "--json")
    assert code == 1, f"{out}\n{err}"
    assert "shard 1/2" not in err
    assert "shard 2/2: done" in err
    document = json.loads(out)
    verdicts = {case["label"]: case["verdict"] for case in document["cases"]}
    assert verdicts.pop("size") == "unchanged"
    assert set(verdicts.values()) == {"regression"}
    assert len(verdicts) == 2
    effects = [finding["effects"] for finding in json.loads(content)["check"]["findings"]]
    assert all(e in [case["effects"] for case in document["cases"]] for e in effects)
    assert document["contender"]["dirty"] is True
    assert document["contender"]["commit"] == project.git("rev-parse", "HEAD")
    stored = list((project.root / "benchmarks" / "results").glob("*_results.json"))
    assert {len(json.loads(path.read_text())["benchmarks"]) for path in stored} == {3}
    assert not list(sessions.iterdir())
    assert project.left_running() == []


def test_words_that_do_not_go_together(tmp_path: Path) -> None:
    project = make(tmp_path / "project")
    for words, said in (
        (("run", "--scheduler", "local", "--shard", "1/2"), "--shard and --scheduler"),
        (("run", "--scheduler", "local", "--quick"), "--quick and --scheduler"),
        (("check", "--scheduler", "local", "-m", "x"), "--machine and --scheduler"),
        (("check", "--class", "x"), "goes with --scheduler"),
        (("run", "--scheduler", "local", "-E", "existing"), "not of the hosts"),
        (("run", "--scheduler", "local", "--class", "a/b"), "cannot name a folder"),
        (("fleet", "status", "local"), "only while it measures"),
    ):
        answer = project.here(*words)
        assert answer.code == 2, answer.words()
        assert said in answer.err
