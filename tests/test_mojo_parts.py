"""What a project gets to have its Mojo code measured, as far as it works without the compiler."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from odyssey_asv.adapter.metadata import benchmark_of
from odyssey_asv.model import Metric
from odyssey_asv.mojo import FILES, odyssey_mojo
from odyssey_asv.mojo.odyssey_mojo import MojoBenchmark
from tests.projects import Project, make

SUITE = """
from odyssey_mojo import MojoBenchmark


class Pattern(MojoBenchmark):
    source = "kernels.mojo"
    params = (10, 20)
    param_names = ("n",)


class Add(Pattern):
    kernel = "add"
    work = (10, 20)
    work_unit = "element"
    threshold = 0.5


class AddTwice(Add):
    kernel = "add-twice"
    rounds = 5
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make(tmp_path / "project")


def test_the_files_are_copied_once(project: Project) -> None:
    """The second time there is nothing to do."""
    first = project.here("mojo", "benchmarks")
    assert (first.code, first.out.split()) == (0, [f"benchmarks/{name}" for name in FILES])
    assert "python {conf_dir}/benchmarks/odyssey_mojo.py {build_dir} {build_cache_dir}" in first.err
    before = [(project.path / name).stat().st_mtime_ns for name in first.out.split()]
    again = project.here("mojo", "benchmarks")
    assert (again.code, again.out) == (0, "")
    assert before == [(project.path / name).stat().st_mtime_ns for name in first.out.split()]


def test_the_command_has_paths_from_the_configuration(project: Project) -> None:
    below = project.path / "tools"
    below.mkdir()
    answer = project.odyssey("mojo", "mojo", cwd=below)
    assert "{conf_dir}/tools/mojo/odyssey_mojo.py" in answer.err
    assert (below / "mojo" / "odyssey.mojo").is_file()


def test_a_file_that_differs_is_replaced_only_by_force(project: Project) -> None:
    """Neither file is touched before that."""
    own = project.write("benchmarks/odyssey.mojo", "# mine\n")
    refused = project.here("mojo", "benchmarks")
    assert refused.code == 2
    assert "odyssey.mojo" in refused.err
    assert "--force" in refused.err
    assert own.read_text() == "# mine\n"
    assert not (project.path / "benchmarks" / "odyssey_mojo.py").exists()
    assert project.here("mojo", "benchmarks", "--force").code == 0
    assert own.read_text() != "# mine\n"


def test_a_place_that_cannot_be_written_is_named(project: Project) -> None:
    project.write("taken", "")
    answer = project.here("mojo", "taken/below")
    assert answer.code == 2
    assert "taken/below/odyssey_mojo.py" in answer.err


def discovered(folder: Path, suite: str) -> list[dict[str, Any]]:
    """What asv_runner finds in a suite, in a process of its own."""
    benchmarks = folder / "suite"
    benchmarks.mkdir(parents=True)
    (benchmarks / "__init__.py").write_text("")
    (benchmarks / "sums.py").write_text(suite)
    (folder / "odyssey_mojo.py").write_bytes(Path(odyssey_mojo.__file__).read_bytes())
    script = (
        "import sys; from asv_runner.discovery import list_benchmarks;"
        "list_benchmarks(sys.argv[1], sys.stdout)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(benchmarks)], cwd=folder, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_asv_finds_a_duration_for_each_class_with_a_kernel(tmp_path: Path) -> None:
    """A pattern is none, and a class has only its own."""
    found = discovered(tmp_path, SUITE)
    assert [one["name"] for one in found] == ["sums.Add.track_add", "sums.AddTwice.track_add_twice"]
    assert [one["rounds"] for one in found] == [2, 5]
    benchmark = benchmark_of(found[0]["name"], found[0])
    assert (benchmark.metric, benchmark.unit) == (Metric.DURATION, "seconds")
    assert (benchmark.name, benchmark.params) == ("add", (("10", "20"),))
    assert (benchmark.work, benchmark.work_unit, benchmark.threshold) == ((10, 20), "element", 0.5)


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (("work = (10, 20)", "work = (1, 2)  # as it should be"), False),
        (('kernel = "add"', 'kernel = "add"\n    clock = "processor"'), True),
        (('kernel = "add"', 'kernel = "add"\n    sample_time = 0.1'), True),
        (('kernel = "add"', 'kernel = "add"\n    arguments = ("fast",)'), True),
        (('source = "kernels.mojo"', 'source = "others.mojo"'), True),
    ],
    ids=["work", "clock", "sample_time", "arguments", "source"],
)
def test_the_version_follows_from_what_is_measured_and_how(
    tmp_path: Path, change: tuple[str, str], differs: bool
) -> None:
    before, *_ = discovered(tmp_path / "1", SUITE)
    assert change[0] in SUITE
    after, *_ = discovered(tmp_path / "2", SUITE.replace(*change))
    assert (before["version"] != after["version"]) is differs


def test_an_unknown_clock_is_refused_where_it_is_written() -> None:
    with pytest.raises(ValueError, match=r"Odd.clock: 'sun' is none of wall, processor"):

        class Odd(MojoBenchmark):
            clock = "sun"


def test_a_suite_without_its_programs_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(RuntimeError, match=r"kernels.mojo: no Mojo programs are installed here"):
        odyssey_mojo.program("kernels.mojo")


def build(*words: str | Path) -> tuple[int, str]:
    """The build command in an environment without the compiler: exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", odyssey_mojo.__file__, *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_the_build_command_says_what_is_wrong(tmp_path: Path) -> None:
    """In the words that asv shows for a commit that does not build."""
    assert build() == (2, "usage: odyssey_mojo.py BUILD_DIR WHEEL_DIR [SOURCE ...]\n")
    (tmp_path / "part.mojo").write_text("def double(n: Int) -> Int:\n    return 2 * n\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "other.mojo").write_text("def main():\n    pass\n")
    wheels = tmp_path / "wheels"
    code, said = build(tmp_path, wheels)
    assert (code, said) == (1, f"error: {tmp_path}: no Mojo file there has a `main`\n")
    code, said = build(tmp_path, wheels, "../outside.mojo")
    assert (code, said) == (1, f"error: ../outside.mojo: no such Mojo file in {tmp_path}\n")
    code, said = build(tmp_path, wheels, "part.mojo")
    assert code == 1
    assert said.startswith("error: mojo-compiler is not installed in ")
    assert not wheels.exists()
