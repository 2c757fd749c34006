"""How a fleet scales.

`history`: a history of 32 commits, whose benchmark sleeps, is measured by `odyssey run --scheduler` on 1,
2, 4 and 8 hosts of this machine that are there and have their environments. Sleeping, so that the
processors of this machine are not what limits. Efficiency is the time of one host over N times that of N.

`jobs`: a real scheduler in a process of its own, a crowd of made-up hosts, and the queue of the command:
the jobs a second, what a job costs beside its work, processors and memory of each. See `crowd`.

`python -m benchmarks.studies.scaling history [--commits N] [--sleep S] [--hosts N ...]`
`python -m benchmarks.studies.scaling jobs [--hosts N] [--jobs N] [--work S] [--processes N]`

In full: `history --sleep 60` and `jobs --hosts 1000 --jobs 100000 --work 20`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.studies.crowd import Crowd, jobs, scheduler

_SUITE = """
import time


def track_slept():
    time.sleep({seconds})
    return {seconds}


track_slept.timeout = 600
"""
_CONFIGURATION = {
    "version": 1,
    "project": "sleeper",
    "repo": ".",
    "branches": ["HEAD"],
    "environment_type": "virtualenv",
    "build_command": [],
    "install_command": ["python -c pass"],
    "uninstall_command": ["python -c pass"],
    "results_dir": ".asv/results",
    "env_dir": ".asv/env",
}
_IDENTITY = ("-c", "user.name=A Study", "-c", "user.email=study@example.invalid")


def history(commits: int, sleep_s: float, hosts: Sequence[int]) -> Iterator[str]:
    """The figures of the history, a line each as it is known."""
    with tempfile.TemporaryDirectory(prefix="odyssey-study-") as work:
        project = Path(work, "project")
        _make(project, commits, sleep_s)
        # Every host has built what it needs before anything is timed.
        suite = project / "benchmarks" / "suite.py"
        suite.write_text(_SUITE.format(seconds=0))
        _run(project, max(hosts), ["ALL", "--sample", str(min(commits, 4 * max(hosts)))])
        suite.write_text(_SUITE.format(seconds=sleep_s))
        yield f"{commits} commits that sleep {sleep_s:g} s, {os.cpu_count()} processors:"
        alone_s = math.nan
        for count in hosts:
            took_s = _run(project, count, ["ALL"])
            alone_s = took_s * count if math.isnan(alone_s) else alone_s
            beside_s = (took_s * count - commits * sleep_s) / commits
            yield (
                f"  hosts: {count}, {took_s:.0f} s, efficiency {100 * alone_s / (took_s * count):.0f} %,"
                f" beside its work {beside_s:.1f} s of a host for each job"
            )


def _run(project: Path, count: int, words: Sequence[str]) -> float:
    """Seconds of one command over a fleet that is there, whose results are written where none are."""
    work = project.parent
    with tempfile.TemporaryDirectory(dir=work) as out, scheduler(work) as (address, _, start):
        code = "from distributed.cli.dask_worker import main; main()"
        offers = ("--nthreads", "1", "--memory-limit", "0", "--no-nanny", "--no-dashboard")
        for number in range(count):
            start(
                code, address, *offers, "--resources", "bench=1,class:fast=1",
                ODYSSEY_HOST_DIR=f"{work}/host-{number}", HOME=str(work),
            )  # fmt: skip
        odyssey = [sys.executable, "-m", "odyssey_asv"]
        _wait_for(f"{count} host", [*odyssey, "fleet", "status", address], project)
        began = time.monotonic()
        done = subprocess.run(
            [*odyssey, "run", *words, "--out", out, "--scheduler", address],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        return time.monotonic() - began


def _wait_for(said: str, command: Sequence[str], folder: Path) -> None:
    for _ in range(60):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if said in done.stdout:
            return
        time.sleep(1.0)
    raise SystemExit(f"the hosts did not come: {done.stdout}{done.stderr}")


def _make(project: Path, commits: int, sleep_s: float) -> None:
    suite = project / "benchmarks"
    suite.mkdir(parents=True)
    (suite / "__init__.py").write_text("")
    (suite / "suite.py").write_text(_SUITE.format(seconds=sleep_s))
    (project / "asv.conf.json").write_text(json.dumps(_CONFIGURATION))
    (project / ".gitignore").write_text(".asv\nbenchmarks/results\n.odyssey\n")
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    for number in range(commits):
        words = ["git", *_IDENTITY, "commit", "-q", "--allow-empty", "-m", str(number)]
        subprocess.run(words, cwd=project, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    studies = parser.add_subparsers(dest="study", required=True)
    first = studies.add_parser("history")
    first.add_argument("--commits", type=int, default=32)
    first.add_argument("--sleep", type=float, default=60.0)
    first.add_argument("--hosts", type=int, nargs="+", default=[1, 2, 4, 8])
    second = studies.add_parser("jobs")
    second.add_argument("--hosts", type=int, default=200)
    second.add_argument("--jobs", type=int, default=2000)
    second.add_argument("--work", type=float, default=5.0, help="seconds, on average")
    second.add_argument("--processes", type=int, default=2, help="in which the hosts are")
    asked = parser.parse_args()
    lines = (
        history(asked.commits, asked.sleep, asked.hosts)
        if asked.study == "history"
        else jobs(Crowd(asked.hosts, asked.processes), asked.jobs, asked.work)
    )
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
