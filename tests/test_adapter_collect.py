"""asv's file and the journal → one result set: what was measured, what failed and why."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv.adapter.collect import Finished, collect
from odyssey_asv.adapter.journal import Measurement
from odyssey_asv.adapter.tree import write_asv_tree
from odyssey_asv.errors import InvalidFileError
from odyssey_asv.model import Result, ResultSet, Status
from odyssey_asv.store.results import load, save
from tests.asv_documents import MACHINE, document, identical, record, row

COMMIT = "0a1b2c3d" * 5
ENVIRONMENT = "virtualenv-py3.12"
TIME, SIZES, TRACK = "suite.time_f", "suite.time_sizes", "suite.track_loss"
SUITE = {TIME: record(TIME), SIZES: record(SIZES, [["1", "2"]]), TRACK: record(TRACK)}
COLUMNS = document({})["result_columns"]
EVERYTHING = frozenset({(TIME, 0), (SIZES, 0), (SIZES, 1), (TRACK, 0)})


def process(name: str = TIME, position: int = 0, round_: int = 0, **changes: Any) -> Measurement:
    """What one process gave; timed unless it says otherwise."""
    known: dict[str, Any] = {
        "name": name,
        "version": "1",
        "position": position,
        "round": round_,
        "value": None,
        "samples": [0.5, 0.25, 0.75],
        "number": 10.0,
        "errcode": 0,
        "stderr": "",
        "seconds": 1.0,
    }
    return Measurement(**{**known, **changes})


def tracked(value: Any) -> Measurement:
    return process(TRACK, value=value, samples=None, number=None)


class Place:
    """A results folder with asv's files in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / f"m/0a1b2c3d-{ENVIRONMENT}.json"
        self.file.parent.mkdir(parents=True)
        self.suite(SUITE)

    def suite(self, suite: dict[str, Any]) -> None:
        (self.folder / "benchmarks.json").write_text(json.dumps({**suite, "version": 2}))

    def stored(self, rows: dict[str, Any], **changes: Any) -> None:
        self.file.write_text(json.dumps(document(rows, **changes)))

    def collected(
        self, *processes: Measurement, earlier: ResultSet | None = None, **changes: Any
    ) -> tuple[ResultSet, bool]:
        known: dict[str, Any] = {
            "commit": COMMIT,
            "environment": ENVIRONMENT,
            "file": self.file,
            "suite": self.folder / "benchmarks.json",
            "measurements": processes,
            "selected": EVERYTHING,
            "machine": MACHINE,
            "packages": {"numpy": "2.1", "asv_runner": "0.3.2", "Zed": "1"},
            "python": "3.12.4",
        }
        return collect(Finished(**{**known, **changes}), earlier)

    def results(self, *processes: Measurement, **changes: Any) -> dict[tuple[str, int], Result]:
        """The results by benchmark and position."""
        found, _ = self.collected(*processes, **changes)
        return {(r.case.benchmark, r.case.position or 0): r for r in found.results}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "results")


FULL: dict[str, Any] = {
    TIME: row(
        COLUMNS, result=[0.5], params=[], version="1", started_at=1_700_000_000_000, duration=1.5,
        stats_ci_99_a=[0.2], stats_ci_99_b=[0.8], stats_q_25=[0.3], stats_q_75=[0.6],
        stats_number=[10], stats_repeat=[3],
    ),
    SIZES: row(COLUMNS, result=[1.0, None], params=[["1", "2"]], version="1"),
    TRACK: row(COLUMNS, result=["fine"], params=[], version="1"),
}  # fmt: skip


def test_one_process_keeps_its_samples(place: Place) -> None:
    """asv's value and statistics, with the samples asv dropped."""
    place.stored(FULL)
    found = place.results(process())[TIME, 0]
    assert (found.value, found.ci_low, found.q75, found.number) == (0.5, 0.2, 0.6, 10)
    assert found.processes == ((0.5, 0.25, 0.75),)
    assert found.samples is None


def test_two_processes_stay_apart(place: Place) -> None:
    """In the order of their rounds, whatever the journal's."""
    rows = copy.deepcopy(FULL)
    rows[TIME][COLUMNS.index("stats_repeat")] = [6]
    place.stored(rows)
    found = place.results(process(round_=1, samples=[3.0, 2.0, 1.0]), process(round_=0))[TIME, 0]
    assert found.processes == ((0.5, 0.25, 0.75), (3.0, 2.0, 1.0))
    assert (found.value, found.ci_low) == (0.5, 0.2)


