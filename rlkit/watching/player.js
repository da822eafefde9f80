// Plays an episode: draws the parts of a scene on a canvas, moved as the columns say.
import { drawScene } from "./scene.js";

// Finds its places by the key: in VS Code a script runs elsewhere, and the same episode may be on a page twice.
export function playAll(key, episode) {
  for (const root of document.querySelectorAll(`[data-rlkit-episode="${key}"]`)) {
    if (!root.dataset.started) start(root, episode);
  }
}

// Each column is [low, high] and 16 bits for each moment: none where the ends are equal; null is not known.
export function columnsOf(episode) {
  const bytes = Uint8Array.from(atob(episode.data), (letter) => letter.charCodeAt(0));
  const numbers = new Uint16Array(bytes.buffer);
  let next = 0;
  return episode.columns.map((column) => {
    if (!column) return null;
    const [low, high] = column;
    if (low === high) return () => low;
    const first = next;
    next += episode.moments;
    return (i) => low + ((high - low) * numbers[first + i]) / 65535;
  });
}

export function short(number) {
  const size = Math.abs(number);
  if (size && size < 1e-3) return number.toExponential(1);
  return number.toLocaleString("en", { maximumFractionDigits: size < 10 ? 3 : 1 });
}

function add(parent, tag, style, properties) {
  const node = Object.assign(document.createElement(tag), properties);
  node.style.cssText = style;
  return parent.appendChild(node);
}

function start(root, episode) {
  const { width, height, parts, moments, stride, length, rate, names, range } = episode;
  const all = columnsOf(episode);
  const poses = all.slice(0, 3 * parts.length);
  const [action, reward, value] = all.slice(3 * parts.length);
  const last = moments - 1;
  const returns = [0];
  for (let i = 1; i <= last; i++) returns.push(returns[i - 1] + reward(i));

  const player = document.createElement("div");
  const zoom = episode.zoom * (window.devicePixelRatio || 1);
  const canvas = add(
    player,
    "canvas",
    `display:block;box-sizing:border-box;width:${width * episode.zoom}px;max-width:100%;border:1px solid rgba(128,128,128,.3);border-radius:5px`,
    { width: width * zoom, height: height * zoom }
  );
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", episode.label);
  const row = `display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin-top:8px;max-width:440px;`;
  const table = add(player, "div", row + "font-variant-numeric:tabular-nums");
  const cells = ["step", "action", "reward", "return", value && "value"].filter(Boolean).map((label) => {
    const cell = add(table, "div", "flex:1 0 4em");
    add(cell, "div", "opacity:.68", { textContent: label });
    return add(cell, "div", "white-space:nowrap");
  });

  const bar = add(player, "div", row);
  const look =
    "font:inherit;color:inherit;background:none;border:1px solid rgba(128,128,128,.6);" +
    "border-radius:5px;padding:2px 0;cursor:pointer;width:";
  const button = add(bar, "button", look + "5em", { type: "button" });
  const slider = add(bar, "input", "flex:1;min-width:60px;margin:0;accent-color:#2f7cd4", {
    type: "range", min: 0, max: last, step: 1, value: 0,
  });
  slider.setAttribute("aria-label", "Moment of the episode");
  const faster = add(bar, "button", look + "3.5em", { type: "button" });

  // Else JupyterLab takes arrow keys for its next cell, and Enter for its editor.
  for (const control of [button, slider, faster]) control.dataset.lmSuppressShortcuts = "true";

  const brush = canvas.getContext("2d");
  function draw(i) {
    const push = i < last && range ? (2 * (action(i) - range[0])) / (range[1] - range[0]) - 1 : 0;
    drawScene(brush, episode, zoom, poses.map((pose) => pose(i)), push);
  }
  let at = 0, shown = -1, before = 0, playing = 0, speed = 0.5;
  function show() {
    const i = Math.floor(at + 1e-9);
    if (i === shown) return;
    shown = i;
    draw(i);
    const step = Math.min(i * stride, length);
    const told = [
      `${step} of ${length}`,
      i === last || !action ? "–" : names[Math.round(action(i) - (range ? range[0] : 0))] || short(action(i)),
      i ? short(reward(i)) : "–",
      i === last ? episode.total : short(returns[i]),
      value && (i === last ? "–" : short(value(i))),
    ];
    cells.forEach((cell, k) => (cell.textContent = told[k]));
    slider.value = i;
    slider.setAttribute("aria-valuetext", `step ${told[0]}`);
  }
  function pause() {
    cancelAnimationFrame(playing);
    playing = 0;
    button.textContent = at < last ? "Play" : "Replay";
  }
  function play() {
    if (at >= last) at = 0;
    show();
    before = performance.now();
    playing = requestAnimationFrame(advance);
    button.textContent = "Pause";
  }
  function advance(now) {
    // A hidden page goes on from where it was, and an output that was taken away stops.
    at = Math.min(at + (Math.min(Math.max(now - before, 0), 100) / 1000) * rate * speed, last);
    before = now;
    show();
    if (at < last && root.isConnected) playing = requestAnimationFrame(advance);
    else pause();
  }
  function hasten() {
    speed = speed < 4 ? speed * 2 : 0.25;
    faster.textContent = `${speed}×`;
    faster.setAttribute("aria-label", `Speed ${speed}×`);
  }
  button.addEventListener("click", () => (playing ? pause() : play()));
  slider.addEventListener("input", () => {
    at = +slider.value;
    show();
    pause();
  });
  faster.addEventListener("click", hasten);
  hasten();
  show();
  pause();

  root.firstElementChild.style.display = "none";
  root.appendChild(player);
  root.dataset.started = "yes";
  if (last && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    new IntersectionObserver((seen, observer) => {
      if (!seen.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      if (!shown) play();
    }).observe(canvas);
  }
}
