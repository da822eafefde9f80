"""The progress display of a notebook."""

import re

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

import rlkit
from rlkit.notebook.progress import NotebookProgress


@pytest.fixture
def published(monkeypatch):
    shell = InteractiveShell.instance()
    publisher = CapturingDisplayPublisher()
    monkeypatch.setattr(shell, "display_pub", publisher)
    return publisher.outputs


@pytest.fixture
def model():
    return rlkit.create("ppo", env="CartPole-v1", seed=0, n_steps=16, batch_size=64, n_epochs=1)


def test_one_display_is_updated_and_ends_with_the_figures(published, model):
    model.train(1000, progress=NotebookProgress())
    identities = {output["transient"]["display_id"] for output in published}
    last = published[-1]["data"]
    assert len(identities) == 1
    assert "1,024 steps in" in last["text/plain"]
    assert "1,024 steps in" in last["text/html"]
    assert "<div" not in last["text/html"]


def test_what_stays_after_a_stop_says_why(published, model):
    class Stop(rlkit.Callback):
        def on_update(self, run, update):
            run.stop("seen enough")

    model.train(1000, callbacks=Stop(), progress=NotebookProgress())
    assert "stopped: seen enough" in published[-1]["data"]["text/plain"]
    assert "stopped: seen enough" in published[-1]["data"]["text/html"]


def test_the_bar_is_as_long_as_the_run_has_come(published, model):
    class Slow(NotebookProgress):
        def on_update(self, run, update):
            self._shown = 0.0  # as if time had passed
            super().on_update(run, update)

    model.train(1024, progress=Slow())
    widths = [re.search(r"width:([\d.]+)%", output["data"]["text/html"]) for output in published[1:-1]]
    assert [float(width[1]) for width in widths] == [0, 12.5, 25, 37.5, 50, 62.5, 75, 87.5, 100]
