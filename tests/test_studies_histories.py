"""The study of real histories: its cases can be read, its answers are judged rightly, its program runs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.studies import by_hand, histories
from benchmarks.studies.histories import Case, CaseError, Judged, Replay, Timed, judge
from benchmarks.studies.subjects import PYPROJECT, git

A, B, C, D = (letter * 40 for letter in "abcd")
PROGRAM = [sys.executable, "-m", "benchmarks.studies.histories"]
TEXT = """
repository = "owner/name"
source = ["https://example.org/issues/1"]
good = "1.0"
bad = "2.0"
culprits = ["abc"]
select = "work"
benchmark = '''
import known


def time_work():
    known.work()


def time_other():
    known.other()
'''
"""


def report(**more: Any) -> dict[str, Any]:
    """The report of a search that found nothing, but for what is given."""
    nothing = {"outcome": "no_regression", "culprits": [], "ranges": [], "finished": True}
    return nothing | more


def until(true: Callable[[], bool]) -> None:
    """Wait for something, for a minute at most."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def named(*commits: str) -> dict[str, Any]:
    return report(outcome="culprit", culprits=[{"commit": commit} for commit in commits])


def between(after: str, commits: int) -> dict[str, Any]:
    return report(outcome="range", ranges=[{"before": D, "after": after, "commits": commits}])


@pytest.mark.parametrize(
    ("found", "answer", "unknown"),
    [
        (named(A), "right", ()),
        (named(A, C), "right", ()),
        (named(B, A, C), "right", ()),
        (named(A, D), "wrong", (D,)),
        (named(D), "wrong", (D,)),
        (named(C), "wrong", ()),
        (report(), "missed", ()),
        (report(outcome="elsewhere"), "missed", ()),
        (report(outcome="undecided"), "failed", ()),
        (report(finished=False), "failed", ()),
        (between(A, 2), "range", ()),
        (between(C, 2), "wrong", ()),
    ],
)
def test_an_answer_is_judged_by_what_is_known(
    found: dict[str, Any], answer: str, unknown: tuple[str, ...]
) -> None:
    """A and B are at fault, C is known to count; the range up to A holds D and A."""
    judged = judge(found, 1, (A, B), (C,), within={A: [D, A], C: [D, C]})
    assert (judged.answer, judged.unknown) == (answer, unknown)


def test_an_answer_is_part_where_all_culprits_are_wanted() -> None:
    assert judge(named(A), 1, (A, B), want_all=True).answer == "part"
    assert judge(named(A, B), 1, (A, B), want_all=True).answer == "right"


def test_a_search_without_a_report_is_refused_or_failed() -> None:
    assert judge(None, 2, (A,)) == Judged("refused", reason="exit code 2")
    assert judge(None, 3, (A,)) == Judged("failed", reason="exit code 3")


def test_a_named_commit_stands_before_a_range_that_is_told_with_it() -> None:
    found = named(A) | {"ranges": [{"before": D, "after": C, "commits": 3}]}
    assert judge(found, 1, (A,), within={C: [C]}).answer == "right"


def written(folder: Path, text: str) -> Path:
    path = folder / "made.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_case_is_read_whole(tmp_path: Path) -> None:
    text = "improvement = true\nall = true\narguments = ['--as-of', 'commit']\nalso = ['c']\n"
    case = histories.read_case(
        written(tmp_path, text + TEXT + "[config]\nmatrix = {}\n[by_hand]\nends = 1.5\n")
    )
    assert (case.name, case.improvement, case.all, case.also) == ("made", True, True, ("c",))
    assert case.arguments == ("--as-of", "commit")
    assert case.config == {"matrix": {}}
    assert case.by_hand == {"ends": 1.5}
    assert "def time_work" in case.benchmark


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace('good = "1.0"', ""), "good: missing"),
        (lambda text: text.replace('"1.0"', "1.0"), "good: not a str"),
        (lambda text: "speed = 3\n" + text, "speed: no such field"),
        (lambda text: text.replace('["abc"]', "[]"), "culprits: none"),
        (lambda text: text.replace('["abc"]', "[3]"), "culprits: not a list of texts"),
        (lambda text: text.replace("owner/name", "name"), "repository: 'name' is not OWNER/NAME"),
        (lambda text: text.replace('"work"', '"("'), "select: "),
        (lambda text: text.replace("import known", "import"), "benchmark: "),
        (lambda text: text + "[by_hand]\nends = '2'\n", "by_hand: a ratio is not a number"),
        (lambda text: text + "[", "made.toml: "),
    ],
)
def test_a_fault_of_a_case_names_file_and_field(
    tmp_path: Path, change: Callable[[str], str], words: str
) -> None:
    path = written(tmp_path, change(TEXT))
    with pytest.raises(CaseError) as error:
        histories.read_case(path)
    assert str(error.value).startswith(f"{path}: ")
    assert words in str(error.value)


