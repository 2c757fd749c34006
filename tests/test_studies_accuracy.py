"""The study of accuracy counts rightly, and its repositories slow down by what they say."""

from __future__ import annotations

import ast
import json
import math
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.studies import accuracy, commands, subjects, tally
from benchmarks.studies.subjects import FAMILIES, ONE, Case, Work
from benchmarks.studies.tally import (
    ASV,
    CHANGED,
    COLD,
    ODYSSEY,
    SAME,
    Judged,
    Run,
    Setting,
    Tally,
    Zone,
)

_CASES = (Case("a_0", 0), Case("b_10", 10), Case("c_10", 10), Case("d_10", 10))


def _run(what: str = CHANGED, tool: str = ODYSSEY, **more: object) -> Run:
    made = {
        "date": "2026-11-01T00:00:00+00:00",
        "turn": "1",
        "version": "1",
        "setting": Setting("python"),
        "seconds": 10.0,
        "exit_code": 0,
        "tallies": {0: Tally(2), 10: Tally(2, alarms=2)},
        **more,
    }
    return Run(what=what, tool=tool, **made)  # type: ignore[arg-type]


def test_a_case_that_is_not_in_the_report_is_never_right() -> None:
    """Neither called nor spared: it is in no share and has a number of its own."""
    judged = {"b_10": Judged("regression"), "c_10": Judged("failed", None, "it broke")}
    counts = tally.count(_CASES, judged, CHANGED, Zone())
    assert counts.tallies == {0: Tally(1, missing=1), 10: Tally(3, alarms=1, missing=2)}
    assert counts.missing == {"a_0": "absent", "c_10": "it broke", "d_10": "absent"}


def test_an_undecided_case_counts_as_one_that_is_not_called() -> None:
    judged = {"b_10": Judged("inconclusive", 1.09, "time was up")}
    counts = tally.count(_CASES[1:2], judged, CHANGED, Zone())
    assert counts.tallies == {10: Tally(1, undecided=1, ratio=1.09)}
    assert counts.undecided == {"b_10": "time was up"}
    shown = tally.table([_run(tallies=counts.tallies)])
    assert (
        "    true +10 %: called a regression in 0 of 1 (0.0%, 0.0% to 97.5%), 1 undecided" in shown
    )


@pytest.mark.parametrize(
    ("what", "zone", "wrong"),
    [
        (CHANGED, Zone(), ["a_0"]),
        (CHANGED, Zone(10.0, 20.0), ["a_0", "b_10"]),
        (SAME, Zone(), ["a_0", "b_10"]),
        (COLD, Zone(), ["a_0", "b_10"]),
    ],
)
def test_an_alarm_up_to_the_tolerance_is_false(what: str, zone: Zone, wrong: list[str]) -> None:
    judged = {"a_0": Judged("regression", 1.06), "b_10": Judged("regression", 1.1)}
    assert sorted(tally.count(_CASES[:2], judged, what, zone).wrong) == wrong


def test_a_run_reads_back_as_it_was_written(tmp_path: Path) -> None:
    runs = [
        _run(sampling=0.5, wrong={"a_0": 1.06}),
        _run(SAME, ASV, setting=Setting("mixed", Zone(1.0, 3.0), load=True, cpu=1)),
    ]
    log = tmp_path / "log"
    log.write_text("".join(run.line() + "\n" for run in runs))
    assert tally.read(log) == runs


@pytest.mark.parametrize("line", ["{}", "[1]", "nothing", '{"format": 99}'])
def test_a_line_that_is_no_run_is_named(tmp_path: Path, line: str) -> None:
    log = tmp_path / "log"
    log.write_text(f"{_run().line()}\n{line}\n")
    with pytest.raises(ValueError, match=re.escape(f"{log}:2")):
        tally.read(log)


@pytest.mark.parametrize(
    ("hits", "of", "shown"),
    [
        (0, 0, "0 of 0"),
        (0, 20, "0 of 20 (0.0%, 0.0% to 16.8%)"),
        (20, 20, "20 of 20 (100.0%, 83.2% to 100.0%)"),
        (3, 5, "3 of 5 (60.0%, 14.7% to 94.7%)"),
        (8, 125, "8 of 125 (6.4%, 2.8% to 12.2%)"),
        (0, 20_000, "0 of 20000 (0.0%, 0.0% to 0.0%)"),
        (123, 20_000, "123 of 20000 (0.6%, 0.5% to 0.7%)"),
    ],
)
def test_shares_have_the_exact_interval(hits: int, of: int, shown: str) -> None:
    assert tally.share(hits, of) == shown


