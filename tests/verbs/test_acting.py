"""Verbs that let a model act."""

import gymnasium
import pytest

from rlkit.errors import StoreError
from rlkit.verbs import Scope
from rlkit.verbs.acting import Evaluate, Watch


def test_a_kept_model_is_evaluated(run, registry):
    result = run(Evaluate(), "cartpole:1 --episodes 3 --seed 5 --stochastic")
    assert (result.episodes, result.seed, result.deterministic) == (3, 5, False)
    scope = Scope()
    scope.episodes = 2
    assert run(Evaluate(), "cartpole", scope).episodes == 2


def test_a_model_plays_in_another_environment(run, registry):
    gymnasium.register("ShortPole-v0", "gymnasium.envs.classic_control:CartPoleEnv", max_episode_steps=5)
    try:
        assert run(Evaluate(), "cartpole --episodes 2 --env ShortPole-v0").lengths.max() <= 5
        assert run(Watch(), "cartpole --env ShortPole-v0").length <= 5
    finally:
        del gymnasium.registry["ShortPole-v0"]


def test_an_episode_is_watched_and_kept(run, registry, tmp_path):
    recording = run(Watch(), f"pendulum --seed 3 --max-steps 20 --save {tmp_path / 'x.html'}")
    assert (recording.length, recording.seed) == (20, 3)
    assert "canvas" in (tmp_path / "x.html").read_text()
    with pytest.raises(StoreError, match=r"x\.mp4"):
        run(Watch(), "pendulum --max-steps 2 --save x.mp4")
