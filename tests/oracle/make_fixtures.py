"""Writes updates.npz: what Stable-Baselines3 on PyTorch makes of given weights and batches, for test_updates.py.

Run it with the peers' environment: .venv-bench/bin/python tests/oracle/make_fixtures.py
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.logger import configure
from stable_baselines3.common.sb2_compat.rmsprop_tf_like import RMSpropTFLike
from stable_baselines3.common.vec_env import VecNormalize
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

ROWS, FEATURES = 48, 3
OBSERVATIONS = spaces.Box(-10, 10, (FEATURES,), np.float32)
ACTIONS = {
    "discrete": spaces.Discrete(4),
    "multi-discrete": spaces.MultiDiscrete([2, 3]),
    "multi-binary": spaces.MultiBinary(3),
    "box": spaces.Box(-2, 2, (2,), np.float32),
}
ON_POLICY = {
    "ppo discrete": ("ppo", "discrete", {}),
    "ppo multi-discrete": ("ppo", "multi-discrete", {}),
    "ppo multi-binary": ("ppo", "multi-binary", {}),
    "ppo box": ("ppo", "box", {}),
    "ppo box gsde": ("ppo", "box", {"use_sde": True}),
    "ppo values clipped": ("ppo", "discrete", {"clip_range_vf": 0.1, "normalize_advantage": False}),
    "ppo tight": ("ppo", "box", {"clip_range": 0.02, "max_grad_norm": 0.05, "ent_coef": 0.0}),
    "a2c discrete": ("a2c", "discrete", {}),
    "a2c tensorflow": ("a2c", "box", {"optimizer": "rmsprop_tf"}),
    "a2c adam": ("a2c", "multi-binary", {"optimizer": "adam", "normalize_advantage": True}),
    "a2c box gsde": ("a2c", "box", {"use_sde": True, "gae_lambda": 0.9}),
}
SHARED = {"learning_rate": 0.01, "ent_coef": 0.02, "vf_coef": 0.7, "max_grad_norm": 0.5, "gamma": 0.9}
OPTIMIZERS = {"rmsprop": torch.optim.RMSprop, "rmsprop_tf": RMSpropTFLike, "adam": torch.optim.Adam}


class Spaces(gymnasium.Env):
    """Spaces alone, for SB3 to make networks for."""

    def __init__(self, action_space):
        self.observation_space, self.action_space = OBSERVATIONS, action_space

    def reset(self, *, seed=None, options=None):
        return self.observation_space.sample(), {}


def vector(named, layers, extra=()):
    """Weights in rlkit's order, ``(inputs, outputs)`` matrices first and then biases, layer by layer."""
    parts = []
    for layer in layers:
        parts += [named[f"{layer}.weight"].T, named[f"{layer}.bias"]]
    return np.concatenate([np.ascontiguousarray(part).reshape(-1) for part in [*parts, *(named[e] for e in extra)]])


def numpy_of(module):
    return {name: tensor.detach().numpy().copy() for name, tensor in module.state_dict().items()}


def on_policy_vector(model):
    named = numpy_of(model.policy)
    actor = ["mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2", "action_net"]
    critic = ["mlp_extractor.value_net.0", "mlp_extractor.value_net.2", "value_net"]
    return vector(named, actor + critic, ["log_std"] if "log_std" in named else [])


