"""What words mean in a notebook: its variables, and objects that expressions in the line gave."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import DollarFormatter

import rlkit
from rlkit.config import ModelConfig
from rlkit.envs import EnvironmentLike
from rlkit.errors import RLKitError, UsageError, did_you_mean, in_two_lines, nearest
from rlkit.models.base import ModelBase
from rlkit.training.jobs import TrainingJob, find_job, jobs
from rlkit.verbs import Scope
from rlkit.verbs.parser import Verbatim

_KEPT = (ModelBase, ModelConfig, TrainingJob, gymnasium.Env, gymnasium.vector.VectorEnv)
"""Of these an expression gives the object itself, not its text."""
_FIRST = 0xF0000  # of the letters that mean nothing of their own
_PLACEHOLDER = re.compile("[\U000f0000-\U000ffffd]")
_IPYTHON = {"In", "Out"}  # and what it adds to the builtins, such as get_ipython


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

    def words(self, line: str, split: Callable[[str], list[str]]) -> list[str]:
        """Return the words of a line, with the values of ``{expressions}`` and ``$names`` in them as IPython has them.

        A value never becomes several words, whatever is in it, and is no option where it is a word of its own. An
        expression that gives a model, a config, a job or an environment gives that object, not its text. What is no
        expression, such as ``{pi: [64]}``, is left as it is.

        Args:
            line: What was typed.
            split: Splits a line into words.

        Raises:
            UsageError: An expression fails, or the line cannot be split.
        """
        formatter = _Objects(self._objects)
        return [formatter.filled(word) for word in split(formatter.vformat(line, (), self._namespace))]

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
        return self._objects.get(word, self._namespace.get(_as_python_reads(word)))

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
        models = self.variables(ModelBase)
        suggestion = nearest(word, models) or self._where_it_is(word) or did_you_mean(word, models)
        suggestion = suggestion or f"Make one: {word} = %rl_create ppo CartPole-v1"
        if found is not None:
            raise UsageError(f"The variable {word!r} is of type {type(found).__name__}, not a model.", suggestion)
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
        if isinstance(self._get(word), ModelBase) or not super().means_a_model(word):
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
        self._shell.user_ns[_as_python_reads(variable)] = value

    @staticmethod
    def check_variable(variable: str | None) -> None:
        """Refuse what is no name of a variable, before any work is done for it.

        Raises:
            UsageError: It is none.
        """
        if variable is not None and (not variable.isidentifier() or keyword.iskeyword(variable)):
            raise UsageError(f"{variable!r} is no name of a variable.", "Use letters, digits and _.")
        if variable in _IPYTHON or hasattr(builtins, variable or ""):
            raise UsageError(f"{variable!r} is a name that Python or IPython needs.", f"Try {f'my_{variable}'!r}.")


def _as_python_reads(name: str) -> str:
    """Return a name as Python keeps it: some letters can be written in several ways."""
    return unicodedata.normalize("NFKC", name)


class _Objects(DollarFormatter):
    """IPython's formatter of magic lines, which puts a placeholder for each value until the line is split.

    For an object whose text would be of no use the value is what was typed: errors then name it so.
    """

    def __init__(self, objects: dict[str, Any]) -> None:
        super().__init__()
        self._found = objects
        self._values: list[str] = []

    # IPython's, but names alone: "$5" is a price.
    _dollar_pattern_ignore_single_quote = re.compile(
        r"(.*?)\$(\$?[^\W\d]\w*(?:\.[^\W\d]\w*)*)(?=([^']*'[^']*')*[^']*$)"
    )

    def vformat(self, format_string: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """Return the text with a placeholder for each expression: one that is none is left as it is."""
        format_string = _PLACEHOLDER.sub(lambda typed: self._placeholder(typed[0]), format_string)
        try:
            parts = list(self.parse(format_string))
        except ValueError:  # braces that do not match
            return format_string
        filled = []
        for literal, field, rest, conversion in parts:
            filled.append(literal or "")
            if field is not None:
                filled.append(self._fill(f"{field}:{rest}" if rest else field, conversion, kwargs))
        return "".join(filled)

    def _fill(self, expression: str, conversion: Any, namespace: Mapping[str, Any]) -> str:
        try:
            value = eval(expression, dict(namespace))  # noqa: S307 - the person's own, as in any cell
            return self._word(expression, self.convert_field(value, conversion))
        except SyntaxError:
            return f"{{{expression}{f'!{conversion}' if conversion else ''}}}"
        except Exception as error:  # noqa: BLE001 - the person's own may fail in any way
            problem = f"The expression {expression!r} fails: {' '.join(in_two_lines(error).split())}."
            raise UsageError(problem, "Where no value is meant, double the { or the $.") from None

    def _word(self, expression: str, value: Any) -> str:
        if not isinstance(value, _KEPT):
            return self._placeholder(format(value))
        word = f"{{{expression}}}"
        self._found[word] = value
        return self._placeholder(word)

    def _placeholder(self, value: str) -> str:
        self._values.append(value)
        return chr(_FIRST + len(self._values) - 1)

    def filled(self, word: str) -> str:
        """Return a word with the values in it."""
        whole = _PLACEHOLDER.sub(lambda found: self._values[ord(found[0]) - _FIRST], word)
        return Verbatim(whole) if _PLACEHOLDER.fullmatch(word) else whole
