"""docs/neighbours.md is executed."""

from __future__ import annotations

from pathlib import Path

from odyssey_asv.exporting import Target
from odyssey_asv.importing import Source
from tests.projects import make
from tests.sessions import commands, run_as_shown

DOCUMENT = (Path(__file__).parents[1] / "docs/neighbours.md").read_text(encoding="utf-8")
SUITE = """
import pytest


@pytest.mark.parametrize("n", [1, 5])
def test_sum(benchmark, n):
    benchmark.pedantic(sum, args=(range(n),), rounds=5, iterations=10)
"""


def test_the_commands_print_what_is_shown(tmp_path: Path) -> None:
    project = make(tmp_path / "p")
    project.write("test_speed.py", SUITE)
    project.commit("a suite of pytest-benchmark")
    for command, shown in commands(DOCUMENT):
        if command.startswith("git commit"):
            project.write("test_speed.py", f"{SUITE}\n# faster\n")
        # pyperf writes local time, which is taken as UTC.
        code = run_as_shown(command, shown, project.path, project.environment | {"TZ": "UTC"})
        # How the two commits compare is the machine's to say.
        assert code == 0 or "compare HEAD" in command, command


def test_every_format_is_documented() -> None:
    for name in (*Source, *Target):
        assert f"| `{name}`" in DOCUMENT
