// Draws a scene: rigid parts on a still ground, each carried by the one before it.

function paint(brush, [path, colour, thickness]) {
  brush.lineWidth = thickness;
  brush[thickness ? "strokeStyle" : "fillStyle"] = colour;
  brush[thickness ? "stroke" : "fill"](new Path2D(path));
}

// Poses are x, y and angle of each part in turn; push is the action, from -1 to 1.
export function drawScene(brush, scene, zoom, poses, push) {
  brush.setTransform(zoom, 0, 0, zoom, 0, 0);
  brush.clearRect(0, 0, scene.width, scene.height);
  brush.lineCap = brush.lineJoin = "round";
  for (const shape of scene.ground) paint(brush, shape);
  let held = null;
  for (const [k, part] of scene.parts.entries()) {
    brush.translate(poses[3 * k], poses[3 * k + 1]);
    brush.rotate(poses[3 * k + 2]);
    for (const shape of part) paint(brush, shape);
    held ??= brush.getTransform();
  }
  brush.setTransform(held);
  brush.scale(push, Math.abs(push));
  if (push) paint(brush, scene.push);
}
