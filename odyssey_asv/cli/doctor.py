"""`odyssey doctor`."""

from __future__ import annotations

import os
import shutil
import sys

import click

from odyssey_asv import doctor as examinations
from odyssey_asv.cli import Scene, next_command
from odyssey_asv.cli.exits import Exit, put, say
from odyssey_asv.diagnoses import Level
from odyssey_asv.doctor import Examination, examine
from odyssey_asv.report.doctor import json as report_json
from odyssey_asv.report.doctor import terminal
from odyssey_asv.units import one_line

_LEAST_WIDTH = 60
_PIPE_WIDTH = 80


class _Observer(examinations.Observer):
    def measuring(self, seconds: float) -> None:
        say(f"measuring the noise for {seconds:g} s  (--noise 0 leaves it out)")


@click.command()
@click.option(
    "--noise", "noise_s", type=click.FloatRange(min=0), default=10.0, metavar="S",
    help="Seconds to measure the machine's noise for; 0 leaves it out (default: 10).",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def doctor(scene: Scene, /, noise_s: float, as_json: bool) -> int:
    """Look at everything that measuring needs, and at how noisy this machine is.

    A line for each finding, with a remedy where there is one. Nothing is changed and nothing tuned. The
    noise is that of a small suite of its own, checked against itself in pairs of fresh processes.

    Exit code 1 says that something needs doing; advice and what cannot be known here do not.
    """  # fmt: skip
    found = examine(
        scene.folder, asv_config=scene.asv_config, noise_s=noise_s, observer=_Observer()
    )
    code = Exit.REGRESSION if found.ill else Exit.OK
    put(report_json.render(found, exit_code=code) if as_json else _table(found))
    remedies = [f.remedy for f in found.findings if f.level is Level.PROBLEM and f.remedy]
    if as_json:
        return code
    if remedies:
        say(f"first: {one_line(remedies[0])}")
        next_command.tell(next_command.again(scene), "once that is done")
    else:
        noise = next_command.odyssey(scene, "check", "--self")
        next_command.tell(noise, "the noise of this suite here")
    return code


def _table(found: Examination) -> str:
    terminal_ = sys.stdout.isatty()
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    width = shutil.get_terminal_size().columns if terminal_ else _PIPE_WIDTH
    return terminal.render(found, width=max(width, _LEAST_WIDTH), color=terminal_ and not plain)
