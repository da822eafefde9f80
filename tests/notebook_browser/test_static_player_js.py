"""The player that a recording shows by itself, on a page that has nothing but it."""

from __future__ import annotations

import dataclasses

import pytest
from playwright.sync_api import expect

from rlkit.models.ppo import PPO, PPOConfig

from .page import empty_page, pixels, settled, wait_for_change

NOTHING, TIMES = "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"
# Scripts that are put into a page as text do not run: they are made anew, as a notebook does it.
PUT = """html => {
  const place = document.querySelector("main").appendChild(document.createElement("div"));
  place.innerHTML = html;
  for (const given of place.querySelectorAll("script")) {
    const script = document.createElement("script");
    script.textContent = given.textContent;
    given.replaceWith(script);
  }
}"""


@pytest.fixture(scope="module")
def recording():
    return PPO(PPOConfig(net_arch=[4]), "Pendulum-v1", seed=0).watch(3, max_steps=60, deterministic=False)


@pytest.fixture
def calm(browser):
    yield from opened(browser, reduced_motion="reduce")


@pytest.fixture
def still(browser):
    """A page with a paused clock."""
    yield from opened(browser, reduced_motion="reduce", paused_clock=True)


@pytest.fixture
def lively(browser):
    """The same for somebody who minds no motion."""
    yield from opened(browser, paused_clock=True)


def opened(browser, **options):
    page, complaints = empty_page(browser, **options)
    yield page
    assert complaints == []
    page.context.close()


class Player:
    """The player on a page, with names for what is on it."""

    def __init__(self, page, recording):
        page.evaluate(PUT, recording._repr_html_())
        self.place = page.locator("main > div").nth(page.locator("main > div").count() - 1)
        self.canvas = self.place.locator("canvas")
        self.slider = self.place.get_by_role("slider", name="Moment of the episode")

    def button(self, name):
        return self.place.get_by_role("button", name=name, exact=True)

    def figure(self, label):
        return self.place.locator(f"div:has(> div:text-is('{label}')) > div").last


def test_it_takes_the_place_of_the_strip(calm, recording):
    player = Player(calm, recording)
    expect(player.canvas).to_be_visible()
    expect(player.place.locator("img").first).to_be_hidden()


def test_each_moment_has_its_picture_and_its_numbers(calm, recording):
    player = Player(calm, recording)
    before = pixels(player.canvas)
    player.slider.fill("30")
    wait_for_change(player.canvas, before)
    expect(player.figure("step")).to_have_text("30 of 60")
    numbers = [float(player.figure(name).text_content()) for name in ("action", "reward", "return", "value")]
    expected = [
        recording.actions[30, 0],
        recording.rewards[29],
        recording.rewards[:30].sum(),
        recording.values[30],
    ]
    assert numbers == pytest.approx(expected, rel=0.01, abs=0.06)


def test_at_the_end_the_return_is_what_it_is_elsewhere(calm, recording):
    player = Player(calm, recording)
    player.slider.fill("60")
    expect(player.figure("return")).to_have_text(recording.summary.split(",")[0].removeprefix("return "))
    expect(player.figure("action")).to_have_text(NOTHING)
    expect(player.button("Replay")).to_be_visible()


def test_it_plays_pauses_and_plays_anew(still, recording):
    player = Player(still, recording)
    expect(player.figure("step")).to_have_text("0 of 60")
    player.button("Play").click()
    still.clock.run_for(1000)
    expect(player.figure("step")).to_have_text(f"{recording.rate:g} of 60")
    still.clock.run_for(10_000)
    expect(player.button("Replay")).to_be_visible()
    expect(player.figure("step")).to_have_text("60 of 60")
    player.button("Replay").click()
    player.button("Pause").click()
    expect(player.button("Play")).to_be_visible()
    expect(player.figure("step")).to_have_text("0 of 60")


def test_the_speed_goes_round(calm, recording):
    player = Player(calm, recording)
    for speed in ("1", "2", "4", "0.25", "0.5"):
        player.button(f"Speed {speed}{TIMES}").click()
    expect(player.button(f"Speed 1{TIMES}")).to_be_visible()


def test_it_plays_by_itself_when_it_is_seen_unless_nothing_should_move(lively, recording):
    player = Player(lively, recording)
    expect(player.button("Pause")).to_be_visible()
    lively.emulate_media(reduced_motion="reduce")
    other = Player(lively, dataclasses.replace(recording, title="another"))
    settled(lively)
    expect(player.figure("step")).not_to_have_text("0 of 60")
    expect(other.figure("step")).to_have_text("0 of 60")


def test_the_same_episode_may_stand_on_a_page_twice(calm, recording):
    one, other = Player(calm, recording), Player(calm, recording)
    one.slider.fill("10")
    other.slider.fill("20")
    expect(one.figure("step")).to_have_text("10 of 60")
    expect(other.figure("step")).to_have_text("20 of 60")
    expect(calm.locator("canvas")).to_have_count(2)


def test_it_stops_when_it_is_taken_away(calm, recording):
    player = Player(calm, dataclasses.replace(recording, rate=0.01))  # it would play for hours
    player.button("Play").click()
    calm.evaluate("document.querySelector('main').replaceChildren()")
    calm.wait_for_function("counts.frames.size === 0")


def test_its_names_are_not_the_pages(calm, recording):
    Player(calm, recording)
    assert calm.evaluate("[typeof playAll, typeof drawScene, typeof start]") == ["undefined"] * 3