def test_the_cases_of_the_study_can_be_read() -> None:
    """At least 33 of ten projects, in both directions, each with a source and measured by hand."""
    cases = histories.read_cases(histories.CASES, [])
    assert len(cases) >= 33
    assert len({case.repository for case in cases}) >= 10
    assert {case.improvement for case in cases} == {True, False}
    assert all(case.source[0].startswith("https://") for case in cases)
    assert [case.name for case in cases if "ends" not in case.by_hand] == []
    for case in cases:
        change = case.by_hand["ends"]
        assert change < 1 if case.improvement else change > 1, case.name


def test_the_suite_of_each_case_has_a_benchmark_that_is_selected() -> None:
    for case in histories.read_cases(histories.CASES, []):
        assert histories.selected(case), case.name


REPLAY = Replay(
    case="made",
    date="2026-12-01T00:00:00+00:00",
    version="1",
    machine="here",
    load=0.5,
    settings=("bisect", "1.0..2.0"),
    answer="right",
    exit_code=1,
    seconds=30.0,
    named=(A,),
    commits=20,
    builds=5,
    probes=6,
)
TIMED = Timed(
    case="made", date="2026-12-01T00:00:00+00:00", machine="here", load=0.5, commit=A,
    changed="yes", benchmark="time_work", ratio=1.5, low=1.4, high=1.6,
)  # fmt: skip


def test_a_log_gives_back_what_was_written(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(histories.line(one) + "\n" for one in (REPLAY, TIMED)))
    assert histories.read_log(log) == [REPLAY, TIMED]


def test_a_line_that_is_no_result_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(histories.line(REPLAY) + '\n{"format": 1, "kind": "other"}\n')
    with pytest.raises(CaseError, match="log:2: not a result of this study"):
        histories.read_log(log)


def case(**more: Any) -> Case:
    made: dict[str, Any] = {
        "name": "made", "repository": "owner/name", "source": ("https://example.org",),
        "good": "1.0", "bad": "2.0", "culprits": (A,), "select": "work", "benchmark": "",
    }  # fmt: skip
    return Case(**(made | more))


def test_the_summary_has_a_line_for_each_case_and_counts_answers() -> None:
    other = replace(
        REPLAY, case="other", answer="missed", named=(), seconds=90.0, load=2.0,
        check_s=12.0, check_code=1, asv="wrong (abc)", asv_s=80.0, reason="no_regression",
    )  # fmt: skip
    lines = histories.summary(
        [REPLAY, TIMED, other], [case(), case(name="other", improvement=True)]
    )
    assert lines[2:4] == [
        "| made | 1.0..2.0 | right | aaaaaaaaa | 5 / 20 | 30 | - | aaaaaaaaa yes ×1.5 (1.4 to 1.6) |",
        "| other, improvement | 1.0..2.0 | missed: no_regression | - | 5 / 20 | 90 (check 12, exit 1) "
        "| wrong (abc), 80 s | - |",
    ]
    assert lines[5] == (
        "2 cases: right 1 of 2 (50.0%, 1.3% to 98.7%); missed 1 of 2 (50.0%, 1.3% to 98.7%)."
    )
    assert lines[6] == "Seconds of a search: median 60, most 90."
    assert lines[7].endswith("load average before a case: 0.5 to 2.")


def test_a_case_that_was_only_measured_by_hand_has_a_line() -> None:
    lines = histories.summary([TIMED], [case()])
    assert lines[2] == ("| made | 1.0..2.0 | - | - | - | - | - | aaaaaaaaa yes ×1.5 (1.4 to 1.6) |")
    assert lines[4] == "No case was replayed."


def test_the_last_replay_of_a_case_counts() -> None:
    lines = histories.summary([replace(REPLAY, answer="wrong"), REPLAY], [case()])
    assert lines[4].startswith("1 cases: right 1 of 1")


