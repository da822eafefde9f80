"""The words of a verb: split, read, and refused with the nearest right one."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NoReturn

from rlkit.config.files import parse_value
from rlkit.errors import UsageError, did_you_mean, nearest

_HELP = {"-h", "--help"}
_LONGEST_USAGE = 200  # characters: a line that a person still reads
_OPTION = re.compile(r"--?[^\W\d][^\s=]*(?:=.*)?", re.DOTALL)  # -1, - and "- a b" are words
# What stands before a comment as in Python and in shells, and that: "# …" where a word would begin, outside quotes.
_COMMENTED = re.compile(r"""((?:[^\s'"]|'[^']*'|"[^"]*"|\s(?!\#(?:\s|$)))*)\s\#(?:\s.*)?""", re.DOTALL)

Kind = Literal[
    "",
    "algorithm",
    "algorithm or model",
    "alias",
    "config",
    "data",
    "environment",
    "expression",
    "field",
    "file",
    "folder",
    "hyperparameter",
    "job",
    "metric",
    "model",
    "name",
    "preset",
    "reference",
    "restorable",
    "tag",
    "variable",
    "verb",
]
"""What a word stands for, so that completion knows what to offer; empty for what nobody can guess."""


class Verbatim(str):
    """A word that is what it says, such as the value of a variable: no option, whatever it begins with."""

    __slots__ = ()


class HelpRequested(Exception):  # noqa: N818 - no error: it leaves the verb before anything is done
    """A person asked what a verb takes; the message is the answer."""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help of one line an option: the first of its spellings alone."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32, width=96)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings:
            return super()._format_action_invocation(action)
        first, last = action.option_strings[0], ""
        if isinstance(action, argparse.BooleanOptionalAction):
            last = ", --no-..."
        elif action.nargs is None:
            last = f" {self._format_args(action, action.dest.upper())}"
        return first + last


class OptionParser(argparse.ArgumentParser):
    """An ArgumentParser whose complaints are rlkit errors that suggest the nearest option.

    Args:
        prog: What the person typed, such as ``"%rl_train"``.
        description: What it does.

    Attributes:
        kinds: What each word and the value of each option stands for, by the name of its attribute.
        common: Those of them that people change often.
        algorithm: Whose hyperparameters are among them; empty where none are.
        more: The command that lists all options.
    """

    def __init__(self, prog: str, description: str = "") -> None:
        self.kinds: dict[str, Kind] = {}
        self.common: set[str] = set()
        self.algorithm = ""
        self.more = f"{prog} --help"
        super().__init__(
            prog=prog,
            description=description,
            allow_abbrev=False,
            add_help=False,
            formatter_class=_Formatter,
        )
        self._positionals.title = "words"

    def add(self, *names: str, kind: Kind = "", **settings: Any) -> None:
        """Add a word or an option, as ``add_argument`` does, and say what it stands for."""
        action = self.add_argument(*names, **settings)
        self.kinds[action.dest] = kind

    def take(self, *names: str) -> None:
        """Add words and options that several verbs share, such as ``"--steps"``."""
        for name in names:
            self.add(name, **_SHARED[name])

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of leaving the process."""
        missing = message.partition("required: ")[2].split(", ")[0].split("/")[0]
        for action in self._actions:
            if missing and missing in (action.dest, *action.option_strings):
                raise UsageError(f"{self.prog} needs {missing}: {_meaning(action)}.", self.hint)
        raise UsageError(f"{self.prog}: {message.removeprefix('argument ')}.", self.hint)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is none of the choices, as argparse does, with the nearest of them."""
        if action.choices is not None and value not in action.choices:
            what = action.option_strings[0] if action.option_strings else action.dest
            raise UsageError(f"{self.prog}: {what} cannot be {value!r}.", did_you_mean(str(value), action.choices))

    @property
    def hint(self) -> str:
        """The usage in one line, or where that is long how to see it."""
        usage = " ".join(self.format_usage().split()).replace("usage: ", "Usage: ")
        if len(usage) <= _LONGEST_USAGE:
            return usage
        return f"Usage: {self.more.removesuffix('--help')}[--option value ...]. {self.more} lists the options."

    def actions(self) -> list[argparse.Action]:
        """Return all words and options, in the order in which they were added."""
        return list(self._actions)

    def option(self, word: str) -> argparse.Action | None:
        """Return the option that is spelled ``word``, such as ``"--steps"``."""
        return self._option_string_actions.get(word)

    def parse(self, words: str | Sequence[str]) -> argparse.Namespace:
        """Return the options in a line, or in words already split.

        Raises:
            UsageError: An option is unknown, misses its value, or the line has an unclosed quote.
            HelpRequested: One of the words is ``--help``.
        """
        words = split(self.prog, words) if isinstance(words, str) else list(words)
        if any(word in _HELP for word in words if not isinstance(word, Verbatim)):
            raise HelpRequested(self.format_help().strip())
        options: list[str] = []
        others: list[str] = []
        for name, value in self._pieces(words):
            if name is None:
                others.append(str(value))
            else:
                self._check_option(name, value)
                options.append(name if value is None else f"{name}={value}")
        # argparse would take words that begin with a minus for options, and nothing for a word that may be left out
        # where an option comes first.
        found, unknown = self.parse_known_args([*options, "--", *others] if others else options)
        for word in unknown:
            if word != "--":
                self.error(f"{word!r} is one word too many")
        return found

    def others(self, words: Sequence[str]) -> list[str]:
        """Return the words that are neither options nor their values."""
        return [str(value) for name, value in self._pieces(words) if name is None]

    def _pieces(self, words: Sequence[str]) -> Iterator[tuple[str | None, str | None]]:
        """Yield each option with its value, None where it has none, and each other word with None for the option."""
        rest = iter(words)
        for word in rest:
            name, mark, value = word.partition("=")
            option = self.option(name)
            if isinstance(word, Verbatim):
                yield None, word
            elif word == "--":
                yield from ((None, other) for other in rest)
            elif option is None and not _OPTION.fullmatch(word):
                yield None, word
            elif mark or option is None or option.nargs is not None:
                yield name, value if mark else None
            else:
                following = next(rest, None)
                is_value = isinstance(following, Verbatim) or self.option((following or "").partition("=")[0]) is None
                yield word, following if is_value else None

    def _check_option(self, name: str, value: str | None) -> None:
        option = self.option(name)
        if option is None:
            suggestion = nearest(name, [name for action in self._actions for name in spellings(action)])
            raise UsageError(f"{self.prog} has no option {name!r}.", suggestion or self.hint)
        if option.nargs is not None and value is not None:
            names = " or ".join(spellings(option))
            raise UsageError(f"{self.prog}: {name} takes no value, and {value!r} is one.", f"Write {names} alone.")
        if option.nargs is None and value is None:
            raise UsageError(f"{self.prog}: {name} needs a value: {_meaning(option)}.", self.hint)


def spellings(option: argparse.Action) -> list[str]:
    """Return how an option is spelled: once, and where it is a switch once more to turn it off."""
    off = [name for name in option.option_strings if name.startswith("--no-")]
    return [*option.option_strings[:1], *(off[:1] if isinstance(option, argparse.BooleanOptionalAction) else [])]


def _meaning(action: argparse.Action) -> str:
    return (action.help or "").replace("%%", "%").removesuffix(".")


def split(prog: str, line: str, *, posix: bool = True) -> list[str]:
    """Split a line into words, as a shell does.

    A comment at the end is left out. A backslash is a letter like others: of a path on Windows, of a formula.

    Args:
        prog: What the person typed, for the error.
        line: The rest of the line.
        posix: Whether quotes are taken off; where False they stay as they are.

    Raises:
        UsageError: A quote is not closed.
    """
    commented = _COMMENTED.fullmatch(f" {line}")
    lexer = shlex.shlex(commented[1] if commented else line, posix=posix, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = lexer.escape = ""
    try:
        return list(lexer)
    except ValueError as error:
        raise UsageError(f"{prog}: {line!r} cannot be read: {error}.", "Close the quote.") from None


def parse_whole_number(word: str) -> int:
    """Return the whole number in ``word``: ``100000``, ``100_000`` and ``1e5`` are the same."""
    value = parse_value(word)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise argparse.ArgumentTypeError(f"{word!r} is no whole number such as 1000 or 1e5")
    return value


def parse_number(word: str) -> float:
    """Return the number in ``word``, such as ``475``, ``-110.5`` or ``1e3``."""
    value = parse_value(word)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise argparse.ArgumentTypeError(f"{word!r} is no number such as 475 or 1e3")
    return float(value)


# What several verbs take, written once: name, and what argparse wants to know of it.
_SHARED: dict[str, dict[str, Any]] = {
    "model": {
        "help": "name (newest), name:version, name@alias, a .rlkit file, or in a notebook a variable",
        "kind": "model",
    },
    "reference": {"help": "name (newest), name:version or name@alias", "kind": "reference"},
    "source": {"help": "name (newest), name:version, name@alias, or a .rlkit file", "kind": "reference"},
    "name": {"help": "name of a model in the registry", "kind": "name"},
    "--env": {
        "help": "Gymnasium id of an environment for it; its own by default",
        "kind": "environment",
        "metavar": "ID",
    },
    "--steps": {
        "type": parse_whole_number,
        "metavar": "N",
        "help": "environment steps, such as 1e5; the config's n_timesteps by default",
    },
    "--seed": {"type": parse_whole_number, "metavar": "N", "help": "a whole number from 0: seed of everything random"},
    "--stochastic": {"action": "store_true", "help": "draw actions from the policy; else take the most probable"},
    "--tag": {"action": "append", "default": [], "help": "a tag; may be given several times", "kind": "tag"},
    "--description": {"default": "", "metavar": "TEXT", "help": "what is worth knowing of it"},
    "--dry-run": {"action": "store_true", "help": "only say what would be deleted"},
    "--allow-duplicate": {"action": "store_true", "help": "keep it again where it is kept already"},
    "--trust": {
        "action": "store_true",
        "help": "run the class that travels with the model, though not kept by you here",
    },
}
