"""`odyssey run` end to end: the real command, real asv, real git."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.projects import (
    EXISTING,
    ODYSSEY,
    SUITE,
    Answer,
    Project,
    Started,
    entries,
    family,
    finished,
    gone,
    load,
    make,
    statuses,
    wait_for,
)

TRACE = """
import os
import time


def trace(word):
    with open(os.environ["CALLS"], "a") as stream:
        stream.write(word + "\\n")


"""

# Each must lose only itself.
BAD = """
import os
import signal
import subprocess
import sys
import time


@quick
def time_good():
    pass


@quick
def time_raises():
    raise ValueError("broken on purpose")


@quick
def time_exits():
    print("last words", file=sys.stderr, flush=True)
    os._exit(7)


@quick
def time_exits_as_if_well():
    os._exit(0)


@quick
def time_killed():
    os.kill(os.getpid(), signal.SIGKILL)


@quick
def time_hangs():
    print("going to sleep", flush=True)
    time.sleep(600)


time_hangs.timeout = 1


@quick
def time_hangs_and_chatters():
    while True:
        print("still here", flush=True)
        time.sleep(0.1)


time_hangs_and_chatters.timeout = 1


@quick
def time_leaves_a_child_with_its_output():
    subprocess.Popen(["sleep", "600"], start_new_session=True)


time_leaves_a_child_with_its_output.timeout = 1
time_leaves_a_child_with_its_output.rounds = 1
time_leaves_a_child_with_its_output.repeat = 1


@quick
def time_prints_megabytes():
    sys.stdout.write("x" * 4_000_000)
    sys.stderr.write("y" * 4_000_000)


@quick
def time_moves():
    os.chdir("/")


@quick
def time_reads_its_input():
    assert sys.stdin.read() == ""


@quick
def time_closes_its_output():
    os.close(1)
    os.close(2)


def time_is_skipped(n):
    pass


def no(n):
    raise NotImplementedError


time_is_skipped.setup = no
time_is_skipped.params = [1]


def track_none():
    return None


def track_nan():
    return float("nan")


def peakmem_list():
    return [0] * 1000


def time_other_module():
    pass


