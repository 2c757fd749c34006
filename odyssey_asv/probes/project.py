"""Facts about a project: its repository, its configuration, what building needs, the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from odyssey_asv import config as configuration
from odyssey_asv.adapter import asv_config
from odyssey_asv.adapter.asv_config import AsvConfig, NoConfigurationError
from odyssey_asv.adapter.environments import interpreters
from odyssey_asv.adapter.environments.installer import uv
from odyssey_asv.adapter.environments.recipes import recipes
from odyssey_asv.config import OWN_FILE, TABLE, Config
from odyssey_asv.diagnoses.project import (
    AsvFacts,
    CompilerFacts,
    DiskFacts,
    Fault,
    FolderFacts,
    GitFacts,
    PythonFacts,
)
from odyssey_asv.errors import InvalidFileError, OdysseyError
from odyssey_asv.files import near
from odyssey_asv.workspace import check_writable

_LANGUAGES = {
    "C": (".c", ".pyx"),
    "C++": (".cc", ".cpp", ".cxx"),
    "Fortran": (".f", ".f90"),
    "Rust": (".rs",),
}
_TOOLS = {
    "C": ("CC", ("cc", "gcc", "clang")),
    "C++": ("CXX", ("c++", "g++", "clang++")),
    "Fortran": ("FC", ("gfortran", "flang")),
    "Rust": ("", ("cargo",)),
}
_COMPILES = (
    "Extension(", "cffi_modules", "cythonize", "ext-modules", "ext_modules", "maturin", "meson",
    "mypyc", "pybind11", "scikit-build", "scikit_build", "setuptools-rust", "setuptools_rust",
)  # fmt: skip
"""Any of these in a build file says that something is compiled."""
_HEADERS = (
    "import os, sysconfig; print(os.path.isfile(sysconfig.get_path('include') + '/Python.h'))"
)
_ANSWER_S = 30


def fault_of(error: OdysseyError | OSError, remedy: str) -> list[Fault]:
    """An error as faults, each a line; its own tip goes before `remedy`."""
    remedy = getattr(error, "tip", None) or remedy
    if isinstance(error, InvalidFileError):
        name = near(error.path)
        return [Fault(f"{name}: {_line(fault)}", remedy) for fault in error.faults]
    return [Fault(_line(str(error)), remedy)]


def _line(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())


def repository(folder: Path, config: AsvConfig | None) -> Path | None:
    """The folder of the repository under test; None where it is not here yet."""
    if config is None:
        return folder
    return config.local_repo or (config.mirror if config.mirror.is_dir() else None)


def git(folder: Path, branches: Sequence[str] = ()) -> GitFacts:
    """The repository that a folder is in; `branches` are those that asv's configuration names."""
    from odyssey_asv.repository import Repository

    try:
        with Repository(folder) as repository:
            head = repository.resolve("HEAD")
            subject = f"{head[:8]}"
            if not repository.detached:
                subject += f" on {repository.describe(head).branch}"
            branch, apart = None, None
            try:
                branch = repository.default_branch(branches)
                repository.merge_base(head, branch)
            except OdysseyError as error:
                (apart,) = fault_of(error, "name the commit to compare with: --base REF")
            return GitFacts(None, subject, branch, repository.detached, repository.shallow, apart)
    except OdysseyError as error:
        return GitFacts(fault_of(error, "see what git says: git status")[0])


def asv(
    folder: Path, named: str | None, settings: Config | None
) -> tuple[AsvFacts, AsvConfig | None]:
    """asv's configuration, as a command given in this folder would find it."""
    root, name = folder, named
    if named is None and settings is not None and settings.asv_config is not None:
        root, name = settings.root, settings.asv_config
    try:
        path = asv_config.find(root, name)
    except NoConfigurationError:
        return AsvFacts(), None
    except OdysseyError as error:
        return AsvFacts(faults=tuple(fault_of(error, "name one: odyssey --config FILE"))), None
    shown, remedy = near(path), "see https://asv.readthedocs.io/en/stable/asv.conf.json.html"
    try:
        keys, found = asv_config.keys(path), asv_config.load(path)
    except OdysseyError as error:
        return AsvFacts(shown, tuple(fault_of(error, remedy))), None
    known, suite = asv_config.known_keys(), None
    try:
        asv_config.check_suite(found)
    except OdysseyError as error:
        (suite,) = fault_of(error, "odyssey init")
    return AsvFacts(shown, (), keys, known, found.environment_type, suite), found


