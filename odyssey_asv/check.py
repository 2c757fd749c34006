"""`odyssey check`: which two commits, their environments, the paired measurement, the verdict. Prints
nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from odyssey_asv import pairing
from odyssey_asv.adapter import machine
from odyssey_asv.adapter.asv_config import AsvConfig, check_suite
from odyssey_asv.adapter.environments import Built, Recipe, Workshop, recipes
from odyssey_asv.adapter.paired.workers import Side
from odyssey_asv.adapter.versions import asv_version, runner_version
from odyssey_asv.config import Config
from odyssey_asv.errors import InterruptedRunError, InvalidInputError
from odyssey_asv.evidence import Plan as Promise
from odyssey_asv.files import write_atomically
from odyssey_asv.findings import Check, Clock, Effort, Finding, worst_first
from odyssey_asv.model import Commit, Environment, Metric, Result, ResultSet, Run, RunKind, Status
from odyssey_asv.pairing import Engine, Settings, Trial, Watcher
from odyssey_asv.policy import Policy
from odyssey_asv.repository import Repository
from odyssey_asv.store import results as store
from odyssey_asv.store.baselines import Baselines
from odyssey_asv.workspace import check_expressions, check_writable, repository_of, start_state

_KEPT_NOISE = "noise.json"


@dataclass(frozen=True, slots=True)
class Options:
    """What a user asks of a check; None where the configuration is to decide."""

    contender: str | None = None
    base: str | None = None
    benches: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    python: str | None = None
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
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a check is going to do. `base` and `contender` are what to build, `commits` what to call
    them: a working tree with changes is built from a commit that no reference reaches."""

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


class Observer(Watcher):
    """Told of environments as well."""

    def environment(self, side: str, step: str) -> None:
        """A side's environment is found, waited for, built or installed."""

    def measuring(self, environment: str) -> None:
        """Both sides are there; measuring begins."""


def prepare(config: Config, asv: AsvConfig, options: Options) -> Plan:
    """Find out what is to be compared. Builds and measures nothing.

    Raises `InvalidInputError` for unknown commits, where nothing differs, and the like.
    """
    check_suite(asv)
    check_expressions(options.benches)
    policy = config.policy(tolerance=options.tolerance, threshold=options.threshold)
    if options.gate is not None:
        policy = replace(policy, gate=options.gate)
    location = repository_of(asv)
    with Repository(location, search_parents=False) as repository:
        tree = _contender(repository, asv, options)
        base, why = _base(repository, config, asv, options, tree.commit)
        if options.same:
            base, why = tree.built, "the same code, against itself"
        elif base == tree.built:
            raise InvalidInputError(
                f"nothing differs: {base[:8]} is both base and contender",
                tip="name another base, --base HEAD~1, or measure the noise: --self",
            )
        commits = (
            repository.describe(tree.commit if options.same else base, dirty=False),
            repository.describe(tree.commit, dirty=tree.built != tree.commit),
        )
    return Plan(
        repository=location,
        base=base,
        contender=tree.built,
        commits=commits,
        why=why,
        recipes=tuple(recipes(asv, environments=options.environments, python=options.python)),
        policy=policy,
        options=options,
        confidence=options.confidence or config.confidence,
        budget_s=options.budget_s or config.budget_s,
        clock=options.clock or Clock(config.clock),
        seed=random.SystemRandom().randrange(2**32) if options.seed is None else options.seed,
        from_tree=tree.here,
    )


@dataclass(frozen=True, slots=True)
class _Tree:
    """The contender: the commit it is called by, the one to build, whether it is the working tree."""

    commit: str
    built: str
    here: bool


def _contender(repository: Repository, asv: AsvConfig, options: Options) -> _Tree:
    if options.contender is not None:
        commit = repository.resolve(options.contender)
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
    if word is None:
        branch = repository.default_branch(asv.branches)
        return repository.merge_base(contender, branch), f"merge base with {branch}"
    if word == "baseline" or word.startswith("baseline:"):
        found = Baselines(config.baselines).load(word.partition(":")[2] or None)
        if found.commit.hash is None:
            raise InvalidInputError(f"{word}: the baseline names no commit")
        return repository.resolve(found.commit.hash), word
    return repository.resolve(word), word


