from __future__ import annotations

import math

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TransformObservation

from rlkit.errors import ConfigError, TrainingError, UnsupportedSpaceError
from rlkit.models.dqn import DQN, DQNConfig, dqn_loss
from rlkit.nn.mlp import MLP
from rlkit.nn.parameters import Parameters
from rlkit.training import Callback, memory
from rlkit.training.replay import ReplayBuffer, Transitions, transition_bytes


def made(env, seed=0, **settings):
    return DQN(DQNConfig(**{"net_arch": [8], "learning_starts": 0, "batch_size": 4, **settings}), env, seed=seed)


def transitions(rng, n=6, discounts=None):
    drawn = rng.normal(size=(2, n, 3)).astype(np.float32)
    rewards = rng.normal(size=n).astype(np.float32)
    discounts = np.full(n, 0.9, np.float32) if discounts is None else discounts
    return Transitions(drawn[0], rng.integers(4, size=n), rewards, drawn[1], discounts)


def with_spaces(**settings):
    """A model whose Q-network and target network differ."""
    model = made(None, **settings)
    model._build_for(spaces.Box(-1, 1, (3,), np.float32), spaces.Discrete(4))
    model._target_parameters.vector += np.random.default_rng(5).normal(0, 0.5, model._parameters.size)
    return model


# -- the loss --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "loss", "slope"),
    [(0.0, 0.0, 0.0), (0.5, 0.125, 0.5), (-0.5, 0.125, -0.5), (1.0, 0.5, 1.0), (3.0, 2.5, 1.0), (-3.0, 2.5, -1.0)],
)
def test_the_loss_is_hubers(error, loss, slope):
    found = dqn_loss(np.array([[0.0, error]]), np.array([1]), np.zeros(1))
    assert found.total == loss
    assert found.by_values.tolist() == [[0, slope]]


@pytest.mark.parametrize("spread", [0.1, 1.0, 10.0])  # within the knee, on both sides of it, mostly beyond it
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_gradient_equals_finite_differences(numeric_gradient, activation, spread):
    rng = np.random.default_rng(0)
    sizes = (3, 7, 5, 4)
    parameters = Parameters(MLP.shapes("q", sizes), np.float64)
    network = MLP(parameters, "q", sizes, activation)
    network.initialize(rng, hidden_gain=1, output_gain=1, ortho_init=False)
    observations, actions = rng.normal(size=(9, 3)), rng.integers(4, size=9)
    targets = rng.normal(0, spread, 9)

    def total():
        return dqn_loss(network.forward(observations), actions, targets).total

    network.backward(dqn_loss(network.forward(observations), actions, targets).by_values)
    gradient, numeric = parameters.gradient, numeric_gradient(total, parameters.vector)
    assert np.linalg.norm(gradient - numeric) <= 1e-6 * np.linalg.norm(numeric)


@pytest.mark.parametrize("double_q", [False, True])
def test_targets_are_those_of_the_papers(double_q):
    model = with_spaces(double_q=double_q)
    batch = transitions(np.random.default_rng(1), discounts=np.array([0.9, 0.9, 0, 0.81, 0.9, 0], np.float32))
    ours, theirs = model.q_network(batch.next_observations), model.target_network(batch.next_observations)
    expected = []
    for i in range(6):
        chosen = (ours if double_q else theirs)[i].argmax()
        expected.append(batch.rewards[i] + batch.discounts[i] * theirs[i, chosen])
    np.testing.assert_allclose(model._targets(batch, theirs), expected, rtol=1e-6)
    assert (ours.argmax(axis=1) != theirs.argmax(axis=1)).any()


