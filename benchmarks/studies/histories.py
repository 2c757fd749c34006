"""Replays published changes of real projects: does `odyssey bisect` name the commit that is known?

A case is a file in `benchmarks/histories`: two releases of a public repository, the commits known to be at
fault, and a small suite. The repositories lie in a folder as `OWNER+NAME/repo`, bare or not. Each case gets
a clone of its own, where `odyssey check` and `odyssey bisect` run as a maintainer would run them.

`python -m benchmarks.studies.histories --repositories FOLDER [CASE...] [--check] [--asv S] [--log FILE]`
`python -m benchmarks.studies.histories --repositories FOLDER [CASE...] --verify [--log FILE]`
`python -m benchmarks.studies.histories --summary FILE...`

An answer is `right` where it names a culprit and nothing but commits known to be at fault, `part` where all
culprits were expected and some are missing, `range` where it is a range that holds one, `missed` where it
is that nothing changed, `wrong` where it names others or a range without a culprit, `refused` where the
ends were not taken, else `failed`. `--verify` times each known and each named commit beside its parent
without odyssey (`by_hand`): a commit that no case knows and that did change the benchmark is `cleared`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from benchmarks.studies import by_hand
from benchmarks.studies.commands import version_of
from benchmarks.studies.tally import share

CASES = Path(__file__).resolve().parents[1] / "histories"
RIGHT, PART, RANGE, MISSED, WRONG = "right", "part", "range", "missed", "wrong"
REFUSED, FAILED, CLEARED = "refused", "failed", "cleared"
ANSWERS = (RIGHT, CLEARED, PART, RANGE, MISSED, WRONG, REFUSED, FAILED)
_FORMAT = 1
_FOUND = re.compile(r"Greatest (?:regression|improvement) found: ([0-9a-f]+)")


class CaseError(Exception):
    """A file that is no case, or no result of this study, with the field at fault."""


@dataclass(frozen=True, slots=True)
class Case:
    """A published change of a real project. `culprits` are the commits known to have made it, `also` others
    between the ends that changed the benchmark the same way, measured by hand; `all` wants every culprit.

    `select` finds the benchmarks to search with. `path` and `requires` are for measuring by hand: where the
    packages are in a work tree, and what they need. `by_hand` has what that gave: ratios, after over
    before, of commits beside their parents and of the `ends`.
    """

    name: str
    repository: str
    source: tuple[str, ...]
    good: str
    bad: str
    culprits: tuple[str, ...]
    select: str
    benchmark: str
    also: tuple[str, ...] = ()
    all: bool = False
    improvement: bool = False
    python: str = "3.11"
    arguments: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    path: str = "."
    requires: tuple[str, ...] = ()
    by_hand: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


_TYPES: Mapping[str, type] = {
    "str": str,
    "bool": bool,
    "tuple[str, ...]": list,
    "Mapping[str, Any]": dict,
    "Mapping[str, float]": dict,
}


def read_case(path: Path) -> Case:
    """The case of a file. Raises `CaseError`, which names the file and the field."""
    try:
        entry = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CaseError(f"{path}: {error}") from error
    known = {one.name: one for one in fields(Case) if one.name != "name"}
    for name in entry:
        if name not in known:
            raise CaseError(f"{path}: {name}: no such field; there are {', '.join(known)}")
    for name, one in known.items():
        if name not in entry:
            if name in {"repository", "source", "good", "bad", "culprits", "select", "benchmark"}:
                raise CaseError(f"{path}: {name}: missing")
            continue
        wanted = _TYPES[str(one.type)]
        if not isinstance(entry[name], wanted):
            raise CaseError(f"{path}: {name}: not a {wanted.__name__}")
        if wanted is list:
            if not all(isinstance(text, str) and text for text in entry[name]):
                raise CaseError(f"{path}: {name}: not a list of texts")
            entry[name] = tuple(entry[name])
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", entry["repository"]):
        raise CaseError(f"{path}: repository: {entry['repository']!r} is not OWNER/NAME")
    if not entry["culprits"]:
        raise CaseError(f"{path}: culprits: none")
    if not all(isinstance(ratio, (int, float)) for ratio in entry.get("by_hand", {}).values()):
        raise CaseError(f"{path}: by_hand: a ratio is not a number")
    try:
        re.compile(entry["select"])
        compile(entry["benchmark"], str(path), "exec")
    except re.error as error:
        raise CaseError(f"{path}: select: {error}") from error
    except SyntaxError as error:
        raise CaseError(f"{path}: benchmark: {error}") from error
    return Case(name=path.stem, **entry)


def read_cases(folder: Path, names: Sequence[str]) -> list[Case]:
    """The named cases of a folder, or all of them. Raises `CaseError`."""
    paths = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    for name in names:
        if name not in paths:
            raise CaseError(f"{folder}: no case {name!r}; there are {', '.join(paths)}")
    if not paths:
        raise CaseError(f"{folder}: no case")
    return [read_case(paths[name]) for name in names or paths]


@dataclass(frozen=True, slots=True)
class Replay:
    """What one case gave. Seconds are wall-clock time; `unknown` are the commits that the case lacks."""

    case: str
    date: str
    version: str
    machine: str
    load: float
    settings: tuple[str, ...]
    answer: str
    exit_code: int
    seconds: float
    named: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    commits: int | None = None
    builds: int | None = None
    probes: int | None = None
    check_s: float | None = None
    check_code: int | None = None
    asv: str | None = None
    asv_s: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Timed:
    """What measuring a commit beside its parent by hand said, of the benchmark that changed most."""

    case: str
    date: str
    machine: str
    load: float
    commit: str
    changed: str
    benchmark: str = ""
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""


def line(result: Replay | Timed) -> str:
    """A result as one line of JSON."""
    kind = "replay" if isinstance(result, Replay) else "by hand"
    return json.dumps({"format": _FORMAT, "kind": kind, **asdict(result)}, sort_keys=True)


def read_log(path: Path) -> list[Replay | Timed]:
    """The results of a log, in its order. Raises `CaseError` that names the line which is none."""
    results: list[Replay | Timed] = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            results.append(_result(json.loads(text)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CaseError(f"{path}:{number}: not a result of this study: {error}") from error
    return results


def _result(entry: dict[str, Any]) -> Replay | Timed:
    if entry.pop("format") != _FORMAT:
        raise ValueError("another format")
    kind = {"replay": Replay, "by hand": Timed}[entry.pop("kind")]
    plain = {
        name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()
    }
    result: Replay | Timed = kind(**plain)
    return result


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer in one word, with what was named and what of it the case does not know."""

    answer: str
    named: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    reason: str = ""


