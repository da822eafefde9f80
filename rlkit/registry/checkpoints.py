"""Checkpoints: versions of a model that are kept while it trains."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable
from typing import ClassVar

from rlkit.config.numbers import whole_number
from rlkit.errors import ModelNotFoundError, TrainingError
from rlkit.registry.current import open_registry
from rlkit.registry.names import check_name, check_tags
from rlkit.registry.registry import ModelRegistry
from rlkit.registry.versions import ModelVersion
from rlkit.storage.files import check_writable
from rlkit.training.callbacks import Callback, Every, Subject, Tolerance, Update
from rlkit.training.run import TrainingRun


class Checkpoint(Callback):
    """Registers the model as a new version again and again, and once more when training ends.

    Each version has what is known at that time: steps, learning curve, the last evaluation, and the mean return of the
    last episodes as the metric ``training_return``. Where checkpoints cannot be written while the model trains there is
    one warning a run, and training goes on; later ones are tried again.

    Args:
        name: What to call the model.
        steps: Environment steps between two checkpoints.
        keep: How many checkpoints to keep, of all calls of ``train`` with this object and the same model: older ones
            move to the trash, but none that has got an alias. None for all.
        tags: Words to find them by.
        slim: Leave out experience that the model keeps to learn from, such as a replay buffer: else each checkpoint
            has it anew.
        parent: The reference of the version that the model was trained on from; where None, the one it was loaded from.
        registry: Where to keep them, or its folder; the current registry where None.

    Attributes:
        versions: The checkpoints that are kept, oldest first; of another model they begin anew.

    Raises:
        TrainingError: ``steps`` or ``keep`` is no positive whole number.
        InvalidNameError: The name or a tag is not allowed.
    """

    serves_one_run: ClassVar[bool] = True

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
        self._kept_in: ModelRegistry | None = None
        self._subject = Subject()
        self._tolerance = Tolerance()

    def on_start(self, run: TrainingRun) -> None:
        """See that the parent exists, and that versions can be written; forget the checkpoints of another model.

        Raises:
            ModelNotFoundError: There is no such parent.
            ModelDefinitionError: The model cannot be saved.
            StoreError: The registry's folder cannot be written to.
        """
        registry = self._registry if isinstance(self._registry, ModelRegistry) else open_registry(self._registry)
        if self._parent is not None:
            self._parent = registry.get(self._parent).ref
        check_writable(registry.folder)
        run.model.packed(slim=True)
        self._every.begin()
        self._tolerance.begin()
        if not self._subject.is_same(run, in_any_environment=True) or registry is not self._kept_in:
            self.versions = []
        self._kept_in = registry
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
        registry = self._kept_in
        assert registry is not None  # noqa: S101 - on_start opened it
        with self._tolerance.tolerated(f"The checkpoint after {self._registered_at:,} steps was not kept."):
            version = registry.register(
                run.model,
                self._name,
                tags=self._tags,
                metrics=metrics,
                parent=self._parent,
                slim=self._slim,
                allow_duplicate=True,  # the same run again has checkpoints of its own, which it may forget
            )
            self.versions.append(version)
            self._forget_old(registry)

    def _forget_old(self, registry: ModelRegistry) -> None:
        while self._keep is not None and len(self.versions) > self._keep:
            oldest = self.versions.pop(0)
            with contextlib.suppress(ModelNotFoundError):  # somebody else deleted it
                if not registry.get(oldest.ref).aliases:
                    registry.delete(oldest.ref)
