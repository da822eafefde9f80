import pytest

from rlkit.errors import QueryError
from rlkit.notebook.widgets.models.searching import Words, condition


@pytest.fixture
def find(keep, registry):
    keep("cartpole", tags=["baseline"], description="Trained in the Wind.")
    keep("acrobot", tags=["sweep"])
    registry.set_alias("cartpole", "best", 1)

    def find(query):
        return [version.ref for version in registry.search(condition(query))]

    return find


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["acrobot:1", "cartpole:1"]),
        ("  ", ["acrobot:1", "cartpole:1"]),
        ("wind", ["cartpole:1"]),
        ("WIND", ["cartpole:1"]),
        ("cartpole:1", ["cartpole:1"]),
        ("@best", ["cartpole:1"]),
        ("sweep", ["acrobot:1"]),
        ("ppo wind", ["cartpole:1"]),
        ("wind sweep", []),
        ("trained in the wind", ["cartpole:1"]),
        ("tags", []),
        ("metrics.mean_return > 1", ["acrobot:1"]),
        ("name='acrobot'", ["acrobot:1"]),
        ("'baseline' in tags", ["cartpole:1"]),
        ("not 'baseline' in tags", ["acrobot:1"]),
    ],
)
def test_a_query_finds(find, query, found):
    assert find(query) == found


@pytest.mark.parametrize("query", ["metrics.mean_return >", "name = ", "a == b ==", "f(x) > 1"])
def test_an_expression_that_is_wrong_is_refused(query):
    with pytest.raises(QueryError):
        condition(query)


def test_a_field_that_no_version_has_is_refused_with_the_nearest(find):
    with pytest.raises(QueryError, match="Did you mean 'tags'"):
        find("'baseline' in tag")


def test_what_no_expression_is_are_words():
    assert condition("a b:c") == Words(("a", "b:c"))
