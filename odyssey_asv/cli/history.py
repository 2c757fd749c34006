"""`odyssey history`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import click

from odyssey_asv.cli import Scene, next_command
from odyssey_asv.cli.exits import Exit
from odyssey_asv.cli.options import bench_option
from odyssey_asv.cli.reporting import Report, Wanted, publish, report_options
from odyssey_asv.past.histories import Watch, Wish
from odyssey_asv.past.histories import history as look_back
from odyssey_asv.past.timeline import History
from odyssey_asv.report.history import github, markdown, terminal
from odyssey_asv.report.history import json as report_json
from odyssey_asv.report.history.words import where


@click.command()
@bench_option
@click.option(
    "--machine", "machines", multiple=True, metavar="M", help="Only this machine; may be repeated."
)
@click.option(
    "-E", "--env", "environments", multiple=True, metavar="E",
    help="Only the environment of this name; may be repeated.",
)  # fmt: skip
@click.option(
    "--since", metavar="REF|DATE", help="Only changes after this commit, release or date."
)
@click.option(
    "--branch", metavar="REF", help="The branch whose first parents are the line (default: asv's)."
)
@click.option("--regressions", is_flag=True, help="Only regressions that still hold.")
@report_options
@click.pass_obj
def history(scene: Scene, /, *, regressions: bool, wanted: Wanted, **wish: Any) -> int:
    """When did it change? What stored results say of every commit measured so far.

    Reads asv's results folder and our result files, orders them by the first parents of the branch,
    and finds where the level of each series changed. Measures nothing. With -b and a single series
    left, draws it.

    The exit code is 0 whatever the past holds; the JSON form is for scripts that want to know.
    """
    with _progress() as watch:
        found = look_back(scene.folder, asv_config=scene.asv_config, wish=Wish(**wish), watch=watch)
    publish(_report(found, regressions=regressions), wanted)
    if wanted.table:
        next_command.tell(*_next(scene, found))
    return Exit.OK


@contextmanager
def _progress() -> Iterator[Watch | None]:
    """A line that says how far the reading is, on a terminal; reading again takes no time."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading results")
        yield lambda done, of: progress.update(task, completed=done, total=of)


def _report(found: History, *, regressions: bool) -> Report:
    return Report(
        table=partial(terminal.render, found, regressions=regressions),
        json=partial(report_json.render, found, exit_code=Exit.OK, regressions=regressions),
        markdown=partial(markdown.render, found, regressions=regressions),
        github=partial(github.render, found),
        pipe_width=100,
    )


def _next(scene: Scene, found: History) -> tuple[str, str]:
    """The command to type next, and why."""
    held = [one for one in found.regressions if one.change.confirmed]
    if found.regressions and not held:
        commit = found.line.moments[found.regressions[0].change.after].commit
        return next_command.odyssey(scene, "check", f"{commit[:12]}~1..{commit[:12]}"), ""
    if not held or found.line.branch is None:
        return next_command.odyssey(scene, "publish", "--only-ours"), "pages to look at"
    worst = held[0]
    commits = where(worst.change, found.line)
    name = re.escape(worst.trend.series.benchmark.id)
    ends = f"{commits}~1..{commits}" if worst.change.exact else commits
    return next_command.odyssey(
        scene, "bisect", ends, "-b", name
    ), "measure it again, and name the commit"
