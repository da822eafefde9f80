"""A page with the script of a widget alone: neither JupyterLab nor a kernel."""

from __future__ import annotations

import base64
from typing import Any

from playwright.sync_api import Browser, JSHandle, Locator, Page

from .server import SECONDS

_PAGE = """<!doctype html><meta charset="utf-8"><style>
body { margin: 20px; background: #fff; color: #111; font: 13px sans-serif } body.dark { background: #111; color: #eee }
</style><main></main>"""

_FAKE = """(() => {
  window.Fake = class {
    constructor(state) { Object.assign(this, { state, handlers: new Map(), saved: [], changed: {} }); }
    get(name) { return this.state[name]; }
    set(name, value) {
      if (this.state[name] === value) return;
      this.state[name] = this.changed[name] = value;
      this.call(`change:${name}`);
      this.call("change");
    }
    save_changes() {
      if (!Object.keys(this.changed).length) return;
      this.saved.push({ ...this.changed, at: performance.now() });
      this.changed = {};
    }
    on(name, handler) { this.handlers.set(name, [...(this.handlers.get(name) ?? []), handler]); }
    off(name, handler) { this.handlers.set(name, (this.handlers.get(name) ?? []).filter(each => each !== handler)); }
    call(name) { for (const handler of this.handlers.get(name) ?? []) handler(); }
    listeners() { return [...this.handlers.values()].flat().length; }
  };
  // What the page is asked to tell of later, and was not told to forget.
  window.counts = { widgets: 0, observers: new Set(), frames: new Set(), timers: new Set() };
  for (const name of ["ResizeObserver", "MutationObserver", "IntersectionObserver"]) {
    window[name] = class extends window[name] {
      observe(...args) {
        if (!new Error().stack.includes("InjectedScript")) counts.observers.add(this); // else Playwright's own
        super.observe(...args);
      }
      disconnect() { counts.observers.delete(this); super.disconnect(); }
    };
  }
  const count = (begin, end, kept) => {
    const [really, stop] = [window[begin], window[end]];
    window[begin] = (call, ...rest) => {
      const id = really.call(window, (...args) => { kept.delete(id); call(...args); }, ...rest);
      kept.add(id);
      return id;
    };
    window[end] = id => { kept.delete(id); stop.call(window, id); };
  };
  count("requestAnimationFrame", "cancelAnimationFrame", counts.frames);
  count("setTimeout", "clearTimeout", counts.timers);
  window.given = value => {
    if (Array.isArray(value)) return value.map(given);
    if (value === null || typeof value !== "object") return value;
    if ("bytes" in value) return new DataView(Uint8Array.from(atob(value.bytes), c => c.charCodeAt(0)).buffer);
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, given(part)]));
  };
  window.load = source => import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
})()"""

_SHOW = """async ([source, state, style]) => {
  const place = document.querySelector("main").appendChild(document.createElement("div"));
  place.id = `widget-${counts.widgets++}`;
  document.head.appendChild(document.createElement("style")).textContent = style;
  const model = new Fake(given(state));
  const { default: widget } = await load(source);
  const cleanup = widget.render({ model, el: place });
  return { model, place, cleanup, widget };
}"""

_AGAIN = """shown => {
  const place = shown.place.parentElement.appendChild(document.createElement("div"));
  shown.widget.render({ model: shown.model, el: place });
}"""


def empty_page(browser: Browser, *, paused_clock: bool = False, **options: Any) -> tuple[Page, list[str]]:
    """Return a page that has nothing on it, and what it complains of from now on.

    Args:
        browser: Who shows it.
        paused_clock: Whether its clock advances only through ``page.clock.run_for``, with a frame every 16 ms, so that
            nothing depends on how busy the machine is.
        options: Of Playwright's ``new_context``.
    """
    page = browser.new_context(viewport={"width": 1000, "height": 900}, **options).new_page()
    page.set_default_timeout(SECONDS * 1000)
    if paused_clock:
        page.clock.install(time=0)
        page.clock.pause_at(1)
    complaints: list[str] = []
    page.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: request.url.startswith("blob:") or complaints.append(request.url))
    page.set_content(_PAGE)
    page.evaluate(_FAKE)
    return page, complaints


class Shown:
    """A widget's script on a page, with a model that is Python's no more.

    Args:
        page: Of :func:`empty_page`.
        widget: An anywidget.
    """

    def __init__(self, page: Page, widget: Any) -> None:
        state = {name: _sent(value) for name, value in widget.get_state().items() if not name.startswith("_")}
        self._handle = page.evaluate_handle(_SHOW, [widget._esm, state, str(getattr(widget, "_css", ""))])
        self.place: Locator = page.locator(f"#{self._handle.evaluate('shown => shown.place.id')}")

    def get(self, name: str) -> Any:
        """Return what the model says."""
        return self._handle.evaluate("(shown, name) => shown.model.get(name)", name)

    def set(self, **state: Any) -> None:
        """Change the model as messages from the kernel do."""
        script = "(shown, state) => Object.entries(given(state)).forEach(each => shown.model.set(...each))"
        self._handle.evaluate(script, {name: _sent(value) for name, value in state.items()})

    def saved(self) -> list[dict[str, Any]]:
        """Return what was told to the kernel: what had changed, and the milliseconds ``at`` which."""
        return self._handle.evaluate("shown => shown.model.saved")

    def state(self) -> JSHandle:
        """Return what the model says for ``wait_for_function``."""
        return self._handle.evaluate_handle("shown => shown.model.state")

    def again(self) -> Locator:
        """Show the same model in another place, and return that."""
        self._handle.evaluate(_AGAIN)
        return self.place.page.locator("main > div").last

    def listeners(self) -> int:
        """Return how many listen to the model."""
        return self._handle.evaluate("shown => shown.model.listeners()")

    def remove(self) -> None:
        """Take it from the page, as anywidget does."""
        self._handle.evaluate("shown => { shown.cleanup(); shown.place.remove(); }")


def settled(page: Page) -> None:
    """Let whatever happens by itself happen: paint a page with a paused clock, and advance the clock by a second."""
    page.evaluate("window.painted = 0")
    page.wait_for_function("++painted > 10")  # asked with every frame that is really painted
    page.clock.run_for(1000)


def pixels(canvas: Locator) -> str:
    """Return the picture that a canvas shows."""
    return canvas.evaluate("canvas => canvas.toDataURL()")


def wait_for_change(canvas: Locator, before: str) -> None:
    """Wait until a canvas shows another picture than that."""
    changed = "([canvas, before]) => canvas.toDataURL() !== before"
    canvas.page.wait_for_function(changed, arg=[canvas.element_handle(), before])


def _sent(value: Any) -> Any:
    """Return a value as Playwright can send it; ``given`` makes bytes of it again."""
    if isinstance(value, bytes | memoryview):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: _sent(part) for key, part in value.items()}
    return [_sent(part) for part in value] if isinstance(value, list | tuple) else value
