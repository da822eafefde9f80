"""Returns that the shipped presets reach, over several seeds, next to what others have published.

    python benchmarks/returns.py [--seeds 5] [--jobs 2] [--algorithm ppo] [--env CartPole-v1] [--write docs/returns.md]

Every run trains a new model with the environment's preset, then plays 100 deterministic episodes in environments with
seeds that training never saw. Finished runs are kept in build/returns.jsonl; `--resume` goes on from there.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shlex
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from tqdm import tqdm

import rlkit

EPISODES = 100
HELD_OUT = 1_000_000
"""Added to a run's seed for its evaluation."""
LOG = Path("build/returns.jsonl")


@dataclass(frozen=True)
class Case:
    """What a preset is to reach.

    Attributes:
        env: Environment id.
        algorithm: Algorithm.
        target: Interquartile mean of the seeds' mean returns to reach at least.
        failed: A seed whose mean return is below this has not learnt the task.
        published: RL Baselines3 Zoo's mean return of one run, with its training steps.
    """

    env: str
    algorithm: str
    target: float
    failed: float
    published: str

    def failures(self, scores: Any) -> int:
        """Return how many of the seeds' mean returns are of models that have not learnt the task."""
        return int((np.asarray(scores) < self.failed).sum())

    def reached(self, scores: Any) -> bool:
        """Say whether the seeds' mean returns reach the target, and all have learnt the task."""
        return bool(interquartile_mean(scores) >= self.target) and not self.failures(scores)


CASES = [
    Case("CartPole-v1", "ppo", 500, 475, "500.0 @100k"),
    Case("CartPole-v1", "a2c", 500, 475, "500.0 @500k"),
    Case("CartPole-v1", "dqn", 500, 475, "500.0 @50k"),
    Case("Acrobot-v1", "ppo", -80, -100, "-73.5 @1M"),
    Case("Acrobot-v1", "a2c", -85, -100, "-83.4 @500k"),
    Case("Acrobot-v1", "dqn", -80, -100, "-76.6 @100k"),
    Case("MountainCar-v0", "ppo", -110, -150, "-110.4 @1M"),
    Case("MountainCar-v0", "a2c", -110, -150, "-111.3 @1M"),
    Case("MountainCar-v0", "dqn", -105, -150, "-100.8 @120k"),
    Case("Pendulum-v1", "ppo", -175, -250, "-172.2 @100k"),
    Case("Pendulum-v1", "a2c", -165, -250, "-163.0 @1M"),
    Case("MountainCarContinuous-v0", "ppo", 90, 80, "88.3 @20k"),
    Case("MountainCarContinuous-v0", "a2c", 90, 80, "91.2 @100k"),
    Case("LunarLander-v3", "ppo", 240, 100, "242.1 @1M (v2)"),
    Case("LunarLander-v3", "a2c", 160, 100, "155.8 @200k (v2)"),
    Case("LunarLander-v3", "dqn", 200, 100, "154.4 @100k (v2)"),
]

HEADER = """\
| environment | algorithm | steps | interquartile mean | 95 % interval | worst seed | target | RL Zoo | training |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |"""

PAGE = """\
# Returns

What rlkit's presets reach. Every row is {seeds} models, seeds 0 to {last}, each trained once with the preset that
`rlkit.create` takes by itself, then evaluated over 100 deterministic episodes in environments whose seeds training
never saw. The last parameters count, not the best on the way.

The figure is the interquartile mean of the seeds' mean returns, with its 95 % bootstrap interval, as
[rliable](https://arxiv.org/abs/2108.13264) defines them. A seed has failed below: CartPole 475, Acrobot -100,
MountainCar -150, Pendulum -250, MountainCarContinuous 80, LunarLander 100. RL Zoo's figures are those of
[its benchmark](https://github.com/DLR-RM/rl-baselines3-zoo/blob/master/benchmark.md): one training run each.

`{command}` on {day}: {versions}; one core a run, training times are medians on a shared machine.

{table}
"""


def interquartile_mean(scores: Any) -> Any:
    """Return the mean of the middle half along the last axis (Agarwal et al. 2021, arXiv 2108.13264).

    As ``scipy.stats.trim_mean(scores, 0.25)``, which their library rliable uses.
    """
    ordered = np.sort(scores, axis=-1)
    cut = ordered.shape[-1] // 4
    return ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1)


