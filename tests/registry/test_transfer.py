"""A version travels as one file, and what comes from elsewhere is trusted in nothing."""

import json
import os
import pickle
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

import rlkit
from rlkit.errors import CorruptArtifactError, InvalidNameError, StoreError, UntrustedArtifactError
from rlkit.registry import ModelRegistry, provenance, transfer
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


@pytest.fixture
def somebody(monkeypatch):
    """A person and a machine whose names stand nowhere else."""
    monkeypatch.setattr(provenance, "_user", lambda: "quimby")
    monkeypatch.setattr(provenance.platform, "node", lambda: "hostess-7")


@pytest.mark.usefixtures("somebody")
def test_a_file_says_that_it_names_who_registered_it_and_an_anonymous_one_does_not(kept, make_model, other, tmp_path):
    kept.register(make_model(7), "b", tags=["x"])
    open_file = kept.export_file("b", tmp_path / "open.rlkit")
    assert "who registered it (quimby on hostess-7)" in open_file.says
    assert "anonymous=True" in open_file.says
    assert repr(open_file) == f"{open_file}\n{open_file.says}"
    assert b"quimby" in open_file.read_bytes()
    file = kept.export_file("b", tmp_path / "closed.rlkit", anonymous=True)
    assert file.says == ""
    for word in (b"quimby", b"hostess", str(tmp_path).encode()):
        assert word not in file.read_bytes()
    known = read_archive(file).metadata
    assert (known["created"], known["tags"]) == (kept.get("b").created, ["x"])
    taken = other.import_file(file)
    assert (taken.user, taken.host, taken.git) == (None, None, None)
    assert taken.sha256 == kept.get("b").sha256
    manifest = json.dumps(other._manifest("b", 1))
    assert "quimby" not in manifest
    assert "hostess" not in manifest


@pytest.mark.usefixtures("somebody")
def test_an_anonymous_file_tells_where_a_name_still_stands(kept, make_model, tmp_path):
    kept.register(make_model(7), "b", description="Made by quimby.", tags=["hostess-7", "quimbys"])
    file = kept.export_file("b", tmp_path / "b.rlkit", anonymous=True)
    assert file.says == (
        "The file does not say who registered it, but there is 'quimby' in the description and 'hostess-7' in the tags."
    )


def test_a_file_tells_of_a_path_that_its_environment_is_made_with(kept, tmp_path):
    path = str(tmp_path / "data.csv")
    environment = {"render_mode": None, "data": path, "name": "a/b"}
    known = {**kept.get("a").to_dict(), "env_kwargs": environment}
    version = SimpleNamespace(to_dict=lambda: known, learning_curve={}, training=[], ref="a:1")
    objects = kept._objects(kept._manifest("a", 1))
    for anonymous in (False, True):
        says = transfer.export(version, objects, tmp_path / "a.rlkit", anonymous=anonymous).says
        assert says.endswith(f"Its environment is made with a path, which the file names: data = {path!r}.")


def test_where_a_class_holds_what_looks_like_a_secret_there_is_a_warning(kept, tmp_path):
    names = {"__name__": "__main__", "PPO": rlkit.factory.get("ppo")}
    exec("API_TOKEN = 'abc'\nclass Mine(PPO):\n    def f(self): return API_TOKEN\n", names)  # noqa: S102 - the test's own
    rlkit.register_model("secretive")(names["Mine"])
    try:
        model = rlkit.create("secretive", "CartPole-v1", seed=0, net_arch=[4])
        for keep, place in (
            (lambda: kept.register(model, "secret"), "secret:1"),
            (lambda: kept.export_file("secret", tmp_path / "x.rlkit"), "x.rlkit"),
            (lambda: model.save(tmp_path / "y.rlkit"), "y.rlkit"),
        ):
            with pytest.warns(
                UserWarning, match=f"The class in .*{place} holds what looks like a secret: API_TOKEN"
            ) as told:
                keep()
            assert [each.filename for each in told] == [__file__]
        code = kept.inspect("secret").objects[1]
        assert (code.constants[0].name, code.constants[0].is_secret) == ("API_TOKEN", True)
        shown = repr(kept.inspect("secret")), kept.inspect("secret")._repr_html_()
        assert all("API_TOKEN: str = (not shown)" in each and "abc" not in each for each in shown)
    finally:
        rlkit.factory.unregister("secretive")


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
