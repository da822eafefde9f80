"""Many environments stepped together, each reset in the very step that ends its episode.

Gymnasium's vector environments reset on the next step by default, so that one row an episode is no transition. Here
every row is one: ``Step.observations`` are what to act on next, and where an episode ended ``Step.final_observations``
hold what it truly ended with.
"""

from __future__ import annotations

import contextlib
import copy
import signal
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from rlkit.envs.cartpole import SameStepCartPole
from rlkit.envs.checks import SourceChecks, faithful_copy, generator_of, is_copied_by_making, layers
from rlkit.envs.contract import explain_worker
from rlkit.envs.encoding import FeatureEncoder, Features, Space, not_finite, within_float32
from rlkit.envs.final import OverwrittenObservations, copy_final_observations, final_observation
from rlkit.envs.state import get_env_state, set_env_state
from rlkit.envs.workers import run_in_workers
from rlkit.errors import EnvironmentContractError, warn_caller

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


_holders: dict[int, weakref.ref[VectorEnvironment]] = {}
"""The object that claimed each instance of an environment last, by the identity of the instance."""


class VectorEnvironment(ABC):
    """Environments of one kind, stepped together.

    An instance of an environment is stepped by one ``VectorEnvironment`` at a time: two would mix their episodes.

    Args:
        num_envs: How many there are.
        observation_space: Space of one environment's observations.
        action_space: Space of one environment's actions.
        instances: The environments without their wrappers.

    Attributes:
        num_envs: How many there are.
        observation_space: Space of one environment's observations.
        action_space: Space of one environment's actions.
        encoder: What makes features of observations. Another one may take its place before :meth:`reset`.
        max_episode_steps: Steps after which an episode is cut off, where the environment does not do so before; None
            for no such limit.
        checks: What looks for faults that no error shows; None for nothing.
        has_failed: Whether a reset or a step raised an error, after which the state of the episodes is unknown.
    """

    def __init__(
        self, num_envs: int, observation_space: Space, action_space: Space, instances: Sequence[object]
    ) -> None:
        self.num_envs = num_envs
        self.observation_space = observation_space
        self.action_space = action_space
        self.encoder = FeatureEncoder(observation_space)
        self.max_episode_steps: int | None = None
        self.checks: SourceChecks | None = None
        self.has_failed = False
        self._instances = tuple(instances)
        self._is_held = False
        self._is_ours = True
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, np.int64)

    def hold(self) -> bool:
        """Claim the instances until :meth:`release`; return whether no other claim came in between.

        Raises:
            EnvironmentContractError: One of them is being stepped elsewhere.
        """
        ours = True
        for instance in self._instances:
            held = _holders.get(id(instance))
            holder = held() if held is not None else None
            if holder is not self and is_held(instance):
                raise in_use(instance)
            ours = ours and holder is self
        for instance in self._instances:
            _holders[id(instance)] = weakref.ref(self, _forget(id(instance)))
        self._is_held = True
        return ours

    def release(self) -> None:
        """End the claim after a run. Instances that were made for this object stay claimed until :meth:`close`."""
        self._is_held = self._is_held and self._is_ours

    def reset(self, seed: int) -> Features:
        """Begin a new episode in every environment and return the features to act on.

        Args:
            seed: Environment ``i`` gets a seed of its own, the same however many environments there are.

        Raises:
            EnvironmentContractError: An observation is not of the space that the environment says, or not finite.
        """
        self.hold()
        self._returns[:] = 0
        self._lengths[:] = 0
        seeds = np.random.SeedSequence(seed).generate_state(self.num_envs)
        features: Features = self._run(self._reset, [int(s) for s in seeds])
        self._check("an observation", features, within_float32(features))
        if self.checks is not None:
            self.checks.look_at_first(features)
        return features

    def _run(self, call: Callable[[Any], Any], argument: Any) -> Any:
        """Call a function that runs the environments, and note where it fails."""
        checks = self.checks
        self.has_failed = True
        watched = checks is not None and checks.watches_generators
        result = checks.watched(call, argument) if checks is not None and watched else call(argument)
        self.has_failed = False
        return result

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
            warn_caller(message)

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
        features, rewards, terminated, truncated, final = self._run(self._step, actions)
        if self.max_episode_steps is not None:
            late = (self._lengths >= self.max_episode_steps) & ~terminated & ~truncated
            if late.any():
                final = features.copy() if final is None else final
                truncated = truncated | late
                features = np.where(late[:, None], self._run(self._restart, late), features)
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
    def _restart(self, which: Bools) -> Features:
        """Begin an episode in some environments and return the features of all, ``(num_envs, size)``."""

    @abstractmethod
    def close(self) -> None:
        """Free what the environments hold."""

    def copied(self, vector: VectorEnv[Any, Any, Any] | None = None) -> VectorEnvironment | None:
        """Return a copy in the middle of the same episodes; None where the environments cannot be copied.

        Args:
            vector: A copy of the vector environment that the caller passed, if it did.
        """
        if self.has_failed:
            return None
        try:
            other = self._copied(vector)
        except Exception:  # noqa: BLE001 - an environment may refuse to be copied in any way
            return None
        if other is not None:
            other.encoder, other.checks, other.max_episode_steps = self.encoder, self.checks, self.max_episode_steps
            other._go_on(self._returns, self._lengths)  # noqa: SLF001 - our own class
        return other

    def _go_on(self, returns: NDArray[np.float64], lengths: NDArray[np.int64]) -> None:
        """Go on in episodes that have come to these returns and lengths."""
        self._returns, self._lengths = returns.copy(), lengths.copy()

    @property
    @abstractmethod
    def copies_go_on(self) -> bool:
        """Whether copies are in the middle of the same episodes; else their simulators begin new ones."""

    @abstractmethod
    def _copied(self, vector: VectorEnv[Any, Any, Any] | None) -> VectorEnvironment | None:
        """Return environments with the state of these."""

    def get_state(self) -> dict[str, Any] | None:
        """Return all that the rest of the episodes depends on as plain data; None where that is not known."""
        environments = None if self.has_failed else self._get_state()
        if environments is None:
            return None
        return {"environments": environments, "returns": self._returns.copy(), "lengths": self._lengths.copy()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on in the episodes that :meth:`get_state` described.

        Raises:
            ValueError: It is the state of other environments.
        """
        self.hold()
        returns, lengths = np.array(state["returns"], np.float64), np.array(state["lengths"], np.int64)
        if returns.shape != (self.num_envs,) or lengths.shape != (self.num_envs,):
            message = f"this is the state of {returns.size} environments, not of {self.num_envs}"
            raise ValueError(message)
        if not np.isfinite(returns).all() or lengths.min() < 0:
            message = "returns are not finite, or lengths are below 0"
            raise ValueError(message)
        self._set_state(state["environments"])
        self._go_on(returns, lengths)

    def _get_state(self) -> Any:
        """Return the state of the environments as plain data; None where it is not known. A hook; here None."""
        return None

    def _set_state(self, state: Any) -> None:  # noqa: ARG002 - the interface of a hook
        """Take what :meth:`_get_state` gave."""
        message = "the state of these environments is not known"
        raise ValueError(message)


def is_held(instance: object) -> bool:
    """Whether an environment, without its wrappers, is being trained or evaluated in."""
    held = _holders.get(id(instance))
    holder = held() if held is not None else None
    return holder is not None and holder._is_held  # noqa: SLF001 - our own class


def in_use(instance: object) -> EnvironmentContractError:
    """Return the error for an environment that two would step."""
    return EnvironmentContractError(
        f"{instance} is in use already, by a training or an evaluation: two would mix their episodes.",
        "Give each its own: a class, or a function that makes a new environment in each call. model.close() frees the "
        "one that a model trains in.",
    )


def _forget(identity: int) -> Callable[[weakref.ref[VectorEnvironment]], None]:
    """Return a function that removes a holder that is gone, unless another one has taken its place."""

    def forget(gone: weakref.ref[VectorEnvironment]) -> None:
        if _holders.get(identity) is gone:
            del _holders[identity]

    return forget


class LoopedEnvironments(VectorEnvironment):
    """Single environments, stepped one after the other.

    Args:
        envs: The environments; their spaces must be equal.

    Raises:
        EnvironmentContractError: Their spaces differ, or one is there twice.
    """

    def __init__(self, envs: Sequence[gymnasium.Env[Any, Any]]) -> None:
        for env in envs:
            own_spaces(env.unwrapped)
        first = envs[0]
        instances = [env.unwrapped for env in envs]
        super().__init__(len(envs), first.observation_space, first.action_space, instances)
        for env in envs:
            if (env.observation_space, env.action_space) != (first.observation_space, first.action_space):
                problem = f"Environments of one model differ in their spaces: {first} and {env}."
                raise EnvironmentContractError(problem, "Let the factory function make the same each time.")
        if len(set(map(id, instances))) < len(envs):
            problem = f"The function that makes environments returned {first} more than once."
            raise EnvironmentContractError(problem, "Let it make a new environment in each call.")
        self.envs = list(envs)
        self._features: Features  # of the last observations, in an array that every step writes to
        self.hold()
        self._discrete = isinstance(self.action_space, gymnasium.spaces.Discrete)

    def _reset(self, seeds: list[int]) -> Features:
        self._features = np.zeros((self.num_envs, self.encoder.size), self.encoder.dtype)
        for i, seed in enumerate(seeds):
            self._warn_of_lost_precision(self._begin(i, seed))
        return self._features.copy()

    def _begin(self, i: int, seed: int | None = None) -> Any:
        """Begin an episode in one environment, take in its first observation and return it."""
        env = self.envs[i]
        if seed is not None:
            before = generator_of(env)
            seed_spaces(env, seed)
        try:
            result = env.reset(seed=seed)
        except Exception as error:
            error.add_note(f"It was raised by the reset of environment {i}.")
            raise
        if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], dict):  # noqa: PLR2004
            raise EnvironmentContractError(
                f"The environment's reset returned {result!r:.200}.",
                "It must return an observation and a dict: return observation, {}.",
            )
        if seed is not None and self.checks is not None:
            self.checks.look_at_generator(env, before)
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
        if isinstance(result, tuple) and len(result) == 4:  # noqa: PLR2004 - as Gym did before 0.26
            problem = f"The environment's step returned four values, {result!r:.200}."
            return EnvironmentContractError(problem, "Return terminated and truncated in place of done.")
        return EnvironmentContractError(
            f"The environment's step returned {result!r:.200}.",
            "It must return an observation, a reward that is a number, terminated and truncated, which are True or "
            "False, and a dict.",
        )

    def _restart(self, which: Bools) -> Features:
        for i in np.flatnonzero(which).tolist():
            self._begin(i)
        return self._features.copy()

    def _copied(self, vector: VectorEnv[Any, Any, Any] | None) -> VectorEnvironment | None:  # noqa: ARG002 - none here
        other = LoopedEnvironments([faithful_copy(env) for env in self.envs])
        if hasattr(self, "_features"):
            other._features = self._features.copy()
        return other

    @property
    def copies_go_on(self) -> bool:
        """Whether copies are in the middle of the same episodes; else their simulators begin new ones."""
        return not any(map(is_copied_by_making, self.envs))

    def close(self) -> None:
        """Close every environment; warn of those that cannot be."""
        self._is_held = False
        _close_all(self.envs)

    def _get_state(self) -> Any:
        states = {str(i): get_env_state(env) for i, env in enumerate(self.envs)}
        return None if None in states.values() else states

    def _set_state(self, state: Any) -> None:
        self._features = np.zeros((self.num_envs, self.encoder.size), self.encoder.dtype)
        for i, env in enumerate(self.envs):
            set_env_state(env, state[str(i)])


def own_spaces(env: gymnasium.Env[Any, Any]) -> None:
    """Give an environment spaces that no other one samples from, such as those that stand in its class."""
    for name in ("observation_space", "action_space"):
        with contextlib.suppress(AttributeError, TypeError):  # a property, or a space that cannot be copied
            setattr(env, name, copy.deepcopy(getattr(env, name)))


def seed_spaces(env: gymnasium.Env[Any, Any], seed: int) -> None:
    """Seed the spaces of an environment, so that what it samples from them can be repeated."""
    for layer in layers(env):
        for space in (layer.observation_space, layer.action_space):
            space.seed(seed)


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
            warn_caller(f"{env} could not be closed: {error!r}.")


_PROMISE = (
    "It must return observations, rewards that are numbers, terminated and truncated that are bools, each with one row "
    "an environment, and a dict."
)


class BatchedEnvironments(VectorEnvironment):
    """A Gymnasium ``VectorEnv``, in same-step autoreset mode or in one that can be treated so.

    Args:
        env: The vector environment.
        is_ours: Whether it was made for this object, which then closes it; else the caller may go on using it.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], *, is_ours: bool = False) -> None:
        base = env.unwrapped
        envs = base.envs if isinstance(base, SyncVectorEnv) else []
        instances = [one.unwrapped for one in envs]
        if len(set(map(id, instances))) < len(instances):
            problem = f"{env} holds {envs[0]} more than once."
            raise EnvironmentContractError(problem, "Let each of its functions make a new environment.")
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space, [base, *instances])
        self.env = env
        self._is_ours = is_ours
        self._envs = envs
        self._seed_each = isinstance(base, SyncVectorEnv | AsyncVectorEnv | CartPoleVectorEnv)
        self._resets_itself = _mode(env) == AutoresetMode.SAME_STEP
        if isinstance(base, AsyncVectorEnv):
            run_in_workers(base, _prepare_worker)
        if self._resets_itself:
            copy_final_observations(env)
        self._overwritten = OverwrittenObservations()
        self._features: Features = np.zeros((env.num_envs, self.encoder.size), np.float32)

    def _reset(self, seeds: list[int]) -> Features:
        seed: Any = seeds if self._seed_each else seeds[0]
        base = self.env.unwrapped
        generators = [generator_of(env) for env in self._envs]
        for env, own in zip(self._envs, seeds, strict=False):
            seed_spaces(env, own)
        if self.env.closed or (isinstance(base, AsyncVectorEnv) and None in base.parent_pipes):
            problem = f"{self.env} is closed, or one of its processes has ended."
            raise EnvironmentContractError(problem, "Make a new one, and give it to the model: model.build(env).")
        try:
            result = self.env.reset(seed=seed)
        except Exception as error:
            explain_worker(self.env, error)
            error.add_note("It was raised by the reset of a vector environment.")
            raise
        if not isinstance(result, tuple) or len(result) != 2:  # noqa: PLR2004 - observations and a dict
            problem = f"The vector environment's reset returned {result!r:.200}."
            raise EnvironmentContractError(problem, "It must return observations and a dict: return observations, {}.")
        for env, before in zip(self._envs, generators, strict=True):
            if self.checks is not None:
                self.checks.look_at_generator(env, before)
        observations, _ = result
        self._features = self._encoded(observations)
        self._warn_of_lost_precision(observations)
        return self._features

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
            explain_worker(self.env, error)
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
        ended = terminated | truncated
        final = None
        if ended.any() and self._resets_itself:
            final = self._final(observations, features, terminated, truncated, info)
        elif ended.any():
            features, final = np.where(ended[:, None], self._restart(ended), features), features
        self._features = features
        return Stepped(features, rewards, terminated, truncated, final)

    def _row(self, name: str, values: object, kinds: str) -> NDArray[Any]:
        """Return one value an environment."""
        array = np.asarray(values)
        if array.shape != (self.num_envs,) or array.dtype.kind not in kinds:
            problem = f"The vector environment's step gave {name} of shape {array.shape} and dtype {array.dtype}."
            raise EnvironmentContractError(problem, _PROMISE)
        return array

    def _final(
        self, observations: Any, features: Features, terminated: Bools, truncated: Bools, info: dict[str, Any]
    ) -> Features:
        """Return what episodes ended with, from ``info``; the other rows are those of ``features``."""
        ended, cut_off = np.flatnonzero(terminated | truncated), np.flatnonzero(truncated & ~terminated)
        given = info.get("final_obs") if isinstance(info, dict) else None
        if given is None:
            problem = "A vector environment ended an episode without saying its last observation."
            raise EnvironmentContractError(problem, "In same-step mode, info['final_obs'] must hold it.")
        final: Features = features.copy()
        for i in ended.tolist():
            row = final_observation(self.encoder.space, given, i, self.num_envs)
            self.encoder.encode_one(row, final[i])
        if isinstance(self.env, SameStepCartPole):  # which is ours, and copies
            return final
        if cut_off.size:
            self._overwritten.check(given, observations, cut_off)
        self._overwritten.look(self._features, final, features, ended, cut_off)
        return final

    def _restart(self, which: Bools) -> Features:
        if not _resets_some(self.env):
            raise EnvironmentContractError(
                f"{self.env} cannot be reset in some of its environments alone.",
                "Make it end its episodes itself, after fewer steps than the evaluation allows.",
            )
        observations, _ = self.env.reset(options={"reset_mask": which.copy()})
        return self._encoded(observations)

    def _copied(self, vector: VectorEnv[Any, Any, Any] | None) -> VectorEnvironment | None:
        if not self._is_ours and vector is None:
            return None
        other = BatchedEnvironments(copy.deepcopy(self.env) if vector is None else vector, is_ours=self._is_ours)
        other._features = self._features.copy()
        other.hold()
        other.release()
        return other

    @property
    def copies_go_on(self) -> bool:
        """Whether copies are in the middle of the same episodes; else their simulators begin new ones."""
        return not is_copied_by_making(self.env)

    def close(self) -> None:
        """Close the vector environment, unless it is the caller's own."""
        self._is_held = False
        if self._is_ours:
            self.env.close()

    def _get_state(self) -> Any:
        return self.env.get_state() if isinstance(self.env, SameStepCartPole) else None

    def _set_state(self, state: Any) -> None:
        if not isinstance(self.env, SameStepCartPole):
            super()._set_state(state)
        else:
            self.env.set_state(state)


