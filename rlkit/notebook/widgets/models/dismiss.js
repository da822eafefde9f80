// Tells when somebody presses Escape in the part of the page that holds this: an element that is not seen.
function render({ model, el }) {
  function listen(event) {
    if (event.key !== "Escape" || !el.closest(".rlkit-dismissible")?.contains(event.target)) return;
    event.stopPropagation();
    model.send("dismiss");
  }
  document.addEventListener("keydown", listen, true);
  return () => document.removeEventListener("keydown", listen, true);
}

export default { render };