def on_policy(algorithm, kind, settings, seed):
    """Weights before and after three updates of one batch, each of the whole of it."""
    settings = {**SHARED, **settings}
    kwargs = {k: v for k, v in settings.items() if k != "optimizer"}
    policy_kwargs = {"net_arch": [6, 5]}
    if algorithm == "a2c":
        policy_kwargs["optimizer_class"] = OPTIMIZERS[settings.get("optimizer", "rmsprop")]
        policy_kwargs["optimizer_kwargs"] = {"eps": 1e-5}
        if settings.get("optimizer", "rmsprop") != "adam":
            policy_kwargs["optimizer_kwargs"]["alpha"] = 0.99
        model = A2C("MlpPolicy", Spaces(ACTIONS[kind]), n_steps=ROWS, seed=seed, policy_kwargs=policy_kwargs, **kwargs)
        repeats = 3
    else:
        settings |= {"batch_size": ROWS, "n_epochs": 3}
        kwargs |= {"batch_size": ROWS, "n_epochs": 3}
        model = PPO("MlpPolicy", Spaces(ACTIONS[kind]), n_steps=ROWS, seed=seed, policy_kwargs=policy_kwargs, **kwargs)
        repeats = 1
    model.set_logger(configure(None, []))
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for weights in model.policy.parameters():  # the last layer is nearly 0 otherwise
            weights.add_(torch.as_tensor(rng.normal(0, 0.3, weights.shape), dtype=torch.float32))
    before = on_policy_vector(model)
    observations = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    if kind == "box":
        actions = rng.normal(size=(ROWS, 2)).astype(np.float32)
    else:
        ACTIONS[kind].seed(seed)
        actions = np.array([ACTIONS[kind].sample() for _ in range(ROWS)])
    tensor = torch.as_tensor(actions, dtype=torch.long if kind == "discrete" else torch.float32)
    with torch.no_grad():
        values, log_probs, _ = model.policy.evaluate_actions(torch.as_tensor(observations), tensor)
    batch = {
        "observations": observations,
        "actions": actions,
        "values": values.numpy().flatten() + rng.normal(0, 0.2, ROWS).astype(np.float32),
        "log_probs": log_probs.numpy() + rng.normal(0, 0.2, ROWS).astype(np.float32),
        "advantages": rng.normal(size=ROWS).astype(np.float32),
    }
    batch["returns"] = batch["values"] + batch["advantages"]
    for _ in range(repeats):
        fill(model.rollout_buffer, batch)
        model.train()
    logged = model.logger.name_to_value
    losses = {name: float(logged[f"train/{name}"]) for name in ("value_loss", "explained_variance")}
    return {"before": before, "after": on_policy_vector(model), **batch}, {"settings": settings, "losses": losses}


def fill(buffer, batch):
    buffer.reset()
    named = {**batch, "actions": batch["actions"].reshape(ROWS, -1)}
    for name, array in named.items():
        shape = getattr(buffer, name).shape
        setattr(buffer, name, array.reshape(shape).astype(np.float32))
    buffer.pos, buffer.full, buffer.generator_ready = ROWS, True, False


def dqn(double_q, seed):
    """Weights before and after three gradient steps on one batch, some of its errors beyond Huber's knee."""
    settings = {"learning_rate": 0.01, "gamma": 0.9, "max_grad_norm": 10.0 if double_q else 0.5}
    model = DQN("MlpPolicy", Spaces(ACTIONS["discrete"]), seed=seed, policy_kwargs={"net_arch": [6, 5]}, **settings)
    model.set_logger(configure(None, []))
    rng = np.random.default_rng(seed)
    batch = {
        "observations": rng.normal(size=(ROWS, FEATURES)).astype(np.float32),
        "actions": rng.integers(4, size=ROWS),
        "rewards": rng.normal(0, 1.5, ROWS).astype(np.float32),
        "next_observations": rng.normal(size=(ROWS, FEATURES)).astype(np.float32),
        "terminated": rng.random(ROWS) < 0.2,
    }
    layers = ["q_net.0", "q_net.2", "q_net.4"]
    arrays = {"before": vector(numpy_of(model.q_net), layers)}
    with torch.no_grad():
        for weights in model.q_net_target.parameters():
            weights.add_(torch.as_tensor(rng.normal(0, 0.3, weights.shape), dtype=torch.float32))
    arrays["target"] = vector(numpy_of(model.q_net_target), layers)
    data = SimpleNamespace(
        observations=torch.as_tensor(batch["observations"]),
        actions=torch.as_tensor(batch["actions"])[:, None],
        rewards=torch.as_tensor(batch["rewards"])[:, None],
        next_observations=torch.as_tensor(batch["next_observations"]),
        dones=torch.as_tensor(batch["terminated"], dtype=torch.float32)[:, None],
        discounts=None,
    )
    if double_q:
        double_q_steps(model, data)
    else:
        model.replay_buffer.sample = lambda *args, **kwargs: data
        model.train(gradient_steps=3, batch_size=ROWS)
    arrays["after"] = vector(numpy_of(model.q_net), layers)
    return {**arrays, **batch}, {"settings": {**settings, "double_q": double_q}}


