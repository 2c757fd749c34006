"""`odyssey baseline`: measured more than once, proposed, approved by a person, proved. Prints nothing.

Only `approve` changes a baseline. What is refused: an incomplete, quick, dirty or partial run, and one
whose repetitions differ by more than the tolerance.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from odyssey_asv import stats
from odyssey_asv.comparison import label
from odyssey_asv.config import Config
from odyssey_asv.errors import CannotMeasureError, InvalidInputError
from odyssey_asv.model import Case, Metric, Result, ResultSet, Status
from odyssey_asv.policy import Policy
from odyssey_asv.repository import Repository
from odyssey_asv.store import results as result_files
from odyssey_asv.store.baselines import Baselines

DEFAULT_RUNS = 3
DEFAULT_RETRIES = 3


@dataclass(frozen=True, slots=True)
class Unstable:
    """A case whose repetitions lie further apart than its tolerance."""

    label: str
    benchmark: str
    spread: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Consent:
    """Who approves a candidate, why, and for which release (a tag), if any."""

    by: str
    reason: str
    release: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What `verify` found of one stored baseline: faults prove tampering, doubts could not be checked."""

    path: Path
    faults: tuple[str, ...]
    doubts: tuple[str, ...] = ()


def objections(results: ResultSet) -> list[str]:
    """Why a result set cannot become a baseline; nothing where it can."""
    found = []
    if results.commit.hash is None:
        found.append("it has no commit")
    if not results.run.complete:
        found.append("its run is incomplete")
    if results.run.quick:
        found.append("it is a quick run")
    if results.commit.dirty:
        found.append("it was measured with uncommitted changes")
    absent = sum(result.status is Status.NOT_SELECTED for result in results.results)
    if absent:
        found.append(f"{absent} cases of the suite were not selected")
    if not any(result.status is Status.OK for result in results.results):
        found.append("nothing in it was measured")
    return found


def create(
    measured: Callable[[tuple[str, ...]], ResultSet],
    policy: Policy,
    *,
    runs: int = DEFAULT_RUNS,
    retries: int = DEFAULT_RETRIES,
    told: Callable[[Sequence[Unstable]], None] = lambda _: None,
) -> ResultSet:
    """Measure `runs` times and pool the runs into one set.

    `measured` measures the suite, or the benchmarks its expressions select, and returns the whole
    set. A case is stable when its last `runs` values agree within its tolerance; benchmarks with
    unstable cases are measured up to `retries` times more. Raises `CannotMeasureError` naming the
    cases that never agreed.
    """
    sets = [_fit(measured(())) for _ in range(runs)]
    taken: dict[Case, list[Result]] = {}
    for found in sets:
        for result in found.results:
            taken.setdefault(result.case, []).append(result)
    unstable = unstable_cases(sets[-1], taken, policy, runs)
    for _ in range(retries):
        if not unstable:
            break
        told(unstable)
        names = tuple(dict.fromkeys(rf"^{re.escape(case.benchmark)}(\(|$)" for case in unstable))
        again = measured(names)
        wanted = {case.benchmark for case in unstable}
        for result in again.results:
            if result.case.benchmark in wanted:
                taken[result.case].append(result)
        unstable = unstable_cases(sets[-1], taken, policy, runs)
    if unstable:
        listed = "\n".join(
            f"  {case.label}: {case.spread:.1%} apart, tolerance {case.tolerance:.1%}"
            for case in unstable
        )
        raise CannotMeasureError(
            f"{len(unstable)} cases differ between runs by more than their tolerance:\n{listed}",
            tip="quieten the machine, make them do more work a call, or give them a `tolerance`",
        )
    pooled = tuple(_pooled(taken[result.case][-runs:]) for result in sets[-1].results)
    duration = sum(found.run.duration_s or 0.0 for found in sets)
    return replace(
        sets[-1],
        timestamp=result_files.now(),
        results=pooled,
        run=replace(
            sets[-1].run,
            duration_s=round(duration, 3),
            complete=all(found.run.complete for found in sets),
            extra={**sets[-1].run.extra, "runs": runs},
        ),
    )


def _fit(results: ResultSet) -> ResultSet:
    """The set, unless one run is enough to see that it cannot become a baseline."""
    found = objections(results)
    if found:
        raise CannotMeasureError(
            f"this cannot become a baseline: {'; '.join(found)}",
            tip="commit what is uncommitted, give a longer --budget, or mend what fails",
        )
    return results


