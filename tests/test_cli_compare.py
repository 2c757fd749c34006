"""`odyssey compare` end to end. What counts as what is tested with the comparison itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.projects import ODYSSEY, Answer, Project, load, make

PLACE = {"os": "linux", "cpu": "x86_64", "mojo_version": None, "python_version": "3.11.7"}


def document(times: dict[str, float | None], **more: Any) -> dict[str, Any]:
    """A result file's document: milliseconds by name, None for a failed one."""
    benchmarks = [
        {"name": name, "duration_ms": ms, "throughput": 1.0, "memory_mb": 1.0, "iterations": 10}
        | ({"status": "failed", "reason": "it broke"} if ms is None else {})
        for name, ms in times.items()
    ]
    return {
        "timestamp": "2026-11-23T10:00:00Z",
        "environment": PLACE,
        "benchmarks": benchmarks,
    } | more


def write(path: Path, times: dict[str, float | None], **more: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(times, **more)), encoding="utf-8")
    return str(path)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make(tmp_path / "p")


@pytest.fixture
def sides(project: Project) -> list[str]:
    """A base and a contender with one regression."""
    return [
        write(project.path / "base.json", {"add": 10.0, "mul": 10.0}),
        write(project.path / "contender.json", {"add": 11.5, "mul": 10.0}),
    ]


BASE = {"add": 10.0}


@pytest.mark.parametrize(
    ("base", "contender", "words", "code"),
    [
        (BASE, {"add": 10.0}, [], 0),
        (BASE, {"add": 11.0}, [], 0),
        ({"add": 0.3}, {"add": 0.33}, [], 0),
        (BASE, {"add": 11.01}, [], 1),
        (BASE, {"add": None}, [], 1),
        ({"add": None}, {"add": 10.0}, [], 3),
        (BASE, {"mul": 10.0}, [], 2),
        (BASE, {"add": 0.0}, [], 2),
        (BASE, {"add": 20.0, "mul": 1.0}, [], 1),
        ({"add": 10.0, "mul": 1.0}, BASE, [], 0),
        ({"add": 10.0, "mul": 1.0}, BASE, ["--fail-on-missing"], 1),
        (BASE, {"add": 10.6}, ["--threshold", "6%"], 0),
        (BASE, {"add": 10.7}, ["--threshold", "6%"], 1),
        (BASE, {"add": 11.5}, ["--threshold", "0.2"], 0),
        (BASE, {"add": 10.0}, ["--tolerance", "20%"], 2),
        (BASE, {"add": 10.0}, ["--threshold", "much"], 2),
        (BASE, {"add": 10.0}, ["--gate", "speed"], 2),
        (BASE, {"add": 20.0}, ["--gate", "memory"], 0),
        (BASE, {"add": 20.0}, ["--gate", "track"], 3),
        (BASE, {"add": 10.0}, ["--format", "xml"], 2),
    ],
)
def test_exit_codes(
    project: Project, base: Any, contender: Any, words: list[str], code: int
) -> None:
    files = [
        write(project.path / "base.json", base),
        write(project.path / "contender.json", contender),
    ]
    answer = project.here("compare", *files, *words)
    assert answer.code == code, answer.words()
    assert answer.err.strip()


def test_another_machine(project: Project) -> None:
    there = {"environment": PLACE | {"machine": "there"}}
    here = {"environment": PLACE | {"machine": "here"}}
    files = [
        write(project.path / "base.json", {"add": 10.0}, **there),
        write(project.path / "contender.json", {"add": 20.0}, **here),
    ]
    for words, code in (
        ([], 1),
        (["--other-machine", "gate"], 1),
        (["--other-machine", "advise"], 0),
        (["--other-machine", "refuse"], 2),
        (["--strict-environment"], 2),
    ):
        answer = project.here("compare", *files, *words)
        assert answer.code == code, answer.words()
        assert "another machine: there → here" in answer.out


@pytest.mark.parametrize(
    "words",
    [
        ["base.json"],
        ["base.json", "contender.json", "third.json"],
        ["base.json", "contender.json", "--baseline", "base.json"],
        ["missing.json", "contender.json"],
        ["base.json", "nosuchref"],
        ["base.json", "HEAD"],
        ["--", "base.json", "-x"],
        ["base.json", "latest"],
        ["baseline", "contender.json"],
        ["baseline:v9", "contender.json"],
        ["baseline:../x", "contender.json"],
        ["base.json", "broken.json"],
        ["base.json", "asv.conf.json"],
        ["base.json", "."],
        ["base.json", "sub/missing"],
        ["--current", "contender.json"],
        [],
    ],
)
@pytest.mark.usefixtures("sides")
def test_words_that_mean_nothing(project: Project, words: list[str]) -> None:
    project.write("broken.json", '{"timestamp": ')
    project.write("sub/x", "")
    answer = project.here("compare", *words)
    assert answer.code == 2, answer.words()
    assert "rror: " in answer.err
    assert answer.out == ""


