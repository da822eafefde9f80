"""``%rl_ui`` and ``%rl_create`` without an algorithm."""

import pytest

from rlkit.errors import UnknownAlgorithmError, UnknownEnvironmentError, UsageError


def test_a_page_has_the_words_of_its_own(run):
    panel = run("%rl_ui create dqn Acrobot-v1")
    assert (panel.algorithm.value, panel.environment.value) == ("dqn", "Acrobot-v1")
    assert run("%rl_ui").algorithm.value == "ppo"


@pytest.mark.parametrize(
    ("line", "error", "says"),
    [
        ("%rl_ui creat", UsageError, "Did you mean 'create'"),
        ("%rl_ui ppo", UsageError, "create"),
        ("%rl_ui create pp0", UnknownAlgorithmError, "ppo"),
        ("%rl_ui create ppo CartPol-v1", UnknownEnvironmentError, "CartPole-v1"),
        ("%rl_ui watch", UsageError, "needs model"),
        ("%rl_ui watch nobody", UsageError, "no variable 'nobody'"),
        ("%rl_create --env CartPol-v1", UnknownEnvironmentError, "CartPole-v1"),
        ("%rl_create --as 1x", UsageError, "no name of a variable"),
        ("%rl_create --preset none", UsageError, "%rl_create ppo --preset"),
        ("%rl_create --config x.yaml", UsageError, "%rl_create ppo --config"),
    ],
)
def test_what_is_wrong_is_said(run, line, error, says):
    with pytest.raises(error, match=says):
        run(line)


def test_without_an_algorithm_a_model_is_created_by_hand(run, shell):
    panel = run("%rl_create --env Acrobot-v1 --as pilot --seed 3")
    assert (panel.environment.value, panel.variable.value, panel.seed.value) == ("Acrobot-v1", "pilot", "3")
    panel.buttons["Create"].click()
    assert (shell.user_ns["pilot"].env_name, shell.user_ns["pilot"].seed) == ("Acrobot-v1", 3)


def test_the_seed_of_the_settings_stands_in_the_panel(run):
    run("%config RLMagics.seed = 7")
    assert run("%rl_create").seed.value == "7"


def test_models_are_looked_for_by_words_and_loaded_into_a_variable(run, shell):
    run("agent = %rl_create ppo CartPole-v1 --seed 0\n%rl_save agent cartpole\n%rl_save agent other --allow-duplicate")
    browser = run("%rl_ui models other")
    assert browser.query == "other"
    assert [row["key"] for row in browser.versions.table.rows] == ["other:1"]
    browser.selected = ["other:1"]
    browser.actions.variable.value = "again"
    browser.actions.load.click()
    assert shell.user_ns["again"].num_timesteps == 0


def test_an_episode_is_gone_through_step_by_step(run):
    run("agent = %rl_create ppo CartPole-v1 --seed 0")
    player = run("%rl_ui watch agent --seed 3 --max-steps 5")
    assert (player.length, player.recording.seed) == (5, 3)
    same = run("import rlkit\nrlkit.ui.watch(agent, 3, max_steps=5)")
    assert (same.recording.actions == player.recording.actions).all()


def test_models_of_another_folder(run, tmp_path):
    run("import rlkit\nagent = %rl_create ppo CartPole-v1 --seed 0")
    run("rlkit.registry('elsewhere').register(agent, 'pole')")
    browser = run("rlkit.ui.models('elsewhere')")
    assert browser.folder == str(tmp_path / "elsewhere")
    assert [row["key"] for row in browser.versions.table.rows] == ["pole:1"]