time_other_module.number = 3
"""
FINE = {
    "time_good", "time_prints_megabytes", "time_moves", "time_reads_its_input", "peakmem_list",
    "time_other_module",
}  # fmt: skip


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Answer]:
    """One run of every benchmark that misbehaves."""
    project = make(tmp_path_factory.mktemp("bad") / "p", BAD)
    return project, project.run()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Answer]:
    """One run in which all is well. Not to be changed."""
    project = make(tmp_path_factory.mktemp("good") / "p")
    project.git("tag", "v1.0")
    return project, project.run()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make(tmp_path / "p")


def test_a_run_writes_one_file_for_head(good: tuple[Project, Answer]) -> None:
    project, answer = good
    head = project.git("rev-parse", "HEAD")
    assert answer.code == 0, answer.words()
    (path,) = answer.paths
    assert path.parent == project.results
    assert re.fullmatch(rf"\d{{8}}T\d{{6}}Z-{head[:8]}_results\.json", path.name)
    document = answer.document
    assert document["schema_version"] == "1.0"
    assert document["timestamp"].endswith("Z")
    assert document["commit"]["hash"] == head
    assert document["commit"]["branch"] == "main"
    assert document["commit"]["dirty"] is False
    assert document["commit"]["describe"] == "v1.0"
    run = document["run"]
    assert (run["kind"], run["complete"], run["quick"]) == ("asv", True, False)
    assert (run["budget_s"], run["selection"]) == (900, [])
    place = document["environment"]
    assert place["asv_version"].startswith("0.6")
    assert place["asv_runner_version"].startswith("0.3")
    assert place["packages"]["asv"] == place["asv_version"]
    assert place["python_version"].count(".") == 2
    assert place["cores"] == os.cpu_count()


def test_processes_are_kept_apart(good: tuple[Project, Answer]) -> None:
    entry = entries(good[1].document)["suite.time_add"]
    assert [len(process) for process in entry["processes"]] == [2, 2]
    assert (entry["iterations"], entry["number"], entry["statistic"]) == (4, 1, "median")
    assert entry["duration_ms"] == pytest.approx(entry["value"] * 1000)


def test_names_and_parameters(good: tuple[Project, Answer]) -> None:
    assert {name: (e["name"], e["params"], e["type"]) for name, e in entries(good[1].document).items()} == {
        "suite.time_add": ("add", {}, "time"),
        "suite.time_power(1)": ("power", {"n": "1"}, "time"),
        "suite.time_power(2)": ("power", {"n": "2"}, "time"),
        "suite.track_three": ("three", {}, "track"),
    }  # fmt: skip


def test_data_and_words_go_their_own_ways(good: tuple[Project, Answer]) -> None:
    answer = good[1]
    assert len(answer.out.splitlines()) == 1
    assert "measuring 1 commit" in answer.err
    assert answer.err.splitlines()[-1].startswith("next: odyssey history")
    assert "\x1b" not in answer.out + answer.err


def test_asv_sees_no_home(good: tuple[Project, Answer]) -> None:
    """Nothing is asked and nothing is left in the home folder."""
    assert not (good[0].home / ".asv-machine.json").exists()


def test_a_bad_benchmark_loses_only_itself(bad: tuple[Project, Answer]) -> None:
    answer = bad[1]
    assert answer.code == 3, answer.words()
    found = statuses(answer.document)
    assert {name for name, status in found.items() if status == "ok"} == FINE
    assert {name for name, status in found.items() if status == "timeout"} == {
        "time_hangs", "time_hangs_and_chatters", "time_leaves_a_child_with_its_output",
    }  # fmt: skip
    assert {name for name, status in found.items() if status == "skipped"} == {
        "time_is_skipped(1)", "track_nan",
    }  # fmt: skip
    assert {name for name, status in found.items() if status == "failed"} == {
        "time_raises", "time_exits", "time_exits_as_if_well", "time_killed", "track_none",
        "time_closes_its_output",
    }  # fmt: skip
    assert answer.document["run"]["complete"] is True


def test_the_reason_holds_the_last_words(bad: tuple[Project, Answer]) -> None:
    found = entries(bad[1].document)
    assert found["suite.time_raises"]["reason"].endswith("ValueError: broken on purpose")
    assert "last words" in found["suite.time_exits"]["reason"]
    assert found["suite.time_exits"]["exit_status"] == 7
    assert found["suite.time_killed"]["exit_status"] == -9
    assert "going to sleep" in found["suite.time_hangs"]["reason"]
    assert "longer than 1" in found["suite.time_hangs_and_chatters"]["reason"]
    assert "None" in found["suite.track_none"]["reason"]


def test_failures_are_told_once_each(bad: tuple[Project, Answer]) -> None:
    answer = bad[1]
    lines = answer.err.splitlines()
    assert sum("broken on purpose" in line for line in lines) == 1
    assert sum("  failed: suite.time_raises" in line for line in lines) == 1
    assert any(".odyssey/logs/" in line for line in lines)
    assert any(answer.out.strip() in line for line in lines)


def test_failed_benchmarks_are_stored_too(bad: tuple[Project, Answer]) -> None:
    """The same command measures nothing again and gives the same answer."""
    project, first = bad
    again = project.run()
    assert (again.code, again.out) == (3, first.out), again.words()
    assert "stored already" in again.err
    assert "broken on purpose" in again.err


def test_no_child_of_a_benchmark_is_left(bad: tuple[Project, Answer]) -> None:
    import psutil

    left = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "600"]]
    assert left == []


COUNTED = (
    TRACE
    + """
@quick
def time_a():
    pass


def setup_a():
    trace("a")


time_a.setup = setup_a


@quick
def time_b(n):
    pass


def setup_b(n):
    trace(f"b{n}")
    if n == 3:
        raise NotImplementedError


