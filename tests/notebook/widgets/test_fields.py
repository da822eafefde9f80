from __future__ import annotations

import html
import math
from typing import Literal

import pytest

import rlkit
from rlkit.config import ModelConfig, Scheduled, hyperparameter
from rlkit.errors import ConfigError
from rlkit.models.config import LayersField
from rlkit.models.on_policy import OnPolicyConfig
from rlkit.models.ppo import PPOConfig
from rlkit.notebook.widgets.fields import Field, problem
from rlkit.notebook.widgets.look import Look
from rlkit.notebook.widgets.sheet import Sheet

RIGHT = {  # what is typed or chosen, and the value that it means
    "bool": [(True, True), (False, False)],
    "float": [("1", 1.0), ("1e-3", 0.001), (" 0.5 ", 0.5)],
    "int": [("1", 1), ("1e3", 1000), ("1_000", 1000)],
    "schedule": [("0.5", 0.5), ("1e-3", 0.001), ("lin_0.001", "lin_0.001"), ("lin_0.5_0.25", "lin_0.5_0.25")],
}
SIZES = [("64", [64]), ("64, 32", [64, 32]), ("[8,8]", [8, 8]), ("[]", [])]
PARTS = [("{pi: [64], vf: [32, 32]}", {"pi": [64], "vf": [32, 32]}), ("{pi: [8], vf: [8]}", [8])]
WRONG = {
    "float": ["", "fast", "nan", "inf", "1,5", "1e400", "None"],
    "int": ["", "many", "nan", "1.5", "1,000", "lin_3", "None"],
    "schedule": ["", "fast", "nan", "-1", "lin_", "lin_fast", "lin_-1", "lin_nan", "lin_1_2_3"],
    "sizes": ["", "wide", "64, wide", "0", "-64", "1.5", "64 64", "{pi: [64]}", "[", "9000", "nan"],
}

FIELDS = [
    pytest.param(rlkit.factory.get(algorithm).Config, name, id=f"{algorithm}-{name}")
    for algorithm in rlkit.factory.names()
    for name in rlkit.factory.get(algorithm).Config.hyperparameters()
]


class Unusual(ModelConfig):
    """Kinds of fields that no algorithm has yet."""

    word: str = hyperparameter("plain", "A word.")
    count: int | None = hyperparameter(None, "How many.", ge=1, le=8, unit="things")
    rate: Scheduled | None = hyperparameter(None, "How fast.", gt=0, le=1, scale="log")
    side: Literal["left", "right"] | None = hyperparameter(None, "Which side.")
    maybe: bool | None = hyperparameter(None, "Perhaps.")
    layers: LayersField | None = hyperparameter(None, "Layers.")


def enter(field, raw):
    """Enter something as a person does."""
    if field.control.unset is not None:
        field.control.unset.value = raw is None
    if raw is not None:
        field.control.box.value = raw


def ready(field):
    """Return the value of a field when it is not unset."""
    if field.control.unset is not None:
        field.control.unset.value = False
    return field.value


def right(config_class, name):
    field = config_class.hyperparameters()[name]
    if field.kind == "choice":
        return [(choice, choice) for choice in field.choices]
    if field.kind == "sizes":
        return SIZES + PARTS * issubclass(config_class, OnPolicyConfig)
    return [(raw, value) for raw, value in RIGHT[field.kind] if _within(field, value)]


def _within(field, value):
    low, high = field.bounds.get("minimum", -math.inf), field.bounds.get("maximum", math.inf)
    return isinstance(value, str) or low <= value <= high


@pytest.mark.parametrize(("config_class", "name"), FIELDS)
def test_a_field_begins_with_the_default_and_says_so(config_class, name):
    field = Field(config_class, name)
    assert field.value == config_class().to_dict()[name]
    assert (field.source, field.error, field.changed) == ("default", "", False)
    label, origin = field.control.box.description, html.unescape(field._origin.value)
    assert label.endswith(f">{name}</span>" if field.hyperparameter.kind != "bool" else name)
    for said in [origin, *([html.unescape(label)] if field.hyperparameter.kind != "bool" else [])]:
        assert field.hyperparameter.meaning in said
        assert field.hyperparameter.takes in said
        assert field.hyperparameter.unit in said


@pytest.mark.parametrize(("config_class", "name"), FIELDS)
def test_what_is_right_becomes_the_value_and_reset_undoes_it(config_class, name):
    field = Field(config_class, name)
    default = field.value
    tries = right(config_class, name)
    assert tries
    for raw, value in tries:
        enter(field, raw)
        assert field.value == value
        assert field.error == ""
        assert field.changed == (value != default)
        assert field.source == ("caller" if value != default else "default")
        assert config_class.read_value(name, field.value) == field.value
        field.reset()
        assert field.value == field.raw == default
        assert (field.source, field.changed) == ("default", False)


