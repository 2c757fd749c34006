"""The measuring process of one job: the project as its repository has it, then the command itself.

Runs as `python -m odyssey_asv.fleet.bench FOLDER`. Whoever started it may be gone when it ends: what it
leaves is the folder's `answer.json`, written last.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from odyssey_asv.errors import CannotMeasureError, InvalidInputError, OdysseyError
from odyssey_asv.files import plain_name, write_atomically
from odyssey_asv.fleet.jobs import Job, job_of
from odyssey_asv.repository.bundles import clone_at

_SAID = 4000
"""Of what a command said, as many characters of its end go with the answer."""


def main(folder: Path) -> None:
    """Do the job that a folder describes."""
    # Told to stop, the command ends in good order and this process after it.
    signal.signal(signal.SIGTERM, lambda *_: None)
    job = job_of(json.loads((folder / "job.json").read_bytes()))
    started = time.time()
    try:
        place = _project(job, folder.parent.parent)
        code, said = _command(job, place, folder)
    except OdysseyError as error:
        code = 3 if isinstance(error, CannotMeasureError) else 2
        said = f"error: {error}"
    answer = {
        "job": job.id,
        "host": socket.gethostname(),
        "code": code,
        "said": said[-_SAID:],
        "started": started,
        "ended": time.time(),
    }
    if code != 130:
        write_atomically(folder / "answer.json", json.dumps(answer).encode())


def _project(job: Job, home: Path) -> Path:
    """The checkout of the job's project, in which the command is given."""
    root = home / "projects" / plain_name(job.project, "project")
    source = job.address or str(home / "bundles" / plain_name(job.bundle or "", "bundle"))
    clone_at(source, root, job.commit)
    place = (root / job.folder).resolve()
    if not place.is_relative_to(root.resolve()):
        raise InvalidInputError(f"{job.folder!r} is outside the project")
    return place


def _command(job: Job, place: Path, folder: Path) -> tuple[int, str]:
    out, path = folder / "out", folder / "said"
    for name, content in job.files.items():
        write_atomically(out / plain_name(name, "file"), content)
    named = [f"{option}={out / plain_name(name, 'file')}" for option, name in job.places.items()]
    with path.open("wb") as said, (folder / "printed").open("wb") as printed:
        code = subprocess.run(
            [sys.executable, "-m", "odyssey_asv", *job.words, *named, f"--out={out}"],
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=said,
            check=False,
        ).returncode
    for name, content in job.files.items():
        if (out / name).read_bytes() == content:
            # It was handed over, and is no answer.
            (out / name).unlink()
    return code, path.read_text(encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
