"""`Workshop` on real projects: real git, real wheels, real virtual environments.

Most projects here are built by a backend of their own, in their own files, so that a build takes a
moment and no network.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from odyssey_asv.adapter import asv_config
from odyssey_asv.adapter.environments import BuildFailedError, Built, Recipe, Workshop, recipes
from odyssey_asv.errors import CannotMeasureError, InvalidInputError
from odyssey_asv.repository import Repository
from tests.projects import Project, gone, wait_for

BACKEND = """
import os, time, zipfile

def write(folder, name, version, requires, files):
    wheel = f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    files = dict(files)
    files[f"{info}/METADATA"] = "\\n".join(lines) + "\\n"
    about = ["Wheel-Version: 1.0", "Generator: x", "Root-Is-Purelib: true", "Tag: py3-none-any"]
    files[f"{info}/WHEEL"] = "\\n".join(about) + "\\n"
    record = f"{info}/RECORD"
    files[record] = "".join(f"{file},,\\n" for file in [*files, record])
    with zipfile.ZipFile(os.path.join(folder, wheel), "w") as archive:
        for file, content in files.items():
            archive.writestr(file, content)
    return wheel

def build_wheel(folder, config_settings=None, metadata_directory=None):
    calls = os.environ.get("CALLS")
    if calls:
        with open(calls, "a") as sink:
            sink.write(f"{os.getpid()}\\n")
    while os.path.exists(os.environ.get("HANG", "") or "/nothing"):
        time.sleep(0.05)
    if os.path.exists("broken"):
        raise SystemExit("this commit cannot be built")
    requires = open("requires").read().split("\\n") if os.path.exists("requires") else []
    files = {"tiny.py": open("tiny.py").read() + f"\\nBUILD = {os.environ.get('BUILD')!r}\\n"}
    return write(folder, "tiny", "1.0", [r for r in requires if r], files)
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[tool.uv]
required-version = "<0.1"
"""
SETUPTOOLS = """
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"
[project]
name = "tiny"
version = "1.0"
"""


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """uv's, which would else be in HOME and empty for every test."""
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What there is to be required: versions 1.0, 1.5 and 2.0 of two packages."""
    folder = tmp_path_factory.mktemp("wheels")
    scope: dict[str, Any] = {}
    exec(BACKEND, scope)
    for name in ("odyssey_dep", "odyssey_other"):
        for version in ("1.0", "1.5", "2.0"):
            scope["write"](folder, name, version, [], {f"{name}.py": f"version = {version!r}\n"})
    return folder


@pytest.fixture(scope="module", autouse=True)
def _packages(cache: Path, wheels: Path) -> Iterator[None]:
    """Packages come from the folder `wheels` alone, unless a test asks for `index`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("UV_", "PIP_INDEX", "PIP_EXTRA", "ASV_")):
                patch.delenv(name)
        patch.setenv("UV_CACHE_DIR", str(cache))
        patch.setenv("UV_FIND_LINKS", str(wheels))
        patch.setenv("UV_NO_INDEX", "1")
        yield


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, _packages: None) -> None:
    """With a package index, for setuptools."""
    monkeypatch.delenv("UV_NO_INDEX")


def project(path: Path, pyproject: str = PYPROJECT, **settings: Any) -> Project:
    """A project without any benchmark whose every commit has a `tiny.value` of its own."""
    made = Project(path, settings)
    made.home.mkdir()
    path.mkdir()
    made.git("init", "--quiet", "--initial-branch", "main")
    document = {"version": 1, "project": "tiny", "repo": ".", "environment_type": "virtualenv"}
    made.write("asv.conf.json", json.dumps(document | settings))
    made.write(".gitignore", "/.odyssey/\n")
    made.write("pyproject.toml", pyproject)
    made.write("backend.py", BACKEND)
    return made


def change(made: Project, value: int, requires: str = "", module: str = "tiny.py") -> str:
    made.write(module, f"value = {value}\n")
    made.write("requires", requires)
    return made.commit(f"value {value}")


