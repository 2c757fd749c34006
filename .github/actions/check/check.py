"""The steps of the action `check`: install odyssey-asv, run `odyssey check`, hand its report to GitHub.

Needs nothing but Python. Everything it is told comes by environment: the inputs as `CHECK_…`, the rest as
GitHub sets it. The report is there whatever the exit code, also where nothing could be measured.
"""

from __future__ import annotations

import collections
import html
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

OK, REGRESSION, INVALID, CANNOT = 0, 1, 2, 3
VERDICTS = ("ok", "regression", "inconclusive", "error")
FAIL_ON = ("regression", "undecided", "never")
COMMIT = re.compile(r"^(?!0+$)[0-9a-f]{40}([0-9a-f]{24})?$")
# GitHub takes a summary of 1 MiB and a comment of 65,536 characters.
LONGEST = 60_000
LINES_KEPT = 40


def main(words: list[str]) -> int:
    """`install` or `check`."""
    match words:
        case ["install"]:
            return install()
        case ["check"]:
            return check()
        case _:
            raise refused(f"check.py knows install and check, not {' '.join(words) or 'nothing'}")


def install() -> int:
    """Put odyssey-asv into an environment of its own: the requirement that is named, else what came with
    the action, which GitHub has put on this machine as a whole."""
    wanted = os.environ.get("CHECK_VERSION", "").strip()
    if wanted.startswith("-"):
        raise refused(f"version: {wanted!r} is no requirement")
    venv.create(program_folder(), with_pip=True)
    source = wanted or str(Path(os.environ["GITHUB_ACTION_PATH"]).resolve().parents[2])
    pip = [str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return subprocess.run([*pip, source], check=False).returncode


def check() -> int:
    """Run the check, write summary, annotations and outputs, and answer with the exit code that counts."""
    fail_on = wish("fail-on") or "regression"
    if fail_on not in FAIL_ON:
        raise refused(f"fail-on: {fail_on!r} is none of {', '.join(FAIL_ON)}")
    workspace = Path(os.environ["GITHUB_WORKSPACE"])
    config = (workspace / (wish("config") or "asv.conf.json")).resolve()
    if not config.is_relative_to(workspace.resolve()) or not config.is_file():
        raise refused(
            f"config: no file {wish('config')!r} in the repository: odyssey init makes one"
        )
    report = runner_folder() / "odyssey-report"
    # Of an earlier step of this job, and kept already.
    shutil.rmtree(report, ignore_errors=True)
    command = [str(program_folder() / "bin" / "odyssey"), "--config", config.name, "check"]
    command += [*sides(workspace), *options(), "--report", str(report)]
    if fail_on == "undecided":
        command.append("--strict")
    code, said = run(command, config.parent)
    found = read(report / "report.json")
    if found is None:
        explain(report, code, said)
    append("GITHUB_STEP_SUMMARY", (report / "report.md").read_text(encoding="utf-8")[:LONGEST])
    annotations = report / "annotations.txt"
    if annotations.is_file():
        print(annotations.read_text(encoding="utf-8"), end="", flush=True)
    answer(found, report)
    return OK if fail_on == "never" and code in (REGRESSION, CANNOT) else code


def sides(workspace: Path) -> list[str]:
    """The contender and `--base`: what the inputs say, else what the event says. Where neither does,
    `odyssey check` finds them by itself."""
    head, base = wish("head"), wish("base")
    for name, value in (("head", head), ("base", base)):
        if value.startswith("-"):
            raise refused(f"{name}: {value!r} is no reference: a reference never begins with '-'")
    event_base, event_head = of_event()
    head = head or event_head
    if not base and event_base and head:
        base = merge_base(workspace, event_base, head)
    return [*([head] if head else []), *(["--base", base] if base else [])]


def of_event() -> tuple[str, str]:
    """The two ends of what happened, as full hashes; empty where the event has none."""
    event = read(Path(os.environ.get("GITHUB_EVENT_PATH") or os.devnull)) or {}
    match os.environ.get("GITHUB_EVENT_NAME"):
        case "pull_request":
            pull = event["pull_request"]
            ends = pull["base"]["sha"], pull["head"]["sha"]
        case "merge_group":
            ends = event["merge_group"]["base_sha"], event["merge_group"]["head_sha"]
        case "push":
            ends = event["before"], event["after"]
        case _:
            return "", ""
    base, head = (str(end) if COMMIT.match(str(end)) else "" for end in ends)
    return base, head


def merge_base(workspace: Path, base: str, head: str) -> str:
    """Where the two part, in a clone that is made deep enough for it if it is not."""
    complete = git(workspace, "rev-parse", "--is-shallow-repository") == "false"
    if not complete:
        git(workspace, "fetch", "--quiet", "--no-tags", "--unshallow", "origin")
    for commit in (base, head):
        # Of a pull request only the merge is checked out; of a fork nothing else is near.
        if COMMIT.match(commit) and git(workspace, "cat-file", "-e", commit) is None:
            git(workspace, "fetch", "--quiet", "--no-tags", "origin", commit)
    if git(workspace, "rev-parse", "--is-shallow-repository") == "false":
        resolved = git(
            workspace, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{head}^{{commit}}"
        )
        found = git(workspace, "merge-base", base, resolved) if resolved else None
        if found:
            return found
    raise refused(
        f"where {base[:12]} and {head[:12]} part cannot be seen in this clone:"
        " give actions/checkout `fetch-depth: 0`"
    )


def git(workspace: Path, *words: str) -> str | None:
    """What git prints, None where it fails."""
    done = subprocess.run(
        ["git", *words], cwd=workspace, stdout=subprocess.PIPE, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None


def options() -> list[str]:
    """What the inputs say besides the two sides."""
    found = [f"--bench={line.strip()}" for line in wish("bench").splitlines() if line.strip()]
    limits = ("threshold", "tolerance", "budget")
    return found + [f"--{name}={wish(name)}" for name in limits if wish(name)]


def run(command: list[str], folder: Path) -> tuple[int, list[str]]:
    """The exit code of a command, and the last lines that it said of itself. While it speaks, nothing that
    it says is a command to GitHub."""
    silence = secrets.token_hex(16)
    print(f"::stop-commands::{silence}", flush=True)
    said: collections.deque[str] = collections.deque(maxlen=LINES_KEPT)
    try:
        with subprocess.Popen(
            command, cwd=folder, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as child:
            assert child.stderr is not None
            for line in child.stderr:
                print(line, end="", file=sys.stderr, flush=True)
                said.append(line.rstrip("\n"))
    finally:
        print(f"\n::{silence}::", flush=True)
    return child.returncode, list(said)


def explain(report: Path, code: int, said: list[str]) -> None:
    """A report where the check gave none, so that nobody has to look for the log."""
    lines = [line for line in said if line.strip()] or ["it said nothing"]
    body = "\n".join(f"- {plain(line)}" for line in lines)
    report.mkdir(parents=True, exist_ok=True)
    text = f"**odyssey check gave no verdict: exit code {code}**\n\n{body}\n"
    (report / "report.md").write_text(text[:LONGEST], encoding="utf-8")


def plain(text: str) -> str:
    """A line that GitHub shows as it is: no mark-up, no link, nobody mentioned."""
    line = "".join(c if c.isprintable() else " " for c in text)[:500]
    escaped = "".join(
        f"&#{ord(c)};" if c in "\\`*_[]~|#@" else c for c in html.escape(line, quote=False)
    )
    return f"<code>{escaped.replace('://', '&#58;//').replace('www.', 'www&#46;')}</code>"


def answer(found: dict[str, Any] | None, report: Path) -> None:
    """The outputs of the action."""
    verdict = (found or {}).get("verdict")
    if verdict not in VERDICTS:
        verdict = "error"
    counts = (found or {}).get("counts", {})
    regressions = int(counts.get("regression", 0)) + int(counts.get("failed", 0))
    lines = f"verdict={verdict}\nregressions={regressions}\nreport={report}\n"
    append("GITHUB_OUTPUT", lines)


def read(path: Path) -> dict[str, Any] | None:
    """An object of JSON, None where there is no such file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def append(variable: str, text: str) -> None:
    """Add to one of the files that GitHub reads after the step."""
    with Path(os.environ[variable]).open("a", encoding="utf-8") as file:
        file.write(text)


def wish(name: str) -> str:
    """An input of the action, without blanks around it."""
    return os.environ.get(f"CHECK_{name.upper().replace('-', '_')}", "").strip()


def runner_folder() -> Path:
    return Path(os.environ["RUNNER_TEMP"])


def program_folder() -> Path:
    return runner_folder() / "odyssey-asv"


def python() -> Path:
    return program_folder() / "bin" / "python"


def refused(reason: str) -> SystemExit:
    """The end of a step that was asked for something impossible: an annotation, exit code 2."""
    print(f"::error title=odyssey check::{reason.replace('%', '%25')}".replace("\n", "%0A"))
    return SystemExit(INVALID)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
