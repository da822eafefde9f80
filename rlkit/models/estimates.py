"""Estimates: what a model knows of a state beside the action that it takes there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlkit.envs import FeatureEncoder
from rlkit.envs.spaces import Features
from rlkit.training.normalize import Normalizer

_NAMES = ("values", "action_values", "action_probabilities")


class Estimates(ABC):
    """Values and probabilities, where the algorithm has them. None of this disturbs training."""

    _encoder: FeatureEncoder
    _normalizer: Normalizer

    @abstractmethod
    def _require_networks(self, task: str) -> None:
        """Raise where there are no networks that could do ``task``."""

    def _values(self, features: Features) -> NDArray[np.floating[Any]] | None:  # noqa: ARG002 - what others need
        """Return the return that the model expects from each state on, ``(batch,)``, in the unit that it learns in.

        None for an algorithm that has no such estimate. Uses no buffer that training uses.

        Args:
            features: Normalised, ``(batch, size)``.
        """
        return None

    def _action_values(self, features: Features) -> NDArray[np.floating[Any]] | None:  # noqa: ARG002 - the same
        """Return what the model expects of each discrete action, ``(batch, n)``: the rest as in :meth:`_values`."""
        return None

    def _action_probabilities(self, features: Features) -> NDArray[np.floating[Any]] | None:  # noqa: ARG002 - the same
        """Return the policy's probability of each discrete action, ``(batch, n)``: the rest as in :meth:`_values`."""
        return None

    def _estimates(self, features: Features) -> dict[str, NDArray[np.floating[Any]]]:
        """Return what the model knows of states with normalised features, in the unit of the rewards, by its name."""
        known = {name: self._estimate(name, features) for name in _NAMES}
        return {name: estimate for name, estimate in known.items() if estimate is not None}

    def _estimate(self, name: str, features: Features) -> NDArray[np.floating[Any]] | None:
        estimate: NDArray[np.floating[Any]] | None = getattr(self, f"_{name}")(features)
        if estimate is None or name == "action_probabilities":  # which have no unit
            return estimate
        return estimate * self._normalizer.reward_scale

    def predict_values(self, observation: Any) -> Any:
        """Return the return that the model expects from a state on, discounted as it learns, in the unit of rewards.

        The critic's V(s) of PPO and A2C, the greatest Q(s, a) of DQN.

        Args:
            observation: One observation of the environment's space, or a batch with one more dimension in front.

        Returns:
            A float, or for a batch floats ``(batch,)``. None for a model that makes no such estimate.

        Raises:
            MissingEnvironmentError: The model has no networks, as it never had an environment.
            SpaceMismatchError: The observation does not fit the space.
        """
        return self._estimated("values", observation)

    def action_values(self, observation: Any) -> Any:
        """Return Q(s, a) for each discrete action, as :meth:`predict_values` does for a state.

        Args:
            observation: One observation of the environment's space, or a batch with one more dimension in front.

        Returns:
            Floats ``(n,)``, or for a batch ``(batch, n)``. None for a model that has no action values, such as PPO.

        Raises:
            MissingEnvironmentError: The model has no networks, as it never had an environment.
            SpaceMismatchError: The observation does not fit the space.
        """
        return self._estimated("action_values", observation)

    def action_probabilities(self, observation: Any) -> Any:
        """Return the policy's probability of each discrete action: what an action is drawn from in training.

        Args:
            observation: One observation of the environment's space, or a batch with one more dimension in front.

        Returns:
            Floats ``(n,)`` of sum 1, or for a batch ``(batch, n)``. None for a model without a distribution over
            discrete actions, such as DQN, or a policy of real numbers.

        Raises:
            MissingEnvironmentError: The model has no networks, as it never had an environment.
            SpaceMismatchError: The observation does not fit the space.
        """
        return self._estimated("action_probabilities", observation)

    def _estimated(self, name: str, observation: Any) -> Any:
        self._require_networks("predict")
        features, batched = self._encoder.encode_any(observation)
        estimate = self._estimate(name, self._normalizer.observations(features))
        return estimate if estimate is None or batched else estimate[0]
