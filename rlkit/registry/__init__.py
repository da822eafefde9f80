"""Where models are kept: versions with numbers, aliases, tags, metrics and lineage, in a plain folder."""

from rlkit.registry.current import open_registry, use_registry
from rlkit.registry.datasets import Dataset
from rlkit.registry.registry import ModelRegistry
from rlkit.registry.versions import ModelVersion, VersionList

__all__ = ["Dataset", "ModelRegistry", "ModelVersion", "VersionList", "open_registry", "use_registry"]
