"""Training on CartPole-v1 with RL Zoo's settings, rlkit and Stable-Baselines3 in turn.

python benchmarks/training.py [--runs 5] [--algorithm ppo]

Both get the same hyperparameters, written out, and the same number of steps; only training is measured, without the
import. Ends with 1 where rlkit is less than FLOORS times as fast.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from sidebyside import compare

FLOORS = {"ppo": 6.0, "a2c": 5.0, "dqn": 3.0}
"""How many times as fast as Stable-Baselines3 rlkit must be at least."""


@dataclass(frozen=True)
class Case:
    """One algorithm's run: hyperparameters as Python source, ``left`` being what is left of the training."""

    steps: int
    n_envs: int
    shared: str
    rlkit: str
    sb3: str


CASES = {
    "ppo": Case(
        100_000,
        8,
        "n_steps=32, batch_size=256, gae_lambda=0.8, gamma=0.98, n_epochs=20, ent_coef=0.0",
        "learning_rate='lin_0.001', clip_range='lin_0.2'",
        "learning_rate=lambda left: left * 1e-3, clip_range=lambda left: left * 0.2",
    ),
    "a2c": Case(
        100_000, 8, "n_steps=5, gamma=0.99, gae_lambda=1.0, ent_coef=0.0, learning_rate=7e-4, rms_prop_eps=1e-5", "", ""
    ),
    "dqn": Case(
        50_000,
        1,
        "learning_rate=2.3e-3, batch_size=64, buffer_size=100_000, learning_starts=1000, gamma=0.99, "
        "target_update_interval=10, train_freq=256, gradient_steps=128, exploration_fraction=0.16, "
        "exploration_initial_eps=1.0, exploration_final_eps=0.04",
        "net_arch=[256, 256], double_q=False, n_steps=1",
        "policy_kwargs={'net_arch': [256, 256]}",
    ),
}

RLKIT = """
import time
import rlkit
model = rlkit.create("{algorithm}", env="CartPole-v1", seed=0, n_envs={n_envs}, {shared}, {rlkit})
started = time.perf_counter()
model.train({steps}, progress=False)
print(time.perf_counter() - started)
"""

SB3 = """
import time
import torch
from stable_baselines3 import {name}
from stable_baselines3.common.env_util import make_vec_env
torch.set_num_threads(1)
model = {name}(
    "MlpPolicy", make_vec_env("CartPole-v1", n_envs={n_envs}), seed=0, device="cpu", {shared}, {sb3}
)
started = time.perf_counter()
model.learn({steps})
print(time.perf_counter() - started)
"""


def main() -> int:
    """Compare every algorithm asked for; return 1 where one is slower than its floor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--algorithm", choices=list(CASES), action="append")
    arguments = parser.parse_args()
    slow = []
    for algorithm in arguments.algorithm or list(CASES):
        case = CASES[algorithm]
        fill = {**vars(case), "algorithm": algorithm, "name": algorithm.upper()}
        codes = {"rlkit": RLKIT.format(**fill), "Stable-Baselines3": SB3.format(**fill)}
        title = f"{fill['name']}, CartPole-v1, {case.steps:,} steps, RL Zoo's settings"
        ratio = compare(title, codes, arguments.runs, measured="training alone")
        print(f"  at least x {FLOORS[algorithm]:.0f} is due: {'reached' if ratio >= FLOORS[algorithm] else 'MISSED'}")
        if ratio < FLOORS[algorithm]:
            slow.append(algorithm)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
