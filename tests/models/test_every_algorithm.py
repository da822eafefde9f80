"""Going on exactly, determinism and every kind of space: for all algorithms."""

from __future__ import annotations

import subprocess
import sys
from collections import OrderedDict

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

import rlkit
from rlkit.callbacks import Checkpoint
from rlkit.errors import ConfigError, SpaceMismatchError, TrainingError, UnsupportedSpaceError
from rlkit.nn.mlp import MLP
from rlkit.training import memory

ON_POLICY = {"n_steps": 8, "net_arch": [8]}
CASES = {
    "ppo": ("ppo", "CartPole-v1", {**ON_POLICY, "batch_size": 8, "n_epochs": 2}),
    "ppo normalized": ("ppo", "CartPole-v1", {**ON_POLICY, "batch_size": 8, "normalize": True}),
    "ppo gsde": ("ppo", "Pendulum-v1", {**ON_POLICY, "batch_size": 8, "use_sde": True, "sde_sample_freq": 3}),
    "a2c": ("a2c", "CartPole-v1", {**ON_POLICY, "optimizer": "rmsprop_tf"}),
    "a2c gaussian": ("a2c", "Pendulum-v1", {**ON_POLICY, "normalize": True, "optimizer": "adam"}),
    "dqn": ("dqn", "CartPole-v1", {"net_arch": [8], "learning_starts": 8, "train_freq": 4, "buffer_size": 100}),
    "dqn whole": (
        "dqn",
        "CartPole-v1",
        {
            "net_arch": [8],
            "learning_starts": 8,
            "buffer_size": 50,
            "n_steps": 3,
            "double_q": True,
            "tau": 0.1,
            "target_update_interval": 7,
            "normalize": True,
        },
    ),
}


@pytest.fixture(params=[f"{name}, {n_envs} envs" for name in CASES for n_envs in (1, 4)])
def make(request):
    """A function that makes one model of a kind, the same each time."""
    name, _, n_envs = request.param.partition(", ")
    algorithm, env, settings = CASES[name]

    def make(seed=0):
        return rlkit.create(algorithm, env=env, seed=seed, n_envs=int(n_envs.split()[0]), **settings)

    return make


RESUME = """
import sys
import numpy as np
import rlkit

np.random.seed(3)
for path in sys.argv[1:]:
    model = rlkit.load(path)
    model.train(96)
    model.save(path)
"""


def test_training_goes_on_in_a_fresh_process_bit_for_bit(tmp_path):
    wholes = {}
    for name, (algorithm, env, settings) in CASES.items():
        for n_envs in (1, 4):
            path = tmp_path / f"{name} {n_envs}.rlkit"
            whole = rlkit.create(algorithm, env=env, seed=0, n_envs=n_envs, **settings)
            whole.train(64)
            whole.save(path)
            whole.train(96)
            wholes[path] = whole
    subprocess.run([sys.executable, "-c", RESUME, *map(str, wholes)], check=True, timeout=600)
    for path, whole in wholes.items():
        np.testing.assert_equal(rlkit.load(path).get_state(), whole.get_state(), err_msg=path.name)


FINISH = """
import sys
import numpy as np
import rlkit

np.random.seed(3)
for path in sys.argv[1:]:
    model = rlkit.load(path)
    model.train(total=192)
    model.save(path)
"""
ENVIRONMENTS = ["CartPole-v1", "Pendulum-v1", "MountainCarContinuous-v0", "Acrobot-v1", "FrozenLake-v1", "Taxi-v4"]


