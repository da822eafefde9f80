"""What a version may say of itself: types and bounds of every field, wherever it comes from."""

import json

import pytest

from rlkit.errors import ConfigError, CorruptArtifactError, StateError
from rlkit.registry import ModelRegistry
from rlkit.registry.record import MAX_METRICS, MAX_TEXT, Record, checked_record
from rlkit.registry.versions import FIELDS
from rlkit.storage.documents import seal

LEAST = {"algorithm": "ppo", "created": "2025-01-02T03:04:05+00:00"}


def nested(depth, value=1):
    for _ in range(depth):
        value = {"a": value}
    return value


CALL = {"begun_at": 0, "steps": 64}

WRONG = [
    {"algorithm": 3},
    {"algorithm": ""},
    {"algorithm": "x" * 201},
    {"model_class": ["a"]},
    {"config": [1]},
    {"config": nested(40)},
    {"config": {"a": list(range(200_000))}},
    {"config": {"a": 2**300}},
    {"config": {"a": "x" * 200_000}},
    {"config_changes": {}},
    {"config_changes": [{"name": "gamma"}]},
    {"config_changes": [1]},
    {"env_id": ["x"]},
    {"env_id": "x" * 201},
    {"env_kwargs": [1]},
    {"env_name": 5},
    {"env_modified": "gravity"},
    {"env_modified": [1]},
    {"observation_space": 5},
    {"observation_space": nested(300)},
    {"action_space": "Discrete(2)"},
    {"seed": "0"},
    {"seed": True},
    {"seed": -1},
    {"seed": 10**400},
    {"num_timesteps": "many"},
    {"num_timesteps": 10**400},
    {"num_timesteps": -1},
    {"num_timesteps": 1.5},
    {"num_episodes": True},
    {"wall_time": "1"},
    {"wall_time": float("inf")},
    {"wall_time": -1.0},
    {"learning_curve": 3},
    {"learning_curve": {"steps": [1, 2], "mean_return": [1.0]}},
    {"learning_curve": {"steps": ["1"], "mean_return": [1.0]}},
    {"learning_curve": {"steps": [1], "mean_return": [float("inf")]}},
    {"learning_curve": {"steps": [10**400], "mean_return": [1.0]}},
    {"learning_curve": {"steps": list(range(20_000)), "mean_return": [1.0] * 20_000}},
    {"training": {}},
    {"training": [1]},
    {"training": [{"steps": 5}]},
    {"training": [{**CALL, "steps": "5"}]},
    {"training": [{**CALL, "num_timesteps": 10**400}]},
    {"training": [{**CALL, "callbacks": "Checkpoint"}]},
    {"training": [{**CALL, "callbacks": [1]}]},
    {"training": [{**CALL, "seconds": float("nan")}]},
    {"training": [{**CALL, "cpu": "x" * 1_000}]},
    {"training": [{**CALL, "total": -5}]},
    {"training": [CALL] * 20_000},
    {"tags": 5},
    {"tags": [1]},
    {"tags": "a"},
    {"metrics": [1]},
    {"metrics": {"mean_return": "high"}},
    {"metrics": {"mean_return": True}},
    {"metrics": {"mean_return": float("inf")}},
    {"metrics": {"mean_return": 10**400}},
    {"metrics": {"x" * 201: 1.0}},
    {"metrics": {str(number): 1.0 for number in range(MAX_METRICS + 1)}},
    {"description": 7},
    {"description": "x" * (MAX_TEXT + 1)},
    {"parent": 5},
    {"dataset": "/etc/passwd"},
    {"dataset": {"name": "d", "other": "x"}},
    {"dataset": {"name": 5}},
    {"created": "yesterday"},
    {"created": 5},
    {"user": 5},
    {"host": {}},
    {"git": "abc"},
    {"git": nested(40)},
    {"packages": []},
    {"packages": {"numpy": 2}},
    {"left_out": True},
    {"evaluations": {}},
    {"evaluations": [nested(40)]},
    {"sweep": []},
]


every_wrong = pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{next(iter(wrong))}-{str(wrong)[:30]}")


@every_wrong
def test_what_is_no_field_of_a_version_is_named(wrong):
    (field,) = wrong
    with pytest.raises(
        CorruptArtifactError, match=rf"^The manifest of a:1 is not that of a version: its {field}"
    ) as told:
        checked_record({**LEAST, **wrong}, "The manifest of a:1")
    assert len(str(told.value)) < 400


