"""What a search for the commit at fault came to. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The answer in one word. `RANGE`: one of some commits that could not be told apart. `ELSEWHERE`: the
    good end is better only because its branch has a change that the bad end's branch lacks."""

    CULPRIT = "culprit"
    ELSEWHERE = "elsewhere"
    RANGE = "range"
    NO_REGRESSION = "no_regression"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Card:
    """What a person wants to know of a commit. `date` is the author's, ISO 8601 in UTC. `files` are
    those it changed against its first parent, each with lines added and removed (None for binary)."""

    commit: str
    parents: tuple[str, ...]
    author: str
    date: str
    subject: str
    files: tuple[tuple[str, int | None, int | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Searched:
    """A case between the ends of the range: the ratio of bad end to good end, with its interval, and
    the smallest ratio of a slowdown that would have been found; below 1 where higher is better.

    Ratios are of values, as in a check: above 1 is more. `sought` says that it is what is looked for,
    `decided` that the ends told whether it is. `other_way` says that it changed in the direction that is
    not looked for. `fails` says how it fails at the bad end alone, "timeout" or
    the type of an exception; `at_least` is then the least ratio, where its time ran out.
    """

    case: str
    label: str
    ratio: float | None
    interval: tuple[float, float] | None
    detectable: float | None
    sought: bool
    decided: bool = True
    other_way: bool = False
    fails: str | None = None
    at_least: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What a culprit did to one case: the ratio of the commit to its parent, with the interval of the
    measurement that confirmed it, at the confidence of the search. Where it made the case fail, `fails` and
    `at_least` say so, and ratio and interval say nothing."""

    case: str
    label: str
    ratio: float
    interval: tuple[float, float]
    fails: str | None = None
    at_least: float | None = None


@dataclass(frozen=True, slots=True)
class Culprit:
    """A commit that was measured against its parent with fresh processes and is at fault.

    `probability` is that of the search before, and of the confirmation, being right. `within` is the
    merge that brought the commit in, None for a commit of the range's own line. `share` is how much of the
    difference between the ends it makes, of logarithms and over all cases that are sought; None where that
    cannot be said.
    """

    card: Card
    parent: str
    probability: float
    steps: tuple[Step, ...]
    within: str | None = None
    share: float | None = None

    @property
    def worst(self) -> Step:
        return max(self.steps, key=lambda step: abs(math.log(step.ratio)))


@dataclass(frozen=True, slots=True)
class Between:
    """Commits of which one, or several together, made a step that nobody could place: `before` is the
    last commit known to be without it and `after` the first with it. `small` says that nobody looked for
    it, since the commits that were found make the difference between the ends."""

    before: str
    after: str
    commits: int
    probability: float
    cases: tuple[str, ...]
    why: str
    small: bool = False


@dataclass(frozen=True, slots=True)
class Reversal:
    """A step in the direction that is not looked for, between two measured commits: the ratio that one or
    several of the commits after `before` up to `after` made in a case, and how probable that is."""

    before: str
    after: str
    commits: int
    label: str
    ratio: float
    probability: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A commit with the probability, 0 to 1, that it made a step."""

    card: Card
    probability: float


@dataclass(frozen=True, slots=True)
class Skipped:
    """A commit that could not be measured."""

    commit: str
    reason: str


@dataclass(frozen=True, slots=True)
class Place:
    """One commit of the range for the picture of it: whether it is built and measured, could not be, and
    how suspect it is, from 0 to 1. `level` says by how much it is worse than the good end: 1.1 is 10 %
    slower; the geometric mean over the cases that are sought."""

    commit: str
    level: float | None = None
    broken: bool = False
    suspicion: float = 0.0


@dataclass(frozen=True, slots=True)
class Bisection:
    """The whole answer. `good` and `bad` are the ends, `length` the commits after `good` up to `bad`;
    `line` has a place for each of those. Probabilities are from 0 to 1.

    `builds` counts the commits that an environment was needed for, those that did not build among them.
    `improvement` says that a commit that made it faster was looked for: ratios below 1 are sought then.
    `spent` says that the budget was. `state` is the file with which the search can go on.

    `fork` is where the ends' branches part, None where the good end is on the bad end's line; `length` and
    `line` then begin there. `lacking` are commits of the good end's branch that made it better and that the
    bad end's branch lacks: nobody is at fault for those.
    """

    good: Card
    bad: Card
    length: int
    searched: tuple[Searched, ...]
    culprits: tuple[Culprit, ...] = ()
    ranges: tuple[Between, ...] = ()
    reversals: tuple[Reversal, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    line: tuple[Place, ...] = ()
    warnings: tuple[str, ...] = ()
    builds: int = 0
    probes: int = 0
    wall_s: float = 0.0
    confidence: float = 0.95
    improvement: bool = False
    spent: bool = False
    finished: bool = True
    state: str = ""
    fork: Card | None = None
    lacking: tuple[Culprit, ...] = ()

    @property
    def sought(self) -> Sequence[Searched]:
        """The cases that differ between the ends."""
        return [case for case in self.searched if case.sought]

    @property
    def outcome(self) -> Outcome:
        if self.culprits:
            return Outcome.CULPRIT
        if self.searched and not self.sought and all(case.decided for case in self.searched):
            return Outcome.NO_REGRESSION
        if self.finished and self.ranges:
            return Outcome.RANGE
        if self.finished and (self.lacking or (self.fork is not None and self.sought)):
            return Outcome.ELSEWHERE
        return Outcome.UNDECIDED
