"""Ids of environments that a module registers, and whom they may make import it."""

from __future__ import annotations

import hashlib
import sys

import gymnasium
import pytest

import rlkit
from rlkit.envs import EnvironmentSource, reward_threshold
from rlkit.envs.ids import find_spec, saved_id
from rlkit.errors import UnknownEnvironmentError, UntrustedArtifactError
from rlkit.models.ppo import PPO
from rlkit.registry import ModelRegistry
from rlkit.storage import trust
from rlkit.storage.archive import read_archive, write_archive
from rlkit.storage.packing import STATE, Packed, PackedModel

SMALL = {"preset": None, "n_steps": 8, "batch_size": 8, "n_epochs": 1, "net_arch": [4], "seed": 0}
WALK = "walk_package:Walk-v0"


@pytest.fixture
def make(walk_package):
    """Return a model of an environment that a module registers, in a process that then has not imported it."""

    def make(env=WALK, **settings):
        model = rlkit.create("ppo", env, **SMALL, **settings)
        walk_package()
        return model

    return make


@pytest.fixture
def nobodys(monkeypatch, tmp_path):
    """Make the key another one, as another user or machine has."""

    def nobodys():
        monkeypatch.setenv("RLKIT_TRUST_DIR", str(tmp_path / "another key"))

    return nobodys


def imported():
    return "walk_package" in sys.modules


def test_an_id_that_names_a_module_imports_it(walk_package):
    source = EnvironmentSource(WALK, {"size": 5})
    assert (source.name, source.env_id, source.env_kwargs) == ("Walk-v0", WALK, {"size": 5})
    assert EnvironmentSource(WALK).reward_threshold == reward_threshold(WALK) == 7
    assert find_spec("walk_package:Stroll").id == "Stroll-v1"
    assert find_spec("walk_package.envs:Walk-v0").id == "Walk-v0"


def test_the_saved_id_names_the_module_that_registers_an_environment(walk_package):
    import walk_package as _  # noqa: F401, PLC0415 - as a person does in a notebook

    made = gymnasium.make("Walk-v0")
    for env in ("Walk-v0", made, WALK, gymnasium.make_vec("Walk-v0", 2)):
        assert EnvironmentSource(env).env_id == WALK
    assert EnvironmentSource("walk_package.envs:Walk-v0").env_id == "walk_package.envs:Walk-v0"
    assert EnvironmentSource("walk_package:LongCartPole-v1").env_id == "walk_package:LongCartPole-v1"
    for env in ("CartPole-v1", "gymnasium:CartPole-v1", gymnasium.make("CartPole-v1")):
        assert EnvironmentSource(env).env_id == "CartPole-v1"


@pytest.mark.parametrize("entry_point", ["__main__:Walk", "collections:Counter", "never_imported:Walk", None, dict])
def test_a_module_that_does_not_register_is_not_saved(entry_point):
    assert saved_id(gymnasium.envs.registration.EnvSpec("Some-v0", entry_point)) == "Some-v0"


@pytest.mark.parametrize(
    ("env_id", "says"),
    [
        ("walk_package:Wak-v0", "'walk_package' registers no environment 'Wak-v0'.\nDid you mean 'Walk-v0'"),
        ("walk_package:Walk-v7", "Did you mean 'Walk-v"),
        ("walk_package:zzzzzzzz", "Name the module that registers it"),
        ("no_module:Env-v0", "needs the module 'no_module', which is not installed"),
        ("walk_package.no:Env-v0", "needs the module 'walk_package.no', which is not installed"),
        (":Env-v0", "Write an id such as 'CartPole-v1', or 'module:My-v0'"),
        ("a:b:c", "Write an id such as 'CartPole-v1', or 'module:My-v0'"),
        ("../x:Env-v0", "Write an id such as 'CartPole-v1', or 'module:My-v0'"),
        ("Walk-v0", "'package:Walk-v0', or import it first"),
        ("MyCartPole-v1", "Did you mean 'CartPole-v1'? If a package registers it"),
    ],
)
def test_an_id_that_is_not_found_says_what_would_be_right(walk_package, env_id, says):
    with pytest.raises(UnknownEnvironmentError) as refused:
        EnvironmentSource(env_id)
    assert says in str(refused.value)


