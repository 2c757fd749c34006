"""Baselines: proposed, approved, archived, sealed, and whole after any kill."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv.errors import InvalidFileError, InvalidInputError
from odyssey_asv.model import ResultSet
from odyssey_asv.store import baselines as module
from odyssey_asv.store.baselines import Baselines
from odyssey_asv.store.results import load, serialise
from tests.builders import timed

APPROVAL = {"by": "Ada", "reason": "faster", "approved_at": "2026-11-23T20:00:00Z"}


@pytest.fixture
def baselines(tmp_path: Path) -> Baselines:
    return Baselines(tmp_path / "baselines")


def source(tmp_path: Path, milliseconds: float = 1.0, day: int = 1) -> Path:
    """A result file that may become a baseline."""
    path = tmp_path / f"{milliseconds}.json"
    path.write_bytes(serialise(timed({"a": milliseconds}, timestamp=f"2026-11-{day:02}T00:00:00Z")))
    return path


def value_of(results: ResultSet) -> float:
    return float(results.results[0].value * 1000)


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a file by hand."""
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))


def all_sound(baselines: Baselines) -> bool:
    return all(baselines.faults(path) == [] for path in baselines.approved())


def test_no_baseline_says_how_to_make_one(baselines: Baselines) -> None:
    """Neither the current one nor a release's."""
    with pytest.raises(InvalidInputError, match="not found: no baseline yet") as caught:
        baselines.load()
    assert "odyssey baseline create" in (caught.value.tip or "")
    with pytest.raises(InvalidInputError, match="no baseline for release 'v1'"):
        baselines.load("v1")
    assert baselines.approved() == baselines.candidates() == []


def test_proposing_keeps_a_copy(baselines: Baselines, tmp_path: Path) -> None:
    """The source may go; the same content is kept once."""
    path = source(tmp_path)
    candidate = baselines.propose(path)
    assert baselines.propose(path) == candidate
    assert baselines.candidates() == [candidate]
    assert load(candidate) == load(path)


def test_candidates_are_listed_newest_first(baselines: Baselines, tmp_path: Path) -> None:
    """By the time they were measured."""
    old, new = (baselines.propose(source(tmp_path, day, day)) for day in (1, 2))
    assert baselines.candidates() == [new, old]


def test_proposing_forgets_an_approval(baselines: Baselines, tmp_path: Path) -> None:
    """A baseline proposed again is a candidate as any other."""
    first = baselines.propose(source(tmp_path))
    current = baselines.approve(first, APPROVAL, "v1")
    assert baselines.propose(current) == first


def test_broken_files_cannot_be_proposed(baselines: Baselines, tmp_path: Path) -> None:
    """With every fault named."""
    path = source(tmp_path)
    rewrite(path, lambda document: document.update(timestamp=5))
    with pytest.raises(InvalidFileError, match="timestamp"):
        baselines.propose(path)
    assert baselines.candidates() == []


def test_long_and_odd_timestamps_name_no_odd_file(baselines: Baselines, tmp_path: Path) -> None:
    """What a file says of its time leads nowhere."""
    path = source(tmp_path)
    rewrite(path, lambda document: document.update(timestamp="../é" + "1" * 500))
    candidate = baselines.propose(path)
    assert candidate.parent == baselines.folder / "candidates"
    assert len(candidate.name) < 60


def test_approving_makes_the_current_baseline(baselines: Baselines, tmp_path: Path) -> None:
    """With who, when, why and from what."""
    candidate = baselines.propose(source(tmp_path))
    path = baselines.approve(candidate, APPROVAL, None)
    found = baselines.load()
    assert path == baselines.current
    assert found.approval is not None
    assert (found.approval.by, found.approval.candidate) == ("Ada", candidate.name)
    assert found.release is None
    assert baselines.approved() == [path]
    assert baselines.faults(path) == []


def test_the_old_baseline_is_archived(baselines: Baselines, tmp_path: Path) -> None:
    """Never lost, and still verifiable."""
    for milliseconds in (1, 2, 3):
        candidate = baselines.propose(source(tmp_path, milliseconds, milliseconds))
        baselines.approve(candidate, APPROVAL, None)
    current, *archive = baselines.approved()
    assert value_of(load(current)) == 3
    assert [value_of(load(path)) for path in archive] == [2, 1]
    assert all_sound(baselines)


