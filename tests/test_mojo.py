"""Mojo code measured commit by commit, by the real compiler. No test asserts a time."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.studies import mojo as study
from benchmarks.studies.in_numpy import prepared
from tests.mojo_projects import VERSION, Compiler, MojoProject, install_compiler

pytestmark = pytest.mark.mojo

SIZES = (7, 37, 64)
"""Less than a vector, no multiple of one, a multiple."""


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    return install_compiler(tmp_path_factory.mktemp("compiler"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, compiler: Compiler) -> MojoProject:
    return MojoProject(tmp_path_factory.mktemp("mojo") / "project", compiler)


@pytest.fixture(scope="module")
def measured(project: MojoProject) -> tuple[int, list[Any], str]:
    """`odyssey run` over two commits, the first of which does not compile: code, documents, words."""
    code, out, err = project.run("run", f"{project.simd}..{project.tiled}")
    return code, [json.loads((project.root / p).read_text()) for p in out.split()], err


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory, compiler: Compiler) -> Path:
    """The example, built and put where it can be imported."""
    site = tmp_path_factory.mktemp("kernels")
    done = compiler.build(study.PROJECT, site)
    assert done.returncode == 0, done.stdout
    (wheel,) = site.glob("*.whl")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, site], check=True)
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            (site / entry.filename).chmod(entry.external_attr >> 16 & 0o777)
    return site


def test_kernels_give_what_numpy_gives(compiler: Compiler, kernels: Path) -> None:
    names = sorted({case.kernel for case in study.cases()})
    script = f"""
import json, odyssey_mojo
def values(name, n):
    class Kernel(odyssey_mojo.MojoBenchmark):
        source, kernel = "kernels.mojo", name
    return Kernel().values(n)
print(json.dumps({{name: {{n: values(name, n) for n in {SIZES!r}}} for name in {names!r}}}))
"""
    given = json.loads(compiler.run(script, PYTHONPATH=str(kernels)))
    assert len(names) == 10
    for name in names:
        for n in SIZES:
            call, result = prepared(name, n)
            call()
            # Single precision, added up in another order.
            np.testing.assert_allclose(
                given[name][str(n)], result.ravel().astype(np.float64), rtol=1e-5, atol=1e-5
            )


def test_a_failing_program_says_why(compiler: Compiler, kernels: Path) -> None:
    script = """
import odyssey_mojo
class Kernel(odyssey_mojo.MojoBenchmark):
    source, kernel = "kernels.mojo", "cosine"
try:
    Kernel().track_cosine(3)
except RuntimeError as error:
    print(error)
"""
    said = compiler.run(script, PYTHONPATH=str(kernels))
    assert said.startswith("kernels.mojo cosine 3: exit code 1\n")
    assert "unknown kernel: cosine" in said


def test_a_program_of_another_processor_is_not_run(compiler: Compiler, kernels: Path) -> None:
    script = """
import odyssey_mojo
odyssey_mojo.processor = lambda: "another"
try:
    odyssey_mojo.program("kernels.mojo")
except RuntimeError as error:
    print(error)
"""
    assert "built for another processor" in compiler.run(script, PYTHONPATH=str(kernels))


def test_the_wheel_of_what_was_compiled_before_is_the_same(
    tmp_path: Path, compiler: Compiler, project: MojoProject
) -> None:
    """By content, in whatever folder: the same to the last byte, without a compiler run."""
    shutil.copytree(project.root, tmp_path / "copy")
    first = compiler.build(project.root, tmp_path / "1", ASV_COMMIT="ab" * 20)
    again = compiler.build(tmp_path / "copy", tmp_path / "2", ASV_COMMIT="ab" * 20)
    assert (first.returncode, again.returncode) == (0, 0), first.stdout + again.stdout
    assert "compiling" not in again.stdout
    (wheel,) = (tmp_path / "1").iterdir()
    assert wheel.name.startswith("mojo-0+gabababababab-py3-none-")
    assert wheel.read_bytes() == (tmp_path / "2" / wheel.name).read_bytes()


def test_a_commit_that_does_not_compile_loses_only_itself(
    measured: tuple[int, list[Any], str], project: MojoProject
) -> None:
    code, documents, err = measured
    assert code == 3, err
    by_commit = {document["commit"]["hash"]: document for document in documents}
    assert set(by_commit) == {project.broken, project.tiled}
    for commit, document in by_commit.items():
        (entry,) = document["benchmarks"]
        assert document["environment"]["mojo_version"] == VERSION
        if commit == project.broken:
            assert entry["status"] == "failed"
            assert "product.mojo:" in entry["reason"]
            assert f"kernels.mojo: does not compile with Mojo {VERSION}" in entry["reason"]
            continue
        assert (entry["status"], entry["type"], entry["unit"]) == ("ok", "time", "seconds")
        assert (entry["name"], entry["params"]) == ("product", {"n": "96"})
        assert entry["work"] == 2 * 96**3
        assert entry["throughput"] > 0
        assert len(entry["processes"]) == 2
        assert entry["number"] >= 1


@pytest.fixture(scope="module")
def checked(project: MojoProject, measured: object) -> Any:
    """The report of `odyssey check`, after `run`, which measures nothing that a check has stored."""
    return project.document("check", "main", "--base", project.tiled, "--seed", "1", code=1)


def test_check_finds_the_slow_commit(checked: Any) -> None:
    """As a duration, which the default gate is about, though asv calls the function a track."""
    (case,) = checked["cases"]
    assert (case["id"], case["verdict"]) == ("products.Product.track_product", "regression")
    assert (case["metric"], case["clock"], case["gated"]) == ("duration", "own", True)


def test_compare_tells_the_slow_commit(checked: object, project: MojoProject) -> None:
    """By what the check has stored."""
    code, out, _ = project.run("compare", project.tiled, project.slow)
    assert code == 1
    assert "REGRESSION (severe)" in out


def test_bisect_names_the_slow_commit(checked: object, project: MojoProject) -> None:
    found = project.document("bisect", f"{project.tiled}..main", "--seed", "1", code=1)
    (culprit,) = found["culprits"]
    assert culprit["commit"] == project.slow
    assert culprit["confirmed"] is True