def test_a_version_that_is_wrong_suggests_no_package():
    with pytest.raises(UnknownEnvironmentError) as refused:
        EnvironmentSource("CartPole-v7")
    assert "package" not in str(refused.value)


@pytest.mark.parametrize("content", ["1 / 0", "import no_such_module_at_all"])
def test_a_module_that_fails_is_told_with_its_error(walk_package, content):
    (walk_package() / "failing_module.py").write_text(content)
    with pytest.raises(UnknownEnvironmentError, match=r"whose import fails: \w+Error"):
        EnvironmentSource("failing_module:Env-v0")


def test_a_preset_is_found_behind_the_module():
    assert rlkit.create("ppo", "gymnasium:CartPole-v1").config.sources["n_steps"] == "preset CartPole-v1"


def test_an_environment_is_given_with_its_module_everywhere(walk_package, tmp_path):
    model = rlkit.create("ppo", WALK, env_kwargs={"size": 2}, **SMALL)
    path = model.save(tmp_path / "model.rlkit")
    uses = [
        lambda: model.build(WALK),
        lambda: model.evaluate(1, env=WALK),
        lambda: model.watch(env=WALK, max_steps=3),
        lambda: model.train(8, callbacks=rlkit.callbacks.EvaluateEvery(8, 1, env=WALK)),
        lambda: rlkit.load(path, env=WALK),
        lambda: rlkit.environment(WALK),
        lambda: rlkit.ui.create("ppo", WALK),
    ]
    for use in uses:
        walk_package()
        use()
        assert imported()


def keep(model, how, tmp_path):
    """Save or register a model, and return what loads it."""
    if how == "file":
        path = model.save(tmp_path / "model.rlkit")
        return lambda **options: rlkit.load(path, **options)
    if how == "class":
        path = model.save(tmp_path / "model.rlkit")
        return lambda **options: PPO.load(path, **options)
    registry = ModelRegistry(tmp_path / "registry")
    registry.register(model, "walk")
    if how == "registry":
        return lambda **options: registry.load("walk", **options)
    path = tmp_path / "walk.rlkit"
    other = ModelRegistry(tmp_path / "other")
    other.import_file(model.save(path) if how == "imported" else registry.export_file("walk", path), "taken")
    return lambda **options: other.load("taken", **options)


@pytest.mark.parametrize("how", ["file", "class", "registry", "imported"])
def test_what_this_user_kept_imports_the_module_when_the_environment_is_made(make, tmp_path, how):
    loaded = keep(make(), how, tmp_path)()
    assert loaded.predict([0.0, 0.0]) in (0, 1)
    assert not imported()
    loaded.train(8)
    assert imported()
    assert (loaded.env_name, loaded.metadata["env_id"]) == ("Walk-v0", WALK)


@pytest.mark.parametrize("how", ["file", "class", "registry", "imported", "exported"])
def test_what_somebody_else_kept_imports_nothing_and_names_the_module(make, nobodys, tmp_path, how):
    load = keep(make(), how, tmp_path)
    if how != "exported":  # which is for others from the start
        nobodys()
    loaded = load()
    assert loaded.predict([0.0, 0.0]) in (0, 1)
    assert loaded.reward_threshold is None
    assert repr(loaded)
    assert loaded._repr_html_()
    for use in (loaded.train, loaded.evaluate, loaded.watch, loaded.check_evaluation):
        with pytest.raises(UntrustedArtifactError, match=r"import the module 'walk_package'[\s\S]*trust=True"):
            use()
    again = rlkit.load(loaded.save(tmp_path / "again.rlkit"))
    with pytest.raises(UntrustedArtifactError):  # saving it does not say that it is trusted
        again.train(8)
    copied = PPO.from_state(loaded.get_state())
    with pytest.raises(UntrustedArtifactError):
        copied.train(8)
    assert not imported()
    if how != "class":
        load(trust=True).train(8)
        assert imported()


