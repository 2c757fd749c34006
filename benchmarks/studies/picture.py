"""The picture of a check in the README, from a real run: `python -m benchmarks.studies.picture FILE.svg`.

Makes the repository `python` of `subjects`, checks some of its cases, and draws what a terminal of 80
columns would show.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

import odyssey_asv
from benchmarks.studies.subjects import family
from odyssey_asv.report.check import terminal

_CASES = r"time_(integers|objects|sorting|text)_(0|5|10|20)$"
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def picture(report: str, command: str) -> str:
    """A report with its colours as SVG, which loads nothing from anywhere."""
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {command}"))
    console.print(Text.from_ansi(report))
    return _FONTS.sub("", console.export_svg(title="odyssey check"))


def main() -> None:
    """The command line."""
    (target,) = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="odyssey-study-") as work:
        root = Path(work, "known")
        family("python").make(root, slowed=True)
        found = odyssey_asv.check("main", "main~1", folder=root, benches=(_CASES,))
    report = terminal.render(found, width=80, color=True, everything=True)
    Path(target).write_text(picture(report, "odyssey check"), encoding="utf-8")
    print(report)


if __name__ == "__main__":
    main()
