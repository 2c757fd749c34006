"""What can go wrong, as types. Owns no exit codes and prints nothing: the command line does both.

Every message is lower case, names the file, key or commit, says what was found and, where there is
one, what to do next (`tip`).
"""

from __future__ import annotations


class OdysseyError(Exception):
    """Anything this package raises on purpose: `str(error)` is the message, `tip` the remedy."""

    def __init__(self, message: str, *, tip: str | None = None) -> None:
        super().__init__(message)
        self.tip = tip


class InvalidInputError(OdysseyError):
    """What the user gave cannot be used: an option, a reference, a configuration, a file."""


class InvalidFileError(InvalidInputError):
    """A file that does not hold what it should. `faults` lists every fault that was found."""

    def __init__(self, path: str, faults: tuple[str, ...], *, tip: str | None = None) -> None:
        self.path = path
        self.faults = faults
        if len(faults) == 1:
            message = f"{path}: {faults[0]}"
        else:
            message = f"{path}: {len(faults)} faults\n" + "\n".join(
                f"  {fault}" for fault in faults
            )
        super().__init__(message, tip=tip)


class CannotMeasureError(OdysseyError):
    """The question was sound, but no measurement or judgement came of it."""


class InterruptedRunError(OdysseyError):
    """The user, or the system, asked to stop. What had been measured is on disk; `found` is what is known
    so far, where anything is."""

    def __init__(self, message: str, *, tip: str | None = None, found: object = None) -> None:
        super().__init__(message, tip=tip)
        self.found = found
