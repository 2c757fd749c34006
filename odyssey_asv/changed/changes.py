"""Two commits and a suite → which of its modules reach what differs. Reads both, measures nothing."""

from __future__ import annotations

import fnmatch
import functools
import os
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.environments import Recipe
from odyssey_asv.adapter.environments.recipes import Instructions, instructions
from odyssey_asv.changed.builds import build_of
from odyssey_asv.changed.imports import Imports, imports_of, same_code
from odyssey_asv.changed.reach import DOCUMENT_FOLDERS, INIT, Project, Reach, Tree, reach
from odyssey_asv.config import Config
from odyssey_asv.findings import LeftOut
from odyssey_asv.repository import LINK, Entry, Repository

_ELSEWHERE = "the suite"
"""A folder that stands for one that is not in the repository."""

_PLAIN = re.compile(
    r"(?!.*\s\.{0,2}/)(?:(?:in-dir|return-code)=\S+\s+)*(?:PIP_\w+=\S+\s+)*(?:\{env_dir\}\S*/)?python(?:3)?\s+"
    r"(?:-m\s?(?:pip\s+(?:wheel|install|uninstall)|build)|-mpip\s+(?:wheel|install|uninstall))"
    r"(?:\s[^;&|<>`$]*)?"
)
"""A command that does no more than have the build backend build, and nothing of another folder."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Two commits that are to be compared, and whether the suite is the working tree's."""

    base: str
    contender: str
    from_tree: bool


def survey(
    repository: Repository,
    asv: AsvConfig,
    config: Config,
    sides: Sides,
    recipes: tuple[Recipe, ...] = (),
) -> Reach:
    """Which modules of the contender's suite reach what differs between the two commits."""
    asked = instructions(asv)
    before, after = (repository.entries(commit) for commit in (sides.base, sides.contender))
    suite = _suite(asv, repository.root, after, from_tree=sides.from_tree)
    differing = _differing(before, after, suite, repository)
    read = _Reader(repository, suite.texts)
    base, contender = (read.tree(found, suite.root) for found in (before, after))
    build = build_of(_build_files(after, asked.repo_subdir.strip("/"), repository))
    project = Project(
        suite=suite.folder,
        names=build.names | {asv.project},
        always=build.always,
        unfollowed=build.unfollowed
        or _unfollowed(asked, recipes)
        or _a_link((before, after), repository),
        unreached=tuple(_patterns(config, repository.root)),
    )
    alike = {
        path
        for path in differing & set(before) & contender.files
        if _is_file(before[path])
        and same_code(repository.content(before[path].blob), read.text(path, after))
    }
    return reach(base, contender, differing, project, alike)


def left_out(reach: Reach, whys: Counter[str | None] | None) -> LeftOut:
    """What a check tells of it. `whys` count the cases by why they are measured, with None for those that
    are not; None where the suite was not looked into."""
    counted, passed_over = reach.change.counted, reach.change.passed_over
    if whys is None:
        return LeftOut(None, None, counted, passed_over)
    reasons = sorted((why, cases) for why, cases in whys.items() if why is not None)
    return LeftOut(whys[None], whys.total(), counted, passed_over, tuple(reasons))


@dataclass(frozen=True, slots=True)
class _Suite:
    """Where the suite is in the repository, and its Python files where they are not the commit's."""

    folder: str
    texts: Mapping[str, bytes]

    @property
    def outside(self) -> bool:
        """Whether it is in no commit, so that both sides have the same."""
        return self.folder.startswith(_ELSEWHERE)

    @property
    def root(self) -> str:
        """The folder from which its package is imported."""
        root = str(PurePosixPath(self.folder).parent)
        return "" if root == "." else root


def _suite(asv: AsvConfig, root: Path, after: Mapping[str, Entry], *, from_tree: bool) -> _Suite:
    folder = asv.benchmark_dir.resolve()
    try:
        suite = folder.relative_to(root.resolve()).as_posix()
        suite = "" if suite == "." else suite
    except ValueError:
        suite = f"{_ELSEWHERE}/{folder.name}"
    else:
        if not from_tree and str(PurePosixPath(suite, INIT)) in after:
            return _Suite(suite, {})
    others = (asv.env_dir, asv.results_dir, asv.html_dir)
    texts = {
        str(PurePosixPath(suite, file.relative_to(folder).as_posix())): file.read_bytes()
        for file in _files_of(folder, others)
    }
    return _Suite(suite, texts)


