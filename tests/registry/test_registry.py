"""Keeping models: everything or nothing, found again under the same words."""

import errno
import importlib
import os

import numpy as np
import pytest

from rlkit.errors import (
    ConfigError,
    CorruptArtifactError,
    InvalidNameError,
    InvalidReferenceError,
    ModelDefinitionError,
    ModelNotFoundError,
    QueryError,
    StateError,
    StoreError,
    UntrustedArtifactError,
)
from rlkit.registry import ModelRegistry, ModelVersion, VersionList
from rlkit.storage import codec, files


@pytest.fixture
def kept(registry, make_model):
    """Three versions of cartpole: the second is the best and the child of the first."""
    registry.register(make_model(1.0), "cartpole", tags=["baseline"], metrics={"mean_return": 100.0})
    registry.register(make_model(2.0), "cartpole", metrics={"mean_return": 500.0}, parent="cartpole:1")
    registry.register(make_model(3.0, algorithm="dqn"), "cartpole", metrics={"mean_return": float("nan")})
    registry.set_alias("cartpole", "best", 2)
    return registry


def weight(model):
    return model.state["weights"][0]


def test_opening_and_looking_around_writes_nothing(registry, folder):
    assert registry.models() == []
    assert registry.versions() == []
    assert registry.search("metrics.x > 1", order_by="-created") == []
    assert repr(registry) == f"<ModelRegistry {str(folder)!r}>"
    assert registry.folder == folder
    assert not folder.exists()


def test_a_registered_model_comes_back(registry, make_model):
    model = make_model(7.0)
    registry.register(model, "cartpole")
    loaded = registry.load("cartpole")
    assert np.array_equal(loaded.state["weights"], model.state["weights"])
    assert loaded.state["algorithm"] == "ppo"
    assert loaded.env is None
    assert loaded.metadata["wall_time"] == 1.5
    assert registry.load("cartpole", env="CartPole-v1").env == "CartPole-v1"


def test_register_returns_what_is_kept(registry, make_model):
    dataset = {"name": "trajectories", "version": "2", "sha256": "ab" * 32}
    version = registry.register(
        make_model(),
        "cartpole",
        tags=["b", "a", "b"],
        metrics={"mean_return": np.float32(0.5)},
        dataset=dataset,
        description="*first*",
    )
    assert isinstance(version, ModelVersion)
    assert version == registry.get("cartpole") == registry.versions("cartpole")[0]
    assert version.ref == "cartpole:1"
    assert version.algorithm == "ppo"
    assert version.config == {"learning_rate": 0.001, "net_arch": [64, 64]}
    assert (version.env_id, version.seed, version.num_timesteps) == ("CartPole-v1", 0, 1000)
    assert (version.num_episodes, version.wall_time) == (20, 1.5)
    assert version.tags == ("b", "a")
    assert version.metrics == {"mean_return": 0.5}
    assert version.dataset == dataset
    assert version.description == "*first*"
    assert version.parent is None
    assert version.packages["numpy"] == np.__version__
    assert version.learning_curve == {"steps": [500, 1000], "mean_return": [20.0, 40.0]}
    assert registry.search()[0].learning_curve == version.learning_curve


def test_an_untrained_model_without_environment_can_be_registered(registry, make_model):
    bare = dict.fromkeys(["env_id", "observation_space", "action_space", "learning_curve"])
    version = registry.register(make_model(num_timesteps=0, wall_time=0.0, **bare), "new")
    assert version.num_timesteps == 0
    assert version.observation_space is None
    assert version.learning_curve == {}


def test_versions_count_from_one_and_the_newest_is_meant_by_the_bare_name(kept):
    assert [version.ref for version in kept.versions("cartpole")] == ["cartpole:1", "cartpole:2", "cartpole:3"]
    assert kept.get("cartpole").version == kept.get("cartpole@latest").version == 3


def test_references_lead_to_the_model_they_name(kept):
    assert weight(kept.load("cartpole:1")) == 1.0
    assert weight(kept.load("cartpole@best")) == 2.0
    assert weight(kept.load("cartpole")) == 3.0


