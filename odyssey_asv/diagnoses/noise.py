"""What a check could see on this machine, by a few seconds of the same code against itself.

The estimators are those of `evidence`. A longer check is taken to bring blocks like those that were seen:
they are repeated as often as fit into its time. What the machine does only now and then is not in them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from odyssey_asv.diagnoses.diagnosis import Diagnosis, Topic, advice, fine, problem, unknown
from odyssey_asv.pairs.evidence import LOOKS, Promise, Zone, estimate

SUITE = 25
"""So many cases a check is taken to have, each like one of these."""
_LEAST = 5
"""Blocks of a case, below which nothing is said."""


@dataclass(frozen=True, slots=True)
class NoiseFacts:
    """Effects of each case's blocks, the seconds that all of them took, and the check that is meant:
    its zone, confidence and budget."""

    effects: Mapping[str, tuple[float, ...]]
    seconds: float
    zone: Zone
    confidence: float
    budget_s: float


@dataclass(frozen=True, slots=True)
class Sight:
    """What could be seen in a check of the whole budget, as logarithms: `seen` of a slowdown from none,
    `accused` from one that may pass, in the noisiest case; `spread` is that of its blocks, whose number is
    `blocks`, here and `expected` in the budget."""

    seen: float
    accused: float
    spread: float
    blocks: int
    expected: int


def sight(facts: NoiseFacts) -> Sight | None:
    """What could be seen by the noisiest case; None where too few blocks were taken to say."""
    usual = [effects for effects in facts.effects.values() if len(effects) >= _LEAST]
    if not usual or len(usual) < len(facts.effects) or facts.seconds <= 0.0:
        return None
    effects = max(usual, key=statistics.stdev)
    taken = sum(map(len, usual))
    afforded = facts.budget_s / (facts.seconds / taken) / SUITE
    promise = Promise(cases=SUITE, alarm=1.0 - facts.confidence)
    expected = max((look for look in LOOKS if look <= afforded), default=len(effects))
    # As many blocks as are expected, each of those that were seen as often as any other.
    often = max(1, expected // len(effects))
    from_none = Zone(0.0, facts.zone.threshold)
    seen, accused = (
        estimate(effects * often, zone, promise, facts.confidence)
        for zone in (from_none, facts.zone)
    )
    assert seen is not None
    assert accused is not None
    return Sight(
        seen=seen.detectable,
        accused=accused.detectable,
        spread=statistics.stdev(effects),
        blocks=len(effects),
        expected=expected,
    )


def of_noise(facts: NoiseFacts) -> list[Diagnosis]:
    """The verdict in plain words."""
    found = sight(facts)
    if found is None:
        return [unknown(Topic.NOISE, "too few processes fitted into the time; give it more")]
    minutes = f"{facts.budget_s / 60.0:.3g} minutes"
    said = (
        f"you can see {_percent(found.seen)} here in {minutes}, and alert from"
        f" {_percent(found.accused)}"
    )
    quieter = "end what else runs, or measure on a quieter machine"
    if found.accused > facts.zone.threshold:
        remedy = f"{quieter}; or widen the zone: --threshold {_percent(found.accused * 1.1)}"
        return [problem(Topic.NOISE, said, remedy.replace(" %", "%"))]
    if found.accused > (facts.zone.tolerance + facts.zone.threshold) / 2.0:
        return [advice(Topic.NOISE, said, quieter)]
    return [fine(Topic.NOISE, said)]


def assumed(facts: NoiseFacts) -> str | None:
    """What the verdict takes for granted, in a line; None where there is no verdict."""
    found = sight(facts)
    if found is None:
        return None
    return (
        f"noise: by {found.blocks} blocks of each of {len(facts.effects)} small cases in"
        f" {facts.seconds:.0f} s; taken to go on like that, with {found.expected} blocks a case in a"
        f" suite of {SUITE}"
    )


def _percent(effect: float) -> str:
    share = 100.0 * math.expm1(min(effect, 50.0))
    return f"{math.ceil(share * 10.0 - 1e-9) / 10.0:.3g} %"