def test_a_run_is_finished_in_a_fresh_process_bit_for_bit(tmp_path):
    wholes = {}
    for name, (algorithm, own, settings) in CASES.items():
        kinds = rlkit.factory.get(algorithm).action_spaces
        for env in dict.fromkeys([own, *ENVIRONMENTS]):
            if not isinstance(gymnasium.make(env).action_space, kinds) or (settings.get("use_sde") and env != own):
                continue
            for n_envs in (1, 4, 8) if env == own else (3,):
                path = tmp_path / f"{name} {env} {n_envs}.rlkit"
                model, whole = (
                    rlkit.create(
                        algorithm, env, seed=0, n_envs=n_envs, preset=None, learning_rate="lin_0.01", **settings
                    )
                    for _ in range(2)
                )
                model.train(96, total=192)
                model.save(path)
                whole.train(192)
                wholes[path] = whole
    subprocess.run([sys.executable, "-c", FINISH, *map(str, wholes)], check=True, timeout=600)
    for path, whole in wholes.items():
        loaded = rlkit.load(path).get_state()
        for part in ("networks", "episodes", "rng", "num_timesteps", "num_episodes", "normalizer", "experience"):
            np.testing.assert_equal(loaded[part], whole.get_state()[part], err_msg=f"{part} of {path.name}")


class Dies(rlkit.Callback):
    def on_update(self, run, update):
        if run.model.num_timesteps >= 120:
            raise OSError("the power went")


@pytest.mark.parametrize("algorithm", rlkit.factory.names())
@pytest.mark.parametrize("n_envs", [1, 8])
def test_a_run_that_died_finishes_its_schedule_from_its_checkpoint(tmp_path, algorithm, n_envs):
    settings = next(settings for name, _, settings in CASES.values() if name == algorithm)
    settings = {**settings, "learning_rate": "lin_0.01", "n_envs": n_envs}
    whole, died = (rlkit.create(algorithm, "CartPole-v1", seed=0, preset=None, **settings) for _ in range(2))
    whole.train(256)
    checkpoint = Checkpoint("died", 64, slim=False, registry=tmp_path)
    with pytest.raises(OSError, match="the power went"):
        died.train(256, callbacks=[checkpoint, Dies()])
    kept = checkpoint.versions[0]
    model = rlkit.registry(tmp_path).load(kept.ref)
    assert 64 <= model.num_timesteps < 256
    model.train(total=256)
    np.testing.assert_equal(model.get_state()["networks"], whole.get_state()["networks"])
    assert model.num_timesteps == whole.num_timesteps


def test_where_the_environment_cannot_be_saved_the_schedule_goes_on_and_episodes_begin_anew(tmp_path, environments):
    model = rlkit.create("ppo", environments.Counting, seed=0, n_steps=8, batch_size=8, learning_rate="lin_0.01")
    model.train(80, total=160)
    assert model.get_state()["episodes"] is None
    loaded = rlkit.load(model.save(tmp_path / "model.rlkit"), env=environments.Counting)
    rates = loaded.train(total=160).updates["learning_rate"]
    np.testing.assert_allclose(rates, 0.01 * (1 - np.arange(80, 160, 8) / 160))


def test_total_that_is_reached_is_warned_of_and_trains_nothing():
    model = rlkit.create("a2c", "CartPole-v1", seed=0, preset=None)
    model.train(50, total=50)
    with pytest.warns(UserWarning, match=r"has trained 50 steps.*nothing is left of total = 50"):
        history = model.train(total=50)
    assert (history.num_timesteps, model.num_timesteps) == (0, 50)
    assert "0 steps" in repr(history)
    assert history._repr_html_()


@pytest.mark.parametrize("total", [0, -5, 2.5, "10", True])
def test_a_total_that_is_none_is_refused(total):
    with pytest.raises(TrainingError, match="total"):
        rlkit.create("a2c", "CartPole-v1").train(10, total=total)


def test_a_part_that_took_more_than_it_asked_for_is_made_up_for_by_the_next():
    model = rlkit.create("ppo", "CartPole-v1", seed=0, preset=None, n_steps=64)
    taken = [model.train(20, total=160).num_timesteps for _ in range(8)]
    assert taken == [64, 0, 0, 64, 0, 0, 64, 0]