def _files_of(folder: Path, others: tuple[Path, ...]) -> Iterator[Path]:
    """The Python files in a folder, without those in hidden folders and in `others` below it."""
    apart = [other.resolve() for other in others if other.resolve() != folder]
    for place, names, files in os.walk(folder):
        here = Path(place)
        names[:] = sorted(
            name for name in names if not name.startswith(".") and here / name not in apart
        )
        python = (name for name in sorted(files) if name.endswith(".py"))
        yield from (here / name for name in python if not name.startswith("."))


def _differing(
    before: Mapping[str, Entry],
    after: Mapping[str, Entry],
    suite: _Suite,
    repository: Repository,
) -> set[str]:
    """The files that the base has otherwise than the contender with its suite."""
    found = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    if suite.outside:
        return found
    return (found - set(suite.texts)) | {
        path
        for path, text in suite.texts.items()
        if path not in before or repository.content(before[path].blob) != text
    }


class _Reader:
    """Reads each file once, whichever commits have it."""

    def __init__(self, repository: Repository, texts: Mapping[str, bytes]) -> None:
        self._repository = repository
        self._texts = texts
        self._imports_in = functools.cache(lambda blob: imports_of(repository.content(blob)))
        self._imports_at = functools.cache(lambda path: imports_of(texts[path]))

    def text(self, path: str, found: Mapping[str, Entry]) -> bytes:
        """A file as the suite has it, else as the commit has."""
        if path in self._texts:
            return self._texts[path]
        return self._repository.content(found[path].blob)

    def tree(self, found: Mapping[str, Entry], root: str) -> Tree:
        """A commit with the files of the suite in it."""

        def imports(path: str) -> Imports:
            known: Imports = (
                self._imports_at(path)
                if path in self._texts
                else self._imports_in(found[path].blob)
            )
            return known

        python = {path for path, entry in found.items() if path.endswith(".py") and _is_file(entry)}
        return Tree(python | set(self._texts), imports, (root,))


def _is_file(entry: Entry) -> bool:
    return entry.mode.startswith("100")


def _build_files(
    after: Mapping[str, Entry], subdir: str, repository: Repository
) -> dict[str, bytes]:
    """The files in the folder that is built from, those read that are."""
    found = {}
    for path, entry in after.items():
        if str(PurePosixPath(path).parent) == (subdir or "."):
            name = PurePosixPath(path).name
            wanted = name in ("pyproject.toml", "setup.cfg", "setup.py") and _is_file(entry)
            found[name] = repository.content(entry.blob) if wanted else b""
    return found


def _unfollowed(instructions: Instructions, recipes: tuple[Recipe, ...]) -> str | None:
    commands = (*(instructions.build or ()), *(instructions.install or ()))
    if not all(map(_PLAIN.fullmatch, commands)):
        return "what asv.conf.json's build and install commands do cannot be followed"
    if any("PYTHONPATH" in recipe.run_vars for recipe in recipes):
        return "PYTHONPATH in asv.conf.json changes where modules are found"
    return None


def _patterns(config: Config, root: Path) -> list[re.Pattern[str]]:
    """The patterns of the settings, and the folders that only this program writes."""
    top = root.resolve()
    ours = [folder.resolve() for folder in (config.results, config.baselines)]
    globs = [f"{f.relative_to(top).as_posix()}/*.json" for f in ours if f.is_relative_to(top)]
    return [re.compile(fnmatch.translate(glob)) for glob in (*config.unreached, *globs)]


def _a_link(commits: tuple[Mapping[str, Entry], ...], repository: Repository) -> str | None:
    """A symbolic link that may give a module a second name: to a module or a folder."""
    for entries in commits:
        folders = {str(folder) for path in entries for folder in PurePosixPath(path).parents}
        for path, entry in sorted(entries.items()):
            if entry.mode != LINK or path.split("/")[0] in DOCUMENT_FOLDERS:
                continue
            target = os.fsdecode(repository.content(entry.blob)).strip()
            led = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            if led.endswith(".py") or led in folders:
                return f"{path} is a symbolic link"
    return None
