"""``rlkit …`` in a shell: the same verbs as the magics, for scripts."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import rlkit
from rlkit.errors import RLKitError, StoreError, UsageError, in_two_lines, nearest, visible
from rlkit.models.base import ModelBase
from rlkit.registry import ModelRegistry
from rlkit.registry.names import check_name, check_tags
from rlkit.registry.overview import overview
from rlkit.registry.reports import VerifyReport
from rlkit.registry.transfer import ExportedFile
from rlkit.registry.versions import ModelVersion
from rlkit.storage.files import check_writable
from rlkit.training import History
from rlkit.verbs import HelpRequested, OptionParser, Scope, Verb
from rlkit.verbs.about import Help
from rlkit.verbs.acting import Evaluate, Watch
from rlkit.verbs.creating import AlgorithmVerb, Config, create_from
from rlkit.verbs.groups import SHARED
from rlkit.verbs.notes import notes
from rlkit.verbs.plain import to_plain
from rlkit.verbs.reading import Models, Search, Show
from rlkit.verbs.training import add_training, training_callbacks

PREFIX = "rlkit "


def _take_save(parser: OptionParser, *, required: bool) -> None:
    parser.add("--save", metavar="NAME", kind="name", required=required, help="name to keep the model under")
    parser.take("--tag", "--description", "--allow-duplicate")


def _check_save(options: argparse.Namespace) -> None:
    """Refuse what could not be kept, before it is trained."""
    if options.save is not None:
        check_name(options.save, existing=rlkit.registry().models())
        check_tags(options.tag)
        check_writable(rlkit.registry().folder)
    elif options.tag or options.description:
        what = "--tag" if options.tag else "--description"
        raise UsageError(f"{what} needs --save.", "Say what to keep the model under: --save cartpole")


def _save(model: ModelBase, options: argparse.Namespace) -> ModelVersion:
    with notes():
        return rlkit.register(
            model,
            options.save,
            tags=options.tag,
            description=options.description,
            allow_duplicate=options.allow_duplicate,
        )


class Create(AlgorithmVerb):
    """Create a model and keep it in the registry, untrained."""

    name = "create"
    example = "ppo CartPole-v1 --seed 0 --save cartpole"

    def options(self, parser: OptionParser) -> None:
        _take_save(parser, required=True)

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelVersion:
        _check_save(options)
        return _save(create_from(options, scope), options)


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        history: What happened.
        version: What it was kept as; None where it was not.
    """

    history: History
    version: ModelVersion | None

    def __str__(self) -> str:
        kept = "The model was not kept: --save NAME does that." if self.version is None else self.version.ref
        return f"{self.history}\n{kept}"


class Train(AlgorithmVerb):
    """Train a new model, or a version from the registry on, and keep it."""

    name = "train"
    example = "ppo CartPole-v1 --steps 1e5 --save cartpole"

    takes_models = True

    def options(self, parser: OptionParser) -> None:
        add_training(parser)
        _take_save(parser, required=False)

    def run(self, options: argparse.Namespace, scope: Scope) -> Trained:
        _check_save(options)
        if "model" in options:
            model = scope.model(options.model, trust=options.trust)
        elif options.environment is None and options.env is None:
            raise UsageError(
                "rlkit train needs an environment.", f"Say which: rlkit train {options.algorithm} CartPole-v1"
            )
        else:
            model = create_from(options, scope)
        history = model.train(options.steps, total=options.total, callbacks=training_callbacks(options))
        return Trained(history, None if options.save is None else _save(model, options))


class Store(Verb):
    """Show the folder that keeps the models, which the variable RLKIT_HOME names."""

    name = "store"
    example = ""

    def run(self, options: argparse.Namespace, scope: Scope) -> ModelRegistry:
        return rlkit.registry()


GROUPS: Mapping[str, Sequence[Verb]] = {
    "make and train": [Create(), Config(), Train(), Evaluate(), Watch()],
    "what is kept": [Models(), Show(), Search(), Store()],
    **SHARED,
}
_HELP = Help(PREFIX, GROUPS)
VERBS: dict[str, Verb] = {verb.name: verb for group in GROUPS.values() for verb in group} | {_HELP.name: _HELP}


def _run(verb: Verb, words: Sequence[str]) -> None:
    scope = Scope()
    parser = verb.parser(f"{PREFIX}{verb.name}", words, scope)
    parser.add("--json", action="store_true", help="print JSON, for scripts")
    options = parser.parse(words)
    result = verb.run(options, scope)
    print(json.dumps(to_plain(result), indent=2) if options.json else visible(_text(verb, result), keep="\n"))
    if isinstance(result, ExportedFile) and result.says and not options.json:
        print(f"Note: {visible(result.says)}", file=sys.stderr)
    if isinstance(result, Trained) and result.history.stop_reason == "interrupted":
        raise KeyboardInterrupt  # what was trained is kept; a script must not go on
    if isinstance(result, VerifyReport) and not result.ok:
        problem = f"The registry {rlkit.registry().folder} is damaged."
        raise StoreError(problem, "What is printed above says how to repair it.")


def _text(verb: Verb, result: object) -> str:
    if isinstance(result, ModelVersion) and not isinstance(verb, Show):
        return str(result).partition("\n")[0]  # what a script asks for: which version it is now
    if isinstance(result, ModelRegistry):
        return repr(overview(result.folder, result.versions))
    return str(result)


@contextlib.contextmanager
def _importing_from_here() -> Iterator[None]:
    """Find modules in the folder worked in, too, as Python does: ``rlkit train ppo my_envs:My-v0``."""
    here = str(Path.cwd())
    if here in sys.path:
        yield
        return
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)


def main(words: Sequence[str] | None = None) -> int:
    """Run one verb, and return the exit code.

    It is 0, or 1 after an error, 2 after a wrong command, and as in shells 130 after Ctrl-C and 141 where nobody reads
    any more what is printed.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may not have all letters
    try:
        with _importing_from_here():
            code = _answer(list(sys.argv[1:] if words is None else words))
        print(end="", flush=True)
    except OSError as error:
        # Python would try once more to write what is left, when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # as that of "rlkit models | head"
            return 141
        print(in_two_lines(error), file=sys.stderr)
        return 1
    return code


def _answer(words: Sequence[str]) -> int:
    if words and words[0] in ("-V", "--version"):
        print(rlkit.__version__)
        return 0
    if not words or words[0] in ("-h", "--help"):
        words = ["help"]
    try:
        if words[0] not in VERBS:
            raise UsageError(
                f"rlkit has no command {words[0]!r}.", nearest(words[0], VERBS) or "rlkit help lists them."
            )
        _run(VERBS[words[0]], words[1:])
    except HelpRequested as answer:
        print(visible(str(answer), keep="\n"))
    except RLKitError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    return 0
