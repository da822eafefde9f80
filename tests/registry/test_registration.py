"""What a version's manifest says, and that the same model is kept once."""

import sys
from functools import partial
from types import SimpleNamespace

import pytest

import rlkit
from rlkit.errors import StateError
from rlkit.registry import ModelRegistry, ModelVersion
from rlkit.registry.difference import Difference
from rlkit.registry.model_card import ModelCard
from rlkit.registry.registration import change_version, manifest_of


def objects_in(folder):
    return [path for path in (folder / "objects").rglob("*") if path.is_file()]


def test_a_model_that_is_kept_already_is_not_kept_again(registry, make_model, folder, content):
    first = registry.register(make_model(1), "a")
    before = content(folder)
    with pytest.warns(UserWarning, match=r"already registered as a:1: no .* Pass allow_duplicate=True"):
        again = registry.register(make_model(1), "a")
    assert again == first
    assert content(folder) == before


def test_the_note_names_the_line_that_registers(registry, make_model):
    registry.register(make_model(1), "a")
    for register in (registry.register, partial(rlkit.register, registry=registry)):
        with pytest.warns(UserWarning, match="already registered") as caught:
            register(make_model(1), "a")
        assert [each.filename for each in caught] == [__file__]


def test_in_a_notebook_it_is_shown_below_the_cell(registry, make_model, monkeypatch):
    shown = []
    registry.register(make_model(1), "a")
    monkeypatch.setattr("rlkit.display.note.in_notebook", lambda: True)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=shown.append))
    registry.register(make_model(1), "a")
    (note,) = shown
    assert note == (
        "An identical model is already registered as a:1: no new version was made. "
        "Pass allow_duplicate=True to register it again."
    )
    assert note in note._repr_html_()


def test_what_is_told_anew_of_it_is_added(registry, make_model):
    registry.register(make_model(1), "a", tags=["x"], metrics={"one": 1, "two": 2}, description="first")
    with pytest.warns(UserWarning, match="Its tags and metrics were updated"):
        again = registry.register(make_model(1), "a", tags=["y", "x"], metrics={"two": 3})
    assert (again.ref, again.tags, again.description) == ("a:1", ("x", "y"), "first")
    assert again.metrics == {"one": 1, "two": 3}
    with pytest.warns(UserWarning, match="Its description was updated"):
        assert registry.register(make_model(1), "a", description="second").description == "second"


def test_it_is_kept_again_where_that_is_asked_for_but_its_bytes_are_not(registry, make_model, folder):
    registry.register(make_model(1), "a")
    assert registry.register(make_model(1), "a", allow_duplicate=True).ref == "a:2"
    assert registry.register(make_model(1), "b").ref == "b:1"
    assert len(objects_in(folder)) == 1


@pytest.mark.parametrize("said", [{"parent": "b:1"}, {"dataset": {"name": "prices"}}])
def test_the_same_model_from_another_parent_or_dataset_is_another_version(registry, make_model, said):
    registry.register(make_model(2), "b")
    registry.register(make_model(1), "a")
    assert registry.register(make_model(1), "a", **said).ref == "a:2"
    with pytest.warns(UserWarning, match="as a:2"):
        registry.register(make_model(1), "a", **said)
    with pytest.warns(UserWarning, match="as a:2"):  # of two that fit, the newest
        registry.register(make_model(1), "a")


def test_a_version_in_the_trash_is_no_version(registry, make_model, folder):
    registry.register(make_model(1), "a")
    registry.delete("a:1")
    assert registry.register(make_model(1), "a").ref == "a:2"
    assert len(objects_in(folder)) == 1


def test_the_same_model_is_known_to_another_program(registry, make_model, folder):
    registry.register(make_model(1), "a")
    with pytest.warns(UserWarning, match="as a:1"):
        assert ModelRegistry(folder).register(make_model(1), "a").ref == "a:1"


def test_the_warning_points_to_whoever_registers(registry, make_model):
    registry.register(make_model(1), "a")
    with pytest.warns(UserWarning, match="a:1") as caught:
        registry.register(make_model(1), "a")
    assert caught[0].filename == __file__


def test_metrics_of_the_model_are_kept_and_those_of_the_caller_go_before_them():
    metadata = {"algorithm": "ppo", "metrics": {"mean_return": 1.0, "std_return": 2.0}, "secret": "not for a manifest"}
    manifest = manifest_of(metadata, {"metrics": {"mean_return": 9.0}, "tags": []}, {"user": "me"})
    assert manifest["metrics"] == {"mean_return": 9.0, "std_return": 2.0}
    assert (manifest["algorithm"], manifest["tags"], manifest["user"]) == ("ppo", [], "me")
    assert not {"config", "secret"} & set(manifest)


def test_changes_of_a_version_add_up():
    meta = {"versions": {}}
    change_version(meta, 3, {})
    assert meta == {"versions": {}}
    change_version(meta, 3, {"metrics": {"a": 1}, "tags": ["x"]})
    change_version(meta, 3, {"metrics": {"b": 2}})
    change_version(meta, 3, {"tags": [], "metrics": {"a": 3}})
    assert meta == {"versions": {"3": {"metrics": {"a": 3, "b": 2}, "tags": []}}}


CHANGE = {"num_timesteps": 20_480, "name": "learning_rate", "old": 0.001, "new": 0.0001}


def test_a_version_says_which_settings_changed_while_it_trained(registry, make_model):
    steady = registry.register(make_model(), "cartpole")
    changed = registry.register(make_model(config_changes=[CHANGE]), "cartpole")
    assert (steady.config_changes, changed.config_changes) == ([], [CHANGE])
    said = "learning_rate 0.001 until step 20,480, then 0.0001"
    for show in (str, ModelVersion._repr_html_, lambda version: str(ModelCard(version))):
        assert said in " ".join(show(changed).split())
        assert "until step" not in show(steady)
    for again in (ModelRegistry(registry.folder), registry):
        assert again.get("cartpole:2").config_changes == [CHANGE]
        again.reindex()


def test_a_setting_that_changed_while_training_is_a_difference(registry, make_model):
    steady = registry.register(make_model(), "cartpole")
    changed = registry.register(make_model(config_changes=[CHANGE]), "cartpole")
    said = "learning_rate 0.001 until step 20,480, then 0.0001"
    difference = Difference(steady, changed)
    assert "changed while training" in repr(difference)
    assert difference.facts["config_changes"] == ([], [CHANGE])
    comparison = repr(registry.compare("cartpole:1", "cartpole:2"))
    assert said in comparison
    assert "All hyperparameters are the same" not in comparison


def test_changes_travel_with_an_exported_version_and_what_are_none_are_refused(registry, make_model, tmp_path):
    registry.register(make_model(config_changes=[CHANGE]), "cartpole")
    other = ModelRegistry(tmp_path / "other")
    path = registry.export_file("cartpole", tmp_path / "cartpole.rlkit")
    assert other.import_file(path).config_changes == [CHANGE]
    with pytest.raises(StateError, match="config_changes is wrong"):
        registry.register(make_model(config_changes=[{"name": "learning_rate"}]), "wrong")
    assert registry.models() == ["cartpole"]


def test_a_version_of_before_there_were_changes_has_none(make_version):
    assert make_version().config_changes == []
