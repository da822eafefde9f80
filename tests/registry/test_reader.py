"""Loading and looking at versions: from other processes, and with classes of one's own."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import rlkit
from rlkit.errors import (
    CorruptArtifactError,
    InvalidReferenceError,
    ModelDefinitionError,
    ModelNotFoundError,
    StoreError,
    UnknownAlgorithmError,
    UntrustedArtifactError,
)
from rlkit.registry import ModelRegistry
from rlkit.registry.comparison import Comparison, Difference
from rlkit.registry.lineage import Lineage
from rlkit.registry.model_card import ModelCard
from rlkit.storage.packing import PackedModel, pack

SMALL = {"seed": 0, "net_arch": [4], "n_steps": 16, "batch_size": 16, "n_envs": 1, "preset": None}

NOTEBOOK = """
import math
import sys
import numpy as np
import rlkit
from rlkit.models.ppo import PPO

SCALE = 3.0

def scaled(x):
    return SCALE * np.asarray(x)

@rlkit.register_model("own")
class Own(PPO):
    class Config(PPO.Config):
        bonus: float = rlkit.hyperparameter(0.5, "A bonus.", ge=0.0)
    def tripled(self, x):
        return scaled(x).tolist()

model = rlkit.create("own", "CartPole-v1", seed=0, net_arch=[4], n_steps=16, batch_size=16, bonus=0.25, preset=None)
model.train(32, progress=False)
print(rlkit.registry(sys.argv[1]).register(model, "mine").ref)
print(model.predict(np.ones((3, 4), "f4")).tolist())
"""

ELSEWHERE = """
import sys
import numpy as np
import rlkit
registry = rlkit.registry(sys.argv[1])
try:
    model = registry.load("mine:1", trust="trust" in sys.argv)
except rlkit.RLKitError as error:
    print(type(error).__name__, error)
else:
    print(model.predict(np.ones((3, 4), "f4")).tolist())
    print(model.tripled([1, 2]), model.config.bonus, type(model).__name__)
    model.train(16, progress=False)
    print(registry.register(model, "mine").parent)
"""


def run(program, *arguments, **environment):

    done = subprocess.run(
        [sys.executable, "-W", "error", "-", *map(str, arguments)],
        input=program,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store with a version whose class is defined in a notebook, and what that notebook printed."""
    folder = tmp_path_factory.mktemp("made") / "store"
    return folder, run(NOTEBOOK, folder)


@pytest.fixture
def notebook(made, folder):
    """Copy that store into the test's own; return what the notebook printed."""
    shutil.copytree(made[0], folder, dirs_exist_ok=True)
    return made[1]


@pytest.fixture
def real(folder):
    return ModelRegistry(folder)


@pytest.fixture
def kept(real):
    model = rlkit.create("ppo", "CartPole-v1", **SMALL)
    real.register(model, "a", metrics={"mean_return": 1.0})
    model.train(16, progress=False)
    real.register(model, "a", metrics={"mean_return": 2.0}, parent="a:1", description="*second*")
    return real


def test_a_class_of_a_notebook_is_loaded_in_another_process_without_its_source(notebook, folder):
    ref, actions = notebook
    assert ref == "mine:1"
    again, own, parent = run(ELSEWHERE, folder)
    assert again == actions
    assert own == "[3.0, 6.0] 0.25 Own"
    assert parent == "mine:1"


def test_another_users_class_is_run_only_on_his_word(notebook, folder, tmp_path):
    _, actions = notebook
    stranger = {"RLKIT_TRUST_DIR": str(tmp_path / "stranger")}
    refusal = run(ELSEWHERE, folder, **stranger)
    assert refusal[0].startswith("UntrustedArtifactError mine:1 holds a class of its own")
    assert "rlkit.models.ppo.PPO" in refusal[1]
    assert "trust=True" in refusal[1]
    assert not (tmp_path / "stranger").exists()
    assert run(ELSEWHERE, folder, "trust", **stranger)[0] == actions