@pytest.mark.parametrize(("config_class", "name"), FIELDS)
def test_what_is_wrong_never_reaches_the_value_and_the_config_says_why(config_class, name):
    field = Field(config_class, name)
    for raw in WRONG.get(field.hyperparameter.kind, ()):  # nothing wrong can be ticked or chosen
        if raw == "None" and field.hyperparameter.optional:
            continue
        before = ready(field)
        enter(field, raw)
        assert field.value == before
        assert field.error.startswith(f"{name} = ")
        assert field.hyperparameter.takes in field.error
        assert field.control.box.value == raw
        field.reset()
        assert field.error == ""
        assert field.raw == field.value == config_class().to_dict()[name]


@pytest.mark.parametrize(("config_class", "name"), FIELDS)
def test_nothing_beyond_the_bounds_is_a_value(config_class, name):
    field = Field(config_class, name)
    beyond = {
        "minimum": lambda bound: bound - 1,
        "exclusiveMinimum": lambda bound: bound,
        "maximum": lambda bound: bound + 1,
        "exclusiveMaximum": lambda bound: bound,
    }
    for bound, number in field.hyperparameter.bounds.items():
        before = ready(field)
        enter(field, f"{beyond[bound](number):.0f}")
        assert "it must be" in field.error
        assert field.value == before


@pytest.mark.parametrize(("config_class", "name"), FIELDS)
def test_a_value_set_in_python_must_be_right_too(config_class, name):
    field = Field(config_class, name)
    before = field.value
    for wrong in (math.nan, object(), "nonsense!"):
        with pytest.raises(ConfigError, match=name):
            field.value = wrong
        assert field.value == before


@pytest.mark.parametrize(("config_class", "name"), FIELDS)
def test_a_slider_offers_only_what_is_right(config_class, name):
    field = Field(config_class, name)
    slider = getattr(field.control, "slider", None)
    if slider is None:
        return
    enter(field, "lin_0.5" if field.hyperparameter.kind == "schedule" else str(field.value or 1))
    for place in (0, len(slider.marks) - 1, len(slider.marks) // 2):
        slider.place = place
        assert field.error == ""
        assert float(str(field.value).removeprefix("lin_")) == float(slider.marks[place])


@pytest.mark.parametrize("name", Unusual.hyperparameters())
def test_an_optional_value_can_be_unset_and_set(name):
    values = {"word": "plain", "count": 3, "rate": 0.5, "side": "right", "maybe": True, "layers": [8]}
    field = Field(Unusual, name)
    if not field.hyperparameter.optional:
        assert field.control.unset is None
        return
    assert field.value is None
    assert field.control.unset.value
    assert field.control.box.disabled
    field.value = values[name]
    assert not field.control.unset.value
    assert not field.control.box.disabled
    assert field.changed
    field.control.unset.value = True
    assert field.value is None
    assert field.control.box.disabled
    assert not field.changed
    field.control.unset.value = False
    assert field.value == values[name]


def test_an_optional_number_without_a_plausible_value_asks_for_one():
    field = Field(PPOConfig, "clip_range_vf")
    field.control.unset.value = False
    assert "clip_range_vf" in field.error
    assert field.value is None
    field.control.box.value = "0.2"
    assert (field.value, field.error) == (0.2, "")


def test_an_optional_number_with_a_slider_begins_where_that_stands():
    field = Field(PPOConfig, "target_kl")
    field.control.unset.value = False
    assert field.value == 0.01


def test_layers_that_are_unset_have_no_buttons_to_press_and_begin_with_one():
    field = Field(Unusual, "layers")
    assert field.control.add.disabled
    assert field.control.remove.disabled
    field.control.unset.value = False
    assert field.error
    assert not field.control.add.disabled
    field.control.add.click()
    assert (field.value, field.error) == ([64], "")


def test_none_can_be_typed_where_it_is_right():
    field = Field(Unusual, "count")
    field.value = 3
    field.control.box.value = "none"
    assert field.value is None
    assert field.control.unset.value


def test_a_choice_that_is_not_offered_cannot_be_set():
    field = Field(PPOConfig, "activation")
    for wrong in ("nonsense", ""):
        with pytest.raises(ConfigError):
            field.value = wrong
    assert field.value == "tanh"


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="gamma"):
        Field(PPOConfig, "gama")