def judge(
    report: Mapping[str, Any] | None,
    exit_code: int,
    culprits: Sequence[str],
    also: Sequence[str] = (),
    *,
    want_all: bool = False,
    within: Mapping[str, Sequence[str]] | None = None,
) -> Judged:
    """The answer of a search, its JSON report being None where there is none. Commits are full hashes.

    `within` has, by the last commit of each range in the report, the commits that it holds.
    """
    if report is None:
        return Judged(REFUSED if exit_code == 2 else FAILED, reason=f"exit code {exit_code}")
    named = tuple(one["commit"] for one in report["culprits"])
    unknown = tuple(commit for commit in named if commit not in {*culprits, *also})
    found = [commit for commit in culprits if commit in named]
    if named:
        if unknown or not found:
            return Judged(WRONG, named, unknown, "" if unknown else "no culprit among them")
        return Judged(PART if want_all and len(found) < len(culprits) else RIGHT, named)
    if report["ranges"]:
        held = {commit for one in report["ranges"] for commit in (within or {})[one["after"]]}
        told = RANGE if held & set(culprits) else WRONG
        return Judged(told, reason=f"one of {sum(one['commits'] for one in report['ranges'])}")
    if report["outcome"] in {"no_regression", "elsewhere"} and report["finished"]:
        return Judged(MISSED, reason=report["outcome"])
    return Judged(FAILED, reason=report["outcome"])


