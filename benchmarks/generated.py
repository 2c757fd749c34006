"""Makes asv trees and result files of any size, for the benchmarks and studies of this program.

Seeded, so that the same size is the same content. The shape follows real histories: three rows in
four have one case, the fourth has three; statistics are rounded to five digits as asv rounds them.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

COLUMNS = [
    "result",
    "params",
    "version",
    "started_at",
    "duration",
    "stats_ci_99_a",
    "stats_ci_99_b",
    "stats_q_25",
    "stats_q_75",
    "stats_number",
    "stats_repeat",
    "samples",
    "profile",
]
MACHINE = {
    "arch": "x86_64",
    "cpu": "Generated CPU",
    "machine": "generated",
    "num_cpu": "2",
    "os": "Linux 6.1",
    "ram": "8000000000",
}
_START_MS = 1_600_000_000_000
_DAY_MS = 86_400_000


def write_tree(folder: Path, files: int, rows: int) -> int:
    """Write an asv tree (format 2) of this many result files and rows each; return its cases."""
    rng = random.Random(42)
    machine = folder / MACHINE["machine"]
    machine.mkdir(parents=True)
    (machine / "machine.json").write_text(json.dumps({**MACHINE, "version": 1}))
    names = [f"module{i % 20}.Suite{i % 50}.time_operation_{i}" for i in range(rows)]
    axes = [[] if i % 4 else [["'a'", "'b'", "'c'"]] for i in range(rows)]
    suite: dict[str, Any] = {
        name: {
            "code": f"def {name}(self): ...",
            "name": name,
            "param_names": ["size"] if params else [],
            "params": params,
            "type": "time",
            "unit": "seconds",
            "version": f"{position:064x}",
        }
        for position, (name, params) in enumerate(zip(names, axes, strict=True))
    }
    (folder / "benchmarks.json").write_text(json.dumps({**suite, "version": 2}))
    cases = 0
    for number in range(files):
        commit = f"{rng.getrandbits(160):040x}"
        results = {}
        for position, (name, params) in enumerate(zip(names, axes, strict=True)):
            count = 3 if params else 1
            cases += count
            values = [rng.lognormvariate(-9, 2) for _ in range(count)]
            started = _START_MS + number * _DAY_MS + position
            results[name] = [
                values,
                params,
                suite[name]["version"],
                started,
                1.2345,
                *(
                    [_rounded(value * share) for value in values]
                    for share in (0.9, 1.1, 0.95, 1.05)
                ),
                [100] * count,
                [10] * count,
            ]
        document = {
            "commit_hash": commit,
            "env_name": "virtualenv-py3.12",
            "date": _START_MS + number * _DAY_MS,
            "params": {**MACHINE, "python": "3.12"},
            "python": "3.12",
            "requirements": {},
            "env_vars": {},
            "result_columns": COLUMNS,
            "results": results,
            "durations": {},
            "version": 2,
        }
        path = machine / f"{commit[:8]}-virtualenv-py3.12.json"
        path.write_text(json.dumps(document, separators=(",", ":")))
    return cases


def write_result_file(path: Path, entries: int, *, seed: int) -> None:
    """Write a result file of this many timed entries, in the shape that anybody may write."""
    rng = random.Random(seed)
    document = {
        "timestamp": "2026-01-01T00:00:00Z",
        "environment": {"os": "linux", "cpu": "x86_64", "mojo_version": None},
        "benchmarks": [
            {
                "name": f"operation_{number}",
                "duration_ms": round(1 + number % 97 + rng.random(), 6),
                "throughput": None,
                "memory_mb": None,
                "iterations": 100,
            }
            for number in range(entries)
        ],
    }
    path.write_text(json.dumps(document))


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")
