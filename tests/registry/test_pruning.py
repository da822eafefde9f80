"""Which versions of a model may go."""

import pytest

from rlkit.errors import ConfigError, ModelNotFoundError
from rlkit.registry.pruning import choose


@pytest.fixture
def versions(make_version):
    return [make_version(version=number, aliases=["best"] if number == 2 else []) for number in range(1, 7)]


def chosen(versions, keep, parents=(), *, force=False):
    gone, kept = choose(versions, keep, parents, force=force)
    return [version.version for version in gone], kept


def test_the_newest_and_those_with_an_alias_stay(versions):
    gone, kept = chosen(versions, 2)
    assert gone == [1, 3, 4]
    assert kept == {"cartpole:2": "@best", "cartpole:5": "newest 2", "cartpole:6": "newest 2"}


def test_the_parents_of_what_stays_stay_and_theirs(versions):
    chain = [("cartpole:6", "cartpole:4"), ("cartpole:4", "cartpole:1"), ("cartpole:5", "cartpole:3")]
    gone, kept = chosen(versions, 1, chain)
    assert gone == [3, 5]
    assert (kept["cartpole:4"], kept["cartpole:1"]) == ("parent of cartpole:6", "parent of cartpole:4")


def test_a_parent_of_another_models_version_stays(versions):
    assert 3 not in chosen(versions, 1, [("other:9", "cartpole:3")])[0]


def test_nothing_but_the_newest_stays_by_force(versions):
    assert chosen(versions, 1, [("cartpole:6", "cartpole:1")], force=True)[0] == [1, 2, 3, 4, 5]
    assert chosen(versions, 0, force=True)[0] == [1, 2, 3, 4, 5, 6]


def test_less_versions_than_may_stay_all_stay(versions):
    assert chosen(versions, 100)[0] == []


@pytest.fixture
def kept(registry, make_model):
    for _ in range(5):
        registry.register(make_model(), "a")
    registry.register(make_model(), "b", parent="a:1")
    registry.set_alias("a", "best", 2)
    return registry


def test_pruned_versions_lie_in_the_trash(kept):
    report = kept.prune("a", 1)
    assert (report.deleted, report.dry_run) == (("a:3", "a:4"), False)
    assert report.kept == {"a:1": "parent of b:1", "a:2": "@best", "a:5": "newest 1"}
    assert [version.ref for version in kept.versions("a")] == ["a:1", "a:2", "a:5"]
    assert kept.restore("a:3").ref == "a:3"


def test_a_dry_run_says_the_same_and_does_nothing(kept, folder, content):
    kept.search()  # which writes the index
    before = content(folder)
    report = kept.prune("a", 1, dry_run=True)
    assert (report.deleted, report.dry_run) == (("a:3", "a:4"), True)
    assert content(folder) == before


def test_a_parent_under_a_former_name_is_known(kept):
    kept.rename("a", "c")
    assert kept.prune("c", 1).kept["c:1"] == "parent of b:1"


@pytest.mark.parametrize("keep", [-1, 1.5, "2", None, True])
def test_how_many_stay_is_a_whole_number(kept, keep):
    with pytest.raises(ConfigError, match="keep"):
        kept.prune("a", keep)


def test_a_model_that_is_not_there_is_named(kept):
    with pytest.raises(ModelNotFoundError, match="'x'"):
        kept.prune("x", 1)
