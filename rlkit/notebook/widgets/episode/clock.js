// Time: what moves the step while an episode plays.

const SEND_EVERY = 100; // milliseconds: what plays tells the kernel no more often where it is
const LONGEST_PAUSE = 100; // milliseconds: a page that was hidden goes on from where it was

// Moves the step while it plays. The kernel hears of it now and then, and whenever it stands still.
export function clockOf(model, rate, length) {
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
export function playWhenSeen(model, node, clock) {
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
