"""Exit codes, the same for every verb, and the one place that turns errors into them."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from typing import NoReturn

import click

from odyssey_asv.errors import (
    CannotMeasureError,
    InterruptedRunError,
    OdysseyError,
)


class Exit(IntEnum):
    """What a script may rely on."""

    OK = 0
    REGRESSION = 1
    INVALID = 2
    CANNOT = 3
    INTERRUPTED = 130


def say(message: str) -> None:
    """A line for people, on stderr, where a report on stdout stays clean."""
    click.echo(message, err=True)


def finish(action: Callable[[], object]) -> NoReturn:
    """Carry out a command and exit as its outcome, or whatever went wrong, says."""
    try:
        code = action()
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = Exit.INVALID
    except (click.Abort, KeyboardInterrupt, InterruptedRunError):
        say("interrupted: what was measured is kept, and the same command goes on from there")
        code = Exit.INTERRUPTED
    except OdysseyError as error:
        say(f"error: {printable(str(error))}")
        if error.tip:
            say(f"  try: {printable(error.tip)}")
        code = Exit.CANNOT if isinstance(error, CannotMeasureError) else Exit.INVALID
    except BrokenPipeError:
        # The reader of our output has gone; that is its right. Python would complain at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.OK
    except OSError as error:
        code = _system_error(error)
    except Exception as error:  # noqa: BLE001 (a traceback must never be what a user sees)
        code = _bug(error)
    sys.exit(int(code) if isinstance(code, int) else Exit.OK)


def _system_error(error: OSError) -> Exit:
    place = f"{error.filename}: " if error.filename else ""
    say(f"error: {place}{error.strerror or error}")
    tips = {
        errno.ENOSPC: "free some space and run the same command again; nothing measured is lost",
        errno.EDQUOT: "free some space and run the same command again; nothing measured is lost",
        errno.EROFS: "the disk is read-only: name a folder that can be written, such as --out DIR",
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


def printable(text: str) -> str:
    """Text without the control characters that would let a name drive the terminal."""
    return "".join(c if c == "\n" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
