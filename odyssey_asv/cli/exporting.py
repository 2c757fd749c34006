"""`odyssey export`."""

from __future__ import annotations

from pathlib import Path

import click

from odyssey_asv import exporting
from odyssey_asv.cli import Scene
from odyssey_asv.cli.exits import Exit, put, say
from odyssey_asv.cli.options import find_tree, load_config, open_repository
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.exporting import Target
from odyssey_asv.files import near, write_atomically, write_new
from odyssey_asv.model import Better
from odyssey_asv.select import Selector
from odyssey_asv.units import one_line


@click.command("export")
@click.argument("result", default="latest", metavar="[RESULT]")
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Choice([target.value for target in Target]),
    help="For whom.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="Where to write (default: stdout). A folder for asv.",
)
@click.option("-E", "--environment", metavar="ENV", help="Which environment of a commit's results.")
@click.option(
    "--better",
    type=click.Choice([better.value for better in Better]),
    help="github-action-benchmark: the direction of this file (default: lower).",
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@click.pass_obj
def export(
    scene: Scene,
    result: str,
    target: str,
    output: Path | None,
    environment: str | None,
    better: str | None,
    force: bool,
) -> int:
    """Write a stored result as another tool reads it.

    RESULT is a result file, `latest`, `baseline`, `baseline:RELEASE`, or a commit or reference that
    has stored results.

    What the format cannot hold is said on stderr.
    """  # fmt: skip
    wanted = Target(target)
    if better is not None and wanted is not Target.GITHUB_ACTION:
        raise click.UsageError(f"--better is for {Target.GITHUB_ACTION}")
    config = load_config(scene)
    selector = Selector(
        config,
        repository=lambda: open_repository(scene, config),
        tree=lambda: find_tree(scene, config),
    )
    results = selector.one(result, environment)
    if wanted is Target.ASV:
        if output is None:
            raise click.UsageError("asv's results are a folder: -o DIR")
        path, warnings = exporting.into_tree(results, output, replacing=force)
        _warn(warnings)
        put(near(path))
        return Exit.OK
    document = exporting.document_for(wanted, results, Better(better or "lower"))
    _warn(document.warnings)
    if output is None:
        put(document.text)
    else:
        _write(output, document.text, force)
        put(near(output))
    return Exit.OK


def _warn(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        say(f"warning: {one_line(warning)}")


def _write(path: Path, text: str, force: bool) -> None:
    if path.is_dir():
        raise InvalidInputError(f"{path}: a folder", tip="name a file: -o FILE")
    content = text.encode()
    if force:
        write_atomically(path, content)
        return
    try:
        write_new(path, content)
    except FileExistsError:
        raise InvalidInputError(f"{path}: exists already", tip="--force replaces it") from None
