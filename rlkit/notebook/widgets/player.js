// Plays an episode: the picture of each step, what is known of it, and curves over all of them.
import { axis, ends, numbers, written } from "./chart.js";
import { drawScene } from "../../watching/scene.js";

const SPEEDS = [0.25, 0.5, 1, 2, 4];
const LEAP = 10; // steps of Page Up and Page Down
const SEND_EVERY = 100; // milliseconds: what plays tells the kernel no more often where it is
const LONGEST_PAUSE = 100; // milliseconds: a page that was hidden goes on from where it was
const PANEL = 64; // pixels of the timeline that one curve takes
const FEW = 12; // numbers of an observation that stand beside the picture; more stand below it
const SMALL_FONT = "11px system-ui, sans-serif";
const ICONS = {
  first: "M3 2h2v12H3zM13 2v12L6 8z",
  back: "M10 2h2v12h-2zM9 2v12L3 8z",
  play: "M4 2l10 6-10 6z",
  pause: "M3 2h4v12H3zM9 2h4v12H9z",
  again: "M8 2a6 6 0 1 1-5.6 3.9l1.9.7A4 4 0 1 0 8 4v3L3.5 3.500 8 0z",
  forward: "M4 2h2v12H4zM7 2v12l6-6z",
  last: "M11 2h2v12h-2zM3 2v12l7-6z",
};

// -- what an episode says of each moment ------------------------------------------------------------------------------

// Columns stand one behind the other, each with as many numbers as there are moments, or steps.
export function columnsOf(bytes, count) {
  const all = numbers(bytes);
  const size = all.length / count;
  return Array.from({ length: count }, (_, k) => all.subarray(k * size, (k + 1) * size));
}

// Where a bar from 0 to a value begins and how long it is, as shares of a span that holds both.
export function barOf(value, low, high) {
  const span = high - low || 1;
  const zero = Math.min(Math.max((0 - low) / span, 0), 1);
  const end = Math.min(Math.max((value - low) / span, 0), 1);
  return [Math.min(zero, end), Math.abs(end - zero)];
}

// The last frame that was rendered at a step or before it.
export function frameAt(steps, step) {
  let found = 0;
  while (found + 1 < steps.length && steps[found + 1] <= step) found++;
  return found;
}

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

// -- parts of the page ------------------------------------------------------------------------------------------------

function make(tag, className, properties = {}, children = []) {
  const node = Object.assign(document.createElement(tag), properties);
  if (className) node.className = `rlkit-player-${className}`;
  node.append(...children);
  return node;
}

function iconOf(name) {
  return `<svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path fill="currentColor" d="${ICONS[name]}"/></svg>`;
}

// A pixel of a scene or frame takes so many of the page, each of which may be several of the screen.
function canvasOf(label, { width, height, zoom }, density) {
  const canvas = make("canvas", "picture", { width: width * density, height: height * density });
  canvas.style.width = `${width * zoom}px`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return canvas;
}

function scenePicture(episode) {
  const { scene } = episode;
  const density = scene.zoom * (window.devicePixelRatio || 1);
  const canvas = canvasOf(episode.title, scene, density);
  const poses = columnsOf(scene.poses, 3 * scene.parts.length);
  const pushes = scene.pushes && numbers(scene.pushes);
  const brush = canvas.getContext("2d");
  const show = (step) => drawScene(brush, scene, density, poses.map((pose) => pose[step]), pushes?.[step] ?? 0);
  return { node: canvas, show, stop() {} };
}

function framePicture(episode) {
  const { data, steps, width, height, zoom } = episode.frames;
  const canvas = canvasOf(episode.title, episode.frames, 1);
  canvas.classList.toggle("rlkit-player-sharp", zoom > 2);
  const told = make("div", "muted");
  const brush = canvas.getContext("2d");
  const decoded = data.map(() => null);
  let wanted = 0;
  let stopped = false;
  function draw() {
    const picture = decoded[wanted];
    if (picture) brush.drawImage(picture, 0, 0, width, height);
  }
  for (const [k, bytes] of data.entries()) {
    createImageBitmap(new Blob([bytes], { type: "image/png" })).then((picture) => {
      if (stopped) return picture.close();
      decoded[k] = picture;
      return k === wanted && draw();
    });
  }
  return {
    node: make("div", "", {}, [canvas, told]),
    show(step) {
      wanted = frameAt(steps, step);
      told.textContent = steps.length > episode.length ? "" : `rendered at step ${steps[wanted]}`;
      draw();
    },
    stop() {
      stopped = true;
      for (const picture of decoded) picture?.close();
    },
  };
}

function noPicture(episode) {
  const node = make("p", "muted", { textContent: `No picture: ${episode.no_picture}.` });
  return { node, show() {}, stop() {} };
}

function pictureOf(episode) {
  if (episode.scene) return scenePicture(episode);
  return episode.frames ? framePicture(episode) : noPicture(episode);
}

