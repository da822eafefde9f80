"""From what a person gives (an id, an environment, a factory function) to environments that can be stepped."""

from __future__ import annotations

import contextlib
import copy
import inspect
import json
import pickle
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import cloudpickle
import gymnasium
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv, VectorWrapper
from gymnasium.wrappers import TimeLimit
from gymnasium.wrappers.vector import RecordEpisodeStatistics

from rlkit.envs.cartpole import SameStepCartPole
from rlkit.envs.checks import SourceChecks, changed_attributes, faithful_copy
from rlkit.envs.contract import check_environment
from rlkit.envs.ids import find_spec, saved_id
from rlkit.envs.spaces import Space
from rlkit.envs.thresholds import kwargs_of, reward_threshold, threshold_of, threshold_of_vector, time_limit
from rlkit.envs.vector import BatchedEnvironments, VectorEnvironment, in_use, is_held, looped, usable
from rlkit.errors import ConfigError, EnvironmentContractError, UnknownEnvironmentError, warn_caller

Environment = gymnasium.Env[Any, Any]
EnvironmentLike = str | Environment | VectorEnv[Any, Any, Any] | Callable[[], Environment]

# A vectorised step of CartPole costs as much as about four single ones, whatever the number of environments.
_VECTORISED_PAYS_FROM = 5


