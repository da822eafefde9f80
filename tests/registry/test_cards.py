"""Versions as a notebook shows them."""

from html.parser import HTMLParser

import pytest

from rlkit.registry.cards import version_card, version_text, versions_table, versions_text


def unclosed(markup):
    """Return the tags that are opened and not closed in order."""
    opened = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Reader().feed(markup)
    return opened


CURVE = {"steps": [100.0, 200.0, 300.0], "mean_return": [20.0, 120.0, 480.0]}


KNOWN = {
    "config": {"gamma": 0.98, "net_arch": [64, 64]},
    "env_id": "CartPole-v1",
    "seed": 0,
    "num_timesteps": 100_096,
    "wall_time": 4.2,
    "metrics": {"mean_return": 480.5},
    "tags": ["baseline"],
    "aliases": ["best"],
    "description": "<b>the one</b>",
    "parent": "cartpole:2",
    "git": {"commit": "0123456789abcdef", "dirty": True},
    "packages": {"numpy": "2.4"},
    "user": "somebody",
    "host": "somewhere",
    "learning_curve": CURVE,
}


@pytest.fixture
def version(make_version):
    return make_version(**KNOWN)


FACTS = [
    "cartpole:3",
    "@best",
    "baseline",
    "ppo",
    "CartPole-v1",
    "100,096 steps in 4.2 s",
    "480.5",
    "cartpole:2",
    "0123456789",
    "uncommitted",
    "numpy 2.4",
    "somebody",
    "somewhere",
    "abababababab",
]


@pytest.mark.parametrize("fact", FACTS)
def test_text_and_html_say_the_same(version, fact):
    assert fact in version_text(version)
    assert fact in version_card(version)


def test_the_card_escapes_what_a_person_wrote(version):
    assert "<b>the one" not in version_card(version)
    assert "&lt;b&gt;the one" in version_card(version)


def test_the_card_is_well_formed_and_small(version):
    card = version_card(version)
    picture = card[card.index("<img") : card.index(">", card.index("<img")) + 1]
    rest = card.replace(picture, "")
    assert unclosed(rest) == []
    assert len(rest) < 10_000


def test_a_version_that_never_trained_has_no_picture(make_version):
    untrained = make_version()
    assert "<img" not in version_card(untrained)
    assert "custom" in version_text(untrained)


def test_a_table_has_a_row_for_each_version(version):
    table = versions_table([version, version])
    assert table.count("cartpole:3") == 2
    assert table.count('scope="row"') == 2
    assert [line.split()[0] for line in versions_text([version]).splitlines()[2:]] == ["cartpole:3"]


def test_lines_of_a_table_stand_under_each_other(version, make_version):
    other = make_version(name="pendulum-long", num_timesteps=100_096)
    lines = versions_text([version, other]).splitlines()
    assert lines[0].index("algorithm") == lines[2].index("ppo") == lines[3].index("ppo")


def test_the_callers_own_metrics_have_columns_and_an_evaluations_details_have_none(make_version):
    traded = make_version(metrics={"sharpe": 1.5, "std_return": 3.0, "mean_return": 480.0})
    headings = versions_text([traded]).splitlines()[0]
    assert headings.index("mean return") < headings.index("sharpe")
    assert "std" not in headings
    assert "sharpe" in versions_table([traded])


def test_an_empty_table_says_so():
    assert versions_text([]) == "no versions"
    assert "no versions" in versions_table([])


def test_of_very_many_versions_the_newest_have_a_line(make_version):
    newer = [make_version(version=i, created=f"2026-03-04T05:{i - 1:02}:00+00:00") for i in range(1, 61)]
    text = versions_text([make_version(version=100, created="2020-01-01T00:00:00+00:00"), *newer])
    assert "cartpole:100 " not in text
    assert "cartpole:1 " in text
    assert text.endswith("The newest 60 of 61: registry.search('…', limit=20) finds the others.")


def test_of_a_long_ranking_the_first_have_a_line(make_version):
    made = [make_version(version=i, created=f"20{99 - i % 50}-01-01T00:00:00+00:00") for i in range(1, 101)]
    lines = versions_text(made, ranked=True).splitlines()
    assert [line.split()[0] for line in lines[2:-1]] == [f"cartpole:{i}" for i in range(1, 61)]
    assert "The first 60 of 100" in lines[-1]
    assert "The first " in versions_table(made, ranked=True)


def test_what_all_versions_have_in_common_is_said_once_in_html(make_version):
    alike = versions_table([make_version(version=1), make_version(version=2)])
    assert alike.count("ppo") == 1
    assert "ppo on custom" in alike
    assert versions_table([make_version(version=1), make_version(version=2, algorithm="a2c")]).count("ppo") == 1


def test_what_a_version_reached_stands_before_where_it_comes_from(version):
    for shown in (version_text(version), version_card(version)):
        assert shown.index("trained") < shown.index("mean return") < shown.index("seed") < shown.index("parent")


def test_of_very_many_figures_and_hyperparameters_some_are_shown(make_version):
    many = make_version(metrics={f"m{i}": i for i in range(60)}, config={f"c{i}": "x" * 99 for i in range(200)})
    page = version_card(many)
    assert "52 more: version.metrics" in page
    assert "52 more: version.metrics" in version_text(many)
    assert ">version.config<" in page
    assert len(page) < 10_000


def test_a_metric_may_have_the_name_of_another_column(make_version):
    table = versions_text([make_version(metrics={"steps": 5.0, "tags": 6.0}, num_timesteps=7, tags=["a"])])
    assert table.splitlines()[2].split() == ["cartpole:3", "ppo", "custom", "7", "5", "6", "a", "2026-03-04", "05:06"]
