"""The README is executed: each block marked `<!-- run: … -->` gives what it says it gives."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"<!-- run: (\w+) -->\n```(console|python)\n(.*?)```", re.DOTALL)


def _blocks(language: str) -> list[tuple[str, str]]:
    return [(name, body) for name, kind, body in _BLOCK.findall(README) if kind == language]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is committed, with what is not committed laid over it."""
    target = tmp_path_factory.mktemp("readme") / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(target)], check=True)
    changed = subprocess.run(
        ["git", "ls-files", "-z", "--modified", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, changed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((ROOT / name).read_bytes())
    identity = ["-c", "user.name=A Tester", "-c", "user.email=tester@example.invalid"]
    subprocess.run(["git", "add", "--all"], cwd=target, check=True)
    commit = ["commit", "--quiet", "--allow-empty", "--message", "what is not committed yet"]
    subprocess.run(["git", *identity, *commit], cwd=target, check=True)
    return target


def _session(body: str) -> list[tuple[str, str]]:
    """Each command of a console block with the output that follows it."""
    pairs: list[tuple[str, str]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            pairs.append((line[2:], ""))
        else:
            command, shown = pairs[-1]
            pairs[-1] = command, f"{shown}{line}\n"
    return pairs


def test_console_blocks_print_what_they_show(clone: Path) -> None:
    """In the README's order, in one clone: `...` stands for what differs from time to time."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    checker = doctest.OutputChecker()
    code = 0
    for _, body in _blocks("console"):
        for command, shown in _session(body):
            if command == "echo $?":
                assert shown == f"{code}\n"
                continue
            done = subprocess.run(
                command.split(), cwd=clone, env={**os.environ, "PATH": path},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
            code = done.returncode
            matches = checker.check_output(shown, done.stdout, doctest.ELLIPSIS)
            assert matches, f"$ {command}\n--- shown\n{shown}\n--- printed\n{done.stdout}"


def test_python_blocks_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python examples give what they show."""
    monkeypatch.chdir(ROOT)
    parser = doctest.DocTestParser()
    for name, body in _blocks("python"):
        example = parser.get_doctest(body, {}, name, "README.md", 0)
        runner = doctest.DocTestRunner()
        runner.run(example)
        assert runner.summarize().failed == 0


def test_make_targets_of_the_readme_exist() -> None:
    """`make run` and `make test` are there and say what they would do."""
    for target in re.findall(r"^\$ make (\w+)$", README, re.MULTILINE):
        done = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip()


def test_every_verb_is_in_the_readme() -> None:
    """A verb that the README does not name would not be found."""
    from odyssey_asv.cli import cli

    for verb in cli.list_commands(None):  # type: ignore[arg-type]
        assert f"odyssey {verb}" in README


def test_every_benchmark_is_documented(tmp_path: Path) -> None:
    """The suite's README has each benchmark that asv discovers, by its id."""
    script = (
        "import json, sys; from asv_runner.discovery import disc_benchmarks;"
        "json.dump([b.name for b in disc_benchmarks(sys.argv[1])], open(sys.argv[2], 'w'))"
    )
    out = tmp_path / "discovered.json"
    subprocess.run([sys.executable, "-c", script, str(ROOT / "benchmarks"), str(out)], check=True)
    names = json.loads(out.read_text())
    documented = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert len(names) >= 25
    assert [name for name in names if f"`{name}`" not in documented] == []


def test_links_of_the_readme_lead_somewhere() -> None:
    """Relative links name files that exist."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
