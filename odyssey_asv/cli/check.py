"""`odyssey check`."""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import click

from odyssey_asv.adapter.environments import Kept
from odyssey_asv.checking import Options, Plan, execute, prepare
from odyssey_asv.cli import Scene, next_command
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
from odyssey_asv.cli.sharding import check_options
from odyssey_asv.cli.watching import kept_words, watcher
from odyssey_asv.config import Config
from odyssey_asv.distributing import Wish, check_over
from odyssey_asv.files import near, write_atomically
from odyssey_asv.findings import Check, Conclusion
from odyssey_asv.pairs.noise import known_noise
from odyssey_asv.policy import Verdict
from odyssey_asv.report.check import github, markdown, terminal
from odyssey_asv.report.check import json as report_json
from odyssey_asv.report.html import check as html
from odyssey_asv.units import count_of, printable

_NOISY = 0.08
"""From this spread of blocks on, a machine is called very noisy."""


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

    CONTENDER is a commit or reference, or a range: A..B checks B against A, and A...B checks B against the
    merge base of the two. Without it, the working tree is checked, with the uncommitted changes of its
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
        folder = shlex.quote(near(paths[0].parent))
        say(f"once the files of all {options.shard.of} shards are there: odyssey import {folder}")
        return Exit.OK
    code = exit_code(found)
    report = report_of(found, code)
    if scene.verbose:
        for finding in found.findings:
            if finding.trace:
                say(f"{printable(finding.label)}:\n{printable(finding.trace)}")
    publish(report, wanted)
    keep_page(report, config.pages / "check.html")
    _keep_last(config, found, code, plan)
    if wanted.table:
        if paths:
            say(f"results: {', '.join(near(path) for path in paths)}")
        if builds:
            say(f"environments: {kept_words(builds)}")
        next_command.tell(*_next(scene, found, plan))
    return code


def _keep_last(config: Config, found: Check, code: Exit, plan: Plan) -> None:
    """Keep the report of the last check, for `odyssey bisect --from-check`. That it cannot be written takes
    nothing from the verdict."""
    asked = plan.options
    document = report_json.document(found, exit_code=code) | {
        "asked": {
            "benches": list(asked.benches),
            "environments": list(asked.environments),
            "python": asked.python,
        }
    }
    with suppress(OSError):
        write_atomically(config.last_check, json.dumps(document, allow_nan=False).encode())


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


def _next(scene: Scene, found: Check, plan: Plan) -> tuple[str, str]:
    """The command to type next, and why."""
    if found.same and plan.parent is not None:
        base = plan.parent[:12]
        last = next_command.again(scene, "--base", base, without={"--self": 0})
        return last, "the last commit"
    if found.same:
        return next_command.odyssey(scene, "doctor"), "what measuring needs"
    match found.conclusion:
        case Conclusion.REGRESSION:
            return _after_regression(scene, plan)
        case Conclusion.OK if any(f.verdict is Verdict.FASTER for f in found.gated):
            if not plan.commits[1].dirty and not _one_commit(plan):
                ends = f"{plan.base[:12]}..{plan.contender[:12]}"
                words = ["bisect", ends, "--improvement", *_chosen(plan)]
                return next_command.odyssey(scene, *words), "what made it faster"
            return _show(scene, plan), ""
        case Conclusion.OK if (found.noise or 0.0) >= _NOISY:
            return next_command.odyssey(scene, "doctor"), "this machine is noisy"
        case Conclusion.OK:
            return next_command.odyssey(scene, "run"), "keep what HEAD takes for the history"
        case Conclusion.NOTHING:
            whole = next_command.again(scene, "--no-changed", without={"--changed": 0})
            return whole, "the whole suite"
        case Conclusion.INCONCLUSIVE:
            more = ("--budget", f"{math.ceil(2 * plan.budget_s)}")
            return next_command.again(scene, *more, without={"--budget": 1}), "more time"
        case _:
            return next_command.odyssey(scene, "doctor"), "what measuring needs"


def _after_regression(scene: Scene, plan: Plan) -> tuple[str, str]:
    if plan.commits[1].dirty or _one_commit(plan):
        return _show(scene, plan), ""
    return next_command.odyssey(scene, "bisect", "--from-check"), "which commit did it"


def _one_commit(plan: Plan) -> bool:
    """Whether the base is the contender's parent."""
    return plan.parent == plan.base


def _show(scene: Scene, plan: Plan) -> str:
    """What differs."""
    if plan.commits[1].dirty:
        words = ["diff", plan.base[:12]]
    elif _one_commit(plan):
        words = ["show", plan.contender[:12]]
    else:
        words = ["diff", plan.base[:12], plan.contender[:12]]
    return next_command.git(plan.repository, scene.folder, *words)


def _chosen(plan: Plan) -> list[str]:
    """The options that say what is measured, as they were given."""
    asked = plan.options
    words = [word for bench in asked.benches for word in ("-b", bench)]
    words += [word for place in asked.environments for word in ("-E", place)]
    return words + ([] if asked.python is None else ["--python", asked.python])
