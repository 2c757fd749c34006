"""Which asv and asv_runner this program uses."""

from __future__ import annotations

from importlib.metadata import version


def asv_version() -> str:
    """The version of asv."""
    return version("asv")


def runner_version() -> str:
    """The version of asv_runner."""
    return version("asv_runner")
