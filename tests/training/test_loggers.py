from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import rlkit
from rlkit.callbacks import EvaluateEvery, LogToCSV, LogToJSONLines, LogToTensorBoard
from rlkit.errors import StoreError, TrainingError
from rlkit.storage import files
from rlkit.training import History, TrainingRun


@pytest.fixture
def model(environments):
    return rlkit.create("a2c", environments.ActionReward, seed=0, n_envs=2, n_steps=8)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_csv_file_has_a_row_an_update(model, tmp_path):
    history = model.train(64, callbacks=LogToCSV(tmp_path / "logs" / "a.csv"))
    rows = rows_of(tmp_path / "logs" / "a.csv")
    assert [int(row["num_timesteps"]) for row in rows] == [16, 32, 48, 64]
    for name in ("seconds", "mean_return", "value_loss", "learning_rate"):
        np.testing.assert_array_equal([float(row[name]) for row in rows], history.updates[name])


def test_steps_go_on_where_training_does_and_runs_are_told_apart(model, tmp_path):
    log = LogToCSV(tmp_path / "a.csv")
    model.train(32, callbacks=log)
    model.train(32, callbacks=log)
    rows = rows_of(log.path)
    assert [int(row["num_timesteps"]) for row in rows] == [16, 32, 48, 64]
    assert [row["run"] for row in rows] == [rows[0]["run"]] * 2 + [rows[2]["run"]] * 2
    assert rows[0]["run"] < rows[2]["run"]


def test_rows_are_there_to_be_read_while_training_goes_on(model, tmp_path):
    log = LogToCSV(tmp_path / "a.csv")
    run = model.training(64, callbacks=log)
    next(run)
    assert len(rows_of(log.path)) == 1
    run.close()
    assert len(rows_of(log.path)) == 1


def test_what_is_not_known_is_empty_in_csv_and_null_in_json(environments, tmp_path):
    model = rlkit.create("a2c", lambda: environments.Endless(1000), seed=0, n_steps=8)
    model.train(8, callbacks=[LogToCSV(tmp_path / "a.csv"), LogToJSONLines(tmp_path / "a.jsonl")])
    assert rows_of(tmp_path / "a.csv")[0]["mean_return"] == ""
    assert json.loads((tmp_path / "a.jsonl").read_text())["mean_return"] is None


def test_a_file_with_another_algorithms_columns_is_left_as_it_is_and_training_goes_on(model, environments, tmp_path):
    log = LogToCSV(tmp_path / "a.csv")
    model.train(16, callbacks=log)
    before = log.path.read_bytes()
    other = rlkit.create("ppo", environments.ActionReward, seed=0, n_steps=8, batch_size=8)
    with pytest.warns(UserWarning, match="other columns") as warned:
        history = other.train(16, callbacks=log)
    assert len(warned) == 1
    assert history.num_timesteps == 16
    assert log.path.read_bytes() == before


@pytest.mark.parametrize("first_line", ["name,price\n", None])
def test_a_file_of_something_else_is_told_before_the_first_step(model, tmp_path, first_line):
    log = LogToCSV(tmp_path / "a.csv")
    if first_line is None:  # this one has no evaluations
        model.train(16, callbacks=log)
        model = rlkit.create("a2c", "CartPole-v1", seed=0, n_steps=8)
    else:
        log.path.write_text(first_line)
    before = log.path.read_bytes()
    with pytest.raises(StoreError, match="other columns"):
        model.train(16, callbacks=[EvaluateEvery(16, 1), log] if first_line is None else log)
    assert not model.is_trained
    assert log.path.read_bytes() == before


@pytest.mark.parametrize("logger", [LogToCSV, LogToJSONLines])
def test_a_line_that_was_cut_off_takes_no_other_with_it(model, tmp_path, logger):
    path = tmp_path / "log"
    model.train(16, callbacks=logger(path))
    whole = path.read_text()
    path.write_text(whole[:-5])
    model.train(16, callbacks=logger(path))
    lines = path.read_text().splitlines()
    assert lines[: len(whole.splitlines())] == whole[:-5].splitlines()
    assert len(lines) > len(whole.splitlines())
    assert lines[-1].count(",") == whole.splitlines()[-1].count(",")


class SmallDisk(files.System):
    """A disk on which one file may not grow beyond a size while it is full."""

    room = None
    can_truncate = True

    def write(self, descriptor, data):
        if self.room is None:
            return super().write(descriptor, data)
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = super().write(descriptor, data[: self.room])
        self.room -= count
        return count

    def truncate(self, descriptor, size):
        if not self.can_truncate:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().truncate(descriptor, size)


@pytest.fixture
def disk(monkeypatch):
    disk = SmallDisk()
    monkeypatch.setattr(files, "system", disk)
    return disk


