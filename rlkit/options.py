"""Command-line options made from a config's schema: the same words in magics and in the shell."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence
from typing import Any, NoReturn

from rlkit.config import ModelConfig
from rlkit.config.files import parse_value, translate
from rlkit.errors import UsageError, did_you_mean
from rlkit.factory import factory

_HELP = {"-h", "--help"}
_LONGEST_USAGE = 200  # characters: a line that a person still reads


class HelpRequested(Exception):  # noqa: N818 - no error: it leaves the verb before anything is done
    """A person asked what a verb takes; the message is the answer."""


class OptionParser(argparse.ArgumentParser):
    """An ArgumentParser whose complaints are rlkit errors that suggest the nearest option.

    Args:
        prog: What the person typed, such as ``"%rl_train"``.
        description: What it does, in a sentence.
        more: The command that lists all options; ``prog`` with ``--help`` where empty.
    """

    def __init__(self, prog: str, description: str = "", more: str = "") -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False, add_help=False)
        self._more = more or f"{prog} --help"
        self._negative_number_matcher = re.compile(r"-\.?\d")  # argparse's own takes -1e-3 for an option

    def take(self, *names: str) -> None:
        """Add words and options that several verbs share, such as ``"--steps"``."""
        for name in names:
            self.add_argument(name, **_SHARED[name])

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of leaving the process."""
        raise UsageError(f"{self.prog}: {message}.", self.hint)

    @property
    def hint(self) -> str:
        """The usage in one line, or where that is long how to see it."""
        usage = " ".join(self.format_usage().split()).replace("usage: ", "Usage: ")
        if len(usage) <= _LONGEST_USAGE:
            return usage
        return f"Usage: {self._more.removesuffix('--help')}[--option value ...]. {self._more} lists the options."

    def parse(self, words: str | Sequence[str]) -> argparse.Namespace:
        """Return the options in a line, or in words already split.

        Raises:
            UsageError: An option is unknown, misses its value, or the line has an unclosed quote.
            HelpRequested: One of the words is ``--help``.
        """
        words = _split(self.prog, words) if isinstance(words, str) else list(words)
        if not _HELP.isdisjoint(words):
            raise HelpRequested(self.format_help().strip())
        found, unknown = self.parse_known_args(words)
        for word in unknown:
            if word.startswith("-"):
                option = word.partition("=")[0]
                suggestion = did_you_mean(option, self._option_string_actions)
                raise UsageError(f"{self.prog} has no option {option!r}.", suggestion)
        if unknown:
            self.error(f"{unknown[0]!r} is one word too many")
        return found


def _split(prog: str, line: str) -> list[str]:
    try:
        return shlex.split(line)
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


# What several verbs take, written once: name, and what argparse wants to know of it.
_SHARED: dict[str, dict[str, Any]] = {
    "model": {"help": "variable that holds the model"},
    "reference": {"help": "name (newest), name:version, name@alias, or a .rlkit file"},
    "--steps": {"type": parse_whole_number, "help": "environment steps; the config's n_timesteps by default"},
    "--episodes": {"type": parse_whole_number, "default": 100, "help": "how many"},
    "--seed": {"type": parse_whole_number, "help": "seed of everything random"},
    "--stochastic": {"action": "store_true", "help": "draw actions from the policy"},
    "--tag": {"action": "append", "default": [], "help": "a tag; may be given several times"},
    "--trust": {
        "action": "store_true",
        "help": "run the class that travels with the model, though not kept by you here",
    },
    "--as": {"dest": "variable", "help": "variable to assign the model to"},
}


def create_parser(prog: str, words: str | Sequence[str]) -> tuple[OptionParser, list[str]]:
    """Return the parser for a line that creates a model, and its words.

    The options depend on the algorithm, which is the first word: every hyperparameter of it is one.

    Raises:
        UsageError: There is no first word.
        UnknownAlgorithmError: There is no algorithm of this name.
        HelpRequested: The first word is ``--help``.
    """
    words = _split(prog, words) if isinstance(words, str) else list(words)
    if not words or words[0].startswith("-"):
        names = ", ".join(factory.names())
        if not _HELP.isdisjoint(words):
            raise HelpRequested(f"usage: {prog} algorithm [options]\n\nThere are {names}: {prog} ppo --help")
        raise UsageError(
            f"{prog} needs the name of an algorithm first.", f"There are {names}: {prog} ppo --env CartPole-v1"
        )
    parser = OptionParser(prog, more=f"{prog} {words[0]} --help")
    parser.add_argument("algorithm")
    parser.add_argument("--env", help="Gymnasium id of the environment")
    parser.take("--seed")
    parser.add_argument("--preset", default="auto", help="auto, none, or the environment whose preset to take")
    add_hyperparameters(parser, factory.get(words[0]).Config)
    return parser, words


def add_hyperparameters(parser: OptionParser, config_class: type[ModelConfig]) -> None:
    """Give ``parser`` an option for every hyperparameter: ``--learning-rate`` for ``learning_rate``."""
    for name, field in config_class.hyperparameters().items():
        flag = f"--{name.replace('_', '-')}"
        spellings = [flag] if flag == f"--{name}" else [flag, f"--{name}"]
        if field.kind == "bool":
            action = argparse.BooleanOptionalAction
            parser.add_argument(*spellings, dest=name, action=action, default=None, help=field.meaning)
        else:
            meaning = f"{field.meaning} Takes {field.takes}.".replace("%", "%%")
            parser.add_argument(*spellings, dest=name, metavar=field.kind.upper(), help=meaning)


def hyperparameters(options: argparse.Namespace, config_class: type[ModelConfig]) -> dict[str, Any]:
    """Return the hyperparameters among parsed options, as the values that were meant."""
    fields = config_class.hyperparameters()
    given = {name: getattr(options, name) for name in fields if getattr(options, name) is not None}
    words = {name for name, value in given.items() if isinstance(value, str) and fields[name].kind != "str"}
    meant = {name: parse_value(value) if name in words else value for name, value in given.items()}
    for name, value in meant.items():
        if fields[name].kind == "sizes" and isinstance(value, str | int):  # --net-arch 64,64
            meant[name] = parse_value(f"[{value}]")
    return translate(meant, fields)


def create_from(options: argparse.Namespace) -> Any:
    """Return the model that parsed options of :func:`create_parser` ask for."""
    config_class = factory.get(options.algorithm).Config
    preset = None if options.preset.lower() == "none" else options.preset
    chosen = hyperparameters(options, config_class)
    return factory.create(options.algorithm, options.env, seed=options.seed, preset=preset, **chosen)
