"""One finding: how bad, about what, in a line, with a remedy. Knows nothing of what was looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is. `ADVICE` would make measuring better and is not needed for it; `UNKNOWN`
    could not be found out here."""

    PROBLEM = "problem"
    ADVICE = "advice"
    UNKNOWN = "not known"
    FINE = "fine"


class Topic(StrEnum):
    """What was looked at, in the order of reports."""

    GIT = "git"
    ASV = "asv"
    SETTINGS = "settings"
    PYTHON = "python"
    COMPILER = "compiler"
    FOLDERS = "folders"
    DISK = "disk"
    MACHINE = "machine"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A finding in one line. Every problem and piece of advice has a `remedy`, a line too."""

    topic: Topic
    level: Level
    said: str
    remedy: str | None = None


def fine(topic: Topic, said: str) -> Diagnosis:
    return Diagnosis(topic, Level.FINE, said)


def problem(topic: Topic, said: str, remedy: str) -> Diagnosis:
    return Diagnosis(topic, Level.PROBLEM, said, remedy)


def advice(topic: Topic, said: str, remedy: str) -> Diagnosis:
    return Diagnosis(topic, Level.ADVICE, said, remedy)


def unknown(topic: Topic, why: str) -> Diagnosis:
    """What could not be found out, and why not."""
    return Diagnosis(topic, Level.UNKNOWN, why)


def worst(found: Iterable[Diagnosis]) -> Level:
    """The worst level there is; `FINE` where there is nothing."""
    levels = {diagnosis.level for diagnosis in found}
    return next((level for level in Level if level in levels), Level.FINE)
