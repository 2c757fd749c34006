"""What is told while a change is checked, on a terminal and elsewhere."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from odyssey_asv.adapter.environments import Kept
from odyssey_asv.cli.watching import LiveWatcher, PlainWatcher, Watching, kept_words, watcher
from odyssey_asv.model import Case
from odyssey_asv.pairs.evidence import Claim, zone_of
from odyssey_asv.pairs.trials import Trial
from odyssey_asv.policy import Limits, Verdict
from tests.builders import benchmark


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Live:
    """A live watcher with what it draws."""

    def __init__(self) -> None:
        self.drawn = io.StringIO()
        console = Console(file=self.drawn, force_terminal=True, width=80, color_system=None)
        columns = (TextColumn("{task.description}", markup=False),)
        self.progress = Progress(*columns, console=console, auto_refresh=False)
        self.watcher = LiveWatcher(self.progress, self.progress.add_task("begin", total=None))

    @property
    def description(self) -> str:
        (task,) = self.progress.tasks
        return task.description


@pytest.fixture
def live() -> Iterator[Live]:
    made = Live()
    with made.progress:
        yield made


def _both(live: Live) -> tuple[Watching, Watching]:
    return PlainWatcher(), live.watcher


def test_one_environment_needs_no_name(capsys: pytest.CaptureFixture[str], live: Live) -> None:
    """Nobody asks which."""
    for watching in _both(live):
        watching.measuring("virtualenv-py3.12", 1)
    assert capsys.readouterr().err == ""
    assert "virtualenv" not in live.drawn.getvalue()


def test_of_several_environments_the_measured_one_is_told(
    capsys: pytest.CaptureFixture[str], live: Live
) -> None:
    """By a line that stays, for findings follow it."""
    for watching in _both(live):
        for name in ("virtualenv-py3.12", "virtualenv-py3.13"):
            watching.measuring(name, 2)
    lines = ["measuring in virtualenv-py3.12", "measuring in virtualenv-py3.13"]
    assert capsys.readouterr().err.splitlines() == lines
    assert all(line in live.drawn.getvalue() for line in lines)


def test_no_environment_drives_the_terminal(capsys: pytest.CaptureFixture[str], live: Live) -> None:
    """Names come from a configuration file."""
    for watching in _both(live):
        watching.measuring("py\x1b]0;x\x07\n[bold]", 2)
    told = "measuring in py\ufffd]0;x\ufffd [bold]"
    assert capsys.readouterr().err.splitlines() == [told]
    assert told in live.drawn.getvalue()


def _trial(**known: Any) -> Trial:
    of = benchmark("matmul")
    return Trial(
        benchmark=of,
        case=Case(of.id),
        label="matmul",
        timeout_s=60.0,
        cache_key=None,
        limits=Limits(),
        zone=zone_of(0.05, 0.10),
        gated=True,
        alone=False,
        **known,
    )


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({"claim": Claim.REGRESSION}, "regression: matmul"),
        ({"fate": (Verdict.FAILED, "it failed")}, "failed: matmul"),
        ({"claim": Claim.IMPROVEMENT}, ""),
        ({"fate": (Verdict.ADDED, "new")}, ""),
        ({}, ""),
    ],
)
def test_what_alerts_is_told_at_once(
    capsys: pytest.CaptureFixture[str], live: Live, known: dict[str, Any], told: str
) -> None:
    """The rest can wait for the report."""
    for watching in _both(live):
        watching.decided(_trial(**known))
    assert capsys.readouterr().err.strip() == told
    assert ("matmul" in live.drawn.getvalue()) is bool(told)
    assert told in live.drawn.getvalue()


def test_a_log_hears_now_and_then_that_it_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Not of every round."""
    clock = Time()
    watching = PlainWatcher(clock)
    for number, now in enumerate((1.0, 9.0, 11.0, 12.0, 22.0), start=1):
        clock.now = now
        watching.round(number, 6 - number)
    assert capsys.readouterr().err.splitlines() == [
        "  round 3: 3 cases to be decided",
        "  round 5: 1 case to be decided",
    ]


def test_the_live_line_names_round_and_case(live: Live) -> None:
    """A long name keeps its end, which tells the cases of a benchmark apart."""
    live.watcher.planned(7, 5)
    live.watcher.round(2, 7)
    live.watcher.case("matmul(size=10)")
    assert live.description == "round 2, matmul(size=10)"
    live.watcher.case("l" * 80 + "(size=10)")
    assert live.description == f"round 2, …{'l' * 26}(size=10)"


def test_where_there_is_no_terminal_plain_lines_are_told() -> None:
    """As under this test."""
    with watcher() as watching:
        assert isinstance(watching, PlainWatcher)
        assert watching.builds == ()


def _build(name: str, size: int) -> Kept:
    return Kept(name, "ab" * 20, Path("/p/.odyssey/environments/x"), size, 0.0)


def test_what_is_kept_is_counted_and_weighed() -> None:
    """Wheels and what was never finished take room, but are no environments."""
    watching = PlainWatcher()
    builds = [_build("virtualenv-py3.12", n * 10**6) for n in (1, 2)]
    watching.kept([*builds, _build("wheel", 10**6), _build("", 500_000)])
    assert kept_words(watching.builds) == "2 kept in /p/.odyssey/environments, 4.50 MB"
