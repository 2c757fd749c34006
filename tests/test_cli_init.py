"""`odyssey init` as a user meets it: real repositories, real builds, and a check of what it wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from odyssey_asv.adopting import origin
from tests.projects import Answer, Project

BIN = Path(sys.executable).parent
ACTION = "odyssey-asv/odyssey-asv@0123456789abcdef0123456789abcdef01234567"
WORKFLOWS = (".github/workflows/benchmarks.yml", ".github/workflows/benchmarks-comment.yml")
SETUPTOOLS = """\
# A comment that stays.
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "in-src"   # and this
version = "0.1"
"""
HATCHLING = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "flat"
version = "0.1"
"""
EXTENSION = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "compiled"
version = "0.1"

[tool.setuptools]
ext-modules = [{ name = "compiled", sources = ["compiled.c"] }]
"""
C = """\
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static struct PyModuleDef compiled = {PyModuleDef_HEAD_INIT, "compiled", NULL, -1, NULL};

PyMODINIT_FUNC PyInit_compiled(void) { return PyModule_Create(&compiled); }
"""
LAYOUTS = {
    "setuptools-src": {"pyproject.toml": SETUPTOOLS, "src/in_src/__init__.py": "X = 1\n"},
    "hatchling-flat": {"pyproject.toml": HATCHLING, "flat/__init__.py": "X = 1\n"},
    "c-extension": {"pyproject.toml": EXTENSION, "compiled.c": C},
}


def repository(folder: Path, files: dict[str, str], branch: str = "main") -> Project:
    """Two commits of a project that knows nothing of benchmarks."""
    project = Project(folder)
    project.home.mkdir(parents=True)
    folder.mkdir()
    project.git("init", "--quiet", "--initial-branch", branch)
    for name, text in files.items():
        project.write(name, text)
    project.commit("first")
    project.write("README.md", "second\n")
    project.commit("second")
    return project


@pytest.fixture
def flat(tmp_path: Path) -> Project:
    return repository(tmp_path / "flat", LAYOUTS["hatchling-flat"])


def init(project: Project, *words: str) -> Answer:
    return project.here("init", "--action", ACTION, *words)


def contents(project: Project) -> dict[str, bytes]:
    """Every file outside `.git`."""
    found = (path for path in project.path.rglob("*") if path.is_file())
    return {
        name: path.read_bytes()
        for path in found
        if not (name := path.relative_to(project.path).as_posix()).startswith(".git/")
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_after_init_check_runs(tmp_path: Path, layout: str) -> None:
    """Without editing anything: the import of the package is measured on both sides."""
    project = repository(tmp_path / layout, LAYOUTS[layout])
    assert init(project).code == 0
    case = measured(project)
    module = {"setuptools-src": "in_src", "hatchling-flat": "flat", "c-extension": "compiled"}[
        layout
    ]
    assert case["name"] == f"import_{module}"
    assert case["verdict"] in ("unchanged", "inconclusive", "slower", "faster")


def measured(project: Project) -> Any:
    """The one case of a check. Whether it gets decided is no matter here, so its budget is small; more is
    for machines which are too busy for a single block in that."""
    case: Any = None
    for budget in ("3", "10", "40", "120"):
        answer = project.odyssey("check", "--budget", budget, "--json")
        assert answer.code in (0, 3), answer.words()
        (case,) = json.loads(answer.out)["cases"]
        if case["effects"]:
            return case
    raise AssertionError(case)


def test_what_it_writes_and_says(flat: Project) -> None:
    """Paths on standard output, what was found and the next command beside it."""
    before = contents(flat)
    answer = init(flat)
    assert answer.out.splitlines() == [
        "asv.conf.json", "benchmarks/__init__.py", "benchmarks/first.py", "pyproject.toml",
        ".gitignore", *WORKFLOWS,
    ]  # fmt: skip
    assert (
        "flat: import flat (flat layout, built by hatchling.build), changes go to main"
        in answer.err
    )
    assert "next: odyssey check" in answer.err
    assert "note:" not in answer.err
    after = contents(flat)
    assert set(after) == {*before, *answer.out.splitlines()}
    assert after["pyproject.toml"].startswith(before["pyproject.toml"])
    assert json.loads(after["asv.conf.json"])["branches"] == ["main"]


def test_repeating_it_changes_nothing(flat: Project) -> None:
    init(flat)
    before = contents(flat)
    answer = init(flat)
    assert (answer.code, answer.out) == (0, "")
    assert contents(flat) == before


def test_a_dry_run_writes_nothing(flat: Project) -> None:
    """And shows all of it."""
    before = contents(flat)
    answer = init(flat, "--dry-run")
    assert contents(flat) == before
    assert "    def timeraw_import_flat():" in answer.err
    assert "      - uses: odyssey-asv/odyssey-asv/.github/actions/check@" in answer.err
    assert "next: odyssey init" in answer.err
    assert init(flat).out == answer.out


def test_what_differs_is_named_and_left(flat: Project) -> None:
    """A workflow of the user's own under that name, and a suite that grew."""
    init(flat)
    flat.write(WORKFLOWS[0], "name: mine\n")
    flat.write("benchmarks/first.py", "# all mine now\n")
    before = contents(flat)
    answer = init(flat)
    assert f"differs   {WORKFLOWS[0]}: left as it is" in answer.err
    assert contents(flat) == before


