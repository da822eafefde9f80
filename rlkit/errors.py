"""The exception tree: every error a person can cause, each saying what was wrong and what would be right."""

from __future__ import annotations

import difflib
import re
import sys
import warnings
from collections.abc import Iterable

_LONGEST_LINE = 300  # letters of a message that somebody else wrote
_LONGEST_OPTION = 200
# Control characters, line and paragraph ends, invisible characters, what reverses the direction of text, surrogates,
# and what XML forbids. Joiners stay: letters of many languages and emoji need them.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e0fff]"
)


def visible(text: str, keep: str = "") -> str:
    r"""Write control characters as Python does, such as ``\x1b``, so that no terminal obeys them.

    Args:
        text: Any text, such as a name from a file.
        keep: Those to leave as they are: ``"\n"`` where text may have several lines.

    Returns:
        Text that shows what is in it.
    """
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda found: found[0] if found[0] in keep else ascii(found[0])[1:-1], text)


UPDATE = "Update rlkit: pull its repository, and run pip install . there."
"""The remedy for what a newer rlkit wrote. PyPI has a stranger's package of this name."""


class RLKitError(Exception):
    """Base of all errors that rlkit raises on purpose.

    Args:
        problem: One sentence that says what was wrong and names the value.
        remedy: One sentence that says what would be right, or the next command. May be empty.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        problem, remedy = visible(problem), visible(remedy, keep="\n")
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}\n{self.remedy}" if self.remedy else self.problem


class ConfigError(RLKitError, ValueError):
    """A hyperparameter is unknown, out of bounds or of the wrong type."""


class UnknownAlgorithmError(RLKitError, LookupError):
    """No model class has this name."""


class ModelDefinitionError(RLKitError, TypeError):
    """A class offered to the factory is not a usable model class."""


class UnknownEnvironmentError(RLKitError, LookupError):
    """Gymnasium knows no environment of this id, or what was given is no environment."""


class EnvironmentContractError(RLKitError):
    """An environment does not do what Gymnasium promises of it, or what a model needs of it."""


class MissingEnvironmentError(RLKitError):
    """A model was asked to train, predict or evaluate before it had an environment."""


class UnsupportedSpaceError(RLKitError):
    """The algorithm cannot take this observation or action space."""


class SpaceMismatchError(RLKitError):
    """An environment or an observation does not fit the spaces that the model was built for."""


class TrainingError(RLKitError):
    """Training was asked for something it cannot do, or its numbers stopped being finite."""


class StateError(RLKitError, ValueError):
    """A saved state does not fit the model that should take it."""


class InvalidNameError(RLKitError, ValueError):
    """A model name, alias or tag has characters that it must not have."""


class InvalidReferenceError(RLKitError, ValueError):
    """A model reference is not of the form name, name:version or name@alias."""


class ModelNotFoundError(RLKitError, LookupError):
    """The registry keeps no such model, version or alias."""


class QueryError(RLKitError, ValueError):
    """A search expression cannot be understood."""


class StoreError(RLKitError):
    """The folder that keeps models cannot be read or written."""


class StoreBusyError(StoreError):
    """Another program has been writing to the folder all the time that was waited for it."""


class CorruptArtifactError(StoreError):
    """What is on disk is not what was written: a hash differs or a file cannot be parsed."""


class UntrustedArtifactError(StoreError):
    """A file would run code when opened, and was not trusted to."""


class UsageError(RLKitError, ValueError):
    """A magic or a shell command was given options that it does not take."""


def in_two_lines(error: BaseException) -> str:
    """Return what an error says, without where it was raised.

    Args:
        error: Any exception.

    Returns:
        At most two lines: type and message.
    """
    lines = [line for line in f"{type(error).__name__}: {error}".splitlines() if line.strip()]
    return "\n".join(visible(line)[:_LONGEST_LINE] for line in lines[:2]).removesuffix(": ")


def warn_caller(message: str) -> None:
    """Warn with the place of the line outside rlkit that led here.

    Args:
        message: What to warn of.
    """
    level, frame = 2, sys._getframe(1)  # noqa: SLF001 - Python's own warnings look at it as well
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == __package__:
        level, frame = level + 1, frame.f_back
    warnings.warn(visible(message, keep="\n"), stacklevel=level)


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Return a sentence that suggests the option nearest to ``word``, or lists the options.

    Args:
        word: What the person typed.
        options: What would have been right.

    Returns:
        ``"Did you mean 'x'?"`` where one is near, else ``"Choose from a, b, c."``; empty without options.
    """
    known = sorted(_that_are_safe(options))
    if not known:
        return ""
    shown = ", ".join(known[:12]) + (", …" if len(known) > 12 else ".")  # noqa: PLR2004 - one line's worth
    return nearest(word, known) or f"Choose from {shown}"


def nearest(word: str, options: Iterable[str], cutoff: float = 0.6) -> str:
    """Return a sentence that suggests the option nearest to ``word``: empty where none is near.

    Args:
        word: What the person typed.
        options: What would have been right.
        cutoff: How much of both must agree, from 0 to 1.
    """
    by_folded = {option.lower(): option for option in sorted(_that_are_safe(options))}
    near = difflib.get_close_matches(word.lower(), by_folded, n=1, cutoff=cutoff)
    return f"Did you mean {by_folded[near[0]]!r}?" if near else ""


def _that_are_safe(options: Iterable[str]) -> set[str]:
    """Leave out what may be a trap where somebody pastes it: IPython evaluates braces and dollar signs in a magic."""
    return {
        option
        for option in options
        if len(option) <= _LONGEST_OPTION and not set("{}$`").intersection(option) and visible(option) == option
    }
