"""Python's tracebacks → where in the suite or the project an exception was raised."""

from __future__ import annotations

import re
from glob import escape
from pathlib import Path

from odyssey_asv.adapter.paired.workers import Side

_FRAME = re.compile(r'^\s*File "(?P<path>.+)", line (?P<line>\d+)', re.MULTILINE)


def where(traceback: str, side: Side) -> str:
    """`benchmarks/b.py, line 3, in the suite`: the innermost frame that is the suite's or the project's,
    empty where no frame is. A syntax error says by itself where it is, in the same words.

    Files of the project are named as its repository has them, wherever they were installed.
    """
    for frame in reversed(list(_FRAME.finditer(traceback))):
        path = Path(frame["path"])
        if path.is_relative_to(side.suite):
            return f"{path.relative_to(side.suite.parent)}, line {frame['line']}, in the suite"
        if (name := _in_project(path, side.project)) is not None:
            return f"{name}, line {frame['line']}, in the project"
    return ""


def _in_project(path: Path, project: Path | None) -> Path | None:
    """What the repository calls a file that its build installed, or that is used where it is."""
    if project is None:
        return None
    if path.is_relative_to(project):
        return path.relative_to(project)
    parts = path.parts
    if "site-packages" not in parts:
        return None
    last = len(parts) - 1 - parts[::-1].index("site-packages")
    installed = Path(*parts[last + 1 :])
    # At the top, or in a folder such as src/ or python/lib/.
    for folder in (".", "src", "lib", "*", "*/*"):
        found = next(iter(sorted(project.glob(f"{folder}/{escape(str(installed))}"))), None)
        if found is not None:
            return found.relative_to(project)
    return None
