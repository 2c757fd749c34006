"""asv's words about machines and packages → `Environment`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from odyssey_asv.model import Environment


def hardware(record: Mapping[str, Any]) -> Environment:
    """What a machine record says (`machine os arch cpu num_cpu ram`); a field that is absent, empty or
    no number where one is due stays None."""
    system, _, kernel = str(record.get("os") or "").partition(" ")
    return Environment(
        os=text(system.lower()),
        kernel=text(kernel),
        cpu=text(record.get("arch")),
        machine=text(record.get("machine")),
        cpu_model=text(record.get("cpu")),
        cores=_count(record.get("num_cpu")),
        ram_mb=_megabytes(record.get("ram")),
    )


def with_packages(environment: Environment, packages: Mapping[str, str]) -> Environment:
    """The same with what is installed; the versions that have a field of their own are filled in."""
    lowered = {name.lower().replace("-", "_"): version for name, version in packages.items()}
    return replace(
        environment,
        numpy_version=lowered.get("numpy") or environment.numpy_version,
        mojo_version=lowered.get("mojo_compiler") or environment.mojo_version,
        asv_runner_version=lowered.get("asv_runner"),
        packages={name: packages[name] for name in sorted(packages, key=str.lower)},
    )


def text(value: object) -> str | None:
    """As text, None for nothing and for the empty text."""
    return None if value is None or value == "" else str(value)


def _count(value: object) -> int | None:
    try:
        count = int(str(value))
    except ValueError:
        return None
    return count if count >= 0 else None


def _megabytes(ram: object) -> int | None:
    """asv's `ram` is free text; asv itself writes bytes. Anything else stays unknown."""
    size = _count(ram)
    return None if size is None or size < 10**6 else (size + 500_000) // 10**6