def test_models_are_listed_by_name(kept, make_model):
    kept.register(make_model(), "acrobot")
    assert kept.models() == ["acrobot", "cartpole"]
    assert isinstance(kept.versions(), VersionList)
    assert [version.name for version in kept.versions()] == ["acrobot"] + ["cartpole"] * 3


def test_the_parent_is_kept_as_the_version_it_meant(kept, make_model):
    assert kept.get("cartpole:2").parent == "cartpole:1"
    assert kept.register(make_model(), "child", parent="cartpole@best").parent == "cartpole:2"
    assert kept.register(make_model(), "child", parent="cartpole").parent == "cartpole:3"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("cartpol", "Did you mean 'cartpole'"),
        ("cartpole:7", "no version 7"),
        ("cartpole:7", "versions 1 to 3"),
        ("cartpole@bets", "Did you mean 'best'"),
        ("CartPole", "Did you mean 'cartpole'"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(kept, reference, said):
    for attempt in (kept.get, kept.load):
        with pytest.raises(ModelNotFoundError, match=said):
            attempt(reference)


def test_an_empty_registry_says_how_to_begin(registry):
    with pytest.raises(ModelNotFoundError, match="keeps a first version"):
        registry.get("cartpole")


def test_gaps_are_shown_in_the_list_of_versions(kept):
    kept.delete("cartpole:2")
    with pytest.raises(ModelNotFoundError, match="versions 1, 3"):
        kept.get("cartpole:2")
    kept.delete("cartpole:1")
    with pytest.raises(ModelNotFoundError, match="It has version 3"):
        kept.get("cartpole:2")


BAD = {
    "a name that leads elsewhere": ({"name": "../x"}, InvalidNameError),
    "a name with a folder": ({"name": "a/b"}, InvalidNameError),
    "a name that is no string": ({"name": None}, InvalidNameError),
    "a name in other case": ({"name": "CartPole"}, InvalidNameError),
    "a wrong tag": ({"tags": ["a b"]}, InvalidNameError),
    "one tag as a string": ({"tags": "baseline"}, InvalidNameError),
    "an infinite metric": ({"metrics": {"x": float("inf")}}, ConfigError),
    "a metric in words": ({"metrics": {"x": "good"}}, ConfigError),
    "a wrong dataset": ({"dataset": {"sha256": "x"}}, ConfigError),
    "a wrong description": ({"description": 3}, ConfigError),
    "a parent that is not there": ({"parent": "cartpole:9"}, ModelNotFoundError),
    "a parent that is no reference": ({"parent": "cartpole:"}, InvalidReferenceError),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_before_anything_is_written(kept, make_model, folder, content, case):
    arguments, error = BAD[case]
    before = content(folder)
    with pytest.raises(error):
        kept.register(make_model(), **{"name": "cartpole", **arguments})
    assert content(folder) == before


def test_bad_models_are_refused_before_anything_is_written(kept, make_model, folder, content):
    before = content(folder)
    model = make_model()
    model.state["optimizer"] = {"x": object()}
    with pytest.raises(StateError, match=r"state\['optimizer'\]\['x'\] is a builtins\.object"):
        kept.register(model, "cartpole")
    with pytest.raises(StateError, match="JSON"):
        kept.register(make_model(env_kwargs={"x": object()}), "cartpole")
    with pytest.raises(ModelDefinitionError, match=r"register\(model, 'name'\)"):
        kept.register("cartpole", make_model())
    assert content(folder) == before


@pytest.mark.parametrize("call", ["fsync", "open", "link"])
@pytest.mark.parametrize("fails_at", range(8))
def test_a_register_that_fails_leaves_at_most_garbage_and_the_next_one_works(
    kept, make_model, monkeypatch, call, fails_at
):
    known = [version.ref for version in kept.versions()]
    calls = 0
    real = getattr(os, call)

    def failing(*arguments, **more):
        nonlocal calls
        calls += 1
        if calls > fails_at:
            raise OSError(errno.EIO, "fault")
        return real(*arguments, **more)

    monkeypatch.setattr(files.os, call, failing)
    try:
        version = kept.register(make_model(9.0), "cartpole")
    except StoreError:
        version = None
    monkeypatch.undo()
    reader = ModelRegistry(kept.folder)
    after = [version.ref for version in reader.versions()]
    assert after in (known, [*known, "cartpole:4"])
    assert version is None or after[-1] == version.ref
    assert not list(kept.folder.rglob("*.tmp"))
    for ref in after:
        record = reader._store.read_manifest(*reader._resolve(reader_reference(ref)))["objects"]["state"]
        codec.decode(reader._store.read_object(record))
    assert kept.register(make_model(), "cartpole").version == len(after) + 1


def reader_reference(ref):
    return importlib.import_module("rlkit.registry.names").parse_reference(ref)


def test_an_alias_moves(kept):
    assert kept.set_alias("cartpole", "best", 3).aliases == ("best",)
    assert weight(kept.load("cartpole@best")) == 3.0
    assert kept.get("cartpole:2").aliases == ()


def test_an_alias_can_be_deleted_and_its_version_stays(kept):
    kept.delete_alias("cartpole", "best")
    with pytest.raises(ModelNotFoundError, match="no alias 'best'"):
        kept.get("cartpole@best")
    with pytest.raises(ModelNotFoundError, match="no alias 'best'"):
        kept.delete_alias("cartpole", "best")
    assert kept.get("cartpole:2").aliases == ()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("cartpole", "latest", 1), InvalidNameError),
        (("cartpole", "a b", 1), InvalidNameError),
        (("../x", "best", 1), InvalidNameError),
        (("cartpole", "best", 9), ModelNotFoundError),
        (("pendulum", "best", 1), ModelNotFoundError),
        (("cartpole", "best", "2"), InvalidReferenceError),
        (("cartpole", "best", True), InvalidReferenceError),
    ],
)
def test_aliases_that_cannot_be_set_change_nothing(kept, folder, content, arguments, error):
    before = content(folder)
    with pytest.raises(error):
        kept.set_alias(*arguments)
    assert content(folder) == before


