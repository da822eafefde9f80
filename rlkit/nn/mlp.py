"""Fully connected networks, forward and backward, in place on buffers that are kept."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from rlkit.nn.parameters import Array, Parameters, Shape, orthogonal, uniform_fan_in

Activation = Literal["tanh", "relu"]
ACTIVATIONS: tuple[str, ...] = get_args(Activation)


def _tanh(x: Array, zeros: Array) -> None:  # noqa: ARG001 - as ReLU
    np.tanh(x, out=x)


def _tanh_backward(gradient: Array, output: Array, scratch: Array) -> None:
    np.multiply(output, output, out=scratch)
    np.subtract(1, scratch, out=scratch)
    gradient *= scratch


def _relu(x: Array, zeros: Array) -> None:
    np.maximum(x, zeros, out=x)  # with a row of zeros in half the time that a single 0 takes


def _relu_backward(gradient: Array, output: Array, scratch: Array) -> None:
    np.greater(output, 0, out=scratch, casting="unsafe")  # from bool to 0 and 1
    gradient *= scratch


_FORWARD: dict[str, Callable[[Array, Array], None]] = {"tanh": _tanh, "relu": _relu}
_BACKWARD: dict[str, Callable[[Array, Array, Array], None]] = {"tanh": _tanh_backward, "relu": _relu_backward}


@dataclass(slots=True)
class _Layer:
    weight: Array
    bias: Array
    weight_gradient: Array
    bias_gradient: Array
    zeros: Array


@dataclass(slots=True)
class _Buffers:
    """Arrays for one batch: the output of every layer, the gradient at it, scratch of the same shape, and ones."""

    outputs: list[Array]
    gradients: list[Array]
    scratch: list[Array]
    ones: Array


class MLP:
    """A multilayer perceptron whose weights are views of a :class:`Parameters` vector.

    ``forward`` and ``backward`` reuse their buffers: what they return holds until the next call. Calling the
    network (``mlp(x)``) uses buffers of its own, so that one thread may predict while another trains.

    Args:
        parameters: The vector that holds the weights; see :meth:`shapes`.
        name: Prefix of the names of the weights in it.
        sizes: Numbers of units: input, hidden layers, output.
        activation: Nonlinearity of the hidden layers; the output is linear.
    """

    def __init__(
        self, parameters: Parameters, name: str, sizes: Sequence[int], activation: Activation = "tanh"
    ) -> None:
        self.sizes = tuple(sizes)
        self.dtype = parameters.vector.dtype
        self._activate = _FORWARD[activation]
        self._activate_backward = _BACKWARD[activation]
        self._layers = [
            _Layer(parameters[w], parameters[b], parameters.grad(w), parameters.grad(b), np.zeros_like(parameters[b]))
            for w, b in self._names(name, sizes)
        ]
        self._input: Array | None = None
        self._capacity = self._allocate(0)
        self._current = self._capacity

    @staticmethod
    def _names(name: str, sizes: Sequence[int]) -> list[tuple[str, str]]:
        return [(f"{name}.{i}.weight", f"{name}.{i}.bias") for i in range(len(sizes) - 1)]

    @classmethod
    def shapes(cls, name: str, sizes: Sequence[int]) -> dict[str, Shape]:
        """Return names and shapes of the arrays that a network of these sizes needs, in order."""
        shapes: dict[str, Shape] = {}
        pairs = itertools.pairwise(sizes)
        for (weight, bias), (fan_in, fan_out) in zip(cls._names(name, sizes), pairs, strict=True):
            shapes[weight] = (fan_in, fan_out)
            shapes[bias] = (fan_out,)
        return shapes

    def initialize(
        self, rng: np.random.Generator, *, hidden_gain: float, output_gain: float, ortho_init: bool = True
    ) -> None:
        """Draw the weights.

        Args:
            rng: Where the numbers come from.
            hidden_gain: Gain of the hidden layers.
            output_gain: Gain of the output layer.
            ortho_init: Orthogonal weights and zero biases; else PyTorch's default, which ignores the gains.
        """
        last = len(self._layers) - 1
        for i, layer in enumerate(self._layers):
            shape = (self.sizes[i], self.sizes[i + 1])
            if ortho_init:
                layer.weight[:] = orthogonal(rng, shape, output_gain if i == last else hidden_gain)
                layer.bias[:] = 0
            else:
                layer.weight[:] = uniform_fan_in(rng, shape[0], layer.weight.shape)
                layer.bias[:] = uniform_fan_in(rng, shape[0], layer.bias.shape)

    def _allocate(self, batch: int) -> _Buffers:
        def arrays() -> list[Array]:
            return [np.empty((batch, size), self.dtype) for size in self.sizes[1:]]

        return _Buffers(arrays(), arrays(), arrays(), np.ones(batch, self.dtype))

    def _reserve(self, batch: int) -> _Buffers:
        """Return buffers for ``batch`` rows: parts of the largest so far, so that memory stays bounded."""
        if len(self._current.outputs[0]) == batch:
            return self._current
        if len(self._capacity.outputs[0]) < batch:
            self._capacity = self._allocate(batch)
        full = self._capacity
        self._current = _Buffers(
            [a[:batch] for a in full.outputs],
            [a[:batch] for a in full.gradients],
            [a[:batch] for a in full.scratch],
            full.ones[:batch],
        )
        return self._current

    def _run(self, x: Array, outputs: list[Array]) -> Array:
        last = len(self._layers) - 1
        for i, (layer, output) in enumerate(zip(self._layers, outputs, strict=True)):
            np.matmul(x, layer.weight, out=output)
            np.add(output, layer.bias, out=output)
            if i < last:
                self._activate(output, layer.zeros)
            x = output
        return x

    def __call__(self, x: Array) -> Array:
        """Return the output, a new array ``(batch, outputs)``, for ``x``, shape ``(batch, inputs)``."""
        return self._run(x, [np.empty((len(x), size), self.dtype) for size in self.sizes[1:]])

    def with_latent(self, x: Array) -> tuple[Array, Array]:
        """Return the output and the last hidden layer (``x`` itself where there is none), both new arrays."""
        outputs = [np.empty((len(x), size), self.dtype) for size in self.sizes[1:]]
        self._run(x, outputs)
        return outputs[-1], outputs[-2] if len(outputs) > 1 else x

    @property
    def latent(self) -> Array:
        """The last hidden layer of the last ``forward``, a buffer ``(batch, units)``; its input where there is none."""
        assert self._input is not None, "latent follows forward"  # noqa: S101 - a programming error
        return self._current.outputs[-2] if len(self.sizes) > 2 else self._input  # noqa: PLR2004 - input, output

    def forward(self, x: Array) -> Array:
        """Return the output for inputs ``x``, shape ``(batch, inputs)``, in a buffer ``(batch, outputs)``.

        ``x`` is kept, not copied: it must not change before ``backward``.
        """
        self._input = x
        return self._run(x, self._reserve(len(x)).outputs)

    def backward(self, output_gradient: Array) -> None:
        """Write the gradient of the loss by every weight, for the batch of the last ``forward``.

        Args:
            output_gradient: Gradient of the loss by the output, shape ``(batch, outputs)``.
        """
        assert self._input is not None, "backward follows forward"  # noqa: S101 - a programming error
        buffers = self._current
        gradient = output_gradient
        for i in range(len(self._layers) - 1, -1, -1):
            layer = self._layers[i]
            below = buffers.outputs[i - 1] if i else self._input
            np.matmul(below.T, gradient, out=layer.weight_gradient)
            np.dot(buffers.ones, gradient, out=layer.bias_gradient)  # the sum over the batch, by BLAS
            if i:
                # With one output it is an outer product, for which BLAS takes five times as long as NumPy.
                product = np.multiply if layer.weight.shape[1] == 1 else np.matmul
                product(gradient, layer.weight.T, out=buffers.gradients[i - 1])
                gradient = buffers.gradients[i - 1]
                self._activate_backward(gradient, below, buffers.scratch[i - 1])
