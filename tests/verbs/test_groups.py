"""The verbs that are the same in a notebook and in a shell."""

from rlkit import cli
from rlkit.notebook import groups as notebook
from rlkit.verbs.groups import SHARED


def test_a_notebook_and_a_shell_share_verbs_by_what_they_are_for():
    for title, verbs in SHARED.items():
        assert cli.GROUPS[title] is verbs
        assert notebook.GROUPS[title] is verbs


def test_every_verb_has_a_name_of_its_own():
    for groups in (cli.GROUPS, notebook.GROUPS):
        names = [verb.name for verbs in groups.values() for verb in verbs]
        assert len(set(names)) == len(names)
