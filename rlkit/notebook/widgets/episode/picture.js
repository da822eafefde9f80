// The picture of a step: a scene that is drawn, a frame that was rendered, or why there is none.
import { drawScene } from "../../../watching/scene.js";
import { numbers } from "../chart.js";
import { columnsOf, make } from "./page.js";

// The last frame that was rendered at a step or before it.
export function frameAt(steps, step) {
  let found = 0;
  while (found + 1 < steps.length && steps[found + 1] <= step) found++;
  return found;
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

export function pictureOf(episode) {
  if (episode.scene) return scenePicture(episode);
  return episode.frames ? framePicture(episode) : noPicture(episode);
}
