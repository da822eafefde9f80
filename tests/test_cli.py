"""The command line."""

import pytest

import rlkit
from rlkit.cli import VERBS, main


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "store"))
    return tmp_path / "store"


def test_train_eval_and_models(capsys):
    options = ["--env", "CartPole-v1", "--seed", "0", "--steps", "1e3", "--n-epochs", "1"]
    assert main(["train", "ppo", *options, "--save", "cartpole", "--tag", "a"]) == 0
    assert "cartpole:1" in capsys.readouterr().out
    assert main(["eval", "cartpole:1", "--episodes", "3"]) == 0
    assert "mean return" in capsys.readouterr().out
    assert main(["models"]) == 0
    assert "cartpole:1" in capsys.readouterr().out
    assert rlkit.load("cartpole:1").num_timesteps == 1024


def test_algos_lists_and_describes(capsys):
    assert main(["algos"]) == 0
    assert "ppo" in capsys.readouterr().out.split()
    assert main(["algos", "ppo"]) == 0
    assert "clip_range" in capsys.readouterr().out


def test_help_names_every_verb(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert [verb for verb in VERBS if f"  {verb}" not in shown] == []


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == rlkit.__version__


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["trane"], 2, "Did you mean 'train'?"),
        (["train"], 2, "needs the name of an algorithm"),
        (["train", "ppo", "--setps", "3"], 2, "Did you mean '--steps'?"),
        (["train", "ppo", "--env", "Nowhere-v0"], 1, "'Nowhere-v0'"),
        (["eval", "missing:1"], 1, "'missing"),
        (["train", "ppo"], 2, "--env CartPole-v1"),
        (["train", "ppo", "--env", "CartPole-v1", "--save", "bad name"], 1, "'bad-name'"),
        (["train", "ppo", "--env", "CartPole-v1", "--save", ""], 1, "cannot be a model name"),
        (["train", "ppo", "--env", "CartPole-v1", "--save", "x", "--tag", "bad tag"], 1, "'bad-tag'"),
        (["train", "ppo", "--env", "CartPole-v1", "--tag", "a"], 2, "--tag needs --save"),
    ],
)
def test_errors_go_to_standard_error_with_an_exit_code(capsys, store, words, code, says):
    assert main(words) == code
    captured = capsys.readouterr()
    assert says in captured.err
    assert not captured.out
    assert not store.exists()


@pytest.mark.parametrize("words", [["train"], ["train", "ppo"], ["eval"], ["models"], ["algos"]])
@pytest.mark.parametrize("asking", ["-h", "--help"])
def test_every_verb_says_what_it_takes(capsys, words, asking):
    assert main([*words, asking]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"usage: rlkit {words[0]}")
    assert not shown.err
    assert ("--learning-rate" in shown.out) == (words == ["train", "ppo"])


def test_an_interrupt_is_one_line(capsys, monkeypatch):
    def interrupted(words):
        raise KeyboardInterrupt

    monkeypatch.setitem(VERBS, "eval", interrupted)
    assert main(["eval", "cartpole"]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"