time_b.setup = setup_b
time_b.params = [1, 2, 3]
"""
)


def test_what_is_stored_is_not_measured_again(tmp_path: Path) -> None:
    project = make(tmp_path / "p", COUNTED)
    first = project.run()
    calls = project.counted()
    assert (first.code, sorted(set(calls))) == (0, ["a", "b1", "b2", "b3"]), first.words()
    again = project.run()
    assert (again.code, again.out) == (0, first.out)
    assert "stored already" in again.err
    assert project.counted() == calls
    forced = project.run("--force")
    assert forced.code == 0
    assert forced.out != first.out
    assert sorted(project.counted()) == sorted(calls * 2)


def test_a_part_then_the_whole_measures_the_rest(tmp_path: Path) -> None:
    """Both kinds of NaN: the parameter left out is measured, the skipped one is not again."""
    project = make(tmp_path / "p", COUNTED)
    part = project.run("-b", r"time_b\([13]\)")
    assert part.code == 0, part.words()
    assert part.document["run"]["selection"] == [r"time_b\([13]\)"]
    assert part.document["run"]["complete"] is True
    assert statuses(part.document) == {
        "time_a": "not_selected", "time_b(1)": "ok", "time_b(2)": "not_selected",
        "time_b(3)": "skipped",
    }  # fmt: skip
    before = project.counted()
    assert set(before) == {"b1", "b3"}
    whole = project.run()
    assert whole.code == 0, whole.words()
    assert set(project.counted()[len(before) :]) == {"a", "b2"}
    assert statuses(whole.document) == {
        "time_a": "ok", "time_b(1)": "ok", "time_b(2)": "ok", "time_b(3)": "skipped",
    }  # fmt: skip
    found = entries(whole.document)
    assert all(found[f"suite.{name}"]["processes"] for name in ("time_a", "time_b(1)"))
    known = entries(part.document)["suite.time_b(1)"]
    assert found["suite.time_b(1)"]["processes"] == known["processes"]


def test_a_changed_benchmark_is_measured_again(tmp_path: Path) -> None:
    project = make(tmp_path / "p", COUNTED)
    project.run()
    before = len(project.counted())
    text = (project.path / "benchmarks/suite.py").read_text(encoding="utf-8")
    project.write("benchmarks/suite.py", text.replace('trace("a")', 'trace("a2")'))
    # A commit of its own has no results yet, so this one is measured dirty, at the same commit.
    answer = project.odyssey("run", "-E", EXISTING)
    assert answer.code == 0, answer.words()
    assert "a2" in project.counted()[before:]
    assert answer.document["commit"]["dirty"] is True


def test_numbers_of_changed_code_answer_for_nothing(tmp_path: Path) -> None:
    """What is installed is measured; uncommitted changes make it something else than the commit."""
    project = make(tmp_path / "p", COUNTED)
    project.write("code.py", "")
    project.commit()
    project.write("code.py", "changed = True\n")
    assert project.run("-b", "time_a").document["commit"]["dirty"] is True
    count = len(project.counted())
    assert project.run("-b", "time_a").document["commit"]["dirty"] is True
    assert len(project.counted()) == 2 * count
    project.git("checkout", "--quiet", "code.py")
    assert project.run("-b", "time_a").document["commit"]["dirty"] is False
    assert len(project.counted()) == 3 * count


SLOW = (
    TRACE
    + """
def body(self):
    trace(type(self).__name__)
    time.sleep(0.25)


class Base:
    number, repeat, warmup_time, rounds = 1, 1, 0, 1


class A(Base):
    time_it = body


class B(Base):
    time_it = body


class C(Base):
    time_it = body


class D(Base):
    time_it = body
