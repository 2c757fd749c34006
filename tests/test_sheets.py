"""Files as columns of numbers, put together to series, and remembered."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from odyssey_asv.adapter.sheets import Reader, Suite, result_files
from odyssey_asv.adapter.tree import read_asv_tree
from odyssey_asv.errors import InvalidFileError
from odyssey_asv.model import Benchmark, Case, Kind, RunKind, Status
from odyssey_asv.past.assembly import assemble
from odyssey_asv.past.sheets import Columns, Described, Layout, Sheet
from odyssey_asv.past.timeline import Place, Series
from odyssey_asv.store.ledger import Ledger
from odyssey_asv.store.sheets import sheet_of
from tests.builders import benchmark, result, result_set

PLACE = Place("m1", "py3.11")
TWO = (("'a'", "'b'"), ("1", "2"))


def sheet(commit: str, *rows: tuple[Layout, list[Any]], **more: Any) -> Sheet:
    columns = Columns()
    for layout, values in rows:
        columns.add(layout, layout.cases, values, None, None)
    known = {"place": PLACE, "commit": commit, "date": "", "measured_at": "2026-01-01T00:00:00Z"}
    made = columns.sheet(**(known | more))
    assert made is not None
    return made


def layout(name: str = "m.time_f", *axes: tuple[str, ...], version: str = "v1") -> Layout:
    return Layout(name, version, axes)


def described(of: Layout) -> Benchmark:
    names = tuple(f"p{number}" for number in range(len(of.axes)))
    return Benchmark(
        of.benchmark, of.benchmark, Kind.TIME, "seconds", params=of.axes, param_names=names
    )


def series(*sheets: Sheet, wanted: Any = lambda case: True) -> list[Series]:
    positions = {name: position for position, name in enumerate("abcdef")}
    return list(assemble(sheets, positions, described, wanted))


def values(of: Series) -> list[tuple[int, float]]:
    return [(point.position, point.value) for point in of.points]


def test_what_is_no_number_counts_as_none() -> None:
    made = sheet("a", (layout("m.track_f", ("1", "2", "3", "4")), [1.5, "12", None, 10**400]))
    assert made.values[0] == 1.5
    assert np.isnan(made.values[1:]).all()


def test_benchmarks_without_a_number_are_left_out() -> None:
    made = sheet("a", (layout("m.time_f"), [None]), (layout("m.time_g"), [2.0]))
    assert [one.benchmark for one in made.layouts] == ["m.time_g"]
    assert made.values.tolist() == [2.0]


def test_nothing_but_nothing_is_no_sheet() -> None:
    columns = Columns()
    assert columns.sheet(PLACE, commit="a", date="", measured_at="") is None
    columns.add(layout(), 1, [float("nan")], None, None)
    assert columns.sheet(PLACE, commit="a", date="", measured_at="") is None


def test_a_column_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="2 values for 1 cases"):
        Columns().add(layout(), 1, [1.0, 2.0], None, None)


def test_infinite_bounds_are_none() -> None:
    columns = Columns()
    columns.add(layout(), 1, [1.0], [float("-inf")], [float("inf")])
    made = columns.sheet(PLACE, commit="a", date="", measured_at="")
    assert made is not None
    assert np.isnan([made.low[0], made.high[0]]).all()


def test_series_follow_the_line_not_the_files() -> None:
    (found,) = series(*(sheet(name, (layout(), [float(n)])) for n, name in enumerate("cab", 1)))
    assert values(found) == [(0, 2.0), (1, 3.0), (2, 1.0)]


def test_commits_off_the_line_are_left_out() -> None:
    (found,) = series(sheet("a", (layout(), [1.0])), sheet("elsewhere", (layout(), [2.0])))
    assert values(found) == [(0, 1.0)]


def test_the_newest_measurement_of_a_commit_counts() -> None:
    old = sheet("a", (layout(), [1.0]), measured_at="2026-01-01T00:00:00Z")
    new = sheet("a", (layout(), [2.0]), measured_at="2026-01-02T00:00:00Z")
    (found,) = series(new, old)
    assert values(found) == [(0, 2.0)]


def test_other_code_is_another_benchmark() -> None:
    old = sheet("a", (layout(version="v1"), [1.0]))
    (found,) = series(old, sheet("b", (layout(version="v2"), [2.0])))
    assert values(found) == [(1, 2.0)]


def test_cases_are_matched_by_their_parameters() -> None:
    before = sheet("a", (layout("m.time_f", ("1", "2", "3")), [1.0, 2.0, 3.0]))
    after = sheet("b", (layout("m.time_f", ("3", "1")), [30.0, 10.0]))
    three, one = series(before, after)
    assert values(three) == [(0, 3.0), (1, 30.0)]
    assert values(one) == [(0, 1.0), (1, 10.0)]


def test_each_case_of_two_axes_has_its_own_series() -> None:
    made = sheet("a", (layout("m.time_f", *TWO), [1.0, 2.0, 3.0, 4.0]))
    found = {one.case.params: values(one) for one in series(made)}
    assert found[("p0", "'b'"), ("p1", "1")] == [(0, 3.0)]
    assert len(found) == 4


def test_places_are_kept_apart() -> None:
    elsewhere = sheet("a", (layout(), [5.0]), place=Place("m2", "py3.11"))
    paired = sheet("a", (layout(), [6.0]), place=PLACE._replace(how=RunKind.PAIRED))
    assert len(series(sheet("a", (layout(), [1.0])), elsewhere, paired)) == 3


def test_only_what_is_wanted_is_put_together() -> None:
    def wanted(case: Case) -> bool:
        return case.benchmark.endswith("g")

    made = sheet("a", (layout("m.time_f"), [1.0]), (layout("m.time_g"), [2.0]))
    assert [one.benchmark.id for one in series(made, wanted=wanted)] == ["m.time_g"]


def test_asv_files_give_the_numbers_that_the_lossless_reader_gives(fixtures: Path) -> None:
    folder = fixtures / "asv_tree"
    faults: list[InvalidFileError] = []
    suite = Suite(folder, faults.append)
    expected: dict[Any, float] = {}
    for found in read_asv_tree(folder):
        place = Place(str(found.environment.machine), str(found.environment.env_name))
        for one in found.results:
            number = isinstance(one.value, (int, float)) and one.status is Status.OK
            if number and abs(one.value) < float("inf"):
                expected[place, found.commit.hash, one.case] = float(one.value)
    seen: dict[Any, float] = {}
    for path in result_files(folder, faults.append):
        read = Reader(faults.append)(path.read_bytes(), path)
        assert read is not None
        for row, start, end in read.rows():
            cases = suite.describe(row).cases()
            for case, value in zip(cases, read.values[start:end], strict=True):
                if not np.isnan(value):
                    seen[read.place, read.commit, case] = float(value)
    assert not faults
    assert seen == expected
    assert len(seen) > 50


def test_an_old_format_is_read_as_the_new_one(fixtures: Path) -> None:
    faults: list[InvalidFileError] = []

    def read(name: str) -> list[Sheet]:
        paths = result_files(fixtures / name, faults.append)
        return [s for p in paths if (s := Reader(faults.append)(p.read_bytes(), p))]

    old, new = read("asv_tree_v1"), read("asv_tree_v1_updated")
    assert not faults
    assert [one.layouts for one in old] == [one.layouts for one in new]
    assert all(
        np.array_equal(a.values, b.values, equal_nan=True) for a, b in zip(old, new, strict=True)
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "expected an object"),
        (b'{"version": 7}', "format 7 is unknown"),
        (b'{"version": 2}', "missing key"),
        (
            b'{"version": 2, "result_columns": ["result"], "results": {"f": [[1]]}, "params": 3}',
            "not an asv",
        ),
    ],
)
def test_what_is_no_result_file_is_reported(content: bytes, said: str) -> None:
    faults: list[InvalidFileError] = []
    assert Reader(faults.append)(content, Path("here.json")) is None
    assert said in str(faults[0])
    assert "here.json" in str(faults[0])


def test_a_row_that_cannot_be_read_costs_itself_only() -> None:
    content = (
        b'{"version": 2, "result_columns": ["result", "params"], "params": {"machine": "m"},'
        b'"commit_hash": "abcdef12", "env_name": "e",'
        b'"results": {"m.time_f": [[1.0, 2.0], []], "m.time_g": [[3.0], []]}}'
    )
    faults: list[InvalidFileError] = []
    read = Reader(faults.append)(content, Path("x.json"))
    assert read is not None
    assert [one.benchmark for one in read.layouts] == ["m.time_g"]
    assert "m.time_f" in str(faults[0])


def test_our_files_say_themselves_what_they_hold() -> None:
    timed = benchmark("f", params=(("1", "2"),), param_names=("n",))
    cases = list(timed.cases())
    found = result_set(
        [(timed, result(timed, 2.0, case=cases[1])), (timed, result(timed, 1.0, case=cases[0]))]
    )
    made = sheet_of(found)
    assert made is not None
    assert made.values.tolist() == [1.0, 2.0]
    assert made.layouts[0].described == Described("time", "seconds", "lower", ("n",))


def test_results_of_uncommitted_changes_are_no_history() -> None:
    from dataclasses import replace

    found = result_set([(benchmark("f"), result(benchmark("f"), 1.0))])
    assert sheet_of(found) is not None
    assert sheet_of(replace(found, commit=replace(found.commit, dirty=True))) is None
    assert sheet_of(replace(found, commit=replace(found.commit, hash=None))) is None


class Counting:
    """Reads a file with a number in it, and counts."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, raw: bytes, path: Path) -> Sheet | None:
        self.read.append(path.name)
        return sheet("a", (layout("m.time_f", *TWO), [float(raw), None, 2.0, 3.0])) if raw else None


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A file that was changed long ago."""
    path = tmp_path / "one.json"
    path.write_text("1.5")
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


def looked_at(folder: Path, path: Path, reader: Counting) -> float | None:
    with Ledger(folder) as ledger:
        found = ledger.sheet(path, reader)
    return None if found is None else float(found.values[0])


def test_a_file_is_read_once(tmp_path: Path, stored: Path) -> None:
    reader = Counting()
    assert [looked_at(tmp_path, stored, reader) for _ in range(3)] == [1.5, 1.5, 1.5]
    assert reader.read == ["one.json"]


def test_what_is_remembered_is_what_was_read(tmp_path: Path, stored: Path) -> None:
    with Ledger(tmp_path) as ledger:
        first = ledger.sheet(stored, Counting())
    with Ledger(tmp_path) as ledger:
        again = ledger.sheet(stored, Counting())
    assert first is not None
    assert again is not None
    assert (again.place, again.commit, again.layouts) == (first.place, first.commit, first.layouts)
    for name in ("values", "low", "high"):
        assert np.array_equal(getattr(again, name), getattr(first, name), equal_nan=True)


def test_a_file_that_holds_nothing_is_remembered_too(tmp_path: Path, stored: Path) -> None:
    stored.write_text("")
    os.utime(stored, (1_600_000_000, 1_600_000_000))
    reader = Counting()
    assert [looked_at(tmp_path, stored, reader) for _ in range(2)] == [None, None]
    assert len(reader.read) == 1


def test_a_changed_file_is_read_again(tmp_path: Path, stored: Path) -> None:
    reader = Counting()
    looked_at(tmp_path, stored, reader)
    stored.write_text("2.5")
    assert looked_at(tmp_path, stored, reader) == 2.5


def test_a_touched_file_is_not_read_again(tmp_path: Path, stored: Path) -> None:
    reader = Counting()
    looked_at(tmp_path, stored, reader)
    os.utime(stored, (1_650_000_000, 1_650_000_000))
    assert [looked_at(tmp_path, stored, reader) for _ in range(2)] == [1.5, 1.5]
    assert len(reader.read) == 1


def test_a_change_in_the_moment_of_reading_is_seen(tmp_path: Path, stored: Path) -> None:
    """Same size and, as far as a coarse file system tells, the same time."""
    stored.write_text("1.5")
    status = stored.stat()
    reader = Counting()
    looked_at(tmp_path, stored, reader)
    stored.write_text("2.5")
    os.utime(stored, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert looked_at(tmp_path, stored, reader) == 2.5


def test_a_ledger_that_is_none_is_begun_anew(tmp_path: Path, stored: Path) -> None:
    reader = Counting()
    looked_at(tmp_path, stored, reader)
    (base,) = tmp_path.glob("history-*.sqlite")
    base.write_bytes(b"not a ledger at all, and longer than a page's head" * 100)
    assert [looked_at(tmp_path, stored, reader) for _ in range(2)] == [1.5, 1.5]
    assert len(reader.read) == 2


def test_where_nothing_can_be_written_all_is_read(tmp_path: Path, stored: Path) -> None:
    reader = Counting()
    folder = tmp_path / "file"
    folder.write_text("in the way")
    assert [looked_at(folder, stored, reader) for _ in range(2)] == [1.5, 1.5]
    assert len(reader.read) == 2


def test_another_process_may_hold_the_ledger(
    tmp_path: Path, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odyssey_asv.store.ledger._PATIENCE_S", 0.05)
    looked_at(tmp_path, stored, Counting())
    (base,) = tmp_path.glob("history-*.sqlite")
    other = sqlite3.connect(base, isolation_level=None)
    other.execute("begin immediate")
    second = tmp_path / "two.json"
    second.write_text("7.5")
    assert looked_at(tmp_path, second, Counting()) == 7.5
    other.execute("rollback")
    other.close()
    assert looked_at(tmp_path, stored, Counting()) == 1.5


def test_two_may_write_side_by_side(tmp_path: Path, stored: Path) -> None:
    second = tmp_path / "two.json"
    second.write_text("7.5")
    os.utime(second, (1_600_000_000, 1_600_000_000))
    with Ledger(tmp_path) as one, Ledger(tmp_path) as other:
        one.sheet(stored, Counting())
        other.sheet(second, Counting())
    reader = Counting()
    assert looked_at(tmp_path, stored, reader) == 1.5
    assert looked_at(tmp_path, second, reader) == 7.5
    assert reader.read == []


def test_what_is_gone_is_forgotten(tmp_path: Path, stored: Path) -> None:
    reader = Counting()
    looked_at(tmp_path, stored, reader)
    with Ledger(tmp_path) as ledger:
        ledger.forget_all_but([])
    looked_at(tmp_path, stored, reader)
    assert len(reader.read) == 2
