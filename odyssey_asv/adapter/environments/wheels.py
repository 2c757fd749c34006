"""Wheels as archives: a build that only copies need not be run again for the next commit.

The wheel of a commit is made from one that was built for another commit where it can be told that a build
would give the same: the project is pure Python, its build has no step but copying, and the two commits
differ in nothing that the build looks at. Wherever that is in doubt, the answer is None, and the commit
is built. `survey` looks at a wheel after its build and keeps what must be known of it; `derive` makes
another from that. What is compared are the files as they were checked out, not what git says of them.

A wheel whose version is none for today's installers (`dev`) gets one by `mend_version`.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import os
import re
import shutil
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from odyssey_asv.adapter.environments.recipes import distribution

KNOWN = "sources.json"
"""The file beside a wheel that holds what `survey` found."""

# Those that copy files and write metadata, with nothing of the project's own in between.
_BACKENDS = {
    "setuptools.build_meta", "setuptools.build_meta:__legacy__", "flit_core.buildapi", "hatchling.build",
    "poetry.core.masonry.api", "pdm.backend", "uv_build",
}  # fmt: skip
_BUILD_TOOLS = {
    "setuptools", "wheel", "flit-core", "hatchling", "poetry-core", "pdm-backend", "uv-build",
}  # fmt: skip
# Settings of these tools say nothing about a build.
_OTHER_TOOLS = {
    "black", "codespell", "coverage", "interrogate", "isort", "mypy", "pylint", "pyright", "pytest",
    "ruff", "towncrier", "tox", "check-wheel-contents", "cibuildwheel", "nox", "ty", "changelog-bot",
}  # fmt: skip
_PROSE = {"urls", "keywords", "classifiers", "description", "authors", "maintainers"}
# Whatever compiles, asks git or the clock, or changes what is copied.
_STEPS = re.compile(
    r"\b(git|hg|scm|vcs|setup_requires|use_scm_version|use_2to3|pbr|versioneer|hooks?|cython\w*|cffi\w*"
    r"|mypyc\w*|rust\w*|pybind11|script|Extension|generate-setup-file|write_to|tag_date|tag_build"
    r"|tag_svn_revision|\w*popen|check_output|check_call|datetime|strftime|time|environ|getenv|system)\b"
    r"|subprocess\."
)
_EXTENSIONS = re.compile(r"""["']?\bext[_-]modules["']?\s*[=:]\s*(?!\[\s*\])""")
# Commands that do not run while a wheel is built.
_IDLE_COMMANDS = {"Command", "TestCommand", "object", "sdist", "test"}
# Files whose text a build may read though nothing names them.
_TOLD = re.compile(
    r"^_*(__init__|version\w*|about|__about__|release\w*|metadata|pkginfo|meta)_*$", re.IGNORECASE
)
_ASIDE = {
    ".circleci", ".github", ".ci", "asv_bench", "benchmark", "benchmarks", "ci", "changelog.d", "doc",
    "docs", "examples", "newsfragments", "test", "tests",
}  # fmt: skip
_ASIDE_FILES = re.compile(
    r"^(CHANGE(S|LOG)?|CHANGELOG\w*|HISTORY|NEWS|CONTRIBUTING|SECURITY|CODE_OF_CONDUCT)(\.\w+)?$"
    r"|^(\.pre-commit-config|\.travis|\.readthedocs|\.?codecov|appveyor|\.appveyor|azure-pipelines)\.ya?ml$"
    r"|^(tox\.ini|noxfile\.py|Makefile|\.coveragerc|\.mailmap|\.git-blame-ignore-revs|conftest\.py"
    r"|pytest\.ini|\.editorconfig|\.flake8|asv\.conf\.json)$"
)

Sources = Mapping[str, str]
"""Every file of a check-out, path to a mark of its content and mode."""


@dataclass(frozen=True, slots=True)
class Known:
    """A wheel that its build has only copied together. The file `prefix + entry` of the sources is the
    wheel's `entry`, for each of `entries`; files in the folders `taken_from` are elsewhere in it."""

    sources: dict[str, str]
    prefix: str
    entries: list[str]
    taken_from: list[str]


def sources(folder: Path) -> dict[str, str]:
    """The files of a check-out. To be asked before a build, which may leave files of its own."""
    found = {}
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        for name in (*files, *(n for n in folders if Path(path, n).is_symlink())):
            file = Path(path, name)
            found[file.relative_to(folder).as_posix()] = _mark(file)
    found.pop(".git", None)
    return found


def survey(wheel: Path, checkout: Path, before: Sources) -> Known | None:
    """What to know of a wheel that was just built, None where its build may have done more than copy.

    `before` are the sources as they were before the build.
    """
    if not wheel.name.endswith("-none-any.whl") or ".gitmodules" in before:
        return None
    entries: dict[str, str] = {}
    moved: list[str] = []
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            top = info.filename.partition("/")[0]
            if info.is_dir() or top.endswith(".dist-info"):
                continue
            mark = hashlib.sha256(archive.read(info)).hexdigest()
            if top.endswith(".data"):
                moved.append(mark)
            else:
                entries[info.filename] = mark
    content = {path: mark.partition(" ")[2] for path, mark in before.items()}
    prefix = _prefix(entries, content)
    if prefix is None or not _only_copies(checkout, {entry.split("/")[0] for entry in entries}):
        return None
    where: dict[str, list[str]] = {}
    for path, mark in content.items():
        where.setdefault(mark, []).append(str(PurePosixPath(path).parent))
    if not all(mark in where for mark in moved):
        return None
    taken_from = sorted({folder for mark in moved for folder in where[mark]})
    return Known(dict(before), prefix, sorted(entries), taken_from)


def save(known: Known, folder: Path) -> None:
    (folder / KNOWN).write_text(json.dumps(asdict(known)), encoding="utf-8")


def load(folder: Path) -> Known | None:
    """What was saved beside a wheel, None where nothing was."""
    with suppress(OSError, ValueError, TypeError):
        return Known(**json.loads((folder / KNOWN).read_bytes()))
    return None


def derive(
    known: Known, wheel: Path, checkout: Path, new: Sources, folder: Path
) -> tuple[Path, Known] | None:
    """The wheel of another commit, in `folder`, made from one that is known, and what is known of it.

    None where the commits differ in something that a build might look at, or wherever it is not known
    how the build would take it.
    """
    old = known.sources
    entries = set(known.entries)
    changed = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    text = _told(checkout)
    replaced: dict[str, Path] = {}
    removed: set[str] = set()
    for path in changed:
        if not _may_change(path, known, new, entries, text):
            return None
        entry = path.removeprefix(known.prefix)
        if path not in new:
            removed.add(entry)
        elif _belongs(path, known, entries):
            replaced[entry] = checkout / path
    target = folder / wheel.name
    if not replaced and not removed & entries:
        shutil.copy2(wheel, target)
    else:
        _rewrite(wheel, target, replaced, removed)
    left = sorted((entries - removed) | replaced.keys())
    return target, Known(dict(new), known.prefix, left, known.taken_from)


def mend_version(wheel: Path) -> Path:
    """A wheel in place of one whose version is none by PEP 440: 0 with the old one as a local label, as
    `urllib3-dev` becomes `urllib3-0+dev`."""
    name, old, *rest = wheel.name.split("-")
    new = "0+" + (re.sub(r"[^a-z0-9]+", ".", old.lower()).strip(".") or "unknown")
    target = wheel.with_name("-".join([name, new, *rest]))
    _rewrite(wheel, target, {}, set(), version=(f"{name}-{old}", f"{name}-{new}", new))
    wheel.unlink()
    return target


def generator(wheel: Path) -> str:
    """What says that it made a wheel, such as `setuptools (75.1.0)`; empty where nothing does."""
    with (
        suppress(OSError, zipfile.BadZipFile, UnicodeDecodeError),
        zipfile.ZipFile(wheel) as archive,
    ):
        for name in archive.namelist():
            if name.endswith(".dist-info/WHEEL"):
                for line in archive.read(name).decode().splitlines():
                    if line.startswith("Generator:"):
                        return line.partition(":")[2].strip()
    return ""


def _mark(file: Path) -> str:
    if file.is_symlink():
        return f"link {file.readlink()}"
    mode = "x" if file.stat().st_mode & 0o100 else "-"
    return f"{mode} {hashlib.sha256(file.read_bytes()).hexdigest()}"


def _prefix(entries: Mapping[str, str], content: Mapping[str, str]) -> str | None:
    """The folder in the sources from which every entry was copied unchanged, None where there is none."""
    first = next(iter(entries), None)
    if first is None:
        return None
    for path, mark in content.items():
        if mark == entries[first] and (path == first or path.endswith("/" + first)):
            prefix = path[: len(path) - len(first)]
            if all(content.get(prefix + entry) == mark for entry, mark in entries.items()):
                return prefix
    return None


def _only_copies(checkout: Path, packages: set[str]) -> bool:
    """Whether what says how to build names no step of its own."""
    text = ""
    backend = "setuptools.build_meta:__legacy__"
    if (pyproject := checkout / "pyproject.toml").exists():
        try:
            document = tomllib.loads(pyproject.read_text(encoding="utf-8"))
            system = document.get("build-system", {})
            backend = system.get("build-backend", backend)
            tools = {distribution(line) for line in system.get("requires", [])}
            project = {k: v for k, v in document.get("project", {}).items() if k not in _PROSE}
            own = {k: v for k, v in document.get("tool", {}).items() if k not in _OTHER_TOOLS}
        except (OSError, ValueError, AttributeError, TypeError):
            return False
        if not tools <= _BUILD_TOOLS or "backend-path" in system:
            return False
        text = json.dumps([project, own], default=str)
    if backend not in _BACKENDS:
        return False
    with suppress(OSError, UnicodeDecodeError):
        text += (checkout / "setup.cfg").read_text(encoding="utf-8")
    if any((checkout / name).exists() for name in ("hatch.toml", "pdm.toml", "hatch_build.py")):
        return False
    if (setup := checkout / "setup.py").exists():
        code = _setup_code(setup, packages)
        if code is None:
            return False
        text += code
    return not _STEPS.search(text) and not _EXTENSIONS.search(text)


def _setup_code(setup: Path, packages: set[str]) -> str | None:
    """What setup.py runs while a wheel is built, without comments; None where it imports code of the
    project's own, or changes a command that builds."""
    try:
        tree = ast.parse(setup.read_bytes())
    except (SyntaxError, ValueError):
        return None
    for part in tree.body:
        if isinstance(part, ast.ClassDef):
            bases = {ast.unparse(base).rpartition(".")[2] for base in part.bases}
            if not bases <= _IDLE_COMMANDS:
                return None
            part.body = [ast.Pass()]
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            top = name.partition(".")[0]
            if top in packages or any((setup.parent / at).exists() for at in (top, f"{top}.py")):
                return None
    # An import by itself runs nothing, nor does what is only said.
    imports = (ast.Import, ast.ImportFrom)
    tree.body = [part for part in tree.body if not isinstance(part, imports)]
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()):
                node.value = ast.Constant(None)
            case ast.keyword(value=ast.Constant()) if node.arg in _PROSE:
                node.value = ast.Constant(None)
    return ast.unparse(tree)


