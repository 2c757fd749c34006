"""What `odyssey compare` costs on two files of 2,000 entries, the whole command counted.

`python -m benchmarks.studies.comparing`
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.generated import write_result_file
from benchmarks.studies.pairs import run

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
        helped = [run([*odyssey, "--help"], cwd=Path(work)).cpu_s for _ in range(runs)]
    seconds = [cost.cpu_s for cost in costs]
    return [
        f"odyssey compare of {entries:,} entries, table and all:"
        f" {statistics.median(seconds):.2f} s of CPU (largest of {runs}: {max(seconds):.2f})",
        f"odyssey --help: {statistics.median(helped):.2f} s of CPU",
    ]


if __name__ == "__main__":
    print("\n".join(study()))