def unstable_cases(
    results: ResultSet, taken: dict[Case, list[Result]], policy: Policy, runs: int
) -> list[Unstable]:
    """The timed cases whose last `runs` values lie further apart than their tolerance."""
    found = []
    for case, series in taken.items():
        benchmark = results.benchmarks[case.benchmark]
        values = [float(r.value) for r in series[-runs:] if r.status is Status.OK and _is_number(r)]
        if benchmark.metric is not Metric.DURATION or len(values) < 2 or min(values) <= 0:
            continue
        tolerance = policy.limits_for(benchmark).tolerance
        if Fraction(stats.spread(values)) > tolerance:
            found.append(
                Unstable(
                    label(benchmark, case), benchmark.id, stats.spread(values), float(tolerance)
                )
            )
    return sorted(found, key=lambda case: -case.spread)


def _is_number(result: Result) -> bool:
    return isinstance(result.value, (int, float)) and not isinstance(result.value, bool)


def _pooled(series: list[Result]) -> Result:
    """All processes of the runs together; the value is the median of the runs' values."""
    last = series[-1]
    if any(result.status is not last.status for result in series):
        return next((result for result in series if result.status.failed), last)
    if last.status is not Status.OK or not _is_number(last):
        return last
    processes = [process for result in series for process in result.processes or ()]
    kept = all(result.processes is not None for result in series)
    repeats = [result.repeat for result in series if result.repeat is not None]
    return last._replace(
        value=statistics.median(result.value for result in series),
        processes=tuple(processes) if kept else None,
        repeat=sum(repeats) if len(repeats) == len(series) else last.repeat,
        # asv's interval and quartiles are of one run only and would not fit the pooled value.
        ci_low=None,
        ci_high=None,
        q25=None,
        q75=None,
    )


def propose(config: Config, source: Path) -> Path:
    """Keep a result file as a candidate. Raises `InvalidInputError` when it may not become one."""
    results = result_files.load(source)
    found = objections(results)
    if found:
        raise InvalidInputError(
            f"{source}: cannot become a baseline: {'; '.join(found)}",
            tip="odyssey baseline create measures one that can",
        )
    return Baselines(config.baselines).propose(source)


def approve(
    config: Config,
    repository: Repository,
    candidate: Path,
    consent: Consent,
) -> Path:
    """Make a candidate the current baseline, and the release's where one is given.

    Raises `InvalidInputError` when the candidate may not become one, when nobody or nothing stands
    behind the approval, or when the release's tag is not on the candidate's commit.
    """
    results = result_files.load(candidate)
    found = objections(results)
    if not consent.by.strip():
        found.append("nobody approves it (--by is empty)")
    if not consent.reason.strip():
        found.append("no reason is given (--reason is empty)")
    if results.commit.hash and not repository.contains(results.commit.hash):
        found.append(f"its commit {results.commit.hash[:12]} is not in this repository")
    release = consent.release
    if release is not None:
        tagged = repository.tag_commit(release)
        if tagged is None:
            found.append(
                f"there is no tag {release!r} (git tag {release} COMMIT, or git fetch --tags)"
            )
        elif tagged != results.commit.hash:
            found.append(f"tag {release!r} is on {tagged[:12]}, not on its commit")
    if found:
        raise InvalidInputError(f"{candidate}: not approved: {'; '.join(found)}")
    approval = {
        "by": consent.by.strip(),
        "reason": consent.reason.strip(),
        "approved_at": result_files.now(),
    }
    return Baselines(config.baselines).approve(candidate, approval, release)


def verify(config: Config, repository: Repository) -> list[Checked]:
    """Prove every stored baseline: its schema, its sha256 and seal, its commit and its tag."""
    baselines = Baselines(config.baselines)
    checked = []
    for path in baselines.approved():
        faults = baselines.faults(path)
        doubts: list[str] = []
        if not faults:
            results = result_files.load(path)
            _check_history(results, repository, faults, doubts)
        checked.append(Checked(path, tuple(faults), tuple(doubts)))
    return checked


def _check_history(
    results: ResultSet, repository: Repository, faults: list[str], doubts: list[str]
) -> None:
    commit = results.commit.hash
    if commit is None:
        faults.append("it has no commit")
        return
    if not repository.contains(commit):
        where = doubts if repository.shallow else faults
        where.append(f"its commit {commit[:12]} is not in this repository")
    if results.release is None:
        return
    tagged = repository.tag_commit(results.release)
    if tagged is None:
        doubts.append(f"there is no tag {results.release!r} here (git fetch --tags)")
    elif tagged != commit:
        faults.append(f"tag {results.release!r} is on {tagged[:12]}, not on {commit[:12]}")
