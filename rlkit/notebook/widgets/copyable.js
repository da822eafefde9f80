// Text that a person takes elsewhere: a button copies it, and a click on it selects the whole.
const SECONDS_SHOWN = 1.5;

// Only pages from this machine or over TLS have a clipboard: others copy what is selected.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text.textContent);
  } catch {
    getSelection().selectAllChildren(text);
    document.execCommand("copy");
  }
}

function render({ model, el }) {
  const text = document.createElement("pre");
  text.tabIndex = 0;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "jupyter-button";
  el.classList.add("rlkit-copyable");
  el.append(text, button);
  let timer = 0;

  function name(label) {
    button.textContent = label;
  }

  function show() {
    text.textContent = model.get("text") || model.get("placeholder");
    text.setAttribute("aria-label", model.get("label"));
    button.disabled = !model.get("text");
    button.setAttribute("aria-label", `Copy ${model.get("label")}`);
  }

  button.addEventListener("click", async () => {
    await copy(text);
    name("Copied");
    clearTimeout(timer);
    timer = setTimeout(() => name("Copy"), SECONDS_SHOWN * 1000);
  });
  model.on("change", show);
  name("Copy");
  show();
  return () => {
    clearTimeout(timer);
    model.off("change", show);
  };
}

export default { render };
