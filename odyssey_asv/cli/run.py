"""`odyssey run`."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import click

from odyssey_asv.adapter.environments.dates import AsOf
from odyssey_asv.cli import Scene, next_command
from odyssey_asv.cli.exits import Exit, put, say
from odyssey_asv.cli.fleet import FleetWatcher, fleet_options
from odyssey_asv.cli.options import (
    as_of_option,
    bench_option,
    environment_option,
    load_asv,
    load_config,
)
from odyssey_asv.cli.progress import observer
from odyssey_asv.cli.sharding import shard_options
from odyssey_asv.comparison import label
from odyssey_asv.config import Config
from odyssey_asv.distributing import Wish, run_over
from odyssey_asv.files import near
from odyssey_asv.model import Result, ResultSet, Status
from odyssey_asv.run import Options, Outcome, Plan, execute, failed, prepare
from odyssey_asv.sharding.shards import Shard
from odyssey_asv.store.baselines import Baselines
from odyssey_asv.units import count_of, printable

_FAILURES_SHOWN = 10
_WIDTH = 200


@click.command()
@click.argument("commits", nargs=-1)
@bench_option
@click.option("-q", "--quick", is_flag=True, help="Each case once, to try benchmarks; not stored.")
@environment_option
@as_of_option
@click.option(
    "-m", "--machine", metavar="NAME", help="The machine's name (default: the host name)."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where result files go (default: benchmarks/results).",
)
@click.option("--force", is_flag=True, help="Measure again what is stored.")
@click.option(
    "--budget",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds for one commit in one environment (default: 900).",
)
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help="Only N commits, evenly spread."
)
@click.option(
    "--first-parent/--all-parents",
    default=True,
    show_default=True,
    help="Whether a range leaves out merged branches.",
)
@shard_options
@fleet_options
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@click.pass_obj
def run(
    scene: Scene,
    commits: tuple[str, ...],
    benches: tuple[str, ...],
    quick: bool,
    environments: tuple[str, ...],
    as_of: AsOf | None,
    machine: str | None,
    out: Path | None,
    force: bool,
    budget: float | None,
    sample: int | None,
    first_parent: bool,
    shard: Shard | None,
    durations: Path | None,
    wish: Wish | None,
    as_json: bool,
) -> int:
    """Measure COMMITS (default: HEAD) with asv and write a result file for each.

    COMMITS are commits, tags, ranges A..B, or NEW, ALL, EXISTING, TAGS and HASHFILE:FILE as asv
    has them. What is stored is not measured again; an interrupted run goes on where it was.

    Prints the paths of the result files. Exit code 3 says that a benchmark failed or that the
    budget was spent before everything was measured.
    """  # fmt: skip
    config = load_config(scene)
    if quick and shard is not None:
        raise click.UsageError(
            "--quick stores nothing, so there is nothing to join: leave out --shard"
        )
    plan = prepare(
        config,
        load_asv(scene, config),
        Options(
            commits,
            benches,
            environments,
            machine,
            out,
            quick,
            force,
            budget,
            sample,
            first_parent,
            shard,
            durations,
            as_of,
        ),
    )
    if wish is not None:
        outcome = run_over(plan, wish, config, FleetWatcher())
    else:
        outcome = _measure(scene, plan, config)
    for path, results in (*outcome.stored, *outcome.written):
        _tell_failures(path, results)
    if outcome.failures and outcome.log is not None:
        say(f"asv's own words are in {near(outcome.log)}")
    _print(outcome, as_json)
    if outcome.incomplete:
        say("the budget was spent; the same command goes on where it stopped (--budget S for more)")
    if outcome.shard is not None and plan.portion is not None:
        cut = plan.portion
        say(f"shard {cut.shard}: {count_of(len(cut.units), 'commit')} in {near(outcome.shard)}")
        folder = shlex.quote(near(outcome.shard.parent))
        say(f"once the files of all {cut.shard.of} shards are there: odyssey import {folder}")
    if outcome.failures or outcome.incomplete:
        return Exit.CANNOT
    if not quick and outcome.shard is None:
        if Baselines(config.baselines).current.is_file():
            against = next_command.odyssey(scene, "compare")
            next_command.tell(against, "the newest result against the baseline")
        else:
            next_command.tell(
                next_command.odyssey(scene, "history"), "all that was measured so far"
            )
    return Exit.OK


def _measure(scene: Scene, plan: Plan, config: Config) -> Outcome:
    _announce(plan)
    with observer() as watching:
        return execute(plan, config, watching, echo=sys.stderr if scene.verbose else None)


def _announce(plan: Plan) -> None:
    for path, results in plan.stored:
        commit = (results.commit.hash or "")[:8]
        say(f"{commit}: stored already in {near(path)} (--force measures it again)")
    for warning in plan.warnings:
        say(f"note: {warning}")
    count = len(plan.request.commits)
    if count:
        say(
            f"measuring {count} commit{'s' if count > 1 else ''} on {plan.request.machine['machine']},"
            f" at most {plan.request.budget_s:.0f} s each after building"
        )
    if plan.uncommitted and not plan.request.existing:
        say(
            f"note: {len(plan.uncommitted)} files have uncommitted changes; asv builds commits, so"
            " only changes to the benchmarks themselves count"
        )


def _tell_failures(path: Path, results: ResultSet) -> None:
    """A line for each benchmark that failed, however many of its cases did; one line for all where
    they share the reason, as when the project does not build."""
    groups: dict[tuple[str, Status, str], list[Result]] = {}
    for result in failed(results):
        reason = ((result.reason or "").strip().splitlines() or ["no output"])[-1]
        groups.setdefault((result.case.benchmark, result.status, reason), []).append(result)
    reasons = {reason for _, _, reason in groups}
    if len(groups) > 1 and len(reasons) == 1:
        say(_line("failed", f"{sum(map(len, groups.values()))} cases", *reasons))
    else:
        for (_, status, reason), cases in list(groups.items())[:_FAILURES_SHOWN]:
            name = label(results.benchmarks[cases[0].case.benchmark], cases[0].case)
            more = f" and {len(cases) - 1} more of its cases" if len(cases) > 1 else ""
            say(_line(status.value, name + more, reason))
        if len(groups) > _FAILURES_SHOWN:
            say(f"{len(groups) - _FAILURES_SHOWN} more benchmarks failed")
    if groups:
        say(f"what they printed is in {near(path)}")


def _line(*parts: str) -> str:
    return printable(": ".join(parts))[:_WIDTH]


def _print(outcome: Outcome, as_json: bool) -> None:
    if not as_json:
        for path in _paths(outcome):
            put(near(path))
        return
    document = {
        "written": [
            {
                "path": str(path),
                "commit": results.commit.hash,
                "environment": results.environment.env_name,
                "complete": results.run.complete,
                "failed": sum(result.status.failed for result in results.results),
            }
            for path, results in outcome.written
        ],
        "stored": [
            {"path": str(path), "commit": results.commit.hash} for path, results in outcome.stored
        ],
    }
    put(json.dumps(document, indent=2, sort_keys=True))


def _paths(outcome: Outcome) -> list[Path]:
    return [path for path, _ in (*outcome.stored, *outcome.written)]
