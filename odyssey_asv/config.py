"""Our settings: `[tool.odyssey-asv]` in `pyproject.toml`, or `odyssey-asv.toml` beside it.

asv's own keys stay in `asv.conf.json`. Each key is documented in `docs/configuration.md`; an unknown
key is an error. Shares may be written `0.05` or `"5%"`.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from odyssey_asv.errors import InvalidFileError, InvalidInputError
from odyssey_asv.model import Better, Metric
from odyssey_asv.policy import (
    DEFAULT_THRESHOLD,
    DEFAULT_TOLERANCE,
    Limits,
    OtherMachine,
    Override,
    Policy,
)
from odyssey_asv.units import parse_fraction

TABLE = "odyssey-asv"
OWN_FILE = "odyssey-asv.toml"
CLOCKS = ("auto", "wall", "cpu")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one project. Paths are relative to the folder that holds the configuration.

    `benchmark_timeout_s` is None where asv.conf.json's `default_benchmark_timeout` (60 s when absent)
    is to hold. `budget_s` bounds the time for measuring one commit in one environment. `unreached` are
    patterns, as `fnmatch` has them, of files that no benchmark reaches.
    """

    root: Path
    tolerance: Fraction = DEFAULT_TOLERANCE
    threshold: Fraction = DEFAULT_THRESHOLD
    gate: frozenset[Metric] = frozenset({Metric.DURATION})
    other_machine: OtherMachine = OtherMachine.GATE
    strict_environment: bool = False
    fail_on_missing: bool = False
    confidence: float = 0.99
    clock: str = "auto"
    budget_s: float = 900.0
    benchmark_timeout_s: float | None = None
    asv_config: str | None = None
    results_dir: str = "benchmarks/results"
    baselines_dir: str = "benchmarks/baselines"
    changed: bool = False
    unreached: tuple[str, ...] = ()
    full_builds: bool = False
    overrides: tuple[Override, ...] = ()

    @property
    def results(self) -> Path:
        """The folder of our result files."""
        return self.root / self.results_dir

    @property
    def baselines(self) -> Path:
        """The folder of approved baselines."""
        return self.root / self.baselines_dir

    @property
    def state(self) -> Path:
        """The folder of what a run leaves behind for the next: journals, logs, the lock."""
        return self.root / ".odyssey"

    @property
    def last_check(self) -> Path:
        """The report of the last check, from which a search can start."""
        return self.state / "last-check.json"

    @property
    def pages(self) -> Path:
        """The folder of the latest pages of a check and of a search, for `odyssey publish`."""
        return self.state / "reports"

    def policy(self, **forced: Fraction | None) -> Policy:
        """The policy these settings make; `forced` limits (command line) beat every other."""
        return Policy(
            limits=Limits(self.tolerance, self.threshold),
            overrides=self.overrides,
            forced={name: share for name, share in forced.items() if share is not None},
            gate=self.gate,
            fail_on_missing=self.fail_on_missing,
            other_machine=self.other_machine,
            strict_environment=self.strict_environment,
        )


def load(start: Path) -> Config:
    """The settings that hold in `start`: those of the nearest folder upwards that has any.

    Where no folder has, every default holds and the root is the nearest folder with an
    `asv.conf.json`, else `start`. Raises `InvalidFileError` with every fault found.
    """
    folders = [start.resolve(), *start.resolve().parents]
    for folder in folders:
        for name in (OWN_FILE, "pyproject.toml"):
            table = _table(folder / name)
            if table is not None:
                return _read(folder, folder / name, table)
    for folder in folders:
        if any((folder / name).is_file() for name in ("asv.conf.json", "asv.conf.jsonc")):
            return Config(root=folder)
    return Config(root=start.resolve())


def has_settings(path: Path) -> bool:
    """Whether a file holds settings of ours. Raises `InvalidFileError` for what is no TOML."""
    return _table(path) is not None


def _table(path: Path) -> Mapping[str, Any] | None:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidFileError(str(path), (f"not TOML: {error}",)) from error
    if path.name == OWN_FILE:
        return document
    tool = document.get("tool", {})
    table = tool.get(TABLE) if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise InvalidFileError(str(path), (f"tool.{TABLE}: expected a table, found {table!r}",))
    return table


def _read(root: Path, path: Path, table: Mapping[str, Any]) -> Config:
    faults: list[str] = []
    values = _values(table, _KEYS, faults, "")
    limits = [
        values.get("tolerance", DEFAULT_TOLERANCE),
        values.get("threshold", DEFAULT_THRESHOLD),
    ]
    if limits[0] > limits[1]:
        faults.append("tolerance: is above threshold, so nothing could ever be merely slower")
    if faults:
        raise InvalidFileError(
            str(path), tuple(faults), tip="see docs/configuration.md for every key"
        )
    return replace(Config(root=root), **values)