class EnvironmentSource:
    """Makes environments of one kind: for training, and others for evaluation.

    An environment that was passed as an object is a template: training and evaluation use copies of it. A vector
    environment that was passed is the one that trains. Evaluation uses a copy of it, or the same vector environment if
    it cannot be copied.

    Args:
        env: A Gymnasium id, an environment, a vector environment, or a function that returns an environment. An id
            may name the module that registers it, as in ``"module:My-v0"``: it is imported.
        env_kwargs: Keyword arguments for ``gymnasium.make``, where ``env`` is an id.

    Attributes:
        given: What was passed as ``env``.
        name: The Gymnasium id, or what stands for it.
        env_id: The Gymnasium id from which the same environment can be made again, with the module that registers it
            where that is known; None where there is none.
        env_kwargs: The keyword arguments the environment is made with.
        modified: Attributes in which the environment differs from what its id makes.
        observation_space: Space of one environment's observations.
        action_space: Space of one environment's actions.
        reward_threshold: The mean return from which the environment counts as solved; None where Gymnasium knows none,
            or where rewards or the time limit are not those that it is for.
        fixed_num_envs: How many environments there must be, or None for any number.
        described_spec: What Gymnasium knows of the environment, or None where it has no id.

    Raises:
        UnknownEnvironmentError: There is no such id, it cannot be made, or what was given is no environment.
        EnvironmentContractError: A vector environment resets in a mode that loses transitions, a space is missing, or
            a wrapper normalizes with running statistics of its own.
        ConfigError: ``env_kwargs`` is no dict, or ``env`` is no id that it could be for.
    """

    def __init__(self, env: EnvironmentLike, env_kwargs: Mapping[str, Any] | None = None) -> None:
        self.env_kwargs = copy.deepcopy(_checked_kwargs(env, env_kwargs))
        self.given = env
        self.fixed_num_envs: int | None = None
        self._vector: VectorEnv[Any, Any, Any] | None = None
        self._make = self._maker(env)
        if isinstance(env, VectorEnv):
            check_environment(env)
            self._vector = usable(env)
            self.fixed_num_envs = env.num_envs
            spec = env.spec
            spaces: tuple[object, object] = (env.single_observation_space, env.single_action_space)
            self._spec = None
            self.modified = _modified(env, spec)
            self.reward_threshold = threshold_of_vector(env)
            # make_vec records it as an argument where the vector environment is one of its own.
            self._own_limit = kwargs_of(spec).get("max_episode_steps", spec.max_episode_steps) if spec else None
        else:
            made = self._make()
            spec = made.spec
            # An environment or a function may differ from its spec in ways that no spec says.
            self._spec = spec if isinstance(env, str) else None
            spaces = (getattr(made, "observation_space", None), getattr(made, "action_space", None))
            try:
                check_environment(made)
                self.reward_threshold = (
                    reward_threshold(self._spec.id, self.env_kwargs) if self._spec else threshold_of(made)
                )
                self._own_limit = time_limit(made)
                self.modified = [] if isinstance(env, str) else _modified(made, spec)
            finally:
                if not is_held(made.unwrapped):  # a function may return one that another model trains in
                    made.close()
        self.observation_space: Space = _checked_space(env, "observation_space", spaces[0])
        self.action_space: Space = _checked_space(env, "action_space", spaces[1])
        self.name = spec.id if spec else "custom environment"
        self.checks = SourceChecks(None if isinstance(env, VectorEnv) else self._new, self.name)
        # Wrappers are not part of an id: a loaded model must not go on, unnoticed, without them.
        wrapped = spec is not None and (spec.additional_wrappers or spec.kwargs.get("wrappers"))
        self.env_id = saved_id(spec, env) if spec and not wrapped else None
        if not _is_plain(self.env_kwargs) or self.modified:  # nor without what cannot be saved
            self.env_id = None
        if self.modified:  # the threshold is that of the unmodified environment
            self.reward_threshold = None
        if spec and not isinstance(env, str):
            self.env_kwargs = kwargs_of(spec)
        self.described_spec = spec

    def _maker(self, env: EnvironmentLike) -> Callable[[], Environment]:
        """Return a function that makes one new environment."""
        if isinstance(env, str):
            spec = find_spec(env)
            return lambda: make_env(spec, self.env_kwargs)
        if isinstance(env, VectorEnv):
            return _maker_of_vector(env)
        if isinstance(env, gymnasium.Env):
            return _copier(env)
        if callable(env):
            _check_no_arguments(env)
            return lambda: _call(env)
        problem = f"{env!r:.80} is no environment."
        if _is_of_gym(env):
            raise UnknownEnvironmentError(problem, _OLD_GYM)
        raise UnknownEnvironmentError(problem, "Give a Gymnasium id, an Env, a VectorEnv or a function that makes one.")

    def _new(self) -> Environment:
        """Return a new environment that is not in use.

        Raises:
            EnvironmentContractError: A function returned one in which a model trains or is evaluated.
        """
        env = self._make()
        if is_held(env.unwrapped):
            raise in_use(env.unwrapped)
        return env

    def training(self, num_envs: int) -> VectorEnvironment:
        """Return ``num_envs`` environments to train on: the caller's own where it gave a vector environment."""
        if self._vector is not None:
            return self._checked(BatchedEnvironments(self._vector))
        return self.separate(num_envs)

    def evaluation(
        self, num_envs: int, max_episode_steps: int | None = None, *, itself: bool = False
    ) -> VectorEnvironment:
        """Return environments to evaluate in, which do not disturb training.

        Args:
            num_envs: How many, where the caller did not give a vector environment.
            max_episode_steps: Steps after which an episode is cut off, where the environment does not do so before.
            itself: Whether to use the vector environment that was passed, rather than a copy of it.

        Raises:
            EnvironmentContractError: It is a vector environment that cannot be copied, and is being trained in.
        """
        if self._vector is None:
            return self.separate(num_envs, max_episode_steps)
        copied = None if itself else self._copied_vector()
        vector = self._vector if copied is None else copied
        environment = self._checked(BatchedEnvironments(vector, is_ours=copied is not None))
        environment.max_episode_steps = max_episode_steps
        return environment

    def _copied_vector(self) -> VectorEnv[Any, Any, Any] | None:
        """Return a copy of the vector environment; None where it has none."""
        if self._vector is None or isinstance(self._vector.unwrapped, AsyncVectorEnv):  # whose processes have no copies
            return None
        try:
            copied = faithful_copy(self._vector)
        except Exception:  # noqa: BLE001 - an environment may refuse to be copied in any way
            return None
        return None if copied.unwrapped is self._vector.unwrapped else copied

    def copied(self) -> EnvironmentSource | None:
        """Return a source of the same environments that shares no object with this one; None where it has no copy."""
        if self._vector is not None:
            vector = self._copied_vector()
            return None if vector is None else EnvironmentSource(vector)
        if not isinstance(self.given, gymnasium.Env):
            return self  # an id and a function make new environments for both
        try:
            return EnvironmentSource(self._make())
        except Exception:  # noqa: BLE001 - it is made from its spec, which both can share
            return self

    def pickled(self) -> bytes | None:
        """Return what :meth:`from_pickle` makes the source from; None, with a warning, where it cannot be pickled."""
        try:
            given = self._make() if isinstance(self.given, gymnasium.Env) else self.given
            # By value where another process could not import it: a class of a notebook, a lambda.
            written: bytes = cloudpickle.dumps((given, self.env_kwargs if isinstance(given, str) else {}))
        except Exception as error:  # noqa: BLE001 - an environment may refuse in any way
            warn_caller(
                f"{self.name} cannot be pickled ({type(error).__name__}: {error!s:.80}): the copy of the model has no "
                f"environment. Give it one: model.build(env)."
            )
            return None
        return written

    @staticmethod
    def from_pickle(data: bytes) -> EnvironmentSource | None:
        """Return the source that :meth:`pickled` wrote; None, with a warning, where it cannot be read here."""
        try:
            env, env_kwargs = pickle.loads(data)
            return EnvironmentSource(env, env_kwargs)
        except Exception as error:  # noqa: BLE001 - a module may be missing, or a simulator
            warn_caller(
                f"The environment of a copied model cannot be made here ({type(error).__name__}: {error!s:.80}). "
                f"Give it one: model.build(env)."
            )
            return None

    @property
    def is_evaluated_itself(self) -> bool:
        """Whether evaluation plays in the vector environment that is trained in, as it cannot be copied."""
        if self._vector is None:
            return False
        copied = self._copied_vector()
        if copied is not None:
            copied.close()
        return copied is None

    @property
    def vector(self) -> VectorEnv[Any, Any, Any] | None:
        """The vector environment that trains, where one was passed."""
        return self._vector

    @property
    def is_template(self) -> bool:
        """Whether an environment was passed as an object, which is copied."""
        return isinstance(self.given, gymnasium.Env)

    def separate(self, num_envs: int, max_episode_steps: int | None = None) -> VectorEnvironment:
        """Return ``num_envs`` new environments, Gymnasium's vectorised ones where that pays.

        Args:
            num_envs: How many.
            max_episode_steps: Steps after which an episode is cut off, where the environment does not do so before.
        """
        vectorised = _vectorised(self._spec, num_envs) if num_envs >= _VECTORISED_PAYS_FROM else None
        environment = self._checked(vectorised or looped(self._new, num_envs))
        environment.max_episode_steps = max_episode_steps
        return environment

    def _checked(self, environment: VectorEnvironment) -> VectorEnvironment:
        environment.checks = self.checks
        return environment

    def single(self, *, max_episode_steps: int | None = None, render_mode: str | None = None) -> Environment:
        """Return one new environment.

        Args:
            max_episode_steps: Steps after which an episode is cut off, where the environment does not do so before.
            render_mode: What its ``render`` returns; None for nothing, and for no window either.
        """
        if self._spec is not None and render_mode != self.env_kwargs.get("render_mode"):
            env = make_env(self._spec, {**self.env_kwargs, "render_mode": render_mode})
        else:
            env = self._new()
            with contextlib.suppress(AttributeError):  # it may be fixed when the environment is made
                env.unwrapped.render_mode = render_mode
        return env if max_episode_steps is None else TimeLimit(env, max_episode_steps)

    @property
    def max_episode_steps(self) -> int | None:
        """Steps after which the environment itself cuts off an episode; None where that is not known."""
        return self._own_limit

    def is_limited_to(self, max_episode_steps: int) -> bool:
        """Whether the environment itself is known to cut off an episode after so many steps at the latest."""
        return self._own_limit is not None and self._own_limit <= max_episode_steps


