"""Who gets the next job, what is done again, what is given up. Pure: time is handed in.

One job is in flight on a host, never more, so that whatever takes a host down is known. A job whose host
is lost waits a moment for that host to come back, which may have its answer, and then goes to another; the
second host lost with it is the last, and the job alone is blamed. Jobs that wait are never on a host and
never suffer.

An answer costs the same whatever the number of hosts and jobs; all hosts are gone through only when some
have come or gone.
"""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict, deque
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


class _Shelf:
    """The jobs that are kept, by job, by host, and by when they may go to any host."""

    def __init__(self) -> None:
        self._jobs: dict[str, _Kept] = {}
        self._of: dict[str, _Kept] = {}
        self._due: list[tuple[float, int, _Kept]] = []
        self._count = itertools.count()

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, kept: _Kept) -> None:
        self._jobs[kept.job.id] = self._of[kept.host] = kept
        heapq.heappush(self._due, (kept.until, next(self._count), kept))

    def hosts(self) -> list[str]:
        """Of which hosts there are jobs."""
        return list(self._of)

    def of(self, host: str) -> Job:
        """Take what a host had before it was lost."""
        return self._take(self._of[host])

    def due(self, now: float) -> Job | None:
        """Take what has waited long enough."""
        while self._due and self._due[0][0] <= now:
            _, _, kept = heapq.heappop(self._due)
            # Those taken otherwise are still listed here.
            if self._jobs.get(kept.job.id) is kept:
                return self._take(kept)
        return None

    def answered(self, job_id: str) -> _Kept | None:
        """Take a job whose answer came after all; None where it is not here."""
        kept = self._jobs.get(job_id)
        if kept is not None:
            self._take(kept)
        return kept

    def _take(self, kept: _Kept) -> Job:
        del self._jobs[kept.job.id]
        if self._of.get(kept.host) is kept:
            del self._of[kept.host]
        return kept.job


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
    """Why hosts that are there get no job, by their id. Another dictionary when hosts came or went."""
    _fresh: deque[Job] = field(default_factory=deque, init=False)
    _shelf: _Shelf = field(default_factory=_Shelf, init=False)
    _seen: tuple[Host, ...] = field(default=(), init=False)
    _usable: dict[str, Host] = field(default_factory=dict, init=False)
    _free: OrderedDict[str, Host] = field(default_factory=OrderedDict, init=False)
    _losses: dict[str, list[str]] = field(default_factory=dict, init=False)
    _idle_since: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._fresh = deque(self.jobs)

    @property
    def finished(self) -> bool:
        return self.left == 0

    @property
    def usable(self) -> list[Host]:
        """The hosts that fit, each once, also where it is known by two addresses."""
        return list(self._usable.values())

    def seen(self, hosts: Iterable[Host], now: float) -> list[Job]:
        """These hosts are there now, and no others. Returns the jobs whose hosts are gone.

        The very tuple that was handed in last costs nothing: nobody came or went.
        """
        seen = tuple(hosts)
        if seen is self._seen:
            return []
        self._seen = seen
        ordered = sorted(seen, key=lambda host: (host.id != self.preferred, host.id))
        by_address = {host.address: host for host in ordered}
        self.refused = {
            host.id: reason
            for host in by_address.values()
            if (reason := self._against(host)) is not None
        }
        busy = {host.id for _, host in self.in_flight.values()}
        self._usable.clear()
        self._free.clear()
        for host in by_address.values():
            if host.id not in self.refused and host.id not in self._usable:
                self._usable[host.id] = host
                if host.id not in busy:
                    self._free[host.id] = host
        gone = [address for address in self.in_flight if address not in by_address]
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
        """Jobs for the hosts that are free, which then are in flight: what a host had before it was
        lost, else what was kept long enough, else a fresh job."""
        back = [name for name in self._shelf.hosts() if name in self._free]
        handed = [(self._shelf.of(name), self._free.pop(name)) for name in back]
        while self._free and (job := self._shelf.due(now) or self._fresh_one()) is not None:
            _, host = self._free.popitem(last=False)
            handed.append((job, host))
        self.in_flight.update((host.address, (job, host)) for job, host in handed)
        return handed

    def _fresh_one(self) -> Job | None:
        return self._fresh.popleft() if self._fresh else None

    def answered(self, address: str, job_id: str) -> Job | None:
        """An answer came from a host; None where nobody waits for it any more. Also one whose host was
        given up in the meantime counts, as long as nobody else does the job."""
        kept = self._shelf.answered(job_id)
        if kept is not None:
            job, did = kept.job, kept.host
        elif self._flies(address, job_id):
            job, host = self._landed(address)
            did = host.id
        else:
            return None
        self.done.add(job_id)
        self.did[job_id] = did
        return job

    def _landed(self, address: str) -> tuple[Job, Host]:
        """Nothing is in flight on a host any more; it is free if it is there."""
        job, host = self.in_flight.pop(address)
        if host.id in self._usable:
            self._free[host.id] = self._usable[host.id]
        return job, host

    def gave_up(self, address: str, job_id: str, reason: str) -> Job | None:
        """The job in flight on a host failed by its own fault; None where nobody waits for it."""
        if not self._flies(address, job_id):
            return None
        job, _ = self._landed(address)
        self.failed[job.id] = reason
        return job

    def strayed(self, address: str, job_id: str, now: float) -> Job | None:
        """A job came to nothing on its way, as when its host is lost; None where nobody waits for it."""
        return self.lost(address, now) if self._flies(address, job_id) else None

    def _flies(self, address: str, job_id: str) -> bool:
        return address in self.in_flight and self.in_flight[address][0].id == job_id

    def lost(self, address: str, now: float) -> Job:
        """A host is gone with its job."""
        job, host = self._landed(address)
        losses = self._losses.setdefault(job.id, [])
        losses.append(host.id)
        if len(losses) >= MOST_LOSSES:
            self.failed[job.id] = (
                f"{len(losses)} hosts were lost while they did it: {', '.join(losses)}"
            )
        else:
            self._shelf.put(_Kept(job, host.id, now + self.terms.grace_s))
        return job

    def disconnected(self, now: float) -> None:
        """The engine is gone, which is no job's fault: what was in flight is kept for its host."""
        for job, host in self.in_flight.values():
            self._shelf.put(_Kept(job, host.id, now + self.terms.patience_s))
        self.in_flight.clear()
        self._seen = ()
        self._usable.clear()
        self._free.clear()

    def spoiled(self, job: Job, reason: str) -> None:
        """What came of a job was no answer."""
        self.done.discard(job.id)
        self.failed[job.id] = reason

    @property
    def left(self) -> int:
        """How many jobs are neither done nor given up."""
        return len(self._fresh) + len(self._shelf) + len(self.in_flight)

    def stuck(self, now: float) -> bool:
        """Whether nothing will ever happen: for too long there was no host that fits."""
        if self._usable or self.in_flight or self.finished:
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
