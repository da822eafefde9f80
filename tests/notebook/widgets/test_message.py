"""The line that says what was done, or what was wrong."""

from rlkit.errors import ConfigError
from rlkit.notebook.widgets.message import Message


def failing(error):
    def action():
        raise error

    return action


def test_it_says_what_was_done_as_a_status():
    message = Message()
    message.attempt(lambda: "Kept as <b>:1.")
    assert "Kept as &lt;b&gt;:1." in message.value
    assert 'role="status"' in message.value


def test_it_says_what_was_wrong_and_what_would_be_right():
    message = Message()
    message.attempt(failing(ConfigError("seed = -1 is not allowed.", "Give 0.")))
    assert "seed = -1 is not allowed." in message.value
    assert "Give 0." in message.value
    assert 'role="alert"' in message.value


def test_what_fails_in_somebody_elses_code_is_said_too():
    message = Message()
    message.tell("Playing 100 episodes")
    message.attempt(failing(ZeroDivisionError("in <step>")))
    assert "ZeroDivisionError: in &lt;step&gt;" in message.value
    assert "Playing" not in message.value


def test_it_withdraws_only_what_it_said_last():
    message = Message()
    message.tell("Stopping.")
    message.withdraw("Stopping.")
    assert not message.value
    message.tell("Kept as a:1.")
    message.withdraw("Stopping.")
    assert "Kept as a:1." in message.value


def test_nothing_to_say_takes_no_room():
    message = Message()
    message.tell("Done.")
    message.attempt(str)
    assert not message.value
    assert "rlkit-said" in message._dom_classes
