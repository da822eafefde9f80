from __future__ import annotations

import numpy as np
import pytest

from rlkit.envs import EnvironmentSource
from rlkit.training.evaluation import Evaluation, play_episodes


def evaluation(returns=(1.0, 2.0, 6.0), **settings):
    return Evaluation(np.array(returns), np.full(len(returns), 7), "PPO on Test-v0, evaluated", 3, **settings)


def nothing(features):
    return np.zeros(len(features), int)


def test_figures_are_those_of_the_returns():
    result = evaluation()
    assert (result.episodes, result.mean, result.min, result.median, result.max) == (3, 3, 1, 2, 6)
    assert result.std == pytest.approx(np.sqrt(14 / 3))
    assert result.metrics == {
        "mean_return": 3.0,
        "std_return": result.std,
        "min_return": 1.0,
        "max_return": 6.0,
        "mean_length": 7.0,
        "eval_episodes": 3.0,
    }


def test_text_and_html_say_the_figures():
    result = evaluation(reward_threshold=2.5)
    assert "3 ± 2.16" in repr(result)
    assert "reached" in repr(result)
    assert "not reached" in repr(evaluation(reward_threshold=3.5))
    assert "PPO on Test-v0, evaluated" in result._repr_html_()
    assert "drawn from the policy" in repr(evaluation(deterministic=False))


def test_every_environment_plays_a_share_that_is_fixed_beforehand(environments):
    lengths = iter([2, 2, 30, 2])  # the first is looked at for its spaces
    source = EnvironmentSource(lambda: environments.Counting(length=next(lengths)))
    returns, played = play_episodes(nothing, source.separate(3), 6, seed=0)
    # The first six episodes to end would all be short ones.
    assert played.tolist() == [2, 30, 2, 2, 30, 2]
    assert returns.tolist() == [3, 465, 3, 3, 465, 3]


@pytest.mark.parametrize(("episodes", "n_envs"), [(1, 1), (1, 3), (5, 3), (6, 3), (7, 3)])
def test_exactly_the_episodes_asked_for_are_played(environments, episodes, n_envs):
    environment = EnvironmentSource(environments.Counting).separate(n_envs)
    returns, lengths = play_episodes(nothing, environment, episodes, seed=0)
    assert len(returns) == len(lengths) == episodes
    assert (returns.dtype, lengths.dtype) == (np.float64, np.int64)


def test_the_policy_sees_the_observations_to_act_on(environments):
    seen = []

    def act(features):
        seen.append(features.copy())
        return nothing(features)

    play_episodes(act, EnvironmentSource(lambda: environments.Counting(length=2)).separate(1), 2, seed=0)
    assert np.concatenate(seen).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
