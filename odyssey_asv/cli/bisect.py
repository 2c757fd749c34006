"""`odyssey bisect`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from odyssey_asv.bisecting import Options, Plan, Pursuit, execute, prepare
from odyssey_asv.cli import Scene, next_command
from odyssey_asv.cli.exits import Exit, say
from odyssey_asv.cli.fleet import StepWatcher, search_fleet_options
from odyssey_asv.cli.options import (
    Confidence,
    bench_option,
    environment_option,
    load_asv,
    load_config,
    measuring_options,
)
from odyssey_asv.cli.reporting import Report, Wanted, keep_page, publish, report_options
from odyssey_asv.cli.searching import PlainSearching, searcher
from odyssey_asv.cli.sharding import place_options
from odyssey_asv.culprit.bisection import Bisection, Outcome
from odyssey_asv.distributing import Wish, search_over
from odyssey_asv.errors import InterruptedRunError
from odyssey_asv.files import near
from odyssey_asv.report.bisection import github, markdown, terminal
from odyssey_asv.report.bisection import json as report_json
from odyssey_asv.report.html import bisection as html
from odyssey_asv.store import searches

_LAST = Path("last check")
"""Stands for the report of the last check."""


@click.command()
@click.argument("range", required=False, metavar="GOOD..BAD")
@bench_option
@environment_option
@measuring_options
@click.option(
    "--confidence",
    type=Confidence(),
    default="95%",
    show_default=True,
    help="How sure to be of a commit before it is named.",
)
@click.option(
    "--budget",
    "budget_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    default=3600.0,
    show_default=True,
    help="Seconds of building and measuring, at most.",
)
@click.option(
    "--from-check",
    type=click.Path(dir_okay=False, path_type=Path),
    is_flag=False,
    flag_value=_LAST,
    metavar="[FILE]",
    help="The JSON report of a check, the last one by default: its base and contender are the ends, and"
    " not measured again.",
)
@click.option(
    "--first-parent/--all-parents",
    default=False,
    help="Stop at a merge, or go on in what it brought in (the default).",
)
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="GLOB",
    help="Suspect commits that change such files first; may be repeated.",
)
@click.option("--improvement", is_flag=True, help="Look for what made it faster.")
@click.option(
    "--all-steps",
    is_flag=True,
    help="Go on when the commits found make the whole difference: steps far smaller than that, too.",
)
@click.option("--resume", is_flag=True, help="Go on with this search where it stopped.")
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to keep the search (default: in .odyssey/bisect).",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    metavar="N",
    help="Stop after so many measurements, the ends' being one; --resume goes on.",
)
@place_options
@search_fleet_options
@report_options
@click.pass_obj
def bisect(scene: Scene, /, wanted: Wanted, wish: Wish | None, **asked: Any) -> int:
    """Name the commit in GOOD..BAD that made benchmarks slower, or say that there is none.

    GOOD alone means GOOD..HEAD. The ends are checked against each other first; then as few commits as
    possible are built and measured, and the one at fault against its parent before it is named.

    Exit code 1 says that at least one commit is named, 0 that the range holds no regression, 3 that
    the answer is a range of commits or undecided, or that nothing could be measured.
    """  # fmt: skip
    config = load_config(scene)
    asv = load_asv(scene, config)
    if asked["from_check"] == _LAST:
        asked["from_check"] = config.last_check
    options = Options(**asked)
    plan = prepare(config, asv, options)
    _announce(plan)
    if wish is not None:
        pursuit = Pursuit(plan, config, asv, PlainSearching())
        found = search_over(pursuit, wish, StepWatcher())
    else:
        try:
            with searcher() as searching:
                echo = sys.stderr if scene.verbose else None
                found = execute(plan, config, asv, searching, echo=echo)
        except InterruptedRunError as error:
            # What is known is told as if time were up; the exit code says that it was not.
            if isinstance(error.found, Bisection):
                publish(_report(error.found, Exit.INTERRUPTED), wanted)
                next_command.tell(_resumed(scene))
            raise
    code = exit_code(found)
    report = _report(found, code)
    publish(report, wanted)
    keep_page(report, config.pages / "bisect.html")
    if scene.verbose:
        _tell_time(plan.state)
    if wanted.table:
        say(f"state: {near(plan.state)}")
        next_command.tell(*_next(scene, found, plan))
    return code


def _tell_time(path: Path) -> None:
    """Where the time of a search went."""
    state = searches.load(path)
    built, measured = sum(state.built.values()), sum(state.measuring_s)
    other = max(state.wall_s - built - measured - state.deciding_s, 0.0)
    say(
        f"time: {built:.1f} s building, {measured:.1f} s measuring, {state.deciding_s:.1f} s deciding"
        f" what to measure, {other:.1f} s for the ends and the rest"
    )


def exit_code(found: Bisection) -> Exit:
    """The documented code."""
    match found.outcome:
        case Outcome.CULPRIT:
            return Exit.REGRESSION
        case Outcome.NO_REGRESSION | Outcome.ELSEWHERE:
            return Exit.OK
        case _:
            return Exit.CANNOT


def _announce(plan: Plan) -> None:
    good, bad = plan.question.good[:8], plan.question.bad[:8]
    if plan.known is not None:
        say(f"going on with the search in {near(plan.state)}: {plan.known.probes} probes so far")
    commits = "commit" if len(plan.links) == 1 else "commits"
    say(
        f"searching {good}..{bad}, {len(plan.links)} {commits},"
        f" at most {plan.options.budget_s:.0f} s"
    )


def _report(found: Bisection, code: Exit) -> Report:
    return Report(
        table=partial(terminal.render, found),
        json=partial(report_json.render, found, exit_code=code),
        markdown=partial(markdown.render, found),
        github=partial(github.render, found),
        html=partial(html.render, found),
        pipe_width=100,
    )


def _next(scene: Scene, found: Bisection, plan: Plan) -> tuple[str, str]:
    """The command to type next, and why."""
    if not found.finished and not found.spent:
        return _resumed(scene), ""
    if found.spent:
        return _resumed(scene, 2.0 * plan.options.budget_s), "more time"
    show = partial(next_command.git, plan.ends.repository, scene.folder)
    match found.outcome:
        case Outcome.CULPRIT:
            return show("show", found.culprits[0].card.commit[:12]), ""
        case Outcome.ELSEWHERE if found.lacking:
            return show(
                "show", found.lacking[0].card.commit[:12]
            ), "what the bad end's branch lacks"
        case Outcome.ELSEWHERE if found.fork is not None:
            return show("log", f"{found.fork.commit[:12]}..{found.good.commit[:12]}"), ""
        case Outcome.NO_REGRESSION if any(case.other_way for case in found.searched):
            if found.improvement:
                return next_command.again(
                    scene, without={"--improvement": 0}
                ), "what made it slower"
            return next_command.again(scene, "--improvement"), "what made it faster"
        case Outcome.NO_REGRESSION if plan.question.tolerance is None:
            finer = ("--tolerance", "2%", "--threshold", "4%")
            again = next_command.again(scene, *finer, without={"--threshold": 1, "--resume": 0})
            return again, "smaller steps"
        case Outcome.RANGE:
            between = found.ranges[0]
            return show("log", f"{between.before[:12]}..{between.after[:12]}"), ""
        case Outcome.UNDECIDED:
            return _resumed(scene), "measure again"
        case _:
            return show("log", f"{found.good.commit[:12]}..{found.bad.commit[:12]}"), ""


def _resumed(scene: Scene, budget_s: float | None = None) -> str:
    """The same search, which goes on where it stopped."""
    words = ["--resume"] + ([] if budget_s is None else ["--budget", f"{budget_s:.0f}"])
    without = {"--resume": 0, "--steps": 1} | ({} if budget_s is None else {"--budget": 1})
    return next_command.again(scene, *words, without=without)
