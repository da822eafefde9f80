"""Deep Q-Network (Mnih et al. 2015, doi 10.1038/nature14236), with double Q-learning and n-step returns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Set as AbstractSet
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pydantic import model_validator

from rlkit.config import ModelConfig, Scheduled, hyperparameter
from rlkit.envs import VectorEnvironment
from rlkit.envs.spaces import Features, Space
from rlkit.errors import warn_caller
from rlkit.models.actions import environment_actions
from rlkit.models.base import ModelBase
from rlkit.models.config import LayersField, TrainingConfig
from rlkit.nn.mlp import MLP, Activation
from rlkit.nn.optimizers import Adam, clip_global_norm
from rlkit.nn.parameters import Array, Parameters, assign, count_of
from rlkit.schedules import LinearSchedule, as_schedule
from rlkit.training.memory import require_memory
from rlkit.training.replay import ReplayBuffer, Transitions, capacity, transition_bytes
from rlkit.training.run import TrainingRun, Updates

Exploration = tuple[NDArray[np.float64], NDArray[np.int64]]
Losses = list[tuple[float, float]]  # loss and mean value of each gradient step since the last report

_REPORT_EVERY = 100
"""Environment steps between two reports: gradient steps are too many, and too short, to tell of each."""
_NUMBERS_AT_ONCE = 2**18
"""Size of the widest array that is computed for several minibatches together: 1 MB, which a core's cache holds."""


class DQNConfig(TrainingConfig):
    """Hyperparameters of DQN, with the names and defaults of Stable-Baselines3."""

    preset_file: ClassVar[str] = "dqn.yaml"

    learning_rate: Scheduled = hyperparameter(
        1e-4, "Step size of the optimizer.", gt=0, le=1, scale="log", common=True, live=True
    )
    max_grad_norm: float = hyperparameter(
        10.0, "Maximum norm of the gradient, which is clipped to it.", gt=0, live=True
    )
    activation: Activation = hyperparameter("relu", "Nonlinearity of the hidden layers.")
    net_arch: LayersField = hyperparameter((64, 64), "Hidden layers of the Q-network.", unit="units")
    buffer_size: int = hyperparameter(
        1_000_000, "Transitions that are kept to learn from.", ge=1, le=100_000_000, scale="log", unit="transitions"
    )
    learning_starts: int = hyperparameter(
        100, "Transitions collected with random actions before learning starts.", ge=0, unit="transitions"
    )
    batch_size: int = hyperparameter(
        32, "Transitions in a minibatch.", ge=1, le=10_000_000, scale="log", unit="transitions", common=True
    )
    train_freq: int = hyperparameter(
        4, "Steps of each environment between updates.", ge=1, scale="log", unit="steps", common=True
    )
    gradient_steps: int = hyperparameter(
        1, "Minibatches in an update; -1 for as many as transitions were collected.", ge=-1, common=True
    )
    target_update_interval: int = hyperparameter(
        10_000,
        "Environment steps between updates of the target network.",
        ge=1,
        scale="log",
        unit="steps",
        common=True,
    )
    tau: float = hyperparameter(
        1.0, "How far an update moves the target network: 1 copies the Q-network, less moves softly.", gt=0, le=1
    )
    exploration_fraction: float = hyperparameter(
        0.1, "Part of the training in which epsilon falls.", ge=0, le=1, common=True, live=True
    )
    exploration_initial_eps: float = hyperparameter(
        1.0, "Probability of a random action to begin with.", ge=0, le=1, live=True
    )
    exploration_final_eps: float = hyperparameter(
        0.05, "Probability of a random action in the end.", ge=0, le=1, common=True, live=True
    )
    double_q: bool = hyperparameter(
        False,  # noqa: FBT003 - the default
        "Whether the Q-network chooses the next action that the target network rates (arXiv 1509.06461).",
    )
    n_steps: int = hyperparameter(1, "Rewards that a target sums before it bootstraps.", ge=1, le=1000, unit="steps")

    @classmethod
    def adjust(cls, values: Mapping[str, Any], *, chosen: AbstractSet[str]) -> dict[str, Any]:
        """Make a learning_starts that nobody chose at most what the replay buffer holds."""
        names = ("learning_starts", "buffer_size", "n_envs")
        starts, size, n_envs = (values.get(name, cls.model_fields[name].default) for name in names)
        if "learning_starts" in chosen or not all(isinstance(value, int) and value > 0 for value in (size, n_envs)):
            return {}
        held = capacity(size, n_envs)
        return {"learning_starts": held} if isinstance(starts, int) and held < starts else {}

    @model_validator(mode="after")
    def _buffer_is_large_enough(self) -> Self:
        held = min(capacity(self.buffer_size, self.n_envs), self.buffer_size)
        for name in ("n_envs", "learning_starts"):
            if getattr(self, name) > held:
                least = math.ceil(getattr(self, name) / self.n_envs) * self.n_envs
                message = (
                    f"{name} = {getattr(self, name)} is more than the replay buffer holds "
                    f"({held} transitions with buffer_size {self.buffer_size} and n_envs {self.n_envs}).\n"
                    f"Use a buffer_size of at least {least}."
                )
                raise ValueError(message)
        if self.gradient_steps == 0:
            message = "gradient_steps = 0 learns nothing.\nUse 1 or more, or -1 for as many as transitions."
            raise ValueError(message)
        return self

    @property
    def exploration(self) -> LinearSchedule:
        """Epsilon over the part of the training in which it falls."""
        return LinearSchedule(self.exploration_initial_eps, self.exploration_final_eps)


