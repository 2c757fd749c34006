"""Two commits of a real repository → which modules of the suite reach what differs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv.changed.changes import Sides, left_out, survey
from odyssey_asv.changed.reach import Reach
from odyssey_asv.project import open_project
from odyssey_asv.repository import Repository
from tests.projects import Project, make

PYPROJECT = """
[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"
[project]
name = "tiny"
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make(tmp_path / "project", "import tiny.one\n")
    made.write("pyproject.toml", PYPROJECT)
    for name in ("__init__", "one", "two"):
        made.write(f"tiny/{name}.py", "VALUE = 1\n")
    made.write("benchmarks/other.py", "import tiny.two\n")
    made.commit("second")
    return made


def found(project: Project, *, from_tree: bool = False, folder: str = ".") -> Reach:
    """What the last commit, or the working tree, came to."""
    config, asv = open_project(project.path / folder)
    assert asv.local_repo is not None
    with Repository(asv.local_repo) as repository:
        head = repository.resolve("HEAD")
        base = head if from_tree else repository.resolve("HEAD~1")
        contender = (repository.snapshot() or head) if from_tree else head
        return survey(repository, asv, config, Sides(base, contender, from_tree))


def measured(reach: Reach) -> set[str]:
    """Without the suite's own package."""
    return {module for module, why in reach.modules.items() if why is not None} - {""}


def test_a_commit(project: Project) -> None:
    project.write("tiny/one.py", "VALUE = 2\n")
    project.commit()
    assert measured(found(project)) == {"suite"}


def test_uncommitted_changes(project: Project) -> None:
    project.write("tiny/two.py", "VALUE = 2\n")
    assert measured(found(project, from_tree=True)) == {"other"}
    project.git("checkout", "--quiet", ".")
    project.write("benchmarks/new.py", "import tiny.one\n")
    assert measured(found(project, from_tree=True)) == {"new"}


def test_a_name_that_is_not_ascii(project: Project) -> None:
    project.write("tiny/größe.py", "VALUE = 1\n")
    project.write("benchmarks/größe.py", "import tiny.größe\n")
    project.commit()
    project.write("tiny/größe.py", "VALUE = 2\n")
    project.commit()
    assert measured(found(project)) == {"größe"}


def test_comments_are_passed_over(project: Project) -> None:
    project.write("tiny/one.py", "# better\nVALUE = 1\n")
    project.commit()
    assert measured(found(project)) == set()
    assert found(project).change.passed_over == ("tiny/one.py",)


def test_a_module_that_became_data_is_gone(project: Project) -> None:
    project.git("mv", "tiny/one.py", "tiny/one.txt")
    project.commit()
    assert measured(found(project)) == {"suite", "other"}


def test_baselines_are_ours(project: Project) -> None:
    project.write("benchmarks/baselines/baseline_results.json", "{}")
    project.commit()
    assert measured(found(project)) == set()


def test_settings_name_what_is_not_reached(project: Project) -> None:
    project.write("odyssey-asv.toml", 'unreached = ["data/*", "*.lock"]\n')
    project.commit()
    project.write("data/deep/x.csv", "1")
    project.write("uv.lock", "1")
    project.commit()
    assert measured(found(project)) == set()
    project.write("other.csv", "1")
    project.commit()
    assert measured(found(project)) == {"suite", "other"}


def link(project: Project, name: str, target: str) -> None:
    (project.path / name).symlink_to(target)
    project.commit()
    project.write("tiny/one.py", "VALUE = 2\n")
    project.commit()


@pytest.mark.parametrize("target", ["tiny", "tiny/two.py"])
def test_a_link_may_give_a_second_name(project: Project, target: str) -> None:
    link(project, "alias", target)
    assert found(project).modules["other"] == "alias is a symbolic link"


@pytest.mark.parametrize("target", ["pyproject.toml", "/nowhere"])
def test_a_link_to_no_module_does_not(project: Project, target: str) -> None:
    link(project, "alias", target)
    assert measured(found(project)) == {"suite"}


def test_commands_that_build_otherwise_are_not_followed(tmp_path: Path) -> None:
    for number, (command, followed) in enumerate(
        (
            ("python -m pip wheel --no-deps -w {build_cache_dir} {build_dir}", True),
            ("PIP_NO_BUILD_ISOLATION=false python -m build --wheel", True),
            ("python -mpip install {wheel_file}", True),
            ("in-dir={env_dir} python -m pip install {wheel_file}", True),
            ("python -m pip install ./plugin", False),
            ("python generate.py", False),
            ("python -m pip wheel . && python generate.py", False),
            ("make", False),
        )
    ):
        project = make(tmp_path / str(number), "import tiny\n", build_command=[command])
        project.write("pyproject.toml", PYPROJECT)
        project.write("tiny.py", "")
        project.write("benchmarks/other.py", "import tiny\n")
        project.commit()
        project.write("loose.py", "")
        project.commit()
        assert (measured(found(project)) == set()) is followed, command


def test_environments_inside_the_suite_are_not_it(project: Project) -> None:
    """Nor is anything in a hidden folder: they hold thousands of files that no benchmark imports."""
    project.write("asv.conf.json", (project.path / "asv.conf.json").read_text().replace(
        ".asv/env", "benchmarks/env"
    ))  # fmt: skip
    project.write(".gitignore", (project.path / ".gitignore").read_text() + "env\n")
    project.commit()
    project.write("benchmarks/env/x/site.py", "import tiny.one\n")
    project.write("benchmarks/.hidden/x.py", "import tiny.one\n")
    assert found(project, from_tree=True).nothing


def test_a_suite_of_another_repository(project: Project, tmp_path: Path) -> None:
    """Its files are the same on both sides."""
    outside = make(tmp_path / "outside", "import tiny.one\n", repo="../project")
    project.write("tiny/two.py", "VALUE = 2\n")
    project.commit()
    assert measured(found(outside)) == set()
    project.write("tiny/one.py", "VALUE = 2\n")
    project.commit()
    assert measured(found(outside)) == {"suite"}


def test_what_a_check_tells(project: Project) -> None:
    project.write("tiny/one.py", "VALUE = 2\n")
    project.commit()
    whys: Counter[Any] = Counter({None: 3, "b": 1, "a": 2})
    told = left_out(found(project), whys)
    assert (told.cases, told.of, told.reasons) == (3, 6, (("a", 2), ("b", 1)))
    assert not told.everything
    assert left_out(found(project), None).everything
