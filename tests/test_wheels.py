"""Wheels made from a neighbour's: where that is safe, where it is refused, and what comes out."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from odyssey_asv.adapter.environments import wheels

PLAIN = """\
[build-system]
requires = ["setuptools", "wheel"]
build-backend = "setuptools.build_meta"

[project]
name = "subject"
version = "0.1"
description = "A script that asks git for the time of the system."
"""
SOURCES = {
    "pyproject.toml": PLAIN,
    "README.md": "words\n",
    "tests/test_subject.py": "assert True\n",
    "src/subject/__init__.py": "from subject.fast import work\n",
    "src/subject/fast.py": "def work():\n    return 1\n",
    "src/subject/version.py": "VERSION = '0.1'\n",
    "src/subject/part/__init__.py": "",
    "src/subject/part/slow.py": "SLOW = True\n",
}


def written(folder: Path, files: Mapping[str, str | None]) -> Path:
    """A check-out with these files; those that are None are not there."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text, encoding="utf-8")
    return folder


def built(folder: Path, checkout: Path, name: str = "subject-0.1-py3-none-any.whl") -> Path:
    """The wheel that a build which only copies would make."""
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path in sorted((checkout / "src").rglob("*.py")):
            archive.write(path, path.relative_to(checkout / "src"))
        archive.writestr("subject-0.1.dist-info/METADATA", "Name: subject\nVersion: 0.1\n")
        archive.writestr("subject-0.1.dist-info/RECORD", "")
    return folder / name


def known(
    tmp_path: Path, files: Mapping[str, str | None] = SOURCES
) -> tuple[wheels.Known | None, Path]:
    checkout = written(tmp_path / "old", files)
    wheel = built(tmp_path / "built", checkout)
    return wheels.survey(wheel, checkout, wheels.sources(checkout)), wheel


SETUP = "from setuptools import setup\nsetup(name='subject', version='0.1', {})\n"


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"pyproject.toml": PLAIN.replace("setuptools.build_meta", "hatchling.build")},
        {"pyproject.toml": PLAIN + "[tool.pytest.ini_options]\nenv = ['git', 'cython']\n"},
        {"pyproject.toml": None, "setup.py": SETUP.format("packages=['subject']")},
        {"setup.py": '"""A script that runs in the system\'s time."""\n' + SETUP.format("")},
        {"setup.py": SETUP.format("description='runs git in a script', ext_modules=[]")},
        {"setup.py": "import subprocess\n" + SETUP.format("")},
        {
            "setup.py": "from setuptools import Command, setup\n\n\nclass Publish(Command):\n"
            "    def run(self):\n        subprocess.call(['git', 'push'])\n\n\n"
            + SETUP.format("cmdclass={'publish': Publish}").partition("\n")[2]
        },
    ],
    ids=lambda files: ", ".join(files) or "plain",
)
def test_a_build_that_only_copies_is_known_as_one(
    tmp_path: Path, files: dict[str, str | None]
) -> None:
    found, _ = known(tmp_path, {**SOURCES, **files})
    assert found is not None
    assert found.prefix == "src/"


REFUSED: dict[str, dict[str, str]] = {
    "another backend": {"pyproject.toml": PLAIN.replace("setuptools.build_meta", "mesonpy")},
    "a backend of its own": {
        "pyproject.toml": PLAIN.replace("[project]", "backend-path = ['.']\n[project]")
    },
    "a plug-in": {"pyproject.toml": PLAIN.replace('"wheel"', '"setuptools-scm"')},
    "a version from git": {"pyproject.toml": PLAIN + "[tool.setuptools_scm]\nwrite_to = 'x.py'\n"},
    "hooks": {"pyproject.toml": PLAIN + "[tool.hatch.build.hooks.custom]\n"},
    "what is no TOML": {"pyproject.toml": "[build-system\n"},
    "extensions": {"setup.py": SETUP.format("ext_modules=[make()]")},
    "Cython": {
        "setup.py": "from Cython.Build import cythonize\n" + SETUP.format("x=cythonize('a.pyx')")
    },
    "a program": {"setup.py": "import subprocess\nsubprocess.run(['make'])\n" + SETUP.format("")},
    "a shell": {"setup.py": "import os\nos.system('make')\n" + SETUP.format("")},
    "the environment": {"setup.py": "import os\nX = os.environ.get('X')\n" + SETUP.format("")},
    "the date": {"setup.py": "import datetime\nX = datetime.date.today()\n" + SETUP.format("")},
    "itself": {"setup.py": "import subject\n" + SETUP.format("version=subject.VERSION")},
    "a module beside it": {"setup.py": "import helper\n" + SETUP.format(""), "helper.py": ""},
    "a build command": {
        "setup.py": "from setuptools.command.build_py import build_py\n\n\nclass Build(build_py):\n"
        "    pass\n\n\n" + SETUP.format("cmdclass={'build_py': Build}")
    },
    "2to3": {"setup.py": SETUP.format("use_2to3=True")},
    "what is no Python": {"setup.py": "setup(\n"},
    "tags in setup.cfg": {"setup.cfg": "[egg_info]\ntag_date = 1\n"},
    "submodules": {".gitmodules": "[submodule 'x']\n"},
    "hatch's settings": {"hatch.toml": ""},
}


