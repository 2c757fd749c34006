"""How fit a machine is for measuring. Nothing here is needed for it: pairs stand a lot."""

from __future__ import annotations

from dataclasses import dataclass

from odyssey_asv.diagnoses.diagnosis import Diagnosis, Topic, advice, fine, unknown

_BUSY = 0.5
"""Of the processors, what others may keep busy before it is worth a word."""
_COARSE_S = 1e-6


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What the system says of itself, None where it does not. `cores` may be used by this program, of
    `all_cores`; `load` is the mean number of processes that ran or wanted to in the last minute;
    `resolution_s` is the smallest step of the wall's clock that was seen. `pyperf` are its words on
    tuning, None where it is not installed."""

    cores: int | None = None
    all_cores: int | None = None
    load: float | None = None
    governors: tuple[str, ...] | None = None
    turbo: bool | None = None
    smt: bool | None = None
    virtual: str | None = None
    container: bool | None = None
    resolution_s: float | None = None
    pyperf: tuple[str, ...] | None = None


def of_machine(facts: MachineFacts) -> list[Diagnosis]:
    """What would make measuring here better; one line where nothing would."""
    found = [*_cores(facts), *_load(facts), *_speed(facts), *_neighbours(facts), *_clock(facts)]
    if facts.pyperf:
        more = f" and {len(facts.pyperf) - 1} more" if len(facts.pyperf) > 1 else ""
        said = f"pyperf: {facts.pyperf[0]}{more}"
        found.append(advice(Topic.MACHINE, said, "see them all: python -m pyperf system show"))
    missing = _not_known(facts)
    if not found and not missing:
        return [fine(Topic.MACHINE, f"{facts.cores} processors, quiet, at a steady speed")]
    if missing:
        found.append(unknown(Topic.MACHINE, f"{', '.join(missing)}: the system does not say"))
    return found


def _cores(facts: MachineFacts) -> list[Diagnosis]:
    if facts.cores == 1:
        said = "one processor: nothing can be prepared while something is measured"
        return [advice(Topic.MACHINE, said, "give it a second one, or more --budget")]
    return []


def _load(facts: MachineFacts) -> list[Diagnosis]:
    if facts.load is None or not facts.all_cores or facts.load < _BUSY * facts.all_cores:
        return []
    said = f"load {facts.load:.1f} on {facts.all_cores} processors: others are at work"
    return [advice(Topic.MACHINE, said, "end them, or wait: uptime shows the load")]


def _speed(facts: MachineFacts) -> list[Diagnosis]:
    found = []
    slow = [governor for governor in facts.governors or () if governor != "performance"]
    if slow:
        said = f"the governor is {slow[0]!r}: the speed follows the load"
        remedy = "cpupower frequency-set -g performance"
        found.append(advice(Topic.MACHINE, said, remedy))
    if facts.turbo:
        said = "turbo is on: the speed depends on heat and on the neighbours"
        found.append(advice(Topic.MACHINE, said, "where it may be done: pyperf system tune"))
    return found


def _neighbours(facts: MachineFacts) -> list[Diagnosis]:
    found = []
    if facts.smt:
        said = "SMT is on: two threads share a core"
        remedy = "pin to one of them: odyssey check --cpu N"
        found.append(advice(Topic.MACHINE, said, remedy))
    if facts.virtual is not None:
        said = f"{facts.virtual}: its neighbours are out of sight"
        found.append(advice(Topic.MACHINE, said, "judge by the noise"))
    elif facts.container:
        said = "a container: its limits can hold processes up"
        found.append(advice(Topic.MACHINE, said, "judge by the noise"))
    return found


def _clock(facts: MachineFacts) -> list[Diagnosis]:
    if facts.resolution_s is None or facts.resolution_s <= _COARSE_S:
        return []
    said = f"the clock moves in steps of {facts.resolution_s * 1e6:.2g} µs"
    return [advice(Topic.MACHINE, said, "give short benchmarks a larger `number`")]


def _not_known(facts: MachineFacts) -> list[str]:
    asked = {
        "processors": facts.cores,
        "load": facts.load,
        "governor": facts.governors,
        "turbo": facts.turbo,
        "SMT": facts.smt,
        "clock": facts.resolution_s,
    }
    return [name for name, value in asked.items() if value is None]
