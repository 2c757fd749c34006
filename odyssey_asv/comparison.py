"""Two result sets → deltas with verdicts: arithmetic on stored numbers. Knows no files or processes.

`change = (contender - base) / base`, exact in the decimals that were stored. Data that cannot be
compared (zero, negative, NaN, ambiguous names) becomes a fault of the comparison, never a verdict,
and everything else is still compared.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from odyssey_asv import stats
from odyssey_asv.model import Benchmark, Case, Environment, Metric, Result, ResultSet, Status
from odyssey_asv.policy import Limits, OtherMachine, Policy, Severity, Verdict, severity
from odyssey_asv.units import exact

_ALARMS = (Verdict.REGRESSION, Verdict.FAILED)
_COMPARED = (Verdict.REGRESSION, Verdict.SLOWER, Verdict.UNCHANGED, Verdict.FASTER)

Key = tuple[str, tuple[tuple[str, str], ...], Metric]


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


def compare(base: ResultSet, contender: ResultSet, policy: Policy | None = None) -> Comparison:
    """Compare two stored result sets under a policy (the default: 5 % tolerance, 10 % threshold).

    Cases match by asv id and parameters where both sets have ids, else by name and parameters.
    """
    policy = policy or Policy()
    faults: list[str] = []
    by_name = _has_names_only(base) or _has_names_only(contender)
    bases = _index(base, by_name=by_name, side="base", faults=faults)
    contenders = _index(contender, by_name=by_name, side="contender", faults=faults)
    labels = _labels(base, contender, [*bases.values(), *contenders.values()])
    deltas: list[Delta] = []
    for key in dict.fromkeys([*contenders, *bases]):
        before, after = bases.get(key), contenders.get(key)
        shown = after or before
        assert shown is not None
        benchmark = (contender if after else base).benchmarks[shown.case.benchmark]
        other = base.benchmarks[before.case.benchmark] if before else benchmark
        pair = _Pair(labels[shown.case], benchmark, other, before, after)
        delta = _delta(pair, policy, faults)
        if delta is not None:
            deltas.append(delta)
    if not any(key in contenders for key in bases):
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
        warnings=(*differences, *_run_doubts(base, contender)),
        advisory=moved and policy.other_machine is OtherMachine.ADVISE,
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    label: str
    benchmark: Benchmark
    base_benchmark: Benchmark
    base: Result | None
    contender: Result | None


def _delta(pair: _Pair, policy: Policy, faults: list[str]) -> Delta | None:
    """The verdict on one case; None where neither side has anything to say or the data is faulty."""
    before, after = pair.base, pair.contender

    def found(verdict: Verdict, **more: object) -> Delta:
        return Delta(
            label=pair.label,
            metric=pair.benchmark.metric,
            benchmark=pair.benchmark,
            case=(after or before or _nothing()).case,
            base=before,
            contender=after,
            verdict=verdict,
            gated=pair.benchmark.metric in policy.gate,
            **more,  # type: ignore[arg-type]  # the fields named by the callers below
        )

    before_ran = before is not None and (before.status is Status.OK or before.status.failed)
    after_ran = after is not None and (after.status is Status.OK or after.status.failed)
    if not before_ran and not after_ran:
        return None
    if not before_ran:
        assert after is not None
        if after.status.failed:
            return found(Verdict.FAILED, reason=_why_failed(after, "new, and it"))
        return found(Verdict.ADDED, reason=_why_not_run(before))
    assert before is not None
    if not after_ran:
        return found(Verdict.REMOVED, reason=_why_not_run(after))
    assert after is not None
    if before.status.failed and after.status.failed:
        return found(Verdict.NOT_COMPARABLE, reason="failed on both sides")
    if after.status.failed:
        return found(Verdict.FAILED, reason=_why_failed(after, "it"))
    if before.status.failed:
        return found(Verdict.FIXED, reason=f"had {before.status.value} in the base")
    for what in ("unit", "statistic"):
        ours, theirs = getattr(pair.benchmark, what), getattr(pair.base_benchmark, what)
        if ours != theirs:
            faults.append(
                f"{pair.label}: the {what} differs: {theirs!r} in the base, {ours!r} in the contender"
            )
            return None
    versions = {pair.base_benchmark.version, pair.benchmark.version} - {None}
    if len(versions) > 1:
        return found(Verdict.NOT_COMPARABLE, reason="the benchmark's code changed between the two")
    try:
        change = _change(before.value, after.value)
    except ValueError as error:
        if pair.benchmark.metric not in policy.gate:
            return found(Verdict.NOT_COMPARABLE, reason=str(error))
        faults.append(f"{pair.label}: {error}")
        return None
    limits = policy.limits_for(pair.benchmark)
    verdict = limits.judge(change)
    return found(
        verdict,
        change=change,
        limits=limits,
        severity=severity(limits.worsening(change)) if verdict is Verdict.REGRESSION else None,
    )


def _nothing() -> Result:
    raise AssertionError("a delta has at least one side")


def _change(before: object, after: object) -> Fraction:
    """Exact relative change. ValueError where either side is not a positive finite number."""
    for side, value in (("base", before), ("contender", after)):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"the {side} is not a number: {value!r:.60}")
        if not math.isfinite(value):
            raise ValueError(f"the {side} is {value!r}")
        if value <= 0:
            raise ValueError(f"the {side} is {'zero' if value == 0 else 'negative'}: {value!r}")
    assert isinstance(before, (int, float))
    assert isinstance(after, (int, float))
    old = exact(before)
    return (exact(after) - old) / old


def _why_failed(result: Result, subject: str) -> str:
    verb = "timed out" if result.status is Status.TIMEOUT else "failed"
    cause = (result.reason or "").strip().splitlines()
    return f"{subject} {verb}: {cause[-1]}" if cause else f"{subject} {verb}"


def _why_not_run(result: Result | None) -> str | None:
    if result is None:
        return None
    return "skipped" if result.status is Status.SKIPPED else "not selected"


def _has_names_only(results: ResultSet) -> bool:
    return any(benchmark.anonymous for benchmark in results.benchmarks.values())


def _index(results: ResultSet, *, by_name: bool, side: str, faults: list[str]) -> dict[Key, Result]:
    """Each result under the key that both sides share. A key taken twice is a fault."""
    found: dict[Key, Result] = {}
    twice: dict[Key, str] = {}
    for result in results.results:
        benchmark = results.benchmarks[result.case.benchmark]
        first = benchmark.name if by_name else benchmark.id
        key = (first, result.case.params, benchmark.metric)
        if key in found:
            twice[key] = first
        found[key] = result
    for key, name in twice.items():
        del found[key]
        faults.append(f"{name}: named more than once in the {side}; names must be unique")
    return found


def _labels(base: ResultSet, contender: ResultSet, shown: Iterable[Result]) -> dict[Case, str]:
    """What to call each case: its short name, or as much of its id as tells it from the others."""
    known: dict[str, Benchmark] = {**base.benchmarks, **contender.benchmarks}
    by_name: dict[tuple[str, Metric], set[str]] = {}
    for benchmark in known.values():
        by_name.setdefault((benchmark.name, benchmark.metric), set()).add(benchmark.id)
    return {
        result.case: label(
            known[result.case.benchmark],
            result.case,
            qualified=len(
                by_name[known[result.case.benchmark].name, known[result.case.benchmark].metric]
            )
            > 1,
        )
        for result in shown
    }


def label(benchmark: Benchmark, case: Case, *, qualified: bool = False) -> str:
    """`tensor_add(n=1000)`: the name with its parameters, the full id where the name is shared."""
    name = benchmark.id if qualified else benchmark.name
    if not case.params:
        return name
    inner = ", ".join(f"{key}={_bare(value)}" for key, value in case.params)
    return f"{name}({inner})"


def _bare(value: str) -> str:
    """A parameter's `repr` without the quotes of a plain text."""
    if len(value) > 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def environment_differences(base: Environment, contender: Environment) -> tuple[list[str], bool]:
    """What differs between two environments, in words, and whether it is another machine."""
    facts = (
        ("machine", base.machine, contender.machine),
        ("processor", base.cpu_model or base.cpu, contender.cpu_model or contender.cpu),
        ("cores", base.cores, contender.cores),
        ("operating system", base.os, contender.os),
        ("kernel", base.kernel, contender.kernel),
        ("Python", base.python_version, contender.python_version),
        ("numpy", base.numpy_version, contender.numpy_version),
        ("Mojo", base.mojo_version, contender.mojo_version),
        ("asv_runner", base.asv_runner_version, contender.asv_runner_version),
    )
    differing = [
        (name, before, after)
        for name, before, after in facts
        if before is not None and after is not None and before != after
    ]
    hardware = {"machine", "processor", "cores", "operating system"}
    moved = any(name in hardware for name, _, _ in differing)
    words = [f"another {name}: {before} → {after}" for name, before, after in differing]
    packages = sorted(
        f"{name} {base.packages[name]} → {contender.packages[name]}"
        for name in base.packages.keys() & contender.packages.keys()
        if base.packages[name] != contender.packages[name] and name not in ("numpy", "asv_runner")
    )
    if packages:
        words.append("other packages: " + ", ".join(packages))
    return words, moved


def _run_doubts(base: ResultSet, contender: ResultSet) -> list[str]:
    words: list[str] = []
    for side, results in (("base", base), ("contender", contender)):
        if not results.run.complete:
            words.append(
                f"the {side} is incomplete: its run stopped before every case was measured"
            )
        if results.run.quick:
            words.append(f"the {side} is a quick run: one call a case, no evidence")
        if results.commit.dirty:
            words.append(f"the {side} was measured with uncommitted changes")
    return words


def _worst_first(delta: Delta) -> tuple[int, Fraction, str]:
    rank = {
        Verdict.FAILED: 0,
        Verdict.REGRESSION: 1,
        Verdict.SLOWER: 1,
        Verdict.UNCHANGED: 1,
        Verdict.FASTER: 1,
        Verdict.INCONCLUSIVE: 2,
        Verdict.FIXED: 3,
        Verdict.NOT_COMPARABLE: 4,
        Verdict.REMOVED: 5,
        Verdict.ADDED: 6,
    }[delta.verdict]
    return rank, -(delta.worsening or Fraction(0)), delta.label
