"""`odyssey baseline …`."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from odyssey_asv import baseline as story
from odyssey_asv.cli import Scene, next_command
from odyssey_asv.cli.exits import Exit, put, say
from odyssey_asv.cli.options import load_asv, load_config, open_repository
from odyssey_asv.cli.progress import observer
from odyssey_asv.config import Config
from odyssey_asv.errors import CannotMeasureError, InvalidInputError
from odyssey_asv.files import near
from odyssey_asv.model import ResultSet, Status
from odyssey_asv.run import Options, execute, prepare
from odyssey_asv.store import results as result_files
from odyssey_asv.store.baselines import Baselines
from odyssey_asv.units import printable


@click.group()
def baseline() -> None:
    """Reviewed, release-linked baselines. Only `approve` changes one."""


@baseline.command()
@click.argument("commit", default="HEAD")
@click.option(
    "--runs",
    type=click.IntRange(min=2),
    default=story.DEFAULT_RUNS,
    show_default=True,
    help="How many runs must agree.",
)
@click.option(
    "--retries",
    type=click.IntRange(min=0),
    default=story.DEFAULT_RETRIES,
    show_default=True,
    help="How often benchmarks that do not agree are measured once more.",
)
@click.option("-E", "--environment", metavar="ENV", help="As asv's -E; one environment only.")
@click.option(
    "-m", "--machine", metavar="NAME", help="The machine's name (default: the host name)."
)
@click.option(
    "--budget",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds for each run (default: 900).",
)
@click.pass_obj
def create(
    scene: Scene,
    commit: str,
    runs: int,
    retries: int,
    environment: str | None,
    machine: str | None,
    budget: float | None,
) -> int:
    """Measure COMMIT several times and propose the pooled result as a baseline.

    Refuses when the runs of a benchmark differ by more than its tolerance. Prints the candidate's
    path; a person approves it.
    """
    config = load_config(scene)
    asv = load_asv(scene, config)
    with open_repository(scene, config) as repository:
        # Once, so that all runs are of one commit whatever is committed meanwhile.
        resolved = repository.resolve(commit)
    out = config.state / "baseline-runs"

    def measured(benches: tuple[str, ...]) -> ResultSet:
        options = Options(
            commits=(resolved,),
            benches=benches,
            environments=() if environment is None else (environment,),
            machine=machine,
            out=out,
            force=True,
            budget_s=budget,
        )
        with observer() as watching:
            echo = sys.stderr if scene.verbose else None
            outcome = execute(prepare(config, asv, options), config, watching, echo)
        if len(outcome.written) != 1:
            raise CannotMeasureError(
                f"{len(outcome.written)} environments were measured; a baseline is of one",
                tip="choose it with -E",
            )
        return outcome.written[0][1]

    def told(unstable: Sequence[story.Unstable]) -> None:
        for case in unstable:
            say(printable(f"  {case.label}: runs {case.spread:.1%} apart; measured once more"))

    pooled = story.create(measured, config.policy(), runs=runs, retries=retries, told=told)
    path = result_files.save_in(pooled, out)
    candidate = story.propose(config, path)
    put(near(candidate))
    failed = sum(result.status.failed for result in pooled.results)
    if failed:
        say(f"note: {failed} cases failed; the baseline will say so")
    _tell_approve(scene, config, candidate)
    return Exit.CANNOT if failed else Exit.OK


@baseline.command()
@click.argument("source", metavar="FILE")
@click.pass_obj
def propose(scene: Scene, source: str) -> int:
    """Keep a result FILE (or `latest`) as a candidate. Changes no baseline."""
    config = load_config(scene)
    path = result_files.latest(config.results) if source == "latest" else Path(source)
    candidate = story.propose(config, path)
    put(near(candidate))
    _tell_approve(scene, config, candidate)
    return Exit.OK


@baseline.command()
@click.argument("candidate", type=click.Path(path_type=Path))
@click.option("--by", required=True, metavar="NAME", help="Who approves it.")
@click.option("--reason", required=True, metavar="TEXT", help="Why.")
@click.option("--release", metavar="TAG", help="The release it belongs to: a tag on its commit.")
@click.pass_obj
def approve(scene: Scene, candidate: Path, by: str, reason: str, release: str | None) -> int:
    """Make CANDIDATE the current baseline; the one before is archived."""
    config = load_config(scene)
    with open_repository(scene, config) as repository:
        path = story.approve(config, repository, candidate, story.Consent(by, reason, release))
    put(near(path))
    with open_repository(scene, config) as repository:
        add = next_command.git(repository.root, scene.folder, "add", str(config.baselines))
        keep = next_command.git(
            repository.root, scene.folder, "commit", "-m", f"Approve {near(path)}"
        )
    next_command.tell(f"{add} && {keep}")
    return Exit.OK


def _tell_approve(scene: Scene, config: Config, candidate: Path) -> None:
    """How to approve a candidate: by whoever git knows, with a reason to be made better."""
    with open_repository(scene, config) as repository:
        name = repository.user() or getpass.getuser()
    known = Baselines(config.baselines).current.is_file()
    reason = "accepted change" if known else "first baseline"
    words = ["baseline", "approve", near(candidate), "--by", name, "--reason", reason]
    next_command.tell(next_command.odyssey(scene, *words), "with the reason in your words")


@baseline.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(scene: Scene, as_json: bool) -> int:
    """The current baseline, those of releases, the archive and the candidates."""
    config = load_config(scene)
    baselines = Baselines(config.baselines)
    rows = [
        _row(path, kind)
        for kind, paths in (
            ("approved", baselines.approved()),
            ("candidate", baselines.candidates()),
        )
        for path in paths
    ]
    if as_json:
        put(json.dumps(rows, indent=2, sort_keys=True))
        return Exit.OK
    if not rows:
        say(f"{config.baselines}: no baselines yet")
    for row in rows:
        by = f"by {row['by']}" if row["by"] else row["kind"]
        release = f" release {row['release']}" if row["release"] else ""
        commit = (row["commit"] or "no commit")[:8]
        name = Path(row["path"]).relative_to(config.baselines)
        put(printable(f"{name}  {commit}  {row['timestamp']}{release}  {by}"))
    verb = "show" if rows and Baselines(config.baselines).current.is_file() else "create"
    next_command.tell(next_command.odyssey(scene, "baseline", verb))
    return Exit.OK


def _row(path: Path, kind: str) -> dict[str, Any]:
    try:
        results = result_files.load(path)
    except InvalidInputError as error:
        return {
            "path": str(path), "kind": f"unreadable: {error}", "commit": None, "timestamp": "-",
            "release": None, "by": None,
        }  # fmt: skip
    return {
        "path": str(path),
        "kind": kind,
        "commit": results.commit.hash,
        "timestamp": results.timestamp,
        "release": results.release,
        "by": results.approval.by if results.approval else None,
    }


@baseline.command()
@click.argument("release", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the file.")
@click.pass_obj
def show(scene: Scene, release: str | None, as_json: bool) -> int:
    """Who approved the current baseline (or a RELEASE's), when, why, and what it holds."""
    config = load_config(scene)
    results = Baselines(config.baselines).load(release)
    if as_json:
        put(Path(results.source).read_text(encoding="utf-8"))
        return Exit.OK
    approval, place = results.approval, results.environment
    counted = [result.status for result in results.results]
    lines = {
        "file": near(results.source),
        "release": results.release or "-",
        "commit": f"{results.commit.hash} ({results.commit.describe})",
        "measured": f"{results.timestamp} on {place.machine}, {place.cpu_model},"
        f" Python {place.python_version}",
        "cases": f"{counted.count(Status.OK)} measured, {sum(s.failed for s in counted)} failed",
    }
    if approval is None:
        lines["approval"] = "none: this file was never approved"
    else:
        lines |= {
            "approved": f"{approval.approved_at} by {approval.by}",
            "reason": approval.reason,
            "sha256": approval.sha256,
        }
    for name, text in lines.items():
        put(printable(f"{name:9} {text}"))
    next_command.tell(next_command.odyssey(scene, "baseline", "verify"))
    return Exit.OK


@baseline.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def verify(scene: Scene, as_json: bool) -> int:
    """Prove every stored baseline: schema, sha256, seal, commit and tag. Exit code 1 on tampering."""
    config = load_config(scene)
    with open_repository(scene, config) as repository:
        checked = story.verify(config, repository)
    if not checked:
        raise InvalidInputError(
            f"{config.baselines}: no baselines to verify", tip="odyssey baseline create"
        )
    if as_json:
        rows = [
            {"path": str(c.path), "faults": list(c.faults), "doubts": list(c.doubts)}
            for c in checked
        ]
        put(json.dumps(rows, indent=2, sort_keys=True))
    else:
        for found in checked:
            name = found.path.relative_to(config.baselines)
            put(f"{'TAMPERED' if found.faults else 'ok':8}  {name}")
            for fault in found.faults:
                put(printable(f"          {fault}"))
            for doubt in found.doubts:
                put(printable(f"          not checked: {doubt}"))
    if any(found.faults for found in checked):
        with open_repository(scene, config) as repository:
            log = next_command.git(
                repository.root, scene.folder, "log", "-p", "--", str(config.baselines)
            )
        next_command.tell(log, "and restore what was approved")
        return Exit.REGRESSION
    return Exit.OK
