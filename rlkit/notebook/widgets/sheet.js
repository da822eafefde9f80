// Keeps keys in the widgets that they are pressed in. JupyterLab takes those for its own that are not typed as text:
// an arrow in a list would walk to the next cell, and an "x" cut this one.
function render({ el }) {
  function keep(event) {
    const shortcut = event.ctrlKey || event.metaKey || event.altKey;
    if (!shortcut && event.target.closest(".jp-OutputArea-output")?.contains(el)) event.stopPropagation();
  }
  document.body.addEventListener("keydown", keep); // which JupyterLab hears after this, from the whole document
  return () => document.body.removeEventListener("keydown", keep);
}

export default { render };
