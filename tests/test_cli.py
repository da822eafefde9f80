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


@pytest.fixture
def kept(capsys):
    rlkit.register(rlkit.create("ppo", "CartPole-v1", seed=0, net_arch=[4]), "cartpole")
    return rlkit.registry()


def test_export_and_import_take_a_version_elsewhere(kept, tmp_path, capsys, monkeypatch):
    assert main(["export", "cartpole:1", str(tmp_path / "x.rlkit")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "x.rlkit")
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "other"))
    assert main(["import", str(tmp_path / "x.rlkit"), "pole"]) == 0
    assert capsys.readouterr().out.strip() == "pole:1"
    assert rlkit.load("pole").env_name == "CartPole-v1"


def test_inspect_and_card_tell_of_a_version(kept, capsys):
    assert main(["inspect", "cartpole:1"]) == 0
    assert "arrays" in capsys.readouterr().out
    assert main(["card", "cartpole"]) == 0
    assert capsys.readouterr().out.startswith("# cartpole:1")


def test_verify_fails_where_something_is_wrong(kept, capsys):
    assert main(["verify"]) == 0
    capsys.readouterr()
    path = kept._store.manifest_path("cartpole", 1)
    path.chmod(0o644)
    path.write_bytes(b"x")
    assert main(["verify"]) == 1
    shown = capsys.readouterr()
    assert "000001.json" in shown.out
    assert "is damaged" in shown.err


def test_gc_says_what_it_would_delete_and_deletes_it(kept, capsys):
    kept.delete("cartpole:1")
    assert main(["gc", "--dry-run"]) == 0
    assert "cartpole:1" in capsys.readouterr().out
    assert kept.trash()
    assert main(["gc"]) == 0
    assert not kept.trash()
