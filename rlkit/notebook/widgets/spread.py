"""How far returns spread around their running mean: the band of a learning curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlkit.training.history import WINDOW


def spread(steps: Any, episodes: Any) -> Any:
    """Return the standard deviation of the last 100 returns at each of some environment steps.

    Args:
        steps: Environment steps, of shape (n,).
        episodes: Columns ``num_timesteps`` and ``return``, in order.

    Returns:
        Of shape (n,); 0 where no episode had ended.
    """
    if not len(episodes.get("return", ())):
        return np.zeros(len(steps))
    returns = episodes["return"] - episodes["return"].mean()  # or large ones would leave no digits to their squares
    ended = np.searchsorted(episodes["num_timesteps"], steps, side="right")
    first = np.maximum(ended - WINDOW, 0)
    count = np.maximum(ended - first, 1)
    mean, square = (_sums(column, first, ended) / count for column in (returns, returns**2))
    return np.sqrt(np.maximum(square - mean**2, 0.0))


def _sums(column: Any, first: Any, ended: Any) -> Any:
    """Return the sums of slices of a column: of differences of its running sum, which is one pass over it."""
    running = np.concatenate([[0.0], np.cumsum(column)])
    return running[ended] - running[first]