"""
)


def _halfway(project: Project, *words: str) -> Started:
    """A run of SLOW that has measured at least two of its four benchmarks."""
    child = project.start("run", "-E", EXISTING, *words)
    wait_for(lambda: len(project.counted()) >= 3)
    return child


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """Nor does a quick run in between cost it what it had."""
    project = make(tmp_path / "p", SLOW)
    child = _halfway(project)
    for process in family(child.pid):
        process.kill()
    child.communicate()
    finished_before = project.counted()[:-1]
    assert not list(project.results.glob("*"))
    assert project.run("--quick", "-b", "D").code == 0
    project.calls.write_text("".join(f"{word}\n" for word in finished_before), encoding="utf-8")
    answer = project.run()
    assert answer.code == 0, answer.words()
    assert set(statuses(answer.document).values()) == {"ok"}
    assert answer.document["run"]["complete"] is True
    counted = project.counted()
    assert all(counted.count(word) == 1 for word in finished_before), counted
    assert sorted(counted) == ["A", "B", "C", "D"]
    assert all(entry["processes"] for entry in answer.document["benchmarks"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_a_partial_file_and_goes_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    project = make(tmp_path / "p", SLOW)
    child = _halfway(project)
    running = family(child.pid)
    child.send_signal(number)
    answer = finished(child)
    assert answer.code == 130, answer.words()
    assert "goes on" in answer.err
    wait_for(lambda: gone(running), 3)
    (path,) = project.results.glob("*.json")
    document = load(path)
    assert document["run"]["complete"] is False
    found = list(statuses(document).values())
    assert "ok" in found
    assert "not_selected" in found
    if number is signal.SIGTERM:
        return
    after = project.run()
    assert after.code == 0, after.words()
    assert set(statuses(after.document).values()) == {"ok"}
    done = [name for name, status in statuses(document).items() if status == "ok"]
    counted = project.counted()
    assert all(counted.count(name.partition(".")[0]) == 1 for name in done), (counted, done)


def test_when_only_the_command_is_killed_asv_and_benchmark_end(tmp_path: Path) -> None:
    suite = TRACE + "def time_it():\n    trace('x')\n    time.sleep(500)\n"
    project = make(tmp_path / "p", suite)
    child = project.start("run", "-E", EXISTING)
    wait_for(project.counted)
    running = family(child.pid)
    assert len(running) >= 3
    child.kill()
    child.communicate()
    wait_for(lambda: gone(running), 10)


def test_the_budget_leaves_a_partial_file_and_the_next_run_goes_on(tmp_path: Path) -> None:
    project = make(tmp_path / "p", SLOW)
    answer = project.run("--budget", "1")
    assert answer.code == 3, answer.words()
    assert "budget" in answer.err
    run = answer.document["run"]
    assert (run["complete"], run["budget_s"]) == (False, 1)
    found = list(statuses(answer.document).values())
    assert "ok" in found
    assert "not_selected" in found
    after = project.run()
    assert after.code == 0, after.words()
    assert sorted(project.counted()) == ["A", "B", "C", "D"]
    assert after.document["run"]["complete"] is True


def test_the_second_of_two_runs_says_so(tmp_path: Path) -> None:
    project = make(tmp_path / "p", SLOW)
    first = project.start("run", "-E", EXISTING)
    wait_for(project.counted)
    second = project.run()
    assert second.code == 3
    assert "another run" in second.err
    assert "wait for it" in second.err
    assert finished(first).code == 0
    assert sorted(project.counted()) == ["A", "B", "C", "D"]


def test_a_quick_run_stores_nothing(project: Project) -> None:
    answer = project.run("--quick")
    assert answer.code == 0, answer.words()
    assert answer.document["run"]["quick"] is True
    assert not project.results.exists()
    assert not list(project.asv_results.rglob("*-existing*.json"))
    assert project.results not in answer.paths[0].parents


def test_json_says_what_was_written(good: tuple[Project, Answer], project: Project) -> None:
    answer = project.run("--json", "-b", "track")
    document = json.loads(answer.out)
    assert document["stored"] == []
    (written,) = document["written"]
    assert written["complete"] is True
    assert Path(written["path"]).is_file()
    again = json.loads(project.run("--json", "-b", "track").out)
    assert again["written"] == []
    assert [kept["path"] for kept in again["stored"]] == [written["path"]]


def test_out_machine_and_verbose(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere" / "deep"
    answer = project.odyssey(
        "-v", "run", "-E", EXISTING, "-b", "track", "-m", "bench box", "--out", str(out)
    )
    assert answer.code == 0, answer.words()
    assert answer.paths[0].parent == out
    assert answer.document["environment"]["machine"] == "bench box"
    assert "Discovering benchmarks" in answer.err
    assert (project.asv_results / "bench box").is_dir()


@pytest.mark.parametrize("name", ["../x", "a/b", "", "-m", "..", "a\x1b[31m", "n" * 300])
def test_a_machine_name_that_is_no_folder_name_is_refused(project: Project, name: str) -> None:
    answer = project.here("run", "-E", EXISTING, f"--machine={name}")
    assert answer.code == 2, answer.words()
    assert "machine" in answer.err
    assert "-m NAME" in answer.err
    assert not project.asv_results.exists()
    assert not project.results.exists()


@pytest.mark.parametrize("spec", ["existing:../x", "nosuchtype:3.11", "-x", "existing:/no/python"])
def test_an_environment_that_is_none_is_refused(project: Project, spec: str) -> None:
    answer = project.odyssey("run", f"--environment={spec}")
    assert answer.code in (2, 3), answer.words()
    assert not list(project.results.glob("*"))
    assert "log" in answer.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nosuchref"], 2, "unknown commit or reference 'nosuchref'"),
        (["HEAD..nosuchref"], 2, "nosuchref"),
        (["--", "-x"], 2, "never begins with '-'"),
        (["--", "-x..HEAD"], 2, "never begins with '-'"),
        (["HEAD..--upload-pack=x"], 2, "never begins with '-'"),
        (["--", "--all"], 2, "never begins with '-'"),
        (["-x"], 2, "No such option"),
        (["HEAD..HEAD"], 2, "no commits in the range"),
        (["HASHFILE:missing"], 2, "missing"),
        (["HASHFILE:binary"], 2, "not a text"),
        (["EXISTING"], 2, "no commits selected"),
        (["--sample", "0"], 2, "0"),
        (["--budget", "0"], 2, "0"),
        (["-b", "("], 2, "not a regular expression"),
        (["-b", "nothing_is_called_so"], 2, "no benchmark matches 'nothing_is_called_so'"),
        (["-b", "just-discover"], 2, "no benchmark matches"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    good: tuple[Project, Answer], tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    project = make(tmp_path / "p")
    (project.path / "binary").write_bytes(b"\xff\xfe\x00")
    answer = project.here("run", "-E", EXISTING, *words)
    assert answer.code == code, answer.words()
    assert said in answer.err
    assert "rror" in answer.err
    assert not project.results.exists()


def test_another_commit_than_head_needs_a_build(project: Project) -> None:
    project.commit("second")
    answer = project.here("run", "-E", EXISTING, "HEAD~1")
    assert answer.code == 2, answer.words()
    assert "existing environment" in answer.err


def test_an_empty_repository(tmp_path: Path) -> None:
    project = make(tmp_path / "p")
    shutil.rmtree(project.path / ".git")
    project.git("init", "--quiet")
    answer = project.here("run", "-E", EXISTING)
    assert answer.code == 2, answer.words()
    assert "no commits yet" in answer.err
    assert "try:" in answer.err


def test_not_a_repository(tmp_path: Path) -> None:
    project = make(tmp_path / "p")
    shutil.rmtree(project.path / ".git")
    answer = project.here("run", "-E", EXISTING)
    assert answer.code == 2, answer.words()
    assert "not a git repository" in answer.err


def test_a_repository_of_somebody_else(tmp_path: Path) -> None:
    """git refuses to work there, for good reason; that is passed on."""
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    project = make(tmp_path / "p")
    os.chown(project.path, 12345, 12345)
    os.chown(project.path / ".git", 12345, 12345)
    answer = project.run()
    assert answer.code == 3, answer.words()
    assert "safe.directory" in answer.err


def test_a_shallow_clone(project: Project, tmp_path: Path) -> None:
    old = project.git("rev-parse", "HEAD")
    project.commit("second")
    shallow = Project(tmp_path / "shallow")
    shallow.home.mkdir()
    project.git("clone", "--quiet", "--depth", "1", f"file://{project.path}", str(shallow.path))
    answer = shallow.run("-b", "track")
    assert answer.code == 0, answer.words()
    for word in (old, "HEAD~1"):
        answer = shallow.run(word)
        assert answer.code == 2, answer.words()
        assert "--unshallow" in answer.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no asv.conf.json"),
        ('{\n    "version": 1,\n    "repo": \n}\n', "line 4, column 1"),
        ('{"version": 1, "repo": ".", "project": "p"}', "environment_type: missing"),
        ('{"version": 1, "project": "p", "environment_type": "virtualenv"}', "repo: missing"),
        ('{"repo": "nowhere", "project": "p", "environment_type": "virtualenv"}', "nowhere"),
        ("[]", "expected an object"),
    ],
)
def test_a_configuration_that_is_none(project: Project, content: str | None, said: str) -> None:
    path = project.path / "asv.conf.json"
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    answer = project.here("run")
    assert answer.code == 2, answer.words()
    assert said in answer.err
    assert str(path if content is not None else project.path) in answer.err


def test_all_benchmarks_fail(tmp_path: Path) -> None:
    suite = "\n\n".join(f"def time_{n}():\n    raise OSError('gone')\n" for n in range(3))
    answer = make(tmp_path / "p", suite).run()
    assert answer.code == 3, answer.words()
    assert set(statuses(answer.document).values()) == {"failed"}
    assert "failed: 3 cases: OSError: gone" in answer.err


def test_a_suite_that_cannot_be_imported(tmp_path: Path) -> None:
    answer = make(tmp_path / "p", "import no_such_module\n\n\ndef time_x():\n    pass\n").run()
    assert answer.code == 3, answer.words()
    assert "no_such_module" in answer.err
    assert ".odyssey/logs/" in answer.err


def test_a_commit_that_breaks_the_import_fails_in_what_was_known(tmp_path: Path) -> None:
    """asv gives up on a suite that it cannot import; what was measured before says what has failed."""
    project = make(tmp_path / "project")
    project.suite(SUITE)
    project.commit()
    assert project.run().code == 0
    project.suite(f"import nowhere\n{SUITE}")
    project.commit("break the import")
    answer = project.run()
    assert answer.code == 3, answer.words()
    assert set(statuses(answer.document).values()) == {"failed"}
    compared = project.odyssey("compare", "HEAD~1", "HEAD")
    assert compared.code == 1, compared.words()
    assert "No module named 'nowhere'" in compared.out


def test_a_benchmark_folder_that_is_none(tmp_path: Path) -> None:
    answer = make(tmp_path / "p", benchmark_dir="elsewhere").here("run", "-E", EXISTING)
    assert answer.code == 2, answer.words()
    assert "elsewhere" in answer.err


# Failures of the place.


def test_a_full_disk_loses_nothing(tmp_path: Path, mount: Any) -> None:
    project = make(tmp_path / "p", COUNTED)
    mount(project.results, "size=64k")
    filler = project.results / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(b"x" * 200_000)
    full = project.run()
    assert full.code == 3, full.words()
    assert "No space left" in full.err
    assert "free some space" in full.err
    assert project.counted() == []
    filler.unlink()
    answer = project.run()
    assert answer.code == 0, answer.words()


def test_a_disk_that_fills_up_while_measuring_loses_nothing(tmp_path: Path, mount: Any) -> None:
    suite = (
        COUNTED
        + """
