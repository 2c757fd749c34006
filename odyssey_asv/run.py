"""`odyssey run`: which commits, which of them are stored, measure the rest. Prints nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from odyssey_asv.adapter import asv_config, machine
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.environments.dates import AsOf, choose, usable
from odyssey_asv.adapter.environments.installer import uv
from odyssey_asv.adapter.inside import Past
from odyssey_asv.adapter.metadata import asv_name
from odyssey_asv.config import Config
from odyssey_asv.errors import CannotMeasureError, InvalidInputError, OdysseyError
from odyssey_asv.measure import Observer, Request, Surroundings, Workplace, measure
from odyssey_asv.model import Commit, Result, ResultSet, RunKind, Status
from odyssey_asv.repository import Repository, evenly
from odyssey_asv.sharding import slicing
from odyssey_asv.sharding.portions import Portion
from odyssey_asv.sharding.shards import Shard
from odyssey_asv.store import results as store
from odyssey_asv.workspace import (
    check_expressions,
    check_machine,
    check_writable,
    repository_of,
    start_state,
)

_OLDEST_PYTHON = (3, 9)
"""asv makes environments with virtualenv and pip, which know how to leave out new uploads from here on."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a user asks of a run; None where the configuration is to decide."""

    commits: tuple[str, ...] = ()
    benches: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    machine: str | None = None
    out: Path | None = None
    quick: bool = False
    force: bool = False
    budget_s: float | None = None
    sample: int | None = None
    first_parent: bool = True
    shard: Shard | None = None
    durations: Path | None = None
    as_of: AsOf | None = None


Kept = tuple[Path, ResultSet]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is going to do: measure `request.commits`; `stored` files answer for the others.

    The sets of `stored` hold no more results than those that failed. `portion` is what falls to the
    shard, where this is one; `machine` the name asked for. `warnings` say what could not be as of the date
    asked for.
    """

    request: Request
    stored: tuple[Kept, ...]
    repository: Path
    out: Path
    uncommitted: tuple[str, ...] = ()
    portion: Portion | None = None
    machine: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left: the files it wrote, in the order written, and those that were there already.

    `log` holds asv's own words, None where asv was not needed. `shard` is the file that tells of the
    shard, where this was one and nothing is left to measure.
    """

    written: tuple[Kept, ...]
    stored: tuple[Kept, ...]
    log: Path | None = None
    shard: Path | None = None

    @property
    def failures(self) -> int:
        """How many of the cases asked for failed."""
        return sum(len(failed(found)) for _, found in (*self.stored, *self.written))

    @property
    def incomplete(self) -> bool:
        return any(not found.run.complete for _, found in self.written)


def prepare(config: Config, asv: AsvConfig, options: Options) -> Plan:
    """Find out what there is to do. Measures nothing.

    Raises `InvalidInputError` for unknown commits, an empty history and the like.
    """
    asv_config.check_runnable(asv, options.environments)
    check_expressions(options.benches)
    location = repository_of(asv)
    if options.machine is not None:
        check_machine(options.machine)
    record = machine.describe(options.machine)
    check_machine(record["machine"])
    out = options.out or config.results
    request = Request(
        config=asv,
        commits=(),
        machine=record,
        budget_s=options.budget_s or config.budget_s,
        benches=options.benches,
        environments=options.environments,
        benchmark_timeout_s=config.benchmark_timeout_s,
        force=options.force,
        quick=options.quick,
    )
    with Repository(location, search_parents=False) as repository:
        commits = _commits(repository, asv, options, _measured_commits(out, record["machine"]))
        uncommitted = repository.dirty_paths()
        head = repository.resolve("HEAD")
    taken: Portion | None = None
    if options.shard is not None:
        commits, taken = slicing.commits(commits, options.shard, options.durations, config)
    if request.existing and not set(commits) <= {head}:
        raise InvalidInputError(
            "an existing environment can only be measured as HEAD",
            tip="leave out the commits, or choose another environment with -E",
        )
    if request.existing and options.as_of is not None:
        raise InvalidInputError(
            "an existing environment is as it is, not as of a date",
            tip="leave out --as-of, or choose another environment with -E",
        )
    request, warnings = _dated(replace(request, commits=tuple(commits)), location, options)
    dirty = request.existing and bool(uncommitted)
    # asv keeps what it measured of changed code under the commit; such numbers answer for nothing.
    force = request.force or dirty or (request.existing and _was_dirty(out, head, record))
    stored: list[Kept] = []
    left = commits
    if not (force or options.quick):
        answers = {commit: _answers(out, commit, request) for commit in commits}
        stored = [kept for found in answers.values() for kept in found]
        left = [commit for commit in commits if not answers[commit]]
    request = replace(request, commits=tuple(left), force=force, dirty=dirty)
    return Plan(
        request,
        tuple(stored),
        location,
        out,
        tuple(uncommitted),
        taken,
        options.machine,
        warnings,
    )


