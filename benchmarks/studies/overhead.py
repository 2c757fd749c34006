"""What `odyssey run` adds to plain `asv run`: the same suite, settings and environment, in turn.

Makes a small project with a suite of its own, builds its environment once, then alternates the two
commands. `python -m benchmarks.studies.overhead [--cases N] [--pairs N]`
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.studies.pairs import run, spread

_SUITE = """
class Sums:
    params = list(range({cases}))

    def time_sum(self, n):
        return sum(range(2000 + n))
"""
_CONFIGURATION = {
    "version": 1,
    "project": "small",
    "repo": ".",
    "branches": ["HEAD"],
    "environment_type": "virtualenv",
    "build_command": [],
    "install_command": ["python -c pass"],
    "uninstall_command": ["python -c pass"],
    "results_dir": "asv-results",
}


def study(cases: int = 40, pairs: int = 3) -> list[str]:
    """The figures, one a line."""
    with tempfile.TemporaryDirectory(prefix="odyssey-study-") as work:
        project, home = Path(work, "project"), Path(work, "home")
        home.mkdir()
        _make(project, cases)
        env = {"HOME": str(home)}
        asv = [sys.executable, "-m", "asv"]
        run([*asv, "machine", "--yes"], cwd=project, env=env)
        plain = [*asv, "run", "HEAD^!", "--show-stderr"]
        watched = [sys.executable, "-m", "odyssey_asv", "run", "--force"]
        run([*plain, "--bench", "just-discover"], cwd=project, env=env)
        ratios, processor, walls = [], [], []
        for number in range(pairs):
            first, second = (plain, watched) if number % 2 else (watched, plain)
            costs = {id(words): run(words, cwd=project, env=env) for words in (first, second)}
            walls.append(costs[id(plain)].wall_s)
            ratios.append(costs[id(watched)].wall_s / costs[id(plain)].wall_s)
            processor.append(costs[id(watched)].cpu_s / costs[id(plain)].cpu_s)
    return [
        f"odyssey run over plain asv run, {cases} cases, {2 * cases} processes,"
        f" {min(walls):.0f} to {max(walls):.0f} s:",
        f"  wall time: {spread(ratios)}",
        f"  processor time of all processes: {spread(processor)}",
    ]


def _make(project: Path, cases: int) -> None:
    suite = project / "benchmarks"
    suite.mkdir(parents=True)
    (suite / "__init__.py").write_text("")
    (suite / "sums.py").write_text(_SUITE.format(cases=cases))
    (project / "asv.conf.json").write_text(json.dumps(_CONFIGURATION))
    (project / ".gitignore").write_text("env\nasv-results\nbenchmarks/results\n.odyssey\n")
    identity = ["-c", "user.name=A Study", "-c", "user.email=study@example.invalid"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], cwd=project, check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    print("\n".join(study(options.cases, options.pairs)))
