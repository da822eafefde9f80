"""Gymnasium in: environments made and stepped many at a time, and spaces as sizes and plain data."""

from rlkit.envs.catalogue import (
    EnvironmentDescription,
    EnvironmentInfo,
    EnvironmentList,
    describe_environment,
    list_environments,
)
from rlkit.envs.encoding import FeatureEncoder
from rlkit.envs.ids import newest_id, split_id, without_import
from rlkit.envs.make import EnvironmentLike, EnvironmentSource
from rlkit.envs.spaces import check_space, space_from_dict, space_to_dict
from rlkit.envs.thresholds import reward_threshold
from rlkit.envs.vector import Episode, Step, VectorEnvironment

__all__ = [
    "EnvironmentDescription",
    "EnvironmentInfo",
    "EnvironmentLike",
    "EnvironmentList",
    "EnvironmentSource",
    "Episode",
    "FeatureEncoder",
    "Step",
    "VectorEnvironment",
    "check_space",
    "describe_environment",
    "list_environments",
    "newest_id",
    "reward_threshold",
    "space_from_dict",
    "space_to_dict",
    "split_id",
    "without_import",
]
