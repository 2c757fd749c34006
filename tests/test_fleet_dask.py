"""The engine on Dask with real processes: workers are killed, stopped, come late; schedulers go."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import odyssey_asv
from odyssey_asv.errors import CannotMeasureError, InvalidInputError
from odyssey_asv.fleet.drive import Watcher, drive
from odyssey_asv.fleet.engine import DaskEngine, connected
from odyssey_asv.fleet.jobs import Answer, Host, Job
from odyssey_asv.fleet.line import Line, Terms
from tests.fleet_hosts import Hosts, hosts, until, work
from tests.projects import ODYSSEY, make


@dataclass
class Heard(Watcher):
    """All that is told of the jobs."""

    lines: list[str] = field(default_factory=list)

    def handed(self, job: Job, host: Host) -> None:
        self.lines.append(f"handed {job.label}")

    def lost(self, job: Job) -> None:
        self.lines.append(f"lost {job.label}")

    def refused(self, host: str, reason: str) -> None:
        self.lines.append(f"refused: {reason}")

    def disconnected(self) -> None:
        self.lines.append("disconnected")


class Command(threading.Thread):
    """What a user's command does with its jobs, on a thread, so that a test can disturb it."""

    def __init__(self, made: Hosts, jobs: dict[str, tuple[str, str]], wanted: str = "fast") -> None:
        super().__init__(daemon=True)
        self.made = made
        self.heard = Heard()
        self.kept: list[str] = []
        self.error: Exception | None = None
        work_of = [
            Job(f"s-{name}", name, (what, seconds, str(made.traces)), "project", "a" * 40)
            for name, (what, seconds) in jobs.items()
        ]
        self.line = Line(work_of, Terms(odyssey_asv.__version__, wanted, 40.0, 1.0))
        self.start()

    def run(self) -> None:
        def keep(job: Job, answer: Answer) -> None:
            assert answer.files == {"x": job.id.encode()}
            self.kept.append(job.label)

        try:
            with connected(self.made.address, perform=work) as engine:
                drive(self.line, engine, keep, self.heard, poll_s=0.1)
        except Exception as error:  # noqa: BLE001 (raised again where it is waited for)
            self.error = error

    def finished(self) -> None:
        self.join(timeout=90)
        assert not self.is_alive(), self.heard.lines
        if self.error is not None:
            raise self.error
        # Whatever was disturbed: stored once, and never two at once on a host.
        assert len(self.kept) == len(set(self.kept))
        assert self.made.never_two_at_once(), self.made.events()


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Hosts]:
    with hosts(tmp_path) as started:
        yield started


def sleeps(count: int, seconds: str = "0.1") -> dict[str, tuple[str, str]]:
    return {f"j{number}": ("sleep", seconds) for number in range(count)}


def test_poison_is_blamed_alone_and_who_does_not_fit_gets_nothing(made: Hosts) -> None:
    """One job kills every worker that takes it, one raises; one host has another version, one is of
    another class, one is not exclusive. All other jobs are done, once each."""
    made.scheduler()
    for name in ("one", "two", "three"):
        made.host(name)
    made.host("skewed", SKEWED="9.9")
    made.host("slow", "bench=1,class:slow=1")
    made.host("shared", "class:fast=1")
    jobs = {"poison": ("die", "0"), "broken": ("raise", "0"), **sleeps(12, "0.3")}
    command = Command(made, jobs)
    command.finished()
    assert sorted(command.kept) == sorted(sleeps(12))
    assert set(command.line.failed) == {"s-poison", "s-broken"}
    assert command.line.failed["s-poison"].startswith("2 hosts were lost while they did it")
    assert "no such thing as broken" in command.line.failed["s-broken"]
    assert len(made.begun("s-poison")) == 2
    assert all(len(made.begun(f"s-{name}")) == 1 for name in sleeps(12))
    assert {event[0] for event in made.events()} <= {"one", "two", "three"}
    version = odyssey_asv.__version__
    assert f"refused: it has odyssey-asv 9.9, here it is {version}" in command.heard.lines