@pytest.mark.parametrize("files", REFUSED.values(), ids=REFUSED)
def test_a_build_that_may_do_more_is_not(tmp_path: Path, files: dict[str, str]) -> None:
    assert known(tmp_path, {**SOURCES, **files})[0] is None


def test_a_wheel_of_one_platform_or_with_files_that_were_made_is_not(tmp_path: Path) -> None:
    checkout = written(tmp_path / "old", SOURCES)
    before = wheels.sources(checkout)
    name = "subject-0.1-cp311-cp311-linux_x86_64.whl"
    assert wheels.survey(built(tmp_path / "built", checkout, name), checkout, before) is None
    written(checkout, {"src/subject/generated.py": "MADE = 'by the build'\n"})
    assert wheels.survey(built(tmp_path / "built", checkout), checkout, before) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"src/subject/fast.py": "def work():\n    return 2\n"},
        {
            "src/subject/fast.py": "def work():\n    return 2\n",
            "tests/test_subject.py": "assert 1\n",
        },
        {"src/subject/part/new.py": "NEW = True\n"},
        {"src/subject/part/slow.py": None},
        {"docs/index.rst": "words\n", "CHANGELOG.md": "words\n"},
    ],
    ids=["changed", "with its test", "new", "removed", "documentation"],
)
def test_the_wheel_is_that_of_a_build(tmp_path: Path, changes: dict[str, str | None]) -> None:
    """File for file, with a record whose hashes are right."""
    found, wheel = known(tmp_path)
    assert found is not None
    new = written(tmp_path / "new", {**SOURCES, **changes})
    (tmp_path / "out").mkdir()
    made = wheels.derive(found, wheel, new, wheels.sources(new), tmp_path / "out")
    assert made is not None
    path, after = made
    wanted = built(tmp_path / "real", new)
    with zipfile.ZipFile(path) as ours, zipfile.ZipFile(wanted) as real:
        record = "subject-0.1.dist-info/RECORD"
        assert set(ours.namelist()) == set(real.namelist())
        names = [name for name in real.namelist() if name != record]
        assert [ours.read(name) for name in names] == [real.read(name) for name in names]
        for line in ours.read(record).decode().splitlines():
            name, digest, size = line.split(",")
            if digest:
                content = ours.read(name)
                sha = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
                assert (digest, size) == (f"sha256={sha.decode()}", str(len(content)))
    # What is known of it is what would be known of the real one.
    assert after == wheels.survey(wanted, new, wheels.sources(new))


UNSURE: dict[str, dict[str, str | None]] = {
    "how to build": {"pyproject.toml": PLAIN + "# x\n"},
    "a manifest": {"MANIFEST.in": "prune src\n"},
    "a new package": {"src/other/__init__.py": ""},
    "a new folder of a package": {"src/subject/new/__init__.py": ""},
    "the version": {"src/subject/version.py": "VERSION = '0.2'\n"},
    "the readme": {"README.md": "other words\n"},
    "data that a package may have": {"src/subject/data.json": "{}\n"},
    "a file at the top": {"helper.py": "X = 1\n"},
    "the package itself": {name: None for name in SOURCES if name.startswith("src/subject/part/")},
}


@pytest.mark.parametrize("changes", UNSURE.values(), ids=UNSURE)
def test_what_a_build_may_look_at_is_built(tmp_path: Path, changes: dict[str, str | None]) -> None:
    found, wheel = known(tmp_path)
    assert found is not None
    new = written(tmp_path / "new", {**SOURCES, **changes})
    (tmp_path / "out").mkdir()
    assert wheels.derive(found, wheel, new, wheels.sources(new), tmp_path / "out") is None


def test_a_mode_and_a_link_are_changes_too(tmp_path: Path) -> None:
    found, wheel = known(tmp_path)
    assert found is not None
    new = written(tmp_path / "new", SOURCES)
    (tmp_path / "out").mkdir()
    (new / "src/subject/fast.py").chmod(0o755)
    assert wheels.derive(found, wheel, new, wheels.sources(new), tmp_path / "out") is None
    (new / "src/subject/fast.py").unlink()
    (new / "src/subject/fast.py").symlink_to("version.py")
    assert wheels.derive(found, wheel, new, wheels.sources(new), tmp_path / "out") is None


def test_a_version_that_is_none_becomes_a_local_label(tmp_path: Path) -> None:
    checkout = written(tmp_path / "old", SOURCES)
    path = built(tmp_path / "built", checkout, "subject-Dev Build-py3-none-any.whl")
    mended = wheels.mend_version(path)
    assert mended.name == "subject-0+dev.build-py3-none-any.whl"
    assert not path.exists()
