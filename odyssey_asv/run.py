"""`odyssey run`: which commits, which of them are stored, measure the rest. Prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from odyssey_asv.adapter import asv_config, machine
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.config import Config
from odyssey_asv.errors import CannotMeasureError, InvalidInputError, OdysseyError
from odyssey_asv.measure import Observer, Request, Surroundings, Workplace, measure
from odyssey_asv.model import Commit, ResultSet, Status
from odyssey_asv.repository import Repository, clone_mirror, evenly
from odyssey_asv.store import results as store


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


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is going to do: `commits` to measure, `stored` ones that need not be."""

    request: Request
    stored: tuple[tuple[str, tuple[Path, ...]], ...]
    repository: Path
    out: Path
    uncommitted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left: the files it wrote, in the order written, with their sets."""

    written: tuple[tuple[Path, ResultSet], ...]
    stored: tuple[tuple[str, tuple[Path, ...]], ...]

    @property
    def failures(self) -> int:
        return sum(result.status.failed for _, found in self.written for result in found.results)

    @property
    def incomplete(self) -> bool:
        return any(not found.run.complete for _, found in self.written)


def prepare(config: Config, asv: AsvConfig, options: Options) -> Plan:
    """Find out what there is to do. Measures nothing.

    Raises `InvalidInputError` for unknown commits, an empty history and the like.
    """
    asv_config.check_runnable(asv, options.environments)
    location = _repository(asv)
    record = machine.describe(options.machine)
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
    if request.existing and commits != [head]:
        raise InvalidInputError(
            "an existing environment can only be measured as HEAD",
            tip="leave out the commits, or choose another environment with -E",
        )
    stored = []
    if not (options.force or options.quick):
        for commit in commits:
            files = _answers(out, commit, request)
            if files:
                stored.append((commit, files))
    skipped = {commit for commit, _ in stored}
    left = tuple(commit for commit in commits if commit not in skipped)
    return Plan(replace(request, commits=left), tuple(stored), location, out, tuple(uncommitted))


def execute(plan: Plan, config: Config, observer: Observer, echo: IO[str] | None = None) -> Outcome:
    """Measure what a plan leaves to measure and write a result file for each commit and environment.

    Raises what `measure` raises, after everything measured is on disk.
    """
    written: list[tuple[Path, ResultSet]] = []
    out = config.state / "quick" if plan.request.quick else plan.out

    def keep(results: ResultSet) -> None:
        written.append((store.save_in(results, out), results))

    if plan.request.commits:
        with _lock(config, plan.request.config), Repository(plan.repository) as repository:
            known = [] if plan.request.force else _known(plan)
            surroundings = Surroundings(
                describe=lambda commit: _describe(repository, commit, plan),
                earlier=_newest_of(known),
                stored=_stored_cases(known),
                keep=keep,
            )
            log = config.state / "logs" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-run.log"
            _start_state(config.state)
            workplace = Workplace(config.state, log, echo)
            measure(plan.request, workplace, surroundings, observer)
    return Outcome(tuple(written), plan.stored)


def _repository(asv: AsvConfig) -> Path:
    """The repository under test; a remote one is cloned to where asv looks for it."""
    if asv.local_repo is not None:
        return asv.local_repo
    if "://" not in asv.repo and not asv.repo.startswith("git@"):
        raise InvalidInputError(
            f"{asv.path}: repo {asv.repo!r} is neither a folder nor the address of a repository"
        )
    if asv.mirror.is_dir():
        with Repository(asv.mirror, search_parents=False) as repository:
            repository.pull()
    else:
        clone_mirror(asv.repo, asv.mirror)
    return asv.mirror


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
    if not unique:
        raise InvalidInputError(
            f"no commits selected by {' '.join(options.commits)}",
            tip="NEW and EXISTING look at the results stored for this machine",
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
        lines = path.read_text(encoding="utf-8").split()
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}") from error
    return lines


def _measured_commits(out: Path, machine_name: str) -> Callable[[], list[str]]:
    """The commits with complete results of this machine, newest result first, read when asked."""

    def read() -> list[str]:
        found = []
        for path in store.newest_first(out):
            results = _loaded(path)
            if (
                results is not None
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


def _answers(out: Path, commit: str, request: Request) -> tuple[Path, ...]:
    """The stored files that already answer this request for a commit, none unless all are there."""
    digest = request.digest
    found: dict[str, Path] = {}
    wanted: set[str] = set()
    for path in store.of_commit(out, commit):
        results = _loaded(path)
        if results is None or results.run.request != digest or results.commit.hash != commit:
            continue
        name = results.environment.env_name or ""
        wanted |= {name, *results.run.environments}
        if results.run.complete and not results.run.quick:
            found.setdefault(name, path)
    return tuple(found.values()) if wanted and wanted == set(found) else ()


def _known(plan: Plan) -> list[ResultSet]:
    """What is stored of the plan's commits on this machine, newest first."""
    known = []
    for commit in plan.request.commits:
        for path in store.of_commit(plan.out, commit):
            results = _loaded(path)
            if (
                results is not None
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


def _describe(repository: Repository, commit: str, plan: Plan) -> Commit:
    return repository.describe(commit, dirty=_is_dirty(plan))


def _is_dirty(plan: Plan) -> bool:
    """Whether what was measured is not what the commit says: a changed suite or configuration, or,
    where the project is measured as installed, any change."""
    if plan.request.existing:
        return bool(plan.uncommitted)
    asv = plan.request.config
    suite = [asv.benchmark_dir.resolve(), asv.path.resolve()]
    for name in plan.uncommitted:
        path = (plan.repository / name).resolve()
        if any(path == place or place in path.parents for place in suite):
            return path.suffix == ".py" or path == asv.path.resolve()
    return False


def _start_state(state: Path) -> None:
    """The state folder, which git is to ignore."""
    state.mkdir(parents=True, exist_ok=True)
    ignore = state / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


@contextmanager
def _lock(config: Config, asv: AsvConfig) -> Iterator[None]:
    """One run at a time: two would measure each other and share asv's environments."""
    _start_state(config.state)
    lock = FileLock(config.state / "run.lock")
    try:
        with lock.acquire(timeout=0):
            yield
    except Timeout:
        raise CannotMeasureError(
            f"another run is measuring {asv.path}",
            tip="two runs at once would disturb each other: wait for it, or stop it",
        ) from None
