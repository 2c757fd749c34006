"""Commits → samples, one side at a time, through `asv run`. Knows nothing of reports.

One call of asv measures all commits; each commit and environment becomes a `ResultSet` the moment
asv is done with it, so that nothing waits for the end of a long range.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.collect import Finished, collect
from odyssey_asv.adapter.inside import Past, Settings
from odyssey_asv.adapter.journal import Journal
from odyssey_asv.adapter.process import AsvRun, end_of_log, run
from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.model import Commit, ResultSet, Run, RunKind, Status
from odyssey_asv.workspace import nothing_selected


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure.

    `commits` are full hashes, in the order to measure them. `benches` are asv's `-b` expressions and
    `environments` its `-E` specifications, empty for all. `budget_s` holds for each commit in each
    environment. `quick` runs every case once, for trying benchmarks; such numbers are no evidence.
    `dirty` says that what is measured is not what the commit holds. `pasts` has the date of each commit's
    environments, where they are not as new as can be.
    """

    config: AsvConfig
    commits: tuple[str, ...]
    machine: dict[str, str]
    budget_s: float
    benches: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    benchmark_timeout_s: float | None = None
    force: bool = False
    quick: bool = False
    dirty: bool = False
    pasts: Mapping[str, Past] = field(default_factory=dict)

    @property
    def existing(self) -> bool:
        """Whether the project is measured as it is installed, not built from a commit."""
        chosen = self.environments or (self.config.environment_type,)
        return all(name.split(":")[0] == "existing" for name in chosen)

    @property
    def digest(self) -> str:
        """Equal for requests that would measure the same: the same suite, machine and settings."""
        content = {
            "suite": self.config.suite_digest(),
            "machine": self.machine,
            "benches": sorted(self.benches),
            "environments": sorted(self.environments),
            "timeout": self.benchmark_timeout_s,
        }
        if self.pasts:
            content["as_of"] = sorted({past.name for past in self.pasts.values()})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Observer:
    """Told what goes on while measuring; every method may be overridden and does nothing itself."""

    def building(self, commit: str, environment: str) -> None:
        """asv builds and installs the project."""

    def built(self, *, ok: bool, seconds: float) -> None:
        """It has, or it has failed to."""

    def begin(self, commit: str, environment: str, processes: int) -> None:
        """Measuring starts; this many processes will be run or replayed."""

    def start(self, label: str) -> None:
        """A process of this case starts."""

    def process(self, label: str, *, ok: bool, replayed: bool) -> None:
        """A process has ended, or was found in the journal."""

    def end(self, results: ResultSet) -> None:
        """A commit is done in one environment."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a measurement keeps what outlives it: `state` for journals, `log` for asv's words."""

    state: Path
    log: Path
    echo: IO[str] | None = None

    @property
    def journals(self) -> Path:
        return self.state / "journal"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What measuring needs to know of the world around it.

    `describe` tells about a commit. `earlier` gives our last result of a commit in an environment.
    `stored` names the cases not to be measured again (see `Settings`). `keep` is handed each result
    set as soon as there is one and returns it with where it is; its journal is discarded only then.
    """

    describe: Callable[[str], Commit]
    earlier: Callable[[str, str], ResultSet | None]
    stored: dict[str, list[tuple[str, str, int]]]
    keep: Callable[[ResultSet], ResultSet]


def measure(
    request: Request, workplace: Workplace, surroundings: Surroundings, observer: Observer
) -> None:
    """Measure the commits, one call of asv for all whose environments are as of one date.

    Raises `InvalidInputError` when no benchmark is selected, `CannotMeasureError` when asv ended
    before it had measured every commit, and `InterruptedRunError` when interrupted. What was
    measured until then has been handed to `keep`.
    """
    workplace.state.mkdir(parents=True, exist_ok=True)
    stopped: CannotMeasureError | None = None
    for past, commits in itertools.groupby(request.commits, request.pasts.get):
        session = _Session(request, surroundings, observer)
        try:
            code = _run_asv(request, tuple(commits), past, workplace, session)
            session.judge(code, workplace.log)
        except CannotMeasureError as error:
            # An environment that cannot be made as of one date may well be made as of the next.
            stopped = stopped or error
    if stopped is not None:
        raise stopped


def _run_asv(
    request: Request,
    commits: tuple[str, ...],
    past: Past | None,
    workplace: Workplace,
    session: _Session,
) -> int:
    """One call of asv; returns its exit code."""
    with tempfile.TemporaryDirectory(prefix="odyssey-") as work:
        if past is not None and past.apart:
            past = replace(past, env_dir=str(Path(work, "env")))
        settings = Settings(
            # Nor may they overwrite the journal of a real run that goes on later.
            journals=str(Path(work, "journal") if request.quick else workplace.journals),
            machine=request.machine,
            budget_s=request.budget_s,
            force=request.force,
            quick=request.quick,
            # asv stores quick results in spite of what its help says; they must not mix with real ones.
            results_dir=str(Path(work, "results")) if request.quick else None,
            benchmark_timeout_s=request.benchmark_timeout_s,
            dirty=request.dirty,
            past=past,
            stored=session.surroundings.stored,
        )
        asv = AsvRun(
            config=request.config,
            commits=commits,
            settings=settings,
            log=workplace.log,
            benches=request.benches,
            environments=request.environments,
            existing=request.existing,
            work=Path(work),
        )
        try:
            return run(asv, session.on_event, workplace.echo)
        finally:
            session.close()


class _Session:
    """Follows what asv tells and turns each finished commit into a result set."""

    def __init__(self, request: Request, surroundings: Surroundings, observer: Observer) -> None:
        self._request = request
        self.surroundings = surroundings
        self._observer = observer
        self._began: dict[str, Any] | None = None
        self._started_at = 0.0
        self._selected: int | None = None
        self._environments: tuple[str, ...] = ()
        self._finished = 0

    def on_event(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "discovered":
                self._selected = event["selected"]
                self._environments = tuple(event["environments"])
            case "build":
                self._observer.building(event["commit"], event["environment"])
            case "built":
                self._observer.built(ok=event["ok"], seconds=event["seconds"])
            case "begin":
                self._began, self._started_at = event, time.monotonic()
                self._observer.begin(event["commit"], event["environment"], event["processes"])
            case "start":
                self._observer.start(event["label"])
            case "process":
                ok = event["errcode"] == 0
                self._observer.process(event["label"], ok=ok, replayed=event["replayed"])
            case "end":
                self._finish(complete=event["complete"], built=event["built"], said=event["said"])

    def close(self) -> None:
        """Keep what there is of a commit that asv was in the middle of."""
        if self._began is not None:
            self._finish(complete=False, built=True)

    def _finish(self, *, complete: bool, built: bool, said: str = "") -> None:
        began, self._began = self._began, None
        assert began is not None
        journal = Journal(Path(began["journal"]), began["identity"]) if began["journal"] else None
        file = Path(began["file"])
        finished = Finished(
            commit=began["commit"],
            environment=began["environment"],
            file=file,
            suite=file.parent.parent / "benchmarks.json",
            measurements=tuple(journal.read()) if journal else (),
            selected=frozenset((name, position) for name, position in began["selected"]),
            machine=self._request.machine,
            packages=began["packages"],
            python=began["python"],
            built=built,
            said=said,
            complete=complete,
        )
        earlier = self.surroundings.earlier(finished.commit, finished.environment)
        results, complete = collect(finished, earlier)
        if any(result.status is not Status.NOT_SELECTED for result in results.results):
            results = self._signed(results, complete)
            results = self.surroundings.keep(results)
            self._observer.end(results)
        if complete and journal:
            journal.discard()
        self._finished += 1

    def _signed(self, results: ResultSet, complete: bool) -> ResultSet:
        """The set with what only this run knows: when, for how long, which commit, which request."""
        request = self._request
        hash_ = results.commit.hash
        assert hash_ is not None
        return replace(
            results,
            timestamp=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            commit=self.surroundings.describe(hash_),
            environment=replace(results.environment, asv_version=version("asv")),
            run=Run(
                kind=RunKind.ASV,
                duration_s=round(time.monotonic() - self._started_at, 3),
                complete=complete,
                quick=request.quick,
                budget_s=request.budget_s,
                selection=request.benches,
                request=request.digest,
                environments=self._environments,
            ),
        )

    def judge(self, code: int, log: Path) -> None:
        """Raise for an asv that ended before its work was done. Its code 2 says that a benchmark
        failed, which is a result; 1 may mean anything."""
        if self._selected == 0:
            raise nothing_selected(self._request.benches)
        if code not in (0, 2) or self._finished == 0:
            said = end_of_log(log)
            raise CannotMeasureError(
                "asv stopped before everything was measured; the end of its log:\n"
                + "\n".join(f"  {line}" for line in said.splitlines()),
                tip=f"the whole log is in {log}",
            )
