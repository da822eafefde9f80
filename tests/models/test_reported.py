"""What a run reports of hyperparameters is what it used: for every algorithm in the factory."""

from __future__ import annotations

import math

import numpy as np
import pytest

import rlkit
from rlkit.models import ppo
from rlkit.nn.optimizers import Optimizer
from rlkit.schedules import LinearSchedule

ALIASES = {"epsilon": "exploration_initial_eps"}
"""Names in reports of what a config calls otherwise."""
SETTINGS = {
    "ppo": {"n_steps": 32, "batch_size": 16, "n_epochs": 2, "clip_range_vf": LinearSchedule(0.4, 0.1)},
    "a2c": {"n_steps": 32},
    "dqn": {"learning_starts": 150, "train_freq": 4, "exploration_fraction": 0.8},
    "dqn, updates as long as reports": {"learning_starts": 100, "train_freq": 100, "gradient_steps": 2},
}
CASES = [name for name in SETTINGS if name.partition(",")[0] in rlkit.factory.names()]
CASES += [name for name in rlkit.factory.names() if name not in SETTINGS]


class Compared(np.ndarray):
    """Uniform numbers that note what they are compared with: epsilon."""

    def __lt__(self, epsilon):
        self.noted.append(epsilon)
        return np.asarray(self) < epsilon


@pytest.fixture
def used(monkeypatch):
    """By the name of a metric, the values that were used since the last update."""
    used = {"learning_rate": [], "clip_range": [], "clip_range_vf": [], "epsilon": []}
    for optimizer in Optimizer.__subclasses__():
        step = optimizer.step

        def watched(self, gradient, learning_rate, step=step):
            used["learning_rate"].append(learning_rate)
            return step(self, gradient, learning_rate)

        monkeypatch.setattr(optimizer, "step", watched)
    loss = ppo.ppo_loss

    def watched_loss(*args, clip_range, clip_range_vf=None):
        used["clip_range"].append(clip_range)
        used["clip_range_vf"].append(clip_range_vf)
        return loss(*args, clip_range=clip_range, clip_range_vf=clip_range_vf)

    monkeypatch.setattr(ppo, "ppo_loss", watched_loss)
    return used


def watch_epsilon(model, monkeypatch, noted):
    exploration = model._exploration

    def watched(*args):
        for chance, actions in exploration(*args):
            compared = chance.view(Compared)
            compared.noted = noted
            yield compared, actions

    monkeypatch.setattr(model, "_exploration", watched)


@pytest.mark.parametrize("n_envs", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_every_reported_hyperparameter_is_the_one_that_was_used(case, n_envs, used, monkeypatch):
    algorithm = case.partition(",")[0]
    fields = rlkit.factory.get(algorithm).Config.hyperparameters()
    schedules = {name: LinearSchedule(0.02, 0.001) for name, field in fields.items() if field.kind == "schedule"}
    settings = {**schedules, **SETTINGS.get(case, {})}
    model = rlkit.create(algorithm, env="CartPole-v1", seed=0, preset=None, n_envs=n_envs, **settings)
    if "exploration_initial_eps" in fields:
        watch_epsilon(model, monkeypatch, used["epsilon"])
    compared = set()
    for update in model.training(800):
        for name, value in update.metrics.items():
            if ALIASES.get(name, name) in fields:
                if name == "gradient_steps":  # in a report it is how many there were
                    assert value == len(used["learning_rate"])
                    continue
                assert name in used, f"nothing here knows which {name} was used"
                expected = used[name][-1] if used[name] else math.nan
                np.testing.assert_equal(value, expected, err_msg=f"{name} after {update.num_timesteps} steps")
                compared.add(name)
        for values in used.values():
            values.clear()
    expected = {name for name, field in fields.items() if field.kind == "schedule"}
    assert compared == expected | ({"epsilon"} if "exploration_initial_eps" in fields else set())


def test_dqn_reports_the_rates_of_its_gradient_steps():
    settings = {"learning_rate": LinearSchedule(0.001), "train_freq": 100, "learning_starts": 100}
    model = rlkit.create("dqn", env="CartPole-v1", seed=0, preset=None, **settings)
    np.testing.assert_allclose(model.train(400).updates["learning_rate"], [0.001, 0.00075, 0.0005, 0.00025])


def test_dqn_reports_no_rate_and_random_actions_before_learning_starts():
    settings = {"train_freq": 50, "learning_starts": 200, "exploration_initial_eps": 0.9}
    history = rlkit.create("dqn", env="CartPole-v1", seed=0, preset=None, **settings).train(300)
    np.testing.assert_equal(history.updates["learning_rate"], [math.nan, 1e-4, 1e-4])
    np.testing.assert_equal(history.updates["epsilon"][:2], [1.0, 1.0])
    assert history.updates["epsilon"][2] < 0.9
