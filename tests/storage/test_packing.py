"""What a model is kept as, and that code is opened only where it is trusted."""

import hmac
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

import rlkit
from rlkit.errors import CorruptArtifactError, UntrustedArtifactError
from rlkit.models.ppo import PPO
from rlkit.storage import trust
from rlkit.storage.packing import Packed, code_is_signed, environment_is_signed, open_class, pack, state_of

STATE = {"algorithm": "ppo", "weights": np.arange(3.0)}


class Mark:
    """Leaves a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def own(monkeypatch):
    """A class as a notebook has one: no other process could import it."""
    namespace = {"__name__": "__main__", "PPO": PPO}
    exec("class Own(PPO):\n    algorithm = 'own'\n    def double(self, x):\n        return 2 * x\n", namespace)  # noqa: S102
    return namespace["Own"]


def test_a_model_of_a_class_that_can_be_imported_is_its_state_alone():
    objects = pack(STATE, PPO)
    assert set(objects) == set(pack(STATE)) == {"state"}
    assert state_of(objects)["weights"].tolist() == [0, 1, 2]


def code_alone(data, signature=""):
    return {**pack(STATE), "code": Packed(data, signature)}


def test_a_class_of_a_notebook_is_packed_and_signed(own):
    objects = pack(STATE, own)
    assert code_is_signed(objects)
    opened = open_class(objects, "it")
    assert opened is not own
    assert opened.double(None, 4) == 8


def test_where_no_key_can_be_written_it_is_packed_unsigned(own, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("RLKIT_TRUST_DIR", str(tmp_path / "file"))
    objects = pack(STATE, own)
    assert objects["code"].signature == ""
    with pytest.raises(UntrustedArtifactError):
        open_class(objects, "it")
    assert open_class(objects, "it", trusted=True).double(None, 4) == 8


@pytest.mark.parametrize("signature", ["", "0" * 64, "é", None, 5])
def test_nothing_that_is_not_signed_is_opened_and_the_refusal_says_what_it_would_run(tmp_path, signature):
    mark = tmp_path / "mark"
    with pytest.raises(UntrustedArtifactError, match=r"x:1 holds a class of its own.*\n.*posix\.mkdir.*trust=True"):
        open_class(code_alone(pickle.dumps(Mark(mark), 4), signature), "x:1")
    assert not mark.exists()


def test_a_signature_of_other_code_is_none(own, tmp_path):
    signature = pack(STATE, own)["code"].signature
    with pytest.raises(UntrustedArtifactError):
        open_class(code_alone(pickle.dumps(Mark(tmp_path / "mark"), 4), signature), "x:1")
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    "other",
    [
        {**STATE, "algorithm": "own"},
        {**STATE, "config": {"gamma": 0.5}},
        {**STATE, "weights": np.arange(4.0)},
        {**STATE, "weights": np.array([0.0, 1.0, 2.5])},
    ],
    ids=["algorithm", "config", "shape", "weights"],
)
def test_a_signature_holds_for_a_class_with_one_state_and_not_beside_another(own, other):
    objects = pack(STATE, own)
    for moved in (pack(other) | {"code": objects["code"]}, {"code": objects["code"]}):
        assert not code_is_signed(moved)
        with pytest.raises(UntrustedArtifactError, match="for another state"):
            open_class(moved, "x:1")


def test_no_signature_of_one_kind_is_taken_for_another(own):
    """Neither that of an older rlkit, which signed a class alone, nor that of an environment."""
    objects = pack({**STATE, "env_id": "walk:Walk-v0"}, own, sign_environment=True)
    state, code = objects["state"], objects["code"]
    older = hmac.new(
        Path(os.environ["RLKIT_TRUST_DIR"], "trust.key").read_bytes(), b"rlkit code 1\0" + code.data, "sha256"
    )
    assert environment_is_signed(objects, {"env_id": "walk:Walk-v0"})
    for signature in (older.hexdigest(), state.signature, trust.sign(code.data)):
        moved = {"state": Packed(state.data, code.signature), "code": Packed(code.data, signature)}
        assert not environment_is_signed(moved, {"env_id": "walk:Walk-v0"})
        with pytest.raises(UntrustedArtifactError, match="an older rlkit made it"):
            open_class(moved, "x:1")
        assert open_class(moved, "x:1", trusted=True).algorithm == "own"


def test_an_environment_is_not_signed_beside_another_class(own):
    objects = pack({**STATE, "env_id": "walk:Walk-v0"}, own, sign_environment=True)
    assert environment_is_signed(objects, {"env_id": "walk:Walk-v0"})
    del objects["code"]
    assert not environment_is_signed(objects, {"env_id": "walk:Walk-v0"})


def test_a_signature_of_another_user_is_none(own, tmp_path, monkeypatch):
    objects = pack(STATE, own)
    monkeypatch.setenv("RLKIT_TRUST_DIR", str(tmp_path / "other"))
    with pytest.raises(UntrustedArtifactError):
        open_class(objects, "x:1")
    assert not (tmp_path / "other").exists()


def test_code_that_imports_nothing_by_name_is_refused_all_the_same():
    with pytest.raises(UntrustedArtifactError, match="reaches for nothing by name"):
        open_class(code_alone(pickle.dumps([1], 4)), "x:1")


def test_objects_without_a_state_are_damage():
    with pytest.raises(CorruptArtifactError, match="no state"):
        state_of({"code": Packed(b"")})


def test_a_model_whose_class_has_no_name_of_its_own_is_refused(tmp_path):
    class Unnamed(PPO):
        pass

    model = Unnamed(env="CartPole-v1", seed=0)
    with pytest.raises(rlkit.RLKitError, match="would come back as 'ppo'") as refused:
        model.save(tmp_path / "x.rlkit")
    assert '@rlkit.register_model("unnamed")' in refused.value.remedy
    assert list(tmp_path.iterdir()) == []
