"""`odyssey history` as it is typed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests import past_projects
from tests.projects import Project

NAMES = ("suite.time_slow", "suite.time_back", "suite.time_same")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Sixteen commits of which every second was measured: one case got slower for good, one for a while,
    and one of two parameters faster at the newest commit."""
    made, commits = past_projects.make(tmp_path_factory.mktemp("history") / "p", 32)
    made.git("tag", "v1.0", commits[2])
    past_projects.suite(made, *NAMES, "suite.time_new")
    for number, commit in enumerate(commits[::2]):
        wobble = 1.0 + 0.003 * (number % 4)
        slow = 1e-3 * (1.0 if number < 8 else 1.25)
        back = 2e-3 * (1.5 if 4 <= number < 9 else 1.0)
        new = 1e-3 if number < 15 else 0.5e-3
        values = {NAMES[0]: slow * wobble, NAMES[1]: back * wobble, NAMES[2]: 5e-3 * wobble}
        new_values = {"suite.time_new": [new * wobble, 1e-3 * wobble]}
        past_projects.store(
            made, commit, values | new_values, params={"suite.time_new": [["1", "2"]]}
        )
    return made


def test_the_table_names_what_holds_first(project: Project) -> None:
    answer = project.odyssey("history")
    assert answer.code == 0, answer.words()
    lines = answer.out.splitlines()
    held = lines.index("regressions that hold")
    assert "suite.time_slow" in lines[held + 2]
    assert "+25." in lines[held + 2]
    assert ".." in lines[held + 2], "every second commit was measured: a range"
    fresh = lines.index("at the newest commits only: measure again before believing")
    assert "suite.time_new(1)" in lines[fresh + 2]
    back = lines.index("regressions that were made up for")
    assert "suite.time_back (recovered" in lines[back + 2]
    assert "worst: suite.time_slow +25." in lines[-1]
    assert answer.err.splitlines()[-1].startswith("next: odyssey bisect ")
    assert max(map(len, lines)) <= 100


def test_only_regressions_that_hold(project: Project) -> None:
    answer = project.here("history", "--regressions")
    assert "made up for" not in answer.out
    assert "suite.time_new" not in answer.out
    assert "suite.time_slow" in answer.out


def test_json_is_strict_and_complete(project: Project) -> None:
    answer = project.here("history", "--json")
    document = json.loads(answer.out, parse_constant=pytest.fail)
    assert document["schema_version"] == "1.0"
    slow = document["changes"][0]
    assert (slow["id"], slow["confirmed"], slow["worse"], slow["commits"]) == (
        NAMES[0], True, True, 2,
    )  # fmt: skip
    assert project.git("rev-parse", f"{slow['after']}~2") == slow["before"]
    assert slow["interval"][0] < slow["ratio"] < slow["interval"][1]
    assert len(document["series"]) == 5
    assert document["releases"][0]["names"] == ["v1.0"]
    held = json.loads(project.here("history", "--json", "--regressions").out)
    assert [change["id"] for change in held["changes"]] == [NAMES[0]]


def test_one_series_is_drawn(project: Project) -> None:
    answer = project.here("history", "-b", "slow")
    assert "⠉" in answer.out or any("\u2801" <= c <= "\u28ff" for c in answer.out)
    assert "latest level 1.26 ms" in answer.out
    assert "against the best" in answer.out
    assert "since v1.0" in answer.out


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_it_fits_the_terminal(project: Project, columns: int) -> None:
    import pty
    import subprocess

    from tests.projects import ODYSSEY

    main, side = pty.openpty()
    try:
        environment = project.environment | {"COLUMNS": str(columns), "LINES": "40"}
        child = subprocess.Popen(
            [ODYSSEY, "history", "-b", "slow"], cwd=project.path, env=environment, stdout=side,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(side)
        said = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:
                break
            if not part:
                break
            said += part
        assert child.wait() == 0
    finally:
        os.close(main)
    import re

    plain = re.sub(r"\x1b\[[0-9;]*m", "", said.decode())
    assert max(map(len, plain.splitlines())) <= columns


def test_markdown_and_annotations(project: Project, tmp_path: Path) -> None:
    markdown = project.here("history", "--format", "markdown").out
    assert "### regressions that hold" in markdown
    assert "suite.time&#95;slow" in markdown
    github = project.here("history", "--format", "github").out
    assert "::warning title=regression::suite.time_slow: +25." in github
    assert project.here("history", "--report", str(tmp_path / "r")).code == 0
    assert (tmp_path / "r" / "report.json").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-b", "nothing"), "no benchmark matches"),
        (("--since", "--all"), "begins with '-'"),
        (("--branch", "--all"), "begins with '-'"),
        (("--since", "v7"), "unknown commit"),
        (("--machine", "other"), "there are results of: virtualenv-py3.11 on m1"),
        (("-b", "("), "not a regular expression"),
    ],
)
def test_wrong_words_are_exit_2(project: Project, words: tuple[str, ...], said: str) -> None:
    answer = project.here("history", *words)
    assert answer.code == 2
    assert said in answer.err


def test_nothing_stored_is_exit_2(tmp_path: Path) -> None:
    made, _ = past_projects.make(tmp_path / "p", 1)
    answer = made.here("history")
    assert answer.code == 2
    assert "odyssey run" in answer.err