def test_numbers_of_processes_that_differ_are_kept(place: Place) -> None:
    """Each process may have settled on its own number of calls."""
    found = place.results(process(), process(round_=1, number=7.0))[TIME, 0]
    assert found.extra == {"numbers": [10.0, 7.0]}
    assert place.results(process(), process(round_=1))[TIME, 0].extra is None


def test_cases_that_only_the_journal_has_are_in(place: Place) -> None:
    """Stopped before asv stored anything, by the budget or a kill: the median of what there is."""
    found, complete = place.collected(process(), complete=False)
    result = found.results[0]
    assert (result.value, result.number, result.repeat) == (0.5, 10.0, 3)
    assert not complete
    assert [r.status for r in found.results[1:]] == [Status.NOT_SELECTED] * 3


def test_statistics_of_other_samples_are_not_taken(place: Place) -> None:
    """asv's row is of an earlier round or run: its interval is not of these samples."""
    place.stored(FULL)
    found = place.results(process(), process(round_=1, samples=[4.0]))[TIME, 0]
    assert (found.ci_low, found.repeat, found.value) == (None, 4, 0.625)


def test_failure_says_what_it_printed(place: Place) -> None:
    """The reason that asv forgets."""
    place.stored(FULL)
    failed = process(samples=None, errcode=1, stderr="ValueError: no")
    found = place.results(process(), process(round_=1), failed)[TIME, 0]
    assert (found.status, found.value, found.reason) == (Status.FAILED, None, "ValueError: no")
    assert found.extra == {"exit_status": 1}


def test_silent_failure_says_its_exit_status(place: Place) -> None:
    """A killed process prints nothing."""
    found = place.results(process(samples=None, errcode=-9))[TIME, 0]
    assert (found.status, found.reason) == (Status.FAILED, "exit status -9")


@pytest.mark.parametrize(
    ("stderr", "reason"), [("asv: timed out", "asv: timed out"), ("", "it took too long")]
)
def test_time_out_is_a_status_of_its_own(stderr: str, reason: str, place: Place) -> None:
    """asv's exit code -256."""
    found = place.results(process(samples=None, errcode=-256, stderr=stderr))[TIME, 0]
    assert (found.status, found.reason) == (Status.TIMEOUT, reason)


def test_nan_in_the_journal_is_skipped(place: Place) -> None:
    """Selected and NaN: the setup skipped it, which asv's file alone cannot say."""
    place.stored({TIME: [[math.nan], [], "1"]})
    found = place.results(process(value=math.nan, samples=None))[TIME, 0]
    assert found.status is Status.SKIPPED
    assert "NotImplementedError" in (found.reason or "")


def test_none_from_a_tracker_is_failed(place: Place) -> None:
    """asv exits 0 and shows it as failed."""
    found = place.results(tracked(None))[TRACK, 0]
    assert found.status is Status.FAILED
    assert "returned None" in (found.reason or "")


@pytest.mark.parametrize("value", [1.5, "text", [1, None], {"a": 1}, True, 0, math.inf])
def test_tracked_values_are_kept_as_they_are(value: Any, place: Place) -> None:
    """Any JSON value."""
    found = place.results(tracked(value))[TRACK, 0]
    assert identical(found.value, value)
    assert found.status is Status.OK


def test_tracker_with_samples_is_timed(place: Place) -> None:
    """A `track_` that gives samples and number has statistics, and its samples are kept."""
    found = place.results(process(TRACK, samples=[1.0, 3.0], number=2.0))[TRACK, 0]
    assert (found.value, found.processes) == (2.0, ((1.0, 3.0),))


def test_complete_when_every_selected_case_has_an_outcome(place: Place) -> None:
    """Failed is an outcome."""
    failed = process(SIZES, 1, samples=None, errcode=1)
    _, complete = place.collected(process(), process(SIZES, 0), failed, tracked(1))
    assert complete


def test_incomplete_when_a_selected_case_has_none(place: Place) -> None:
    """Whatever asv says of itself."""
    found, complete = place.collected(process(), process(SIZES, 0), tracked(1))
    assert not complete
    assert found.results[2].status is Status.NOT_SELECTED


