"""Two commands in turn, and the ratio of each pair: what is left when the machine's speed drifts."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one command and all it started: seconds on the clock and of processor, peak bytes of the
    largest process."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    codes: Sequence[int] = (0,),
) -> Cost:
    """Run a command to its end. Raises RuntimeError, with what it printed, for another exit code."""
    started = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as child:
        assert child.stdout is not None
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    if child.returncode not in codes:
        text = output.decode(errors="replace")
        raise RuntimeError(f"{' '.join(command)}: exit code {child.returncode}\n{text}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def spread(values: Sequence[float], what: str = "pairs") -> str:
    """`1.31 (1.28 to 1.40, 5 pairs)`: median and extremes."""
    median = statistics.median(values)
    return f"{median:.2f} ({min(values):.2f} to {max(values):.2f}, {len(values)} {what})"