def _dated(request: Request, location: Path, options: Options) -> tuple[Request, tuple[str, ...]]:
    """The request with the date of each commit's environments, and what cannot be as of that."""
    if options.as_of is None:
        return request, ()
    pasts: dict[str, Past] = {}
    warnings: list[str] = []
    with Repository(location, search_parents=False) as repository:
        for commit in request.commits:
            date = repository.date_of(commit)
            choice = choose(
                request.config,
                options.as_of,
                base=date,
                contender=date,
                environments=options.environments,
                uv=uv(),
                oldest=_OLDEST_PYTHON,
            )
            moment = max(
                usable(options.as_of.moment or date, recipe.python) for recipe in choice.recipes
            )
            pasts[commit] = Past(
                str(options.as_of),
                f"{moment:%Y-%m-%dT%H:%M:%SZ}",
                None if choice.python is None else (choice.python,),
                apart=options.as_of.moment is None,
            )
            warnings += choice.warnings
    return replace(request, pasts=pasts), tuple(dict.fromkeys(warnings))


def failed(results: ResultSet) -> list[Result]:
    """The cases that failed, of those that were asked for when the set was measured."""
    expressions = [re.compile(word) for word in results.run.selection]
    return [
        result
        for result in results.results
        if result.status.failed
        and (not expressions or any(e.search(asv_name(result.case)) for e in expressions))
    ]


def execute(plan: Plan, config: Config, observer: Observer, echo: IO[str] | None = None) -> Outcome:
    """Measure what a plan leaves to measure and write a result file for each commit and environment.

    Raises what `measure` raises, after everything measured is on disk.
    """
    written: list[Kept] = []
    log: Path | None = None
    out = config.state / "quick" if plan.request.quick else plan.out

    def keep(results: ResultSet) -> ResultSet:
        path = store.save_in(results, out)
        written.append((path, replace(results, source=str(path))))
        return written[-1][1]

    if plan.request.commits:
        check_writable(out)
        with _lock(config, plan.request.config), Repository(plan.repository) as repository:
            known = [] if plan.request.force else _known(plan)
            surroundings = Surroundings(
                describe=lambda commit: describe(repository, commit, plan),
                earlier=_newest_of(known),
                stored=_stored_cases(known),
                keep=keep,
            )
            log = config.state / "logs" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-run.log"
            workplace = Workplace(config.state, log, echo)
            measure(plan.request, workplace, surroundings, observer)
    outcome = Outcome(tuple(written), plan.stored, log)
    if plan.portion is None or outcome.incomplete:
        return outcome
    paths = [path for path, _ in (*outcome.stored, *outcome.written)]
    told = slicing.save_run(plan.request, plan.machine, plan.portion, paths, plan.out)
    return replace(outcome, shard=told)


def _commits(
    repository: Repository, asv: AsvConfig, options: Options, measured: Callable[[], list[str]]
) -> list[str]:
    """The commits asked for, newest first within each word, each once."""
    branches = asv.branches or ("HEAD",)
    found: list[str] = []
    for word in options.commits or ("HEAD",):
        match word:
            case "NEW":
                known = set(measured())
                found += [
                    commit
                    for branch in branches
                    for commit in _until(
                        repository.reachable([branch], first_parent=options.first_parent), known
                    )
                ]
            case "ALL":
                found += repository.reachable(branches, first_parent=options.first_parent)
            case "EXISTING":
                found += [commit for commit in measured() if repository.contains(commit)]
            case "TAGS":
                found += reversed(list(repository.tags().values()))
            case _ if word.startswith("HASHFILE:"):
                found += [repository.resolve(line) for line in _hash_file(Path(word[9:]))]
            case _:
                found += repository.range(word, first_parent=options.first_parent)
    unique = list(dict.fromkeys(found))
    if not unique and set(options.commits) != {"NEW"}:
        raise InvalidInputError(
            f"no commits selected by {' '.join(options.commits)}",
            tip="EXISTING looks at the results stored for this machine",
        )
    return evenly(unique, options.sample) if options.sample else unique


def _until(commits: list[str], known: set[str]) -> Iterator[str]:
    """The commits newer than the newest known one."""
    for commit in commits:
        if commit in known:
            return
        yield commit


