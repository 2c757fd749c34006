"""What the benchmark modules share: seeded arrays, and what a benchmark says about itself.

How inputs reach a benchmark decides how it is timed. With a `setup` hook asv_runner (from 0.3)
takes one call a sample, or, with an explicit `number`, runs `setup` again before each call. Both
drown a microsecond in noise. `setup_cache` is no such hook: it makes the inputs once, in a process
of its own, and calls are still batched until a sample lasts 10 ms. Hence three arrangements:

* `setup_cache` in the class, wherever only time is measured;
* `prepared_by` on the timed method alone, where its class measures memory too: reading the cache
  takes twice the memory of what is in it and would hide the operation's own peak;
* `setup` and one call a sample, where one call takes a millisecond or more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

SEED = 42

PROCESSOR_TIME = time.process_time
"""The suite's clock. Every benchmark keeps one thread busy, so processor time is what it costs, and
a neighbour on the same core shows far less than on the wall clock."""

Float16s: TypeAlias = NDArray[np.float16]
Float32s: TypeAlias = NDArray[np.float32]

Method = TypeVar("Method", bound=Callable[..., object])


def generator() -> np.random.Generator:
    """Give a new generator from the suite's seed, so that no input depends on another."""
    return np.random.default_rng(SEED)


def normal(rng: np.random.Generator, *shape: int) -> Float32s:
    """Draw a float32 array of this shape from the standard normal distribution."""
    return rng.standard_normal(shape, dtype=np.float32)


def work(amount: int | Iterable[int], unit: str) -> Callable[[Method], Method]:
    """Declare how many units of work one timed call does.

    A parametrised benchmark gives a list in the order of `itertools.product(*params)`. The values
    become function attributes, because asv's discovery drops those of the class, and a list,
    because it drops tuples.
    """
    plain = amount if isinstance(amount, int) else list(amount)

    def declare(method: Method) -> Method:
        method.__dict__.update(work=plain, work_unit=unit)
        return method

    return declare


def prepared_by(make_inputs: Callable[[], object]) -> Callable[[Method], Method]:
    """Use `make_inputs` as the `setup_cache` of this method, not of its whole class."""

    def declare(method: Method) -> Method:
        method.__dict__.update(setup_cache=make_inputs)
        return method

    return declare
