"""Replay: transitions kept to be learned from again, on preallocated arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rlkit.envs import Step
from rlkit.errors import ConfigError
from rlkit.nn.parameters import assign, count_of

Floats = NDArray[np.float32]
Features = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Transitions:
    """What was drawn from a replay buffer, one transition of up to ``n`` steps a row.

    Attributes:
        observations: ``(batch, features)``: in the buffer's dtype as drawn, float32 once they are normalized.
        actions: int64 ``(batch,)``.
        rewards: Discounted sum of the rewards on the way, float32 ``(batch,)``.
        next_observations: Where the way ends, ``(batch, features)`` of the same dtype.
        discounts: What the value there counts for, float32 ``(batch,)``: ``gamma`` to the power of the number of
            steps; 0 where that state is terminal, but not where an episode was cut off.
    """

    observations: Features
    actions: Integers
    rewards: NDArray[np.floating[Any]]
    next_observations: Features
    discounts: Floats

    def take(self, rows: slice) -> Transitions:
        """Return some of the transitions, as views."""
        return Transitions(
            self.observations[rows],
            self.actions[rows],
            self.rewards[rows],
            self.next_observations[rows],
            self.discounts[rows],
        )


def capacity(size: int, n_envs: int) -> int:
    """Return how many transitions a buffer of ``size`` holds: as many of each environment, and one at least."""
    return max(size // n_envs, 1) * n_envs


def transition_bytes(features: int, dtype: DTypeLike = np.float32) -> int:
    """Return how many bytes a transition takes in a replay buffer, in all arrays together."""
    return 2 * features * np.dtype(dtype).itemsize + 8 + 4 + 1 + 1


class ReplayBuffer:
    """The last transitions of several environments; when it is full, the oldest go first.

    Args:
        size: Transitions that it holds at most, of all environments together.
        n_envs: Environments.
        features: Features of an observation.
        dtype: Dtype of the features, which are kept as they come: float64 where they are normalized when drawn.
        reserve: Whether to allocate all of it now, and not only when it is first added to.

    Attributes:
        capacity: Transitions that it holds: a multiple of ``n_envs``.
        n_envs: Environments.

    Raises:
        ConfigError: There is not enough memory for them.
    """

    def __init__(
        self, size: int, n_envs: int, features: int, dtype: DTypeLike = np.float32, *, reserve: bool = True
    ) -> None:
        self.n_envs = n_envs
        self._size = size
        self.capacity = capacity(size, n_envs)
        self._rows = self.capacity // n_envs
        self._next_row = 0
        self._filled = 0
        self._allocate(self.capacity if reserve else 0, features, dtype)

    def _allocate(self, transitions: int, features: int, dtype: DTypeLike) -> None:
        # Row r of environment i is at r * n_envs + i.
        try:
            # zeros(), unlike empty() and a fill, lets the system hand out memory only when it is written to.
            self._observations: Features = np.zeros((transitions, features), dtype)
            self._next_observations: Features = np.zeros((transitions, features), dtype)
        except (MemoryError, ValueError):
            gigabytes = 2 * np.dtype(dtype).itemsize * transitions * features / 1e9
            problem = f"buffer_size = {self._size} takes {gigabytes:,.0f} GB for observations of {features:,} numbers."
            raise ConfigError(problem, "Set a smaller buffer_size.") from None
        self._actions: Integers = np.zeros(transitions, np.int64)
        self._rewards: Floats = np.zeros(transitions, np.float32)
        self._terminated: Bools = np.zeros(transitions, np.bool_)
        self._ended: Bools = np.zeros(transitions, np.bool_)

    def _reserve(self) -> None:
        """Allocate all of it where only what a file had is there."""
        before = self._arrays()
        self._allocate(self.capacity, self._observations.shape[1], self._observations.dtype)
        for name, array in self._arrays().items():
            array[: len(before[name])] = before[name]

    def __len__(self) -> int:
        return self._filled * self.n_envs

    def _row(self, row: int) -> slice:
        return slice(row * self.n_envs, (row + 1) * self.n_envs)

    def add(self, observations: Features, actions: Integers, step: Step) -> None:
        """Keep one transition of each environment.

        Args:
            observations: What was acted on, ``(n_envs, features)``.
            actions: As the policy gave them, ``(n_envs,)``.
            step: What came of it.
        """
        row = self._row(self._next_row)
        if row.stop > len(self._actions):
            self._reserve()
        self._observations[row] = observations
        self._actions[row] = actions
        self._rewards[row] = step.rewards
        self._next_observations[row] = step.final_observations
        self._terminated[row] = step.terminated
        np.logical_or(step.terminated, step.truncated, out=self._ended[row])
        self._next_row = (self._next_row + 1) % self._rows
        self._filled = min(self._filled + 1, self._rows)

    def cut(self) -> None:
        """Say that what is added next does not follow from what was added last: other episodes begin."""
        self._ended[self._row(self._newest)] = True

    @property
    def _newest(self) -> int:
        return (self._next_row - 1) % self._rows

    def sample(self, batch_size: int, rng: np.random.Generator, *, gamma: float, n_steps: int = 1) -> Transitions:
        """Return ``batch_size`` transitions drawn with replacement.

        With ``n_steps`` above 1 each goes on for up to that many steps (Sutton & Barto 2018, section 7.1): fewer where
        an episode ends or experience does.
        """
        drawn = rng.integers(len(self), size=batch_size)
        rewards, last = self._rewards.take(drawn), drawn
        discounts = np.full(batch_size, gamma, np.float32)
        if n_steps > 1:
            last = self._walk(drawn, rewards, discounts, gamma, n_steps)
        discounts *= ~self._terminated.take(last)
        return Transitions(
            self._observations.take(drawn, axis=0),
            self._actions.take(drawn),
            rewards,
            self._next_observations.take(last, axis=0),
            discounts,
        )

    def _walk(self, drawn: Integers, rewards: Floats, discounts: Floats, gamma: float, n_steps: int) -> Integers:
        """Go on from the transitions ``drawn`` for up to ``n_steps`` steps, and return where each way ends.

        The rewards on the way are added to ``rewards``, and ``discounts`` are multiplied by ``gamma`` for each step.
        """
        newest, at = self._newest, drawn.copy()
        going = np.arange(len(drawn))
        for _ in range(n_steps - 1):
            here = at[going]
            going = going[~self._ended.take(here) & (here // self.n_envs != newest)]
            at[going] = following = (at[going] + self.n_envs) % self.capacity
            rewards[going] += discounts[going] * self._rewards.take(following)
            discounts[going] *= np.float32(gamma)
        return at

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "observations": self._observations,
            "next_observations": self._next_observations,
            "actions": self._actions,
            "rewards": self._rewards,
            "terminated": self._terminated,
            "ended": self._ended,
        }

    def get_state(self) -> dict[str, Any]:
        """Return what it holds as plain data: as much as is filled."""
        arrays = {name: array[: len(self)].copy() for name, array in self._arrays().items()}
        return {**arrays, "next_row": self._next_row}

    def laid_out_for(self, n_envs: int, size: int) -> ReplayBuffer:
        """Return a buffer of ``size`` for ``n_envs`` environments with the same transitions, the newest if not all fit.

        That is this buffer where it has as many environments. A few are lost where their number does not divide evenly.
        """
        if n_envs == self.n_envs:
            return self
        other = ReplayBuffer(size, n_envs, self._observations.shape[1], self._observations.dtype)
        rows = (self._next_row - self._filled + np.arange(self._filled)) % self._rows
        filled = min(len(self) // n_envs, other.capacity // n_envs)
        # One environment's after the other's, oldest first, cut into n_envs pieces that are laid side by side.
        order = (rows[:, None] * self.n_envs + np.arange(self.n_envs)).T.reshape(-1)[len(self) - filled * n_envs :]
        self._ended[self._row(self._newest)] = True
        for name, array in self._arrays().items():
            pieces = array[order].reshape(n_envs, filled, *array.shape[1:])
            other._arrays()[name][: filled * n_envs] = pieces.swapaxes(0, 1).reshape(-1, *array.shape[1:])
        other._filled, other._next_row = filled, filled % other._rows
        other.cut()
        return other

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take the state that :meth:`get_state` gave, without allocating more than is in it.

        Raises:
            ValueError: Its shapes do not fit.
        """
        filled, odd = divmod(len(state["actions"]), self.n_envs)
        next_row = count_of(state["next_row"])
        if odd or filled > self._rows or not 0 <= next_row < self._rows or (filled < self._rows and next_row != filled):
            message = f"transitions up to row {next_row} of {filled} do not fit a replay buffer of {self._rows} rows"
            raise ValueError(message)
        if np.shape(state["observations"]) != (filled * self.n_envs, self._observations.shape[1]):
            message = f"there are observations of shape {np.shape(state['observations'])} in a replay buffer"
            raise ValueError(message)
        self._allocate(filled * self.n_envs, self._observations.shape[1], self._observations.dtype)
        for name, array in self._arrays().items():
            assign(array, state[name])
        self._filled, self._next_row = filled, next_row
