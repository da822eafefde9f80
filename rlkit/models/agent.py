"""Agent: what acts in an environment, without what it takes to train it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rlkit.config import ModelConfig
from rlkit.config.numbers import whole_number
from rlkit.envs import (
    EnvironmentLike,
    EnvironmentSource,
    FeatureEncoder,
    VectorEnvironment,
    check_space,
    reward_threshold,
    space_to_dict,
    without_import,
)
from rlkit.envs.spaces import Features, Space
from rlkit.errors import (
    ConfigError,
    EnvironmentContractError,
    MissingEnvironmentError,
    SpaceMismatchError,
    TrainingError,
    warn_caller,
)
from rlkit.models.estimates import Estimates
from rlkit.training.evaluation import Evaluation, play_episodes
from rlkit.training.normalize import Normalizer
from rlkit.watching import Recording, record

# More environments make an evaluation faster, and each may hold a window, a data set or a simulator.
_EVALUATION_ENVS = 8
_LONGEST_EPISODE = 100_000
"""Steps after which an evaluation cuts an episode off: a policy may run in circles for ever."""
_LONGEST_WATCHED = 10_000
"""Steps after which an episode that is watched is cut off: every one of them is kept."""


class _Fixed:
    """An attribute that the model sets itself, as ``_name``: assigning it would make another model of what is saved.

    Args:
        remedy: What to do instead.
    """

    def __init__(self, remedy: str) -> None:
        self._remedy = remedy

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, agent: Agent | None, owner: type | None = None) -> Any:
        return self if agent is None else getattr(agent, f"_{self._name}")

    def __set__(self, agent: Agent, value: object) -> None:
        raise ConfigError(f"The {self._name} of a model cannot be assigned ({value!r:.80}).", self._remedy)

    def __delete__(self, agent: Agent) -> None:
        raise ConfigError(f"The {self._name} of a model cannot be deleted.", self._remedy)


class _FixedConfig(_Fixed):
    """The config: an assignment is answered with the call that makes the same change."""

    def __set__(self, agent: Agent, value: object) -> None:
        remedy = self._remedy
        if isinstance(value, agent.Config):
            changes = {name: new for name, (_, new) in agent.config.diff(value).items()}
            live = type(agent.config).live_names()
            if changes and (agent.observation_space is None or changes.keys() <= set(live)):
                remedy = f"Use model.reconfigure({', '.join(f'{name}={new!r}' for name, new in changes.items())})."
        raise ConfigError("The config of a model cannot be assigned.", remedy)


class Agent(Estimates):
    """Networks for an environment's spaces: built, asked for actions, evaluated.

    Args:
        config: Hyperparameters; the algorithm's defaults where None.
        env: The environment to learn: a Gymnasium id, an ``Env``, a ``VectorEnv`` or a function that makes an
            ``Env``. May be given later, to :meth:`build`.
        env_kwargs: Keyword arguments for ``gymnasium.make``, where ``env`` is an id.
        seed: Seed of everything random in the model, the environments included; drawn where None.

    Attributes:
        config: Hyperparameters. Like seed and spaces they cannot be assigned: see :meth:`reconfigure`.
        seed: The seed in use.
        num_timesteps: Environment steps trained so far.
        observation_space: Space of observations; None before :meth:`build`.
        action_space: Space of actions; None before :meth:`build`.
    """

    Config: ClassVar[type[ModelConfig]]
    """Class of the hyperparameters."""
    observation_spaces: ClassVar[tuple[type[Space], ...]] = (
        spaces.Box,
        spaces.Discrete,
        spaces.MultiDiscrete,
        spaces.MultiBinary,
        spaces.Dict,
        spaces.Tuple,
    )
    """Kinds of observation space that the algorithm takes."""
    action_spaces: ClassVar[tuple[type[Space], ...]]
    """Kinds of action space that the algorithm takes."""

    if TYPE_CHECKING:  # subclasses annotate config with their own class
        config: ModelConfig
        seed: int
        observation_space: Space | None
        action_space: Space | None
    else:
        config = _FixedConfig(
            "Use model.reconfigure(learning_rate=1e-4) for settings that may change while training; "
            "create a new model for others."
        )
        seed = _Fixed("Create a new model with it: rlkit.create('ppo', 'CartPole-v1', seed=0).")
        observation_space = _Fixed("Give the model an environment: model.build('CartPole-v1').")
        action_space = _Fixed("Give the model an environment: model.build('CartPole-v1').")

    def __init__(
        self,
        config: ModelConfig | None = None,
        env: EnvironmentLike | None = None,
        *,
        env_kwargs: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> None:
        self._config = self.Config() if config is None else config
        if not isinstance(self.config, self.Config):
            problem = f"{type(self).__name__} cannot use a {type(config).__name__}."
            raise ConfigError(problem, f"Give it a {self.Config.__name__}.")
        self._seed = _checked_seed(seed)
        self.num_timesteps = 0
        self._observation_space: Space | None = None
        self._action_space: Space | None = None
        self._env_id: str | None = None
        self._env_kwargs: dict[str, Any] = {}
        self._env_name: str | None = None
        self._env_modified: list[str] = []
        self._may_import = False
        """Whether the module that ``_env_id`` names may be imported: a caller or this user's signature named it."""
        self._source: EnvironmentSource | None = None
        self._evaluation: Evaluation | None = None
        self._evaluated_at = 0
        self._rng = np.random.default_rng(self.seed)
        # Predicting must not change what training draws next.
        self._predict_rng = np.random.default_rng([self.seed, 1])
        if env is not None:
            self.build(env, env_kwargs=env_kwargs)

    # -- environment and networks ------------------------------------------------------------------------------------

    def build(self, env: EnvironmentLike, *, env_kwargs: Mapping[str, Any] | None = None) -> Self:
        """Give the model its environment, and the first time its networks; return the model.

        A model that has networks keeps them: the new environment's spaces must equal those it was built for.

        Raises:
            UnknownEnvironmentError: There is no such environment.
            UnsupportedSpaceError: The algorithm cannot take its spaces.
            SpaceMismatchError: The model was built for other spaces.
            ConfigError: A vector environment has another number of environments than the config says.
        """
        source = EnvironmentSource(env, env_kwargs)
        self._check_spaces(source.observation_space, source.action_space)
        self._adopt(source)
        if self.observation_space is None:
            self._build_for(source.observation_space, source.action_space)
        return self

    def _adopt(self, source: EnvironmentSource) -> None:
        self._adjust_num_envs(source)
        self._source, self._may_import = source, True
        # Arguments alone make no environment, and some cannot be saved.
        self._env_id, self._env_kwargs = source.env_id, source.env_kwargs if source.env_id else {}
        self._env_name, self._env_modified = source.name, source.modified

    def _check_spaces(self, observation_space: Space, action_space: Space) -> None:
        name = type(self).__name__
        check_space(observation_space, self.observation_spaces, role="observation", algorithm=name)
        check_space(action_space, self.action_spaces, role="action", algorithm=name)
        for space in (observation_space, action_space):
            space_to_dict(space)  # what could not be saved must not be trained
        pairs = (
            ("observation", self.observation_space, observation_space),
            ("action", self.action_space, action_space),
        )
        for role, ours, theirs in pairs:
            if ours is not None and ours != theirs:
                problem = f"The model was built for the {role} space {ours}; this environment's is {theirs}."
                raise SpaceMismatchError(problem, "Give an environment with the same spaces, or create a new model.")

    def _adjust_num_envs(self, source: EnvironmentSource) -> None:
        given, wanted = source.fixed_num_envs, getattr(self.config, "n_envs", None)
        if given is None or wanted is None or given == wanted:
            return
        # A model that has networks was made by a caller who knew another environment.
        if self.config.sources["n_envs"] == "caller" and self.observation_space is None:
            raise self.config.contradiction(wanted, given)
        self._config = self.config.adjusted(n_envs=given)

    def _build_for(self, observation_space: Space, action_space: Space) -> None:
        self._observation_space, self._action_space = observation_space, action_space
        normalize = getattr(self.config, "normalize", "none")
        observations = normalize in ("observations", "both")
        # Normalized first and rounded then: float32 cannot tell 1.7e9 from 1.7e9 + 9.
        self._encoder = FeatureEncoder(observation_space, np.float64 if observations else np.float32)
        self._normalizer = Normalizer(
            self._encoder.continuous,
            observations=observations,
            rewards=normalize in ("rewards", "both"),
            gamma=getattr(self.config, "gamma", 1.0),
        )
        self._build_networks(self._encoder.size, action_space)

    _restoring = False
    """Whether networks are being built whose weights are about to be replaced: any will do."""

    @abstractmethod
    def _build_networks(self, features: int, action_space: Space) -> None:
        """Make networks and optimizer for observations of ``features`` numbers; ``_rng`` draws the weights."""

    @property
    def env_name(self) -> str:
        """Id of the environment, or what stands for it."""
        return self._env_name or ("custom environment" if self.observation_space is not None else "no environment")

    def _require_source(self, task: str) -> EnvironmentSource:
        if self._source is None and self._env_id is not None:
            env_id = self._env_id if self._may_import else without_import(self._env_id)
            self.build(env_id, env_kwargs=self._env_kwargs)
        if self._source is None:
            problem = f"This {type(self).__name__} model cannot {task}: it has no environment."
            if self._env_modified:
                changed = ", ".join(self._env_modified)
                problem += f" It was made for a {self._env_name} whose {changed} had been changed."
                remedy = "Give it such a one: rlkit.load(..., env=env) or model.build(env)."
                raise MissingEnvironmentError(problem, remedy)
            raise MissingEnvironmentError(problem, "Give it one: model.build('CartPole-v1').")
        return self._source

    def _require_networks(self, task: str) -> None:
        if self.observation_space is None:
            problem = f"This {type(self).__name__} model cannot {task}: it has no networks yet."
            raise MissingEnvironmentError(problem, "Give it an environment: model.build('CartPole-v1').")

    @property
    def parameters(self) -> Mapping[str, NDArray[np.floating]]:
        """Copies of the arrays that training changes, by name, such as ``"actor.0.weight"``.

        Empty before :meth:`build`, and for an algorithm that does not tell its own.
        """
        return {}

    @property
    def reward_threshold(self) -> float | None:
        """Mean return from which the environment counts as solved; None where that or it is not known."""
        return self._source.reward_threshold if self._source else reward_threshold(self._env_id, self._env_kwargs)

    # -- acting ------------------------------------------------------------------------------------------------------

    def predict(self, observation: Any, *, deterministic: bool = True) -> Any:
        """Return the action for one observation, or an array of actions for a batch.

        Args:
            observation: One observation of the environment's space, or a batch with one more dimension in front.
            deterministic: The most probable action; else one drawn from the policy. With gSDE the noise is drawn anew
                in each call: what is smooth in training is not here.

        Raises:
            MissingEnvironmentError: The model has no networks, as it never had an environment.
            SpaceMismatchError: The observation does not fit the space.
        """
        self._require_networks("predict")
        features, batched = self._encoder.encode_any(observation)
        rng = None if deterministic else self._predict_rng
        actions = self._act(self._normalizer.observations(features), rng)
        if batched:
            return actions
        # One choice is a number; of a Box without dimensions an element is an array all the same.
        return actions[0] if isinstance(self.action_space, spaces.Discrete) else np.asarray(actions[0])

    @abstractmethod
    def _act(self, features: Features, rng: np.random.Generator | None) -> NDArray[Any]:
        """Return the environment's actions for normalised features ``(batch, size)``, drawn with ``rng`` or best."""

    def evaluate(
        self,
        episodes: int = 100,
        *,
        seed: int | None = None,
        env: EnvironmentLike | None = None,
        n_envs: int | None = None,
        deterministic: bool = True,
        max_episode_steps: int | None = None,
    ) -> Evaluation:
        """Return the returns of complete episodes in separate environments. Training is not disturbed.

        Evaluation makes new environments from the id, the class or the function, and copies an environment that was
        passed as an object. What training has stored in its own environments since, such as the level of a curriculum,
        is not in them: to evaluate at that level, pass an ``env`` that is set to it. A vector environment is copied as
        it is now; one that cannot be copied, such as an ``AsyncVectorEnv``, and one that is passed as ``env``, is reset
        and used itself.

        Where another thread trains the model, it waits meanwhile, after the update under way.

        Args:
            episodes: How many.
            seed: Seed of the environments; one that depends on the model's own where None.
            env: Another environment with the same spaces; the model's own where None.
            n_envs: Environments that are stepped together, each with its own share of the episodes, and never more.
                Where None, 1 for an environment that was passed as an object, so that one that walks through a data
                set plays its items in turn; the number of a vector environment; else 8, or as many as ``episodes``.
            deterministic: Whether to take the most probable action; else actions are drawn.
            max_episode_steps: Steps after which an episode is cut off, where the environment does not do so before;
                100,000 where None, and then there is a warning.

        Raises:
            MissingEnvironmentError: The model has no environment.
            UnknownEnvironmentError: ``env`` is no environment.
            SpaceMismatchError: ``env`` has other spaces.
            EnvironmentContractError: A vector environment that cannot be copied is being trained in.
            TrainingError: ``episodes``, ``n_envs`` or ``max_episode_steps`` is not a positive whole number, or
                ``n_envs`` is not the number of a vector environment.
            ConfigError: ``seed`` is not a whole number from 0.
        """
        episodes = whole_number("episodes", episodes, 1, TrainingError)
        source = self._evaluation_source(env)
        seed = self._evaluation_seed(seed)
        rng = None if deterministic else np.random.default_rng(seed)
        limit = _checked_limit("max_episode_steps", max_episode_steps, source, _LONGEST_EPISODE)
        num_envs = _number_of_envs(source, n_envs, episodes)
        with self.paused():  # a vector environment is copied as it is between two updates
            environment = self._evaluation_environment(source, num_envs, limit, itself=env is not None)
        try:
            with self.paused():  # the same policy in all episodes, also where a thread trains it
                returns, lengths = play_episodes(
                    lambda features: self._act(self._normalizer.observations(features), rng),
                    environment,
                    episodes,
                    seed,
                )
                evaluated_at = self.num_timesteps
        finally:
            environment.close()
        cut_off = 0 if limit is None else int((lengths >= limit).sum())
        if cut_off and max_episode_steps is None:
            told = f"{cut_off} of {episodes} episodes did not end within {limit:,} steps and were cut off"
            warn_caller(f"{told}. Set max_episode_steps to another limit.")
        title = f"{type(self).__name__} on {source.name}, evaluated"
        threshold = _threshold(source, max_episode_steps)
        evaluation = Evaluation(returns, lengths, title, seed, deterministic, threshold, cut_off)
        if env is None:
            self._evaluation, self._evaluated_at = evaluation, evaluated_at
        return evaluation

    def watch(
        self,
        seed: int | None = None,
        *,
        env: EnvironmentLike | None = None,
        deterministic: bool = True,
        max_steps: int | None = None,
    ) -> Recording:
        """Return one episode to look at, played in a separate environment. Training is not disturbed.

        It is the first that :meth:`evaluate` plays with the same seed.

        Args:
            seed: Seed of the environment; one that depends on the model's own where None.
            env: Another environment with the same spaces; the model's own where None.
            deterministic: Whether to take the most probable action; else actions are drawn.
            max_steps: Steps after which the episode is cut off, where the environment does not do so before; 10,000
                where None.

        Raises:
            MissingEnvironmentError: The model has no environment.
            UnknownEnvironmentError: ``env`` is no environment, or a package that draws it is not installed.
            SpaceMismatchError: ``env`` has other spaces.
            TrainingError: ``max_steps`` is not a positive whole number.
            ConfigError: ``seed`` is not a whole number from 0.
        """
        source = self._evaluation_source(env, "be watched")
        seed = self._evaluation_seed(seed)
        rng = None if deterministic else np.random.default_rng(seed)
        limit = _checked_limit("max_steps", max_steps, source, _LONGEST_WATCHED)

        def policy(features: Features) -> tuple[NDArray[Any], dict[str, NDArray[np.floating[Any]]]]:
            normalized = self._normalizer.observations(features)
            return self._act(normalized, rng), self._estimates(normalized)

        title = f"{type(self).__name__} on {source.name}, one episode"
        with self.paused():  # the same policy in all steps, also where a thread trains it
            return record(
                policy, source, self._encoder, seed=seed, limit=limit, title=title, deterministic=deterministic
            )

    def _evaluation_seed(self, seed: int | None) -> int:
        if seed is None:
            return int(np.random.SeedSequence([self.seed, 2]).generate_state(1)[0])
        return _checked_seed(seed)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hold what changes the agent inside the block: nothing does, unless it trains."""
        yield

    def _evaluation_source(self, env: EnvironmentLike | None, task: str = "be evaluated") -> EnvironmentSource:
        if env is None:
            return self._require_source(task)
        self._require_networks(task)
        source = EnvironmentSource(env)
        self._check_spaces(source.observation_space, source.action_space)
        return source

    def _evaluation_environment(
        self, source: EnvironmentSource, num_envs: int, limit: int | None, *, itself: bool
    ) -> VectorEnvironment:
        """Return ``num_envs`` environments to evaluate in, which the caller closes."""
        environment = source.evaluation(num_envs, limit, itself=itself)
        environment.encoder = self._encoder
        return environment

    def check_evaluation(
        self, env: EnvironmentLike | None = None, *, max_episode_steps: int | None = None
    ) -> float | None:
        """Make an environment as :meth:`evaluate` does while the model trains, and close it.

        In an environment that is given one step is taken as well. The model's own takes its first in training.

        Args:
            env: As for :meth:`evaluate`.
            max_episode_steps: As for :meth:`evaluate`.

        Returns:
            The mean return from which it counts as solved, as that evaluation will say.

        Raises:
            MissingEnvironmentError: The model has no environment.
            UnknownEnvironmentError: ``env`` is no environment, or there is none for evaluation.
            SpaceMismatchError: ``env`` has other spaces.
            EnvironmentContractError: ``env`` does not do what Gymnasium promises, or the model trains in a vector
                environment that cannot be copied.
        """
        source = self._evaluation_source(env)
        if env is None and source.is_evaluated_itself:
            raise EnvironmentContractError(
                f"The model trains in {source.given}, which cannot be copied: it cannot be evaluated there meanwhile.",
                "Evaluate it in another environment: EvaluateEvery(..., env=...).",
            )
        limit = _checked_limit("max_episode_steps", max_episode_steps, source, _LONGEST_EPISODE)
        environment = self._evaluation_environment(source, 1, limit, itself=env is not None)
        try:
            if env is not None:
                features = environment.reset(self._evaluation_seed(None))
                environment.step(self._act(self._normalizer.observations(features), None))
        finally:
            environment.close()
        return _threshold(source, max_episode_steps)

    def remember(self, evaluation: Evaluation) -> None:
        """Take an evaluation of the model as it is now for its last one: for a model that became what it was before."""
        self._evaluation, self._evaluated_at = evaluation, self.num_timesteps

    @property
    def evaluation(self) -> Evaluation | None:
        """The last evaluation on the model's own environment; None where the model has trained since."""
        return self._evaluation if self._evaluated_at == self.num_timesteps else None


