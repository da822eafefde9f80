from __future__ import annotations

from rlkit.training.history import History
from rlkit.training.log import TrainingLog


def call_of_train(steps, means, seconds):
    history = History("PPO on Test-v0", 1000)
    for step, mean in zip(steps, means, strict=True):
        history.updates.append({"num_timesteps": step, "mean_return": mean})
    history.seconds = seconds
    return history


def test_a_log_of_nothing_is_empty():
    assert TrainingLog().curve == {"steps": [], "mean_return": []}
    assert TrainingLog().seconds == 0


def test_each_call_goes_on_where_the_last_one_ended():
    log = TrainingLog()
    log.begin(call_of_train([10, 20], [1.0, 2.0], 3.0), 0)
    log.begin(call_of_train([10], [5.0], 4.0), 20)
    assert log.curve == {"steps": [10, 20, 30], "mean_return": [1, 2, 5]}
    assert log.seconds == 7


def test_a_log_goes_on_from_what_was_saved():
    log = TrainingLog({"steps": [10.0], "mean_return": [1.0]}, 2.0)
    log.begin(call_of_train([5], [9.0], 1.0), 10)
    assert log.curve == {"steps": [10, 15], "mean_return": [1, 9]}
    assert log.seconds == 3


def test_a_long_curve_keeps_200_points_with_both_ends():
    log = TrainingLog()
    for i in range(5):
        log.begin(call_of_train(range(1, 151), [float(i)] * 150, 1.0), 150 * i)
    assert len(log.curve["steps"]) == 200
    assert (log.curve["steps"][0], log.curve["steps"][-1]) == (1, 750)
    assert log.curve["steps"] == sorted(set(log.curve["steps"]))


def test_a_saved_curve_is_not_changed_by_training_on():
    saved = {"steps": [10.0], "mean_return": [1.0]}
    log = TrainingLog(saved)
    log.begin(call_of_train([5], [9.0], 1.0), 10)
    assert log.curve["steps"] == [10, 15]
    assert saved == {"steps": [10.0], "mean_return": [1.0]}
