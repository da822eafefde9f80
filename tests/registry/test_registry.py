"""Keeping models: everything or nothing, found again under the same words."""

import errno
import importlib
import os

import numpy as np
import pytest

import rlkit
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
from rlkit.storage.documents import lines_of


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
    kept.gc()
    with pytest.raises(ModelNotFoundError, match="versions 1, 3"):
        kept.get("cartpole:2")
    kept.delete("cartpole:1")
    kept.gc()
    with pytest.raises(ModelNotFoundError, match="It has version 3"):
        kept.get("cartpole:2")


def test_a_deleted_version_is_said_to_be_in_the_trash(kept):
    kept.delete("cartpole:2")
    with pytest.raises(ModelNotFoundError, match=r"restore\('cartpole:2'\)"):
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
        ({"order_by": "learning_curve"}, "A version has no field"),
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
    told = {key: value for key, value in manifest.items() if key not in ("format", "name", "version")}
    kept._store.add_version("cartpole", lines_of({**told, "objects": {"state": kept._store.put_object(hostile)}}))
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


# -- what may change ---------------------------------------------------------------------------------------------------


def test_tags_come_and_go(kept):
    assert kept.tag("cartpole:2", "b", "a", "b").tags == ("b", "a")
    assert kept.tag("cartpole:2", "a", "c").tags == ("b", "a", "c")
    assert kept.untag("cartpole:2", "b", "c").tags == ("a",)
    assert [version.ref for version in kept.search("'a' in tags")] == ["cartpole:2"]
    with pytest.raises(ModelNotFoundError, match="no tag 'aa'") as refused:
        kept.untag("cartpole:2", "aa")
    assert "Did you mean 'a'?" in refused.value.remedy
    with pytest.raises(InvalidNameError):
        kept.tag("cartpole:2", "bad tag")
    assert kept.get("cartpole:2").tags == ("a",)


def test_tags_that_were_registered_can_be_removed(registry, make_model):
    registry.register(make_model(), "a", tags=["x", "y"])
    assert registry.untag("a:1", "x").tags == ("y",)
    assert registry.untag("a:1", "y").tags == ()


def test_metrics_are_added_and_replaced(kept):
    kept.add_metrics("cartpole:2", {"sharpe": 1.5, "drawdown": 0.2})
    assert kept.add_metrics("cartpole:2", {"sharpe": 2}).metrics == {"mean_return": 500, "sharpe": 2, "drawdown": 0.2}
    assert kept.search("metrics.sharpe > 1")[0].ref == "cartpole:2"
    with pytest.raises(ConfigError, match="sharpe"):
        kept.add_metrics("cartpole:2", {"sharpe": "good"})


def test_a_description_is_replaced(kept):
    assert kept.describe("cartpole:2", "*first*").description == "*first*"
    assert kept.describe("cartpole", "*newest*").ref == "cartpole:3"
    with pytest.raises(ConfigError, match="string"):
        kept.describe("cartpole:2", 5)


def test_a_change_that_changes_nothing_writes_nothing(kept, folder, content):
    kept.tag("cartpole:2", "a")
    before = content(folder)
    kept.tag("cartpole:2", "a")
    kept.untag("cartpole:2")
    assert content(folder) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda registry: registry.tag("nobody:1", "a"),
        lambda registry: registry.describe("nobody", "a"),
        lambda registry: registry.add_metrics("nobody@best", {"a": 1}),
        lambda registry: registry.set_alias("nobody", "best", 1),
        lambda registry: registry.delete_alias("nobody", "best"),
        lambda registry: registry.promote("nobody"),
        lambda registry: registry.rename("nobody", "somebody"),
        lambda registry: registry.prune("nobody", 1),
        lambda registry: registry.copy("nobody:1", "somebody"),
        lambda registry: registry.delete("nobody:1"),
        lambda registry: registry.restore("nobody:1"),
        lambda registry: registry.lineage("nobody"),
        lambda registry: registry.card("nobody:1"),
        lambda registry: registry.inspect("nobody:1"),
        lambda registry: registry.export_file("nobody:1", "x.rlkit"),
        lambda registry: registry.compare("nobody:1", "nobody:2"),
        lambda registry: registry.diff("nobody:1", "nobody:2"),
    ],
)
def test_what_is_not_there_is_named_and_no_folder_is_made(registry, folder, change):
    with pytest.raises(ModelNotFoundError, match="nobody"):
        change(registry)
    assert not folder.exists()