def test_a_run_without_total_begins_its_schedule_and_episodes_anew():
    one, other = (rlkit.create("a2c", "CartPole-v1", seed=0, learning_rate="lin_0.01") for _ in range(2))
    for model in (one, other):
        model.train(40, total=80)
    assert other.train(40).updates["learning_rate"][0] == 0.01
    assert one.train(total=80).updates["learning_rate"][0] == 0.005


def test_two_runs_of_one_seed_give_the_same_bits_and_another_seed_does_not(make):
    one, two, other = make(), make(), make(seed=1)
    for model in (one, two, other):
        model.train(96)
    np.testing.assert_equal(one.get_state(), two.get_state())
    with pytest.raises(AssertionError):
        np.testing.assert_equal(one.get_state()["networks"], other.get_state()["networks"])


def test_models_trained_in_turns_with_others_give_what_each_gives_alone(make):
    alone = make()
    alone.train(96)
    one = make()
    runs = [one.training(96), make(seed=5).training(96), rlkit.create("a2c", env="CartPole-v1").training(96)]
    while not all(run.ended for run in runs):
        for run in runs:
            next(run, None)
            np.random.seed(0)  # noqa: NPY002 - the global state must not matter
    np.testing.assert_equal(one.get_state()["networks"], alone.get_state()["networks"])


def test_parameters_are_copies_of_all_that_training_changes(make):
    model = make()
    before = model.parameters
    assert sum(array.size for array in before.values()) == model.get_state()["networks"]["parameters"].size
    model.train(64)
    after = model.parameters
    assert {name: array.shape for name, array in after.items()} == {n: array.shape for n, array in before.items()}
    assert any((after[name] != before[name]).any() for name in before)
    for array in after.values():
        array[:] = 0
    assert any(array.any() for array in model.parameters.values())


@pytest.mark.parametrize("algorithm", ["ppo", "a2c", "dqn"])
def test_a_model_without_networks_has_no_parameters(algorithm):
    assert rlkit.create(algorithm).parameters == {}


def test_the_global_random_state_is_neither_touched_nor_used(make):
    np.random.seed(1)  # noqa: NPY002 - in the test above another one did not matter
    before = np.random.get_state()  # noqa: NPY002 - the state that must not change
    model = make()
    model.train(32)
    model.evaluate(2, deterministic=False)
    after = np.random.get_state()  # noqa: NPY002 - the same
    np.testing.assert_equal(before, after)


def test_predictions_are_the_same_after_loading(make, tmp_path):
    model = make()
    model.train(64)
    again = rlkit.load(model.save(tmp_path / "model.rlkit"))
    observations = np.array([model.observation_space.sample() for _ in range(20)])
    np.testing.assert_array_equal(model.predict(observations), again.predict(observations))


def test_looking_does_not_move_the_normaliser(make):
    model = make()
    model.train(64)
    before = model.get_state()["normalizer"]
    model.predict(model.observation_space.sample())
    model.evaluate(2)
    np.testing.assert_equal(model.get_state()["normalizer"], before)


def test_a_slim_model_acts_the_same_and_says_what_it_lacks(make, tmp_path):
    model = make()
    model.train(64)
    whole, slim = model.get_state(), model.get_state(slim=True)
    kept = {"dqn": "replay buffer"}.get(model.algorithm, "")
    assert (whole["left_out"], slim["left_out"]) == ("", kept)
    assert slim["experience"] is None
    again = rlkit.load(model.save(tmp_path / "slim.rlkit", slim=True))
    observations = np.array([model.observation_space.sample() for _ in range(20)])
    np.testing.assert_array_equal(model.predict(observations), again.predict(observations))
    if kept:
        assert (tmp_path / "slim.rlkit").stat().st_size < model.save(tmp_path / "whole.rlkit").stat().st_size


# -- spaces ------------------------------------------------------------------------------------------------------------


class Anything(gymnasium.Env):
    """Any spaces; sees to it that actions are its own."""

    def __init__(self, observation_space, action_space):
        self.observation_space, self.action_space = observation_space, action_space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        self.steps = 0
        return self.observation_space.sample(), {}

    def step(self, action):
        assert self.action_space.contains(action), action
        assert not isinstance(action, np.ndarray) or action.dtype == self.action_space.dtype
        self.steps += 1
        return self.observation_space.sample(), 1.0, False, self.steps >= 5, {}


