"""Verbs that make configs and models."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rlkit.config import ModelConfig
from rlkit.errors import ConfigError, UsageError
from rlkit.factory import env_id_of, factory, num_envs_of
from rlkit.models.base import ModelBase
from rlkit.verbs.hyperparameters import add_hyperparameters, hyperparameters
from rlkit.verbs.parser import OptionParser
from rlkit.verbs.scope import Scope
from rlkit.verbs.verb import Verb


class AlgorithmVerb(Verb):
    """Base of verbs that begin with an algorithm, its environment and its hyperparameters."""

    takes_models: ClassVar[bool] = False
    """Whether a model may stand where the algorithm does, which then is all that there is to say."""
    takes_seed: ClassVar[bool] = True
    needs_algorithm: ClassVar[bool] = True
    """Whether one must be named; where not, ``options.algorithm`` may be None."""

    def options(self, parser: OptionParser) -> None:
        """Add what the verb takes whether an algorithm is named or a model."""

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        subject = self._subject(words)
        if self.takes_models and subject and subject not in factory.names() and scope.means_a_model(subject):
            parser.take("model", "--trust")
            self.options(parser)
            return
        names = f"one of {', '.join(factory.names())}"
        if self.takes_models:
            parser.add("algorithm", kind="algorithm or model", help=f"{names}; or a model, with other options then")
        else:
            needed = {} if self.needs_algorithm else {"nargs": "?"}
            parser.add("algorithm", kind="algorithm", help=names, **needed)
        parser.add(
            "environment", nargs="?", kind="environment", help="Gymnasium id of the environment: My-v0, or module:My-v0"
        )
        self._settings(parser)
        if subject is not None:
            parser.algorithm = subject
            add_hyperparameters(parser, factory.get(subject).Config)
            parser.usage = f"%(prog)s {subject} [environment] [--option value ...]"
            parser.more = f"{parser.prog} {subject} --help"
        else:
            parser.epilog = f"Every hyperparameter is an option, too: {parser.prog} {factory.names()[-1]} --help"

    def _settings(self, parser: OptionParser) -> None:
        """Add the options that do not depend on the algorithm."""
        parser.add("--env", metavar="ID", kind="environment", help="the same, as an option")
        presets = "tuned values to begin with: an environment's, none, or auto, which is what happens without a config"
        parser.add("--preset", metavar="NAME", kind="preset", help=presets)
        config = "hyperparameters to begin with: a YAML or TOML file, or in a notebook a variable; options go before it"
        parser.add("--config", metavar="FILE", kind="config", help=config)
        if self.takes_seed:
            parser.take("--seed")
        self.options(parser)

    def _subject(self, words: Sequence[str]) -> str | None:
        """Return the word that stands for the algorithm or the model: options may come before it."""
        parser = OptionParser("")
        self._settings(parser)
        others = parser.others(words)  # and the values of options that nobody can know before the algorithm
        return next((word for word in others if word in factory.names()), next(iter(others), None))

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
    word = environment_word(options)
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
    word = environment_word(options)
    env = None if word is None else scope.environment(word)
    env_id, num_envs = env_id_of(env), num_envs_of(env)
    chosen = {**config_class.read_block(body or {}), **hyperparameters(options, config_class)}
    base = None if options.config is None else scope.config(options.config, env_id)
    if isinstance(base, ModelConfig):
        _check_fits(base, config_class, options)
        return base.replace_for(num_envs, **chosen)
    preset = options.preset or ("auto" if base is body is None else "none")
    values = {**config_class.read_block(base or {}), **chosen}
    preset_name = None if preset.lower() == "none" else preset
    return config_class.resolve(values, env_id=env_id, preset=preset_name, num_envs=num_envs)


def _check_fits(config: ModelConfig, config_class: type[ModelConfig], options: argparse.Namespace) -> None:
    if not isinstance(config, config_class):
        needed = f"{options.algorithm} takes {config_class.__name__}"
        problem = f"{options.config} is of type {type(config).__name__}, and {needed}."
        raise ConfigError(problem, f"Make one: %rl_config {options.algorithm} --as {options.config}")
    if options.preset is not None:
        raise UsageError("--config and --preset are both given.", "Leave one out.")


def environment_word(options: argparse.Namespace) -> str | None:
    """Return the environment among parsed options, which may stand as a word or after ``--env``."""
    word: str | None = options.environment
    if word is None or options.env in (None, word):
        return options.env if word is None else word
    raise UsageError(f"Two environments are given, {word!r} and {options.env!r}.", "Leave one out.")


class Config(AlgorithmVerb):
    """Show hyperparameters and where each value comes from."""

    name = "config"
    example = "ppo CartPole-v1 --learning-rate 1e-3"
    takes_models = True
    takes_seed = False

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelConfig:
        if "model" in options:
            return scope.model(options.model, trust=options.trust).config
        return config_from(options, scope)
