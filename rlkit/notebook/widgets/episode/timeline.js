// Curves over all steps, with a cursor at the one that is shown.
import { axis, ends, numbers, written, writtenApart } from "../chart.js";
import { make } from "./page.js";

const PANEL = 64; // pixels of the timeline that one curve takes
const SMALL_FONT = "11px system-ui, sans-serif";

export function timelineOf(episode, go) {
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
    const labels = ticks.map((values) => writtenApart(values));
    left = 10 + Math.max(...labels.flat().map((word) => pen.measureText(word).width));
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
      for (const [i, tick] of ticks[k].entries()) {
        write(labels[k][i], left - 6, yAt(tick) + 4, "right");
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