def setup_z():
    trace("z")
    with open(os.environ["FILLER"], "wb", 0) as stream:
        try:
            stream.write(b"x" * 200_000)
        except OSError:
            pass


def time_z():
    pass


time_z.number, time_z.repeat, time_z.warmup_time = 1, 1, 0
time_z.setup = setup_z
"""
    )
    project = make(tmp_path / "p", suite)
    mount(project.results, "size=64k")
    filler = project.results / "filler"
    full = project.run(env={"FILLER": str(filler)})
    calls = project.counted()
    assert full.code == 3, full.words()
    assert "No space left" in full.err
    assert "free some space" in full.err
    assert str(project.results) in full.err
    assert [path.name for path in project.results.iterdir()] == ["filler"]
    filler.unlink()
    answer = project.run(env={"FILLER": os.devnull})
    assert answer.code == 0, answer.words()
    assert project.counted() == calls
    found = entries(answer.document)
    assert found["suite.time_a"]["processes"]


def test_a_read_only_output_folder(tmp_path: Path, mount: Any) -> None:
    project = make(tmp_path / "p", COUNTED)
    mount(project.results, "ro")
    answer = project.run()
    assert answer.code == 3, answer.words()
    assert "ead-only" in answer.err
    assert "--out DIR" in answer.err
    assert project.counted() == []
    assert project.run("--out", str(tmp_path / "out")).code == 0


def test_a_read_only_state_folder(tmp_path: Path, mount: Any) -> None:
    project = make(tmp_path / "p", COUNTED)
    mount(project.path / ".odyssey", "ro")
    answer = project.run()
    assert answer.code == 3, answer.words()
    assert "ead-only" in answer.err
    assert ".odyssey" in answer.err
    assert project.counted() == []


@pytest.mark.parametrize("folder", [".odyssey", ".asv/results"])
def test_a_file_where_a_folder_should_be(project: Project, folder: str) -> None:
    project.write(folder, "")
    answer = project.run()
    assert answer.code == 3, answer.words()
    assert folder in answer.err


def test_a_home_that_cannot_be_used(tmp_path: Path, mount: Any) -> None:
    project = make(tmp_path / "p")
    mount(project.home, "ro")
    assert project.run("-b", "track").code == 0
    environment = {k: v for k, v in project.environment.items() if k != "HOME"}
    answer = subprocess.run(
        [ODYSSEY, "run", "-E", EXISTING, "--quick", "-b", "track"], cwd=project.path, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr


# What a person sees.


def _terminal(project: Project, *words: str, columns: int = 80) -> tuple[int, str]:
    """Run the command in a pseudo-terminal of its own and return what it drew."""
    import fcntl
    import struct
    import termios

    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = project.environment | {"TERM": "xterm-256color"}
    process = subprocess.Popen(
        [ODYSSEY, *words],
        cwd=project.path,
        env=environment,
        stdin=child,
        stdout=child,
        stderr=child,
    )
    os.close(child)
    drawn = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([parent], [], [], 0.1)[0]:
            try:
                piece = os.read(parent, 65536)
            except OSError:
                break
            drawn += piece
    os.close(parent)
    return process.wait(10), drawn.decode()


def test_the_live_line_stays_one_line(tmp_path: Path) -> None:
    suite = (
        SLOW.replace("class D(", f"class {'D' * 90}(")
        + "\n\ndef time_bad():\n    raise OSError('x')\n"
    )
    project = make(tmp_path / "p", suite)
    code, drawn = _terminal(project, "run", "-E", EXISTING)
    assert code == 3, drawn
    assert "suite.A.time_it" in drawn
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)
    live = [line for line in re.split(r"[\r\n]+", plain) if re.search(r"\d/\d", line)]
    assert live
    assert max(map(len, live)) <= 80, live
    # A live line that had grown to two would be erased by moving the cursor up; the end does it once.
    assert drawn.count("\x1b[1A") <= 1, drawn
    assert plain.count("failed: suite.time_bad") == 1


def test_progress_goes_on_when_nobody_reads_it(tmp_path: Path) -> None:
    """`odyssey run 2>&1 | head -1` must not stop the run, nor call it a success it was not."""
    project = make(tmp_path / "p", SLOW)
    child = project.start("-v", "run", "-E", EXISTING, stderr=subprocess.PIPE)
    assert child.stderr is not None
    child.stderr.readline()
    child.stderr.close()
    assert child.stdout is not None
    assert child.stdout.read().count("_results.json") == 1
    child.stdout.close()
    assert child.wait(60) == 0
    assert sorted(project.counted()) == ["A", "B", "C", "D"]


# Built from commits: slow, for asv makes a virtual environment and fetches its runner.

INSTALL = """
import shutil, sysconfig
from pathlib import Path