def make_env(spec: EnvSpec, env_kwargs: Mapping[str, Any]) -> Environment:
    """Return one environment, without Gymnasium's passive checker, which costs time in every step.

    Raises:
        UnknownEnvironmentError: A package that it needs is not installed, or it does not take these arguments.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return gymnasium.make(spec, disable_env_checker=True, **env_kwargs)
    except (gymnasium.error.DependencyNotInstalled, ImportError) as error:
        raise UnknownEnvironmentError(f"{spec.id} needs a package that is not installed.", str(error)) from None
    except Exception as error:  # an environment may refuse its arguments in any way
        reason = error if isinstance(error, TypeError | ValueError) else f"{type(error).__name__} {error}"
        problem = f"{spec.id} cannot be made with {dict(env_kwargs)}: {reason}."
        raise UnknownEnvironmentError(problem, "Check env_kwargs.") from error


def _is_plain(kwargs: Mapping[str, Any]) -> bool:
    try:
        json.dumps(kwargs)
    except (TypeError, ValueError):
        return False
    return True


def _checked_space(env: EnvironmentLike, role: str, space: object) -> Space:
    if not isinstance(space, gymnasium.Space):
        problem, remedy = f"{env!r:.80} has no {role}.", f"Set self.{role} in its __init__, to one of gymnasium.spaces."
        if space is not None:
            problem = f"{env!r:.80} has the {role} {space!r:.80}, which is not one of gymnasium.spaces."
        raise EnvironmentContractError(problem, _OLD_GYM if _is_of_gym(space) else remedy)
    return space


def _checked_kwargs(env: EnvironmentLike, env_kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    if env_kwargs is not None and not isinstance(env_kwargs, Mapping):
        problem = f"env_kwargs = {env_kwargs!r:.80} is no dict."
        raise ConfigError(problem, 'Write env_kwargs={"max_episode_steps": 200}.')
    if env_kwargs and not isinstance(env, str):
        problem = f"env_kwargs = {dict(env_kwargs)!r:.80} cannot change an environment that is made elsewhere."
        raise ConfigError(problem, "Make it with them, or give its Gymnasium id as env.")
    return dict(env_kwargs or {})


def _check_no_arguments(factory: Callable[[], Environment]) -> None:
    try:
        inspect.signature(factory).bind()
    except TypeError:
        problem = f"The environment function {factory!r:.80} needs arguments."
        raise UnknownEnvironmentError(problem, "Give one that needs none: env=lambda: ...") from None
    except ValueError:
        pass  # it does not say what it needs


def _call(factory: Callable[[], Environment]) -> Environment:
    env = factory()
    if not isinstance(env, gymnasium.Env):
        problem = f"The environment function returned {env!r:.80}."
        raise UnknownEnvironmentError(problem, _OLD_GYM if _is_of_gym(env) else "It must return a gymnasium.Env.")
    return env


_OLD_GYM = "It is from the gym package, which gymnasium replaces: write import gymnasium as gym."


def _is_of_gym(value: object) -> bool:
    return any(each.__module__.partition(".")[0] == "gym" for each in type(value).__mro__)


def _copier(env: Environment) -> Callable[[], Environment]:
    """Return a function that makes environments like ``env``: its copies, or where it has none from its spec.

    A copy has what was changed since it was made; a spec says only how it was made.
    """
    try:
        template = faithful_copy(env)
    except Exception:  # noqa: BLE001 - an environment may refuse to be copied in any way
        return _remaker(env)
    if template.unwrapped is env.unwrapped:  # one that says that it is its own copy
        return _remaker(env)
    # What is changed about the environment from now on changes no copy: a model is trained as it was made.
    return lambda: faithful_copy(template)


def _remaker(env: Environment) -> Callable[[], Environment]:
    spec = env.spec
    try:
        if spec is not None:
            gymnasium.make(spec, disable_env_checker=True).close()
            return lambda: gymnasium.make(spec, disable_env_checker=True)
    except (gymnasium.error.Error, ValueError, TypeError):
        pass  # a wrapper that does not record how it was made
    problem = f"{env} cannot be copied, so that there is none for evaluation."
    raise UnknownEnvironmentError(problem, "Give a function that makes one: env=lambda: ...")


def _maker_of_vector(env: VectorEnv[Any, Any, Any]) -> Callable[[], Environment]:
    """Return a function that makes one of the environments in a vector environment, to look at."""
    base, changed = env, False
    while isinstance(base, VectorWrapper):
        # A wrapper may change what is seen and rewarded; this one only counts.
        changed, base = changed or not isinstance(base, RecordEpisodeStatistics), base.env
    if not changed and isinstance(base, SyncVectorEnv):
        with contextlib.suppress(UnknownEnvironmentError):
            return _copier(base.envs[0])
    if not changed and isinstance(base, SyncVectorEnv | AsyncVectorEnv):
        return lambda: _call(base.env_fns[0])
    spec = env.spec
    if not changed and spec is not None and spec.entry_point is not None:
        return lambda: make_env(find_spec(spec.id), kwargs_of(spec))

    def unavailable() -> Environment:
        problem = f"{env} gives no single environment to watch."
        raise UnknownEnvironmentError(problem, "Watch another one: model.watch(env=...).")

    return unavailable


def _modified(env: Environment | VectorEnv[Any, Any, Any], spec: EnvSpec | None) -> list[str]:
    """Return the attributes in which an environment differs from a new one of its spec; empty without a spec."""
    if spec is None or spec.id not in gymnasium.registry:
        return []
    kwargs = kwargs_of(spec)
    base = env.unwrapped
    if isinstance(base, VectorEnv) and not isinstance(base, SyncVectorEnv | AsyncVectorEnv):
        return changed_attributes(env, lambda: gymnasium.make_vec(spec.id, base.num_envs, **kwargs))
    return changed_attributes(env, lambda: make_env(find_spec(spec.id), kwargs))


def _vectorised(spec: EnvSpec | None, num_envs: int) -> VectorEnvironment | None:
    """Return Gymnasium's own vectorised environment where it has one that does just what single ones do."""
    if spec is None or spec.additional_wrappers or spec.vector_entry_point is None:
        return None
    if not str(spec.vector_entry_point).endswith(f":{CartPoleVectorEnv.__name__}"):
        return None
    kwargs = {k: v for k, v in spec.kwargs.items() if k != "render_mode"}
    env = SameStepCartPole.make(num_envs, max_episode_steps=spec.max_episode_steps or 10**9, **kwargs)
    return BatchedEnvironments(env, is_ours=True)
