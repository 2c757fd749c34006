"""`odyssey compare`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import click

from odyssey_asv.cli import Scene, next_command
from odyssey_asv.cli.exits import Exit
from odyssey_asv.cli.options import Gate, Share, find_tree, load_config, open_repository
from odyssey_asv.cli.reporting import Report, Wanted, publish, report_options
from odyssey_asv.comparison import Comparison
from odyssey_asv.comparison import compare as compare_sets
from odyssey_asv.config import Config
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.policy import OtherMachine, Policy
from odyssey_asv.report import github, markdown, terminal
from odyssey_asv.report import json as report_json
from odyssey_asv.report.html import comparison as html
from odyssey_asv.select import Selector
from odyssey_asv.store.baselines import Baselines


@click.command()
@click.argument("sides", nargs=-1, metavar="[BASE CONTENDER]")
@click.option(
    "--baseline", "base", metavar="FILE", help="The base (default: the current baseline)."
)
@click.option(
    "--current",
    "contender",
    metavar="FILE|latest",
    help="The contender (default: latest, the newest result file).",
)
@click.option("-E", "--environment", metavar="ENV", help="Which environment of a commit's results.")
@click.option("--tolerance", type=Share(), help="Up to this a change is noise (default: 5%).")
@click.option("--threshold", type=Share(), help="Beyond this a slowdown alerts (default: 10%).")
@click.option(
    "--gate", type=Gate(), help="What may alert: duration,memory,track (default: duration)."
)
@click.option("--fail-on-missing", is_flag=True, default=None, help="A removed benchmark alerts.")
@click.option(
    "--strict-environment",
    is_flag=True,
    default=None,
    help="Different machine, packages or Python: invalid (exit 2).",
)
@click.option(
    "--other-machine",
    type=click.Choice([choice.value for choice in OtherMachine]),
    help="Across machines: judge and warn (gate, the default), only show (advise), or refuse.",
)
@report_options
@click.pass_obj
def compare(
    scene: Scene,
    /,
    sides: tuple[str, ...],
    base: str | None,
    contender: str | None,
    environment: str | None,
    tolerance: Fraction | None,
    threshold: Fraction | None,
    wanted: Wanted,
    **asked: Any,
) -> int:
    """Compare two stored results: arithmetic on numbers on disk, nothing is measured.

    BASE and CONTENDER are each a result file, `latest`, `baseline`, `baseline:RELEASE`, or a commit
    or reference that has stored results.

    Exit code 1 says that a benchmark slowed down by more than the threshold, or newly fails; 2 that
    something could not be compared, whatever else was found; 3 that nothing was compared.
    """
    config = load_config(scene)
    words = _words(sides, base, contender)
    rules = _policy(config, tolerance, threshold, asked)
    selector = Selector(
        config,
        repository=lambda: open_repository(scene, config),
        tree=lambda: find_tree(scene, config),
    )
    before, after = selector.pair(*words, environment)
    comparison = compare_sets(before, after, rules)
    code = exit_code(comparison)
    publish(_report(comparison, code), wanted)
    if wanted.table:
        next_command.tell(*_next(scene, config, code, comparison))
    return code


def exit_code(comparison: Comparison) -> Exit:
    """The documented code. Faulty data beats a regression: what it hides is unknown."""
    if comparison.faults:
        return Exit.INVALID
    if comparison.compared == 0 and not comparison.alarm:
        return Exit.CANNOT
    if comparison.alarm and not comparison.advisory:
        return Exit.REGRESSION
    return Exit.OK


def _words(sides: tuple[str, ...], base: str | None, contender: str | None) -> tuple[str, str]:
    if not sides:
        return base or "baseline", contender or "latest"
    if base is not None or contender is not None:
        raise click.UsageError("give either BASE CONTENDER or --baseline and --current")
    if len(sides) != 2:
        raise click.UsageError("give both, BASE and CONTENDER")
    return sides[0], sides[1]


def _policy(
    config: Config,
    tolerance: Fraction | None,
    threshold: Fraction | None,
    asked: Mapping[str, Any],
) -> Policy:
    """The configuration's, changed by what was `asked`: each a part of a policy, or None."""
    if tolerance is not None and tolerance > (config.threshold if threshold is None else threshold):
        raise InvalidInputError("--tolerance is above the threshold")
    changes = {name: value for name, value in asked.items() if value is not None}
    if "other_machine" in changes:
        changes["other_machine"] = OtherMachine(changes["other_machine"])
    return replace(config.policy(tolerance=tolerance, threshold=threshold), **changes)


def _report(comparison: Comparison, code: Exit) -> Report:
    return Report(
        table=partial(terminal.render, comparison),
        json=partial(report_json.render, comparison, exit_code=code),
        markdown=partial(markdown.render, comparison),
        github=partial(github.render, comparison),
        html=partial(html.render, comparison),
        pipe_width=10_000,
    )


def _next(scene: Scene, config: Config, code: Exit, comparison: Comparison) -> tuple[str, str]:
    """The command to type next, and why."""
    base, contender = comparison.base.commit.hash, comparison.contender.commit.hash
    if code is Exit.REGRESSION and base and contender and base != contender:
        words = ["check", f"{base[:12]}..{contender[:12]}"]
        return next_command.odyssey(scene, *words), "measure both on this machine, in pairs"
    if code is Exit.REGRESSION:
        return next_command.odyssey(scene, "run", "--force"), "to see it again"
    if Baselines(config.baselines).current.is_file():
        return next_command.odyssey(scene, "baseline", "show"), "the approved baseline"
    return next_command.odyssey(scene, "baseline", "list"), "what results can be held against"
