"""`odyssey import`. What each format says is tested with the formats, real runs in test_neighbours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv import load, read_asv_tree
from tests.neighbours import (
    google_document,
    google_entry,
    pyperf_benchmark,
    pyperf_document,
    pytest_document,
    pytest_entry,
)
from tests.projects import Project, make

UNKNOWN = {"commit_info": None}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make(tmp_path / "p")


def put(project: Project, name: str, document: Any) -> str:
    project.write(name, json.dumps(document))
    return name


def session(**changes: Any) -> dict[str, Any]:
    return pytest_document(pytest_entry("t.py::test_a"), **changes)


def test_paths_on_stdout_words_on_stderr(project: Project) -> None:
    name = put(project, "a.json", session())
    answer = project.odyssey("import", name)
    assert answer.code == 0, answer.words()
    assert answer.out == "benchmarks/results/20261125T100000Z-a1b2c3d4_results.json\n"
    assert answer.err.startswith("next: ")
    assert answer.document["run"]["kind"] == "imported"
    assert answer.document["run"]["imported_from"] == "pytest-benchmark 5.3.1"


def test_what_is_stored_is_not_stored_twice(project: Project) -> None:
    name = put(project, "a.json", session())
    first = project.here("import", name)
    before = first.paths[0].read_bytes()
    again = project.here("import", name)
    assert (again.code, again.paths) == (0, first.paths)
    assert "stored already" in again.err
    other = session()
    other["benchmarks"][0]["stats"]["data"] = [1.0]
    third = project.here("import", put(project, "b.json", other))
    assert third.paths[0].name == "20261125T100000Z-a1b2c3d4-2_results.json"
    assert first.paths[0].read_bytes() == before


def test_warnings_are_said_and_kept(project: Project) -> None:
    name = put(project, "a.json", session(**UNKNOWN))
    answer = project.here("import", name)
    assert "warning: a.json: no commit is known" in answer.err
    assert any("no commit is known" in words for words in answer.document["run"]["warnings"])
    assert answer.paths[0].name == "20261125T100000Z-nocommit_results.json"


def test_a_commit_that_is_given(project: Project) -> None:
    head = project.git("rev-parse", "HEAD")
    name = put(project, "a.json", session(**UNKNOWN))
    answer = project.here("import", name, "--commit", "main")
    commit = answer.document["commit"]
    assert (commit["hash"], commit["branch"], commit["dirty"]) == (head, "main", False)
    assert commit["date"] is not None


def test_a_file_of_another_commit_is_refused(project: Project) -> None:
    name = put(project, "a.json", session())
    answer = project.here("import", name, "--commit", "HEAD")
    assert answer.code == 2
    assert "is of commit a1b2c3d4a1b2, not of " in answer.err
    assert not project.results.exists()


def test_a_file_that_says_the_same_commit_stays_dirty(project: Project) -> None:
    head = project.git("rev-parse", "HEAD")
    name = put(project, "a.json", session(commit_info={"id": head[:10], "dirty": True}))
    commit = project.here("import", name, "--commit", "HEAD").document["commit"]
    assert (commit["hash"], commit["dirty"]) == (head, True)


def test_the_seeds_file(project: Project, fixtures: Path) -> None:
    shutil.copy(fixtures / "seed" / "minimal.json", project.path / "seed.json")
    answer = project.here("import", "seed.json", "--commit", "HEAD", "-m", "bench-9")
    assert answer.code == 0, answer.words()
    found = load(answer.paths[0])
    assert found.results == load(fixtures / "seed" / "minimal.json").results
    assert found.environment.machine == "bench-9"
    assert found.commit.hash == project.git("rev-parse", "HEAD")


def test_a_baseline_loses_its_approval(project: Project) -> None:
    document = {
        "timestamp": "2026-11-23T10:00:00Z", "environment": {}, "release": "v1", "seal": "0" * 64,
        "benchmarks": [{"name": "add", "duration_ms": 1.0}],
        "approval": {"by": "Ada", "reason": "x", "approved_at": "y", "candidate": "z",
                     "sha256": "0" * 64},
    }  # fmt: skip
    answer = project.here("import", put(project, "base.json", document), "--commit", "HEAD")
    assert "without its approval" in answer.err
    assert not {"approval", "release", "seal"} & set(answer.document)


def test_asvs_results(project: Project, fixtures: Path) -> None:
    """A whole folder, the same found below another, and one file with what stands around it."""
    shutil.copytree(fixtures / "asv_tree", project.path / "kept" / "tree")
    whole = project.here("import", "kept/tree")
    assert whole.code == 0, whole.words()
    assert len(whole.paths) == len(list(read_asv_tree(fixtures / "asv_tree"))) > 3
    below = project.here("import", "kept")
    assert below.paths == whole.paths
    assert below.err.count("stored already") == len(whole.paths)
    one = next(
        path for path in sorted((project.path / "kept/tree/tiny-machine").iterdir())
        if path.name != "machine.json"
    )  # fmt: skip
    alone = project.here("import", str(one), "--out", "elsewhere")
    assert alone.code == 0, alone.words()
    assert alone.document["environment"]["machine"] == "tiny-machine"


def test_a_folder_means_what_is_recognised_in_it(project: Project) -> None:
    put(project, "in/a.json", session())
    put(project, "in/deep/b.json", pyperf_document(pyperf_benchmark("x", [1.0])))
    put(project, "in/deep/c.json", google_document(google_entry("y", 5.0)))
    put(project, "in/package.json", {"name": "no results"})
    put(project, "in/notes.txt", "no JSON")
    answer = project.here("import", "in", "--commit", "a1b2c3d4")
    assert answer.code == 2
    answer = project.here("import", "in")
    assert answer.code == 0, answer.words()
    assert len(answer.paths) == 3
    assert "note: not the result file of a tool that is known here: in/package.json" in answer.err


def test_a_faulty_file_takes_nothing_from_the_others(project: Project) -> None:
    broken = session()
    broken["benchmarks"][0]["stats"]["median"] = -1
    names = [
        put(project, "broken.json", broken),
        put(project, "strange.json", {"some": "thing"}),
        put(project, "good.json", session()),
    ]
    project.write("cut.json", '{"benchmarks": [')
    project.write("not.json.gz", "\x1f\x8b not gzip")
    (project.path / "not.json.gz").write_bytes(b"\x1f\x8b not gzip")
    answer = project.here("import", *names, "cut.json", "not.json.gz")
    assert answer.code == 2
    assert len(answer.paths) == 1
    assert "broken.json: benchmarks[0] (test_a).stats.median: must not be negative" in answer.err
    assert "strange.json: not the result file of a tool that is known here" in answer.err
    assert "cut.json: not JSON: " in answer.err
    assert "line 1, column 17" in answer.err
    assert "not.json.gz: not gzip: " in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.json"], "missing.json: not found"),
        (["a.json", "missing.json"], "missing.json: not found"),
        ([], "Missing argument"),
        (["a.json", "--from", "junit"], "Invalid value"),
        (["a.json", "--from", "pyperf"], "version: '5.3.1' is not read"),
        (["a.json", "--from", "odyssey"], "timestamp: missing"),
        (["a.json", "--from", "asv"], "a.json: "),
        (["a.json", "--commit", "nosuch"], "unknown commit"),
        (["a.json", "--commit=-x"], "-x"),
        (["a.json", "-m", "../up"], "cannot name a folder"),
        (["empty"], "nothing to import"),
        (["deep.json"], "deep"),
        (["undated.json"], "is not ISO 8601"),
    ],
)
def test_what_cannot_be_imported(project: Project, words: list[str], said: str) -> None:
    put(project, "a.json", session())
    put(project, "undated.json", {
        "timestamp": "now", "environment": {}, "benchmarks": [{"name": "x", "duration_ms": 1}],
    })  # fmt: skip
    project.write("deep.json", '{"timestamp": ' * 100_000)
    (project.path / "empty").mkdir()
    answer = project.here("import", *words)
    assert answer.code == 2, answer.words()
    assert said in answer.err
    assert answer.out == ""
    assert not project.results.exists()


def test_names_are_data(project: Project) -> None:
    name = "test_x[\x1b]0;title\x07\n=cmd|'/C calc'!A0<script>" + "x" * 300 + "]"
    entry = pytest_entry(f"t.py::{name}", name=name)
    del entry["stats"]["data"]
    answer = project.here("import", put(project, "a.json", pytest_document(entry)))
    assert answer.code == 0, answer.words()
    assert "\x1b" not in answer.out + answer.err
    assert answer.document["benchmarks"][0]["name"] == name
    for target in ("pyperf", "pytest-benchmark", "github-action-benchmark", "bencher", "csv"):
        shown = project.here("export", str(answer.paths[0]), "--to", target)
        assert shown.code == 0, shown.words()
        assert "\x1b" not in shown.err