def test_what_somebody_else_kept_trains_where_nothing_needs_to_be_imported(make, nobodys, tmp_path, walk_package):
    load = keep(make(), "file", tmp_path)
    nobodys()
    assert load(env=gymnasium.make(WALK)).train(8)
    assert load().train(8)
    walk_package()
    gymnasium.register("Walk-v0", lambda: gymnasium.make("CartPole-v1"))
    with pytest.raises(rlkit.RLKitError, match="observation space"):
        load().train(8)
    assert not imported()


def test_inspection_shows_the_module_and_whether_it_is_trusted(make, nobodys, tmp_path):
    registry = ModelRegistry(tmp_path / "registry")
    registry.register(make(), "walk")
    file = registry.export_file("walk", tmp_path / "walk.rlkit")
    found = registry.inspect("walk").environment
    assert (found.env_id, found.module, found.trusted) == (WALK, "walk_package", True)
    assert not registry.inspect(file).environment.trusted
    nobodys()
    assert not registry.inspect("walk").environment.trusted
    registry.register(rlkit.create("ppo", "CartPole-v1", **SMALL), "pole")
    assert registry.inspect("pole").environment is None
    assert not imported()


def test_an_environment_that_is_trusted_is_signed_when_it_is_kept_again(make, nobodys, tmp_path, walk_package):
    load = keep(make(), "file", tmp_path)
    nobodys()
    trusted = keep(load(trust=True), "registry", tmp_path)()
    trusted.train(8)
    assert imported()


def test_a_signature_holds_for_one_state_and_for_environments_alone(make, tmp_path):
    path = make().save(tmp_path / "model.rlkit")
    packed, other = read_archive(path), read_archive(make("walk_package:Stroll-v1").save(tmp_path / "b.rlkit"))
    for signature in (
        other.objects[STATE].signature,
        trust.sign(hashlib.sha256(packed.objects[STATE].data).digest()),  # as if it were code
        "",
        "0" * 64,
    ):
        objects = {STATE: Packed(packed.objects[STATE].data, signature)}
        write_archive(path, PackedModel(packed.metadata, objects))
        with pytest.raises(UntrustedArtifactError):
            rlkit.load(path).train(8)
    assert not imported()


def test_a_model_of_gymnasiums_own_environment_is_not_signed(tmp_path):
    packed = rlkit.create("ppo", "CartPole-v1", **SMALL).packed()
    assert packed.objects[STATE].signature == ""


def test_a_version_that_names_no_module_says_how_to_name_it(make, tmp_path):
    model = make()
    model._env_id = "Walk-v0"  # as an older rlkit saved it
    loaded = rlkit.load(model.save(tmp_path / "model.rlkit"))
    with pytest.raises(UnknownEnvironmentError, match="'package:Walk-v0', or import it first"):
        loaded.train(8)


def test_nothing_that_shows_a_model_imports_its_module(make, nobodys, tmp_path):
    registry = ModelRegistry(tmp_path / "registry")
    version = registry.register(make(), "walk")
    nobodys()
    for shown in (
        version,
        registry.card("walk"),
        registry.inspect("walk"),
        registry.versions(),
        registry.lineage("walk"),
    ):
        assert repr(shown)
    assert version.env_id == WALK
    assert registry.verify().ok
    assert registry.compare("walk", "walk:1")
    assert not imported()


def test_going_back_to_an_earlier_state_keeps_what_is_trusted(make, tmp_path):
    loaded = keep(make(), "file", tmp_path)()
    loaded.set_state(loaded.get_state())
    loaded.train(8)
    assert imported()


def test_environments_of_a_module_are_listed(walk_package):
    assert [each.id for each in rlkit.environments("walk_package:")] == ["Stroll-v1", "Walk-v0"]
    assert [each.id for each in rlkit.environments("walk_package:str")] == ["Stroll-v1"]
    assert rlkit.environments("walk_package:zzz") == []
    with pytest.raises(UnknownEnvironmentError, match="not installed"):
        rlkit.environments("no_module:")