BOX = spaces.Box(-1, 1, (3,), np.float32)
OBSERVATIONS = {
    "image": spaces.Box(0, 255, (4, 3, 2), np.uint8),
    "number": spaces.Box(-1, 1, (), np.float64),
    "choice": spaces.Discrete(3, start=2),
    "choices": spaces.MultiDiscrete([[2, 3], [4, 2]]),
    "bits": spaces.MultiBinary(4),
    "dict": spaces.Dict({"b": BOX, "a": spaces.Tuple([spaces.Discrete(2), spaces.MultiBinary([2, 2])])}),
    "tuple": spaces.Tuple([BOX, spaces.Dict({"x": spaces.MultiDiscrete([2, 2])})]),
}
ACTIONS = {
    "choice": spaces.Discrete(3, start=-1),
    "choices": spaces.MultiDiscrete([2, 4]),
    "grid of choices": spaces.MultiDiscrete([[2, 4], [3, 2]]),
    "bits": spaces.MultiBinary(3),
    "grid of bits": spaces.MultiBinary([2, 2]),
    "box": spaces.Box(-2, 1, (2, 2), np.float32),
    "unbounded box": spaces.Box(-np.inf, np.inf, (2,), np.float64),
    "one number": spaces.Box(0, 1, (), np.float32),
}


@pytest.mark.parametrize("vector", [None, "sync", "async"])
@pytest.mark.parametrize("algorithm", ["ppo", "a2c", "dqn"])
@pytest.mark.parametrize("kind", list(OBSERVATIONS))
def test_observations_of_every_kind_are_learned_from(algorithm, kind, vector, tmp_path):
    if vector == "async" and (algorithm != "a2c" or kind not in {"dict", "tuple"}):
        vector = "sync"  # processes are slow to start, and differ in nothing else

    def make():
        return Anything(OBSERVATIONS[kind], spaces.Discrete(2))

    env = make
    if vector:
        cls = gymnasium.vector.AsyncVectorEnv if vector == "async" else gymnasium.vector.SyncVectorEnv
        env = cls([make, make], autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP)
    settings = {"learning_starts": 4} if algorithm == "dqn" else {"n_steps": 8}
    model = rlkit.create(algorithm, env=env, seed=0, normalize=True, **settings)
    model.train(32)
    again = type(model).load(model.save(tmp_path / "model.rlkit"))
    assert again.observation_space == OBSERVATIONS[kind]
    observation = OBSERVATIONS[kind].sample()
    assert again.predict(observation) == model.predict(observation)
    if vector:
        env.close()


@pytest.mark.parametrize("use_sde", [False, True])
@pytest.mark.parametrize("algorithm", ["ppo", "a2c"])
@pytest.mark.parametrize("kind", list(ACTIONS))
def test_actions_of_every_kind_are_the_environments_own(algorithm, kind, use_sde, tmp_path):
    space = ACTIONS[kind]
    if use_sde and not isinstance(space, spaces.Box):
        return
    env = Anything(BOX, space)
    model = rlkit.create(algorithm, env=env, seed=0, n_steps=8, use_sde=use_sde)
    model.train(32)
    for deterministic in (True, False):
        assert space.contains(model.predict(BOX.sample(), deterministic=deterministic))
        batch = model.predict(np.array([BOX.sample() for _ in range(7)]), deterministic=deterministic)
        assert batch.shape == (7, *space.shape)
        assert all(space.contains(np.asarray(action)) for action in batch)
    assert model.evaluate(2).episodes == 2
    again = type(model).load(model.save(tmp_path / "model.rlkit"))
    assert again.action_space == space
    with pytest.raises(SpaceMismatchError, match="was built for the action space"):
        again.build(Anything(BOX, spaces.Discrete(9)))


