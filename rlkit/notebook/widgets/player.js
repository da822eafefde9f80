// Plays an episode: the picture of each step, what is known of it, and curves over all of them.
import { clockOf, playWhenSeen } from "./episode/clock.js";
import { controlsOf, stepFor } from "./episode/controls.js";
import { figuresOf } from "./episode/figures.js";
import { make } from "./episode/page.js";
import { pictureOf } from "./episode/picture.js";
import { timelineOf } from "./episode/timeline.js";

function render({ model, el }) {
  const episode = model.get("episode");
  const { length } = episode;
  const step = () => Math.min(Math.max(model.get("step"), 0), length);
  const clock = clockOf(model, episode.rate, length);
  const toggle = () => clock.set("playing", !model.get("playing"));
  const picture = pictureOf(episode);
  const figures = figuresOf(episode);
  const timeline = timelineOf(episode, clock.go);
  const controls = controlsOf(length, { go: clock.go, toggle, hasten: (speed) => clock.set("speed", speed), step });
  const root = make("section", "", { tabIndex: -1 }, [
    make("header", "header", {}, [
      make("strong", "", { textContent: episode.title }),
      make("span", "muted", { textContent: episode.summary }),
    ]),
    make("div", "body", {}, [
      make("div", "shown", {}, [picture.node, controls.node, timeline.node]),
      ...figures.nodes,
    ]),
  ]);
  root.classList.add("rlkit-player");
  root.setAttribute("aria-label", `${episode.title}. Space plays, arrow keys step, Home and End go to the ends.`);
  // Else JupyterLab takes arrow keys for its next cell, and Enter for its editor.
  root.dataset.lmSuppressShortcuts = "true";

  function show() {
    const at = step();
    picture.show(at);
    figures.show(at);
    timeline.show(at);
    controls.show(at, figures.said(at), model.get("playing"));
  }
  const hasten = () => controls.showSpeed(model.get("speed"));
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
    const target = stepFor(event.key, step(), length);
    if (target !== null) clock.go(target);
    else if (event.key === " " && event.target.tagName !== "BUTTON") toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  model.on("change:step", show);
  model.on("change:playing", show);
  model.on("change:speed", hasten);
  el.appendChild(root);
  show();
  hasten();
  const lookAway = playWhenSeen(model, root, clock);
  return () => {
    lookAway();
    clock.stop();
    timeline.stop();
    picture.stop();
    model.off("change:step", show);
    model.off("change:playing", show);
    model.off("change:speed", hasten);
  };
}

export default { render };