here = Path(__file__).parent
shutil.copy(here / "tiny.py", sysconfig.get_path("purelib"))
"""
TINY = """
import os

import tiny


@quick
def time_work():
    tiny.work()


time_work.rounds = 2


def track_answer():
    return tiny.work()


def track_mode():
    return len(os.environ["MODE"])
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[str], Answer]:
    """Three commits in two environments; the second commit does not build. Oldest first."""
    project = make(
        tmp_path_factory.mktemp("built") / "p", TINY,
        build_command=[], install_command=["python {build_dir}/install.py"],
        uninstall_command=["return-code=any python -c pass"],
        matrix={"env_nobuild": {"MODE": ["a", "bb"]}},
    )  # fmt: skip
    project.write("install.py", INSTALL)
    project.write("tiny.py", "def work():\n    return 1\n")
    commits = [project.commit("works")]
    project.git("tag", "v1.0")
    project.write("install.py", "raise SystemExit('cannot be built')\n")
    commits.append(project.commit("does not build"))
    project.write("install.py", INSTALL)
    project.write("tiny.py", "def work():\n    return 2\n")
    commits.append(project.commit("works again"))
    # A fetch of packages may take its time.
    return project, commits, finished(project.start("run", "v1.0~1..HEAD"), timeout_s=400)


