"""What blocks of unchanged code say on a real machine, recorded for the tests of the judge.

Checks a suite against itself (see `subjects`) until every case has `--blocks` of them or the minutes are
over, optionally beside a process that comes and goes on the same processor, and adds their effects to a
file: for each case one list, in the order of measuring. `tests/test_evidence.py` draws from
`tests/fixtures/traces.json`, which was made by this program.

`python -m benchmarks.studies.traces FILE [--work python] [--load --cpu 1] [--minutes 5]`
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import odyssey_asv
from benchmarks.studies.commands import load
from benchmarks.studies.subjects import FAMILIES, family
from odyssey_asv.files import write_atomically

# So narrow that next to no case is ever decided.
_TOLERANCE, _THRESHOLD = Fraction(1, 100_000), Fraction(2, 100_000)
_FEWEST = 20


def record(options: argparse.Namespace, root: Path) -> dict[str, Any]:
    """One recording: how it was made, and the effects of each case that has enough of them."""
    subject = family(options.work)
    subject.make(root, slowed=False)
    with load(options.cpu, wanted=options.load, seed=options.seed):
        found = odyssey_asv.check(
            folder=root,
            same=True,
            tolerance=_TOLERANCE,
            threshold=_THRESHOLD,
            budget_s=60 * options.minutes,
            cpu=options.cpu,
            seed=options.seed,
        )
    environment = found.contender[0].environment
    return {
        "work": subject.name,
        "load": options.load,
        "processor": environment.cpu_model,
        "python": environment.python_version,
        "effects": {
            finding.label: [round(effect, 6) for effect in finding.effects]
            for finding in sorted(found.findings, key=lambda finding: finding.label)
            if len(finding.effects) >= _FEWEST
        },
    }


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="a list of recordings; one more is added")
    parser.add_argument("--work", choices=FAMILIES, default="python")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--load", action="store_true", help="beside a process that comes and goes")
    parser.add_argument("--cpu", type=int, help="on this processor only")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    recordings = json.loads(options.file.read_text()) if options.file.exists() else []
    with tempfile.TemporaryDirectory(prefix="odyssey-study-") as work:
        recordings.append(record(options, Path(work) / options.work))
    # A line for each case: a diff of it can be read.
    text = re.sub(r"\n\s+(?=-?[0-9]|\])", " ", json.dumps(recordings, indent=1, sort_keys=True))
    write_atomically(options.file, (text + "\n").encode())
    (*_, last) = recordings
    blocks = [len(effects) for effects in last["effects"].values()]
    print(f"{options.file}: {len(blocks)} cases of {min(blocks)} to {max(blocks)} blocks")
    return 0


if __name__ == "__main__":
    sys.exit(main())
