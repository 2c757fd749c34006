"""Two result sets → deltas with verdicts: arithmetic on stored numbers. Knows no files or processes.

`change = (contender - base) / base`, exact in the decimals that were stored. Data that cannot be
compared (zero, negative, NaN, ambiguous names) becomes a fault of the comparison, never a verdict,
and everything else is still compared.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import partial

from odyssey_asv import stats
from odyssey_asv.doubts import environment_differences, run_doubts
from odyssey_asv.model import Benchmark, Case, Metric, Result, ResultSet, Status
from odyssey_asv.policy import Limits, OtherMachine, Policy, Severity, Verdict, severity
from odyssey_asv.units import exact

_ALARMS = (Verdict.REGRESSION, Verdict.FAILED)
_COMPARED = (Verdict.REGRESSION, Verdict.SLOWER, Verdict.UNCHANGED, Verdict.FASTER)

# Beyond this ratio nothing was measured, and no float could show it.
_FARTHEST = Fraction(10**300)
_NEAREST = 1 / _FARTHEST

Key = tuple[str, tuple[tuple[str, str], ...], Metric]


class Outcome(StrEnum):
    """What became of a whole comparison."""

    INVALID = "invalid"
    NOTHING_COMPARED = "nothing compared"
    NOT_JUDGED = "not judged"
    REGRESSION = "regression"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Delta:
    """What happened to one case. `change` is exact and None where there was nothing to divide."""

    label: str
    metric: Metric
    benchmark: Benchmark
    case: Case
    base: Result | None
    contender: Result | None
    verdict: Verdict
    change: Fraction | None = None
    limits: Limits = field(default_factory=Limits)
    severity: Severity | None = None
    reason: str | None = None
    gated: bool = True

    @property
    def worsening(self) -> Fraction | None:
        """The change turned so that positive is worse."""
        return None if self.change is None else self.limits.worsening(self.change)

    @property
    def alarm(self) -> bool:
        return self.gated and self.verdict in _ALARMS


@dataclass(frozen=True, slots=True)
class Comparison:
    """All deltas, worst first, with what a reader must know before believing them.

    `faults` are data that could not be compared; `warnings` are doubts about the rest. `advisory` is
    True where policy says that a comparison across machines is shown but not judged.
    """

    base: ResultSet
    contender: ResultSet
    policy: Policy
    deltas: tuple[Delta, ...]
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    advisory: bool = False

    @property
    def gated(self) -> tuple[Delta, ...]:
        return tuple(delta for delta in self.deltas if delta.gated)

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many gated cases got each verdict."""
        return Counter(delta.verdict for delta in self.gated)

    @property
    def regressions(self) -> tuple[Delta, ...]:
        return tuple(delta for delta in self.gated if delta.verdict is Verdict.REGRESSION)

    @property
    def geometric_mean(self) -> float | None:
        """Of contender over base durations, over the cases compared; None where there are none."""
        return stats.geometric_mean(
            float(1 + delta.change)
            for delta in self.deltas
            if delta.metric is Metric.DURATION
            and delta.change is not None
            and delta.verdict in _COMPARED
        )

    @property
    def compared(self) -> int:
        return sum(delta.verdict in _COMPARED for delta in self.gated)

    @property
    def alarm(self) -> bool:
        """True when the contender must not pass: a regression, a new failure, a forbidden gap."""
        missing = self.policy.fail_on_missing and Verdict.REMOVED in self.counts
        return missing or any(delta.alarm for delta in self.gated)

    @property
    def outcome(self) -> Outcome:
        """The verdict on the whole. Faulty data beats a regression: what it hides is unknown."""
        if self.faults:
            return Outcome.INVALID
        if self.compared == 0 and not self.alarm:
            return Outcome.NOTHING_COMPARED
        if self.advisory:
            return Outcome.NOT_JUDGED
        return Outcome.REGRESSION if self.alarm else Outcome.OK


