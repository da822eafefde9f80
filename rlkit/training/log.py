"""What is remembered of all the training of a model, over several calls of ``train`` and over saving and loading."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np

from rlkit.config.changes import ConfigChange, with_change
from rlkit.nn.threads import blas_kernel
from rlkit.training.history import History

Curve = dict[str, list[float]]

_CURVE_POINTS = 200
_MOST_STEPS = 2**63
_LONGEST = 500  # characters of a text of a call


@dataclass(frozen=True, slots=True)
class TrainingCall:
    """One call of ``train``: what was asked for, what came of it, and on which machine.

    Attributes:
        begun_at: Environment steps that the model had taken before.
        steps: Environment steps that were asked for.
        total: Environment steps of the run that the call was a part of; None where schedules spanned the call alone.
        num_timesteps: Environment steps that were taken.
        callbacks: What was called on the way, such as ``"StopAtReturn(475)"``.
        stop_reason: Why it ended before its time; empty where it did not.
        error: The error that ended it; empty where none did.
        restored: Whether the model then became again what it was after these steps: what it trained further is lost.
        left_out: Experience that it lost so, or when it was saved after the call; empty for none.
        seconds: How long it took.
        started: When it began: UTC, ISO 8601.
        cpu: Name of the processor.
        blas: The BLAS that multiplied matrices, with its version and the kernel that it chose for the processor:
            another kernel gives other last bits.
    """

    begun_at: int
    steps: int
    total: int | None = None
    num_timesteps: int = 0
    callbacks: tuple[str, ...] = ()
    stop_reason: str = ""
    error: str = ""
    restored: bool = False
    left_out: str = ""
    seconds: float = 0.0
    started: str = ""
    cpu: str = ""
    blas: str = ""

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the call that gave ``record`` with :meth:`to_dict`; what a later rlkit has added is passed over.

        Raises:
            TypeError: ``record`` is not one.
            ValueError: A number is out of bounds, or a text too long.
        """
        if not isinstance(record, Mapping):
            message = f"{record!r:.80} is no call of train"
            raise TypeError(message)
        known = {name: record[name] for name in cls.__dataclass_fields__ if name in record}
        callbacks = known.pop("callbacks", ())
        total = known.get("total")
        counts = [known.get("begun_at"), known.get("steps"), known.get("num_timesteps", 0)]
        counts += [] if total is None else [total]
        texts = [known.get(name, "") for name in ("stop_reason", "error", "left_out", "started", "cpu", "blas")]
        seconds = known.get("seconds", 0.0)
        words = isinstance(callbacks, list | tuple) and all(isinstance(text, str) for text in (*texts, *callbacks))
        if not words or not isinstance(known.get("restored", False), bool):
            message = f"{record!r:.80} is no call of train"
            raise TypeError(message)
        whole = all(type(count) is int and 0 <= count < _MOST_STEPS for count in counts)
        lasted = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < _MOST_STEPS
        if not whole or not lasted or any(len(text) > _LONGEST for text in (*texts, *callbacks)):
            message = f"{record!r:.80} is a call of train that cannot be"
            raise ValueError(message)
        return cls(**known, callbacks=tuple(callbacks))

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as plain data."""
        return {**asdict(self), "callbacks": list(self.callbacks)}


def calls_from(records: Iterable[Mapping[str, Any]]) -> tuple[TrainingCall, ...]:
    """Return the calls that gave ``records`` with :meth:`TrainingCall.to_dict`.

    Raises:
        TypeError, ValueError: One of them is not such a record.
    """
    return tuple(map(TrainingCall.from_dict, records))


def is_complete(calls: Sequence[TrainingCall], num_timesteps: int) -> bool:
    """Whether calls are all that a model of ``num_timesteps`` steps has been trained by."""
    step = 0
    for call in calls:
        if call.begun_at != step:
            return False
        step += call.num_timesteps
    return step == num_timesteps


class TrainingLog:
    """Learning curve, calls of ``train`` and changes of hyperparameters of all training so far.

    Args:
        curve: Learning curve of earlier training: ``{"steps": […], "mean_return": […]}``.
        seconds: How long that took.
        config_changes: Changes of hyperparameters during that.
        calls: The calls of ``train`` that it was made of, as far as they are known.

    Attributes:
        config_changes: Changes of hyperparameters so far, in order, by steps of all training.
        history: The call of ``train`` under way, or the last one in this process; None before the first.
    """

    def __init__(
        self,
        curve: Curve | None = None,
        seconds: float = 0.0,
        config_changes: Iterable[ConfigChange] = (),
        calls: Iterable[TrainingCall] = (),
    ) -> None:
        self.config_changes = tuple(config_changes)
        self.history: History | None = None
        self._recorded: History | None = None
        self._past_curve: Curve = curve or {"steps": [], "mean_return": []}
        self._past_seconds = seconds
        self._past_calls = tuple(calls)
        self._call: TrainingCall | None = None
        self._steps_before = 0

    @classmethod
    def from_dict(
        cls, record: Mapping[str, Any], curve: Curve, config_changes: Iterable[ConfigChange], left_out: str
    ) -> Self:
        """Return the log that gave ``record`` with :meth:`to_dict`, and of which a state tells the rest.

        Args:
            record: ``wall_time`` and ``training``, as far as they are known.
            curve: The learning curve.
            config_changes: Changes of hyperparameters.
            left_out: Experience that was left out when the model was saved.

        Raises:
            TypeError, ValueError: ``record`` holds something else.
        """
        seconds = record.get("wall_time") or 0.0
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < _MOST_STEPS:
            message = f"wall_time = {seconds!r:.80} is no number of seconds"
            raise ValueError(message)
        calls = calls_from(record.get("training") or ())
        if left_out and calls:
            calls = (*calls[:-1], replace(calls[-1], left_out=left_out))
        return cls(curve, seconds, config_changes, calls)

    def to_dict(self) -> dict[str, Any]:
        """Return what of the log is in no state: two runs that did the same take different times, on other machines."""
        return {"wall_time": self.seconds, "training": [call.to_dict() for call in self.calls]}

    def begin(
        self, history: History, num_timesteps: int, *, total: int | None = None, callbacks: Iterable[str] = ()
    ) -> None:
        """Record another call of ``train``.

        Args:
            history: What happens in it.
            num_timesteps: Environment steps that the model has taken before.
            total: Environment steps of the run that it is a part of.
            callbacks: What is called on the way.
        """
        self._past_curve, self._past_seconds, self._past_calls = self.curve, self.seconds, self.calls
        self.history = self._recorded = history
        self._steps_before = num_timesteps
        self._call = TrainingCall(
            num_timesteps,
            history.total_timesteps,
            total,
            callbacks=tuple(text[:_LONGEST] for text in callbacks),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            cpu=cpu_name(),
            blas=blas_kernel(),
        )

    def add_config_change(self, change: ConfigChange) -> None:
        """Record a change of a hyperparameter."""
        self.config_changes = with_change(self.config_changes, change)

    def went_back(self, earlier: TrainingLog, num_timesteps: int, left_out: str) -> TrainingLog:
        """Return the log of a model that became again what it was.

        Its time was spent all the same, and its last call of ``train`` is still that. Calls are those until then, where
        the learning curves agree that it was this model; else they are not known.

        Args:
            earlier: The log that it had then.
            num_timesteps: Environment steps that it had taken then.
            left_out: What of its experience it has lost.
        """
        log = TrainingLog(earlier.curve, self.seconds, earlier.config_changes)
        log.history = self.history
        known = dict(zip(self.curve["steps"], self.curve["mean_return"], strict=True))
        points = zip(earlier.curve["steps"], earlier.curve["mean_return"], strict=True)
        if all(known.get(step, mean) == mean for step, mean in points):
            until = [call for call in self.calls if call.begun_at < num_timesteps]
            if until and until[-1].begun_at + until[-1].num_timesteps >= num_timesteps:
                taken = num_timesteps - until[-1].begun_at
                until[-1] = replace(until[-1], num_timesteps=taken, restored=True, left_out=left_out)
                log._past_calls = tuple(until)
        return log

    @property
    def seconds(self) -> float:
        """How long all training took."""
        return self._past_seconds + (self._recorded.seconds if self._recorded else 0.0)

    @property
    def calls(self) -> tuple[TrainingCall, ...]:
        """The calls of ``train`` so far, in order, as far as they are known: the one under way as far as it got."""
        history = self._recorded
        if self._call is None or history is None or not history.num_timesteps:
            return self._past_calls
        call = replace(
            self._call,
            num_timesteps=history.num_timesteps,
            stop_reason=history.stop_reason[:_LONGEST],
            error=history.error[:_LONGEST],
            seconds=history.seconds,
        )
        return (*self._past_calls, call)

    @property
    def curve(self) -> Curve:
        """Mean return over all training: ``{"steps": […], "mean_return": […]}``, at most 200 points."""
        recorded = self._recorded
        recent = recorded.learning_curve(_CURVE_POINTS) if recorded else {"steps": [], "mean_return": []}
        steps = [*self._past_curve["steps"], *(self._steps_before + step for step in recent["steps"])]
        means = [*self._past_curve["mean_return"], *recent["mean_return"]]
        if len(steps) > _CURVE_POINTS:
            kept = np.linspace(0, len(steps) - 1, _CURVE_POINTS).round().astype(int)
            steps, means = [steps[i] for i in kept], [means[i] for i in kept]
        return {"steps": steps, "mean_return": means}


@cache
def cpu_name() -> str:
    """Return the name of this machine's processor, or its architecture where the system does not tell the name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (names[0] if names else platform.processor() or platform.machine())[:_LONGEST]
