"""The state of a search for a commit at fault: one file, replaced after each step, with which the search
goes on after a kill, or on another machine."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from odyssey_asv.errors import InvalidFileError
from odyssey_asv.files import write_atomically

SCHEMA_VERSION = "1.0"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Question(_Part):
    """What is asked, so that a state is not taken for that of another search. Commits are full hashes."""

    good: str
    bad: str
    benches: list[str] = []
    environment: str = ""
    paths: list[str] = []
    tolerance: float | None = None
    threshold: float | None = None
    gate: list[str] = []
    confidence: float
    clock: str
    improvement: bool = False
    first_parent: bool = False
    all_steps: bool = False
    as_of: str | None = None


class Sought(_Part):
    """A case as it is at the ends of the range. `least` is the smallest step that counts, and `effects`
    those of the ends' blocks, as logarithms; `ratio` and what follows as in a check's report.

    `fails` says how it fails at the bad end alone: "timeout", or the type of the exception. Its effects are
    then those of a made-up level, the logarithm of `at_least` where that is known. `good_s` is what a
    sample takes at the good end. `cut` says that it does not fail there, but takes so much longer that in
    the search it is stopped once it takes `at_least` as long."""

    name: str
    label: str
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    detectable: float | None = None
    sought: bool
    decided: bool = True
    higher_is_better: bool = False
    least: float
    effects: list[float] = []
    verdict: str | None = None
    fails: str | None = None
    at_least: float | None = None
    good_s: float | None = None
    cut: bool = False


class Measured(_Part):
    """What the blocks of a pair said of each case; the commit was measured `times` times. `blocks` says how
    many blocks each of those times brought, by case, where that is known."""

    effects: dict[str, list[float]] = {}
    times: int = 1
    blocks: dict[str, list[int]] = {}


class Answered(_Part):
    """What measuring a commit against its parent said of a case."""

    effects: list[float]
    confirmed: bool


class Commit(_Part):
    """A commit of the line, with the files it changed."""

    commit: str
    parents: list[str]
    files: list[str] = []


class Line(_Part):
    """One line of first parents that is searched: the commits after `start`. `within` is the merge that
    brought the line in. `mirrored` says that it leads to the good end, from where the ends part, and is
    searched for what made that better.

    `instead` is a commit without the step that levels may be measured against where `start` cannot be
    measured, which may be much older. What is in the history of a commit in `without` was ruled out before
    the line was entered."""

    start: str
    commits: list[Commit]
    cases: list[str]
    within: str | None = None
    mirrored: bool = False
    instead: str | None = None
    without: list[str] = []
    measured: dict[str, Measured] = {}
    unbuildable: dict[str, str] = {}
    answered: dict[str, dict[str, Answered]] = {}
    finished: bool = False


class State(_Part):
    """All that is known."""

    schema_version: str = SCHEMA_VERSION
    question: Question
    cases: list[Sought]
    lines: list[Line] = []
    fork: str | None = Field(
        default=None,
        description="the commit where the ends part, if the good end is on another branch",
    )
    remembered: dict[str, float] = Field(
        default={}, description="by commit, how much more suspect stored results make it"
    )
    warnings: list[str] = []
    built: dict[str, float] = Field(default={}, description="seconds that each build took")
    measuring_s: list[float] = []
    deciding_s: float = 0.0
    probes: int = 0
    wall_s: float = 0.0


def load(path: Path) -> State:
    """Read a state. Raises FileNotFoundError, and `InvalidFileError` for one that cannot be used."""
    return parse(path.read_bytes(), str(path))


def parse(content: bytes, source: str) -> State:
    """The state in the bytes of a file; `source` names it in messages. Raises `InvalidFileError`."""
    try:
        return State.model_validate_json(content.decode(errors="replace"))
    except ValidationError as error:
        faults = tuple(
            f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}"
            for fault in error.errors()[:5]
        )
        raise InvalidFileError(
            source, faults, tip="remove it, and the search begins anew"
        ) from error


def save(state: State, path: Path) -> None:
    """Replace the file, or leave it as it was."""
    write_atomically(path, serialise(state))


def serialise(state: State) -> bytes:
    """The bytes of the file for this state."""
    return state.model_dump_json(indent=1).encode() + b"\n"
