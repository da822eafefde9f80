"""Model cards."""

import math
import re

import mistune
import pytest

from rlkit.config import ModelConfig
from rlkit.registry.model_card import ModelCard

CURVE = {"steps": [100.0, 200.0, 300.0], "mean_return": [20.0, math.nan, 480.0]}
HOSTILE = (
    "<script>x</script> | `a` ``b`` \\| *c* _d_ [e](http://f) ![g](h) $i$ &lt; #j ~~k~~ \x1b[31m\n\n# heading\n| l |"
)


@pytest.fixture
def version(make_version):
    return make_version(
        env_id="CartPole-v1",
        observation_space={"type": "Box", "low": "-inf", "high": "inf", "shape": [4], "dtype": "float32"},
        action_space={"type": "Discrete", "n": 2, "start": 0, "dtype": "int64"},
        seed=7,
        num_timesteps=100_096,
        num_episodes=612,
        wall_time=4.2,
        config={"gamma": 0.98, "learning_rate": 0.0003, "n_steps": 32},
        metrics={"std_return": 12.5, "mean_return": 480.5, "eval_episodes": 100.0},
        tags=["baseline"],
        aliases=["best"],
        description="Balances the pole.\n\nSee **here**.",
        parent="cartpole:2",
        dataset={"name": "trajectories", "version": "2", "sha256": "cd" * 32},
        git={"commit": "0123456789abcdef", "dirty": False},
        packages={"numpy": "2.4", "rlkit": "0.1.0"},
        user="somebody",
        host="somewhere",
        learning_curve=CURVE,
    )


def section(card, title):
    return re.search(rf"^## {title}\n\n(.*?)(?=^## |\Z)", str(card), re.MULTILINE | re.DOTALL)[1].strip()


def rendered(source):
    return mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])(source)


FACTS = [
    ("Model", "`ppo`: Proximal Policy Optimization"),
    ("Model", "`CartPole-v1`"),
    ("Model", "`Box of shape 4, float32`"),
    ("Model", "`Discrete(2)`"),
    ("Model", "`@best`"),
    ("Model", "`baseline`"),
    ("How to use it", 'model = rlkit.load("cartpole:3")'),
    ("How to use it", "action = model.predict(observation)"),
    ("Evaluation", "| `mean_return` | 480.5 |"),
    ("Training", "100,096"),
    ("Training", "612"),
    ("Training", "4.2 s"),
    ("Training", "**Seed**: 7"),
    ("Training", "| `gamma` | `0.98` | `0.99` |"),
    ("Training", "▁█ (from 20 to 480)"),
    ("Data", "`trajectories`"),
    ("Data", "cd" * 32),
    ("Lineage", "`cartpole:2`"),
    ("Provenance", "2026-03-04 05:06 UTC by `somebody` on `somewhere`"),
    ("Provenance", "`0123456789`"),
    ("Provenance", "`numpy 2.4`"),
    ("Provenance", "ab" * 32),
    ("Known limitations", "None is recorded."),
]


@pytest.mark.parametrize(("title", "fact"), FACTS)
def test_what_is_known_stands_in_its_section(version, title, fact):
    assert fact in section(ModelCard(version), title)


def test_the_title_and_the_description_come_first(version):
    assert str(ModelCard(version)).startswith("# cartpole:3\n\nBalances the pole.\n\nSee **here**.\n\n## Model\n")


def test_a_version_without_a_description_is_described_in_a_sentence(make_version):
    card = ModelCard(make_version(env_id="CartPole-v1", num_timesteps=2000))
    assert "\n\nA model of the algorithm `ppo` on `CartPole-v1`, trained for 2,000 steps.\n" in str(card)


def test_settings_at_their_defaults_are_left_out_and_counted_as_such(version):
    training = section(ModelCard(version), "Training")
    assert "learning_rate" not in training
    assert "The other hyperparameters are at the defaults of `ppo`." in training