def _told(checkout: Path) -> str:
    """The text of every file that tells how to build."""
    text = []
    for name in ("pyproject.toml", "setup.cfg", "setup.py", "MANIFEST.in"):
        with suppress(OSError):
            text.append((checkout / name).read_text(encoding="utf-8", errors="replace"))
    return "\n".join(text)


def _may_change(path: str, known: Known, new: Sources, entries: set[str], text: str) -> bool:
    """Whether the build takes a change of this path as far as we can follow it."""
    name = path.rpartition("/")[2]
    if _named(path, known.prefix, text) or str(PurePosixPath(path).parent) in known.taken_from:
        return False
    was, now = known.sources.get(path), new.get(path)
    if was is not None and now is not None and was.partition(" ")[0] != now.partition(" ")[0]:
        return False
    if "link " in (was or "")[:5] or "link " in (now or "")[:5]:
        return False
    entry = path.removeprefix(known.prefix)
    stem = name.partition(".")[0]
    read = name.endswith(".py") or entry in entries
    if read and _TOLD.match(stem) and (was is None or now is None or entry.count("/") < 2):
        return False
    if path.startswith(known.prefix) and entry in entries:
        return now is not None or (name.endswith(".py") and "/" in entry)
    if _belongs(path, known, entries):
        return True
    top = path.partition("/")[0]
    if "/" not in path:
        return _ASIDE_FILES.match(path) is not None
    if path.startswith(known.prefix) and any(
        e.startswith(f"{entry.split('/')[0]}/") for e in entries
    ):
        # Inside a package, but not in the wheel: that goes by names, so what has come or gone may be.
        return was is not None and now is not None
    return top in _ASIDE


