"""What a search is going to do: the range, its commits, the question, the state it may go on with."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from odyssey_asv import checking
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.environments import AsOf
from odyssey_asv.config import Config
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.findings import Clock
from odyssey_asv.model import Metric
from odyssey_asv.repository import Link, Repository, range_of
from odyssey_asv.store import checks, searches
from odyssey_asv.store.searches import Question, State
from odyssey_asv.workspace import check_expressions, repository_of


@dataclass(frozen=True, slots=True)
class Options:
    """What a user asks of a search; None where the configuration is to decide."""

    range: str | None = None
    benches: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    python: str | None = None
    as_of: AsOf | None = None
    paths: tuple[str, ...] = ()
    from_check: Path | None = None
    state: Path | None = None
    resume: bool = False
    steps: int | None = None
    confidence: float = 0.95
    budget_s: float = 3600.0
    tolerance: Fraction | None = None
    threshold: Fraction | None = None
    gate: frozenset[Metric] | None = None
    clock: Clock | None = None
    cpu: int | None = None
    seed: int | None = None
    improvement: bool = False
    first_parent: bool = False
    all_steps: bool = False
    machine: str | None = None
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search is going to do. `ends` says how the ends would be checked, `report` is a check that
    already did it. `state` is where the search is kept, `known` what it says where one goes on.
    `unsearched` names the environments of the matrix that are left out.

    `links` lead to the bad end: from the good one, or from `fork`, where the line left the good end's
    history. Then `beside` lead from there to the good end."""

    ends: checking.Plan
    links: tuple[Link, ...]
    question: Question
    options: Options
    state: Path
    known: State | None
    report: checks.Report | None
    unsearched: tuple[str, ...] = ()
    fork: str | None = None
    beside: tuple[Link, ...] = ()

    @property
    def expressions(self) -> list[re.Pattern[str]]:
        """Those that the names of cases are searched for, none for all cases."""
        return [re.compile(bench) for bench in self.options.benches]


def prepare(config: Config, asv: AsvConfig, options: Options) -> Plan:
    """Find out what is to be searched. Builds and measures nothing.

    Raises `InvalidInputError` for a range without commits, unknown commits, a state of another search.
    """
    check_expressions(options.benches)
    report = None if options.from_check is None else checks.load(options.from_check)
    if report is not None:
        # The options of the check hold where no others are given.
        asked = report.asked
        options = replace(
            options,
            benches=options.benches or asked.benches,
            environments=options.environments or asked.environments,
            python=options.python or asked.python,
        )
    first, last = _ends(options, report)
    with Repository(repository_of(asv), search_parents=False) as repository:
        good, bad = repository.resolve(first), repository.resolve(last)
        links = tuple(repository.line(first, last))
        fork = links[0].parents[0] if links[0].parents[0] != good else None
        beside = () if fork is None else tuple(repository.line(fork, good))
    if report is not None and (report.base.commit, report.contender.commit) != (good, bad):
        raise InvalidInputError(
            f"{options.from_check} is of {report.base.commit[:8]}..{report.contender.commit[:8]},"
            f" not of {good[:8]}..{bad[:8]}",
            tip="leave the range out, or --from-check",
        )
    ends = checking.prepare(
        config,
        asv,
        checking.Options(
            contender=bad,
            base=good,
            benches=options.benches,
            environments=options.environments,
            python=options.python,
            as_of=options.as_of,
            budget_s=min(options.budget_s, config.budget_s),
            tolerance=options.tolerance,
            threshold=options.threshold,
            gate=options.gate,
            clock=options.clock,
            cpu=options.cpu,
            seed=options.seed,
            machine=options.machine,
            out=options.out,
            # Whether a case is faster matters where that is what is searched for.
            thorough=options.improvement,
        ),
    )
    question = Question(
        good=good,
        bad=bad,
        benches=list(options.benches),
        environment=ends.recipes[0].name,
        paths=list(options.paths),
        tolerance=None if options.tolerance is None else float(options.tolerance),
        threshold=None if options.threshold is None else float(options.threshold),
        gate=sorted(ends.policy.gate),
        confidence=options.confidence,
        clock=ends.clock,
        improvement=options.improvement,
        first_parent=options.first_parent,
        all_steps=options.all_steps,
        as_of=None if options.as_of is None else str(options.as_of),
    )
    digest = hashlib.sha256(question.model_dump_json().encode()).hexdigest()[:16]
    state = options.state or config.state / "bisect" / f"{digest}.json"
    return Plan(
        ends=replace(ends, recipes=ends.recipes[:1]),
        links=links,
        question=question,
        options=replace(options, python=ends.options.python),
        state=state,
        known=_known(state, question) if options.resume else None,
        report=report,
        unsearched=tuple(recipe.name for recipe in ends.recipes[1:]),
        fork=fork,
        beside=beside,
    )


def _ends(options: Options, report: checks.Report | None) -> tuple[str, str]:
    if options.range is None:
        if report is None:
            raise InvalidInputError("no range is given", tip="odyssey bisect GOOD..BAD")
        return report.base.commit, report.contender.commit
    if options.range.strip(".") == "":
        raise InvalidInputError(
            f"{options.range!r} is no range to search", tip="odyssey bisect GOOD..BAD"
        )
    # Two dots or three: both ends are measured, and where they part, if one does not follow the other.
    ends = range_of(options.range)
    return (options.range, "HEAD") if ends is None else (ends.left, ends.right)


def _known(path: Path, question: Question) -> State:
    try:
        state = searches.load(path)
    except FileNotFoundError:
        raise InvalidInputError(
            f"{path}: there is no such search to go on with",
            tip="give the same range and options as then, or leave --resume out",
        ) from None
    check_question(state, question, str(path))
    return state


def check_question(state: State, question: Question, source: str) -> None:
    """Raise `InvalidInputError` for a state that is of another question, saying in what."""
    for name, asked in question:
        if (then := getattr(state.question, name)) != asked:
            raise InvalidInputError(
                f"{source} is another search: its {name} is {then!r}, not {asked!r}",
                tip="choose with -E what both machines have" if name == "environment" else None,
            )
