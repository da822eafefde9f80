from __future__ import annotations

from ipywidgets.widgets.widget import _instances

from rlkit.notebook.widgets.form import ConfigForm
from rlkit.notebook.widgets.twin import settings as twin

VIEW = "application/vnd.jupyter.widget-view+json"

ROWS = [("gamma", 0.5, "caller", "Discount <of> rewards."), ("net_arch", [64, 64], "default", "Layers.")]


def test_a_twin_says_title_line_and_rows_in_both_forms():
    made = twin("ppo", "%rl_create ppo --gamma 0.5", "", ROWS)
    assert list(made) == ["text/plain", "text/html"]
    assert made["text/plain"].splitlines()[:2] == ["ppo", "%rl_create ppo --gamma 0.5"]
    for content in made.values():
        assert "%rl_create ppo --gamma 0.5" in content
        assert "[64, 64]" in content
        assert "caller" in content
    assert "Discount &lt;of&gt; rewards." in made["text/html"]


def test_a_twin_says_what_is_wrong_and_no_line_then():
    made = twin("ppo", "", "gamma = 2 is too much.\nTake less.", ROWS)
    for content in made.values():
        assert "gamma = 2 is too much." in content
        assert "%rl_create" not in content


def test_a_twin_survives_a_sanitizer():
    made = twin("ppo", "%rl_create ppo", "", ROWS)["text/html"]
    assert "<style" not in made
    assert "<script" not in made
    assert "var(--" not in made


def test_a_twin_stays_small_however_much_there_is():
    rows = [(f"name_{n}", n, "default", "Meaning. " * 10) for n in range(500)]
    made = twin("ppo", "%rl_create ppo", "", rows)["text/html"]
    assert len(made) < 10_000
    assert "form.config.to_dict()" in made


def test_below_a_widget_stands_its_twin_which_the_widget_hides(own_shell):
    form = own_shell.run("from rlkit.notebook.widgets.form import ConfigForm\nConfigForm('ppo', 'CartPole-v1')")
    view, below = (shown["data"] for shown in own_shell.published[-2:])
    assert view[VIEW]
    assert (view["text/plain"], view["text/html"]) == ("", "")
    mark = f"rlkit-twin-{form.model_id}"
    assert f'class="rlkit-twin {mark}"' in below["text/html"]
    frame = _instances[view[VIEW]["model_id"]]
    assert frame.children[0] is form
    assert f"<style>.{mark} {{ display: none }}</style>" in frame.children[1].value


def test_a_twin_follows_what_its_widget_shows(own_shell):
    form = own_shell.run("from rlkit.notebook.widgets.form import ConfigForm\nConfigForm('ppo', 'CartPole-v1')")
    shown = own_shell.published[-1]
    form.fields["gamma"].value = 0.5
    last = own_shell.published[-1]
    assert last["update"]
    assert last["transient"] == shown["transient"]
    assert "--gamma 0.5" in last["data"]["text/html"]


def test_what_is_not_shown_sends_nothing(own_shell):
    form = ConfigForm("ppo", "CartPole-v1")
    form.fields["gamma"].value = 0.5
    assert own_shell.published == []


def test_in_a_terminal_a_widget_is_its_text(run, capsys):
    run("from rlkit.notebook.widgets.form import ConfigForm\nConfigForm('ppo', 'CartPole-v1')")
    assert "ppo for CartPole-v1" in capsys.readouterr().out
