"""Baselines on disk: the current one, one for each release, the archive, candidates.

    baseline_results.json      the current baseline
    {release}.json             the baseline of each release
    archive/                   every baseline that was replaced
    candidates/                proposed, not approved

A baseline is a candidate's document with `approval`, `release` and `seal` added. `approval.sha256` is
the candidate's, so the numbers can be proved unchanged; `seal` covers the approval as well.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from odyssey_asv.errors import InvalidFileError, InvalidInputError
from odyssey_asv.files import write_atomically, write_new
from odyssey_asv.model import Approval, ResultSet
from odyssey_asv.store import results as result_files
from odyssey_asv.store.schema import check
from odyssey_asv.store.text import dumps, loads, read_bytes

CURRENT = "baseline_results.json"
_ADDED = ("approval", "release", "seal")


class Baselines:
    """The baselines in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def current(self) -> Path:
        return self.folder / CURRENT

    def of_release(self, release: str) -> Path:
        """The file of one release's baseline. Raises `InvalidInputError` for an impossible name."""
        name = quote(release, safe="+", errors="replace")
        if not release or name.startswith((".", "-")) or f"{name}.json" == CURRENT:
            raise InvalidInputError(f"{release!r} cannot name a release")
        return self.folder / f"{name}.json"

    def approved(self) -> list[Path]:
        """Every approved baseline: the current one, then releases, then the archive."""
        releases = sorted(path for path in self.folder.glob("*.json") if path.name != CURRENT)
        archive = sorted((self.folder / "archive").glob("*.json"), reverse=True)
        current = [self.current] if self.current.exists() else []
        return [*current, *releases, *archive]

    def candidates(self) -> list[Path]:
        """What was proposed, newest first."""
        return sorted((self.folder / "candidates").glob("*.json"), reverse=True)

    def load(self, release: str | None = None) -> ResultSet:
        """The current baseline, or a release's. Raises `InvalidInputError` where there is none."""
        path = self.current if release is None else self.of_release(release)
        if not path.exists():
            what = "no baseline yet" if release is None else f"no baseline for release {release!r}"
            raise InvalidInputError(
                f"{path}: not found: {what}",
                tip="odyssey baseline create, then odyssey baseline approve",
            )
        return result_files.load(path)

    def propose(self, source: Path) -> Path:
        """Keep a result file among the candidates and return where; the same content is kept once."""
        document = _document(source)
        content = _candidate_bytes(document)
        path = self.folder / "candidates" / _name(document, content)
        if not path.exists():
            write_new(path, content)
        return path

    def approve(self, candidate: Path, approval: dict[str, str], release: str | None) -> Path:
        """Make a candidate the current baseline, archive the one before, and return its path.

        Each step leaves the folder whole: a kill in between loses no baseline.
        """
        document = {key: value for key, value in _document(candidate).items() if key not in _ADDED}
        content = _candidate_bytes(document)
        record = Approval(
            **approval,
            candidate=candidate.name,
            sha256=hashlib.sha256(content).hexdigest(),
        )
        document |= {"approval": asdict(record)} | ({"release": release} if release else {})
        document["seal"] = _seal(document)
        sealed = dumps(document).encode()
        targets = [self.of_release(release)] if release else []
        for path in (*targets, self.current):
            self._archive(path, sealed)
        for path in (*targets, self.current):
            write_atomically(path, sealed)
        return self.current

    def _archive(self, path: Path, successor: bytes) -> None:
        if not path.exists():
            return
        content = path.read_bytes()
        if content == successor:
            return
        archived = self.folder / "archive" / _name(_document(path), content)
        if not archived.exists():
            write_new(archived, content)

    def faults(self, path: Path) -> list[str]:
        """What is wrong with an approved baseline, as far as the file alone can tell."""
        try:
            document = loads(read_bytes(str(path)), str(path))
        except (InvalidFileError, InvalidInputError) as error:
            return [str(error).removeprefix(f"{path}: ")]
        file, faults = check(document)
        if file is None:
            return list(faults)
        found = []
        if file.approval is None:
            return ["it was never approved: no approval in it"]
        if hashlib.sha256(_candidate_bytes(document)).hexdigest() != file.approval.sha256:
            found.append("its content is not what was approved: sha256 differs")
        if file.seal != _seal(document):
            found.append("its approval was changed: the seal differs")
        if not file.run.complete:
            found.append("it comes from an incomplete run")
        return found


def _name(document: dict[str, Any], content: bytes) -> str:
    """A file name that sorts by time and tells contents apart."""
    stamp = "".join(c for c in document["timestamp"] if c.isascii() and c.isalnum())
    return f"{stamp[:20]}-{hashlib.sha256(content).hexdigest()[:12]}.json"


def _document(path: Path) -> dict[str, Any]:
    document = loads(read_bytes(str(path)), str(path))
    file, faults = check(document)
    if file is None or not isinstance(document, dict):
        raise InvalidFileError(str(path), faults)
    return document


def _candidate_bytes(document: dict[str, Any]) -> bytes:
    return dumps({key: value for key, value in document.items() if key not in _ADDED}).encode()


def _seal(document: dict[str, Any]) -> str:
    content = dumps({key: value for key, value in document.items() if key != "seal"})
    return hashlib.sha256(content.encode()).hexdigest()
