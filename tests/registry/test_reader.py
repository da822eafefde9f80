"""Loading and looking at versions: from other processes, and with classes of one's own."""

import dataclasses
import importlib.machinery
import os
import shutil
import subprocess
import sys
import types

import gymnasium
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
from rlkit.storage.packing import Packed, PackedModel, pack

SMALL = {"seed": 0, "net_arch": [4], "n_steps": 16, "batch_size": 16, "n_envs": 1, "preset": None}

NOTEBOOK = """
import math
import sys
import gymnasium
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
import gymnasium
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


CELL = """
SCALE = 2.0
class Env(gym.Env):
    observation_space = gym.spaces.Box(-1, 1, (2,), "f4")
    action_space = gym.spaces.Discrete(2)
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(2, "f4"), {}
    def step(self, action):
        return np.zeros(2, "f4"), 1.0, True, False, {}
def scaled(x): return SCALE * x
class Shifted(PPO):
    shift = 1
    def moved(self, x): return scaled(x) + self.shift
    def reward(self): return Env().step(0)[1]
"""


@pytest.fixture
def run_cell():
    """Define the class as a notebook's cell does when it runs, or runs again."""

    def run_cell(source=CELL):
        names = {"__name__": "__main__", "PPO": rlkit.factory.get("ppo"), "gym": gymnasium, "np": np}
        exec(source, names)  # noqa: S102 - the tests' own
        if "shifted" in rlkit.factory.names():
            rlkit.factory.unregister("shifted")
        return rlkit.register_model("shifted")(names["Shifted"])

    yield run_cell
    if "shifted" in rlkit.factory.names():
        rlkit.factory.unregister("shifted")


@pytest.fixture
def shifted(run_cell, real):
    """A version of that class."""
    run_cell()
    model = rlkit.create("shifted", "CartPole-v1", **SMALL)
    real.register(model, "s")
    return real


