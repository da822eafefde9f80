// A slider of the page's own, which keyboards, fingers and screen readers know: it stands at one of several marks.
function render({ model, el }) {
  const input = document.createElement("input");
  input.type = "range";
  el.append(input);

  function show() {
    const marks = model.get("marks");
    input.max = marks.length - 1;
    input.value = model.get("place");
    input.disabled = model.get("disabled");
    input.ariaLabel = model.get("label");
    input.ariaValueText = marks[input.value];
  }

  input.addEventListener("input", () => {
    model.set("place", input.valueAsNumber);
    model.save_changes();
  });
  model.on("change", show);
  show();
  return () => model.off("change", show);
}

export default { render };
