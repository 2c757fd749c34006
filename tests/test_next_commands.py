"""What `next:` says can be pasted: each is run as a shell runs it, and ends with a documented exit code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from odyssey_asv.cli import _VERBS, cli, next_command
from odyssey_asv.cli import Scene as Where
from tests.paired_projects import COPIED, Project
from tests.projects import ODYSSEY

SUBJECT = """
def work():
    return sum(range({turns}))
"""
SUITE = """
import subject


def time_work():
    subject.work()


time_work.number = 20
"""


class Small(Project):
    """A project with a benchmark that a commit may slow down, and its own name on PATH for `odyssey`."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, COPIED)
        self.write("benchmarks/suite.py", SUITE)
        self.turn(3000, "start")

    def turn(self, turns: int, message: str) -> str:
        self.write("subject.py", f"{SUBJECT.format(turns=turns)}# {message}\n")
        return self.commit(message)

    @property
    def environment(self) -> dict[str, str]:
        path = f"{Path(ODYSSEY).parent}{os.pathsep}{os.environ['PATH']}"
        identity = {"NAME": "A O'Test", "EMAIL": "test@example.invalid"}
        roles = ("AUTHOR", "COMMITTER")
        known = {f"GIT_{role}_{part}": text for role in roles for part, text in identity.items()}
        return {**super().environment, "PATH": path, "PAGER": "cat", **known}

    def follow(self, *words: str, cwd: Path | None = None) -> tuple[str, int, str]:
        """Give a command, and the one that it names next: that, its exit code, and what it said."""
        folder = cwd or self.root
        done = subprocess.run(
            [ODYSSEY, *words], cwd=folder, env=self.environment, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        said = re.findall(r"^next: (.*)$", done.stderr, re.MULTILINE)
        assert len(said) == 1, done.stdout + done.stderr
        then = subprocess.run(
            said[0], shell=True, cwd=folder, env=self.environment, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        output = then.stdout + then.stderr
        assert "this is a bug" not in output
        assert then.returncode in (0, 1, 3), f"{said[0]}\n{output}"
        assert not re.search(r"^Usage:|^Error:", output, re.MULTILINE), f"{said[0]}\n{output}"
        return said[0], then.returncode, output


@pytest.fixture
def project(tmp_path: Path) -> Small:
    return Small(tmp_path / "pro ject")


def test_after_a_check_with_a_regression_the_search_begins_with_it(project: Small) -> None:
    """With the options that the check had."""
    project.turn(3000, "nothing")
    culprit = project.turn(9000, "slow")
    project.turn(9000, "nothing either")
    words = ("check", "--base", "HEAD~3", "-b", "wo.k$", "--python", "3")
    command, code, said = project.follow(*words)
    assert command == "odyssey bisect --from-check  # which commit did it"
    assert code == 1
    assert f"culprit {culprit[:12]}" in said
    command, code, said = project.follow("bisect", "HEAD~3..HEAD", "-b", "wo.k$")
    assert command == f"git show {culprit[:12]}"
    assert "slow" in said


def test_what_newly_fails_is_searched_for_from_the_check(project: Small) -> None:
    project.turn(3000, "nothing")
    project.write("subject.py", "def work():\n    raise ValueError('on purpose')\n")
    culprit = project.commit("fails")
    _, code, said = project.follow("check", "--base", "HEAD~2")
    assert code == 1
    assert f"culprit {culprit[:12]}" in said


@pytest.mark.parametrize(
    ("turns", "words", "expected"),
    [
        pytest.param(9000, ("check", "HEAD~1..HEAD"), "git show ", id="one commit"),
        pytest.param(3000, ("check", "HEAD~1..HEAD"), "odyssey ", id="unchanged"),
        pytest.param(1000, ("check", "HEAD~2..HEAD"), "odyssey bisect ", id="faster"),
        pytest.param(
            3000, ("check", "--self", "-b", "work"), "odyssey check -b work --base ",
            id="against itself",
        ),
        pytest.param(
            3000, ("check", "HEAD~1..HEAD", "--budget", "0.001"),
            "odyssey check HEAD~1..HEAD --budget 1", id="no time",
        ),
        pytest.param(
            1000, ("bisect", "HEAD~2..HEAD"), "odyssey bisect HEAD~2..HEAD --improvement",
            id="nothing slower",
        ),
        pytest.param(
            3000, ("bisect", "HEAD~2..HEAD"),
            "odyssey bisect HEAD~2..HEAD --tolerance 2% --threshold 4%", id="nothing",
        ),
        pytest.param(
            9000, ("bisect", "HEAD~2..HEAD", "--steps", "1"), "odyssey bisect HEAD~2..HEAD --resume",
            id="a step",
        ),
    ],
)  # fmt: skip
def test_after_a_measurement(
    project: Small, turns: int, words: tuple[str, ...], expected: str
) -> None:
    project.turn(3000, "nothing")
    project.turn(turns, "change")
    command, _, _ = project.follow(*words)
    assert command.startswith(expected)


def test_after_a_check_of_uncommitted_changes(project: Small) -> None:
    project.write("subject.py", SUBJECT.format(turns=9000))
    command, code, said = project.follow("check")
    assert re.fullmatch(r"git diff [0-9a-f]{12}", command)
    assert (code, "+    return sum(range(9000))" in said) == (0, True)


def test_a_suite_outside_the_repository(project: Small, tmp_path: Path) -> None:
    """git is told where the repository is."""
    outside = tmp_path / "suite here"
    (outside / "benchmarks").mkdir(parents=True)
    (outside / "benchmarks" / "__init__.py").write_text("")
    (outside / "benchmarks" / "suite.py").write_text(SUITE)
    config = (project.root / "asv.conf.json").read_text().replace('"."', '"../pro ject"')
    (outside / "my.conf.json").write_text(config)
    culprit = project.turn(9000, "slow")
    named = ("--config", "my.conf.json")
    command, _, said = project.follow(*named, "check", "HEAD~1..HEAD", cwd=outside)
    assert command == f"git -C '../pro ject' show {culprit[:12]}"
    assert "slow" in said
    project.turn(9000, "nothing")
    command, code, _ = project.follow(*named, "check", "HEAD~2..HEAD", cwd=outside)
    assert command.startswith("odyssey --config my.conf.json bisect --from-check")
    assert code == 1


def test_from_init_to_a_baseline(tmp_path: Path) -> None:
    """Each verb that stores something names one that reads it."""
    project = Small(tmp_path / "project")
    project.write("benchmarks/suite.py", "def time_work():\n    sum(range(3000))\n")
    project.commit("needs nothing")
    project.follow("init", "--dry-run")
    project.commit("what init wrote")
    for words in (
        ("doctor", "--noise", "0"),
        ("run", "-E", "existing"),
        ("history",),
        ("compare", "latest", "latest"),
        ("publish", "--only-ours"),
        ("baseline", "list"),
        ("baseline", "propose", "latest"),
        ("baseline", "show"),
        ("run", "-E", "existing", "--force"),
        ("export", "latest", "--to", "pyperf", "-o", "../speed.json"),
        ("import", "../speed.json"),
    ):
        if words[0] == "export":
            assert project.run(*words)[0] == 0
        elif words[0] == "publish":
            # What follows opens a browser.
            _, _, err = project.run(*words)
            assert "next: odyssey publish --only-ours --open" in err
        else:
            project.follow(*words)


def test_words_are_repeated_without_what_is_replaced() -> None:
    words = ("--config", "a b.json", "check", "HEAD~1", "--budget=5", "-b", "x y", "--self")
    where = Where(Path(), "a b.json", verbose=False, words=words)
    command = next_command.again(where, "--budget", "9", without={"--budget": 1, "--self": 0})
    assert command == "odyssey --config 'a b.json' check HEAD~1 -b 'x y' --budget 9"
    where = Where(Path(), None, verbose=False, words=("check", "--budget", "5", "HEAD~1"))
    assert next_command.again(where, without={"--budget": 1}) == "odyssey check HEAD~1"
    assert shlex.split(next_command.odyssey(where, "x y")) == ["odyssey", "x y"]


def _options(verb: str) -> set[str]:
    context = click.Context(cli)
    command = cli.get_command(context, verb)
    assert command is not None
    inner = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    return {
        name
        for one in inner
        for parameter in one.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


def test_commands_in_tips_have_the_options_that_they_are_shown_with() -> None:
    """In every text of the program that names one of its verbs with options."""
    package = Path(next_command.__file__).parents[1]
    found = 0

    def check(verb: str, rest: str) -> None:
        nonlocal found
        for option in re.findall(r"(?<=\s)--[a-z][a-z-]*", f" {rest}"):
            if verb in _VERBS:
                assert option in _options(verb) | {"--help"}, f"odyssey {verb} {option}"
                found += 1

    for path in package.rglob("*.py"):
        for verb, rest in re.findall(r"\bodyssey ([a-z]+)((?: [^\s\"'(),;]+)*)", path.read_text()):
            check(verb, rest)
    assert found > 5