def test_every_field_has_wrong_values_above():
    assert {next(iter(wrong)) for wrong in WRONG} == set(Record.model_fields)


def test_what_is_missing_or_none_has_a_default_and_what_is_no_field_is_passed_over():
    least = checked_record(LEAST, "")
    assert checked_record({**LEAST, **dict.fromkeys(set(Record.model_fields) - set(LEAST)), "later": 1}, "") == least
    assert least["metrics"] == {}
    for missing in LEAST:
        with pytest.raises(CorruptArtifactError, match=f"lacks '{missing}'"):
            checked_record({key: value for key, value in LEAST.items() if key != missing}, "It")


def test_what_may_be_odd_is_taken():
    odd = {
        "seed": 2**130,
        "metrics": {"a": float("nan"), "b": 10**30, "loss/total (95 %)": -1},
        "learning_curve": {"steps": [1.0], "mean_return": [float("nan")]},
        "config": {"net_arch": [64, 64], "clip": None, "x": float("inf")},
        "git": {"commit": None, "dirty": None},
    }
    record = checked_record({**LEAST, **odd}, "")
    assert repr({key: record[key] for key in odd}) == repr(odd)  # NaN is not equal to itself


def test_a_version_has_a_value_of_each_of_its_fields():
    places = {"name", "version", "format", "sha256", "size", "aliases"}
    assert set(FIELDS) - places <= set(Record.model_fields)


@every_wrong
def test_one_bad_manifest_is_not_listed_and_harms_no_other(registry, make_model, wrong):
    for _ in range(2):
        registry.register(make_model(), "a", allow_duplicate=True)
    registry.register(make_model(), "b")
    path = registry.folder / "models" / "a" / "000001.json"
    document = json.loads(path.read_bytes())
    del document["checksum"]
    path.unlink()
    path.write_bytes(seal({**document, **wrong}))
    for again in (ModelRegistry(registry.folder), registry):
        with pytest.warns(UserWarning, match=r"Not listed: The manifest of a:1 is not that of a version"):
            assert [version.ref for version in again.versions()] == ["a:2", "b:1"]
        assert again.load("a:2")
        for read in (again.get, again.load):
            with pytest.raises(CorruptArtifactError, match="The manifest of a:1 is not that of a version"):
                read("a:1")
        (problem,) = again.verify().problems
        assert "a/000001.json" in problem.where


@every_wrong
def test_a_class_that_tells_what_no_version_says_is_refused_before_anything_is_written(registry, make_model, wrong):
    told_by_caller = {"tags", "description", "parent", "dataset", "evaluations", "sweep"}
    told_by_us = {"created", "user", "host", "git", "packages"}
    if not set(wrong) & (told_by_caller | told_by_us):
        with pytest.raises((StateError, ConfigError)):
            registry.register(make_model(**wrong), "a")
    assert not registry.folder.exists()


@pytest.mark.parametrize(
    "name", ["{__import__('os').system('x')}", "a\nb", "\x1b[31m", "", " a", "a ", "$x", "x" * 101, "'"]
)
def test_a_metric_has_a_name_that_can_be_typed(registry, make_model, name):
    with pytest.raises(ConfigError, match=r"metric"):
        registry.register(make_model(), "a", metrics={name: 1.0})
    assert not registry.folder.exists()


@pytest.mark.parametrize(
    "name", ["mean_return", "eval/mean return", "loss [95 %]", "q:0.5", "f(x)", "Länge", "a@b+c-d.e"]
)
def test_a_metric_may_be_called_as_loggers_call_it(registry, make_model, name):
    assert registry.register(make_model(), "a", metrics={name: 1.0}).metrics[name] == 1.0


def test_too_many_metrics_and_too_long_a_description_are_refused(registry, make_model):
    many = {str(number): 1.0 for number in range(MAX_METRICS + 1)}
    with pytest.raises(ConfigError, match=r"can have 5,000 metrics, and these are 5,001"):
        registry.register(make_model(), "a", metrics=many)
    with pytest.raises(ConfigError, match="characters"):
        registry.register(make_model(), "a", description="x" * (MAX_TEXT + 1))
