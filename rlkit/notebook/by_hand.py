"""``%rl_ui``: what can be typed, done by hand. Each of its pages is a verb of its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from rlkit.notebook.scope import NotebookScope
from rlkit.verbs import OptionParser, Scope, Verb
from rlkit.verbs.acting import add_episode, record

if TYPE_CHECKING:  # widgets are loaded where they are asked for
    from rlkit.notebook.widgets.create import CreatePanel
    from rlkit.notebook.widgets.models.browser import ModelBrowser
    from rlkit.notebook.widgets.player import EpisodePlayer


def create_panel(
    scope: Scope,
    algorithm: str = "ppo",
    env_id: str | None = None,
    variable: str | None = None,
    seed: int | None = None,
) -> CreatePanel:
    """Return the panel that creates a model by hand and puts it into a variable of the notebook.

    Raises:
        UnknownAlgorithmError: There is no such algorithm.
        UsageError: That is no name of a variable.
    """
    from rlkit.notebook.widgets.create import CreatePanel  # noqa: PLC0415 - widgets only where they are used

    scope = cast("NotebookScope", scope)
    scope.check_variable(variable)
    return CreatePanel(algorithm, env_id or "CartPole-v1", scope.assign, variable=variable or "agent", seed=seed)


class _Create(Verb):
    """Choose an algorithm, an environment and hyperparameters; create, train, evaluate and keep a model."""

    name = "create"
    example = "ppo CartPole-v1"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("algorithm", nargs="?", default="ppo", kind="algorithm", help="what to begin with; ppo by default")
        parser.add("environment", nargs="?", kind="environment", help="Gymnasium id of the environment")

    def run(self, options: argparse.Namespace, scope: Scope) -> CreatePanel:
        return create_panel(scope, options.algorithm, options.environment, seed=scope.seed)


class _Monitor(Verb):
    """Follow trainings in the background: pause, change, keep and stop one, or compare several."""

    name = "monitor"
    example = "agent other"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("job", nargs="*", kind="job", help="numbers, or variables of what trains; by default all that go on")

    def run(self, options: argparse.Namespace, scope: Scope) -> Any:
        from rlkit.notebook.widgets.runs import monitor_of  # noqa: PLC0415 - widgets only where they are used

        scope = cast("NotebookScope", scope)
        return monitor_of([scope.job(word) for word in options.job])


class _Models(Verb):
    """Find, look at, compare, load and tidy up the models that are kept."""

    name = "models"
    example = "cartpole"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.add("words", nargs="*", kind="name", help="what to look for at first, in any of what is known of them")

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelBrowser:
        from rlkit.notebook.widgets.models.browser import ModelBrowser  # noqa: PLC0415 - widgets only where they are used

        browser = ModelBrowser(assign=cast("NotebookScope", scope).assign)
        browser.query = " ".join(options.words)
        return browser


class _Watch(Verb):
    """Go through an episode of a model step by step, with what it knew at each."""

    name = "watch"
    example = "cartpole@best --seed 1"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        add_episode(parser)

    def run(self, options: argparse.Namespace, scope: Scope) -> EpisodePlayer:
        from rlkit.notebook.widgets.player import EpisodePlayer  # noqa: PLC0415 - widgets only where they are used

        return EpisodePlayer(record(options, scope))


_PAGES: dict[str, Verb] = {page.name: page for page in (_Create(), _Monitor(), _Models(), _Watch())}


class ByHand(Verb):
    """Create and train, follow, choose and watch models by hand, with forms and buttons."""

    name = "ui"
    example = "create ppo CartPole-v1"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        first = next(iter(parser.others(words)), None)
        pages = "; ".join(f"{name}: {page.summary.removesuffix('.').lower()}" for name, page in _PAGES.items())
        # Optional only where no word is there: argparse would give the only one to a word that a page needs.
        parser.add("page", nargs="?" if first is None else None, default="create", choices=list(_PAGES), help=pages)
        page = _PAGES.get(first or "create")
        if page is not None:  # else the parser says so
            page.arguments(parser, words, scope)

    def run(self, options: argparse.Namespace, scope: Scope) -> Any:
        return _PAGES[options.page].run(options, scope)
