"""A policy and a value function of separate layers, over one parameter vector."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rlkit.models.config import NetArch
from rlkit.nn.distributions import Distribution
from rlkit.nn.heads import PolicyHead
from rlkit.nn.mlp import MLP, Activation
from rlkit.nn.parameters import Array, Parameters


class ActorCritic:
    """An actor, whose output a head turns into a policy, and a critic.

    ``forward`` and ``act`` reuse the networks' buffers: see :class:`~rlkit.nn.mlp.MLP`.

    Args:
        features: Numbers in an observation.
        head: What the actor's output means.
        net_arch: Hidden layers of both.
        activation: Nonlinearity of the hidden layers.
        rng: Draws the weights.
        ortho_init: Orthogonal weights to begin with; else PyTorch's default.
        dtype: float32 to train, float64 to check gradients.

    Attributes:
        parameters: All weights, the head's own among them.
        actor: From features ``(batch, features)`` to ``(batch, head.outputs)``.
        critic: From features to ``(batch, 1)``.
        head: What the actor's output means.
    """

    def __init__(
        self,
        features: int,
        head: PolicyHead,
        net_arch: NetArch,
        activation: Activation,
        rng: np.random.Generator,
        *,
        ortho_init: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        actor_sizes = (features, *net_arch.pi, head.outputs)
        critic_sizes = (features, *net_arch.vf, 1)
        shapes = {**MLP.shapes("actor", actor_sizes), **MLP.shapes("critic", critic_sizes)}
        self.parameters = Parameters({**shapes, **head.shapes(actor_sizes[-2])}, dtype)
        self.actor = MLP(self.parameters, "actor", actor_sizes, activation)
        self.critic = MLP(self.parameters, "critic", critic_sizes, activation)
        self.head = head
        # The policy's last layer is small, so that it begins near uniform; the value's is not.
        root2 = math.sqrt(2)
        self.actor.initialize(rng, hidden_gain=root2, output_gain=0.01, ortho_init=ortho_init)
        self.critic.initialize(rng, hidden_gain=root2, output_gain=1.0, ortho_init=ortho_init)
        head.attach(self.parameters)

    def act(self, observations: Array, noise: Array) -> NDArray[Any]:
        """Return actions drawn from the policy, ``(batch, *head.action_shape)``; ``noise`` is the head's."""
        outputs = self.actor.forward(observations)
        return self.head.sample(outputs, self.actor.latent, noise)

    def predict(self, observations: Array, rng: np.random.Generator | None) -> NDArray[Any]:
        """Return actions drawn with ``rng``, or the most probable, without touching a buffer that training uses."""
        outputs, latent = self.actor.with_latent(observations)
        if rng is None:
            return self.head.mode(outputs)
        return self.head.sample(outputs, latent, next(self.head.noise(rng, 1, len(observations))))

    def policy(self, observations: Array) -> Distribution:
        """Return the policy in each state."""
        return self.head.distribution(self.actor.forward(observations), self.actor.latent)

    def values(self, observations: Array) -> Array:
        """Return values, ``(…)``, of observations of shape ``(…, features)``."""
        flat = observations.reshape(-1, observations.shape[-1])
        return self.critic.forward(flat)[:, 0].reshape(observations.shape[:-1]).copy()

    def forward(self, observations: Array) -> tuple[Distribution, Array]:
        """Return the policy and the values ``(batch,)``, for :meth:`backward` to follow."""
        return self.policy(observations), self.critic.forward(observations)[:, 0]

    def backward(self, by_outputs: Array, by_values: Array) -> None:
        """Write the gradient of the loss by all weights.

        Args:
            by_outputs: Gradient by the actor's output, ``(batch, head.outputs)``, which the policy's own ``backward``
                returns.
            by_values: Gradient by the values, ``(batch,)``.
        """
        self.actor.backward(by_outputs)
        self.critic.backward(by_values[:, None])
