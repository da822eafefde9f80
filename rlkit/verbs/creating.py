"""Verbs that make configs and models."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from rlkit.config import ModelConfig
from rlkit.errors import ConfigError, UsageError
from rlkit.factory import env_id_of, factory
from rlkit.models.base import ModelBase
from rlkit.verbs.hyperparameters import add_hyperparameters, hyperparameters
from rlkit.verbs.parser import OptionParser
from rlkit.verbs.scope import Scope
from rlkit.verbs.verb import Verb


class AlgorithmVerb(Verb):
    """Base of verbs that begin with an algorithm, its environment and its hyperparameters."""

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("algorithm", kind="algorithm", help=f"one of {', '.join(factory.names())}")
        parser.add("environment", nargs="?", kind="environment", help="Gymnasium id of the environment")
        parser.add("--env", kind="environment", help="the same, as an option")
        parser.add("--preset", kind="preset", help="auto (where no config is given), none, or an environment's name")
        parser.add("--config", kind="config", help="hyperparameters to begin with, which the options change")
        if words and not words[0].startswith("-"):
            add_hyperparameters(parser, factory.get(words[0]).Config)
            parser.usage = f"%(prog)s {words[0]} [environment] [--option value ...]"
            parser.more = f"{parser.prog} {words[0]} --help"
        else:
            parser.epilog = f"Every hyperparameter is an option, too: {parser.prog} {factory.names()[-1]} --help"

    def document(self, prog: str) -> str:
        """Return what the verb takes, and the hyperparameters of every algorithm."""
        parts = [super().document(prog)]
        for name in factory.names():
            parser = OptionParser("")
            add_hyperparameters(parser, factory.get(name).Config)
            options = parser.format_help().partition("options:\n")[2]
            parts.append(f"hyperparameters of {name}\n{options.rstrip()}")
        return "\n\n".join(parts)


def create_from(options: argparse.Namespace, scope: Scope) -> ModelBase:
    """Return the model that parsed options of an AlgorithmVerb ask for.

    Raises:
        RLKitError: A word or a value is wrong, or there is no such environment.
    """
    word = _environment_word(options)
    env = None if word is None else scope.environment(word)
    config = config_from(options, scope)
    seed = scope.seed if options.seed is None else options.seed
    return factory.create_from_config(options.algorithm, config, env, seed=seed)


def config_from(options: argparse.Namespace, scope: Scope, body: Mapping[str, Any] | None = None) -> ModelConfig:
    """Return the config that parsed options of an AlgorithmVerb ask for.

    Options go before the values of a body, and those before the config to begin with. A preset is taken where there is
    neither, as a block from elsewhere means the defaults where it says nothing.

    Args:
        options: What was typed.
        scope: What words mean here.
        body: Values of a cell.

    Raises:
        ConfigError: A name or a value is wrong.
    """
    config_class = factory.get(options.algorithm).Config
    word = _environment_word(options)
    env_id = None if word is None else env_id_of(scope.environment(word))
    chosen = {**config_class.read_block(body or {}), **hyperparameters(options, config_class)}
    base = None if options.config is None else scope.config(options.config, env_id)
    if isinstance(base, ModelConfig):
        _check_fits(base, config_class, options)
        return base.replace(**chosen) if chosen else base
    preset = options.preset or ("auto" if base is body is None else "none")
    values = {**config_class.read_block(base or {}), **chosen}
    return config_class.resolve(values, env_id=env_id, preset=None if preset.lower() == "none" else preset)


def _check_fits(config: ModelConfig, config_class: type[ModelConfig], options: argparse.Namespace) -> None:
    if not isinstance(config, config_class):
        problem = (
            f"{options.config} is a {type(config).__name__}, and {options.algorithm} takes {config_class.__name__}."
        )
        raise ConfigError(problem, f"Make one: %rl_config {options.algorithm} --as {options.config}")
    if options.preset is not None:
        raise UsageError("--config and --preset are both given.", "Leave one out.")


def _environment_word(options: argparse.Namespace) -> str | None:
    """Return the environment among parsed options, which may stand as a word or after ``--env``."""
    word: str | None = options.environment
    if word is None or options.env in (None, word):
        return options.env if word is None else word
    raise UsageError(f"Two environments are given, {word!r} and {options.env!r}.", "Leave one out.")


class Config(AlgorithmVerb):
    """Show hyperparameters and where each value comes from."""

    name = "config"
    example = "ppo CartPole-v1 --learning-rate 1e-3"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        if words and scope.means_a_model(words[0]):
            parser.add("model", kind="model", help="a model")
        else:
            super().arguments(parser, words, scope)

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelConfig:
        return scope.model(options.model).config if "model" in options else config_from(options, scope)
