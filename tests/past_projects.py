"""Projects with a past: a repository with many commits, and asv results for some of them, made up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests import projects
from tests.projects import Project

COLUMNS = [
    "result",
    "params",
    "version",
    "started_at",
    "duration",
    "stats_ci_99_a",
    "stats_ci_99_b",
]
ENVIRONMENT = "virtualenv-py3.11"
MACHINE = "m1"
_STARTED_MS = 1_700_000_000_000


def make(path: Path, commits: int, **settings: Any) -> tuple[Project, list[str]]:
    """A project with that many commits, and their hashes, the oldest first."""
    project = projects.make(path, **settings)
    hashes = [project.git("rev-parse", "HEAD")]
    hashes += [project.commit(f"change {number}") for number in range(1, commits)]
    return project, hashes


def suite(project: Project, *names: str, **more: Any) -> None:
    """Describe these benchmarks in `benchmarks.json`; `more` for all of them."""
    records = {
        name: {
            "name": name, "params": [], "param_names": [], "type": "time", "unit": "seconds",
            "version": "v1",
        } | more
        for name in names
    }  # fmt: skip
    _write(project.asv_results / "benchmarks.json", {**records, "version": 2})


def store(
    project: Project,
    commit: str,
    values: Mapping[str, Any],
    *,
    machine: str = MACHINE,
    environment: str = ENVIRONMENT,
    version: str = "v1",
    started_ms: int = _STARTED_MS,
    params: Mapping[str, Sequence[Sequence[str]]] | None = None,
) -> Path:
    """One result file as asv writes it: for each benchmark a value, or a list of one for each case."""
    rows = {}
    for name, value in values.items():
        result = value if isinstance(value, list) else [value]
        low, high = ([_scaled(v, by) for v in result] for by in (0.99, 1.01))
        axes = list(map(list, (params or {}).get(name, [])))
        rows[name] = [result, axes, version, started_ms, 1.0, low, high]
    document = {
        "commit_hash": commit, "env_name": environment, "date": 1_700_000_000_000,
        "params": {"machine": machine}, "python": "3.11", "requirements": {}, "env_vars": {},
        "result_columns": COLUMNS, "results": rows, "durations": {}, "version": 2,
    }  # fmt: skip
    folder = project.asv_results / machine
    _write(folder / "machine.json", {"machine": machine, "version": 1})
    path = folder / f"{commit[:8]}-{environment}.json"
    _write(path, document)
    return path


def _scaled(value: Any, by: float) -> Any:
    return value * by if isinstance(value, float) else None


def _write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
