"""Create, train, evaluate, watch and keep a model, as a person types it."""

import re

import pytest
from playwright.sync_api import expect

from .panel import changes, pixels
from .server import KERNELS

each_kernel = pytest.mark.parametrize("kernel", KERNELS)

MODEL = "%load_ext rlkit\nagent = %rl_create ppo CartPole-v1 --seed 0"


@each_kernel
def test_a_quickstart_typed_and_run(notebook, lab, kernel):
    book = notebook(MODEL, "")
    assert book.run_all()

    trained = book.enter("%rl_train agent --steps 20_000_000", follow=True)
    book.page.wait_for_function("seen.progress.length > 2 && seen.pictures.length > 2")
    book.interrupt()
    book.finish(trained)
    expect(book.outputs(trained)).to_have_count(1)
    expect(book.outputs(trained)).to_contain_text("stopped: interrupted")
    expect(book.outputs(trained)).not_to_contain_text("%")

    expect(book.outputs(book.run("%rl_eval agent --episodes 5"))).to_contain_text("mean return")
    plays(book, book.run("%rl_watch agent"))
    expect(book.outputs(book.run(f"%rl_save agent {kernel} --alias best"))).to_contain_text(f"{kernel}:1")
    expect(book.outputs(book.run("%rl_models"))).to_contain_text(kernel)

    book.save()
    outputs = [output for cell in lab.read(book.name).cells for output in cell.outputs]
    assert {output.output_type for output in outputs} == {"display_data", "execute_result"}
    assert len(outputs) == 5
    assert max(len(str(output)) for output in outputs) < 50_000


def plays(book, index):
    """The player stands where a still picture would be, begins when it is seen, and obeys its controls."""
    output = book.outputs(index)
    canvas, slider = output.locator("canvas"), output.get_by_role("slider")
    expect(canvas).to_be_visible()
    expect(output.locator("img")).to_be_hidden()
    expect(slider).not_to_have_value("0")
    slider.fill("0")
    expect(output.get_by_role("button", name="Play", exact=True)).to_be_visible()
    begun = pixels(canvas)
    output.get_by_role("button", name="Play", exact=True).click()
    expect(slider).not_to_have_value("0")
    assert pixels(canvas) != begun


@each_kernel
def test_training_in_the_background_leaves_the_notebook_free_and_its_card_where_it_began(notebook):
    book = notebook(MODEL, "")
    assert book.run_all()
    begun = book.enter("%rl_train agent --steps 1e9 --background", follow=True)
    curve = book.outputs(begun).locator("canvas").first
    expect(curve).to_be_visible()
    changes(curve, pixels(curve))

    expect(book.outputs(book.run("print(6 * 7)"))).to_have_text("42")
    changes(curve, pixels(curve))
    expect(book.outputs(book.run("%rl_stop agent"))).to_contain_text("Stopped after the update under way")

    expect(book.outputs(begun)).to_contain_text("stopped: asked to stop")
    expect(book.outputs(begun)).to_have_count(1)
    expect(book.outputs(begun).locator("canvas")).to_have_count(0)
    expect(book.page.locator(".jp-OutputArea-child", has_text=re.compile("steps in"))).to_have_count(1)


def test_buttons_of_a_training_that_a_cell_waits_for(notebook):  # with ipykernel 6 nothing answers meanwhile
    book = notebook(MODEL, "")
    assert book.run_all()
    begun = book.enter("%rl_train agent --steps 1e9")
    output = book.outputs(begun).first
    canvas = output.locator("canvas").first
    expect(canvas).to_be_visible()
    changes(canvas, pixels(canvas))
    press(output, "Pause")
    expect(output).to_contain_text("paused")
    output.get_by_role("textbox", name="keep as").fill("waited")
    press(output, "Checkpoint")
    expect(output).to_contain_text("Kept as waited:1.")
    press(output, "Resume")
    changes(canvas, pixels(canvas))
    press(output, "Stop")
    book.finish(begun)
    expect(book.outputs(begun)).to_have_count(1)
    expect(book.outputs(begun)).to_contain_text("stopped: asked to stop")


def press(output, name):
    """Press the button that is called this, after its icon."""
    output.get_by_role("button", name=re.compile(rf"(^|\W){name}$")).click()


INSIDE = (
    MODEL
    + """
import ipywidgets

def work():
    print("before")
    agent.train(20_000)

def in_output():
    out = ipywidgets.Output()
    display(out)
    with out:
        work()

def in_tab():
    outs = [ipywidgets.Output(), ipywidgets.Output()]
    display(ipywidgets.Tab(outs))
    with outs[0]:
        work()

def decorated():
    out = ipywidgets.Output()
    display(out)
    out.capture()(work)()

def interacting():
    ipywidgets.interact(lambda steps: work(), steps=(1, 3))

def in_background():
    out = ipywidgets.Output()
    display(out)
    with out:
        print("before")
        job = agent.train_in_background(20_000)
    job.wait()
"""
)


@each_kernel
def test_a_training_is_followed_inside_other_widgets_and_leaves_its_card_there(notebook, kernel):
    book = notebook(INSIDE, "")
    assert book.run_all()
    for work in ("in_output", "in_tab", "decorated", "interacting", "in_background"):
        begun = book.enter(f"{work}()", follow=True)
        if work != "interacting":  # interact shows its output when it has called for the first time
            book.page.wait_for_function("seen.progress.length > 2")
        book.finish(begun)
        expect(book.cell(begun)).to_contain_text("before")
        expect(book.cell(begun)).to_contain_text("20,224 steps in")
        expect(book.cell(begun)).not_to_contain_text("%")
        book.keep(f"training-{work}-{kernel}")
