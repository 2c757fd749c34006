"""The journal: one line for each process, worth something after any kill."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.adapter.journal import Journal, Measurement, journal_path, last_lines

IDENTITY = {"commit": "ab" * 20, "environment": "e", "machine": {"cpu": "A CPU"}, "n": (1, 2)}


def measurement(round_: int = 0, **changes: Any) -> Measurement:
    """What one process gave."""
    known = {
        "name": "suite.time_f",
        "version": "1",
        "position": 0,
        "round": round_,
        "value": None,
        "samples": [0.5, 0.25],
        "number": 3.0,
        "errcode": 0,
        "stderr": "",
        "seconds": 1.0,
    }
    return Measurement(**{**known, **changes})


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "deep/er/x.jsonl", IDENTITY)


def test_what_was_appended_is_read(journal: Journal) -> None:
    """In its order, text and numbers unchanged."""
    assert journal.start(afresh=False) == []
    written = [measurement(0), measurement(1, stderr="é\n\u2028\x85 lines", errcode=1)]
    for found in written:
        journal.append(found)
    assert journal.read() == written


def test_a_second_start_goes_on(journal: Journal) -> None:
    """What is recorded is handed back, and more is appended to it."""
    journal.start(afresh=False)
    journal.append(measurement(0))
    assert journal.start(afresh=False) == [measurement(0)]
    journal.append(measurement(1))
    assert journal.read() == [measurement(0), measurement(1)]


def test_starting_afresh_forgets(journal: Journal) -> None:
    """Asked to measure again, nothing old counts."""
    journal.start(afresh=False)
    journal.append(measurement())
    assert journal.start(afresh=True) == []
    assert journal.read() == []


@pytest.mark.parametrize("changed", [{"commit": "cd" * 20}, {"machine": {}}, {"more": 1}])
def test_a_journal_of_another_measurement_says_nothing(
    changed: dict[str, Any], journal: Journal
) -> None:
    """Another commit, machine or configuration is another measurement."""
    journal.start(afresh=False)
    journal.append(measurement())
    other = Journal(journal.path, {**IDENTITY, **changed})
    assert other.read() == []
    assert other.start(afresh=False) == []
    assert journal.read() == []


def test_no_journal_says_nothing(journal: Journal) -> None:
    """Nothing was measured yet."""
    assert journal.read() == []


@given(cut=st.integers(1, 60))
def test_a_cut_off_line_loses_only_itself(cut: int) -> None:
    """A kill in the middle of a line costs that line, and not the next one appended."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder, "x.jsonl"), IDENTITY)
        journal.start(afresh=False)
        journal.append(measurement(0))
        journal.append(measurement(1))
        journal.path.write_bytes(journal.path.read_bytes()[: -cut - 1])
        assert journal.read() == [measurement(0)]
        assert journal.start(afresh=False) == [measurement(0)]
        journal.append(measurement(2))
        assert journal.read() == [measurement(0), measurement(2)]


@pytest.mark.parametrize("content", [b"", b"\n", b"{", b"\xff\n\xfe", b"null\n", b"[1]\n{}\n"])
def test_a_damaged_first_line_starts_anew(content: bytes, journal: Journal) -> None:
    """Without its identity a journal is nobody's."""
    journal.path.parent.mkdir(parents=True)
    journal.path.write_bytes(content)
    assert journal.start(afresh=False) == []
    journal.append(measurement())
    assert journal.read() == [measurement()]


@pytest.mark.parametrize("line", ["[]", "5", '"x"', "{}", '{"name": "x"}', "null", "[[[["])
def test_a_line_of_another_shape_is_left_out(line: str, journal: Journal) -> None:
    """Other versions of this program may have written it."""
    journal.start(afresh=False)
    with journal.path.open("a") as stream:
        stream.write(line + "\n")
    journal.append(measurement())
    assert journal.read() == [measurement()]


def test_each_process_is_one_write(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is never in two pieces, so that a kill leaves whole lines."""
    journal.start(afresh=False)
    writes: list[bytes] = []
    real = os.write

    def write(descriptor: int, content: bytes) -> int:
        writes.append(content)
        return real(descriptor, content)

    monkeypatch.setattr(os, "write", write)
    journal.append(measurement())
    assert len(writes) == 1
    assert json.loads(writes[0])["round"] == 0


def test_a_full_disk_is_an_error(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not silently a hole in the journal; what there was stays readable."""
    journal.start(afresh=False)
    journal.append(measurement())

    def write(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space left"):
        journal.append(measurement(1))
    assert journal.read() == [measurement()]


def test_discarding_leaves_nothing(journal: Journal) -> None:
    """And may be done twice."""
    journal.start(afresh=False)
    journal.discard()
    journal.discard()
    assert not journal.path.exists()


def test_key_tells_processes_apart() -> None:
    """Benchmark, version, case and round."""
    assert measurement(1).key == ("suite.time_f", "1", 0, 1)


def test_paths_differ_by_machine_commit_and_environment(tmp_path: Path) -> None:
    """Names that would join to the same text do not meet."""
    names = [("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("a/..", "b", "c")]
    paths = {journal_path(tmp_path, *name) for name in names}
    assert len(paths) == len(names)
    assert {path.parent for path in paths} == {tmp_path}


def test_output_is_bounded() -> None:
    """The end of a long output, in lines that are not long either."""
    output = "\n".join(f"{number} " + "x" * 10_000 for number in range(10_000))
    kept = last_lines(output)
    assert len(kept) < 10_000
    assert kept.splitlines()[-1].startswith("9999 ")
    assert last_lines(" \n short \n\n") == "short"
