from __future__ import annotations

import math
from dataclasses import replace

import pytest

import rlkit
from rlkit.models.a2c import A2CConfig
from rlkit.models.dqn import DQNConfig
from rlkit.models.ppo import PPOConfig
from rlkit.notebook.widgets.spans import Span, span_of

FIELDS = [
    pytest.param(rlkit.factory.get(algorithm).Config, name, id=f"{algorithm}-{name}")
    for algorithm in rlkit.factory.names()
    for name in rlkit.factory.get(algorithm).Config.hyperparameters()
]


def span(config_class, name):
    return span_of(config_class.hyperparameters()[name], config_class().to_dict()[name])


@pytest.mark.parametrize(("config_class", "name"), FIELDS)
def test_spans_lie_within_the_bounds_and_hold_the_default(config_class, name):
    found, field = span(config_class, name), config_class.hyperparameters()[name]
    if found is None:
        assert field.kind in ("bool", "choice", "str", "sizes") or len(field.bounds) < 2
        return
    ends = [found.base**end for end in (found.low, found.high)] if found.base else [found.low, found.high]
    for end in ends:
        field.check(found.rounded(end))
    assert ends[0] <= found.start <= ends[1]
    assert found.low < found.high
    assert found.step > 0


@pytest.mark.parametrize(
    ("config_class", "name", "expected"),
    [
        (PPOConfig, "learning_rate", Span(-6, -1, 0.1, 10, whole=False, start=3e-4)),
        (PPOConfig, "batch_size", Span(0, 13, 1, 2, whole=True, start=64)),
        (PPOConfig, "n_steps", Span(4, 18, 1, 2, whole=True, start=2048)),
        (A2CConfig, "n_steps", Span(0, 3, 0.1, 10, whole=True, start=5)),
        (PPOConfig, "n_envs", Span(0, 7, 1, 2, whole=True, start=1)),
        (DQNConfig, "buffer_size", Span(4, 8, 0.1, 10, whole=True, start=1e6)),
        (PPOConfig, "target_kl", Span(-4, 0, 0.1, 10, whole=False, start=0.01)),
        (PPOConfig, "ent_coef", Span(-4, 0, 0.1, 10, whole=False, start=0.01)),
        (PPOConfig, "gamma", Span(0, 1, 0.01, 0, whole=False, start=0.99)),
        (DQNConfig, "tau", Span(0.01, 1, 0.01, 0, whole=False, start=1)),
        (PPOConfig, "n_epochs", Span(1, 100, 1, 0, whole=True, start=10)),
        (PPOConfig, "vf_coef", None),
        (PPOConfig, "activation", None),
        (PPOConfig, "use_sde", None),
    ],
)
def test_spans_are_sensible(config_class, name, expected):
    assert span(config_class, name) == expected


def test_bounds_cut_a_logarithmic_span():
    field = replace(PPOConfig.hyperparameters()["learning_rate"], bounds={"minimum": 2e-3, "maximum": 5e-2})
    found = span_of(field, 0.01)
    assert (found.low, found.high) == (-2, -2)
    field = replace(field, bounds={"minimum": 1e-3, "maximum": 1e-1})
    found = span_of(field, 0.01)
    assert (found.low, found.high) == (-3, -1)


@pytest.mark.parametrize(
    ("name", "number", "written"),
    [("learning_rate", 0.00031622, 0.00032), ("batch_size", 127.6, 128), ("gamma", 0.30000000000000004, 0.3)],
)
def test_numbers_of_a_slider_are_round(name, number, written):
    rounded = span(PPOConfig, name).rounded(number)
    assert rounded == written
    assert isinstance(rounded, type(written))


def test_two_digits_of_a_whole_number_stay_whole():
    rounded = span(DQNConfig, "buffer_size").rounded(10**5.1)
    assert rounded == 130_000
    assert math.log10(rounded) == pytest.approx(5.1, abs=0.02)
    assert isinstance(rounded, int)


@pytest.mark.parametrize(("config_class", "name"), FIELDS)
def test_every_place_of_a_slider_is_where_its_number_stands(config_class, name):
    found = span(config_class, name)
    if found is None:
        return
    last = found.place(math.inf)
    assert [found.place(found.at(place)) for place in range(last + 1)] == list(range(last + 1))
    assert found.place(-math.inf) == found.place(found.at(0) - 1e-9) == 0
    assert found.at(last) == pytest.approx(found.base**found.high if found.base else found.high)
    assert last <= 230


def test_the_numbers_of_a_slider_are_those_of_all_its_places():
    assert span(PPOConfig, "n_envs").numbers() == [1, 2, 4, 8, 16, 32, 64, 128]
    assert span(PPOConfig, "target_kl").numbers()[::10] == [0.0001, 0.001, 0.01, 0.1, 1.0]
