"""The steps of training a network: batches, normalising, a layer, activations, optimisers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .inputs import PROCESSOR_TIME, Float32s, generator, normal, prepared_by, work

# asv looks for `timer` in the function, its class and its module.
timer = PROCESSOR_TIME

BATCH_SIZES = (16, 32, 64, 128)
DATA_SET_ROWS = 1024
CLASSES = 10
PIXELS = 784
HIDDEN = 128
BATCH = 32
ACTIVATION_SIZE = 1024
ONE = np.float32(1)
PARAMETER_COUNTS = (10_000, 100_000, 1_000_000)

LEARNING_RATE = 1e-3
MOMENTUM = 0.9
BETA1 = 0.9
BETA2 = 0.999
EPSILON = 1e-8
STEP = 1000
"""Adam's step number is fixed, so that every call does the same work."""


class DataSet(NamedTuple):
    """Rows with their labels, and a shuffled batch of row numbers for each batch size."""

    images: Float32s
    labels: NDArray[np.int64]
    batches: dict[int, NDArray[np.int64]]


class Layer(NamedTuple):
    """A linear layer, what goes into it, and the gradient that comes back to it."""

    x: Float32s
    weight: Float32s
    bias: Float32s
    gradient: Float32s


@dataclass(slots=True)
class Training:
    """The arrays that one optimiser updates in place; `scratch` saves an allocation a step.

    The gradient is the same in every step. So the moments settle and the parameters drift slowly
    one way: a million steps make neither overflow nor denormals, which would change the timing.
    """

    parameters: Float32s
    gradient: Float32s
    moments: tuple[Float32s, ...]
    scratch: Float32s


def training(count: int, moments: int) -> Training:
    """Make `count` parameters, their gradient, and as many zero moments of each as asked for."""
    rng = generator()
    return Training(
        parameters=normal(rng, count),
        gradient=normal(rng, count),
        moments=tuple(np.zeros(count, np.float32) for _ in range(moments)),
        scratch=np.empty(count, np.float32),
    )


def sgd_trainings() -> dict[int, Training]:
    """Make what gradient descent with momentum needs, for each number of parameters."""
    return {count: training(count, moments=1) for count in PARAMETER_COUNTS}


def adam_trainings() -> dict[int, Training]:
    """Make what Adam needs, for each number of parameters."""
    return {count: training(count, moments=2) for count in PARAMETER_COUNTS}


def sgd_step(state: Training) -> Float32s:
    """Do one step of gradient descent with momentum."""
    (velocity,) = state.moments
    velocity *= MOMENTUM
    velocity += state.gradient
    np.multiply(velocity, LEARNING_RATE, out=state.scratch)
    state.parameters -= state.scratch
    return state.parameters


def adam_step(state: Training) -> Float32s:
    """Do one step of Adam (Kingma and Ba 2015, the reordered form of their section 2)."""
    mean, square = state.moments
    scratch = state.scratch
    mean *= BETA1
    np.multiply(state.gradient, 1 - BETA1, out=scratch)
    mean += scratch
    square *= BETA2
    np.multiply(state.gradient, state.gradient, out=scratch)
    scratch *= 1 - BETA2
    square += scratch
    rate = LEARNING_RATE * (1 - BETA2**STEP) ** 0.5 / (1 - BETA1**STEP)
    np.sqrt(square, out=scratch)
    scratch += EPSILON
    np.divide(mean, scratch, out=scratch)
    scratch *= rate
    state.parameters -= scratch
    return state.parameters


class Batches:
    """Time what a data loader does: gather a shuffled batch of rows and their labels."""

    params = BATCH_SIZES
    param_names = ("batch",)

    def setup_cache(self) -> DataSet:
        """Make the data set and the shuffle once, so that calls are batched."""
        rng = generator()
        images = normal(rng, DATA_SET_ROWS, PIXELS)
        labels = rng.integers(0, CLASSES, DATA_SET_ROWS)
        order = rng.permutation(DATA_SET_ROWS)
        return DataSet(images, labels, {batch: order[:batch] for batch in BATCH_SIZES})

    @work(BATCH_SIZES, "sample")
    def time_batch(self, data_set: DataSet, batch: int) -> tuple[Float32s, NDArray[np.int64]]:
        """Gather."""
        rows = data_set.batches[batch]
        return data_set.images[rows], data_set.labels[rows]