def test_an_adoption_that_was_interrupted_goes_on(flat: Project) -> None:
    init(flat)
    whole = contents(flat)
    for name in ("asv.conf.json", "benchmarks/__init__.py", WORKFLOWS[1]):
        (flat.path / name).unlink()
    init(flat)
    assert contents(flat) == whole


def test_an_asv_configuration_stays_byte_for_byte(flat: Project) -> None:
    """With its comments, wherever it is; its suite is not added to, and the check is told of it."""
    text = '{\n    // mine\n    "version": 1, "repo": "..", "environment_type": "conda",\n}\n'
    path = flat.write("asv_bench/asv.conf.json", text)
    flat.write("asv_bench/benchmarks/__init__.py", "")
    answer = init(flat)
    assert answer.code == 0
    assert "note: asv.conf.json: environment_type 'conda' is not built by a check" in answer.err
    assert path.read_text() == text
    assert [p.name for p in (flat.path / "asv_bench/benchmarks").iterdir()] == ["__init__.py"]
    assert 'config: "asv_bench/asv.conf.json"' in (flat.path / WORKFLOWS[0]).read_text()


def test_a_folder_of_that_name_is_not_taken(flat: Project) -> None:
    """Scripts in `benchmarks` are no suite, and asv would import them all."""
    flat.write("benchmarks/run_all.py", "raise SystemExit\n")
    init(flat)
    assert json.loads((flat.path / "asv.conf.json").read_text())["benchmark_dir"] == "asv_bench"
    assert (flat.path / "asv_bench" / "first.py").is_file()


def test_a_project_below_the_root(tmp_path: Path) -> None:
    """Its repository is above it, and workflows are where GitHub looks for them."""
    files = {f"python/{name}": text for name, text in LAYOUTS["hatchling-flat"].items()}
    project = repository(tmp_path / "mono", files, branch="trunk")
    inner = Project(project.path / "python")
    answer = init(inner)
    assert answer.code == 0, answer.words()
    conf = json.loads((inner.path / "asv.conf.json").read_text())
    assert (conf["repo"], conf["repo_subdir"], conf["branches"]) == ("..", "python", ["trunk"])
    assert 'config: "python/asv.conf.json"' in (project.path / WORKFLOWS[0]).read_text()
    assert "/python/.odyssey/\n" in (project.path / ".gitignore").read_text()
    assert init(inner).out == ""


def test_without_a_pyproject(tmp_path: Path) -> None:
    """Settings get a file of their own; with nothing to compare, the machine's noise is what to look at."""
    setup = "from setuptools import setup\nsetup(name='old', py_modules=['old'])\n"
    ignore = "/.asv/\n/.odyssey/\n/benchmarks/results/\n"
    project = repository(
        tmp_path / "old", {"setup.py": setup, "old.py": "", ".gitignore": ignore}, branch="trunk"
    )
    answer = init(project, "--ci", "none")
    assert (project.path / "odyssey-asv.toml").is_file()
    assert not (project.path / ".github").exists()
    assert "next: odyssey check --self" in answer.err