def test_wall_times_are_compared_within_a_turn() -> None:
    """By the median of the ratios; a run without its partner is in none."""
    runs = [
        _run(turn="1", tool=ASV, seconds=20.0),
        _run(turn="1", seconds=10.0),
        _run(turn="2", seconds=30.0),
        _run(turn="2", tool=ASV, seconds=30.0),
        _run(turn="3", tool=ASV, seconds=1000.0),
    ]
    assert "  wall time over asv's, with slowdowns: 0.75 (0.50 to 1.00, 2 pairs)" in tally.table(
        runs
    )


def test_starts_from_nothing_are_compared_by_medians() -> None:
    of_one = {"setting": Setting(ONE), "what": COLD}
    seconds = [(1, 10.0), (2, 40.0), (9, 20.0)]
    runs = []
    for turn, (ours, theirs) in enumerate(seconds):
        runs.append(_run(turn=str(turn), seconds=float(ours), **of_one))  # type: ignore[arg-type]
        runs.append(_run(turn=str(turn), tool=ASV, seconds=theirs, **of_one))  # type: ignore[arg-type]
    shown = tally.table(runs)
    assert "  wall time over asv's, from nothing: 0.10 (of medians, 3 turns)" in shown
    assert not any("called" in line for line in shown)


def test_runs_with_an_alarm_are_counted_beside_the_cases() -> None:
    runs = [_run(SAME, tallies={0: Tally(25, alarms=alarms)}) for alarms in (0, 2, 1, 0)]
    shown = tally.table(runs)
    assert "    unchanged code: 3 of 100 (3.0%, 0.6% to 8.5%) of cases" in shown
    assert "                    2 of 4 (50.0%, 6.8% to 93.2%) of runs" in shown


def test_a_case_that_newly_fails_alarms_the_run() -> None:
    runs = [_run(SAME, exit_code=1, tallies={0: Tally(25, missing=1)})]
    shown = tally.table(runs)
    assert "    unchanged code: 0 of 24 (0.0%, 0.0% to 14.2%) of cases" in shown
    assert "                    1 of 1 (100.0%, 2.5% to 100.0%) of runs" in shown


def test_a_run_without_any_verdict_is_neither_quiet_nor_right() -> None:
    runs = [_run(SAME, exit_code=2, tallies={0: Tally(25, missing=25)})]
    shown = tally.table(runs)
    assert "    unchanged code: 0 of 0 of cases" in shown
    assert "    not measured: 25" in shown
    assert "    runs that ended with exit code 2 and no verdict: 1" in shown


def test_settings_are_told_apart() -> None:
    runs = [_run(), _run(setting=Setting("python", load=True, cpu=1))]
    heads = [line for line in tally.table(runs) if line.endswith(":")]
    assert heads == [
        "python, 4 cases, no load made, zone 5 % to 10 %:",
        "python, 4 cases, a process comes and goes on the processor, on processor 1, zone 5 % to 10 %:",
    ]


def test_no_line_is_wider_than_a_hundred_characters() -> None:
    wrong = {f"suite.Reading.time_a_rather_long_name_{i}(2000)": 1.061 for i in range(40)}
    big = Tally(20_000, alarms=12_345, undecided=1_234, missing=1_234)
    setting = Setting("python", Zone(0.3, 1.0), load=True, cpu=63)
    runs = [
        _run(what, tool, tallies={20: big}, wrong=wrong, setting=setting, seconds=1234.5)
        for tool in (ASV, ODYSSEY)
        for what in (CHANGED, SAME)
    ]
    assert max(map(len, tally.table(runs))) <= 100


EXCHANGED = ("waiting", "flaky")