def test_a_commit_that_does_not_build_loses_only_itself(
    built: tuple[Project, list[str], Answer],
) -> None:
    _, commits, answer = built
    assert answer.code == 3, answer.words()
    documents = [load(path) for path in answer.paths]
    assert [document["commit"]["hash"] for document in documents] == [
        commit for commit in reversed(commits) for _ in range(2)
    ]  # fmt: skip
    for document in documents:
        failed = document["commit"]["hash"] == commits[1]
        assert set(statuses(document).values()) == {"failed" if failed else "ok"}
        assert document["run"]["complete"] is True
    reasons = {entry["reason"] for entry in documents[2]["benchmarks"]}
    (reason,) = reasons
    assert reason == "cannot be built\nthe project did not build at this commit"
    assert "BUILD FAILED" in answer.err
    assert answer.err.count("did not build") == 2
    (log,) = re.findall(r"asv's own words are in (\S+)", answer.err)
    assert "cannot be built" in (answer.folder / log).read_text(encoding="utf-8")


def test_one_file_for_each_environment(built: tuple[Project, list[str], Answer]) -> None:
    documents = [load(path) for path in built[2].paths[:2]]
    names = [document["environment"]["env_name"] for document in documents]
    assert len(set(names)) == 2
    assert {names[0], names[1]} == set(documents[0]["run"]["environments"])
    found = [entries(document) for document in documents]
    assert sorted(each["suite.track_mode"]["value"] for each in found) == [1, 2]
    assert all(each["suite.track_answer"]["value"] == 2 for each in found)
    assert all(len(each["suite.time_work"]["processes"]) == 2 for each in found)


