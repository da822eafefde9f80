"""What PPO and A2C share: rollouts of the current policy, advantages, and the step along a gradient."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rlkit.config import ModelConfig, hyperparameter
from rlkit.envs import VectorEnvironment
from rlkit.envs.spaces import Features, Space
from rlkit.errors import TrainingError
from rlkit.models.actions import environment_actions, policy_head
from rlkit.models.actor_critic import ActorCritic
from rlkit.models.base import ModelBase
from rlkit.models.config import NetArch, NetArchField, TrainingConfig
from rlkit.nn.distributions import Categorical
from rlkit.nn.heads import GaussianHead, StateDependentHead
from rlkit.nn.optimizers import Adam, Optimizer, clip_global_norm
from rlkit.nn.parameters import Array, assign
from rlkit.training.memory import require_memory
from rlkit.training.rollout import Floats, Rollout, generalized_advantages
from rlkit.training.run import TrainingRun, Updates


class OnPolicyConfig(TrainingConfig):
    """Hyperparameters that on-policy algorithms share."""

    n_steps: int = hyperparameter(
        2048,
        "Steps of each environment between updates.",
        ge=1,
        le=1_000_000,
        scale="log",
        unit="steps",
        common=True,
    )
    gae_lambda: float = hyperparameter(
        0.95, "Trade-off between bias (0) and variance (1) of the advantages.", ge=0, le=1, common=True
    )
    ent_coef: float = hyperparameter(
        0.0, "Weight of the entropy bonus, for exploration.", ge=0, scale="log", common=True, live=True
    )
    vf_coef: float = hyperparameter(0.5, "Weight of the value loss.", ge=0, live=True)
    net_arch: NetArchField = hyperparameter(
        NetArch((64, 64), (64, 64)),
        "Hidden layers of policy and value function, or of each: {pi: [64], vf: [64]}.",
        unit="units",
    )
    ortho_init: bool = hyperparameter(True, "Whether weights begin orthogonal.")  # noqa: FBT003 - the default
    rescale_actions: bool = hyperparameter(
        True,  # noqa: FBT003 - the default
        "Whether continuous actions with finite bounds are learned in [-1, 1].",
        legacy=False,
    )
    log_std_init: float = hyperparameter(
        0.0,
        "Logarithm of the standard deviation that continuous actions begin with, before rescaling.",
        ge=-20,
        le=2,
    )
    use_sde: bool = hyperparameter(
        False,  # noqa: FBT003 - the default
        "Whether continuous actions use generalized state-dependent exploration (gSDE).",
    )
    sde_sample_freq: int = hyperparameter(
        -1, "Steps after which gSDE draws new noise; -1 for once in a rollout.", ge=-1, unit="steps"
    )

    @property
    def rollout_size(self) -> int:
        """Transitions between two updates."""
        return self.n_envs * self.n_steps


@dataclass(frozen=True, slots=True)
class Batch:
    """Transitions of a rollout, one a row, with what the update needs to know of them.

    Attributes:
        observations: ``(size, features)``.
        actions: As the policy gave them, ``(size, *head.action_shape)``.
        values: Values when the actions were taken, ``(size,)``.
        log_probs: Log-probabilities of the actions when they were taken, ``(size,)``.
        advantages: ``(size,)``.
        returns: Targets of the value function: advantages plus values, ``(size,)``.
    """

    observations: Floats
    actions: NDArray[Any]
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

    @property
    def explained_variance(self) -> float:
        """Part of the returns' variance that the values explain: 1 is all of it; NaN where the returns do not vary."""
        variance = float(self.returns.var())
        return 1 - float((self.returns - self.values).var()) / variance if variance else math.nan


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of an actor-critic on a batch, its parts, and its gradients.

    Attributes:
        total: What is minimised: policy + ent_coef * entropy + vf_coef * value.
        policy: What makes good actions more probable: the algorithm's own.
        value: Mean squared error of the values.
        entropy: Mean entropy of the policy in nats, negated.
        by_log_probs: Gradient of ``total`` by the log-probabilities, ``(batch,)``.
        by_entropy: Gradient of ``total`` by the entropy in each state.
        by_values: Gradient of ``total`` by the values, ``(batch,)``.
    """

    total: float
    policy: float
    value: float
    entropy: float
    by_log_probs: Array
    by_entropy: float
    by_values: Array


def standardized(values: Array) -> Array:
    """Return advantages, ``(batch,)``, with mean 0 and sample standard deviation 1; a single one as it is."""
    if values.size == 1:
        return values
    centred = values - values.sum() / values.size
    deviation = np.sqrt(np.dot(centred, centred) / (values.size - 1))
    standardized: Array = centred / (deviation + 1e-8)
    return standardized


class OnPolicyModel(ModelBase):
    """Collects rollouts with the current policy and updates on them: :meth:`_update` is the algorithm."""

    config: OnPolicyConfig
    Config: ClassVar[type[ModelConfig]] = OnPolicyConfig
    action_spaces: ClassVar[tuple[type[Space], ...]] = (
        spaces.Discrete,
        spaces.MultiDiscrete,
        spaces.MultiBinary,
        spaces.Box,
    )
    network: ActorCritic

    def _build_networks(self, features: int, action_space: Space) -> None:
        config = self.config
        head = policy_head(action_space, self._gaussian_head)
        self._environment_actions = environment_actions(action_space, rescale=config.rescale_actions)
        orthogonal = config.ortho_init and not self._restoring
        self.network = ActorCritic(features, head, config.net_arch, config.activation, self._rng, ortho_init=orthogonal)
        self._optimizer = self._make_optimizer(self.network.parameters.vector)

    def _gaussian_head(self, n: int) -> GaussianHead:
        if self.config.use_sde:
            return StateDependentHead(n, self.config.log_std_init, self.config.sde_sample_freq)
        return GaussianHead(n, self.config.log_std_init)

    def _check_spaces(self, observation_space: Space, action_space: Space) -> None:
        super()._check_spaces(observation_space, action_space)
        if self.config.use_sde and not isinstance(action_space, spaces.Box):
            problem = f"use_sde = True explores with real numbers; the actions of {action_space} are none."
            raise TrainingError(problem, "Leave use_sde out.")

    def _make_optimizer(self, vector: Array) -> Optimizer:
        """Return the optimizer of the parameters ``vector``: Adam with the ``eps`` of SB3's PPO."""
        return Adam(vector, eps=1e-5)

    @property
    def parameters(self) -> dict[str, Array]:
        """Copies of the arrays of actor, critic and policy head, by name; empty before :meth:`build`."""
        if self.observation_space is None:
            return {}
        with self.paused():
            arrays = self.network.parameters
            return {name: arrays[name].copy() for name in arrays.shapes}

    def _act(self, features: Features, rng: np.random.Generator | None) -> NDArray[Any]:
        return self._environment_actions(self.network.predict(features, rng))

    def _values(self, features: Features) -> Array:
        """Return the critic's values."""
        return self.network.critic(features)[:, 0]

    def _action_probabilities(self, features: Features) -> Array | None:
        """Return the actor's probabilities."""
        distribution = self.network.head.distribution(*self.network.actor.with_latent(features))
        return distribution.probs if isinstance(distribution, Categorical) else None

    # -- training ----------------------------------------------------------------------------------------------------

    def _updates(self, run: TrainingRun) -> Updates:
        with self._training_environment() as environment:
            self._check_memory(environment.num_envs)
            head = self.network.head
            rollout = Rollout(
                self.config.n_steps,
                environment.num_envs,
                environment.encoder.size,
                head.action_shape,
                head.action_dtype,
            )
            resumed = self._resumed(run)
            if resumed is None:
                self._normalizer.begin(environment.num_envs)
                observations = environment.reset(int(self._rng.integers(2**31)))
                resumed = self._normalizer.learn(observations)
            rollout.last_observations = resumed
            while True:
                self._environments.observations = None  # until the update is complete
                # Taken before the rollout, as OpenAI's baselines do: even a run of a single one learns at full rate.
                progress_remaining = run.progress_remaining
                self._collect(run, environment, rollout)
                run.rollout_collected()
                with np.errstate(all="ignore"):  # what is not finite is found, and told with more than a warning
                    metrics = self._update(self._prepare(rollout), progress_remaining)
                self._environments.observations = rollout.last_observations
                yield metrics

    def _check_memory(self, n_envs: int) -> None:
        """Raise where there is not enough memory for a rollout, and for what is computed of all of it at once."""
        network, head = self.network, self.network.head
        layers = sum(network.actor.sizes) + sum(network.critic.sizes[1:])  # the first of which are the observations
        action = math.prod(head.action_shape) * np.dtype(head.action_dtype).itemsize
        # Noise; rewards, values, next values, errors, advantages, returns, log-probabilities; two flags.
        transition = 4 * (layers + head.outputs + 7) + action + 2
        require_memory(
            "n_steps",
            self.config.n_steps,
            n_envs * transition,
            what=f"rollouts in {n_envs:,} environments with observations of {network.actor.sizes[0]:,} numbers",
            remedy="lower n_envs, or make observations smaller with a wrapper",
        )

    def _collect(self, run: TrainingRun, environment: VectorEnvironment, rollout: Rollout) -> None:
        """Fill ``rollout`` with experience of the current policy."""
        network, normalizer = self.network, self._normalizer
        rollout.final_observations.clear()
        observations = rollout.last_observations
        for t, noise in enumerate(network.head.noise(self._rng, rollout.n_steps, rollout.n_envs)):
            actions = network.act(observations, noise)
            step = environment.step(self._environment_actions(actions))
            rollout.observations[t] = observations
            rollout.actions[t] = actions
            rollout.terminated[t] = step.terminated
            rollout.truncated[t] = step.truncated
            observations = normalizer.learn(step.observations)
            rollout.rewards[t] = normalizer.learn_rewards(step.rewards, step.terminated | step.truncated)
            for episode in step.episodes:
                if step.truncated[episode.env] and not step.terminated[episode.env]:
                    final = step.final_observations[episode.env : episode.env + 1]
                    rollout.final_observations[t, episode.env] = normalizer.observations(final)[0]
            self.num_timesteps += environment.num_envs
            self.num_episodes += len(step.episodes)
            run.step_taken(environment.num_envs, step.episodes)
        rollout.last_observations = observations

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
        log_probs = network.policy(observations).log_prob(actions)
        flat_values, flat_advantages = rollout.flat(values), rollout.flat(advantages)
        return Batch(observations, actions, flat_values, log_probs, flat_advantages, flat_advantages + flat_values)

    @abstractmethod
    def _update(self, batch: Batch, progress_remaining: float) -> dict[str, float]:
        """Change the parameters by what ``batch`` teaches; return the metrics of the update."""

    def _descend(self, by_outputs: Array, by_values: Array, learning_rate: float, losses: Mapping[str, float]) -> None:
        """Take one step against the gradient of a loss, given that by the networks' outputs.

        Raises:
            TrainingError: The gradient is not finite; the parameters are as they were.
        """
        self.network.backward(by_outputs, by_values)
        gradient = self.network.parameters.gradient
        norm = clip_global_norm(gradient, self.config.max_grad_norm)
        if not math.isfinite(norm + sum(losses.values())):
            raise self._not_finite(self.network.parameters, losses)
        self._optimizer.step(gradient, learning_rate)

    # -- state -------------------------------------------------------------------------------------------------------

    def _get_networks(self) -> dict[str, Any]:
        return {"parameters": self.network.parameters.vector.copy(), "optimizer": self._optimizer.get_state()}

    def _set_networks(self, state: Mapping[str, Any]) -> None:
        assign(self.network.parameters.vector, state["parameters"])
        self._optimizer.set_state(state["optimizer"])
