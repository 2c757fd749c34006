"""A crowd of made-up hosts at a real scheduler, and what the queue of the command does with them.

A made-up host is a Dask worker that sleeps instead of measuring; hundreds share a process. What they cost
is theirs: on real hosts it falls on as many machines. So the scheduler, the command, and the made-up hosts
are counted apart, and so is what each costs standing by and for each job.
"""

from __future__ import annotations

import hashlib
import math
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

import odyssey_asv
from odyssey_asv.fleet.drive import Watcher, drive
from odyssey_asv.fleet.engine import DaskEngine, connected
from odyssey_asv.fleet.jobs import Answer, Host, Job
from odyssey_asv.fleet.line import Line, Terms

_REPOSITORY = random.Random(0).randbytes(1_000_000)
_ANSWER = b"x" * 20_000
_STANDING_S = 10.0
_COME_S = 600.0
_FULL = 0.85
"""From this share of all processors on, this machine is what limits."""

Start = Callable[..., "subprocess.Popen[bytes]"]


@contextmanager
def scheduler(work: Path) -> Iterator[tuple[str, psutil.Process, Start]]:
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
    few = asyncio.Semaphore(8)

    async def one(name):
        async with few:
            worker = await Worker(address, nthreads=1, name=name, resources=offers, memory_limit=0)
        await worker.finished()

    await asyncio.gather(*(one(f"w{number}") for number in range(first, first + count)))

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""
# Each worker looks at its own event loop 50 times a second and at its machine twice. Of one worker nobody
# notices; a few hundred in a process do nothing else and cannot even join.
_CALM = {
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "10s",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "60s",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__DISK": "False",
}


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many hosts in so many processes."""

    hosts: int
    processes: int

    def join(self, work: Path, address: str, start: Start) -> list[psutil.Process]:
        each = math.ceil(self.hosts / self.processes)
        made = []
        for first in range(0, self.hosts, each):
            few = (address, str(first), str(min(each, self.hosts - first)))
            child = start(_SWARM, *few, ODYSSEY_HOST_DIR=f"{work}/host-{first}", **_CALM)
            made.append(psutil.Process(child.pid))
        return made


def rest(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A job's work: nothing, for as long as its only word says."""
    started = time.time()
    time.sleep(float(plain["words"][0]))
    return {
        "job": plain["id"], "host": "one", "code": 0, "said": "", "started": started,
        "ended": time.time(), "files": {"x": _ANSWER},
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Parties:
    """The processes of the scheduler, of the command, and of the made-up hosts."""

    scheduler: psutil.Process
    command: psutil.Process
    hosts: Sequence[psutil.Process]

    def spent(self) -> tuple[float, float, float, float]:
        """Now, and the seconds of processor of the three until now."""
        each = [[self.scheduler], [self.command], self.hosts]
        seconds = [sum(sum(one.cpu_times()[:2]) for one in some) for some in each]
        return time.monotonic(), seconds[0], seconds[1], seconds[2]


class _Scale(Watcher):
    """What was spent from the first answer until the last job was sent, how long the jobs sent in that
    time took until their answer, and the most memory."""

    def __init__(self, parties: _Parties, count: int) -> None:
        self.parties, self.count = parties, count
        self.sent: dict[str, float] = {}
        self.beside: list[float] = []
        self.handings = self.at_first = 0
        self.first = self.last = parties.spent()
        self.memory = (0, 0)
        self.remember()

    def remember(self) -> None:
        now = (p.memory_info().rss for p in (self.parties.scheduler, self.parties.command))
        most_scheduler, most_command = (max(pair) for pair in zip(now, self.memory, strict=True))
        self.memory = (most_scheduler, most_command)

    def handed(self, job: Job, host: Host) -> None:
        if self.at_first:
            self.sent[job.id] = time.monotonic()
        self.handings += 1
        if self.handings == self.count:
            self.last = self.parties.spent()

    def answered(self, job: Job, answer: Answer, left: int) -> None:
        if not self.at_first:
            self.first, self.at_first = self.parties.spent(), self.handings
        if job.id in self.sent:
            took_s = time.monotonic() - self.sent.pop(job.id)
            self.beside.append(took_s - (answer.ended - answer.started))
        if left % 100 == 0:
            self.remember()
        if left and left % max(1000, self.count // 20) == 0:
            print(f"  ({left} jobs are left)", file=sys.stderr, flush=True)


def jobs(crowd: Crowd, count: int, work_s: float) -> Iterator[str]:
    """The figures of the queue, a line each as it is known."""
    if count < 2 * crowd.hosts:
        raise SystemExit(
            "at least two jobs for each host, or there is no time in which all have one"
        )
    with (
        tempfile.TemporaryDirectory(prefix="odyssey-study-") as folder,
        scheduler(Path(folder)) as (address, process, start),
    ):
        work = Path(folder)
        yield (
            f"{crowd.hosts} hosts in {crowd.processes} processes, {count} jobs of {work_s:g} s on average,"
            f" answers of 20 kB, a repository of 1 MB, {os.cpu_count()} processors:"
        )
        began = time.monotonic()
        with connected(address, perform=rest) as engine:
            bare = process.memory_info().rss
            parties = _Parties(process, psutil.Process(), crowd.join(work, address, start))
            _wait_for(crowd.hosts, engine, work)
            yield f"  all hosts there after {time.monotonic() - began:.0f} s"
            joined = process.memory_info().rss
            standing = _standing(engine, parties)
            scale = _Scale(parties, count)
            _drive(engine, crowd, count, work_s, scale)
        yield from _figures(scale, standing, crowd.hosts / work_s)
        sizes = [size / 1e6 for size in (bare, joined, *scale.memory)]
        yield (
            f"  memory: scheduler {sizes[0]:.0f} MB alone, {sizes[1]:.0f} MB with all hosts,"
            f" {sizes[2]:.0f} MB at most; command {sizes[3]:.0f} MB at most"
        )


def _wait_for(hosts: int, engine: DaskEngine, work: Path) -> None:
    deadline = time.monotonic() + _COME_S
    while (come := len(engine.hosts())) < hosts:
        if time.monotonic() >= deadline:
            said = (work / "said").read_text(errors="replace")[-2000:]
            raise SystemExit(f"after {_COME_S:.0f} s {come} of {hosts} hosts are there\n{said}")
        time.sleep(0.5)


def _standing(engine: DaskEngine, parties: _Parties) -> list[float]:
    """Of each party, the share of a processor that it takes while there is nothing to do."""
    # Those that came last still have things to tell.
    time.sleep(_STANDING_S / 2)
    first = parties.spent()
    while time.monotonic() - first[0] < _STANDING_S:
        engine.hosts()
        engine.events(0.5)
    return _shares(first, parties.spent())


def _shares(first: Sequence[float], last: Sequence[float]) -> list[float]:
    took_s = last[0] - first[0]
    return [(end - begin) / took_s for begin, end in zip(first[1:], last[1:], strict=True)]


def _drive(engine: DaskEngine, crowd: Crowd, count: int, work_s: float, scale: _Scale) -> None:
    digest = hashlib.sha256(_REPOSITORY).hexdigest()
    engine.offer(digest, _REPOSITORY)
    rng = random.Random(0)
    # The first of each host ends at any moment, so that never all of them end at once.
    lasting = [rng.uniform(*(0.0, 1.0) if n < crowd.hosts else (0.5, 1.5)) for n in range(count)]
    made = [
        Job(f"s-{n}", str(n), (str(share * work_s),), "p", "a" * 40, digest)
        for n, share in enumerate(lasting)
    ]
    line = Line(made, Terms(odyssey_asv.__version__, "fast", 300.0))
    drive(line, engine, lambda _, answer: None if answer.files else "no files", scale)
    if line.failed or len(line.done) != count:
        raise SystemExit(f"{len(line.failed)} of {count} jobs came to nothing: {line.failed}")


def _figures(scale: _Scale, standing: Sequence[float], possible: float) -> Iterator[str]:
    busy = _shares(scale.first, scale.last)
    rate = (scale.count - scale.at_first) / (scale.last[0] - scale.first[0])
    each = [(share - idle) / rate for share, idle in zip(busy, standing, strict=True)]
    yield f"  {rate:.0f} jobs/s while all had one; their work alone would allow {possible:.0f}"
    full = sum(busy) / (os.cpu_count() or 1)
    if full > _FULL or rate < 0.9 * possible:
        yield (
            f"  NOT what a fleet could do: the three took {100 * full:.0f} % of this machine, the made-up"
            f" hosts alone {100 * busy[2] / (os.cpu_count() or 1):.0f} %"
        )
    beside = sorted(scale.beside)
    yield (
        f"  a job beside its work: median {1000 * beside[len(beside) // 2]:.0f} ms,"
        f" 95 of 100 at most {1000 * beside[int(0.95 * (len(beside) - 1))]:.0f} ms"
    )
    names = ("scheduler", "command", "made-up hosts")
    for what, of in (("standing by", standing), ("with the jobs", busy)):
        shares = [f"{name} {100 * share:.0f} %" for name, share in zip(names, of, strict=True)]
        yield f"  of one processor, {what}: {', '.join(shares)}"
    costs = [f"{name} {1000 * cost:.1f} ms" for name, cost in zip(names, each, strict=True)]
    yield f"  processor for each job: {', '.join(costs)}"
    ends = [
        f"{name} at {(1.0 - idle) / cost:.0f} jobs/s"
        for name, idle, cost in zip(names[:2], standing, each, strict=False)
    ]
    yield f"  extrapolated, not measured, a processor would be full: {', '.join(ends)}"