@pytest.mark.parametrize("settings", [{}, {"double_q": True}, {"normalize": True, "n_steps": 3}])
def test_minibatches_that_pass_the_target_network_together_teach_what_each_would_alone(monkeypatch, settings):
    def weights(numbers_at_once):
        monkeypatch.setattr("rlkit.models.dqn._NUMBERS_AT_ONCE", numbers_at_once)
        model = made("CartPole-v1", train_freq=10, gradient_steps=7, target_update_interval=10, **settings)
        model.train(100)
        return model._parameters.vector, model._optimizer.steps

    alone, steps = weights(1)
    together, _ = weights(3 * 4 * 8)  # three minibatches of four, and a hidden layer of eight: 3, 3 and 1 of 7
    assert steps == 70
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_what_is_drawn_has_the_batch_size_discount_and_number_of_steps_of_the_config(environments, monkeypatch):
    asked = []
    sample = ReplayBuffer.sample

    def watched(self, rows, rng, **settings):
        asked.append((rows, settings))
        return sample(self, rows, rng, **settings)

    monkeypatch.setattr(ReplayBuffer, "sample", watched)
    made(environments.Identity, batch_size=6, gamma=0.5, n_steps=3, gradient_steps=2).train(8)
    assert asked == [(12, {"gamma": 0.5, "n_steps": 3})] * 2  # two minibatches of six at once


# -- what is stepped, and when ---------------------------------------------------------------------------------------


class Watch(Callback):
    """Notes after every rollout the number of gradient steps so far, and whether the target network moved."""

    def __init__(self, model):
        self.model, self.steps, self.moved = model, [], []
        self._target = model._target_parameters.vector.copy()

    def on_rollout(self, run):
        self.steps.append(self.model._optimizer.steps)
        target = self.model._target_parameters.vector
        self.moved.append(bool((target != self._target).any()))
        self._target = target.copy()


@pytest.mark.parametrize(("n_envs", "gradient_steps", "expected"), [(1, 1, 1), (2, 3, 3), (1, -1, 4), (3, -1, 12)])
def test_every_rollout_of_train_freq_steps_is_followed_by_gradient_steps(
    environments, n_envs, gradient_steps, expected
):
    model = made(environments.Identity, n_envs=n_envs, train_freq=4, gradient_steps=gradient_steps)
    watch = Watch(model)
    history = model.train(5 * 4 * n_envs, callbacks=watch)
    assert watch.steps == [i * expected for i in range(5)]
    assert history.num_timesteps == 5 * 4 * n_envs


def test_nothing_is_learnt_before_learning_starts(environments):
    model = made(environments.Identity, learning_starts=10, train_freq=4, buffer_size=100)
    watch = Watch(model)
    model.train(20, callbacks=watch)
    assert watch.steps == [0, 0, 0, 1, 2]  # after 12 transitions for the first time


def test_until_learning_starts_actions_are_random(environments):
    def actions(**settings):
        model = made(environments.Identity, exploration_fraction=0, exploration_final_eps=0, **settings)
        model._parameters.vector[:] = 0  # the first action is the best everywhere
        model.train(64)
        return model._replay._actions[:64]

    assert set(actions(learning_starts=64)) == {0, 1, 2, 3}
    assert set(actions(learning_starts=0, train_freq=64)) == {0}


def test_the_target_network_is_copied_every_so_many_steps(environments):
    model = made(environments.Identity, train_freq=2, target_update_interval=6, learning_rate=0.01)
    watch = Watch(model)
    model.train(24, callbacks=watch)
    # Steps 6, 12, 18 and 24 end the rollouts with these numbers, counted from 0.
    assert [i for i, moved in enumerate(watch.moved) if moved] == [2, 5, 8, 11]


def test_a_soft_update_moves_the_target_by_a_part(environments):
    model = made(environments.Identity, train_freq=2, target_update_interval=1, tau=0.25)
    model._target_parameters.vector[:] = 0
    model.train(2)  # two steps of the environment and no gradient step before them
    parameters = made(environments.Identity)._parameters.vector
    np.testing.assert_allclose(Watch(model)._target, parameters * (1 - 0.75**2), rtol=1e-5)