def _hash_file(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path}: not a text of commit hashes: {error}") from error


def _measured_commits(out: Path, machine_name: str) -> Callable[[], list[str]]:
    """The commits with complete results of this machine, newest result first, read when asked."""

    def read() -> list[str]:
        found = []
        for path in store.newest_first(out):
            results = _loaded(path)
            if (
                results is not None
                and results.run.kind is RunKind.ASV
                and results.commit.hash
                and results.run.complete
                and results.environment.machine == machine_name
            ):
                found.append(results.commit.hash)
        return list(dict.fromkeys(found))

    return read


def _loaded(path: Path) -> ResultSet | None:
    """A stored result file; None for one that cannot be read, which is no reason not to measure."""
    try:
        return store.load(path)
    except OdysseyError:
        return None


def _was_dirty(out: Path, commit: str, record: dict[str, str]) -> bool:
    """Whether the newest result of a commit on this machine is not of what the commit holds."""
    for path in store.of_commit(out, commit):
        results = _loaded(path)
        if (
            results is not None
            and results.run.kind is RunKind.ASV
            and results.environment.machine == record["machine"]
        ):
            return results.commit.dirty
    return False


def _answers(out: Path, commit: str, request: Request) -> tuple[Kept, ...]:
    """The stored files that already answer this request for a commit, none unless all are there."""
    digest = request.digest
    found: dict[str, Kept] = {}
    wanted: set[str] = set()
    for path in store.of_commit(out, commit):
        results = _loaded(path)
        if results is None or results.run.request != digest or results.commit.hash != commit:
            continue
        name = results.environment.env_name or ""
        wanted |= {name, *results.run.environments}
        if results.run.complete and not results.run.quick:
            # Of a long history only what is told of it stays in memory.
            told = replace(results, results=tuple(failed(results)), origin=None)
            found.setdefault(name, (path, told))
    return tuple(found.values()) if wanted and wanted == set(found) else ()


def _known(plan: Plan) -> list[ResultSet]:
    """What runs have stored of the plan's commits on this machine, newest first. What a check has
    measured in pairs, or another tool, does not stand for asv's measurement."""
    known = []
    for commit in plan.request.commits:
        for path in store.of_commit(plan.out, commit):
            results = _loaded(path)
            if (
                results is not None
                and results.run.kind is RunKind.ASV
                and results.commit.hash == commit
                and not results.run.quick
                and results.environment.machine == plan.request.machine["machine"]
            ):
                known.append(results)
    return known


def _newest_of(known: list[ResultSet]) -> Callable[[str, str], ResultSet | None]:
    by_place: dict[tuple[str | None, str | None], ResultSet] = {}
    for results in known:
        by_place.setdefault((results.commit.hash, results.environment.env_name), results)
    return lambda commit, environment: by_place.get((commit, environment))


def _stored_cases(known: list[ResultSet]) -> dict[str, list[tuple[str, str, int]]]:
    """The cases that need not be measured again, for the process that runs asv."""
    cases: dict[str, list[tuple[str, str, int]]] = {}
    for results in known:
        key = f"{results.commit.hash} {results.environment.env_name}"
        for result in results.results:
            version = results.benchmarks[result.case.benchmark].version
            if result.status is not Status.NOT_SELECTED and version is not None:
                case = (result.case.benchmark, version, result.case.position or 0)
                cases.setdefault(key, []).append(case)
    return cases


def describe(repository: Repository, commit: str, plan: Plan) -> Commit:
    return repository.describe(commit, dirty=_is_dirty(plan))


def _is_dirty(plan: Plan) -> bool:
    """Whether what was measured is not what the commit says: a changed suite or configuration, or,
    where the project is measured as installed, any change."""
    if plan.request.existing:
        return plan.request.dirty
    asv = plan.request.config
    suite = [asv.benchmark_dir.resolve(), asv.path.resolve()]
    for name in plan.uncommitted:
        path = (plan.repository / name).resolve()
        inside = any(path == place or place in path.parents for place in suite)
        if inside and (path.suffix == ".py" or path == asv.path.resolve()):
            return True
    return False


@contextmanager
def _lock(config: Config, asv: AsvConfig) -> Iterator[None]:
    """One run at a time: two would measure each other and share asv's environments."""
    start_state(config.state)
    lock = FileLock(config.state / "run.lock")
    try:
        with lock.acquire(timeout=0):
            yield
    except Timeout:
        raise CannotMeasureError(
            f"another run is measuring {asv.path}",
            tip="two runs at once would disturb each other: wait for it, or stop it",
        ) from None