def _values(
    table: Mapping[str, Any],
    keys: Mapping[str, Callable[[Any], Any]],
    faults: list[str],
    prefix: str,
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, raw in table.items():
        read = keys.get(key)
        if read is None:
            near = difflib.get_close_matches(key, keys, n=1)
            hint = (
                f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(keys))}"
            )
            faults.append(f"{prefix}{key}: unknown key{hint}")
            continue
        try:
            values[key] = read(raw)
        except InvalidFileError as error:
            faults.extend(f"{prefix}{key}{fault}" for fault in error.faults)
        except ValueError as error:
            faults.append(f"{prefix}{key}: {error}")
    return values


def _seconds(raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not 0 < raw < float("inf"):
        raise ValueError(f"expected seconds above zero, found {raw!r}")
    return float(raw)


def parse_confidence(raw: Any) -> float:
    """A confidence as a share: `0.99` or `"99%"`. Raises ValueError."""
    share = float(parse_fraction(raw))
    if not 0.5 <= share < 1.0:
        raise ValueError(f"expected a confidence from 50% to below 100%, found {raw!r}")
    return share


def _clock(raw: Any) -> str:
    if raw not in CLOCKS:
        raise ValueError(f"expected one of {', '.join(CLOCKS)}, found {raw!r}")
    return str(raw)


def _flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise ValueError(f"expected true or false, found {raw!r}")
    return raw


def _folder(raw: Any) -> str:
    if Path(_path(raw)).is_absolute() or ".." in Path(raw).parts:
        raise ValueError(f"expected a path inside the project, found {raw!r}")
    return str(raw)


def _path(raw: Any) -> str:
    if not isinstance(raw, str) or not raw or "\0" in raw:
        raise ValueError(f"expected a path, found {raw!r}")
    return raw


def _globs(raw: Any) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(glob, str) and glob for glob in raw):
        raise ValueError(f"expected a list of patterns such as 'tests/*', found {raw!r}")
    return tuple(raw)


def parse_gate(raw: Any) -> frozenset[Metric]:
    """The metrics named in a list or in a text with commas. Raises ValueError for an unknown one."""
    names = raw.split(",") if isinstance(raw, str) else raw
    known = ", ".join(metric.value for metric in Metric)
    if not isinstance(names, (list, tuple)) or not names:
        raise ValueError(f"expected some of {known}, found {raw!r}")
    try:
        return frozenset(Metric(str(name).strip()) for name in names)
    except ValueError:
        raise ValueError(f"expected some of {known}, found {raw!r}") from None


def _other_machine(raw: Any) -> OtherMachine:
    try:
        return OtherMachine(raw)
    except ValueError:
        known = ", ".join(choice.value for choice in OtherMachine)
        raise ValueError(f"expected one of {known}, found {raw!r}") from None


def _better(raw: Any) -> Better:
    try:
        return Better(raw)
    except ValueError:
        raise ValueError(f"expected 'lower' or 'higher', found {raw!r}") from None


def _pattern(raw: Any) -> re.Pattern[str]:
    if not isinstance(raw, str) or not raw:
        raise ValueError(f"expected a regular expression, found {raw!r}")
    try:
        return re.compile(raw)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from error


def _overrides(raw: Any) -> tuple[Override, ...]:
    if not isinstance(raw, list):
        raise ValueError(f"expected [[tool.{TABLE}.overrides]] tables, found {raw!r}")
    found: list[Override] = []
    faults: list[str] = []
    for number, table in enumerate(raw, start=1):
        if not isinstance(table, dict):
            faults.append(f"[{number}]: expected a table, found {table!r}")
            continue
        inner: list[str] = []
        values = _values(table, _OVERRIDE_KEYS, inner, f"[{number}].")
        if "match" not in table:
            inner.append(f"[{number}].match: missing")
        if values.get("tolerance", 0) > values.get("threshold", math.inf):
            inner.append(f"[{number}].tolerance: is above threshold")
        faults += inner
        if not inner:
            found.append(Override(**values))
    if faults:
        raise InvalidFileError("", tuple(faults))
    return tuple(found)


_KEYS: dict[str, Callable[[Any], Any]] = {
    "tolerance": parse_fraction,
    "threshold": parse_fraction,
    "gate": parse_gate,
    "other_machine": _other_machine,
    "strict_environment": _flag,
    "fail_on_missing": _flag,
    "confidence": parse_confidence,
    "clock": _clock,
    "budget_s": _seconds,
    "benchmark_timeout_s": _seconds,
    "asv_config": _path,
    "results_dir": _folder,
    "baselines_dir": _folder,
    "changed": _flag,
    "unreached": _globs,
    "full_builds": _flag,
    "overrides": _overrides,
}
_OVERRIDE_KEYS: dict[str, Callable[[Any], Any]] = {
    "match": _pattern,
    "tolerance": parse_fraction,
    "threshold": parse_fraction,
    "better": _better,
}

KEYS = tuple(field.name for field in fields(Config) if field.name != "root")