def test_nothing_is_written_through_a_link_that_leads_out(flat: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (flat.path / ".github").symlink_to(outside)
    answer = init(flat)
    assert answer.code == 2
    assert "leads out of the repository" in answer.err
    assert list(outside.iterdir()) == []
    assert not (flat.path / "asv.conf.json").exists()


def test_where_there_is_nothing_to_adopt(tmp_path: Path) -> None:
    """No repository; a repository without a commit; one that is no project of Python."""
    project = Project(tmp_path / "empty")
    project.home.mkdir()
    project.path.mkdir()
    answer = project.here("init")
    assert (answer.code, answer.out) == (2, "")
    assert "not a git repository" in answer.err
    project.git("init", "--quiet", "--initial-branch", "main")
    assert "no commits yet" in project.here("init").err
    project.commit()
    answer = project.here("init")
    assert answer.code == 2
    assert "no Python project" in answer.err


def test_which_of_two_configurations(flat: Project) -> None:
    """`--config` says it; one that is not there is an error, and so is one outside."""
    for name in ("one", "two"):
        flat.write(f"{name}/asv.conf.json", '{"repo": "..", "environment_type": "uv"}')
    answer = init(flat)
    assert answer.code == 2
    assert "more than one asv configuration" in answer.err
    assert "--config" in answer.err
    assert flat.here("--config", "two/asv.conf.json", "init").code == 0
    assert 'config: "two/asv.conf.json"' in (flat.path / WORKFLOWS[0]).read_text()
    assert (flat.path / "two/benchmarks/first.py").is_file()
    assert flat.here("--config", "three/asv.conf.json", "init").code == 2
    outside = flat.path.parent / "asv.conf.json"
    outside.write_text('{"repo": "flat", "environment_type": "uv"}')
    assert "leads out" in flat.here("--config", str(outside), "init").err


def test_which_branch(tmp_path: Path) -> None:
    """Where nothing names one, the one that is checked out; on none there is no telling."""
    project = repository(tmp_path / "flat", LAYOUTS["hatchling-flat"], branch="odd/name")
    project.git("checkout", "--quiet", "--detach")
    answer = init(project)
    assert answer.code == 2
    assert "git switch BRANCH" in answer.err
    project.git("checkout", "--quiet", "odd/name")
    assert init(project).code == 0
    assert json.loads((project.path / "asv.conf.json").read_text())["branches"] == ["odd/name"]


def test_permissions_of_a_file_stay(flat: Project) -> None:
    path = flat.path / "pyproject.toml"
    path.chmod(0o640)
    init(flat)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_source_that_nobody_named_is_told(flat: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the installation says nothing, where CI finds this program is the project's word alone."""
    monkeypatch.setattr(origin, "_direct_url", lambda: None)
    answer = flat.here("init", "--dry-run")
    assert "so CI takes odyssey-asv/odyssey-asv@v" in answer.err
    assert "note:" not in flat.here("init", "--dry-run", "--ci", "none").err


def checked(*words: str) -> None:
    done = subprocess.run(
        [str(BIN / words[0]), *words[1:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflows_it_writes_are_sound(flat: Project) -> None:
    """By the checkers that this project's own have to pass."""
    init(flat)
    checked("zizmor", "--offline", "--no-progress", "--quiet", str(flat.path))
    paths = [str(flat.path / name) for name in WORKFLOWS]
    checked("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *paths)


def test_gitlab(flat: Project) -> None:
    """A job in a file of its own, included from a first `.gitlab-ci.yml`."""
    answer = init(flat, "--ci", "gitlab")
    assert answer.out.splitlines()[-2:] == [".gitlab/odyssey-asv.yml", ".gitlab-ci.yml"]
    assert not (flat.path / ".github").exists()
    paths = [str(flat.path / name) for name in answer.out.splitlines()[-2:]]
    checked("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", *paths)
    assert init(flat, "--ci", "gitlab").out == ""


def test_an_existing_gitlab_file_is_left(flat: Project) -> None:
    """It is told what to add."""
    text = "test:\n  script: [make]\n"
    path = flat.write(".gitlab-ci.yml", text)
    answer = init(flat, "--ci", "gitlab")
    assert path.read_text() == text
    assert "add to its `include:`  - local: .gitlab/odyssey-asv.yml" in answer.err


@pytest.fixture(scope="module")
def merge_request(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project adopted with GitLab, a commit on main and one on a branch."""
    project = repository(tmp_path_factory.mktemp("gitlab") / "flat", LAYOUTS["hatchling-flat"])
    project.here("init", "--ci", "gitlab", "--action", ACTION)
    project.commit("adopted")
    project.git("checkout", "--quiet", "-b", "topic")
    project.write("flat/__init__.py", "X = 2\n")
    project.commit("changed")
    return project


def test_the_job_of_gitlab_runs(merge_request: Project, tmp_path: Path) -> None:
    """Its script as GitLab's runner has it: one shell, which ends at the first failure. What is installed
    is this program, from where the tests have it."""
    job = yaml.safe_load((merge_request.path / ".gitlab/odyssey-asv.yml").read_text())[
        "odyssey-check"
    ]
    program = merge_request.path / ".odyssey" / "program" / "bin"
    program.parent.mkdir(parents=True)
    program.symlink_to(BIN)
    script = [line for line in job["script"] if not line.startswith("python -m venv")]
    assert len(script) == len(job["script"]) - 1
    script = [line for line in script if "pip install" not in line]
    assert len(script) == len(job["script"]) - 2
    variables = {
        name: str(value).replace("$CI_PROJECT_DIR", str(merge_request.path))
        for name, value in job["variables"].items()
    }
    environment = merge_request.environment | variables | {
        "CI": "true", "CI_PROJECT_DIR": str(merge_request.path),
        "CI_COMMIT_SHA": merge_request.git("rev-parse", "HEAD"),
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": merge_request.git("merge-base", "main", "topic"),
    }  # fmt: skip
    # A second is enough to see which commits it compares.
    words = "\n".join(script).replace(" check ", " check --budget 1 ")
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", words],
        cwd=merge_request.path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 3), done.stderr
    report = json.loads((merge_request.path / "odyssey-report" / "report.json").read_text())
    assert report["base"]["commit"] == environment["CI_MERGE_REQUEST_DIFF_BASE_SHA"]
    assert report["contender"]["commit"] == environment["CI_COMMIT_SHA"]