def test_a_killed_worker_costs_what_it_had_in_flight_and_a_late_joiner_helps(made: Hosts) -> None:
    made.scheduler()
    first = made.host("one")
    command = Command(made, sleeps(5, "1"))
    until(lambda: len(made.events()) >= 3)
    os.killpg(first.pid, signal.SIGKILL)
    until(lambda: any(line.startswith("lost") for line in command.heard.lines))
    made.host("late")
    command.finished()
    assert sorted(command.kept) == sorted(sleeps(5))
    begun = [len(made.begun(f"s-{name}")) for name in sleeps(5)]
    assert sorted(begun) == [1, 1, 1, 1, 2]


def test_a_stopped_host_is_given_up(tmp_path: Path) -> None:
    """It says nothing any more, as one that has lost its power."""
    with hosts(tmp_path, ttl="4s") as made:
        made.scheduler()
        first = made.host("one")
        command = Command(made, sleeps(3, "1"))
        until(lambda: len(made.events()) >= 1)
        os.killpg(first.pid, signal.SIGSTOP)
        made.host("two")
        command.finished()
        assert sorted(command.kept) == sorted(sleeps(3))


def test_a_scheduler_that_is_started_anew_goes_on(made: Hosts) -> None:
    """Its hosts come back with it. What was answered before is not done again."""
    scheduler, worker = made.scheduler(), made.host("one")
    command = Command(made, sleeps(5, "1"))
    until(lambda: len(command.kept) >= 1)
    before = list(command.kept)
    os.killpg(scheduler.pid, signal.SIGKILL)
    until(lambda: worker.poll() is not None)
    made.scheduler()
    made.host("one")
    command.finished()
    assert "disconnected" in command.heard.lines
    assert sorted(command.kept) == sorted(sleeps(5))
    assert all(len(made.begun(f"s-{name}")) == 1 for name in before)
    assert sum(len(made.begun(f"s-{name}")) for name in sleeps(5)) <= 6


def test_a_class_that_nobody_offers_is_waited_for_and_named(made: Hosts, tmp_path: Path) -> None:
    """And `odyssey fleet status` says who is there."""
    made.scheduler()
    made.host("one")
    project = make(tmp_path / "project")
    until(lambda: "1 host" in project.odyssey("fleet", "status", made.address).out)
    status = project.odyssey("fleet", "status", made.address)
    assert status.code == 0
    assert "fast  free" in status.out
    assert status.out.endswith("1 host, 1 of use\n")
    answer = project.odyssey(
        "run", "HEAD", "--scheduler", made.address, "--class", "slow", "--wait", "1"
    )
    assert answer.code == 3
    assert "no host of class slow was there for 1 s" in answer.err
    assert "it offers fast, not slow" in answer.err