# -- promotion ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def measured(registry, make_model):
    for value in (1.0, 9.0, float("nan"), 9.0, -3.0):
        registry.register(make_model(), "a", metrics={"mean_return": value})
    registry.register(make_model(), "a", metrics={"loss": 0.5})
    return registry


def test_an_alias_is_given_to_the_best_by_a_metric(measured):
    assert measured.promote("a").ref == "a:2"
    assert measured.get("a@best").ref == "a:2"
    assert measured.promote("a", mode="min", alias="worst").ref == "a:5"
    assert measured.promote("a", "loss", alias="calm").ref == "a:6"


def test_it_moves_when_a_better_one_comes(measured, make_model):
    measured.promote("a")
    measured.register(make_model(), "a", metrics={"mean_return": 10})
    assert measured.promote("a").aliases == ("best",)
    assert measured.get("a:2").aliases == ()


def test_a_metric_that_no_version_has_is_answered_with_the_nearest(measured):
    with pytest.raises(QueryError, match="mean_retrun") as refused:
        measured.promote("a", "mean_retrun")
    assert "Did you mean 'mean_return'?" in refused.value.remedy
    with pytest.raises(QueryError, match="'max' or 'min'"):
        measured.promote("a", mode="maximum")
    with pytest.raises(InvalidNameError, match="reserved"):
        measured.promote("a", alias="latest")
    assert measured._store.read_meta("a")["aliases"] == {}


# -- trash -------------------------------------------------------------------------------------------------------------


def test_a_version_comes_back_from_the_trash_as_it_was(kept):
    kept.set_alias("cartpole", "best", 2)
    before = kept.tag("cartpole:2", "x")
    kept.delete("cartpole:2")
    assert [version.ref for version in kept.trash()] == ["cartpole:2"]
    assert kept.search("version = 2") == []
    assert kept.restore("cartpole:2") == before
    assert kept.trash() == []
    assert kept.search("version = 2") == [before]


def test_an_alias_that_moved_meanwhile_does_not_come_back(kept):
    kept.set_alias("cartpole", "best", 2)
    kept.delete("cartpole:2")
    kept.set_alias("cartpole", "best", 3)
    assert kept.restore("cartpole:2").aliases == ()


def test_the_last_version_comes_back_too(registry, make_model):
    registry.register(make_model(), "a")
    registry.delete("a:1")
    assert registry.models() == []
    assert registry.restore("a:1").ref == "a:1"
    assert registry.models() == ["a"]


def test_what_is_not_in_the_trash_cannot_come_back(kept):
    for reference in ("cartpole:2", "cartpole:9"):
        with pytest.raises(ModelNotFoundError, match="not in the trash"):
            kept.restore(reference)
    for reference in ("cartpole", "cartpole@best"):
        with pytest.raises(InvalidReferenceError, match="names no version"):
            kept.restore(reference)


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def renamed(kept):
    kept.set_alias("cartpole", "best", 2)
    assert [version.ref for version in kept.rename("cartpole", "pole")] == ["pole:1", "pole:2", "pole:3"]
    return kept


def test_a_renamed_model_has_all_it_had(renamed, folder):
    assert "cartpole" not in renamed.models()
    assert renamed.get("pole@best").ref == "pole:2"
    assert [version.ref for version in renamed.search("name = 'pole'")] == ["pole:1", "pole:2", "pole:3"]
    assert [version.ref for version in ModelRegistry(folder).versions("pole")] == ["pole:1", "pole:2", "pole:3"]
    assert renamed.verify().ok


def test_references_by_the_old_name_stay_right(renamed, make_model):
    assert renamed.get("cartpole:2").ref == "pole:2"
    assert renamed.load("cartpole:2").state["algorithm"] == "ppo"
    assert renamed.register(make_model(), "other", parent="cartpole:3").parent == "pole:3"


