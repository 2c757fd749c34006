"""Steps of this project's own benchmarks on main and on tags: measure, and propose a baseline.

`moved`: measures HEAD, and where it lies beyond the tolerance of the approved baseline, both measured here
and now, keeps its results as a candidate. `release`: measures a baseline for the tag. Neither changes a
baseline: the output `candidate` is the path of a file for a person to look at, empty where there is none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

OK, REGRESSION, INVALID = 0, 1, 2
# What a baseline says otherwise than the code now is.
MOVED = frozenset({"regression", "slower", "faster", "added", "removed", "failed", "fixed"})
ODYSSEY = Path(sys.executable).with_name("odyssey")


def main(words: list[str]) -> int:
    match words:
        case ["moved"]:
            return moved()
        case ["release"]:
            return offer("baseline", "create")
        case _:
            print("candidate.py knows moved and release", file=sys.stderr)
            return INVALID


def moved() -> int:
    """Measure HEAD; propose it where there is no baseline, or one that no longer holds."""
    code, printed = odyssey("run", "--force")
    if code != OK:
        return code
    measured = printed.splitlines()[-1]
    code, printed = odyssey("baseline", "list", "--json")
    if code != OK:
        return code
    approved = [row for row in json.loads(printed) if row["kind"] == "approved"]
    if any(row["commit"] == head() for row in approved):
        print("HEAD is the commit of the baseline")
        return OK
    if not approved:
        return offer("baseline", "propose", measured)
    report = Path(os.environ["RUNNER_TEMP"]) / "odyssey-report"
    code, _ = odyssey("check", "HEAD", "--base", "baseline", "--report", str(report))
    if code == INVALID or not (report / "report.json").is_file():
        return code
    summary = (report / "report.md").read_text(encoding="utf-8")
    append("GITHUB_STEP_SUMMARY", summary)
    cases = json.loads((report / "report.json").read_text(encoding="utf-8"))["cases"]
    if not any(case["gated"] and case["verdict"] in MOVED for case in cases):
        print("the baseline still holds")
        return OK
    return offer("baseline", "propose", measured)


def offer(*words: str) -> int:
    """Run a command that prints the path of a candidate, and make that the output of the step."""
    code, printed = odyssey(*words)
    if code == OK:
        append("GITHUB_OUTPUT", f"candidate={printed.splitlines()[-1]}\n")
    return code


def odyssey(*words: str) -> tuple[int, str]:
    """The exit code of a command and what it printed."""
    done = subprocess.run([str(ODYSSEY), *words], stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout


def head() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def append(variable: str, text: str) -> None:
    """Add to one of the files that GitHub reads after the step."""
    with Path(os.environ[variable]).open("a", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