def test_hosts_that_take_long_to_describe_do_not_put_off_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A hundred that join at once take seconds; those that join after them are seen as soon as before."""
    now = [0.0]
    there: dict[str, int] = {}

    def asked(_: DaskEngine, what: str, **named: object) -> dict[str, int]:
        now[0] += 0.01
        return dict(there)

    def described(_: DaskEngine, new: list[str]) -> list[tuple[str, Host]]:
        now[0] += 10.0
        return [(address, Host(address, address, "1.0")) for address in new]

    monkeypatch.setattr("odyssey_asv.fleet.engine.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(DaskEngine, "_asked", asked)
    monkeypatch.setattr(DaskEngine, "_described", described)
    engine = DaskEngine("tcp://nowhere:1", None, work)
    engine._client = SimpleNamespace(status="running")
    there |= {"a": 1, "b": 1}
    first = engine.hosts()
    assert [host.id for host in first] == ["a", "b"]
    there["c"] = 1
    assert [host.id for host in engine.hosts()] == ["a", "b", "c"]
    # Asked again at once the scheduler is left alone, and a little later nothing is new.
    second = engine.hosts()
    asked_at = now[0]
    assert engine.hosts() is second
    assert now[0] == asked_at
    now[0] += 1.0
    assert engine.hosts() is second
    assert now[0] > asked_at + 1.0
    del there["a"]
    now[0] += 1.0
    assert [host.id for host in engine.hosts()] == ["b", "c"]


def test_each_host_is_handed_the_repository_once_and_again_where_it_is_gone(
    made: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked in one call for all hosts that are sent jobs, not in one for each job."""
    calls: list[tuple[str, int]] = []
    plainly = DaskEngine._call

    def call(engine: DaskEngine, function: Any, *words: Any) -> dict[str, Any]:
        calls.append((function.__name__, len(words[-1])))
        return plainly(engine, function, *words)

    monkeypatch.setattr(DaskEngine, "_call", call)
    made.scheduler()
    content = b"a repository"
    digest = hashlib.sha256(content).hexdigest()
    kept = [made.folder / name / "bundles" / digest for name in ("one", "two")]
    made.host("one")
    made.host("two")

    def jobs(name: str, what: str, count: int) -> list[Job]:
        words = (what, "0", str(made.traces))
        return [
            Job(f"s-{name}{n}", name, words, "project", "a" * 40, bundle=digest)
            for n in range(count)
        ]

    with connected(made.address, perform=work) as engine:
        until(lambda: len(engine.hosts()) == 2)
        calls.clear()
        engine.offer(digest, content)
        terms = Terms(odyssey_asv.__version__, "fast", 40.0, 1.0)
        drive(Line(jobs("first", "sleep", 12), terms), engine, lambda *_: None, Watcher())
        assert [path.read_bytes() for path in kept] == [content, content]
        assert calls == [("has_bundle", 2), ("put_bundle", 2)]
        for path in kept:
            path.unlink()
        # Whatever comes to nothing makes it ask again.
        drive(Line(jobs("broken", "raise", 2), terms), engine, lambda *_: None, Watcher())
        drive(Line(jobs("last", "sleep", 12), terms), engine, lambda *_: None, Watcher())
        assert [path.read_bytes() for path in kept] == [content, content]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates with openssl")
def test_tls(tmp_path: Path) -> None:
    """With certificates hosts and commands meet; without, nobody gets in."""
    certificate = tmp_path / "cert.pem"
    key = tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=fleet", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    secrets = {
        "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True",
        "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(certificate),
    }
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        secrets[f"DASK_DISTRIBUTED__COMM__TLS__{role}__CERT"] = str(certificate)
        secrets[f"DASK_DISTRIBUTED__COMM__TLS__{role}__KEY"] = str(key)
    words = [ODYSSEY, "fleet", "status"]

    def status(address: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*words, address],
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
        )

    with hosts(tmp_path, scheme="tls", env=secrets) as made:
        made.scheduler()
        made.host("one")
        until(lambda: "1 host, 1 of use" in status(made.address, secrets).stdout)
        plain = status(made.address.replace("tls", "tcp"), {})
        assert plain.returncode == 3
        assert "no scheduler answers at tcp://" in plain.stderr
        bare = status(made.address, {})
        assert bare.returncode == 3
        assert "no scheduler answers at tls://" in bare.stderr
        assert "tls needs certificates" in bare.stderr


def test_nobody_answers(tmp_path: Path) -> None:
    project = make(tmp_path / "project")
    answer = project.odyssey("fleet", "status", "tcp://127.0.0.1:1", "--json")
    assert answer.code == 3
    assert "no scheduler answers at tcp://127.0.0.1:1" in answer.err
    assert answer.out == ""


@pytest.mark.parametrize("address", ["host:8786", "-tcp://x", "http://x", "local:0", "local:x"])
def test_what_is_no_address(tmp_path: Path, address: str) -> None:
    answer = make(tmp_path / "project").here("run", f"--scheduler={address}")
    assert answer.code == 2
    assert address in answer.err


def test_without_the_extra_its_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InvalidInputError) as caught, connected("tcp://127.0.0.1:1"):
        pass
    assert "odyssey-asv[fleet]" in (caught.value.tip or "")


def test_the_command_loads_no_dask_without_a_fleet() -> None:
    verbs = "odyssey_asv.cli.check, odyssey_asv.cli.run, odyssey_asv.cli.bisect"
    code = f"import sys, {verbs}; print('distributed' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_address_where_something_else_listens(made: Hosts) -> None:
    with (
        socket.create_server(("127.0.0.1", made.port)),
        pytest.raises(CannotMeasureError, match="no scheduler answers"),
        connected(made.address),
    ):
        pass
