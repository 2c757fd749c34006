"""What holds for every verb of the command."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import odyssey_asv
from odyssey_asv.cli.exits import Exit, finish, put, say
from odyssey_asv.errors import (
    CannotMeasureError,
    InterruptedRunError,
    InvalidFileError,
    InvalidInputError,
)
from tests.projects import ODYSSEY, Project

VERBS = ["run", "compare", "baseline"]
INNER = ["create", "propose", "approve", "list", "show", "verify"]


@pytest.fixture
def nowhere(tmp_path: Path) -> Project:
    """A folder with nothing in it."""
    project = Project(tmp_path / "nowhere")
    project.path.mkdir()
    project.home.mkdir()
    return project


def test_help(nowhere: Project) -> None:
    answer = nowhere.odyssey("--help")
    assert (answer.code, answer.err) == (0, "")
    assert all(re.search(rf"^  {verb} ", answer.out, re.MULTILINE) for verb in VERBS)
    assert "Exit codes: 0 fine, 1 regression, 2 bad input, 3 could not" in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80


@pytest.mark.parametrize(
    "words", [*([verb] for verb in VERBS), *(["baseline", verb] for verb in INNER)]
)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_of_each_verb(nowhere: Project, words: list[str], flag: str) -> None:
    answer = nowhere.odyssey(*words, flag)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"Usage: odyssey {' '.join(words)}")
    assert max(map(len, answer.out.splitlines())) <= 80


def test_version(nowhere: Project) -> None:
    answer = nowhere.odyssey("--version")
    assert (answer.code, answer.out.split()[-1]) == (0, odyssey_asv.__version__)


def test_three_names_of_the_same_command(nowhere: Project) -> None:
    for command in (
        [ODYSSEY], [str(Path(ODYSSEY).parent / "odyssey-asv")],
        [sys.executable, "-m", "odyssey_asv"],
    ):  # fmt: skip
        answer = subprocess.run(
            [*command, "--version"], cwd=nowhere.path, capture_output=True, text=True, check=True
        )
        assert odyssey_asv.__version__ in answer.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["nosuchverb"], ["--nosuchflag"], ["run", "--nosuchflag"], ["run", "--budget", "soon"],
        ["run", "--sample"], ["compare", "--format"], ["baseline", "nosuchverb"],
        ["baseline", "create", "--runs", "1"], ["baseline", "propose"],
    ],
)  # fmt: skip
def test_wrong_words(nowhere: Project, words: list[str]) -> None:
    answer = nowhere.odyssey(*words)
    assert (answer.code, answer.out) == (2, "")
    assert "Error: " in answer.err


@pytest.mark.parametrize("words", [[], ["baseline"]])
def test_without_a_verb_there_is_help(nowhere: Project, words: list[str]) -> None:
    answer = nowhere.odyssey(*words)
    assert answer.code == 2
    assert "Usage: " in answer.out + answer.err


@pytest.mark.parametrize("words", [["run"], ["compare"], ["baseline", "create"],
                                   ["baseline", "verify"], ["baseline", "show"]])  # fmt: skip
def test_a_folder_with_nothing_in_it(nowhere: Project, words: list[str]) -> None:
    answer = nowhere.odyssey(*words)
    assert (answer.code, answer.out) == (2, "")
    assert "error: " in answer.err
    assert "try: " in answer.err
    assert list(nowhere.path.iterdir()) == []


def test_a_configuration_that_is_none(nowhere: Project) -> None:
    nowhere.write("pyproject.toml", "[tool.odyssey-asv]\ntolerence = 0.05\n")
    for words in (["run"], ["compare"], ["baseline", "list"]):
        answer = nowhere.odyssey(*words)
        assert answer.code == 2
        assert "did you mean 'tolerance'" in answer.err
        assert "pyproject.toml" in answer.err
    answer = nowhere.odyssey("--config", "missing.json", "run")
    assert answer.code == 2


HEAVY = (
    "jinja2",
    "plotly",
    "sqlite3",
    "numpy",
    "scipy",
    "asv",
    "asv_runner",
    "git",
    "pydantic",
    "rich",
    "psutil",
    "filelock",
)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["nosuchverb"]])
def test_light_words_load_nothing_heavy(nowhere: Project, words: list[str]) -> None:
    program = (
        "import sys\n"
        "from odyssey_asv.cli import main\n"
        "try:\n"
        f"    main({words!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        "print('loaded', *{name.partition('.')[0] for name in sys.modules})\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=nowhere.path,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(answer.stdout.splitlines()[-1].split())
    assert "click" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = "import sys, odyssey_asv; dir(odyssey_asv); print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in answer.stdout.split()}
    assert loaded.isdisjoint({*HEAVY, "click"})


# One place turns what went wrong into words and a code.


def outcome(error: BaseException | None, value: object = None) -> int:
    def action() -> object:
        if error is not None:
            raise error
        return value

    with pytest.raises(SystemExit) as caught:
        finish(action)
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InvalidInputError("x is bad", tip="mend x"), 2, "error: x is bad\n  try: mend x\n"),
        (InvalidInputError("x is bad"), 2, "error: x is bad\n"),
        (InvalidFileError("f.json", ("a", "b")), 2, "error: f.json: 2 faults\n  a\n  b\n"),
        (CannotMeasureError("no", tip="yes"), 3, "error: no\n  try: yes\n"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 3, "/x: No space left"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 3, "free some space"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), 3, "--out DIR"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 3, "permissions"),
        (OSError("strange"), 3, "error: strange"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (InterruptedRunError("x"), 130, "interrupted"),
        (click.Abort(), 130, "interrupted"),
        (click.UsageError("bad flag"), 2, "Error: bad flag"),
        (ZeroDivisionError("oops"), 3, "this is a bug in odyssey-asv: ZeroDivisionError: oops"),
        (InvalidInputError("evil \x1b[31m"), 2, "evil \N{REPLACEMENT CHARACTER}[31m"),
    ],
)
def test_errors_become_words_and_codes(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    assert outcome(error) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_a_bug_shows_its_traceback_when_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODYSSEY_TRACEBACK", "1")
    assert outcome(ZeroDivisionError("oops")) == 3
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "code"), [(None, 0), (Exit.OK, 0), (Exit.REGRESSION, 1), (3, 3), ("text", 0)]
)
def test_values_become_codes(value: object, code: int) -> None:
    assert outcome(None, value) == code


def test_the_codes() -> None:
    assert [int(code) for code in Exit] == [0, 1, 2, 3, 130]


def test_data_to_stdout_and_words_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    put("data")
    put("more\n")
    say("words")
    assert tuple(capsys.readouterr()) == ("data\nmore\n", "words\n")


def test_words_that_nobody_reads_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(click, "echo", broken)
    say("words")


def test_data_that_nobody_reads_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        put("data")
        put("more")


@pytest.mark.parametrize(
    ("word", "meant"), [("chekc", "check"), ("histroy", "history"), ("zzz", None)]
)
def test_a_verb_that_is_none(nowhere: Project, word: str, meant: str | None) -> None:
    answer = nowhere.here(word)
    assert answer.code == 2
    assert f"No such command '{word}'" in answer.err
    assert ("Did you mean" in answer.err) == (meant is not None)
    assert meant is None or f"Did you mean '{meant}'?" in answer.err


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_no_exit_code(closed: str) -> None:
    """Cron jobs and hooks close them; what is opened afterwards must not be taken for them."""
    root = Path(__file__).parents[1]
    words = f"compare {root}/examples/base.json {root}/examples/contender.json"
    done = subprocess.run(
        f"{ODYSSEY} {words} {closed}", shell=True, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr
