"""`odyssey init`."""

from __future__ import annotations

import textwrap

import click

from odyssey_asv.adopting import Adoption, Draft, Wish, adopt, changed, write
from odyssey_asv.cli import Scene, next_command
from odyssey_asv.cli.exits import Exit, put, say
from odyssey_asv.files import near
from odyssey_asv.units import printable

_INDENT = "    "


@click.command()
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "none"]),
    default="github",
    show_default=True,
    help="Whose workflows to write.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be written; write nothing.")
@click.option(
    "--package", metavar="NAME", help="What to import (default: found in the project's files)."
)
@click.option(
    "--action",
    metavar="OWNER/REPO@REF",
    help="Where CI gets this program (default: where it was installed from).",
)
@click.pass_obj
def init(scene: Scene, ci: str, dry_run: bool, package: str | None, action: str | None) -> int:
    """Prepare a Python project: asv.conf.json, a first benchmark, settings and CI.

    What is there stays as it is; settings and ignored folders are added at the end of pyproject.toml
    and .gitignore. Repeating it changes nothing. Prints the paths of the files written.
    """  # fmt: skip
    found = adopt(scene.folder, Wish(ci, package, action, scene.asv_config))
    _announce(found)
    if not dry_run:
        write(found)
    for file in found.files:
        _tell(file, show=dry_run)
    for file in found.files:
        if file.to_write:
            put(near(file.path))
    _advise(found, ci)
    next_command.tell(*_next(scene, found, dry_run=dry_run))
    return Exit.OK


def _announce(found: Adoption) -> None:
    package = found.package
    say(
        printable(
            f"{package.name}: import {package.module} ({package.layout} layout, built by"
            f" {package.backend}), changes go to {found.branch}"
        )
    )


def _tell(file: Draft, *, show: bool) -> None:
    remedy = f": {file.remedy}" if file.remedy else ""
    say(printable(f"{file.state.value:9} {near(file.path)}{remedy}"))
    if show and file.added:
        say(textwrap.indent(file.added.strip("\n"), _INDENT, lambda _: True))


def _advise(found: Adoption, ci: str) -> None:
    """What a person has to know before anything of it is used."""
    for doubt in found.doubts:
        say(printable(f"note: {doubt}"))
    if ci == "none" or found.source.pinned:
        return
    used = f"{found.source.repository}@{found.source.ref}"
    if found.source.certain:
        say(f"note: {used} may come to mean another commit; name one: --action OWNER/REPO@SHA")
    else:
        say(
            f"note: where this program was installed from is not known, so CI takes {used};"
            " if that is not it: --action OWNER/REPO@SHA"
        )


def _next(scene: Scene, found: Adoption, *, dry_run: bool) -> tuple[str, str]:
    """The command to type next, and why."""
    if dry_run and not found.nothing_new:
        return next_command.again(scene, without={"--dry-run": 0}), "write them"
    if dry_run or changed(scene.folder):
        return next_command.odyssey(scene, "check"), "the working tree against its merge base"
    return next_command.odyssey(scene, "check", "--self"), "the noise of this machine"
