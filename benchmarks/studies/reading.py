"""What reading a large asv tree costs, as a ratio to bare `json.load` of the same files.

File by file, both ways in random order: the machine's speed drifts by more than the ratio's distance
from its limit, and what is measured within milliseconds of each other drifts together.

`python -m benchmarks.studies.reading [--files N] [--rows N] [--rounds N] [--seed N]`
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.generated import write_tree
from benchmarks.studies.pairs import run, spread

_FILES, _ROWS = 1400, 264


def read(folder: Path) -> int:
    """Read the tree into result sets and look at every result."""
    from odyssey_asv import read_asv_tree

    seen = 0
    for results in read_asv_tree(folder):
        for result in results.results:
            seen += result.value is not None
    return seen


def ratio(folder: Path, rng: random.Random) -> float:
    """CPU seconds of reading the tree over those of `json.load`, the files one after another."""
    from odyssey_asv import read_asv_tree

    sets = read_asv_tree(folder)

    def ours(_: Path) -> None:
        for result in next(sets).results:
            assert result.value is not None

    def bare(path: Path) -> None:
        with path.open(encoding="utf-8") as stream:
            json.load(stream)

    spent: dict[Callable[[Path], None], float] = {ours: 0.0, bare: 0.0}
    for path in sorted(folder.glob("*/*-*.json")):
        for way in rng.sample([ours, bare], 2):
            started = time.process_time()
            way(path)
            spent[way] += time.process_time() - started
    return spent[ours] / spent[bare]


def study(files: int = _FILES, rows: int = _ROWS, rounds: int = 5, seed: int = 0) -> list[str]:
    """The figures, one a line."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="odyssey-study-") as work:
        folder = Path(work, "tree")
        cases = write_tree(folder, files, rows)
        peak = run([sys.executable, "-m", __spec__.name, "--read", str(folder)]).peak_bytes
        ratios = [ratio(folder, rng) for _ in range(rounds)]
    return [
        f"asv tree of {files:,} files, {files * rows:,} rows, {cases:,} cases:",
        f"  CPU time of reading it, over bare json.load of its files: {spread(ratios, 'rounds')}",
        f"  peak memory of the reading process: {peak / 1e6:.0f} MB",
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=_FILES)
    parser.add_argument("--rows", type=int, default=_ROWS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--read", type=Path, help="read this tree once; for the study itself")
    options = parser.parse_args()
    if options.read is not None:
        print(read(options.read))
        return
    print("\n".join(study(options.files, options.rows, options.rounds, options.seed)))


if __name__ == "__main__":
    main()