def test_approving_twice_keeps_both_approvals(baselines: Baselines, tmp_path: Path) -> None:
    """The second stands, the first is archived; the very same changes nothing."""
    candidate = baselines.propose(source(tmp_path))
    baselines.approve(candidate, APPROVAL, None)
    baselines.approve(candidate, APPROVAL, None)
    assert baselines.approved() == [baselines.current]
    baselines.approve(candidate, {**APPROVAL, "by": "Bob"}, None)
    approvals = [load(path).approval for path in baselines.approved()]
    assert [approval and approval.by for approval in approvals] == ["Bob", "Ada"]
    assert all_sound(baselines)


def test_a_release_keeps_its_baseline(baselines: Baselines, tmp_path: Path) -> None:
    """Whatever becomes the current one later."""
    baselines.approve(baselines.propose(source(tmp_path, 1)), APPROVAL, "v1")
    baselines.approve(baselines.propose(source(tmp_path, 2)), APPROVAL, "v2")
    assert value_of(baselines.load("v1")) == 1
    assert value_of(baselines.load("v2")) == value_of(baselines.load()) == 2
    assert baselines.load("v1").release == "v1"
    assert all_sound(baselines)


def test_a_release_approved_again_archives_the_first(baselines: Baselines, tmp_path: Path) -> None:
    """Its first baseline is not lost."""
    for milliseconds in (1, 2):
        baselines.approve(baselines.propose(source(tmp_path, milliseconds)), APPROVAL, "v1")
    archived = list((baselines.folder / "archive").iterdir())
    assert [value_of(load(path)) for path in archived] == [1]
    assert all_sound(baselines)


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("v1.2-3", "v1.2-3.json"),
        ("release/2026", "release%2F2026.json"),
        ("a/../../b", "a%2F..%2F..%2Fb.json"),
        ("1.0+local", "1.0+local.json"),
        ("é", "%C3%A9.json"),
        ("a\0b", "a%00b.json"),
    ],
)
def test_release_names_are_files_of_the_folder(
    release: str, name: str, baselines: Baselines
) -> None:
    """Whatever git allows in a tag."""
    assert baselines.of_release(release) == baselines.folder / name


@pytest.mark.parametrize(
    "release", ["", ".", "..", "../x", ".hidden", "-x", "--force", "baseline_results"]
)
def test_release_names_that_are_no_file_are_refused(release: str, baselines: Baselines) -> None:
    """Options, hidden files, other folders, the current baseline itself."""
    with pytest.raises(InvalidInputError, match="cannot name a release"):
        baselines.of_release(release)


def test_a_bad_release_name_changes_nothing(baselines: Baselines, tmp_path: Path) -> None:
    """It is refused before anything is written."""
    candidate = baselines.propose(source(tmp_path))
    with pytest.raises(InvalidInputError):
        baselines.approve(candidate, APPROVAL, "../v1")
    assert baselines.approved() == []


def test_text_that_is_no_unicode_names_a_release(baselines: Baselines) -> None:
    """A tag in another encoding is no crash."""
    assert baselines.of_release("v\udce9").parent == baselines.folder


@pytest.mark.parametrize("indent", [None, 1, 8])
def test_the_form_of_a_candidate_does_not_matter(
    indent: int | None, baselines: Baselines, tmp_path: Path
) -> None:
    """Minified or indented: the same content has the same digest."""
    path = source(tmp_path)
    canonical = baselines.propose(path)
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=indent))
    assert baselines.propose(path) == canonical
    baselines.approve(path, APPROVAL, None)
    assert baselines.faults(baselines.current) == []


def test_a_candidate_of_a_newer_minor_schema_is_kept_whole(
    baselines: Baselines, tmp_path: Path
) -> None:
    """Unknown keys are approved with the rest."""
    path = source(tmp_path)
    rewrite(path, lambda document: document.update(schema_version="1.9", unknown={"a": [1]}))
    baselines.approve(baselines.propose(path), APPROVAL, None)
    assert json.loads(baselines.current.read_bytes())["unknown"] == {"a": [1]}
    assert baselines.faults(baselines.current) == []


def test_a_baseline_rewritten_in_another_form_is_sound(
    baselines: Baselines, tmp_path: Path
) -> None:
    """A formatter in a commit hook changes no number."""
    baselines.approve(baselines.propose(source(tmp_path)), APPROVAL, None)
    rewrite(baselines.current, lambda _: None)
    assert baselines.faults(baselines.current) == []


