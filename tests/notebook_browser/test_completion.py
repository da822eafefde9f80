"""Tab in a cell."""

import pytest
from playwright.sync_api import expect

SETUP = """\
%load_ext rlkit
import rlkit
agent = rlkit.create("ppo", env="CartPole-v1", seed=0, net_arch=[4])
rlkit.register(agent, "cartpole")
rlkit.registry().set_alias("cartpole", "best", 1)"""


@pytest.fixture
def ready(notebook):
    notebook = notebook(SETUP, "")
    assert notebook.run_all()
    return notebook


def test_tab_offers_what_fits_and_enter_takes_it(ready):
    for source, offered, taken in [
        ("%rl_tr", ["%rl_train"], "%rl_train"),
        ("%rl_create ppo Cart", ["CartPole-v1"], "%rl_create ppo CartPole-v1"),
        ("%rl_create ppo --learning", ["--learning-rate"], "%rl_create ppo --learning-rate"),
        ("x = %rl_load cartpole@", ["cartpole@best", "cartpole@latest"], "x = %rl_load cartpole@best"),
        ("%rl_train ", ["agent"], "%rl_train agent"),
        ("%%rl_config ppo\ntarget", ["target_kl:"], "target_kl: "),
        ("%%rl_config ppo\nactivation: ", ["tanh", "relu"], "activation: tanh"),
    ]:
        ready.write(source)
        ready.page.keyboard.press("Tab")
        for index, option in enumerate(offered):  # where nothing is typed yet, JupyterLab adds words of the notebook
            expect(ready.page.locator(".jp-Completer:visible .jp-Completer-match").nth(index)).to_have_text(option)
        ready.page.keyboard.press("Enter")
        expect(ready.line()).to_have_text(taken)
        expect(ready.page.locator(".jp-Completer:visible")).to_have_count(0)