def test_a_model_of_the_old_name_goes_on_with_the_numbers(renamed, make_model, folder):
    assert ModelRegistry(folder).register(make_model(), "cartpole").ref == "cartpole:4"
    assert renamed.get("cartpole:2").ref == "pole:2"
    assert renamed.get("cartpole:4").ref == "cartpole:4"
    assert renamed.register(make_model(), "pole").ref == "pole:4"
    assert renamed.verify().ok


def test_deleted_versions_move_with_the_name(kept):
    kept.delete("cartpole:1")
    kept.rename("cartpole", "pole")
    kept.delete("pole:2")
    kept.rename("pole", "stick")
    assert sorted(version.ref for version in kept.trash()) == ["stick:1", "stick:2"]
    assert kept.verify().ok
    assert kept.restore("cartpole:1").ref == "stick:1"
    assert kept.restore("stick:2").ref == "stick:2"


def test_a_model_can_have_its_old_name_back(renamed, make_model):
    renamed.rename("pole", "cartpole")
    assert renamed.get("pole:1").ref == "cartpole:1"
    assert renamed.register(make_model(), "cartpole").ref == "cartpole:4"
    assert renamed.rename("cartpole", "cartpole")[0].ref == "cartpole:1"
    assert renamed.verify().ok


def test_two_models_that_had_the_same_name_are_told_apart(renamed, make_model):
    renamed.register(make_model(4), "cartpole")
    renamed.rename("cartpole", "second")
    assert [renamed.get(f"cartpole:{number}").ref for number in (1, 3, 4)] == ["pole:1", "pole:3", "second:4"]
    renamed.delete("second:4")
    assert renamed.restore("cartpole:4").ref == "second:4"
    assert renamed.register(make_model(), "cartpole").ref == "cartpole:5"


def test_a_name_that_is_or_was_another_models_is_refused(renamed, make_model, folder, content):
    renamed.register(make_model(), "other")
    renamed.search()
    before = content(folder)
    for name, said in [
        ("pole", "already"),
        ("cartpole", "former name of 'pole'"),
        ("POLE", "case"),
        ("../x", "cannot"),
    ]:
        with pytest.raises(InvalidNameError, match=said):
            renamed.rename("other", name)
    assert content(folder) == before


def test_a_name_may_change_its_case(renamed):
    assert renamed.rename("pole", "Pole")[0].ref == "Pole:1"
    assert renamed.get("pole:1").ref == "Pole:1"


def test_a_copy_shares_its_bytes_and_has_its_origin_as_parent(kept, folder):
    kept.set_alias("cartpole", "best", 2)
    kept.add_metrics("cartpole:2", {"sharpe": 1.0})
    objects = len([path for path in (folder / "objects").rglob("*") if path.is_file()])
    copy = kept.copy("cartpole@best", "fund")
    assert (copy.ref, copy.parent, copy.aliases) == ("fund:1", "cartpole:2", ())
    assert copy.metrics == kept.get("cartpole:2").metrics
    assert copy.sha256 == kept.get("cartpole:2").sha256
    assert len([path for path in (folder / "objects").rglob("*") if path.is_file()]) == objects
    kept.delete("cartpole:2")
    kept.gc()
    assert kept.load("fund:1").state["algorithm"] == "ppo"
    assert kept.copy("fund:1", "fund").ref == "fund:2"


# -- lineage -----------------------------------------------------------------------------------------------------------


def test_what_was_loaded_is_the_parent_of_what_is_registered(registry, folder):
    first = rlkit.create("ppo", "CartPole-v1", seed=0, net_arch=[4], n_steps=16, batch_size=16, n_envs=1, preset=None)
    real = ModelRegistry(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("rlkit.registry.reader"), "factory", rlkit.factory)
        first.train(16, progress=False)
        assert real.register(first, "a").parent is None
        first.train(16, progress=False)
        assert real.register(first, "a").parent is None
        loaded = ModelRegistry(folder).load("a@latest")
        with pytest.warns(UserWarning, match="a:2"):
            assert real.register(loaded, "a").ref == "a:2"
        loaded.train(16, progress=False)
        assert real.register(loaded, "a").parent == "a:2"
        loaded.train(16, progress=False)
        assert real.register(loaded, "b", parent="a:1").parent == "a:1"
        elsewhere = ModelRegistry(folder.with_name("elsewhere"))
        assert elsewhere.register(loaded, "a").parent is None
