"""A version travels as one file, and what comes from elsewhere is trusted in nothing."""

import os
import pickle
import zipfile

import numpy as np
import pytest

import rlkit
from rlkit.errors import CorruptArtifactError, InvalidNameError, StoreError, UntrustedArtifactError
from rlkit.registry import ModelRegistry
from rlkit.storage.archive import read_archive, write_archive
from rlkit.storage.packing import Packed, PackedModel


@pytest.fixture
def kept(registry, make_model):
    registry.register(make_model(0), "first")
    told = {"tags": ["x"], "metrics": {"mean_return": 5.0}, "description": "*it*", "dataset": {"name": "d"}}
    registry.register(make_model(1), "a", parent="first:1", **told)
    registry.tag("a:1", "later")
    return registry


@pytest.fixture
def file(kept, tmp_path):
    return kept.export_file("a:1", tmp_path / "a.rlkit")


@pytest.fixture
def other(tmp_path):
    return ModelRegistry(tmp_path / "other")


def changed(file, **metadata):
    """Write a file again with other metadata."""
    packed = read_archive(file)
    write_archive(file, PackedModel({**packed.metadata, **metadata}, packed.objects))
    return file


def test_all_that_is_known_of_a_version_travels(kept, file, other):
    taken, original = other.import_file(file), kept.get("a:1")
    assert taken.ref == "a:1"
    told = [name for name in original.to_dict() if name not in ("format", "parent")]
    assert {name: getattr(taken, name) for name in told} == {name: getattr(original, name) for name in told}
    assert taken.tags == ("x", "later")
    assert taken.learning_curve == original.learning_curve
    assert other._objects(other._manifest("a", 1)) == kept._objects(kept._manifest("a", 1))


def test_the_manifest_says_where_it_came_from_but_a_parent_elsewhere_is_no_parent(file, other):
    taken = other.import_file(file)
    imported = other._manifest("a", 1)["imported"]
    assert taken.parent is None
    assert (imported["ref"], imported["parent"]) == ("a:1", "first:1")
    assert other.verify().ok


def test_a_name_can_be_given_and_numbers_go_on(file, other, make_model):
    other.register(make_model(), "mine")
    assert other.import_file(file, "mine").ref == "mine:2"
    with pytest.raises(InvalidNameError):
        other.import_file(file, "../mine")


def test_a_model_that_is_kept_already_is_not_kept_again(kept, file):
    with pytest.warns(UserWarning, match="as a:1"):
        assert kept.import_file(file).ref == "a:1"
    assert kept.import_file(file, allow_duplicate=True).ref == "a:2"


def test_a_file_has_the_versions_name_unless_told_otherwise(kept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert kept.export_file("a").name == "a-1.rlkit"
    with pytest.raises(StoreError, match=r"\.rlkit"):
        kept.export_file("a", tmp_path / "a.zip")
    assert read_archive(tmp_path / "a-1.rlkit").metadata["name"] == "a"


def test_the_same_version_gives_the_same_file(kept, file, tmp_path):
    again = kept.export_file("a:1", tmp_path / "again.rlkit")
    assert again.read_bytes() == file.read_bytes()


def test_a_file_that_a_model_wrote_is_taken_under_the_files_name(tmp_path, other):
    model = rlkit.create("ppo", "CartPole-v1", seed=0, net_arch=[4])
    taken = other.import_file(model.save(tmp_path / "pole.rlkit"))
    assert (taken.ref, taken.env_id, taken.user is not None) == ("pole:1", "CartPole-v1", True)
    observations = np.random.default_rng(0).normal(size=(20, 4)).astype("f4")
    assert (other.load("pole").predict(observations) == model.predict(observations)).all()
    assert (rlkit.load(other.export_file("pole", tmp_path / "x.rlkit")).predict(observations)).any() in (True, False)


def test_an_exported_file_is_a_model_file(tmp_path, other):
    model = rlkit.create("ppo", "CartPole-v1", seed=0, net_arch=[4])
    other.register(model, "pole")
    again = rlkit.load(other.export_file("pole", tmp_path / "x.rlkit"))
    np.testing.assert_equal(again.get_state(), model.get_state())


def test_a_damaged_file_is_refused_and_nothing_is_kept(file, other):
    good = file.read_bytes()
    for position in range(len(good) // 2, len(good), 101):
        file.write_bytes(good[:position])
        with pytest.raises(CorruptArtifactError):
            other.import_file(file)
    assert not other.folder.exists()


def test_a_state_that_would_run_code_is_refused_and_nothing_is_kept(file, other):
    packed = read_archive(file)
    hostile = Packed(pickle.dumps({"a": os.system}, protocol=4))
    write_archive(file, PackedModel(packed.metadata, {"state": hostile}))
    with pytest.raises(UntrustedArtifactError, match=r"posix\.system"):
        other.import_file(file)
    assert not other.folder.exists()


@pytest.mark.parametrize(
    "lie",
    [
        {"algorithm": 3},
        {"algorithm": None},
        {"config": [1]},
        {"env_id": ["x"]},
        {"env_kwargs": [1]},
        {"seed": "0"},
        {"seed": True},
        {"num_timesteps": "many"},
        {"wall_time": "1"},
        {"learning_curve": 3},
        {"tags": ["../x"]},
        {"tags": 5},
        {"metrics": {"mean_return": "high"}},
        {"metrics": [1]},
        {"description": 7},
        {"dataset": "/etc/passwd"},
        {"dataset": {"name": "d", "sha256": "x"}},
        {"created": "yesterday"},
        {"created": 5},
        {"user": 5},
        {"git": "abc"},
        {"packages": []},
        {"name": "../../x"},
        {"name": 5},
    ],
    ids=repr,
)
def test_a_file_that_tells_nonsense_is_refused_and_nothing_is_kept(file, other, lie):
    with pytest.raises((CorruptArtifactError, InvalidNameError)):
        other.import_file(changed(file, **lie))
    assert not other.folder.exists()


def test_a_name_inside_the_zip_leads_nowhere(file, other, tmp_path):
    with zipfile.ZipFile(file, "a") as packed:
        packed.writestr("../../evil", b"x")
    other.import_file(file)
    assert not (tmp_path.parent / "evil").exists()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.rlkit"]


def test_a_file_that_is_not_there_is_answered_with_the_nearest(file, other):
    with pytest.raises(StoreError, match=r"Did you mean 'a\.rlkit'"):
        other.import_file(file.with_name("b.rlkit"))
