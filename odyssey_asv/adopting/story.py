"""From a folder to the files of its adoption, and those files to the disk."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from odyssey_asv import config as configuration
from odyssey_asv.adapter import asv_config
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.environments.recipes import BUILDABLE
from odyssey_asv.adopting import drafts
from odyssey_asv.adopting.drafts import Draft, State
from odyssey_asv.adopting.origin import Source, source
from odyssey_asv.adopting.survey import Package, survey
from odyssey_asv.config import Config
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.files import write_atomically, write_new
from odyssey_asv.project import asv_of
from odyssey_asv.repository import Repository


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks of an adoption: `github`, `gitlab` or `none`; the package, the source of the actions
    and the asv configuration where they are not to be found out."""

    ci: str = "github"
    package: str | None = None
    action: str | None = None
    asv_config: str | None = None


@dataclass(frozen=True, slots=True)
class Adoption:
    """What was found, every file of it, and what a person has to see to."""

    package: Package
    branch: str
    source: Source
    files: tuple[Draft, ...]
    doubts: tuple[str, ...] = ()

    @property
    def nothing_new(self) -> bool:
        return not any(file.to_write for file in self.files)


def adopt(folder: Path, wish: Wish | None = None) -> Adoption:
    """Find out what the project in `folder` is and draft what it lacks. Writes nothing.

    Raises `InvalidInputError` where the folder is in no repository with a commit, is no Python project, or
    where files lead out of it.
    """
    wish = wish or Wish()
    origin = source(wish.action)
    folder = folder.resolve()
    with Repository(folder) as repository:
        root, branch = repository.root.resolve(), _branch(repository)
    package = survey(folder, wish.package)
    config = configuration.load(folder)
    if not config.root.is_relative_to(root):
        config = Config(root=folder)
    found = _existing(folder, root, config, wish.asv_config)
    files = [*_measuring(folder, root, branch, package, found), _settings(folder, config)]
    files.append(drafts.ignored(root, _left_behind(folder, root, config, found)))
    conf = found.path if found else folder / "asv.conf.json"
    _inside(conf, root)
    files += _ci(wish.ci, root, conf.relative_to(root).as_posix(), origin)
    for file in files:
        _inside(file.path, root)
    return Adoption(package, branch, origin, tuple(files), _doubts(found))


def write(adoption: Adoption) -> None:
    """Put on disk what is new. Raises OSError, naming the file; what is written by then stays, and the
    next time only the rest is missing."""
    for file in adoption.files:
        if file.state is State.NEW:
            write_new(file.path, file.content)
        elif file.state is State.EXTENDED:
            path = file.path.resolve()
            mode = stat.S_IMODE(path.stat().st_mode)
            write_atomically(path, file.content)
            path.chmod(mode)


def changed(folder: Path) -> bool:
    """Whether a file that git follows is not as it was committed, so that there is something to check."""
    with Repository(folder) as repository:
        return bool(repository.dirty_paths())


def _branch(repository: Repository) -> str:
    """The branch that changes are made for, by the name that it has everywhere."""
    head = repository.resolve("HEAD")
    try:
        return repository.default_branch().removeprefix("origin/")
    except InvalidInputError:
        # Neither a remote nor main nor master: the one that is checked out.
        current = repository.describe(head, dirty=False).branch
        if current is None:
            raise InvalidInputError(
                f"{repository.root}: which branch are changes made for? Neither a remote nor main nor"
                " master says it",
                tip="check it out: git switch BRANCH",
            ) from None
        return current


def _existing(folder: Path, root: Path, config: Config, named: str | None) -> AsvConfig | None:
    """The asv configuration that is there already, if it is this repository's."""
    if named is not None or config.asv_config is not None:
        return asv_of(folder, config, named)
    try:
        path = asv_config.find(folder)
    except InvalidInputError:
        if any(folder.glob("*/asv.conf.json*")):
            raise
        return None
    return asv_config.load(path) if path.resolve().is_relative_to(root) else None


def _measuring(
    folder: Path, root: Path, branch: str, package: Package, found: AsvConfig | None
) -> list[Draft]:
    """asv's configuration and a suite, where there are none."""
    if found is None:
        # A folder of that name that asv knows nothing of holds something else.
        name = "benchmarks"
        if any((folder / name).glob("*")) and not _ours(folder / name):
            name = "asv_bench"
        made = [drafts.asv_conf(package, folder, root, branch, name)]
        return [*made, *drafts.suite(folder / name, package)]
    suite = found.benchmark_dir
    if (suite / "__init__.py").is_file():
        return [drafts.kept(found.path), drafts.kept(suite / "__init__.py")]
    return [drafts.kept(found.path), *drafts.suite(suite, package)]


def _doubts(found: AsvConfig | None) -> tuple[str, ...]:
    """Why a check would not run with the configuration that is there."""
    if found is None or found.environment_type in BUILDABLE:
        return ()
    return (
        f"{found.path.name}: environment_type {found.environment_type!r} is not built by a check;"
        f" {' and '.join(BUILDABLE)} are",
    )


def _ours(suite: Path) -> bool:
    """Whether a suite is what an adoption that was interrupted left there."""
    return {path.name for path in suite.glob("*")} <= {"__init__.py", "first.py"}


def _settings(folder: Path, config: Config) -> Draft:
    for name in (configuration.OWN_FILE, "pyproject.toml"):
        if configuration.has_settings(config.root / name):
            return drafts.kept(config.root / name)
    return drafts.settings(folder)


def _left_behind(folder: Path, root: Path, config: Config, found: AsvConfig | None) -> list[str]:
    """Folders that measuring makes and git is to leave alone, relative to the root."""
    made = [config.state, config.results]
    if found is None or found.env_dir.is_relative_to(folder / ".asv"):
        made.insert(0, folder / ".asv")
    return [path.resolve().relative_to(root).as_posix() for path in made]


def _ci(kind: str, root: Path, conf: str, origin: Source) -> tuple[Draft, ...]:
    match kind:
        case "github":
            return drafts.github(root, origin, conf)
        case "gitlab":
            return drafts.gitlab(root, origin, conf)
        case _:
            return ()


def _inside(path: Path, root: Path) -> None:
    if not path.resolve().is_relative_to(root):
        raise InvalidInputError(
            f"{path}: leads out of the repository", tip="replace that link by a folder or file"
        )