@pytest.mark.usefixtures("notebook")
def test_a_class_that_is_known_here_is_taken_and_the_one_that_is_kept_not_opened(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_TRUST_DIR", str(tmp_path / "stranger"))

    class Mine(rlkit.factory.get("ppo")):
        class Config(rlkit.factory.get("ppo").Config):
            bonus: float = 0.0

    rlkit.register_model("own")(Mine)
    try:
        assert type(ModelRegistry(folder).load("mine:1")) is Mine
    finally:
        rlkit.factory.unregister("own")


def test_a_class_of_a_module_is_asked_for_by_the_modules_name(kept, folder):
    store = kept._store
    state = {**rlkit.create("ppo", "CartPole-v1", **SMALL).get_state(), "algorithm": "theirs"}

    class Theirs:
        def packed(self, *, slim=False):
            return PackedModel({"algorithm": "theirs", "model_class": "their_models.ppo:Theirs"}, pack(state))

    kept.register(Theirs(), "b")
    with pytest.raises(UnknownAlgorithmError, match=r"b:1 needs its class.*\n.*import their_models\.ppo"):
        kept.load("b:1")
    assert store.exists("b", 1)


def test_code_that_is_no_model_class_is_refused(kept):
    class Liar:
        def packed(self, *, slim=False):
            packed = rlkit.create("ppo", "CartPole-v1", **SMALL).packed()
            state = {**kept.load("a:1").get_state(), "algorithm": "liar"}
            namespace = {"__name__": "__main__"}
            exec("class Liar: pass", namespace)  # noqa: S102 - as a notebook would
            return PackedModel(packed.metadata, pack(state, namespace["Liar"]))

    kept.register(Liar(), "b")
    with pytest.raises(ModelDefinitionError, match="Liar"):
        kept.load("b:1")


def test_versions_are_compared_told_apart_and_described(kept):
    assert isinstance(kept.compare("a:1", "a:2"), Comparison)
    assert kept.compare("a:1", "a@latest").metrics == {"a:1": {"mean_return": 1.0}, "a:2": {"mean_return": 2.0}}
    difference = kept.diff("a:1", "a:2")
    assert isinstance(difference, Difference)
    changes = difference.parameters
    assert set(changes) == set(kept.load("a:1").parameters)
    arrays = [kept.load(ref).parameters for ref in ("a:1", "a:2")]
    for name, change in changes.items():
        assert change.left == pytest.approx(np.linalg.norm(arrays[0][name]))
        assert change.change == pytest.approx(np.linalg.norm(arrays[1][name] - arrays[0][name]))
    assert isinstance(kept.lineage("a:1"), Lineage)
    assert kept.lineage("a:1").children == ["a:2"]
    assert kept.lineage("a:2").ancestors == ["a:1"]
    assert isinstance(kept.card("a"), ModelCard)
    assert "*second*" in str(kept.card("a:2"))


def test_lineage_goes_over_renames(kept):
    kept.rename("a", "b")
    assert kept.lineage("b:1").children == ["b:2"]
    assert kept.lineage("a:2").ancestors == ["b:1"]


def test_one_version_alone_is_no_comparison(kept):
    with pytest.raises(InvalidReferenceError, match="two versions"):
        kept.compare("a:1")


@pytest.mark.usefixtures("notebook")
def test_inspection_opens_nothing(kept, tmp_path):
    inspection = kept.inspect("a:1")
    assert (inspection.source, inspection.is_plain) == ("a:1", True)
    state, code = kept.inspect("mine").objects
    assert (state.kind, state.trusted, state.imports) == ("state", None, ())
    assert (code.kind, code.trusted) == ("code", True)
    assert "rlkit.models.ppo.PPO" in code.imports
    file = kept.export_file("mine", tmp_path / "x.rlkit")
    assert kept.inspect(file).objects == kept.inspect(str(file)).objects == kept.inspect("mine").objects


@pytest.mark.usefixtures("notebook")
def test_a_class_travels_in_a_file_and_stays_as_trusted_as_it_was(real, tmp_path, monkeypatch):
    file = real.export_file("mine", tmp_path / "x.rlkit")
    other = ModelRegistry(tmp_path / "other")
    other.import_file(file)
    assert type(other.load("mine")).__name__ == type(rlkit.load(file)).__name__ == "Own"
    monkeypatch.setenv("RLKIT_TRUST_DIR", str(tmp_path / "stranger"))
    for load in (lambda **told: other.load("mine", **told), lambda **told: rlkit.load(file, **told)):
        with pytest.raises(UntrustedArtifactError, match="trust=True"):
            load()
        assert load(trust=True).tripled([1]) == [3.0]


def test_a_spoiled_object_is_never_loaded(kept):
    record = kept._manifest("a", 1)["objects"]["state"]
    path = kept._store.object_path(record["sha256"])
    path.chmod(0o644)
    for data in (path.read_bytes()[:-1], path.read_bytes() + b"x", b"", bytes(record["size"])):
        path.write_bytes(data)
        for look in (kept.load, kept.inspect):
            with pytest.raises(CorruptArtifactError, match="is not what was kept"):
                look("a:1")
    assert kept.get("a:1").ref == "a:1"


def test_an_alias_is_answered_with_the_nearest(kept):
    kept.set_alias("a", "production", 1)
    with pytest.raises(ModelNotFoundError, match="no alias 'production2'") as refused:
        kept.load("a@production2")
    assert "Did you mean 'production'?" in refused.value.remedy


def test_latest_is_suggested_only_where_it_is_near(kept):
    kept.set_alias("a", "best", 1)
    kept.delete_alias("a", "best")
    none = "It has no aliases: 'a' alone means its newest version."
    for alias, remedy in {"best": none, "latest2": "Did you mean 'latest'?"}.items():
        with pytest.raises(ModelNotFoundError) as refused:
            kept.load(f"a@{alias}")
        assert refused.value.remedy == remedy
    kept.set_alias("a", "production", 1)
    with pytest.raises(ModelNotFoundError) as refused:
        kept.load("a@best")
    assert refused.value.remedy == "Choose from production."


def test_an_alias_of_an_older_registry_that_looks_like_a_version_is_followed_and_can_be_deleted(kept):
    kept._store.update_meta("a", lambda meta: meta["aliases"].update({"v1": 1, "1": 1}))
    assert kept.load("a@v1") is not None
    assert kept.get("a@1").ref == "a:1"
    assert kept.get("a:1").aliases == ("1", "v1")
    kept.delete_alias("a", "v1")
    kept.delete_alias("a", "1")
    assert kept.get("a:1").aliases == ()


def test_a_search_in_an_order_is_shown_from_its_head_and_any_other_by_what_is_newest(registry, make_model):
    for _ in range(2):
        registry.register(make_model(), "cartpole")
    assert registry.search(order_by="-version")._ranked
    assert not registry.search()._ranked
    assert not registry.versions()._ranked


def test_a_change_by_anybody_changes_the_token(registry, folder, make_model):
    tokens = [registry.change_token()]
    for change in (
        lambda other: other.register(make_model(), "a"),
        lambda other: other.tag("a", "x"),
        lambda other: other.delete("a:1"),
    ):
        change(ModelRegistry(folder))
        tokens.append(registry.change_token())
    assert len(set(tokens)) == len(tokens)


def test_a_folder_that_is_a_file_has_no_token(registry, folder):
    folder.write_text("a file")
    with pytest.raises(StoreError):
        registry.change_token()
