"""Lines with a magic, as IPython has made Python of them."""

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from rlkit.notebook.rewriting import make_transformer


@pytest.fixture
def python():
    """Return the Python that a cell becomes."""
    manager = TransformerManager()
    transform = make_transformer({"rl_load", "rl_help"}, {"rl_config"})

    def python(cell):
        return "".join(transform(manager.transform_cell(cell).splitlines(keepends=True)))

    return python


@pytest.mark.parametrize(
    "cell",
    [
        "x = 1;\n",
        "x = %rl_load a\n",
        "%rl_load a b\n",
        "%timeit x;\n",
        "%%rl_config ppo\nn_steps: 3\n",
    ],
)
def test_what_is_right_stays_as_it_is(python, cell):
    assert python(cell) == TransformerManager().transform_cell(cell)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%rl_load a;", "get_ipython().run_line_magic('rl_load', 'a'); None\n"),
        ("%rl_load a ; ", "get_ipython().run_line_magic('rl_load', 'a '); None\n"),
        ("x = %rl_load a;", "x = get_ipython().run_line_magic('rl_load', 'a'); None\n"),
        ("%rl_load 'it''s';", "get_ipython().run_line_magic('rl_load', \"'it''s'\"); None\n"),
        ("%%rl_config ppo;\na: 1", "get_ipython().run_cell_magic('rl_config', 'ppo', 'a: 1\\n'); None\n"),
        ("%%rl_config ppo\n", "get_ipython().run_cell_magic('rl_config', 'ppo', '\\n')\n"),
        ("%rl_lod a --b", "get_ipython().run_line_magic('rl_help', '%rl_lod')\n"),
        ("if x:\n    y = %rl_lod 'a'", "if x:\n    y = get_ipython().run_line_magic('rl_help', '%rl_lod')\n"),
        ("%rl_load;", "get_ipython().run_line_magic('rl_load', ''); None\n"),
        ("x = %rl_load; ", "x = get_ipython().run_line_magic('rl_load', ''); None\n"),
        ("%%rl_config;\na: 1", "get_ipython().run_cell_magic('rl_config', '', 'a: 1\\n'); None\n"),
        ("%rl_load\ta b", "get_ipython().run_line_magic('rl_load', 'a b')\n"),
        ("x = %rl_load\t'a b';", "x = get_ipython().run_line_magic('rl_load', \"'a b'\"); None\n"),
        ("%rl_load\ta\t", "get_ipython().run_line_magic('rl_load', 'a')\n"),
        ("%rl_load\N{NO-BREAK SPACE}a", "get_ipython().run_line_magic('rl_load', 'a')\n"),
        ("%%rl_config\tppo\na: 1", "get_ipython().run_cell_magic('rl_config', 'ppo', 'a: 1\\n')\n"),
        ("%rl_lod\ta", "get_ipython().run_line_magic('rl_help', '%rl_lod')\n"),
        ("%rl_load;x", "get_ipython().run_line_magic('rl_help', '%rl_load;x')\n"),
        ("%rl_", "get_ipython().run_line_magic('rl_help', '%rl_')\n"),
        ("%%rl_load a\nb", "get_ipython().run_line_magic('rl_help', '%%rl_load')\n"),
    ],
)
def test_what_ipython_would_do_wrongly_is_put_right(python, cell, expected):
    assert python(cell) == expected
