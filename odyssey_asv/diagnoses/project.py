"""Whether a project can be measured: its repository, its configuration, what building needs, disk."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from odyssey_asv.diagnoses.diagnosis import Diagnosis, Topic, advice, fine, problem, unknown
from odyssey_asv.units import format_bytes

_BUILT_HERE = ("virtualenv", "uv")
_TYPES = (*_BUILT_HERE, "conda", "existing", "mamba", "rattler")
_LEAST_BYTES = 500_000_000
_ENOUGH_BYTES = 3_000_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """What could not be done, and what to do about it."""

    said: str
    remedy: str


@dataclass(frozen=True, slots=True)
class GitFacts:
    """The repository under test. `branch` is what changes are compared with; `fault` is what stands in
    the way of anything else, `apart` of finding where the two part."""

    fault: Fault | None = None
    head: str = ""
    branch: str | None = None
    detached: bool = False
    shallow: bool = False
    apart: Fault | None = None


def of_git(facts: GitFacts) -> list[Diagnosis]:
    """Whether there is a history to compare with."""
    if facts.fault is not None:
        return [problem(Topic.GIT, facts.fault.said, facts.fault.remedy)]
    found = []
    if facts.apart is not None:
        found.append(problem(Topic.GIT, facts.apart.said, facts.apart.remedy))
    elif facts.shallow:
        remedy = "git fetch --unshallow, or fetch-depth: 0 for the checkout in CI"
        found.append(advice(Topic.GIT, "a shallow clone: older commits are missing", remedy))
    if facts.detached:
        said = f"HEAD is detached at {facts.head}, as is usual in CI: results name no branch"
        found.append(advice(Topic.GIT, said, "elsewhere: git switch BRANCH"))
    if not found:
        found.append(fine(Topic.GIT, f"{facts.head}, compared with {facts.branch}"))
    return found


def of_address(repo: str) -> list[Diagnosis]:
    """A repository that is not here, nor a clone of it."""
    if "://" in repo or repo.startswith("git@"):
        return [fine(Topic.GIT, f"{repo}: is cloned when it is first measured")]
    said = f"repo {repo!r} is neither a folder nor the address of a repository"
    return [problem(Topic.GIT, said, '"repo": "." in asv.conf.json')]


@dataclass(frozen=True, slots=True)
class AsvFacts:
    """asv.conf.json. `faults` are what it cannot be read for; `keys` are all that it has, `known` those
    that asv has. `suite` is what is wrong with the folder of the benchmarks."""

    path: str | None = None
    faults: tuple[Fault, ...] = ()
    keys: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    environment_type: str = ""
    suite: Fault | None = None


def of_asv(facts: AsvFacts) -> list[Diagnosis]:
    """Whether asv's configuration says what it is meant to."""
    if facts.path is None and not facts.faults:
        return [
            problem(Topic.ASV, "no asv.conf.json here, above or one folder below", "odyssey init")
        ]
    found = [problem(Topic.ASV, fault.said, fault.remedy) for fault in facts.faults]
    found += [_unknown_key(key, facts.known) for key in facts.keys if key not in facts.known]
    if not facts.faults:
        found += _environment_type(facts.environment_type)
    if facts.suite is not None:
        found.append(problem(Topic.ASV, facts.suite.said, facts.suite.remedy))
    return found or [fine(Topic.ASV, f"{facts.path}, environments of {facts.environment_type}")]


def _unknown_key(key: str, known: Sequence[str]) -> Diagnosis:
    said = f"asv has no key {key!r} and passes over it"
    if near := difflib.get_close_matches(key, known, n=1):
        return problem(Topic.ASV, said, f"did you mean {near[0]!r}?")
    return advice(Topic.ASV, said, "remove it, unless a plug-in reads it")


def _environment_type(kind: str) -> list[Diagnosis]:
    if kind in _BUILT_HERE:
        return []
    remedy = '"environment_type": "virtualenv"'
    if kind == "unset":
        return [problem(Topic.ASV, "environment_type is missing, and asv stops without it", remedy)]
    if kind in _TYPES:
        said = f"environment_type {kind!r} is asv's to build; check and bisect cannot"
        return [problem(Topic.ASV, said, f"{remedy}, or each time: -E virtualenv")]
    near = difflib.get_close_matches(kind, _TYPES, n=1)
    return [
        problem(
            Topic.ASV,
            f"unknown environment_type {kind!r}",
            f"did you mean {near[0]!r}?" if near else remedy,
        )
    ]


