"""The magics, in an IPython shell inside the test process."""

import inspect
from pathlib import Path

import numpy as np
import pytest
from IPython.testing.globalipapp import start_ipython

import rlkit
from rlkit.errors import (
    ConfigError,
    ModelNotFoundError,
    RLKitError,
    UnknownAlgorithmError,
    UnknownEnvironmentError,
    UsageError,
)
from rlkit.notebook.magics import RLMagics


@pytest.fixture(scope="session")
def session_shell():
    return start_ipython()


@pytest.fixture
def shell(session_shell, tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "store"))
    session_shell.run_line_magic("load_ext", "rlkit")
    yield session_shell
    session_shell.run_line_magic("unload_ext", "rlkit")
    session_shell.reset(new_session=False)


@pytest.fixture
def run(shell):
    """Run a line as a cell would, and raise what the cell raises."""

    def run(line):
        result = shell.run_cell(line)
        result.raise_error()
        return result.result

    return run


SMALL = "ppo --env CartPole-v1 --seed 0 --n-steps 16 --batch-size 64 --n-epochs 2"


def test_the_quickstart_from_create_to_load(run, shell):
    agent = run(f"agent = %rl_create {SMALL}\nagent")
    history = run("%rl_train agent --steps 1_000")
    result = run("%rl_eval agent --episodes 5")
    version = run("%rl_save agent cartpole --tag baseline --tag small --description 'a test'")
    table = run("%rl_models")
    again = run("again = %rl_load cartpole:1\nagain")
    observations = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    assert history.num_timesteps >= 1000
    assert result.episodes == 5
    assert (version.ref, version.tags, version.description) == ("cartpole:1", ("baseline", "small"), "a test")
    assert [row.ref for row in table] == ["cartpole:1"]
    assert again is not agent
    assert (again.predict(observations) == agent.predict(observations)).all()


def test_the_folder_of_models_is_shown_and_chosen(run, tmp_path):
    assert run("%rl_store").folder == tmp_path / "store"
    run(f"agent = %rl_create {SMALL}")
    assert run(f"%rl_store {tmp_path / 'other'}") is rlkit.registry()
    run("%rl_save agent cartpole")
    assert (tmp_path / "other" / "models" / "cartpole" / "000001.json").exists()
    assert not (tmp_path / "store").exists()


def test_a_version_keeps_the_metrics_of_the_last_evaluation(run):
    run(f"agent = %rl_create {SMALL}")
    run("%rl_train agent --steps 1000")
    result = run("%rl_eval agent --episodes 3")
    assert run("%rl_save agent cartpole").metrics["mean_return"] == result.mean


def test_metrics_of_an_evaluation_before_more_training_are_not_kept(run):
    run(f"agent = %rl_create {SMALL}")
    run("%rl_eval agent --episodes 3")
    run("%rl_train agent --steps 1000")
    assert not run("%rl_save agent cartpole").metrics


WORDS = {
    "n_timesteps": "1e5",
    "n_envs": "3",
    "learning_rate": "lin_1e-3",
    "n_steps": "4_096",
    "gamma": "0.5",
    "gae_lambda": "1",
    "ent_coef": "1e-2",
    "vf_coef": "1",
    "max_grad_norm": "1",
    "net_arch": "32,16",
    "activation": "relu",
    "ortho_init": None,
    "batch_size": "32",
    "n_epochs": "3",
    "clip_range": "lin_0.1",
    "clip_range_vf": "0.3",
    "normalize_advantage": None,
    "target_kl": "0.02",
    "normalize": "both",
    "log_std_init": "-2",
    "use_sde": None,
    "sde_sample_freq": "4",
}


@pytest.mark.parametrize("name", rlkit.factory.get("ppo").Config.hyperparameters())
def test_every_hyperparameter_is_an_option(run, name):
    word = WORDS[name]
    agent = run(f"%rl_create ppo --{name.replace('_', '-')} {word or ''}")
    assert agent.config.sources[name] == "caller"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("--net-arch 64,32", [64, 32]),
        ("--net-arch [64,32]", [64, 32]),
        ("--net-arch '{pi: [8], vf: [16]}'", {"pi": [8], "vf": [16]}),
        ("--net-arch 32", [32]),
    ],
)
def test_layer_sizes_are_written_in_several_ways(run, written, meant):
    assert run(f"%rl_create ppo {written}").config.to_dict()["net_arch"] == meant


def test_a_switch_is_turned_off_by_no(run):
    assert run("%rl_create ppo --no-normalize-advantage").config.normalize_advantage is False


def test_preset_none_leaves_the_defaults(run):
    assert run("%rl_create ppo --env CartPole-v1 --preset none").config.n_envs == 1


def test_a_semicolon_at_the_end_is_no_part_of_the_line(run, shell):
    run("agent = %rl_create ppo --seed 3;")
    assert shell.user_ns["agent"].seed == 3


def test_as_assigns_the_variable(run, shell):
    run("%rl_create ppo --env CartPole-v1 --as pilot")
    assert isinstance(shell.user_ns["pilot"], rlkit.ModelBase)


