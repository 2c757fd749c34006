"""The kernels of `benchmarks/mojo` in numpy: the same inputs, the same results, timed the same way.

`python -m benchmarks.studies.in_numpy KERNEL N` prints samples as those programs do.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

SAMPLE_S = 0.002
RUN_S = 0.1
_LEAST = 3

Numbers = NDArray[Any]


def filled(count: int, seed: int, dtype: DTypeLike = "float32") -> Numbers:
    """What the function of this name in Mojo gives."""
    position = np.arange(count, dtype=np.uint32)
    # A product that is too large wraps around there as here.
    bits = (position * np.uint32(2654435761) + np.uint32(seed * 40503)) >> np.uint32(16)
    return (bits.astype(np.float64) / 65536 - 0.5).astype(dtype)


def prepared(kernel: str, n: int) -> tuple[Callable[[], object], Numbers]:
    """A kernel with its inputs made, and the array that a call leaves its result in.

    Raises KeyError for an unknown kernel.
    """
    return _KERNELS[kernel](n)


def _pairs(operation: Any, dtype: str) -> Callable[[int], tuple[Callable[[], object], Numbers]]:
    def prepare(n: int) -> tuple[Callable[[], object], Numbers]:
        a, b = filled(n * n, 42, dtype), filled(n * n, 43, dtype)
        result = np.empty_like(a)
        return lambda: operation(a, b, out=result), result

    return prepare


def _matmul(n: int) -> tuple[Callable[[], object], Numbers]:
    a, b = filled(n * n, 42).reshape(n, n), filled(n * n, 43).reshape(n, n)
    result = np.empty_like(a)
    return lambda: np.matmul(a, b, out=result), result


def _relu(n: int) -> tuple[Callable[[], object], Numbers]:
    a = filled(n * n, 42)
    result = np.empty_like(a)
    zero = np.float32(0)
    return lambda: np.maximum(a, zero, out=result), result


def _softmax(n: int) -> tuple[Callable[[], object], Numbers]:
    a = filled(n * n, 42).reshape(n, n)
    result = np.empty_like(a)

    def call() -> None:
        np.subtract(a, a.max(axis=1, keepdims=True), out=result)
        np.exp(result, out=result)
        np.divide(result, result.sum(axis=1, keepdims=True), out=result)

    return call, result


def _conversion(source: str, target: str) -> Callable[[int], tuple[Callable[[], object], Numbers]]:
    def prepare(n: int) -> tuple[Callable[[], object], Numbers]:
        a = filled(n, 42, source)
        result = np.empty(n, target)
        return lambda: np.copyto(result, a, casting="same_kind"), result

    return prepare


_KERNELS = {
    "add_float32": _pairs(np.add, "float32"),
    "add_float64": _pairs(np.add, "float64"),
    "multiply_float32": _pairs(np.multiply, "float32"),
    "multiply_float64": _pairs(np.multiply, "float64"),
    "matmul_tiled": _matmul,
    "matmul_naive": _matmul,
    "relu": _relu,
    "softmax": _softmax,
    "to_float32": _conversion("float16", "float32"),
    "to_float16": _conversion("float32", "float16"),
}


def samples(call: Callable[[], object]) -> dict[str, Any]:
    """Seconds of processor of one call, sample by sample, as `measure` in Mojo takes them."""
    number = 1
    while (taken := _seconds(call, number)) < SAMPLE_S:
        number = max(number + 1, int(number * min(10.0, max(1.1, SAMPLE_S / max(taken, 1e-9)))))
    found: list[float] = []
    began = time.perf_counter()
    while len(found) < _LEAST or time.perf_counter() - began < RUN_S:
        found.append(_seconds(call, number) / number)
    return {"samples": found, "number": number}


def _seconds(call: Callable[[], object], number: int) -> float:
    turns = range(number)
    began = time.process_time()
    for _ in turns:
        call()
    return time.process_time() - began


if __name__ == "__main__":
    work, _ = prepared(sys.argv[1], int(sys.argv[2]))
    print(json.dumps(samples(work)))
