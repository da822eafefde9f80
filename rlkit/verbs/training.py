"""What training takes, in a notebook and in a shell."""

from __future__ import annotations

import argparse

from rlkit.callbacks import Callback, EvaluateEvery, StopAtReturn
from rlkit.errors import UsageError
from rlkit.verbs.parser import OptionParser, parse_number, parse_whole_number


def add_training(parser: OptionParser) -> None:
    """Add the options of training."""
    parser.take("--steps")
    parser.add(
        "--total",
        type=parse_whole_number,
        metavar="N",
        help="train a part of a run of N steps, counted from the model's first; schedules span all N",
    )
    parser.add("--eval-every", type=parse_whole_number, metavar="STEPS", help="evaluate every so many steps")
    parser.add("--eval-episodes", type=parse_whole_number, metavar="N", help="episodes of each; 20 by default")
    parser.add(
        "--until",
        type=parse_number,
        metavar="RETURN",
        help="stop at this mean return: of an evaluation with --eval-every, else of the last 100 episodes",
    )
    parser.add("--keep-best", action="store_true", help="with --eval-every: become the best model again at the end")


def training_callbacks(options: argparse.Namespace) -> list[Callback]:
    """Return the callbacks that parsed options of training ask for.

    Raises:
        UsageError: An option needs another one.
        TrainingError: A number is out of bounds.
    """
    if options.eval_every is None:
        for name in ("eval_episodes", "keep_best"):
            if getattr(options, name):
                problem = f"--{name.replace('_', '-')} needs evaluations."
                raise UsageError(problem, "Say how often: --eval-every 10_000")
    callbacks: list[Callback] = []
    if options.eval_every is not None:
        episodes = 20 if options.eval_episodes is None else options.eval_episodes
        callbacks.append(EvaluateEvery(options.eval_every, episodes, restore_best=options.keep_best))
    if options.until is not None:
        callbacks.append(StopAtReturn(options.until, of="training" if options.eval_every is None else "evaluation"))
    return callbacks
