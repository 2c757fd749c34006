"""Other tools run for real: what they wrote is imported, and they read what is exported."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pyperf
import pytest

from odyssey_asv import load, read_asv_tree
from odyssey_asv.model import ResultSet, Status
from tests.neighbours import PYPERF_SUITE, PYTEST_SUITE, PYTHON, run_pytest, run_tool, strict
from tests.projects import Project, make

ASV = str(Path(PYTHON).parent / "asv")
COMPARE = str(Path(PYTHON).parent / "pytest-benchmark")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which pytest-benchmark and pyperf have run. Not to be changed."""
    project = make(tmp_path_factory.mktemp("neighbours") / "p")
    project.write("test_speed.py", PYTEST_SUITE)
    project.write("speed.py", PYPERF_SUITE)
    project.commit("benchmarks of other tools")
    run_pytest(project.path, "--benchmark-json", "pytest.json")
    run_tool(project.path, "speed.py", "-q", "-o", "pyperf.json.gz")
    memory = ["timeit", "--track-memory", "-q", "-p", "2", "-n", "1", "-w", "1", "-l", "1"]
    run_tool(project.path, "-m", "pyperf", *memory, "-o", "memory.json", "[0] * 1000")
    return project


def imported(project: Project, folder: Path, *words: str) -> ResultSet:
    """The result file that an import makes."""
    answer = project.here("import", *words, "--out", str(folder))
    assert answer.code == 0, answer.words()
    (path,) = answer.paths
    return load(path)


def exported(project: Project, path: Path, target: str, output: Path, *words: str) -> str:
    """Export a result file, and what was said of it."""
    answer = project.here("export", str(path), "--to", target, "-o", str(output), *words)
    assert answer.code == 0, answer.words()
    return answer.err


def stored(project: Project, folder: Path, *words: str) -> Path:
    imported(project, folder, *words)
    (path,) = folder.iterdir()
    return path


def test_pytest_benchmark_is_imported(measured: Project, tmp_path: Path) -> None:
    found = imported(measured, tmp_path, "pytest.json")
    document = json.loads((measured.path / "pytest.json").read_text())
    assert found.commit.hash == measured.git("rev-parse", "HEAD")
    assert found.commit.branch == "main"
    assert {benchmark.name for benchmark in found.benchmarks.values()} == {
        "test_sum", "test_things", "test_method",
    }  # fmt: skip
    sums = found.benchmarks["test_speed.py::test_sum"]
    # pytest writes the innermost decorator's first.
    assert dict(zip(sums.param_names, sums.params, strict=True)).keys() == {"n", "kind"}
    things = found.benchmarks["test_speed.py::test_things"]
    assert things.params == (("'thing0'", "'thing1'"),)
    assert len(found.results) == len(document["benchmarks"]) == 7
    for result, entry in zip(found.results, document["benchmarks"], strict=True):
        assert result.processes == (tuple(entry["stats"]["data"]),)
        assert result.value == pytest.approx(entry["stats"]["median"], rel=1e-12)
        assert result.number == entry["stats"]["iterations"]
    assert found.environment.machine == document["machine_info"]["node"]


def test_pyperf_is_imported(measured: Project, tmp_path: Path) -> None:
    answer = measured.here("import", "pyperf.json.gz", "--out", str(tmp_path))
    assert "no commit is known" in answer.err
    found = load(answer.paths[0])
    suite = pyperf.BenchmarkSuite.load(str(measured.path / "pyperf.json.gz"))
    for result, theirs in zip(found.results, suite, strict=True):
        runs = [run for run in theirs.get_runs() if run.values]
        assert result.processes == tuple(run.values for run in runs)
        assert result.number == theirs.get_total_loops()
        assert result.value == pytest.approx(theirs.median(), rel=1e-12)
        assert result.extra is not None
        warmups = [run["warmups"] for run in result.extra["pyperf"]["runs"]]
        assert warmups == [[list(one) for one in run.warmups] for run in theirs.get_runs()]


def test_memory_of_pyperf_is_imported(measured: Project, tmp_path: Path) -> None:
    found = imported(measured, tmp_path, "memory.json", "--commit", "HEAD", "-m", "elsewhere")
    (result,) = found.results
    suite = pyperf.BenchmarkSuite.load(str(measured.path / "memory.json"))
    assert result.all_samples == suite.get_benchmarks()[0].get_values()
    assert found.benchmarks["timeit"].unit == "bytes"
    assert found.commit.hash == measured.git("rev-parse", "HEAD")
    assert found.commit.date is not None
    assert found.environment.machine == "elsewhere"


