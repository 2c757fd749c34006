"""The past of real repositories whose results are made up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from odyssey_asv.errors import InvalidInputError
from odyssey_asv.past.histories import Wish, history
from odyssey_asv.past.timeline import History
from tests import past_projects
from tests.projects import Project

SLOW = "suite.time_slow"
SAME = "suite.time_same"


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[str]]:
    """Twenty commits, every one measured; one benchmark is a third slower from the eleventh on, which
    came in by a merge. Release v1 is on the sixth."""
    project, commits = past_projects.make(tmp_path_factory.mktemp("past") / "p", 10)
    project.git("tag", "v1", commits[5])
    project.git("switch", "--quiet", "--create", "side")
    side = project.commit("on a branch")
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "--no-ff", "--message", "merge the branch", "side")
    commits.append(project.git("rev-parse", "HEAD"))
    commits += [project.commit(f"later {number}") for number in range(9)]
    past_projects.suite(project, SLOW, SAME)
    for position, commit in enumerate(commits):
        slow = 1.0 if position < 10 else 1.33
        wobble = 1.0 + 0.002 * (position % 3)
        past_projects.store(project, commit, {SLOW: slow * wobble, SAME: 0.5 * wobble})
    past_projects.store(project, side, {SLOW: 9.0, SAME: 9.0})
    return project, commits


def look(project: Project, **wish: object) -> History:
    return history(project.path, wish=Wish(**wish))  # type: ignore[arg-type]


def test_the_commit_is_named_and_its_size(past: tuple[Project, list[str]]) -> None:
    project, commits = past
    found = look(project)
    (worst,) = found.regressions
    assert found.line.moments[worst.change.after].commit == commits[10]
    assert found.line.moments[worst.change.after].subject == "merge the branch"
    assert worst.change.exact
    assert worst.change.ratio == pytest.approx(1.33, rel=0.01)
    assert worst.trend.series.benchmark.id == SLOW
    assert worst.trend.against_release == pytest.approx(1.33, rel=0.01)
    assert found.line.length == 20


def test_commits_of_merged_branches_are_left_out_and_counted(
    past: tuple[Project, list[str]],
) -> None:
    project, _ = past
    found = look(project)
    assert all(len(trend.series.points) == 20 for trend in found.trends)
    assert any("1 measured commits are not among the first parents" in w for w in found.warnings)


def test_another_branch_is_another_line(past: tuple[Project, list[str]]) -> None:
    project, _ = past
    found = look(project, branch="side")
    assert found.line.length == 11
    assert {len(trend.series.points) for trend in found.trends} == {11}


@pytest.mark.parametrize(("since", "count"), [("v1", 1), ("HEAD~9", 0), ("HEAD~10", 1)])
def test_since_a_commit(past: tuple[Project, list[str]], since: str, count: int) -> None:
    assert len(look(past[0], since=since).found) == count


def test_since_a_date(past: tuple[Project, list[str]]) -> None:
    project, commits = past
    date = project.git("show", "--no-patch", "--format=%cI", commits[10])
    assert len(look(project, since=date).found) == 1
    assert len(look(project, since="2999-01-01").found) == 0


def test_only_what_is_asked_for(past: tuple[Project, list[str]]) -> None:
    found = look(past[0], benches=("same",))
    assert [trend.series.benchmark.id for trend in found.trends] == [SAME]


def test_what_nobody_measured_is_said(past: tuple[Project, list[str]]) -> None:
    with pytest.raises(InvalidInputError, match="no benchmark matches 'nothing'"):
        look(past[0], benches=("nothing",))
    with pytest.raises(InvalidInputError, match="no stored results of that machine") as error:
        look(past[0], machines=("m9",))
    assert "virtualenv-py3.11 on m1" in str(error.value.tip)
    with pytest.raises(InvalidInputError, match="unknown commit or reference 'v9'"):
        look(past[0], since="v9")
    with pytest.raises(InvalidInputError, match="not a regular expression"):
        look(past[0], benches=("(",))


def test_reading_again_gives_the_same(past: tuple[Project, list[str]]) -> None:
    assert look(past[0]) == look(past[0])


def test_without_its_repository_commits_are_ordered_by_date(tmp_path: Path) -> None:
    project, commits = past_projects.make(tmp_path / "p", 6, repo="https://invalid.invalid/x.git")
    for position, commit in enumerate(commits):
        path = past_projects.store(project, commit, {SLOW: 1.0 + position})
        text = path.read_text().replace(
            '1700000000000, "params"', f'{1_700_000_000_000 + 10**7 * position}, "params"'
        )
        path.write_text(text)
    found = look(project)
    assert found.line.branch is None
    assert [point.value for point in found.trends[0].series.points] == [1, 2, 3, 4, 5, 6]
    assert any("ordered by date" in warning for warning in found.warnings)


def test_a_broken_file_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    project, commits = past_projects.make(tmp_path / "p", 3)
    for commit in commits:
        path = past_projects.store(project, commit, {SLOW: 1.0})
    path.write_text("{")
    found = look(project)
    assert len(found.trends[0].series.points) == 2
    assert any(str(path) in warning and "not JSON" in warning for warning in found.warnings)


def test_benchmarks_that_are_gone_are_left_out_and_counted(tmp_path: Path) -> None:
    project, commits = past_projects.make(tmp_path / "p", 2)
    past_projects.suite(project, SAME)
    for commit in commits:
        past_projects.store(project, commit, {SLOW: 1.0, SAME: 2.0})
    found = look(project)
    assert [trend.series.benchmark.id for trend in found.trends] == [SAME]
    assert any("1 benchmarks are no longer in the suite" in w for w in found.warnings)


def test_series_with_zeros_are_counted(tmp_path: Path) -> None:
    project, commits = past_projects.make(tmp_path / "p", 2)
    for commit in commits:
        past_projects.store(project, commit, {"suite.track_errors": 0, SAME: 2.0})
    found = look(project)
    assert len(found.trends) == 1
    assert any("1 series hold values of zero or below" in warning for warning in found.warnings)


def test_no_results_say_what_to_do(tmp_path: Path) -> None:
    project, _ = past_projects.make(tmp_path / "p", 1)
    with pytest.raises(InvalidInputError, match="no stored results") as error:
        look(project)
    assert "odyssey run" in str(error.value.tip)


def test_results_of_unrelated_commits_say_which_branch_was_looked_at(tmp_path: Path) -> None:
    project, _ = past_projects.make(tmp_path / "p", 1)
    past_projects.store(project, "0123456789" * 4, {SAME: 1.0})
    with pytest.raises(InvalidInputError, match="none of the measured commits") as error:
        look(project)
    assert "--branch" in str(error.value.tip)


def test_a_read_only_project_can_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, commits = past_projects.make(tmp_path / "p", 2)
    for commit in commits:
        past_projects.store(project, commit, {SAME: 2.0})
    (project.path / ".odyssey").write_text("in the way")
    assert len(look(project).trends) == 1


def test_a_branch_that_only_the_remote_has_is_found(tmp_path: Path) -> None:
    project, commits = past_projects.make(tmp_path / "p", 3, branches=["main"])
    for commit in commits:
        past_projects.store(project, commit, {SAME: 2.0})
    project.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    clone.git("switch", "--quiet", "--detach", "HEAD")
    clone.git("branch", "--quiet", "--delete", "--force", "main")
    shutil.copytree(project.asv_results, clone.asv_results)
    assert look(clone).line.branch == "origin/main"


def test_a_release_of_a_branch_stands_where_it_left_the_line(tmp_path: Path) -> None:
    project, commits = past_projects.make(tmp_path / "p", 4)
    project.git("switch", "--quiet", "--create", "maintenance", commits[1])
    project.commit("release")
    project.git("tag", "v1.0.1")
    project.git("switch", "--quiet", "main")
    for commit in commits:
        past_projects.store(project, commit, {SAME: 2.0})
    assert [(m.position, m.releases) for m in look(project).line.releases] == [(1, ("v1.0.1",))]


def test_a_place_where_nothing_is_measured_any_more_holds_no_regression(tmp_path: Path) -> None:
    project, commits = past_projects.make(tmp_path / "p", 8)
    project._seconds += 200 * 86_400
    commits.append(project.commit("much later"))
    for number, commit in enumerate(commits[:-1]):
        slow = 1.0 if number < 4 else 2.0
        past_projects.store(project, commit, {SLOW: slow}, machine="old")
    past_projects.store(project, commits[-1], {SLOW: 1.0}, machine="new")
    found = look(project)
    assert [place.machine for place in found.closed] == ["old"]
    assert found.regressions == ()
    assert len(found.ended) == 1
