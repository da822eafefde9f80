"""What can be done with a version, button by button."""

import pytest

from rlkit.errors import UntrustedArtifactError, UsageError
from rlkit.notebook.widgets.models.actions import VersionActions
from rlkit.registry import ModelRegistry


class Cautious(ModelRegistry):
    """A registry all of whose versions come with code of somebody else's."""

    def load(self, reference, env=None, *, trust=False):
        if not trust:
            raise UntrustedArtifactError(f"{reference} holds a class of its own.", "load(…, trust=True) would run it.")
        return super().load(reference, env, trust=trust)


@pytest.fixture
def variables():
    return {}


@pytest.fixture
def actions(registry, keep, variables):
    keep(tags=["a", "b"], description="Old.")
    keep()
    registry.set_alias("cartpole", "best", 1)
    actions = VersionActions(registry, variables.__setitem__)
    actions.version = "cartpole:1"
    return actions


def add(words, word):
    words.box.value = word
    words.add.click()


def test_without_a_version_there_is_nothing_to_do(registry):
    actions = VersionActions(registry)
    assert actions.body.layout.display == "none"
    actions.load.click()
    assert "No version is chosen." in actions.message.value


def test_it_shows_of_which_version_it_is_with_tags_and_aliases(actions):
    assert "cartpole:1" in actions.title.value
    assert (actions.tags.words, actions.aliases.words) == (("a", "b"), ("best",))
    assert actions.description.value == "Old."
    actions.version = "cartpole:2"
    assert (actions.tags.words, actions.aliases.words, actions.description.value) == ((), (), "")


# -- load ----------------------------------------------------------------------------------------------------------


def test_a_version_is_loaded_into_a_variable(actions, variables):
    actions.variable.value = " pilot "
    actions.load.click()
    assert "pilot holds cartpole:1." in actions.message.value
    assert variables["pilot"] is actions.model
    assert actions.model.algorithm == "ppo"
    assert actions.changes == 0


def test_without_a_notebook_the_attribute_has_the_model(registry, keep):
    keep()
    actions = VersionActions(registry)
    actions.version = "cartpole:1"
    actions.load.click()
    assert actions.model.algorithm == "ppo"
    assert "model" in actions.message.value


def test_a_name_that_is_no_variable_is_told_and_nothing_is_loaded(registry, keep):
    def refuse(name, _):
        raise UsageError(f"{name!r} is no name of a variable.", "Use letters, digits and _.")

    keep()
    actions = VersionActions(registry, refuse)
    actions.version, actions.variable.value = "cartpole:1", "1x"
    actions.load.click()
    assert "is no name of a variable" in actions.message.value
    assert actions.model is None


@pytest.fixture
def cautious(folder, keep, variables):
    keep()
    actions = VersionActions(Cautious(folder), variables.__setitem__)
    actions.version = "cartpole:1"
    actions.load.click()
    return actions


def test_code_of_others_is_run_only_when_that_is_said_again(cautious, variables):
    assert "holds a class of its own" in cautious.message.value
    assert "where you trust who made cartpole:1" in cautious.confirm.question.value
    assert variables == {}
    cautious.confirm.yes.click()
    assert "agent holds cartpole:1." in cautious.message.value
    assert variables["agent"].algorithm == "ppo"


def test_code_of_others_is_not_run_when_that_is_given_up(cautious, variables):
    cautious.confirm.no.click()
    cautious.confirm.yes.click()
    assert variables == {}


def test_trust_is_not_for_the_next_version(cautious, keep, variables):
    keep()
    cautious.version = "cartpole:2"
    assert not cautious.confirm.asks
    cautious.confirm.yes.click()
    assert variables == {}


# -- tags, aliases and description ---------------------------------------------------------------------------------


def test_tags_come_and_go(actions, registry):
    add(actions.tags, "c")
    assert registry.get("cartpole:1").tags == ("a", "b", "c")
    assert actions.tags.words == ("a", "b", "c")
    assert "cartpole:1 has the tag c." in actions.message.value
    actions.tags.buttons["a"].click()
    assert registry.get("cartpole:1").tags == ("b", "c")
    assert actions.changes == 2


