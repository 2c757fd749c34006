"""How many cases of a real suite `odyssey check --changed` leaves, commit by commit.

Reads the commits of a clone along first parents, the newest first, each against its parent; builds and
measures nothing. Cases are counted in the suite as it is checked out, with this interpreter and the
project found in its own folder, or in the one named: a module that cannot be imported so has no cases here.

`python -m benchmarks.studies.changed --project FOLDER [--commits N] [--source FOLDER]
[--unreached PATTERN]...`
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.paired.workers import Side, Worker
from odyssey_asv.changed.changes import Sides, survey
from odyssey_asv.changed.reach import Reach
from odyssey_asv.pairs.arena import support_folder
from odyssey_asv.project import open_project
from odyssey_asv.repository import Repository
from odyssey_asv.units import one_line

_COMMITS = 10
_WIDTH = 100


def cases_of(asv: AsvConfig, source: Path) -> tuple[dict[str, int], dict[str, str]]:
    """How many cases each benchmark has, and which modules cannot be imported."""
    with tempfile.TemporaryDirectory(prefix="odyssey-study-") as work:
        folder = Path(work)
        side = Side(
            name="suite",
            python=Path(sys.executable),
            vars={**os.environ, "PYTHONPATH": str(source)},
            suite=asv.benchmark_dir,
            support=support_folder(folder),
            bytecode=folder / "bytecode",
            folder=folder,
            caches=folder,
        )
        with Worker(side, random.Random(0)) as worker:
            worker.started()
            found = worker.discover()
    counts = {
        record["name"]: math.prod(len(axis) for axis in record.get("params", ()))
        for record in found.records
    }
    return counts, {module: fault.reason for module, fault in found.faults.items()}


def line(reach: Reach, cases: dict[str, int], commit: str, subject: str, read_s: float) -> str:
    """One commit in the table."""
    whys: Counter[str | None] = Counter()
    for name, count in cases.items():
        whys[reach.why(name)] += count
    left = whys.total() - whys[None]
    kept = [(count, why) for why, count in whys.items() if why is not None]
    why = one_line(max(kept)[1]) if kept else "-"
    change = reach.change
    files = f"{len(change.counted)}+{len(change.passed_over)}"
    head = f"{commit[:8]}  {files:>6}  {left:>5} of {whys.total():<5} {read_s:4.1f} s"
    return f"{head}  {subject[: _WIDTH - len(head) - 4]}\n{'':10}{why[: _WIDTH - 12]}"


def study(project: Path, count: int, source: Path | None, unreached: tuple[str, ...]) -> list[str]:
    """The table."""
    config, asv = open_project(project)
    if unreached:
        config = dataclasses.replace(config, unreached=unreached)
    if asv.local_repo is None:
        raise SystemExit(f"{asv.path}: repo is not a folder")
    with Repository(asv.local_repo) as repository:
        cases, faults = cases_of(asv, source or repository.root)
        nothing = 0
        said = f", unreached {', '.join(unreached)}" if unreached else ""
        lines = [
            f"{asv.project}: {sum(cases.values())} cases of {len(cases)} benchmarks,"
            f" {len(faults)} modules that do not import here{said}",
            "commit     files  cases left    read  subject; why most of them are left",
        ]
        for stop in reversed(repository.first_parents("HEAD")[-count:]):
            began = time.monotonic()
            sides = Sides(repository.resolve(f"{stop.commit}~1"), stop.commit, from_tree=False)
            reach = survey(repository, asv, config, sides)
            read_s = time.monotonic() - began
            lines.append(line(reach, cases, stop.commit, one_line(stop.subject), read_s))
            nothing += all(reach.why(name) is None for name in cases)
    files = "files: those that count + those passed over"
    return [*lines, f"{files}; nothing to measure after {nothing} of {count} commits"]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, required=True, help="a folder with asv.conf.json")
    parser.add_argument("--commits", type=int, default=_COMMITS)
    parser.add_argument("--source", type=Path, help="where the project imports from")
    parser.add_argument("--unreached", action="append", default=[], metavar="PATTERN")
    options = parser.parse_args()
    unreached = tuple(options.unreached)
    print("\n".join(study(options.project, options.commits, options.source, unreached)))


if __name__ == "__main__":
    main()
