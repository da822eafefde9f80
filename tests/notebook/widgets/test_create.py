"""The panel of rlkit.ui.create(), with its boxes filled and its buttons pressed."""

import pytest

import rlkit
from rlkit.notebook.widgets.create import CreatePanel

SECONDS = 300  # more than anything here takes, even on a busy machine


@pytest.fixture
def variables():
    return {}


@pytest.fixture
def panel(variables, tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "store"))
    panel = CreatePanel("ppo", "CartPole-v1", variables.__setitem__)
    yield panel
    if panel.job is not None and panel.job.is_running:
        panel.job.stop()
        panel.job.wait(SECONDS)


def press(panel, *names):
    for name in names:
        assert not panel.buttons[name].disabled
        panel.buttons[name].click()


def enabled(panel):
    return [name for name, button in panel.buttons.items() if not button.disabled]


def test_from_the_form_to_a_kept_model(panel, variables):
    panel.form.fields["n_steps"].value = 16
    panel.seed.value, panel.steps.value, panel.name.value = "3", "500", "pole"
    press(panel, "Create")
    agent = variables["agent"]
    assert (agent, agent.seed, agent.config.n_steps) == (panel.model, 3, 16)
    press(panel, "Train")
    assert panel.job.wait(SECONDS).num_timesteps == 512
    assert "512 steps in" in panel.shown.children[0].value
    press(panel, "Evaluate", "Save")
    assert "Kept as pole:1." in panel.message.value
    assert rlkit.registry().get("pole").metrics["eval_episodes"] == 100


def test_buttons_are_enabled_where_they_can_do_something(panel):
    assert enabled(panel) == ["Create"]
    press(panel, "Create")
    assert enabled(panel) == ["Create", "Train", "Evaluate", "Save"]
    panel.steps.value = "1_000_000_000"
    press(panel, "Train")
    assert enabled(panel) == ["Create", "Stop", "Evaluate", "Save"]
    press(panel, "Stop")
    panel.job.wait(SECONDS)
    assert enabled(panel) == ["Create", "Train", "Evaluate", "Save"]


def test_another_algorithm_and_environment_are_chosen(panel):
    panel.form.fields["gamma"].value = 0.5
    panel.algorithm.value, panel.environment.value = "dqn", "Acrobot-v1"
    assert (panel.form.algorithm, panel.form.env_id) == ("dqn", "Acrobot-v1")
    assert panel.form.config.gamma == 0.5
    press(panel, "Create")
    assert (panel.model.algorithm, panel.model.env_name) == ("dqn", "Acrobot-v1")


@pytest.mark.parametrize(
    ("box", "typed", "button", "says"),
    [
        ("environment", "CartPol-v1", None, "Did you mean &#x27;CartPole-v1&#x27;?"),
        ("seed", "x", "Create", "seed: &#x27;x&#x27; is no whole number"),
        ("seed", "-1", "Create", "seed = -1 is not allowed"),
        ("variable", "1x", "Create", "is no name of a variable"),
        ("steps", "many", "Train", "steps: &#x27;many&#x27; is no whole number"),
        ("steps", "0", "Train", "steps = 0 is not allowed"),
        ("name", "../x", "Save", "InvalidNameError"),
    ],
)
def test_what_is_typed_wrongly_is_said_and_nothing_is_done(  # noqa: PLR0917 - the table's columns
    shell, tmp_path, box, typed, button, says
):
    from rlkit.notebook.scope import NotebookScope  # noqa: PLC0415 - the one that the extension has loaded

    panel = CreatePanel("ppo", "CartPole-v1", NotebookScope(shell).assign)
    press(panel, "Create")
    model = panel.model
    getattr(panel, box).value = typed
    if button is not None:
        press(panel, button)
    said = panel.problem if button is None else panel.message
    assert says in said.value
    assert (panel.model, panel.job) == (model, None)
    assert not list(tmp_path.rglob("*"))


def test_without_a_name_a_model_is_kept_under_that_of_its_environment(panel):
    assert panel.name.placeholder == "cartpole-v1"
    panel.environment.value = "Acrobot-v1"
    press(panel, "Create")
    assert panel.name.placeholder == "acrobot-v1"
    press(panel, "Save")
    assert "Kept as acrobot-v1:1." in panel.message.value


def test_a_setting_that_is_wrong_makes_no_model(panel):
    panel.form.config = None
    assert enabled(panel) == []


def test_two_trainings_of_one_model_are_refused_with_a_word(panel):
    press(panel, "Create")
    panel.steps.value = "1_000_000_000"
    press(panel, "Train")
    first = panel.job
    panel.buttons["Train"].click()
    assert "is training already" in panel.message.value
    assert panel.job is first


def test_a_training_that_fails_shows_its_error_and_the_panel_goes_on(panel, monkeypatch):
    press(panel, "Create")
    monkeypatch.setattr(type(panel.model), "_updates", lambda self, run: iter([1 / 0]))
    press(panel, "Train")
    with pytest.raises((ZeroDivisionError, AttributeError)):
        panel.job.wait(SECONDS)
    assert "Error" in panel.shown.children[0].value
    assert panel.job.status == "failed"
    assert "Train" in enabled(panel)


def test_the_panel_shows_its_settings_where_no_widget_can(panel):
    data = panel.twin()
    assert "%rl_create ppo CartPole-v1" in data["text/plain"]
    assert "<table" in data["text/html"]


def test_the_magic_puts_the_model_into_a_variable(run, shell):
    panel = run("%rl_ui create dqn CartPole-v1")
    panel.variable.value = "pilot"
    panel.buttons["Create"].click()
    assert shell.user_ns["pilot"].algorithm == "dqn"


def test_without_a_notebook_there_is_no_variable():
    panel = rlkit.ui.create()
    panel.buttons["Create"].click()
    assert "panel.model" in panel.message.value


def test_a_new_model_stays_in_sight_while_the_one_before_trains_on(panel):
    panel.steps.value = "1_000_000_000"
    press(panel, "Create", "Train")
    before = panel.job
    press(panel, "Create")
    assert f"{before} goes on: %rl_ui monitor {before.number}" in panel.message.value
    card = panel.shown.children[0]
    before.stop()
    before.wait(SECONDS)
    assert panel.shown.children == (card,)
    assert enabled(panel) == ["Create", "Train", "Evaluate", "Save"]


def test_another_algorithm_is_shown_although_the_environment_is_wrong(panel):
    panel.environment.value = "CartPol-v1"
    panel.algorithm.value = "dqn"
    assert panel.form.algorithm == "dqn"
    assert "Did you mean" in panel.problem.value
    press(panel, "Create")
    assert "Did you mean" in panel.message.value
    panel.environment.value = "CartPole-v1"
    assert not panel.problem.value
    assert not panel.message.value


def test_an_evaluation_that_fails_in_the_environment_says_so(panel, monkeypatch):
    press(panel, "Create")
    monkeypatch.setattr(type(panel.model), "evaluate", lambda *_: 1 / 0)
    press(panel, "Evaluate")
    assert "ZeroDivisionError" in panel.message.value


def test_the_word_that_it_stops_goes_when_it_has(panel):
    panel.steps.value = "1_000_000_000"
    press(panel, "Create", "Train", "Stop")
    panel.job.wait(SECONDS)
    assert not panel.message.value
