"""What machine this is, in asv's words, asked of the system and of nobody else.

An entry in `~/.asv-machine.json` (as `asv machine` writes it) wins over what the system says.
"""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import psutil

from odyssey_asv.files import plain_name

FIELDS = ("machine", "os", "arch", "cpu", "num_cpu", "ram")


def describe(name: str | None = None, *, known: Path | None = None) -> dict[str, str]:
    """asv's machine record: `machine os arch cpu num_cpu ram`, all text, `ram` in bytes.

    `name` stands for this machine in every result (default: the host name). `known` is the file of
    records, `~/.asv-machine.json` by default; an unreadable one counts as empty. Raises
    `InvalidInputError` when results could not be kept in a folder of the machine's name.
    """
    host = platform.node() or "unknown"
    found = {
        "machine": name or host,
        "os": f"{platform.system()} {platform.release()}",
        "arch": platform.machine(),
        "cpu": cpu_model(),
        "num_cpu": str(os.cpu_count() or 1),
        "ram": str(psutil.virtual_memory().total),
    }
    records = _records(known or Path.home() / ".asv-machine.json")
    record = records.get(found["machine"])
    if record is None and name is None and len(records) == 1:
        # asv's own rule: the only machine on record stands for this one.
        (record,) = records.values()
    for field in FIELDS:
        if record and record.get(field):
            found[field] = str(record[field])
    found["machine"] = plain_name(name or found["machine"], "machine")
    return found


def _records(path: Path) -> dict[str, dict[str, str]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {name: record for name, record in document.items() if isinstance(record, dict)}


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name as the system gives it, else its architecture."""
    try:
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Hardware", "cpu model") and value.strip():
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