def double_q_steps(model, data):
    """Three gradient steps with van Hasselt's target, which SB3 has not."""
    for _ in range(3):
        with torch.no_grad():
            best = model.q_net(data.next_observations).argmax(dim=1, keepdim=True)
            next_values = model.q_net_target(data.next_observations).gather(1, best)
            targets = data.rewards + (1 - data.dones) * model.gamma * next_values
        loss = torch.nn.functional.smooth_l1_loss(model.q_net(data.observations).gather(1, data.actions), targets)
        model.policy.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.policy.parameters(), model.max_grad_norm)
        model.policy.optimizer.step()


class Told(VecEnv):
    """Two environments that give the observations and rewards they are told."""

    def __init__(self, observations, rewards, dones):
        super().__init__(observations.shape[1], OBSERVATIONS, ACTIONS["discrete"])
        self.told, self.at = (observations, rewards, dones), 0

    def reset(self):
        self.at = 0
        return self.told[0][0]

    def step_async(self, actions):
        self.at += 1

    def step_wait(self):
        observations, rewards, dones = (array[self.at] for array in self.told)
        infos = [{"terminal_observation": observations[i]} for i in range(self.num_envs)]
        return observations, rewards, dones, infos

    def close(self):
        pass

    def get_attr(self, attr_name, indices=None):
        return [None] * self.num_envs

    def set_attr(self, attr_name, value, indices=None):
        pass

    def env_method(self, method_name, *args, indices=None, **kwargs):
        return []

    def env_is_wrapped(self, wrapper_class, indices=None):
        return [False] * self.num_envs


def normalization(seed):
    """What VecNormalize makes of observations and rewards, step by step."""
    rng = np.random.default_rng(seed)
    steps, n_envs = 200, 2
    scale = np.array([0.01, 1.0, 300.0])
    observations = (rng.normal(size=(steps, n_envs, FEATURES)) * scale + [0, 5, -40]).astype(np.float32)
    observations[190, 0] *= 1000  # far out: cut to the limit
    rewards = rng.normal(3, 20, (steps, n_envs)).astype(np.float32)
    dones = rng.random((steps, n_envs)) < 0.1
    environment = VecNormalize(Told(observations, rewards, dones), gamma=0.95)
    normalized, normalized_rewards = [environment.reset()], [np.zeros(n_envs)]
    for _ in range(steps - 1):
        found, found_rewards, _, _ = environment.step(np.zeros(n_envs, int))
        normalized.append(found)
        normalized_rewards.append(found_rewards)
    arrays = {
        "observations": observations,
        "rewards": rewards,
        "dones": dones,
        "normalized": np.array(normalized),
        "normalized_rewards": np.array(normalized_rewards),
    }
    return arrays, {"settings": {"gamma": 0.95}}


def main():
    cases = {name: on_policy(*case, seed=i) for i, (name, case) in enumerate(ON_POLICY.items())}
    cases["dqn"] = dqn(double_q=False, seed=20)
    cases["dqn double_q"] = dqn(double_q=True, seed=21)
    cases["normalization"] = normalization(seed=22)
    arrays = {f"{name}/{key}": array for name, (found, _) in cases.items() for key, array in found.items()}
    told = {name: told for name, (_, told) in cases.items()}
    path = Path(__file__).with_name("updates.npz")
    np.savez_compressed(path, **arrays, told=json.dumps(told))
    print(f"{path}: {len(cases)} cases, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
