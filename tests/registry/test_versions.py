"""What is known about a version, put together from what was registered and what changed."""

import pickle

import pytest

from rlkit.errors import CorruptArtifactError
from rlkit.registry.versions import ModelVersion, document_of, overlaid

MANIFEST = {
    "format": 1,
    "name": "cartpole",
    "version": 3,
    "algorithm": "ppo",
    "config": {"learning_rate": 0.001, "net_arch": [64, 64]},
    "env_id": "CartPole-v1",
    "num_timesteps": 1000,
    "metrics": {"mean_return": 400.0},
    "tags": ["a"],
    "description": "first",
    "learning_curve": {"steps": [1], "mean_return": [2.0]},
    "created": "2025-01-02T03:04:05.000000+00:00",
    "objects": {"state": {"sha256": "ab" * 32, "size": 9}},
}
NOTHING = {"aliases": {}, "versions": {}}


def version(manifest=MANIFEST, meta=NOTHING):
    return ModelVersion(document_of("cartpole", 3, manifest, meta), lambda *_: manifest)


def test_a_version_says_what_its_manifest_says():
    known = version()
    assert (known.name, known.version, known.ref) == ("cartpole", 3, "cartpole:3")
    assert known.config["net_arch"] == [64, 64]
    assert (known.sha256, known.size) == ("ab" * 32, 9)
    assert known.tags == ("a",)
    assert known.learning_curve == {"steps": [1], "mean_return": [2.0]}


def test_what_changed_goes_before_what_was_registered():
    changed = {"tags": ["b"], "description": "second", "metrics": {"max_return": 500.0}}
    meta = {"aliases": {"best": 3, "other": 2, "a": 3}, "versions": {"3": changed, "2": {"tags": ["c"]}}}
    known = version(meta=meta)
    assert known.tags == ("b",)
    assert known.description == "second"
    assert known.metrics == {"mean_return": 400.0, "max_return": 500.0}
    assert known.aliases == ("a", "best")


def test_a_change_taken_back_gives_what_was_registered():
    before = document_of("cartpole", 3, MANIFEST, NOTHING)
    changed = overlaid(before, {"aliases": {"best": 3}, "versions": {"3": {"tags": [], "metrics": {"x": 1}}}})
    assert overlaid(changed, NOTHING) == before


def test_a_manifest_of_a_later_rlkit_of_the_same_format_may_have_more():
    assert version({**MANIFEST, "later": 1}).ref == "cartpole:3"


@pytest.mark.parametrize("key", ["algorithm", "objects", "created"])
def test_a_manifest_that_lacks_what_every_version_has_is_damage(key):
    manifest = {name: value for name, value in MANIFEST.items() if name != key}
    with pytest.raises(CorruptArtifactError, match=key):
        version(manifest)


def test_a_version_is_immutable_and_can_be_a_key():
    known = version()
    with pytest.raises(AttributeError, match="cannot be changed"):
        known.name = "other"
    with pytest.raises(AttributeError, match="cannot be changed"):
        del known.name
    assert {known: 1}[version()] == 1
    assert known == version()


def test_changing_the_config_of_a_version_changes_nothing_else():
    document = document_of("cartpole", 3, MANIFEST, NOTHING)
    known = ModelVersion(document, dict)
    known.config["net_arch"].append(1)
    known.metrics["x"] = 1.0
    assert document == document_of("cartpole", 3, MANIFEST, NOTHING)


def test_a_version_has_what_its_class_says_and_no_more():
    known = version()
    assert set(known.to_dict()) <= set(dir(known))
    assert known.to_dict() == {
        name: value
        for name, value in document_of("cartpole", 3, MANIFEST, NOTHING).items()
        if name not in ("ref", "_registered")
    }
    with pytest.raises(AttributeError, match="no 'steps'"):
        _ = known.steps


def test_a_version_of_a_renamed_model_has_the_new_name():
    renamed = ModelVersion(document_of("pole", 3, MANIFEST, NOTHING), dict)
    assert (renamed.name, renamed.ref) == ("pole", "pole:3")


def test_a_version_is_no_thing_to_be_pickled():
    with pytest.raises(TypeError, match="keep its ref"):
        pickle.dumps(version())


def test_a_version_prints_shortly():
    meta = {"aliases": {"best": 3}, "versions": {}}
    assert repr(version(meta=meta)) == "<ModelVersion cartpole:3 ppo CartPole-v1 1000 steps @best>"
