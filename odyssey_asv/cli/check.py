"""`odyssey check`."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import click

from odyssey_asv.adapter.environments import Kept
from odyssey_asv.checking import Options, Plan, execute, prepare
from odyssey_asv.cli import Scene
from odyssey_asv.cli.exits import Exit, put, say
from odyssey_asv.cli.fleet import FleetWatcher, fleet_options
from odyssey_asv.cli.options import (
    Confidence,
    bench_option,
    environment_option,
    load_asv,
    load_config,
    measuring_options,
)
from odyssey_asv.cli.reporting import Report, Wanted, keep_page, publish, report_options
from odyssey_asv.cli.sharding import check_options, count_of
from odyssey_asv.cli.watching import kept_words, watcher
from odyssey_asv.config import Config
from odyssey_asv.distributing import Wish, check_over
from odyssey_asv.files import near
from odyssey_asv.findings import Check, Conclusion
from odyssey_asv.pairs.noise import known_noise
from odyssey_asv.report.check import github, markdown, terminal
from odyssey_asv.report.check import json as report_json
from odyssey_asv.report.html import check as html
from odyssey_asv.units import printable


@click.command()
@click.argument("contender", required=False)
@click.option(
    "--base",
    metavar="REF|baseline[:RELEASE]",
    help="Compare with this (default: the merge base with the default branch).",
)
@bench_option
@environment_option
@measuring_options
@click.option(
    "--budget",
    "budget_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds of measuring, at most (default: 900).",
)
@click.option(
    "--confidence",
    type=Confidence(),
    help="That unchanged code raises no alarm anywhere in the suite (default: 99%).",
)
@click.option("--self", "same", is_flag=True, help="Check the contender against itself: the noise.")
@click.option(
    "--changed/--no-changed",
    default=None,
    help="Leave out benchmarks whose imports reach no changed file.",
)
@click.option("--strict", is_flag=True, help="Undecided cases are a failure (exit 3).")
@click.option(
    "--thorough",
    is_flag=True,
    help="Go on, within the budget, until faster is told from unchanged in every case.",
)
@click.option("--fresh", is_flag=True, help="Build both environments anew.")
@check_options
@fleet_options
@report_options
@click.pass_obj
def check(
    scene: Scene, /, wanted: Wanted, changed: bool | None, wish: Wish | None, **asked: Any
) -> int:
    """Measure CONTENDER against its base in pairs, on this machine, and judge.

    CONTENDER is a commit or reference; without it, the working tree with the uncommitted changes of its
    tracked files. Both are built side by side and measured in alternation until each benchmark is
    decided or the budget is spent.

    Exit code 1 says that a benchmark slowed down by more than the tolerance beyond doubt, or newly
    fails; 3 that nothing could be judged, that something looks slower but could not be decided, or with
    --strict that anything could not. With --changed it is 0 as well where no benchmark reaches what has
    changed, so that nothing had to be measured. With --shard, 0 says that the shard was measured: the
    verdict is that of all shards, which odyssey import gives.
    """  # fmt: skip
    config = load_config(scene)
    asv = load_asv(scene, config)
    parts = asked["shard"] is not None or wish is not None
    if changed and parts:
        raise click.UsageError(
            "--changed chooses for a whole check: not with --shard or --scheduler"
        )
    if changed is None:
        changed = config.changed and not asked["same"] and not parts
    options = Options(**asked, changed=changed)
    plan = prepare(config, asv, options)
    _announce(plan, config)
    builds: Sequence[Kept] = ()
    if wish is not None:
        found, paths = check_over(plan, wish, config, asv, FleetWatcher())
    else:
        with watcher() as watching:
            found, paths = execute(
                plan, config, asv, watching, echo=sys.stderr if scene.verbose else None
            )
            builds = watching.builds
    if options.shard is not None:
        put(near(paths[0]))
        say(f"shard {options.shard}: {count_of(len(found.findings), 'finding')}")
        say(f"next: odyssey import DIR…  (with the files of all {options.shard.of} shards)")
        return Exit.OK
    code = exit_code(found)
    report = report_of(found, code)
    if scene.verbose:
        for finding in found.findings:
            if finding.trace:
                say(f"{printable(finding.label)}:\n{printable(finding.trace)}")
    publish(report, wanted)
    keep_page(report, config.pages / "check.html")
    if wanted.table:
        if paths:
            say(f"results: {', '.join(near(path) for path in paths)}")
        if builds:
            say(f"environments: {kept_words(builds)}")
        say(f"next: {_next(found, plan)}")
    return code


def exit_code(found: Check) -> Exit:
    """The documented code."""
    match found.conclusion:
        case Conclusion.REGRESSION:
            return Exit.REGRESSION
        case Conclusion.OK | Conclusion.NOTHING:
            return Exit.OK
        case _:
            return Exit.CANNOT


def _announce(plan: Plan, config: Config) -> None:
    base, contender = plan.commits
    changes = " with uncommitted changes" if contender.dirty else ""
    say(
        f"checking {(contender.hash or '')[:8]}{changes} against"
        f" {(base.hash or '')[:8]} ({plan.why}), at most {plan.budget_s:.0f} s after building"
    )
    known = known_noise(config.state)
    if known is not None and known.detectable is not None and not plan.options.same:
        say(f"noise: {_noise_words(known.detectable, known.cases)}")


def _noise_words(detectable: float, cases: int) -> str:
    return (
        f"when {cases} cases were checked against themselves here, a slowdown of"
        f" {100 * math.expm1(min(detectable, 50.0)):.0f} % would have been found in every one"
    )


def report_of(found: Check, code: Exit) -> Report:
    """The report of a check, in every form."""
    return Report(
        table=partial(terminal.render, found),
        json=partial(report_json.render, found, exit_code=code),
        markdown=partial(markdown.render, found),
        github=partial(github.render, found),
        html=partial(html.render, found),
        pipe_width=100,
    )


def _next(found: Check, plan: Plan) -> str:
    if found.same:
        return "odyssey check"
    match found.conclusion:
        case Conclusion.REGRESSION:
            base, contender = ((commit.hash or "")[:12] for commit in plan.commits)
            if plan.commits[1].dirty:
                return f"git diff {base}"
            if plan.options.base is None:
                return f"odyssey bisect {base}..{contender}  (which commit did it)"
            return f"git diff {base} {contender}"
        case Conclusion.OK:
            return "odyssey check --self  (what can be seen on this machine)"
        case Conclusion.NOTHING:
            return "odyssey check --no-changed  (the whole suite)"
        case Conclusion.INCONCLUSIVE:
            return f"more time: odyssey check --budget {2 * plan.budget_s:.0f}"
        case _:
            return "mend what is named above"
