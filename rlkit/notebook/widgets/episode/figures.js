// What is known of a step: figures, what the model thought of each action, and what it saw.
import { ends, numbers, written } from "../chart.js";
import { columnsOf, make } from "./page.js";

const FEW = 12; // numbers of an observation that stand beside the picture; more stand below it

// Where a bar from 0 to a value begins and how long it is, as shares of a span that holds both.
export function barOf(value, low, high) {
  const span = high - low || 1;
  const zero = Math.min(Math.max((0 - low) / span, 0), 1);
  const end = Math.min(Math.max((value - low) / span, 0), 1);
  return [Math.min(zero, end), Math.abs(end - zero)];
}

// Rows of a name, a bar and a number; a bar's span is what is given, or what the column holds, and 0.
function rowsOf(title, names, columns, given = null) {
  const spans = columns.map((column, k) => given?.[k] ?? [Math.min(0, ...ends(column)), Math.max(0, ...ends(column))]);
  const rows = names.map((name) => {
    const bar = make("i", "");
    const number = make("span", "number");
    const label = make("span", "name", { textContent: name, title: name });
    return { row: make("li", "row", {}, [label, make("span", "bar", {}, [bar]), number]), bar, number };
  });
  const list = make("ul", "rows", {}, rows.map(({ row }) => row));
  list.setAttribute("aria-label", title);
  const node = make("div", "", {}, [make("div", "muted", { textContent: title }), list]);
  return {
    node,
    show(step, chosen = -1) {
      for (const [k, { row, bar, number }] of rows.entries()) {
        const value = columns[k][step];
        const known = value !== undefined;
        const [start, size] = known ? barOf(value, ...spans[k]) : [0, 0];
        bar.style.left = `${start * 100}%`;
        bar.style.width = `${size * 100}%`;
        number.textContent = known ? written(value) : "–";
        row.classList.toggle("rlkit-player-chosen", k === chosen);
      }
    },
  };
}

function actionOf(episode) {
  const { names, data, spans } = episode.action;
  const columns = columnsOf(data, episode.action.columns);
  if (!episode.action.discrete) return { ...rowsOf("action", names, columns, spans), said: () => "" };
  const { estimates } = episode;
  const nameOf = (choice) => names[choice] ?? `action ${choice + episode.action.start}`;
  const said = (step) => (step < episode.length ? nameOf(columns[0][step]) : "–");
  if (!estimates) return { node: make("div", ""), show() {}, said };
  const all = columnsOf(estimates.data, estimates.columns);
  const shared = all.map(() => estimates.span);
  const rows = rowsOf(estimates.label, all.map((_, k) => nameOf(k)), all, shared);
  return { node: rows.node, show: (step) => rows.show(step, columns[0][step]), said };
}

export function figuresOf(episode) {
  const rewards = numbers(episode.rewards);
  const returns = numbers(episode.returns);
  const values = episode.values && numbers(episode.values);
  const action = actionOf(episode);
  const { names, data } = episode.observation;
  const observation = rowsOf("observation", names, columnsOf(data, names.length));
  const named = [
    ["step", "Steps taken so far", (step) => `${step} of ${episode.length}`],
    ...(episode.action.discrete ? [["action", "What the model does in this state", action.said]] : []),
    ["reward", "For the action before this state", (step) => (step ? written(rewards[step - 1]) : "–")],
    ["return so far", "Sum of the rewards up to this state", (step) => (step ? written(returns[step - 1]) : "0")],
    ...(values
      ? [[episode.value.label, episode.value.meaning, (step) => (step < values.length ? written(values[step]) : "–")]]
      : []),
  ];
  const cells = named.map(([label, title, say]) => {
    const value = make("dd", "");
    return { value, say, node: make("div", "", { title }, [make("dt", "", { textContent: label }), value]) };
  });
  const list = make("dl", "figures", {}, cells.map(({ node }) => node));
  const told = make("div", "told", {}, [list, action.node]);
  const many = names.length > FEW;
  if (!many) told.append(observation.node);
  return {
    nodes: many ? [told, observation.node] : [told],
    said: action.said,
    show(step) {
      for (const { value, say } of cells) value.textContent = say(step);
      action.show(step);
      observation.show(step);
    },
  };
}