class Normalise:
    """Time the shifting and scaling of 32 images of 28 x 28 to mean 0 and deviation 1."""

    def setup_cache(self) -> Float32s:
        """Make the images once, so that calls are batched."""
        return normal(generator(), BATCH, 28, 28)

    @work(BATCH, "sample")
    def time_normalise(self, images: Float32s) -> Float32s:
        """Normalise by the batch's own mean and deviation, computed here."""
        normalised: Float32s = (images - images.mean()) / images.std()
        return normalised


class Linear:
    """Time a linear layer of 784 inputs and 128 outputs on a batch of 32, there and back."""

    def setup_cache(self) -> Layer:
        """Make layer, batch and gradient once, so that calls are batched."""
        rng = generator()
        return Layer(
            x=normal(rng, BATCH, PIXELS),
            weight=normal(rng, PIXELS, HIDDEN),
            bias=normal(rng, HIDDEN),
            gradient=normal(rng, BATCH, HIDDEN),
        )

    @work(2 * BATCH * PIXELS * HIDDEN + BATCH * HIDDEN, "flop")
    def time_forward(self, layer: Layer) -> Float32s:
        """Compute the outputs, bias included."""
        return layer.x @ layer.weight + layer.bias

    @work(4 * BATCH * PIXELS * HIDDEN + BATCH * HIDDEN, "flop")
    def time_backward(self, layer: Layer) -> tuple[Float32s, Float32s, Float32s]:
        """Compute the gradients of input, weight and bias."""
        grad_input = layer.gradient @ layer.weight.T
        grad_weight = layer.x.T @ layer.gradient
        grad_bias: Float32s = layer.gradient.sum(axis=0)
        return grad_input, grad_weight, grad_bias


class Activations:
    """Time the activation of 1024 x 1024 numbers."""

    def setup_cache(self) -> Float32s:
        """Make the numbers once, so that calls are batched."""
        return normal(generator(), ACTIVATION_SIZE, ACTIVATION_SIZE)

    @work(ACTIVATION_SIZE**2, "element")
    def time_relu(self, x: Float32s) -> Float32s:
        """Take the larger of each number and 0."""
        return np.maximum(x, 0)

    @work(ACTIVATION_SIZE**2, "element")
    def time_sigmoid(self, x: Float32s) -> Float32s:
        """Take 1 / (1 + exp(-x)), as a user of numpy would write it."""
        return ONE / (ONE + np.exp(-x))

    @work(ACTIVATION_SIZE**2, "element")
    def time_tanh(self, x: Float32s) -> Float32s:
        """Take the hyperbolic tangent."""
        return np.tanh(x)


class Optimisers:
    """Time one in-place update of n parameters, and measure the memory of a process doing it."""

    params = PARAMETER_COUNTS
    param_names = ("n",)

    @work(PARAMETER_COUNTS, "parameter")
    @prepared_by(sgd_trainings)
    def time_sgd_momentum(self, trainings: dict[int, Training], n: int) -> Float32s:
        """Step by gradient descent with momentum."""
        return sgd_step(trainings[n])

    def peakmem_sgd_momentum(self, n: int) -> Float32s:
        """Step by gradient descent with momentum, with this size alone in memory."""
        return sgd_step(training(n, moments=1))

    @work(PARAMETER_COUNTS, "parameter")
    @prepared_by(adam_trainings)
    def time_adam(self, trainings: dict[int, Training], n: int) -> Float32s:
        """Step by Adam."""
        return adam_step(trainings[n])

    def peakmem_adam(self, n: int) -> Float32s:
        """Step by Adam, with this size alone in memory."""
        return adam_step(training(n, moments=2))
