// What the parts of the player share: elements, and columns of numbers.
import { numbers } from "../chart.js";

export function make(tag, className, properties = {}, children = []) {
  const node = Object.assign(document.createElement(tag), properties);
  if (className) node.className = `rlkit-player-${className}`;
  node.append(...children);
  return node;
}

// Columns stand one behind the other, each with as many numbers as there are moments, or steps.
export function columnsOf(bytes, count) {
  const all = numbers(bytes);
  const size = all.length / count;
  return Array.from({ length: count }, (_, k) => all.subarray(k * size, (k + 1) * size));
}