@pytest.mark.parametrize(
    ("changed", "answer"), [("yes", "cleared"), ("no", "wrong"), ("unclear", "wrong")]
)
def test_a_wrong_commit_is_cleared_by_a_measurement_that_agrees(changed: str, answer: str) -> None:
    wrong = replace(REPLAY, answer="wrong", named=(A, B), unknown=(B,))
    measured = replace(TIMED, commit=B, changed=changed)
    assert f"| {answer} |" in histories.summary([wrong, measured], [case()])[2]


def test_a_wrong_commit_that_nobody_measured_stays_wrong() -> None:
    wrong = replace(REPLAY, answer="wrong", named=(A, B), unknown=(B,))
    assert "| wrong |" in histories.summary([wrong, TIMED], [case()])[2]


def test_a_wrong_answer_that_lacks_every_culprit_is_never_cleared() -> None:
    """It names only commits that are known besides."""
    wrong = replace(REPLAY, answer="wrong", named=(C,), unknown=())
    measured = replace(TIMED, commit=C)
    assert "| wrong |" in histories.summary([wrong, measured], [case(also=(C,))])[2]


def project(folder: Path) -> str:
    """A bare repository OWNER+NAME/repo with releases 1.0 and 2.0; the commit that makes work() slower."""
    root = folder / "source"
    root.mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    (root / "pyproject.toml").write_text(PYPROJECT)
    culprit = ""
    for number in range(6):
        size = 9000 if number >= 3 else 1000
        (root / "known.py").write_text(
            f"def work():\n    return sum(range({size}))\n\n\n"
            f"def other():\n    return sorted(range(500))\n\n\nNUMBER = {number}\n"
        )
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", f"commit {number}")
        if number == 0:
            git(root, "tag", "1.0")
        if number == 3:
            culprit = git(root, "rev-parse", "HEAD")
    git(root, "tag", "2.0")
    bare = folder / "repositories" / "owner+name" / "repo"
    bare.parent.mkdir(parents=True)
    subprocess.run(["git", "clone", "--quiet", "--bare", str(root), str(bare)], check=True)
    return culprit