def _mode(env: VectorEnv[Any, Any, Any]) -> object:
    return env.metadata.get("autoreset_mode")


def _resets_some(env: VectorEnv[Any, Any, Any]) -> bool:
    """Whether ``reset`` takes a ``reset_mask``, as those of Gymnasium's own vector environments do."""
    return isinstance(env, SameStepCartPole) or isinstance(env.unwrapped, SyncVectorEnv | AsyncVectorEnv)


def usable(env: VectorEnv[Any, Any, Any]) -> VectorEnv[Any, Any, Any]:
    """Return ``env`` as :class:`BatchedEnvironments` takes it: the same environment, whatever its autoreset mode.

    Raises:
        EnvironmentContractError: It resets in a mode that loses transitions, which it cannot be kept from.
    """
    mode, base = _mode(env), env.unwrapped
    if mode == AutoresetMode.SAME_STEP:
        return env
    if type(env) is SyncVectorEnv:
        env.autoreset_mode = AutoresetMode.SAME_STEP
        env.metadata = {**env.metadata, "autoreset_mode": AutoresetMode.SAME_STEP}
        return env
    if type(env) is CartPoleVectorEnv:
        return SameStepCartPole(env)
    # A worker process without shared memory resets once more in the next step, even if it was reset meanwhile.
    forgetful = isinstance(base, AsyncVectorEnv) and not base.shared_memory and mode == AutoresetMode.NEXT_STEP
    if _resets_some(env) and not forgetful:
        return env
    remedy = "Make it with autoreset_mode=AutoresetMode.SAME_STEP (from gymnasium.vector)."
    if isinstance(base, CartPoleVectorEnv):
        remedy = "Wrap one that gymnasium.make_vec makes with vectorization_mode='sync'."
    raise EnvironmentContractError(
        f"{env} resets in {getattr(mode, 'name', mode)} mode, in which one step an episode is no transition.", remedy
    )


