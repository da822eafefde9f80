"""Many environments stepped together, each reset in the very step that ends its episode.

Gymnasium's vector environments reset on the next step by default, so that one row an episode is no transition. Here
every row is one: ``Step.observations`` are what to act on next, and where an episode ended ``Step.final_observations``
hold what it truly ended with.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from rlkit.envs.cartpole import SameStepCartPole
from rlkit.envs.encoding import FeatureEncoder, Features, Space, not_finite, within_float32
from rlkit.errors import EnvironmentContractError

Bools = NDArray[np.bool_]
_BOOLS = {bool, np.bool_}
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Episode:
    """One finished episode.

    Attributes:
        env: Index of the environment it ran in.
        episode_return: Sum of its rewards, undiscounted.
        length: Number of its steps.
    """

    env: int
    episode_return: float
    length: int


class Step(NamedTuple):
    """One step of all environments: a transition in every row.

    Attributes:
        observations: Features to act on next, ``(n_envs, size)`` of the encoder's dtype: of a new episode where one
            ended.
        rewards: float64 ``(n_envs,)``.
        terminated: bool ``(n_envs,)``: the episode ended in a terminal state, whose value is 0.
        truncated: bool ``(n_envs,)``: the episode was cut off, by a time limit say; its last state has a value.
        final_observations: Features of the states that the transitions led to, ``(n_envs, size)``: differs from
            ``observations`` only where an episode ended.
        episodes: The episodes that ended in this step.
    """

    observations: Features
    rewards: NDArray[np.float64]
    terminated: Bools
    truncated: Bools
    final_observations: Features
    episodes: list[Episode]


class Stepped(NamedTuple):
    """What a step of all environments gave: as in :class:`Step`, but ``final`` is None where no episode ended."""

    features: Features
    rewards: NDArray[np.float64]
    terminated: Bools
    truncated: Bools
    final: Features | None


class VectorEnvironment(ABC):
    """Environments of one kind, stepped together.

    Attributes:
        num_envs: How many there are.
        observation_space: Space of one environment's observations.
        action_space: Space of one environment's actions.
        encoder: What makes features of observations. Another one may take its place before :meth:`reset`.
    """

    def __init__(self, num_envs: int, observation_space: Space, action_space: Space) -> None:
        self.num_envs = num_envs
        self.observation_space = observation_space
        self.action_space = action_space
        self.encoder = FeatureEncoder(observation_space)
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, np.int64)

    def reset(self, seed: int) -> Features:
        """Begin a new episode in every environment and return the features to act on.

        Args:
            seed: Environment ``i`` gets a seed of its own, the same however many environments there are.

        Raises:
            EnvironmentContractError: An observation is not of the space that the environment says, or not finite.
        """
        self._returns[:] = 0
        self._lengths[:] = 0
        seeds = np.random.SeedSequence(seed).generate_state(self.num_envs)
        features = self._reset([int(s) for s in seeds])
        self._check("an observation", features, within_float32(features))
        return features

    def _warn_of_lost_precision(self, observations: Any) -> None:
        """Warn once a model where its networks could not tell the first observation from others."""
        if self.encoder.precision_checked:
            return
        self.encoder.precision_checked = True
        example = self.encoder.lost_precision(observations)
        if example:
            message = (
                f"Observations lose precision as float32: {example}, and so do its neighbours. "
                "Use normalize=True, which subtracts their mean before they are rounded."
            )
            warnings.warn(message, stacklevel=2)

    def _check(self, what: str, numbers: NDArray[Any], fine: Bools) -> None:
        """Raise for the first environment whose numbers are not all ``fine``."""
        if not fine.all():
            i = int(np.flatnonzero(~fine.reshape(self.num_envs, -1).all(axis=1))[0])
            raise not_finite(what, numbers[i], self._where(i))

    def _where(self, i: int) -> str:
        """Say which environment, and where in its episode."""
        return f"environment {i}, step {self._lengths[i]} of its episode"

    def step(self, actions: NDArray[Any]) -> Step:
        """Take one action in every environment; where an episode ends, begin the next.

        Args:
            actions: The environment's own, ``(num_envs, *action_space.shape)``. Environments get copies, which they
                may change.

        Raises:
            EnvironmentContractError: What an environment gave is not of its spaces, not finite, or not what
                Gymnasium promises.
        """
        self._lengths += 1
        features, rewards, terminated, truncated, final = self._step(actions)
        reached = features if final is None else final
        self._check("an observation", reached, within_float32(reached))
        self._check("a reward", rewards, np.abs(rewards) <= _LARGEST)  # learned from as float32; NaN is no less either
        self._returns += rewards
        if final is None:
            return Step(features, rewards, terminated, truncated, features, [])
        ended = np.flatnonzero(terminated | truncated)
        episodes = [Episode(int(i), float(self._returns[i]), int(self._lengths[i])) for i in ended]
        self._returns[ended] = 0
        self._lengths[ended] = 0
        self._check("an observation", features, within_float32(features))
        return Step(features, rewards, terminated, truncated, final, episodes)

    @abstractmethod
    def _reset(self, seeds: list[int]) -> Features:
        """Begin an episode in every environment and return the features, a new array."""

    @abstractmethod
    def _step(self, actions: NDArray[Any]) -> Stepped:
        """Step; where an episode ended, begin the next."""

    @abstractmethod
    def close(self) -> None:
        """Free what the environments hold."""


class LoopedEnvironments(VectorEnvironment):
    """Single environments, stepped one after the other.

    Args:
        envs: The environments; their spaces must be equal.

    Raises:
        EnvironmentContractError: Their spaces differ, or one is there twice.
    """

    def __init__(self, envs: Sequence[gymnasium.Env[Any, Any]]) -> None:
        first = envs[0]
        super().__init__(len(envs), first.observation_space, first.action_space)
        for env in envs:
            if (env.observation_space, env.action_space) != (first.observation_space, first.action_space):
                problem = f"Environments of one model differ in their spaces: {first} and {env}."
                raise EnvironmentContractError(problem, "Let the factory function make the same each time.")
        if len({id(env.unwrapped) for env in envs}) < len(envs):
            problem = f"The function that makes environments returned {first} more than once."
            raise EnvironmentContractError(problem, "Let it make a new environment in each call.")
        self.envs = list(envs)
        self._features: Features  # of the last observations, in an array that every step writes to
        self._discrete = isinstance(self.action_space, gymnasium.spaces.Discrete)

    def _reset(self, seeds: list[int]) -> Features:
        self._features = np.zeros((self.num_envs, self.encoder.size), self.encoder.dtype)
        for i, seed in enumerate(seeds):
            self._warn_of_lost_precision(self._begin(i, seed))
        return self._features.copy()

    def _begin(self, i: int, seed: int | None = None) -> Any:
        """Begin an episode in one environment, take in its first observation and return it."""
        try:
            result = self.envs[i].reset(seed=seed)
        except Exception as error:
            error.add_note(f"It was raised by the reset of environment {i}.")
            raise
        if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], dict):  # noqa: PLR2004
            raise EnvironmentContractError(
                f"The environment's reset returned {result!r:.200}.",
                "It must return an observation and a dict: return observation, {}.",
            )
        self.encoder.encode_one(result[0], self._features[i])
        return result[0]

    def _step(self, actions: NDArray[Any]) -> Stepped:
        n = self.num_envs
        rewards, terminated, truncated = np.empty(n), np.empty(n, np.bool_), np.empty(n, np.bool_)
        # A Python int is what most environments expect of a Discrete action, and indexing with it is faster.
        # Every other action is a copy: an environment may change it, or keep it.
        choices: Any = actions.tolist() if self._discrete else [np.array(action) for action in actions]
        for i, env in enumerate(self.envs):
            try:
                result = env.step(choices[i])
            except Exception as error:
                error.add_note(f"It was raised by the step of {self._where(i)}, for the action {choices[i]!r}.")
                raise
            try:
                observation, reward, terminated[i], truncated[i], _ = result
                if not _is_number(reward):
                    raise self._no_step(result)
                rewards[i] = reward
            except (TypeError, ValueError, OverflowError):
                raise self._no_step(result) from None
            if type(result[2]) not in _BOOLS or type(result[3]) not in _BOOLS:
                raise self._no_step(result)
            self.encoder.encode_one(observation, self._features[i])
        ended = np.flatnonzero(terminated | truncated)
        final = None
        if ended.size:
            final = self._features.copy()
            for i in ended.tolist():
                self._begin(i)
        return Stepped(self._features.copy(), rewards, terminated, truncated, final)

    @staticmethod
    def _no_step(result: object) -> EnvironmentContractError:
        return EnvironmentContractError(
            f"The environment's step returned {result!r:.200}.",
            "It must return an observation, a reward that is a number, terminated and truncated, which are True or "
            "False, and a dict.",
        )

    def close(self) -> None:
        """Close every environment; warn of those that cannot be."""
        _close_all(self.envs)


def _is_number(reward: object) -> bool:
    """Return whether ``reward`` is one real number: an array of one number is not, whatever NumPy makes of it."""
    if isinstance(reward, float | int):
        return True
    array = np.asarray(reward)
    kind = array.dtype.kind
    return not array.ndim and (kind in "buif" or (kind == "O" and isinstance(reward, Number)))  # a Fraction, say


def _close_all(envs: Sequence[gymnasium.Env[Any, Any]]) -> None:
    for env in envs:
        try:
            env.close()
        except Exception as error:  # noqa: BLE001 - what was learned must not be lost for it
            warnings.warn(f"{env} could not be closed: {error!r}.", stacklevel=3)


_PROMISE = (
    "It must return observations, rewards that are numbers, terminated and truncated that are bools, each with one row "
    "an environment, and a dict."
)


class BatchedEnvironments(VectorEnvironment):
    """A Gymnasium ``VectorEnv`` in same-step autoreset mode.

    Args:
        env: The vector environment.
        seed_each: Whether its ``reset`` takes a list of seeds, as Gymnasium's own do.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], *, seed_each: bool) -> None:
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        self.env = env
        self._seed_each = seed_each

    def _reset(self, seeds: list[int]) -> Features:
        seed: Any = seeds if self._seed_each else seeds[0]
        base = self.env.unwrapped
        if self.env.closed or (isinstance(base, AsyncVectorEnv) and None in base.parent_pipes):
            problem = f"{self.env} is closed, or one of its processes has ended."
            raise EnvironmentContractError(problem, "Make a new one, and give it to the model: model.build(env).")
        try:
            observations, _ = self.env.reset(seed=seed)
        except Exception as error:
            error.add_note("It was raised by the reset of a vector environment.")
            raise
        features = self._encoded(observations)
        self._warn_of_lost_precision(observations)
        return features

    def _encoded(self, observations: Any) -> Features:
        features = self.encoder.encode(observations)
        if len(features) != self.num_envs:
            problem = f"A vector environment of {self.num_envs} environments gave {len(features)} observations."
            raise EnvironmentContractError(problem, "It must give one for each environment.")
        return features

    def _step(self, actions: NDArray[Any]) -> Stepped:
        try:
            result = self.env.step(actions.copy())
        except Exception as error:
            error.add_note(
                f"It was raised by the step of a vector environment, for the actions {actions.tolist()!r:.200}."
            )
            raise
        try:
            observations, rewards, terminated, truncated, info = result
        except (TypeError, ValueError):
            raise EnvironmentContractError(
                f"The vector environment's step returned {result!r:.200}.", _PROMISE
            ) from None
        features = self._encoded(observations)
        rewards = self._row("rewards", rewards, "buif").astype(np.float64)
        terminated, truncated = self._row("terminated", terminated, "b"), self._row("truncated", truncated, "b")
        return Stepped(features, rewards, terminated, truncated, self._final(features, terminated | truncated, info))

    def _row(self, name: str, values: object, kinds: str) -> NDArray[Any]:
        """Return one value an environment."""
        array = np.asarray(values)
        if array.shape != (self.num_envs,) or array.dtype.kind not in kinds:
            problem = f"The vector environment's step gave {name} of shape {array.shape} and dtype {array.dtype}."
            raise EnvironmentContractError(problem, _PROMISE)
        return array

    def _final(self, features: Features, ended: Bools, info: dict[str, Any]) -> Features | None:
        if not ended.any():
            return None
        final_observations = info.get("final_obs") if isinstance(info, dict) else None
        if final_observations is None or len(final_observations) != self.num_envs:
            problem = "A vector environment ended an episode without saying its last observation."
            raise EnvironmentContractError(problem, "In same-step mode, info['final_obs'] must hold it.")
        final: Features = features.copy()
        for i in np.flatnonzero(ended):
            self.encoder.encode_one(final_observations[i], final[i])
        return final

    def close(self) -> None:
        """Close the vector environment."""
        self.env.close()


