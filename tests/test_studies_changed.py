"""The study of what `--changed` leaves counts real cases of real commits."""

from __future__ import annotations

from pathlib import Path

from benchmarks.studies import changed
from tests.projects import make

SUITE = """
import tiny


class Suite:
    params = [[1, 2, 3], ["a", "b"]]

    def time_it(self, number, letter): ...


def track_it(): ...
"""


def test_the_table_has_each_commit_with_what_is_left(tmp_path: Path) -> None:
    project = make(tmp_path / "project", SUITE)
    project.write("pyproject.toml", "[project]\nname = 'tiny'\n")
    project.write("tiny.py", "VALUE = 1\n")
    project.commit("setting up")
    project.write("tiny.py", "VALUE = 2\n")
    project.commit("code")
    project.write("README.md", "words\n")
    project.commit("words")
    project.write("test_tiny.py", "import tiny\n")
    project.commit("a test")
    head, _, *lines, end = changed.study(project.path, 3, None, ())
    assert head == "tiny: 7 cases of 2 benchmarks, 0 modules that do not import here"
    assert [(line.split()[1], line.split()[2:5]) for line in lines] == [
        ("1+0", ["0", "of", "7"]),
        ("0+1", ["0", "of", "7"]),
        ("1+0", ["7", "of", "7"]),
    ]
    assert "tiny.py has changed" in lines[2]
    assert end.endswith("nothing to measure after 2 of 3 commits")
    told = changed.study(project.path, 3, None, ("tiny.py",))
    assert told[0].endswith("unreached tiny.py")
    assert told[-1].endswith("after 3 of 3 commits")
