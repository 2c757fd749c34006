"""Reading a check's JSON report back, as far as a search for the commit at fault needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from odyssey_asv.errors import InvalidFileError


class Side(BaseModel):
    """Base or contender. `dirty` says that it had changes that no commit holds."""

    commit: str
    dirty: bool = False


class Asked(BaseModel):
    """What was asked of the check, as far as the search is to ask it again."""

    benches: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    python: str | None = None


class Case(BaseModel):
    """One case, as the report's own documentation has it."""

    id: str
    label: str
    params: dict[str, str]
    environment: str | None = None
    verdict: str
    gated: bool
    effects: list[float]
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    detectable: float | None = None
    tolerance: float
    better: str
    base: Any = None
    unit: str = ""
    at_least: float | None = None
    traceback: str | None = None

    @property
    def name(self) -> str:
        """As asv's `-b` sees it."""
        return f"{self.id}({', '.join(self.params.values())})" if self.params else self.id


class Report(BaseModel):
    """The report of one check."""

    schema_version: str
    base: Side
    contender: Side
    cases: list[Case]
    asked: Asked = Asked()


def load(path: Path) -> Report:
    """Read a report. Raises `InvalidFileError` for anything else, and for one that is of uncommitted
    changes."""
    try:
        report = Report.model_validate_json(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        tip = "odyssey check, or name the JSON report of one: --from-check FILE"
        raise InvalidFileError(str(path), (error.strerror or str(error),), tip=tip) from error
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"])) or "the file"
        raise InvalidFileError(
            str(path),
            (f"is no report of a check: {place}: {error.errors()[0]['msg']}",),
            tip="make one: odyssey check --json > report.json",
        ) from error
    if report.base.dirty or report.contender.dirty:
        raise InvalidFileError(
            str(path),
            ("is of uncommitted changes, which no commit holds",),
            tip="commit them and check again",
        )
    return report
