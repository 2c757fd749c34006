"""`odyssey publish` with real asv."""

from __future__ import annotations

import json
import re
import signal
import socket
import struct
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from tests import past_projects
from tests.projects import Project, Started, finished, gone, wait_for


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Eight measured commits, the last four slower."""
    made, commits = past_projects.make(
        tmp_path / "p", 8, show_commit_url="https://example.invalid/c/", branches=["main"]
    )
    past_projects.suite(made, "suite.time_f")
    for number, commit in enumerate(commits):
        past_projects.store(made, commit, {"suite.time_f": 1e-3 * (1.5 if number > 3 else 1.0)})
    return made


def html(project: Project) -> Path:
    return project.path / ".asv" / "html"


def test_asvs_site_and_ours_stand_side_by_side(project: Project) -> None:
    answer = project.odyssey("publish")
    assert answer.code == 0, answer.words()
    assert answer.out.strip().endswith(".asv/html/odyssey/index.html")
    assert (html(project) / "index.json").is_file()
    page = (html(project) / "odyssey" / "index.html").read_text()
    assert "One regression holds" in page
    assert "../index.html" in page
    assert "https://example.invalid/c/" in page
    again = project.odyssey("publish")
    assert again.code == 0, again.words()
    assert re.search(r"0 files written, \d+ unchanged, 0 removed", again.err)
    assert (html(project) / "index.json").is_file()
    assert not list(html(project).parent.glob("html.*"))


def test_where_asv_fails_both_old_sites_stay(project: Project) -> None:
    assert project.odyssey("publish").code == 0
    suite = project.asv_results / "benchmarks.json"
    record = json.loads(suite.read_text())
    record["suite.time_f"]["params"] = 5
    suite.write_text(json.dumps(record))
    answer = project.odyssey("publish")
    assert answer.code in (2, 3), answer.words()
    assert (html(project) / "index.json").is_file()
    assert (html(project) / "odyssey" / "index.html").is_file()


def test_a_folder_that_is_no_site_is_not_wiped(project: Project) -> None:
    html(project).mkdir(parents=True)
    (html(project) / "thesis.txt").write_text("important")
    answer = project.odyssey("publish")
    assert answer.code == 2
    assert "would be lost" in answer.err
    assert (html(project) / "thesis.txt").read_text() == "important"


def test_only_ours_needs_no_asv(project: Project, tmp_path: Path) -> None:
    answer = project.here("publish", "--only-ours", "--out", str(tmp_path / "out"))
    assert answer.code == 0, answer.words()
    assert (tmp_path / "out" / "index.html").is_file()
    assert not html(project).exists()
    assert "../index.html" not in (tmp_path / "out" / "index.html").read_text()


def test_the_latest_reports_are_there(project: Project) -> None:
    folder = project.path / ".odyssey" / "reports"
    folder.mkdir(parents=True)
    (folder / "check.html").write_text("<!DOCTYPE html><p>checked")
    assert project.here("publish", "--only-ours").code == 0
    ours = html(project) / "odyssey"
    assert "the latest check" in (ours / "reports.html").read_text()
    assert [p.read_text() for p in (ours / "reports").iterdir()] == ["<!DOCTYPE html><p>checked"]


def test_a_folder_of_somebody_else_is_refused(project: Project, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    answer = project.here("publish", "--only-ours", "--out", str(tmp_path / "out"))
    assert answer.code == 2
    assert "not ours" in answer.err


def test_without_results_nothing_is_made(tmp_path: Path) -> None:
    made, _ = past_projects.make(tmp_path / "p", 1)
    answer = made.here("publish", "--only-ours")
    assert answer.code == 2
    assert not html(made).exists()


def _address(lines: Iterator[str]) -> str:
    for line in lines:
        if found := re.search(r"http://127\.0\.0\.1:\d+/\S*", line):
            return found[0]
    raise AssertionError("it said no address")


def test_it_serves_until_it_is_stopped(project: Project) -> None:
    child = project.start("publish", "--only-ours", "--serve")
    assert child.stderr is not None
    address = _address(iter(child.stderr.readline, ""))
    with urllib.request.urlopen(address) as answer:
        assert b"One regression holds" in answer.read()
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 0, err
    assert "stopped" in err


def _started(project: Project) -> tuple[Started, int, str]:
    """A server with its port and the folder of the pages."""
    child = project.start("publish", "--only-ours", "--serve")
    assert child.stderr is not None
    address = urlsplit(_address(iter(child.stderr.readline, "")))
    assert address.port is not None
    return child, address.port, address.path.rpartition("/")[0]


def test_a_browser_that_leaves_early_is_not_minded(project: Project) -> None:
    child, port, folder = _started(project)
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port)) as visitor:
            visitor.sendall(f"GET {folder}/plotly.min.js HTTP/1.0\r\n\r\n".encode())
            visitor.recv(10)
            # Not said farewell to, but cut off.
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{folder}/index.html") as answer:
        assert answer.status == 200
    child.send_signal(signal.SIGINT)
    answered = finished(child)
    assert answered.code == 0, answered.words()


def test_a_port_in_use_is_named(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        answer = project.odyssey("publish", "--only-ours", "--serve", "--port", str(port))
    assert answer.code == 2
    assert f"--port {port}" in answer.err


def test_where_no_browser_opens_the_address_is_said(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def refuse(address: str) -> bool:
        opened.append(address)
        return False

    monkeypatch.setattr("webbrowser.open", refuse)
    answer = project.here("publish", "--only-ours", "--open")
    assert answer.code == 0
    assert opened == [(html(project) / "odyssey" / "index.html").as_uri()]
    assert f"no browser could be opened: {opened[0]}" in answer.err


def test_a_kill_between_the_old_site_and_the_new_loses_neither(project: Project) -> None:
    assert project.odyssey("publish").code == 0
    site = html(project)
    (site / "odyssey" / "CNAME").write_text("example.invalid")
    # What two renames of three leave.
    aside, new = site.with_name("html.old"), site.with_name("html.new")
    new.mkdir()
    (site / "odyssey").rename(new / "odyssey")
    site.rename(aside)
    answer = project.odyssey("publish")
    assert answer.code == 0, answer.words()
    assert (site / "index.json").is_file()
    assert (site / "odyssey" / "CNAME").read_text() == "example.invalid"
    assert not list(site.parent.glob("html.*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_asv_and_all_it_started(
    project: Project, tmp_path: Path, number: signal.Signals
) -> None:
    """asv is held up by a process of its own, as by its pool while it looks for steps."""
    assert project.odyssey("publish").code == 0
    held = tmp_path / "held"
    held.mkdir()
    (held / "sitecustomize.py").write_text(
        "import os, pathlib, subprocess, sys\n"
        "if 'asv' in sys.orig_argv:\n"
        "    child = subprocess.Popen(['sleep', '600'])\n"
        "    pathlib.Path(os.environ['CALLS']).write_text(f'{os.getpid()} {child.pid} end')\n"
        "    child.wait()\n"
    )
    child = project.start("publish", env={"PYTHONPATH": str(held)})
    try:
        wait_for(lambda: "end" in project.counted())
        started = [psutil.Process(int(pid)) for pid in project.counted()[:2]]
    finally:
        child.send_signal(number)
        answer = finished(child)
    assert answer.code == 130, answer.words()
    wait_for(lambda: gone(started))
    assert (html(project) / "index.json").is_file()
    assert (html(project) / "odyssey" / "index.html").is_file()
    assert not list(html(project).parent.glob("html.*"))
