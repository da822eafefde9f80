"""Verbs that tell what there is."""

import pytest

import rlkit
from rlkit.errors import UnknownAlgorithmError, UnknownEnvironmentError, UsageError
from rlkit.notebook.groups import GROUPS, PREFIX, verbs
from rlkit.verbs.about import Algorithms, Environments, Help


def test_algorithms_are_listed_and_described(run):
    assert run(Algorithms(), "") is rlkit.factory
    assert run(Algorithms(), "ppo").name == "ppo"
    with pytest.raises(UnknownAlgorithmError, match="'pppo'"):
        run(Algorithms(), "pppo")


def test_environments_are_listed_by_a_part_of_their_id_and_described_by_all_of_it(run):
    assert len(run(Environments(), "")) > 10
    assert {each.id for each in run(Environments(), "cart")} >= {"CartPole-v1"}
    assert run(Environments(), "CartPole-v1").info.id == "CartPole-v1"
    with pytest.raises(UnknownEnvironmentError, match="'CartPol-v1'"):
        run(Environments(), "CartPol-v1")


def test_help_shows_every_verb_once_on_one_screen(run):
    page = run(Help(PREFIX, GROUPS), "")
    lines = repr(page).splitlines()
    for verb in verbs()[:-1]:
        assert len([line for line in lines if line.startswith(f"  %rl_{verb.name} ")]) == 1
        assert f"%rl_{verb.name}\N{NO-BREAK SPACE}" in page._repr_html_() or f"%rl_{verb.name}<" in page._repr_html_()
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 110
    assert len(page._repr_html_()) < 10_000


def test_help_for_a_verb_that_there_is_not_names_the_nearest(run):
    with pytest.raises(UsageError) as raised:
        run(Help(PREFIX, GROUPS), "compar")
    assert (raised.value.problem, raised.value.remedy) == ("There is no %rl_compar.", "Did you mean '%rl_compare'?")


def test_help_for_one_verb_shows_in_a_notebook_as_it_is_in_a_terminal(run):
    shown = run(Help(PREFIX, GROUPS), "train")
    assert repr(shown).startswith("usage: %rl_train")
    assert "<pre" in shown._repr_html_()
