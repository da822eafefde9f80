from __future__ import annotations

import ipywidgets
import pytest

from rlkit.models.dqn import DQNConfig
from rlkit.models.ppo import PPOConfig
from rlkit.notebook.widgets.controls import control_for, tooltip
from rlkit.notebook.widgets.look import Look


def control(name, config_class=PPOConfig):
    """Return a control that shows the default, and a list of what is entered from then on."""
    default = config_class().to_dict()[name]
    made = control_for(config_class.hyperparameters()[name], default, Look())
    made.show(default)
    heard = []
    made.observe(lambda change: heard.append(change["new"]), "raw")
    return made, heard


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("learning_rate", ["Text", "Slider", "HBox"]),
        ("batch_size", ["Text", "Slider"]),
        ("gamma", ["Text", "Slider"]),
        ("vf_coef", ["Text"]),
        ("activation", ["Dropdown"]),
        ("use_sde", ["Checkbox"]),
        ("net_arch", ["Text", "HBox"]),
        ("target_kl", ["Text", "Slider", "Checkbox"]),
        ("clip_range_vf", ["Text", "HBox", "Checkbox"]),
    ],
)
def test_every_kind_has_its_control(name, kinds):
    made, _ = control(name)
    assert [type(part).__name__ for part in made.parts] == kinds


@pytest.mark.parametrize(("name", "value"), [("learning_rate", "lin_0.5_0.1"), ("gamma", 0.123), ("net_arch", [8])])
def test_what_is_shown_is_what_was_entered(name, value):
    made, heard = control(name)
    made.show(value)
    assert made.raw == value
    assert heard == [value]


def test_text_stays_as_it_was_typed():
    made, heard = control("gamma")
    made.box.value = " nonsense"
    assert heard == [" nonsense"]
    assert made.box.value == " nonsense"


def test_a_slider_writes_round_numbers_into_the_box():
    made, heard = control("learning_rate")
    made.slider.place = 35
    assert made.box.value == "0.0032"
    assert heard == ["0.0032"]
    made, heard = control("batch_size")
    made.slider.place = 9
    assert heard == ["512"]


def test_a_slider_says_what_it_is_for_and_every_number_of_it():
    made, _ = control("batch_size")
    assert made.slider.label == "batch_size"
    assert made.slider.marks == [str(2**power) for power in range(14)]


def test_a_slider_stands_at_its_end_where_the_value_is_beyond_and_the_box_says_it():
    made, _ = control("learning_rate")
    made.show(1e-12)
    assert made.slider.place == 0
    assert made.raw == 1e-12
    assert made.box.value == "1e-12"


@pytest.mark.parametrize("value", [0.0003, 0.0032, 0.005, 1e-12, 0.9])
def test_a_slider_that_moves_to_where_the_value_is_shown_changes_nothing(value):
    made, heard = control("learning_rate")
    made.show(value)
    assert heard == [value] * (value != 0.0003)
    assert made.box.value == str(value)


def test_a_slider_stands_at_the_mark_nearest_to_a_number_between_two():
    made, heard = control("learning_rate")
    made.show(0.0034)
    assert made.slider.place == 35
    made.slider.place = 36
    made.slider.place = 35
    assert heard == [0.0034, "0.004", "0.0032"]


def test_a_number_becomes_a_line_and_back():
    made, heard = control("learning_rate")
    assert made.end.layout.display == "none"
    made.shape.value = True
    assert made.end.layout.display is None
    made.box.value = "1_0"
    made.end.value = "1e-5"
    made.end.value = ""
    made.shape.value = False
    assert heard == ["lin_0.0003", "lin_10", "lin_10_1e-5", "lin_10", "1_0"]
    assert made.end.layout.display == "none"


def test_an_end_that_is_none_is_left_to_be_judged():
    made, heard = control("learning_rate")
    made.shape.value = True
    made.end.value = "soon"
    assert heard[-1] == "lin_0.0003_soon"


def test_a_line_can_be_typed():
    made, heard = control("learning_rate")
    made.shape.value = True
    made.box.value = "lin_0.5_0.25"
    assert heard[-1] == "lin_0.5_0.25"


def test_a_line_is_shown_by_its_start_and_its_end():
    made, heard = control("learning_rate")
    made.show("lin_0.5")
    assert (made.box.value, made.shape.label, made.end.value) == ("0.5", "line to", "0")
    made.show("lin_0.5_0.25")
    assert (made.box.value, made.shape.label, made.end.value) == ("0.5", "line to", "0.25")
    made.box.value = "0.75"
    assert heard[-1] == "lin_0.75_0.25"
    made.show(0.5)
    assert (made.box.value, made.shape.label) == ("0.5", "constant")


def test_a_line_that_is_unset_cannot_be_changed():
    made, _ = control("clip_range_vf")
    made.show(None)
    assert made.shape.disabled
    assert made.end.disabled
    made.unset.value = False
    assert not made.shape.disabled
    assert not made.end.disabled


def test_layers_can_be_added_and_removed_with_buttons():
    made, heard = control("net_arch")
    made.show([64, 32])
    made.add.click()
    assert heard[-1] == [64, 32, 32]
    made.show([64, 32, 32])
    made.remove.click()
    assert heard[-1] == [64, 32]
    made.show([])
    assert made.box.value == "[]"
    assert made.remove.disabled
    made.add.click()
    assert heard[-1] == [64]


def test_layers_are_added_to_both_parts():
    made, heard = control("net_arch")
    made.show({"pi": [8], "vf": [4, 2]})
    assert made.box.value == "{pi: [8], vf: [4, 2]}"
    made.add.click()
    assert heard[-1] == {"pi": [8, 8], "vf": [4, 2, 2]}
    made.show({"pi": [], "vf": [4]})
    assert made.remove.disabled


def test_a_second_box_of_a_field_has_a_name():
    made, _ = control("learning_rate")
    assert ">course of learning_rate</span>" in made.shape.description
    assert ">end of learning_rate</span>" in made.end.description


def test_buttons_change_the_last_right_layers_where_the_box_says_nonsense():
    made, heard = control("net_arch", DQNConfig)
    made.box.value = "wide"
    made.add.click()
    assert heard[-1] == [64, 64, 64]


def test_an_empty_box_of_layers_is_not_a_network_without_layers():
    made, heard = control("net_arch")
    made.box.value = ""
    assert heard[-1] == ""


def test_unset_disables_all_else_and_remembers():
    made, heard = control("target_kl")
    assert [part.disabled for part in made.parts] == [True, True, False]
    made.show(0.02)
    made.unset.value = True
    assert heard[-1] is None
    assert [part.disabled for part in made.parts] == [True, True, False]
    made.unset.value = False
    assert heard[-1] == "0.02"
    assert not any(part.disabled for part in made.parts)


def test_boxes_send_what_is_typed_when_it_is_finished():
    made, _ = control("gamma")
    assert not made.box.continuous_update
    assert isinstance(made.box, ipywidgets.Text)


def test_a_tooltip_says_meaning_right_values_unit_and_default():
    assert tooltip(PPOConfig.hyperparameters()["n_steps"], 2048) == (
        "Steps of each environment between updates.\n"
        "Takes a whole number at least 1 and at most 1000000. Unit: steps. Default: 2048."
    )
    assert "Unit" not in tooltip(PPOConfig.hyperparameters()["gamma"], 0.99)