def of_settings(faults: Sequence[Fault], where: str | None) -> list[Diagnosis]:
    """Our own settings; `where` is the file that has them, None where no file does."""
    if faults:
        return [problem(Topic.SETTINGS, fault.said, fault.remedy) for fault in faults]
    return [fine(Topic.SETTINGS, where or "none of our own, so every default holds")]


@dataclass(frozen=True, slots=True)
class PythonFacts:
    """An interpreter that an environment asks for. `headers` is None where that is not known."""

    wanted: str
    version: str | None = None
    fault: Fault | None = None
    headers: bool | None = None


def of_pythons(facts: Sequence[PythonFacts]) -> list[Diagnosis]:
    """Whether each interpreter that the configuration names is here."""
    found = [problem(Topic.PYTHON, f.fault.said, f.fault.remedy) for f in facts if f.fault]
    if found or not facts:
        return found
    return [fine(Topic.PYTHON, ", ".join(dict.fromkeys(str(f.version) for f in facts)))]


@dataclass(frozen=True, slots=True)
class CompilerFacts:
    """What the project is written in besides Python, where its build compiles it: for each language an
    example, and the compiler that was found, None where none was."""

    needed: tuple[tuple[str, str, str | None], ...] = ()


_COMPILERS = {
    "C": "install gcc or clang (Debian: apt install build-essential), or set CC",
    "C++": "install g++ or clang++ (Debian: apt install build-essential), or set CXX",
    "Fortran": "install gfortran, or set FC",
    "Rust": "install cargo, see https://rustup.rs",
}


def of_compilers(facts: CompilerFacts, pythons: Sequence[PythonFacts] = ()) -> list[Diagnosis]:
    """Whether what has to be compiled can be."""
    if not facts.needed:
        return [fine(Topic.COMPILER, "none needed")]
    found = [
        problem(Topic.COMPILER, f"no {language} compiler, for {example}", _COMPILERS[language])
        for language, example, tool in facts.needed
        if tool is None
    ]
    if any(language in ("C", "C++") for language, _, _ in facts.needed):
        found += [
            problem(
                Topic.COMPILER,
                f"Python.h of Python {python.version} is missing",
                "install the headers (Debian: apt install python3-dev)",
            )
            for python in pythons
            if python.headers is False
        ]
    tools = ", ".join(f"{language}: {tool}" for language, _, tool in facts.needed)
    return found or [fine(Topic.COMPILER, tools)]


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """A folder that is written to; `fault` says why that cannot be."""

    what: str
    path: str
    fault: str | None = None


def of_folders(facts: Sequence[FolderFacts]) -> list[Diagnosis]:
    """Whether every folder can be written to."""
    found = [
        problem(
            Topic.FOLDERS,
            f"{folder.what}: {folder.path} cannot be written to: {folder.fault}",
            "change its owner or its permissions, or name another folder in the settings",
        )
        for folder in facts
        if folder.fault is not None
    ]
    return found or [fine(Topic.FOLDERS, f"{len(facts)} folders can be written to")]


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """Free bytes where environments are kept, and bytes that those kept take."""

    path: str
    free: int | None
    kept: int = 0


def of_disk(facts: DiskFacts) -> list[Diagnosis]:
    """Whether there is room for environments."""
    if facts.free is None:
        return [unknown(Topic.DISK, "the system does not say")]
    kept = f", environments take {format_bytes(facts.kept)}" if facts.kept else ""
    said = f"{format_bytes(facts.free)} free at {facts.path}{kept}"
    remedy = "free some; what is kept can go: rm -r .odyssey/environments"
    if facts.free < _LEAST_BYTES:
        return [problem(Topic.DISK, said, remedy)]
    if facts.free < _ENOUGH_BYTES:
        return [advice(Topic.DISK, f"{said}: little for several environments", remedy)]
    return [fine(Topic.DISK, said)]
