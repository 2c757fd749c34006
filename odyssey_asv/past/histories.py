"""`odyssey history`: stored results of many commits → series, and where their level changed.

Measures nothing. Reads asv's results folder and our result files, orders them by the first parents of a
branch, and splits each series into levels.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from odyssey_asv import project
from odyssey_asv.adapter import sheets as asv_files
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.metadata import asv_name
from odyssey_asv.adapter.sheets import Suite
from odyssey_asv.adapter.steps import solve
from odyssey_asv.config import Config
from odyssey_asv.errors import InvalidFileError, InvalidInputError
from odyssey_asv.files import near
from odyssey_asv.model import Benchmark, Better, Case, Kind
from odyssey_asv.past import trends
from odyssey_asv.past.assembly import assemble
from odyssey_asv.past.sheets import Layout, Sheet
from odyssey_asv.past.timeline import History, Line, Moment, Overall, Place, Series, Trend
from odyssey_asv.repository import Repository, Stop
from odyssey_asv.store import sheets as our_files
from odyssey_asv.store.ledger import Ledger
from odyssey_asv.workspace import check_expressions, nothing_selected, start_state

# Told how many files have been read, and of how many.
Watch = Callable[[int, int], None]

# Of releases that are not on the line as many are placed on it: each costs a question to git.
_RELEASES_OFF_LINE = 30
# A place whose newest commit is that much older than the newest of all is no longer measured.
_LONG = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Wish:
    """What of the past is wanted. `benches` are expressions as for `odyssey run`; `machines` and
    `environments` names, all where empty. `since` is a reference or a date, `branch` the branch whose
    first parents are the line."""

    benches: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    since: str | None = None
    branch: str | None = None

    def case(self, case: Case) -> bool:
        return not self.benches or any(re.search(b, asv_name(case)) for b in self.benches)

    def place(self, place: Place) -> bool:
        return (not self.machines or place.machine in self.machines) and (
            not self.environments or place.environment in self.environments
        )


@dataclass(slots=True)
class Stored:
    """What was found on disk, and what is to be said about it."""

    sheets: list[Sheet]
    suite: Suite
    faults: list[InvalidFileError]


def history(
    folder: Path | None = None,
    *,
    asv_config: str | None = None,
    wish: Wish | None = None,
    watch: Watch | None = None,
) -> History:
    """What the stored results of the project in `folder` (default: here) say about its past.

    `watch` is told how many files have been read of how many. Files that cannot be read are named in
    the history's warnings. Raises `InvalidInputError` where there are no results, or none that the
    wish names.
    """
    config, asv = project.open_project(folder or Path.cwd(), asv_config)
    return look_back(config, asv, wish or Wish(), watch)


def look_back(config: Config, asv: AsvConfig, wish: Wish, watch: Watch | None = None) -> History:
    """As `history`, for a project that is open already."""
    check_expressions(wish.benches)
    stored = stored_results(config, asv, watch)
    if not stored.sheets:
        raise _nothing_stored(config, asv, stored)
    line, since = _line(asv, wish, stored.sheets)
    positions = {moment.commit: position for position, moment in line.moments.items()}
    chosen = _chosen(stored.sheets, wish)
    series = list(assemble(chosen, positions, _describer(stored.suite), _wanted(stored, wish)))
    if not series:
        raise _nothing_on(line, chosen, positions, wish)
    found, unsearched = _trends(series, config, line)
    return History(
        line=line,
        trends=tuple(found),
        confidence=config.confidence,
        since=since,
        overall=_overall(found),
        warnings=tuple(_warnings(stored, chosen, positions, line, unsearched)),
        closed=_closed(found, line),
    )


def stored_results(config: Config, asv: AsvConfig, watch: Watch | None = None) -> Stored:
    """Everything that is stored, asv's and ours; from the ledger where it has been read before."""
    faults: list[InvalidFileError] = []
    report = faults.append
    stored = Stored([], Suite(asv.results_dir, report), faults)

    of_asv: Callable[[bytes, Path], Sheet | None] = asv_files.Reader(report)
    files = [(path, of_asv) for path in asv_files.result_files(asv.results_dir, report)]
    files += [(path, our_files.read_sheet) for path in our_files.result_files(config.results)]
    with suppress(OSError):
        start_state(config.state)
    with Ledger(config.state) as ledger:
        for number, (path, read) in enumerate(files, start=1):
            try:
                sheet = ledger.sheet(path.resolve(), read)
            except InvalidFileError as error:
                report(error)
            except OSError as error:
                report(InvalidFileError(str(path), (error.strerror or str(error),)))
            else:
                stored.sheets += [sheet] if sheet is not None else []
            if watch is not None:
                watch(number, len(files))
        ledger.forget_all_but(path.resolve() for path, _ in files)
    return stored