@pytest.mark.parametrize("name", [n for n in (*FAMILIES, ONE) if n not in EXCHANGED])
def test_repositories_slow_down_by_what_they_say(tmp_path: Path, name: str) -> None:
    """The unit of each kind stays; how often it is done grows by exactly the per cent of its name."""
    family = subjects.family(name)
    root = tmp_path / "repository"
    family.make(root, slowed=True)
    before, after = (_module(root, commit) for commit in ("main~1", "main"))
    assert before.functions == after.functions
    found = {name: 100 * (after.counts[name] / before.counts[name] - 1) for name in before.counts}
    assert found == {
        f"{work.name}_{slowdown}": pytest.approx(slowdown)
        for work in family.works
        if isinstance(work, Work)
        for slowdown in work.slowdowns
    }
    # The suite calls what it says it calls, and every case is among those expected.
    suite = (root / "benchmarks" / "suite.py").read_text()
    called = re.findall(r"def time_(\w+)\(.*\):\n +known\.\w+\(known\.(\w+)", suite)
    assert [first for first, _ in called] == [second for _, second in called]
    expected = {re.sub(r".*time_|\(.*", "", case.label) for case in family.cases}
    assert expected == {first for first, _ in called}
    assert all(f"_{case.slowdown}" in case.label for case in family.cases)


@pytest.mark.parametrize(("name", "cases"), [("python", 25), ("many", 100), (ONE, 1)])
def test_families_have_as_many_cases_as_they_say(name: str, cases: int) -> None:
    labels = [case.label for case in subjects.family(name).cases]
    assert len(labels) == len(set(labels)) == cases


def test_the_twin_does_not_slow_down(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    subjects.family("python").make(root, slowed=False)
    before, after = (_module(root, commit) for commit in ("main~1", "main"))
    assert before == after


def test_every_benchmark_runs(tmp_path: Path) -> None:
    """With the class, set-up, cache and parameters that it wants; those of the longest are left out."""
    for name in ("python", "mixed"):
        root = tmp_path / name
        subjects.family(name).make(root, slowed=True)
        code = "import suite\n" + "\n".join(
            _call(work)
            for work in subjects.family(name).works
            if isinstance(work, Work) and work.name != "call_of_50_ms"
        )
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={"PYTHONPATH": f"{root}:{root / 'benchmarks'}"},
            check=True,
        )


@pytest.mark.parametrize("name", EXCHANGED)
def test_what_is_exchanged_runs_before_and_after(tmp_path: Path, name: str) -> None:
    """Each commit does what it says, and the suite calls it; what fails by chance does so with the error it
    is meant to fail with."""
    root = tmp_path / "repository"
    family = subjects.family(name)
    family.make(root, slowed=True)
    assert len(family.cases) == len({case.label for case in family.cases}) == len(family.works)
    for commit in ("main~1", "main"):
        subjects.git(root, "checkout", "--quiet", commit)
        code = "import known\nimport suite\n" + "\n".join(
            f"try: known.{work.name}()\nexcept (ValueError, StopIteration): pass"
            for work in family.works
            if "end_at" not in work.module(slowed=False)
            and "late_at" not in work.module(slowed=False)
        )
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{root}:{root / 'benchmarks'}"},
            check=True,
        )


def test_cases_that_newly_fail_and_that_became_faster_are_counted() -> None:
    cases = (Case("a", subjects.FAILS), Case("b", subjects.FAILS), Case("c", -50), Case("d", -50))
    judged = {
        "a": Judged("failed"),
        "b": Judged("unchanged"),
        "c": Judged("faster"),
        "d": Judged("regression"),
    }
    counts = tally.count(cases, judged, CHANGED, Zone())
    assert counts.tallies == {
        subjects.FAILS: Tally(2, alarms=1),
        -50: Tally(2, alarms=1, faster=1),
    }
    assert counts.wrong == {"d": None}
    shown = tally.table([_run(tallies=counts.tallies)])
    assert "    newly failing: called failed in 1 of 2 (50.0%, 1.3% to 98.7%)" in shown
    assert "    true -50 %: called faster in 1 of 2 (50.0%, 1.3% to 98.7%)" in shown


def _call(work: Work) -> str:
    lines = []
    for case in work.cases():
        *place, name = case.label.partition("(")[0].split(".")
        target = ".".join(place)
        lines.append(f"it = {target}{'()' if work.owner else ''}")
        lines.append("getattr(it, 'setup', lambda: None)()")
        lines.append("given = [it.setup_cache()] if hasattr(it, 'setup_cache') else []")
        lines.append(f"given += {re.findall(r'[(](.*)[)]', case.label)}")
        lines.append(f"it.{name}(*[int(g) if g.isdigit() else g for g in given])")
    return "\n".join(lines)


