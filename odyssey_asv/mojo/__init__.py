"""What a project needs to have its Mojo code measured, and how it gets there. Knows no compiler.

`odyssey_mojo.py` and `odyssey.mojo` are copied into the project, because a benchmark's environment holds
the project alone, nothing of this package and of what that requires.
"""

from __future__ import annotations

from pathlib import Path

from odyssey_asv.errors import InvalidInputError
from odyssey_asv.files import write_atomically

FILES = ("odyssey_mojo.py", "odyssey.mojo")


def write_into(folder: Path, *, force: bool = False) -> list[Path]:
    """Copy the files into a folder. Returns those that were not there already.

    Raises `InvalidInputError` where a file is there and is another one, unless `force` replaces it.
    """
    source = Path(__file__).parent
    contents = {folder / name: (source / name).read_bytes() for name in FILES}
    missing = []
    for path, content in contents.items():
        try:
            if path.read_bytes() == content:
                continue
        except FileNotFoundError:
            pass
        except OSError as error:
            raise InvalidInputError(f"{path}: {error.strerror or error}") from error
        else:
            if not force:
                raise InvalidInputError(
                    f"{path}: it is there and is another version, or was changed",
                    tip="--force replaces it",
                )
        missing.append(path)
    for path in missing:
        write_atomically(path, contents[path])
    return missing
