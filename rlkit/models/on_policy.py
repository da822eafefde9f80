"""What PPO and A2C share: actor and critic, rollouts, advantages."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import DTypeLike, NDArray
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from rlkit.config import ModelConfig, Scheduled, hyperparameter
from rlkit.envs import VectorEnvironment
from rlkit.envs.spaces import Features, Space
from rlkit.models.base import ModelBase
from rlkit.nn.distributions import Categorical
from rlkit.nn.mlp import MLP, Activation
from rlkit.nn.optimizers import Adam
from rlkit.nn.parameters import Array, Parameters, assign
from rlkit.training.rollout import Floats, Rollout, generalized_advantages
from rlkit.training.run import TrainingRun, Updates

_LARGEST_LAYER = 8192
"""Units: the matrix between two such layers takes 256 MB, and so does each of the optimizer's two means."""


@dataclass(frozen=True, slots=True)
class NetArch:
    """Hidden layer sizes of the policy (``pi``) and the value function (``vf``), which share no layers."""

    pi: tuple[int, ...]
    vf: tuple[int, ...]


def _read_net_arch(value: object) -> object:
    """Read ``[64, 64]``, ``{"pi": [64], "vf": [64]}`` or, as older SB3 has it, a list of one such dict."""
    if isinstance(value, NetArch):
        return value
    if isinstance(value, list | tuple) and len(value) == 1 and isinstance(value[0], Mapping):
        value = value[0]
    sizes: Mapping[str, Any] = value if isinstance(value, Mapping) else {"pi": value, "vf": value}
    if set(sizes) != {"pi", "vf"}:
        message = f"it has the parts {sorted(map(str, sizes))}, not pi and vf"
        raise ValueError(message)
    for part in sizes.values():
        if not isinstance(part, list | tuple) or not all(type(size) is int and size > 0 for size in part):
            message = "layer sizes must be a list of whole numbers above 0"
            raise ValueError(message)
        if any(size > _LARGEST_LAYER for size in part):
            message = f"a layer can have {_LARGEST_LAYER} units at most"
            raise ValueError(message)
    return NetArch(tuple(sizes["pi"]), tuple(sizes["vf"]))


def _write_net_arch(value: NetArch) -> Any:
    if value.pi == value.vf:
        return list(value.pi)
    return {"pi": list(value.pi), "vf": list(value.vf)}


