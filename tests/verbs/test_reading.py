"""Verbs that look at the registry."""

import pytest

from rlkit.errors import ModelNotFoundError, QueryError, UsageError
from rlkit.verbs.reading import Card, Compare, Diff, Inspect, Models, Search, Show, ShowLineage


def refs(versions):
    return [version.ref for version in versions]


def test_models_are_listed_all_or_of_one_name_or_deleted(run, registry):
    assert refs(run(Models(), "")) == ["cartpole:1", "cartpole:2", "pendulum:1"]
    assert refs(run(Models(), "cartpole")) == ["cartpole:1", "cartpole:2"]
    assert refs(run(Models(), "--trash")) == []
    registry.delete("cartpole:1")
    registry.delete("pendulum:1")
    assert refs(run(Models(), "--trash")) == ["cartpole:1", "pendulum:1"]
    assert refs(run(Models(), "cartpole --trash")) == ["cartpole:1"]


def test_a_version_is_shown(run, registry):
    assert run(Show(), "cartpole").ref == "cartpole:2"
    with pytest.raises(ModelNotFoundError, match="'cartpol'"):
        run(Show(), "cartpol")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", ["cartpole:1", "cartpole:2", "pendulum:1"]),
        ("metrics.mean_return > 200", ["cartpole:2"]),
        ("metrics.mean_return > -110", ["cartpole:1", "cartpole:2"]),
        ("algorithm = 'a2c' or 'small' in tags --limit 2", ["cartpole:1", "cartpole:2"]),
        ("\"algorithm = 'a2c'\"", ["pendulum:1"]),
        ("'algorithm = \"a2c\"'", ["pendulum:1"]),
        ("'small' in tags and algorithm = 'ppo'", ["cartpole:1", "cartpole:2"]),
        ("--order-by -metrics.mean_return", ["cartpole:2", "cartpole:1", "pendulum:1"]),
        ("--order-by=-metrics.mean_return --limit 1", ["cartpole:2"]),
        ("--order-by metrics.mean_return 'small' in tags", ["cartpole:1", "cartpole:2"]),
    ],
)
def test_a_search_takes_its_expression_with_quotes_or_without(run, registry, line, found):
    assert refs(run(Search(), line)) == found


def test_a_search_that_cannot_be_understood_is_refused(run, registry):
    with pytest.raises(QueryError, match="alg"):
        run(Search(), "alg = 'ppo'")


def test_versions_are_compared(run, registry):
    assert refs(run(Compare(), "cartpole:1 cartpole:2 pendulum").versions) == ["cartpole:1", "cartpole:2", "pendulum:1"]
    with pytest.raises(UsageError, match="needs others: versions to set beside it"):
        run(Compare(), "cartpole:1")


def test_two_versions_differ(run, registry):
    assert run(Diff(), "cartpole:1 cartpole:2").metrics["mean_return"].change == 350.0


def test_the_lineage_of_a_version_is_shown(run, registry):
    model = registry.load("cartpole:1")
    model.train(64, progress=False)
    registry.register(model, "cartpole")
    assert run(ShowLineage(), "cartpole").parent == "cartpole:1"


def test_a_card_and_an_inspection_tell_of_a_version(run, registry):
    assert str(run(Card(), "pendulum")).startswith("# pendulum:1")
    assert run(Inspect(), "pendulum").objects[0].kind == "state"