def test_expressions_and_variables_of_the_notebook_are_filled_in(run):
    run("environment = 'CartPole-v1'")
    assert run("%rl_create ppo --env {environment} --seed {2 + 3}").seed == 5


WRONG = [
    ("%rl_create", UsageError, "needs the name of an algorithm", "ppo"),
    ("%rl_create pppo", UnknownAlgorithmError, "'pppo'", "Did you mean 'ppo'?"),
    ("%rl_create ppo --env CartPol-v1", UnknownEnvironmentError, "'CartPol-v1'", "CartPole-v1"),
    ("%rl_create ppo --learnin-rate 1", UsageError, "'--learnin-rate'", "Did you mean '--learning-rate'?"),
    ("%rl_create ppo --learning-rate 7", ConfigError, "learning_rate = 7", "at most 1"),
    ("%rl_create ppo --learning-rate fast", ConfigError, "learning_rate = 'fast'", "a number above 0"),
    ("%rl_create ppo --activation tan", ConfigError, "activation = 'tan'", "one of tanh, relu"),
    ("%rl_create ppo --env CartPole-v1 --preset CartPole", ConfigError, "'CartPole'", "CartPole-v1"),
    ("%rl_create ppo --seed -1", ConfigError, "seed = -1", "at least 0"),
    ("%rl_create ppo --seed x", UsageError, "'x' is no whole number", "Usage"),
    ("%rl_create ppo CartPole-v1 more", UsageError, "one word too many", "Usage"),
    ("%rl_create ppo --env 'CartPole-v1", UsageError, "cannot be read", "Close the quote"),
    ("%rl_create ppo --as 1x", UsageError, "'1x'", "letters"),
    ("%rl_create ppo --as class", UsageError, "'class'", "letters"),
    ("%rl_train", UsageError, "model", "Usage: %rl_train"),
    ("%rl_train agnt", UsageError, "'agnt'", "Did you mean 'agent'?"),
    ("%rl_train number", UsageError, "holds a int, not a model", "agent"),
    ("%rl_train agent --steps 0", RLKitError, "steps = 0", "at least 1"),
    ("%rl_train agent --steps 1.5", UsageError, "'1.5' is no whole number", "Usage"),
    ("%rl_train agent", RLKitError, "has no environment", "build"),
    ("%rl_eval agent", RLKitError, "has no environment", "build"),
    ("%rl_save agent ../x", RLKitError, "'../x'", ""),
    ("%rl_load nothing", ModelNotFoundError, "'nothing'", ""),
    ("%rl_load nothing:x", RLKitError, "'nothing:x'", ""),
    ("%rl_load no/such.rlkit", RLKitError, "no/such.rlkit", ""),
    ("%rl_models nothing", ModelNotFoundError, "'nothing'", ""),
]


@pytest.mark.parametrize(("line", "kind", "problem", "remedy"), WRONG, ids=[line for line, *_ in WRONG])
def test_bad_input_names_the_value_and_what_would_be_right(  # noqa: PLR0917 - the table's columns
    run, tmp_path, line, kind, problem, remedy
):
    run("agent = %rl_create ppo\nnumber = 3")
    with pytest.raises(kind) as raised:
        run(line)
    assert problem in raised.value.problem
    assert remedy in raised.value.remedy
    assert "\n" not in raised.value.problem
    assert not list(tmp_path.rglob("*"))


def test_an_error_shows_as_two_lines_without_a_traceback(shell, capsys):
    shell.run_cell("%rl_create pppo")
    shown = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert shown == ["UnknownAlgorithmError: There is no algorithm 'pppo'.", "Did you mean 'ppo'?"]


@pytest.mark.parametrize("line", ["%rl_create ppo --help", "%rl_create -h", "%rl_train --help", "%rl_models -h"])
def test_help_is_printed(run, capsys, line):
    assert run(line) is None
    assert f"usage: {line.split()[0]}" in capsys.readouterr().out


def test_an_error_in_python_keeps_its_traceback(shell, capsys):
    shell.run_cell("import rlkit; rlkit.create('pppo')")
    assert "Traceback" in capsys.readouterr().out


def test_loading_twice_is_harmless(shell):
    shell.run_line_magic("reload_ext", "rlkit")
    shell.run_line_magic("load_ext", "rlkit")
    assert "rl_create" in shell.magics_manager.magics["line"]


def test_unloading_removes_every_magic(shell):
    shell.run_line_magic("unload_ext", "rlkit")
    left = [name for name in shell.magics_manager.magics["line"] if name.startswith("rl_")]
    shell.run_line_magic("load_ext", "rlkit")
    assert not left


@pytest.mark.parametrize("name", RLMagics.names())
def test_every_magic_says_how_it_is_used(name):
    assert f"%{name}" in inspect.getdoc(getattr(RLMagics, name))


def test_every_magic_is_in_the_readme():
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert [name for name in RLMagics.names() if f"%{name}" not in readme] == []
