from __future__ import annotations

from itertools import pairwise

import pytest

from rlkit.config.changes import ConfigChange, changes_from, describe_changes, with_change


def log(*changes):
    known = ()
    for steps, name, old, new in changes:
        known = with_change(known, ConfigChange(steps, name, old, new))
    return known


def plain(changes):
    return [(change.num_timesteps, change.name, change.old, change.new) for change in changes]


def test_changes_are_kept_in_order():
    assert plain(log((10, "a", 1, 2), (10, "b", 1, 2), (20, "a", 2, 3))) == [
        (10, "a", 1, 2),
        (10, "b", 1, 2),
        (20, "a", 2, 3),
    ]


def test_changes_of_one_setting_at_one_step_are_one_or_none():
    assert plain(log((10, "a", 1, 2), (10, "b", 5, 6), (10, "a", 2, 3))) == [(10, "b", 5, 6), (10, "a", 1, 3)]
    assert plain(log((10, "a", 1, 2), (10, "a", 2, 1))) == []
    assert plain(log((10, "a", 1, 1))) == []


def test_of_very_many_changes_the_first_the_last_and_some_between_are_kept():
    changes = log((5, "b", 0, 1), *((step, "a", step - 1, step) for step in range(1, 1001)))
    own = [change for change in changes if change.name == "a"]
    assert len(own) <= 200
    assert (own[0].num_timesteps, own[0].old, own[-1].num_timesteps, own[-1].new) == (1, 0, 1000, 1000)
    assert all(before.new == after.old for before, after in pairwise(own))
    assert [change.num_timesteps for change in changes] == sorted(change.num_timesteps for change in changes)
    assert [change.name for change in changes].count("b") == 1


def test_what_was_used_until_when_in_words():
    changes = log((20_480, "learning_rate", 0.001, 0.0001), (30_000, "target_kl", None, 0.02))
    assert describe_changes(changes) == {
        "learning_rate": "0.001 until step 20,480, then 0.0001",
        "target_kl": "None until step 30,000, then 0.02",
    }
    twice = log((10, "a", "lin_0.1", 0.5), (20, "a", 0.5, 0.25))
    assert describe_changes(twice) == {"a": "lin_0.1 until step 10, 0.5 until step 20, then 0.25"}
    many = log(*((step, "a", step - 1, step) for step in range(1, 8)))
    assert describe_changes(many) == {"a": "0 until step 1, 1 until step 2, … 4 more …, 6 until step 7, then 7"}
    assert describe_changes(()) == {}


def test_records_are_plain_and_read_back():
    changes = log((10, "a", 1, "lin_0.5"), (20, "b", None, 0.25))
    assert changes_from([change.to_dict() for change in changes]) == changes


RIGHT = {"num_timesteps": 1, "name": "a", "old": 1, "new": 2}


@pytest.mark.parametrize(
    "record",
    [
        5,
        "word",
        {},
        {**RIGHT, "more": 1},
        {**RIGHT, "num_timesteps": 1.5},
        {**RIGHT, "name": 5},
        {**RIGHT, "new": object},
    ],
)
def test_what_is_no_record_is_refused(record):
    with pytest.raises(TypeError):
        changes_from([record])
