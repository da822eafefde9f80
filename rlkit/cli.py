"""``rlkit …`` in a shell: the same verbs as the magics, for scripts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import rlkit
from rlkit.errors import RLKitError, StoreError, UsageError, did_you_mean
from rlkit.options import HelpRequested, OptionParser, create_from, create_parser
from rlkit.registry.names import check_name, check_tags

Words = Sequence[str]


def algos(words: Words) -> None:
    """List the algorithms, or describe one: rlkit algos [ppo]."""
    parser = OptionParser("rlkit algos")
    parser.add_argument("algorithm", nargs="?", help="name of an algorithm")
    name = parser.parse(words).algorithm
    print(rlkit.factory.describe(name) if name else "\n".join(rlkit.factory.names()))


def train(words: Words) -> None:
    """Create, train and keep a model: rlkit train ppo --env CartPole-v1 --steps 1e5 --save cartpole."""
    parser, words = create_parser("rlkit train", words)
    parser.take("--steps", "--tag")
    parser.add_argument("--save", metavar="NAME", help="name to keep the model under in the registry")
    options = parser.parse(words)
    if options.env is None:
        raise UsageError("rlkit train needs an environment.", "Say which: --env CartPole-v1")
    # Before training: a wrong word must not cost what was trained.
    if options.save is not None:
        check_name(options.save, existing=rlkit.registry().models())
        check_tags(options.tag)
    elif options.tag:
        raise UsageError("rlkit train: --tag needs --save.", "Say what to keep the model under: --save cartpole")
    model = create_from(options)
    print(model.train(options.steps))
    if options.save is not None:
        print(rlkit.register(model, options.save, tags=options.tag).ref)


def evaluate(words: Words) -> None:
    """Evaluate a kept model on held-out episodes: rlkit eval cartpole:1 --episodes 100."""
    parser = OptionParser("rlkit eval")
    parser.take("reference", "--episodes", "--seed", "--stochastic", "--trust")
    options = parser.parse(words)
    model = rlkit.load(options.reference, trust=options.trust)
    print(model.evaluate(options.episodes, seed=options.seed, deterministic=not options.stochastic))


def models(words: Words) -> None:
    """List the versions in the registry, of one model or of all: rlkit models [cartpole]."""
    parser = OptionParser("rlkit models")
    parser.add_argument("name", nargs="?", help="name of a model")
    print(rlkit.registry().versions(parser.parse(words).name))


def card(words: Words) -> None:
    """Print the model card of a version, in Markdown: rlkit card cartpole:1."""
    parser = OptionParser("rlkit card")
    parser.take("reference")
    print(rlkit.registry().card(parser.parse(words).reference))


def export(words: Words) -> None:
    """Write a version to one file, to take elsewhere: rlkit export cartpole:1 [cartpole.rlkit]."""
    parser = OptionParser("rlkit export")
    parser.take("reference")
    parser.add_argument("file", nargs="?", help="file, whose name ends in .rlkit")
    options = parser.parse(words)
    print(rlkit.registry().export_file(options.reference, options.file))


def import_file(words: Words) -> None:
    """Keep the model in a file as a version; nothing in it is run: rlkit import cartpole.rlkit [name]."""
    parser = OptionParser("rlkit import")
    parser.add_argument("file", help="file that rlkit export or model.save wrote")
    parser.add_argument("name", nargs="?", help="what to call the model; what the file says by default")
    options = parser.parse(words)
    print(rlkit.registry().import_file(options.file, options.name).ref)


def inspect(words: Words) -> None:
    """Tell what loading a version or a file would build or run, without doing it: rlkit inspect cartpole:1."""
    parser = OptionParser("rlkit inspect")
    parser.take("reference")
    print(rlkit.registry().inspect(parser.parse(words).reference))


def verify(words: Words) -> None:
    """Check every hash and every reference in the registry: rlkit verify."""
    OptionParser("rlkit verify").parse(words)
    report = rlkit.registry().verify()
    print(report)
    if not report.ok:
        raise StoreError(
            f"The registry {rlkit.registry().folder} is damaged.", "The table above says how to repair it."
        )


def gc(words: Words) -> None:
    """Delete for good what is in the trash or needed by no version: rlkit gc [--dry-run]."""
    parser = OptionParser("rlkit gc")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    print(rlkit.registry().gc(dry_run=parser.parse(words).dry_run))


VERBS: dict[str, Callable[[Words], None]] = {
    "algos": algos,
    "train": train,
    "eval": evaluate,
    "models": models,
    "card": card,
    "export": export,
    "import": import_file,
    "inspect": inspect,
    "verify": verify,
    "gc": gc,
}


def _help() -> str:
    lines = [f"  {name:8s}{(verb.__doc__ or '').strip()}" for name, verb in VERBS.items()]
    return "\n".join([f"rlkit {rlkit.__version__}", "", *lines])


def main(words: Words | None = None) -> int:
    """Run one verb; return 0, or 1 after an error, 2 after a wrong command and 130 after Ctrl-C, as shells do."""
    words = list(sys.argv[1:] if words is None else words)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if words[0] in ("-V", "--version"):
        print(rlkit.__version__)
        return 0
    try:
        if words[0] not in VERBS:
            raise UsageError(f"rlkit has no command {words[0]!r}.", did_you_mean(words[0], VERBS))
        VERBS[words[0]](words[1:])
    except HelpRequested as answer:
        print(answer)
    except RLKitError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    return 0