def settings(folder: Path) -> tuple[Config | None, list[Fault], str | None]:
    """Our settings, what is wrong with them, and the file that has any."""
    try:
        found = configuration.load(folder)
    except OdysseyError as error:
        return None, fault_of(error, "see docs/configuration.md for every key"), None
    for name in (OWN_FILE, "pyproject.toml"):
        with suppress(OSError):
            text = (found.root / name).read_text(encoding="utf-8")
            if name == OWN_FILE or f"[tool.{TABLE}" in text:
                return found, [], near(found.root / name)
    return found, [], None


def pythons(config: AsvConfig) -> list[PythonFacts]:
    """The interpreters that its environments ask for."""
    try:
        wanted = list(dict.fromkeys(recipe.python for recipe in recipes(config)))
    except OdysseyError as error:
        if config.environment_type not in ("virtualenv", "uv"):
            return []
        return [PythonFacts("", fault=fault) for fault in fault_of(error, "look at `matrix`")]
    return [_python(version) for version in wanted]


def _python(wanted: str) -> PythonFacts:
    try:
        found = interpreters.find(wanted, uv())
    except OdysseyError as error:
        (fault,) = fault_of(error, "change `pythons` in asv.conf.json")
        return PythonFacts(wanted, fault=fault)
    headers = None
    with suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run(
            [found.path, "-I", "-c", _HEADERS], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=_ANSWER_S, check=True,
        )  # fmt: skip
        headers = answer.stdout.strip() == "True"
    return PythonFacts(wanted, f"{found.implementation} {found.version}", headers=headers)


def compilers(folder: Path, subdir: str = "") -> CompilerFacts:
    """What the repository around a folder has to have compiled, where its build compiles anything."""
    from odyssey_asv.repository import Repository

    with Repository(folder) as repository:
        files, root = sorted(repository.entries("HEAD")), repository.root
    if not _compiles(root / subdir):
        return CompilerFacts()
    found = []
    for language, endings in _LANGUAGES.items():
        if example := next((path for path in files if path.endswith(endings)), None):
            found.append((language, example, _tool(*_TOOLS[language])))
    return CompilerFacts(tuple(found))


def _compiles(folder: Path) -> bool:
    if any((folder / name).is_file() for name in ("CMakeLists.txt", "meson.build", "Cargo.toml")):
        return True
    text = ""
    for name in ("pyproject.toml", "setup.py", "setup.cfg"):
        with suppress(OSError):
            text += (folder / name).read_text(encoding="utf-8", errors="replace")
    return any(word in text for word in _COMPILES)


def _tool(variable: str, names: Sequence[str]) -> str | None:
    chosen = os.environ.get(variable, "").split()
    return next((name for name in (*chosen[:1], *names) if shutil.which(name)), None)


def folders(config: Config, asv_conf: AsvConfig | None) -> list[FolderFacts]:
    """Every folder that a run, a check or a report writes to."""
    found = [
        ("results", config.results),
        ("baselines", config.baselines),
        ("state", config.state),
        ("temporary files", Path(tempfile.gettempdir())),
    ]
    if asv_conf is not None:
        found += [
            ("asv's results", asv_conf.results_dir),
            ("asv's environments", asv_conf.env_dir),
            ("asv's pages", asv_conf.html_dir),
        ]
    return [FolderFacts(what, near(path), _not_writable(path)) for what, path in found]


def _not_writable(path: Path) -> str | None:
    try:
        check_writable(path)
    except OSError as error:
        return error.strerror or str(error)
    return None


def disk(config: Config) -> DiskFacts:
    """Where environments are kept."""
    folder = config.state
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = None
    with suppress(OSError):
        free = shutil.disk_usage(folder).free
    return DiskFacts(near(folder), free, sum(_sizes(config.state / "environments")))


def _sizes(folder: Path) -> Iterator[int]:
    """Of each file once, whatever number of names it has."""
    seen = set()
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                status = Path(place, name).lstat()
                if (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    yield status.st_blocks * 512
