"""Where models are kept: versions with numbers, aliases, tags, metrics and lineage, in a plain folder."""

from rlkit.registry.current import open_registry
from rlkit.registry.registry import ModelRegistry
from rlkit.registry.versions import ModelVersion, VersionList

__all__ = ["ModelRegistry", "ModelVersion", "VersionList", "open_registry"]
