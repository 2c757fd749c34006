"""How suspect a commit is before anything is measured."""

from __future__ import annotations

import pytest

from odyssey_asv.culprit.suspicion import ELSEWHERE, HARMLESS, weight


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "docs/conf.py",
        "doc/release/index.rst",
        "LICENSE",
        "CHANGES.txt",
        "tests/test_fast.py",
        "package/tests/helpers.py",
        "test_fast.py",
        ".github/workflows/ci.yml",
        ".gitignore",
        "logo.png",
    ],
)
def test_what_does_not_run_weighs_little_and_never_nothing(name: str) -> None:
    assert weight([name]) == HARMLESS > 0.0
    assert weight([name, "package/fast.py"]) == 1.0


@pytest.mark.parametrize(
    "name",
    [
        "package/fast.py",
        "setup.py",
        "pyproject.toml",
        "src/fast.c",
        "docstrings.py",
        "package/testing_tools.py",
        "benchmarks/data.npz",
        "contest.py",
    ],
)
def test_what_may_run_weighs_in_full(name: str) -> None:
    assert weight([name]) == 1.0


def test_a_commit_without_files_may_have_brought_in_anything() -> None:
    """A clean merge of a branch that is not looked into."""
    assert weight([]) == 1.0


@pytest.mark.parametrize("path", ["src", "src/", "./src", "src/*", "*.c", "src/fast.c"])
def test_paths_of_the_user(path: str) -> None:
    assert weight(["src/fast.c"], [path]) == 1.0
    assert weight(["lib/fast.py"], [path]) == ELSEWHERE
    assert weight(["lib/fast.py", "src/fast.c"], [path]) == 1.0
