"""Kernels of tensors in Mojo, each with a loop that times it: `kernels KERNEL N`.

N is the side of a square, or the number of elements for conversions. Inputs follow from their position
and a seed, so that numpy can make the same.
"""

from odyssey import argument, kernel, measure, show
from std.benchmark import keep
from std.math import exp
from std.memory.alloc import unsafe_alloc
from std.sys import simd_width_of
from std.utils import StaticTuple

comptime Vector[dtype: DType] = Pointer[Scalar[dtype], MutUntrackedOrigin]

comptime FLOATS = simd_width_of[DType.float32]()
comptime ROWS = 6
"""Of the tile of a product that is kept in registers."""
comptime VECTORS = 4
"""Columns of that tile, in vectors."""
comptime DEPTH = 256
"""How much of the inner dimension is packed at a time."""


def empty[dtype: DType](count: Int) -> Vector[dtype]:
    return unsafe_alloc[Scalar[dtype]](count, alignment=64)


def filled[dtype: DType](count: Int, seed: Int) -> Vector[dtype]:
    """Between -0.5 and 0.5, in steps of 2^-16."""
    var values = empty[dtype](count)
    for i in range(count):
        var bits = (UInt32(i) * 2654435761 + UInt32(seed) * 40503) >> 16
        values.unsafe_store(i, (Float64(bits) / 65536 - 0.5).cast[dtype]())
    return values


def add[dtype: DType](a: Vector[dtype], b: Vector[dtype], sum: Vector[dtype], count: Int):
    comptime width = simd_width_of[dtype]()
    var whole = count - count % width
    for i in range(0, whole, width):
        sum.unsafe_store(i, a.unsafe_load[width=width](i) + b.unsafe_load[width=width](i))
    for i in range(whole, count):
        sum.unsafe_store(i, a.unsafe_load(i) + b.unsafe_load(i))


def multiply[dtype: DType](a: Vector[dtype], b: Vector[dtype], to: Vector[dtype], count: Int):
    comptime width = simd_width_of[dtype]()
    var whole = count - count % width
    for i in range(0, whole, width):
        to.unsafe_store(i, a.unsafe_load[width=width](i) * b.unsafe_load[width=width](i))
    for i in range(whole, count):
        to.unsafe_store(i, a.unsafe_load(i) * b.unsafe_load(i))


def relu(a: Vector[DType.float32], to: Vector[DType.float32], count: Int):
    var whole = count - count % FLOATS
    for i in range(0, whole, FLOATS):
        to.unsafe_store(i, max(a.unsafe_load[width=FLOATS](i), SIMD[DType.float32, FLOATS](0)))
    for i in range(whole, count):
        to.unsafe_store(i, max(a.unsafe_load(i), Float32(0)))


def convert[source: DType, target: DType](a: Vector[source], to: Vector[target], count: Int):
    var whole = count - count % FLOATS
    for i in range(0, whole, FLOATS):
        to.unsafe_store(i, a.unsafe_load[width=FLOATS](i).cast[target]())
    for i in range(whole, count):
        to.unsafe_store(i, a.unsafe_load(i).cast[target]())


def softmax(a: Vector[DType.float32], to: Vector[DType.float32], n: Int):
    """Of each row of a square."""
    var whole = n - n % FLOATS
    for row in range(n):
        var first = row * n
        var highs = SIMD[DType.float32, FLOATS](a.unsafe_load(first))
        for i in range(first, first + whole, FLOATS):
            highs = max(highs, a.unsafe_load[width=FLOATS](i))
        var high = highs.reduce_max()
        for i in range(first + whole, first + n):
            high = max(high, a.unsafe_load(i))
        var sums = SIMD[DType.float32, FLOATS](0)
        for i in range(first, first + whole, FLOATS):
            var power = exp(a.unsafe_load[width=FLOATS](i) - high)
            sums += power
            to.unsafe_store(i, power)
        var sum = sums.reduce_add()
        for i in range(first + whole, first + n):
            var power = exp(a.unsafe_load(i) - high)
            sum += power
            to.unsafe_store(i, power)
        var share = 1 / sum
        for i in range(first, first + whole, FLOATS):
            to.unsafe_store(i, to.unsafe_load[width=FLOATS](i) * share)
        for i in range(first + whole, first + n):
            to.unsafe_store(i, to.unsafe_load(i) * share)


def matmul_naive(
    a: Vector[DType.float32], b: Vector[DType.float32], to: Vector[DType.float32], n: Int
):
    """Row times column, one element after the other."""
    for i in range(n):
        for j in range(n):
            var sum = Float32(0)
            for k in range(n):
                sum += a.unsafe_load(i * n + k) * b.unsafe_load(k * n + j)
            to.unsafe_store(i * n + j, sum)


