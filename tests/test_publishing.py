"""Pages on the disk: what differs is written, what is ours is removed, the rest is left alone."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from odyssey_asv import publishing
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.files import write_atomically
from odyssey_asv.publishing import Written, write_pages

PAGES = [("index.html", b"one"), ("data/a.js", b"two")]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_what_is_made_is_there(tmp_path: Path) -> None:
    assert write_pages(tmp_path / "site", PAGES) == Written(2, 0, 0)
    assert contents(tmp_path / "site") == dict(PAGES)


def test_a_second_time_touches_nothing(tmp_path: Path) -> None:
    write_pages(tmp_path, PAGES)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert write_pages(tmp_path, PAGES) == Written(0, 2, 0)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_what_changed_is_written_and_what_is_gone_is_removed(tmp_path: Path) -> None:
    write_pages(tmp_path, PAGES)
    assert write_pages(tmp_path, [("index.html", b"ONE"), ("b.html", b"new")]) == Written(2, 0, 1)
    assert contents(tmp_path) == {"index.html": b"ONE", "b.html": b"new"}


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    write_pages(tmp_path, PAGES)
    (tmp_path / "CNAME").write_text("example.invalid")
    write_pages(tmp_path, PAGES[:1])
    assert contents(tmp_path) == {"index.html": b"one", "CNAME": b"example.invalid"}


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("important")
    with pytest.raises(InvalidInputError, match="not ours"):
        write_pages(tmp_path, PAGES)
    assert contents(tmp_path) == {"thesis.txt": b"important"}


@pytest.mark.parametrize("name", ["../x.html", "/tmp/x.html", "a/../../x", "", "a\\..\\x"])
def test_no_path_leads_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError, match="leads out"):
        write_pages(tmp_path / "site", [(name, b"x")])
    assert not (tmp_path / "x.html").exists()


def test_nothing_is_written_through_links(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write_pages(tmp_path / "site", PAGES[:1])
    (tmp_path / "site" / "data").symlink_to(elsewhere)
    with pytest.raises(InvalidInputError, match="symbolic link"):
        write_pages(tmp_path / "site", PAGES)
    (tmp_path / "link").symlink_to(elsewhere)
    with pytest.raises(InvalidInputError, match="symbolic link"):
        write_pages(tmp_path / "link", PAGES)
    assert list(elsewhere.iterdir()) == []


def test_a_full_disk_leaves_whole_pages_and_the_next_time_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pages(tmp_path, PAGES)
    real = write_atomically

    def full(path: Path, content: bytes) -> None:
        if path.name == "a.js":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, content)

    monkeypatch.setattr(publishing, "write_atomically", full)
    changed = [("index.html", b"ONE"), ("data/a.js", b"TWO"), ("new.html", b"3")]
    with pytest.raises(OSError, match="No space"):
        write_pages(tmp_path, changed)
    assert contents(tmp_path) == {"index.html": b"ONE", "data/a.js": b"two"}
    monkeypatch.undo()
    assert write_pages(tmp_path, changed) == Written(2, 1, 0)


def test_a_kill_between_two_pages_loses_track_of_none(tmp_path: Path) -> None:
    def killed() -> object:
        yield "index.html", b"one"
        yield "old.html", b"x"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pages(tmp_path, killed())  # type: ignore[arg-type]
    write_pages(tmp_path, PAGES)
    assert contents(tmp_path) == dict(PAGES)


def test_a_broken_manifest_costs_only_the_removal(tmp_path: Path) -> None:
    write_pages(tmp_path, PAGES)
    (tmp_path / ".odyssey-site.json").write_text("{")
    assert write_pages(tmp_path, PAGES[:1]) == Written(0, 1, 0)
    assert contents(tmp_path) == dict(PAGES)


@pytest.mark.parametrize("manifest", ['"ab"', "7", '{"mine.txt": 1}', "[[[", "null", "\x00"])
def test_a_manifest_that_is_none_removes_nothing(tmp_path: Path, manifest: str) -> None:
    write_pages(tmp_path, PAGES)
    for name in ("a", "b", "mine.txt"):
        (tmp_path / name).write_text("important")
    (tmp_path / ".odyssey-site.json").write_text(manifest)
    assert write_pages(tmp_path, PAGES) == Written(0, 2, 0)
    assert (tmp_path / "mine.txt").exists()
    assert (tmp_path / "b").exists()


def test_a_manifest_that_leads_out_removes_nothing_outside(tmp_path: Path) -> None:
    outside = tmp_path / "thesis.txt"
    outside.write_text("important")
    folder = tmp_path / "site"
    write_pages(folder, PAGES)
    names = ["../thesis.txt", str(outside), "data/../../thesis.txt", "data", ".", "a\0b"]
    (folder / ".odyssey-site.json").write_text(json.dumps(names))
    write_pages(folder, PAGES)
    assert outside.exists()
    assert contents(folder) == dict(PAGES)
    assert json.loads((folder / ".odyssey-site.json").read_text()) == ["data/a.js", "index.html"]


def test_a_kill_at_the_first_manifest_leaves_a_folder_that_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "..odyssey-site.json.0123456789abcdef.tmp").write_text("[")
    assert write_pages(tmp_path, PAGES) == Written(2, 0, 0)


def test_a_name_that_was_cut_off_hides_no_other(tmp_path: Path) -> None:
    write_pages(tmp_path, PAGES)
    (tmp_path / "old.html").write_text("x")
    (tmp_path / ".odyssey-site.added").write_text('"ol\n"old.html"\n"da')
    assert write_pages(tmp_path, PAGES) == Written(0, 2, 1)
    assert contents(tmp_path) == dict(PAGES)
    assert not (tmp_path / ".odyssey-site.added").exists()


def test_a_killed_build_is_known_by_its_names(tmp_path: Path) -> None:
    """Killed outright, so that nothing is put in order on the way out."""
    program = (
        "import os, pathlib, sys\n"
        "from odyssey_asv.publishing import write_pages\n"
        "def pages():\n"
        "    yield 'index.html', b'one'\n"
        "    yield 'old/a.html', b'x'\n"
        "    os.kill(os.getpid(), 9)\n"
        "write_pages(pathlib.Path(sys.argv[1]), pages())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path / "site")], check=False)
    assert ended.returncode == -9
    assert write_pages(tmp_path / "site", PAGES) == Written(1, 1, 1)
    assert contents(tmp_path / "site") == dict(PAGES)


def test_nothing_is_removed_through_a_link(tmp_path: Path) -> None:
    folder, outside = tmp_path / "site", tmp_path / "outside"
    write_pages(folder, PAGES)
    outside.mkdir()
    (outside / "a.js").write_text("important")
    (folder / "data" / "a.js").unlink()
    (folder / "data").rmdir()
    (folder / "data").symlink_to(outside)
    for pages in (PAGES, PAGES[:1]):
        with pytest.raises(InvalidInputError, match="symbolic link"):
            write_pages(folder, pages)
    assert (outside / "a.js").read_text() == "important"