def test_what_was_not_asked_for_does_not_count(place: Place) -> None:
    """A selection is complete without the rest of the suite."""
    _, complete = place.collected(process(), selected=frozenset({(TIME, 0)}))
    assert complete


def test_a_stopped_run_is_never_complete(place: Place) -> None:
    """Even where every case has a result from before."""
    place.stored(FULL)
    assert place.collected(complete=True)[1]
    assert not place.collected(complete=False)[1]


def test_failed_build_fails_what_was_selected(place: Place) -> None:
    """And nothing else."""
    found = place.results(built=False, said="no such header", selected=frozenset({(TIME, 0)}))
    assert found[TIME, 0].status is Status.FAILED
    assert found[TIME, 0].reason == "no such header\nthe project did not build at this commit"
    assert found[SIZES, 0].status is Status.NOT_SELECTED


def test_stored_results_are_carried_over(place: Place) -> None:
    """Cases that asv had from before and were not measured again."""
    place.stored(FULL)
    found = place.results(selected=frozenset())
    assert (found[TIME, 0].value, found[TIME, 0].ci_low) == (0.5, 0.2)
    assert found[SIZES, 0].value == 1.0
    assert found[SIZES, 1].status is Status.FAILED
    assert found[SIZES, 1].reason == "it failed in an earlier run of asv"
    assert found[TRACK, 0].value == "fine"


@pytest.mark.parametrize(
    "stale",
    [
        [[9.0], [], "0"],
        [[9.0, 9.0], [["1", "2"]], "1"],
        [[9.0], []],
    ],
    ids=["version", "parameters", "no version"],
)
def test_rows_of_another_benchmark_version_do_not_count(stale: list[Any], place: Place) -> None:
    """A changed benchmark measures something else under the same name."""
    place.stored({TIME: stale})
    found, _ = place.collected(selected=frozenset())
    expected = Status.OK if len(stale) == 2 else Status.NOT_SELECTED
    assert found.results[0].status is expected
    assert (found.origin or {})["document"]["results"].keys() <= {TIME}


def test_journal_of_another_benchmark_version_does_not_count(place: Place) -> None:
    """Measured before the benchmark was edited."""
    found = place.results(process(version="0"), process("suite.time_gone"))
    assert found[TIME, 0].status is Status.NOT_SELECTED
    assert ("suite.time_gone", 0) not in found


def test_deleted_benchmarks_are_left_out(place: Place) -> None:
    """The set is of the suite as it is now."""
    place.stored({**FULL, "suite.time_gone": [[1.0], [], "1"]})
    found, _ = place.collected()
    assert "suite.time_gone" not in found.benchmarks
    assert "suite.time_gone" not in (found.origin or {})["document"]["results"]


# What an earlier set of ours knows


def earlier_set(place: Place, *processes: Measurement, **changes: Any) -> ResultSet:
    """A set of ours of the same commit, machine and environment."""
    return replace(place.collected(*processes, **changes)[0], timestamp="2026-11-23T19:02:11Z")


def test_earlier_processes_are_carried_over(place: Place) -> None:
    """asv's file has the value; our file has the process boundaries."""
    place.stored(FULL)
    earlier = earlier_set(place, process())
    found = place.results(earlier=earlier)[TIME, 0]
    assert found.processes == ((0.5, 0.25, 0.75),)


def test_earlier_reasons_are_carried_over(place: Place) -> None:
    """Why it failed, that it timed out, that it was skipped."""
    rows = {
        TIME: [None, [], "1"],
        SIZES: [[math.nan, None], [["1", "2"]], "1"],
        TRACK: [None, [], "1"],
    }
    place.stored(rows)
    earlier = earlier_set(
        place,
        process(samples=None, errcode=1, stderr="why"),
        process(SIZES, 0, value=math.nan, samples=None),
        process(SIZES, 1, samples=None, errcode=-256),
        tracked(None),
    )
    found = place.results(earlier=earlier)
    assert found[TIME, 0].reason == "why"
    assert found[SIZES, 0].status is Status.SKIPPED
    assert found[SIZES, 1].status is Status.TIMEOUT
    assert "returned None" in (found[TRACK, 0].reason or "")
    assert place.collected(earlier=earlier)[1]


