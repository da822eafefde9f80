"""Checkpoints: versions of a model that are kept while it trains."""

from __future__ import annotations

import contextlib
import math
import os
import warnings
from collections.abc import Iterable

from rlkit.config.numbers import whole_number
from rlkit.errors import ModelNotFoundError, RLKitError, TrainingError
from rlkit.registry.current import open_registry
from rlkit.registry.names import check_name, check_tags
from rlkit.registry.registry import ModelRegistry
from rlkit.registry.versions import ModelVersion
from rlkit.training.callbacks import Callback, Every, Update
from rlkit.training.run import TrainingRun


class Checkpoint(Callback):
    """Registers the model as a new version again and again, and once more when training ends.

    Each version has what is known at that time: steps, learning curve, the last evaluation, and the mean return of the
    last episodes as the metric ``training_return``. Where a checkpoint cannot be written there is a warning, and
    training goes on.

    Args:
        name: What to call the model.
        steps: Environment steps between two checkpoints.
        keep: How many checkpoints of this run to keep: older ones move to the trash, but none that has got an alias.
            None for all.
        tags: Words to find them by.
        slim: Leave out experience that the model keeps to learn from, such as a replay buffer: else each checkpoint
            has it anew.
        parent: The reference of the version that the model was trained on from; where None, the one it was loaded from.
        registry: Where to keep them, or its folder; the current registry where None.

    Attributes:
        versions: The checkpoints of the run that are kept, oldest first.

    Raises:
        TrainingError: ``steps`` or ``keep`` is no positive whole number.
        InvalidNameError: The name or a tag is not allowed.
    """

    def __init__(
        self,
        name: str,
        steps: int,
        *,
        keep: int | None = None,
        tags: Iterable[str] = ("checkpoint",),
        slim: bool = True,
        parent: str | None = None,
        registry: ModelRegistry | str | os.PathLike[str] | None = None,
    ) -> None:
        self._name = check_name(name)
        self._every = Every(steps)
        self._keep = None if keep is None else whole_number("keep", keep, 1, TrainingError)
        self._tags = tuple(check_tags(tags))
        self._slim = slim
        self._parent = parent
        self._registry = registry
        self.versions: list[ModelVersion] = []

    def on_start(self, run: TrainingRun) -> None:
        """Begin anew, and see that the parent exists.

        Raises:
            ModelNotFoundError: It does not.
        """
        self._kept_in = self._registry if isinstance(self._registry, ModelRegistry) else open_registry(self._registry)
        if self._parent is not None:
            self._parent = self._kept_in.get(self._parent).ref
        self._every.begin()
        self.versions = []
        self._registered_at = run.model.num_timesteps

    def on_update(self, run: TrainingRun, update: Update) -> None:
        """Register a version where it is time to."""
        if self._every.passed(update.num_timesteps):
            self._register(run)

    def on_end(self, run: TrainingRun) -> None:
        """Register the last version."""
        if run.model.num_timesteps > self._registered_at:
            self._register(run)

    def _register(self, run: TrainingRun) -> None:
        mean_return = run.history.mean_return
        metrics = {} if math.isnan(mean_return) else {"training_return": mean_return}
        self._registered_at = run.model.num_timesteps
        try:
            version = self._kept_in.register(
                run.model,
                self._name,
                tags=self._tags,
                metrics=metrics,
                parent=self._parent,
                slim=self._slim,
                allow_duplicate=True,  # the same run again has checkpoints of its own, which it may forget
            )
            self.versions.append(version)
            self._forget_old()
        except RLKitError as error:
            message = f"The checkpoint after {self._registered_at:,} steps was not kept. {error} Training goes on."
            warnings.warn(message, stacklevel=2)

    def _forget_old(self) -> None:
        while self._keep is not None and len(self.versions) > self._keep:
            oldest = self.versions.pop(0)
            with contextlib.suppress(ModelNotFoundError):  # somebody else deleted it
                if not self._kept_in.get(oldest.ref).aliases:
                    self._kept_in.delete(oldest.ref)