// Rows of a name, a bar and a number; a bar's span is what is given, or what the column holds, and 0.
function rowsOf(title, names, columns, given = null) {
  const spans = columns.map((column, k) => given?.[k] ?? [Math.min(0, ...ends(column)), Math.max(0, ...ends(column))]);
  const rows = names.map((name) => {
    const bar = make("i", "");
    const number = make("span", "number");
    const label = make("span", "name", { textContent: name, title: name });
    return { row: make("li", "row", {}, [label, make("span", "bar", {}, [bar]), number]), bar, number };
  });
  const list = make("ul", "rows", {}, rows.map(({ row }) => row));
  list.setAttribute("aria-label", title);
  const node = make("div", "", {}, [make("div", "muted", { textContent: title }), list]);
  return {
    node,
    show(step, chosen = -1) {
      for (const [k, { row, bar, number }] of rows.entries()) {
        const value = columns[k][step];
        const known = value !== undefined;
        const [start, size] = known ? barOf(value, ...spans[k]) : [0, 0];
        bar.style.left = `${start * 100}%`;
        bar.style.width = `${size * 100}%`;
        number.textContent = known ? written(value) : "–";
        row.classList.toggle("rlkit-player-chosen", k === chosen);
      }
    },
  };
}

function actionOf(episode) {
  const { names, data, spans } = episode.action;
  const columns = columnsOf(data, episode.action.columns);
  if (!episode.action.discrete) return { ...rowsOf("action", names, columns, spans), said: () => "" };
  const { estimates } = episode;
  const nameOf = (choice) => names[choice] ?? `action ${choice + episode.action.start}`;
  const said = (step) => (step < episode.length ? nameOf(columns[0][step]) : "–");
  if (!estimates) return { node: make("div", ""), show() {}, said };
  const all = columnsOf(estimates.data, estimates.columns);
  const shared = all.map(() => estimates.span);
  const rows = rowsOf(estimates.label, all.map((_, k) => nameOf(k)), all, shared);
  return { node: rows.node, show: (step) => rows.show(step, columns[0][step]), said };
}

function figuresOf(episode) {
  const rewards = numbers(episode.rewards);
  const returns = numbers(episode.returns);
  const values = episode.values && numbers(episode.values);
  const action = actionOf(episode);
  const { names, data } = episode.observation;
  const observation = rowsOf("observation", names, columnsOf(data, names.length));
  const named = [
    ["step", "Steps taken so far", (step) => `${step} of ${episode.length}`],
    ...(episode.action.discrete ? [["action", "What the model does in this state", action.said]] : []),
    ["reward", "For the action before this state", (step) => (step ? written(rewards[step - 1]) : "–")],
    ["return so far", "Sum of the rewards up to this state", (step) => (step ? written(returns[step - 1]) : "0")],
    ...(values
      ? [[episode.value.label, episode.value.meaning, (step) => (step < values.length ? written(values[step]) : "–")]]
      : []),
  ];
  const cells = named.map(([label, title, say]) => {
    const value = make("dd", "");
    return { value, say, node: make("div", "", { title }, [make("dt", "", { textContent: label }), value]) };
  });
  const list = make("dl", "figures", {}, cells.map(({ node }) => node));
  const told = make("div", "told", {}, [list, action.node]);
  const many = names.length > FEW;
  if (!many) told.append(observation.node);
  return {
    nodes: many ? [told, observation.node] : [told],
    said: action.said,
    show(step) {
      for (const { value, say } of cells) value.textContent = say(step);
      action.show(step);
      observation.show(step);
    },
  };
}

// -- the timeline -----------------------------------------------------------------------------------------------------

