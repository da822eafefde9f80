"""rlkit: create, train, watch, keep and reload reinforcement-learning models, in a notebook or a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, cast

from rlkit import callbacks, ui
from rlkit.config import ModelConfig, hyperparameter
from rlkit.envs import (
    EnvironmentDescription,
    EnvironmentLike,
    EnvironmentList,
    describe_environment,
    list_environments,
)
from rlkit.errors import RLKitError
from rlkit.factory import ModelFactory, factory, register_model
from rlkit.models.base import ModelBase
from rlkit.registry import Dataset, ModelRegistry, ModelVersion, open_registry, use_registry
from rlkit.storage.archive import is_archive_path, read_archive
from rlkit.training import Callback, Evaluation, History, TrainingJob, TrainingRun, Update
from rlkit.training.jobs import jobs

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"


def create(algorithm: str, env: EnvironmentLike | None = None, **settings: Any) -> ModelBase:
    """Return a new model: ``rlkit.create("ppo", env="CartPole-v1", seed=0, learning_rate=1e-3)``.

    See :meth:`ModelFactory.create` for the settings and the errors.
    """
    return factory.create(algorithm, env, **settings)


def environments(part: str = "") -> EnvironmentList:
    """List the environments that Gymnasium knows, without making one: ``rlkit.environments("cart")``.

    Args:
        part: Part of an id or of a family such as ``"box2d"``, in any case; empty for all. ``"module:"`` imports a
            module and lists the environments of its package.

    Returns:
        The newest version of each; those that can be made here first, and of them those with presets.

    Raises:
        UnknownEnvironmentError: The module cannot be imported.
    """
    return list_environments(part, factory.presets())


def environment(env: EnvironmentLike, env_kwargs: Mapping[str, Any] | None = None) -> EnvironmentDescription:
    """Tell what an environment takes and gives, and which algorithms can learn it: ``rlkit.environment("CartPole")``.

    Args:
        env: What :func:`create` takes: an id, an environment, a vector environment, or a class or function that makes
            an environment.
        env_kwargs: Keyword arguments for ``gymnasium.make``, where ``env`` is an id.

    Raises:
        UnknownEnvironmentError: There is none of this id (the message names the nearest), or it cannot be made.
        EnvironmentContractError: No model could be trained in it.
        ConfigError: ``env_kwargs`` are given for an environment that is made elsewhere.
    """
    return describe_environment(env, factory.presets(), factory.takers, env_kwargs)


def registry(folder: str | PathLike[str] | None = None) -> ModelRegistry:
    """Return the registry in ``folder``, or the current one. What is current stays so: see :func:`use_registry`.

    Args:
        folder: The folder, which need not be there yet. Where None, that which :func:`use_registry` or ``%rl_store``
            chose or the environment variable ``RLKIT_HOME`` names, else ``rlkit_artifacts`` in the folder worked in.

    Raises:
        StoreError: ``folder`` is not a path, or it is a URL or the path of a file.
    """
    return open_registry(folder)


def register(
    model: ModelBase,
    name: str,
    *,
    tags: Sequence[str] = (),
    metrics: Mapping[str, float] | None = None,
    dataset: Dataset | Mapping[str, Any] | str | PathLike[str] | None = None,
    parent: str | None = None,
    description: str = "",
    slim: bool = False,
    allow_duplicate: bool = False,
    registry: ModelRegistry | str | PathLike[str] | None = None,
) -> ModelVersion:
    """Keep a model as the next version of ``name``: in ``registry``, or the folder of one; the current one where None.

    See :meth:`ModelRegistry.register` for the rest.
    """
    return _registry(registry).register(
        model,
        name,
        tags=tags,
        metrics=metrics,
        dataset=dataset,
        parent=parent,
        description=description,
        slim=slim,
        allow_duplicate=allow_duplicate,
    )


def load(
    source: str | PathLike[str],
    env: EnvironmentLike | None = None,
    *,
    trust: bool = False,
    registry: ModelRegistry | str | PathLike[str] | None = None,
) -> ModelBase:
    """Return a model from a registry or from a file.

    Args:
        source: ``"cartpole"`` (the newest version), ``"cartpole:3"``, ``"cartpole@best"``, or the path of a file
            that ``model.save`` wrote, which ends in ``.rlkit``.
        env: An environment for it; the one it was trained on where None.
        trust: Whether to run a model class that travels with the model and that you did not keep on this machine, and
            to import the module that registers its environment when that is made. Say so only where you know where it
            comes from.
        registry: The registry to load from, or its folder; the current one where None.

    Raises:
        InvalidReferenceError: ``source`` has none of these forms.
        ModelNotFoundError: The registry has no such model.
        StoreError: There is no such file, or it cannot be read.
        CorruptArtifactError: What is there is not what was written.
        UntrustedArtifactError: It would run code that is not trusted; nothing was run.
        UnknownAlgorithmError: The class that it was made with is not registered here.
        SpaceMismatchError: ``env`` has other spaces than the model was built for.
    """
    if is_archive_path(source):
        packed = read_archive(source)
        return factory.rebuild(packed.objects, env, metadata=packed.metadata, trust=trust, origin=str(source))
    return _registry(registry).load(cast("str", source), env, trust=trust)


def _registry(given: ModelRegistry | str | PathLike[str] | None) -> ModelRegistry:
    return given if isinstance(given, ModelRegistry) else open_registry(given)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the ``%rl_…`` magics: ``%load_ext rlkit``."""
    from rlkit.notebook.extension import load  # noqa: PLC0415 - IPython only where it is used

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Remove what ``%load_ext rlkit`` added: ``%unload_ext rlkit``."""
    from rlkit.notebook.extension import unload  # noqa: PLC0415 - IPython only where it is used

    unload(shell)


__all__ = [
    "Callback",
    "Dataset",
    "Evaluation",
    "History",
    "ModelBase",
    "ModelConfig",
    "ModelFactory",
    "ModelRegistry",
    "ModelVersion",
    "RLKitError",
    "TrainingJob",
    "TrainingRun",
    "Update",
    "callbacks",
    "create",
    "environment",
    "environments",
    "factory",
    "hyperparameter",
    "jobs",
    "load",
    "register",
    "register_model",
    "registry",
    "ui",
    "use_registry",
]
