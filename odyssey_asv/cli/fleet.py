"""`odyssey fleet`, and `--scheduler` of the verbs that measure: who is there, what goes on."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from odyssey_asv import __version__
from odyssey_asv.cli.exits import Exit, put, say
from odyssey_asv.distributing import Wish, check_wish
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.fleet.drive import Watcher
from odyssey_asv.fleet.jobs import Answer, Host, Job
from odyssey_asv.fleet.line import Line, Terms
from odyssey_asv.units import count_of, one_line, printable

F = TypeVar("F", bound=Callable[..., int])
_DEFAULT = "tcp://127.0.0.1:8786"


def fleet_options(function: F) -> Callable[..., int]:
    """`--scheduler` and what goes with it, handed on as one `wish`, None without."""
    option = click.option(
        "--jobs", type=click.IntRange(1, 10_000), metavar="N",
        help="Shards of a check over a fleet (default: one a host).",
    )  # fmt: skip
    return search_fleet_options(option(function))


def search_fleet_options(function: F) -> Callable[..., int]:
    """As `fleet_options`, for a verb that has one job at a time."""

    @functools.wraps(function)
    def command(
        *arguments: Any,
        scheduler: str | None,
        wanted: str | None,
        patience_s: float,
        address: str | None,
        jobs: int | None = None,
        **others: Any,
    ) -> int:
        wish = None
        if scheduler is not None:
            wish = Wish(scheduler, wanted, jobs, patience_s, address)
            _check_others(others)
            check_wish(wish)
        elif wanted or jobs or address:
            given = {"--class": wanted, "--jobs": jobs, "--repository": address}
            name = next(name for name, value in given.items() if value)
            raise click.UsageError(f"{name} goes with --scheduler")
        return function(*arguments, wish=wish, **others)

    options = (
        click.option(
            "--scheduler", metavar="ADDRESS|local[:N]",
            help="Measure on the hosts of a Dask scheduler (see docs/fleet.md).",
        ),
        click.option("--class", "wanted", metavar="NAME", help="On hosts of this class only."),
        click.option(
            "--wait", "patience_s", type=click.FloatRange(min=0), default=60.0, show_default=True,
            metavar="S", help="Seconds to wait for a host that fits.",
        ),
        click.option(
            "--repository", "address", metavar="URL",
            help="Hosts fetch the project from here, instead of being handed it.",
        ),
    )  # fmt: skip
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


def _check_others(others: dict[str, Any]) -> None:
    for name in ("shard", "durations", "quick", "machine"):
        if others.get(name):
            raise click.UsageError(f"--{name} and --scheduler exclude each other")


class FleetWatcher(Watcher):
    """A line for each thing that happens, on stderr."""

    def handed(self, job: Job, host: Host) -> None:
        say(f"{job.label}: on {printable(host.id)}")

    def answered(self, job: Job, answer: Answer, left: int) -> None:
        seconds = answer.ended - answer.started
        say(f"{job.label}: done in {seconds:.0f} s, {count_of(left, 'job')} left")

    def failed(self, job: Job, reason: str) -> None:
        say(f"{job.label}: given up: {one_line(reason)}")

    def lost(self, job: Job) -> None:
        say(f"{job.label}: its host is gone; it will be done again")

    def refused(self, host: str, reason: str) -> None:
        say(f"note: {printable(host)} gets no jobs: {one_line(reason)}")

    def disconnected(self) -> None:
        say("the scheduler is gone; waiting for it to come back")


class StepWatcher(FleetWatcher):
    """As for other verbs, but what came of a job is told by the search."""

    def answered(self, job: Job, answer: Answer, left: int) -> None:
        pass


@click.group()
def fleet() -> None:
    """Look at the hosts that measure for --scheduler."""


@fleet.command()
@click.argument("address", default=_DEFAULT, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(address: str, as_json: bool) -> int:
    """Who is at the scheduler at ADDRESS (default: tcp://127.0.0.1:8786), and who can be used.

    Exit code 3 says that nobody can.
    """  # fmt: skip
    from odyssey_asv.fleet.engine import status as ask

    check_wish(Wish(address))
    if address.startswith("local"):
        raise InvalidInputError("a local fleet is there only while it measures")
    hosts, busy = ask(address)
    line = Line((), Terms(__version__))
    line.seen(hosts, 0.0)
    if as_json:
        rows = [
            {
                "host": host.id,
                "address": host.address,
                "version": host.version,
                "classes": sorted(host.classes),
                "busy": busy.get(host.address, 0) > 0,
                "refused": line.refused.get(host.id),
            }
            for host in hosts
        ]
        put(json.dumps({"version": __version__, "hosts": rows}, indent=2, sort_keys=True))
    else:
        for host in sorted(hosts, key=lambda host: host.id):
            classes = ", ".join(sorted(host.classes)) or "no class"
            state = "measuring" if busy.get(host.address) else "free"
            reason = line.refused.get(host.id)
            words = one_line(f"not used: {reason}") if reason else state
            put(printable(f"{host.id}  {host.address}  {classes}  {words}"))
        put(f"{count_of(len(hosts), 'host')}, {len(line.usable)} of use")
    return Exit.OK if line.usable else Exit.CANNOT