function timelineOf(episode, go) {
  const curves = episode.curves.map(({ label, colour, column, first }) => {
    return { label, colour, first, data: numbers(episode[column]) };
  });
  const canvas = make("canvas", "curves");
  const cursor = make("div", "cursor");
  const node = make("div", "timeline", { title: "Click or drag to go to a step" }, [canvas, cursor]);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Curves of ${curves.map(({ label }) => label).join(" and ")} over the steps`);
  let left = 0;
  let right = 1;
  let step = 0;
  let drawn = 0;
  const xAt = (at) => left + (at / Math.max(episode.length, 1)) * (right - left);
  const stepAt = (x) => Math.round(Math.min(Math.max((x - left) / (right - left), 0), 1) * episode.length);

  function draw() {
    drawn = 0;
    const width = node.clientWidth;
    const height = PANEL * curves.length + 16;
    const zoom = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * zoom);
    canvas.height = Math.round(height * zoom);
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(zoom, zoom);
    pen.font = SMALL_FONT;
    const ink = getComputedStyle(node).color;
    const axes = curves.map(({ data }) => axis(ends(data), 3, 0.08));
    const ticks = axes.map(({ ticks: all }, k) => (new Set(ends(curves[k].data)).size === 1 ? [curves[k].data[0]] : all));
    left = 10 + Math.max(...ticks.flat().map((tick) => pen.measureText(written(tick)).width));
    right = width - 8;

    function write(words, x, y, align) {
      Object.assign(pen, { fillStyle: ink, textAlign: align, globalAlpha: 0.8 });
      pen.fillText(words, x, y);
      pen.globalAlpha = 1;
    }
    for (const [k, { label, colour, data, first }] of curves.entries()) {
      const [top, bottom] = [k * PANEL + 17, (k + 1) * PANEL - 3];
      const { low, high } = axes[k];
      const yAt = (value) => bottom - ((value - low) / (high - low)) * (bottom - top);
      pen.fillStyle = colour;
      pen.fillRect(left, top - 13, 8, 8);
      write(label, left + 13, top - 5, "left");
      for (const tick of ticks[k]) {
        write(written(tick), left - 6, yAt(tick) + 4, "right");
        Object.assign(pen, { fillStyle: ink, globalAlpha: 0.14 });
        pen.fillRect(left, yAt(tick), right - left, 1);
        pen.globalAlpha = 1;
      }
      Object.assign(pen, { strokeStyle: colour, lineWidth: 1.5, lineJoin: "round" });
      pen.beginPath();
      for (const [i, value] of data.entries()) pen.lineTo(xAt(i + first), yAt(value));
      pen.stroke();
    }
    const across = axis([0, Math.max(episode.length, 1)], Math.max(2, width / 90), 0);
    for (const tick of across.ticks.filter(Number.isInteger)) {
      write(written(tick), xAt(tick), height - 3, tick === 0 ? "left" : tick > 0.96 * episode.length ? "right" : "center");
    }
    cursor.style.height = `${height - 14}px`;
    show(step);
  }
  function show(to) {
    step = to;
    cursor.style.left = `${xAt(step)}px`;
  }
  function schedule() {
    drawn ||= requestAnimationFrame(draw);
  }
  const scrub = (event) => go(stepAt(event.clientX - canvas.getBoundingClientRect().left));
  node.addEventListener("pointerdown", (event) => {
    node.setPointerCapture(event.pointerId);
    scrub(event);
  });
  node.addEventListener("pointermove", (event) => event.buttons && scrub(event));
  const resized = new ResizeObserver(schedule);
  resized.observe(node);
  const turned = new MutationObserver(schedule);
  turned.observe(document.body, { attributes: true });
  return {
    node,
    show,
    stop() {
      resized.disconnect();
      turned.disconnect();
      cancelAnimationFrame(drawn);
    },
  };
}

// -- controls ---------------------------------------------------------------------------------------------------------

function controlsOf(length, { go, toggle, hasten, step }) {
  const button = (name, title, keys, onclick) => {
    const made = make("button", "button", { type: "button", title, innerHTML: iconOf(name), onclick });
    made.setAttribute("aria-label", title.replace(/ \(.*/, ""));
    made.setAttribute("aria-keyshortcuts", keys);
    return made;
  };
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

// -- the whole --------------------------------------------------------------------------------------------------------

// Moves the step while it plays. The kernel hears of it now and then, and whenever it stands still.
function clockOf(model, rate, length) {
  let at = model.get("step");
  let before = 0;
  let frame = 0;
  let timer = 0;
  let sent = -SEND_EVERY;
  let moving = false;

  function send() {
    clearTimeout(timer);
    timer = 0;
    sent = performance.now();
    model.save_changes();
  }
  function tell() {
    const wait = sent + SEND_EVERY - performance.now();
    if (wait <= 0) send();
    else timer ||= setTimeout(send, wait);
  }
  function move(step) {
    moving = true;
    model.set("step", step);
    moving = false;
    tell();
  }
  function set(name, value) {
    model.set(name, value);
    tell();
  }
  function advance(now) {
    const passed = Math.min(Math.max(now - before, 0), LONGEST_PAUSE) / 1000;
    at = Math.min(at + passed * rate * model.get("speed"), length);
    before = now;
    const step = Math.floor(at + 1e-9);
    if (step !== model.get("step")) move(step);
    frame = 0;
    if (step >= length) set("playing", false);
    else frame = requestAnimationFrame(advance);
  }
  function follow() {
    cancelAnimationFrame(frame);
    frame = 0;
    if (!model.get("playing")) return;
    if (model.get("step") >= length) {
      at = 0;
      move(0);
    }
    before = performance.now();
    frame = requestAnimationFrame(advance);
  }
  function jumped() {
    if (!moving) at = model.get("step");
  }
  model.on("change:step", jumped);
  model.on("change:playing", follow);
  follow();
  return {
    set,
    go(step) {
      if (model.get("playing")) set("playing", false);
      set("step", Math.min(Math.max(step, 0), length));
    },
    stop() {
      model.off("change:step", jumped);
      model.off("change:playing", follow);
      cancelAnimationFrame(frame);
      if (timer) send();
    },
  };
}

// Plays when it is first seen, unless somebody was faster, or wants nothing to move.
function playWhenSeen(model, node, clock) {
  const watcher = new IntersectionObserver((seen) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    stop();
    if (!model.get("step") && !model.get("playing")) clock.set("playing", true);
  });
  function stop() {
    watcher.disconnect();
    model.off("change:step", stop);
    model.off("change:playing", stop);
  }
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return stop;
  watcher.observe(node);
  model.on("change:step", stop);
  model.on("change:playing", stop);
  return stop;
}

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