def test_data_on_stdout_words_on_stderr(project: Project, sides: list[str]) -> None:
    answer = project.odyssey("compare", *sides)
    assert answer.code == 1
    assert "REGRESSION" in answer.out
    assert "\x1b" not in answer.out + answer.err
    assert answer.err.startswith("next: ")


@pytest.mark.parametrize("words", [["--json"], ["--format", "json"]])
def test_json(project: Project, sides: list[str], words: list[str]) -> None:
    answer = project.here("compare", *sides, *words)
    found = json.loads(answer.out)
    assert found["exit_code"] == answer.code == 1
    assert answer.err == ""


def test_markdown_and_github(project: Project, sides: list[str]) -> None:
    markdown = project.here("compare", *sides, "--format", "markdown")
    assert (markdown.code, "|" in markdown.out) == (1, True)
    github = project.here("compare", *sides, "--format", "github")
    assert (github.code, "::error" in github.out) == (1, True)


def test_every_form_into_a_folder(project: Project, sides: list[str]) -> None:
    folder = project.path / "a" / "report"
    for _ in range(2):
        answer = project.here("compare", *sides, "--report", str(folder))
        assert answer.code == 1
    assert {path.name for path in folder.iterdir()} == {
        "report.txt", "report.json", "report.md", "report.html", "annotations.txt",
    }  # fmt: skip
    assert "must not pass · odyssey compare</title>" in (folder / "report.html").read_text()
    assert load(folder / "report.json")["exit_code"] == 1
    assert "reports: " in answer.err


def test_a_report_folder_that_cannot_be(project: Project, sides: list[str]) -> None:
    answer = project.here("compare", *sides, "--report", "base.json/x")
    assert answer.code == 3, answer.words()
    assert "error: " in answer.err


@pytest.mark.parametrize("count", [2, 2000])
def test_a_reader_that_goes_takes_nothing_from_the_exit_code(project: Project, count: int) -> None:
    files = [
        write(project.path / f"{side}.json", {f"benchmark_{n}": ms for n in range(count)})
        for side, ms in (("base", 10.0), ("contender", 20.0))
    ]
    for words in (["--all"], ["--json"]):
        child = project.start("compare", *files, *words)
        assert child.stdout is not None
        assert child.stderr is not None
        if count > 2:
            child.stdout.read(10)
        child.stdout.close()
        err = child.stderr.read()
        child.stderr.close()
        assert child.wait(30) == 1, err
        assert "Traceback" not in err
        assert "BrokenPipe" not in err
        assert "Exception ignored" not in err


def test_two_thousand_entries(project: Project) -> None:
    times: dict[str, float | None] = {f"benchmark_{n}": 1.0 + n for n in range(2000)}
    slower = times | {"benchmark_7": 80.0}
    base, contender = project.path / "base.json", project.path / "contender.json"
    answer = project.here("compare", write(base, times), write(contender, slower))
    assert answer.code == 1
    assert len(answer.out.splitlines()) < 60
    assert "1 regression, 1999 unchanged" in answer.out
    everything = project.here("compare", str(base), str(contender), "--all")
    assert len(everything.out.splitlines()) > 2000