@dataclass(frozen=True, slots=True)
class Bench:
    """Where cases are replayed: what is cloned, where to work, and the limit of one command in seconds."""

    repositories: Path
    work: Path
    limit: float = 1800

    def repository(self, case: Case) -> Path:
        """Where the repository of a case lies. Raises `CaseError`."""
        path = self.repositories / case.repository.replace("/", "+") / "repo"
        if not path.is_dir():
            raise CaseError(f"{case.name}: repository: {path} is not there")
        return path

    def clone(self, case: Case) -> Path:
        """A clone of the case's own, made where there is none yet. Raises `CaseError`."""
        root = self.work / case.name / "repo"
        if not root.is_dir():
            source = self.repository(case)
            root.parent.mkdir(parents=True, exist_ok=True)
            command = ["git", "clone", "--quiet", str(source.resolve()), str(root)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise CaseError(f"{case.name}: repository: {done.stderr.strip()}")
        return root

    def suite(self, case: Case) -> Path:
        """The folder with the case's configuration and suite, beside its clone."""
        root = self.clone(case)
        folder = self.work / case.name / "suite"
        (folder / "real").mkdir(parents=True, exist_ok=True)
        config = {
            "version": 1,
            "project": case.repository.partition("/")[2],
            "repo": "../repo",
            "branches": [_git(root, "rev-parse", "--abbrev-ref", "HEAD")],
            "environment_type": "virtualenv",
            "pythons": [case.python],
            "benchmark_dir": "real",
            **case.config,
        }
        (folder / "asv.conf.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
        (folder / "real" / "__init__.py").touch()
        (folder / "real" / "suite.py").write_text(case.benchmark, encoding="utf-8")
        return folder

    def replay(self, case: Case, *, check: bool = False, asv: float = 0) -> Replay:
        """One case: its check if wanted, its search, and asv's for so many seconds. Raises `CaseError`."""
        folder, root = self.suite(case), self.clone(case)
        load, started = os.getloadavg()[0], dt.datetime.now(dt.UTC)
        kept = ["built before"] * (folder / ".odyssey").is_dir()
        culprits = [commit_of(root, case, name) for name in case.culprits]
        also = [commit_of(root, case, name) for name in case.also]
        found: dict[str, Any] = {}
        if check:
            words = ["odyssey_asv", "check", case.bad, "--base", case.good, *case.arguments]
            found["check_code"], taken, _ = self.run(words, folder, "check")
            found["check_s"] = round(taken, 1)
        written = folder.parent / "bisect"
        shutil.rmtree(written, ignore_errors=True)
        words = ["odyssey_asv", "bisect", f"{case.good}..{case.bad}", "-b", case.select]
        words += ["--improvement"] * case.improvement + list(case.arguments)
        code, seconds, said = self.run([*words, "--report", str(written)], folder, "bisect")
        report = written / "report.json"
        document = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else None
        within = {
            one["after"]: _git(root, "rev-list", f"{one['before']}..{one['after']}").split()
            for one in (document["ranges"] if document else ())
        }
        judged = judge(document, code, culprits, also, want_all=case.all, within=within)
        if asv:
            found["asv"], found["asv_s"] = self.asv(case, folder, [*culprits, *also], asv)
        return Replay(
            case=case.name,
            date=started.isoformat(timespec="seconds"),
            version=version_of("odyssey check"),
            machine=_machine(),
            load=round(load, 2),
            settings=(*words[1:], f"limit {self.limit:g} s", *kept),
            answer=judged.answer,
            exit_code=code,
            seconds=round(seconds, 1),
            named=judged.named,
            unknown=judged.unknown,
            commits=document["length"] if document else None,
            builds=document["builds"] if document else None,
            probes=document["probes"] if document else None,
            reason=judged.reason if document else _reason(said) or judged.reason,
            **found,
        )

    def asv(
        self, case: Case, folder: Path, known: Sequence[str], seconds: float
    ) -> tuple[str, float]:
        """What `asv find` says of the first selected benchmark, and how long it took."""
        words = ["asv", "find", f"{case.good}..{case.bad}", f"suite.{selected(case)[0]}"]
        words += ["--invert"] * case.improvement
        self.run(["asv", "machine", "--yes"], folder, "asv-machine")
        code, taken, said = self.run(words, folder, "asv-find", limit=seconds)
        found = _FOUND.search(said)
        if found is None:
            return ("nothing within its time" if code == 124 else "nothing"), round(taken, 1)
        right = any(commit.startswith(found[1]) for commit in known)
        return f"{RIGHT if right else WRONG} ({found[1]})", round(taken, 1)

    def run(
        self, words: Sequence[str], folder: Path, name: str, *, limit: float = 0
    ) -> tuple[int, float, str]:
        """Run a module of Python in a folder. At the limit it is interrupted, as by Ctrl-C: code 124.

        What it printed is kept beside the folder as NAME.log.
        """
        started = time.monotonic()
        log = folder.parent / f"{name}.log"
        with log.open("w", encoding="utf-8") as out:
            print("$", *words, file=out, flush=True)
            process = subprocess.Popen(
                [sys.executable, "-m", *words], cwd=folder, env=self._environment(words[0]),
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
            late = False
            try:
                process.wait(timeout=limit or self.limit)
            except subprocess.TimeoutExpired:
                late = True
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(timeout=60)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)
                process.wait()
                raise
        code = 124 if late else process.returncode
        return code, time.monotonic() - started, log.read_text(encoding="utf-8", errors="replace")

    def _environment(self, program: str) -> dict[str, str]:
        """That of this process, with the Pythons of pyenv and without submodules, which only tests need and
        no folder of repositories has. What asv knows of machines is kept in a home of its own."""
        number = os.environ.get("GIT_CONFIG_COUNT", "0")
        env = {
            **os.environ,
            "PATH": by_hand.search_path(),
            f"GIT_CONFIG_KEY_{number}": "submodule.active",
            f"GIT_CONFIG_VALUE_{number}": "none",
            "GIT_CONFIG_COUNT": str(int(number) + 1),
        }
        if program == "asv":
            home = self.work / "home"
            home.mkdir(exist_ok=True)
            env["HOME"] = str(home)
        return env

    def verify(self, case: Case, commits: Iterable[str], *, rounds: int = 5) -> Iterator[Timed]:
        """What each commit did to the benchmarks, measured by hand beside its first parent."""
        root = self.clone(case)
        suite = by_hand.Suite(case.benchmark, case.select, case.python, case.path, case.requires)
        for commit in dict.fromkeys(commit_of(root, case, name) for name in commits):
            timed = Timed(
                case=case.name,
                date=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                machine=_machine(),
                load=round(os.getloadavg()[0], 2),
                commit=commit,
                changed=by_hand.UNCLEAR,
            )
            try:
                found = by_hand.compare(root, f"{commit}^", commit, suite, rounds=rounds)
            except by_hand.NotTimedError as error:
                yield replace(timed, reason=str(error))
                continue
            order = min if case.improvement else max
            worst = order(found, key=lambda one: one.median)
            yield replace(
                timed,
                changed=worst.changed(improvement=case.improvement),
                benchmark=worst.label,
                ratio=round(worst.median, 3),
                low=round(worst.low, 3),
                high=round(worst.high, 3),
            )


def commit_of(root: Path, case: Case, name: str) -> str:
    """The full hash of a commit that a case names. Raises `CaseError`."""
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    except subprocess.CalledProcessError as error:
        raise CaseError(f"{case.name}: {name} is no commit of {case.repository}") from error


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _machine() -> str:
    return f"{platform.node()}, {os.cpu_count()} cores, {platform.platform(terse=True)}"


def _reason(said: str) -> str:
    errors = [text for text in said.splitlines() if text.startswith("error: ")]
    return errors[-1].removeprefix("error: ") if errors else ""


def selected(case: Case) -> list[str]:
    """The benchmarks that a case is searched with, as asv names them within the module."""
    names, kind = [], ""
    for text in case.benchmark.splitlines():
        if found := re.match(r"class (\w+)", text):
            kind = f"{found[1]}."
        elif found := re.match(r"(\s*)def (time\w*)\(", text):
            names.append(f"{kind if found[1] else ''}{found[2]}")
    return [name for name in names if re.search(case.select, name)]


def summary(results: Sequence[Replay | Timed], cases: Sequence[Case]) -> list[str]:
    """The table in Markdown: of each case its last replay, and what was measured by hand of it."""
    replays = {one.case: one for one in results if isinstance(one, Replay)}
    timed = {(one.case, one.commit): one for one in results if isinstance(one, Timed)}
    told = {case.name: case for case in cases}
    lines = [
        "| case | between | answer | named | builds / commits | s | `asv find` | by hand |",
        "|---|---|---|---|---|---|---|---|",
    ]
    answers: Counter[str] = Counter()
    for name in dict.fromkeys(one.case for one in results):
        case, replay = told.get(name), replays.get(name)
        measured = [one for (of, _), one in timed.items() if of == name]
        columns = [
            name + (", improvement" if case and case.improvement else ""),
            f"{case.good}..{case.bad}" if case else "",
        ]
        if replay is None:
            columns += ["-"] * 5
        else:
            answer = _answer(replay, timed)
            answers[answer] += 1
            columns += [
                answer + (f": {replay.reason}" if replay.reason else ""),
                " ".join(commit[:9] for commit in replay.named) or "-",
                f"{_or_dash(replay.builds)} / {_or_dash(replay.commits)}",
                _seconds(replay),
                f"{replay.asv}, {replay.asv_s:.0f} s" if replay.asv and replay.asv_s else "-",
            ]
        columns.append("; ".join(map(_by_hand, measured)) or "-")
        lines.append("| " + " | ".join(text.replace("|", "/") for text in columns) + " |")
    lines += ["", *_totals(list(replays.values()), answers)]
    return lines


def _answer(replay: Replay, timed: Mapping[tuple[str, str], Timed]) -> str:
    if replay.answer != WRONG or not replay.unknown:
        return replay.answer
    measured = [timed.get((replay.case, commit)) for commit in replay.unknown]
    cleared = all(one is not None and one.changed == by_hand.YES for one in measured)
    return CLEARED if cleared else WRONG


def _totals(replays: Sequence[Replay], answers: Mapping[str, int]) -> list[str]:
    if not replays:
        return ["No case was replayed."]
    seconds = [one.seconds for one in replays]
    parts = [
        f"{word} {share(answers[word], len(replays))}" for word in ANSWERS if answers.get(word)
    ]
    versions = ", ".join(dict.fromkeys(one.version for one in replays))
    loads = [one.load for one in replays]
    return [
        f"{len(replays)} cases: {'; '.join(parts)}.",
        f"Seconds of a search: median {statistics.median(seconds):.0f}, most {max(seconds):.0f}.",
        f"Versions: {versions}; machines: {'; '.join(dict.fromkeys(one.machine for one in replays))}; "
        f"load average before a case: {min(loads):g} to {max(loads):g}.",
    ]


def _seconds(replay: Replay) -> str:
    check = (
        "" if replay.check_s is None else f" (check {replay.check_s:.0f}, exit {replay.check_code})"
    )
    return f"{replay.seconds:.0f}{check}"


def _by_hand(timed: Timed) -> str:
    ratio = (
        "" if timed.ratio is None else f" ×{timed.ratio:.3g} ({timed.low:.3g} to {timed.high:.3g})"
    )
    return f"{timed.commit[:9]} {timed.changed}{ratio}"


def _or_dash(number: int | None) -> str:
    return "-" if number is None else str(number)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Exit code 1: an answer is neither right nor part; 2: a case cannot be read."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="CASE", help="default: all")
    parser.add_argument("--repositories", type=Path, metavar="FOLDER", help="of OWNER+NAME/repo")
    parser.add_argument("--cases", type=Path, default=CASES, metavar="FOLDER")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="keep clones and builds here")
    parser.add_argument("--check", action="store_true", help="run `odyssey check` before")
    parser.add_argument("--asv", type=float, default=0, metavar="S", help="`asv find` beside it")
    parser.add_argument("--limit", type=float, default=1800, metavar="S", help="for one command")
    parser.add_argument("--rounds", type=int, default=5, help="of --verify")
    parser.add_argument("--verify", action="store_true", help="measure commits by hand instead")
    parser.add_argument("--log", type=Path, metavar="FILE", help="add every result to this file")
    parser.add_argument("--summary", type=Path, nargs="+", metavar="FILE", help="of these logs")
    options = parser.parse_intermixed_args(arguments)
    try:
        cases = read_cases(options.cases, options.names)
        if options.summary:
            results = [one for path in options.summary for one in read_log(path)]
            print("\n".join(summary(results, cases)))
            return 0
        if options.repositories is None:
            parser.error("--repositories is missing")
        return _study(cases, options)
    except CaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _study(cases: Sequence[Case], options: argparse.Namespace) -> int:
    results: list[Replay | Timed] = []
    # Ended as by Ctrl-C, for the command that runs would go on by itself; and what a shell starts in the
    # background ignores Ctrl-C and hands that down.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="odyssey-study-", ignore_cleanup_errors=True) as folder:
        work = options.work or Path(folder)
        bench = Bench(options.repositories, work.resolve(), options.limit)
        for case in cases:
            bench.repository(case)  # A missing one is told now and not after hours.
        try:
            for result in _results(bench, cases, options):
                results.append(result)
                print(line(result), file=sys.stderr, flush=True)
                if options.log:
                    with options.log.open("a", encoding="utf-8") as log:
                        log.write(line(result) + "\n")
        except KeyboardInterrupt:
            return 130
        finally:
            print("\n".join(summary(results, cases)), flush=True)
    good = {RIGHT, PART}
    return int(any(isinstance(one, Replay) and one.answer not in good for one in results))


def _results(
    bench: Bench, cases: Sequence[Case], options: argparse.Namespace
) -> Iterator[Replay | Timed]:
    known = read_log(options.log) if options.verify and options.log and options.log.exists() else []
    for case in cases:
        if options.verify:
            named = [
                commit
                for one in known
                if isinstance(one, Replay) and one.case == case.name
                for commit in one.named
            ]
            commits = [*case.culprits, *case.also, *named]
            yield from bench.verify(case, commits, rounds=options.rounds)
        else:
            yield bench.replay(case, check=options.check, asv=options.asv)


if __name__ == "__main__":
    sys.exit(main())