class Bench:
    """A workshop for a project, and what it told."""

    def __init__(self, made: Project, **options: Any) -> None:
        self.project = made
        self.config = asv_config.load(made.path / "asv.conf.json")
        self.state = made.path / ".odyssey"
        self.steps: list[tuple[str, str]] = []
        self.repository = Repository(made.path)
        self.workshop = Workshop(self.config, self.state, self.repository.check_out, **options)

    @property
    def recipe(self) -> Recipe:
        (recipe,) = recipes(self.config)
        return recipe

    def pair(self, base: str, contender: str, **more: Any) -> tuple[Built, Built, tuple[str, ...]]:
        self.steps.clear()
        recipe = more.pop("recipe", None) or self.recipe
        on_step = lambda *step: self.steps.append(step)  # noqa: E731
        return self.workshop.pair(recipe, base, contender, on_step=on_step, **more)

    def one(self, commit: str, **more: Any) -> tuple[Built, tuple[str, ...]]:
        return self.workshop.one(self.recipe, commit, **more)

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.workshop.close()
        self.repository.__exit__()


def ask(built: Built, expression: str) -> str:
    """What an expression is in an environment, evaluated as a benchmark's process would be."""
    answer = subprocess.run(
        [built.python, "-c", f"import os, sys, tiny; print({expression})"], cwd="/", text=True,
        env=built.environment(os.environ), capture_output=True, check=True,
    )  # fmt: skip
    return answer.stdout.strip()


def value(built: Built) -> int:
    return int(ask(built, "tiny.value"))


# --- the default build


@pytest.fixture
def plain(tmp_path: Path) -> Project:
    made = project(tmp_path / "plain")
    change(made, 1, "odyssey-dep\n")
    change(made, 2, "odyssey-dep\n")
    return made


