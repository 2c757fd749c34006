"""`odyssey mojo`."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import click

from odyssey_asv import mojo as parts
from odyssey_asv.adapter.asv_config import find
from odyssey_asv.cli import Scene
from odyssey_asv.cli.exits import Exit, put, say
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.files import near


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace files that are another version.")
@click.pass_obj
def mojo(scene: Scene, /, folder: Path, *, force: bool) -> int:
    """Copy what measures Mojo code into FOLDER of a project.

    Two files: odyssey_mojo.py, which is asv's build command and what the suite imports, and
    odyssey.mojo, which the Mojo programs import. Prints what was written. Safe to repeat.
    """
    written = parts.write_into(scene.folder / folder, force=force)
    for path in written:
        put(near(path))
    if not written:
        say(f"{folder}: the files are there already")
    say(f'then: "build_command": ["{_command(scene, folder)}"] in asv.conf.json,')
    say('      and "mojo-compiler" in its matrix (docs/mojo.md)')
    return Exit.OK


def _command(scene: Scene, folder: Path) -> str:
    """The build command, with paths from asv's configuration: from here where there is none yet."""
    home = scene.folder
    with suppress(InvalidInputError):
        home = find(scene.folder, scene.asv_config).parent
    inside = Path(os.path.relpath(scene.folder / folder, home)).as_posix()
    return f"python {{conf_dir}}/{inside}/odyssey_mojo.py {{build_dir}} {{build_cache_dir}}"
