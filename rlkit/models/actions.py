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


def environment_actions(space: Space) -> Callable[[Actions], Actions]:
    """Return a function from a policy's actions, ``(batch, …)``, to the space's own, ``(batch, *space.shape)``.

    Choices are counted from 0 in a policy and from ``start`` in a space; real numbers have no bounds in a policy and
    are cut to those of the space; the function raises a :class:`~rlkit.errors.TrainingError` where one is not finite.
    """
    shape: tuple[int, ...] = space.shape or ()
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        start, dtype = cast("Any", space).start, space.dtype
        return lambda actions: (actions.reshape(-1, *shape) + start).astype(dtype, copy=False)
    if isinstance(space, spaces.MultiBinary):
        return lambda actions: actions.reshape(-1, *shape)
    box = cast("spaces.Box", space)
    low, high, dtype = box.low, box.high, box.dtype
    whole = dtype.kind in "iu"

    def cut(actions: Actions) -> Actions:
        inside = np.clip(actions.reshape(-1, *shape), low, high)
        if not np.isfinite(inside).all():
            problem = f"The policy gave an action that is not finite: {inside[~np.isfinite(inside)][0]}."
            raise TrainingError(problem, "It has spread too far: lower learning_rate, ent_coef or log_std_init.")
        return (np.rint(inside) if whole else inside).astype(dtype)

    return cut


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