TAMPERINGS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a number": (
        lambda d: d["benchmarks"][0].update(duration_ms=2.0, value=0.002),
        "its content is not what was approved",
    ),
    "an unknown key": (lambda d: d.update(mine=1), "its content is not what was approved"),
    "an unknown key of an entry": (
        lambda d: d["benchmarks"][0].update(mine=1),
        "its content is not what was approved",
    ),
    "the commit": (
        lambda d: d["commit"].update(hash="ff" * 20),
        "its content is not what was approved",
    ),
    "who approved": (lambda d: d["approval"].update(by="Eve"), "the seal differs"),
    "why": (lambda d: d["approval"].update(reason="no reason"), "the seal differs"),
    "an unknown key of the approval": (
        lambda d: d["approval"].update(mine=1),
        "the seal differs",
    ),
    "the release": (lambda d: d.update(release="v2"), "the seal differs"),
    "the seal": (lambda d: d.update(seal="0" * 64), "the seal differs"),
    "no seal": (lambda d: d.pop("seal"), "the seal differs"),
    "no approval": (lambda d: d.pop("approval"), "it was never approved"),
    "the digest": (
        lambda d: d["approval"].update(sha256="0" * 64),
        "its content is not what was approved",
    ),
    "a duration alone": (
        lambda d: d["benchmarks"][0].update(duration_ms=2.0),
        "say different things",
    ),
    "a field of the wrong type": (lambda d: d.update(timestamp=5), "timestamp"),
}


@pytest.mark.parametrize(("change", "words"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_tampering_shows(
    change: Callable[[dict[str, Any]], object], words: str, baselines: Baselines, tmp_path: Path
) -> None:
    """Whatever is changed by hand after the approval."""
    baselines.approve(baselines.propose(source(tmp_path)), APPROVAL, "v1")
    rewrite(baselines.current, change)
    assert any(words in fault for fault in baselines.faults(baselines.current))
    assert baselines.faults(baselines.of_release("v1")) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON"),
        (b"[]", "file: "),
        (b'{"a": 1, "a": 2}', "twice in one object"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_broken_baseline_is_named(
    content: bytes, words: str, baselines: Baselines, tmp_path: Path
) -> None:
    """Verifying never crashes."""
    baselines.approve(baselines.propose(source(tmp_path)), APPROVAL, None)
    baselines.current.write_bytes(content)
    (fault,) = baselines.faults(baselines.current)
    assert words in fault


def test_a_missing_baseline_is_a_fault(baselines: Baselines) -> None:
    """It went away between listing and reading."""
    assert baselines.faults(baselines.current) == ["not found"]


def test_an_incomplete_run_is_a_fault(baselines: Baselines, tmp_path: Path) -> None:
    """Even where somebody approved it."""
    path = source(tmp_path)
    rewrite(path, lambda document: document["run"].update(complete=False))
    baselines.approve(path, APPROVAL, None)
    assert baselines.faults(baselines.current) == ["it comes from an incomplete run"]


def test_a_broken_current_baseline_is_not_replaced(baselines: Baselines, tmp_path: Path) -> None:
    """It can't be archived under its own time: it has to be restored or removed by hand."""
    candidate = baselines.propose(source(tmp_path))
    baselines.approve(candidate, APPROVAL, None)
    baselines.current.write_bytes(b"{")
    with pytest.raises(InvalidFileError, match=r"baseline_results\.json"):
        baselines.approve(candidate, APPROVAL, None)
    assert baselines.current.read_bytes() == b"{"


@pytest.mark.parametrize("step", range(4))
def test_a_kill_between_steps_leaves_sound_baselines(
    step: int, baselines: Baselines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any write: every file verifies, no baseline is lost, and the approval can be repeated."""
    for milliseconds, release in ((1, "v1"), (2, "v2")):
        baselines.approve(baselines.propose(source(tmp_path, milliseconds)), APPROVAL, release)
    candidate = baselines.propose(source(tmp_path, 3))
    writes = 0

    def counted(write: Callable[[Path, bytes], None]) -> Callable[[Path, bytes], None]:
        def call(path: Path, content: bytes) -> None:
            nonlocal writes
            if writes == step:
                raise KeyboardInterrupt
            writes += 1
            write(path, content)

        return call

    with monkeypatch.context() as patched:
        for name in ("write_atomically", "write_new"):
            patched.setattr(module, name, counted(getattr(module, name)))
        if step < 3:
            with pytest.raises(KeyboardInterrupt):
                baselines.approve(candidate, APPROVAL, "v1")
        else:
            baselines.approve(candidate, APPROVAL, "v1")
    assert all_sound(baselines)
    assert {1.0, 2.0} <= {value_of(load(path)) for path in baselines.approved()}
    baselines.approve(candidate, APPROVAL, "v1")
    assert value_of(baselines.load()) == value_of(baselines.load("v1")) == 3
    assert {1.0, 2.0, 3.0} == {value_of(load(path)) for path in baselines.approved()}
    assert all_sound(baselines)