def test_pyperf_reads_what_is_exported(measured: Project, tmp_path: Path) -> None:
    for name in ("pytest.json", "pyperf.json.gz"):
        path = stored(measured, tmp_path / name, name)
        output = tmp_path / f"of-{name}.json"
        exported(measured, path, "pyperf", output)
        results = load(path)
        stats = run_tool(tmp_path, "-m", "pyperf", "stats", str(output))
        assert f"Number of benchmarks: {len(results.results)}" in stats
        compared = run_tool(tmp_path, "-m", "pyperf", "compare_to", str(output), str(output))
        assert "Geometric mean: no change" in compared


def test_pyperfs_own_file_comes_back(measured: Project, tmp_path: Path) -> None:
    path = stored(measured, tmp_path / "r", "pyperf.json.gz")
    exported(measured, path, "pyperf", tmp_path / "again.json")
    before = pyperf.BenchmarkSuite.load(str(measured.path / "pyperf.json.gz"))
    after = pyperf.BenchmarkSuite.load(str(tmp_path / "again.json"))
    for ours, theirs in zip(after, before, strict=True):
        for mine, their in zip(ours.get_runs(), theirs.get_runs(), strict=True):
            assert (mine.values, mine.warmups) == (their.values, their.warmups)
            assert mine.get_metadata() == their.get_metadata()


def test_pytest_benchmark_reads_what_is_exported(measured: Project, tmp_path: Path) -> None:
    for name in ("pytest.json", "pyperf.json.gz"):
        path = stored(measured, tmp_path / name, name)
        output = tmp_path / f"of-{Path(name).stem}.json"
        exported(measured, path, "pytest-benchmark", output)
        done = subprocess.run(
            [COMPARE, "compare", str(output), "--columns=median,rounds", "--sort=fullname"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        for result in load(path).results:
            assert result.case.benchmark.rpartition("::")[2] in done.stdout


def test_asv_reads_what_is_exported(measured: Project, tmp_path: Path) -> None:
    path = stored(measured, tmp_path / "r", "pytest.json")
    tree = tmp_path / "tree"
    exported(measured, path, "asv", tree)
    (again,) = read_asv_tree(tree)
    before = load(path)
    assert [r.all_samples for r in again.results if r.status is Status.OK] == [
        r.all_samples for r in sorted(before.results, key=_place)
    ]
    configuration = json.loads((measured.path / "asv.conf.json").read_text())
    configuration |= {"repo": str(measured.path), "results_dir": str(tree)}
    (tmp_path / "asv.conf.json").write_text(json.dumps(configuration))
    commit = (before.commit.hash or "")[:8]
    shown = subprocess.run(
        [ASV, "show", commit], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert "test_speed.py::TestGroup::test_method" in shown


def _place(result: Any) -> tuple[int, int]:
    order = ["test_sum", "test_things", "test_method"]
    name = result.case.benchmark.rpartition("::")[2]
    return order.index(name), result.case.position or 0


def test_the_other_forms_of_a_real_run(measured: Project, tmp_path: Path) -> None:
    path = stored(measured, tmp_path / "r", "pytest.json")
    shown = {
        target: measured.here("export", str(path), "--to", target).out
        for target in ("github-action-benchmark", "bencher", "csv")
    }
    names = {entry["name"] for entry in strict(shown["github-action-benchmark"])}
    assert names == set(strict(shown["bencher"]))
    assert len(names) == 7
    lines = list(csv.DictReader(io.StringIO(shown["csv"], newline="")))
    assert {line["case"] for line in lines} == names
    assert {line["processes"] for line in lines} == {"1"}


def test_a_check_of_what_was_imported(measured: Project, tmp_path: Path) -> None:
    """Two sessions, compared and looked back on as if asv had measured them."""
    path = stored(measured, tmp_path / "r", "pytest.json")
    answer = measured.here("compare", str(path), str(path))
    assert answer.code == 0, answer.words()
    assert "test_sum(" in answer.out
    assert measured.here("import", "pytest.json").code == 0
    past = measured.here("history", "--json")
    assert past.code == 0, past.words()
    assert "test_speed.py::test_sum" in past.out