class During(rlkit.Callback):
    """Does something after the updates at which the run has taken so many steps."""

    def __init__(self, **actions):
        self.actions = {int(step.removeprefix("at_")): action for step, action in actions.items()}

    def on_update(self, run, update):
        self.actions.get(update.num_timesteps, lambda: None)()


def steps_in(logger, folder):
    """The steps that a log tells of."""
    if logger is LogToCSV:
        return [int(row["num_timesteps"]) for row in rows_of(folder / "log")]
    if logger is LogToJSONLines:
        return [json.loads(line)["num_timesteps"] for line in (folder / "log").read_text().splitlines()]
    (run,) = (folder / "log").iterdir()
    return [step for step, _ in scalars(run)["train/value_loss"]]


LOGGERS = pytest.mark.parametrize("logger", [LogToCSV, LogToJSONLines, LogToTensorBoard])


@LOGGERS
@pytest.mark.parametrize("room", [0, 1, 60])
def test_a_disk_that_runs_full_ends_no_training_and_takes_more_when_it_has_space(model, disk, tmp_path, logger, room):
    full = During(at_32=lambda: setattr(disk, "room", room), at_64=lambda: setattr(disk, "room", None))
    with pytest.warns(UserWarning, match="No space left on device") as warned:
        history = model.train(96, callbacks=[logger(tmp_path / "log"), full])
    (warning,) = warned
    assert "Training goes on" in str(warning.message)
    assert str(tmp_path) in str(warning.message)
    assert history.num_timesteps == 96
    assert steps_in(logger, tmp_path) == [16, 32, 80, 96]


@pytest.mark.parametrize("logger", [LogToCSV, LogToJSONLines])
def test_what_is_left_of_a_line_on_a_full_disk_takes_no_other_with_it(model, disk, tmp_path, logger):
    disk.can_truncate = False
    full = During(at_32=lambda: setattr(disk, "room", 40), at_48=lambda: setattr(disk, "room", None))
    with pytest.warns(UserWarning, match="No space left"):
        model.train(80, callbacks=[logger(tmp_path / "log"), full])
    lines = (tmp_path / "log").read_bytes().splitlines()
    fields = [line.count(b",") for line in lines]
    assert len(fields) == len(set(lines)) == (6 if logger is LogToCSV else 5)  # a header, and four whole lines
    assert max(set(fields), key=fields.count) == fields[0]
    assert len(lines[-3]) == 40
    assert fields[-2:] == fields[:1] * 2


@LOGGERS
def test_a_disk_that_is_full_again_in_the_next_run_is_told_again(model, disk, tmp_path, logger):
    log = logger(tmp_path / "log")
    for _ in range(2):
        disk.room = None
        with pytest.warns(UserWarning, match="No space left") as warned:
            model.train(48, callbacks=[log, During(at_16=lambda: setattr(disk, "room", 0))])
        assert len(warned) == 1


@LOGGERS
def test_a_log_that_cannot_be_closed_ends_no_training(model, tmp_path, logger, disk, monkeypatch):
    def close(descriptor):
        os.close(descriptor)
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(disk, "close", close)
    with pytest.warns(UserWarning, match="quota") as warned:
        assert model.train(16, callbacks=logger(tmp_path / "log")).error == ""
    assert len(warned) == 1
    assert steps_in(logger, tmp_path) == [16]


@LOGGERS
def test_a_log_whose_folder_was_deleted_is_made_anew(model, tmp_path, logger):
    folder = tmp_path / "logs"
    model.train(64, callbacks=[logger(folder / "log"), During(at_32=lambda: shutil.rmtree(folder))])
    assert steps_in(logger, folder) == [48, 64]


@LOGGERS
def test_a_folder_that_cannot_be_made_anew_ends_no_training(model, tmp_path, logger):
    folder = tmp_path / "logs"

    def replace():
        shutil.rmtree(folder)
        folder.touch()

    with pytest.warns(UserWarning, match="Training goes on") as warned:
        history = model.train(64, callbacks=[logger(folder / "log"), During(at_32=replace)])
    assert len(warned) == 1
    assert history.num_timesteps == 64


def test_a_full_disk_and_a_closed_standard_error_end_no_training(model, disk, tmp_path, monkeypatch):
    def closed(*args, **kwargs):
        raise ValueError("I/O operation on closed file.")

    monkeypatch.setattr(warnings, "warn", closed)
    full = During(at_16=lambda: setattr(disk, "room", 0))
    assert model.train(48, callbacks=[LogToJSONLines(tmp_path / "log"), full]).num_timesteps == 48