def test_the_target_network_follows_steps_of_all_environments_together(environments):
    settings = {"target_update_interval": 10, "learning_rate": 0.01, "gradient_steps": 1}
    model = made(environments.Identity, n_envs=4, train_freq=1, **settings)
    watch = Watch(model)
    model.train(60, callbacks=watch)
    # The first rollouts to end with 10, 20, … 60 steps: what goes beyond an interval counts for the next.
    assert [4 * (i + 1) for i, moved in enumerate(watch.moved) if moved] == [12, 20, 32, 40, 52, 60]


def test_actions_are_random_as_often_as_epsilon_says(environments):
    settings = {"exploration_fraction": 0.5, "exploration_initial_eps": 0.8, "exploration_final_eps": 0.2}
    model = made(environments.Identity, train_freq=500, **settings)
    model._parameters.vector[:] = 0  # the first action is the best everywhere
    model._learn = lambda *_: None
    model.train(4000)
    others = (model._replay._actions[:4000] != 0).reshape(8, 500).mean(axis=1) * 4 / 3  # one in four is the first
    np.testing.assert_allclose(others[[0, 3, 6, 7]], [0.725, 0.275, 0.2, 0.2], atol=0.08)


def test_the_gradient_is_cut_to_its_largest_norm(environments):
    def moved(max_grad_norm):
        model = made(environments.Identity, max_grad_norm=max_grad_norm, learning_rate=0.01)
        before = model._parameters.vector.copy()
        model.train(40)
        return np.abs(model._parameters.vector - before).max()

    # Adam takes no notice of the scale of its gradients, until they are small next to its eps of 1e-8.
    assert moved(1e-12) < 1e-4
    assert moved(10) > 1e-2


def test_epsilon_falls_over_a_part_of_the_training(environments):
    settings = {"exploration_fraction": 0.5, "exploration_initial_eps": 0.9, "exploration_final_eps": 0.1}
    model = made(environments.Identity, train_freq=100, **settings)
    epsilons = model.train(1000).updates["epsilon"]
    # Those of steps 100, 200, …, before which 99, 199, … of the 500 steps had passed.
    np.testing.assert_allclose(epsilons, [0.7416, 0.5816, 0.4216, 0.2616, 0.1016, 0.1, 0.1, 0.1, 0.1, 0.1])


