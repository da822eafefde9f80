"""What happens while a model trains: rollouts, callbacks, history, evaluation."""

from rlkit.training.callbacks import Callback, Update
from rlkit.training.evaluation import Evaluation
from rlkit.training.history import History
from rlkit.training.jobs import TrainingJob
from rlkit.training.run import TrainingRun

__all__ = ["Callback", "Evaluation", "History", "TrainingJob", "TrainingRun", "Update"]
