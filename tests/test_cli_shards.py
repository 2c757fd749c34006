"""Shards without an engine: one call, one file, and `odyssey import` that joins them or names why not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv.pairs.evidence import Promise
from tests.paired_projects import CODE, COPIED, Project
from tests.projects import make

MANY = """
import subject


def time_work(kind):
    subject.work(kind)


time_work.params = list(range(40))
time_work.number = 40


def track_size():
    return subject.SIZE
"""


@pytest.fixture(scope="module")
def slowed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """HEAD is twice as slow as HEAD~1 in 40 cases."""
    project = Project(tmp_path_factory.mktemp("shards") / "project", COPIED)
    project.write("benchmarks/suite.py", MANY)
    project.commit("many cases")
    project.git("checkout", "--quiet", "-b", "change")
    project.write("subject.py", CODE.format(turns=600))
    project.commit("slower")
    return project


@pytest.fixture(scope="module")
def shards(slowed: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three shards of four cases, one of them tracked."""
    folder = tmp_path_factory.mktemp("cut")
    for number in (1, 2, 3):
        code, out, err = slowed.run(
            "check", "-b", r"work\([123]\)|track", "--shard", f"{number}/3", "-m", "bench",
            "--out", str(folder / str(number)), "--seed", str(number),
        )  # fmt: skip
        assert code == 0, err
        assert [Path(line) for line in out.splitlines()] == list((folder / str(number)).iterdir())
    return folder


def file_in(folder: Path) -> Path:
    (path,) = folder.glob("*_shard.json")
    return path


def test_a_shard_judges_as_a_part_of_the_whole_suite(slowed: Project, tmp_path: Path) -> None:
    """With two cases of forty it must not accuse after the blocks that two cases need."""
    code, _, err = slowed.run("check", "--shard", "1/20", "--out", str(tmp_path))
    assert code == 0, err
    document = json.loads(file_in(tmp_path).read_text())
    assert document["whole"]["gated cases"] == "40"
    accused = [f for f in document["check"]["findings"] if f["verdict"] == "regression"]
    assert 1 <= len(accused) <= 3
    assert Promise(3).least < Promise(40).least
    assert all(len(finding["effects"]) >= Promise(40).least for finding in accused)


def test_joined_shards_give_the_verdict_of_a_check(
    slowed: Project, shards: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    document = slowed.document("import", str(shards), "--out", str(out), code=1)
    verdicts = [case["verdict"] for case in document["cases"]]
    assert sorted(verdicts) == ["regression"] * 3 + ["unchanged"]
    assert len({case["label"] for case in document["cases"]}) == 4
    assert all(case["effects"] for case in document["cases"])
    assert document["base"]["commit"] == slowed.git("rev-parse", "HEAD~1")
    assert document["contender"]["commit"] == slowed.git("rev-parse", "HEAD")
    sides = [json.loads(path.read_text()) for path in out.glob("*_results.json")]
    assert {len(side["benchmarks"]) for side in sides} == {4}
    assert {side["commit"]["hash"] for side in sides} == {
        document["base"]["commit"], document["contender"]["commit"],
    }  # fmt: skip
    assert {side["environment"]["machine"] for side in sides} == {"bench"}
    assert all(side["run"]["complete"] for side in sides)


def test_importing_twice_stores_once(slowed: Project, shards: Path, tmp_path: Path) -> None:
    for _ in range(2):
        slowed.document("import", str(shards), "--out", str(tmp_path), code=1)
    assert len(list(tmp_path.iterdir())) == 2


def fact(name: str, value: str) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        document["whole"][name] = value

    return change


def other_cores(document: Any) -> None:
    for results in document["check"]["base"]:
        results["environment"]["cpu_model"] = "Another 9000"


def taken_twice(document: Any) -> None:
    document["check"]["findings"] *= 2


def anothers_unit(document: Any) -> None:
    document["units"] += [f"0 suite.time_work({number})" for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (anothers_unit, "suite.time_work(1): is in two shards"),
        (fact("base", "f" * 40), "base: "),
        (fact("tolerance", "7 %"), "tolerance: 5 % in "),
        (fact("suite", "other"), "suite: "),
        (fact("machine class", "slow"), "machine class: bench in "),
        (fact("gated cases", "2"), "gated cases: "),
        (fact("odyssey-asv", "9.9"), "odyssey-asv: "),
        (other_cores, "environment.cpu_model: "),
        (taken_twice, "was judged in two shards"),
    ],
)
def test_what_does_not_belong_together_is_named(
    slowed: Project, shards: Path, tmp_path: Path, change: Callable[[Any], None], said: str
) -> None:
    """With the fact, both values and the file that has it."""
    folder = tmp_path / "shards"
    shutil.copytree(shards, folder)
    path = file_in(folder / "2")
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    code, out, err = slowed.run("import", str(folder), "--out", str(tmp_path / "out"))
    assert code == 2
    assert out == ""
    assert said in err
    assert "2-of-3" in err or "two shards" in err
    assert not (tmp_path / "out").exists()


