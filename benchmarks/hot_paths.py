"""This program's own hot paths: what must stay quick for trees as large as real projects have."""

from __future__ import annotations

import tempfile
from pathlib import Path

from odyssey_asv import ResultSet, compare, load, read_asv_tree

from .generated import write_result_file, write_tree
from .inputs import PROCESSOR_TIME, work

# asv looks for `timer` in the function, its class and its module.
timer = PROCESSOR_TIME

_FILES, _ROWS = 20, 260
_ENTRIES = 2000


class ReadTree:
    """An asv results tree is read, file by file, and every result is looked at."""

    def setup_cache(self) -> str:
        """Make the tree once; it goes with the folder that asv runs the benchmark in."""
        folder = Path.cwd() / "tree"
        write_tree(folder, _FILES, _ROWS)
        return str(folder)

    @work(_FILES * _ROWS, "row")
    def time_read_tree(self, folder: str) -> int:
        """Read 20 files of 260 rows."""
        return sum(len(results.results) for results in read_asv_tree(folder))

    def peakmem_read_tree(self, folder: str) -> int:
        """The peak must not grow with the number of files."""
        return self.time_read_tree(folder)


class CompareLarge:
    """Two result files of 2,000 entries are compared."""

    def setup_cache(self) -> tuple[ResultSet, ResultSet]:
        """Make and read both files once."""
        with tempfile.TemporaryDirectory() as folder:
            paths = Path(folder, "base.json"), Path(folder, "contender.json")
            for seed, path in enumerate(paths):
                write_result_file(path, _ENTRIES, seed=seed)
            return load(paths[0]), load(paths[1])

    @work(_ENTRIES, "entry")
    def time_compare(self, sets: tuple[ResultSet, ResultSet]) -> bool:
        """Match, divide and judge every entry."""
        return compare(*sets).alarm


class LoadLarge:
    """A result file of 2,000 entries is read and checked."""

    def setup_cache(self) -> str:
        """Make the file once."""
        path = Path.cwd() / "large.json"
        write_result_file(path, _ENTRIES, seed=0)
        return str(path)

    @work(_ENTRIES, "entry")
    def time_load(self, path: str) -> int:
        """Parse, check every field, make the nouns."""
        return len(load(path).results)
