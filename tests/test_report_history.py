"""The forms of a history, made by hand."""

from __future__ import annotations

import json

import pytest

from odyssey_asv.model import Benchmark, Case, Kind, RunKind
from odyssey_asv.past.timeline import (
    Change,
    History,
    Level,
    Line,
    Moment,
    Place,
    Point,
    Series,
    Trend,
)
from odyssey_asv.report.history import github, markdown, terminal, words
from odyssey_asv.report.history import json as report_json
from odyssey_asv.report.history.plot import HEIGHT, draw

HOSTILE = "<script>alert('x')</script>|`*\u202eevil\n::error::"
HERE = Place("m1", "py3.11")


def line(count: int = 20, branch: str | None = "main") -> Line:
    moments = {
        n: Moment(n, f"{n:040x}", f"2026-01-{n + 1:02}T00:00:00Z", f"change {n}")
        for n in range(count)
    }
    return Line(moments, count, branch)


def trend(
    name: str = "suite.time_f", *changes: Change, place: Place = HERE, values: int = 20
) -> Trend:
    benchmark = Benchmark(name, name, Kind.TIME, "seconds")
    points = tuple(Point(n, 1e-3 * (1 + 0.01 * (n % 5))) for n in range(values))
    levels = (Level(0, values - 1, 1e-3),)
    return Trend(Series(benchmark, Case(name), place, points), levels, changes, 0.02)


def change(ratio: float = 1.3, **more: object) -> Change:
    known = {
        "before": 4, "after": 5, "old": 1e-3, "new": 1e-3 * ratio, "ratio": ratio,
        "interval": (ratio * 0.99, ratio * 1.01), "worse": ratio > 1.0,
    }  # fmt: skip
    return Change(**(known | more))  # type: ignore[arg-type]


def history(*trends: Trend, **more: object) -> History:
    known = {"line": line(), "trends": trends, "confidence": 0.99}
    return History(**(known | more))  # type: ignore[arg-type]


def test_the_worst_that_holds_comes_first() -> None:
    found = history(
        trend("suite.time_a", change(1.1)),
        trend("suite.time_b", change(3.0, recovered=9)),
        trend("suite.time_c", change(1.5)),
        trend("suite.time_d", change(0.2)),
    )
    assert [one.trend.label[-1] for one in found.found] == ["c", "a", "b", "d"]
    assert [one.trend.label[-1] for one in found.regressions] == ["c", "a"]
    said = terminal.render(found)
    assert said.index("suite.time_c") < said.index("suite.time_a") < said.index("suite.time_b")


def test_nothing_found_says_so() -> None:
    said = terminal.render(history(trend(), trend("suite.time_g")))
    assert said.splitlines()[-1] == "no regression holds"
    assert "0 regressions hold, 0 recovered, 0 improvements" in said


def test_places_are_numbered_where_there_are_several() -> None:
    there = Place("m2", "py3.12", RunKind.PAIRED)
    said = terminal.render(history(trend("suite.time_a", change()), trend(place=there)))
    assert "[1] py3.11 on m1" in said
    assert "[2] py3.12 on m2, paired" in said
    assert "suite.time_a [1]" in said


def test_long_lists_are_cut_unless_all_is_wanted() -> None:
    found = history(*(trend(f"suite.time_{n}", change(1.2 + n / 100)) for n in range(30)))
    assert "15 more not shown (--all shows them)" in terminal.render(found)
    assert "not shown" not in terminal.render(found, everything=True)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_tables_fit(width: int) -> None:
    found = history(trend("suite." + "long_" * 40, change()), warnings=("w" * 300,))
    lines = terminal.render(found, width=width).splitlines()
    assert max(map(len, lines)) <= width


def test_a_range_says_how_many_commits() -> None:
    said = terminal.render(history(trend("suite.time_a", change(before=2)), trend()))
    assert "00000000..00000000 (one of 3 commits)" in said


def test_hostile_names_are_text() -> None:
    found = history(trend(HOSTILE, change()), trend())
    table = terminal.render(found)
    assert "\u202e" not in table
    text = markdown.render(found)
    assert "<script>" not in text
    assert "\u202e" not in text
    annotations = github.render(found)
    assert "\u202e" not in annotations
    assert not any(row.startswith("::error") for row in annotations.splitlines())
    document = json.loads(report_json.render(found, exit_code=0))
    assert document["changes"][0]["id"] == HOSTILE


def test_markdown_fits_into_a_comment() -> None:
    found = history(
        *(trend("suite.time_" + "x" * 400 + str(n), change()) for n in range(500)),
        warnings=tuple("w" * 900 for _ in range(100)),
    )
    assert len(markdown.render(found)) < 65_000


def test_annotations_are_few() -> None:
    found = history(*(trend(f"suite.time_{n}", change()) for n in range(40)))
    assert github.render(found).count("::warning title=regression") == 10


def test_json_of_regressions_only() -> None:
    found = history(trend("suite.time_a", change(1.2)), trend("suite.time_b", change(0.5)))
    every = json.loads(report_json.render(found, exit_code=0))
    held = json.loads(report_json.render(found, exit_code=0, regressions=True))
    assert [one["id"] for one in every["changes"]] == ["suite.time_a", "suite.time_b"]
    assert [one["id"] for one in held["changes"]] == ["suite.time_a"]


@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_picture_is_as_wide_as_it_may_be(ascii_only: bool) -> None:
    rows = draw(trend("suite.time_a", change()), line(), 80, ascii_only=ascii_only)
    assert max(map(len, rows)) <= 80
    assert len(rows) == HEIGHT + 2
    assert rows[-2].strip() == "^"
    assert rows[-1].split() == ["2026-01-01", "2026-01-20"]
    if ascii_only:
        assert all(row.isascii() for row in rows if "µ" not in row)
        assert sum(row.count("*") for row in rows) == 20


def test_a_single_point_is_drawn() -> None:
    assert draw(trend(values=1), line(), 80)[HEIGHT // 2 - 1 : HEIGHT // 2 + 1]


@pytest.mark.parametrize(
    ("ratio", "said", "between"),
    [
        (1.3, "+30.0 %", "[+28.7, +31.3]"),
        (0.5, "-50.0 %", "[-50.5, -49.5]"),
        (25.0, "×25.0", "[24.8, 25.2]"),
        (0.04, "÷25.0", "[24.8, 25.3]"),
        (1 / 31300.0, "÷31,300", "[30,990, 31,616]"),
        (0.0, "-100.0 %", "[-100.0, -100.0]"),
    ],
)
def test_tenfold_and_more_is_a_factor_either_way(ratio: float, said: str, between: str) -> None:
    one = change(ratio)
    assert words.change(one) == said
    assert words.interval(one) == between
