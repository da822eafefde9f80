"""A model is trained again from its record, to the last bit."""

import numpy as np
import pytest

import rlkit
from rlkit.callbacks import EvaluateEvery, StopAtReturn
from rlkit.errors import MissingEnvironmentError, TrainingError
from rlkit.models import retraining
from rlkit.training.log import TrainingCall

SMALL = {
    "ppo": {"n_envs": 2, "n_steps": 16, "batch_size": 16, "n_epochs": 2, "net_arch": [8]},
    "a2c": {"n_envs": 2, "n_steps": 8, "net_arch": [8], "learning_rate": "lin_0.01"},
    "dqn": {"net_arch": [8], "learning_starts": 16, "buffer_size": 64, "batch_size": 8, "train_freq": 4},
}


def fresh(algorithm):
    return rlkit.create(algorithm, env="CartPole-v1", seed=3, preset=None, **SMALL[algorithm])


class Change(rlkit.Callback):
    """Changes the learning rate in the middle of a call, where a test wants it."""

    def __init__(self, at, **changes):
        self.at = at
        self.changes = changes

    def on_update(self, run, update):
        if self.changes and update.num_timesteps >= self.at:
            run.model.reconfigure(**self.changes)
            self.changes = {}


class Stop(rlkit.Callback):
    def __init__(self, at):
        self.at = at

    def on_update(self, run, update):
        if update.num_timesteps >= self.at:
            run.stop("enough")


class ChangeInARollout(rlkit.Callback):
    def on_episode(self, run, episode):
        if run.model.config.learning_rate != 0.005:
            run.model.reconfigure(learning_rate=0.005)


def plainly(model, registry):
    model.train(64, progress=False)
    return model


def in_two_calls(model, registry):
    model.train(50, progress=False)
    model.train(70, progress=False)
    return model


def in_parts(model, registry):
    for steps in (40, 50):
        model.train(steps, total=200, progress=False)
    return model


def stopped(model, registry):
    model.train(500, callbacks=Stop(100), progress=False)
    assert model.num_timesteps < 500
    return model


def stopped_in_parts(model, registry):
    model.train(500, total=600, callbacks=Stop(100), progress=False)
    model.train(64, total=600, progress=False)
    return model


def reconfigured(model, registry):
    model.train(64, callbacks=Change(32, learning_rate=0.01), progress=False)
    model.reconfigure(learning_rate=0.02, max_grad_norm=0.3)
    model.train(64, callbacks=ChangeInARollout(), progress=False)
    return model


def evaluated(model, registry):
    model.train(64, callbacks=EvaluateEvery(32, episodes=2, seed=0), progress=False)
    model.evaluate(3)
    model.predict(np.zeros(4, "f4"), deterministic=False)
    return model


def best_of(model, registry):
    monitor = EvaluateEvery(32, episodes=2, seed=0, restore_best=True)
    model.train(256, callbacks=monitor, progress=False)
    model.train(64, progress=False)
    return model


def loaded_between(model, registry):
    model.train(64, progress=False)
    registry.register(model, "m")
    model = registry.load("m")
    model.train(64, progress=False)
    return model


def loaded_slim_between(model, registry):
    model.train(64, progress=False)
    registry.register(model, "m", slim=True)
    model = registry.load("m")
    model.train(64, progress=False)
    return model


def copied_between(model, registry):
    import copy  # noqa: PLC0415

    model.train(64, progress=False)
    model = copy.deepcopy(model)
    model.train(64, progress=False)
    return model


STORIES = [
    *(plainly, in_two_calls, in_parts, stopped, stopped_in_parts, reconfigured, evaluated, best_of),
    *(loaded_between, loaded_slim_between, copied_between),
]


def parameters_and_generator(model):
    state = model.get_state(slim=True)
    return {"rng": state["rng"], "steps": state["num_timesteps"], "episodes": state["num_episodes"]}


@pytest.mark.filterwarnings("ignore:The replay buffer was left out")
@pytest.mark.parametrize("algorithm", SMALL)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_version_is_trained_again_from_its_record_to_the_last_bit(tmp_path, algorithm, story):
    registry = rlkit.registry(tmp_path)
    model = story(fresh(algorithm), registry)
    version = registry.register(model, "told", allow_duplicate=True)
    again = registry.retrain("told", progress=False)  # a warning, which is an error here, would say that it differs
    for name, values in model.parameters.items():
        np.testing.assert_array_equal(again.parameters[name], values)
    assert parameters_and_generator(again) == parameters_and_generator(model)
    assert again.config.to_dict() == model.config.to_dict()
    assert sum(call["num_timesteps"] for call in version.training) == version.num_timesteps


