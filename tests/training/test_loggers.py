from __future__ import annotations

import contextlib
import csv
import errno
import io
import json
import os
import sys

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import rlkit
from rlkit.callbacks import EvaluateEvery, LogToCSV, LogToJSONLines, LogToTensorBoard
from rlkit.errors import StoreError, TrainingError


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


def test_a_file_with_other_columns_is_left_as_it_is(model, environments, tmp_path):
    log = LogToCSV(tmp_path / "a.csv")
    model.train(16, callbacks=log)
    before = log.path.read_bytes()
    other = rlkit.create("ppo", environments.ActionReward, seed=0, n_steps=8, batch_size=8)
    with pytest.raises(StoreError, match="other columns"):
        other.train(16, callbacks=log)
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


class Full(io.RawIOBase):
    """A file on a full disk."""

    def writable(self):
        return True

    def write(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_a_store_error(model, tmp_path, monkeypatch):
    file = io.TextIOWrapper(io.BufferedWriter(Full()))
    monkeypatch.setattr("rlkit.training.loggers.open_log", lambda path: file)
    (tmp_path / "log.csv").touch()
    with pytest.raises(StoreError, match=r"(?i)no space left"):
        model.train(16, callbacks=LogToCSV(tmp_path / "log.csv"))
    with contextlib.suppress(OSError):
        file.close()  # what it still holds cannot be written


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
    return {
        tag: [(event.step, float(event.tensor_proto.float_val[0])) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }


def test_tensorboard_reads_the_curves_under_the_names_of_sb3(model, tmp_path):
    history = model.train(48, callbacks=[EvaluateEvery(48, 2), LogToTensorBoard(tmp_path)])
    (folder,) = tmp_path.iterdir()
    found = scalars(folder)
    assert [step for step, _ in found["rollout/ep_rew_mean"]] == [16, 32, 48]
    assert [value for _, value in found["train/value_loss"]] == pytest.approx(history.updates["value_loss"].tolist())
    assert found["eval/mean_reward"] == [(48, pytest.approx(history.evaluations["mean_return"][0]))]
    assert {"rollout/ep_len_mean", "time/fps", "train/entropy"} <= set(found)


def test_runs_have_folders_of_their_own(model, tmp_path):
    log = LogToTensorBoard(tmp_path)
    model.train(16, callbacks=log)
    model.train(16, callbacks=log)
    assert len(list(tmp_path.iterdir())) == 2


def test_without_tensorboard_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary", None)
    with pytest.raises(TrainingError, match=r"pip install \"rlkit\[tensorboard\]\""):
        LogToTensorBoard("runs")


@pytest.mark.parametrize("make", [LogToCSV, LogToJSONLines, LogToTensorBoard])
def test_a_run_that_never_began_leaves_nothing(tmp_path, make):
    make(tmp_path / "log").on_end(None)
    assert list(tmp_path.iterdir()) == []