def test_earlier_outcomes_without_a_row_are_carried_over(place: Place) -> None:
    """asv was killed before it stored them, but we know."""
    earlier = earlier_set(place, process(samples=None, errcode=1, stderr="why"))
    found = place.results(earlier=earlier)[TIME, 0]
    assert (found.status, found.reason) == (Status.FAILED, "why")


def test_earlier_values_that_asv_no_longer_has_are_not(place: Place) -> None:
    """A value is asv's or it is none: its file may have been removed to measure again."""
    earlier = earlier_set(place, process())
    assert place.results(earlier=earlier)[TIME, 0].status is Status.NOT_SELECTED


def test_newer_values_of_asv_win_over_earlier_ones(place: Place) -> None:
    """Somebody ran `asv run` in between."""
    place.stored(FULL)
    earlier = earlier_set(place, process())
    rows = copy.deepcopy(FULL)
    rows[TIME][0] = [0.75]
    place.stored(rows)
    found = place.results(earlier=earlier)[TIME, 0]
    assert (found.value, found.processes) == (0.75, None)


def test_earlier_results_of_another_version_are_not(place: Place) -> None:
    """The benchmark was edited since."""
    earlier = earlier_set(place, process(samples=None, errcode=1, stderr="why"))
    place.suite({**SUITE, TIME: record(TIME, version="2")})
    assert place.results(earlier=earlier)[TIME, 0].status is Status.NOT_SELECTED


# The set as a whole


def test_environment_is_what_was_installed(place: Place) -> None:
    """asv stores requirements; the packages are what was there."""
    place.stored(FULL)
    environment = place.collected()[0].environment
    assert environment.packages == {"asv_runner": "0.3.2", "numpy": "2.1", "Zed": "1"}
    assert list(environment.packages) == ["asv_runner", "numpy", "Zed"]
    assert (environment.python_version, environment.numpy_version) == ("3.12.4", "2.1")
    assert (environment.asv_runner_version, environment.machine) == ("0.3.2", "m")
    assert environment.env_name == ENVIRONMENT


def test_unknown_packages_leave_asv_s_word(place: Place) -> None:
    """An environment that could not be asked."""
    place.stored(FULL, requirements={"numpy": "1.26", "mojo-compiler": "25.7"})
    environment = place.collected(packages={}, python=None)[0].environment
    assert (environment.python_version, environment.numpy_version) == ("3.12", "1.26")
    assert environment.mojo_version == "25.7"


@pytest.mark.parametrize("python", [None, "3.12.4"])
def test_set_without_asv_s_file_has_commit_and_machine(python: str | None, place: Place) -> None:
    """The journal is all there is."""
    found, _ = place.collected(process(), python=python)
    assert found.commit.hash == COMMIT
    assert (found.environment.machine, found.environment.cpu_model) == ("m", "A CPU")
    assert found.source == str(place.file)


def test_collected_set_gives_asv_s_file_back(place: Place, tmp_path: Path) -> None:
    """All that asv stored of the present suite, through our file, value for value."""
    place.stored(FULL, durations={"<build>": 1.5})
    results = earlier_set(place, process())
    save(results, tmp_path / "ours.json")
    loaded = load(tmp_path / "ours.json")
    assert identical(loaded, results)
    (path,) = write_asv_tree(tmp_path / "tree", [loaded])
    found = json.loads(path.read_bytes())
    samples = found["results"][TIME].pop()
    assert samples == [[0.5, 0.25, 0.75]]
    assert identical(found, json.loads(place.file.read_bytes()))


def test_journal_only_set_becomes_an_asv_file(place: Place, tmp_path: Path) -> None:
    """With a row for what was measured and none for what was not selected."""
    results = earlier_set(place, process(), selected=frozenset({(TIME, 0)}))
    (path,) = write_asv_tree(tmp_path / "tree", [results])
    found = json.loads(path.read_bytes())["results"]
    assert set(found) == {TIME}
    assert found[TIME][0] == [0.5]


def test_broken_asv_file_is_an_error(place: Place) -> None:
    """What asv stored must not be taken for nothing."""
    place.file.write_text("{")
    with pytest.raises(InvalidFileError, match=r"0a1b2c3d"):
        place.collected(process())


def test_broken_suite_is_an_error(place: Place) -> None:
    """Nothing can be said of results without it."""
    (place.folder / "benchmarks.json").write_text("{")
    with pytest.raises(InvalidFileError, match=r"benchmarks\.json"):
        place.collected(process())