def test_the_alias_latest_cannot_be_deleted(kept):
    with pytest.raises(InvalidNameError, match="reserved"):
        kept.delete_alias("cartpole", "latest")


def test_a_deleted_version_is_gone_and_its_number_never_comes_back(kept, make_model):
    kept.delete("cartpole:3")
    assert kept.get("cartpole").version == 2
    with pytest.raises(ModelNotFoundError, match="no version 3"):
        kept.load("cartpole:3")
    assert kept.register(make_model(), "cartpole").version == 4


def test_a_model_whose_versions_are_all_deleted_is_gone_but_keeps_counting(kept, make_model):
    for number in (1, 2, 3):
        kept.delete(f"cartpole:{number}")
    assert kept.models() == []
    assert kept.versions() == []
    with pytest.raises(ModelNotFoundError, match="keeps no model 'cartpole'"):
        kept.get("cartpole")
    assert kept.register(make_model(), "cartpole").ref == "cartpole:4"


def test_an_alias_of_a_deleted_version_points_nowhere(kept):
    kept.delete("cartpole@best")
    with pytest.raises(ModelNotFoundError, match="no alias 'best'"):
        kept.get("cartpole@best")
    assert [version.ref for version in kept.versions()] == ["cartpole:1", "cartpole:3"]


def test_a_bare_name_is_never_deleted(kept, folder, content):
    before = content(folder)
    with pytest.raises(InvalidReferenceError, match=r"delete\('cartpole:3'\)"):
        kept.delete("cartpole")
    for reference in ("cartpole:9", "cartpole@x", "pendulum:1", "pendulum"):
        with pytest.raises(ModelNotFoundError):
            kept.delete(reference)
    assert content(folder) == before