def _belongs(path: str, known: Known, entries: set[str]) -> bool:
    """Whether a file is in the wheel, or would be: a module beside others all of which are."""
    if not path.startswith(known.prefix):
        return False
    entry = path.removeprefix(known.prefix)
    if entry in entries:
        return True
    folder, slash, name = entry.rpartition("/")
    if not slash or not name.endswith(".py"):
        return False
    beside = [
        other.removeprefix(known.prefix)
        for other in known.sources
        if other.startswith(f"{known.prefix}{folder}/")
        and other.endswith(".py")
        and "/" not in other.removeprefix(f"{known.prefix}{folder}/")
    ]
    if "test" in name and not any("test" in other.rpartition("/")[2] for other in beside):
        return False
    return bool(beside) and entries.issuperset(beside)


def _named(path: str, prefix: str, text: str) -> bool:
    """Whether a path is named where it is told how to build, as a file or as a module."""
    name = path.rpartition("/")[2]
    if name in ("pyproject.toml", "setup.cfg", "setup.py", "MANIFEST.in"):
        return True
    words = [name] if name not in ("__init__.py", "conftest.py") else []
    if path.endswith(".py"):
        words.append(path.removeprefix(prefix).removesuffix(".py").replace("/", "."))
    return any(
        re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", text) for word in words if "." in word
    )


