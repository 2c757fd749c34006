"""Where this program comes from, so that CI takes the very same: its actions, a requirement of pip."""

from __future__ import annotations

import importlib.metadata
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from odyssey_asv import __version__
from odyssey_asv.errors import InvalidInputError, OdysseyError
from odyssey_asv.repository import Repository

# Where the project says it lives (`project_url` of its own asv.conf.json).
HOME = "odyssey-asv/odyssey-asv"

_ACTION = re.compile(r"^(?P<repository>[A-Za-z0-9-]+/[\w.-]+)@(?P<ref>[\w][\w./+-]*)$", re.ASCII)
_GITHUB = re.compile(
    r"^(?:https://(?:[^/@]+@)?github\.com/|ssh://git@github\.com/|git@github\.com:)"
    r"([A-Za-z0-9-]+/[\w.-]+?)(?:\.git)?/?$",
    re.ASCII,
)
_COMMIT = re.compile(r"^[0-9a-f]{40}$")


@dataclass(frozen=True, slots=True)
class Source:
    """A repository on GitHub and the commit, tag or branch of it to take. `certain` where this program
    was installed from it, or the user named it."""

    repository: str
    ref: str
    certain: bool

    @property
    def pinned(self) -> bool:
        """Whether what it names can never change."""
        return _COMMIT.match(self.ref) is not None

    @property
    def requirement(self) -> str:
        """What pip installs it from."""
        return f"odyssey-asv @ git+https://github.com/{self.repository}@{self.ref}"

    def action(self, name: str) -> str:
        """What a workflow writes after `uses:` for one of the actions."""
        return f"{self.repository}/.github/actions/{name}@{self.ref}"


def source(named: str | None = None) -> Source:
    """The source that is named, else the one that this program was installed from, else the project's home
    at this version. Raises `InvalidInputError` for a name that is no `OWNER/REPO@REF`."""
    if named is not None:
        match = _ACTION.match(named)
        if match is None or ".." in named:
            raise InvalidInputError(
                f"--action {named!r} is not OWNER/REPO@REF",
                tip="a commit of the repository that has the actions: --action owner/repo@<40 hex digits>",
            )
        return Source(match["repository"], match["ref"], certain=True)
    return _installed_from(_direct_url()) or Source(HOME, f"v{__version__}", certain=False)


def _installed_from(origin: Any) -> Source | None:
    """What PEP 610 says of an installation: from a repository on GitHub, or from a clone of one whose
    commit has been pushed."""
    if not isinstance(origin, dict):
        return None
    address = str(origin.get("url"))
    if isinstance(origin.get("vcs_info"), dict):
        return _on_github(address, str(origin["vcs_info"].get("commit_id")))
    if not address.startswith("file:///") or "dir_info" not in origin:
        return None
    try:
        with Repository(Path(url2pathname(urlsplit(address).path)), search_parents=False) as clone:
            found = clone.published()
    except OdysseyError:
        return None
    return _on_github(*found) if found else None


def _on_github(address: str, commit: str) -> Source | None:
    match = _GITHUB.match(address)
    return Source(match[1], commit, certain=True) if match and _COMMIT.match(commit) else None


def _direct_url() -> Any:
    with suppress(importlib.metadata.PackageNotFoundError, json.JSONDecodeError):
        text = importlib.metadata.distribution("odyssey-asv").read_text("direct_url.json")
        return json.loads(text) if text else None
    return None