def test_aliases_come_move_and_go(actions, registry):
    actions.version = "cartpole:2"
    add(actions.aliases, "best")
    assert "cartpole@best is cartpole:2." in actions.message.value
    assert registry.get("cartpole@best").ref == "cartpole:2"
    actions.aliases.buttons["best"].click()
    assert registry.get("cartpole:2").aliases == ()
    assert actions.aliases.words == ()


@pytest.mark.parametrize(("words", "word"), [("tags", "a b"), ("tags", ""), ("aliases", "latest"), ("aliases", "../x")])
def test_a_wrong_word_is_told_and_stays_to_be_mended(actions, registry, words, word):
    add(getattr(actions, words), word)
    assert "InvalidNameError" in actions.message.value
    assert getattr(actions, words).box.value == word
    assert registry.get("cartpole:1").tags == ("a", "b")
    assert actions.changes == 0


def test_a_tag_that_others_removed_meanwhile_is_told(actions, other):
    other.untag("cartpole:1", "a")
    actions.tags.buttons["a"].click()
    assert "has no tag &#x27;a&#x27;" in actions.message.value


def test_a_description_is_replaced(actions, registry):
    actions.description.value = "New & *better*."
    actions.describe.click()
    assert registry.get("cartpole:1").description == "New & *better*."
    assert "cartpole:1 is described." in actions.message.value


def test_what_others_write_is_shown_and_what_is_being_written_stays(actions, other):
    other.describe("cartpole:1", "Theirs.")
    actions.refresh()
    assert actions.description.value == "Theirs."
    actions.description.value = "Mine, half"
    other.describe("cartpole:1", "Theirs again.")
    other.tag("cartpole:1", "c")
    actions.refresh()
    assert actions.description.value == "Mine, half"
    assert actions.tags.words == ("a", "b", "c")


# -- delete ----------------------------------------------------------------------------------------------------------


def test_a_version_is_deleted_when_that_is_said_again(actions, registry):
    actions.delete.click()
    question = actions.confirm.question.value
    assert "cartpole:1 moves to the trash" in question
    assert "@best of cartpole points nowhere" in question
    assert [version.ref for version in registry.versions()] == ["cartpole:1", "cartpole:2"]
    actions.confirm.yes.click()
    assert [version.ref for version in registry.versions()] == ["cartpole:2"]
    assert "cartpole:1 is in the trash." in actions.message.value
    assert actions.changes == 1


def test_giving_up_deletes_nothing(actions, registry):
    actions.delete.click()
    actions.confirm.no.click()
    actions.confirm.yes.click()
    assert len(registry.versions()) == 2


def test_the_question_is_of_one_version_only(actions, registry):
    actions.delete.click()
    actions.version = "cartpole:2"
    actions.confirm.yes.click()
    assert len(registry.versions()) == 2


def test_what_was_done_is_said_until_another_version_is_chosen(actions):
    actions.delete.click()
    actions.confirm.yes.click()
    actions.version = None
    assert "is in the trash" in actions.message.value
    actions.version = "cartpole:2"
    assert actions.message.value == ""


@pytest.mark.parametrize("button", ["load", "delete", "describe"])
def test_a_version_that_others_deleted_is_told(actions, other, button):
    other.delete("cartpole:1")
    getattr(actions, button).click()
    assert "ModelNotFoundError" in actions.message.value
    assert not actions.confirm.asks
    assert actions.changes == 0


def test_a_version_that_others_deleted_while_asked_is_told(actions, other):
    actions.delete.click()
    other.delete("cartpole:1")
    actions.confirm.yes.click()
    assert "ModelNotFoundError" in actions.message.value


def test_a_damaged_version_is_told(actions, spoil, variables):
    spoil("cartpole", 1)
    actions.load.click()
    assert "CorruptArtifactError" in actions.message.value
    assert variables == {}


def test_a_folder_that_is_gone_is_told(actions, folder):
    folder.rename(folder.with_name("away"))
    add(actions.tags, "c")
    assert "ModelNotFoundError" in actions.message.value
    assert not folder.exists()
