"""A repository of Mojo code to measure, and the compiler in an environment of its own."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest
from uv import find_uv_bin

from odyssey_asv.mojo import write_into
from tests.paired_projects import Project

VERSION = "1.2.0"

_SUPPORTED = {("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64")}

CONFIG = {
    "version": 1,
    "project": "subject",
    "repo": ".",
    "branches": ["main"],
    "environment_type": "virtualenv",
    "matrix": {"req": {"mojo-compiler": [VERSION], "pip+asv_runner": ["0.3.2"]}},
    "build_command": ["python {conf_dir}/benchmarks/odyssey_mojo.py {build_dir} {build_cache_dir}"],
    "results_dir": ".asv/results",
    "env_dir": ".asv/env",
    "html_dir": ".asv/html",
}
SUITE = """
from odyssey_mojo import MojoBenchmark


class Product(MojoBenchmark):
    source, kernel, clock = "kernels.mojo", "product", "processor"
    run_time = 0.05
    params = (96,)
    param_names = ("n",)
    work = (2 * 96**3,)
    work_unit = "flop"
"""
KERNELS = '''
"""Measures the product of two squares."""

from odyssey import argument, kernel, measure, show
from product import Numbers, multiply
from std.benchmark import keep
from std.memory.alloc import unsafe_alloc


def main() raises:
    if kernel() != "product":
        raise Error("unknown kernel: ", kernel())
    var n = Int(argument(1))
    var a = unsafe_alloc[Float32](n * n, alignment=64)
    var b = unsafe_alloc[Float32](n * n, alignment=64)
    var to = unsafe_alloc[Float32](n * n, alignment=64)
    for i in range(n * n):
        a.unsafe_store(i, Float32(i % 7))
        b.unsafe_store(i, Float32(i % 5))

    def work() {imm}:
        multiply(a, b, to, n)
        keep(to)

    measure(work)
    show(to, n * n)
'''
_HEAD = """
from std.sys import simd_width_of

comptime Numbers = Pointer[Float32, MutUntrackedOrigin]
comptime WIDTH = simd_width_of[DType.float32]()


def multiply(a: Numbers, b: Numbers, to: Numbers, n: Int):
"""
SCALAR = f"""{_HEAD}
    for i in range(n):
        for j in range(n):
            var sum = Float32(0)
            for k in range(n):
                sum += a.unsafe_load(i * n + k) * b.unsafe_load(k * n + j)
            to.unsafe_store(i * n + j, sum)
"""
SIMD = f"""{_HEAD}
    for i in range(n):
        for j in range(0, n, WIDTH):
            var sum = SIMD[DType.float32, WIDTH](0)
            for k in range(n):
                var row = b.unsafe_load[width=WIDTH](k * n + j)
                sum = row.fma(a.unsafe_load(i * n + k), sum)
            to.unsafe_store(i * n + j, sum)
"""
TILED = f"""{_HEAD}
    for i in range(0, n, 2):
        for j in range(0, n, 2 * WIDTH):
            var sums = SIMD[DType.float32, 2 * WIDTH](0)
            var below = sums
            for k in range(n):
                var row = b.unsafe_load[width=2 * WIDTH](k * n + j)
                sums = row.fma(a.unsafe_load(i * n + k), sums)
                below = row.fma(a.unsafe_load((i + 1) * n + k), below)
            to.unsafe_store(i * n + j, sums)
            to.unsafe_store((i + 1) * n + j, below)
"""


@dataclass(frozen=True, slots=True)
class Compiler:
    """An environment with the compiler, and where packages and programs are kept between runs."""

    python: Path
    caches: dict[str, str]

    def build(
        self, project: Path, to: Path, *sources: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the build command as asv would."""
        command = Path(sys.modules["odyssey_asv.mojo"].__file__ or "").parent / "odyssey_mojo.py"
        return subprocess.run(
            [str(self.python), str(command), str(project), str(to), *sources],
            env={**os.environ, **self.caches, **variables}, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, script: str, **variables: str) -> str:
        """What a script prints in the environment. Raises CalledProcessError."""
        return subprocess.run(
            [str(self.python), "-c", script], env={**os.environ, **variables}, text=True,
            check=True, capture_output=True,
        ).stdout  # fmt: skip


def install_compiler(folder: Path) -> Compiler:
    """Make an environment with the compiler; skip where it cannot be had, fail where it must be."""
    place = (sys.platform, platform.machine())
    if place not in _SUPPORTED:
        pytest.skip(f"no Mojo compiler for {' '.join(place)}")
    caches = {
        "UV_CACHE_DIR": _said(str(find_uv_bin()), "cache", "dir"),
        "PIP_CACHE_DIR": _said(sys.executable, "-m", "pip", "cache", "dir"),
        "ODYSSEY_MOJO_CACHE": str(folder / "programs"),
    }
    python = folder / "env" / "bin" / "python"
    steps = (
        ["venv", "--quiet", "--python", sys.executable, str(folder / "env")],
        ["pip", "install", "--quiet", "--python", str(python), f"mojo-compiler=={VERSION}"],
    )
    for step in steps:
        done = subprocess.run(
            [str(find_uv_bin()), *step], env={**os.environ, **caches}, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode != 0:
            _do_without(f"the Mojo compiler cannot be installed:\n{done.stdout}")
    if shutil.which("cc") is None:
        _do_without("no C compiler, which Mojo links with")
    return Compiler(python, caches)


def _do_without(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def _said(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


class MojoProject(Project):
    """Commits of a product: scalar, SIMD, one that does not compile, tiled, other files, scalar again."""

    def __init__(self, root: Path, compiler: Compiler) -> None:
        self._caches = compiler.caches
        self.root = root
        (root.parent / "home").mkdir(parents=True)
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.write("asv.conf.json", json.dumps(CONFIG))
        self.write(".gitignore", ".odyssey\n.asv\nbenchmarks/results\n__pycache__\n")
        write_into(root / "benchmarks")
        self.write("benchmarks/__init__.py", "")
        self.write("benchmarks/products.py", SUITE)
        self.write("kernels.mojo", KERNELS)
        self.scalar = self.version("scalar", SCALAR)
        self.simd = self.version("SIMD", SIMD)
        self.broken = self.version("unfinished", TILED + "    this is not Mojo\n")
        self.tiled = self.version("tiled", TILED)
        self.write("notes.txt", "tiled\n")
        self.notes = self.commit("notes")
        self.slow = self.version("simpler", SCALAR)

    def version(self, message: str, text: str) -> str:
        self.write("product.mojo", text)
        return self.commit(message)

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **self._caches, "HOME": str(self.root.parent / "home")}