def _checked_limit(name: str, given: int | None, source: EnvironmentSource, longest: int) -> int | None:
    """Return the steps after which an episode is cut off; None where the environment does so early enough."""
    if given is not None:
        return whole_number(name, given, 1, TrainingError)
    return None if source.is_limited_to(longest) else longest


def _number_of_envs(source: EnvironmentSource, n_envs: int | None, episodes: int) -> int:
    """Return how many environments an evaluation steps together."""
    fixed = source.fixed_num_envs
    if n_envs is not None:
        n_envs = whole_number("n_envs", n_envs, 1, TrainingError)
        if fixed is not None and n_envs != fixed:
            problem = f"n_envs = {n_envs}, but the vector environment has {fixed}."
            raise TrainingError(problem, f"Leave n_envs out, or set it to {fixed}.")
    if fixed is not None:
        return fixed
    return min(n_envs or (1 if source.is_template else _EVALUATION_ENVS), episodes)


def _threshold(source: EnvironmentSource, max_episode_steps: int | None) -> float | None:
    """Return the return from which an environment counts as solved; None where its episodes are cut off earlier."""
    applies = max_episode_steps is None or source.is_limited_to(max_episode_steps)
    return source.reward_threshold if applies else None


def _checked_seed(seed: int | None) -> int:
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    return whole_number("seed", seed, 0, ConfigError)
