"""What checking code against itself showed on this machine, kept for the next check."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from odyssey_asv.files import write_atomically
from odyssey_asv.findings import Check
from odyssey_asv.store.results import now

_FILE = "noise.json"


@dataclass(frozen=True, slots=True)
class Noise:
    """When, of how many cases how many were alarms; the spread of blocks and the largest of the
    slowdowns that would have been found, both as logarithms."""

    when: str
    cases: int
    alarms: int
    spread: float | None
    detectable: float | None


def keep_noise(state: Path, check: Check) -> None:
    """Keep what a check of code against itself showed."""
    seen = [f.estimate.detectable for f in check.gated if f.estimate is not None]
    noise = Noise(
        when=now(),
        cases=check.judged,
        alarms=sum(finding.alarm for finding in check.gated),
        spread=check.noise,
        detectable=max(seen, default=None),
    )
    write_atomically(state / _FILE, json.dumps(asdict(noise), indent=2).encode())


def known_noise(state: Path) -> Noise | None:
    """What was kept last, None where nothing was or it cannot be read."""
    try:
        document = json.loads((state / _FILE).read_text(encoding="utf-8"))
        return Noise(**document)
    except (OSError, ValueError, TypeError):
        return None
