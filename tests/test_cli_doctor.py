"""`odyssey doctor` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from odyssey_asv import doctor
from odyssey_asv.diagnoses import Diagnosis, Level, Topic
from odyssey_asv.doctor import Examination
from odyssey_asv.probes import machine, project
from odyssey_asv.report.doctor import terminal
from tests.projects import Project, make


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make(tmp_path_factory.mktemp("doctor") / "project")


def levels(document: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    """Of each topic the last finding's."""
    return {finding["topic"]: finding["level"] for finding in document["findings"]}


def test_a_sound_project_needs_nothing(sound: Project) -> None:
    """With the noise of this machine, whatever it is, for a moment."""
    before = sorted(sound.path.rglob("*"))
    answer = sound.odyssey("doctor", "--json", "--noise", "1")
    document = json.loads(answer.out)
    found = levels(document)
    assert {found[topic] for topic in ("git", "asv", "settings", "python", "folders")} == {"fine"}
    assert "noise" in found
    assert document["noise"]["seconds"] > 0
    problems = [f for f in document["findings"] if f["level"] == "problem"]
    assert answer.code == document["exit_code"] == (1 if problems else 0)
    assert {finding["topic"] for finding in problems} <= {"noise", "disk"}
    assert sorted(sound.path.rglob("*")) == before


def test_the_table_fits_eighty_columns(sound: Project) -> None:
    answer = sound.here("doctor", "--noise", "0")
    assert answer.code == 0
    assert max(map(len, answer.out.splitlines())) <= 80
    assert "nothing needs doing" in answer.out
    assert "noise " not in answer.out.replace("by the noise", "")
    assert "next: odyssey check" in answer.err


def test_everything_that_is_wrong_is_listed(tmp_path: Path) -> None:
    project = make(
        tmp_path / "ill", environment_type="virtualenw", benchmarks_dir="x", pythons=["2.4"]
    )
    project.write("odyssey-asv.toml", "tolerence = 1\n")
    (project.path / ".odyssey").write_text("")
    answer = project.here("doctor", "--noise", "0", "--json")
    assert answer.code == 1
    said = "\n".join(f"{f['said']} → {f['remedy']}" for f in json.loads(answer.out)["findings"])
    for word in ("did you mean 'virtualenv'?", "'benchmark_dir'?", "'tolerance'?", ".odyssey"):
        assert word in said


def test_a_folder_with_nothing_in_it(tmp_path: Path) -> None:
    """What to do is said, and nothing is left behind."""
    answer = Project(tmp_path).here("doctor", "--noise", "0")
    assert answer.code == 1
    assert "odyssey init" in answer.out
    assert "not a git repository" in answer.out
    assert list(tmp_path.iterdir()) == []


def test_a_machine_without_git(sound: Project, tmp_path: Path) -> None:
    """Every other thing is looked at all the same, and other verbs say it as shortly."""
    answer = sound.odyssey("doctor", "--noise", "0", env={"PATH": str(tmp_path)})
    assert answer.code == 1
    assert "git is not installed, or not on PATH" in answer.out
    assert "folders can be written to" in answer.out
    answer = sound.odyssey("check", env={"PATH": str(tmp_path)})
    assert answer.code == 3
    assert "git is not installed" in answer.err


def test_wrong_usage_is_two(sound: Project) -> None:
    assert sound.here("doctor", "--noise", "-1").code == 2
    assert sound.here("doctor", "extra").code == 2


@pytest.mark.parametrize(
    "error", [OSError(13, "Permission denied"), RuntimeError("odd"), KeyError()]
)
def test_no_probe_takes_the_others_down(
    sound: Project, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    for module, names in (
        (project, ("settings", "asv", "git", "compilers", "folders", "disk")),
        (machine, ("machine",)),
    ):
        for name in names:
            monkeypatch.setattr(module, name, broken)
    found = doctor.examine(sound.path, noise_s=0)
    assert {finding.level for finding in found.findings} == {Level.UNKNOWN}
    assert len(found.findings) >= 6


def test_a_name_cannot_break_the_table() -> None:
    """Names, paths and what programs print are data."""
    said = "a\x1b[2J b\nc " + "x" * 200
    odd = Examination((Diagnosis(Topic.GIT, Level.PROBLEM, said, "r\n\x07" * 50),))
    text = terminal.render(odd)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert max(map(len, text.splitlines())) <= 80
