"""``rlkit …`` in a shell: the same verbs as the magics, for scripts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import rlkit
from rlkit.errors import RLKitError, UsageError, did_you_mean
from rlkit.options import OptionParser, create_from, create_parser, whole_number

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
    parser.add_argument("--steps", type=whole_number, help="environment steps; the config's n_timesteps by default")
    parser.add_argument("--save", metavar="NAME", help="name to keep the model under in the registry")
    parser.add_argument("--tag", action="append", default=[], help="a tag; may be given several times")
    options = parser.parse(words)
    model = create_from(options)
    print(model.train(options.steps))
    if options.save:
        print(rlkit.register(model, options.save, tags=options.tag).ref)


def evaluate(words: Words) -> None:
    """Evaluate a kept model on held-out episodes: rlkit eval cartpole:1 --episodes 100."""
    parser = OptionParser("rlkit eval")
    parser.add_argument("reference", help="name (newest), name:version, name@alias, or a .rlkit file")
    parser.add_argument("--episodes", type=whole_number, default=100, help="how many")
    parser.add_argument("--seed", type=whole_number, help="seed of the environments")
    options = parser.parse(words)
    print(rlkit.load(options.reference).evaluate(options.episodes, seed=options.seed))


def models(words: Words) -> None:
    """List the versions in the registry, of one model or of all: rlkit models [cartpole]."""
    parser = OptionParser("rlkit models")
    parser.add_argument("name", nargs="?", help="name of a model")
    print(rlkit.registry().versions(parser.parse(words).name))


VERBS: dict[str, Callable[[Words], None]] = {"algos": algos, "train": train, "eval": evaluate, "models": models}


def _help() -> str:
    lines = [f"  {name:8s}{(verb.__doc__ or '').strip()}" for name, verb in VERBS.items()]
    return "\n".join([f"rlkit {rlkit.__version__}", "", *lines])


def main(words: Words | None = None) -> int:
    """Run one verb; return 0, or 1 after an error and 2 after a wrong command."""
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
    except RLKitError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    return 0
