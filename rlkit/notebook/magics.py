"""The ``%rl_…`` magics: one short method a verb, each calling the public API."""

from __future__ import annotations

import functools
import keyword
from collections.abc import Callable
from typing import Any, TypeVar, cast

from IPython.core.magic import Magics, line_magic, magics_class

import rlkit
from rlkit.errors import RLKitError, UsageError, did_you_mean
from rlkit.models.base import ModelBase
from rlkit.options import HelpRequested, OptionParser, create_from, create_parser
from rlkit.registry import ModelRegistry, ModelVersion, use_registry
from rlkit.registry.versions import VersionList
from rlkit.training import Evaluation, History

Result = TypeVar("Result")


def verb(method: Callable[[RLMagics, str], Result]) -> Callable[[RLMagics, str], Result | None]:
    """Return a line magic whose rlkit errors show as two lines, without a traceback into rlkit.

    They stay exceptions, so that a cell that fails also fails in nbval, nbmake and nbclient. ``--help`` is printed.
    """

    @functools.wraps(method)
    def guarded(self: RLMagics, line: str) -> Result | None:
        try:
            # People end a line with a semicolon out of habit; IPython hands it to the magic.
            return method(self, line.rstrip().removesuffix(";"))
        except HelpRequested as answer:
            print(answer)  # noqa: T201 - what was asked for
            return None
        except RLKitError as error:
            lines = [f"{type(error).__name__}: {error.problem}", error.remedy]
            error._render_traceback_ = lambda: [text for text in lines if text]  # type: ignore[attr-defined]
            raise

    return cast("Callable[[RLMagics, str], Result | None]", line_magic(guarded))


@magics_class
class RLMagics(Magics):
    """Create, train, evaluate, keep and load reinforcement-learning models."""

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of all magics, without the percent sign."""
        return sorted(name for name in vars(cls) if name.startswith("rl_"))

    @verb
    def rl_create(self, line: str) -> ModelBase:
        """Create a model: %rl_create ppo --env CartPole-v1 --seed 0 [--learning-rate 1e-3 ...] [--as agent]."""
        parser, words = create_parser("%rl_create", line)
        parser.take("--as")
        options = parser.parse(words)
        return self._assign(options.variable, create_from(options))

    @verb
    def rl_train(self, line: str) -> History:
        """Train a model: %rl_train agent --steps 100_000."""
        parser = OptionParser("%rl_train")
        parser.take("model", "--steps")
        options = parser.parse(line)
        return self._model(options.model).train(options.steps)

    @verb
    def rl_eval(self, line: str) -> Evaluation:
        """Evaluate a model on held-out episodes: %rl_eval agent --episodes 100 [--seed 1] [--stochastic]."""
        parser = OptionParser("%rl_eval")
        parser.take("model", "--episodes", "--seed", "--stochastic")
        options = parser.parse(line)
        model = self._model(options.model)
        return model.evaluate(options.episodes, seed=options.seed, deterministic=not options.stochastic)

    @verb
    def rl_save(self, line: str) -> ModelVersion:
        """Keep a model in the registry: %rl_save agent cartpole [--tag baseline ...] [--description TEXT]."""
        parser = OptionParser("%rl_save")
        parser.take("model", "--tag")
        parser.add_argument("name", help="name to keep it under; it becomes the next version")
        parser.add_argument("--description", default="", help="what is worth knowing of it")
        parser.add_argument("--parent", help="version it was made from, such as cartpole:2")
        parser.add_argument("--slim", action="store_true", help="leave out experience such as a replay buffer")
        options = parser.parse(line)
        return rlkit.register(
            self._model(options.model),
            options.name,
            tags=options.tag,
            description=options.description,
            parent=options.parent,
            slim=options.slim,
        )

    @verb
    def rl_models(self, line: str) -> VersionList:
        """List the versions in the registry, of one model or of all: %rl_models [cartpole]."""
        parser = OptionParser("%rl_models")
        parser.add_argument("name", nargs="?", help="name of a model")
        return rlkit.registry().versions(parser.parse(line).name)

    @verb
    def rl_load(self, line: str) -> ModelBase:
        """Load a model from the registry: %rl_load cartpole, cartpole:3 or cartpole@best [--as agent]."""
        parser = OptionParser("%rl_load")
        parser.take("reference", "--as", "--trust")
        parser.add_argument("--env", help="Gymnasium id of an environment for it; the one it was trained on by default")
        options = parser.parse(line)
        model = rlkit.load(options.reference, options.env, trust=options.trust)
        return self._assign(options.variable, model)

    @verb
    def rl_store(self, line: str) -> ModelRegistry:
        """Show the folder that keeps the models, or choose another for this session: %rl_store [folder]."""
        parser = OptionParser("%rl_store")
        parser.add_argument("folder", nargs="?", help="folder, which need not be there yet")
        folder = parser.parse(line).folder
        return rlkit.registry() if folder is None else use_registry(folder)

    def _namespace(self) -> dict[str, Any]:
        assert self.shell is not None  # noqa: S101 - magics live in a shell
        namespace: dict[str, Any] = self.shell.user_ns
        return namespace

    def _model(self, name: str) -> ModelBase:
        """Return the model in a variable of the notebook."""
        namespace = self._namespace()
        if isinstance(namespace.get(name), ModelBase):
            model: ModelBase = namespace[name]
            return model
        models = [known for known, value in namespace.items() if isinstance(value, ModelBase) and known[0] != "_"]
        suggestion = did_you_mean(name, models) or f"Make one: {name} = %rl_create ppo --env CartPole-v1"
        if name in namespace:
            raise UsageError(
                f"The variable {name!r} holds a {type(namespace[name]).__name__}, not a model.", suggestion
            )
        raise UsageError(f"There is no variable {name!r}.", suggestion)

    def _assign(self, variable: str | None, model: ModelBase) -> ModelBase:
        if variable is not None:
            if not variable.isidentifier() or keyword.iskeyword(variable):
                raise UsageError(f"{variable!r} is no name of a variable.", "Use letters, digits and _.")
            self._namespace()[variable] = model
        return model
