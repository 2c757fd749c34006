"""`--shard i/n` of the verbs that measure, and what they say of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from odyssey_asv.sharding.shards import Shard, parse

F = TypeVar("F", bound=Callable[..., Any])


class ShardWord(click.ParamType[Shard]):
    """`2/8`."""

    name = "shard"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Shard:
        if isinstance(value, Shard):
            return value
        try:
            return parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def shard_options(function: F) -> F:
    """`--shard` and `--durations`."""
    options = (
        click.option(
            "--shard", type=ShardWord(), metavar="I/N",
            help="Only this part of the work; `odyssey import` joins the parts.",
        ),
        click.option(
            "--durations", type=click.Path(exists=True, path_type=Path), metavar="PATH",
            help="Balance shards by the durations in this result file or folder (default: the baseline).",
        ),
    )  # fmt: skip
    return functools.reduce(lambda made, option: option(made), reversed(options), function)


def check_options(function: F) -> F:
    """`--shard`, `--durations`, `--machine` and `--out` of a check."""
    return shard_options(place_options(function))


def place_options(function: F) -> F:
    """`--machine` and `--out`."""
    options = (
        click.option(
            "-m", "--machine", metavar="NAME",
            help="The machine's name, or that of its class (default: the host name).",
        ),
        click.option(
            "--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
            help="Where result files go (default: benchmarks/results).",
        ),
    )  # fmt: skip
    return functools.reduce(lambda made, option: option(made), reversed(options), function)