@pytest.mark.parametrize("ending", ["terminated", "truncated", "both"])
def test_a_transition_leads_to_its_own_last_state_and_is_worth_nothing_only_if_terminal(environments, ending):
    model = made(lambda: environments.Counting(3, ending), gamma=0.5, train_freq=12)
    model.train(12)
    replay = model._replay
    expected = [[t // 3, t % 3 + 1] for t in range(12)]
    np.testing.assert_array_equal(replay._observations[:12], [[t // 3, t % 3] for t in range(12)])
    np.testing.assert_array_equal(replay._next_observations[:12], expected)
    drawn = replay.sample(200, np.random.default_rng(0), gamma=0.5)
    last = drawn.next_observations[:, 1] == 3
    np.testing.assert_array_equal(drawn.discounts, np.where(last & (ending != "truncated"), 0, 0.5))


def test_reports_come_every_hundred_steps_whatever_the_frequency_of_updates(environments):
    history = made(environments.Identity, train_freq=1).train(250)
    assert history.updates["num_timesteps"].tolist() == [100, 200, 250]
    assert history.updates["gradient_steps"].tolist() == [100, 100, 50]
    assert history.updates["replay_size"].tolist() == [100, 200, 250]


def test_a_drawn_action_explores_as_at_the_end_of_training(environments):
    model = made(environments.Identity, exploration_final_eps=0.4)
    best = model.predict(0)
    drawn = np.array([model.predict(0, deterministic=False) for _ in range(1000)])
    assert np.mean(drawn != best) == pytest.approx(0.3, abs=0.05)


def test_the_value_of_a_state_is_that_of_its_best_action():
    model = with_spaces()
    features = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_array_equal(model._values(features), model.q_network(features).max(axis=1))


def test_experience_of_an_earlier_call_is_learned_from_but_does_not_run_on_into_the_next(environments):
    model = made(lambda: environments.Counting(1000), n_steps=3, train_freq=5)
    model.train(5)
    model.train(5)
    assert len(model._replay) == 10
    drawn = model._replay.sample(500, np.random.default_rng(0), gamma=1.0, n_steps=3)
    # Within a call the way leads up to three steps on; from its last observation it leads nowhere else.
    assert set(drawn.next_observations[:, 1] - drawn.observations[:, 1]) == {1, 2, 3}
    assert drawn.next_observations[:, 1].max() == 5


class Kept(Callback):
    """Keeps the networks as they were after the last update."""

    def on_update(self, run, update):
        self.networks = run.model._get_networks()


def test_an_update_that_fails_leaves_the_model_at_its_last_good_one(environments):
    model, kept = made(environments.Identity, train_freq=100, gradient_steps=10), Kept()
    step = model._gradient_step

    def failing(batch, next_values, learning_rate):
        if model._optimizer.steps == 25:
            raise KeyboardInterrupt
        return step(batch, next_values, learning_rate)

    model._gradient_step = failing
    with pytest.raises(KeyboardInterrupt):
        model.train(1000, callbacks=kept)
    assert kept.networks["optimizer"]["steps"] == 20
    ours = model._get_networks()
    for part in ("parameters", "optimizer"):
        np.testing.assert_equal(ours[part], kept.networks[part])


@pytest.mark.parametrize(("n_envs", "other"), [(1, 3), (3, 1), (3, 2)])
def test_a_model_goes_on_with_another_number_of_environments(environments, n_envs, other):
    def vector(n):  # with copies, for a SyncVectorEnv keeps no last observation that its environment overwrites
        def make():
            return TransformObservation(environments.Counting(), np.copy, None)

        return SyncVectorEnv([make] * n, autoreset_mode=AutoresetMode.SAME_STEP)

    model = made(vector(n_envs), n_envs=n_envs, train_freq=1, n_steps=2)
    model.train(30)
    again = DQN.from_state(model.get_state(), vector(other))
    again.train(30)
    assert again.config.n_envs == again._replay.n_envs == other
    assert len(again._replay) == 60
    drawn = again._replay.sample(500, np.random.default_rng(0), gamma=1.0)
    np.testing.assert_array_equal(drawn.next_observations[:, 1], drawn.observations[:, 1] + 1)


def test_a_state_that_a_callback_sets_is_what_the_run_goes_on_with(environments):
    model = made(environments.Identity, train_freq=10)

    class Back(Callback):
        def on_update(self, run, update):
            if update.num_timesteps == 100:
                self.state = run.model.get_state()
            if update.num_timesteps == 200:
                run.model.set_state(self.state)

    model.train(300, callbacks=Back())
    assert model.num_timesteps == 200
    assert len(model._replay) == 200


# -- what goes wrong -------------------------------------------------------------------------------------------------


def test_a_gradient_that_is_not_finite_ends_training_before_it_reaches_the_parameters(environments):
    space = environments.Counting().observation_space
    observation = np.zeros(2, np.float32)
    # Finite, and so large that twice it is not: the ninth reward, drawn more than once.
    env = environments.Told(space, [observation], [1.0] * 9 + [3e38] + [1.0] * 20)
    model = made(env, train_freq=1, batch_size=64)
    with pytest.raises(TrainingError, match="The loss is no longer finite, after 9 steps: loss inf"):
        model.train(1000)
    assert np.isfinite(model._parameters.vector).all()


def test_a_run_that_ends_before_learning_starts_is_warned_of(environments):
    model = made(environments.Identity, learning_starts=1000)
    with pytest.warns(UserWarning, match=r"100 steps end before learning starts.*learning_starts = 1,000"):
        model.train(100)


def test_a_model_without_its_replay_buffer_says_so_when_it_trains_on(environments):
    model = made(environments.Identity, learning_starts=8)
    model.train(20)
    slim = DQN.from_state(model.get_state(slim=True), environments.Identity)
    with pytest.warns(UserWarning, match="replay buffer was left out"):
        slim.train(20)
    whole = DQN.from_state(model.get_state(), environments.Identity)
    whole.train(20)
    assert len(whole._replay) == 40


def test_continuous_actions_are_refused():
    with pytest.raises(UnsupportedSpaceError, match="It takes action spaces of type Discrete"):
        made("Pendulum-v1")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"learning_starts": 200, "buffer_size": 100}, "learning_starts = 200"),
        ({"learning_starts": 100, "buffer_size": 100, "n_envs": 8}, "Use a buffer_size of at least 104"),
        ({"n_envs": 8, "buffer_size": 4}, "n_envs = 8"),
        ({"gradient_steps": 0}, "gradient_steps = 0"),
        ({"gradient_steps": -2}, "gradient_steps"),
        ({"tau": 0}, "tau"),
        ({"n_steps": 0}, "n_steps"),
        ({"exploration_final_eps": 1.1}, "exploration_final_eps"),
        ({"net_arch": {"pi": [8], "vf": [8]}}, "net_arch"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, named):
    with pytest.raises(ConfigError, match=named):
        DQNConfig(**settings)


def test_learning_starts_that_nobody_chose_fits_the_buffer():
    assert DQNConfig(buffer_size=50).learning_starts == 50
    assert DQNConfig(buffer_size=50, n_envs=8).learning_starts == 48  # six of each environment
    assert DQNConfig(buffer_size=500).learning_starts == 100


def test_a_buffer_that_no_memory_holds_is_told_with_its_size():
    model = DQN(DQNConfig(buffer_size=100_000_000, net_arch=[1]), seed=0)
    model._build_for(spaces.Box(0, 1, (3_000_000,), np.float32), spaces.Discrete(2))
    with pytest.raises(ConfigError, match=r"buffer_size = 100000000 takes .* GB"):
        model._replay_buffer(type("Environment", (), {"num_envs": 1, "encoder": model._encoder}))


def test_means_of_no_gradient_steps_are_unknown(environments):
    with pytest.warns(UserWarning, match="learning starts"):
        updates = made(environments.Identity, learning_starts=1000).train(100).updates
    assert math.isnan(updates["loss"][0])
    assert math.isnan(updates["q_value"][0])


@pytest.mark.parametrize(("n_envs", "fits"), [(2, True), (4, False)])
def test_a_buffer_that_is_filled_already_is_not_counted_twice(environments, monkeypatch, n_envs, fits):
    model = made(environments.Identity, buffer_size=1000, n_envs=2)
    model.train(900)
    held = len(model._replay)
    assert 800 < held < 1000
    monkeypatch.setattr(memory, "available_memory", lambda: (1000 - held) * transition_bytes(4) / 0.9 + 1)
    if n_envs != 2:  # the old buffer is there until its transitions are in the new one
        model._config = model.config.replace(n_envs=n_envs)
    if fits:
        model.train(100)
    else:
        with pytest.raises(ConfigError, match="buffer_size = 1000 takes"):
            model.train(100)
        monkeypatch.setattr(memory, "available_memory", lambda: held * transition_bytes(4) / 0.9 + 1)
        model.train(100)
    assert len(model._replay) == 1000


def test_a_normalized_model_takes_the_replay_buffer_of_an_older_state(environments):
    model = made(environments.Counting, normalize="observations", buffer_size=50)
    model.train(40)
    state = model.get_state()
    for name in ("observations", "next_observations"):
        assert state["experience"]["replay"][name].dtype == np.float64
        state["experience"]["replay"][name] = state["experience"]["replay"][name].astype(np.float32)
    old = DQN.from_state(state, environments.Counting)
    np.testing.assert_equal(old.get_state()["experience"], model.get_state()["experience"])
    for one in (model, old):
        one.train(40)
    np.testing.assert_equal(old.get_state()["networks"], model.get_state()["networks"])
