// Draws lines over faint dots on a canvas: again whenever the data change, the page is resized or the theme turns.
import { axis, ends, nearest, numbers, written } from "./chart.js";

const FONT = "11px system-ui, sans-serif";
const BOLD = "600 11px system-ui, sans-serif";
const TOP = 26;
const BOTTOM = 36;

function render({ model, el }) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.style.cssText = "display:block;width:100%";
  el.appendChild(canvas);
  let pointer = null;
  let waiting = 0;

  function read() {
    return model.get("lines").map((line) => ({
      ...line,
      x: numbers(line.x),
      y: numbers(line.y),
      low: line.low && numbers(line.low),
      high: line.high && numbers(line.high),
    }));
  }

  function draw() {
    waiting = 0;
    const width = el.clientWidth;
    const height = model.get("height");
    const zoom = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * zoom);
    canvas.height = Math.round(height * zoom);
    canvas.style.height = `${height}px`;
    canvas.setAttribute("aria-label", model.get("alt"));
    const pen = canvas.getContext("2d");
    pen.scale(zoom, zoom);
    const ink = getComputedStyle(el).color;
    const lines = read();
    const threshold = model.get("threshold");
    pen.font = FONT;
    const across = axis(lines.flatMap((line) => ends(line.x)), Math.max(2, width / 110), 0);
    const heights = lines.flatMap((line) => [...ends(line.y), ...ends(line.low ?? []), ...ends(line.high ?? [])]);
    const up = axis(threshold === null ? heights : [...heights, threshold], Math.max(2, height / 50), 0.05);
    const left = 8 + Math.max(...up.words.map((word) => pen.measureText(word).width));
    pen.font = BOLD;
    const labelled = lines.filter((line) => line.label && line.y.length);
    const labels = labelled.toSorted((one, other) => one.y.at(-1) - other.y.at(-1));
    const right = width - 12 - Math.max(0, ...labels.map((line) => pen.measureText(line.label).width + 18));
    const xAt = (value) => left + ((value - across.low) / (across.high - across.low)) * (right - left);
    const yAt = (value) => height - BOTTOM - ((value - up.low) / (up.high - up.low)) * (height - BOTTOM - TOP);

    function write(words, x, y, { align = "left", alpha = 0.7, font = FONT } = {}) {
      Object.assign(pen, { font, fillStyle: ink, textAlign: align, globalAlpha: alpha });
      pen.fillText(words, x, y);
      pen.globalAlpha = 1;
    }

    function rule(x1, y1, x2, y2, alpha, dash = []) {
      Object.assign(pen, { strokeStyle: ink, lineWidth: 1, globalAlpha: alpha });
      pen.setLineDash(dash);
      pen.beginPath();
      pen.moveTo(x1, y1);
      pen.lineTo(x2, y2);
      pen.stroke();
      pen.setLineDash([]);
      pen.globalAlpha = 1;
    }

    function trace(xs, ys, from = 0) {
      for (let i = 0; i < xs.length; i++) {
        if (i === 0 && !from) pen.moveTo(xAt(xs[i]), yAt(ys[i]));
        else pen.lineTo(xAt(xs[i]), yAt(ys[i]));
      }
    }

    write(model.get("y_label"), 0, 11, { font: model.get("bold") ? BOLD : FONT, alpha: model.get("bold") ? 0.9 : 0.7 });
    write(model.get("x_label"), (left + right) / 2, height - 4, { align: "center" });
    up.ticks.forEach((tick, i) => {
      rule(left, yAt(tick), right, yAt(tick), 0.12);
      write(up.words[i], left - 5, yAt(tick) + 4, { align: "right" });
    });
    across.ticks.forEach((tick, i) => write(across.words[i], xAt(tick), height - BOTTOM + 15, { align: "center" }));
    if (!labels.length && !lines.some((line) => line.x.length)) {
      write("nothing to show yet", (left + right) / 2, height / 2, { align: "center" });
      return;
    }
    if (threshold !== null) {
      rule(left, yAt(threshold), right, yAt(threshold), 0.55, [4, 3]);
      write(model.get("threshold_label"), left + 4, yAt(threshold) + 13);
    }
    for (const line of lines) {
      Object.assign(pen, { fillStyle: line.colour, strokeStyle: line.colour });
      if (line.kind === "dots") {
        pen.globalAlpha = 0.45;
        for (let i = 0; i < line.x.length; i++) pen.fillRect(xAt(line.x[i]) - 1.2, yAt(line.y[i]) - 1.2, 2.4, 2.4);
      } else {
        if (line.low) {
          pen.globalAlpha = 0.18;
          pen.beginPath();
          trace(line.x, line.high);
          trace(line.x.toReversed(), line.low.toReversed(), 1);
          pen.fill();
        }
        Object.assign(pen, { globalAlpha: 1, lineWidth: 2, lineJoin: "round" });
        pen.beginPath();
        trace(line.x, line.y);
        pen.stroke();
      }
      pen.globalAlpha = 1;
    }
    let free = Infinity;
    for (const line of labels) {
      const at = Math.min(yAt(line.y.at(-1)) + 4, free);
      free = at - 13;
      pen.fillStyle = line.colour; // beside the words: as their colour it would be too faint on some pages
      pen.fillRect(right + 6, at - 8, 8, 8);
      write(line.label, right + 18, at, { alpha: 0.9, font: BOLD });
    }
    if (pointer !== null && pointer >= left && pointer <= right) {
      const wanted = across.low + ((pointer - left) / (right - left)) * (across.high - across.low);
      const shown = labels.map((line) => [line, nearest(line.x, wanted)]);
      if (shown.length) {
        const x = xAt(shown[0][0].x[shown[0][1]]);
        rule(x, TOP, x, height - BOTTOM, 0.4);
        const words = shown.map(([line, i]) => `${line.name}: ${written(line.y[i])}`).join("   ");
        write(`${written(shown[0][0].x[shown[0][1]])}   ${words}`, right, 11, { align: "right", alpha: 0.9 });
      }
    }
  }

  function schedule() {
    if (!waiting) waiting = requestAnimationFrame(draw);
  }
  const resized = new ResizeObserver(schedule);
  resized.observe(el);
  const turned = new MutationObserver(schedule);
  turned.observe(document.body, { attributes: true });
  model.on("change", schedule);
  canvas.addEventListener("pointermove", (event) => {
    pointer = event.offsetX;
    schedule();
  });
  canvas.addEventListener("pointerleave", () => {
    pointer = null;
    schedule();
  });
  schedule();
  return () => {
    resized.disconnect();
    turned.disconnect();
    model.off("change", schedule);
  };
}

export default { render };
