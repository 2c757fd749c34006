"""What becomes of a report: one form of it printed, every form written. Knows no kind of report."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import click

from odyssey_asv.cli.exits import put, say
from odyssey_asv.files import near, write_atomically
from odyssey_asv.units import one_line

_FORMS = ("table", "json", "markdown", "github")
_LEAST_WIDTH = 60
_FILE_WIDTH = 100


class Table(Protocol):
    """Draws the report for people, in at most `width` columns."""

    def __call__(self, *, width: int, color: bool = ..., everything: bool = ...) -> str: ...


@dataclass(frozen=True, slots=True)
class Report:
    """One report, not yet in any form. `pipe_width` is how wide its table is where stdout is no
    terminal. `html` is a whole page, for those reports that have one."""

    table: Table
    json: Callable[[], str]
    markdown: Callable[[], str]
    github: Callable[[], str]
    pipe_width: int
    html: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user wants to see of a report: the form to print, whether with every unchanged case, and
    the folder for files of all forms."""

    form: str
    everything: bool = False
    folder: Path | None = None

    @property
    def table(self) -> bool:
        return self.form == "table"


def report_options(function: Callable[..., int]) -> Callable[..., int]:
    """`--all`, `--format`, its short form `--json`, and `--report DIR`, handed on as one `wanted`."""

    @functools.wraps(function)
    def command(
        *arguments: Any,
        everything: bool,
        form: str,
        as_json: bool,
        folder: Path | None,
        **others: Any,
    ) -> int:
        wanted = Wanted("json" if as_json else form, everything, folder)
        return function(*arguments, wanted=wanted, **others)

    options = (
        click.option(
            "--report", "folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
            help="Also write every form of the report into this folder.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Short for --format json."),
        click.option(
            "--format", "form", type=click.Choice(_FORMS), default="table", show_default=True,
            help="What to print.",
        ),
        click.option("--all", "everything", is_flag=True, help="Show every unchanged case."),
    )  # fmt: skip
    return functools.reduce(lambda made, option: option(made), options, command)


def publish(report: Report, wanted: Wanted) -> None:
    """Print the form that is wanted; write all of them where a folder is."""
    put(_rendered(report, wanted))
    if wanted.folder is not None:
        written = _write(report, wanted.folder)
        say(f"reports: {', '.join(map(str, written))}")


def keep_page(report: Report, path: Path) -> None:
    """Keep the page of the latest report of its kind, for `odyssey publish`. That it cannot be drawn or
    written takes nothing from the exit code: the report itself has been given."""
    assert report.html is not None
    try:
        write_atomically(path, report.html().encode())
    except OSError as error:
        _not_kept(path, error.strerror or str(error))
    except Exception as error:  # noqa: BLE001 (what is wrong with a page is no verdict)
        _not_kept(path, f"{type(error).__name__}: {error}")


def _not_kept(path: Path, reason: str) -> None:
    say(f"warning: the page of this report is not kept: {near(path)}: {one_line(reason)}")


def _rendered(report: Report, wanted: Wanted) -> str:
    match wanted.form:
        case "json":
            return report.json()
        case "markdown":
            return report.markdown()
        case "github":
            return report.github()
        case _:
            terminal = sys.stdout.isatty()
            width = shutil.get_terminal_size().columns if terminal else report.pipe_width
            plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
            return report.table(
                width=max(width, _LEAST_WIDTH),
                color=terminal and not plain,
                everything=wanted.everything,
            )


def _write(report: Report, folder: Path) -> list[Path]:
    forms = {
        "report.txt": report.table(width=_FILE_WIDTH, everything=True),
        "report.json": report.json(),
        "report.md": report.markdown(),
        "annotations.txt": report.github(),
    }
    if report.html is not None:
        forms["report.html"] = report.html()
    for name, text in forms.items():
        write_atomically(folder / name, text.encode())
    return [folder / name for name in forms]