def matmul_tiled(
    a: Vector[DType.float32],
    b: Vector[DType.float32],
    to: Vector[DType.float32],
    n: Int,
    panel: Vector[DType.float32],
):
    """Tile by tile in registers; `panel` has room for DEPTH rows of a tile's columns."""
    comptime columns = VECTORS * FLOATS
    for i in range(n * n):
        to.unsafe_store(i, 0)
    for from_k in range(0, n, DEPTH):
        var depth = min(DEPTH, n - from_k)
        for from_j in range(0, n, columns):
            var width = min(columns, n - from_j)
            _pack(b, panel, n, from_k, depth, from_j, width)
            var i = 0
            while i + ROWS <= n:
                _tile[ROWS](a, panel, to, n, i, from_k, depth, from_j, width)
                i += ROWS
            while i < n:
                _tile[1](a, panel, to, n, i, from_k, depth, from_j, width)
                i += 1


def _pack(
    b: Vector[DType.float32],
    panel: Vector[DType.float32],
    n: Int,
    from_k: Int,
    depth: Int,
    from_j: Int,
    width: Int,
):
    """The columns of a tile, one row after the other, zeros where there are none."""
    comptime columns = VECTORS * FLOATS
    for k in range(depth):
        var row = (from_k + k) * n + from_j
        for j in range(width):
            panel.unsafe_store(k * columns + j, b.unsafe_load(row + j))
        for j in range(width, columns):
            panel.unsafe_store(k * columns + j, 0)


def _tile[rows: Int](
    a: Vector[DType.float32],
    panel: Vector[DType.float32],
    to: Vector[DType.float32],
    n: Int,
    from_i: Int,
    from_k: Int,
    depth: Int,
    from_j: Int,
    width: Int,
):
    """Add to `rows` rows of the product what `depth` of the inner dimension gives."""
    comptime columns = VECTORS * FLOATS
    var sums = StaticTuple[SIMD[DType.float32, FLOATS], rows * VECTORS](fill=0)
    for k in range(depth):
        comptime for i in range(rows):
            var factor = a.unsafe_load((from_i + i) * n + from_k + k)
            comptime for v in range(VECTORS):
                var part = panel.unsafe_load[width=FLOATS](k * columns + v * FLOATS)
                sums[i * VECTORS + v] = part.fma(factor, sums[i * VECTORS + v])
    comptime for i in range(rows):
        var row = (from_i + i) * n + from_j
        comptime for v in range(VECTORS):
            var sum = sums[i * VECTORS + v]
            if (v + 1) * FLOATS <= width:
                var at = row + v * FLOATS
                to.unsafe_store(at, to.unsafe_load[width=FLOATS](at) + sum)
            else:
                comptime for lane in range(FLOATS):
                    if v * FLOATS + lane < width:
                        var at = row + v * FLOATS + lane
                        to.unsafe_store(at, to.unsafe_load(at) + sum[lane])


def measure_pairs[dtype: DType, product: Bool](count: Int) raises:
    """Addition, or multiplication, of two tensors."""
    var a = filled[dtype](count, 42)
    var b = filled[dtype](count, 43)
    var result = empty[dtype](count)

    def work() {imm}:
        comptime if product:
            multiply(a, b, result, count)
        else:
            add(a, b, result, count)
        keep(result)

    measure(work)
    show(result, count)


def measure_conversion[source: DType, target: DType](count: Int) raises:
    var a = filled[source](count, 42)
    var result = empty[target](count)

    def work() {imm}:
        convert(a, result, count)
        keep(result)

    measure(work)
    show(result, count)


def measure_matmul[tiled: Bool](n: Int) raises:
    var a = filled[DType.float32](n * n, 42)
    var b = filled[DType.float32](n * n, 43)
    var result = empty[DType.float32](n * n)
    var panel = empty[DType.float32](DEPTH * VECTORS * FLOATS)

    def work() {imm}:
        comptime if tiled:
            matmul_tiled(a, b, result, n, panel)
        else:
            matmul_naive(a, b, result, n)
        keep(result)

    measure(work)
    show(result, n * n)


def measure_rows[normal: Bool](n: Int) raises:
    """Softmax of a square's rows, or relu of all of it."""
    var a = filled[DType.float32](n * n, 42)
    var result = empty[DType.float32](n * n)

    def work() {imm}:
        comptime if normal:
            softmax(a, result, n)
        else:
            relu(a, result, n * n)
        keep(result)

    measure(work)
    show(result, n * n)


def main() raises:
    var name = kernel()
    var n = Int(argument(1))
    if name == "add_float32":
        measure_pairs[DType.float32, False](n * n)
    elif name == "add_float64":
        measure_pairs[DType.float64, False](n * n)
    elif name == "multiply_float32":
        measure_pairs[DType.float32, True](n * n)
    elif name == "multiply_float64":
        measure_pairs[DType.float64, True](n * n)
    elif name == "matmul_tiled":
        measure_matmul[True](n)
    elif name == "matmul_naive":
        measure_matmul[False](n)
    elif name == "relu":
        measure_rows[False](n)
    elif name == "softmax":
        measure_rows[True](n)
    elif name == "to_float32":
        measure_conversion[DType.float16, DType.float32](n)
    elif name == "to_float16":
        measure_conversion[DType.float32, DType.float16](n)
    else:
        raise Error("unknown kernel: ", name)