def test_a_missing_shard_and_one_that_is_there_twice(
    slowed: Project, shards: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "shards"
    shutil.copytree(shards, folder)
    other = json.loads(file_in(folder / "3").read_text())
    other["check"]["seed"] = 77
    shutil.rmtree(folder / "1")
    (folder / "again").mkdir()
    (folder / "again" / file_in(folder / "3").name).write_text(json.dumps(other))
    code, _, err = slowed.run("import", str(folder))
    assert code == 2
    assert "missing of the check: shard 1/3" in err
    assert "shard 3/3 is there more than once" in err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ('{"schema_version": "2.0"}', "newer than this tool reads"),
        ('{"verb": "check", "index": 1, "of": 1, "whole": {}, "units": []}', "check: "),
        ('{"verb": "run", "index": 3, "of": 2, "whole": {}, "units": []}', "no shard 3 of 2"),
        ('{"verb": "dance", "index": 1, "of": 1, "whole": {}, "units": []}', "verb: "),
    ],
)
def test_a_broken_shard_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    project = make(tmp_path / "project")
    path = project.write("shards/x_shard.json", text)
    answer = project.here("import", "shards")
    assert answer.code == 2
    assert path.name in answer.err
    assert said in answer.err


def test_a_run_is_cut_by_commit(tmp_path: Path) -> None:
    """One shard has the only commit and the other nothing; both leave a file."""
    project = make(tmp_path / "project")
    folders = [tmp_path / "one", tmp_path / "two"]
    for number, folder in enumerate(folders, 1):
        answer = project.run("--shard", f"{number}/2", "--out", str(folder))
        assert answer.code == 0, answer.words()
    units = [json.loads(file_in(folder).read_text())["units"] for folder in folders]
    assert sorted(units) == [[], [project.git("rev-parse", "HEAD")]]
    joined = project.here("import", *map(str, folders))
    assert joined.code == 0, joined.words()
    (stored,) = joined.paths
    assert stored.parent == project.results
    measured = next(path for folder in folders for path in folder.glob("*_results.json"))
    assert stored.read_bytes() == measured.read_bytes()
    measured.unlink()
    broken = project.here("import", *map(str, folders))
    assert broken.code == 2
    assert f"{measured.name} is not there" in broken.err


def test_words_that_cannot_be(tmp_path: Path) -> None:
    project = make(tmp_path / "project")
    for words, said in (
        (("run", "--shard", "3/2"), "there is no shard 3 of 2"),
        (("run", "--quick", "--shard", "1/2"), "leave out --shard"),
        (("check", "--shard", "half"), "expected a shard such as 1/4"),
        (("check", "--shard", "1/2", "--changed"), "not with --shard"),
        (("check", "--scheduler", "local", "--changed"), "not with --shard or --scheduler"),
        (("run", "--shard", "1/2", "--durations", "nowhere"), "nowhere"),
        (("import", "benchmarks"), "nothing to import"),
    ):
        answer = project.here(*words)
        assert answer.code == 2, answer.words()
        assert said in answer.err