def two(made: Project) -> tuple[str, str]:
    return made.git("rev-parse", "HEAD~1"), made.git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose two commits, tagged base and contender, have been built."""
    made = project(tmp_path_factory.mktemp("ready") / "plain")
    for number, name in enumerate(("base", "contender"), start=1):
        change(made, number, "odyssey-dep\n")
        made.git("tag", name)
    with Bench(made) as bench:
        bench.pair(*tagged(made))
    return made


def tagged(made: Project) -> tuple[str, str]:
    return made.git("rev-parse", "base"), made.git("rev-parse", "contender")


def test_two_environments_side_by_side(plain: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/outer")
    monkeypatch.setenv("VIRTUALENV_CLEAR", "1")
    monkeypatch.setenv("UV_SYSTEM_PYTHON", "1")
    base, contender = two(plain)
    with Bench(plain) as bench:
        first, second, warnings = bench.pair(base, contender)
        assert (value(first), value(second)) == (1, 2)
        assert warnings == ()
        assert first.packages == second.packages == {"odyssey_dep": "2.0", "tiny": "1.0"}
        assert first.python_version == ".".join(map(str, sys.version_info[:3]))
        assert (first.commit, second.commit) == (base, contender)
        for built in (first, second):
            assert not built.reused
            assert built.seconds > 0
            assert (built.checkout / "tiny.py").read_text() == f"value = {value(built)}\n"
            assert built.python.parent == built.folder / "bin"
            assert ask(built, "sys.prefix") == str(built.folder)
            assert ask(built, "os.environ.get('PYTHONPATH')") == "None"
        assert len(str(first.folder)) == len(str(second.folder))
        assert sorted(bench.steps[:2]) == [("base", "building"), ("contender", "building")]
        assert sorted(bench.steps[2:]) == [("base", "installing"), ("contender", "installing")]


def test_what_benchmarks_see(ready: Project) -> None:
    base, contender = tagged(ready)
    with Bench(ready) as bench:
        first, second, _ = bench.pair(base, contender)
    assert second.vars == {
        "ASV": "true",
        "ASV_BUILD_CACHE_DIR": str(second.folder / "asv-build-cache" / contender),
        "ASV_BUILD_DIR": str(second.folder / "project"),
        "ASV_COMMIT": contender,
        "ASV_CONF_DIR": str(ready.path),
        "ASV_ENV_DIR": str(second.folder),
        "ASV_ENV_NAME": bench.recipe.name,
        "ASV_ENV_TYPE": "virtualenv",
        "ASV_PROJECT": "tiny",
        "PATH": f"{second.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_USER": "false",
    }
    assert {key: len(text) for key, text in first.vars.items()} == {
        key: len(text) for key, text in second.vars.items()
    }


def test_they_are_found_again(ready: Project) -> None:
    base, contender = tagged(ready)
    with Bench(ready) as bench:
        before = bench.pair(base, contender)
        again = bench.pair(base, contender)
        assert bench.steps == [("contender", "found"), ("base", "found")]
        for first, second in zip(before[:2], again[:2], strict=True):
            assert first.folder == second.folder
            assert first.reused
            assert second.reused
        assert (value(again[0]), value(again[1])) == (1, 2)
        assert again[2] == ()


def test_the_other_way_round_the_same_two_do(ready: Project) -> None:
    base, contender = tagged(ready)
    with Bench(ready) as bench:
        first, second, _ = bench.pair(base, contender)
        one, other, _ = bench.pair(contender, base)
        assert (one.folder, other.folder) == (second.folder, first.folder)


def test_a_third_commit_joins_one_that_is_there(
    ready: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLS", str(ready.calls))
    base, contender = tagged(ready)
    newest = change(ready, 3, "odyssey-dep\n")
    with Bench(ready) as bench:
        _, second, _ = bench.pair(base, contender)
        first, third, _ = bench.pair(contender, newest)
        assert first.folder == second.folder
        assert (value(first), value(third)) == (2, 3)
        assert len(ready.counted()) == 1


def test_fresh_makes_them_anew_and_leaves_the_others(plain: Project) -> None:
    base, contender = two(plain)
    with Bench(plain) as bench:
        old, _, _ = bench.pair(base, contender)
        new, _, _ = bench.pair(base, contender, fresh=True)
        assert new.folder != old.folder
        assert not new.reused
        assert (value(old), value(new)) == (1, 1)
        again, _, _ = bench.pair(base, contender)
        assert again.folder == new.folder


def test_one_commit_twice_is_two_environments(ready: Project) -> None:
    _, contender = tagged(ready)
    with Bench(ready) as bench:
        first, second, warnings = bench.pair(contender, contender)
        assert first.folder != second.folder
        assert (value(first), value(second)) == (2, 2)
        assert warnings == ()
        bench.pair(contender, contender)
        assert bench.steps == [("contender", "found"), ("base", "found")]


def test_a_project_in_another_place_gets_new_ones(ready: Project, tmp_path: Path) -> None:
    base, _ = tagged(ready)
    shutil.copytree(ready.path, tmp_path / "copy", symlinks=True)
    with Bench(Project(tmp_path / "copy")) as bench:
        built, _ = bench.one(base)
        assert not built.reused
        assert built.folder.is_relative_to(tmp_path)
        assert value(built) == 1


def test_the_working_tree_as_a_side(plain: Project) -> None:
    head = plain.git("rev-parse", "HEAD")
    plain.write("tiny.py", "value = 99\n")
    with Bench(plain) as bench:
        commit = bench.repository.snapshot()
        assert commit is not None
        first, second, _ = bench.pair(head, commit)
        assert (value(first), value(second)) == (2, 99)
        assert bench.repository.snapshot() == commit
        bench.pair(head, commit)
        assert bench.steps == [("contender", "found"), ("base", "found")]


# --- versions of what is required


def test_the_base_follows_the_contender(tmp_path: Path) -> None:
    made = project(tmp_path / "p")
    base = change(made, 1, "odyssey-dep\nodyssey-other\n")
    contender = change(made, 2, "odyssey-dep<2\nodyssey-other\n")
    with Bench(made) as bench:
        first, second, warnings = bench.pair(base, contender)
        assert first.packages["odyssey_dep"] == second.packages["odyssey_dep"] == "1.5"
        assert warnings == ()


def test_where_it_cannot_only_that_differs_and_is_said(tmp_path: Path) -> None:
    made = project(tmp_path / "p")
    base = change(made, 1, "odyssey-dep<1.2\nodyssey-other\n")
    contender = change(made, 2, "odyssey-dep>=2\nodyssey-other==1.5\n")
    with Bench(made) as bench:
        first, second, warnings = bench.pair(base, contender)
        assert first.packages["odyssey_dep"] == "1.0"
        assert second.packages["odyssey_dep"] == "2.0"
        assert first.packages["odyssey_other"] == second.packages["odyssey_other"] == "1.5"
        (warning,) = warnings
        assert "odyssey-dep (1.0 and 2.0)" in warning
        assert "odyssey-other" not in warning
        _, _, again = bench.pair(base, contender)
        assert again == warnings


def test_a_single_commit_with_the_versions_of_another(tmp_path: Path) -> None:
    made = project(tmp_path / "p")
    old = change(made, 1, "odyssey-dep<2\n")
    new = change(made, 2, "odyssey-dep\nodyssey-other\n")
    with Bench(made) as bench:
        alone, _ = bench.one(new)
        assert alone.packages["odyssey_dep"] == "2.0"
        like, _ = bench.one(old)
        following, warnings = bench.one(new, like=like)
        assert following.packages["odyssey_dep"] == "1.5"
        assert warnings == ("only the commit needs odyssey-other",)
        assert bench.one(new, like=like)[0].reused
        assert following.folder != alone.folder


def test_a_matrix_makes_an_environment_for_each_set(tmp_path: Path) -> None:
    made = project(tmp_path / "p", matrix={"odyssey_dep": ["1.0", "1.5"]})
    base, contender = change(made, 1), change(made, 2)
    with Bench(made) as bench:
        one, other = recipes(bench.config)
        for recipe, version in ((one, "1.0"), (other, "1.5")):
            calls = made.counted()
            first, second, _ = bench.pair(base, contender, recipe=recipe)
            assert first.packages["odyssey_dep"] == second.packages["odyssey_dep"] == version
            assert ask(second, "__import__('odyssey_dep').version") == version
            assert first.vars["ASV_ENV_NAME"] == recipe.name
            assert (second.checkout / "tiny.py").exists()
            assert made.counted() == calls


def test_variables_of_the_matrix(tmp_path: Path) -> None:
    made = project(
        tmp_path / "p", matrix={"env": {"BUILD": ["b1"]}, "env_nobuild": {"RUN": ["r1", "r2"]}}
    )
    base, contender = change(made, 1), change(made, 2)
    with Bench(made) as bench:
        one, other = recipes(bench.config)
        first, _, _ = bench.pair(base, contender, recipe=one)
        again, _, _ = bench.pair(base, contender, recipe=other)
        assert ask(first, "tiny.BUILD, os.environ['BUILD'], os.environ['RUN']") == "b1 b1 r1"
        assert ask(again, "tiny.BUILD, os.environ['RUN']") == "b1 r2"
        # What is not there while building does not make another environment.
        assert again.folder == first.folder
        assert again.vars["ASV_ENV_NAME"] == other.name != one.name


# --- real build systems


def test_setuptools_in_a_subfolder_with_src(tmp_path: Path, index: None) -> None:
    made = project(tmp_path / "p", "", repo_subdir="python")
    made.write("python/pyproject.toml", SETUPTOOLS)
    base = change(made, 1, module="python/src/tiny/__init__.py")
    contender = change(made, 2, module="python/src/tiny/__init__.py")
    with Bench(made) as bench:
        first, second, _ = bench.pair(base, contender)
        assert (value(first), value(second)) == (1, 2)
        assert first.vars["ASV_BUILD_DIR"] == str(first.folder / "project/python")


COMPILER = shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0])
EXTENSION = """
#include <Python.h>
static PyObject *get(PyObject *self, PyObject *none) { return PyLong_FromLong(VALUE); }
static PyMethodDef methods[] = {{"get", get, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_tiny", "", -1, methods};
PyMODINIT_FUNC PyInit__tiny(void) { return PyModule_Create(&module); }
"""


@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
def test_an_extension_in_c(tmp_path: Path, index: None) -> None:
    made = project(tmp_path / "p", SETUPTOOLS)
    made.write("setup.py", textwrap.dedent("""
        from setuptools import Extension, setup
        setup(py_modules=["tiny"], ext_modules=[Extension("_tiny", ["tiny.c"])])
    """))  # fmt: skip
    made.write("tiny.py", "from _tiny import get\nvalue = get()\n")
    commits = []
    for number in (1, 2):
        made.write("tiny.c", EXTENSION.replace("VALUE", str(number)))
        commits.append(made.commit())
    with Bench(made) as bench:
        first, second, _ = bench.pair(commits[0], commits[1])
        assert (value(first), value(second)) == (1, 2)


RECORD = (
    "import json, os, sys; open(os.environ['SEEN'], 'a').write(json.dumps("
    "[os.getcwd(), sys.prefix, dict(os.environ)]) + chr(10))"
)


WHEEL_BY_HAND = "python -c \"import backend; backend.build_wheel(r'{build_cache_dir}')\""


def test_commands_of_the_projects_own(
    tmp_path: Path, index: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    made = project(
        tmp_path / "p",
        build_command=[
            f'SPECIAL={{commit}} python -c "{RECORD}"',
            "return-code=any python -c 'raise SystemExit(5)'",
            "python -m build --version",
            WHEEL_BY_HAND,
        ],
        install_command=[
            "in-dir={env_dir} python -m pip install --no-deps --no-index {wheel_file}"
        ],
        uninstall_command=["return-code=any python -c 'raise SystemExit(1)'"],
        matrix={"req": {"pip+odyssey_dep": [""]}, "env": {"BUILD": ["b"]}},
    )
    made.write("pyproject.toml", SETUPTOOLS)
    base, contender = change(made, 1), change(made, 2)
    with Bench(made) as bench:
        first, second, warnings = bench.pair(base, contender)
        assert warnings == ()
        assert (value(first), value(second)) == (1, 2)
        assert ask(first, "tiny.BUILD") == "b"
        assert {"pip", "setuptools", "wheel", "build", "tiny"} <= set(first.packages)
        assert first.packages["odyssey_dep"] == "2.0"
        assert [step for name, step in bench.steps] == ["building", "installing"] * 2
        bench.pair(base, contender)
        assert bench.steps == [("contender", "found"), ("base", "found")]
    seen = [json.loads(line) for line in (tmp_path / "seen").read_text().splitlines()]
    assert len(seen) == 2
    cwd, prefix, env = seen[1]
    assert cwd == str(first.checkout)
    assert prefix == str(first.folder)
    assert env["SPECIAL"] == base == env["ASV_COMMIT"]
    assert env["BUILD"] == "b"
    assert env["ASV_BUILD_CACHE_DIR"] == first.vars["ASV_BUILD_CACHE_DIR"]
    assert env["PATH"].startswith(str(first.folder / "bin"))
    assert "PYTHONPATH" not in env


def test_only_building_by_command(tmp_path: Path, index: None) -> None:
    made = project(tmp_path / "p", build_command=[WHEEL_BY_HAND])
    commit = change(made, 1, "odyssey-dep<2\n")
    with Bench(made) as bench:
        built, _ = bench.one(commit)
        assert value(built) == 1
        assert built.packages["odyssey_dep"] == "1.5"


def test_only_installing_by_command(tmp_path: Path, index: None) -> None:
    install = "python -m pip install --no-index --no-deps {wheel_file}"
    made = project(tmp_path / "p", install_command=[install])
    commit = change(made, 1, "odyssey-dep<2\n")
    with Bench(made) as bench:
        built, _ = bench.one(commit)
        assert value(built) == 1
        assert "odyssey_dep" not in built.packages


# --- what goes wrong


def test_a_side_that_cannot_be_built_is_named_with_its_log(plain: Project) -> None:
    plain.write("broken", "")
    broken = plain.commit()
    good = two(plain)[0]
    for name, sides in {"base": (broken, good), "contender": (good, broken)}.items():
        with Bench(plain) as bench, pytest.raises(BuildFailedError) as caught:
            bench.pair(*sides)
        assert caught.value.side == name
        assert str(caught.value).startswith(f"{name} {broken[:8]} could not be built")
        assert "this commit cannot be built" in str(caught.value)
        assert str(caught.value.log) in str(caught.value)
        assert "this commit cannot be built" in caught.value.log.read_text()
        assert caught.value.log.parent == plain.path / ".odyssey/logs"
        assert isinstance(caught.value, CannotMeasureError)
    with Bench(plain) as bench:
        assert all(kept.commit != broken for kept in bench.workshop.contents())


def test_requirements_that_cannot_be_met(tmp_path: Path) -> None:
    made = project(tmp_path / "p")
    base, contender = change(made, 1), change(made, 2, "odyssey-dep==9\n")
    with (
        Bench(made) as bench,
        pytest.raises(BuildFailedError, match="no versions of its") as caught,
    ):
        bench.pair(base, contender)
    assert caught.value.side == "contender"
    assert "odyssey-dep" in str(caught.value)


def test_without_a_network(tmp_path: Path, index: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    made = project(tmp_path / "p")
    base, contender = change(made, 1), change(made, 2, "odyssey-no-such-package\n")
    with Bench(made) as bench, pytest.raises(BuildFailedError, match="no package index") as caught:
        bench.pair(base, contender)
    assert caught.value.tip is not None


def test_a_command_that_fails(tmp_path: Path, index: None) -> None:
    made = project(tmp_path / "p", build_command=["python -c 'raise SystemExit(7)'"])
    base, contender = change(made, 1), change(made, 2)
    with Bench(made) as bench, pytest.raises(BuildFailedError, match="exit code 7") as caught:
        bench.pair(base, contender)
    assert caught.value.side == "contender"


def test_a_subfolder_that_an_old_commit_has_not(tmp_path: Path) -> None:
    made = project(tmp_path / "p", repo_subdir="python")
    base = change(made, 1)
    made.write("python/pyproject.toml", PYPROJECT)
    made.write("python/backend.py", BACKEND)
    contender = change(made, 2, module="python/tiny.py")
    with Bench(made) as bench, pytest.raises(BuildFailedError, match="not there at this commit"):
        bench.pair(base, contender)


def test_a_python_that_is_not_there(ready: Project) -> None:
    with Bench(ready) as bench:
        (recipe,) = recipes(bench.config, python="3.99")
        with pytest.raises(InvalidInputError, match=r"3\.99"):
            bench.pair(*tagged(ready), recipe=recipe)


# --- several at once, and interrupted


def test_two_at_once_build_once(plain: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLS", str(plain.calls))
    base, contender = two(plain)
    found: list[tuple[int, int]] = []
    failed: list[Exception] = []

    def work() -> None:
        try:
            with Bench(plain) as bench:
                first, second, _ = bench.pair(base, contender)
                found.append((value(first), value(second)))
        except (CannotMeasureError, OSError) as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failed == []
    assert found == [(1, 2)] * 3
    assert len(plain.counted()) == 2
    with Bench(plain) as bench:
        assert len(bench.workshop.contents()) == 4


SCRIPT = """
import sys
from pathlib import Path
from tests.projects import Project
from tests.test_environments_real import Bench, two

made = Project(Path(sys.argv[1]))
with Bench(made) as bench:
    print("ready", flush=True)
    bench.pair(*two(made))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_in_the_middle(
    plain: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    hang = tmp_path / "hang"
    hang.touch()
    monkeypatch.setenv("CALLS", str(plain.calls))
    monkeypatch.setenv("HANG", str(hang))
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(plain.path)], cwd=Path(__file__).parents[1],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    wait_for(lambda: len(plain.counted()) == 2)
    builders = [psutil.Process(int(pid)) for pid in plain.counted()]
    child.send_signal(number)
    _, said = child.communicate(timeout=60)
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in said
        assert gone(builders)
        with Bench(plain) as bench:
            assert bench.workshop.contents() == []
    monkeypatch.delenv("HANG")
    with Bench(plain) as bench:
        first, second, _ = bench.pair(*two(plain))
        assert (value(first), value(second)) == (1, 2)
    assert gone(builders)
    assert len(plain.counted()) == 4


def test_the_last_used_are_kept(tmp_path: Path) -> None:
    made = project(tmp_path / "p")
    commits = [change(made, number) for number in range(4)]
    with Bench(made) as other, Bench(made, keep=2) as bench:
        used, _ = other.one(commits[0])
        for commit in commits[1:]:
            bench.one(commit)
            bench.workshop.close()
        bench.one(commits[3])
        environments = [kept for kept in bench.workshop.contents() if kept.name != "wheel"]
        assert [kept.commit for kept in environments] == [commits[3], commits[2], commits[0]]
        assert all(kept.bytes > 0 for kept in environments)
        assert value(used) == 0
        left = bench.workshop.clear()
        assert {kept.commit for kept in left} == {commits[0]}
        other.workshop.close()
        assert bench.workshop.clear() == []
    assert list((made.path / ".odyssey/environments").glob("*/*")) == []
