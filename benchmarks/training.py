"""PPO on CartPole-v1 with RL Zoo's settings, 100k steps: python benchmarks/training.py [runs]."""

import sys

from sidebyside import compare

RLKIT = """
import rlkit
rlkit.create("ppo", env="CartPole-v1", seed=0).train(100_000, progress=False)
"""

SB3 = """
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
torch.set_num_threads(1)
PPO(
    "MlpPolicy", make_vec_env("CartPole-v1", n_envs=8), n_steps=32, batch_size=256, gae_lambda=0.8, gamma=0.98,
    n_epochs=20, ent_coef=0.0, learning_rate=lambda left: left * 1e-3, clip_range=lambda left: left * 0.2, seed=0,
    device="cpu",
).learn(100_000)
"""

compare(
    "PPO, CartPole-v1, 100k steps", {"rlkit": RLKIT, "Stable-Baselines3": SB3}, runs=int((sys.argv[1:] or ["5"])[0])
)
