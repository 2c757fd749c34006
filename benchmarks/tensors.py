"""Basic tensor operations: addition, multiplication, matrix products, conversion, allocation."""

from __future__ import annotations

from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .inputs import PROCESSOR_TIME, Float16s, Float32s, generator, normal, prepared_by, work

# asv looks for `timer` in the function, its class and its module.
timer = PROCESSOR_TIME

Floats: TypeAlias = NDArray[np.floating[Any]]
Pair: TypeAlias = tuple[Float32s, Float32s]

ADD_SIZES = (100, 1000)
MATMUL_SIZES = (64, 100, 256, 512, 1000, 1024)
ELEMENTWISE_DTYPES = ("float32", "float64")
ELEMENTWISE_SIZES = (64, 128, 256, 512, 1024)
ELEMENTWISE_WORK = [n * n for _, n in product(ELEMENTWISE_DTYPES, ELEMENTWISE_SIZES)]
CONVERT_SIZES = (64, 4096, 65536)
ALLOCATION_SIZES = (64, 256, 1024, 4096, 16384)
ALLOCATIONS = 100
"""Tensors a call: one alone (0.2 us) would cost less than calling the method that makes it."""


def squares(n: int) -> Pair:
    """Make two n x n float32 matrices."""
    rng = generator()
    return normal(rng, n, n), normal(rng, n, n)


def squares_by_size() -> dict[int, Pair]:
    """Make the operands of every matrix product."""
    return {n: squares(n) for n in MATMUL_SIZES}


class TensorAdd:
    """Time the sum of two n x n tensors, the new tensor included: small and large."""

    params = ADD_SIZES
    param_names = ("n",)

    def setup_cache(self) -> dict[int, Pair]:
        """Make the operands once, so that calls are batched."""
        return {n: squares(n) for n in ADD_SIZES}

    @work([n * n for n in ADD_SIZES], "element")
    def time_tensor_add(self, operands: dict[int, Pair], n: int) -> Float32s:
        """Add."""
        a, b = operands[n]
        return a + b


class Matmul:
    """Time the product of two n x n matrices, and measure the memory of a process doing it."""

    params = MATMUL_SIZES
    param_names = ("n",)

    @work([2 * n**3 for n in MATMUL_SIZES], "flop")
    @prepared_by(squares_by_size)
    def time_matmul(self, operands: dict[int, Pair], n: int) -> Float32s:
        """Multiply."""
        a, b = operands[n]
        return a @ b

    def peakmem_matmul(self, n: int) -> Float32s:
        """Multiply, with the operands of this size alone in memory."""
        a, b = squares(n)
        return a @ b


class Elementwise:
    """Time addition and multiplication, element by element, of two n x n tensors."""

    params = (ELEMENTWISE_DTYPES, ELEMENTWISE_SIZES)
    param_names = ("dtype", "n")

    def setup_cache(self) -> dict[tuple[str, int], tuple[Floats, Floats]]:
        """Make the operands once, so that calls are batched."""
        operands: dict[tuple[str, int], tuple[Floats, Floats]] = {}
        for dtype in ELEMENTWISE_DTYPES:
            for n in ELEMENTWISE_SIZES:
                a, b = squares(n)
                operands[dtype, n] = (a.astype(dtype), b.astype(dtype))
        return operands

    @work(ELEMENTWISE_WORK, "element")
    def time_add(
        self, operands: dict[tuple[str, int], tuple[Floats, Floats]], dtype: str, n: int
    ) -> Floats:
        """Add."""
        a, b = operands[dtype, n]
        return a + b

    @work(ELEMENTWISE_WORK, "element")
    def time_multiply(
        self, operands: dict[tuple[str, int], tuple[Floats, Floats]], dtype: str, n: int
    ) -> Floats:
        """Multiply."""
        a, b = operands[dtype, n]
        return a * b


class Convert:
    """Time the conversion of n numbers between half and single precision."""

    params = CONVERT_SIZES
    param_names = ("n",)

    def setup_cache(self) -> dict[int, tuple[Float16s, Float32s]]:
        """Make the same numbers in both precisions once, so that calls are batched."""
        singles = {n: normal(generator(), n) for n in CONVERT_SIZES}
        return {n: (single.astype(np.float16), single) for n, single in singles.items()}

    @work(CONVERT_SIZES, "element")
    def time_float16_to_float32(
        self, numbers: dict[int, tuple[Float16s, Float32s]], n: int
    ) -> Float32s:
        """Widen."""
        return numbers[n][0].astype(np.float32)

    @work(CONVERT_SIZES, "element")
    def time_float32_to_float16(
        self, numbers: dict[int, tuple[Float16s, Float32s]], n: int
    ) -> Float16s:
        """Narrow."""
        return numbers[n][1].astype(np.float16)


class Allocation:
    """Time the allocation of 100 uninitialised tensors, all alive at once, and their release."""

    params = ALLOCATION_SIZES
    param_names = ("size_bytes",)

    @work([ALLOCATIONS * size for size in ALLOCATION_SIZES], "byte")
    def time_allocate(self, size_bytes: int) -> list[NDArray[np.uint8]]:
        """Allocate; asv drops the list, which releases it within the timed call."""
        return [np.empty(size_bytes, np.uint8) for _ in range(ALLOCATIONS)]
