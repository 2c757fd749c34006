"""`odyssey publish` with real asv."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import past_projects
from tests.projects import Project


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
