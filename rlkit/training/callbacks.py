"""Callbacks: what a caller may do while a model trains."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from rlkit.config.numbers import whole_number
from rlkit.errors import RLKitError, TrainingError, warn_caller

if TYPE_CHECKING:  # run.py calls callbacks; here only its name is needed
    from rlkit.envs import Episode
    from rlkit.training.run import TrainingRun


_LONGEST_WORD = 60  # characters of a setting


@dataclass(frozen=True, slots=True)
class Update:
    """One update of a model's parameters, with what is known after it.

    Attributes:
        num_timesteps: Environment steps of this run so far.
        total_timesteps: Environment steps that the run was asked for.
        seconds: Time since the run began.
        mean_return: Mean return of the last 100 episodes; NaN before the first has ended.
        mean_length: Mean length of the same episodes; NaN likewise.
        metrics: The algorithm's own figures, such as ``policy_loss``.
    """

    num_timesteps: int
    total_timesteps: int
    seconds: float
    mean_return: float
    mean_length: float
    metrics: Mapping[str, float]

    @property
    def steps_per_second(self) -> float:
        """Environment steps a second since the run began."""
        return self.num_timesteps / self.seconds if self.seconds > 0 else 0.0


class Callback:
    """Base of callbacks: override what you need. Any of them may call ``run.stop(reason)``."""

    serves_one_run: ClassVar[bool] = False
    """Whether it keeps something of a run, so that it cannot serve two at the same time: the second is refused."""

    only_shows: ClassVar[bool] = False
    """Whether it does nothing but show how a run goes: then versions do not tell of it."""

    def __new__(cls, *args: Any, **settings: Any) -> Self:
        """Keep the settings that it is made with, for :meth:`__repr__`."""
        callback = super().__new__(cls)
        words = [*map(_word, args), *(f"{name}={_word(value)}" for name, value in settings.items())]
        object.__setattr__(callback, "_made_with", ", ".join(words))  # also where a frozen dataclass derives from this
        return callback

    def __repr__(self) -> str:
        return f"{type(self).__name__}({vars(self).get('_made_with', '')})"

    def on_start(self, run: TrainingRun) -> None:
        """Do something before the first step."""

    def on_rollout(self, run: TrainingRun) -> None:
        """Do something after experience was collected, before the parameters change."""

    def on_episode(self, run: TrainingRun, episode: Episode) -> None:
        """Do something after an episode has ended."""

    def on_update(self, run: TrainingRun, update: Update) -> None:
        """Do something after the parameters have changed."""

    def on_end(self, run: TrainingRun) -> None:
        """Do something after the last update, also after a stop, an interrupt or an error."""


def _word(value: object) -> str:
    """Write a setting of a callback in a word: a folder and an object without a short form are not told."""
    if isinstance(value, bool | int | float | None):
        return repr(value)
    if isinstance(value, str | os.PathLike):
        return repr(os.path.basename(os.fspath(value)))[:_LONGEST_WORD]  # noqa: PTH119 - what is no path stays as it is
    return "..."


class Every:
    """Says when another ``steps`` environment steps of a run have passed.

    Args:
        steps: How many; updates come no more often than rollouts do, so that it may be some more.

    Raises:
        TrainingError: ``steps`` is no positive whole number.
    """

    def __init__(self, steps: int) -> None:
        self.steps = whole_number("steps", steps, 1, TrainingError)
        self.begin()

    def begin(self) -> None:
        """Count from the start of a run."""
        self._next = self.steps

    def passed(self, num_timesteps: int) -> bool:
        """Say whether they have passed again when the run has taken ``num_timesteps``."""
        if num_timesteps < self._next:
            return False
        self._next = (num_timesteps // self.steps + 1) * self.steps
        return True


class Subject:
    """Says whether a run trains what the run before did, for a callback that is given to several calls of ``train``.

    A copy of it, or one that was pickled, knows no run.
    """

    def __init__(self) -> None:
        self._model: Callable[[], Any] = lambda: None
        self._source: Callable[[], Any] = lambda: None
        self._seed: int | None = None

    def __reduce__(self) -> tuple[type[Subject], tuple[()]]:
        return Subject, ()

    def is_same(self, run: TrainingRun, *, in_any_environment: bool = False) -> bool:
        """Whether ``run`` trains the same model as the last run that was asked about, in the same environment.

        Args:
            run: A run that begins.
            in_any_environment: Whether the environment may be another one.
        """
        model, source = run.model, getattr(run.model, "_source", None)
        same_model = model is not None and self._model() is model and self._seed == model.seed
        same = same_model and (in_any_environment or self._source() is source)
        if not same:
            self._model = (lambda: None) if model is None else weakref.ref(model)
            self._seed = None if model is None else model.seed
        self._source = (lambda: None) if source is None else weakref.ref(source)
        return same


class Tolerance:
    """Lets training go on where something about it cannot be written: one warning a run, however often that fails."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Expect nothing at the start of a run."""
        self._has_warned = False

    @contextlib.contextmanager
    def tolerated(self, what: str) -> Iterator[None]:
        """Turn an error of writing inside the block into a warning.

        Args:
            what: A sentence that says what will be missing.
        """
        try:
            yield
        except (RLKitError, OSError) as error:
            if self._has_warned:
                return
            self._has_warned = True
            with contextlib.suppress(OSError, ValueError):  # standard error may be full or closed as well
                warn_caller(f"{what} {error}\nTraining goes on.")


def checked_callbacks(callbacks: Iterable[Callback] | Callback) -> list[Callback]:
    """Return callbacks as a list, whether one was given or several.

    Raises:
        TrainingError: One of them is no callback.
    """
    given = list(callbacks) if isinstance(callbacks, Iterable) else [callbacks]
    for callback in given:
        if not isinstance(callback, Callback):
            problem = f"{callback!r:.80} is no callback."
            raise TrainingError(problem, "Derive a class from rlkit.Callback, and give an object of it.")
    return given
