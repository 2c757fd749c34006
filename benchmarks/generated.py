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
    suite = _write_suite(folder, rows, cases=3)
    total = 0
    for number in range(files):
        commit = f"{rng.getrandbits(160):040x}"
        results = {
            name: _row([rng.lognormvariate(-9, 2) for _ in range(_cases(record))], record, number)
            for name, record in suite.items()
        }
        total += sum(len(row[0]) for row in results.values())
        _write_results(folder, commit, "virtualenv-py3.12", number, results)
    return total


def write_past(folder: Path, commits: list[str], environments: int, rows: int) -> int:
    """Write an asv tree with results of every commit, the oldest first, in this many environments; return
    how many series it holds.

    Each series has noise of 2 % and, one in four, a step of 15 % at a place of its own.
    """
    rng = random.Random(42)
    suite = _write_suite(folder, rows, cases=5)
    for place in range(environments):
        levels = {
            (name, case): (rng.lognormvariate(-9, 2), rng.randrange(4 * len(commits)))
            for name, record in suite.items()
            for case in range(_cases(record))
        }
        for number, commit in enumerate(commits):
            results = {}
            for name, record in suite.items():
                values = []
                for case in range(_cases(record)):
                    level, step = levels[name, case]
                    values.append(level * rng.lognormvariate(0.15 * (number >= step), 0.02))
                results[name] = _row(values, record, number)
            _write_results(folder, commit, f"virtualenv-py3.{9 + place}", number, results)
    return environments * sum(map(_cases, suite.values()))


def _write_suite(folder: Path, rows: int, cases: int) -> dict[str, dict[str, Any]]:
    """A suite of which every fourth benchmark has this many cases, and its machine."""
    (folder / MACHINE["machine"]).mkdir(parents=True)
    machine = folder / MACHINE["machine"] / "machine.json"
    machine.write_text(json.dumps({**MACHINE, "version": 1}))
    suite: dict[str, dict[str, Any]] = {}
    for position in range(rows):
        name = f"module{position % 20}.Suite{position % 50}.time_operation_{position}"
        params = [] if position % 4 else [[repr("abcde"[case]) for case in range(cases)]]
        suite[name] = {
            "code": f"def {name}(self): ...",
            "name": name,
            "param_names": ["size"] if params else [],
            "params": params,
            "type": "time",
            "unit": "seconds",
            "version": f"{position:064x}",
        }
    (folder / "benchmarks.json").write_text(json.dumps({**suite, "version": 2}))
    return suite


def _cases(record: dict[str, Any]) -> int:
    return len(record["params"][0]) if record["params"] else 1


def _row(values: list[float], record: dict[str, Any], number: int) -> list[Any]:
    return [
        values,
        record["params"],
        record["version"],
        _START_MS + number * _DAY_MS + int(record["version"], 16),
        1.2345,
        *([_rounded(value * share) for value in values] for share in (0.9, 1.1, 0.95, 1.05)),
        [100] * len(values),
        [10] * len(values),
    ]


def _write_results(
    folder: Path, commit: str, environment: str, number: int, results: dict[str, Any]
) -> None:
    document = {
        "commit_hash": commit,
        "env_name": environment,
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
    path = folder / MACHINE["machine"] / f"{commit[:8]}-{environment}.json"
    path.write_text(json.dumps(document, separators=(",", ":")))


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
