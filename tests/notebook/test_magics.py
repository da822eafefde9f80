"""The magics, in an IPython shell inside the test process."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

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
from rlkit.notebook.scope import NotebookScope

MAGICS = RLMagics(None).magics["line"]
NAMES = sorted(MAGICS)

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


TYPED = (
    "ppo dqn agent cartpole cartpole:1 x@y CartPole-v1 --env --seed --steps --as --config --tag --keep --limit -1 1e3 "
    "none [] # -110 {x} {1/0} $agent {agent} '' ' --help = --gamma --net-arch [1] {a: --order-by -created --by - -- ; "
    "% *"
)
WORD = st.one_of(
    st.sampled_from(TYPED.split()),
    st.text(st.characters(codec="utf-8", exclude_characters="{}$"), max_size=8),
)


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
    "rescale_actions": None,
}


@pytest.mark.parametrize("name", rlkit.factory.get("ppo").Config.hyperparameters())
def test_every_hyperparameter_is_an_option(run, name):
    word = WORDS[name]
    agent = run(f"%rl_create ppo --{name.replace('_', '-')} {word or ''}")
    assert agent.config.sources[name] == "caller"


def test_preset_none_leaves_the_defaults(run):
    assert run("%rl_create ppo --env CartPole-v1 --preset none").config.n_envs == 1


def test_as_assigns_the_variable(run, shell):
    run("%rl_create ppo --env CartPole-v1 --as pilot")
    assert isinstance(shell.user_ns["pilot"], rlkit.ModelBase)


def test_an_environment_is_a_word_or_an_option(run):
    assert run("%rl_create ppo CartPole-v1").env_name == "CartPole-v1"
    assert run("%rl_create ppo --seed 1 CartPole-v1").env_name == "CartPole-v1"
    assert run("%rl_create ppo --env CartPole-v1").env_name == "CartPole-v1"
    assert run("%rl_create ppo").observation_space is None


@pytest.mark.parametrize(
    "line",
    [
        "--seed 1 ppo CartPole-v1 --gamma 0.5",
        "--gamma 0.5 --env CartPole-v1 ppo --seed 1",
        "--seed 1 --gamma 0.5 -- ppo CartPole-v1",
    ],
)
def test_options_may_stand_before_the_algorithm(run, line):
    agent = run(f"%rl_create {line}")
    assert (agent.seed, agent.env_name, agent.config.gamma) == (1, "CartPole-v1", 0.5)


def test_training_is_evaluated_on_the_way_and_stops_when_it_is_good_enough(run):
    run(f"agent = %rl_create {SMALL}")
    history = run("%rl_train agent --steps 2000 --eval-every 500 --eval-episodes 3 --keep-best")
    assert history.evaluations["num_timesteps"].tolist() == [512, 1024, 1536, 2048]
    assert run("%rl_train agent --steps 2000 --eval-every 500 --until -1").num_timesteps == 512
    assert run("%rl_train agent --steps 100_000 --until 1").num_timesteps < 10_000


def test_a_model_is_saved_with_all_there_is_to_say_of_it(run, tmp_path):
    (tmp_path / "prices.csv").write_text("1,2")
    run(f"agent = %rl_create {SMALL}")
    run("%rl_save agent first")
    version = run(
        f"%rl_save agent cartpole --alias best --tag a --metric sharpe=1.5 --metric loss=-2 --parent first:1 --slim "
        f"--dataset {tmp_path / 'prices.csv'} --description 'two words' --allow-duplicate"
    )
    assert (version.ref, version.aliases, version.tags) == ("cartpole:1", ("best",), ("a",))
    assert (version.metrics, version.parent) == ({"sharpe": 1.5, "loss": -2.0}, "first:1")
    assert (version.dataset["name"], version.description) == ("prices.csv", "two words")


def test_what_a_word_means_is_a_variable_before_a_version(run):
    run(f"agent = %rl_create {SMALL}\ncartpole = %rl_create {SMALL}")
    run("%rl_save agent cartpole")
    assert run("%rl_eval cartpole:1 --episodes 2").episodes == 2
    run("cartpole = %rl_create ppo")
    with pytest.raises(RLKitError, match="no environment"):
        run("%rl_eval cartpole")
    run("del cartpole")
    assert run("%rl_eval cartpole --episodes 2").episodes == 2


def test_a_config_is_shown_of_an_algorithm_a_model_and_a_version(run):
    run(f"agent = %rl_create {SMALL}")
    run("%rl_save agent cartpole")
    assert run("%rl_config ppo CartPole-v1").sources["n_steps"] == "preset CartPole-v1"
    assert run("%rl_config ppo CartPole-v1 --n-steps 8").sources["n_steps"] == "caller"
    assert run("%rl_config agent").n_steps == 16
    assert run("%rl_config cartpole:1").n_steps == 16
    assert run("%rl_config cartpole").n_steps == 16
    assert run("%rl_config --as kept cartpole --trust") is run("kept")


def test_a_cell_of_yaml_makes_a_config_and_that_makes_a_model(run, shell):
    config = run("%%rl_config ppo --as config\nn_steps: 16\nnet_arch: [8, 8]\nlearning_rate: lin_1e-3")
    assert shell.user_ns["config"] is config
    assert (config.n_steps, config.sources["n_steps"], config.sources["gamma"]) == (16, "caller", "default")
    agent = run("%rl_create ppo CartPole-v1 --config config --gamma 0.5")
    assert (agent.config.n_steps, agent.config.gamma, agent.config.n_envs) == (16, 0.5, 1)


def test_a_block_of_several_environments_is_read_for_the_one_that_is_named(run):
    body = "CartPole-v1:\n  n_envs: 3\nPendulum-v1:\n  n_envs: 4"
    assert run(f"%%rl_config ppo Pendulum-v1\n{body}").n_envs == 4
    with pytest.raises(ConfigError, match="a block for each of 2 environments"):
        run(f"%%rl_config ppo\n{body}")


def test_a_cell_without_a_body_makes_a_config_of_the_options(run):
    assert run("%%rl_config ppo --n-steps 32\n").n_steps == 32


def test_a_value_of_any_length_makes_an_error_that_a_person_can_read(run):
    with pytest.raises(ConfigError) as raised:
        run(f"%%rl_config ppo\nlearning_rate: {'x' * 9999}")
    assert len(raised.value.problem) < 500


def test_a_model_that_is_kept_already_is_a_note_each_time(run, capsys):
    run("agent = %rl_create ppo CartPole-v1\n%rl_save agent cartpole")
    capsys.readouterr()
    for _ in range(2):
        assert run("%rl_save agent cartpole").ref == "cartpole:1"
        assert capsys.readouterr().err == (
            "Note: An identical model is already registered as cartpole:1: no new version was made. "
            "Add --allow-duplicate to register it again.\n"
        )


def test_in_a_notebook_the_note_is_an_output_and_no_error(own_shell, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path))
    own_shell.run("import rlkit\nagent = %rl_create ppo CartPole-v1\nrlkit.register(agent, 'cartpole')")
    own_shell.published.clear()
    own_shell.run("rlkit.register(agent, 'cartpole')")
    own_shell.run("%rl_save agent cartpole")
    told = "An identical model is already registered as cartpole:1: no new version was made."
    assert [output["data"]["text/plain"] for output in own_shell.published] == [
        f"{told} Pass allow_duplicate=True to register it again.",
        f"{told} Add --allow-duplicate to register it again.",
    ]
    assert capsys.readouterr().err == ""


def test_a_config_comes_from_a_file(run, tmp_path):
    (tmp_path / "ppo.yml").write_text("CartPole-v1:\n  n_envs: 2\n  policy: MlpPolicy\n")
    assert run(f"%rl_create ppo CartPole-v1 --config {tmp_path / 'ppo.yml'}").config.n_envs == 2


def test_a_version_is_trained_again_from_its_record(run, shell):
    run("agent = %rl_create ppo CartPole-v1 --seed 0 --net-arch 4 --n-steps 16 --n-envs 2 --batch-size 16")
    run("%rl_train agent --steps 64")
    run("%rl_save agent cartpole")
    run("again = %rl_load cartpole:1 --retrain")
    agent, again = shell.user_ns["agent"], shell.user_ns["again"]
    assert again is not agent
    assert (again.parameters["actor.0.weight"] == agent.parameters["actor.0.weight"]).all()


def test_help_is_shown_for_all_verbs_and_for_one(run):
    page = run("%rl_help")
    assert [name for name in NAMES if f"%{name} " not in repr(page) and name != "rl_help"] == []
    assert len(repr(page).splitlines()) <= 45
    assert max(map(len, repr(page).splitlines())) <= 110
    assert repr(run("%rl_help help")).startswith("usage: %rl_help")
    for line in ("%rl_help train", "%rl_help rl_train", "%rl_help %rl_train", "%rl_train --help"):
        assert repr(run(line)).startswith("usage: %rl_train")


def test_the_question_mark_shows_every_hyperparameter_with_default_bounds_and_meaning(shell):
    shown = " ".join(shell.inspector.info(shell.find_line_magic("rl_create"))["docstring"].split())
    for name in rlkit.factory.names():
        config_class = rlkit.factory.get(name).Config
        for field in config_class.hyperparameters().values():
            assert field.meaning in shown
            assert field.kind == "bool" or f"Takes {field.takes}. By default" in shown


WRONG = [
    ("%rl_create pppo", UnknownAlgorithmError, "'pppo'", "Did you mean 'ppo'?"),
    ("%rl_create ppo --env CartPol-v1", UnknownEnvironmentError, "'CartPol-v1'", "CartPole-v1"),
    ("%rl_create ppo --learnin-rate 1", UsageError, "'--learnin-rate'", "Did you mean '--learning-rate'?"),
    ("%rl_create ppo --learning-rate 7", ConfigError, "learning_rate = 7", "at most 1"),
    ("%rl_create ppo --learning-rate fast", ConfigError, "learning_rate = 'fast'", "a number above 0"),
    ("%rl_create ppo --activation tan", ConfigError, "activation = 'tan'", "one of tanh, relu"),
    ("%rl_create ppo --env CartPole-v1 --preset CartPole", ConfigError, "'CartPole'", "CartPole-v1"),
    ("%rl_create ppo --seed -1", ConfigError, "seed = -1", "at least 0"),
    ("%rl_create ppo --seed x", UsageError, "'x' is no whole number", "Usage"),
    ("%rl_create ppo CartPole-v1 --env Acrobot-v1", UsageError, "Two environments", "Leave one out"),
    ("%rl_create ppo CartPole-v1 --config nothing.yaml", ConfigError, "'nothing.yaml' cannot be read", ""),
    (
        "%rl_create ppo CartPole-v1 --config settings",
        ConfigError,
        "is of type A2CConfig, and ppo takes PPOConfig",
        "Make",
    ),
    ("%rl_create a2c --config settings --preset none", UsageError, "--config and --preset", "Leave one out"),
    ("%rl_config pppo", UnknownAlgorithmError, "'pppo'", "Did you mean 'ppo'?"),
    ("%rl_config nothing:1", ModelNotFoundError, "'nothing'", ""),
    ("%%rl_config agent\nn_steps: 3", UsageError, "makes a config", "%%rl_config ppo"),
    ("%%rl_config ppo\nn_stps: 3", ConfigError, "'n_stps'", "Did you mean 'n_steps'?"),
    ("%%rl_config ppo\n\tn_steps: 3", ConfigError, "'%%rl_config' is not valid YAML", "not with tabs"),
    ("%%rl_config ppo\nn_steps: 3\nn_steps: 4", ConfigError, "'n_steps' stands twice", "Write lines"),
    ("%rl_jobs --wait --timeout -1", UsageError, "--timeout = -1", "at least 0"),
    ("%rl_jobs --wait --timeout nan", UsageError, "--timeout = nan", "at least 0"),
    ("%%rl_config ppo\nn_steps: [", ConfigError, "'%%rl_config' is not valid YAML", ""),
    ("%%rl_config ppo --as 1x\nn_steps: 3", UsageError, "'1x'", "letters"),
    ("%rl_train agent --keep-best", UsageError, "--keep-best needs evaluations", "--eval-every"),
    ("%rl_train agent --until high", UsageError, "'high' is no number", "Usage"),
    ("%rl_save agent cartpole --metric high", UsageError, "'high' is no metric", "sharpe=1.2"),
    ("%rl_save agent cartpole --alias latest", RLKitError, "'latest' is reserved", ""),
    ("%rl_help nothing", UsageError, "There is no %rl_nothing.", "%rl_help lists what there is."),
    ("%rl_creat ppo", UsageError, "There is no %rl_creat.", "Did you mean '%rl_create'?"),
    ("x = %rl_lod a", UsageError, "There is no %rl_lod.", "Did you mean '%rl_load'?"),
    ("%%rl_create ppo\nn_steps: 3", UsageError, "no cell magic %%rl_create", "one line: %rl_create"),
    ("%rl_create ppo CartPole-v1 more", UsageError, "one word too many", "Usage"),
    ("%rl_create ppo --env 'CartPole-v1", UsageError, "cannot be read", "Close the quote"),
    ("%rl_create ppo --as 1x", UsageError, "'1x'", "letters"),
    ("%rl_create ppo --as class", UsageError, "'class'", "letters"),
    ("%rl_train", UsageError, "model", "Usage: %rl_train"),
    ("%rl_train agnt", UsageError, "'agnt'", "Did you mean 'agent'?"),
    ("%rl_create --gamma", UsageError, "no option '--gamma'", "Usage"),
    ("%rl_create ppo --gamma", UsageError, "--gamma needs a value", "Usage"),
    ("%rl_create ppo --as print", UsageError, "'print' is a name that Python or IPython needs", "'my_print'"),
    ("%rl_create ppo --as get_ipython", UsageError, "'get_ipython'", "'my_get_ipython'"),
    ("%rl_create ppo --as In", UsageError, "'In'", "'my_In'"),
    ("%rl_helpx;", UsageError, "There is no %rl_helpx.", "%rl_help"),
    ("%rl_help;x", UsageError, "There is no %rl_help;x.", "%rl_help"),
    ("%rl_", UsageError, "There is no %rl_.", ""),
    ("%rl_load {agent}", RLKitError, "'{agent}'", ""),
    ("%rl_train number", UsageError, "is of type int, not a model", "agent"),
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
    run("agent = %rl_create ppo\nsettings = %rl_config a2c\nnumber = 3")
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


@pytest.mark.parametrize("name", NAMES)
def test_every_verb_says_what_it_takes(run, name):
    shown = repr(run(f"%{name} --help"))
    assert shown.startswith(f"usage: %{name}")
    assert f"%{name} {MAGICS[name].verb.example}".strip() in shown


def test_an_interrupt_shows_as_one_line(shell, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(shell.find_line_magic("rl_eval").verb), "run", interrupted)
    assert isinstance(shell.run_cell("%rl_eval agent").error_in_exec, KeyboardInterrupt)
    shown = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert shown == ["KeyboardInterrupt: %rl_eval was interrupted."]


def test_two_question_marks_show_the_source_of_the_verb(shell):
    info = shell.inspector.info(shell.find_line_magic("rl_eval"), detail_level=1)
    assert info["source"].startswith("class Evaluate(Verb)")


def test_an_error_in_python_keeps_its_traceback(shell, capsys):
    shell.run_cell("import rlkit; rlkit.create('pppo')")
    assert "Traceback" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_every_verb_is_right(shell, name):
    verb, scope = MAGICS[name].verb, NotebookScope(shell)
    words = verb.split(name, verb.example)
    verb.parser(name, words, scope).parse(words)


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_a_verb_takes_is_explained_and_knows_its_completion(shell, name):
    parser = MAGICS[name].verb.parser(name, ["ppo"] if name in ("rl_create", "rl_config") else [], NotebookScope(shell))
    for action in parser.actions():
        assert action.help
        assert parser.kinds[action.dest] is not None


def test_every_magic_is_in_the_readme():
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert [name for name in NAMES if f"%{name}" not in readme] == []


def test_no_line_ends_in_a_traceback(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shell.run_cell("agent = %rl_create ppo")

    @given(st.sampled_from([name for name in NAMES if name != "rl_reindex"]), st.lists(WORD, max_size=5).map(" ".join))
    @settings(max_examples=300, derandomize=True, suppress_health_check=list(HealthCheck))
    def try_line(name, words):
        try:
            shell.find_line_magic(name)(words)
        except RLKitError as error:
            shown = error._render_traceback_()
            assert 1 <= len(shown) <= 2
            assert all("\n" not in line for line in shown)

    try_line()
    assert not list(tmp_path.rglob("*"))


def test_training_goes_on_in_the_background_until_it_is_stopped(run):
    run(f"agent = %rl_create {SMALL}\nother = %rl_create {SMALL}")
    job = run("job = %rl_train agent --steps 1_000_000_000 --background\njob")
    assert job.status == "running"
    with pytest.raises(RLKitError, match="is training already"):
        run("%rl_train agent --steps 100")
    with pytest.raises(RLKitError, match="is still running"):
        run("%rl_jobs agent --wait --timeout 0.01")
    assert run("%rl_eval agent --episodes 1").episodes == 1
    assert f"Job {job.number}" in run("%rl_stop agent")
    assert run("%rl_jobs job --wait").stop_reason == "asked to stop"
    assert run(f"%rl_jobs {job.number}") is job
    assert job in run("%rl_jobs")
    assert "has ended already" in run("%rl_stop agent")
    assert run("%rl_stop") == "No training is running in the background."


def test_a_training_in_the_background_is_named_by_a_model_or_a_number(run):
    run(f"agent = %rl_create {SMALL}")
    run("%rl_train agent --steps 1000 --background --eval-every 100 --until 1;")
    assert "reached 1" in run("%rl_jobs agent --wait").stop_reason
    for line, says in (("%rl_jobs nothing", "'nothing'"), ("%rl_jobs 999", "'999'"), ("%rl_stop x", "'x'")):
        with pytest.raises(RLKitError, match=f"no job {says}"):
            run(line)
    with pytest.raises(UsageError, match="--timeout is how long to wait"):
        run("%rl_jobs --timeout 3")


def test_all_trainings_are_waited_for(run):
    run("agents = {}\nfor seed in (0, 1):\n    agents[seed] = %rl_create ppo CartPole-v1 --n-steps 16 --batch-size 64")
    run("%rl_train {agents[0]} --steps 500 --background;\n%rl_train {agents[1]} --steps 500 --background;")
    listed = run("%rl_jobs --wait")
    assert [job.status for job in listed[-2:]] == ["finished", "finished"]


def test_reconfigure_changes_a_model_and_says_what_it_was(run, shell):
    agent = run(f"agent = %rl_create {SMALL} --learning-rate 0.001\nagent")
    run("%rl_train agent --steps 64")
    said = run("%rl_reconfigure agent --learning-rate 1e-4 --target-kl 0.02")
    assert str(said) == (
        "learning_rate is 0.0001 from now on; it was 0.001. target_kl is 0.02 from now on; it was None."
    )
    assert (agent.config.learning_rate, agent.config.target_kl) == (1e-4, 0.02)
    assert [(change.num_timesteps, change.name) for change in agent.config_changes] == [
        (agent.num_timesteps, "learning_rate"),
        (agent.num_timesteps, "target_kl"),
    ]
    assert str(run("%rl_reconfigure --target-kl none agent")) == "target_kl is None from now on; it was 0.02."
    assert str(run("%rl_reconfigure agent --target-kl none")) == "The model has these values already."
    run("%rl_save agent cartpole")
    assert "learning_rate 0.001 until step" in repr(run("%rl_show cartpole")) + str(run("%rl_show cartpole"))


def test_reconfigure_lists_what_may_change_alone(run, shell):
    agent = run(f"agent = %rl_create {SMALL}\nagent")
    shown = repr(run("%rl_reconfigure agent --help"))
    for name in agent.config.hyperparameters():
        assert (f"--{name.replace('_', '-')} " in shown) == (name in agent.config.live_names())
    run("%rl_create ppo --as empty")
    assert "--gamma" in repr(run("%rl_reconfigure empty --help"))
    assert "--exploration-fraction" in repr(run("%rl_reconfigure --help"))


@pytest.mark.parametrize(
    ("line", "error", "problem", "remedy"),
    [
        (
            "agent --gamma 0.5",
            ConfigError,
            "gamma is fixed once the model has networks",
            "reconfigure changes learning",
        ),
        ("agent --learning-rate fast", ConfigError, "learning_rate = 'fast'", "above 0"),
        ("agent --learnin-rate 1", UsageError, "'--learnin-rate'", "Did you mean '--learning-rate'?"),
        ("agent", UsageError, "nothing to change", "%rl_reconfigure agent --learning-rate 1e-4"),
        ("nobody --learning-rate 1e-4", UsageError, "no variable 'nobody'", ""),
    ],
)
def test_what_reconfigure_refuses(run, line, error, problem, remedy):
    agent = run(f"agent = %rl_create {SMALL}\nagent")
    before = agent.config
    with pytest.raises(error) as raised:
        run(f"%rl_reconfigure {line}")
    assert problem in raised.value.problem
    assert remedy in raised.value.remedy
    assert agent.config is before


def test_a_vector_environment_in_a_variable_says_how_many_environments_there_are(run):
    run("import gymnasium\nvector = gymnasium.make_vec('CartPole-v1', num_envs=8)")
    settings = "ppo vector --preset none --n-steps 32 --batch-size 256"
    for line in (f"%rl_create {settings}", f"%rl_config {settings}"):
        made = run(line)
        config = getattr(made, "config", made)
        assert (config.n_envs, config.batch_size, config.sources["n_envs"]) == (8, 256, "adjusted")
    run("%rl_config ppo --n-steps 32 --as small")
    assert run("%rl_create ppo vector --config small").config.batch_size == 64
    assert run("%rl_create ppo vector --config small --batch-size 256").config.batch_size == 256
    with pytest.raises(ConfigError, match="n_envs = 4, but the vector environment has 8"):
        run(f"%rl_create {settings} --n-envs 4")


def test_an_environment_of_a_module_is_named_in_every_magic(run, walk_package):
    agent = run("agent = %rl_create ppo walk_package:Walk-v0 --n-steps 8 --batch-size 8 --net-arch [4]\nagent")
    assert agent.metadata["env_id"] == "walk_package:Walk-v0"
    run("%rl_train agent --steps 8")
    for line in (
        "%rl_eval agent --episodes 1 --env walk_package:Walk-v0",
        "%rl_watch agent --max-steps 2 --env walk_package:Walk-v0",
        "%rl_config ppo walk_package:Walk-v0",
        "%rl_create ppo --env walk_package:Walk-v0",
    ):
        assert run(line) is not None
    assert run("%rl_envs walk_package:Walk-v0").info.id == "Walk-v0"
    assert [each.id for each in run("%rl_envs walk_package:")] == ["Stroll-v1", "Walk-v0"]
    cell = "%%rl_config ppo walk_package:Walk-v0\nWalk-v0:\n  gamma: 0.5\nOther-v0:\n  gamma: 0.6"
    assert run(cell).gamma == 0.5


def test_an_environment_in_a_variable_is_described(run):
    run("import gymnasium\nclass Mine(gymnasium.envs.classic_control.CartPoleEnv): pass\nmine = Mine()")
    assert run("%rl_envs Mine").info.id == run("%rl_envs mine").info.id == "Mine"
    run("cart = lambda: 1 / 0")
    assert "CartPole-v1" in [each.id for each in run("%rl_envs cart")]
    run("chosen = 'Pendulum-v1'")
    assert run("%rl_envs chosen").info.id == "Pendulum-v1"
