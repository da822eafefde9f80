"""Verbs that need a notebook: those that make a variable or take a model from one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import rlkit
from rlkit.config import ModelConfig
from rlkit.config.files import parse_block
from rlkit.display import text
from rlkit.display.note import Note
from rlkit.errors import UsageError
from rlkit.factory import env_id_of
from rlkit.models.base import ModelBase
from rlkit.notebook.by_hand import create_panel
from rlkit.notebook.scope import NotebookScope
from rlkit.registry.names import check_alias
from rlkit.registry.versions import ModelVersion
from rlkit.training import History
from rlkit.training.jobs import JobList, TrainingJob, jobs
from rlkit.verbs import OptionParser, Scope, Verb
from rlkit.verbs.creating import AlgorithmVerb, Config, config_from, create_from, environment_word
from rlkit.verbs.hyperparameters import add_hyperparameters, hyperparameters
from rlkit.verbs.keeping import parse_metrics
from rlkit.verbs.notes import notes
from rlkit.verbs.parser import parse_number
from rlkit.verbs.training import add_training, training_callbacks

if TYPE_CHECKING:  # widgets are loaded where they are asked for
    from rlkit.notebook.widgets.create import CreatePanel


def _take_variable(parser: OptionParser) -> None:
    parser.add("--as", dest="variable", metavar="NAME", help="variable to assign it to")


class Create(AlgorithmVerb):
    """Create a model of an algorithm, for an environment; by hand where no algorithm is named."""

    name = "create"
    example = "ppo CartPole-v1 --seed 0 --learning-rate 1e-3 --as agent"
    needs_algorithm = False

    def options(self, parser: OptionParser) -> None:
        _take_variable(parser)

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelBase | CreatePanel:
        if options.algorithm is None:
            return self._by_hand(options, scope)
        scope = cast("NotebookScope", scope)
        scope.check_variable(options.variable)
        model = create_from(options, scope)
        scope.assign(options.variable, model)
        return model

    @staticmethod
    def _by_hand(options: argparse.Namespace, scope: Scope) -> CreatePanel:
        for name in ("config", "preset"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name} is one of an algorithm.", f"Name it: %rl_create ppo --{name} ...")
        seed = scope.seed if options.seed is None else options.seed
        return create_panel(scope, env_id=options.env, variable=options.variable, seed=seed)


class NotebookConfig(Config):
    """Show hyperparameters and where each value comes from; a cell of YAML makes others."""

    example = "ppo CartPole-v1 --learning-rate 1e-3 --as config"

    def options(self, parser: OptionParser) -> None:
        _take_variable(parser)

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelConfig:
        return self._kept(super().run(options, scope), options, scope)

    def run_body(self, options: argparse.Namespace, scope: Scope, body: str) -> ModelConfig:
        """Make the config that the YAML in a cell says; options go before it.

        Raises:
            UsageError: The line names a model.
            ConfigError: The cell is no YAML, or a name or a value is wrong.
        """
        if "model" in options:
            raise UsageError("%%rl_config makes a config, and a model has one.", "Name an algorithm: %%rl_config ppo")
        word = environment_word(options)
        env_id = word if word is None else env_id_of(scope.environment(word)) or word
        block: Mapping[str, Any] = parse_block(body, "%%rl_config", env_id) if body.strip() else {}
        return self._kept(config_from(options, scope, block), options, scope)

    @staticmethod
    def _kept(config: ModelConfig, options: argparse.Namespace, scope: Scope) -> ModelConfig:
        cast("NotebookScope", scope).assign(options.variable, config)
        return config


class Train(Verb):
    """Train a model, watch it learn, and return what happened."""

    name = "train"
    example = "agent --steps 100_000 --eval-every 20_000 --until 475"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("model", kind="variable", help="variable that holds the model")
        add_training(parser)
        parser.add("--background", action="store_true", help="leave the notebook free meanwhile, and return the job")

    def run(self, options: argparse.Namespace, scope: Scope) -> History | TrainingJob:
        scope = cast("NotebookScope", scope)
        model, callbacks = scope.variable(options.model), training_callbacks(options)
        train = model.train_in_background if options.background else model.train
        return train(options.steps, total=options.total, callbacks=callbacks)


class Reconfigure(Verb):
    """Change hyperparameters of a model, also while it trains."""

    name = "reconfigure"
    example = "agent --learning-rate 1e-4"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("model", kind="variable", help="variable that holds the model")
        model = self._model(parser.others(words), scope)
        classes = [rlkit.factory.get(name).Config for name in rlkit.factory.names()]
        offered: set[str] | None = {name for config_class in classes for name in config_class.live_names()}
        if model is not None:
            classes = [type(model.config)]
            parser.algorithm = model.algorithm
            offered = None if model.observation_space is None else set(model.config.live_names())
        for config_class in classes:
            add_hyperparameters(parser, config_class, offered)

    @staticmethod
    def _model(others: Sequence[str], scope: Scope) -> ModelBase | None:
        """Return the model that one of the words means: values of options that are not known yet are among them."""
        if isinstance(scope, NotebookScope):
            for word in others:
                with suppress(UsageError):
                    return scope.variable(word)
        return None

    def run(self, options: argparse.Namespace, scope: Scope) -> Note:
        model = cast("NotebookScope", scope).variable(options.model)
        changes = hyperparameters(options, type(model.config))
        if not changes:
            raise UsageError("There is nothing to change.", f"Say what: %rl_{self.name} {self.example}")
        before = model.config
        model.reconfigure(**changes)
        said = [
            f"{name} is {text.literal(new)} from now on; it was {text.literal(old)}."
            for name, (old, new) in before.diff(model.config).items()
        ]
        return Note(" ".join(said) or "The model has these values already.")


class Jobs(Verb):
    """List the trainings in the background, or wait for one and return what happened."""

    name = "jobs"
    example = "agent --wait"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("job", nargs="?", kind="job", help="a number, or the variable of what trains; all by default")
        parser.add("--wait", action="store_true", help="wait until it has ended; Ctrl-C ends the wait alone")
        parser.add("--timeout", type=parse_number, metavar="SECONDS", help="how long to wait at most")

    def run(self, options: argparse.Namespace, scope: Scope) -> JobList | TrainingJob | History:
        if options.timeout is not None and not options.wait:
            raise UsageError("--timeout is how long to wait.", "Wait, then: --wait --timeout 60")
        if options.timeout is not None and not options.timeout >= 0:  # NaN is none, either
            raise UsageError(f"--timeout = {options.timeout:g} is not allowed.", "Give seconds, at least 0.")
        if options.job is not None:
            job = cast("NotebookScope", scope).job(options.job)
            return job.wait(options.timeout) if options.wait else job
        for job in jobs() if options.wait else ():
            if job.is_running:
                job.wait(options.timeout)
        return jobs()


class Stop(Verb):
    """Stop a training in the background after the update under way, or all of them."""

    name = "stop"
    example = "agent"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("job", nargs="?", kind="job", help="a number, or the variable of what trains; all by default")

    def run(self, options: argparse.Namespace, scope: Scope) -> Note:
        named = [] if options.job is None else [cast("NotebookScope", scope).job(options.job)]
        running = [job for job in named or jobs() if job.is_running]
        for job in running:
            job.stop()
        if not running:
            return Note("No training is running in the background." if not named else f"{named[0]} has ended already.")
        return Note(f"Stopped after the update under way: {', '.join(map(str, running))}.")


class Save(Verb):
    """Keep a model in the registry as the next version of a name."""

    name = "save"
    example = "agent cartpole --tag baseline --alias best"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("model", kind="variable", help="variable that holds the model")
        parser.add("name", kind="name", help="name to keep it under; it becomes the next version")
        parser.take("--tag", "--description")
        parser.add("--alias", metavar="WORD", kind="alias", help="a word that points to it from now on, such as best")
        parser.add(
            "--metric", action="append", default=[], metavar="NAME=VALUE", help="a figure; may be given several times"
        )
        parser.add("--dataset", metavar="FILE", kind="data", help="file that it was trained on, whose hash is kept")
        parser.add(
            "--parent",
            metavar="VERSION",
            kind="reference",
            help="version it was made from, where it was not loaded from it",
        )
        parser.add("--slim", action="store_true", help="leave out experience such as a replay buffer")
        parser.take("--allow-duplicate")

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelVersion:
        model = cast("NotebookScope", scope).variable(options.model)
        if options.alias is not None:
            check_alias(options.alias, options.name)  # before anything is kept
        with notes():
            version = rlkit.register(
                model,
                options.name,
                tags=options.tag,
                metrics=parse_metrics(options.metric),
                dataset=options.dataset,
                parent=options.parent,
                description=options.description,
                slim=options.slim,
                allow_duplicate=options.allow_duplicate,
            )
        if options.alias is None:
            return version
        return rlkit.registry().set_alias(version.name, options.alias, version.version)


class Load(Verb):
    """Load a model from the registry or from a file."""

    name = "load"
    example = "cartpole@best --as agent"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("source", "--env", "--trust")
        parser.add("--retrain", action="store_true", help="train the version again from its record, instead")
        _take_variable(parser)

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelBase:
        scope = cast("NotebookScope", scope)
        scope.check_variable(options.variable)
        env = None if options.env is None else scope.environment(options.env)
        if options.retrain:
            model = rlkit.registry().retrain(options.source, env, trust=options.trust)
        else:
            model = rlkit.load(options.source, env, trust=options.trust)
        scope.assign(options.variable, model)
        return model
