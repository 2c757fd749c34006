"""`odyssey check`."""

from __future__ import annotations

import math
import os
import shutil
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from odyssey_asv.check import Options, Plan, execute, known_noise, prepare
from odyssey_asv.cli import Scene
from odyssey_asv.cli.exits import Exit, put, say
from odyssey_asv.cli.options import (
    Confidence,
    Gate,
    Share,
    format_options,
    load_asv,
    load_config,
)
from odyssey_asv.cli.watching import watcher
from odyssey_asv.config import CLOCKS, Config
from odyssey_asv.files import near, write_atomically
from odyssey_asv.findings import Check, Clock, Conclusion
from odyssey_asv.report.check import github, markdown, terminal
from odyssey_asv.report.check import json as report_json


@click.command()
@click.argument("contender", required=False)
@click.option(
    "--base",
    metavar="REF|baseline[:RELEASE]",
    help="Compare with this (default: the merge base with the default branch).",
)
@click.option(
    "-b",
    "--bench",
    "benches",
    multiple=True,
    metavar="REGEX",
    help="Only benchmarks whose name this finds; may be repeated.",
)
@click.option(
    "-E",
    "--environment",
    "environments",
    multiple=True,
    metavar="ENV",
    help="As asv's -E: a name or TYPE:PYTHON.",
)
@click.option("--python", metavar="V", help="The Python to use instead of the configuration's.")
@click.option(
    "--budget",
    "budget_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds of measuring, at most (default: 900).",
)
@click.option("--tolerance", type=Share(), help="Up to this a slowdown must pass (default: 5%).")
@click.option("--threshold", type=Share(), help="From this on it must alert (default: 10%).")
@click.option(
    "--gate", type=Gate(), help="What may alert: duration,memory,track (default: duration)."
)
@click.option(
    "--confidence",
    type=Confidence(),
    help="That unchanged code raises no alarm anywhere in the suite (default: 99%).",
)
@click.option(
    "--clock",
    type=click.Choice(CLOCKS),
    help="What to judge by: the wall's, the processor's, or whichever fits (default: auto).",
)
@click.option(
    "--cpu", type=click.IntRange(min=0), metavar="N", help="Take samples on processor N only."
)
@click.option("--seed", type=int, metavar="N", help="Draw orders and processes from this seed.")
@click.option("--self", "same", is_flag=True, help="Check the contender against itself: the noise.")
@click.option("--strict", is_flag=True, help="Undecided cases are a failure (exit 3).")
@click.option("--fresh", is_flag=True, help="Build both environments anew.")
@click.option("--all", "everything", is_flag=True, help="Show every unchanged case.")
@format_options
@click.pass_obj
def check(
    scene: Scene,
    /,
    everything: bool,
    form: str,
    as_json: bool,
    report: Path | None,
    clock: str | None,
    benches: tuple[str, ...],
    environments: tuple[str, ...],
    tolerance: Fraction | None,
    threshold: Fraction | None,
    **asked: Any,
) -> int:
    """Measure CONTENDER against its base in pairs, on this machine, and judge.

    CONTENDER is a commit or reference; without it, the working tree with the uncommitted changes of its
    tracked files. Both are built side by side and measured in alternation until each benchmark is
    decided or the budget is spent.

    Exit code 1 says that a benchmark slowed down by more than the tolerance beyond doubt, or newly
    fails; 3 that nothing could be judged, or with --strict that something could not.
    """  # fmt: skip
    config = load_config(scene)
    asv = load_asv(scene, config)
    options = Options(
        benches=benches,
        environments=environments,
        tolerance=tolerance,
        threshold=threshold,
        clock=None if clock is None else Clock(clock),
        **asked,
    )
    _check_zone(config, options)
    plan = prepare(config, asv, options)
    _announce(plan, config)
    with watcher() as watching:
        found, paths = execute(
            plan, config, asv, watching, echo=sys.stderr if scene.verbose else None
        )
    code = exit_code(found)
    put(_rendered(found, "json" if as_json else form, code, everything))
    if report is not None:
        written = _write_reports(found, code, report)
        say(f"reports: {', '.join(map(str, written))}")
    if form == "table" and not as_json:
        say(f"results: {', '.join(near(path) for path in paths)}")
        say(f"next: {_next(found, plan)}")
    return code


def exit_code(found: Check) -> Exit:
    """The documented code. Code checked against itself raises no alarm that counts."""
    match found.conclusion:
        case Conclusion.REGRESSION:
            return Exit.OK if found.same else Exit.REGRESSION
        case Conclusion.OK:
            return Exit.OK
        case _:
            return Exit.CANNOT


def _check_zone(config: Config, options: Options) -> None:
    tolerance = config.tolerance if options.tolerance is None else options.tolerance
    threshold = config.threshold if options.threshold is None else options.threshold
    if tolerance >= threshold:
        raise click.UsageError(
            f"the tolerance ({float(tolerance):.3g}) must be below the threshold"
            f" ({float(threshold):.3g}): between them lies what may be answered either way"
        )


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


def _rendered(found: Check, form: str, code: Exit, everything: bool) -> str:
    match form:
        case "json":
            return report_json.render(found, exit_code=code)
        case "markdown":
            return markdown.render(found)
        case "github":
            return github.render(found)
        case _:
            tty = sys.stdout.isatty()
            width = shutil.get_terminal_size().columns if tty else 100
            color = tty and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
            return terminal.render(found, width=max(width, 60), color=color, everything=everything)


def _write_reports(found: Check, code: Exit, folder: Path) -> list[Path]:
    forms = {
        "report.txt": terminal.render(found, width=100, everything=True),
        "report.json": report_json.render(found, exit_code=code),
        "report.md": markdown.render(found),
        "annotations.txt": github.render(found),
    }
    for name, text in forms.items():
        write_atomically(folder / name, text.encode())
    return [folder / name for name in forms]


def _next(found: Check, plan: Plan) -> str:
    if found.same:
        return "odyssey check"
    match found.conclusion:
        case Conclusion.REGRESSION:
            base, contender = (commit.hash or "" for commit in plan.commits)
            return f"git diff {base[:8]}" + ("" if plan.commits[1].dirty else f" {contender[:8]}")
        case Conclusion.OK:
            return "odyssey check --self  (what can be seen on this machine)"
        case Conclusion.INCONCLUSIVE:
            return f"more time: odyssey check --budget {2 * plan.budget_s:.0f}"
        case _:
            return "mend what is named above"