@pytest.mark.parametrize("kind", [kind for kind in ACTIONS if kind != "choice"])
def test_dqn_refuses_actions_that_are_no_choice_among_a_few(kind):
    with pytest.raises(UnsupportedSpaceError, match="It takes action spaces of type Discrete"):
        rlkit.create("dqn", env=Anything(BOX, ACTIONS[kind]))


@pytest.mark.parametrize(("rescale", "limit", "scale"), [(False, 0.1, 1), (True, 1, 0.1)])
def test_a_gaussian_policy_learns_from_the_action_it_drew_and_steps_the_one_in_the_bounds(rescale, limit, scale):
    stepped = []

    class Watching(Anything):
        def step(self, action):
            stepped.append(action.copy())
            return super().step(action)

    learnt = []
    env = Watching(BOX, spaces.Box(-0.1, 0.1, (2,), np.float32))
    model = rlkit.create("a2c", env=env, seed=0, n_steps=50, rescale_actions=rescale)
    update = model._update
    model._update = lambda batch, left: learnt.append(batch.actions.copy()) or update(batch, left)
    model.train(50)
    assert np.abs(learnt[0]).max() > limit
    np.testing.assert_allclose(np.clip(learnt[0], -limit, limit) * scale, stepped, rtol=1e-6, atol=1e-8)
    assert np.abs(stepped).max() == np.float32(0.1)


# -- normalisation -----------------------------------------------------------------------------------------------------

SHORT = {
    "ppo": {"n_steps": 8, "batch_size": 8},
    "a2c": {"n_steps": 8},
    "dqn": {"learning_starts": 4, "train_freq": 4, "target_update_interval": 4},
}
every_algorithm = pytest.mark.parametrize("algorithm", list(SHORT))


@every_algorithm
def test_networks_see_normalised_observations_alone(environments, monkeypatch, algorithm):
    model = rlkit.create(
        algorithm,
        env=lambda: environments.Counting(3, "truncated"),
        seed=0,
        n_envs=2,
        normalize=True,
        **SHORT[algorithm],
    )
    seen = []
    run = MLP._run

    def watched(self, x, outputs):
        seen.append(x.copy())
        return run(self, x, outputs)

    monkeypatch.setattr(MLP, "_run", watched)
    # Whatever is seen becomes a 7: what is not a 7 went around the normaliser.
    for name in ("learn", "observations"):
        monkeypatch.setattr(model._normalizer, name, lambda features: np.full_like(features, 7))
    for use in (lambda: model.train(32), lambda: model.predict([[1.0, 2.0]]), lambda: model.evaluate(2)):
        seen.clear()
        use()
        assert {float(x) for array in seen for x in array.reshape(-1)} == {7.0}


@every_algorithm
@pytest.mark.parametrize(
    ("normalize", "observations", "rewards"), [(True, 1, 1), ("observations", 1, 0), ("rewards", 0, 1), (False, 0, 0)]
)
def test_every_observation_and_reward_is_learned_from_once(environments, algorithm, normalize, observations, rewards):
    settings = {"n_envs": 2, "normalize": normalize, "gamma": 0.5, **SHORT[algorithm]}
    model = rlkit.create(algorithm, env=environments.Counting, seed=0, **settings)
    model.train(32)
    state = model.get_state()["normalizer"]
    counts = {name: round(part["count"], 3) for name, part in state.items()}
    # The observations of the reset, too: two environments, then 16 steps of each.
    assert counts == {**({"observations": 34} if observations else {}), **({"returns": 32} if rewards else {})}
    if rewards:  # of rewards 1, 2, 3, 4 with the discount 0.5 of the config
        returns = np.array([1, 2.5, 4.25, 6.125])
        assert state["returns"]["variance"][0] == pytest.approx(returns.var(), rel=1e-3)