CHANGES = {
    "a method": ("scaled(x) + self.shift", "scaled(x) - self.shift", "Shifted.moved"),
    "a global": ("SCALE = 2.0", "SCALE = 3.0", "SCALE"),
    "an attribute": ("shift = 1", "shift = 2", "Shifted.shift"),
    "a helper": ("SCALE * x", "SCALE + x", "scaled"),
    "an environment": ("1.0, True", "2.0, True", "Env.step"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_version_runs_the_class_that_it_was_registered_with(shifted, run_cell, kind, tmp_path):
    old, new, name = CHANGES[kind]
    changed = run_cell(CELL.replace(old, new))
    file = shifted.export_file("s:1", tmp_path / "s.rlkit")
    for load in (lambda: shifted.load("s:1"), lambda: rlkit.load(file, trust=True)):
        with pytest.warns(UserWarning, match=rf"has the class that it was kept with.*differs \({name}\)") as noted:
            model = load()
        assert [each.filename for each in noted] == [__file__]
        assert type(model) is not changed
        assert (model.moved(2), model.reward()) == (5, 1)
        assert rlkit.factory.get("shifted") is changed
    told = f"To use that: {changed.__name__}.from_state(model.get_state())"
    assert told in str(noted[0].message)
    assert type(changed.from_state(model.get_state())) is changed


def test_a_cell_that_runs_again_or_moves_changes_nothing(shifted, run_cell):
    for source in (CELL, f"# A comment.\n\n{CELL}", CELL.replace("    shift = 1", "    # It shifts.\n    shift = 1")):
        again = run_cell(source)
        assert type(shifted.load("s:1")) is again
        assert shifted.inspect("s:1").objects[1].differing == ()


def test_a_model_of_the_registered_class_is_kept_with_that_again(shifted, run_cell, tmp_path):
    run_cell(CELL.replace("shift = 1", "shift = 2"))
    with pytest.warns(UserWarning, match="has the class"):
        model = shifted.load("s:1")
    model.train(16, progress=False)
    assert shifted.register(model, "s").parent == "s:1"
    records = [shifted._manifest("s", number)["objects"]["code"]["sha256"] for number in (1, 2)]
    assert records[0] == records[1]
    with pytest.warns(UserWarning, match="has the class"):
        assert rlkit.load(model.save(tmp_path / "x.rlkit")).shift == 1


def test_versions_are_compared_by_their_classes_too(shifted, run_cell):
    assert shifted.diff("s:1", "s:1").code == ()
    run_cell(CELL.replace("scaled(x) + self.shift", "scaled(x)").replace("2.0", "2.5"))
    shifted.register(rlkit.create("shifted", "CartPole-v1", **SMALL), "s")
    difference = shifted.diff("s:1", "s:2")
    assert difference.same_state
    assert not difference.is_empty
    assert [each.name for each in difference.code] == ["Shifted.moved", "SCALE"]
    assert difference.code[1] == ("SCALE", "2.0", "2.5")
    for shown in (repr(difference), difference._repr_html_()):
        assert "Shifted.moved" in shown
        assert "2.5" in shown
    assert shifted.inspect("s:1").objects[1].differing == ("Shifted.moved", "SCALE")
    assert "differs from the class that is here in Shifted.moved, SCALE" in repr(shifted.inspect("s:1"))
    shifted.register(rlkit.create("ppo", "CartPole-v1", **SMALL), "s")
    told = ("class", "__main__:Shifted, kept with it", "rlkit.models.ppo:PPO")
    assert shifted.diff("s:2", "s:3").code == (told,)


@pytest.mark.usefixtures("shifted")
def test_anothers_class_gives_way_to_the_one_that_is_here_only_where_they_are_the_same(
    run_cell, real, tmp_path, monkeypatch
):
    file = real.export_file("s:1", tmp_path / "s.rlkit")
    monkeypatch.setenv("RLKIT_TRUST_DIR", str(tmp_path / "stranger"))
    same = run_cell()
    assert type(real.load("s:1")) is type(rlkit.load(file)) is same
    other = run_cell(CELL.replace("shift = 1", "shift = 2"))
    with pytest.raises(UntrustedArtifactError, match=r"Shifted\.load\(file\) takes .* \(Shifted\.shift\)"):
        real.load("s:1")
    assert type(other.load(file)) is other


def test_where_a_class_of_a_notebook_took_the_name_of_a_modules_there_is_a_note(real, run_cell, monkeypatch):
    module = types.ModuleType("agents")
    module.__spec__ = importlib.machinery.ModuleSpec("agents", None)
    monkeypatch.setitem(sys.modules, "agents", module)
    run_cell(f"__name__ = 'agents'\n{CELL}")
    module.Shifted = rlkit.factory.get("shifted")
    real.register(rlkit.create("shifted", "CartPole-v1", **SMALL), "s")
    assert "code" not in real._manifest("s", 1)["objects"]
    assert real.load("s:1").shift == 1
    taken = run_cell()
    with pytest.warns(
        UserWarning, match="s:1 was registered with agents:Shifted, and has __main__:Shifted now"
    ) as noted:
        assert type(real.load("s:1")) is taken
    assert [each.filename for each in noted] == [__file__]


def test_code_of_another_python_gives_way_to_the_class_that_is_here(shifted, run_cell):
    packed = shifted.load("s:1").packed()
    code = packed.objects["code"]
    tag = sys.implementation.cache_tag
    foreign = code.data.replace(tag.encode(), f"{tag[:-1]}x".encode())
    objects = {**packed.objects, "code": Packed(foreign)}
    here = run_cell(CELL.replace("shift = 1", "shift = 2"))
    with pytest.warns(UserWarning, match="in code of another Python: the one that is here is used"):
        assert type(rlkit.factory.rebuild(objects)) is here


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
    assert kept.inspect(file).objects == kept.inspect(str(file)).objects
    assert kept.inspect(file).objects == (state, dataclasses.replace(code, trusted=False))


@pytest.mark.usefixtures("notebook")
@pytest.mark.parametrize("exported", [False, True])
def test_a_class_travels_in_a_file_and_is_trusted_where_this_user_saved_it(real, tmp_path, monkeypatch, exported):
    path = tmp_path / "x.rlkit"
    file = real.export_file("mine", path) if exported else real.load("mine").save(path)
    other = ModelRegistry(tmp_path / "other")
    other.import_file(file, "mine")
    if not exported:
        assert type(other.load("mine")).__name__ == type(rlkit.load(file)).__name__ == "Own"
    assert (b"signature" in path.read_bytes()) is not exported
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