def test_a_case_is_replayed_measured_by_hand_and_summed_up(tmp_path: Path) -> None:
    """On a repository made here: the commit is named and timed by hand, and the log makes the table."""
    culprit = project(tmp_path)
    cases = tmp_path / "cases"
    cases.mkdir()
    python = ".".join(map(str, sys.version_info[:2]))
    text = f'python = "{python}"\n' + TEXT.replace('"abc"', f'"{culprit[:10]}"')
    (cases / "made.toml").write_text(text)
    log = tmp_path / "log"
    command = [
        *PROGRAM, "made", "--repositories", str(tmp_path / "repositories"), "--cases", str(cases),
        "--work", str(tmp_path / "work"), "--log", str(log),
    ]  # fmt: skip
    done = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (replay,) = histories.read_log(log)
    assert isinstance(replay, Replay)
    assert (replay.answer, replay.named, replay.check_code) == ("right", (culprit,), 1)
    assert replay.commits == 5
    assert (
        (tmp_path / "work" / "made" / "bisect.log").read_text().startswith("$ odyssey_asv bisect")
    )

    done = subprocess.run(
        [*command, "--verify", "--rounds", "3"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    _, timed = histories.read_log(log)
    assert isinstance(timed, Timed)
    assert (timed.commit, timed.changed, timed.benchmark) == (culprit, "yes", "time_work")

    done = subprocess.run(
        [*PROGRAM, "--summary", str(log), "--cases", str(cases)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    row = done.stdout.splitlines()[2]
    assert row.startswith(f"| made | 1.0..2.0 | right | {culprit[:9]} |")
    assert f"{culprit[:9]} yes ×" in row


def test_a_study_in_the_background_that_is_terminated_ends_its_search(tmp_path: Path) -> None:
    """A shell has it ignore Ctrl-C; what it was told to run must not go on without it."""
    culprit = project(tmp_path)
    cases = tmp_path / "cases"
    cases.mkdir()
    text = TEXT.replace('"abc"', f'"{culprit[:10]}"')
    text = text.replace("import known\n", "import known\nimport time\n\ntime.sleep(600)\n")
    (cases / "made.toml").write_text(text)
    work = tmp_path / "work"
    command = [
        *PROGRAM, "--repositories", str(tmp_path / "repositories"), "--cases", str(cases),
        "--work", str(work),
    ]  # fmt: skip
    started = subprocess.Popen(
        ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    log = work / "made" / "bisect.log"
    until(lambda: log.is_file() and "installing" in log.read_text())
    (child,) = psutil.Process(started.pid).children()
    started.terminate()
    said, _ = started.communicate(timeout=90)
    assert started.returncode == 130, said
    assert not child.is_running()


def test_ends_that_are_not_there_are_refused(tmp_path: Path) -> None:
    culprit = project(tmp_path)
    bench = histories.Bench(tmp_path / "repositories", tmp_path / "work")
    replay = bench.replay(
        case(
            bad="9.9",
            culprits=(culprit,),
            benchmark="import known\n\n\ndef time_work(): known.work()\n",
        )
    )
    assert (replay.answer, replay.exit_code) == ("refused", 2)
    assert "9.9" in replay.reason


def test_submodules_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they come from is hardly ever reachable; what the user set for git stays."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Somebody")
    root = tmp_path / "suite"
    root.mkdir()
    git(root, "init", "--quiet")
    (root / ".gitmodules").write_text('[submodule "s"]\n\tpath = s\n\turl = ../none\n')
    git(root, "add", ".gitmodules")
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{A},s")
    (root / "updating.py").write_text(
        "import subprocess\n"
        'subprocess.run(["git", "submodule", "update", "--init"], check=True)\n'
        'subprocess.run(["git", "config", "user.name"], check=True)\n'
    )
    code, _, said = histories.Bench(tmp_path, tmp_path).run(["updating"], root, "updating")
    assert code == 0, said
    assert said.endswith("Somebody\n")


def test_a_search_is_stopped_at_its_limit(tmp_path: Path) -> None:
    bench = histories.Bench(tmp_path, tmp_path)
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "endless.py").write_text("import time\ntime.sleep(60)\n")
    code, _, _ = bench.run(["endless"], tmp_path / "suite", "endless", limit=0.2)
    assert code == 124


def test_a_repository_and_a_case_that_are_not_there_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, TEXT)
    options = ["--cases", str(tmp_path), "--repositories", str(tmp_path)]
    assert histories.main([*options, "none"]) == 2
    assert "no case 'none'; there are made" in capsys.readouterr().err
    assert histories.main([*options, "made"]) == 2
    assert "made: repository: " in capsys.readouterr().err


def test_what_cannot_be_timed_by_hand_is_unclear(tmp_path: Path) -> None:
    culprit = project(tmp_path)
    bench = histories.Bench(tmp_path / "repositories", tmp_path / "work")
    broken = case(culprits=(culprit,), benchmark="import missing\n\n\ndef time_work(): pass\n")
    (timed,) = bench.verify(broken, broken.culprits, rounds=1)
    assert timed.changed == by_hand.UNCLEAR
    assert "No module named 'missing'" in timed.reason


def test_an_import_and_a_method_are_timed_by_hand(tmp_path: Path) -> None:
    culprit = project(tmp_path)
    source = (
        "import known\n\n\ndef timeraw_import():\n    return 'import known'\n\n\nclass Work:\n"
        "    def setup(self):\n        self.call = known.work\n\n    def time_call(self):\n"
        "        self.call()\n"
    )
    suite = by_hand.Suite(source, "", ".".join(map(str, sys.version_info[:2])))
    found = by_hand.compare(tmp_path / "source", f"{culprit}^", culprit, suite, rounds=1)
    assert [one.label for one in found] == ["Work.time_call", "timeraw_import"]
    assert all(one.before_s > 0 for one in found)


@pytest.mark.parametrize(
    ("median", "low", "high", "slower", "faster"),
    [
        (1.2, 1.1, 1.3, "yes", "no"),
        (0.8, 0.7, 0.9, "no", "yes"),
        (1.01, 0.9, 1.3, "no", "no"),
        (1.1, 0.9, 1.3, "unclear", "no"),
        (0.9, 0.8, 1.1, "no", "unclear"),
    ],
)
def test_a_commit_changed_a_benchmark_where_all_rounds_agree(
    median: float, low: float, high: float, slower: str, faster: str
) -> None:
    ratio = by_hand.Ratio("time_work", 1.0, 1.0, median, low, high)
    assert ratio.changed(improvement=False) == slower
    assert ratio.changed(improvement=True) == faster
