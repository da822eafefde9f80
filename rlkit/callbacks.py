"""Callbacks to give to ``train``: ``model.train(100_000, callbacks=[EvaluateEvery(10_000), LogToCSV("log.csv")])``."""

from rlkit.registry.checkpoints import Checkpoint
from rlkit.training.callbacks import Callback, Update
from rlkit.training.loggers import LogToCSV, LogToJSONLines, LogToTensorBoard
from rlkit.training.monitors import EvaluateEvery, StopAtReturn, StopWithoutImprovement

__all__ = [
    "Callback",
    "Checkpoint",
    "EvaluateEvery",
    "LogToCSV",
    "LogToJSONLines",
    "LogToTensorBoard",
    "StopAtReturn",
    "StopWithoutImprovement",
    "Update",
]
