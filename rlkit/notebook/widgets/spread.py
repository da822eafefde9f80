"""How far returns spread around their running mean: the band of a learning curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlkit.training.history import WINDOW


def spread(steps: Any, episodes: Any) -> Any:
    """Return the standard deviation of the last 100 returns at each of some environment steps.

    It looks at those alone, so that it takes as long however many episodes there are.

    Args:
        steps: Environment steps, of shape (n,).
        episodes: Columns ``num_timesteps`` and ``return``, in order.

    Returns:
        Of shape (n,); 0 where no episode had ended.
    """
    if not len(episodes.get("return", ())):
        return np.zeros(len(steps))
    ended = np.searchsorted(episodes["num_timesteps"], steps, side="right")
    rows = ended[:, None] - np.arange(1, WINDOW + 1)
    known = rows >= 0
    count = np.maximum(known.sum(axis=1), 1)
    returns = np.where(known, episodes["return"][np.maximum(rows, 0)], 0.0)
    mean = returns.sum(axis=1) / count
    away = np.where(known, returns - mean[:, None], 0.0)
    return np.sqrt((away**2).sum(axis=1) / count)