def test_settings_all_at_their_defaults_need_no_table(make_version):
    card = ModelCard(make_version(config={"gamma": 0.99}, num_timesteps=1))
    assert "All hyperparameters are at the defaults of `ppo`." in section(card, "Training")


def test_all_settings_are_shown_where_nobody_knows_the_defaults(make_version):
    card = ModelCard(make_version(algorithm="nobodys", config={"gamma": 0.99}, num_timesteps=1))
    assert "| hyperparameter | value |\n| --- | --- |\n| `gamma` | `0.99` |" in section(card, "Training")


def test_a_class_whose_defaults_fail_does_not_stop_the_card(make_version, monkeypatch):
    class Demanding(ModelConfig):
        depth: int

    monkeypatch.setattr("rlkit.models.ppo.PPO.Config", Demanding)
    assert "| `gamma` | `0.99` |" in str(ModelCard(make_version(config={"gamma": 0.99}, num_timesteps=1)))


LIMITATIONS = {
    "never trained": ({"num_timesteps": 0}, "acts at random"),
    "never evaluated": ({"metrics": {}}, "never measured"),
    "few episodes": ({"metrics": {"mean_return": 1.0, "eval_episodes": 3.0}}, "on 3 episodes only"),
    "not measured": ({"metrics": {"mean_return": 1.0, "sharpe": math.nan}}, "`sharpe` could not be measured"),
    "left out": ({"left_out": "replay buffer"}, "Left out: `replay buffer`"),
    "custom environment": ({"env_id": None}, "no registered id"),
    "dirty": ({"git": {"commit": "ab" * 20, "dirty": True}}, "changes that are in no commit"),
    "no commit": ({"git": None}, "commit of the code is not recorded"),
}


@pytest.mark.parametrize("case", list(LIMITATIONS))
def test_what_is_known_to_be_lacking_is_said(make_version, case):
    change, told = LIMITATIONS[case]
    whole = {
        "num_timesteps": 1000,
        "env_id": "CartPole-v1",
        "metrics": {"mean_return": 1.0, "eval_episodes": 100.0},
        "git": {"commit": "ab" * 20, "dirty": False},
    }
    assert section(ModelCard(make_version(**whole)), "Known limitations") == "None is recorded."
    (line,) = section(ModelCard(make_version(**whole | change)), "Known limitations").splitlines()
    assert told in line


def test_a_custom_environment_must_be_given_to_load(make_version):
    usage = section(ModelCard(make_version(env_id=None)), "How to use it")
    assert 'model = rlkit.load("cartpole:3", env=make_env)' in usage


def test_nothing_known_makes_a_whole_card(make_version):
    card = str(ModelCard(make_version()))
    for said in ("It was never evaluated.", "It was not trained.", "No dataset is recorded", "No parent is recorded"):
        assert said in card
    assert "None" not in card.replace("None is recorded", "")
    assert "\n\n\n" not in card


def test_a_notebook_shows_the_curve_and_a_file_stays_small(version):
    card = ModelCard(version)
    assert "<img" not in str(card)
    assert "data:" not in str(card)
    assert len(str(card)) < 3_000
    shown = card._repr_markdown_()
    assert shown.count('<img src="data:image/svg+xml;base64,') == 1
    assert len(shown) < 6_000
    assert "<ModelCard of cartpole:3>" in repr(card)


def test_the_picture_is_all_that_a_notebook_adds(version):
    without = re.sub(r"<img[^>]*>", "", ModelCard(version)._repr_markdown_())
    assert without == re.sub(r"Mean return while.*", "", str(ModelCard(version)))


