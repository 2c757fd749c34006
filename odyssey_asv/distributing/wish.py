"""What is wished of a fleet: which scheduler, which hosts of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from odyssey_asv import __version__
from odyssey_asv.config import Config
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.fleet.engine import DaskEngine, Local, connected
from odyssey_asv.fleet.jobs import Host
from odyssey_asv.fleet.line import Terms
from odyssey_asv.workspace import check_machine

_LOCAL = re.compile(r"^local(?::([0-9]{1,3}))?$")


@dataclass(frozen=True, slots=True)
class Wish:
    """Where and how to distribute. `scheduler` is an address, `local` or `local:N`; `wanted` the class
    of hosts; `jobs` how many shards a check is cut into, None for one a host; `address` a repository
    that hosts fetch themselves."""

    scheduler: str
    wanted: str | None = None
    jobs: int | None = None
    patience_s: float = 60.0
    address: str | None = None


def check_wish(wish: Wish) -> None:
    """Raise `InvalidInputError` for what can be no scheduler, no class, no repository."""
    if not _LOCAL.match(wish.scheduler) and not re.match(
        r"^(tcp|tls|ws|wss)://\S+$", wish.scheduler
    ):
        raise InvalidInputError(
            f"--scheduler {wish.scheduler!r} is no address",
            tip="tcp://HOST:8786, tls://HOST:8786, local, or local:N for N hosts on this machine",
        )
    if wish.scheduler == "local:0":
        raise InvalidInputError("--scheduler local:0 has no hosts")
    if wish.wanted is not None:
        check_machine(wish.wanted)
    if wish.address is not None and wish.address.startswith("-"):
        raise InvalidInputError(f"--repository {wish.address!r} begins with '-'")


@contextmanager
def engine_of(wish: Wish, config: Config) -> Iterator[DaskEngine]:
    match = _LOCAL.match(wish.scheduler)
    home = config.state / "fleet"
    place = wish.scheduler if match is None else Local(int(match[1] or 1), home)
    with connected(place) as engine:
        yield engine


def terms_of(wish: Wish, wanted: str | None) -> Terms:
    return Terms(__version__, wanted, wish.patience_s)


def class_of(wish: Wish, hosts: Sequence[Host]) -> str:
    """The class to measure on: the one asked for, else the only one that is offered."""
    if wish.wanted is not None:
        return wish.wanted
    offered = sorted({name for host in hosts for name in host.classes})
    if len(offered) > 1:
        raise InvalidInputError(
            f"the hosts at {wish.scheduler} are of more than one class: {', '.join(offered)}",
            tip="numbers of different machines are not to be mixed: choose one with --class NAME",
        )
    if not offered:
        raise InvalidInputError(
            f"no host at {wish.scheduler} says of which class it is",
            tip='start hosts with --resources "bench=1,class:NAME=1"; docs/fleet.md says how',
        )
    return offered[0]