def test_the_record_says_what_was_asked_and_what_came_of_it(tmp_path):
    registry = rlkit.registry(tmp_path)
    model = fresh("ppo")
    model.train(40, total=200, callbacks=[EvaluateEvery(32, episodes=2), StopAtReturn(1.0), Stop(32)], progress=True)
    registry.register(model, "m")
    model = registry.load("m")
    model.train(32, progress=False)
    first, second = registry.register(model, "m").training
    assert (first["begun_at"], first["steps"], first["total"]) == (0, 40, 200)
    assert first["callbacks"] == ["EvaluateEvery(32, episodes=2)", "StopAtReturn(1.0)", "Stop(32)"]
    assert first["stop_reason"] == "enough"
    assert (second["begun_at"], second["steps"], second["total"]) == (first["num_timesteps"], 32, None)
    assert (second["stop_reason"], second["error"], second["callbacks"]) == ("", "", [])
    for call in (first, second):
        assert call["cpu"]
        assert "openblas" in call["blas"] or call["blas"]
        assert call["seconds"] > 0
        assert call["started"].startswith("20")
    assert registry.get("m:2").wall_time == pytest.approx(first["seconds"] + second["seconds"])


def test_a_call_under_way_is_told_as_far_as_it_is(tmp_path):
    registry = rlkit.registry(tmp_path)
    model = fresh("ppo")
    run = model.training(320)
    next(run)
    (call,) = registry.register(model, "m").training
    assert (call["steps"], call["num_timesteps"]) == (320, 32)
    next(run)
    np.testing.assert_array_equal(
        registry.retrain("m", progress=False).parameters["actor.0.weight"],
        registry.load("m").parameters["actor.0.weight"],
    )
    run.close()


def test_an_error_and_an_interrupt_are_told():
    class Fails(rlkit.Callback):
        def on_update(self, run, update):
            if update.num_timesteps >= 64:
                message = "no more"
                raise ValueError(message)

    model = fresh("ppo")
    with pytest.raises(ValueError, match="no more"):
        model.train(320, callbacks=Fails(), progress=False)
    (call,) = model.training_calls
    assert (call.num_timesteps, call.stop_reason, call.callbacks) == (64, "ValueError", ("Fails()",))
    assert "no more" in call.error


def test_what_is_not_known_wholly_is_not_trained_again(tmp_path):
    registry = rlkit.registry(tmp_path)
    model, other = fresh("ppo"), rlkit.create("ppo", env="CartPole-v1", seed=4, preset=None, **SMALL["ppo"])
    other.train(64, progress=False)
    model.train(64, progress=False)
    model.set_state(other.get_state())
    registry.register(model, "m")
    with pytest.raises(TrainingError, match="Not all calls of train are known"):
        registry.retrain("m", progress=False)


def test_another_result_is_told(tmp_path, monkeypatch):
    registry = rlkit.registry(tmp_path)
    model = fresh("ppo")
    model.train(64, progress=False)
    registry.register(model, "m")
    repeat = retraining._repeat

    def slightly_other(model, call, changes, progress):
        model.reconfigure(learning_rate=0.002)
        repeat(model, call, changes, progress)

    monkeypatch.setattr(retraining, "_repeat", slightly_other)
    with pytest.warns(UserWarning, match=r"arrays differ.*It was trained on .*, and this is "):
        registry.retrain("m", progress=False)


def test_a_custom_environment_must_be_given(tmp_path, monkeypatch):
    import gymnasium  # noqa: PLC0415

    def make():
        env = gymnasium.make("CartPole-v1")
        env.unwrapped.length = 0.3
        return env

    registry = rlkit.registry(tmp_path)
    model = rlkit.create("ppo", env=make, seed=0, preset=None, **SMALL["ppo"])
    model.train(64, progress=False)
    registry.register(model, "m")
    with pytest.raises(MissingEnvironmentError, match="be trained again"):
        registry.retrain("m", progress=False)
    again = registry.retrain("m", env=make, progress=False)
    np.testing.assert_array_equal(again.parameters["actor.0.weight"], model.parameters["actor.0.weight"])


def test_a_call_is_written_and_read():
    told = {"stop_reason": "stop", "error": "no", "restored": True, "left_out": "replay buffer", "seconds": 1.5}
    call = TrainingCall(64, 128, 256, 32, ("A(1)",), **told, started="2025", cpu="cpu", blas="blas")
    assert TrainingCall.from_dict(call.to_dict()) == call
    assert TrainingCall.from_dict({**call.to_dict(), "later": 1}) == call
