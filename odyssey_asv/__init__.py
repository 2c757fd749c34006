"""Trustworthy verdicts on asv benchmarks: everything the `odyssey` command does, as functions.

    >>> import odyssey_asv
    >>> base = odyssey_asv.load("tests/fixtures/seed/minimal.json")
    >>> comparison = odyssey_asv.compare(base, base)
    >>> [(delta.label, str(delta.verdict)) for delta in comparison.gated]
    [('tensor_add', 'unchanged')]
    >>> comparison.alarm
    False

Importing the package loads nothing heavy: names are imported when they are used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odyssey_asv.adapter.tree import BrokenResultWarning, read_asv_tree, write_asv_tree
    from odyssey_asv.bisecting import bisect
    from odyssey_asv.checking import check
    from odyssey_asv.comparison import Comparison, Delta, compare
    from odyssey_asv.culprit.bisection import Bisection, Culprit, Outcome
    from odyssey_asv.diagnoses import Diagnosis, Level
    from odyssey_asv.doctor import Examination, examine
    from odyssey_asv.errors import (
        CannotMeasureError,
        InterruptedRunError,
        InvalidFileError,
        InvalidInputError,
        OdysseyError,
    )
    from odyssey_asv.findings import Check, Clock, Conclusion, Finding, LeftOut
    from odyssey_asv.model import (
        Approval,
        Benchmark,
        Better,
        Case,
        Commit,
        Environment,
        Kind,
        Metric,
        Result,
        ResultSet,
        Run,
        RunKind,
        Status,
    )
    from odyssey_asv.past.histories import Wish, history
    from odyssey_asv.past.timeline import Change, History, Line, Place, Series, Trend
    from odyssey_asv.policy import Limits, OtherMachine, Override, Policy, Severity, Verdict
    from odyssey_asv.store.results import load, save

__version__ = "0.1.0.dev0"

_HOMES = {
    "odyssey_asv.adapter.tree": ("BrokenResultWarning", "read_asv_tree", "write_asv_tree"),
    "odyssey_asv.bisecting": ("bisect",),
    "odyssey_asv.culprit.bisection": ("Bisection", "Culprit", "Outcome"),
    "odyssey_asv.checking": ("check",),
    "odyssey_asv.comparison": ("Comparison", "Delta", "compare"),
    "odyssey_asv.diagnoses": ("Diagnosis", "Level"),
    "odyssey_asv.doctor": ("Examination", "examine"),
    "odyssey_asv.errors": (
        "CannotMeasureError",
        "InterruptedRunError",
        "InvalidFileError",
        "InvalidInputError",
        "OdysseyError",
    ),
    "odyssey_asv.findings": ("Check", "Clock", "Conclusion", "Finding", "LeftOut"),
    "odyssey_asv.past.histories": ("Wish", "history"),
    "odyssey_asv.model": (
        "Approval",
        "Benchmark",
        "Better",
        "Case",
        "Commit",
        "Environment",
        "Kind",
        "Metric",
        "Result",
        "ResultSet",
        "Run",
        "RunKind",
        "Status",
    ),
    "odyssey_asv.policy": (
        "Limits",
        "OtherMachine",
        "Override",
        "Policy",
        "Severity",
        "Verdict",
    ),
    "odyssey_asv.store.results": ("load", "save"),
    "odyssey_asv.past.timeline": ("Change", "History", "Line", "Place", "Series", "Trend"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Approval",
    "Benchmark",
    "Better",
    "Bisection",
    "BrokenResultWarning",
    "CannotMeasureError",
    "Case",
    "Change",
    "Check",
    "Clock",
    "Commit",
    "Comparison",
    "Conclusion",
    "Culprit",
    "Delta",
    "Diagnosis",
    "Environment",
    "Examination",
    "Finding",
    "History",
    "InterruptedRunError",
    "InvalidFileError",
    "InvalidInputError",
    "Kind",
    "LeftOut",
    "Level",
    "Limits",
    "Line",
    "Metric",
    "OdysseyError",
    "OtherMachine",
    "Outcome",
    "Override",
    "Place",
    "Policy",
    "Result",
    "ResultSet",
    "Run",
    "RunKind",
    "Series",
    "Severity",
    "Status",
    "Trend",
    "Verdict",
    "Wish",
    "__version__",
    "bisect",
    "check",
    "compare",
    "examine",
    "history",
    "load",
    "read_asv_tree",
    "save",
    "write_asv_tree",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
