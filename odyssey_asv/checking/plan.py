"""What a check is going to do: which two commits, with which limits, in which environments. Builds and
measures nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from odyssey_asv.adapter.asv_config import AsvConfig, check_suite
from odyssey_asv.adapter.environments import AsOf, Recipe, recipes
from odyssey_asv.adapter.environments.dates import Choice, choose
from odyssey_asv.adapter.environments.installer import uv
from odyssey_asv.changed.changes import Sides, survey
from odyssey_asv.changed.reach import Reach
from odyssey_asv.config import Config
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.findings import Clock
from odyssey_asv.model import Commit, Metric
from odyssey_asv.pairs.trials import Settings
from odyssey_asv.policy import Policy
from odyssey_asv.repository import UNSHALLOW, Repository, range_of
from odyssey_asv.sharding.shards import Shard
from odyssey_asv.store.baselines import Baselines
from odyssey_asv.workspace import (
    check_expressions,
    check_machine,
    repository_of,
)


@dataclass(frozen=True, slots=True)
class Options:
    """What a user asks of a check; None where the configuration is to decide."""

    contender: str | None = None
    base: str | None = None
    benches: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    python: str | None = None
    as_of: AsOf | None = None
    budget_s: float | None = None
    tolerance: Fraction | None = None
    threshold: Fraction | None = None
    gate: frozenset[Metric] | None = None
    confidence: float | None = None
    clock: Clock | None = None
    cpu: int | None = None
    seed: int | None = None
    same: bool = False
    strict: bool = False
    thorough: bool = False
    fresh: bool = False
    changed: bool = False
    shard: Shard | None = None
    durations: Path | None = None
    machine: str | None = None
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a check is going to do. `base` and `contender` are what to build, `commits` what to call
    them: a working tree with changes is built from a commit that no reference reaches. `parent` is the
    contender's first parent. `reach` says which benchmarks need measuring, None where all do. `warnings`
    say what is not as it was asked for."""

    repository: Path
    base: str
    contender: str
    commits: tuple[Commit, Commit]
    why: str
    recipes: tuple[Recipe, ...]
    policy: Policy
    options: Options
    confidence: float
    budget_s: float
    clock: Clock
    seed: int
    from_tree: bool
    parent: str | None = None
    warnings: tuple[str, ...] = ()
    reach: Reach | None = None


def prepare(config: Config, asv: AsvConfig, options: Options) -> Plan:
    """Find out what is to be compared. Builds and measures nothing.

    Raises `InvalidInputError` for unknown commits, where nothing differs, and the like.
    """
    check_suite(asv)
    check_expressions(options.benches)
    _check_zone(config, options)
    if options.machine is not None:
        check_machine(options.machine)
    policy = config.policy(tolerance=options.tolerance, threshold=options.threshold)
    if options.gate is not None:
        policy = replace(policy, gate=options.gate)
    location = repository_of(asv)
    with Repository(location, search_parents=False) as repository:
        tree = _contender(repository, asv, options)
        base, why = _base(repository, config, asv, options, tree.commit)
        if options.same and options.changed:
            raise InvalidInputError(
                "code against itself has no changed files", tip="leave out --changed, or --self"
            )
        if options.same:
            base, why = tree.built, "the same code, against itself"
        elif base == tree.built:
            tip = "name another base, --base HEAD~1, or measure the noise: --self"
            if repository.shallow:
                tip = f"this is a shallow clone; get the whole history: {UNSHALLOW}"
            raise InvalidInputError(
                f"nothing differs: {base[:8]} is both base and contender", tip=tip
            )
        commits = (
            repository.describe(tree.commit if options.same else base, dirty=False),
            repository.describe(tree.commit, dirty=tree.built != tree.commit),
        )
        parent = repository.parent(tree.commit)
        choice = _environments(repository, asv, options, (base, tree.built))
        places = choice.recipes
        sides = Sides(base, tree.built, from_tree=tree.here)
        reach = survey(repository, asv, config, sides, places) if options.changed else None
    return Plan(
        repository=location,
        base=base,
        contender=tree.built,
        commits=commits,
        why=why,
        recipes=places,
        policy=policy,
        options=replace(options, python=choice.python),
        confidence=options.confidence or config.confidence,
        budget_s=options.budget_s or config.budget_s,
        clock=options.clock or Clock(config.clock),
        seed=random.SystemRandom().randrange(2**32) if options.seed is None else options.seed,
        from_tree=tree.here,
        parent=parent,
        warnings=choice.warnings,
        reach=reach,
    )


def _check_zone(config: Config, options: Options) -> None:
    tolerance = config.tolerance if options.tolerance is None else options.tolerance
    threshold = config.threshold if options.threshold is None else options.threshold
    if tolerance >= threshold:
        raise InvalidInputError(
            f"the tolerance ({float(tolerance):.3g}) must be below the threshold"
            f" ({float(threshold):.3g}): between them lies what may be answered either way",
            tip="--tolerance 5% --threshold 10%",
        )


@dataclass(frozen=True, slots=True)
class _Tree:
    """The contender: the commit it is called by, the one to build, whether it is the working tree."""

    commit: str
    built: str
    here: bool


def _contender(repository: Repository, asv: AsvConfig, options: Options) -> _Tree:
    if options.contender is not None:
        ends = range_of(options.contender)
        commit = repository.resolve(options.contender if ends is None else ends.right)
        return _Tree(commit, commit, here=False)
    if asv.local_repo is None:
        commit = repository.resolve(repository.default_branch(asv.branches))
        return _Tree(commit, commit, here=False)
    head = repository.resolve("HEAD")
    return _Tree(head, repository.snapshot() or head, here=True)


def _base(
    repository: Repository, config: Config, asv: AsvConfig, options: Options, contender: str
) -> tuple[str, str]:
    """The commit to compare with, and why this one."""
    word = options.base
    if options.same:
        return contender, ""
    if options.contender is not None and (ends := range_of(options.contender)) is not None:
        if word is not None:
            raise InvalidInputError(
                f"{options.contender} names a base, and so does --base {word}", tip="leave one out"
            )
        if ends.dots == "...":
            return repository.merge_base(
                ends.left, ends.right
            ), f"merge base of {options.contender}"
        word = ends.left
    if word is None:
        branch = repository.default_branch(asv.branches)
        return repository.merge_base(contender, branch), f"merge base with {branch}"
    if word == "baseline" or word.startswith("baseline:"):
        found = Baselines(config.baselines).load(word.partition(":")[2] or None)
        if found.commit.hash is None:
            raise InvalidInputError(f"{word}: the baseline names no commit")
        return repository.resolve(found.commit.hash), word
    return repository.resolve(word), word


def _environments(
    repository: Repository, asv: AsvConfig, options: Options, commits: tuple[str, str]
) -> Choice:
    if options.as_of is None:
        found = recipes(asv, environments=options.environments, python=options.python)
        return Choice(tuple(found), options.python)
    base, contender = map(repository.date_of, commits)
    return choose(
        asv,
        options.as_of,
        base=base,
        contender=contender,
        environments=options.environments,
        python=options.python,
        uv=uv(),
    )


def settings(plan: Plan, config: Config, asv: AsvConfig, *, benches: tuple[str, ...]) -> Settings:
    """How to measure what a plan compares, for the cases that `benches` find."""
    return Settings(
        policy=plan.policy,
        benches=benches,
        clock=plan.clock,
        confidence=plan.confidence,
        timeout_s=config.benchmark_timeout_s or asv.benchmark_timeout_s,
        cpu=plan.options.cpu,
        thorough=plan.options.thorough,
    )
