"""`--shard` of a check and of a run: the units of one shard, and the file that says so to `joining`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey_asv import __version__
from odyssey_asv.adapter.metadata import asv_name
from odyssey_asv.config import Config
from odyssey_asv.findings import Check
from odyssey_asv.measure import Request
from odyssey_asv.pairs.arena import Arena
from odyssey_asv.pairs.trials import Trial
from odyssey_asv.policy import Policy
from odyssey_asv.sharding.portions import Portion, case_seconds, commit_seconds, portion, stored
from odyssey_asv.sharding.shards import Shard, fingerprint
from odyssey_asv.store import shards as store
from odyssey_asv.store.baselines import Baselines

if TYPE_CHECKING:
    from odyssey_asv.checking import Plan


def take(arenas: Sequence[Arena], shard: Shard, durations: Path | None, config: Config) -> Portion:
    """Leave in each arena the trials that fall to a shard of them all."""
    every = {
        f"{number} {asv_name(trial.case)}": trial
        for number, place in enumerate(arenas)
        for trial in place.trials
    }
    known = case_seconds(stored(durations, Baselines(config.baselines).current))
    seconds = {unit: known.get(asv_name(trial.case), 0.0) for unit, trial in every.items()}
    taken = portion(every, seconds, shard)
    chosen = {id(every[unit]) for unit in taken.units}
    for place in arenas:
        place.trials = [trial for trial in place.trials if id(trial) in chosen]
    return taken


def save_check(
    plan: Plan, arenas: Sequence[Arena], taken: Portion, check: Check, folder: Path
) -> Path:
    """Write the shard file of a check."""
    whole = _check_facts(plan, arenas, taken)
    key = fingerprint([whole["base"], whole["contender"]])[:8]
    path = folder / store.name_of("check", key, taken.shard)
    store.save(store.check_file(taken.shard, whole, taken.units, check), path)
    return path


def _check_facts(plan: Plan, arenas: Sequence[Arena], taken: Portion) -> dict[str, str]:
    """What every shard of one check must agree in."""
    every = [trial for place in arenas for trial in place.whole]
    policy = plan.policy
    base, contender = (commit.hash or "" for commit in plan.commits)
    return {
        "odyssey-asv": __version__,
        "base": base,
        # The working tree by its content, which a commit stands for.
        "contender": contender if plan.contender == contender else f"changes {plan.contender}",
        "environments": ", ".join(place.name for place in arenas),
        "suite": fingerprint([_described(trial) for trial in every]),
        "tolerance": _share(policy, "tolerance"),
        "threshold": _share(policy, "threshold"),
        "limits of each case": fingerprint([_limits(trial) for trial in every]),
        "gate": ", ".join(sorted(metric.value for metric in policy.gate)),
        "gated cases": str(sum(trial.gated for trial in every)),
        "confidence": f"{plan.confidence:.6g}",
        "clock": plan.clock.value,
        "strict": str(plan.options.strict),
        "against itself": str(plan.options.same),
        "machine class": plan.options.machine or "",
        "cut": taken.cut,
    }


def _share(policy: Policy, name: str) -> str:
    """The limit that holds where nothing else is said."""
    return f"{100 * float(policy.forced.get(name, getattr(policy.limits, name))):.6g} %"


def _described(trial: Trial) -> list[str | None]:
    return [asv_name(trial.case), trial.benchmark.version]


def _limits(trial: Trial) -> list[str]:
    limits = trial.limits
    return [str(limits.tolerance), str(limits.threshold), limits.better.value]


def commits(
    found: Sequence[str], shard: Shard, durations: Path | None, config: Config
) -> tuple[list[str], Portion]:
    """The commits that fall to a shard, in the order they had."""
    known = commit_seconds(stored(durations, Baselines(config.baselines).current))
    taken = portion(found, known, shard)
    return [commit for commit in found if commit in set(taken.units)], taken


def save_run(
    request: Request, name: str | None, taken: Portion, written: Iterable[Path], folder: Path
) -> Path:
    """Write the shard file of a run. `name` is the machine's where one was given."""
    whole = {
        "odyssey-asv": __version__,
        "suite": request.config.suite_digest()[:16],
        "benchmarks": " ".join(sorted(request.benches)),
        "environments": " ".join(sorted(request.environments)),
        "time-out": f"{request.benchmark_timeout_s or request.config.benchmark_timeout_s:.6g}",
        "machine class": name or "",
        "cut": taken.cut,
    }
    path = folder / store.name_of("run", fingerprint(sorted(whole.items()))[:8], taken.shard)
    store.save(store.run_file(taken.shard, whole, taken.units, written), path)
    return path
