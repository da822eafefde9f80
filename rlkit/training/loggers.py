"""Callbacks that write down what happens in training: CSV, JSON lines, TensorBoard."""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
import os
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rlkit.errors import StoreError, TrainingError
from rlkit.storage.files import explained, open_log
from rlkit.training.callbacks import Callback, Update
from rlkit.training.monitors import EvaluateEvery

if TYPE_CHECKING:
    from rlkit.training.run import TrainingRun

Row = dict[str, Any]
_EVALUATED = ("eval_mean_return", "eval_std_return")


class _UpdateLogger(Callback):
    """Makes a row of every update."""

    def on_start(self, run: TrainingRun) -> None:
        """Note when the run began: that is its name."""
        self._run_name = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        self._offset = run.model.num_timesteps if run.model is not None else 0
        self._evaluates = any(isinstance(callback, EvaluateEvery) for callback in run.callbacks)
        self._evaluations = 0

    def on_update(self, run: TrainingRun, update: Update) -> None:
        """Write a row."""
        row: Row = {
            "run": self._run_name,
            "num_timesteps": self._offset + update.num_timesteps,
            "seconds": update.seconds,
            "mean_return": update.mean_return,
            "mean_length": update.mean_length,
            **update.metrics,
        }
        if self._evaluates:
            row |= self._evaluated(run)
        self._write(row, update)

    def _evaluated(self, run: TrainingRun) -> Row:
        """Return the evaluation since the last row; NaN where there was none."""
        evaluations = run.history.evaluations
        if evaluations.num_rows == self._evaluations:
            return dict.fromkeys(_EVALUATED, math.nan)
        self._evaluations = evaluations.num_rows
        return {name: float(evaluations[name.removeprefix("eval_")][-1]) for name in _EVALUATED}

    @abstractmethod
    def _write(self, row: Row, update: Update) -> None:
        """Write one row, so that it is there to be read."""


class _FileLogger(_UpdateLogger):
    """Adds lines to a text file; each is there to be read at once.

    Args:
        path: The file. Where it exists, lines are added: ``run``, the time when a run began, tells runs apart.

    Raises:
        TrainingError: ``path`` is no path.
    """

    def __init__(self, path: str | Path) -> None:
        if not isinstance(path, str | os.PathLike):
            raise TrainingError(f"{path!r:.80} is no path of a file.", "Write 'training.log'.")
        self.path = Path(path)
        self._file: TextIO | None = None

    def on_start(self, run: TrainingRun) -> None:
        """Open the file.

        Raises:
            StoreError: It cannot be written.
        """
        super().on_start(run)
        self._file = open_log(self.path)

    def on_end(self, run: TrainingRun) -> None:  # noqa: ARG002 - the interface of a callback
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            with explained("write to", self.path):
                file.close()

    def _write(self, row: Row, update: Update) -> None:  # noqa: ARG002 - the interface
        assert self._file is not None  # noqa: S101 - on_start opened it
        with explained("write to", self.path):
            self._write_line(self._file, row)
            self._file.flush()

    @abstractmethod
    def _write_line(self, file: TextIO, row: Row) -> None:
        """Write one row as a line."""


class LogToCSV(_FileLogger):
    """Writes a row an update to a CSV file, for a spreadsheet or ``pandas.read_csv``.

    Columns are ``run, num_timesteps`` (of the model, over all its training)``, seconds, mean_return, mean_length``, the
    algorithm's own, such as ``value_loss``, and with an :class:`~rlkit.callbacks.EvaluateEvery`
    ``eval_mean_return, eval_std_return``. What is not known is empty.

    Args:
        path: The file. Where it exists, rows are added: ``run``, the time when a run began, tells runs apart.
    """

    def on_start(self, run: TrainingRun) -> None:
        """Open the file, and read the columns that it has.

        Raises:
            StoreError: It cannot be read or written.
        """
        super().on_start(run)
        with explained("read", self.path), self.path.open(newline="", encoding="utf-8", errors="replace") as file:
            self._columns = next(csv.reader(file), [])

    def _write_line(self, file: TextIO, row: Row) -> None:
        if not self._columns:
            self._columns = list(row)
            csv.writer(file).writerow(self._columns)
        if self._columns != list(row):
            problem = f"{self.path} has other columns than this run: {', '.join(self._columns) or 'none'}."
            raise StoreError(problem, "Log to another file.")
        known = ["" if isinstance(value, float) and math.isnan(value) else value for value in row.values()]
        csv.writer(file).writerow(known)


class LogToJSONLines(_FileLogger):
    """Writes an update a line to a file, each a JSON object, for ``pandas.read_json(path, lines=True)``.

    Keys are those of :class:`LogToCSV`'s columns. What is not known is null.

    Args:
        path: The file. Where it exists, lines are added: ``run``, the time when a run began, tells runs apart.
    """

    def _write_line(self, file: TextIO, row: Row) -> None:
        known = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
        file.write(json.dumps(known, allow_nan=False) + "\n")


_TAGS = {
    "mean_return": "rollout/ep_rew_mean",
    "mean_length": "rollout/ep_len_mean",
    "eval_mean_return": "eval/mean_reward",
    "eval_std_return": "eval/std_reward",
}
"""Names that Stable-Baselines3 uses, so that curves of both lie on each other."""


class LogToTensorBoard(_UpdateLogger):
    """Writes every update for TensorBoard: ``%tensorboard --logdir runs``.

    The curves have Stable-Baselines3's names: ``rollout/ep_rew_mean``, ``train/value_loss``, ``eval/mean_reward``.
    Needs the package ``tensorboard`` (``pip install "rlkit[tensorboard]"``), but no TensorFlow.

    Args:
        folder: Where to write; each run gets a folder of its own in it.

    Raises:
        TrainingError: ``tensorboard`` is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            from tensorboard.summary import Writer  # noqa: PLC0415 - it is optional, and slow to import
        except ImportError as error:
            problem = "LogToTensorBoard needs the package tensorboard, which is not installed."
            raise TrainingError(problem, 'Install it: pip install "rlkit[tensorboard]".') from error
        self.folder = Path(folder)
        self._open = Writer
        self._writer: Any = None

    def on_start(self, run: TrainingRun) -> None:
        """Open a folder for the run.

        Raises:
            StoreError: It cannot be written.
        """
        super().on_start(run)
        name = f"{run.history.title} {self._run_name}".replace(" ", "_").replace("/", "-").replace(":", "")
        with explained("write to", self.folder):
            self._writer = self._open(str(self.folder / name))

    def _write(self, row: Mapping[str, Any], update: Update) -> None:
        step = row["num_timesteps"]
        scalars = {_TAGS.get(key, f"train/{key}"): value for key, value in row.items() if key not in _NO_CURVES}
        for tag, value in {**scalars, "time/fps": update.steps_per_second}.items():
            if not math.isnan(value):
                self._writer.add_scalar(tag, value, step)

    def on_end(self, run: TrainingRun) -> None:  # noqa: ARG002 - the interface of a callback
        """Write what is not written yet."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


_NO_CURVES = {"run", "num_timesteps", "seconds"}
