"""What comparing two files of 2,000 entries costs: the comparison, with reading, the whole command.

`python -m benchmarks.studies.comparing`
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.generated import write_result_file
from benchmarks.studies.pairs import run
from odyssey_asv import compare, load

_ENTRIES = 2000


def study(entries: int = _ENTRIES, runs: int = 7) -> list[str]:
    """The figures, one a line."""
    with tempfile.TemporaryDirectory(prefix="odyssey-study-") as work:
        base, contender = Path(work, "base.json"), Path(work, "contender.json")
        write_result_file(base, entries, seed=0)
        write_result_file(contender, entries, seed=1)
        odyssey = [sys.executable, "-m", "odyssey_asv"]
        costs = [
            run([*odyssey, "compare", str(base), str(contender)], cwd=Path(work), codes=(0, 1))
            for _ in range(runs)
        ]
        read, compared = [], []
        for _ in range(runs):
            started = time.process_time()
            sets = load(base), load(contender)
            read.append(time.process_time() - started)
            compare(*sets)
            compared.append(time.process_time() - started - read[-1])
        helped = [run([*odyssey, "--help"], cwd=Path(work)).cpu_s for _ in range(runs)]
    seconds = [cost.cpu_s for cost in costs]
    return [
        f"two result files of {entries:,} entries, seconds of CPU, median of {runs}:",
        f"  comparing them: {statistics.median(compared):.2f}",
        f"  reading and checking both: {statistics.median(read):.2f}",
        f"  the whole command, table and all: {statistics.median(seconds):.2f}",
        f"odyssey --help, seconds of CPU: {statistics.median(helped):.2f}",
    ]


if __name__ == "__main__":
    print("\n".join(study()))
