"""Words in, exit code out. The only package that prints or exits; it knows no statistics.

Verbs are imported when they are used, so that `--help` is there at once.
"""

from __future__ import annotations

import difflib
import importlib
import io
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from odyssey_asv import __version__

_VERBS = {
    "init": ("odyssey_asv.cli.init:init", "Prepare a project: a first benchmark, settings, CI."),
    "doctor": ("odyssey_asv.cli.doctor:doctor", "What measuring needs, and the noise here."),
    "run": ("odyssey_asv.cli.run:run", "Measure commits with asv and record the results."),
    "compare": ("odyssey_asv.cli.compare:compare", "Compare two stored results; measure nothing."),
    "check": ("odyssey_asv.cli.check:check", "Measure a change against its base in pairs; judge."),
    "bisect": ("odyssey_asv.cli.bisect:bisect", "Name the commit that made benchmarks slower."),
    "history": ("odyssey_asv.cli.history:history", "When did it change? All stored results."),
    "publish": ("odyssey_asv.cli.publish:publish", "Make asv's site and pages of our own."),
    "baseline": (
        "odyssey_asv.cli.baseline:baseline",
        "Create, propose, approve, verify baselines.",
    ),
    "import": ("odyssey_asv.cli.importing:import_", "Join shards; store other tools' results."),
    "export": ("odyssey_asv.cli.exporting:export", "Write a result as other tools read it."),
    "fleet": ("odyssey_asv.cli.fleet:fleet", "Look at the hosts that measure for --scheduler."),
    "mojo": ("odyssey_asv.cli.mojo:mojo", "Copy what measures Mojo code into a project."),
}


_WORDS = "odyssey_asv.words"


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a command was given: the folder, the asv configuration named, how much to say, and all its
    words but the program's name."""

    folder: Path
    asv_config: str | None
    verbose: bool
    words: tuple[str, ...] = ()


class _Verbs(click.Group):
    """Knows each verb's name and one-line help without importing it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_WORDS] = tuple(args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _VERBS:
            return None
        module, _, attribute = _VERBS[name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], _VERBS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(error.message + hint, ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _VERBS.items()])


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Exit codes: 0 fine, 1 regression, 2 bad input, 3 could not measure, 130 interrupted.",
)
@click.option("--config", "asv_config", metavar="FILE", help="The asv.conf.json to use.")
@click.option("-v", "--verbose", is_flag=True, help="Show asv's own words as well.")
@click.version_option(__version__, "--version", prog_name="odyssey-asv")
@click.pass_context
def cli(ctx: click.Context, asv_config: str | None, verbose: bool) -> None:
    """Did this change make my code slower, which commit did it, and how sure are you?

    Works on the asv benchmarks that a project has.
    """
    ctx.obj = Scene(Path.cwd(), asv_config, verbose, ctx.meta[_WORDS])


def main(arguments: list[str] | None = None) -> NoReturn:
    """The `odyssey` command."""
    from odyssey_asv.cli.exits import finish

    signal.signal(signal.SIGTERM, _terminate)
    _open_standard_streams()
    # A terminal that cannot show a letter must not stop a report.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if arguments is None else arguments
    finish(lambda: cli.main(words, prog_name="odyssey", standalone_mode=False))


def _open_standard_streams() -> None:
    """Have standard input, output and error lead somewhere, also where whoever started us closed them, as
    some hooks and schedulers do: a file that is opened later must not take their place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123


def _terminate(*_: object) -> NoReturn:
    """A polite kill leaves the house as Ctrl-C does."""
    raise KeyboardInterrupt
