"""The ``%rl_…`` magics: every verb as a line of a notebook."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, magics_class
from traitlets import Enum, Int, Unicode, observe

from rlkit.errors import RLKitError
from rlkit.notebook.groups import PREFIX, verbs
from rlkit.notebook.scope import NotebookScope
from rlkit.registry import use_registry
from rlkit.verbs import HelpRequested, Verb
from rlkit.verbs.about import HelpText

_SEMICOLON = re.compile(r";\s*$")
"""What hides the value of a cell. In the cell that loads the extension no transformer has taken it away."""


class VerbMagic:
    """A verb as IPython calls it, for a line or for a cell.

    Errors of rlkit show as two lines, without a traceback into it. They stay exceptions, so that a cell that fails also
    fails in nbval, nbmake and nbclient.

    Args:
        verb: What it does.
        magics: Whose shell and settings it uses.
    """

    needs_local_scope = True
    _ipython_magic_no_var_expand = True  # the scope does it, which keeps objects

    def __init__(self, verb: Verb, magics: RLMagics) -> None:
        self.verb = verb
        self.prog = f"{PREFIX}{verb.name}"
        self.__wrapped__ = type(verb)  # the source that ``%rl_create??`` shows
        self._magics = magics

    def getdoc(self) -> str:
        """Return the help of the verb, which IPython shows for ``%rl_create?``."""
        return self.verb.document(self.prog)

    def __call__(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Run the verb, and return what there is to show."""
        try:
            return self._run(line, cell, local_ns)
        except HelpRequested as answer:
            return HelpText(answer)
        except RLKitError as error:
            lines = [f"{type(error).__name__}: {error.problem}", error.remedy]
            error._render_traceback_ = lambda: [text for text in lines if text]  # type: ignore[attr-defined]
            raise
        except KeyboardInterrupt as error:
            told = f"KeyboardInterrupt: {self.prog} was interrupted."
            error._render_traceback_ = lambda: [told]  # type: ignore[attr-defined]
            raise

    def _run(self, line: str, cell: str | None, local_ns: Mapping[str, Any] | None) -> Any:
        scope = self._magics.scope(local_ns)
        line, semicolons = _SEMICOLON.subn("", line)
        words = scope.words(line, partial(self.verb.split, self.prog))
        parser = self.verb.parser(self.prog, words, scope)
        options = parser.parse(words)
        body = () if cell is None else (cell,)
        result = (self.verb.run_body if body else self.verb.run)(options, scope, *body)  # type: ignore[attr-defined]
        if semicolons and result is not None:
            self._magics.quiet(result)
        return result


@magics_class
class RLMagics(Magics):
    """Create, train, watch, keep and load reinforcement-learning models.

    ``%config RLMagics`` shows and changes the settings, for the session; ``c.RLMagics.seed = 0`` in
    ``ipython_config.py`` for every session.
    """

    store = Unicode("", help="Folder that keeps the models; empty for $RLKIT_HOME, else rlkit_artifacts.").tag(
        config=True
    )
    seed = Int(None, allow_none=True, min=0, help="Seed of new models where none is typed; None to draw one.").tag(
        config=True
    )
    episodes = Int(100, min=1, help="Episodes of %rl_eval where no number is typed.").tag(config=True)
    progress = Enum(
        ["monitor", "live", "none"],
        "monitor",
        help="What training shows: a live curve with buttons (monitor) or without (live), or none.",
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell, quiet: Callable[[object], None] = lambda _: None) -> None:
        super().__init__(shell)
        self.quiet = quiet  # called with what the cell shall not show
        made = {f"rl_{verb.name}": VerbMagic(verb, self) for verb in verbs()}
        self.magics["line"] = dict(made)
        self.magics["cell"] = {name: magic for name, magic in made.items() if hasattr(magic.verb, "run_body")}

    def scope(self, local: Mapping[str, Any] | None = None) -> NotebookScope:
        """Return what words mean now, with the settings."""
        assert self.shell is not None  # noqa: S101 - magics live in a shell
        scope = NotebookScope(self.shell, local)
        scope.seed, scope.episodes = self.seed, self.episodes
        scope.verbs = [verb.name for verb in verbs()]
        return scope

    @observe("store")
    def _use_store(self, change: Any) -> None:
        if change["new"]:
            use_registry(change["new"])
