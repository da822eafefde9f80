from __future__ import annotations

import errno
import os

import numpy as np
import pytest

import rlkit
from rlkit.callbacks import Checkpoint
from rlkit.errors import InvalidNameError, ModelNotFoundError, StoreError, TrainingError
from rlkit.registry import ModelRegistry
from rlkit.storage import files
from rlkit.training import Callback


@pytest.fixture
def registry(tmp_path):
    return ModelRegistry(tmp_path / "store")


@pytest.fixture
def model(environments):
    return rlkit.create("ppo", environments.ActionReward, seed=0, n_envs=2, n_steps=8, batch_size=16)


def test_versions_are_kept_every_so_many_steps_and_at_the_end(model, registry):
    checkpoint = Checkpoint("probe", 32, registry=registry)
    history = model.train(80, callbacks=checkpoint)
    assert [version.num_timesteps for version in registry.versions("probe")] == [32, 64, 80]
    assert [version.ref for version in checkpoint.versions] == ["probe:1", "probe:2", "probe:3"]
    last = registry.get("probe")
    assert last.tags == ("checkpoint",)
    assert last.metrics["training_return"] == history.mean_return


def test_a_checkpoint_goes_on_exactly_where_it_was_made(environments, registry):
    def make():
        return rlkit.create("ppo", environments.ActionReward, seed=0, n_envs=2, n_steps=8, batch_size=16)

    model = make()
    model.train(32, callbacks=Checkpoint("probe", 16, registry=registry))
    again = registry.load("probe:1", environments.ActionReward)
    other = make()
    other.train(16)
    again.train(16)
    other.train(16)
    np.testing.assert_equal(again.get_state(), other.get_state())


def test_training_with_checkpoints_is_training_without(environments, registry):
    def trained(callbacks):
        made = rlkit.create("dqn", environments.Identity, seed=1, n_envs=2, learning_starts=10)
        made.train(100, callbacks=callbacks)
        return made.get_state()

    np.testing.assert_equal(trained(()), trained(Checkpoint("probe", 20, registry=registry)))


def test_only_the_newest_are_kept_where_that_is_asked_for(model, registry):
    class Promote(Callback):
        def on_update(self, run, update):
            if update.num_timesteps == 16:
                registry.set_alias("probe", "first", 1)

    checkpoint = Checkpoint("probe", 16, keep=2, registry=registry)
    model.train(96, callbacks=[checkpoint, Promote()])
    # The first has an alias: somebody wants it.
    assert [version.version for version in registry.versions("probe")] == [1, 5, 6]
    assert [version.version for version in checkpoint.versions] == [5, 6]


def test_of_several_calls_only_the_newest_are_kept(environments, model, registry):
    checkpoint = Checkpoint("probe", 16, keep=2, registry=registry)
    for _ in range(3):
        model.train(32, callbacks=checkpoint)
    assert [version.num_timesteps for version in registry.versions("probe")] == [80, 96]
    assert [version.version for version in checkpoint.versions] == [5, 6]


def test_the_checkpoints_of_another_model_are_not_the_ones_to_delete(environments, model, registry):
    checkpoint = Checkpoint("probe", 16, keep=1, registry=registry)
    model.train(32, callbacks=checkpoint)
    other = rlkit.create("ppo", environments.ActionReward, seed=1, n_envs=2, n_steps=8, batch_size=16)
    other.train(32, callbacks=checkpoint)
    assert [version.version for version in registry.versions("probe")] == [2, 4]
    assert [version.version for version in checkpoint.versions] == [4]


def test_older_versions_of_the_model_are_not_the_checkpoints_to_delete(model, registry):
    registry.register(model, "probe")
    model.train(64, callbacks=Checkpoint("probe", 16, keep=1, registry=registry))
    assert [version.version for version in registry.versions("probe")] == [1, 5]


def test_checkpoints_are_slim_unless_asked(environments, registry):
    for slim, left_out in ((True, "replay buffer"), (False, "")):
        model = rlkit.create("dqn", environments.Identity, seed=1, learning_starts=10)
        model.train(50, callbacks=Checkpoint("probe", 50, slim=slim, registry=registry))
        assert registry.get("probe").left_out == left_out


def test_the_parent_is_what_the_model_was_trained_on_from(model, registry):
    registry.register(model, "base")
    model.train(32, callbacks=Checkpoint("probe", 16, parent="base", registry=registry))
    assert [version.parent for version in registry.versions("probe")] == ["base:1", "base:1"]


def test_a_parent_that_is_not_there_is_told_before_the_first_step(model, registry):
    with pytest.raises(ModelNotFoundError):
        model.train(32, callbacks=Checkpoint("probe", 16, parent="base", registry=registry))
    assert not model.is_trained


def test_a_checkpoint_that_cannot_be_written_is_warned_of_and_training_goes_on(model, registry, monkeypatch):
    def full(*args, **kwargs):
        raise StoreError("Cannot write it: no space left on device.", "The disk is full: free some space.")

    monkeypatch.setattr(registry, "register", full)
    with pytest.warns(UserWarning, match=r"after 16 steps was not kept\. Cannot write it"):
        history = model.train(16, callbacks=Checkpoint("probe", 16, registry=registry))
    assert history.num_timesteps == 16


def test_checkpoints_that_cannot_be_written_are_warned_of_once_a_run_and_tried_again(model, registry, monkeypatch):
    class Disk(files.System):
        full = True

        def write(self, descriptor, data):
            if self.full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(descriptor, data)

    class Free(Callback):
        def on_update(self, run, update):
            disk.full = update.num_timesteps < 48

    disk = Disk()
    monkeypatch.setattr(files, "system", disk)
    for _ in range(2):
        with pytest.warns(UserWarning, match="No space left") as warned:
            history = model.train(64, callbacks=[Free(), Checkpoint("probe", 16, registry=registry)])
        assert len(warned) == 1
        assert history.num_timesteps == 64
    assert [version.num_timesteps for version in registry.versions("probe")] == [48, 64, 112, 128]
    assert registry.verify().ok


def test_a_registry_that_cannot_be_written_is_told_before_the_first_step(model, registry, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(StoreError, match="Choose a folder that you may write to"):
        model.train(16, callbacks=Checkpoint("probe", 16, registry=registry))
    assert not model.is_trained


def test_the_registry_may_be_a_folder(model, tmp_path):
    checkpoint = Checkpoint("probe", 16, registry=tmp_path / "kept")
    model.train(16, callbacks=checkpoint)
    assert rlkit.registry(tmp_path / "kept").versions("probe")[0].ref == checkpoint.versions[0].ref


def test_after_a_stop_the_last_version_is_kept(model, registry):
    class Stop(Callback):
        def on_update(self, run, update):
            run.stop()

    model.train(1000, callbacks=[Checkpoint("probe", 500, registry=registry), Stop()])
    assert [version.num_timesteps for version in registry.versions("probe")] == [16]


def test_the_current_registry_is_the_default(model, tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "home"))
    model.train(16, callbacks=Checkpoint("probe", 16))
    assert rlkit.registry().models() == ["probe"]


def test_wrong_settings_are_told_at_once():
    with pytest.raises(InvalidNameError):
        Checkpoint("../x", 10)
    with pytest.raises(InvalidNameError):
        Checkpoint("x", 10, tags=["a b/c"])
    with pytest.raises(TrainingError, match="keep"):
        Checkpoint("x", 10, keep=0)
    with pytest.raises(TrainingError, match="steps = 0"):
        Checkpoint("x", 0)
