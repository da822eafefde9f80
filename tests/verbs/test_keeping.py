"""Verbs that change what the registry says of a version."""

import pytest

from rlkit.errors import InvalidReferenceError, ModelNotFoundError, QueryError, UsageError
from rlkit.verbs.keeping import Alias, Copy, Delete, Describe, Metrics, Rename, Restore, Tag, parse_metrics


def test_tags_are_added_and_taken_off(run, registry):
    assert run(Tag(), "cartpole:1 a b").tags == ("small", "a", "b")
    assert run(Tag(), "cartpole:1 small a --remove").tags == ("b",)
    with pytest.raises(ModelNotFoundError, match="'c'"):
        run(Tag(), "cartpole:1 c --remove")


def test_a_description_is_replaced_with_quotes_or_without(run, registry):
    assert run(Describe(), "cartpole:1 swings up, mostly").description == "swings up, mostly"
    assert run(Describe(), "cartpole:1 'two  spaces'").description == "two  spaces"


def test_metrics_are_added(run, registry):
    assert run(Metrics(), "cartpole:1 sharpe=1.2 loss=-1e-3").metrics == {
        "mean_return": 100.0,
        "sharpe": 1.2,
        "loss": -0.001,
    }


@pytest.mark.parametrize("word", ["sharpe", "sharpe=", "=1", "sharpe=high", "=", "a=b=c"])
def test_what_is_no_metric_is_refused(word):
    with pytest.raises(UsageError, match=r"is no metric"):
        parse_metrics([word])


def test_an_alias_points_to_a_version_or_to_the_best_or_nowhere(run, registry):
    assert run(Alias(), "cartpole:1 production").aliases == ("production",)
    assert run(Alias(), "cartpole@production first").ref == "cartpole:1"
    assert run(Alias(), "cartpole best --by mean_return").ref == "cartpole:2"
    assert run(Alias(), "cartpole worst --by mean_return --smallest").ref == "cartpole:1"
    assert "cartpole@best points nowhere" in run(Alias(), "cartpole best --remove")
    with pytest.raises(ModelNotFoundError, match="'best'"):
        registry.get("cartpole@best")


@pytest.mark.parametrize(
    ("line", "kind", "says"),
    [
        ("cartpole:1 best --by mean_return", InvalidReferenceError, "'cartpole:1' is one version"),
        ("cartpole:1 best --remove", InvalidReferenceError, "'cartpole:1' is one version"),
        ("cartpole best --by loss", QueryError, "'loss'"),
        ("cartpole best --smallest", UsageError, "--smallest needs a metric"),
        ("cartpole:9 best", ModelNotFoundError, "9"),
    ],
)
def test_an_alias_that_makes_no_sense_changes_nothing(run, registry, line, kind, says):
    with pytest.raises(kind, match=says):
        run(Alias(), line)
    assert not any(version.aliases for version in registry.versions())


def test_a_version_is_copied_and_a_model_renamed(run, registry):
    assert run(Copy(), "cartpole:1 pole").parent == "cartpole:1"
    assert [version.ref for version in run(Rename(), "pendulum swing")] == ["swing:1"]


def test_versions_are_deleted_together_or_not_at_all(run, registry):
    for line in ("cartpole:1 cartpole:9", "cartpole:1 cartpole", "cartpole:1 nothing"):
        with pytest.raises((ModelNotFoundError, InvalidReferenceError)):
            run(Delete(), line)
        assert not registry.trash()
    assert "cartpole:1, cartpole:2 are in the trash" in run(Delete(), "cartpole:1 cartpole:2 cartpole:1")
    assert [version.ref for version in registry.trash()] == ["cartpole:1", "cartpole:2"]


def test_versions_are_restored_together_or_not_at_all(run, registry):
    run(Delete(), "cartpole:1 pendulum:1")
    with pytest.raises(ModelNotFoundError, match="cartpole:2 is not in the trash"):
        run(Restore(), "cartpole:1 cartpole:2")
    assert len(registry.trash()) == 2
    assert sorted(version.ref for version in run(Restore(), "cartpole:1 pendulum:1")) == ["cartpole:1", "pendulum:1"]
    assert not registry.trash()