def interval(scores: Any, repetitions: int = 50_000) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the interquartile mean over seeds."""
    drawn = np.random.default_rng(0).choice(scores, (repetitions, len(scores)))
    low, high = np.percentile(interquartile_mean(drawn), [2.5, 97.5])
    return float(low), float(high)


def run(case: Case, seed: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Train and evaluate one model; return what came out, as JSON can hold it."""
    model = rlkit.create(case.algorithm, env=case.env, seed=seed, **settings)
    history = model.train(progress=False)
    evaluation = model.evaluate(EPISODES, seed=HELD_OUT + seed, n_envs=32)
    return {
        "env": case.env,
        "algorithm": case.algorithm,
        "seed": seed,
        "steps": history.num_timesteps,
        "mean": evaluation.mean,
        "std": evaluation.std,
        "seconds": history.seconds,
        "config": model.hyperparameters,
    }


def config_of(case: Case, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hyperparameters that a run of ``case`` has."""
    return rlkit.create(case.algorithm, env=case.env, seed=0, **settings).hyperparameters


def finished(cases: list[Case], settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the runs in the log that have the hyperparameters they would have now."""
    configs = {(case.env, case.algorithm): config_of(case, settings) for case in cases}
    for line in LOG.read_text().splitlines() if LOG.exists() else ():
        row = json.loads(line)
        if row["config"] == configs.get((row["env"], row["algorithm"])):
            yield row


def collect(arguments: argparse.Namespace, cases: list[Case], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for every case and seed: those of the log where asked for, else run now."""
    LOG.parent.mkdir(exist_ok=True)
    if not arguments.resume:
        LOG.unlink(missing_ok=True)
    rows = list(finished(cases, settings))
    known = {(row["env"], row["algorithm"], row["seed"]) for row in rows}
    # One seed of everything, then the next: what was finished when it is interrupted is a table all the same.
    jobs = [(case, seed) for seed in range(arguments.seeds) for case in cases]
    todo = [(case, seed) for case, seed in jobs if (case.env, case.algorithm, seed) not in known]
    with ProcessPoolExecutor(arguments.jobs, max_tasks_per_child=1) as executor:
        futures = [executor.submit(run, case, seed, settings) for case, seed in todo]
        for future in tqdm(as_completed(futures), total=len(futures), unit="run"):
            row = future.result()
            rows.append(row)
            with LOG.open("a") as log:
                log.write(json.dumps(row) + "\n")
    return rows


def table(cases: list[Case], rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a Markdown table with a row for every case that has runs."""
    yield HEADER
    for case in cases:
        mine = [row for row in rows if (row["env"], row["algorithm"]) == (case.env, case.algorithm)]
        if not mine:
            continue
        scores = np.array([row["mean"] for row in mine])
        iqm, (low, high), worst = float(interquartile_mean(scores)), interval(scores), float(scores.min())
        failures = case.failures(scores)
        steps = max(row["steps"] for row in mine)
        seconds = float(np.median([row["seconds"] for row in mine]))
        verdict = "reached" if case.reached(scores) else "**not reached**"
        told = f"{worst:.1f}" + (f" ({failures} of {len(mine)} failed)" if failures else "")
        yield (
            f"| {case.env} | {case.algorithm.upper()} | {steps:,} | {iqm:.1f} | {low:.1f} to {high:.1f} | {told} "
            f"| {case.target:g}: {verdict} | {case.published} | {seconds:.0f} s |"
        )


def page(cases: list[Case], rows: list[dict[str, Any]], command: str, seeds: int) -> str:
    """Return the whole page as Markdown."""
    return PAGE.format(
        seeds=seeds,
        last=seeds - 1,
        command=command,
        day=f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
        versions=f"Python {platform.python_version()}, NumPy {np.__version__}, Gymnasium {gymnasium.__version__}",
        table="\n".join(table(cases, rows)),
    )


def parsed(pairs: list[str]) -> dict[str, Any]:
    """Return ``["gamma=0.9"]`` as ``{"gamma": 0.9}``."""
    settings = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        try:
            settings[name] = json.loads(value)
        except json.JSONDecodeError:
            settings[name] = value
    return settings


def main() -> int:
    """Run what is asked for and print the table; return 1 where a target was not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algorithm", action="append", choices=sorted({case.algorithm for case in CASES}))
    parser.add_argument("--env", action="append", choices=sorted({case.env for case in CASES}))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another hyperparameter")
    parser.add_argument("--resume", action="store_true", help="keep the runs that are finished already")
    parser.add_argument("--write", type=Path, help="write the page to this file, too")
    arguments = parser.parse_args()
    cases = [
        case
        for case in CASES
        if case.algorithm in (arguments.algorithm or [case.algorithm]) and case.env in (arguments.env or [case.env])
    ]
    rows = collect(arguments, cases, parsed(arguments.set))
    lines = list(table(cases, rows))
    print("\n".join(lines))
    if arguments.write:
        command = shlex.join(["python", "benchmarks/returns.py", *sys.argv[1:]])
        arguments.write.parent.mkdir(parents=True, exist_ok=True)
        arguments.write.write_text(page(cases, rows, command, arguments.seeds))
    return int(any("not reached" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