def test_no_value_can_break_a_table_or_make_markup(make_version):
    words = ("env_id", "left_out", "user", "host", "algorithm", "parent")
    bad = make_version(
        **dict.fromkeys(words, HOSTILE),
        num_timesteps=1,
        env_kwargs={HOSTILE: HOSTILE},
        observation_space={"type": HOSTILE, "n": HOSTILE},
        config={HOSTILE: HOSTILE, "gamma": HOSTILE},
        metrics={HOSTILE: 1.0, "mean_return": 1.0},
        tags=[HOSTILE],
        aliases=[HOSTILE],
        dataset={"name": HOSTILE, "version": HOSTILE, "sha256": None},
        git={"commit": HOSTILE, "dirty": True},
        packages={HOSTILE: HOSTILE},
        learning_curve=CURVE,
    )
    good = {
        "env_id": "E-v1",
        "left_out": "x",
        "parent": "a:1",
        "config": {"x": 1, "gamma": 1},
        "env_kwargs": {"x": 1},
        "metrics": {"x": 1.0, "mean_return": 1.0},
        "algorithm": "nobodys",
        "git": {"commit": "c", "dirty": True},
        "tags": ["x"],
        "aliases": ["x"],
        "packages": {"x": "1"},
        "dataset": {"name": "x", "version": "1", "sha256": None},
        "observation_space": {"type": "Discrete", "n": 2},
        "user": "u",
        "host": "h",
    }
    tame = make_version(**good, num_timesteps=1, learning_curve=CURVE)
    pages = [rendered(ModelCard(version)._repr_markdown_()) for version in (bad, tame)]
    tags = [re.findall(r"<(/?\w+)", page) for page in pages]
    assert tags[0] == tags[1]
    assert "&lt;script&gt;x&lt;/script&gt; | `a` ``b`` \\| *c* _d_ [e]" in re.sub("&#x?[0-9a-f]+;", _plain, pages[0])
    assert "\x1b" not in pages[0]
    assert "$" not in re.sub(r"<code>.*?</code>", "", pages[0])


def _plain(match):
    code = match[0][2:-1]
    letter = chr(int(code[1:], 16) if code.startswith("x") else int(code))
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(letter, letter)


@pytest.mark.parametrize(
    "hostile",
    [
        "<img src=x onerror=run()>",
        "<script>run()</script>",
        "<iframe srcdoc='x'>",
        "<details ontoggle=run()>",
        "![x](http://a.b)",
    ],
)
def test_html_and_pictures_in_a_description_reach_no_renderer(make_version, hostile):
    card = ModelCard(make_version(description=f"It is **good**.\n\n{hostile}\n", learning_curve=CURVE))
    for source in (str(card), card._repr_markdown_()):
        page = rendered(source)
        assert "<strong>good</strong>" in page
        assert not re.search(r"<(script|iframe|details|img (?!src=.data:image/svg))", page)


def test_a_heading_in_a_description_is_no_section_of_the_card(make_version):
    card = ModelCard(make_version(description="# Title\n\n## Evaluation\n\nPerfect."))
    assert str(card).count("\n## Evaluation\n") == 1
    assert "\n### Title\n\n#### Evaluation\n" in str(card)


@pytest.mark.parametrize("open_end", ["```python\nx = 1", "~~~~\nx", "text <!-- a note"])
def test_a_description_that_ends_nowhere_hides_nothing(make_version, open_end):
    page = rendered(str(ModelCard(make_version(description=open_end))))
    assert page.count("<h2>") == 8


def test_settings_in_a_dictionary_of_spaces_are_named(make_version):
    box = {"type": "Box", "shape": [84, 84, 3], "dtype": "uint8"}
    space = {
        "type": "Dict",
        "spaces": [["pixels", box], ["pair", {"type": "Tuple", "spaces": [{"type": "MultiBinary", "n": 3}]}]],
    }
    card = ModelCard(make_version(observation_space=space))
    assert "Dict(pixels: Box of shape 84 x 84 x 3, uint8, pair: Tuple(MultiBinary(3)))" in str(card)
    huge = {"type": "MultiDiscrete", "nvec": list(range(5000))}
    assert len(str(ModelCard(make_version(observation_space=huge)))) < 2_500
