"""Writing files so that a reader, a full disk or a kill never meets half of one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from odyssey_asv.errors import InvalidInputError


def near(path: str | Path) -> str:
    """A path as briefly as it can be said from here: relative where it leads downwards."""
    with suppress(ValueError, OSError):
        return str(Path(path).resolve().relative_to(Path.cwd().resolve()))
    return str(path)


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` beside `path` and rename it there; make the folder if needed.

    Raises OSError, naming the file, and leaves what was there untouched.
    """
    with _staged(path, content) as temporary:
        temporary.replace(path)


def write_new(path: Path, content: bytes) -> None:
    """As `write_atomically`, but raise FileExistsError rather than replace a file."""
    with _staged(path, content) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError as error:
            raise FileExistsError(error.errno, error.strerror, str(path)) from None
        except OSError:
            _claim_and_replace(temporary, path)


def _claim_and_replace(temporary: Path, path: Path) -> None:
    """`os.link` for a file system without hard links: an empty file claims the name first."""
    path.open("xb").close()
    try:
        temporary.replace(path)
    except BaseException:
        path.unlink()
        raise


def plain_name(name: str, what: str) -> str:
    """`name` as it is. Raises `InvalidInputError` where it could lead out of a folder."""
    if not name or name in (".", "..") or any(c in name for c in "/\\\0") or name.startswith("-"):
        raise InvalidInputError(f"{what} {name!r} cannot be part of a file name")
    return name


@contextmanager
def _staged(path: Path, content: bytes) -> Iterator[Path]:
    """A file with the content, on disk beside `path`; gone when the block is left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name[:64]}.{secrets.token_hex(8)}.tmp"
    try:
        with os.fdopen(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb"
        ) as sink:
            sink.write(content)
            sink.flush()
            os.fsync(sink.fileno())
        yield temporary
    except OSError as error:
        if error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)
