"""Facts about this machine, as the system tells them. Tunes nothing.

`root` stands for `/`, so that other machines' files can be looked at.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil

from odyssey_asv.diagnoses.machine import MachineFacts

_ANSWER_S = 30
_READINGS = 2000


def machine(root: Path = Path("/"), *, ask_pyperf: bool = True) -> MachineFacts:
    """Everything that bears on measuring; what cannot be read is None."""
    cpus = root / "sys/devices/system/cpu"
    return MachineFacts(
        cores=cores(),
        all_cores=psutil.cpu_count(),
        load=load(),
        governors=_governors(cpus),
        turbo=_turbo(cpus),
        smt=_smt(cpus),
        virtual=_virtual(root),
        container=_container(root),
        resolution_s=_resolution(),
        pyperf=_pyperf() if ask_pyperf else None,
    )


def cores() -> int | None:
    """The number of processors that this process may use."""
    with suppress(AttributeError, OSError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def load() -> float | None:
    """The load average of the last minute."""
    with suppress(AttributeError, OSError):
        return os.getloadavg()[0]
    return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _governors(cpus: Path) -> tuple[str, ...] | None:
    try:
        read = [_read(path) for path in sorted(cpus.glob("cpu[0-9]*/cpufreq/scaling_governor"))]
    except OSError:
        return None
    return tuple(dict.fromkeys(name for name in read if name)) or None


def _turbo(cpus: Path) -> bool | None:
    """The driver of Intel says whether there is none, all others whether there is."""
    no_turbo = _read(cpus / "intel_pstate/no_turbo")
    if no_turbo in ("0", "1"):
        return no_turbo == "0"
    boost = _read(cpus / "cpufreq/boost")
    return boost == "1" if boost in ("0", "1") else None


def _smt(cpus: Path) -> bool | None:
    active = _read(cpus / "smt/active")
    return active == "1" if active in ("0", "1") else None


def _virtual(root: Path) -> str | None:
    """What the machine runs in, None for one of its own or where that is not known."""
    maker = _read(root / "sys/class/dmi/id/sys_vendor") or ""
    product = _read(root / "sys/class/dmi/id/product_name") or ""
    flags = (_read(root / "proc/cpuinfo") or "").partition("\nflags")[2].partition("\n")[0].split()
    if "hypervisor" not in flags:
        return None
    of = " ".join(filter(None, (maker, product)))
    return f"a virtual machine ({of})" if of else "a virtual machine"


def _container(root: Path) -> bool | None:
    marks = (root / ".dockerenv", root / "run/.containerenv")
    try:
        return any(mark.exists() for mark in marks)
    except OSError:
        return None


def _resolution() -> float | None:
    """The smallest step between readings of the clock that samples are taken by."""
    readings = [time.perf_counter() for _ in range(_READINGS)]
    steps = [after - before for before, after in itertools.pairwise(readings)]
    return min((step for step in steps if step > 0.0), default=None)


def _pyperf() -> tuple[str, ...] | None:
    """What `pyperf system show` advises and warns of, where pyperf is installed beside this program."""
    if find_spec("pyperf") is None:
        return None
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "pyperf", "system", "show"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=_ANSWER_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return advices(answer.stdout)


def advices(text: str) -> tuple[str, ...]:
    """The lines below the headings of advice in what pyperf prints."""
    found, heading = [], ""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if following and set(following) == {"="}:
            heading = line.strip()
        elif not line.strip():
            continue
        elif heading == "Advices" and ":" in line and set(line) != {"="}:
            found.append(line.strip())
    return tuple(found)
