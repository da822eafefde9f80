"""What words mean in a notebook."""

import gymnasium
import pytest

from rlkit.errors import UsageError


def test_expressions_and_variables_are_filled_in(run):
    run("environment, rate, sizes = 'CartPole-v1', 1e-3, [8, 4]")
    agent = run("%rl_create ppo --env {environment} --seed {2 + 3} --learning-rate $rate --net-arch {sizes}")
    assert (agent.env_name, agent.seed, agent.config.learning_rate) == ("CartPole-v1", 5, 1e-3)
    assert agent.config.to_dict()["net_arch"] == [8, 4]
    assert (
        run("name = 'environment'\n%rl_create ppo --env {name} --net-arch {dict(pi=[8], vf=[4])}").env_name
        == "CartPole-v1"
    )


def test_what_is_no_expression_is_left_as_it_is_and_expressions_beside_it_are_filled_in(run):
    run("name = 'CartPole-v1'")
    agent = run("%rl_create ppo {name} --net-arch '{pi: [8], vf: [16]}'")
    assert agent.config.to_dict()["net_arch"] == {"pi": [8], "vf": [16]}
    assert agent.env_name == "CartPole-v1"


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("{nothing}", "NameError: name 'nothing' is not defined"),
        ("$nothing.x", "NameError: name 'nothing' is not defined"),
        ("{[1, 2][5]}", "IndexError: list index out of range"),
        ("{hostile}", "RuntimeError: first second"),
    ],
)
def test_an_expression_that_fails_is_told(run, shell, expression, why):
    class Hostile:
        def __format__(self, spec):
            message = "first\nsecond"
            raise RuntimeError(message)

    shell.user_ns["hostile"] = Hostile()
    with pytest.raises(UsageError) as raised:
        run(f"%rl_create ppo --env {expression}")
    assert raised.value.problem == f"The expression {expression.strip('{$}')!r} fails: {why}."
    assert raised.value.remedy == "Where no value is meant, double the { or the $."


def test_prices_and_doubled_signs_are_text(run):
    run("agent = %rl_create ppo CartPole-v1")
    run("%rl_save agent cartpole")
    version = run("%rl_describe cartpole costs $5.50, {{x}} and $$agent; {of: it}")
    assert version.description == "costs $5.50, {x} and $agent; {of: it}"


def test_a_value_is_one_word_whatever_is_in_it(run, tmp_path):
    run(f"from pathlib import Path\nplace = Path({str(tmp_path)!r}) / 'a b.rlkit'\nagent = %rl_create ppo CartPole-v1")
    run("%rl_save agent cartpole")
    assert run("%rl_export cartpole {place}") == tmp_path / "a b.rlkit"


VALUES = [
    "plain",
    "two  words",
    "# not a comment",
    "a # b",
    "it's",
    'a "quoted" word',
    "'",
    "--remove",
    "--help",
    "-x",
    "- a b",
    "first\nsecond\n\n- third",
    "{braces} {{twice}} $name $$",
    "a; b;",
    "tab\tand back\\slash",
    "\U000f0000",
    " spaces ",
    "a=b",
    "",
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("written", ["{note}", "$note", "{note};", "'{note}'", "{notes[0]}"])
def test_a_text_is_one_argument_as_it_is(run, value, written):
    run("agent = %rl_create ppo CartPole-v1\n%rl_save agent cartpole")
    run(f"note = {value!r}\nnotes = [note]")
    run(f"%rl_describe cartpole {written}")
    assert run("%rl_show cartpole").description == value


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("written", ["--description {note}", "--description={note}", "--description $note --tag a"])
def test_a_text_is_the_value_of_an_option_as_it_is(run, value, written):
    run(f"note = {value!r}\nagent = %rl_create ppo CartPole-v1")
    assert run(f"%rl_save agent cartpole {written}").description == value


def test_paths_may_begin_in_the_home_folder(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    run("import rlkit\nagent = %rl_create ppo CartPole-v1 --seed 3\n%rl_save agent cartpole")
    assert run("%rl_export cartpole ~/x.rlkit") == run("agent.save('~/y.rlkit')").with_name("x.rlkit")
    assert {path.name for path in tmp_path.glob("*.rlkit")} == {"x.rlkit", "y.rlkit"}
    assert run("%rl_load ~/x.rlkit").seed == run("rlkit.load('~/y.rlkit')").seed == 3
    assert run("%rl_import ~/x.rlkit other").ref == "other:1"
    assert run("%rl_inspect ~/x.rlkit").is_plain
    run("agent.config.save('~/c.yaml')")
    assert run("%rl_create ppo CartPole-v1 --config ~/c.yaml").config.to_dict() == run("agent.config.to_dict()")
    assert run("%rl_eval ~/x.rlkit --episodes 1").episodes == 1


def test_a_search_takes_its_conditions_from_a_variable(run):
    run("agent = %rl_create ppo CartPole-v1\n%rl_save agent cartpole --description 'a  #b'")
    run("conditions = \"algorithm = 'ppo' and description = 'a  #b'\"")
    assert len(run("%rl_search {conditions}")) == len(run("%rl_search $conditions")) == 1


def test_names_are_read_as_python_reads_them(run):
    run("%rl_create ppo --as \N{LATIN SMALL LIGATURE FI}t")
    assert run("fit") is run("%rl_config \N{LATIN SMALL LIGATURE FI}t --as c\nfit")


def test_an_expression_gives_the_model_itself(run):
    run("agent = %rl_create ppo CartPole-v1 --seed 3")
    run("agents = {'a b': [agent]}")
    assert run("%rl_eval {agents['a b'][0]} --episodes 1").episodes == 1
    assert run("%rl_eval $agent --episodes 1").episodes == 1
    job = run("job = agent.train_in_background(64)\njob")
    assert run("%rl_jobs {job}") is job
    assert run("%rl_jobs {job} --wait --timeout inf") is job.history
    assert run("%rl_config {agents['a b'][0]}") is run("agent.config")
    assert run("%rl_save {agents['a b'][0]} cartpole").seed == 3


def test_variables_of_a_function_are_known(run):
    run("agent = %rl_create ppo CartPole-v1")
    run("def play(pilot, n):\n    result = %rl_eval pilot --episodes {n}\n    return result")
    assert run("play(agent, 2)").episodes == 2


def test_an_environment_is_a_variable_an_object_or_what_makes_one(run, shell, environments):
    shell.user_ns |= {"Counting": environments.Counting, "made": gymnasium.make("CartPole-v1")}
    shell.user_ns["make"] = lambda: gymnasium.make("CartPole-v1")
    assert run("%rl_create ppo Counting").observation_space.shape == (2,)
    assert run("%rl_create ppo --env made").env_name == "CartPole-v1"
    assert run("%rl_create ppo --env make").env_name == "CartPole-v1"
    assert run("%rl_create ppo {made}").env_name == "CartPole-v1"


def test_the_error_for_what_is_no_variable_says_where_the_model_is(run):
    run("agent = %rl_create ppo CartPole-v1")
    run("%rl_save agent my-pole")
    with pytest.raises(UsageError, match="no variable 'my-pole'") as raised:
        run("%rl_train my-pole")
    assert raised.value.remedy == "The registry has one: my_pole = %rl_load my-pole"
    with pytest.raises(UsageError, match="no variable 'agen'") as raised:
        run("%rl_train agen")
    assert raised.value.remedy == "Did you mean 'agent'?"
    run("del agent")
    with pytest.raises(UsageError, match="no variable 'pilot'") as raised:
        run("%rl_train pilot")
    assert raised.value.remedy == "Make one: pilot = %rl_create ppo CartPole-v1"
