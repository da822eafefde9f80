// What charts share: numbers as they come and as they are written, axes, and the point that is meant.

export function numbers(view) {
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

export function written(value, digits = 3) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(digits)}M`;
  if (size >= 1e4) return `${+(value / 1e3).toPrecision(digits)}k`;
  if (size >= 100 || value === 0) return `${+value.toFixed(digits - 2)}`;
  return `${+value.toPrecision(digits)}`;
}

// The numbers of an axis, with as many digits as tell them apart.
export function writtenApart(values) {
  for (let digits = 3; ; digits++) {
    const words = values.map((value) => written(value, digits));
    if (digits > 9 || new Set(words).size === values.length) return words;
  }
}

// A step of 1, 2, 2.5 or 5 times a power of ten that cuts a span into about so many parts.
function roundStep(span, parts) {
  const rough = span / parts;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 2.5, 5].find((factor) => factor * power >= rough) ?? 10);
}

export function axis(values, parts, pad) {
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (!(low <= high)) [low, high] = [0, 1];
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const room = (high - low) * pad;
  const step = roundStep(high - low, parts);
  const ticks = [];
  for (let at = Math.ceil((low - room) / step); at * step <= high + room; at++) ticks.push(at * step);
  return { low: low - room, high: high + room, ticks, words: writtenApart(ticks) };
}

export function ends(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [];
}

export function nearest(values, wanted) {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if (Math.abs(values[i] - wanted) < Math.abs(values[best] - wanted)) best = i;
  }
  return best;
}
