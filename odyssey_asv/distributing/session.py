"""The jobs of one question on their way: remembered, carried out, told to end."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from odyssey_asv.config import Config
from odyssey_asv.distributing.parcel import Parcel
from odyssey_asv.errors import CannotMeasureError, InterruptedRunError
from odyssey_asv.files import write_atomically
from odyssey_asv.fleet.drive import Keep, Watcher, drive
from odyssey_asv.fleet.engine import DaskEngine
from odyssey_asv.fleet.jobs import Answer
from odyssey_asv.fleet.line import Line
from odyssey_asv.sharding.shards import fingerprint


class Session:
    """The jobs of one question, remembered until it is answered."""

    def __init__(self, config: Config, question: Sequence[object]) -> None:
        self.folder = config.state / "sessions" / fingerprint(question)
        path = self.folder / "name"
        if not path.exists():
            write_atomically(path, secrets.token_hex(6).encode())
        self.name = path.read_text(encoding="ascii")

    def job_id(self, unit: str) -> str:
        """The same whenever the question is asked again before it is answered."""
        return f"{self.name}-{unit}"

    def forget(self) -> None:
        """The question is answered; asked again, it is a new one."""
        shutil.rmtree(self.folder, ignore_errors=True)


GOES_ON = "the same command goes on where it stopped"


@contextmanager
def stopping(engine: DaskEngine, session: Session, tip: str = GOES_ON) -> Iterator[None]:
    """Interrupted, tell the hosts to end."""
    try:
        yield
    except KeyboardInterrupt as error:
        engine.stop(session.name)
        raise InterruptedRunError("interrupted", tip=tip) from error


def carry(line: Line, engine: DaskEngine, parcel: Parcel, keep_one: Keep, watcher: Watcher) -> None:
    """Do every job of a line on a parcel. See `drive.drive`."""
    if parcel.digest is not None and parcel.content is not None:
        engine.offer(parcel.digest, parcel.content)
    drive(line, engine, keep_one, watcher)


def raise_failures(line: Line) -> None:
    """Raise for the jobs that were given up, after all others are done."""
    if line.failed:
        labels = {job.id: job.label for job in line.jobs}
        lines = [f"  {labels[name]}: {reason}" for name, reason in sorted(line.failed.items())]
        raise CannotMeasureError(
            "\n".join([f"{len(lines)} of {len(line.jobs)} jobs came to nothing", *lines]),
            tip="the same command does only what is left",
        )


def said_by(answer: Answer) -> str:
    """Why an answer without files is none, by the last thing that the command said."""
    said = [line for line in answer.said.splitlines() if line.strip()]
    errors = [line for line in said if line.startswith("error:")] or said[-1:]
    return f"on {answer.host}: {errors[0] if errors else f'exit code {answer.code}'}"
