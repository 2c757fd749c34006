"""What a run is going to do, found out without measuring."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv import run as story
from odyssey_asv.adapter import asv_config
from odyssey_asv.config import Config
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.measure import Observer
from odyssey_asv.model import (
    Benchmark,
    Case,
    Commit,
    Environment,
    Kind,
    Result,
    ResultSet,
    Run,
    RunKind,
)
from odyssey_asv.run import Options, Plan, execute, prepare
from odyssey_asv.store import results as store
from tests.projects import make


class History:
    """first ── second ── merge ── last, side merged in; v1 on second, v2 on last."""

    def __init__(self, path: Path) -> None:
        self.project = project = make(path)
        self.names = {project.git("rev-parse", "HEAD"): "first"}
        project.git("checkout", "--quiet", "-b", "side")
        self._commit("side")
        project.git("checkout", "--quiet", "main")
        self._commit("second")
        project.git("tag", "v1")
        project.git("merge", "--quiet", "--no-ff", "-m", "merge", "side")
        self.names[project.git("rev-parse", "HEAD")] = "merge"
        self._commit("last")
        project.git("tag", "-a", "v2", "-m", "two")
        self.config = Config(root=path)
        self.asv = asv_config.load(path / "asv.conf.json")

    def _commit(self, name: str) -> None:
        self.names[self.project.commit(name)] = name

    def hash(self, name: str) -> str:
        return next(hash_ for hash_, known in self.names.items() if known == name)

    def plan(self, *words: str, **options: Any) -> Plan:
        options.setdefault("machine", "m")
        return prepare(self.config, self.asv, Options(commits=words, **options))

    def planned(self, *words: str, **options: Any) -> list[str]:
        return [self.names[commit] for commit in self.plan(*words, **options).request.commits]

    def keep(
        self, name: str, *, environments: tuple[str, ...] = ("e",), this: str = "e", **more: Any
    ) -> Path:
        """A stored result that answers a plain request for a commit."""
        request = self.plan("v1", force=True).request
        run = Run(RunKind.ASV, request=request.digest, environments=environments, **more)
        benchmark = Benchmark("m.time_f", "f", Kind.TIME, "seconds", version="1")
        results = ResultSet(
            timestamp="2026-11-23T10:00:00Z",
            commit=Commit(hash=self.hash(name)),
            environment=Environment(
                os="linux", cpu="x", python_version="3.11.7", machine="m", env_name=this
            ),
            run=run,
            benchmarks={benchmark.id: benchmark},
            results=(Result(Case("m.time_f"), 1.0),),
        )
        return store.save_in(results, self.config.results)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "p")


@pytest.mark.parametrize(
    ("words", "options", "expected"),
    [
        ([], {}, "last"),
        (["HEAD"], {}, "last"),
        (["v1", "HEAD"], {}, "second last"),
        (["v1", "v1", "main~2"], {}, "second"),
        (["v1..v2"], {}, "last merge"),
        (["v1.."], {}, "last merge"),
        (["v1..v2"], {"first_parent": False}, "last merge side"),
        (["main^!", "side^!"], {}, "last side"),
        (["ALL"], {}, "last merge second first"),
        (["ALL"], {"first_parent": False}, "last merge second side first"),
        (["ALL"], {"sample": 2}, "last first"),
        (["ALL"], {"sample": 3}, "last second first"),
        (["ALL"], {"sample": 99}, "last merge second first"),
        (["NEW"], {}, "last merge second first"),
        (["TAGS"], {}, "last second"),
    ],
)
def test_commits(history: History, words: list[str], options: Any, expected: str) -> None:
    assert history.planned(*words, **options) == expected.split()


def test_a_file_of_hashes(history: History, tmp_path: Path) -> None:
    path = tmp_path / "hashes"
    path.write_text(f"{history.hash('merge')}\n\nv1\n", encoding="utf-8")
    assert history.planned(f"HASHFILE:{path}") == ["merge", "second"]
    path.write_text("--all\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="never begins"):
        history.planned(f"HASHFILE:{path}")


def test_new_and_existing_look_at_what_is_stored(history: History) -> None:
    history.keep("second")
    assert history.planned("NEW") == ["last", "merge"]
    assert history.planned("EXISTING", force=True) == ["second"]
    assert history.planned("EXISTING") == []
    assert [path for path, _ in history.plan("EXISTING").stored] == list(
        history.config.results.iterdir()
    )
    assert history.planned("NEW", machine="another") == ["last", "merge", "second", "first"]


def test_incomplete_results_are_not_known(history: History) -> None:
    history.keep("second", complete=False)
    assert history.planned("NEW") == ["last", "merge", "second", "first"]
    assert history.planned("v1") == ["second"]


def test_stored_results_answer_only_the_same_question(history: History) -> None:
    history.keep("second")
    assert history.planned("v1") == []
    assert history.planned("v1", force=True) == ["second"]
    assert history.planned("v1", quick=True) == ["second"]
    assert history.planned("v1", benches=("x",)) == ["second"]
    assert history.planned("v1", environments=("virtualenv:3.12",)) == ["second"]
    assert history.planned("v1", machine="another") == ["second"]
    assert history.planned("v1", out=history.project.path / "elsewhere") == ["second"]
    assert history.planned("v1", budget_s=1.0) == []
    history.project.suite("def time_new():\n    pass\n")
    assert history.planned("v1") == ["second"]


def test_every_environment_must_be_there(history: History) -> None:
    both = ("e1", "e2")
    history.keep("second", environments=both, this="e1")
    assert history.planned("v1") == ["second"]
    history.keep("second", environments=both, this="e2", complete=False)
    assert history.planned("v1") == ["second"]
    history.keep("second", environments=both, this="e2")
    assert history.planned("v1") == []
    assert len(history.plan("v1").stored) == 2


def test_a_broken_result_file_is_no_answer(history: History) -> None:
    history.keep("second").write_text("{", encoding="utf-8")
    assert history.planned("v1") == ["second"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("benchmarks/suite.py", True), ("asv.conf.json", True), ("benchmarks/x.json", False),
     ("code.py", False)],
)  # fmt: skip
def test_what_makes_a_build_dirty(history: History, name: str, expected: bool) -> None:
    project = history.project
    project.write("benchmarks/a.json", "1")
    project.write("benchmarks/x.json", "1")
    project.write("code.py", "")
    project.commit("more")
    project.write("benchmarks/a.json", "2")
    path = project.path / name
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    plan = history.plan()
    assert set(plan.uncommitted) == {"benchmarks/a.json", name}
    assert story._is_dirty(plan) is expected


def test_a_remote_repository_is_cloned(history: History, tmp_path: Path) -> None:
    url = f"file://{history.project.path}"
    suite = make(tmp_path / "suite", repo=url, project="mirror")
    asv = asv_config.load(suite.path / "asv.conf.json")
    config = Config(root=suite.path)
    plan = prepare(config, asv, Options(commits=("v1",)))
    assert plan.request.commits == (history.hash("second"),)
    new = history.project.commit("newer")
    assert prepare(config, asv, Options()).request.commits == (new,)


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "/results")


def test_a_full_disk_is_noticed_before_measuring(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = history.plan()
    monkeypatch.setattr(story, "check_writable", _full)
    monkeypatch.setattr(story, "measure", lambda *_: pytest.fail("it measured"))
    with pytest.raises(OSError, match="No space left"):
        execute(plan, history.config, Observer())


def test_nothing_to_measure_touches_nothing(history: History) -> None:
    kept = history.keep("second")
    outcome = execute(history.plan("v1"), history.config, Observer())
    assert outcome.written == ()
    assert [path for path, _ in outcome.stored] == [kept]
    assert (outcome.failures, outcome.incomplete, outcome.log) == (0, False, None)
    assert not (history.project.path / ".odyssey").exists()


@pytest.mark.parametrize(
    ("selection", "expected"),
    [((), 2), (("time_f",), 2), ((r"time_f\(1\)",), 1), (("^m",), 2), (("other",), 0)],
)
def test_failures_count_where_they_were_asked_for(
    selection: tuple[str, ...], expected: int
) -> None:
    from odyssey_asv.model import Status

    benchmark = Benchmark(
        "m.time_f", "f", Kind.TIME, "seconds", param_names=("n",), params=(("1", "2", "3"),)
    )
    statuses = (Status.FAILED, Status.TIMEOUT, Status.OK)
    results = ResultSet(
        timestamp="2026-11-23T10:00:00Z",
        commit=Commit(),
        environment=Environment(),
        run=Run(selection=selection),
        benchmarks={benchmark.id: benchmark},
        results=tuple(
            Result(Case(benchmark.id, (("n", str(n + 1)),), n), None, status)
            for n, status in enumerate(statuses)
        ),
    )
    assert len(story.failed(results)) == expected
