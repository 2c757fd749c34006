"""Exit codes, the same for every verb, and the one place that turns errors into them."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from typing import IO, NoReturn

import click

from odyssey_asv.errors import (
    CannotMeasureError,
    InterruptedRunError,
    OdysseyError,
)
from odyssey_asv.units import printable


class Exit(IntEnum):
    """What a script may rely on."""

    OK = 0
    REGRESSION = 1
    INVALID = 2
    CANNOT = 3
    INTERRUPTED = 130


def say(message: str) -> None:
    """A line for people, on stderr, where a report on stdout stays clean.

    That nobody reads it any more is no reason to stop what is going on.
    """
    with suppress(BrokenPipeError):
        click.echo(message, err=True)


def put(text: str) -> None:
    """Data, on stdout. A reader that has gone (`| head`) takes nothing from the exit code."""
    try:
        click.echo(text, nl=not text.endswith("\n"))
    except BrokenPipeError:
        _silence(sys.stdout)


def _silence(stream: IO[str]) -> None:
    """Let the rest go nowhere; Python would complain at shutdown."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def finish(action: Callable[[], object]) -> NoReturn:
    """Carry out a command and exit as its outcome, or whatever went wrong, says."""
    try:
        code = action()
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = Exit.INVALID
    except (click.Abort, KeyboardInterrupt, InterruptedRunError) as error:
        tip = error.tip if isinstance(error, InterruptedRunError) else None
        say("interrupted: what was measured is kept" + (f"; {printable(tip)}" if tip else ""))
        code = Exit.INTERRUPTED
    except OdysseyError as error:
        say(f"error: {printable(str(error))}")
        if error.tip:
            say(f"  try: {printable(error.tip)}")
        code = Exit.CANNOT if isinstance(error, CannotMeasureError) else Exit.INVALID
    except BrokenPipeError:
        # In the middle of a help text or the like; where there is a verdict, `put` has seen to it.
        _silence(sys.stdout)
        code = Exit.OK
    except OSError as error:
        code = _system_error(error)
    except Exception as error:  # noqa: BLE001 (a traceback must never be what a user sees)
        code = _bug(error)
    try:
        sys.stdout.flush()
    except OSError:
        _silence(sys.stdout)
    sys.exit(int(code) if isinstance(code, int) else Exit.OK)


def _system_error(error: OSError) -> Exit:
    place = f"{error.filename}: " if error.filename else ""
    say(f"error: {place}{error.strerror or error}")
    tips = {
        errno.ENOSPC: "free some space and run the same command again; nothing measured is lost",
        errno.EDQUOT: "free some space and run the same command again; nothing measured is lost",
        errno.EROFS: "the disk is read-only: results can go elsewhere with --out DIR, the rest cannot",
        errno.EACCES: "look at the permissions of that file and its folder",
    }
    if error.errno in tips:
        say(f"  try: {tips[error.errno]}")
    return Exit.CANNOT


def _bug(error: Exception) -> Exit:
    if os.environ.get("ODYSSEY_TRACEBACK"):
        traceback.print_exc()
    say(f"error: this is a bug in odyssey-asv: {type(error).__name__}: {error}")
    say("  try: run it again with ODYSSEY_TRACEBACK=1 and report what it prints")
    return Exit.CANNOT
