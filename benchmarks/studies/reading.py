"""What reading a large asv tree costs, as a ratio to bare `json.load` of the same files, in turn.

`python -m benchmarks.studies.reading [--files N] [--rows N] [--pairs N]`
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.generated import write_tree
from benchmarks.studies.pairs import run, spread

_FILES, _ROWS = 1400, 264


def bare(folder: Path) -> int:
    """Load every result file with the standard library and count its rows."""
    rows = 0
    for path in sorted(folder.glob("*/*-*.json")):
        with path.open(encoding="utf-8") as stream:
            rows += len(json.load(stream)["results"])
    return rows


def ours(folder: Path) -> int:
    """Read the tree into result sets and look at every result."""
    from odyssey_asv import read_asv_tree

    seen = 0
    for results in read_asv_tree(folder):
        for result in results.results:
            seen += result.value is not None
    return seen


def study(files: int = _FILES, rows: int = _ROWS, pairs: int = 3) -> list[str]:
    """The figures, one a line."""
    with tempfile.TemporaryDirectory(prefix="odyssey-study-") as work:
        folder = Path(work, "tree")
        cases = write_tree(folder, files, rows)
        base = [sys.executable, "-m", "benchmarks.studies.reading", "--read", str(folder)]
        ratios, peaks = [], []
        for _ in range(pairs):
            plain = run([*base, "--how", "bare"])
            read = run([*base, "--how", "ours"])
            ratios.append(read.cpu_s / plain.cpu_s)
            peaks.append(read.peak_bytes)
    return [
        f"asv tree of {files:,} files, {files * rows:,} rows, {cases:,} cases:",
        f"  CPU time of reading it, over bare json.load of its files: {spread(ratios)}",
        f"  peak memory of the reading process: {max(peaks) / 1e6:.0f} MB",
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=_FILES)
    parser.add_argument("--rows", type=int, default=_ROWS)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--read", type=Path, help="read this tree once; for the study itself")
    parser.add_argument("--how", choices=("bare", "ours"), default="ours")
    options = parser.parse_args()
    if options.read is not None:
        print({"bare": bare, "ours": ours}[options.how](options.read))
        return
    print("\n".join(study(options.files, options.rows, options.pairs)))


if __name__ == "__main__":
    main()
