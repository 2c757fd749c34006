"""A real scheduler and real workers, each a process, and work that costs nothing but leaves traces."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.projects import wait_for

_SCHEDULER = "from distributed.cli.dask_scheduler import main; main()"
_WORKER = """
import odyssey_asv, os
odyssey_asv.__version__ = os.environ.get("SKEWED", odyssey_asv.__version__)
from distributed.cli.dask_worker import main
main()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def work(plain: Mapping[str, Any]) -> dict[str, Any]:
    """What hosts of these tests do instead of measuring: the first word says what, the second for how
    long. Each beginning and end is a line of the host's own file."""
    what, seconds, traces = plain["words"]
    place = Path(traces) / f"{os.environ['ODYSSEY_HOST_DIR'].rpartition('/')[2]}.log"
    note(place, "begin", plain["id"])
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "raise":
        note(place, "end", plain["id"])
        raise RuntimeError(f"no such thing as {plain['label']}")
    started = time.time()
    time.sleep(float(seconds))
    note(place, "end", plain["id"])
    return {
        "job": plain["id"], "host": place.stem, "code": 0, "said": "", "started": started,
        "ended": time.time(), "files": {"x": plain["id"].encode()},
    }  # fmt: skip


def note(place: Path, what: str, job: str) -> None:
    with place.open("a", encoding="utf-8") as file:
        file.write(json.dumps([what, job, time.time()]) + "\n")


@dataclass
class Hosts:
    """The processes of one test."""

    folder: Path
    port: int = field(default_factory=free_port)
    scheme: str = "tcp"
    ttl: str = "20s"
    env: Mapping[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def traces(self) -> Path:
        path = self.folder / "traces"
        path.mkdir(exist_ok=True)
        return path

    def scheduler(self) -> subprocess.Popen[bytes]:
        """Started and listening: who asks for it has only seconds of patience."""
        child = self._start(
            "scheduler", _SCHEDULER, "--host", self.address, "--no-dashboard", "--no-show",
        )  # fmt: skip
        until(self._listens)
        return child

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def host(
        self, name: str, offers: str = "bench=1,class:fast=1", **more: str
    ) -> subprocess.Popen[bytes]:
        return self._start(
            name, _WORKER, self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--memory-limit", "0", "--name", name, "--resources", offers,
            "--local-directory", str(self.folder / "dask"), "--death-timeout", "60",
            ODYSSEY_HOST_DIR=str(self.folder / name), **more,
        )  # fmt: skip

    def _start(self, name: str, code: str, *words: str, **env: str) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).parent.parent)
        with (self.folder / f"{name}.out").open("ab") as out:
            child = subprocess.Popen(
                [sys.executable, "-c", code, *words],
                cwd=root,
                env={
                    **os.environ,
                    "PYTHONPATH": root,
                    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": self.ttl,
                    **self.env,
                    **env,
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.processes.append(child)
        return child

    def begun(self, job: str) -> list[str]:
        """The hosts that began a job, as often as they did."""
        return [host for host, what, found, _ in self.events() if what == "begin" and found == job]

    def events(self) -> list[tuple[str, str, str, float]]:
        """Host, what, job and when, of every trace."""
        found = []
        for path in self.traces.glob("*.log"):
            for line in path.read_text(encoding="utf-8").splitlines():
                what, job, at = json.loads(line)
                found.append((path.stem, what, job, at))
        return sorted(found, key=lambda event: event[3])

    def never_two_at_once(self) -> bool:
        """Whether no host began a job before the one before had ended, or the host had."""
        for host in {event[0] for event in self.events()}:
            whats = [what for name, what, _, _ in self.events() if name == host]
            if any(pair == ("begin", "begin") for pair in itertools.pairwise(whats)):
                return False
        return True

    def close(self) -> None:
        for child in self.processes:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


@contextmanager
def hosts(folder: Path, **more: Any) -> Iterator[Hosts]:
    made = Hosts(folder, **more)
    try:
        yield made
    finally:
        made.close()


def until(happened: Any) -> None:
    wait_for(happened, timeout_s=60)