def _chosen(sheets: Iterable[Sheet], wish: Wish) -> list[Sheet]:
    chosen = [sheet for sheet in sheets if wish.place(sheet.place)]
    if not chosen:
        known = sorted({f"{s.place.environment} on {s.place.machine}" for s in sheets})
        raise InvalidInputError(
            "no stored results of that machine and environment",
            tip="there are results of: " + "; ".join(known),
        )
    return chosen


def _describer(suite: Suite) -> Callable[[Layout], Benchmark]:
    def describe(layout: Layout) -> Benchmark:
        benchmark = suite.describe(layout)
        said = layout.described
        if said is None or layout.benchmark in suite:
            return benchmark
        return Benchmark(
            id=layout.benchmark,
            name=benchmark.name,
            kind=Kind(said.kind),
            unit=said.unit,
            better=Better(said.better),
            param_names=said.param_names,
            params=layout.axes,
            version=layout.version,
        )

    return describe


def _wanted(stored: Stored, wish: Wish) -> Callable[[Case], bool]:
    """Cases of benchmarks that the suite still has, as far as the wish names them."""
    suite = stored.suite
    return lambda case: (not suite or case.benchmark in suite) and wish.case(case)


def _line(asv: AsvConfig, wish: Wish, sheets: Sequence[Sheet]) -> tuple[Line, int]:
    """The line, and the position from which on changes are of interest."""
    with ExitStack() as stack:
        repository = _repository(asv, stack)
        if repository is None:
            return _by_date(sheets, wish)
        branch = wish.branch or _branch(asv, repository)
        stops = repository.first_parents(branch)
        wanted = {sheet.commit for sheet in sheets}
        releases = _releases(repository, stops, branch)
        moments = {
            position: Moment(position, *stop, releases=releases.get(position, ()))
            for position, stop in enumerate(stops)
            if stop.commit in wanted or position in releases
        }
        since = _since(wish.since, repository, stops, branch)
    return Line(moments, len(stops), branch), since


def _repository(asv: AsvConfig, stack: ExitStack) -> Repository | None:
    """The repository under test, as far as it is on this machine: nothing is fetched to look back."""
    folder = asv.local_repo or (asv.mirror if asv.mirror.is_dir() else None)
    return None if folder is None else stack.enter_context(Repository(folder))


def _branch(asv: AsvConfig, repository: Repository) -> str:
    """The first of asv's branches; of a clone that has it from its remote only, the remote's."""
    first = asv.branches[0]
    return first if first == "HEAD" else repository.default_branch([first], option="--branch NAME")


def _releases(
    repository: Repository, stops: Sequence[Stop], branch: str
) -> Mapping[int, tuple[str, ...]]:
    """The tags by position; those made last are placed where their branch left the line."""
    at = {stop.commit: position for position, stop in enumerate(stops)}
    tags = {tag: commit for tag, commit in repository.tags().items() if re.search(r"\d", tag)}
    newest = repository.newest_tags(_RELEASES_OFF_LINE)
    found: dict[int, list[str]] = {}
    for tag, commit in tags.items():
        place: str | None = commit
        if commit not in at:
            place = repository.fork(commit, branch) if tag in newest else None
        if place in at:
            found.setdefault(at[place], []).append(tag)
    return {position: tuple(sorted(names)) for position, names in found.items()}


def _since(word: str | None, repository: Repository, stops: Sequence[Stop], branch: str) -> int:
    if word is None:
        return 0
    moment = _date(word)
    if moment is not None:
        return sum(datetime.fromisoformat(stop.date) < moment for stop in stops)
    commit = repository.fork(word, branch)
    position = next((n for n, stop in enumerate(stops) if stop.commit == commit), None)
    if position is None:
        raise InvalidInputError(f"--since {word}: has no commit in common with {branch}")
    return position + 1


