"""What words mean in a notebook: its variables, and objects that expressions in the line gave."""

from __future__ import annotations

import keyword
import shlex
from collections.abc import Mapping
from typing import Any

import gymnasium
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import DollarFormatter

import rlkit
from rlkit.config import ModelConfig
from rlkit.envs import EnvironmentLike
from rlkit.errors import RLKitError, UsageError, did_you_mean
from rlkit.models.base import ModelBase
from rlkit.training.jobs import TrainingJob, find_job, jobs
from rlkit.verbs import Scope

_KEPT = (ModelBase, ModelConfig, gymnasium.Env, gymnasium.vector.VectorEnv)
"""Of these an expression gives the object itself, not its text."""


class NotebookScope(Scope):
    """The variables of a notebook, and besides all that words mean in a shell.

    Args:
        shell: Whose variables.
        local: Variables of the function that the line stands in; those of the notebook alone where None.
    """

    def __init__(self, shell: InteractiveShell, local: Mapping[str, Any] | None = None) -> None:
        self._shell = shell
        self._local = local or {}
        self._objects: dict[str, Any] = {}

    def expand(self, line: str, *, quote: bool = True) -> str:
        """Return the line with the values of ``{expressions}`` and ``$names`` in it, as IPython does.

        An expression that gives a model, a config or an environment gives that object, not its text.

        Args:
            line: What was typed.
            quote: Whether lists and dicts become one word each.
        """
        try:
            return str(_Objects(self._objects, quote=quote).vformat(line, (), self._namespace))
        except Exception:  # noqa: BLE001 - an expression may fail in any way; IPython leaves such a line alone, too
            return line

    @property
    def _namespace(self) -> dict[str, Any]:
        return {**self._shell.user_ns, **self._local}

    def job(self, word: str) -> TrainingJob:
        """Return the training in the background that a word means: a number, or a variable with what trains.

        Raises:
            TrainingError: There is none.
        """
        found = self._get(word)
        return found if isinstance(found, TrainingJob) else find_job(word if found is None else found)

    @property
    def jobs(self) -> list[str]:
        """Return what names trainings that are running: variables first."""
        running = [job for job in jobs() if job.is_running]
        models = [name for name in self.variables(ModelBase) if self._get(name) in [job.model for job in running]]
        return [*models, *(str(job.number) for job in running)]

    def _get(self, word: str) -> Any:
        return self._objects.get(word, self._namespace.get(word))

    def variables(self, kind: type) -> list[str]:
        """Return the names of variables that hold objects of a class."""
        namespace = self._shell.user_ns
        return [name for name, value in namespace.items() if isinstance(value, kind) and not name.startswith("_")]

    def variable(self, word: str) -> ModelBase:
        """Return the model in a variable.

        Raises:
            UsageError: There is no such variable, or it holds something else.
        """
        found = self._get(word)
        if isinstance(found, ModelBase):
            return found
        suggestion = did_you_mean(word, self.variables(ModelBase))
        if not suggestion.startswith("Did"):
            suggestion = self._where_it_is(word) or suggestion or f"Make one: {word} = %rl_create ppo CartPole-v1"
        if found is not None:
            raise UsageError(f"The variable {word!r} holds a {type(found).__name__}, not a model.", suggestion)
        raise UsageError(f"There is no variable {word!r}.", suggestion)

    @staticmethod
    def _where_it_is(word: str) -> str:
        """Return how to get a model that is in the registry, where ``word`` means one."""
        try:
            reference = rlkit.registry().get(word)
        except RLKitError:
            return ""
        return f"The registry has one: {reference.name.replace('-', '_').replace('.', '_')} = %rl_load {word}"

    def model(self, word: str, *, trust: bool = False) -> ModelBase:
        """Return the model in a variable, or else the version or file that the word means."""
        if isinstance(self._get(word), ModelBase) or not (self.means_a_model(word) or self._where_it_is(word)):
            return self.variable(word)
        return super().model(word, trust=trust)

    def means_a_model(self, word: str) -> bool:
        """Say whether a word is that of a model, not of an algorithm."""
        return isinstance(self._get(word), ModelBase) or super().means_a_model(word)

    def environment(self, word: str) -> EnvironmentLike:
        """Return the environment in a variable, or one that its class or function makes; else the id."""
        found: EnvironmentLike | None = self._get(word)
        known = isinstance(found, str | gymnasium.Env | gymnasium.vector.VectorEnv) or callable(found)
        return found if known and found is not None else word

    def config(self, word: str, env_id: str | None) -> ModelConfig | Mapping[str, Any]:
        """Return the config or the dict in a variable, else what is in a file."""
        found = self._get(word)
        return found if isinstance(found, ModelConfig | Mapping) else super().config(word, env_id)

    def assign(self, variable: str | None, value: object) -> None:
        """Put a value into a variable of the notebook; None is nowhere.

        Raises:
            UsageError: It is no name of a variable.
        """
        if variable is None:
            return
        self.check_variable(variable)
        self._shell.user_ns[variable] = value

    @staticmethod
    def check_variable(variable: str | None) -> None:
        """Refuse what is no name of a variable, before any work is done for it.

        Raises:
            UsageError: It is none.
        """
        if variable is not None and (not variable.isidentifier() or keyword.iskeyword(variable)):
            raise UsageError(f"{variable!r} is no name of a variable.", "Use letters, digits and _.")


class _Objects(DollarFormatter):
    """IPython's formatter of magic lines, which puts a word for an object where its text would be of no use."""

    def __init__(self, objects: dict[str, Any], *, quote: bool) -> None:
        super().__init__()
        self._found = objects
        self._quote = quote

    def format_field(self, value: Any, format_spec: str) -> str:
        """Return the text of a value, or the word for an object."""
        if self._quote and isinstance(value, list | tuple | dict):
            return shlex.quote(repr(value))
        if not isinstance(value, _KEPT):
            return str(super().format_field(value, format_spec))
        word = f"{{{type(value).__name__}-{len(self._found) + 1}}}"
        self._found[word] = value
        return word