@dataclass(frozen=True, slots=True)
class Loss:
    """DQN's loss on a minibatch, and its gradient.

    Attributes:
        total: Mean Huber loss (1964, doi 10.1214/aoms/1177703732) of the errors, with its knee at 1.
        by_values: Gradient of it by the values of all actions, ``(batch, actions)``.
    """

    total: float
    by_values: Array


def dqn_loss(values: Array, actions: NDArray[np.int64], targets: Array) -> Loss:
    """Return DQN's loss and its gradient.

    Args:
        values: Values of all actions by the Q-network, ``(batch, actions)``.
        actions: The actions taken, ``(batch,)``.
        targets: What their values should be, ``(batch,)``.
    """
    n, rows = len(values), np.arange(len(values))
    error = values[rows, actions] - targets
    slope = np.minimum(np.maximum(error, -1), 1)
    by_values = np.zeros_like(values)
    by_values[rows, actions] = slope / n
    return Loss(float(slope @ (error - 0.5 * slope)) / n, by_values)


class DQN(ModelBase):
    """Deep Q-Network: learns what each action is worth from a replay buffer, and takes the best.

    For discrete actions; uses experience many times over. Mnih et al. 2015, doi 10.1038/nature14236.
    """

    algorithm: ClassVar[str] = "dqn"
    Config: ClassVar[type[ModelConfig]] = DQNConfig
    action_spaces: ClassVar[tuple[type[Space], ...]] = (spaces.Discrete,)
    experience: ClassVar[str] = "replay buffer"
    config: DQNConfig

    def _build_networks(self, features: int, action_space: Space) -> None:
        assert isinstance(action_space, spaces.Discrete)  # noqa: S101 - build() has checked it
        sizes = (features, *self.config.net_arch, int(action_space.n))
        self._parameters = Parameters(MLP.shapes("q", sizes))
        self._target_parameters = Parameters(MLP.shapes("q", sizes))
        self.q_network = MLP(self._parameters, "q", sizes, self.config.activation)
        self.target_network = MLP(self._target_parameters, "q", sizes, self.config.activation)
        self.q_network.initialize(self._rng, hidden_gain=1, output_gain=1, ortho_init=False)
        self._target_parameters.vector[:] = self._parameters.vector
        self._optimizer = Adam(self._parameters.vector, eps=1e-8)
        self._environment_actions = environment_actions(action_space)
        self._replay: ReplayBuffer | None = None
        self._since_target_update = 0

    @property
    def parameters(self) -> dict[str, Array]:
        """Copies of the arrays of the Q-network, by name; empty before :meth:`build`."""
        if self.observation_space is None:
            return {}
        with self.paused():
            return {name: self._parameters[name].copy() for name in self._parameters.shapes}

    def _act(self, features: Features, rng: np.random.Generator | None) -> NDArray[Any]:
        """Return the best actions; with ``rng``, random ones as often as at the end of training."""
        actions = self.q_network(features).argmax(axis=1)
        if rng is not None:
            chance, choices = next(self._exploration(rng, 1, len(features)))
            actions = np.where(chance < self.config.exploration_final_eps, choices, actions)
        return self._environment_actions(actions)

    def _values(self, features: Features) -> Array:
        """Return the value of the best action."""
        best: Array = self.q_network(features).max(axis=1)
        return best

    def _action_values(self, features: Features) -> Array:
        """Return the values of all actions."""
        return self.q_network(features)

    def _exploration(self, rng: np.random.Generator, n_steps: int, n_envs: int) -> Iterator[Exploration]:
        """Yield for each step uniform numbers, to be compared with epsilon, and random actions, each ``(n_envs,)``."""
        shape = (n_steps, n_envs)
        yield from zip(rng.random(shape), rng.integers(self.q_network.sizes[-1], size=shape), strict=True)

    # -- training ----------------------------------------------------------------------------------------------------

    def _updates(self, run: TrainingRun) -> Updates:
        config = self.config
        self._warn_of_learning_starts(run)
        with self._training_environment() as environment:
            self._replay = self._replay_buffer(environment)
            resumed = self._resumed(run)
            if resumed is None:
                self._replay.cut()  # new episodes begin
                self._normalizer.begin(environment.num_envs)
                resumed = environment.reset(int(self._rng.integers(2**31)))
                self._normalizer.learn(resumed)
            observations = resumed
            reported = run.num_timesteps
            losses: Losses = []
            epsilon = learning_rate = math.nan  # as last used, which is what a report says
            while True:
                progress_remaining = run.progress_remaining  # before the steps, as on-policy algorithms take it
                for exploration in self._exploration(self._rng, config.train_freq, environment.num_envs):
                    epsilon = self._epsilon(run.progress_remaining)
                    observations = self._step(run, environment, observations, exploration, epsilon)
                run.rollout_collected()
                if len(self._replay) >= max(config.learning_starts, 1):
                    learning_rate = as_schedule(self.config.learning_rate)(progress_remaining)
                    self._learn(self._replay, learning_rate, losses)
                done = run.num_timesteps >= run.total_timesteps
                if done or run.num_timesteps - reported >= _REPORT_EVERY:
                    reported = run.num_timesteps
                    self._environments.observations = observations
                    yield self._metrics(losses, epsilon, learning_rate)
                    self._environments.observations = None  # until the next update is complete
                    losses, learning_rate = [], math.nan

    def _warn_of_learning_starts(self, run: TrainingRun) -> None:
        """Warn before the first step where learning starts later than a person may expect."""
        starts, held = self.config.learning_starts, len(self._replay or ())
        if held + run.remaining_timesteps < starts:
            message = (
                f"These {run.remaining_timesteps:,} steps end before learning starts: it waits for "
                f"learning_starts = {starts:,} transitions. Train longer, or set it lower."
            )
            warn_caller(message)
        elif self.is_trained and not held:
            message = (
                "The replay buffer was left out when this model was saved: "
                f"learning waits for {starts:,} new transitions."
            )
            warn_caller(message)

    def _replay_buffer(self, environment: VectorEnvironment) -> ReplayBuffer:
        """Return the replay buffer, made when it is first needed, as it may be large; else laid out anew if need be.

        Raises:
            ConfigError: There is not enough memory to fill it.
        """
        encoder, size, n_envs = environment.encoder, self.config.buffer_size, environment.num_envs
        held = len(self._replay or ())
        if self._replay is not None and self._replay.n_envs != n_envs:  # both buffers are there for a moment
            held = max(0, min(held, size - held))
        require_memory(
            "buffer_size",
            size,
            transition_bytes(encoder.size, encoder.dtype),
            held=held,
            what=f"pairs of observations of {encoder.size:,} numbers",
            remedy="make observations smaller with a wrapper",
        )
        if self._replay is None:
            return ReplayBuffer(size, n_envs, encoder.size, encoder.dtype)
        return self._replay.laid_out_for(n_envs, size)

    def _epsilon(self, progress_remaining: float) -> float:
        """Return the probability of a random action: 1 until ``learning_starts`` steps are taken."""
        if self.num_timesteps < self.config.learning_starts:
            return 1.0
        fraction = self.config.exploration_fraction
        if 1 - progress_remaining >= fraction:
            return self.config.exploration_final_eps
        return self.config.exploration(1 - (1 - progress_remaining) / fraction)

    def _step(
        self,
        run: TrainingRun,
        environment: VectorEnvironment,
        observations: Features,
        exploration: Exploration,
        epsilon: float,
    ) -> Features:
        """Take one step in every environment, keep the transitions, and return what to act on next."""
        chance, actions = exploration
        explore = chance < epsilon
        if not explore.all():
            best = self.q_network.forward(self._normalizer.observations(observations)).argmax(axis=1)
            actions = np.where(explore, actions, best)
        step = environment.step(self._environment_actions(actions))
        assert self._replay is not None  # noqa: S101 - _updates made it; a callback may have put another in its place
        # Kept as they are: they are normalised when they are drawn, by what is known then.
        self._replay.add(observations, actions, step)
        self._normalizer.learn(step.observations)
        self._normalizer.learn_rewards(step.rewards, step.terminated | step.truncated)
        self.num_timesteps += environment.num_envs
        self.num_episodes += len(step.episodes)
        self._update_target(environment.num_envs)
        run.step_taken(environment.num_envs, step.episodes)
        return step.observations

    def _update_target(self, steps: int) -> None:
        """Move the target network to the Q-network when ``target_update_interval`` steps have passed.

        What several environments step beyond it counts for the next time: SB3 rounds the interval down instead.
        """
        self._since_target_update += steps
        if self._since_target_update < self.config.target_update_interval:
            return
        self._since_target_update %= self.config.target_update_interval
        target, tau = self._target_parameters.vector, self.config.tau
        if tau == 1:
            target[:] = self._parameters.vector
        else:  # Lillicrap et al. 2016, arXiv 1509.02971
            target += tau * (self._parameters.vector - target)

    def _learn(self, replay: ReplayBuffer, learning_rate: float, losses: Losses) -> None:
        """Take the gradient steps of one update: all of them, or none where one fails."""
        config = self.config
        steps = config.gradient_steps if config.gradient_steps > 0 else config.train_freq * replay.n_envs
        before = self._get_networks() if steps > 1 else None
        try:
            with np.errstate(all="ignore"):  # what is not finite is found, and told with more than a warning
                for batch, next_values in self._minibatches(replay, steps):
                    losses.append(self._gradient_step(batch, next_values, learning_rate))
        except BaseException:  # an interrupt too: half an update is none
            if before is not None:
                self._set_networks(before)
            raise

    def _minibatches(self, replay: ReplayBuffer, steps: int) -> Iterator[tuple[Transitions, Array]]:
        """Yield normalised transitions, and the target network's values of where they lead, ``(batch, actions)``.

        That network does not change within an update, so that many minibatches pass it at once: it takes less time.
        """
        config, size = self.config, self.config.batch_size
        at_once = max(1, _NUMBERS_AT_ONCE // (size * max(self.q_network.sizes)))
        for first in range(0, steps, at_once):
            rows = size * min(at_once, steps - first)
            drawn = replay.sample(rows, self._rng, gamma=config.gamma, n_steps=config.n_steps)
            drawn = Transitions(
                self._normalizer.observations(drawn.observations),
                drawn.actions,
                self._normalizer.rewards(drawn.rewards),
                self._normalizer.observations(drawn.next_observations),
                drawn.discounts,
            )
            next_values = self.target_network.forward(drawn.next_observations)
            for start in range(0, rows, size):
                minibatch = slice(start, start + size)
                yield drawn.take(minibatch), next_values[minibatch]

    def _targets(self, batch: Transitions, next_values: Array) -> Array:
        """Return what the values of the actions taken should be, ``(batch,)``."""
        if self.config.double_q:
            best = self.q_network.forward(batch.next_observations).argmax(axis=1)
            next_value = next_values[np.arange(len(best)), best]
        else:
            next_value = next_values.max(axis=1)
        targets: Array = batch.rewards + batch.discounts * next_value
        return targets

    def _gradient_step(self, batch: Transitions, next_values: Array, learning_rate: float) -> tuple[float, float]:
        """Move the Q-network towards the targets; return the mean loss and the mean value.

        Raises:
            TrainingError: The gradient is not finite; the parameters are as they were.
        """
        targets = self._targets(batch, next_values)
        values = self.q_network.forward(batch.observations)
        mean_value = float(values.sum()) / values.size
        loss = dqn_loss(values, batch.actions, targets)
        self.q_network.backward(loss.by_values)
        norm = clip_global_norm(self._parameters.gradient, self.config.max_grad_norm)
        if not math.isfinite(norm + loss.total):
            raise self._not_finite(self._parameters, {"loss": loss.total})
        self._optimizer.step(self._parameters.gradient, learning_rate)
        return loss.total, mean_value

    def _metrics(self, losses: Losses, epsilon: float, learning_rate: float) -> dict[str, float]:
        mean_loss, mean_value = np.mean(losses, axis=0).tolist() if losses else (math.nan, math.nan)
        return {
            "loss": mean_loss,
            "q_value": mean_value,
            "epsilon": epsilon,
            "learning_rate": learning_rate,
            "replay_size": float(len(self._replay or ())),
            "gradient_steps": float(len(losses)),
        }

    # -- state -------------------------------------------------------------------------------------------------------

    def _get_networks(self) -> dict[str, Any]:
        return {
            "parameters": self._parameters.vector.copy(),
            "target_parameters": self._target_parameters.vector.copy(),
            "optimizer": self._optimizer.get_state(),
            "since_target_update": self._since_target_update,
        }

    def _set_networks(self, state: Mapping[str, Any]) -> None:
        assign(self._parameters.vector, state["parameters"])
        assign(self._target_parameters.vector, state["target_parameters"])
        self._optimizer.set_state(state["optimizer"])
        self._since_target_update = count_of(state["since_target_update"])

    def _get_experience(self) -> dict[str, Any] | None:
        if self._replay is None:
            return None
        return {"n_envs": self._replay.n_envs, "replay": self._replay.get_state()}

    def _set_experience(self, state: Mapping[str, Any]) -> None:
        replay, n_envs = state["replay"], count_of(state["n_envs"])
        if not 1 <= n_envs <= self.config.buffer_size:
            message = f"a replay buffer of {n_envs} environments does not fit buffer_size = {self.config.buffer_size}"
            raise ValueError(message)
        self._replay = ReplayBuffer(
            self.config.buffer_size, n_envs, self._encoder.size, self._encoder.dtype, reserve=False
        )
        self._replay.set_state(replay)
        actions = np.asarray(replay["actions"])
        if actions.size and not 0 <= actions.min() <= actions.max() < self.q_network.sizes[-1]:
            message = f"there are actions beyond the {self.q_network.sizes[-1]} that the environment has"
            raise ValueError(message)
