"""What a host does with a job: the real command in a project that came as a bundle."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv import __version__
from odyssey_asv.errors import CannotMeasureError, InvalidInputError
from odyssey_asv.fleet import host
from odyssey_asv.fleet.jobs import Job
from odyssey_asv.repository import Repository
from odyssey_asv.repository.bundles import bundle, clone_at
from tests.projects import EXISTING, Project, make, wait_for

SUITE = """import os, time
@quick
def track_once():
    with open(os.environ["CALLS"], "a") as file:
        file.write("begin ")
    time.sleep(float(os.environ.get("SLEEP_S", "0")))
    with open(os.environ["CALLS"], "a") as file:
        file.write("end ")
    return 1
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make(tmp_path / "project", SUITE)


@pytest.fixture
def home(tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("HOME", "CALLS"):
        monkeypatch.setenv(name, project.environment[name])
    folder = tmp_path / "host"
    yield folder
    host.stop(str(folder), "s")


def job(project: Project, home: Path, *words: str, name: str = "s-1") -> dict[str, Any]:
    """A job on the project's HEAD, which the host has been handed."""
    with Repository(project.path) as repository:
        commit = repository.resolve("HEAD")
        content = bundle(repository, [commit])
    digest = hashlib.sha256(content).hexdigest()
    assert not host.has_bundle(str(home), digest)
    host.put_bundle(str(home), digest, content)
    assert host.has_bundle(str(home), digest)
    told = words or ("run", "-E", EXISTING, "--machine=fast", "--force")
    made = Job(name, "a job", told, "project", commit, bundle=digest, home=str(home))
    return made.plain()


def test_a_job_is_the_command_in_the_project_and_is_done_once(project: Project, home: Path) -> None:
    plain = job(project, home)
    answer = host.perform(plain)
    assert answer["code"] == 0, answer["said"]
    ((name, content),) = answer["files"].items()
    document = json.loads(content)
    assert name.endswith("_results.json")
    assert document["environment"]["machine"] == "fast"
    assert document["commit"]["hash"] == project.git("rev-parse", "HEAD")
    assert answer["started"] <= answer["ended"]
    assert project.counted() == ["begin", "end"]
    assert host.perform(plain) == answer
    assert project.counted() == ["begin", "end"]


def test_a_host_may_fetch_the_project_itself(project: Project, home: Path) -> None:
    plain = {**job(project, home), "bundle": None, "address": f"file://{project.path}"}
    for path in (home / "bundles").iterdir():
        path.unlink()
    answer = host.perform(plain)
    assert answer["code"] == 0, answer["said"]
    assert answer["files"]


def test_a_job_without_files_is_done_anew(project: Project, home: Path) -> None:
    """What went wrong may have been mended."""
    plain = job(project, home, "run", "-E", EXISTING, "-b", "nothing")
    for _ in range(2):
        answer = host.perform(plain)
        assert answer["code"] == 2
        assert "no benchmark matches" in answer["said"]
        assert answer["files"] == {}


def test_the_repository_of_a_job_is_kept_however_long_ago_it_came(
    project: Project, home: Path
) -> None:
    """Whoever sends jobs asks only once whether it is there."""
    plain = job(project, home, "run", "-E", EXISTING, "-b", "nothing")
    (path,) = (home / "bundles").iterdir()
    os.utime(path, (0, 0))
    assert "no benchmark matches" in host.perform(plain)["said"]
    assert host.has_bundle(str(home), plain["bundle"])


def test_what_was_handed_over_is_no_answer(project: Project, home: Path) -> None:
    """Only what the command puts in its place; without that the job is done anew."""
    plain = job(project, home, "bisect", "HEAD..HEAD")
    given = {**plain, "places": {"--state": "s.json"}, "files": {"s.json": "e30="}}
    first, second = host.perform(given), host.perform(given)
    assert (first["code"], first["files"]) == (2, {})
    assert "no commits in the range" in first["said"]
    assert second["started"] > first["started"]
    assert (home / "jobs" / "s-1" / "out").is_dir()


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    """Whatever else a command left, as where it failed in the middle."""
    made = Job("s-1", "a job", (), "project", "a" * 40, places={"--state": "s.json"})
    (tmp_path / "out").mkdir()
    (tmp_path / "answer.json").touch()
    (tmp_path / "out" / "x_results.json").touch()
    assert not host._done(tmp_path, made)
    assert host._done(tmp_path, replace(made, places={}))
    (tmp_path / "out" / "s.json").touch()
    assert host._done(tmp_path, made)


def test_a_killed_worker_leaves_a_measurement_that_is_found_again(
    project: Project, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on alone, and until it is done nothing else begins on that host."""
    monkeypatch.setenv("SLEEP_S", "2")
    plain = job(project, home)
    code = "import json, sys; from odyssey_asv.fleet import host; host.perform(json.loads(sys.argv[1]))"
    worker = subprocess.Popen([sys.executable, "-c", code, json.dumps(plain)])
    wait_for(lambda: project.counted() == ["begin"])
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    other = host.perform({**plain, "id": "s-2"})
    assert other["code"] == 0
    # The first was neither cut short nor overlapped by the second.
    assert project.counted() == ["begin", "end"] * 2
    answer = host.perform(plain)
    assert answer["files"]
    assert answer["ended"] <= other["started"]
    assert project.counted() == ["begin", "end"] * 2


def test_a_host_that_is_told_to_stop_ends_its_job(
    project: Project, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLEEP_S", "60")
    plain = job(project, home)
    raised: list[BaseException] = []

    def perform() -> None:
        try:
            host.perform(plain)
        except RuntimeError as error:
            raised.append(error)

    doing = threading.Thread(target=perform)
    doing.start()
    wait_for(lambda: project.counted() == ["begin"])
    host.stop(str(home), "another")
    host.stop(str(home), "s")
    doing.join(timeout=60)
    assert len(raised) == 1
    assert not (home / "jobs" / "s-1" / "answer.json").exists()


def test_a_host_is_known_by_the_same_name_again(tmp_path: Path) -> None:
    first = host.describe(str(tmp_path))
    assert first == host.describe(str(tmp_path))
    assert first["version"] == __version__
    assert first["id"] != host.describe(str(tmp_path / "other"))["id"]


def test_half_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="did not arrive whole"):
        host.put_bundle(str(tmp_path), "0" * 64, b"half")


@pytest.mark.parametrize("name", ["../x", "-x", "", "a/b"])
def test_names_that_lead_out_of_the_home_are_refused(tmp_path: Path, name: str) -> None:
    for call in (
        lambda: host.has_bundle(str(tmp_path), name),
        lambda: host.stop(str(tmp_path), name),
        lambda: host.perform(Job(name, "", (), "p", "a" * 40, home=str(tmp_path)).plain()),
    ):
        with pytest.raises(InvalidInputError, match="cannot be part of a file name"):
            call()


def test_a_folder_outside_the_project_is_refused(project: Project, home: Path) -> None:
    answer = host.perform({**job(project, home), "folder": "../../.."})
    assert answer["code"] == 2
    assert "is outside the project" in answer["said"]


def test_a_bundle_has_what_no_reference_reaches_and_changes_nothing(tmp_path: Path) -> None:
    """Uncommitted changes, a branch, a tag; a branch called odyssey is in nobody's way."""
    project = make(tmp_path / "project")
    project.git("branch", "odyssey")
    project.git("tag", "v1")
    project.write("benchmarks/suite.py", "def track_new():\n    return 7\n")
    before = project.git("for-each-ref"), project.git("status", "--porcelain")
    with Repository(project.path) as repository:
        snapshot = repository.snapshot()
        assert snapshot is not None
        content = bundle(repository, [snapshot])
    assert (project.git("for-each-ref"), project.git("status", "--porcelain")) == before
    packed, folder = tmp_path / "packed", tmp_path / "there"
    packed.write_bytes(content)
    clone_at(str(packed), folder, snapshot)
    assert "track_new" in (folder / "benchmarks/suite.py").read_text()
    (folder / ".odyssey").mkdir()
    (folder / ".odyssey" / "kept").touch()
    head = project.git("rev-parse", "HEAD")
    clone_at(str(packed), folder, head)
    assert "track_new" not in (folder / "benchmarks/suite.py").read_text()
    assert (folder / ".odyssey" / "kept").exists()
    with Repository(folder) as repository:
        assert repository.tag_commit("v1") == head
        assert repository.resolve("main") == head


def test_what_cannot_be_cloned_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="begins with"):
        clone_at("--upload-pack=x", tmp_path / "a", "a" * 40)
    with pytest.raises(InvalidInputError, match="is not the hash of a commit"):
        clone_at(str(tmp_path), tmp_path / "b", "--orphan")
    with pytest.raises(CannotMeasureError, match="git fetch failed"):
        clone_at(str(tmp_path / "nowhere"), tmp_path / "c", "a" * 40)


def test_a_shallow_clone_is_not_handed_over(tmp_path: Path) -> None:
    project = make(tmp_path / "project")
    project.commit("second")
    project.git(
        "clone", "--quiet", "--depth=1", f"file://{project.path}", str(tmp_path / "shallow")
    )
    with (
        Repository(tmp_path / "shallow") as repository,
        pytest.raises(InvalidInputError, match="shallow"),
    ):
        bundle(repository, [repository.resolve("HEAD")])


def test_the_lock_is_not_given_up_by_a_child(tmp_path: Path) -> None:
    """Whoever inherits it holds it on, when the one who took it is gone."""
    with host._alone(tmp_path) as lock:
        child = subprocess.Popen(["sleep", "30"], pass_fds=(lock,))
    try:
        taken = threading.Event()

        def take() -> None:
            with host._alone(tmp_path):
                taken.set()

        thread = threading.Thread(target=take)
        thread.start()
        assert not taken.wait(1.0)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert taken.wait(30.0)
        thread.join()
    finally:
        child.kill()
        child.wait()


def test_what_nobody_asked_for_in_a_week_is_forgotten(tmp_path: Path) -> None:
    """And what somebody asks for is kept."""
    content = b"a repository"
    digest = hashlib.sha256(content).hexdigest()
    old = tmp_path / "jobs" / "old-1"
    (old / "out").mkdir(parents=True)
    young = tmp_path / "jobs" / "young-1"
    young.mkdir()
    forgotten = tmp_path / "bundles" / "old"
    for name in (digest, hashlib.sha256(b"").hexdigest()):
        host.put_bundle(str(tmp_path), name, content if name == digest else b"")
    forgotten.write_bytes(b"x")
    for path in (old, forgotten, tmp_path / "bundles" / digest):
        os.utime(path, (0, 0))
    assert host.has_bundle(str(tmp_path), digest)
    host._forget_old(tmp_path)
    assert not old.exists()
    assert not forgotten.exists()
    assert young.exists()
    assert host.has_bundle(str(tmp_path), digest)
