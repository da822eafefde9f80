"""Command-line options made from a config's schema: the same words in magics and in the shell."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from typing import Any, NoReturn

from rlkit.config import ModelConfig
from rlkit.config.files import parse_value, translate
from rlkit.errors import UsageError, did_you_mean
from rlkit.factory import factory


class OptionParser(argparse.ArgumentParser):
    """An ArgumentParser whose complaints are rlkit errors that suggest the nearest option.

    Args:
        prog: What the person typed, such as ``"%rl_train"``.
        description: What it does, in a sentence.
    """

    def __init__(self, prog: str, description: str = "") -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False, add_help=False)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of leaving the process."""
        raise UsageError(f"{self.prog}: {message}.", self.hint)

    @property
    def hint(self) -> str:
        """The usage in one line."""
        return " ".join(self.format_usage().split()).replace("usage: ", "Usage: ")

    def parse(self, words: str | Sequence[str]) -> argparse.Namespace:
        """Return the options in a line, or in words already split.

        Raises:
            UsageError: An option is unknown, misses its value, or the line has an unclosed quote.
        """
        found, unknown = self.parse_known_args(_split(self.prog, words) if isinstance(words, str) else list(words))
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


def whole_number(word: str) -> int:
    """Return the whole number in ``word``: ``100000``, ``100_000`` and ``1e5`` are the same."""
    value = parse_value(word)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise argparse.ArgumentTypeError(f"{word!r} is no whole number")
    return value


def create_parser(prog: str, words: str | Sequence[str]) -> tuple[OptionParser, list[str]]:
    """Return the parser for a line that creates a model, and its words.

    The options depend on the algorithm, which is the first word: every hyperparameter of it is one.

    Raises:
        UsageError: There is no first word.
        UnknownAlgorithmError: There is no algorithm of this name.
    """
    words = _split(prog, words) if isinstance(words, str) else list(words)
    if not words or words[0].startswith("-"):
        names = ", ".join(factory.names())
        raise UsageError(
            f"{prog} needs the name of an algorithm first.", f"There are {names}: {prog} ppo --env CartPole-v1"
        )
    parser = OptionParser(prog)
    parser.add_argument("algorithm")
    parser.add_argument("--env", help="Gymnasium id of the environment")
    parser.add_argument("--seed", type=whole_number, help="seed of everything random")
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
    meant = {name: parse_value(value) if isinstance(value, str) else value for name, value in given.items()}
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
