"""What a model is kept as, and that code is opened only where it is trusted."""

import os
import pickle

import numpy as np
import pytest

import rlkit
from rlkit.errors import CorruptArtifactError, UntrustedArtifactError
from rlkit.models.ppo import PPO
from rlkit.storage import trust
from rlkit.storage.packing import Packed, open_class, pack, state_of

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


def test_a_class_of_a_notebook_is_packed_and_signed(own):
    code = pack(STATE, own)["code"]
    assert trust.is_signed(code.data, code.signature)
    opened = open_class(code, "it")
    assert opened is not own
    assert opened.double(None, 4) == 8


def test_where_no_key_can_be_written_it_is_packed_unsigned(own, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("RLKIT_TRUST_DIR", str(tmp_path / "file"))
    code = pack(STATE, own)["code"]
    assert code.signature == ""
    with pytest.raises(UntrustedArtifactError):
        open_class(code, "it")
    assert open_class(code, "it", trusted=True).double(None, 4) == 8


@pytest.mark.parametrize("signature", ["", "0" * 64, "é", None, 5])
def test_nothing_that_is_not_signed_is_opened_and_the_refusal_says_what_it_would_run(tmp_path, signature):
    mark = tmp_path / "mark"
    with pytest.raises(UntrustedArtifactError, match=r"x:1 holds a class of its own.*\n.*posix\.mkdir.*trust=True"):
        open_class(Packed(pickle.dumps(Mark(mark), 4), signature), "x:1")
    assert not mark.exists()


def test_a_signature_of_other_code_is_none(own, tmp_path):
    signature = pack(STATE, own)["code"].signature
    with pytest.raises(UntrustedArtifactError):
        open_class(Packed(pickle.dumps(Mark(tmp_path / "mark"), 4), signature), "x:1")
    assert not (tmp_path / "mark").exists()


def test_a_signature_of_another_user_is_none(own, tmp_path, monkeypatch):
    code = pack(STATE, own)["code"]
    monkeypatch.setenv("RLKIT_TRUST_DIR", str(tmp_path / "other"))
    with pytest.raises(UntrustedArtifactError):
        open_class(code, "x:1")
    assert not (tmp_path / "other").exists()


def test_code_that_imports_nothing_by_name_is_refused_all_the_same():
    with pytest.raises(UntrustedArtifactError, match="reaches for nothing by name"):
        open_class(Packed(pickle.dumps([1], 4)), "x:1")


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