def in_same_step_mode(env: VectorEnv[Any, Any, Any]) -> VectorEnv[Any, Any, Any]:
    """Return ``env`` in same-step autoreset mode.

    Raises:
        EnvironmentContractError: It is in another mode and cannot be changed.
    """
    mode = env.metadata.get("autoreset_mode")
    if mode == AutoresetMode.SAME_STEP:
        return env
    if type(env) is SyncVectorEnv:
        env.autoreset_mode = AutoresetMode.SAME_STEP
        env.metadata = {**env.metadata, "autoreset_mode": AutoresetMode.SAME_STEP}
        return env
    if type(env) is CartPoleVectorEnv:
        return SameStepCartPole(
            env.num_envs,
            max_episode_steps=env.max_episode_steps,
            sutton_barto_reward=env._sutton_barto_reward,  # noqa: SLF001 - said nowhere else
        )
    raise EnvironmentContractError(
        f"{env} resets in {getattr(mode, 'name', mode)} mode, in which one step an episode is no transition.",
        "Make it with autoreset_mode=AutoresetMode.SAME_STEP (from gymnasium.vector).",
    )


def looped(make: Callable[[], gymnasium.Env[Any, Any]], num_envs: int) -> LoopedEnvironments:
    """Return ``num_envs`` environments that ``make`` makes, stepped one after the other."""
    envs: list[gymnasium.Env[Any, Any]] = []
    try:
        envs.extend(make() for _ in range(num_envs))  # keeps those made before one fails
        return LoopedEnvironments(envs)
    except BaseException:
        _close_all(envs)
        raise