def test_what_is_typed_is_shown_as_everybody_writes_it():
    field = Field(PPOConfig, "learning_rate")
    field.control.box.value = "1e-3"
    assert field.control.box.value == "0.001"
    assert field.raw == field.value == 0.001
    field.control.box.value = "0.0010"  # no other value, but another spelling
    assert field.control.box.value == "0.001"
    assert field.raw == 0.001


def test_a_value_that_is_not_the_persons_follows_what_it_would_be():
    field = Field(PPOConfig, "gamma")
    field.begin(0.98, "preset CartPole-v1")
    assert (field.value, field.source, field.changed) == (0.98, "preset CartPole-v1", False)
    assert field.control.box.value == "0.98"


def test_a_value_of_the_persons_stays_whatever_it_would_be():
    field = Field(PPOConfig, "gamma")
    field.value = 0.9
    field.begin(0.98, "preset CartPole-v1")
    assert (field.value, field.source) == (0.9, "caller")
    field.begin(0.9, "preset Other-v0")
    assert field.changed
    field.reset()
    assert (field.value, field.source) == (0.9, "preset Other-v0")


def test_a_value_put_back_by_hand_is_not_changed():
    field = Field(PPOConfig, "gamma")
    field.control.box.value = "0.9"
    field.control.box.value = "0.99"
    assert (field.changed, field.source) == (False, "default")


def reset_button(field):
    return [child for child in field.children if "rlkit-reset" in child._dom_classes]


def test_reset_is_offered_only_where_there_is_something_to_undo():
    field = Field(PPOConfig, "gamma")
    assert reset_button(field) == []
    field.control.box.value = "0.9"
    (button,) = reset_button(field)
    assert button.tooltip == "Set gamma back to 0.99 (default)."
    button.click()
    assert field.value == 0.99
    assert reset_button(field) == []
    field.control.box.value = "many"
    (button,) = reset_button(field)
    button.click()
    assert field.control.box.value == "0.99"
    assert field.error == ""


def test_the_reset_button_names_what_the_value_would_be_now():
    field = Field(PPOConfig, "gamma")
    field.value = 0.9
    field.begin(0.98, "preset CartPole-v1")
    assert reset_button(field)[0].tooltip == "Set gamma back to 0.98 (preset CartPole-v1)."


def test_a_changed_value_is_marked():
    field = Field(PPOConfig, "gamma")
    assert "rlkit-changed" not in field._dom_classes
    field.value = 0.9
    assert "rlkit-changed" in field._dom_classes
    assert ">changed<" in field._origin.value
    field.begin(0.98, "preset <b>")
    field.reset()
    assert "rlkit-changed" not in field._dom_classes
    assert 'title="preset &lt;b&gt;: ' in field._origin.value


def test_problems_are_shown_at_the_field_and_read_out():
    field = Field(PPOConfig, "gamma")
    field.control.box.value = "<b>"
    shown = field.children[-1].value
    assert 'role="alert"' in shown
    assert "&lt;b&gt;" in shown
    field.reset()
    field.conflict = "gamma = 0.99 does not go with the moon.\nWait for another."
    assert "the moon" in field.children[-1].value
    assert field.problem == field.conflict
    field.conflict = ""
    assert "moon" not in str([getattr(child, "value", "") for child in field.children])


def test_no_problem_is_no_html():
    assert problem("") == ""


@pytest.mark.parametrize(
    ("words", "found"),
    [("", True), ("gae", True), ("GAE lambda", True), ("bias variance", True), ("gae_lambda", True), ("rate", False)],
)
def test_search_finds_names_and_meanings(words, found):
    assert Field(PPOConfig, "gae_lambda").matches(words) is found


def test_labels_stand_first_and_reset_last_in_the_order_of_the_tab_key():
    field = Field(PPOConfig, "learning_rate", Look())
    field.value = 0.1
    box, slider, course, _origin, reset = field.children
    assert (box, slider) == (field.control.box, field.control.slider)
    assert course.children == (field.control.shape, field.control.end)
    assert reset.description == "reset"


def test_a_field_alone_brings_the_style_sheet_and_one_of_several_does_not():
    def sheets(field):
        return [child for child in field.children if isinstance(child, Sheet)]

    alone = Field(PPOConfig, "gamma")
    assert [sheet.layout.display for sheet in sheets(alone)] == ["none"]
    alone.value = 0.5
    assert len(sheets(alone)) == 1
    assert sheets(Field(PPOConfig, "gamma", Look())) == []
