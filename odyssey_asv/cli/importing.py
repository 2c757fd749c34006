"""`odyssey import`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from odyssey_asv import importing
from odyssey_asv.adapter.asv_config import find
from odyssey_asv.cli import Scene, next_command
from odyssey_asv.cli.exits import Exit, put, say
from odyssey_asv.cli.options import load_config, open_repository
from odyssey_asv.cli.reporting import Wanted, report_options
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.files import near
from odyssey_asv.formats.shape import Imported
from odyssey_asv.importing import Known, Source
from odyssey_asv.model import Commit
from odyssey_asv.sharding.gathering import holds_shards
from odyssey_asv.store.results import now, save_once
from odyssey_asv.units import one_line, printable


@click.command("import")
@click.argument(
    "paths", nargs=-1, required=True, metavar="FILE|DIR...", type=click.Path(path_type=Path)
)
@click.option(
    "--from",
    "source",
    type=click.Choice([source.value for source in Source]),
    help="Whose files they are (default: by what is in them).",
)
@click.option("--commit", metavar="REF", help="The commit that was measured.")
@click.option("-m", "--machine", metavar="NAME", help="The machine's name (default: the file's).")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where result files go (default: benchmarks/results).",
)
@report_options
@click.pass_obj
def import_(
    scene: Scene,
    paths: tuple[Path, ...],
    source: str | None,
    commit: str | None,
    machine: str | None,
    out: Path | None,
    wanted: Wanted,
) -> int:
    """Store results of other tools, or from elsewhere, as result files; join shards.

    Reads the JSON of pytest-benchmark, pyperf and Google Benchmark, result files, and the results
    of asv. A folder means every file below it that is one of these. What is stored already is not
    stored again. Where there are files that --shard left, they are joined and every conflict is named; of
    a sharded check that gives the report, in the form that is wanted, and its exit code.

    Prints the paths of the result files. Exit code 2 says that a file could not be read, and the others
    are stored all the same; or that shards do not belong together, or one is missing.
    """  # fmt: skip
    config = load_config(scene)
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise InvalidInputError("\n".join(f"{path}: not found" for path in missing))
    if holds_shards(paths):
        if source or commit or machine:
            raise click.UsageError("--from, --commit and --machine are not for shards")
        # Knows all of a check, which reading files does not need.
        from odyssey_asv.cli.joining import join_shards

        return join_shards(config, paths, out or config.results, wanted)
    if not wanted.table or wanted.folder is not None:
        raise click.UsageError(
            "--format and --report are for the shards of a check; there are none"
        )
    if machine is not None:
        # Knows the repository, which reading files does not need.
        from odyssey_asv.workspace import check_machine

        check_machine(machine)
    known = Known(now(), _commit(scene, commit), machine)
    importer = _Importer(scene, known, out or config.results)
    forced = None if source is None else Source(source)
    for found in importing.read(paths, forced, known.now, importer.fault, importer.skip):
        importer.store(found)
    return importer.finished()


def _commit(scene: Scene, reference: str | None) -> Commit | None:
    """The commit that a reference means."""
    if reference is None:
        return None
    with open_repository(scene, load_config(scene)) as repository:
        return repository.describe(repository.resolve(reference))


class _Importer:
    """Stores one set after another, and says what came of each."""

    def __init__(self, scene: Scene, known: Known, folder: Path) -> None:
        self._scene = scene
        self._known = known
        self._folder = folder
        self._stored = 0
        self._faulty = 0
        self._skipped: list[Path] = []
        self._paths: list[Path] = []

    def store(self, found: Imported) -> None:
        try:
            complete = importing.attribute(found, self._known)
            path, new = save_once(complete.results, self._folder)
        except InvalidInputError as fault:
            self.fault(fault)
            return
        origin = near(found.results.source)
        for warning in complete.warnings:
            say(f"warning: {printable(origin)}: {one_line(warning)}")
        if not new:
            say(f"{printable(origin)}: stored already")
        put(near(path))
        self._stored += 1
        self._paths.append(path)

    def fault(self, fault: InvalidInputError) -> None:
        say(f"error: {printable(str(fault))}")
        if fault.tip:
            say(f"  try: {printable(fault.tip)}")
        self._faulty += 1

    def skip(self, path: Path) -> None:
        self._skipped.append(path)

    def finished(self) -> Exit:
        """Say what is left to say; the exit code."""
        if self._skipped:
            count, first = len(self._skipped), printable(near(self._skipped[0]))
            more = f" and {count - 1} more" if count > 1 else ""
            say(f"note: not the result file of a tool that is known here: {first}{more}")
        if self._faulty:
            return Exit.INVALID
        if not self._stored:
            raise InvalidInputError(
                "nothing to import", tip="name result files, or a folder that has some"
            )
        if self._paths:
            next_command.tell(*_next(self._scene, self._paths))
        return Exit.OK


def _next(scene: Scene, stored: Sequence[Path]) -> tuple[str, str]:
    """The command to type next, and why: looking back needs asv's configuration, comparing does not."""
    with suppress(InvalidInputError):
        find(scene.folder, scene.asv_config)
        return next_command.odyssey(scene, "history"), "all that was measured so far"
    first, last = near(stored[0]), near(stored[-1])
    if first != last:
        return next_command.odyssey(scene, "compare", first, last), ""
    return next_command.odyssey(scene, "export", last, "--to", "csv"), "what was stored"
