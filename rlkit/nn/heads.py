"""Policy heads: what makes a distribution over actions, and actions, of an actor's output."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rlkit.nn.distributions import Bernoulli, Categorical, DiagonalGaussian, Distribution, MultiCategorical
from rlkit.nn.parameters import Array, Parameters, Shape


class PolicyHead(ABC):
    """Turns the output of an actor, and for some its last hidden layer, into actions.

    Attributes:
        outputs: Numbers that the actor gives for one state.
        action_shape: Shape of one action as it is stored and learned from.
        action_dtype: Its dtype.
    """

    outputs: int
    action_shape: tuple[int, ...]
    action_dtype: ClassVar[type[np.generic]]

    def shapes(self, latent: int) -> dict[str, Shape]:  # noqa: ARG002 - for heads that have parameters
        """Return names and shapes of the head's own parameters, for an actor whose last hidden layer has ``latent``."""
        return {}

    def attach(self, parameters: Parameters) -> None:  # noqa: B027 - for heads that have parameters
        """Take the arrays that :meth:`shapes` named, and give them their first values."""

    @abstractmethod
    def noise(self, rng: np.random.Generator, n_steps: int, n_envs: int) -> Iterator[Array]:
        """Yield what :meth:`sample` needs, float32, for each step of a rollout."""

    @abstractmethod
    def sample(self, outputs: Array, latent: Array, noise: Array) -> NDArray[Any]:
        """Return actions drawn from the policy, shape ``(batch, *action_shape)``.

        Args:
            outputs: What the actor gave, ``(batch, outputs)``.
            latent: Its last hidden layer, ``(batch, latent)``.
            noise: One of those that :meth:`noise` yields.
        """

    @abstractmethod
    def mode(self, outputs: Array) -> NDArray[Any]:
        """Return the most probable actions, shape ``(batch, *action_shape)``."""

    @abstractmethod
    def distribution(self, outputs: Array, latent: Array) -> Distribution:
        """Return the policy in each state; its ``backward`` also writes the gradient by the head's parameters."""


class CategoricalHead(PolicyHead):
    """One choice among ``n``.

    Args:
        n: How many options there are.
    """

    action_dtype = np.int64

    def __init__(self, n: int) -> None:
        self.outputs = n
        self.action_shape = ()

    def noise(self, rng: np.random.Generator, n_steps: int, n_envs: int) -> Iterator[Array]:
        """Yield Gumbel noise: see :meth:`PolicyHead.noise`."""
        yield from rng.gumbel(size=(n_steps, n_envs, self.outputs)).astype(np.float32)

    def sample(self, outputs: Array, latent: Array, noise: Array) -> NDArray[Any]:  # noqa: ARG002 - the interface
        """Return actions drawn with the Gumbel-max trick, which needs no normalisation (arXiv 1411.0030)."""
        actions: NDArray[np.int64] = (outputs + noise).argmax(axis=1)
        return actions

    def mode(self, outputs: Array) -> NDArray[Any]:
        """Return the most probable actions, int64 ``(batch,)``."""
        actions: NDArray[np.int64] = outputs.argmax(axis=1)
        return actions

    def distribution(self, outputs: Array, latent: Array) -> Distribution:  # noqa: ARG002 - the interface
        """Return the policy in each state."""
        return Categorical(outputs)


class MultiCategoricalHead(PolicyHead):
    """Several independent choices.

    Args:
        sizes: How many options each choice has.
    """

    action_dtype = np.int64

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = tuple(sizes)
        self._ends = np.cumsum(sizes)[:-1]
        self.outputs = sum(sizes)
        self.action_shape = (len(sizes),)

    def noise(self, rng: np.random.Generator, n_steps: int, n_envs: int) -> Iterator[Array]:
        """Yield Gumbel noise: see :meth:`PolicyHead.noise`."""
        yield from rng.gumbel(size=(n_steps, n_envs, self.outputs)).astype(np.float32)

    def sample(self, outputs: Array, latent: Array, noise: Array) -> NDArray[Any]:  # noqa: ARG002 - the interface
        """Return actions drawn with the Gumbel-max trick, int64 ``(batch, choices)``."""
        return self.mode(outputs + noise)

    def mode(self, outputs: Array) -> NDArray[Any]:
        """Return the most probable actions, int64 ``(batch, choices)``."""
        return np.stack([part.argmax(axis=1) for part in np.split(outputs, self._ends, axis=1)], axis=1)

    def distribution(self, outputs: Array, latent: Array) -> Distribution:  # noqa: ARG002 - the interface
        """Return the policy in each state."""
        return MultiCategorical(outputs, self._sizes)


class BernoulliHead(PolicyHead):
    """Independent bits.

    Args:
        n: How many.
    """

    action_dtype = np.int8

    def __init__(self, n: int) -> None:
        self.outputs = n
        self.action_shape = (n,)

    def noise(self, rng: np.random.Generator, n_steps: int, n_envs: int) -> Iterator[Array]:
        """Yield logistic noise: see :meth:`PolicyHead.noise`."""
        yield from rng.logistic(size=(n_steps, n_envs, self.outputs)).astype(np.float32)

    def sample(self, outputs: Array, latent: Array, noise: Array) -> NDArray[Any]:  # noqa: ARG002 - the interface
        """Return bits drawn from the policy, int8 ``(batch, n)``: logistic noise is above -x as often as sigmoid(x)."""
        return (outputs + noise > 0).astype(np.int8)

    def mode(self, outputs: Array) -> NDArray[Any]:
        """Return the most probable bits, int8 ``(batch, n)``."""
        return (outputs > 0).astype(np.int8)

    def distribution(self, outputs: Array, latent: Array) -> Distribution:  # noqa: ARG002 - the interface
        """Return the policy in each state."""
        return Bernoulli(outputs)


