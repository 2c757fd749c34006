"""What looking back costs: reading a large asv tree for the first time and again, and finding every change
point of every series.

Makes a repository and an asv tree of several sizes, up to 1,400 files with 370,000 rows. Each step runs in
a process of its own; processor time is measured, as a ratio to bare `json.load` of the same files where
that means something.

`python -m benchmarks.studies.past [--files N]... [--rows N] [--rounds N] [--publish SECONDS]`
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.generated import write_past
from benchmarks.studies.pairs import spread

_FILES, _ROWS, _ENVIRONMENTS = (350, 700, 1400), 264, 4


def make(folder: Path, files: int, rows: int) -> int:
    """A repository with an asv tree of about that many files; how many series it has."""
    folder.mkdir()
    count = files // _ENVIRONMENTS
    stream = "".join(_fast_import(number) for number in range(1, count + 1))
    _git(folder, "init", "--quiet", "--initial-branch", "main")
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=folder, input=stream, text=True, check=True
    )
    commits = _git(folder, "rev-list", "--reverse", "main").split()
    configuration = {
        "version": 1, "project": "past", "repo": ".", "branches": ["main"],
        "environment_type": "virtualenv", "results_dir": "results", "html_dir": "html",
    }  # fmt: skip
    (folder / "asv.conf.json").write_text(json.dumps(configuration))
    (folder / "benchmarks").mkdir()
    (folder / "benchmarks" / "__init__.py").touch()
    return write_past(folder / "results", commits, _ENVIRONMENTS, rows)


def _fast_import(number: int) -> str:
    message = f"change {number}"
    parent = f"from :{number - 1}\n" if number > 1 else ""
    return (
        f"commit refs/heads/main\nmark :{number}\n"
        f"committer A B <a@b.invalid> {1_600_000_000 + number * 86_400} +0000\n"
        f"data {len(message)}\n{message}\n{parent}\n"
    )


def _git(folder: Path, *words: str) -> str:
    answer = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return answer.stdout


def _bare(folder: Path) -> dict[str, float]:
    started = time.process_time()
    for path in folder.glob("results/*/*-*.json"):
        with path.open(encoding="utf-8") as stream:
            json.load(stream)
    return {"reading": time.process_time() - started}


def _look(folder: Path) -> dict[str, float]:
    """Seconds of processor time: of reading alone, and of the whole history."""
    from odyssey_asv.past.histories import history, stored_results
    from odyssey_asv.project import open_project

    config, asv = open_project(folder)
    started = time.process_time()
    stored_results(config, asv)
    reading = time.process_time() - started
    started = time.process_time()
    found = history(folder)
    whole = time.process_time() - started
    return {"reading": reading, "whole": whole, "changes": float(len(found.found))}


def _apart(what: str, folder: Path) -> tuple[dict[str, float], int]:
    """One step in a process of its own: its figures and its peak memory in bytes."""
    command = [sys.executable, "-m", __spec__.name, f"--{what}", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {child.returncode}")
    figures: dict[str, float] = json.loads(said)
    return figures, usage.ru_maxrss * 1024


def _size(folder: Path, files: int, rows: int, rounds: int) -> list[str]:
    series = make(folder, files, rows)
    ratios, again, points, peaks = [], [], [], []
    for _ in range(rounds):
        shutil.rmtree(folder / ".odyssey", ignore_errors=True)
        bare, _ = _apart("bare", folder)
        first, first_peak = _apart("look", folder)
        later, later_peak = _apart("look", folder)
        ratios.append(first["reading"] / bare["reading"])
        again.append(later["reading"])
        points.append(later["whole"] - later["reading"])
        peaks.append(max(first_peak, later_peak))
    return [
        f"asv tree of {files:,} files, {files * rows:,} rows, {series:,} series:",
        f"  first reading, CPU time over bare json.load of its files: {spread(ratios, 'rounds')}",
        f"  reading it again: {statistics.median(again):.2f} s of CPU",
        f"  series and all their change points: {statistics.median(points):.1f} s of CPU",
        f"  peak memory: {max(peaks) / 1e6:.0f} MB",
    ]


def _publish(folder: Path, limit_s: float) -> list[str]:
    """How long our pages and asv's site of the same tree take, each from nothing."""
    shutil.rmtree(folder / ".odyssey", ignore_errors=True)
    ours_s = _timed(folder, ["odyssey_asv", "publish", "--only-ours"], None)
    assert ours_s is not None
    theirs_s = _timed(folder, ["asv", "publish"], limit_s)
    lines = [f"  odyssey publish --only-ours: {ours_s:.0f} s"]
    if theirs_s is None:
        more = f"below {ours_s / limit_s:.2f}"
        return [*lines, f"  asv publish: not finished after {limit_s:.0f} s; ours over it: {more}"]
    return [*lines, f"  asv publish: {theirs_s:.0f} s; ours over it: {ours_s / theirs_s:.2f}"]


def _timed(folder: Path, words: list[str], limit_s: float | None) -> float | None:
    """Seconds that a module takes as a program, None where it takes longer than it may."""
    started = time.monotonic()
    try:
        subprocess.run(
            [sys.executable, "-m", *words], cwd=folder, timeout=limit_s, check=True,
            capture_output=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    return time.monotonic() - started


def study(
    files: tuple[int, ...] = _FILES, rows: int = _ROWS, rounds: int = 3, publish_s: float = 0.0
) -> list[str]:
    """The figures, one a line."""
    lines = []
    for size in files:
        with tempfile.TemporaryDirectory(prefix="odyssey-study-") as work:
            folder = Path(work, "past")
            lines += _size(folder, size, rows, rounds)
            if publish_s and size == files[-1]:
                lines += _publish(folder, publish_s)
    return lines


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, action="append")
    parser.add_argument("--rows", type=int, default=_ROWS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--publish", type=float, default=0.0, metavar="SECONDS",
        help="also make our pages and asv's site of the largest; that, so long at most",
    )  # fmt: skip
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--look", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare or given.look:
        print(json.dumps(_bare(given.bare) if given.bare else _look(given.look)))
        return
    files = tuple(sorted(given.files or _FILES))
    for line in study(files, given.rows, given.rounds, given.publish):
        print(line, flush=True)


if __name__ == "__main__":
    main()
