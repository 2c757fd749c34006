"""`odyssey export`. What each format holds is tested with the formats, real tools in test_neighbours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv import read_asv_tree
from tests.projects import Project, load, make

JSON_TARGETS = ("pyperf", "pytest-benchmark", "github-action-benchmark", "bencher")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with one stored result of its commit."""
    made = make(tmp_path / "p")
    store(made, made.git("rev-parse", "HEAD"), "here")
    return made


def store(project: Project, commit: str, environment: str) -> Path:
    document: dict[str, Any] = {
        "timestamp": "2026-11-23T10:00:00Z",
        "commit": {"hash": commit},
        "environment": {"machine": "bench-1", "env_name": environment},
        "benchmarks": [
            {
                "name": "add", "id": "suite.time_add", "duration_ms": 2.0, "value": 0.002,
                "processes": [[0.001, 0.002], [0.003]], "number": 10,
            },
            {
                "name": "mul", "id": "suite.time_mul", "duration_ms": None, "status": "failed",
                "reason": "it broke",
            },
        ],
    }  # fmt: skip
    name = f"20261123T100000Z-{commit[:8]}{'' if environment == 'here' else '-2'}_results.json"
    return project.write(f"benchmarks/results/{name}", json.dumps(document))


@pytest.mark.parametrize("target", JSON_TARGETS)
def test_a_document_on_stdout(project: Project, target: str) -> None:
    answer = project.odyssey("export", "--to", target)
    assert answer.code == 0, answer.words()
    assert "suite.time_add" in json.dumps(json.loads(answer.out))
    assert "left out, without a value (failed): suite.time_mul" in answer.err


def test_csv_on_stdout_has_its_line_ends(project: Project) -> None:
    with (project.path / "out.csv").open("wb") as sink:
        assert project.odyssey("export", "--to", "csv", stdout=sink).code == 0
    written = (project.path / "out.csv").read_bytes()
    assert written.count(b"\r\n") == written.count(b"\n") == 3


@pytest.mark.parametrize("word", ["latest", "HEAD", "main", "FILE"])
def test_words_that_mean_a_result(project: Project, word: str) -> None:
    (path,) = project.results.iterdir()
    answer = project.here("export", str(path) if word == "FILE" else word, "--to", "bencher")
    assert answer.code == 0, answer.words()
    assert json.loads(answer.out) == {"suite.time_add": {"latency": {"value": 2000000.0}}}


def test_which_environment(project: Project) -> None:
    store(project, project.git("rev-parse", "HEAD"), "there")
    answer = project.here("export", "HEAD", "--to", "csv")
    assert answer.code == 2
    assert "more than one place" in answer.err
    answer = project.here("export", "HEAD", "--to", "csv", "-E", "there")
    assert answer.code == 0, answer.words()
    assert '"there"' in answer.out
    assert project.here("export", "HEAD", "--to", "csv", "-E", "nowhere").code == 2


def test_a_file_is_not_replaced_unasked(project: Project) -> None:
    target = project.path / "out" / "bencher.json"
    words = ["export", "--to", "bencher", "-o", str(target)]
    answer = project.here(*words)
    assert (answer.code, answer.out) == (0, "out/bencher.json\n")
    assert load(target)["suite.time_add"]
    target.write_text("mine")
    refused = project.here(*words)
    assert (refused.code, refused.out) == (2, "")
    assert "exists already" in refused.err
    assert target.read_text() == "mine"
    assert project.here(*words, "--force").code == 0
    assert load(target)["suite.time_add"]
    assert [path.name for path in target.parent.iterdir()] == ["bencher.json"]


def test_asv(project: Project) -> None:
    tree = project.path / "tree"
    answer = project.here("export", "--to", "asv", "-o", "tree")
    assert answer.code == 0, answer.words()
    assert [path.relative_to(tree).parts[0] for path in answer.paths] == ["bench-1"]
    assert "samples of several processes in one list" in answer.err
    assert "why a benchmark failed: suite.time_mul" in answer.err
    (found,) = read_asv_tree(tree)
    assert found.results[0].samples == (0.001, 0.002, 0.003)
    before = answer.paths[0].read_bytes()
    again = project.here("export", "--to", "asv", "-o", "tree")
    assert again.code == 2
    assert "exists already" in again.err
    assert answer.paths[0].read_bytes() == before
    assert project.here("export", "--to", "asv", "-o", "tree", "--force").code == 0


@pytest.mark.parametrize("stranger", ["notes.txt", "src/code.py", ".git/config"])
def test_nothing_is_written_among_other_files(project: Project, stranger: str) -> None:
    project.write(f"tree/{stranger}", "")
    answer = project.here("export", "--to", "asv", "-o", "tree")
    assert answer.code == 2
    assert "no part of asv's results" in answer.err
    assert not (project.path / "tree" / "bench-1").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Missing option '--to'"),
        (["--to", "xml"], "Invalid value"),
        (["--to", "asv"], "-o DIR"),
        (["nosuch", "--to", "csv"], "unknown commit"),
        (["missing.json", "--to", "csv"], "missing.json: not found"),
        (["--to", "csv", "-o", "."], "a folder"),
        (["--to", "csv", "--better", "higher"], "--better is for"),
        (["--to", "github-action-benchmark", "--better", "higher"], "nothing that"),
        (["asv.conf.json", "--to", "csv"], "asv.conf.json: "),
        (["--to", "asv", "-o", "asv.conf.json"], "not a folder"),
    ],
)
def test_what_cannot_be_exported(project: Project, words: list[str], said: str) -> None:
    answer = project.here("export", *words)
    assert answer.code == 2, answer.words()
    assert said in answer.err
    assert answer.out == ""


def test_a_machine_that_is_no_folder(project: Project) -> None:
    (path,) = project.results.iterdir()
    document = load(path)
    document["environment"]["machine"] = "../../up"
    path.write_text(json.dumps(document))
    answer = project.here("export", "--to", "asv", "-o", "tree")
    assert answer.code == 2
    assert "cannot be part of a file name" in answer.err
    assert not (project.path / "tree").exists()


def test_a_benchmark_that_asv_has_no_place_for(project: Project) -> None:
    (path,) = project.results.iterdir()
    document = load(path)
    document["benchmarks"][0]["id"] = "version"
    path.write_text(json.dumps(document))
    answer = project.here("export", "--to", "asv", "-o", "tree")
    assert answer.code == 2
    assert "'version'" in answer.err