NetArchField = Annotated[
    NetArch,
    BeforeValidator(_read_net_arch),
    PlainSerializer(_write_net_arch),
    WithJsonSchema({"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "object"}]}),
]


class OnPolicyConfig(ModelConfig):
    """Hyperparameters that on-policy algorithms share."""

    n_timesteps: int = hyperparameter(
        100_000, "Environment steps that train() takes when it is told none.", ge=1, scale="log", unit="steps"
    )
    n_envs: int = hyperparameter(
        1,
        "Environments that are stepped together.",
        ge=1,
        le=4096,
        scale="log",
        unit="environments",
        common=True,
    )
    learning_rate: Scheduled = hyperparameter(3e-4, "Step size of the optimizer.", gt=0, le=1, scale="log", common=True)
    n_steps: int = hyperparameter(
        2048,
        "Steps of each environment between updates.",
        ge=1,
        le=1_000_000,
        scale="log",
        unit="steps",
        common=True,
    )
    gamma: float = hyperparameter(0.99, "Discount of rewards to come.", ge=0, le=1, common=True)
    gae_lambda: float = hyperparameter(
        0.95, "Trade-off between bias (0) and variance (1) of the advantages.", ge=0, le=1, common=True
    )
    ent_coef: float = hyperparameter(
        0.0, "Weight of the entropy bonus, which keeps the policy exploring.", ge=0, scale="log", common=True
    )
    vf_coef: float = hyperparameter(0.5, "Weight of the value loss.", ge=0)
    max_grad_norm: float = hyperparameter(0.5, "Largest norm of the whole gradient; it is scaled down to this.", gt=0)
    net_arch: NetArchField = hyperparameter(
        NetArch((64, 64), (64, 64)), "Hidden layers of policy (pi) and value function (vf).", unit="units"
    )
    activation: Activation = hyperparameter("tanh", "Nonlinearity of the hidden layers.")
    ortho_init: bool = hyperparameter(True, "Whether weights begin orthogonal.")  # noqa: FBT003 - the default


class ActorCritic:
    """A policy and a value function of separate layers, over one parameter vector.

    Args:
        features: Numbers in an observation.
        choices: Number of actions.
        config: Layer sizes, activation and initialisation.
        rng: Draws the weights.
        dtype: float32 to train, float64 to check gradients.
    """

    def __init__(
        self,
        features: int,
        choices: int,
        config: OnPolicyConfig,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        actor_sizes = (features, *config.net_arch.pi, choices)
        critic_sizes = (features, *config.net_arch.vf, 1)
        shapes = {**MLP.shapes("actor", actor_sizes), **MLP.shapes("critic", critic_sizes)}
        self.parameters = Parameters(shapes, dtype)
        self.actor = MLP(self.parameters, "actor", actor_sizes, config.activation)
        self.critic = MLP(self.parameters, "critic", critic_sizes, config.activation)
        # The policy's last layer is small, so that it begins near uniform; the value's is not.
        root2, ortho = math.sqrt(2), config.ortho_init
        self.actor.initialize(rng, hidden_gain=root2, output_gain=0.01, ortho_init=ortho)
        self.critic.initialize(rng, hidden_gain=root2, output_gain=1.0, ortho_init=ortho)

    def forward(self, observations: Array) -> tuple[Array, Array]:
        """Return logits ``(batch, choices)`` and values ``(batch,)``, for :meth:`backward` to follow."""
        return self.actor.forward(observations), self.critic.forward(observations)[:, 0]

    def backward(self, logits_gradient: Array, values_gradient: Array) -> None:
        """Write the gradient of the loss by all parameters, given that by logits and values."""
        self.actor.backward(logits_gradient)
        self.critic.backward(values_gradient[:, None])

    def values(self, observations: Array) -> Array:
        """Return values, a new array of the shape of ``observations`` without its last dimension."""
        flat = observations.reshape(-1, observations.shape[-1])
        return self.critic.forward(flat)[:, 0].reshape(observations.shape[:-1]).copy()


@dataclass(frozen=True, slots=True)
class Batch:
    """Transitions of a rollout, one a row, with what the update needs to know of them.

    Attributes:
        observations: ``(size, features)``.
        actions: int64 ``(size,)``.
        values: Values when the actions were taken, ``(size,)``.
        log_probs: Log-probabilities of the actions when they were taken, ``(size,)``.
        advantages: ``(size,)``.
        returns: Targets of the value function: advantages plus values, ``(size,)``.
    """

    observations: Floats
    actions: NDArray[np.int64]
    values: Floats
    log_probs: Floats
    advantages: Floats
    returns: Floats

    def __len__(self) -> int:
        return len(self.actions)

    def take(self, rows: NDArray[np.intp]) -> Batch:
        """Return the transitions of some rows."""
        return Batch(
            self.observations[rows],
            self.actions[rows],
            self.values[rows],
            self.log_probs[rows],
            self.advantages[rows],
            self.returns[rows],
        )

    def minibatches(self, size: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield all transitions in random order, ``size`` at a time; the whole batch as it is where it is no larger."""
        if size >= len(self):
            yield self
            return
        order = rng.permutation(len(self))
        for start in range(0, len(self), size):
            yield self.take(order[start : start + size])


class OnPolicyModel(ModelBase):
    """Collects rollouts with the current policy and updates on them: :meth:`_update` is the algorithm."""

    config: OnPolicyConfig
    Config: ClassVar[type[ModelConfig]] = OnPolicyConfig
    action_spaces: ClassVar[tuple[type[Space], ...]] = (spaces.Discrete,)

    def _build_networks(self, features: int, action_space: Space) -> None:
        assert isinstance(action_space, spaces.Discrete)  # noqa: S101 - build() has checked it
        self._first_action = int(action_space.start)
        self.network = ActorCritic(features, int(action_space.n), self.config, self._rng)
        self._optimizer = Adam(self.network.parameters.vector)

    def _act(self, features: Features, rng: np.random.Generator | None) -> NDArray[np.int64]:
        logits = self.network.actor(features)
        if rng is None:
            return Categorical.mode(logits) + self._first_action
        return Categorical.sample(logits, Categorical.noise(rng, logits.shape)) + self._first_action

    def _updates(self, run: TrainingRun) -> Updates:
        source = self._require_source("train")
        environment = source.training(self.config.n_envs)
        rollout = Rollout(self.config.n_steps, environment.num_envs, environment.encoder.size)
        try:
            rollout.last_observations = environment.reset(int(self._rng.integers(2**31)))
            while True:
                # Taken before the rollout, as OpenAI's baselines do: even a run of a single one learns at full rate.
                progress_remaining = run.progress_remaining
                self._collect(run, environment, rollout)
                run.rollout_collected()
                yield self._update(self._prepare(rollout), progress_remaining)
        finally:
            if source.fixed_num_envs is None:  # else it is the caller's own
                environment.close()

    def _collect(self, run: TrainingRun, environment: VectorEnvironment, rollout: Rollout) -> None:
        """Fill ``rollout`` with experience of the current policy."""
        actor = self.network.actor
        noise = Categorical.noise(self._rng, (rollout.n_steps, rollout.n_envs, actor.sizes[-1]))
        rollout.final_observations.clear()
        observations = rollout.last_observations
        for t in range(rollout.n_steps):
            actions = Categorical.sample(actor.forward(observations), noise[t])
            step = environment.step(actions + self._first_action)
            rollout.observations[t] = observations
            rollout.actions[t] = actions
            rollout.rewards[t] = step.rewards
            rollout.terminated[t] = step.terminated
            rollout.truncated[t] = step.truncated
            for episode in step.episodes:
                if step.truncated[episode.env] and not step.terminated[episode.env]:
                    rollout.final_observations[t, episode.env] = step.final_observations[episode.env]
            observations = step.observations
            self.num_episodes += len(step.episodes)
            run.step_taken(environment.num_envs, step.episodes)
        rollout.last_observations = observations
        self.num_timesteps += rollout.size

    def _prepare(self, rollout: Rollout) -> Batch:
        """Return a rollout's transitions with values, log-probabilities and advantages.

        The policy does not change during a rollout, so that all are computed in one pass when it is complete.
        """
        network = self.network
        values = network.values(rollout.observations)
        next_values = np.empty_like(values)
        next_values[:-1] = values[1:]
        next_values[-1] = network.values(rollout.last_observations)
        next_values[rollout.terminated] = 0
        # Truncation is not termination: what was cut off goes on from its true last state.
        if rollout.final_observations:
            steps, envs = map(list, zip(*rollout.final_observations, strict=True))
            next_values[steps, envs] = network.values(np.stack(list(rollout.final_observations.values())))
        advantages = generalized_advantages(
            rollout.rewards,
            values,
            next_values,
            rollout.terminated | rollout.truncated,
            gamma=self.config.gamma,
            gae_lambda=self.config.gae_lambda,
        )
        observations, actions = rollout.flat(rollout.observations), rollout.flat(rollout.actions)
        log_probs = Categorical(network.actor.forward(observations)).log_prob(actions)
        flat_values, flat_advantages = rollout.flat(values), rollout.flat(advantages)
        return Batch(observations, actions, flat_values, log_probs, flat_advantages, flat_advantages + flat_values)

    @abstractmethod
    def _update(self, batch: Batch, progress_remaining: float) -> dict[str, float]:
        """Change the parameters by what ``batch`` teaches; return the metrics of the update."""

    def _get_networks(self) -> dict[str, Any]:
        return {"parameters": self.network.parameters.vector.copy(), "optimizer": self._optimizer.get_state()}

    def _set_networks(self, state: Mapping[str, Any]) -> None:
        assign(self.network.parameters.vector, state["parameters"])
        self._optimizer.set_state(state["optimizer"])
