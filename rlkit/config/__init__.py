"""Validated hyperparameters: the schema, the files they are kept in, and the presets that are shipped."""

from rlkit.config.fields import Hyperparameter, Scheduled, hyperparameter
from rlkit.config.schema import ModelConfig

__all__ = ["Hyperparameter", "ModelConfig", "Scheduled", "hyperparameter"]
