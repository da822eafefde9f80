"""What loading adds, and unloading takes away."""

import sys

import pytest
from traitlets.config import Config

import rlkit
from rlkit.training.progress import default_progress

SMALL = 'import rlkit\nmodel = rlkit.create("ppo", env="CartPole-v1", seed=0, n_steps=16, batch_size=64, n_epochs=1)'


@pytest.fixture
def bare(shell):
    shell.run_line_magic("unload_ext", "rlkit")
    yield shell
    shell.run_line_magic("load_ext", "rlkit")


def everything(shell):
    """Return all that an extension can add to."""
    return {
        "line": dict(shell.magics_manager.magics["line"]),
        "cell": dict(shell.magics_manager.magics["cell"]),
        "registry": dict(shell.magics_manager.registry),
        "configurables": list(shell.configurables),
        "matchers": list(shell.Completer.custom_matchers),
        "transformers": list(shell.input_transformers_post),
        "printers": dict(shell.display_formatter.ipython_display_formatter.type_printers),
        "events": {name: list(callbacks) for name, callbacks in shell.events.callbacks.items()},
        "attributes": {name for name in vars(shell) if "rlkit" in name},
        "progress": default_progress.make.__qualname__,
    }


def test_unloading_removes_all_that_loading_added(bare):
    before = everything(bare)
    bare.run_line_magic("load_ext", "rlkit")
    assert everything(bare) != before
    bare.run_cell("agent = %rl_create ppo CartPole-v1 --n-steps 8\n%rl_train agent --steps 64;")
    bare.run_line_magic("unload_ext", "rlkit")
    assert everything(bare) == before


def test_a_semicolon_hides_a_value_in_the_cell_that_loads_the_extension_too(own_shell):
    own_shell.run_line_magic("unload_ext", "rlkit")
    own_shell.run("%load_ext rlkit\nmodel = %rl_create ppo CartPole-v1 --seed 3;\n%rl_config model ; ")
    assert own_shell.user_ns["model"].seed == 3
    assert own_shell.shown_values == []
    own_shell.run("%rl_config model")
    assert len(own_shell.shown_values) == 1


def test_loading_twice_adds_nothing_twice(shell):
    before = everything(shell)
    rlkit.load_ipython_extension(shell)
    after = everything(shell)
    assert [len(after[part]) for part in after] == [len(before[part]) for part in before]
    assert shell.run_cell("%rl_algos").success


def test_reloading_takes_the_verbs_as_they_are_in_their_files_now(shell, monkeypatch):
    stale = sys.modules["rlkit.verbs.about"]
    stale.Algorithms.example = "changed"
    shell.run_line_magic("reload_ext", "rlkit")
    assert sys.modules["rlkit.verbs.about"] is not stale
    assert shell.find_line_magic("rl_algos").verb.example == "ppo"


def test_an_agent_outlives_a_reload(shell):
    shell.run_cell("agent = %rl_create ppo CartPole-v1")
    shell.run_line_magic("reload_ext", "rlkit")
    assert shell.run_cell("%rl_eval agent --episodes 1").result.episodes == 1


def test_settings_are_traits(run, shell, tmp_path):
    run("%config RLMagics.seed = 7")
    run("%config RLMagics.episodes = 3")
    agent = run("agent = %rl_create ppo CartPole-v1\nagent")
    assert agent.seed == 7
    assert run("%rl_create ppo --seed 8").seed == 8
    assert run("%rl_eval agent").episodes == 3
    run(f"%config RLMagics.store = '{tmp_path / 'elsewhere'}'")
    assert run("%rl_store").folder == tmp_path / "elsewhere"


def test_settings_come_from_a_configuration_file(bare, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bare, "config", Config({"RLMagics": {"seed": 11, "store": str(tmp_path / "configured")}}))
        bare.run_line_magic("load_ext", "rlkit")
        assert bare.run_cell("%rl_create ppo").result.seed == 11
        assert rlkit.registry().folder == tmp_path / "configured"
        bare.run_line_magic("unload_ext", "rlkit")


def test_progress_can_be_turned_off(run, shell, capsys):
    run("%config RLMagics.progress = 'none'")
    run("agent = %rl_create ppo CartPole-v1 --n-steps 8\n_ = %rl_train agent --steps 64")
    assert capsys.readouterr().err == ""


def test_the_extension_puts_the_display_in_its_place_and_takes_it_away(own_shell):
    printers = own_shell.display_formatter.ipython_display_formatter.type_printers
    own_shell.run(f"{SMALL}\nmodel.train(100)")
    assert rlkit.History in printers
    own_shell.run_line_magic("unload_ext", "rlkit")
    count = len(own_shell.published)
    assert rlkit.History not in printers
    assert not [callback for callback in own_shell.events.callbacks["pre_run_cell"] if "Quiet" in repr(callback)]
    own_shell.run("history = model.train(100)")
    assert len(own_shell.published) == count
    own_shell.run_line_magic("load_ext", "rlkit")


def test_the_extension_may_be_loaded_twice(own_shell):
    rlkit.load_ipython_extension(own_shell)
    own_shell.run(f"{SMALL}\nmodel.train(100)")
    assert own_shell.shown_values == []
    assert len([callback for callback in own_shell.events.callbacks["pre_run_cell"] if "Quiet" in repr(callback)]) == 1