@every_algorithm
def test_rewards_are_learned_from_as_they_are_normalised(environments, monkeypatch, algorithm):
    model = rlkit.create(algorithm, env=environments.Counting, seed=0, normalize="rewards", **SHORT[algorithm])
    for name in ("learn_rewards", "rewards"):
        monkeypatch.setattr(model._normalizer, name, lambda rewards, ended=None: np.full_like(rewards, 3))
    learned = []
    if algorithm == "dqn":
        step = model._gradient_step
        model._gradient_step = lambda batch, *rest: learned.append(batch.rewards) or step(batch, *rest)
    else:
        prepare = model._prepare
        model._prepare = lambda rollout: learned.append(rollout.rewards) or prepare(rollout)
    model.train(32)
    assert {float(reward) for rewards in learned for reward in rewards.reshape(-1)} == {3.0}


# -- what a config says reaches what it is said of ---------------------------------------------------------------------


def _orthogonal(model):
    weight = model.network.parameters["actor.1.weight"]
    return bool(np.allclose(weight @ weight.T, 2 * np.eye(len(weight)), atol=1e-4))


REACHES = {
    "orthogonal weights": ("ppo", {"ortho_init": True}, _orthogonal, True),
    "other weights": ("ppo", {"ortho_init": False}, _orthogonal, False),
    "log_std_init": ("a2c", {"log_std_init": -1.5}, lambda m: float(m.network.head.log_std[0]), -1.5),
    "log_std_init of gsde": (
        "a2c",
        {"log_std_init": -1.5, "use_sde": True},
        lambda m: float(m.network.head.log_std[0, 0]),
        -1.5,
    ),
    "sde_sample_freq": ("ppo", {"use_sde": True, "sde_sample_freq": 7}, lambda m: m.network.head._sample_freq, 7),
    "rms_prop_eps": ("a2c", {"rms_prop_eps": 0.25}, lambda m: m._optimizer.eps, 0.25),
}


@pytest.mark.parametrize("case", list(REACHES))
def test_what_a_config_says_reaches_what_it_is_said_of(case):
    algorithm, settings, reached, expected = REACHES[case]
    model = rlkit.create(algorithm, env="Pendulum-v1", seed=0, preset=None, **settings)
    assert reached(model) == expected


@pytest.mark.parametrize("algorithm", ["ppo", "a2c", "dqn"])
def test_the_step_size_falls_as_its_schedule_says(environments, algorithm):
    settings = {"learning_rate": "lin_0.01", "n_envs": 1, **SHORT[algorithm]}
    model = rlkit.create(algorithm, env=environments.Identity, seed=0, **settings)
    taken = []
    step = model._optimizer.step
    model._optimizer.step = lambda gradient, rate: taken.append(rate) or step(gradient, rate)
    model.train(32)
    every = SHORT[algorithm].get("n_steps", 4)
    expected = [0.01 * (1 - done / 32) for done in range(0, 32, every)]
    assert list(dict.fromkeys(taken)) == pytest.approx(expected)


def test_the_clip_of_values_falls_as_its_schedule_says(environments, monkeypatch):
    clips = []
    loss = rlkit.models.ppo.ppo_loss
    monkeypatch.setattr(
        "rlkit.models.ppo.ppo_loss",
        lambda *a, **k: clips.append((k["clip_range"], k["clip_range_vf"])) or loss(*a, **k),
    )
    settings = {"clip_range": "lin_0.2", "clip_range_vf": "lin_0.4", "n_epochs": 1, **SHORT["ppo"]}
    rlkit.create("ppo", env=environments.Identity, seed=0, **settings).train(32)
    np.testing.assert_allclose(clips, [(0.2, 0.4), (0.15, 0.3), (0.1, 0.2), (0.05, 0.1)])