@pytest.mark.parametrize("reference", ["..", "../cartpole:1", "a/b", "cartpole\0", "/etc/passwd", "C:\\x", "nul"])
def test_nothing_outside_the_folder_can_be_named(kept, reference):
    for attempt in (kept.get, kept.load, kept.delete, kept.versions):
        with pytest.raises((InvalidNameError, InvalidReferenceError)):
            attempt(reference)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, [1, 2, 3]),
        ("algorithm = 'ppo'", [1, 2]),
        ("algorithm = 'ppo' and metrics.mean_return > 400", [2]),
        ("'baseline' in tags", [1]),
        ("'best' in aliases", [2]),
        ("config.learning_rate < 0.01 and version >= 2", [2, 3]),
        ("parent = 'cartpole:1'", [2]),
        ("ref in ('cartpole:1', 'cartpole:3')", [1, 3]),
        ("metrics.mean_return = none", []),
        ("packages.rlkit != none and user = user", [1, 2, 3]),
        ("created > '2020-01-01'", [1, 2, 3]),
        ("size > 0 and sha256 != none", [1, 2, 3]),
        (lambda document: document["version"] == 2, [2]),
    ],
)
def test_searches(kept, where, expected):
    assert [version.version for version in kept.search(where)] == expected


@pytest.mark.parametrize(
    ("order_by", "limit", "expected"),
    [
        ("metrics.mean_return", None, [1, 2, 3]),
        ("-metrics.mean_return", None, [2, 1, 3]),
        ("-metrics.mean_return", 1, [2]),
        ("-created", None, [3, 2, 1]),
        ("algorithm", None, [3, 1, 2]),
        ("-version", 2, [3, 2]),
        (None, 0, []),
        (None, 99, [1, 2, 3]),
    ],
)
def test_order_and_limit(kept, order_by, limit, expected):
    assert [version.version for version in kept.search(order_by=order_by, limit=limit)] == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"where": "metrics.mean_retrun > 1"}, r"Did you mean 'metrics\.mean_return'"),
        ({"where": "version = 99 and algorithm_ = 'x'"}, "Did you mean 'algorithm'"),
        ({"where": "algorithm ="}, "cannot be understood"),
        ({"where": 3}, "string or a TinyDB query"),
        ({"order_by": "-metrics.mean"}, r"Did you mean 'metrics\.mean_return'"),
        ({"order_by": "learning_curve"}, "No version has"),
        ({"limit": -1}, "limit"),
        ({"limit": 1.5}, "limit"),
    ],
)
def test_searches_that_make_no_sense_are_answered_with_help(kept, arguments, said):
    with pytest.raises(QueryError, match=said):
        kept.search(**arguments)


def test_a_flipped_byte_of_an_object_never_loads(kept):
    version = kept.get("cartpole:1")
    path = kept.folder / "objects" / version.sha256[:2] / version.sha256[2:]
    good = path.read_bytes()
    path.chmod(0o644)
    for position in range(len(good)):
        damaged = bytearray(good)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(CorruptArtifactError):
            kept.load("cartpole:1")
    path.write_bytes(good)
    assert weight(kept.load("cartpole:1")) == 1.0


def test_a_state_that_would_run_code_is_refused_though_all_hashes_are_right(kept, tmp_path):
    mark = tmp_path / "mark"

    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {mark}",)

    hostile = importlib.import_module("pickle").dumps({"algorithm": "ppo", "a": Hostile()})
    manifest = kept._store.read_manifest("cartpole", 1)
    kept._store.add_version(
        "cartpole", {**manifest, "version": 4, "objects": {"state": kept._store.put_object(hostile)}}
    )
    with pytest.raises(UntrustedArtifactError, match=r"posix\.system"):
        kept.load("cartpole:4")
    assert not mark.exists()


def test_equal_models_share_their_object(registry, make_model, folder):
    registry.register(make_model(1.0), "a")
    registry.register(make_model(1.0), "b")
    assert len([path for path in (folder / "objects").rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize("reference", ["cartpole:1", "cartpole@best"])
def test_the_versions_of_one_version_are_refused_with_the_name(registry, make_model, reference):
    registry.register(make_model(1.0), "cartpole")
    with pytest.raises(InvalidNameError, match="Give the name alone: 'cartpole'"):
        registry.versions(reference)
