"""How a fleet scales.

`history`: a history of 32 commits, whose benchmark sleeps, is measured by `odyssey run --scheduler` on 1,
2, 4 and 8 hosts of this machine that are there and have their environments. Sleeping, so that the
processors of this machine are not what limits. Efficiency is the time of one host over N times that of N.

`jobs`: a real scheduler in a process of its own, workers that do nothing for a moment, and the queue of
the command: the jobs a second, what a job costs beside its work, and the scheduler's memory.

`python -m benchmarks.studies.scaling history [--commits N] [--sleep S] [--hosts N ...]`
`python -m benchmarks.studies.scaling jobs [--hosts N] [--jobs N] [--work S] [--swarms N]`

In full: `history --sleep 60` and `jobs --hosts 1000 --jobs 100000 --work 1 --swarms 8`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

import odyssey_asv
from odyssey_asv.fleet.drive import Watcher, drive
from odyssey_asv.fleet.engine import connected
from odyssey_asv.fleet.jobs import Answer, Host, Job
from odyssey_asv.fleet.line import Line, Terms

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
    with tempfile.TemporaryDirectory(dir=work) as out, _scheduler(work) as (address, _, start):
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


def rest(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A job's work: nothing, for as long as its only word says."""
    started = time.time()
    time.sleep(float(plain["words"][0]))
    return {
        "job": plain["id"], "host": "one", "code": 0, "said": "", "started": started,
        "ended": time.time(), "files": {"x": b"x" * 20_000},
    }  # fmt: skip


class _Scale(Watcher):
    """The scheduler's memory over the run, and how long each job took from sending to answer."""

    def __init__(self, scheduler: psutil.Process) -> None:
        self.scheduler = scheduler
        self.most = 0
        self.sent: dict[str, float] = {}
        self.beside: list[float] = []

    def handed(self, job: Job, host: Host) -> None:
        self.sent[job.id] = time.monotonic()

    def answered(self, job: Job, answer: Answer, left: int) -> None:
        took_s = time.monotonic() - self.sent.pop(job.id)
        self.beside.append(took_s - (answer.ended - answer.started))
        if left % 100 == 0:
            self.most = max(self.most, self.scheduler.memory_info().rss)


def jobs(hosts: int, count: int, work_s: float, swarms: int) -> Iterator[str]:
    """The figures of the queue, a line each."""
    with (
        tempfile.TemporaryDirectory(prefix="odyssey-study-") as work,
        _scheduler(Path(work)) as (address, scheduler, start),
    ):
        each = math.ceil(hosts / swarms)
        for first in range(0, hosts, each):
            few = (address, str(first), str(min(each, hosts - first)))
            start(_SWARM, *few, ODYSSEY_HOST_DIR=f"{work}/host-{first}")
        made = [Job(f"s-{n}", str(n), (str(work_s),), "p", "a" * 40) for n in range(count)]
        line = Line(made, Terms(odyssey_asv.__version__, "fast", 300.0))
        scale = _Scale(scheduler)
        kept = 0

        def keep(_: Job, answer: Answer) -> None:
            nonlocal kept
            kept += len(answer.files)

        with connected(address, perform=rest) as engine:
            while len(engine.hosts()) < hosts:
                time.sleep(0.5)
            joined = scheduler.memory_info().rss
            began, cpu = time.monotonic(), sum(scheduler.cpu_times()[:2])
            drive(line, engine, keep, scale)
            took_s = time.monotonic() - began
            cpu_s = sum(scheduler.cpu_times()[:2]) - cpu
        assert kept == count
        beside = sorted(scale.beside)
        yield f"{hosts} hosts, {count} jobs that take {work_s:g} s, answers of 20 kB:"
        yield f"  {count / took_s:.0f} jobs/s; hosts alone could do {hosts / work_s:.0f}"
        yield (
            f"  a job beside its work: median {1000 * beside[len(beside) // 2]:.0f} ms,"
            f" 95 of 100 at most {1000 * beside[int(0.95 * (len(beside) - 1))]:.0f} ms"
        )
        busy = (
            f"{1000 * cpu_s / count:.1f} ms of processor a job, {100 * cpu_s / took_s:.0f} % busy"
        )
        yield f"  scheduler: {busy}"
        memory = (
            f"{joined / 1e6:.0f} MB with all hosts, {max(scale.most, joined) / 1e6:.0f} MB at most"
        )
        yield f"  scheduler's memory: {memory}"


_SWARM = """
import asyncio, sys
from distributed import Worker
from odyssey_asv.fleet import host

plain = host.describe

# Each worker of this process is a host of its own.
def describe(named=None, dask_worker=None):
    return {**plain(named), "id": dask_worker.name}

host.describe = describe

async def main(address, first, count):
    offers = {"bench": 1, "class:fast": 1}
    workers = [
        await Worker(address, nthreads=1, name=f"w{n}", resources=offers, memory_limit=0)
        for n in range(first, first + count)
    ]
    await asyncio.gather(*(worker.finished() for worker in workers))

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


Start = Callable[..., "subprocess.Popen[bytes]"]


@contextmanager
def _scheduler(work: Path) -> Iterator[tuple[str, psutil.Process, Start]]:
    """A scheduler, its address and process, and a function that starts further programs, all of which
    are gone afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    shared = {
        **os.environ,
        "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "120s",
        "DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING": "False",
        "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
        "DASK_TEMPORARY_DIRECTORY": str(work),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    started: list[subprocess.Popen[bytes]] = []
    with (work / "said").open("ab") as said:

        def start(code: str, *words: str, **env: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-c", code, *words]
            options: dict[str, Any] = {"stdout": said, "stderr": said, "cwd": work}
            started.append(subprocess.Popen(command, env={**shared, **env}, **options))
            return started[-1]

        try:
            code = "from distributed.cli.dask_scheduler import main; main()"
            first = start(code, "--host", address, "--no-dashboard", "--no-show")
            yield address, psutil.Process(first.pid), start
        finally:
            for child in started:
                child.kill()
                child.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    studies = parser.add_subparsers(dest="study", required=True)
    first = studies.add_parser("history")
    first.add_argument("--commits", type=int, default=32)
    first.add_argument("--sleep", type=float, default=60.0)
    first.add_argument("--hosts", type=int, nargs="+", default=[1, 2, 4, 8])
    second = studies.add_parser("jobs")
    second.add_argument("--hosts", type=int, default=100)
    second.add_argument("--jobs", type=int, default=2000)
    second.add_argument("--work", type=float, default=1.0)
    second.add_argument("--swarms", type=int, default=2)
    asked = parser.parse_args()
    lines = (
        history(asked.commits, asked.sleep, asked.hosts)
        if asked.study == "history"
        else jobs(asked.hosts, asked.jobs, asked.work, asked.swarms)
    )
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
