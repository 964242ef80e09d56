// A grid of rows: only those in sight are elements, so that twenty thousand scroll as ten do.

import { make } from "./pages.js";

const HEIGHT = 25;
const WIDEST = 54;

export function grid(result, act) {
  const widths = result.columns.map((name, i) => Math.min(WIDEST, Math.max(name.length + 3, ...result.rows.slice(0, 200).map((r) => r[i].length)) + 3));
  const template = widths.map((w) => `${w}ch`).join(" ");
  const head = make("div", { class: "gridhead", role: "row" });
  head.style.gridTemplateColumns = template;
  result.columns.forEach((name, i) => {
    const cell = make("div", { role: "columnheader" }, make("button", { type: "button", class: "plain", title: `${result.types[i]}: what this column holds`, on: { click: () => act.column(i) } }, name));
    head.append(cell);
  });
  const body = make("div", { class: "gridbody", role: "rowgroup" });
  body.style.height = `${Math.min(result.rows.length * HEIGHT, 30_000_000)}px`;
  const view = make("div", { class: "gridview", role: "grid", tabIndex: 0, "aria-label": "Rows", "aria-rowcount": String(result.rows.length + 1), "aria-colcount": String(result.columns.length) }, head, body);
  let active = -1;
  let from = -1;

  function paint(force = false) {
    const first = Math.max(0, Math.floor(view.scrollTop / HEIGHT) - 8);
    if (!force && first === from) return;
    from = first;
    const last = Math.min(result.rows.length, first + Math.ceil(view.clientHeight / HEIGHT) + 24);
    const rows = [];
    for (let i = first; i < last; i++) {
      const row = make("div", { role: "row", class: i === active ? "active" : "", "aria-rowindex": String(i + 2), on: { click: () => open(i) } });
      row.style.gridTemplateColumns = template;
      row.style.transform = `translateY(${i * HEIGHT}px)`;
      result.rows[i].forEach((text, c) => row.append(make("div", { role: "gridcell", class: /^(int|long|real|decimal)$/.test(result.types[c]) ? "num" : "" }, text)));
      rows.push(row);
    }
    body.replaceChildren(...rows);
  }

  function open(i) {
    active = i;
    paint(true);
    act.row(i);
  }

  view.addEventListener("scroll", () => paint());
  view.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key];
    if (event.key === "Enter" && active >= 0) act.row(active, true);
    if (!step || !result.rows.length) return;
    event.preventDefault();
    active = Math.min(result.rows.length - 1, Math.max(0, active + step));
    const top = active * HEIGHT;
    if (top < view.scrollTop) view.scrollTop = top;
    if (top > view.scrollTop + view.clientHeight - 3 * HEIGHT) view.scrollTop = top - view.clientHeight + 3 * HEIGHT;
    open(active);
  });
  requestAnimationFrame(() => paint(true));
  return view;
}

export function statistics(result, index, only) {
  const held = result.statistics[index];
  const total = result.rows.length || 1;
  const list = make("ul", { class: "plainlist" });
  for (const [value, count] of held.top) {
    const bar = make("span", { class: "share" });
    bar.style.width = `${Math.max(2, (count / total) * 100)}%`;
    const choose = only && make("button", { type: "button", class: "plain", title: "only rows with this value", on: { click: () => only(index, value) } }, value || "(empty)");
    list.append(make("li", {}, choose || value, " ", make("span", { class: "soft" }, `${count.toLocaleString("en")} of ${total.toLocaleString("en")}`), bar));
  }
  return make("div", { class: "statistics" }, make("h3", {}, result.columns[index], " ", make("span", { class: "soft" }, `${result.types[index]}, ${held.distinct.toLocaleString("en")} different, ${held.empty.toLocaleString("en")} empty`)), list);
}