def test_a_file_of_one_environment_missing_is_measured_again(
    built: tuple[Project, list[str], Answer],
) -> None:
    """Last result removed: asv still has it, so nothing is measured, but the file is made anew."""
    project, commits, answer = built
    stored = project.odyssey("run", commits[2])
    assert stored.code == 0, stored.words()
    assert stored.err.count("stored already") == 2
    kept = answer.paths[0].read_bytes()
    answer.paths[0].unlink()
    try:
        again = project.odyssey("run", commits[2])
        assert again.code == 0, again.words()
        assert len(again.paths) == 2
        assert load(again.paths[0])["run"]["complete"] is True
        for path in again.paths:
            path.unlink()
    finally:
        answer.paths[0].write_bytes(kept)


def test_commits_in_two_environments_are_compared_in_one(
    built: tuple[Project, list[str], Answer],
) -> None:
    project, _, answer = built
    unclear = project.odyssey("compare", "v1.0", "HEAD", "--gate", "track")
    assert unclear.code == 2, unclear.words()
    assert "choose an environment with -E" in unclear.err
    name = load(answer.paths[0])["environment"]["env_name"]
    chosen = project.odyssey("compare", "v1.0", "HEAD", "--gate", "track", "-E", name)
    assert chosen.code == 1, chosen.words()
    assert "answer" in chosen.out


def test_asv_goes_on_with_what_a_run_wrote(built: tuple[Project, list[str], Answer]) -> None:
    project, commits, _ = built
    asv = str(Path(ODYSSEY).parent / "asv")

    def run(*words: str) -> str:
        answer = subprocess.run(
            [asv, *words], cwd=project.path, env=project.environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    assert "time_work" in run("show", commits[0])
    assert "track_answer" in run("compare", commits[0], commits[2])
    run("publish", "--no-pull")
    index = load(project.path / ".asv/html/index.json")
    assert set(index["benchmarks"]) == {
        "suite.time_work", "suite.track_answer", "suite.track_mode",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["paired", "imported"])
def test_what_was_measured_otherwise_is_measured_by_a_run(tmp_path: Path, kind: str) -> None:
    """A check of the same commit on the same machine, or another tool's file, answers for nothing."""
    project = make(tmp_path / "p", COUNTED)
    answer = project.run("-b", "time_a")
    count = len(project.counted())
    (path,), document = answer.paths, answer.document
    document["run"] |= {"kind": kind, "request": None}
    for words in ((), ("NEW",)):
        path.write_text(json.dumps(document))
        shutil.rmtree(project.asv_results)
        again = project.run("-b", "time_a", *words)
        assert again.code == 0, again.words()
        assert len(again.paths) == 1
        again.paths[0].unlink()
    assert len(project.counted()) == 3 * count
