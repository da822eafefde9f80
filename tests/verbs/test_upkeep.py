"""Verbs for the registry as a whole."""

import argparse
from datetime import timedelta

import pytest

import rlkit
from rlkit.errors import UsageError
from rlkit.verbs.upkeep import CollectGarbage, Export, Import, Prune, Reindex, Store, Verify, parse_age


def test_prune_says_what_it_would_delete_and_deletes_it(run, registry):
    assert run(Prune(), "cartpole --keep 1 --dry-run").deleted == ("cartpole:1",)
    assert not registry.trash()
    assert run(Prune(), "cartpole --keep 1").deleted == ("cartpole:1",)
    assert [version.ref for version in registry.trash()] == ["cartpole:1"]
    with pytest.raises(UsageError, match="--keep"):
        run(Prune(), "cartpole")


def test_garbage_is_collected_by_age(run, registry):
    registry.delete("cartpole:1")
    assert run(CollectGarbage(), "--older-than 1h").versions == ()
    assert run(CollectGarbage(), "--dry-run").versions == ("cartpole:1",)
    assert registry.trash()
    assert run(CollectGarbage(), "").versions == ("cartpole:1",)
    assert not registry.trash()


@pytest.mark.parametrize(
    ("word", "age"), [("30d", timedelta(days=30)), ("12h", timedelta(hours=12)), ("5m", timedelta(minutes=5))]
)
def test_an_age_is_a_number_with_a_unit(word, age):
    assert parse_age(word) == age


@pytest.mark.parametrize("word", ["30", "d", "-1d", "1w", "1.5h", "999999999999d", ""])
def test_what_is_no_age_is_refused(word):
    with pytest.raises(argparse.ArgumentTypeError, match="no age such as 30d"):
        parse_age(word)


def test_a_registry_is_verified_and_indexed(run, registry):
    assert run(Verify(), "").ok
    assert run(Reindex(), "") == "Versions in the index: 3."


def test_a_version_is_taken_out_and_in_again(run, registry, tmp_path):
    assert run(Export(), "cartpole:1").name == "cartpole-1.rlkit"
    assert run(Export(), f"cartpole:1 {tmp_path}/x.rlkit") == tmp_path / "x.rlkit"
    assert run(Import(), f"{tmp_path}/x.rlkit pole").ref == "pole:1"
    assert run(Import(), f"{tmp_path}/x.rlkit pole --allow-duplicate").ref == "pole:2"


def test_the_folder_is_shown_and_chosen(run, store, tmp_path):
    assert run(Store(), "").folder == store
    assert run(Store(), f"{tmp_path}/other") is rlkit.registry()
    assert not (tmp_path / "other").exists()