def _by_date(sheets: Sequence[Sheet], wish: Wish) -> tuple[Line, int]:
    """The commits that have results by date, where there is no repository to ask."""
    dates = {sheet.commit: sheet.date for sheet in sheets}
    ordered = sorted(dates, key=lambda commit: (dates[commit], commit))
    moments = {
        position: Moment(position, commit, dates[commit]) for position, commit in enumerate(ordered)
    }
    moment = _date(wish.since) if wish.since is not None else None
    if wish.since is not None and moment is None:
        raise InvalidInputError(
            f"--since {wish.since}: without the repository only a date is known, 2026-01-31 for example"
        )
    since = sum(bool(moment and _moment_of(dates[commit]) < moment) for commit in ordered)
    return Line(moments, len(ordered)), since


def _moment_of(text: str) -> datetime:
    return _date(text) or datetime.fromtimestamp(0, UTC)


def _date(word: str) -> datetime | None:
    """A date or a moment of ISO 8601, in UTC where it names no zone."""
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _trends(series: Iterable[Series], config: Config, line: Line) -> tuple[list[Trend], int]:
    """What each series says, by name, and how many could not be searched."""
    policy = config.policy()
    release = line.releases[-1].position if line.releases else None
    found, unsearched = [], 0
    for one in series:
        limits = policy.limits_for(one.benchmark)
        if trends.searchable(one):
            found.append(trends.trend(one, limits, solve, config.confidence, release))
        else:
            unsearched += 1
    found.sort(key=lambda trend: (trend.series.benchmark.id, trend.series.place))
    return found, unsearched


def _closed(found: Iterable[Trend], line: Line) -> frozenset[Place]:
    """The places whose newest measured commit is much older than the newest measured anywhere."""
    newest: dict[Place, datetime] = {}
    for trend in found:
        place = trend.series.place
        date = _moment_of(line.moments[trend.series.points[-1].position].date)
        newest[place] = max(date, newest.get(place, date))
    latest = max(newest.values(), default=datetime.fromtimestamp(0, UTC))
    return frozenset(place for place, date in newest.items() if latest - date > _LONG)


def _overall(found: Iterable[Trend]) -> Mapping[Place, tuple[Overall, ...]]:
    by_place: dict[Place, list[Trend]] = {}
    for trend in found:
        by_place.setdefault(trend.series.place, []).append(trend)
    return {place: trends.overall(of_place) for place, of_place in sorted(by_place.items())}


def _warnings(
    stored: Stored,
    chosen: Sequence[Sheet],
    positions: Collection[str],
    line: Line,
    unsearched: int,
) -> Iterator[str]:
    for fault in stored.faults:
        yield f"not read: {fault}"
    off = {sheet.commit for sheet in chosen} - set(positions)
    if off:
        yield f"{len(off)} measured commits are not among the first parents of {line.branch}: left out"
    if line.branch is None:
        yield "the repository is not here: commits are ordered by date"
    if unsearched:
        yield f"{unsearched} series hold values of zero or below and were not searched for changes"
    if stored.suite:
        named = Counter(layout.benchmark for sheet in chosen for layout in sheet.layouts)
        gone = sum(benchmark not in stored.suite for benchmark in named)
        if gone:
            yield f"{gone} benchmarks are no longer in the suite (benchmarks.json): left out"


def _nothing_stored(config: Config, asv: AsvConfig, stored: Stored) -> InvalidInputError:
    said = [f"no stored results in {near(asv.results_dir)} and {near(config.results)}"]
    said += [f"  not read: {fault}" for fault in stored.faults]
    return InvalidInputError("\n".join(said), tip="measure some commits: odyssey run v1.0..main")


def _nothing_on(
    line: Line, chosen: Iterable[Sheet], positions: Collection[str], wish: Wish
) -> InvalidInputError:
    if not any(sheet.commit in positions for sheet in chosen):
        return InvalidInputError(
            f"none of the measured commits is among the first parents of {line.branch}",
            tip="name the branch that was measured: --branch NAME",
        )
    return nothing_selected(wish.benches)
