"""Callbacks that write down what happens in training: CSV, JSON lines, TensorBoard."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import os
import socket
import time
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rlkit.errors import StoreError, TrainingError
from rlkit.storage.files import LogFile, expanded, explained
from rlkit.training.callbacks import Callback, Tolerance, Update
from rlkit.training.monitors import EvaluateEvery

if TYPE_CHECKING:
    from rlkit.training.run import TrainingRun

Row = dict[str, Any]
_ALWAYS = ("run", "num_timesteps", "seconds", "mean_return", "mean_length")
_EVALUATED = ("eval_mean_return", "eval_std_return")


class _UpdateLogger(Callback):
    """Adds a record to a file for every update; each is there to be read at once.

    Where one cannot be written there is one warning a run, and training goes on; later ones are tried again.

    Args:
        path: Where to write.

    Raises:
        TrainingError: ``path`` is no path.
    """

    serves_one_run: ClassVar[bool] = True

    _log: LogFile | None = None

    def __init__(self, path: str | Path) -> None:
        if not isinstance(path, str | os.PathLike):
            raise TrainingError(f"{path!r:.80} is no path of a file.", "Write 'training.log'.")
        self.path = expanded(path)
        self._tolerance = Tolerance()

    def on_start(self, run: TrainingRun) -> None:
        """Open the file. When the run began is the run's name.

        Raises:
            StoreError: It cannot be written.
        """
        self._run_name = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        self._offset = run.model.num_timesteps if run.model is not None else 0
        self._evaluates = any(isinstance(callback, EvaluateEvery) for callback in run.callbacks)
        self._evaluations = 0
        self._tolerance.begin()
        self._log = self._opened(run)

    def on_update(self, run: TrainingRun, update: Update) -> None:
        """Write a record."""
        row: Row = {
            "run": self._run_name,
            "num_timesteps": self._offset + update.num_timesteps,
            "seconds": update.seconds,
            "mean_return": update.mean_return,
            "mean_length": update.mean_length,
            **{name: _plain(value) for name, value in update.metrics.items()},
        }
        if self._evaluates:
            row |= self._evaluated(run)
        assert self._log is not None  # noqa: S101 - on_start opened it
        with self._tolerance.tolerated(f"{type(self).__name__}: updates are missing from the log."):
            self._write(self._log, row, update)

    def on_end(self, run: TrainingRun) -> None:  # noqa: ARG002 - the interface of a callback
        """Close the file."""
        log, self._log = self._log, None
        if log is not None:
            with self._tolerance.tolerated(f"{type(self).__name__}: updates may be missing from the log."):
                log.close()

    def _evaluated(self, run: TrainingRun) -> Row:
        """Return the evaluation since the last row; NaN where there was none."""
        evaluations = run.history.evaluations
        if evaluations.num_rows == self._evaluations:
            return dict.fromkeys(_EVALUATED, math.nan)
        self._evaluations = evaluations.num_rows
        return {name: float(evaluations[name.removeprefix("eval_")][-1]) for name in _EVALUATED}

    @abstractmethod
    def _opened(self, run: TrainingRun) -> LogFile:
        """Return the file of a run."""

    @abstractmethod
    def _write(self, log: LogFile, row: Row, update: Update) -> None:
        """Write one record, so that it is there to be read."""


def _plain(value: Any) -> Any:
    """Return a figure as Python's own number, where an algorithm gives one of NumPy's."""
    return value.item() if isinstance(value, np.generic | np.ndarray) else value


class LogToCSV(_UpdateLogger):
    """Writes a row an update to a CSV file, for a spreadsheet or ``pandas.read_csv``.

    Columns are ``run, num_timesteps`` (of the model, over all its training)``, seconds, mean_return, mean_length``, the
    algorithm's own, such as ``value_loss``, and with an :class:`~rlkit.callbacks.EvaluateEvery`
    ``eval_mean_return, eval_std_return``. What is not known is empty. Where a row cannot be written, as on a full disk
    or to a file with another algorithm's columns, there is one warning a run, and training goes on.

    Args:
        path: The file. Where it exists, rows are added: ``run``, the time when a run began, tells runs apart.
    """

    def _opened(self, run: TrainingRun) -> LogFile:  # noqa: ARG002 - the interface
        with explained("read", self.path):
            self._columns = self._read_columns() if self.path.is_file() else []
        expected, found = [*_ALWAYS], self._columns[: len(_ALWAYS)]
        if self._columns and (found != expected or (self._columns[-2:] == [*_EVALUATED]) != self._evaluates):
            raise self._has_other_columns()
        return LogFile(self.path)

    def _read_columns(self) -> list[str]:
        with self.path.open(newline="", encoding="utf-8", errors="replace") as file:
            return next(csv.reader(file), [])

    def _has_other_columns(self) -> StoreError:
        problem = f"{self.path} has other columns than this run: {', '.join(self._columns) or 'none'}."
        return StoreError(problem, "Log to another file.")

    def _write(self, log: LogFile, row: Row, update: Update) -> None:  # noqa: ARG002 - the interface
        self._columns = self._columns or list(row)
        if self._columns != list(row):
            raise self._has_other_columns()
        known = ["" if isinstance(value, float) and math.isnan(value) else value for value in row.values()]
        log.add(_csv_line(known), head=_csv_line(self._columns))


def _csv_line(values: list[Any]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(values)
    return line.getvalue().encode()


class LogToJSONLines(_UpdateLogger):
    """Writes an update a line to a file, each a JSON object, for ``pandas.read_json(path, lines=True)``.

    Keys are those of :class:`LogToCSV`'s columns. What is not known is null. Where a line cannot be written, as on a
    full disk, there is one warning a run, and training goes on.

    Args:
        path: The file. Where it exists, lines are added: ``run``, the time when a run began, tells runs apart.
    """

    def _opened(self, run: TrainingRun) -> LogFile:  # noqa: ARG002 - the interface
        return LogFile(self.path)

    def _write(self, log: LogFile, row: Row, update: Update) -> None:  # noqa: ARG002 - the interface
        known = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
        log.add(f"{json.dumps(known, allow_nan=False)}\n".encode())


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
    Needs the package ``tensorboard`` (``pip install tensorboard``), but no TensorFlow. Where an update cannot
    be written, as on a full disk, there is one warning a run, and training goes on.

    Args:
        folder: Where to write; each run gets a folder of its own in it.

    Raises:
        TrainingError: ``tensorboard`` is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__(folder)
        self.folder = self.path
        try:
            # They are optional, and slow to import.
            from tensorboard.compat.proto.event_pb2 import Event  # noqa: PLC0415
            from tensorboard.compat.proto.summary_pb2 import Summary  # noqa: PLC0415
            from tensorboard.summary.writer.record_writer import RecordWriter  # noqa: PLC0415
        except ImportError as error:
            problem = "LogToTensorBoard needs the package tensorboard, which is not installed."
            raise TrainingError(problem, "Install it: pip install tensorboard.") from error
        self._event, self._summary, self._writer = Event, Summary, RecordWriter

    def _opened(self, run: TrainingRun) -> LogFile:
        name = f"{run.history.title} {self._run_name}".replace(" ", "_").replace("/", "-").replace(":", "")
        file = f"events.out.tfevents.{time.time():.0f}.{socket.gethostname()}.{os.getpid()}"
        log = LogFile(self.folder / name / file, lines=False)
        log.add(self._version())
        return log

    def _version(self) -> bytes:
        """Return the record that every file of events begins with."""
        return self._record(self._event(wall_time=time.time(), file_version="brain.Event:2"))

    def _record(self, event: Any) -> bytes:
        buffer = io.BytesIO()
        self._writer(buffer).write(event.SerializeToString())
        return buffer.getvalue()

    def _write(self, log: LogFile, row: Row, update: Update) -> None:
        scalars = {_TAGS.get(key, f"train/{key}"): value for key, value in row.items() if key not in _NO_CURVES}
        # Each value is a simple_value, as SB3 and PyTorch write them: of a tensor, tools that read scalars find none.
        values = [
            self._summary.Value(tag=tag, simple_value=value)
            for tag, value in {**scalars, "time/fps": update.steps_per_second}.items()
            if not math.isnan(value)
        ]
        event = self._event(wall_time=time.time(), step=row["num_timesteps"], summary=self._summary(value=values))
        log.add(self._record(event), head=self._version())


_NO_CURVES = {"run", "num_timesteps", "seconds"}
