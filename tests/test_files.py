"""Files are written whole or not at all, and never over what must stay."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv.errors import InvalidInputError
from odyssey_asv.files import near, plain_name, write_atomically, write_new

WRITERS = [write_atomically, write_new]


def failing(error: OSError) -> Callable[..., Any]:
    """A system call that fails."""

    def call(*_: object, **__: object) -> None:
        raise error

    return call


@pytest.mark.parametrize("write", WRITERS)
def test_content_is_written_and_folders_made(
    write: Callable[[Path, bytes], None], tmp_path: Path
) -> None:
    """The file holds the content and nothing else is left beside it."""
    path = tmp_path / "a/b/file.json"
    write(path, b"content")
    assert path.read_bytes() == b"content"
    assert list(path.parent.iterdir()) == [path]


def test_an_old_file_is_replaced(tmp_path: Path) -> None:
    """`write_atomically` is for files that change."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    """The file can be read by whom the user lets read, as any other file."""
    old = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_very_long_names_can_be_written(tmp_path: Path) -> None:
    """The temporary name is no longer than the name itself may be."""
    write_new(tmp_path / ("x" * 250), b"content")
    assert [len(path.name) for path in tmp_path.iterdir()] == [250]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk costs the new content only, and leaves no temporary file."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    owner: Any = os if call == "fsync" else Path
    monkeypatch.setattr(owner, call, failing(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_atomically(path, b"new")
    assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_an_interrupt_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle leaves no temporary file either."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_the_system_s_own_file_name_is_kept(tmp_path: Path) -> None:
    """An error that names a file names that one."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError) as caught:
        write_atomically(tmp_path / "file/below/x", b"")
    assert "file" in str(caught.value.filename)


NO_LINKS = (
    OSError(errno.EPERM, "Operation not permitted"),
    OSError(errno.ENOTSUP, "Operation not supported"),
)


@pytest.mark.parametrize("link", [None, *NO_LINKS], ids=["links", "EPERM", "ENOTSUP"])
def test_write_new_never_replaces(
    link: OSError | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An existing file stays, on any file system, and the error names it."""
    if link is not None:
        monkeypatch.setattr(os, "link", failing(link))
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError) as caught:
        write_new(path, b"new")
    assert str(caught.value.filename) == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("link", NO_LINKS, ids=["EPERM", "ENOTSUP"])
def test_write_new_works_without_hard_links(
    link: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems have no hard links; the name is claimed another way."""
    monkeypatch.setattr(os, "link", failing(link))
    write_new(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_claimed_name_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where even the renaming fails, no empty file is left."""
    monkeypatch.setattr(os, "link", failing(NO_LINKS[0]))
    monkeypatch.setattr(Path, "replace", failing(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(OSError, match="Input/output error"):
        write_new(tmp_path / "file", b"content")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["m", "my machine", "a.b", "-".join("ab"), "日本", "..a", "a-"])
def test_plain_names_pass(name: str) -> None:
    """Anything that is one step down is a plain name."""
    assert plain_name(name, "machine") == name


@pytest.mark.parametrize("name", ["", ".", "..", "-x", "a/b", "/a", "a\\b", "a\0b", "../../etc"])
def test_names_that_lead_elsewhere_do_not(name: str) -> None:
    """What could be an option or lead out of the folder is refused, naming what it is for."""
    with pytest.raises(InvalidInputError, match=r"release .* cannot be part of a file name"):
        plain_name(name, "release")


def test_a_path_is_said_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative below the present folder, as it is elsewhere."""
    monkeypatch.chdir(tmp_path)
    assert near(tmp_path / "a/b") == "a/b"
    assert near("/elsewhere") == "/elsewhere"
