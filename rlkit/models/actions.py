"""From an action space to what an actor's output means, and from a policy's choice to the environment's own actions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rlkit.envs.spaces import Space
from rlkit.errors import TrainingError
from rlkit.nn.heads import BernoulliHead, CategoricalHead, GaussianHead, MultiCategoricalHead, PolicyHead

Actions = NDArray[Any]


def environment_actions(space: Space, *, rescale: bool = False) -> Callable[[Actions], Actions]:
    """Return a function from a policy's actions, ``(batch, …)``, to the space's own, ``(batch, *space.shape)``.

    Choices are counted from 0 in a policy and from ``start`` in a space; real numbers have no bounds in a policy and
    are clipped to those of the space; the function raises a :class:`~rlkit.errors.TrainingError` where one is not
    finite.

    Args:
        space: Discrete, MultiDiscrete, MultiBinary or Box.
        rescale: Whether -1 and 1 in a policy stand for the bounds of a Box: actions are clipped to [-1, 1] and then
            rescaled linearly. Numbers that lack a finite bound stay as they are.
    """
    shape: tuple[int, ...] = space.shape or ()
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        start, dtype = cast("Any", space).start, space.dtype
        return lambda actions: (actions.reshape(-1, *shape) + start).astype(dtype, copy=False)
    if isinstance(space, spaces.MultiBinary):
        return lambda actions: actions.reshape(-1, *shape)
    return _box_actions(cast("spaces.Box", space), rescale=rescale)


def _box_actions(box: spaces.Box, *, rescale: bool) -> Callable[[Actions], Actions]:
    shape, low, high, dtype = box.shape, box.low, box.high, box.dtype
    rescaled = np.isfinite(low) & np.isfinite(high) & ~((low == -1) & (high == 1)) & rescale
    if rescaled.any():
        low, high = np.where(rescaled, -1.0, low), np.where(rescaled, 1.0, high)
    bottom, top = (np.where(rescaled, bound.astype(np.float64), 0) for bound in (box.low, box.high))
    rounded = dtype.kind in "iub"
    largest = box.high.astype(np.float64)

    def clipped(actions: Actions) -> Actions:
        inside = np.clip(actions.reshape(-1, *shape), low, high)
        if not np.isfinite(inside).all():
            problem = f"The policy gave an action that is not finite: {inside[~np.isfinite(inside)][0]}."
            raise TrainingError(problem, "It has spread too far: lower learning_rate, ent_coef or log_std_init.")
        if rescaled.any():
            # Weights of both bounds: exact at -1 and 1, and no overflow however far apart the bounds are.
            weight = (np.where(rescaled, inside, 0) + 1.0) / 2
            inside = np.where(rescaled, np.clip(bottom * (1 - weight) + top * weight, bottom, top), inside)
        if not rounded:
            return inside.astype(dtype)
        inside = np.rint(inside)
        at_top = inside >= largest  # as a float the largest integer of 64 bits is one too large to be cast
        return np.clip(np.where(at_top, box.high, np.where(at_top, 0, inside).astype(dtype)), box.low, box.high)

    return clipped


def policy_head(space: Space, gaussian: Callable[[int], GaussianHead] = GaussianHead) -> PolicyHead:
    """Return the head of a policy for an action space.

    Args:
        space: Discrete, MultiDiscrete, MultiBinary or Box.
        gaussian: Makes the head for a Box of so many numbers.
    """
    if isinstance(space, spaces.Discrete):
        return CategoricalHead(int(space.n))
    if isinstance(space, spaces.MultiDiscrete):
        return MultiCategoricalHead([int(n) for n in space.nvec.reshape(-1)])
    if isinstance(space, spaces.MultiBinary):
        return BernoulliHead(math.prod(space.shape))
    return gaussian(math.prod(space.shape or ()))