def test_the_keys_of_a_dict_keep_their_order_and_an_equal_space_in_another_is_read_by_its_keys(tmp_path):
    def make(*keys):
        parts = {"z": spaces.Box(0, 1, (1,), np.float32), "a": spaces.Box(5, 6, (1,), np.float32)}
        return Anything(spaces.Dict(OrderedDict((key, parts[key]) for key in keys)), spaces.Discrete(2))

    model = rlkit.create("a2c", env=lambda: make("z", "a"), seed=0, n_steps=8, preset=None)
    model.train(16)
    again = rlkit.load(model.save(tmp_path / "model.rlkit"), env=lambda: make("a", "z"))
    assert list(again.observation_space.spaces) == ["z", "a"]
    seen = []
    again._update = lambda batch, left: seen.append(batch.observations.copy()) or {}
    again.train(8)
    assert (seen[0][:, 0] <= 1).all()
    assert (seen[0][:, 1] >= 5).all()


def test_spaces_that_could_not_be_saved_are_refused_before_training():
    with pytest.raises(UnsupportedSpaceError, match="keys are not all text"):
        rlkit.create("ppo", env=Anything(spaces.Dict({1: BOX, 2: BOX}), spaces.Discrete(2)))
    for empty in (spaces.Dict({}), spaces.Tuple(())):
        with pytest.raises(UnsupportedSpaceError, match="it has no parts"):
            rlkit.create("ppo", env=Anything(empty, spaces.Discrete(2)))


@pytest.mark.parametrize(
    "space",
    [
        spaces.Discrete(3, dtype=np.int32, start=1),
        spaces.MultiDiscrete([2, 3], dtype=np.int32),
        spaces.MultiDiscrete([2, 3], dtype=np.uint8),
    ],
    ids=str,
)
def test_choices_have_the_dtype_of_their_space(space):
    model = rlkit.create("a2c", env=lambda: Anything(BOX, space), seed=0, n_steps=8)
    model.train(16)
    assert space.contains(model.predict(BOX.sample()))
    assert model.predict(np.array([BOX.sample()] * 3)).dtype == space.dtype


def test_a_policy_that_spread_to_infinity_is_not_blamed_on_the_environment():
    space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    model = rlkit.create("a2c", env=lambda: Anything(BOX, space), seed=0, n_steps=8)
    model.network.head.log_std[:] = 100
    with pytest.raises(TrainingError, match="The policy gave an action that is not finite"):
        model.train(8)


# -- large observations ------------------------------------------------------------------------------------------------


class Clock(gymnasium.Env):
    """Observes the seconds of a clock from 1.7e9 on, in episodes of ten steps; keeps what it showed."""

    action_space = spaces.Discrete(2)

    def __init__(self, dtype=np.float64):
        self.observation_space = spaces.Box(0, 2e9, (1,), dtype)
        self.shown = []

    def _observe(self):
        self.shown.append(1.7e9 + self.t)
        return np.array([self.shown[-1]])

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return self._observe(), {}

    def step(self, action):
        self.t += 1
        return self._observe(), float(self.t), False, self.t == 9, {}


CLOCK = 1.7e9 + np.arange(10.0)[:, None]
FEW = {"ppo": {"n_steps": 25, "batch_size": 25}, "a2c": {"n_steps": 25}, "dqn": {"learning_starts": 8}}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("algorithm", list(FEW))
def test_large_observations_are_normalized_before_they_are_rounded(algorithm, dtype, tmp_path):
    made = []
    model = rlkit.create(
        algorithm,
        lambda: made.append(Clock(dtype)) or made[-1],
        seed=0,
        preset=None,
        normalize="observations",
        n_envs=1,
        **FEW[algorithm],
    )
    model.train(100, progress=False)
    shown = np.array(made[-1].shown)
    # The last observation of an episode is not acted on: the statistics are of those that are.
    acted_on = np.array([second for second in shown if second < CLOCK[-1, 0]])[: len(shown)]
    statistics = model._normalizer.observation_statistics
    assert statistics.count == len(acted_on)
    np.testing.assert_allclose(statistics.mean, acted_on.mean(), rtol=1e-15)
    np.testing.assert_allclose(statistics.variance, acted_on.var(), rtol=1e-5)
    features = model._encoder.encode_any(CLOCK)[0]
    normalized = model._normalizer.observations(features)
    assert normalized.dtype == np.float32
    np.testing.assert_allclose(normalized, (CLOCK - acted_on.mean()) / acted_on.std(), rtol=1e-4, atol=1e-6)
    values = model.predict_values(CLOCK)
    assert len(set(values.tolist())) == 10
    again = rlkit.load(model.save(tmp_path / "model.rlkit"), env=lambda: Clock(dtype))
    np.testing.assert_array_equal(again.predict_values(CLOCK), values)
    one_by_one = np.array([model.predict_values(one) for one in CLOCK])
    np.testing.assert_allclose(one_by_one, values, rtol=1e-5)
    np.testing.assert_allclose(model.watch(0).values, values[:9], rtol=1e-5)