def test_a_slowdown_that_is_no_whole_number_of_units_is_refused() -> None:
    with pytest.raises(ValueError, match="no whole number"):
        Work("x", "pass", units=20, slowdowns=(3,)).module(slowed=True)


class _Module:
    def __init__(self, source: str) -> None:
        self.counts: dict[str, int] = {}
        self.functions: list[str] = []
        for node in ast.parse(source).body:
            if isinstance(node, ast.Assign) and re.search(r"_\d+ = \d+$", ast.unparse(node)):
                name, _, value = ast.unparse(node).partition(" = ")
                self.counts[name] = int(value)
            elif isinstance(node, ast.FunctionDef):
                self.functions.append(ast.unparse(node))

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, _Module)
        return (self.counts, self.functions) == (other.counts, other.functions)

    __hash__ = None  # type: ignore[assignment]


def _module(root: Path, commit: str) -> _Module:
    return _Module(
        subprocess.run(
            ["git", "show", f"{commit}:known.py"],
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )


def test_the_rows_that_asv_marks_are_read() -> None:
    """Names with parameters, and ratios that asv gives with a tilde, or not at all."""
    output = """
| Change   | Before [a] <main~1>   | After [b] <main>   |   Ratio | Benchmark (Parameter)        |
|----------|-----------------------|--------------------|---------|------------------------------|
| +        | 235±1μs               | 307±2μs            |    1.31 | suite.time_integers_20       |
| +        | 235±1μs               | 307±2μs            |   ~1.20 | suite.Split.time_split_5(20) |
| +        | 1.00±0ms              | failed             |     n/a | suite.time_text_0            |
| -        | 235±1μs               | 207±2μs            |    0.88 | suite.time_text_3            |

SOME BENCHMARKS HAVE CHANGED SIGNIFICANTLY.
"""
    assert commands.slower_by_asv(output) == {
        "suite.time_integers_20": Judged("regression", 1.31),
        "suite.Split.time_split_5(20)": Judged("regression", 1.2),
        "suite.time_text_0": Judged("regression"),
    }


def test_cases_of_a_report_are_read_with_their_parameters() -> None:
    document = json.loads(
        '{"cases": [{"id": "suite.S.time_a_5", "params": {"n": "20"}, "verdict": "slower",'
        ' "ratio": 1.05, "reason": null}]}'
    )
    assert commands.judged_by_odyssey(document) == {
        "suite.S.time_a_5(20)": Judged("slower", 1.05, None)
    }


def test_what_asv_did_not_measure_at_both_commits_was_not_measured(tmp_path: Path) -> None:
    """asv's own fixture holds failed and skipped cases."""
    (tmp_path / "machine").mkdir()
    columns = ["result", "params", "version"]
    (tmp_path / "benchmarks.json").write_text('{"version": 2}')
    for commit, value in (("a" * 40, 1.0), ("b" * 40, math.nan)):
        (tmp_path / "machine" / f"{commit[:8]}-env.json").write_text(
            json.dumps(
                {
                    "commit_hash": commit, "env_name": "env", "date": 1, "params": {}, "python": "3",
                    "requirements": {}, "env_vars": {}, "result_columns": columns, "durations": {},
                    "results": {
                        "suite.time_a": [[1.0], [], "1"],
                        "suite.time_b": [[None if math.isnan(value) else value], [], "1"],
                        "suite.S.time_c": [[1.0, value], [["20", "200"]], "1"],
                    },
                    "version": 2,
                }
            )
        )  # fmt: skip
    assert commands.measured_by_asv(tmp_path) == {"suite.time_a", "suite.S.time_c(20)"}


def test_jobs_go_on_in_random_order_until_time_is_up() -> None:
    family = subjects.family(ONE)
    jobs = [accuracy.Job(family, what, Path(what)) for what in (CHANGED, SAME)]
    once = list(accuracy.shuffled(jobs, random.Random(0), again=False))
    assert sorted(job.what for job in once) == [CHANGED, SAME]
    endless = accuracy.shuffled(jobs, random.Random(0), again=True)
    assert sum(next(endless).what == SAME for _ in range(20)) == 10
    assert list(accuracy.shuffled([], random.Random(0), again=True)) == []
