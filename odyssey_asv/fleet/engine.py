"""The engine on Dask distributed: the only module that imports it, and only when a fleet is asked for.

Dask keeps the hosts and carries calls to them; it decides nothing. Every job is sent to one host by name,
none waits on a host, none is tried again by Dask, and each result is fetched the moment it is there, so
that none is held by a host that may go. See `line` for what is decided.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from odyssey_asv.errors import CannotMeasureError, InvalidInputError
from odyssey_asv.fleet import host as there
from odyssey_asv.fleet.drive import DisconnectedError, Event
from odyssey_asv.fleet.jobs import Answer, Host, Job

_CONNECT_S = 5.0
_RETRY_S = 0.5
_ANSWER_S = 30.0
_LOOKING_SHARE = 20.0
_AT_ONCE = 64_000_000
"""Of repositories, as many bytes go through the scheduler at a time."""
_CLASS = "class:"
BENCH = "bench"
SETTINGS = {
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.worker-ttl": "20s",
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.admin.tick.limit": "30s",
}
"""What a scheduler and its workers should be started with; those of `local` are."""

Perform = Callable[[Mapping[str, Any]], dict[str, Any]]


async def _knock(address: str) -> None:
    """Find out whether a scheduler answers. Raises OSError, and TypeError without certificates."""
    comm: Any = importlib.import_module("distributed.comm")
    security: Any = importlib.import_module("distributed.security").Security()
    words = security.get_connection_args("client")
    # Its own time-out does not hold once something has answered that is no scheduler.
    made = await asyncio.wait_for(comm.connect(address, timeout=_CONNECT_S, **words), _CONNECT_S)
    await made.close()


def _unreachable(address: str, error: Exception) -> CannotMeasureError:
    tip = "start one: dask scheduler; docs/fleet.md says with which settings"
    if isinstance(error, TypeError):
        tip = "tls needs certificates: see docs/fleet.md"
    return CannotMeasureError(
        f"no scheduler answers at {address}: {str(error) or 'it is silent'}", tip=tip
    )


@dataclass(frozen=True, slots=True)
class Local:
    """`local:N`: this machine alone, as N hosts that keep what they need in `home`."""

    count: int
    home: Path


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise InvalidInputError(
            "--scheduler needs Dask distributed, which is not installed",
            tip="install the extra: pip install 'odyssey-asv[fleet]'",
        ) from error
    return distributed


@contextmanager
def connected(place: str | Local, *, perform: Perform = there.perform) -> Iterator[DaskEngine]:
    """The engine at an address, or one of its own on this machine, gone afterwards.

    TLS is as Dask's own configuration says (`distributed.comm.tls`). Raises `CannotMeasureError` where
    nobody answers, `InvalidInputError` where Dask is not installed.
    """
    distributed = _distributed()
    # It tells of every connection lost; what of that matters is said by the watcher.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    if isinstance(place, str):
        with closing(DaskEngine(place, None, perform)) as engine:
            engine.reconnect(_CONNECT_S)
            yield engine
        return
    import dask

    with (
        dask.config.set(SETTINGS),
        distributed.LocalCluster(
            n_workers=place.count,
            threads_per_worker=1,
            processes=True,
            memory_limit=0,
            dashboard_address=None,
            resources={BENCH: 1, f"{_CLASS}local": 1},
            local_directory=str(place.home / "dask"),
        ) as cluster,
        closing(DaskEngine(cluster.scheduler_address, place.home, perform)) as engine,
    ):
        engine.reconnect(_CONNECT_S)
        yield engine


class DaskEngine:
    """Carries jobs to the workers of a Dask scheduler. See `drive.Engine`."""

    def __init__(self, address: str, home: Path | None, perform: Perform) -> None:
        self.address = address
        self._home = home
        self._perform = perform
        self._client: Any = None
        self._known: dict[str, Host] = {}
        self._told: tuple[Host, ...] = ()
        self._homes: dict[str, str] = {}
        self._look_at = 0.0
        self._flying: dict[str, tuple[Job, Any]] = {}
        self._finished: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._bundles: dict[str, bytes] = {}
        self._having: dict[str, str] = {}
        self._attempt = 0

    def offer(self, digest: str, content: bytes) -> None:
        """A repository that jobs will name; each host is handed it once."""
        self._bundles[digest] = content

    def reconnect(self, timeout_s: float) -> None:
        """Find the scheduler, again where it was found before."""
        distributed = _distributed()
        self._drop()
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                # A client that finds nobody is slow to go away again, so it is made only where one is.
                asyncio.run(_knock(self.address))
                self._client = distributed.Client(
                    self.address, timeout=_CONNECT_S, set_as_default=False
                )
            except (TypeError, ValueError) as error:
                raise _unreachable(self.address, error) from error
            except (OSError, TimeoutError) as error:
                if time.monotonic() >= deadline:
                    raise _unreachable(self.address, error) from error
                time.sleep(_RETRY_S)
            else:
                return

    def _drop(self) -> None:
        self._flying.clear()
        self._known.clear()
        self._having.clear()
        self._told = ()
        self._look_at = 0.0
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                client.close(timeout=2)

    def close(self) -> None:
        """Leave the scheduler. Jobs in flight go on, as nobody told them to stop."""
        self._drop()

    def hosts(self) -> tuple[Host, ...]:
        began = time.monotonic()
        if began < self._look_at and self._client.status == "running":
            return self._told
        # Of thousands of hosts the scheduler has much to tell: addresses are enough, now and then.
        now = self._asked("ncores")
        asked_s = time.monotonic() - began
        new = [address for address in now if address not in self._known]
        gone = [address for address in self._known if address not in now]
        if new:
            self._known.update(self._described(new))
        for address in gone:
            del self._known[address]
            self._having.pop(address, None)
            self._flying.pop(address, None)
        if new or gone:
            self._told = tuple(self._known.values())
        # Not by what it took to describe those that came: more are on their way then.
        self._look_at = began + _LOOKING_SHARE * asked_s
        return self._told

    def _workers(self) -> dict[str, Mapping[str, Any]]:
        """What the scheduler says of each worker, by address."""
        return dict(self._asked("identity", n_workers=-1)["workers"])

    def _asked(self, what: str, **named: Any) -> Any:
        """The answer of the scheduler to a question. Raises `DisconnectedError` where it is gone."""
        return self._waited(lambda: getattr(self._client.scheduler, what)(**named))

    def _waited(self, call: Callable[[], Any]) -> Any:
        """What a call to the scheduler comes to. Raises `DisconnectedError` where it is gone."""
        if self._client is None or self._client.status != "running":
            raise DisconnectedError
        try:
            return self._client.sync(call, callback_timeout=_ANSWER_S)
        except (OSError, TimeoutError, CancelledError) as error:
            raise DisconnectedError from error

    def _described(self, new: Sequence[str]) -> Iterator[tuple[str, Host]]:
        workers = self._workers()
        # Who left a moment ago is in neither answer.
        addresses = [address for address in new if address in workers]
        if self._home is None:
            answers = self._call(there.describe, None, list(addresses))
        else:
            # On one machine each needs a home of its own.
            answers = {}
            for address in addresses:
                home = str(self._home / f"host-{workers[address]['name']}")
                self._homes[address] = home
                answers |= self._call(there.describe, home, [address])
        for address in addresses:
            offered = workers[address].get("resources") or {}
            answer = answers.get(address)
            host = Host(
                address=address,
                id=f"{workers[address].get('name', address)}",
                version=None,
                classes=frozenset(
                    name.removeprefix(_CLASS) for name in offered if name.startswith(_CLASS)
                ),
                exclusive=offered.get(BENCH) == 1 and workers[address].get("nthreads") == 1,
            )
            if isinstance(answer, Mapping):
                host = replace(host, id=answer["id"], version=answer["version"])
            elif answer is None:
                # It left before it could answer; the next look tells.
                continue
            elif not isinstance(answer, ImportError):
                host = replace(host, fault=f"it cannot be used: {answer}")
            yield address, host

    def _call(self, function: Callable[..., Any], *words: Any) -> dict[str, Any]:
        """A small function on workers, besides what they do; the last word lists their addresses."""
        *arguments, addresses = words
        # The public method knows no time-out, and a worker may have left a moment ago.
        run = self._client._run  # noqa: SLF001
        answers = self._waited(
            lambda: run(function, *arguments, workers=addresses, on_error="return")
        )
        return dict(answers)

    def submit(self, handed: Sequence[tuple[Job, Host]]) -> None:
        sent = [
            (replace(job, home=self._homes.get(host.address)), host.address) for job, host in handed
        ]
        self._hand_over(sent)
        for job, address in sent:
            self._send(job, address)

    def _send(self, job: Job, address: str) -> None:
        self._attempt += 1
        try:
            future = self._client.submit(
                self._perform,
                job.plain(),
                key=f"odyssey-{job.id}-{self._attempt}",
                workers=[address],
                allow_other_workers=False,
                resources={BENCH: 1},
                retries=0,
                pure=False,
            )
        except (OSError, CancelledError) as error:
            raise DisconnectedError from error
        self._flying[address] = (job, future)
        future.add_done_callback(lambda done: self._finished.put((address, done)))

    def _hand_over(self, sent: Sequence[tuple[Job, str]]) -> None:
        """Give hosts the repository, where they have it not. That one is gone, the next look tells."""
        asked: dict[tuple[str | None, str], list[str]] = {}
        for job, address in sent:
            if job.bundle is not None and self._having.get(address) != job.bundle:
                asked.setdefault((job.home, job.bundle), []).append(address)
        for (home, digest), addresses in asked.items():
            has = self._call(there.has_bundle, home, digest, addresses)
            lacking = [address for address in addresses if has.get(address) is False]
            content = self._bundles[digest]
            few = max(1, _AT_ONCE // max(1, len(content)))
            for first in range(0, len(lacking), few):
                some = lacking[first : first + few]
                put = self._call(there.put_bundle, home, digest, content, some)
                has |= {address: answer is None for address, answer in put.items()}
            self._having |= {address: digest for address in addresses if has.get(address) is True}

    def events(self, timeout_s: float) -> Sequence[Event]:
        ended: list[tuple[str, Job, Any]] = []
        wait_s = timeout_s
        while True:
            try:
                address, future = self._finished.get(block=wait_s > 0.0, timeout=wait_s)
            except queue.Empty:
                break
            wait_s = 0.0
            job, current = self._flying.get(address, (None, None))
            # Others are of a host that is gone, or of a scheduler before this one.
            if job is not None and current is future:
                del self._flying[address]
                ended.append((address, job, future))
        together = self._fetched([future for _, _, future in ended])
        found = []
        for address, job, future in ended:
            plain = together.get(future.key)
            if plain is not None:
                found.append(Event(address, job.id, answer=Answer(**plain)))
            else:
                found.append(self._event(address, job, future))
            if found[-1].answer is None or not found[-1].answer.files:
                # It may be another process by now, or its disk was emptied.
                self._having.pop(address, None)
            # Fetched it is stored at once; Dask may forget it.
            future.release()
        return found

    def _fetched(self, futures: Sequence[Any]) -> dict[str, dict[str, Any]]:
        """The results of several jobs in one go, by key; none where any of them makes trouble."""
        done = [future for future in futures if future.status == "finished"]
        try:
            results = self._client.gather(done) if len(done) > 1 else []
        except Exception:  # noqa: BLE001 (each is asked for alone, which tells whose fault it is)
            return {}
        return {future.key: plain for future, plain in zip(done, results, strict=False)}

    def _event(self, address: str, job: Job, future: Any) -> Event:
        """What became of a job."""
        if future.status == "cancelled":
            if self._client.status != "running":
                raise DisconnectedError
            return Event(address, job.id)
        try:
            plain = future.result(timeout=2 * _ANSWER_S)
        except (OSError, TimeoutError, CancelledError):
            return Event(address, job.id)
        except Exception as error:  # noqa: BLE001 (whatever a job on another machine may raise)
            if type(error).__name__ in ("KilledWorker", "FutureCancelledError"):
                return Event(address, job.id)
            return Event(address, job.id, reason=f"{type(error).__name__}: {error}")
        return Event(address, job.id, answer=Answer(**plain))

    def stop(self, session: str) -> None:
        """Tell every host to end what it does for a session."""
        with suppress(DisconnectedError):
            homes: dict[str | None, list[str]] = {}
            for address in self._flying:
                homes.setdefault(self._homes.get(address), []).append(address)
            for home, addresses in homes.items():
                self._call(there.stop, home, session, addresses)


def status(address: str) -> tuple[Sequence[Host], Mapping[str, int]]:
    """The hosts at a scheduler, and how many tasks each does now, by address."""
    with connected(address) as engine:
        hosts = engine.hosts()
        workers = engine._workers()  # noqa: SLF001 (the same module)
        busy = {
            found: int((worker.get("metrics") or {}).get("executing", 0))
            for found, worker in workers.items()
        }
        return hosts, busy