def test_a_full_disk_behind_stdout(project: Project, sides: list[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        answer = project.odyssey("compare", *sides, stdout=full)
    assert answer.code == 3, answer.words()
    assert "No space left" in answer.err
    assert "Exception ignored" not in answer.err


def test_letters_the_terminal_does_not_have(project: Project) -> None:
    files = [write(project.path / f"{s}.json", {"a → b": 1.0}) for s in ("base", "contender")]
    answer = project.odyssey("compare", *files, env={"PYTHONIOENCODING": "latin-1"})
    assert answer.code == 0, answer.words()
    assert "a \\u2192 b" in answer.out


def test_names_do_not_drive_the_terminal(project: Project) -> None:
    files = [
        write(project.path / f"{side}.json", {"evil\x1b]0;x\x07": ms})
        for side, ms in (("base", 1.0), ("contender", 2.0))
    ]
    for form in ("table", "markdown", "github", "json"):
        answer = project.here("compare", *files, "--format", form)
        assert answer.code == 1, answer.words()
        assert "\x1b" not in answer.out + answer.err


def _terminal(project: Project, *words: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    """What a command draws on a terminal of 80 columns, and its exit code."""
    import fcntl
    import pty
    import struct
    import termios

    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [ODYSSEY, *words], cwd=project.path, stdin=child, stdout=child, stderr=child,
        env=project.environment | {"TERM": "xterm-256color"} | (env or {}),
    )  # fmt: skip
    os.close(child)
    drawn = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:
            break
        drawn += piece
    os.close(parent)
    return process.wait(30), drawn.decode()


def test_a_terminal_of_80_columns(project: Project) -> None:
    names = {"a_rather_long_name_of_a_benchmark_" * 3 + str(n): float(n + 1) for n in range(3)}
    files = [
        write(project.path / "base.json", dict(names)),
        write(project.path / "contender.json", {k: v * 2 for k, v in names.items()}),
    ]
    code, drawn = _terminal(project, "compare", *files)
    assert code == 1
    assert "\x1b[" in drawn
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)
    table = plain[plain.index("change") : plain.index("3 regressions")]
    assert max(len(line.rstrip("\r")) for line in table.splitlines()) <= 80
    code, drawn = _terminal(project, "compare", *files, env={"NO_COLOR": "1"})
    assert code == 1
    assert "\x1b" not in drawn


# Words that mean stored results.


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[str]]:
    """A project with two measured commits. Not to be changed."""
    project = make(tmp_path_factory.mktemp("history") / "p")
    commits = [project.git("rev-parse", "HEAD")]
    assert project.run().code == 0
    project.git("tag", "v1.0")
    commits.append(project.commit("second"))
    assert project.run().code == 0
    return project, commits


def _copy(history: tuple[Project, list[str]], tmp_path: Path) -> Project:
    project = Project(tmp_path / "copy")
    shutil.copytree(history[0].path, project.path)
    project.home.mkdir()
    return project


def _compared(answer: Answer) -> list[str]:
    found = json.loads(answer.out)
    return [found[side]["commit"] for side in ("base", "contender")]


def test_references(history: tuple[Project, list[str]]) -> None:
    project, (old, new) = history
    wide = ["--gate", "track", "--json"]
    for base, contender, expected in (
        ("HEAD~1", "HEAD", [old, new]),
        ("v1.0", "main", [old, new]),
        (new[:10], old, [new, old]),
        ("HEAD", "latest", [new, new]),
        (old, "latest", [old, new]),
    ):
        answer = project.here("compare", base, contender, *wide)
        assert answer.code == 0, answer.words()
        assert _compared(answer) == expected


def test_asvs_own_tree_does_without_our_files(
    history: tuple[Project, list[str]], tmp_path: Path
) -> None:
    project = _copy(history, tmp_path)
    shutil.rmtree(project.results)
    answer = project.here("compare", "HEAD~1", "HEAD", "--gate", "track", "--json")
    assert answer.code == 0, answer.words()
    assert _compared(answer) == history[1]


def test_a_baseline_and_a_release(history: tuple[Project, list[str]], tmp_path: Path) -> None:
    project = _copy(history, tmp_path)
    (old,) = (p for p in project.results.iterdir() if history[1][0][:8] in p.name)
    candidate = project.here("baseline", "propose", str(old)).paths[0]
    approved = project.here(
        "baseline", "approve", str(candidate), "--by", "Ada", "--reason", "x", "--release", "v1.0"
    )
    assert approved.code == 0, approved.words()
    for words in (["baseline", "HEAD"], ["baseline:v1.0", "latest"], []):
        answer = project.here("compare", *words, "--gate", "track", "--json")
        assert answer.code == 0, answer.words()
        assert _compared(answer) == history[1]


def test_a_branch_named_like_a_path(history: tuple[Project, list[str]], tmp_path: Path) -> None:
    project = _copy(history, tmp_path)
    project.git("branch", "benchmarks/faster")
    answer = project.here("compare", "HEAD~1", "benchmarks/faster", "--gate", "track", "--json")
    assert answer.code == 0, answer.words()


def test_an_environment_that_has_no_results(history: tuple[Project, list[str]]) -> None:
    answer = history[0].here("compare", "HEAD~1", "HEAD", "-E", "nothing")
    assert answer.code == 2
    assert "existing-py" in answer.err


def test_a_commit_without_results_says_how_to_get_them(
    history: tuple[Project, list[str]], tmp_path: Path
) -> None:
    project = _copy(history, tmp_path)
    project.commit("third")
    answer = project.here("compare", "HEAD~1", "HEAD")
    assert answer.code == 2
    assert "try: odyssey run HEAD" in answer.err