def _rewrite(
    wheel: Path,
    target: Path,
    replaced: Mapping[str, Path],
    removed: set[str],
    version: tuple[str, str, str] | None = None,
) -> None:
    """A wheel with some entries changed, and a record that fits. `version` renames what has the old
    name and version in its path, and sets the version of its metadata."""
    record: list[str] = []
    record_name = ""
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(target, "w") as sink:
        for entry, kept, mode in _contents(source, replaced, removed):
            name, content = entry, kept
            if name.endswith(".dist-info/RECORD"):
                record_name = name
                continue
            if version is not None:
                name, content = _renamed(name, content, *version)
            _write(sink, name, content, mode)
            digest = (
                base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            )
            record.append(f"{_quoted(name)},sha256={digest},{len(content)}")
        if version is not None:
            record_name = version[1] + record_name.removeprefix(version[0])
        record.append(f"{_quoted(record_name)},,")
        _write(sink, record_name, ("\n".join(record) + "\n").encode(), 0o100644 << 16)


def _renamed(name: str, content: bytes, old: str, new: str, version: str) -> tuple[str, bytes]:
    """An entry of a wheel whose `{name}-{version}` is new."""
    if name == f"{old}.dist-info/METADATA":
        line = f"Version: {version}".encode()
        content = re.sub(rb"(?m)^Version:.*$", line, content, count=1)
    if name.startswith((f"{old}.dist-info/", f"{old}.data/")):
        name = new + name.removeprefix(old)
    return name, content


def _contents(
    source: zipfile.ZipFile, replaced: Mapping[str, Path], removed: set[str]
) -> Iterator[tuple[str, bytes, int]]:
    left = dict(replaced)
    for info in source.infolist():
        if info.is_dir() or info.filename in removed:
            continue
        file = left.pop(info.filename, None)
        content = source.read(info) if file is None else file.read_bytes()
        yield info.filename, content, info.external_attr
    for name, file in left.items():
        yield name, file.read_bytes(), 0o100644 << 16


def _write(sink: zipfile.ZipFile, name: str, content: bytes, mode: int) -> None:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode
    sink.writestr(info, content)


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""')) if "," in name or '"' in name else name