def execute(
    plan: Plan, config: Config, asv: AsvConfig, observer: Observer, echo: IO[str] | None = None
) -> tuple[Check, tuple[Path, ...]]:
    """Build both sides, measure them, judge; store both as result files, whose paths are returned.

    Raises `BuildFailedError` and `CannotMeasureError`, and `InterruptedRunError` after what was
    measured is stored, marked incomplete.
    """
    started = time.monotonic()
    check_writable(config.results)
    start_state(config.state)
    rng = random.Random(plan.seed)  # noqa: S311 (drawn samples, no secrets)
    arenas: list[_Arena] = []
    warnings: list[str] = []
    interrupted = False
    with (
        Repository(plan.repository, search_parents=False) as repository,
        Workshop(asv, config.state, repository.check_out, echo=echo) as workshop,
        _work_folder(config.state) as work,
    ):
        pairs = []
        for recipe in plan.recipes:
            base, contender, differing = workshop.pair(
                recipe,
                plan.base,
                plan.contender,
                fresh=plan.options.fresh,
                on_step=observer.environment,
            )
            warnings += differing
            pairs.append((base, contender))
        settings = _settings(plan, config, asv)
        for number, pair in enumerate(pairs):
            sides = _sides(pair, _suite(plan, asv, pair[1]), config.state, work / str(number))
            records = pairing.discover(sides[1], rng)
            arenas.append(_Arena(pair, sides, pairing.trials(records, settings)))
        cases = sum(len(arena.trials) for arena in arenas)
        gated = sum(trial.gated for arena in arenas for trial in arena.trials)
        if cases == 0:
            wanted = ", ".join(map(repr, plan.options.benches))
            raise InvalidInputError(
                f"no benchmark matches {wanted}" if wanted else "the suite has no benchmarks",
                tip="-b takes regular expressions, searched in names such as"
                " module.Class.time_name(param1, param2)",
            )
        promise = Promise(cases=gated, alarm=1.0 - plan.confidence)
        observer.planned(cases, gated)
        measuring = time.monotonic()
        try:
            for left, arena in zip(range(len(arenas), 0, -1), arenas, strict=True):
                observer.measuring(arena.pair[0].recipe.name)
                now = time.monotonic()
                share = (measuring + plan.budget_s - now) / left
                engine = Engine(arena.sides, arena.trials, settings, promise, rng, observer)
                arena.engine = engine
                engine.run(now + share)
        except KeyboardInterrupt:
            interrupted = True
    spent = not interrupted and time.monotonic() - measuring >= plan.budget_s
    found = [
        replace(finding, environment=arena.name if len(arenas) > 1 else None)
        for arena in arenas
        for trial in arena.trials
        if (finding := pairing.finding(trial, settings, promise)) is not None
    ]
    record = machine.describe()
    sets = [arena.result_sets(plan, record, incomplete=interrupted) for arena in arenas]
    paths: list[Path] = []
    for pair_of_sets in sets:
        paths += [
            store.save_in(results, config.results)
            for results in pair_of_sets
            if any(r.status is not Status.NOT_SELECTED for r in results.results)
        ]
    if interrupted:
        raise InterruptedRunError("interrupted")
    check = Check(
        base=tuple(first for first, _ in sets),
        contender=tuple(second for _, second in sets),
        findings=tuple(sorted(found, key=worst_first)),
        effort=Effort(
            wall_s=time.monotonic() - started,
            sampling_s=sum(arena.engine.sampling_s for arena in arenas if arena.engine),
            processes=sum(arena.engine.processes for arena in arenas if arena.engine),
            budget_s=plan.budget_s,
            spent=spent,
        ),
        confidence=plan.confidence,
        warnings=tuple(dict.fromkeys(warnings)),
        same=plan.options.same,
        strict=plan.options.strict,
    )
    if plan.options.same:
        _keep_noise(config.state, check)
    return check, tuple(paths)