@pytest.mark.parametrize("algorithm", list(FEW))
def test_large_observations_without_normalization_are_warned_of_once(algorithm):
    class Late(Clock):
        def _observe(self):
            return super()._observe() + 1

    model = rlkit.create(algorithm, Late, seed=0, preset=None, **FEW[algorithm])
    with pytest.warns(UserWarning, match="lose precision as float32") as warned:
        model.train(25, progress=False)
    assert len([w for w in warned if "precision" in str(w.message)]) == 1
    model.train(25, progress=False)
    model.evaluate(1)
    model.watch()


# -- memory ------------------------------------------------------------------------------------------------------------


class Images(gymnasium.Env):
    """Counts the steps that all of its kind took."""

    observation_space, action_space = spaces.Box(0, 255, (84, 84, 4), np.uint8), spaces.Discrete(2)
    taken = 0

    def reset(self, *, seed=None, options=None):
        return np.zeros((84, 84, 4), np.uint8), {}

    def step(self, action):
        Images.taken += 1
        return np.zeros((84, 84, 4), np.uint8), 0.0, False, False, {}


@pytest.mark.parametrize(
    ("algorithm", "settings", "told"),
    [
        # 1e6 transitions of two observations of 84 * 84 * 4 numbers of 4 bytes, and 14 bytes more.
        (
            "dqn",
            {"buffer_size": 1_000_000},
            r"buffer_size = 1000000 takes 226 GB .* 28,224 .*Set buffer_size to 15942 or",
        ),
        ("dqn", {"buffer_size": 1_000_000, "normalize": True}, r"takes 452 GB .*Set buffer_size to 7971 or"),
        ("ppo", {"n_steps": 100_000, "n_envs": 2}, r"n_steps = 100000 takes 23 GB .* n_envs"),
        ("a2c", {"n_steps": 100_000, "n_envs": 2}, r"n_steps = 100000 takes 23 GB .* n_envs"),
    ],
)
def test_a_run_that_memory_cannot_hold_is_refused_before_the_first_step(monkeypatch, algorithm, settings, told):
    monkeypatch.setattr(memory, "available_memory", lambda: 4e9)
    model = rlkit.create(algorithm, Images, seed=0, preset=None, net_arch=[8], **settings)
    Images.taken = 0
    with pytest.raises(ConfigError, match=f"(?s){told}"):
        model.train(100, progress=False)
    assert Images.taken == 0


@pytest.mark.parametrize("algorithm", ["ppo", "a2c", "dqn"])
def test_a_run_that_memory_just_holds_trains(monkeypatch, algorithm):
    sizes = {"dqn": {"buffer_size": 40}, "ppo": {"n_steps": 40, "batch_size": 40}, "a2c": {"n_steps": 40}}[algorithm]
    (name, count), *_ = sizes.items()
    model = rlkit.create(algorithm, Images, seed=0, preset=None, net_arch=[8], n_envs=1, **sizes)
    monkeypatch.setattr(memory, "available_memory", lambda: 1.0)
    with pytest.raises(ConfigError, match=f"^{name} = {count} takes 0.0"):
        model.train(40, progress=False)
    monkeypatch.setattr(memory, "available_memory", lambda: 11e6)  # 9.03 MB and 4.5 MB in observations alone
    model.train(40, progress=False)
    assert model.num_timesteps == 40
