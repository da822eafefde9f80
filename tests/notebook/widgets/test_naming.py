"""Names where none was typed."""

import pytest

from rlkit.notebook.widgets.naming import name_for
from rlkit.registry.names import check_name


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ("CartPole-v1", "cartpole-v1"),
        ("ALE/Pong-v5", "ale-pong-v5"),
        ("", "model"),
        ("--Umwelt--", "umwelt"),
        ("雪", "model"),
    ],
)
def test_a_name_is_made_of_the_environments_and_allowed(environment, name):
    assert name_for(environment) == name
    check_name(name)
