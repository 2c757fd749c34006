"""The page about adopting: its commands are typed in a project, its tables are what the files say."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.actions import ROOT, actions
from tests.test_cli_init import BIN, LAYOUTS, contents, repository

PAGE = (ROOT / "docs" / "adopting.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def commands() -> list[str]:
    return [line[2:] for block in _BLOCK.findall(PAGE) for line in block.splitlines()]


def test_every_command_does_what_it_should(tmp_path: Path) -> None:
    """In the page's order, in a project that knows nothing of benchmarks."""
    project = repository(tmp_path / "project", LAYOUTS["hatchling-flat"])
    env = project.environment | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    assert len(commands()) == 7
    for command in commands():
        before = contents(project)
        done = subprocess.run(
            shlex.split(command),
            cwd=project.path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        # Whether five seconds decide is the machine's business.
        allowed = (0, 3) if command.startswith("odyssey check") else (0,)
        assert done.returncode in allowed, f"$ {command}\n{done.stdout}{done.stderr}"
        if "--dry-run" in command:
            assert contents(project) == before
    assert project.git("status", "--porcelain") == "?? .gitlab-ci.yml\n?? .gitlab/"
    assert project.git("branch", "--show-current") == "benchmarks"


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_the_action_is_described_whole(kind: str) -> None:
    """Each input in the table, each output in the sentence after it, and no other."""
    table = "".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))
    sentence = re.search(r"Its outputs are (.*?)\. On `push`", PAGE, re.DOTALL)
    assert sentence is not None
    described = set(re.findall(r"`([\w-]+)`", table))
    outputs = set(re.findall(r"`(\w+)` \(", sentence[1]))
    names = set(actions()["check"][kind])
    assert names == outputs if kind == "outputs" else names <= described


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
