"""Verbs that let a model act: to see how good it is, and to watch it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rlkit.training import Evaluation
from rlkit.verbs.parser import OptionParser, parse_whole_number
from rlkit.verbs.scope import Scope
from rlkit.verbs.verb import Verb
from rlkit.watching import Recording


class Evaluate(Verb):
    """Let a model act for some episodes, and tell how good it is."""

    name = "eval"
    example = "cartpole@best --episodes 100 --seed 1"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        parser.take("model")
        how_many = f"how many; {scope.episodes} by default"
        parser.add("--episodes", metavar="N", type=parse_whole_number, default=scope.episodes, help=how_many)
        envs = "environments stepped together; 8 by default, 1 for an environment in a variable"
        parser.add("--n-envs", metavar="N", type=parse_whole_number, help=envs)
        parser.take("--seed", "--stochastic", "--env", "--trust")

    def run(self, options: argparse.Namespace, scope: Scope) -> Evaluation:
        model = scope.model(options.model, trust=options.trust)
        env = None if options.env is None else scope.environment(options.env)
        return model.evaluate(
            options.episodes,
            seed=options.seed,
            env=env,
            n_envs=options.n_envs,
            deterministic=not options.stochastic,
        )


class Watch(Verb):
    """Watch one episode of a model."""

    name = "watch"
    example = "cartpole@best --seed 1"

    def arguments(self, parser: OptionParser, words: Sequence[str], scope: Scope) -> None:
        add_episode(parser)
        parser.add("--save", metavar="FILE", kind="data", help="keep it: a page (.html), or an animation (.gif)")

    def run(self, options: argparse.Namespace, scope: Scope) -> Recording:
        recording = record(options, scope)
        if options.save is not None:
            recording.save(options.save)
        return recording


def add_episode(parser: OptionParser) -> None:
    """Add what an episode to be watched depends on."""
    parser.take("model")
    parser.add("--max-steps", metavar="N", type=parse_whole_number, help="steps after which the episode is cut off")
    parser.take("--seed", "--stochastic", "--env", "--trust")


def record(options: argparse.Namespace, scope: Scope) -> Recording:
    """Return the episode that parsed options of :func:`add_episode` ask for.

    Raises:
        RLKitError: There is no such model or environment, or it cannot act there.
    """
    model = scope.model(options.model, trust=options.trust)
    env = None if options.env is None else scope.environment(options.env)
    return model.watch(options.seed, env=env, deterministic=not options.stochastic, max_steps=options.max_steps)