@dataclass(slots=True)
class _Arena:
    """One pair of environments, and what is measured in it."""

    pair: tuple[Built, Built]
    sides: tuple[Side, Side]
    trials: Sequence[Trial]
    engine: Engine | None = None

    @property
    def name(self) -> str:
        return self.pair[0].recipe.name

    def result_sets(
        self, plan: Plan, record: Mapping[str, str], *, incomplete: bool
    ) -> tuple[ResultSet, ResultSet]:
        """Both sides as ordinary result sets."""
        first, second = (
            self._result_set(plan, record, side, incomplete=incomplete) for side in (0, 1)
        )
        return first, second

    def _result_set(
        self, plan: Plan, record: Mapping[str, str], side: int, *, incomplete: bool
    ) -> ResultSet:
        built = self.pair[side]
        results: list[Result] = [pairing.result(trial, side) for trial in self.trials]
        system, _, kernel = record["os"].partition(" ")
        packages = {name.lower().replace("-", "_"): v for name, v in built.packages.items()}
        ram = int(record["ram"]) if record["ram"].isdigit() else None
        return ResultSet(
            timestamp=store.now(),
            commit=plan.commits[side],
            environment=Environment(
                os=system.lower() or None,
                kernel=kernel or None,
                cpu=record["arch"] or None,
                mojo_version=packages.get("mojo_compiler"),
                python_version=built.python_version,
                numpy_version=packages.get("numpy"),
                machine=record["machine"],
                cpu_model=record["cpu"] or None,
                cores=int(record["num_cpu"]) if record["num_cpu"].isdigit() else None,
                ram_mb=None if ram is None else (ram + 500_000) // 10**6,
                packages=dict(sorted(built.packages.items())),
                env_name=self.name,
                asv_version=asv_version(),
                asv_runner_version=runner_version(),
            ),
            run=Run(
                kind=RunKind.PAIRED,
                complete=not incomplete
                and not any(r.status is Status.NOT_SELECTED for r in results),
                budget_s=plan.budget_s,
                selection=plan.options.benches,
            ),
            benchmarks={trial.benchmark.id: trial.benchmark for trial in self.trials},
            results=tuple(results),
        )


def _settings(plan: Plan, config: Config, asv: AsvConfig) -> Settings:
    return Settings(
        policy=plan.policy,
        benches=plan.options.benches,
        clock=plan.clock,
        confidence=plan.confidence,
        timeout_s=config.benchmark_timeout_s or asv.benchmark_timeout_s,
        cpu=plan.options.cpu,
    )


def _suite(plan: Plan, asv: AsvConfig, contender: Built) -> Path:
    """The benchmarks of both sides: the contender's. Those of the working tree are taken where it is
    the contender, or where the suite does not live in the repository under test."""
    if not plan.from_tree:
        with suppress(ValueError):
            inside = asv.benchmark_dir.resolve().relative_to(plan.repository.resolve())
            if (contender.checkout / inside / "__init__.py").is_file():
                return contender.checkout / inside
    return asv.benchmark_dir


def _sides(pair: tuple[Built, Built], suite: Path, state: Path, work: Path) -> tuple[Side, Side]:
    """Where each side's processes run. Paths of both have one length: it moves memory about."""
    support = _support(state)
    made = []
    for name, folder, built in zip(("base", "contender"), ("a", "b"), pair, strict=True):
        (work / folder).mkdir(parents=True)
        made.append(
            Side(
                name=name,
                python=built.python,
                # Code that is compiled anew in every process leaves memory laid out otherwise.
                vars={
                    name: value
                    for name, value in built.environment(os.environ).items()
                    if name != "PYTHONDONTWRITEBYTECODE"
                },
                suite=suite,
                support=support,
                bytecode=built.folder / "bytecode",
                folder=work / folder,
            )
        )
    return made[0], made[1]


def _support(state: Path) -> Path:
    """A folder with this program's own asv_runner and nothing else, so that both sides use one."""
    folder = state / f"support-{runner_version()}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("asv_runner", "pympler"):
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            continue
        place, link = Path(spec.submodule_search_locations[0]), folder / name
        if not link.is_symlink() or link.readlink() != place:
            with tempfile.TemporaryDirectory(dir=folder) as made:
                Path(made, name).symlink_to(place)
                Path(made, name).replace(link)
    return folder


@contextmanager
def _work_folder(state: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="check-", dir=state))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Noise:
    """What checking code against itself showed on this machine."""

    when: str
    cases: int
    alarms: int
    spread: float | None
    detectable: float | None


def _keep_noise(state: Path, check: Check) -> None:
    seen = [f.estimate.detectable for f in check.gated if f.estimate is not None]
    document = {
        "when": store.now(),
        "cases": check.judged,
        "alarms": sum(finding.alarm for finding in check.gated),
        "spread": check.noise,
        "detectable": max(seen) if seen else None,
    }
    write_atomically(state / _KEPT_NOISE, json.dumps(document, indent=2).encode())


def known_noise(state: Path) -> Noise | None:
    """What the last `--self` showed here, None where there was none."""
    try:
        document = json.loads((state / _KEPT_NOISE).read_text(encoding="utf-8"))
        return Noise(**document)
    except (OSError, ValueError, TypeError):
        return None


def false_alarms(check: Check) -> tuple[Finding, ...]:
    """The alarms of a check of code against itself, every one of them false."""
    return tuple(finding for finding in check.gated if finding.alarm)