@LOGGERS
def test_figures_may_be_numbers_of_numpy(tmp_path, logger):
    values = {"half": np.float32(0.5), "unknown": np.float32("nan"), "count": np.int64(3), "whole": np.array(2.0)}

    def updates(run):
        while True:
            run.num_timesteps += 16
            yield {"value_loss": 1.0, **values}

    run = TrainingRun(History("x", 32), updates, [logger(tmp_path / "log")])
    assert len(list(run)) == 2
    assert steps_in(logger, tmp_path) == [16, 32]
    if logger is LogToJSONLines:
        row = json.loads((tmp_path / "log").read_text().splitlines()[0])
        assert {name: row[name] for name in values} == {"half": 0.5, "unknown": None, "count": 3, "whole": 2.0}


def test_an_error_of_ones_own_callback_still_ends_the_training(model):
    def fail():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"):
        model.train(48, callbacks=During(at_16=fail))


def test_what_is_no_path_is_refused():
    with pytest.raises(TrainingError, match="None is no path"):
        LogToCSV(None)


def test_json_lines_are_objects(model, tmp_path):
    history = model.train(48, callbacks=LogToJSONLines(tmp_path / "a.jsonl"))
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [row["num_timesteps"] for row in rows] == [16, 32, 48]
    assert [row["entropy"] for row in rows] == history.updates["entropy"].tolist()


@pytest.mark.parametrize("first", ["evaluate", "log"])
def test_evaluations_are_logged_in_either_order(model, tmp_path, first):
    callbacks = [EvaluateEvery(32, 2), LogToCSV(tmp_path / "a.csv"), LogToJSONLines(tmp_path / "a.jsonl")]
    history = model.train(96, callbacks=callbacks if first == "evaluate" else callbacks[::-1])
    rows = rows_of(tmp_path / "a.csv")
    logged = [float(row["eval_mean_return"]) for row in rows if row["eval_mean_return"]]
    known = history.evaluations["mean_return"].tolist()
    assert logged == (known if first == "evaluate" else known[:-1])
    in_json = [json.loads(line)["eval_mean_return"] for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [value for value in in_json if value is not None] == logged


@pytest.mark.parametrize("logger", [LogToCSV, LogToJSONLines])
def test_a_file_that_cannot_be_written_is_told_before_the_first_step(model, tmp_path, logger):
    with pytest.raises(StoreError, match="Cannot write"):
        model.train(16, callbacks=logger(tmp_path))
    assert not model.is_trained


def scalars(folder):
    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_tensorboard_reads_the_curves_under_the_names_of_sb3(model, tmp_path):
    history = model.train(48, callbacks=[EvaluateEvery(48, 2), LogToTensorBoard(tmp_path)])
    (folder,) = tmp_path.iterdir()
    found = scalars(folder)
    assert [step for step, _ in found["rollout/ep_rew_mean"]] == [16, 32, 48]
    assert [value for _, value in found["train/value_loss"]] == pytest.approx(history.updates["value_loss"].tolist())
    assert found["eval/mean_reward"] == [(48, pytest.approx(history.evaluations["mean_return"][0]))]
    assert {"rollout/ep_len_mean", "time/fps", "train/entropy"} <= set(found)


def test_tensorboard_is_told_when_a_value_was_known(model, tmp_path, monkeypatch):
    times = iter(range(1000, 2000))
    monkeypatch.setattr("rlkit.training.loggers.time", SimpleNamespace(time=lambda: float(next(times))))
    model.train(48, callbacks=LogToTensorBoard(tmp_path))
    (folder,) = tmp_path.iterdir()
    events = EventAccumulator(str(folder))
    events.Reload()
    told = [event.wall_time for event in events.Scalars("train/value_loss")]
    assert told == sorted(set(told))
    assert 1000 < told[0] < told[-1] < 2000
    assert not events.Tags()["tensors"]


def test_tensorboard_is_not_told_what_is_not_known(environments, tmp_path):
    model = rlkit.create("a2c", lambda: environments.Endless(1000), seed=0, n_steps=8)
    model.train(8, callbacks=LogToTensorBoard(tmp_path))
    (folder,) = tmp_path.iterdir()
    assert "rollout/ep_rew_mean" not in scalars(folder)
    assert "train/entropy" in scalars(folder)


def test_runs_have_folders_of_their_own(model, tmp_path):
    log = LogToTensorBoard(tmp_path)
    model.train(16, callbacks=log)
    model.train(16, callbacks=log)
    assert len(list(tmp_path.iterdir())) == 2


def test_without_tensorboard_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.record_writer", None)
    with pytest.raises(TrainingError, match=r"pip install tensorboard"):
        LogToTensorBoard("runs")


@pytest.mark.parametrize("make", [LogToCSV, LogToJSONLines, LogToTensorBoard])
def test_a_run_that_never_began_leaves_nothing(tmp_path, make):
    make(tmp_path / "log").on_end(None)
    assert list(tmp_path.iterdir()) == []
