"""Versions side by side."""

import base64
import math
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from rlkit.errors import InvalidReferenceError
from rlkit.registry.comparison import Comparison, Difference, MetricChange, ParameterChange
from rlkit.registry.versions import ModelVersion, VersionList

CURVE = {"steps": [100.0, 200.0, 300.0], "mean_return": [20.0, 120.0, 480.0]}
HOSTILE = "<script>alert(1)</script>|`x`\n\x1b[31m & \"'"


def words_of(markup):
    """Return the words of HTML, once every tag was closed and none is one that a person wrote."""
    opened, words = [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            assert tag not in {"script", "i", "b"}
            if tag != "img":
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

        def handle_data(self, data):
            words.append(data)

    Reader().feed(markup)
    assert opened == []
    return " ".join(words)


def pictures(markup):
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', markup)
    return [ET.fromstring(base64.b64decode(data)) for data in found]  # noqa: S314 - made a line before


def labels(picture):
    return [node.text for node in picture.iter("{http://www.w3.org/2000/svg}text")]


def rows(printed):
    return [re.split(r"  +", line) for line in printed.splitlines()]


@pytest.fixture
def make(make_version):
    def make(version=1, mean_return=480.0, **more):
        known = {
            "version": version,
            "env_id": "CartPole-v1",
            "num_timesteps": 1000 * version,
            "config": {"gamma": 0.98, "learning_rate": 0.001},
            "learning_curve": CURVE,
            "sha256": f"{version:02x}" * 32,
            **more,
        }
        metrics = {"std_return": 3.0, "mean_return": mean_return, **known.pop("metrics", {})}
        return make_version(metrics=metrics, **known)

    return make


# -- Comparison --------------------------------------------------------------------------------------------------------


def test_seeds_are_shown_once_where_they_are_the_same_and_in_a_column_where_not(make_version):
    same, mixed = (
        Comparison([make_version(version=i, seed=seed) for i, seed in enumerate(seeds, 1)])
        for seeds in ((7, 7), (7, None, 8))
    )
    for shown in (repr(same), same._repr_html_()):
        assert "Seed 7" in shown
    assert [line.split()[1:2] for line in repr(mixed).splitlines()[2:5]] == [["7"], ["0"], ["8"]]
    assert ">seed</th>" in mixed._repr_html_()
    assert "eed" not in repr(Comparison([make_version(version=1), make_version(version=2)]))


def test_metrics_without_a_column_are_counted_with_what_has_them(make_version):
    versions = [make_version(version=i, metrics={f"figure_{k}": float(k * i) for k in range(12)}) for i in (1, 2)]
    comparison = Comparison(versions)
    for shown in (repr(comparison), comparison._repr_html_()):
        assert "4 more metrics: comparison.metrics has all" in shown
    assert len(comparison.metrics["cartpole:1"]) == 12
    for shown in (repr(VersionList(versions)), VersionList(versions)._repr_html_()):
        assert "8 more metrics: version.metrics has all" in shown


def test_thousands_of_metrics_are_read_once(make_version, monkeypatch):
    versions = [make_version(version=i, metrics={f"return_{k}": float(k * i) for k in range(3000)}) for i in range(20)]
    asked = []
    original = ModelVersion.__getattr__
    monkeypatch.setattr(ModelVersion, "__getattr__", lambda self, key: asked.append(key) or original(self, key))
    comparison = Comparison(versions)
    assert len(repr(comparison)) + len(comparison._repr_html_()) + len(comparison.metrics) + len(comparison.best) > 0
    assert asked.count("metrics") <= 3 * len(versions)


def test_metrics_are_those_of_each_version_with_the_mean_return_first(make):
    comparison = Comparison([make(1, 300.0), make(2, 480.0, metrics={"sharpe": 1.5})])
    assert list(comparison.metrics["cartpole:2"]) == ["mean_return", "std_return", "sharpe"]
    assert comparison.metrics == {
        "cartpole:1": {"mean_return": 300.0, "std_return": 3.0},
        "cartpole:2": {"mean_return": 480.0, "std_return": 3.0, "sharpe": 1.5},
    }


def test_the_config_holds_only_what_differs_and_a_missing_value_is_absent(make):
    one = make(1, config={"gamma": 0.98, "learning_rate": 0.001, "n_steps": 32, "target_kl": None})
    two = make(2, config={"gamma": 0.98, "learning_rate": 0.1, "buffer_size": 100})
    assert Comparison([one, two]).config == {
        "learning_rate": {"cartpole:1": 0.001, "cartpole:2": 0.1},
        "n_steps": {"cartpole:1": 32},
        "buffer_size": {"cartpole:2": 100},
    }


@pytest.mark.parametrize(("left", "right", "differs"), [(1, 1.0, False), (True, 1, True), ([64], [32], True)])
def test_values_differ_as_json_does(make, left, right, differs):
    comparison = Comparison([make(1, config={"x": left}), make(2, config={"x": right})])
    assert ("x" in comparison.config) is differs


def test_the_best_is_marked_where_a_name_tells_what_is_better(make):
    figures = {"reward_error": 0.5, "eval_episodes": 10.0, "whatever": 1.0}
    better = {"reward_error": 0.1, "eval_episodes": 20.0, "whatever": 2.0}
    comparison = Comparison([make(1, 300.0, metrics=better), make(2, 480.0, metrics=figures)])
    assert comparison.best == {"mean_return": "cartpole:2", "reward_error": "cartpole:1"}
    assert [cell for line in rows(str(comparison)) for cell in line if cell.startswith("*4")] == ["*480"]
    assert re.findall(r"<strong>(\d[\d.]*)</strong>", comparison._repr_html_()) == ["0.100", "480"]


@pytest.mark.parametrize("others", [[480.0], [math.nan], []])
def test_nothing_is_best_among_equals_or_alone(make, others):
    comparison = Comparison([make(1, 480.0), *(make(2, other) for other in others)])
    assert comparison.best == {}
    assert "*" not in str(comparison)


def test_a_metric_that_could_not_be_measured_is_never_best(make):
    comparison = Comparison([make(1, math.nan), make(2, 3.0), make(3, 4.0)])
    assert comparison.best == {"mean_return": "cartpole:3"}
    assert "nan" in str(comparison)


def test_a_row_for_each_version_says_what_it_is_and_what_differs(make):
    two = make(2, aliases=["best", "old"], config={"gamma": 0.5, "learning_rate": 0.001})
    comparison = Comparison([make(1, 300.0, env_id=None), two])
    header, _, first, second = rows(str(comparison))[:4]
    expected = ["version", "aliases", "algorithm", "environment", "steps", "mean return", "std return", "gamma"]
    assert header == expected
    assert first == ["cartpole:1", "ppo", "custom", "1,000", "300", "3", "0.98"]
    assert second == ["cartpole:2", "@best @old", "ppo", "CartPole-v1", "2,000", "*480", "3", "0.5"]
    words = words_of(comparison._repr_html_())
    assert all(cell.removeprefix("*") in words for cell in header + first + ["@best", "@old", "2,000", "480", "0.5"])


def test_a_version_given_twice_has_one_row(make):
    assert [version.ref for version in Comparison([make(1), make(2), make(1)]).versions] == ["cartpole:1", "cartpole:2"]


def test_nothing_to_compare_is_refused():
    with pytest.raises(InvalidReferenceError, match="nothing to compare"):
        Comparison([])


def test_equal_hyperparameters_are_said_to_be(make):
    comparison = Comparison([make(1), make(2)])
    assert "All hyperparameters are the same" in str(comparison)
    assert "All hyperparameters are the same" in comparison._repr_html_()


def test_many_differing_hyperparameters_have_a_table_of_their_own(make):
    left, right = ({f"x{i}": i + shift for i in range(30)} for shift in (0, 0.5))
    comparison = Comparison([make(1, config=left), make(2, config=right)])
    header = next(line for line in rows(str(comparison)) if line[0] == "hyperparameter")
    assert header == ["hyperparameter", "cartpole:1", "cartpole:2"]
    assert ["x7", "7", "7.5"] in rows(str(comparison))
    assert comparison._repr_html_().count("<table") == 2


def test_curves_can_be_shown_when_a_version_was_deleted_meanwhile(registry, make_model):
    versions = [registry.register(make_model(), "cartpole") for _ in range(2)]
    comparison = Comparison(versions)
    registry.delete("cartpole:1")
    assert comparison.curves["cartpole:1"] == {"steps": [500, 1000], "mean_return": [20.0, 40.0]}
    assert "cartpole:1" in labels(pictures(comparison._repr_html_())[0])


def test_every_curve_has_its_label_and_a_look_of_its_own(make):
    (picture,) = pictures(Comparison([make(i, 100.0 * i) for i in range(1, 7)])._repr_html_())
    assert {f"cartpole:{i}" for i in range(1, 7)} <= set(labels(picture))
    lines = [node for node in picture.iter("{http://www.w3.org/2000/svg}path") if node.get("stroke-width") == "8.8"]
    assert len({node.get("stroke") for node in lines}) == 6
    assert sum("stroke-dasharray" in node.keys() for node in lines) == 3  # noqa: SIM118 - an element is no dict


def test_the_end_of_a_long_name_tells_versions_apart_in_the_picture(make):
    versions = [make(i, name="a-very-long-name-of-a-model-that-goes-on") for i in (17, 18)]
    shown = labels(pictures(Comparison(versions)._repr_html_())[0])
    assert [label[-3:] for label in shown if label.startswith("a-very")] == [":17", ":18"]


def test_a_version_without_a_curve_has_a_row_and_no_line(make):
    comparison = Comparison([make(1, 300.0, learning_curve={}), make(2)])
    assert labels(pictures(comparison._repr_html_())[0]).count("cartpole:1") == 0
    assert "cartpole:1" in str(comparison)
    assert not pictures(Comparison([make(1, learning_curve={}), make(2, learning_curve={})])._repr_html_())


def test_fifty_versions_all_have_a_line_of_text_and_the_best_six_a_colour(make):
    comparison = Comparison([make(i, float(i), config={"gamma": i / 100}) for i in range(1, 51)])
    page = comparison._repr_html_()
    shown = page.count('scope="row"')
    assert f"{shown} of 50 are shown" in page
    assert str(comparison).count("cartpole:") == 50
    (picture,) = pictures(page)
    shown = [label for label in labels(picture) if label.startswith("cartpole")]
    assert sorted(shown) == [f"cartpole:{i}" for i in range(45, 51)]
    assert "in grey: 44 more" in labels(picture)


def test_a_thousand_versions_show_the_best_and_say_how_many_are_left_out(make):
    comparison = Comparison([make(i, float(i % 700), config={"gamma": i}) for i in range(1, 1001)])
    page = comparison._repr_html_()
    shown = page.count('scope="row"')
    assert f"{shown} of 1,000 are shown" in page
    assert "60 of 1,000 are shown" in str(comparison)
    assert "cartpole:699" in page
    assert len(comparison.metrics) == 1000


def test_hostile_text_is_shown_as_text(make):
    bad = make(2, env_id=HOSTILE, algorithm=HOSTILE, config={HOSTILE: HOSTILE, "gamma": 0.98}, metrics={HOSTILE: 1.0})
    comparison = Comparison([make(1), bad])
    assert "<script>alert(1)</script>" in words_of(comparison._repr_html_())
    assert "\x1b" not in str(comparison)
    table = str(comparison).split("\n\n")[0].splitlines()
    assert len(table) == 4


def test_the_same_versions_make_the_same_bytes(make):
    assert Comparison([make(1), make(2)])._repr_html_() == Comparison([make(1), make(2)])._repr_html_()


def test_a_usual_comparison_is_small(make):
    versions = [make(i, 100.0 * i, config={"gamma": i, "n_steps": 2 * i}) for i in range(1, 6)]
    assert len(Comparison(versions)._repr_html_()) < 10_000


# -- Difference --------------------------------------------------------------------------------------------------------


def test_a_difference_gives_the_settings_and_facts_that_differ(make):
    left = make(1, seed=0, tags=["a", "b"], packages={"numpy": "2.3", "rlkit": "1"}, config={"gamma": 0.98, "x": 1})
    right = make(2, seed=1, tags=["b", "a"], packages={"numpy": "2.4", "rlkit": "1"}, config={"gamma": 0.99, "y": 2})
    difference = Difference(left, right)
    assert difference.config == {"gamma": (0.98, 0.99), "x": (1, None), "y": (None, 2)}
    assert difference.facts == {
        "seed": (0, 1),
        "num_timesteps": (1000, 2000),
        "packages": ({"numpy": "2.3"}, {"numpy": "2.4"}),
    }
    for shown in (str(difference), words_of(difference._repr_html_())):
        assert all(word in shown for word in ("gamma", "0.98", "0.99", "seed", "numpy", "2.3", "2.4", "1,000"))
        assert "rlkit" not in shown


FACTS = {
    "algorithm": ("ppo", "a2c"),
    "env_id": ("CartPole-v1", "Acrobot-v1"),
    "env_kwargs": ({"gravity": 9.8}, {"gravity": 1.6}),
    "observation_space": ({"type": "Discrete", "n": 2}, {"type": "Discrete", "n": 3}),
    "action_space": ({"type": "Discrete", "n": 2}, None),
    "parent": ("cartpole:7", None),
    "dataset": ({"name": "d", "version": "1", "sha256": None}, {"name": "d", "version": "2", "sha256": None}),
    "git": ({"commit": "aaaaaaaaaaaa", "dirty": False}, {"commit": "aaaaaaaaaaaa", "dirty": True}),
    "left_out": ("", "replay buffer"),
    "tags": (["a"], ["b"]),
    "description": ("one", "other"),
}


@pytest.mark.parametrize("fact", list(FACTS))
def test_every_fact_that_differs_is_told(make, fact):
    left, right = (make(1, **{"sha256": "ab" * 32, fact: value}) for value in FACTS[fact])
    difference = Difference(left, right)
    assert list(difference.facts) == [fact]
    assert not difference.is_empty
    heading = {"env_id": "environment", "env_kwargs": "gravity", "git": "git commit"}.get(fact, fact.replace("_", " "))
    assert any(line[0] == heading for line in rows(str(difference)))


def test_no_differences_are_said_plainly(make):
    left, right = make(1), make(1, created="2030-01-01T00:00:00+00:00", wall_time=9.0, host="elsewhere")
    difference = Difference(left, right, {"w": (np.ones(3), np.ones(3))})
    assert difference.is_empty
    assert str(difference).endswith("No differences: the models' states are the same to the last bit.")
    assert "No differences" in difference._repr_html_()
    assert "<table" not in difference._repr_html_()


def test_another_state_alone_is_a_difference(make):
    difference = Difference(make(1), make(1, sha256="cd" * 32), {"w": (np.ones(3), np.ones(3))})
    assert not difference.is_empty
    assert "All hyperparameters are the same; all parameters are the same" in str(difference)


@pytest.mark.parametrize(
    ("metric", "left", "right", "verdict"),
    [
        ("mean_return", 1.0, 2.0, "better"),
        ("mean_return", 2.0, 1.0, "worse"),
        ("mean_return", 2.0, 2.0, "same"),
        ("test_error", 2.0, 1.0, "better"),
        ("std_return", 1.0, 2.0, ""),
        ("eval_episodes", 1.0, 2.0, ""),
        ("loss", 1.0, 2.0, ""),
        ("mean_return", math.nan, 2.0, ""),
    ],
)
def test_a_change_is_better_or_worse_where_its_name_tells(make_version, metric, left, right, verdict):
    sides = {"ab": left, "cd": right}
    difference = Difference(*(make_version(sha256=sha * 32, metrics={metric: value}) for sha, value in sides.items()))
    assert difference.metrics[metric][2] == pytest.approx(right - left, nan_ok=True)
    line = next(line for line in str(difference).splitlines() if line.startswith(metric.replace("_", " ")))
    assert [word for word in ("better", "worse", "same") if word in line] == ([verdict] if verdict else [])
    assert ("better" in difference._repr_html_()) is (verdict == "better")


def test_a_metric_on_one_side_has_no_change(make):
    difference = Difference(make(1, metrics={"sharpe": 1.0}), make(2))
    assert difference.metrics["sharpe"] == MetricChange(1.0, None, None)
    assert next(iter(difference.metrics)) == "mean_return"


def test_parameters_have_the_norms_of_both_sides_and_of_their_change(make):
    arrays = {
        "moved": (np.array([3.0, 4.0], np.float32), np.array([3.0, 4.5], np.float32)),
        "still": (np.ones((2, 2)), np.ones((2, 2))),
        "from zero": (np.zeros(2), np.array([0.0, 2.0])),
        "reshaped": (np.ones((2, 3)), np.ones(6)),
        "new": (None, np.array([1.0])),
        "gone": (np.array([2.0]), None),
    }
    difference = Difference(make(1), make(2), arrays)
    assert difference.parameters == {
        "moved": ParameterChange(5.0, pytest.approx(np.hypot(3, 4.5)), 0.5, 0.1, ""),
        "still": ParameterChange(2.0, 2.0, 0.0, 0.0, ""),
        "from zero": ParameterChange(0.0, 2.0, 2.0, None, ""),
        "reshaped": ParameterChange(pytest.approx(6**0.5), pytest.approx(6**0.5), None, None, "shapes 2×3 and 6"),  # noqa: RUF001 - as shapes are written
        "new": ParameterChange(None, 1.0, None, None, "only on the right"),
        "gone": ParameterChange(2.0, None, None, None, "only on the left"),
    }
    printed = str(difference)
    assert "5 of 6 arrays of parameters moved" in printed
    assert ["moved", "5.00", "5.41", "0.50", "10 %"] in rows(printed)
    assert not any(line[0] == "still" for line in rows(printed))
    assert "only on the left" in words_of(difference._repr_html_())


def test_parameters_that_are_not_finite_are_shown_as_they_are(make):
    arrays = {"nan": (np.array([math.nan]), np.array([1.0])), "huge": (np.full(2, 1e200), np.full(2, -1e308))}
    difference = Difference(make(1), make(2), arrays)
    assert math.isnan(difference.parameters["nan"].change)
    assert "nan" in str(difference)
    words_of(difference._repr_html_())


def test_of_very_many_arrays_those_that_moved_furthest_are_shown(make):
    arrays = {f"layer.{i}": (np.ones(2), np.ones(2) + i) for i in range(1, 1001)}
    difference = Difference(make(1), make(2), arrays)
    names = [line[0] for line in rows(str(difference)) if line[0].startswith("layer.")]
    assert names == [f"layer.{i}" for i in range(1000, 940, -1)]
    assert "… and 940 more: difference.parameters" in str(difference)
    assert "layer.1000<" in difference._repr_html_()


def test_hostile_text_in_a_difference_is_shown_as_text(make):
    told = dict.fromkeys(("env_id", "parent", "description", "left_out", "algorithm"), HOSTILE)
    told |= {"packages": {HOSTILE: HOSTILE}, "env_kwargs": {HOSTILE: HOSTILE}, "tags": [HOSTILE]}
    bad = make(2, config={HOSTILE: HOSTILE}, metrics={HOSTILE: 1.0}, **told)
    difference = Difference(make(1), bad, {HOSTILE: (None, np.ones(1))})
    assert "<script>alert(1)</script>" in words_of(difference._repr_html_())
    assert "\x1b" not in str(difference)
