"""`odyssey import` of shards: folders in, one result or one verdict out."""

from __future__ import annotations

import json
from pathlib import Path

import click

from odyssey_asv.cli import Scene
from odyssey_asv.cli.check import exit_code, report_of
from odyssey_asv.cli.exits import Exit, put, say
from odyssey_asv.cli.options import load_config
from odyssey_asv.cli.reporting import Wanted, keep_page, publish, report_options
from odyssey_asv.files import near
from odyssey_asv.gathering import gather, keep
from odyssey_asv.run import failed


@click.command("import")
@click.argument(
    "folders",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="DIR...",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where result files go (default: benchmarks/results).",
)
@report_options
@click.pass_obj
def import_(scene: Scene, folders: tuple[Path, ...], out: Path | None, wanted: Wanted) -> int:
    """Join the shards in each DIR, found to its full depth, and store what they make.

    Of a sharded check it gives the verdict, with that of its exit codes. Exit code 2 says that the
    files do not belong together, or that a shard is missing; every conflict is named.
    """  # fmt: skip
    return join_shards(scene, folders, out, wanted)


def join_shards(scene: Scene, folders: tuple[Path, ...], out: Path | None, wanted: Wanted) -> int:
    """What `odyssey import` does with folders of shards and of result files."""
    config = load_config(scene)
    gathered = gather(folders)
    paths = keep(gathered, out or config.results)
    if gathered.check is None:
        if wanted.form == "json":
            put(json.dumps({"written": [str(path) for path in paths]}, indent=2))
        else:
            for path in paths:
                put(near(path))
        failures = sum(len(failed(results)) for results in gathered.sets)
        if failures or not all(results.run.complete for results in gathered.sets):
            say(f"{failures} cases failed" if failures else "not everything was measured")
            return Exit.CANNOT
        say("next: odyssey history")
        return Exit.OK
    code = exit_code(gathered.check)
    report = report_of(gathered.check, code)
    publish(report, wanted)
    keep_page(report, config.pages / "check.html")
    if wanted.table:
        say(f"results: {', '.join(near(path) for path in paths)}")
    return code
