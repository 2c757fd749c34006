"""What build files say of a project's modules, and which builds are not followed."""

from __future__ import annotations

import pytest

from odyssey_asv.changed.builds import Build, build_of

SYSTEM = '[build-system]\nrequires = ["x"]\nbuild-backend = "{}"\n'
HATCH = SYSTEM.format("hatchling.build")
PROJECT = '[project]\nname = "My-Thing"\n'


def build(text: str, **others: str) -> Build:
    files = {"pyproject.toml": text.encode()}
    return build_of(files | {name.replace("_", "."): t.encode() for name, t in others.items()})


@pytest.mark.parametrize(
    "text",
    [
        PROJECT,
        HATCH + PROJECT,
        SYSTEM.format("flit_core.buildapi") + PROJECT,
        HATCH + '[tool.hatch.build.hooks.vcs]\nversion-file = "x"\n' + PROJECT,
        HATCH + '[tool.hatch.build.targets.wheel]\nsources = ["src"]\n' + PROJECT,
        HATCH + '[tool.hatch.envs.test.hooks]\nx = "y"\n' + PROJECT,
        PROJECT + '[tool.setuptools.package-dir]\n"" = "src"\n',
        PROJECT + '[tool.setuptools]\npackages = ["a"]\n',
    ],
)
def test_a_plain_build_is_followed(text: str) -> None:
    found = build(text)
    assert found.unfollowed is None
    assert "my_thing" in found.names


@pytest.mark.parametrize(
    "text",
    [
        SYSTEM.format("mesonpy"),
        SYSTEM.format("backend") + 'backend-path = ["."]\n',
        SYSTEM.format("setuptools.build_meta") + 'backend-path = ["."]\n',
        HATCH + '[tool.hatch.build.hooks.custom]\npath = "x.py"\n',
        HATCH + "[tool.hatch.build.targets.wheel.hooks.mypyc]\nx = 1\n",
        HATCH + '[tool.hatch.build.targets.wheel.force-include]\n"a" = "b"\n',
        HATCH + '[tool.hatch.build.targets.wheel.sources]\n"a" = "b"\n',
        '[tool.setuptools.package-dir]\nthing = "lib"\n',
        '[[tool.setuptools.ext-modules]]\nname = "a"\n',
        '[tool.setuptools]\ncmdclass = { build = "x.y" }\n',
        SYSTEM.format("pdm.backend") + '[tool.pdm.build]\nincludes = ["x"]\n',
        SYSTEM.format("poetry.core.masonry.api") + '[tool.poetry]\nbuild = "build.py"\n',
        SYSTEM.format("poetry.core.masonry.api")
        + '[tool.poetry]\npackages = [{ include = "a", to = "b" }]\n',
        "no toml",
    ],
)
def test_a_build_that_moves_files_or_runs_code_is_not(text: str) -> None:
    assert build(text).unfollowed is not None


@pytest.mark.parametrize("other", ["meson.build", "CMakeLists.txt", "Cargo.toml"])
def test_nor_is_one_of_another_system(other: str) -> None:
    assert build_of({"pyproject.toml": PROJECT.encode(), other: b""}).unfollowed is not None


def test_no_build_at_all_is_not_followed() -> None:
    assert build_of({"README.md": b""}).unfollowed is not None


@pytest.mark.parametrize(
    ("text", "followed"),
    [
        ("from setuptools import setup\nsetup()", True),
        ("import setuptools\nsetuptools.setup(name='Thing', packages=['a'])", True),
        ("from setuptools import setup, find_packages\nsetup(packages=find_packages('src'))", True),
        ("from setuptools import setup\nsetup(package_dir={'': 'src'})", True),
        ("from setuptools import setup\nsetup(package_dir={'thing': 'lib'})", False),
        ("from setuptools import setup\nsetup(package_dir=where)", False),
        ("from setuptools import setup\nsetup(**more)", False),
        ("from setuptools import setup\nsetup(ext_modules=[])", False),
        ("from setuptools import setup\nsetup(entry_points='x')", False),
        ("from setuptools import setup\nfrom thing import version\nsetup()", False),
        ("import thing\nfrom setuptools import setup\nsetup()", False),
        ("from setuptools import setup\nsetup(version=open('v.py').read())", False),
        ("from setuptools import setup\nif x:\n    setup()", False),
        ("from setuptools import setup\nexec(x)\nsetup()", False),
        ("not python", False),
    ],
)
def test_a_setup_py_is_followed_where_it_only_calls_setup(text: str, followed: bool) -> None:
    found = build_of({"setup.py": text.encode()})
    assert (found.unfollowed is None) is followed


def test_a_setup_cfg_is_read() -> None:
    text = b"""
[metadata]
name = my.thing
[options]
package_dir =
    = src
[options.entry_points]
console_scripts =
    run = package.cli:main
other =
    x = package.plugin [extra]
"""
    found = build_of({"setup.cfg": text})
    assert found.unfollowed is None
    assert "my_thing" in found.names
    assert {"package.cli", "package.plugin"} <= found.always
    moved = text.replace(b"    = src", b"    thing = lib")
    assert build_of({"setup.cfg": moved}).unfollowed is not None
    assert build_of({"setup.cfg": b"[options]\ncmdclass = x\n"}).unfollowed is not None
    assert build_of({"setup.cfg": b"no sections"}).unfollowed is not None


def test_plug_ins_are_read() -> None:
    text = PROJECT + '[project.entry-points."group.x"]\na = "package.plugin:thing"\n'
    assert build(text).always == {"package.plugin"}
