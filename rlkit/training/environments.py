"""The environments that a model trains in, which stay open from one call of ``train`` to the next."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np

from rlkit.envs import EnvironmentSource, VectorEnvironment
from rlkit.envs.spaces import Features


class TrainingEnvironments:
    """The environments that a model trains in, with whatever state they keep, and where their episodes stand.

    They are closed by :meth:`close`, or when nothing refers to the model any more.

    Attributes:
        observations: What the policy acts on next, float32 ``(n_envs, size)``, where the episodes of the last run can
            go on; None where new ones must begin.
        saved: Where episodes stood in the process that saved the model; None where that is not known.
    """

    def __init__(self) -> None:
        self.observations: Features | None = None
        self.saved: Mapping[str, Any] | None = None
        self._vector: VectorEnvironment | None = None
        _all.add(self)

    def open(self, source: EnvironmentSource, num_envs: int) -> VectorEnvironment:
        """Return ``num_envs`` environments, made by ``source`` unless as many are open and none has failed."""
        if self._vector is not None and (self._vector.has_failed or self._vector.num_envs != num_envs):
            self.close()
        if self._vector is None:
            self._vector = source.training(num_envs)
        return self._vector

    def close(self) -> None:
        """Close the environments, except the caller's own; new ones are made when they are needed."""
        vector, self._vector = self._vector, None
        self.observations = self.saved = None
        if vector is not None:
            vector.close()

    def __del__(self) -> None:
        # A weakref.finalize would keep the model alive for as long as one of its environments refers to it.
        self.close()

    @property
    def vector(self) -> VectorEnvironment | None:
        """The environments that are open."""
        return self._vector

    def copied(self, source: EnvironmentSource, saved: Mapping[str, Any] | None) -> TrainingEnvironments:
        """Return copies of the environments in the middle of their episodes.

        Args:
            source: What makes the environments of the copy. A vector environment that was passed is already a copy.
            saved: Where the episodes stand, for environments that cannot be copied.
        """
        other = TrainingEnvironments()
        if self._vector is not None:
            other._vector = self._vector.copied(source.vector)
        if other._vector is None:
            other.saved = saved
        elif self.observations is not None and other._vector.copies_go_on:
            other.observations = self.observations.copy()
        return other

    def get_state(self) -> dict[str, Any] | None:
        """Return where the episodes stand as plain data; None where they cannot go on in another process."""
        if self.observations is None or self._vector is None:
            return None if self.saved is None else dict(self.saved)
        episodes = self._vector.get_state()
        return None if episodes is None else {"episodes": episodes, "observations": self.observations.copy()}

    def resume(self) -> Features | None:
        """Return what the policy acts on next in the episodes of the last run; None where new ones must begin.

        Those of a run in another process go on where they stood, if the environments can take that up.
        """
        saved, self.saved = self.saved, None
        observations, self.observations = self.observations, None  # until an update is complete
        if self._vector is None or self._vector.has_failed or (observations is None and saved is None):
            return None
        ours = self._vector.hold()
        if observations is not None:
            return observations if ours else None  # a vector environment that was used elsewhere since
        assert saved is not None  # noqa: S101 - else both were None
        try:
            saved["discounted_returns"]  # looked at before anything is changed
            observations = np.array(saved["observations"])
            if len(observations) != self._vector.num_envs:
                return None
            self._vector.set_state(saved["episodes"])
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # of other environments
            return None
        return observations


_all: weakref.WeakSet[TrainingEnvironments] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Close what is open when Python ends: environments may have files to complete."""
    for environments in list(_all):
        environments.close()
