"""What stands for the widgets in a notebook that is opened again: with its kernel gone, and untrusted."""

import nbformat
import pytest
from playwright.sync_api import expect

CELLS = (
    """\
%load_ext rlkit
import rlkit
agent = rlkit.create("ppo", env="CartPole-v1", seed=0, net_arch=[4])
rlkit.register(agent, "{name}", tags=["kept"])
job = agent.train_in_background(2_000, progress=False)
job.wait();""",
    "panel = %rl_create\npanel.form.fields['gamma'].value = 0.5\npanel",
    "%rl_ui models {name}",
    "%rl_ui monitor",
    "%rl_ui watch agent --seed 0 --max-steps 9",
    "",
)
LIVE = (".rlkit-form", ".rlkit-browser", ".rlkit-run", ".rlkit-player")
SAID = ("--gamma 0.5", "{name}:1", "finished", "9 steps")
SHUT_DOWN = "jupyterapp.shell.currentWidget.sessionContext.shutdown()"


@pytest.fixture
def saved(notebook, lab):
    """The name of a notebook that has shown its widgets and was saved; its kernel is gone."""
    book = notebook(*(cell.replace("{name}", "twins") for cell in CELLS))
    assert book.run_all()
    for index, widget in enumerate(LIVE, 1):
        expect(book.cell(index).locator(widget).first).to_be_visible()
        expect(book.cell(index).locator(".rlkit-twin").first).to_be_hidden()
    book.run("panel.form.fields['gamma'].value = 0.5")  # whoever saves at once saves what was said until then
    book.save()
    book.page.evaluate(SHUT_DOWN)
    return book.name


def stands_there(book):
    """The twins can be seen, and nothing complains of what they stand for."""
    assert book.run("print(1)")  # by then JupyterLab has asked its new kernel all that it has to
    for index, (widget, said) in enumerate(zip(LIVE, SAID, strict=True), 1):
        expect(book.cell(index).locator(widget)).to_have_count(0)
        expect(book.cell(index)).to_contain_text(said.replace("{name}", "twins"))
        expect(book.cell(index).get_by_text("widget")).to_be_hidden()  # "Loading …" or "Error displaying …"


def test_a_notebook_without_its_kernel_shows_a_picture_of_each_widget(saved, show):
    again = show(saved)
    again.expected.append("widget model not found")  # JupyterLab looks for them, again and again
    stands_there(again)
    for index in range(1, len(LIVE) + 1):
        expect(again.cell(index).locator(".rlkit-twin")).to_be_visible()
    again.keep("twins")


def test_an_untrusted_notebook_shows_them_too(saved, show, lab):
    copy = lab.read(saved)
    copy.cells[0].source += "\n# from elsewhere"  # with the same content it would be trusted as the other is
    nbformat.write(copy, lab.root / f"from-elsewhere-{saved}")
    stands_there(show(f"from-elsewhere-{saved}"))
