"""Options that several verbs share, and what they turn into."""

from __future__ import annotations

import functools
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from odyssey_asv import config as configuration
from odyssey_asv.adapter import asv_config
from odyssey_asv.adapter.environments.dates import AsOf, parse_as_of
from odyssey_asv.cli import Scene
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.findings import Clock
from odyssey_asv.project import asv_of
from odyssey_asv.units import parse_fraction

if TYPE_CHECKING:
    from odyssey_asv.repository import Repository

F = TypeVar("F", bound=Callable[..., Any])


class Share(click.ParamType[Fraction]):
    """`5%` or `0.05`."""

    name = "share"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fraction:
        try:
            return parse_fraction(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Confidence(click.ParamType[float]):
    """`99%` or `0.99`."""

    name = "share"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            return configuration.parse_confidence(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Gate(click.ParamType[frozenset[Any]]):
    """`duration,memory,track` or some of them."""

    name = "gate"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[Any]:
        try:
            return configuration.parse_gate(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Moment(click.ParamType[AsOf]):
    """`commit`, a day or a moment."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> AsOf:
        if isinstance(value, AsOf):
            return value
        try:
            return parse_as_of(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def as_of_option(function: F) -> F:
    """`--as-of commit|DATE`, as `as_of`."""
    option = click.option(
        "--as-of", type=Moment(), metavar="commit|DATE",
        help="Build with the tools, requirements and Python of each commit's date, or of DATE.",
    )  # fmt: skip
    return option(function)


def bench_option(function: F) -> F:
    """`-b REGEX`, any number of them, as `benches`."""
    option = click.option(
        "-b", "--bench", "benches", multiple=True, metavar="REGEX",
        help="Only benchmarks whose name this finds; may be repeated.",
    )  # fmt: skip
    return option(function)


def environment_option(function: F) -> F:
    """`-E ENV`, any number of them, as `environments`."""
    option = click.option(
        "-E", "--environment", "environments", multiple=True, metavar="ENV",
        help="As asv's -E: a name or TYPE:PYTHON; may be repeated.",
    )  # fmt: skip
    return option(function)


def measuring_options(function: F) -> F:
    """What checking and bisecting have in common: limits, what may alert, and how to measure."""
    options = (
        click.option(
            "--python", metavar="V", help="The Python to use instead of the configuration's."
        ),
        as_of_option,
        click.option(
            "--tolerance", type=Share(), help="Up to this a slowdown must pass (default: 5%)."
        ),
        click.option(
            "--threshold", type=Share(), help="From this on it must alert (default: 10%)."
        ),
        click.option(
            "--gate", type=Gate(),
            help="What may alert: duration,memory,track (default: duration).",
        ),
        click.option(
            "--clock", type=click.Choice(configuration.CLOCKS), callback=_clock,
            help="What to judge by: the wall's, the processor's, or whichever fits (default: auto).",
        ),
        click.option(
            "--cpu", type=click.IntRange(min=0), metavar="N",
            help="Take samples on processor N only.",
        ),
        click.option(
            "--seed", type=int, metavar="N", help="Draw orders and processes from this seed."
        ),
    )  # fmt: skip
    return functools.reduce(lambda made, option: option(made), reversed(options), function)


def _clock(_context: click.Context, _option: click.Parameter, value: str | None) -> Clock | None:
    return None if value is None else Clock(value)


def load_config(scene: Scene) -> configuration.Config:
    """The project's settings; Ctrl-C and errors go where `finish` sees them."""
    return configuration.load(scene.folder)


def load_asv(scene: Scene, config: configuration.Config) -> asv_config.AsvConfig:
    """The asv configuration: the one named, the one our settings name, else the one found."""
    return asv_of(scene.folder, config, scene.asv_config)


def find_tree(scene: Scene, config: configuration.Config) -> Path | None:
    """asv's results folder, None where no asv configuration is found."""
    try:
        return load_asv(scene, config).results_dir
    except InvalidInputError:
        return None


def open_repository(scene: Scene, config: configuration.Config) -> Repository:
    """The repository under test. Loads git, which comparing files does not need."""
    from odyssey_asv.repository import Repository

    return Repository(find_repository(scene, config))


def find_repository(scene: Scene, config: configuration.Config) -> Path:
    """The repository under test: the one asv.conf.json names, else the one around here."""
    try:
        asv = load_asv(scene, config)
    except InvalidInputError:
        return scene.folder
    return asv.local_repo or (asv.mirror if asv.mirror.is_dir() else scene.folder)
