"""A whole registry as a notebook shows it."""

import pytest
from IPython.lib.pretty import pretty

from rlkit.errors import StoreError
from rlkit.registry.overview import Overview, overview


def rows(shown):
    return [line.split() for line in str(shown).splitlines()]


def test_a_registry_says_where_it_is_and_what_it_holds(registry, make_model):
    registry.register(make_model(), "cartpole")
    registry.register(make_model(), "cartpole")
    registry.register(make_model(), "pendulum")
    registry.set_alias("cartpole", "best", 1)
    registry.set_alias("cartpole", "live", 2)
    registry.versions()  # brings the index up to date, which is a file too
    size = sum(path.stat().st_size for path in registry.folder.rglob("*") if path.is_file())
    shown = registry._overview()
    assert (shown.folder, shown.size) == (registry.folder, size)
    for said in (pretty(registry), registry._repr_html_()):
        assert str(registry.folder) in said
        assert "2 models · 3 versions · " in said
        assert "@best → 1, @live → 2" in said
        assert "pendulum" in said


def test_the_repr_of_a_registry_stays_short(registry):
    assert repr(registry) == f"<ModelRegistry {str(registry.folder)!r}>"


def test_the_model_with_the_newest_version_is_first(make_version, tmp_path):
    made = [
        make_version(name=name, version=number, created=f"2026-0{month}-01T10:30:00+00:00")
        for name, number, month in (("old", 1, 1), ("new", 1, 3), ("old", 2, 2))
    ]
    assert overview(tmp_path, lambda: made).models == [
        ("new", "1", "", "2026-03-01 10:30"),
        ("old", "2", "", "2026-02-01 10:30"),
    ]


def test_an_empty_registry_says_how_the_first_version_is_kept(registry):
    for said in (pretty(registry), registry._repr_html_()):
        assert "empty: rlkit.register(model, " in said
    assert not registry.folder.exists()


def test_a_registry_that_cannot_be_read_says_why(tmp_path):
    def fail():
        raise StoreError("The folder cannot be read.", "Ask for permission.")

    for said in (str(overview(tmp_path, fail)), overview(tmp_path, fail)._repr_html_()):
        assert "The folder cannot be read. Ask for permission." in said


@pytest.mark.parametrize("count", [60, 61, 1000])
def test_of_very_many_models_the_newest_are_shown_and_the_others_counted(tmp_path, count):
    shown = Overview(tmp_path, 0, [(f"model{i}", "1", "", "2026-01-01 10:30") for i in range(count)])
    assert sum(row[0].startswith("model") for row in rows(shown) if row) == 60 + 1
    assert ("more: registry.models()" in str(shown)) is (count > 60)
    page = shown._repr_html_()
    listed = page.count(">model") - 1
    assert f"… and {count - listed:,} more" in page
