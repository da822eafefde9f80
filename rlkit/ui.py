"""rlkit by hand: widgets for a notebook. Each function returns one, which the notebook shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rlkit
from rlkit.envs import EnvironmentLike
from rlkit.models.base import ModelBase
from rlkit.training.jobs import TrainingJob

if TYPE_CHECKING:  # widgets are loaded where they are asked for
    from rlkit.notebook.widgets.create import CreatePanel
    from rlkit.notebook.widgets.models.browser import ModelBrowser
    from rlkit.notebook.widgets.monitor import TrainingMonitor
    from rlkit.notebook.widgets.player import EpisodePlayer
    from rlkit.notebook.widgets.runs import RunsMonitor


def create(algorithm: str = "ppo", env_id: str | None = "CartPole-v1") -> CreatePanel:
    """Choose algorithm, environment and hyperparameters by hand; create a model, train it and keep it.

    The model is ``panel.model``; ``%rl_ui create`` puts it into a variable.

    Args:
        algorithm: Its name.
        env_id: Gymnasium id of the environment.

    Raises:
        UnknownAlgorithmError: There is no such algorithm.
    """
    from rlkit.notebook.widgets.create import CreatePanel  # noqa: PLC0415 - widgets only where they are used

    return CreatePanel(algorithm, env_id)


def monitor(*jobs: TrainingJob) -> TrainingMonitor | RunsMonitor:
    """Watch trainings in the background: one with all its buttons, several in one picture.

    Args:
        jobs: What ``model.train_in_background`` returned; where there are none, all that go on, else the newest.

    Raises:
        TrainingError: There is no job.
    """
    from rlkit.notebook.widgets.runs import monitor_of  # noqa: PLC0415 - widgets only where they are used

    return monitor_of(jobs)


def models(store: str | Path | None = None) -> ModelBrowser:
    """Find, look at, compare, load and tidy up models by hand; what others change shows by itself.

    The model that was loaded last is ``browser.model``; ``%rl_ui models`` puts it into a variable.

    Args:
        store: Folder of a registry; the current one by default.

    Raises:
        StoreError: The folder cannot be used.
    """
    from rlkit.notebook.widgets.models.browser import ModelBrowser  # noqa: PLC0415 - widgets only where they are used

    return ModelBrowser(rlkit.registry(store))


def watch(
    model: ModelBase,
    seed: int | None = None,
    *,
    env: EnvironmentLike | None = None,
    deterministic: bool = True,
    max_steps: int | None = None,
) -> EpisodePlayer:
    """Go through an episode step by step: picture, observation, action, reward, and what the model knew.

    Args:
        model: Who acts.
        seed: Of the episode; drawn where None.
        env: Where; the model's own environment by default.
        deterministic: Whether it takes the most probable action; else it draws.
        max_steps: Steps after which the episode is cut off.

    Raises:
        RLKitError: The model cannot act there.
    """
    from rlkit.notebook.widgets.player import EpisodePlayer  # noqa: PLC0415 - widgets only where they are used

    return EpisodePlayer(model.watch(seed, env=env, deterministic=deterministic, max_steps=max_steps))
