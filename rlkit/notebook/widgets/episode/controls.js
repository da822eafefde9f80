// Buttons, a slider and a list of speeds; and what keys do.
import { make } from "./page.js";

const SPEEDS = [0.25, 0.5, 1, 2, 4];
const LEAP = 10; // steps of Page Up and Page Down
const ICONS = {
  first: "M3 2h2v12H3zM13 2v12L6 8z",
  back: "M10 2h2v12h-2zM9 2v12L3 8z",
  play: "M4 2l10 6-10 6z",
  pause: "M3 2h4v12H3zM9 2h4v12H9z",
  again: "M8 3V0L3.5 4 8 8V5a4 4 0 1 1-4 4H2a6 6 0 1 0 6-6z",
  forward: "M4 2h2v12H4zM7 2v12l6-6z",
  last: "M11 2h2v12h-2zM3 2v12l7-6z",
};

// What a key does where no other control needs it: the step to go to.
export function stepFor(key, step, length) {
  const targets = {
    ArrowLeft: step - 1,
    ArrowDown: step - 1,
    ArrowRight: step + 1,
    ArrowUp: step + 1,
    PageDown: step - LEAP,
    PageUp: step + LEAP,
    Home: 0,
    End: length,
  };
  return key in targets ? Math.min(Math.max(targets[key], 0), length) : null;
}

function iconOf(name) {
  return `<svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path fill="currentColor" d="${ICONS[name]}"/></svg>`;
}

function button(name, title, keys, onclick) {
  const made = make("button", "button", { type: "button", title, innerHTML: iconOf(name), onclick });
  made.setAttribute("aria-label", title.replace(/ \(.*/, ""));
  made.setAttribute("aria-keyshortcuts", keys);
  return made;
}

export function controlsOf(length, { go, toggle, hasten, step }) {
  const play = button("play", "Play (Space)", "Space", toggle);
  const slider = make("input", "slider", { type: "range", min: 0, max: length, step: 1 });
  slider.title = "Step: arrow keys, Page Up, Page Down, Home, End";
  slider.setAttribute("aria-label", "Step of the episode");
  slider.addEventListener("input", () => go(+slider.value));
  const speed = make("select", "speed", { title: "Speed" });
  speed.setAttribute("aria-label", "Speed");
  speed.addEventListener("change", () => hasten(+speed.value));
  const node = make("div", "controls", {}, [
    button("first", "First step (Home)", "Home", () => go(0)),
    button("back", "One step back (←)", "ArrowLeft", () => go(step() - 1)),
    play,
    button("forward", "One step forward (→)", "ArrowRight", () => go(step() + 1)),
    button("last", "Last step (End)", "End", () => go(length)),
    slider,
    speed,
  ]);
  let icon = "";
  return {
    node,
    show(at, action, playing) {
      slider.value = at;
      slider.setAttribute("aria-valuetext", `step ${at} of ${length}${action && `, ${action}`}`);
      const [name, title] = playing ? ["pause", "Pause"] : at < length ? ["play", "Play"] : ["again", "Play again"];
      if (name === icon) return;
      icon = name;
      play.innerHTML = iconOf(name);
      play.title = `${title} (Space)`;
      play.setAttribute("aria-label", title);
    },
    showSpeed(value) {
      const offered = [...new Set([...SPEEDS, value])].toSorted((one, other) => one - other);
      speed.replaceChildren(...offered.map((each) => make("option", "", { value: each, textContent: `${each}×` })));
      speed.value = value;
    },
  };
}
