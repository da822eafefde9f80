"""What older rlkits wrote is read for ever: each format has a folder and a file here, and what they must give."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import rlkit
from rlkit.errors import CorruptArtifactError, UntrustedArtifactError
from rlkit.registry import ModelRegistry

FORMATS = Path(__file__).parent / "formats"


@pytest.fixture(params=sorted(path.name for path in FORMATS.iterdir()))
def kept(request, tmp_path):
    """A copy, so that nothing can change the original."""
    return shutil.copytree(FORMATS / request.param, tmp_path / "kept")


def expected(kept):
    return json.loads((kept / "expected.json").read_text())


def test_every_version_and_file_predicts_what_it_did(kept):
    told = expected(kept)
    observations, actions = np.array(told["observations"], "f4"), told["actions"]
    actions.pop("own:1", None)  # a class by value: see below
    registry = ModelRegistry(kept / "store")
    file = actions.pop("model.rlkit")
    assert {ref: registry.load(ref).predict(observations).tolist() for ref in actions} == actions
    assert rlkit.load(kept / "model.rlkit").predict(observations).tolist() == file


def test_all_that_was_told_is_still_known(kept):
    registry = ModelRegistry(kept / "store")
    first = registry.get("cartpole@best")
    assert (first.ref, first.tags, first.description) == ("cartpole:1", ("baseline",), expected(kept)["description"])
    assert first.metrics["score"] == 1.5
    assert first.dataset == {"name": "none", "version": "1", "sha256": "ab" * 32}
    assert first.learning_curve["steps"] == [64.0]
    assert registry.get("cartpole").parent == "cartpole:1"
    assert [version.ref for version in registry.search("name = 'cartpole' and num_timesteps > 64")] == ["cartpole:2"]
    assert [version.ref for version in registry.trash()] == ["cartpole:3"]
    assert registry.verify().ok


def test_it_goes_on_in_todays_format(kept):
    registry = ModelRegistry(kept / "store")
    assert registry.restore("cartpole:3").parent == "cartpole:2"
    registry.delete("cartpole:3")
    model = registry.load("cartpole:2")
    model.train(64, progress=False)
    # The same 64 steps gave version 3, whose state lies in the trash: it is a new version, never the old number.
    assert (registry.register(model, "cartpole").ref, registry.get("cartpole").parent) == ("cartpole:4", "cartpole:2")
    registry.rename("cartpole", "pole")
    assert registry.load("cartpole:1").num_timesteps == 64
    registry.gc()
    assert registry.verify().ok
    assert registry.verify().garbage == ()


def test_its_file_can_be_imported(kept, tmp_path):
    version = ModelRegistry(tmp_path / "other").import_file(kept / "model.rlkit", "taken")
    assert (version.ref, version.algorithm, version.num_timesteps) == (
        "taken:1",
        "ppo",
        expected(kept)["num_timesteps"],
    )


@pytest.fixture
def own(tmp_path):
    """The folder of a format, with a class of its notebook by value, written by Python 3.11."""
    return shutil.copytree(FORMATS / "2", tmp_path / "kept")


def test_a_class_of_a_notebook_is_still_opened_where_it_is_trusted(own):
    told = expected(own)
    observations = np.array(told["observations"], "f4")
    registry = ModelRegistry(own / "store")
    for load in (lambda **said: registry.load("own:1", **said), lambda **said: rlkit.load(own / "own.rlkit", **said)):
        with pytest.raises(UntrustedArtifactError, match=r"a class of its own"):
            load()
        if sys.version_info[:2] == (3, 11):
            assert load(trust=True).predict(observations).tolist() == told["actions"]["own:1"]
        else:  # code is of one Python
            with pytest.raises(CorruptArtifactError, match="cpython-311"):
                load(trust=True)
    assert registry.get("own:1").config["shift"] == 1


def test_what_changed_after_registering_is_still_known(own):
    registry = ModelRegistry(own / "store")
    version = registry.get("expert:1")
    assert (version.description, version.tags) == ("Changed *later*.", ("kept",))
    assert registry.get("expert:2").parent == "beginner:1"
