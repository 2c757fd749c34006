"""The files of an adoption as text, and what becomes of each beside what is there already. Writes none."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from odyssey_asv.adopting.origin import Source
from odyssey_asv.adopting.survey import Package
from odyssey_asv.errors import InvalidInputError

_TEMPLATES = Path(__file__).parent / "templates"
_LIMITS = """\
# Up to the tolerance a slowdown must pass, from the threshold on it must alert.
tolerance = "5%"
threshold = "10%"
# Seconds of measuring, at most; building is not counted.
budget_s = 600
"""


class State(Enum):
    """What becomes of a file."""

    NEW = "new"
    EXTENDED = "extended"
    KEPT = "kept"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Draft:
    """A file as it is to be. `added` is the text that is new in it; `remedy` says what a person may do
    about one that stays as it is."""

    path: Path
    content: bytes
    state: State
    added: str = ""
    remedy: str | None = None

    @property
    def to_write(self) -> bool:
        return self.state in (State.NEW, State.EXTENDED)


def whole(path: Path, text: str) -> Draft:
    """A file of which all is ours: written where there is none, never over another."""
    there = _there(path)
    if there is None:
        return Draft(path, text.encode(), State.NEW, text)
    if there == text.encode():
        return Draft(path, there, State.KEPT)
    remedy = "left as it is; to have the current one, move it away and run this again"
    return Draft(path, there, State.DIFFERS, remedy=remedy)


def kept(path: Path) -> Draft:
    """A file of the project that already does what one of ours would."""
    return Draft(path, _there(path) or b"", State.KEPT)


def _extended(path: Path, text: str) -> Draft:
    """A file with text added at its end, in the line ends that it has; what is there stays as it is."""
    there = _there(path)
    if there is None:
        return Draft(path, text.lstrip("\n").encode(), State.NEW, text.lstrip("\n"))
    added = text.encode()
    if there and not there.endswith(b"\n"):
        added = b"\n" + added
    if b"\r\n" in there:
        added = added.replace(b"\n", b"\r\n")
    return Draft(path, there + added, State.EXTENDED, text)


def _there(path: Path) -> bytes | None:
    if path.is_dir():
        raise InvalidInputError(f"{path}: is a folder, and a file is to be there")
    return path.read_bytes() if path.exists() else None


def asv_conf(package: Package, folder: Path, root: Path, branch: str, benchmark_dir: str) -> Draft:
    """`asv.conf.json`: asv's own keys, no more than are needed."""
    conf: dict[str, object] = {"version": 1, "project": package.name}
    if package.address:
        conf |= {
            "project_url": package.address,
            "show_commit_url": f"{package.address}/commit/",
        }
    conf["repo"] = "/".join([".."] * len(folder.relative_to(root).parts)) or "."
    if folder != root:
        conf["repo_subdir"] = folder.relative_to(root).as_posix()
    conf |= {
        "branches": [branch],
        "environment_type": "virtualenv",
        "benchmark_dir": benchmark_dir,
        "env_dir": ".asv/env",
        "results_dir": ".asv/results",
        "html_dir": ".asv/html",
    }
    return whole(folder / "asv.conf.json", json.dumps(conf, indent=4) + "\n")


def suite(folder: Path, package: Package) -> tuple[Draft, ...]:
    """A suite whose first benchmark runs and measures something of every package: its import."""
    name = package.module.replace(".", "_")
    text = _template("first.txt").replace("<<module>>", package.module).replace("<<name>>", name)
    return (
        whole(folder / "__init__.py", f'"""Benchmarks of {package.module}, run by asv."""\n'),
        whole(folder / "first.py", text),
    )


def settings(folder: Path) -> Draft:
    """`[tool.odyssey-asv]`, at the end of pyproject.toml where there is one.

    Raises `InvalidInputError` where nothing can be added there.
    """
    path = folder / "pyproject.toml"
    if not path.exists():
        return whole(folder / "odyssey-asv.toml", _LIMITS)
    draft = _extended(path, f"\n[tool.odyssey-asv]\n{_LIMITS}")
    before = tomllib.loads((_there(path) or b"").decode())
    try:
        after = tomllib.loads(draft.content.decode())
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(
            f"{path}: no table can be added at its end: {error}",
            tip="write the settings to odyssey-asv.toml beside it, and run this again",
        ) from error
    added = after["tool"].pop("odyssey-asv")
    if "tool" not in before:
        after.pop("tool")
    assert (after, added) == (before, tomllib.loads(_LIMITS))
    return draft


def ignored(root: Path, folders: Iterable[str]) -> Draft:
    """`.gitignore`, with what measuring leaves behind."""
    path = root / ".gitignore"
    lines = (_there(path) or b"").decode(errors="replace").splitlines()
    known = {line.strip().strip("/") for line in lines}
    missing = [folder for folder in folders if folder not in known]
    if not missing:
        return kept(path)
    return _extended(path, "".join(f"/{folder}/\n" for folder in missing))


def github(root: Path, source: Source, config: str) -> tuple[Draft, ...]:
    """The workflow that checks pull requests and the one that comments."""
    folder = root / ".github" / "workflows"
    words = {
        "<<check>>": source.action("check"),
        "<<comment>>": source.action("comment"),
        "<<config>>": json.dumps(config),
    }
    return tuple(
        whole(folder / name, _filled(name, words))
        for name in ("benchmarks.yml", "benchmarks-comment.yml")
    )


def gitlab(root: Path, source: Source, config: str) -> tuple[Draft, ...]:
    """The job in a file of its own, and where there is no `.gitlab-ci.yml` yet one that includes it."""
    name = ".gitlab/odyssey-asv.yml"
    words = {
        "<<requirement>>": json.dumps(source.requirement),
        "<<config>>": json.dumps(config),
    }
    job = whole(root / name, _filled("gitlab.yml", words))
    path = root / ".gitlab-ci.yml"
    there = _there(path)
    if there is None or name.encode() in there:
        include = f"include:\n  - local: {name}\n"
        return job, kept(path) if there else whole(path, include)
    remedy = f"add to its `include:`  - local: {name}"
    return job, Draft(path, there, State.DIFFERS, remedy=remedy)


def _filled(name: str, words: dict[str, str]) -> str:
    text = _template(name)
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text


def _template(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