def _prepare_worker(env: Any) -> None:
    """Let a worker process ignore Ctrl-C, and seed the spaces of its environment.

    A terminal and a notebook's server send Ctrl-C to all processes of a kernel. The run stops after the update under
    way, and needs its environments for that.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if env is not None and not isinstance(vars(env).get("reset"), _SeedingReset):
        env.reset = _SeedingReset(env, env.reset)


class _SeedingReset:
    """Resets an environment in a worker process, and seeds its spaces as well."""

    def __init__(self, env: gymnasium.Env[Any, Any], reset: Callable[..., Any]) -> None:
        self._env, self._reset = env, reset

    def __call__(self, *, seed: int | None = None, **arguments: Any) -> Any:
        if seed is not None:
            seed_spaces(self._env, seed)
        return self._reset(seed=seed, **arguments)


def looped(make: Callable[[], gymnasium.Env[Any, Any]], num_envs: int) -> LoopedEnvironments:
    """Return ``num_envs`` environments that ``make`` makes, stepped one after the other."""
    envs: list[gymnasium.Env[Any, Any]] = []
    try:
        envs.extend(make() for _ in range(num_envs))  # keeps those made before one fails
        return LoopedEnvironments(envs)
    except BaseException:
        _close_all([env for env in envs if not is_held(env.unwrapped)])
        raise