def compare(base: ResultSet, contender: ResultSet, policy: Policy | None = None) -> Comparison:
    """Compare two stored result sets under a policy (the default: 5 % tolerance, 10 % threshold).

    Cases match by asv id and parameters where both sets have ids, else by name and parameters.
    """
    policy = policy or Policy()
    faults: list[str] = []
    doubts: list[str] = []
    by_name = _has_names_only(base) or _has_names_only(contender)
    (bases, twice_before), (contenders, twice_after) = (
        _index(results, by_name=by_name) for results in (base, contender)
    )
    for side, twice in (("base", twice_before), ("contender", twice_after)):
        for key in sorted(twice):
            said = faults if key[2] in policy.gate else doubts
            said.append(f"{_called(key)}: named more than once in the {side}; names must be unique")
    ambiguous = twice_before | twice_after
    keys = [key for key in dict.fromkeys([*contenders, *bases]) if key not in ambiguous]
    labels = _labels(base, contender, by_name=by_name)
    deltas: list[Delta] = []
    for key in keys:
        pair = _pair(base, contender, bases.get(key), contenders.get(key), labels)
        delta = _delta(pair, policy, faults)
        if delta is not None:
            deltas.append(delta)
    if not bases.keys() & contenders.keys():
        faults.append(
            f"no benchmark in common: {len(bases)} in the base, {len(contenders)} in the contender"
        )
    differences, moved = environment_differences(base.environment, contender.environment)
    if differences and (
        policy.strict_environment or (moved and policy.other_machine is OtherMachine.REFUSE)
    ):
        faults.append("the environments differ: " + "; ".join(differences))
    return Comparison(
        base=base,
        contender=contender,
        policy=policy,
        deltas=tuple(sorted(deltas, key=_worst_first)),
        faults=tuple(faults),
        warnings=(*differences, *run_doubts(base, contender), *doubts),
        advisory=moved and policy.other_machine is OtherMachine.ADVISE,
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """One case on both sides; `benchmark` and `case` are the contender's where it has them."""

    label: str
    benchmark: Benchmark
    base_benchmark: Benchmark
    case: Case
    base: Result | None
    contender: Result | None


def _pair(
    base: ResultSet,
    contender: ResultSet,
    before: Result | None,
    after: Result | None,
    label_of: Callable[[Result], str],
) -> _Pair:
    shown = after or before
    assert shown is not None
    benchmark = (contender if after else base).benchmarks[shown.case.benchmark]
    earlier = base.benchmarks[before.case.benchmark] if before else benchmark
    return _Pair(label_of(shown), benchmark, earlier, shown.case, before, after)


def _delta(pair: _Pair, policy: Policy, faults: list[str]) -> Delta | None:
    """The verdict on one case; None where neither side has anything to say or the data is faulty."""
    if not _ran(pair.base) and not _ran(pair.contender):
        return None
    gated = pair.benchmark.metric in policy.gate
    delta = partial(
        Delta,
        label=pair.label,
        metric=pair.benchmark.metric,
        benchmark=pair.benchmark,
        case=pair.case,
        base=pair.base,
        contender=pair.contender,
        gated=gated,
    )
    try:
        fate = _fate(pair)
        if fate is not None:
            return delta(verdict=fate[0], reason=fate[1])
        change = _change(pair)
        limits = policy.limits_for(pair.benchmark)
    except ValueError as error:
        if not gated:
            return delta(verdict=Verdict.NOT_COMPARABLE, reason=str(error))
        faults.append(f"{pair.label}: {error}")
        return None
    verdict = limits.judge(change)
    grade = severity(limits.worsening(change)) if verdict is Verdict.REGRESSION else None
    return delta(verdict=verdict, change=change, limits=limits, severity=grade)


def _ran(result: Result | None) -> bool:
    return result is not None and (result.status is Status.OK or result.status.failed)


def _fate(pair: _Pair) -> tuple[Verdict, str | None] | None:
    """The verdict that needs no numbers, with its reason; None where the numbers decide.

    Raises ValueError where the two sides do not measure the same thing.
    """
    before, after = pair.base, pair.contender
    if after is None or not _ran(after):
        return Verdict.REMOVED, _why_not_run(after)
    if before is None or not _ran(before):
        if after.status.failed:
            return Verdict.FAILED, _why_failed(after, "new, and it")
        return Verdict.ADDED, _why_not_run(before)
    if before.status.failed and after.status.failed:
        return Verdict.NOT_COMPARABLE, "failed on both sides"
    if after.status.failed:
        return Verdict.FAILED, _why_failed(after, "it")
    if before.status.failed:
        return Verdict.FIXED, f"{_failing(before)} in the base"
    for what in ("unit", "statistic"):
        ours, theirs = getattr(pair.benchmark, what), getattr(pair.base_benchmark, what)
        if ours != theirs:
            raise ValueError(
                f"the {what} differs: {theirs!r} in the base, {ours!r} in the contender"
            )
    if len({pair.base_benchmark.version, pair.benchmark.version} - {None}) > 1:
        return Verdict.NOT_COMPARABLE, "the benchmark's code changed between the two"
    return None


def _change(pair: _Pair) -> Fraction:
    """Exact relative change. ValueError where either side is not a positive finite number."""
    assert pair.base is not None
    assert pair.contender is not None
    before, after = _exact("base", pair.base.value), _exact("contender", pair.contender.value)
    ratio = after / before
    if not _NEAREST < ratio < _FARTHEST:
        raise ValueError("the two are more than 300 orders of magnitude apart")
    return ratio - 1


def _exact(side: str, value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"the {side} is not a number: {value!r:.60}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"the {side} is {value!r}")
    if value <= 0:
        raise ValueError(f"the {side} is {'zero' if value == 0 else 'negative'}: {value!r:.60}")
    return exact(value)


def _failing(result: Result) -> str:
    return "timed out" if result.status is Status.TIMEOUT else "failed"


def _why_failed(result: Result, subject: str) -> str:
    said = f"{subject} {_failing(result)}"
    cause = (result.reason or "").strip().splitlines()
    return f"{said}: {cause[-1]}" if cause else said


def _why_not_run(result: Result | None) -> str | None:
    if result is None:
        return None
    return "skipped" if result.status is Status.SKIPPED else "not selected"


def _has_names_only(results: ResultSet) -> bool:
    return any(benchmark.anonymous for benchmark in results.benchmarks.values())


def _index(results: ResultSet, *, by_name: bool) -> tuple[dict[Key, Result], set[Key]]:
    """Each result under the key that both sides share, and the keys that are taken twice."""
    found: dict[Key, Result] = {}
    twice: set[Key] = set()
    for result in results.results:
        benchmark = results.benchmarks[result.case.benchmark]
        first = benchmark.name if by_name else benchmark.id
        key = (first, result.case.params, benchmark.metric)
        if key in found:
            twice.add(key)
        found[key] = result
    return found, twice


def _called(key: Key) -> str:
    name, params, metric = key
    shown = _with_params(name, params)
    return shown if metric is Metric.DURATION else f"{shown} [{metric}]"


def _labels(base: ResultSet, contender: ResultSet, *, by_name: bool) -> Callable[[Result], str]:
    """What to call each case: its short name, or its id where the name is shared.

    Where names are all that the two sides have in common, the name alone is what was matched.
    """
    known: dict[str, Benchmark] = {**base.benchmarks, **contender.benchmarks}
    sharing = Counter((benchmark.name, benchmark.metric) for benchmark in known.values())

    def called(result: Result) -> str:
        benchmark = known[result.case.benchmark]
        shared = sharing[benchmark.name, benchmark.metric] > 1
        return label(benchmark, result.case, qualified=shared and not by_name)

    return called


def label(benchmark: Benchmark, case: Case, *, qualified: bool = False) -> str:
    """`tensor_add(n=1000)`: the name with its parameters, the full id where the name is shared."""
    return _with_params(benchmark.id if qualified else benchmark.name, case.params)


def _with_params(name: str, params: tuple[tuple[str, str], ...]) -> str:
    if not params:
        return name
    inner = ", ".join(f"{key}={_bare(value)}" for key, value in params)
    return f"{name}({inner})"


def _bare(value: str) -> str:
    """A parameter's `repr` without the quotes of a plain text."""
    if len(value) > 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def _worst_first(delta: Delta) -> tuple[int, float, str]:
    rank = {
        Verdict.FAILED: 0,
        Verdict.REGRESSION: 1,
        Verdict.SLOWER: 2,
        Verdict.UNCHANGED: 3,
        Verdict.FASTER: 4,
        Verdict.INCONCLUSIVE: 5,
        Verdict.FIXED: 6,
        Verdict.NOT_COMPARABLE: 7,
        Verdict.REMOVED: 8,
        Verdict.ADDED: 9,
    }[delta.verdict]
    return rank, -float(delta.worsening or 0), delta.label
