"""The button that lets a training wait, or go on."""

import pytest

from rlkit.notebook.widgets.pausing import PauseButton


class Job:
    """What can be paused."""

    is_paused = False

    def pause(self):
        self.is_paused = True

    def resume(self):
        self.is_paused = False


@pytest.fixture
def job():
    return Job()


def test_it_says_what_it_would_do(job):
    button = PauseButton(job, "Wait")
    assert (button.description, button.icon) == ("Pause", "pause")
    button.click()
    assert (job.is_paused, button.description, button.icon) == (True, "Resume", "play")
    button.click()
    assert (job.is_paused, button.description) == (False, "Pause")


def test_one_press_is_enough_when_somebody_else_has_resumed_the_training(job):
    button = PauseButton(job, "Wait")
    button.click()
    job.resume()
    button.refresh()
    assert (button.description, button.icon) == ("Pause", "pause")
    button.click()
    assert job.is_paused


def test_it_resumes_what_somebody_else_has_paused(job):
    button = PauseButton(job, "Wait")
    job.pause()
    button.click()
    assert (job.is_paused, button.description) == (False, "Pause")
