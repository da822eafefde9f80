"""Validated hyperparameters: the schema, the files they are kept in, and the presets that are shipped."""

from rlkit.config.schema import Hyperparameter, ModelConfig, Scheduled, hyperparameter

__all__ = ["Hyperparameter", "ModelConfig", "Scheduled", "hyperparameter"]
