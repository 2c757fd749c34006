"""Mojo beside numpy, kernel by kernel: `python -m benchmarks.studies.mojo [-b KERNEL] [--rounds N]`.

Needs the compiler: `pip install mojo-compiler`, or the extra `mojo` of this package. Builds the programs
of `benchmarks/mojo` as their build command does, holds what they give against numpy, and takes Mojo and
numpy in turn, a process each. About three minutes.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies.in_numpy import prepared
from odyssey_asv.mojo import odyssey_mojo
from odyssey_asv.units import format_duration, significant

PROJECT = Path(__file__).parent.parent / "mojo"
_CHECKED = 256
"""Results up to this size are held against numpy's: they come as text."""
_CLOSE = 2e-5
"""Of single precision, added up in another order."""
_MISLEADING = ("OPENBLAS_CORETYPE", "L2_SIZE")
"""They make OpenBLAS take kernels, or blocks, that are not this machine's."""
_WIDE = ("SkylakeX", "Cooperlake", "SapphireRapids", "Zen")


@dataclass(frozen=True, slots=True)
class Case:
    """A kernel with its size, and the benchmark of it."""

    kernel: str
    n: int
    benchmark: odyssey_mojo.MojoBenchmark


def cases(only: str = "") -> Iterator[Case]:
    """What the suite of `benchmarks/mojo` measures, where `only` is found in the kernel's name."""
    for benchmark in _suite():
        for n in benchmark.params:
            if re.search(only, benchmark.kernel):
                yield Case(benchmark.kernel, n, benchmark)


def _suite() -> list[Any]:
    """The benchmarks, each class once. Its suite imports the module that a build installs."""
    sys.modules.setdefault("odyssey_mojo", odyssey_mojo)
    spec = importlib.util.spec_from_file_location("kernels", PROJECT / "suite" / "kernels.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    of_module = (found for found in vars(module).values() if isinstance(found, type))
    classes = [c for c in of_module if issubclass(c, odyssey_mojo.MojoBenchmark) and c.kernel]
    return [of() for of in classes]


def install(site: Path) -> None:
    """Build the programs and make them those that are found here."""
    try:
        wheel = odyssey_mojo.build(PROJECT, site)
    except odyssey_mojo.BuildError as error:
        raise SystemExit(f"{error}; here: pip install 'odyssey-asv[mojo]'") from error
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for program in (site / odyssey_mojo.PROGRAMS).iterdir():
        program.chmod(0o755)
    sys.path.insert(0, str(site))


def difference(case: Case) -> float:
    """The largest difference from numpy's result, as a share of the largest number in it."""
    call, expected = prepared(case.kernel, case.n)
    call()
    given = np.array(case.benchmark.values(case.n))
    wanted = expected.ravel().astype(np.float64)
    if given.shape != wanted.shape:
        raise SystemExit(f"{case.kernel} {case.n}: {given.size} values, numpy has {wanted.size}")
    return float(np.abs(given - wanted).max() / np.abs(wanted).max())


def surroundings() -> dict[str, str]:
    """The environment of numpy's processes: one thread, and nothing that misleads OpenBLAS."""
    kept = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    return kept | {"OPENBLAS_NUM_THREADS": "1"}


def blas_kernel() -> str:
    """Which processor OpenBLAS takes this one for."""
    words = [sys.executable, "-c", "import numpy as np; np.ones((2, 2)) @ np.ones((2, 2))"]
    env = {**surroundings(), "OPENBLAS_VERBOSE": "2"}
    said = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    found = re.search(r"^Core: (\S+)", said.stdout + said.stderr, re.MULTILINE)
    return found[1] if found else "unknown"


def _in_numpy(case: Case) -> float:
    words = [sys.executable, "-m", "benchmarks.studies.in_numpy", case.kernel, str(case.n)]
    done = subprocess.run(words, env=surroundings(), capture_output=True, text=True, check=True)
    return float(statistics.median(json.loads(done.stdout)["samples"]))


def _in_mojo(case: Case) -> float:
    return float(statistics.median(case.benchmark.samples(case.n)["samples"]))


def row(case: Case, rounds: int) -> str:
    """One line of the table."""
    mojo, numpy = [], []
    for number in range(rounds):
        for turn in (number, number + 1):
            if turn % 2:
                mojo.append(_in_mojo(case))
            else:
                numpy.append(_in_numpy(case))
    ratios = [ours / theirs for ours, theirs in zip(mojo, numpy, strict=True)]
    middle, low, high = (significant(f(ratios), 2) for f in (statistics.median, min, max))
    times = [format_duration(statistics.median(values)) for values in (mojo, numpy)]
    return f"  {case.kernel:16} {case.n:>5}  {middle} ({low} to {high}); {times[0]}, {times[1]}"


def study(only: str = "", rounds: int = 5) -> Iterator[str]:
    """The table, line by line."""
    chosen = list(cases(only))
    if not chosen:
        raise SystemExit(f"no kernel has {only!r} in its name")
    with tempfile.TemporaryDirectory(prefix="odyssey-study-") as work:
        install(Path(work))
        checked = [case for case in chosen if case.n <= _CHECKED or "to_" in case.kernel]
        worst = max(map(difference, checked), default=0.0)
        if worst > _CLOSE:
            raise SystemExit(f"Mojo and numpy differ by {worst:.1e} of the largest number")
        yield f"Mojo {version(odyssey_mojo.COMPILER)} over numpy {np.__version__}, {rounds} rounds in turn,"
        yield "one thread, seconds of processor of a call, for numpy with that of calling it from Python;"
        yield f"{len(checked)} results held against numpy's differ by {worst:.0e} at most:"
        yield from (f"  {line}" for line in _about_blas(blas_kernel()))
        yield f"  {'kernel':16} {'n':>5}  Mojo over numpy (lowest to highest); Mojo, numpy"
        for case in chosen:
            yield row(case, rounds)


def _about_blas(core: str) -> Iterator[str]:
    """What a reader must know of the products: OpenBLAS may not know a new processor."""
    yield f"numpy's products by OpenBLAS's kernel for {core}"
    unset = [name for name in _MISLEADING if name in os.environ]
    if unset:
        yield f"{' and '.join(unset)}, set here, left out for it"
    if "avx512f" in odyssey_mojo.processor_flags() and not core.startswith(_WIDE):
        yield "which does not use this processor's AVX-512: numpy could be faster than here"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-b", metavar="KERNEL", default="", help="only those that this is found in")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for printed in study(options.b, options.rounds):
        print(printed, flush=True)
