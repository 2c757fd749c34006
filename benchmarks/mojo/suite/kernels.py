"""Tensor kernels in Mojo, with the sizes of the suite in Python. Each keeps one thread busy."""

from __future__ import annotations

from odyssey_mojo import MojoBenchmark

SQUARES = (64, 100, 128, 256, 512, 1000, 1024)
PRODUCTS = (64, 100, 256, 512, 1000, 1024)
SLOW_PRODUCTS = (64, 100, 256)
CONVERSIONS = (64, 4096, 65536)


class Kernel(MojoBenchmark):
    """What all of them have in common."""

    source = "kernels.mojo"
    clock = "processor"
    param_names = ("n",)


class Elements(Kernel):
    """One operation for each element of a square."""

    params = SQUARES
    work = tuple(n * n for n in SQUARES)
    work_unit = "element"


class AddFloat32(Elements):
    """Sum of two tensors."""

    kernel = "add_float32"


class AddFloat64(Elements):
    """The same in double precision."""

    kernel = "add_float64"


class MultiplyFloat32(Elements):
    """Product of two tensors, element by element."""

    kernel = "multiply_float32"


class MultiplyFloat64(Elements):
    """The same in double precision."""

    kernel = "multiply_float64"


class Relu(Elements):
    """The larger of an element and zero."""

    kernel = "relu"


class Softmax(Elements):
    """Of each row."""

    kernel = "softmax"


class MatmulTiled(Kernel):
    """Matrix product, a tile in registers at a time."""

    kernel = "matmul_tiled"
    params = PRODUCTS
    work = tuple(2 * n**3 for n in PRODUCTS)
    work_unit = "flop"


class MatmulNaive(Kernel):
    """Matrix product, an element at a time: what tiles are good for."""

    kernel = "matmul_naive"
    params = SLOW_PRODUCTS
    work = tuple(2 * n**3 for n in SLOW_PRODUCTS)
    work_unit = "flop"


class Conversion(Kernel):
    """From one precision to another."""

    params = CONVERSIONS
    work = CONVERSIONS
    work_unit = "element"


class ToFloat32(Conversion):
    """From half to single precision."""

    kernel = "to_float32"


class ToFloat16(Conversion):
    """From single to half precision."""

    kernel = "to_float16"
