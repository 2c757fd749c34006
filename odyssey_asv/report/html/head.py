"""What every report begins with, whatever it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from odyssey_asv.model import Environment, ResultSet
from odyssey_asv.policy import Verdict
from odyssey_asv.units import one_line


@dataclass(frozen=True, slots=True)
class Head:
    """The verdict as a word and a sentence, and what a reader must know before the rest.

    `kind` is the command whose report it is, `tone` the class of `style.css` for the verdict, `facts`
    are names with values; `faults`, `warnings` and `notes` are sentences.
    """

    kind: str
    tone: str
    verdict: str
    conclusion: str
    facts: tuple[tuple[str, str], ...]
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def tone(verdict: Verdict) -> str:
    """The class of a verdict: its word as one."""
    return verdict.value.replace(" ", "-")


def word(verdict: Verdict) -> str:
    """A verdict in a word, as small as it fits beside a drawing."""
    return "undecided" if verdict is Verdict.INCONCLUSIVE else verdict.value


def known(*facts: tuple[str, str | None]) -> tuple[tuple[str, str], ...]:
    """The facts that there is something to say of."""
    return tuple((name, value) for name, value in facts if value)


def machine(sets: Sequence[ResultSet]) -> str:
    """Where it was measured, in a line; nothing where that is unknown."""
    return "; ".join(dict.fromkeys(_machine(results.environment) for results in sets))


def measured(sets: Sequence[ResultSet]) -> str:
    """When it was measured."""
    return ", ".join(dict.fromkeys(one_line(results.timestamp) for results in sets))


def _machine(found: Environment) -> str:
    parts = (
        found.machine,
        found.cpu_model or found.cpu,
        f"{found.cores} cores" if found.cores else None,
        found.os,
        f"Python {found.python_version}" if found.python_version else None,
    )
    return one_line(", ".join(part for part in parts if part))
