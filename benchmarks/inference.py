"""Inference: a batch through a network of two linear layers with a ReLU between them.

The layers have no bias, so the work is that of the two matrix products alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .inputs import PROCESSOR_TIME, Float32s, generator, normal, work

# asv looks for `timer` in the function, its class and its module.
timer = PROCESSOR_TIME


class Shape(NamedTuple):
    """The sizes of a batch and of the network that it goes through."""

    batch: int
    inputs: int
    hidden: int
    outputs: int

    @property
    def flop(self) -> int:
        """The multiplications and additions of both matrix products."""
        return 2 * self.batch * self.hidden * (self.inputs + self.outputs)


class Network(NamedTuple):
    """A batch and the weights of both layers."""

    x: Float32s
    hidden: Float32s
    outputs: Float32s


SMALL = Shape(batch=32, inputs=784, hidden=128, outputs=10)
LARGE = {
    "3072-512-10": Shape(batch=64, inputs=3072, hidden=512, outputs=10),
    "25088-4096-1000": Shape(batch=32, inputs=25088, hidden=4096, outputs=1000),
}


# The largest weights (430 MB, a second to make) are only read, so a process makes them once:
# asv calls `setup` again before every sample and would hold the old ones beside the new.
@lru_cache(maxsize=1)
def network(shape: Shape) -> Network:
    """Make a batch and the weights for this shape."""
    rng = generator()
    return Network(
        x=normal(rng, shape.batch, shape.inputs),
        hidden=normal(rng, shape.inputs, shape.hidden),
        outputs=normal(rng, shape.hidden, shape.outputs),
    )


def infer(net: Network) -> Float32s:
    """Compute the outputs of the batch."""
    hidden: Float32s = net.x @ net.hidden
    np.maximum(hidden, 0, out=hidden)
    return hidden @ net.outputs


class SmallInference:
    """Time a batch of 32 through 784-128-10."""

    def setup_cache(self) -> Network:
        """Make the network once, so that calls are batched."""
        return network(SMALL)

    @work(SMALL.flop, "flop")
    def time_inference(self, net: Network) -> Float32s:
        """Infer."""
        return infer(net)


class LargeInference:
    """Time a batch of 64 through 3072-512-10 and one of 32 through 25088-4096-1000.

    A call takes 2 ms and more, so one call is a sample. Twenty samples a process instead of five
    steady the median; no more are begun after four seconds.
    """

    params = tuple(LARGE)
    param_names = ("layers",)
    repeat = (5, 20, 4.0)

    def setup(self, layers: str) -> None:
        """Make the network, or take the one that this process has made already."""
        self.network = network(LARGE[layers])

    @work([shape.flop for shape in LARGE.values()], "flop")
    def time_inference(self, _layers: str) -> Float32s:
        """Infer."""
        return infer(self.network)

    def peakmem_inference(self, _layers: str) -> Float32s:
        """Infer, weights included in the memory."""
        return infer(self.network)
