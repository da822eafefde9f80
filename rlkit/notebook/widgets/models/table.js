// A table to choose rows from. One click chooses a row, its box adds it to others; arrows move, Enter and Space do the
// same. Titles sort. It has two stops of the Tab key: the titles, and the rows.
const ARIA_SORT = { "": "none", "+": "ascending", "-": "descending" };

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Return the sign of the order in which a column stands: empty where the table stands in that of another.
function direction(sort, name) {
  if (sort === name) return "+";
  return sort === `-${name}` ? "-" : "";
}

// Let one of several elements be the stop of the Tab key, and go there.
function rove(items, target) {
  for (const item of items) item.tabIndex = item === target ? 0 : -1;
  target?.focus();
}

function step(items, from, key) {
  const last = items.length - 1;
  const to = { ArrowDown: from + 1, ArrowRight: from + 1, ArrowUp: from - 1, ArrowLeft: from - 1, Home: 0, End: last };
  return items[Math.min(Math.max(to[key], 0), last)];
}

function render({ model, el }) {
  const head = element("thead", {});
  const body = element("tbody", {});
  const table = element("table", { role: "grid", "aria-multiselectable": "true" }, head, body);
  const frame = element("div", { class: "rlkit-table" }, table);
  frame.dataset.lmSuppressShortcuts = "true"; // else an arrow moves from cell to cell of the notebook
  el.append(frame);

  function drawHead() {
    const held = head.contains(document.activeElement) ? document.activeElement.dataset.name : null;
    const sort = model.get("sort");
    const titles = model.get("columns").map((column) => {
      const now = direction(sort, column.name);
      const button = element("button", { type: "button", tabindex: "-1" }, column.title);
      button.dataset.name = column.name;
      button.disabled = !model.get("sortable");
      const kind = column.numeric ? "rlkit-number" : "";
      return element("th", { scope: "col", role: "columnheader", class: kind, "aria-sort": ARIA_SORT[now] }, button);
    });
    const boxes = element("th", { scope: "col", role: "columnheader", class: "rlkit-check", title: "selected" }, "\u2713");
    head.replaceChildren(element("tr", { role: "row" }, boxes, ...titles));
    const buttons = [...head.querySelectorAll("button:enabled")];
    const stop = buttons.find((button) => button.dataset.name === held);
    if (stop) rove(buttons, stop);
    else if (buttons.length) buttons[0].tabIndex = 0;
  }

  function drawCell(cell, column, first) {
    const content = element("span", { class: "rlkit-text", title: cell.text }, cell.text);
    const marks = cell.marks.map((mark) =>
      element("span", { class: mark.startsWith("@") ? "rlkit-mark rlkit-alias" : "rlkit-mark" }, mark),
    );
    const attributes = { class: column.numeric ? "rlkit-number" : "", role: first ? "rowheader" : "gridcell" };
    if (first) attributes.scope = "row";
    return element(first ? "th" : "td", attributes, ...(cell.text ? [content] : []), ...marks);
  }

  function drawBody() {
    const held = body.contains(document.activeElement) ? document.activeElement.closest("tr").dataset.key : null;
    const columns = model.get("columns");
    const rows = model.get("rows").map((row) => {
      const box = element("input", { type: "checkbox", tabindex: "-1", "aria-label": `Select ${row.key}` });
      const cells = row.cells.map((cell, i) => drawCell(cell, columns[i], i === 0));
      const check = element("td", { class: "rlkit-check", role: "gridcell" }, box);
      const line = element("tr", { role: "row", tabindex: "-1" }, check, ...cells);
      line.dataset.key = row.key;
      return line;
    });
    body.replaceChildren(...rows);
    const stop = rows.find((row) => row.dataset.key === held);
    if (held !== null && rows.length) rove(rows, stop ?? rows[0]);
    else if (rows.length) rows[0].tabIndex = 0;
    drawSelected();
  }

  function drawSelected() {
    const selected = model.get("selected");
    for (const row of body.rows) {
      const chosen = selected.includes(row.dataset.key);
      row.setAttribute("aria-selected", chosen);
      row.querySelector("input").checked = chosen;
      row.classList.toggle("rlkit-last", row.dataset.key === selected.at(-1));
    }
  }

  function draw() {
    table.setAttribute("aria-label", model.get("label"));
    drawHead();
    drawBody();
  }

  function choose(key, several) {
    const before = model.get("selected");
    const others = before.filter((other) => other !== key);
    if (!several) model.set("selected", [key]);
    else model.set("selected", others.length < before.length ? others : [...before, key]);
    model.save_changes();
    drawSelected();
  }

  function sortBy(name) {
    const { numeric } = model.get("columns").find((column) => column.name === name);
    const now = direction(model.get("sort"), name);
    const descending = now === "" ? numeric : now === "+";
    model.set("sort", descending ? `-${name}` : name);
    model.save_changes();
  }

  head.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) sortBy(button.dataset.name);
  });
  head.addEventListener("keydown", (event) => {
    const buttons = [...head.querySelectorAll("button")];
    if (event.key === "ArrowDown") body.querySelector("tr[tabindex='0']")?.focus();
    else if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) {
      rove(buttons, step(buttons, buttons.indexOf(event.target), event.key));
    } else return;
    event.preventDefault();
  });
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    rove(body.rows, row);
    choose(row.dataset.key, event.target.closest(".rlkit-check") !== null || event.ctrlKey || event.metaKey);
  });
  body.addEventListener("keydown", (event) => {
    const row = event.target.closest("tr");
    const rows = [...body.rows];
    if (event.key === "ArrowUp" && row === rows[0]) head.querySelector("button[tabindex='0']")?.focus();
    else if (["ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) {
      rove(rows, step(rows, rows.indexOf(row), event.key));
    } else if (event.key === "Enter" || event.key === " ") choose(row.dataset.key, event.key === " ");
    else return;
    event.preventDefault();
  });

  model.on("change:columns change:rows change:label", draw);
  model.on("change:sort", drawHead);
  model.on("change:selected", drawSelected);
  draw();
  return () => {
    model.off("change:columns change:rows change:label", draw);
    model.off("change:sort", drawHead);
    model.off("change:selected", drawSelected);
  };
}

export default { render };
