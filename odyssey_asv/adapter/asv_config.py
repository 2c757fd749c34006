"""`asv.conf.json`: where it is and what this program needs to know of it.

asv reads the file itself for everything else; nothing here changes what a key means.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odyssey_asv.errors import InvalidFileError, InvalidInputError

NAMES = ("asv.conf.json", "asv.conf.jsonc")

_JSON5_FAULT = re.compile(r"^<string>:(\d+) (.*) at column (\d+)$", re.DOTALL)


class NoConfigurationError(InvalidInputError):
    """There is no asv configuration anywhere near."""


@dataclass(frozen=True, slots=True)
class AsvConfig:
    """The part of an asv configuration that is ours to know. Folders are absolute. A hash added to
    `commit_url` makes the address of a commit; None where there is none."""

    path: Path
    project: str
    repo: str
    branches: tuple[str, ...]
    environment_type: str
    benchmark_dir: Path
    results_dir: Path
    env_dir: Path
    html_dir: Path
    digest: str
    benchmark_timeout_s: float = 60.0
    commit_url: str | None = None

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def local_repo(self) -> Path | None:
        """The repository's folder, None where `repo` is an address elsewhere."""
        candidate = (self.folder / self.repo).resolve()
        return candidate if candidate.is_dir() else None

    @property
    def mirror(self) -> Path:
        """Where asv keeps its clone of a repository that is not local."""
        return self.folder / self.project

    def suite_digest(self) -> str:
        """Identifies the configuration and every Python file of the suite, by content."""
        digest = hashlib.sha256(self.digest.encode())
        for file in sorted(self.benchmark_dir.rglob("*.py")):
            digest.update(str(file.relative_to(self.benchmark_dir)).encode() + b"\0")
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()


def find(start: Path, named: str | None = None) -> Path:
    """The asv configuration that holds in `start`.

    That is the file `named`, else one in `start` or above, else the only one in a folder of
    `start`. Raises `InvalidInputError` where there is none or no telling which.
    """
    if named is not None:
        path = start / named
        if path.is_file():
            return path
        raise InvalidInputError(f"{path}: not found", tip="name an asv.conf.json with --config")
    for folder in (start, *start.parents):
        for name in NAMES:
            if (folder / name).is_file():
                return folder / name
    below = sorted(path for name in NAMES for path in start.glob(f"*/{name}"))
    if len(below) == 1:
        return below[0]
    if below:
        raise InvalidInputError(
            f"{start}: more than one asv configuration: {', '.join(map(str, below))}",
            tip="choose one with --config",
        )
    raise NoConfigurationError(
        f"{start}: no asv.conf.json here, above or one folder below",
        tip="create one with: odyssey init",
    )


def load(path: Path) -> AsvConfig:
    """Read an asv configuration. Raises `InvalidFileError` with every fault found."""
    raw = _parse(path)
    faults: list[str] = []

    def text(key: str, default: str | None = None) -> str:
        value = raw.get(key, default)
        if isinstance(value, str) and value:
            return value
        faults.append(f"{key}: missing" if value is None else f"{key}: not a text: {value!r:.60}")
        return ""

    def seconds(key: str, default: float) -> float:
        value = raw.get(key, default)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
            return float(value)
        faults.append(f"{key}: not seconds above zero: {value!r:.60}")
        return default

    folder = path.resolve().parent
    branches = raw.get("branches") or ["HEAD"]
    if not isinstance(branches, list):
        faults.append(f"branches: not a list: {branches!r:.60}")
        branches = []
    repo = text("repo")
    if repo.startswith("-"):
        faults.append(f"repo: {repo!r} begins with '-'")
    project = text("project", "project")
    if Path(project).name != project or project == "..":
        faults.append(f"project: {project!r} is not a plain name")
    config = AsvConfig(
        path=path.resolve(),
        project=project,
        repo=repo,
        branches=tuple(str(branch) for branch in branches if branch),
        environment_type=text("environment_type", "unset"),
        benchmark_dir=folder / text("benchmark_dir", "benchmarks"),
        results_dir=folder / text("results_dir", "results"),
        env_dir=folder / text("env_dir", "env"),
        html_dir=folder / text("html_dir", "html"),
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
        benchmark_timeout_s=seconds("default_benchmark_timeout", 60.0),
        commit_url=_web_address(raw.get("show_commit_url")),
    )
    if faults:
        raise InvalidFileError(
            str(path), tuple(faults), tip="see asv's documentation of asv.conf.json"
        )
    return config


def _web_address(value: object) -> str | None:
    """asv's default is "#"."""
    known = isinstance(value, str) and value.startswith(("https://", "http://"))
    return str(value) if known else None


def keys(path: Path) -> tuple[str, ...]:
    """All top-level keys of an asv configuration that can be read. Raises `InvalidFileError`."""
    return tuple(map(str, _parse(path)))


def known_keys() -> tuple[str, ...]:
    """Every key that asv reads. Loads asv."""
    from asv.config import Config

    return ("version", "build_cache_size", *sorted(vars(Config())))


def check_runnable(config: AsvConfig, environments: tuple[str, ...]) -> None:
    """Raise `InvalidInputError` for what would stop asv before it measures anything."""
    if config.environment_type == "unset" and not environments:
        raise InvalidFileError(
            str(config.path),
            ("environment_type: missing, and asv stops without it",),
            tip='add "environment_type": "virtualenv"',
        )
    check_suite(config)


def check_suite(config: AsvConfig) -> None:
    """Raise `InvalidInputError` where there is no suite."""
    if not (config.benchmark_dir / "__init__.py").is_file():
        raise InvalidInputError(
            f"{config.benchmark_dir}: no __init__.py, so asv finds no benchmarks there",
            tip="set benchmark_dir in asv.conf.json, or make the folder a package",
        )


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidFileError(str(path), (f"not UTF-8: {error}",)) from error
    try:
        document = json.loads(content)
    except json.JSONDecodeError:
        document = _parse_with_comments(path, content)
    except RecursionError:
        raise InvalidFileError(str(path), ("nested too deeply",)) from None
    if not isinstance(document, dict):
        raise InvalidFileError(str(path), ("expected an object",))
    return document


def _parse_with_comments(path: Path, content: str) -> Any:
    """asv allows comments and trailing commas, by the same library."""
    import json5

    try:
        return json5.loads(content)
    except ValueError as error:
        fault = _JSON5_FAULT.sub(r"\2 at line \1, column \3", str(error))
    except RecursionError:
        fault = "nested too deeply"
    raise InvalidFileError(str(path), (f"not JSON, not even with comments: {fault}",))
