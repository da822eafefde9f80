"""Settings that may change while a model trains, and all others, which may not: for every algorithm in the factory."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import rlkit
from rlkit.errors import ConfigError, StateError
from rlkit.schedules import LinearSchedule

SHORT = {
    "ppo": {"n_steps": 8, "batch_size": 8, "n_epochs": 2},
    "a2c": {"n_steps": 4},
    "dqn": {"learning_starts": 4, "train_freq": 4, "exploration_fraction": 0.9},
}
# Values that make a difference within a few updates, where those of another() do not.
OTHERS = {
    "target_kl": 1e-9,
    "clip_range": 1e-4,
    "clip_range_vf": 1e-4,
    "max_grad_norm": 1e-3,
    "exploration_fraction": 0.1,
    "exploration_final_eps": 0.9,
}
WINDOW = 64


def made(algorithm, **settings):
    settings = {**SHORT.get(algorithm, {}), "net_arch": [8], **settings}
    return rlkit.create(algorithm, env="CartPole-v1", seed=0, preset=None, **settings)


def another(config, name):
    """Return a value of a hyperparameter that is right, and not the present one."""
    if name in OTHERS:
        return OTHERS[name]
    field, value = config.hyperparameters()[name], config.to_dict()[name]
    if field.kind == "int":
        return value + 1
    if field.kind == "bool":
        return not value
    return value / 2 if value else 0.5


LIVE = [
    (algorithm, name)
    for algorithm in rlkit.factory.names()
    for name in rlkit.factory.get(algorithm).Config.live_names()
]
every_algorithm = pytest.mark.parametrize("algorithm", rlkit.factory.names())


def equal(one, other):
    try:
        np.testing.assert_equal(one, other)
    except AssertionError:
        return False
    return True


@every_algorithm
def test_learning_rate_and_max_grad_norm_may_change_and_what_networks_are_made_of_may_not(algorithm):
    config_class = rlkit.factory.get(algorithm).Config
    live = set(config_class.live_names())
    assert {"learning_rate", "max_grad_norm"} <= live
    assert not live & {"net_arch", "activation", "normalize", "gamma", "n_envs", "buffer_size", "optimizer"}


def test_what_may_change_while_training():
    on_policy = {"learning_rate", "max_grad_norm", "ent_coef", "vf_coef"}
    ppo = {"clip_range", "clip_range_vf", "target_kl", "n_epochs"}
    dqn = {"learning_rate", "max_grad_norm"} | {f"exploration_{n}" for n in ("fraction", "initial_eps", "final_eps")}
    expected = {"a2c": on_policy, "ppo": on_policy | ppo, "dqn": dqn}
    for algorithm, names in expected.items():
        assert set(rlkit.factory.get(algorithm).Config.live_names()) == names


@pytest.mark.parametrize(("algorithm", "name"), LIVE)
def test_a_changed_setting_trains_bit_for_bit_as_one_that_a_model_was_made_with(algorithm, name):
    model = made(algorithm)
    model.train(WINDOW)
    state, value = model.get_state(), another(model.config, name)
    unchanged = type(model).from_state(state)
    made_with = type(model).from_state({**state, "config": model.config.replace(**{name: value}).get_state()})
    assert model.reconfigure(**{name: value}) is model
    for each in (model, unchanged, made_with):
        each.train(WINDOW)
    assert equal(model.get_state()["networks"], made_with.get_state()["networks"])
    assert not equal(model.get_state()["networks"], unchanged.get_state()["networks"])


@pytest.mark.parametrize(("algorithm", "name"), LIVE)
def test_a_setting_changed_in_the_middle_of_a_run_applies_from_the_next_update(algorithm, name):
    class Changing(rlkit.Callback):
        def on_update(self, run, update):
            if len(changed_at) == 0 and run.num_timesteps >= WINDOW:
                run.model.reconfigure(**{name: another(run.model.config, name)})
                changed_at.append(run.num_timesteps)

    class Keeping(rlkit.Callback):
        def __init__(self):
            self.states = {}

        def on_update(self, run, update):
            self.states[run.num_timesteps] = run.model.get_state()["networks"]

    changed_at = []
    seen, others = Keeping(), Keeping()
    steps = 4 * max(WINDOW, 100)
    changed, unchanged = made(algorithm), made(algorithm)
    changed.train(steps, callbacks=[Changing(), seen])
    unchanged.train(steps, callbacks=[others])
    (step,) = changed_at
    last = max(seen.states)
    assert step < last
    assert all(equal(seen.states[at], others.states[at]) for at in seen.states if at <= step)
    assert not equal(seen.states[last], others.states[last])
    (change,) = changed.history.config_changes
    assert (change.num_timesteps, change.name) == (step, name)


def test_a_background_job_takes_a_change_between_two_updates():
    model = made("ppo")
    updated = threading.Event()

    class Updated(rlkit.Callback):
        def on_update(self, run, update):
            updated.set()

    job = model.train_in_background(10**9, callbacks=[Updated()], progress=False)
    try:
        assert updated.wait(60)
        model.reconfigure(learning_rate=1e-5)
        for _ in range(2):
            updated.clear()
            assert updated.wait(60)
    finally:
        job.stop()
        job.wait(60)
    (change,) = job.history.config_changes
    rates, steps = job.history.updates["learning_rate"], job.history.updates["num_timesteps"]
    assert change.num_timesteps in steps
    assert set(rates[steps <= change.num_timesteps]) == {3e-4}
    assert set(rates[steps > change.num_timesteps]) == {1e-5}


# -- what is refused ---------------------------------------------------------------------------------------------------


@every_algorithm
def test_a_config_cannot_be_assigned_and_the_error_says_what_to_call(algorithm):
    model = made(algorithm)
    before = model.config
    with pytest.raises(ConfigError, match=r"model\.reconfigure\(learning_rate=0\.01\)"):
        model.config = before.replace(learning_rate=0.01)
    with pytest.raises(ConfigError, match="create a new model for others"):
        model.config = before.replace(net_arch=[16])
    with pytest.raises(ConfigError, match=r"model\.reconfigure"):
        model.config = None
    with pytest.raises(ConfigError, match="cannot be deleted"):
        del model.config
    assert model.config is before


@every_algorithm
@pytest.mark.parametrize("name", ["seed", "observation_space", "action_space"])
def test_what_is_saved_of_a_model_cannot_be_assigned(algorithm, name):
    model = made(algorithm)
    before = getattr(model, name)
    with pytest.raises(ConfigError, match=f"The {name} of a model cannot be assigned"):
        setattr(model, name, 5)
    with pytest.raises(ConfigError, match=f"The {name} of a model cannot be deleted"):
        delattr(model, name)
    assert getattr(model, name) is before


@every_algorithm
def test_an_algorithm_that_is_assigned_does_not_make_a_file_unreadable(algorithm, tmp_path):
    model = made(algorithm)
    model.algorithm = "other"
    assert type(rlkit.load(model.save(tmp_path / "model.rlkit"))) is type(model)


@every_algorithm
def test_every_setting_that_is_not_live_is_fixed_once_there_are_networks(algorithm):
    model = made(algorithm)
    before = model.config
    for name, value in before.to_dict().items():
        if name not in before.live_names():
            with pytest.raises(ConfigError, match=rf"{name} is fixed once.*\n.*reconfigure changes learning_rate"):
                model.reconfigure(**{name: value})
    assert model.config is before


@every_algorithm
def test_nothing_is_changed_where_one_of_several_is_wrong(algorithm):
    model = made(algorithm)
    before = model.config
    for wrong in ({"learning_rat": 1}, {"max_grad_norm": -1.0}, {"gamma": 0.5}, {"max_grad_norm": "wide"}):
        with pytest.raises(ConfigError):
            model.reconfigure(learning_rate=1e-5, **wrong)
    assert model.config is before
    assert model.config_changes == ()


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'learning_rate'"):
        made("ppo").reconfigure(learning_rat=1)


def test_before_there_are_networks_everything_may_change():
    model = rlkit.create("ppo")
    model.reconfigure(net_arch=[8], n_steps=16, gamma=0.5)
    assert model.config_changes == ()
    assert model.config.sources["gamma"] == "caller"
    model.build("CartPole-v1").train(32)
    assert model.parameters["actor.0.weight"].size == 4 * 8
    with pytest.raises(ConfigError, match="gamma and n_steps are fixed"):
        model.reconfigure(gamma=0.9, n_steps=8)


def test_a_setting_that_would_be_adjusted_to_a_new_value_is_fixed_too(monkeypatch):
    model = made("ppo")
    config_class = type(model.config)
    monkeypatch.setattr(config_class, "adjust", classmethod(lambda cls, values, *, chosen: {"n_steps": 16}))
    with pytest.raises(ConfigError, match="n_steps is fixed"):
        model.reconfigure(learning_rate=1e-5)
    assert model.config.learning_rate == 3e-4


@every_algorithm
def test_loading_on_an_instance_is_refused_and_on_the_class_it_is_not(algorithm, tmp_path):
    model = made(algorithm)
    path = model.save(tmp_path / "model.rlkit")
    with pytest.raises(StateError, match=r"changes nothing.*\n.*agent = rlkit\.load\(path\)"):
        model.load(path)
    with pytest.raises(StateError, match=r"model\.set_state\(state\)"):
        model.from_state(model.get_state())
    assert equal(type(model).load(path).get_state(), model.get_state())
    assert equal(type(model).from_state(model.get_state()).get_state(), model.get_state())


# -- the log -----------------------------------------------------------------------------------------------------------


def changes_of(owner):
    return [(c.num_timesteps, c.name, c.old, c.new) for c in owner.config_changes]


def test_each_change_is_recorded_with_its_step_in_the_model_and_in_the_call_it_belongs_to():
    model = made("ppo")
    model.reconfigure(learning_rate=1e-3)  # what training begins with is no change
    model.train(64)
    model.reconfigure(learning_rate=1e-4, ent_coef=0.0)  # which it has already
    run = model.training(64)
    next(run)
    model.reconfigure(clip_range=LinearSchedule(0.1))
    list(run)
    first = (64, "learning_rate", 1e-3, 1e-4)
    assert changes_of(model) == [first, (72, "clip_range", 0.2, "lin_0.1")]
    assert changes_of(model.history) == [(8, "clip_range", 0.2, "lin_0.1")]
    assert "clip_range  0.2 until step 8, then lin_0.1" in repr(model.history)
    assert "0.2 until step 8, then lin_0.1" in model.history._repr_html_()
    assert "0.001 until step 64, then 0.0001" in model._repr_html_()


def test_changes_at_the_same_step_are_one_or_none():
    model = made("a2c")
    model.train(8)
    model.reconfigure(ent_coef=0.1)
    model.reconfigure(vf_coef=0.25)
    model.reconfigure(ent_coef=0.2)
    assert changes_of(model) == [(8, "vf_coef", 0.5, 0.25), (8, "ent_coef", 0.0, 0.2)]
    model.reconfigure(ent_coef=0.0)
    assert changes_of(model) == [(8, "vf_coef", 0.5, 0.25)]


@every_algorithm
def test_changes_are_saved_with_the_model(algorithm, tmp_path):
    model = made(algorithm)
    model.train(WINDOW)
    model.reconfigure(learning_rate=1e-5)
    again = rlkit.load(model.save(tmp_path / "model.rlkit"))
    assert changes_of(again) == changes_of(model) == [(WINDOW, "learning_rate", model.config_changes[0].old, 1e-5)]
    assert again.config == model.config
    assert again.config.sources == model.config.sources
    assert equal(again.get_state(), model.get_state())
    assert model.metadata["config_changes"] == [model.config_changes[0].to_dict()]


def test_a_state_without_changes_is_one_of_an_older_rlkit():
    state = made("ppo").get_state()
    del state["config_changes"]
    assert type(made("ppo")).from_state(state).config_changes == ()


@pytest.mark.parametrize(
    "wrong", [5, [5], [{"name": "gamma"}], [{"num_timesteps": "1", "name": "a", "old": 1, "new": 2}]]
)
def test_changes_that_are_none_are_refused(wrong):
    state = {**made("ppo").get_state(), "config_changes": wrong}
    with pytest.raises(StateError, match="The saved config_changes"):
        made("ppo").set_state(state)


def test_a_model_that_goes_back_has_the_changes_that_it_had():
    model = made("ppo")
    model.train(64)
    model.reconfigure(learning_rate=1e-5)
    state = model.get_state()
    model.train(64)
    model.reconfigure(learning_rate=1e-6)
    model.set_state(state)
    assert changes_of(model) == [(64, "learning_rate", 3e-4, 1e-5)]
    assert model.config.learning_rate == 1e-5
