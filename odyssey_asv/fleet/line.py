"""Who gets the next job, what is done again, what is given up. Pure: time is handed in.

One job is in flight on a host, never more, so that whatever takes a host down is known. A job whose host
is lost waits a moment for that host to come back, which may have its answer, and then goes to another; the
second host lost with it is the last, and the job alone is blamed. Jobs that wait are never on a host and
never suffer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from odyssey_asv.fleet.jobs import Host, Job

MOST_LOSSES = 2
"""Hosts that may be lost with a job in flight before the job is given up."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What hosts must offer, and for how long to wait: for a host that fits, and for a lost one."""

    version: str
    wanted: str | None = None
    patience_s: float = 60.0
    grace_s: float = 10.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """A job that was in flight and is kept for its host until then."""

    job: Job
    host: str
    until: float


@dataclass(slots=True)
class Line:
    """The jobs of one command and the hosts that are there now."""

    jobs: Sequence[Job]
    terms: Terms
    preferred: str | None = None
    """The id of the host that is asked first, where it is there."""
    in_flight: dict[str, tuple[Job, Host]] = field(default_factory=dict, init=False)
    """By the host's address."""
    failed: dict[str, str] = field(default_factory=dict, init=False)
    """Why jobs were given up, by their id."""
    done: set[str] = field(default_factory=set, init=False)
    did: dict[str, str] = field(default_factory=dict, init=False)
    """Which host answered, by the job's id."""
    refused: dict[str, str] = field(default_factory=dict, init=False)
    """Why hosts that are there get no job, by their id."""
    _fresh: deque[Job] = field(default_factory=deque, init=False)
    _kept: dict[str, _Kept] = field(default_factory=dict, init=False)
    _hosts: dict[str, Host] = field(default_factory=dict, init=False)
    _losses: dict[str, list[str]] = field(default_factory=dict, init=False)
    _idle_since: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._fresh = deque(self.jobs)

    @property
    def finished(self) -> bool:
        return self.left == 0

    @property
    def usable(self) -> list[Host]:
        return [host for host in self._hosts.values() if host.id not in self.refused]

    def seen(self, hosts: Iterable[Host], now: float) -> list[Job]:
        """These hosts are there now, and no others. Returns the jobs whose hosts are gone."""
        ordered = sorted(hosts, key=lambda host: (host.id != self.preferred, host.id))
        self._hosts = {host.address: host for host in ordered}
        self.refused = {
            host.id: reason
            for host in self._hosts.values()
            if (reason := self._against(host)) is not None
        }
        gone = [address for address in self.in_flight if address not in self._hosts]
        return [self.lost(address, now) for address in gone]

    def _against(self, host: Host) -> str | None:
        """Why a host gets no job."""
        if host.fault is not None:
            return host.fault
        if host.version is None:
            return f"odyssey-asv is not installed there; here it is {self.terms.version}"
        if host.version != self.terms.version:
            return f"it has odyssey-asv {host.version}, here it is {self.terms.version}"
        if not host.exclusive:
            return 'it does not offer "bench", so other work may run beside a measurement'
        if self.terms.wanted is not None and self.terms.wanted not in host.classes:
            offered = ", ".join(sorted(host.classes)) or "no class"
            return f"it offers {offered}, not {self.terms.wanted}"
        return None

    def next(self, now: float) -> list[tuple[Job, Host]]:
        """Jobs for the hosts that are free, which then are in flight."""
        handed: list[tuple[Job, Host]] = []
        busy = {host.id for _, host in self.in_flight.values()}
        for host in self.usable:
            if not self._fresh and not self._kept:
                break
            if host.id in busy:
                # Also where it is known by two addresses: one computer, one job.
                continue
            job = self._choose(host, now)
            if job is not None:
                busy.add(host.id)
                self.in_flight[host.address] = (job, host)
                handed.append((job, host))
        return handed

    def _choose(self, host: Host, now: float) -> Job | None:
        """What this host had before it was lost, else what was kept long enough, else a fresh job."""
        kept = self._kept.values()
        own = next((k for k in kept if k.host == host.id), None)
        chosen = own or next((k for k in kept if now >= k.until), None)
        if chosen is not None:
            del self._kept[chosen.job.id]
            return chosen.job
        return self._fresh.popleft() if self._fresh else None

    def answered(self, address: str, job_id: str) -> Job | None:
        """An answer came from a host; None where nobody waits for it any more. Also one whose host was
        given up in the meantime counts, as long as nobody else does the job."""
        kept = self._kept.pop(job_id, None)
        if kept is not None:
            self.done.add(job_id)
            self.did[job_id] = kept.host
            return kept.job
        if not self._flies(address, job_id):
            return None
        job, host = self.in_flight.pop(address)
        self.done.add(job_id)
        self.did[job_id] = host.id
        return job

    def gave_up(self, address: str, job_id: str, reason: str) -> Job | None:
        """The job in flight on a host failed by its own fault; None where nobody waits for it."""
        if not self._flies(address, job_id):
            return None
        job, _ = self.in_flight.pop(address)
        self.failed[job.id] = reason
        return job

    def strayed(self, address: str, job_id: str, now: float) -> Job | None:
        """A job came to nothing on its way, as when its host is lost; None where nobody waits for it."""
        return self.lost(address, now) if self._flies(address, job_id) else None

    def _flies(self, address: str, job_id: str) -> bool:
        return address in self.in_flight and self.in_flight[address][0].id == job_id

    def lost(self, address: str, now: float) -> Job:
        """A host is gone with its job."""
        job, host = self.in_flight.pop(address)
        losses = self._losses.setdefault(job.id, [])
        losses.append(host.id)
        if len(losses) >= MOST_LOSSES:
            self.failed[job.id] = (
                f"{len(losses)} hosts were lost while they did it: {', '.join(losses)}"
            )
        else:
            self._kept[job.id] = _Kept(job, host.id, now + self.terms.grace_s)
        return job

    def disconnected(self, now: float) -> None:
        """The engine is gone, which is no job's fault: what was in flight is kept for its host."""
        for job, host in self.in_flight.values():
            self._kept[job.id] = _Kept(job, host.id, now + self.terms.patience_s)
        self.in_flight.clear()
        self._hosts.clear()

    def spoiled(self, job: Job, reason: str) -> None:
        """What came of a job was no answer."""
        self.done.discard(job.id)
        self.failed[job.id] = reason

    @property
    def left(self) -> int:
        """How many jobs are neither done nor given up."""
        return len(self._fresh) + len(self._kept) + len(self.in_flight)

    def stuck(self, now: float) -> bool:
        """Whether nothing will ever happen: for too long there was no host that fits."""
        if self.usable or self.in_flight or self.finished:
            self._idle_since = None
            return False
        if self._idle_since is None:
            self._idle_since = now
        return now - self._idle_since >= self.terms.patience_s

    def why_nobody(self) -> str:
        """What stands against each host that is there."""
        what = "no host" if self.terms.wanted is None else f"no host of class {self.terms.wanted}"
        reasons = [f"  {name}: {why}" for name, why in sorted(self.refused.items())]
        there = reasons or ["  there is no host at all"]
        return "\n".join([f"{what} was there for {self.terms.patience_s:.0f} s", *there])