class GaussianHead(PolicyHead):
    """Real numbers around the actor's output, whose spread is a parameter that does not depend on the state.

    Args:
        n: How many numbers an action has.
        log_std_init: Natural logarithm of the standard deviation to begin with.
    """

    action_dtype = np.float32

    def __init__(self, n: int, log_std_init: float = 0.0) -> None:
        self.outputs = n
        self.action_shape = (n,)
        self._log_std_init = log_std_init

    def shapes(self, latent: int) -> dict[str, Shape]:  # noqa: ARG002 - the interface
        """Return the shape of ``log_std``, ``(n,)``."""
        return {"log_std": (self.outputs,)}

    def attach(self, parameters: Parameters) -> None:
        """Take ``log_std`` and give it its first value."""
        self.log_std, self.log_std_gradient = parameters["log_std"], parameters.grad("log_std")
        self.log_std[:] = self._log_std_init

    def noise(self, rng: np.random.Generator, n_steps: int, n_envs: int) -> Iterator[Array]:
        """Yield standard normal noise: see :meth:`PolicyHead.noise`."""
        yield from rng.standard_normal((n_steps, n_envs, self.outputs), np.float32)

    def sample(self, outputs: Array, latent: Array, noise: Array) -> NDArray[Any]:  # noqa: ARG002 - the interface
        """Return actions drawn from the policy, ``(batch, n)``, which no bounds cut."""
        with np.errstate(over="ignore"):  # who takes the action sees that it is not finite
            actions: Array = outputs + np.exp(self.log_std) * noise
        return actions

    def mode(self, outputs: Array) -> NDArray[Any]:
        """Return the means, ``(batch, n)``."""
        return outputs

    def distribution(self, outputs: Array, latent: Array) -> Distribution:  # noqa: ARG002 - the interface
        """Return the policy in each state."""
        return _LearnedSpread(outputs, self)


class _LearnedSpread(DiagonalGaussian):
    def __init__(self, mean: Array, head: GaussianHead) -> None:
        super().__init__(mean, np.exp(head.log_std))
        self._head = head

    def backward(self, actions: Array, by_log_prob: Array, by_entropy: float = 0.0) -> Array:
        by_std = self.backward_std(actions, by_log_prob, by_entropy)
        np.sum(by_std * self._std, axis=0, out=self._head.log_std_gradient)
        return super().backward(actions, by_log_prob, by_entropy)


class StateDependentHead(GaussianHead):
    """Real numbers with generalised state-dependent exploration (Raffin et al. 2022, arXiv 2005.05719).

    The noise of an action is a linear function of the actor's last hidden layer, whose coefficients are drawn anew only
    every few steps: an episode explores smoothly. As in SB3, the loss by the spread does not flow into that layer.

    Args:
        n: How many numbers an action has.
        log_std_init: Natural logarithm of the standard deviation of the coefficients to begin with.
        sample_freq: Steps after which the coefficients are drawn anew; -1 for once in a rollout.
    """

    _EPSILON = 1e-6  # added to the variance, which is 0 where the hidden layer is

    def __init__(self, n: int, log_std_init: float = 0.0, sample_freq: int = -1) -> None:
        super().__init__(n, log_std_init)
        self._sample_freq = sample_freq

    def shapes(self, latent: int) -> dict[str, Shape]:
        """Return the shape of ``log_std``, ``(latent, n)``."""
        return {"log_std": (latent, self.outputs)}

    def noise(self, rng: np.random.Generator, n_steps: int, n_envs: int) -> Iterator[Array]:
        """Yield standard normal coefficients, ``(n_envs, latent, n)``: the same until they are drawn anew."""
        every = n_steps if self._sample_freq < 1 else self._sample_freq
        for t in range(n_steps):
            if t % every == 0:
                coefficients = rng.standard_normal((n_envs, *self.log_std.shape), np.float32)
            yield coefficients

    def sample(self, outputs: Array, latent: Array, noise: Array) -> NDArray[Any]:
        """Return actions drawn from the policy, ``(batch, n)``, which no bounds cut."""
        with np.errstate(over="ignore"):
            coefficients = np.exp(self.log_std) * noise
        actions: Array = outputs + np.matmul(latent[:, None, :], coefficients)[:, 0, :]
        return actions

    def distribution(self, outputs: Array, latent: Array) -> Distribution:
        """Return the policy in each state."""
        return _StateDependentSpread(outputs, latent, self)

    def spread(self, latent: Array) -> tuple[Array, Array, Array]:
        """Return ``latent`` squared, the coefficients' variance and the actions' standard deviation."""
        squared, variance = latent * latent, np.exp(2 * self.log_std)
        return squared, variance, np.sqrt(squared @ variance + self._EPSILON)


class _StateDependentSpread(DiagonalGaussian):
    def __init__(self, mean: Array, latent: Array, head: StateDependentHead) -> None:
        self._squared, self._variance, std = head.spread(latent)
        super().__init__(mean, std)
        self._head = head

    def backward(self, actions: Array, by_log_prob: Array, by_entropy: float = 0.0) -> Array:
        by_std = self.backward_std(actions, by_log_prob, by_entropy)
        self._head.log_std_gradient[:] = (self._squared.T @ (by_std / self._std)) * self._variance
        return super().backward(actions, by_log_prob, by_entropy)
