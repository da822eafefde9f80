"""The player's script on a page without a kernel: what a person sees, and what they do with mouse and keyboard."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from playwright.sync_api import expect

from rlkit.notebook.widgets.player import EpisodePlayer
from rlkit.watching import Recording
from rlkit.watching.scenes import scene_of

from .page import Shown, empty_page, pixels, settled, wait_for_change

LENGTH = 200
NOTHING, TIMES = "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"


def recorded(**changes):
    """An episode of CartPole whose numbers say which step they belong to."""
    rng = np.random.default_rng(0)
    steps = np.arange(LENGTH + 1, dtype=np.float64)
    observations = np.stack([steps, -steps, steps / 100, np.zeros(LENGTH + 1)], axis=1)
    actions = np.arange(LENGTH) % 2
    made = Recording(
        observations=observations,
        actions=actions,
        rewards=np.arange(1.0, LENGTH + 1),
        terminated=True,
        truncated=False,
        cut_off=False,
        title="PPO on CartPole-v1, one episode",
        seed=1,
        deterministic=True,
        rate=50,
        action_space=spaces.Discrete(2),
        values=1000 + np.arange(LENGTH, dtype=np.float64),
        action_probabilities=np.stack([1 - actions, actions], axis=1) * 0.5 + 0.25,
        observation_names=("cart position", "cart velocity", "pole angle", "pole angular velocity"),
        action_names=("push left", "push right"),
        scene=scene_of(gymnasium.make("CartPole-v1")),
        states=rng.uniform(-1, 1, (LENGTH + 1, 4)),
    )
    return dataclasses.replace(made, **changes)


class Player(Shown):
    """The widget on a page, with names for what is on it."""

    def __init__(self, page, recording=None, step=0):
        widget = EpisodePlayer(recorded() if recording is None else recording)
        widget.step = step
        super().__init__(page, widget)
        self.page = page
        self.picture = self.place.get_by_role("img", name="one episode")
        self.slider = self.place.get_by_role("slider", name="Step of the episode")
        self.speed = self.place.get_by_role("combobox", name="Speed")
        self.curves = self.place.get_by_role("img", name="Curves of")

    def button(self, name):
        return self.place.get_by_role("button", name=name, exact=True)

    def figure(self, label):
        return self.place.locator(f"dl > div:has(dt:text-is('{label}')) dd")

    def row(self, name):
        return self.place.get_by_role("listitem").filter(has_text=name)

    def at(self, step):
        expect(self.figure("step")).to_have_text(f"{step} of {LENGTH}")


@pytest.fixture
def calm(browser):
    """A page of somebody who wants nothing to move by itself."""
    yield from opened(browser, reduced_motion="reduce")


@pytest.fixture
def still(browser):
    """The same with a paused clock."""
    yield from opened(browser, reduced_motion="reduce", paused_clock=True)


@pytest.fixture
def lively(browser):
    """A page of somebody who minds no motion, with a paused clock."""
    yield from opened(browser, paused_clock=True)


def opened(browser, **options):
    page, complaints = empty_page(browser, **options)
    yield page
    assert complaints == []
    page.context.close()


@pytest.fixture
def player(calm):
    return Player(calm)


# -- what is seen ------------------------------------------------------------------------------------------------------


def test_each_step_has_its_picture_and_its_numbers(player):
    expect(player.figure("reward")).to_have_text(NOTHING)
    expect(player.figure("return so far")).to_have_text("0")
    before = pixels(player.picture)
    player.set(step=3)
    wait_for_change(player.picture, before)
    player.at(3)
    expect(player.figure("action")).to_have_text("push right")
    expect(player.figure("reward")).to_have_text("3")
    expect(player.figure("return so far")).to_have_text("6")
    expect(player.figure("value V(s)")).to_have_text("1003")
    expect(player.row("cart position")).to_have_text("cart position3")
    expect(player.row("cart velocity")).to_have_text("cart velocity-3")
    expect(player.row("push right")).to_have_text("push right0.75")


def test_the_action_taken_is_marked_among_the_others(player):
    chosen = player.place.locator(".rlkit-player-chosen")
    player.set(step=2)
    expect(chosen).to_have_text("push left0.75")
    player.set(step=3)
    expect(chosen).to_have_text("push right0.75")


def test_at_the_end_nothing_is_done_any_more(player):
    player.set(step=LENGTH)
    player.at(LENGTH)
    expect(player.figure("action")).to_have_text(NOTHING)
    expect(player.figure("value V(s)")).to_have_text(NOTHING)
    expect(player.figure("return so far")).to_have_text("20.1k")
    expect(player.row("cart position")).to_have_text("cart position200")
    expect(player.place.locator(".rlkit-player-chosen")).to_have_count(0)


def test_bars_begin_at_zero_and_reach_their_value(player):
    player.set(step=100)
    geometry = """row => {
      const bar = row.querySelector(".rlkit-player-bar").getBoundingClientRect();
      const part = row.querySelector("i").getBoundingClientRect();
      return [(part.left - bar.left) / bar.width, (part.right - bar.left) / bar.width];
    }"""
    assert player.row("cart position").evaluate(geometry) == pytest.approx([0, 0.5], abs=0.01)
    assert player.row("cart velocity").evaluate(geometry) == pytest.approx([0.5, 1], abs=0.01)


def test_frames_are_shown_where_there_is_no_scene(calm):
    frames = np.zeros((3, 20, 40, 3), np.uint8)
    frames[0, ..., 0], frames[1, ..., 1], frames[2, ..., 2] = 255, 255, 255
    steps = np.array([0, 10, LENGTH])
    player = Player(calm, recorded(scene=None, states=None, frames=frames, frame_steps=steps))
    first = """([canvas, colour]) => {
      const copy = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      return `${copy.getImageData(0, 0, 1, 1).data}` === colour;
    }"""
    for step, colour, told in [
        (0, "255,0,0,255", 0),
        (9, "255,0,0,255", 0),
        (10, "0,255,0,255", 10),
        (LENGTH, "0,0,255,255", LENGTH),
    ]:
        player.set(step=step)
        calm.wait_for_function(first, arg=[player.picture.element_handle(), colour])
        expect(player.place.get_by_text(f"rendered at step {told}", exact=True)).to_be_visible()


def test_without_a_picture_a_sentence_says_why_and_all_else_is_there(calm):
    player = Player(calm, recorded(scene=None, states=None, no_picture="Custom has no render mode 'rgb_array'"))
    expect(player.place.get_by_text("No picture: Custom has no render mode 'rgb_array'.")).to_be_visible()
    expect(player.curves).to_be_visible()
    player.set(step=3)
    expect(player.figure("reward")).to_have_text("3")


def test_numbers_of_a_continuous_action_are_rows_with_names(calm):
    space = spaces.Box(-2, 2, (1,), np.float32)
    actions = np.linspace(-2, 2, LENGTH)[:, None]
    player = Player(
        calm, recorded(action_space=space, actions=actions, action_names=("torque",), action_probabilities=None)
    )
    expect(player.row("torque")).to_have_text("torque-2")
    expect(player.figure("action")).to_have_count(0)
    player.set(step=LENGTH)
    expect(player.row("torque")).to_have_text(f"torque{NOTHING}")


def test_actions_and_values_that_are_not_known_leave_no_gap(calm):
    player = Player(calm, recorded(values=None, action_probabilities=None, action_names=()))
    expect(player.figure("action")).to_have_text("action 0")
    expect(player.figure("value V(s)")).to_have_count(0)
    expect(player.place.get_by_role("list")).to_have_count(1)
    expect(player.place.get_by_role("img", name="Curves of reward over the steps")).to_be_visible()


def test_many_numbers_stand_below_the_picture_and_few_beside_it(calm):
    few = Player(calm)
    many = Player(calm, recorded(observations=np.zeros((LENGTH + 1, 24)), observation_names=()))
    assert few.row("cart position").bounding_box()["y"] < few.curves.bounding_box()["y"]
    first = many.place.get_by_role("list", name="observation").get_by_role("listitem").first
    assert first.bounding_box()["y"] > many.curves.bounding_box()["y"]
    expect(many.place.get_by_role("list", name="observation").get_by_role("listitem")).to_have_count(24)


def test_another_theme_is_drawn_in_its_own_ink(calm, player):
    before = pixels(player.curves)
    calm.evaluate("document.body.className = 'dark'")
    wait_for_change(player.curves, before)


def test_a_narrow_page_has_all_below_each_other(calm, player):
    beside = player.figure("step").bounding_box()
    assert beside["y"] < player.curves.bounding_box()["y"]
    calm.set_viewport_size({"width": 420, "height": 900})
    calm.wait_for_function("innerWidth === 420")
    below = player.figure("step").bounding_box()
    assert below["y"] > player.curves.bounding_box()["y"]
    assert calm.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_markup_in_a_title_is_text(calm):
    player = Player(calm, recorded(title="<img src=x onerror=alert(1)>, one episode", action_names=("<b>", "</b>")))
    expect(player.place.get_by_text("<img src=x onerror=alert(1)>, one episode")).to_be_visible()
    expect(player.place.locator("img, b")).to_have_count(0)


# -- the mouse ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "step"), [("First step", 0), ("One step back", 99), ("One step forward", 101), ("Last step", LENGTH)]
)
def test_buttons_go_to_a_step(player, name, step):
    player.set(step=100)
    player.button(name).click()
    player.at(step)
    assert player.get("step") == step


def test_a_step_beyond_an_end_is_none(player):
    player.button("One step back").click()
    player.at(0)
    player.set(step=LENGTH)
    player.button("One step forward").click()
    player.at(LENGTH)


def test_the_slider_scrubs(player):
    player.slider.fill("42")
    player.at(42)
    expect(player.slider).to_have_attribute("aria-valuetext", f"step 42 of {LENGTH}, push left")


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_a_click_on_the_curves_goes_there_and_dragging_scrubs(calm, player, share):
    calm.wait_for_function("canvas => canvas.width > 300", arg=player.curves.element_handle())  # until it is drawn
    box = player.curves.bounding_box()
    player.curves.click(position={"x": box["width"] * share, "y": 40})
    at = player.get("step")
    assert at == pytest.approx(share * LENGTH, abs=0.08 * LENGTH)
    player.at(at)
    cursor = player.place.locator(".rlkit-player-cursor").bounding_box()
    assert cursor["x"] + cursor["width"] / 2 == pytest.approx(box["x"] + box["width"] * share, abs=2)
    calm.mouse.move(box["x"] + box["width"] * share, box["y"] + 40)
    calm.mouse.down()
    calm.mouse.move(box["x"] + box["width"] + 300, box["y"] + 40)
    player.at(LENGTH)
    calm.mouse.up()
    calm.mouse.move(box["x"] + 60, box["y"] + 40)
    player.at(LENGTH)


def test_the_button_plays_and_pauses(still):
    player = Player(still)
    player.button("Play").click()
    still.clock.run_for(200)
    assert player.get("step") > 5
    player.button("Pause").click()
    expect(player.button("Play")).to_be_visible()
    assert player.get("playing") is False
    at = player.get("step")
    settled(still)
    assert player.get("step") == at


def test_scrubbing_pauses(still):
    player = Player(still)
    player.button("Play").click()
    still.clock.run_for(200)
    player.slider.fill("42")
    expect(player.button("Play")).to_be_visible()
    player.at(42)


def test_the_speed_is_chosen_from_a_list_and_shows_what_python_set(player):
    expect(player.speed).to_have_value("1")
    player.speed.select_option(f"4{TIMES}")
    assert player.get("speed") == 4
    player.set(speed=1.5)
    expect(player.speed).to_have_value("1.5")
    assert player.speed.locator("option").all_text_contents() == [
        f"{speed}{TIMES}" for speed in ("0.25", "0.5", "1", "1.5", "2", "4")
    ]


# -- the keyboard ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "step"),
    [
        ("ArrowLeft", 99),
        ("ArrowRight", 101),
        ("ArrowDown", 99),
        ("ArrowUp", 101),
        ("PageDown", 90),
        ("PageUp", 110),
        ("Home", 0),
        ("End", LENGTH),
    ],
)
@pytest.mark.parametrize("focused", ["picture", "slider", "button"])
def test_keys_go_to_a_step_wherever_the_focus_is(calm, player, key, step, focused):
    player.set(step=100)
    if focused == "picture":
        player.picture.click()
    else:
        (player.slider if focused == "slider" else player.button("Play")).focus()
    calm.keyboard.press(key)
    player.at(step)


def test_space_plays_and_pauses_and_presses_what_is_focused(still):
    player = Player(still)
    player.picture.click()
    still.keyboard.press("Space")
    expect(player.button("Pause")).to_be_visible()
    still.keyboard.press("Space")
    expect(player.button("Play")).to_be_visible()
    player.slider.focus()
    still.keyboard.press("Space")
    expect(player.button("Pause")).to_be_visible()
    player.button("Pause").focus()
    still.keyboard.press("Space")
    expect(player.button("Play")).to_be_visible()
    player.set(step=100)
    player.button("First step").focus()
    still.keyboard.press("Space")
    player.at(0)
    assert player.get("playing") is False


def test_keys_of_the_speed_are_its_own_and_those_with_control_the_pages(calm, player):
    player.set(step=100)
    player.speed.focus()
    calm.keyboard.press("ArrowDown")
    assert player.get("speed") == 2
    player.button("Play").focus()
    calm.keyboard.press("Control+Home")
    player.at(100)


def test_controls_are_reached_in_the_order_in_which_they_stand(calm, player):
    calm.evaluate("document.activeElement.blur()")
    names = []
    for _ in range(7):
        calm.keyboard.press("Tab")
        names.append(calm.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert names == [
        "First step",
        "One step back",
        "Play",
        "One step forward",
        "Last step",
        "Step of the episode",
        "Speed",
    ]


def test_jupyterlab_is_told_to_leave_keys_alone(player):
    expect(player.place.locator("section")).to_have_attribute("data-lm-suppress-shortcuts", "true")


# -- time --------------------------------------------------------------------------------------------------------------


def test_it_plays_when_it_is_first_seen(lively):
    player = Player(lively)
    lively.wait_for_function("model => model.playing", arg=player.state())
    lively.clock.run_for(200)
    assert player.get("step") > 5
    assert player.get("playing")


def test_it_waits_until_it_is_seen(lively):
    lively.evaluate("document.querySelector('main').style.paddingTop = '3000px'")
    player = Player(lively)
    settled(lively)
    assert (player.get("playing"), player.get("step")) == (False, 0)
    player.place.scroll_into_view_if_needed()
    lively.wait_for_function("model => model.playing", arg=player.state())
    lively.clock.run_for(200)
    assert player.get("step") > 5


def test_it_does_not_begin_where_somebody_has_begun_elsewhere(lively):
    lively.evaluate("document.querySelector('main').style.paddingTop = '3000px'")
    player = Player(lively)
    player.set(step=7)
    player.place.scroll_into_view_if_needed()
    settled(lively)
    assert (player.get("playing"), player.get("step")) == (False, 7)


def test_it_does_not_begin_where_it_is_shown_in_the_middle(lively):
    player = Player(lively, step=7)
    player.at(7)
    settled(lively)
    assert (player.get("playing"), player.get("step")) == (False, 7)


def test_nothing_moves_by_itself_where_that_is_not_wanted(still):
    player = Player(still)
    settled(still)
    assert (player.get("playing"), player.get("step")) == (False, 0)
    player.button("Play").click()
    still.clock.run_for(200)
    assert player.get("step") > 5


def test_python_plays_and_pauses_and_moves_it_while_it_plays(still):
    player = Player(still)
    player.set(playing=True)
    still.clock.run_for(200)
    assert player.get("step") > 5
    player.set(step=150)
    still.clock.run_for(200)
    at = player.get("step")
    assert 155 < at < LENGTH
    player.set(playing=False)
    settled(still)
    assert player.get("step") == at


def test_it_stops_at_the_end_and_begins_anew_from_there(still):
    player = Player(still)
    player.set(speed=4)
    player.set(step=LENGTH - 4)
    player.button("Play").click()
    still.clock.run_for(1000)
    expect(player.button("Play again")).to_be_visible()
    player.at(LENGTH)
    assert (player.get("playing"), player.get("step")) == (False, LENGTH)
    assert still.evaluate("counts.timers.size") == 0
    assert player.saved()[-1]["playing"] is False
    player.button("Play again").click()
    still.clock.run_for(200)
    assert player.get("playing")
    assert 0 < player.get("step") < 100


def test_a_step_takes_the_time_that_its_environment_and_the_speed_say(calm):
    """Frames come when the page says so: each moves the step by the time between them, of 100 milliseconds at most."""
    calm.evaluate(
        """() => {
          window.now = 0;
          performance.now = () => now;
          window.pending = [];
          window.requestAnimationFrame = call => pending.push(call);
          window.frame = passed => { now += passed; pending.splice(0).forEach(call => call(now)); };
        }"""
    )
    player = Player(calm)
    calm.evaluate("frame(0)")
    for speed, passed, steps in [(1, 20, 1), (1, 50, 2.5), (2, 50, 5), (0.25, 80, 1), (4, 5000, 20)]:
        player.set(step=0)
        player.set(speed=speed)
        player.set(playing=True)
        calm.evaluate("passed => frame(passed)", passed)
        assert player.get("step") == int(steps)
        player.set(playing=False)


def test_the_kernel_hears_of_it_ten_times_a_second_at_most(still):
    player = Player(still)
    player.button("Play").click()
    still.clock.run_for(1250)
    player.button("Pause").click()
    assert 10 < len(player.saved()) <= 13
    still.clock.run_for(100)
    told = player.saved()
    assert told[-1]["playing"] is False
    assert all(later["at"] - earlier["at"] >= 100 for earlier, later in pairwise(told))
    assert still.evaluate("counts.timers.size") == 0
    steps = [each["step"] for each in told if "step" in each]
    assert steps[-1] == player.get("step")


# -- several of them, and their end ------------------------------------------------------------------------------------


def test_two_players_do_not_interfere(still):
    one, other = Player(still), Player(still)
    one.set(step=50)
    other.slider.fill("7")
    one.at(50)
    other.at(7)
    one.button("Play").click()
    still.clock.run_for(200)
    assert one.get("step") > 55
    other.at(7)
    one.remove()
    other.button("One step forward").click()
    other.at(8)


def test_two_views_of_one_player_show_the_same_step_and_move_once(still):
    player = Player(still)
    again = player.again()
    player.slider.fill("42")
    expect(again.locator("dd").first).to_have_text(f"42 of {LENGTH}")
    player.button("Play").click()
    still.clock.run_for(500)
    assert 60 <= player.get("step") < 80
    steps = [each["step"] for each in player.saved() if "step" in each]
    assert steps == sorted(steps)


def test_nothing_of_it_is_left_when_it_is_taken_away(lively):
    player = Player(lively)
    lively.wait_for_function("model => model.playing", arg=player.state())
    lively.clock.run_for(250)
    assert player.get("step") > 5
    assert lively.evaluate("[counts.observers.size, counts.frames.size, counts.timers.size].every(size => size > 0)")
    player.remove()
    assert player.listeners() == 0
    assert lively.evaluate("[counts.observers.size, counts.frames.size, counts.timers.size]") == [0, 0, 0]
    at = player.get("step")
    settled(lively)
    assert player.get("step") == at


def test_nothing_is_left_of_what_was_never_seen(lively):
    lively.evaluate("document.querySelector('main').style.paddingTop = '3000px'")
    player = Player(lively)
    player.remove()
    assert player.listeners() == 0
    assert lively.evaluate("[counts.observers.size, counts.frames.size, counts.timers.size]") == [0, 0, 0]


def test_no_frame_stays_in_memory(calm):
    calm.evaluate(
        """() => {
          window.kept = new Set();
          const [decode, close] = [createImageBitmap, ImageBitmap.prototype.close];
          window.createImageBitmap = async (...args) => {
            const picture = await decode(...args);
            kept.add(picture);
            return picture;
          };
          ImageBitmap.prototype.close = function () { kept.delete(this); close.call(this); };
        }"""
    )
    frames = np.zeros((3, 20, 40, 3), np.uint8)
    steps = np.array([0, 10, LENGTH])
    player = Player(calm, recorded(scene=None, states=None, frames=frames, frame_steps=steps))
    calm.wait_for_function("kept.size === 3")
    player.remove()
    assert calm.evaluate("kept.size") == 0


def test_what_was_not_told_yet_is_told_when_it_is_taken_away(still):
    player = Player(still)
    player.slider.fill("41")
    player.slider.fill("42")
    assert player.saved()[-1]["step"] == 41
    player.remove()
    assert player.saved()[-1]["step"] == 42
