from __future__ import annotations

from rlkit.notebook.widgets.twin import twin

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
