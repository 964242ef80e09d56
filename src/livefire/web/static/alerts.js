// Alerts: keys to work with, a queue that follows what comes in, graphs of what was made from what.

import { harmless } from "./pages.js";

const queue = () => document.getElementById("queue");
let here = -1;

function rows() {
  return [...document.querySelectorAll(".alert")];
}

function go(step) {
  const all = rows();
  if (!all.length) return;
  here = Math.min(all.length - 1, Math.max(0, here + step));
  all.forEach((row, i) => row.classList.toggle("here", i === here));
  all[here].scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  const at = event.composedPath()[0];
  if (event.ctrlKey || event.metaKey || event.altKey || (at instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT|BUTTON)$/.test(at.tagName) && at.type !== "checkbox")) return;
  if (event.key === "j") go(1);
  if (event.key === "k") go(-1);
  const row = rows()[here];
  if (event.key === "x" && row) row.querySelector("input")?.click();
  if (event.key === "Enter" && row && !(at instanceof HTMLAnchorElement)) location.assign(row.dataset.href);
  if (event.key === "/") {
    const sought = document.getElementById("sought");
    if (sought) event.preventDefault(), sought.focus();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.id === "all") for (const box of document.querySelectorAll('.alert input[type="checkbox"]')) box.checked = event.target.checked;
});

if (queue()) {
  const live = new EventSource("/alerts/events");
  live.addEventListener("queue", async () => {
    if (document.querySelector('.alert input[type="checkbox"]:checked')) return;
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    const fresh = page.getElementById("queue");
    if (fresh) queue().replaceWith(fresh);
    window.htmx?.process(queue());
  });
  addEventListener("pagehide", () => live.close());
}

function kind(name) {
  const text = name.toLowerCase();
  if (/^i-|virtualmachines\/|\/instances\//.test(text)) return "instance";
  if (/^snap-|snapshots\/|restorepoint/.test(text)) return "copy";
  if (/^ami-|\/images\//.test(text)) return "image";
  if (/^vol-|\/disks\//.test(text)) return "disk";
  return "other";
}

// What was made from what, from left to right: a thing stands one column after the last it came from.
function places(names, edges) {
  const column = new Map(names.map((n) => [n, 0]));
  for (let round = 0; round < names.length; round++) {
    let moved = false;
    for (const [from, to] of edges) if (from !== to && column.get(to) <= column.get(from) && column.get(from) < names.length) column.set(to, column.get(from) + 1), (moved = true);
    if (!moved) break;
  }
  for (const name of names) {
    const after = edges.filter(([from, to]) => from === name && to !== name).map(([, to]) => column.get(to));
    if (after.length && !edges.some(([from, to]) => to === name && from !== name)) column.set(name, Math.min(...after) - 1);
  }
  const columns = [];
  for (const name of names) (columns[column.get(name)] ||= []).push(name);
  const row = new Map();
  columns.filter(Boolean).forEach((held, at) => {
    const wish = (name) => {
      const before = edges.filter(([from, to]) => to === name && row.has(from)).map(([from]) => row.get(from));
      return before.length ? before.reduce((a, b) => a + b, 0) / before.length : 1e6;
    };
    if (at) held.sort((a, b) => wish(a) - wish(b));
    held.forEach((name, i) => row.set(name, i - (held.length - 1) / 2));
  });
  return { at: (name) => ({ x: column.get(name) * 215, y: row.get(name) * 74 }), rows: Math.max(...columns.filter(Boolean).map((held) => held.length)) };
}

for (const place of document.querySelectorAll("[data-graph]")) draw(place).catch(() => {});

async function draw(place) {
  const { cytoscape } = await import("/static/built/graph.js");
  const graph = JSON.parse(place.dataset.graph);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const ends = (e) => [e.from ?? e.parent, e.to ?? e.child];
  const linked = new Set(graph.edges.flatMap(ends));
  const colours = { instance: "--accent", copy: "--high", image: "--t-number", disk: "--low", other: "--soft" };
  const shown = graph.nodes.filter((n) => linked.has(n));
  const laid = places(shown, graph.edges.map(ends));
  place.style.height = `${Math.min(520, Math.max(130, 60 + laid.rows * 74))}px`;
  const drawn = cytoscape({
    container: place,
    elements: [
      ...shown.map((n) => ({ data: { id: n, label: harmless(n.split("/").slice(-2).join("/")), kind: kind(n), colour: colour(colours[kind(n)]) } })),
      ...graph.edges.map((e, i) => ({ data: { id: `edge ${i}`, source: ends(e)[0], target: ends(e)[1], label: harmless(e.how) } })),
    ],
    style: [
      { selector: "node", style: { label: "data(label)", "background-color": "data(colour)", color: colour("--ink"), "font-size": 11, "text-valign": "bottom", "text-margin-y": 4, width: 20, height: 20, shape: "ellipse", "text-wrap": "wrap", "text-max-width": 150 } },
      { selector: 'node[kind = "instance"]', style: { shape: "round-rectangle", width: 26 } },
      { selector: 'node[kind = "copy"]', style: { shape: "diamond" } },
      { selector: 'node[kind = "image"]', style: { shape: "hexagon" } },
      { selector: "edge", style: { label: "data(label)", width: 1.5, "line-color": colour("--rule"), "target-arrow-color": colour("--rule"), "target-arrow-shape": "triangle", "curve-style": "bezier", "font-size": 10, color: colour("--soft"), "text-background-color": colour("--panel"), "text-background-opacity": 1, "text-background-padding": 2 } },
    ],
    layout: { name: "preset", positions: (node) => laid.at(node.id()), padding: 30 },
    userZoomingEnabled: false,
    maxZoom: 1.25,
    autoungrabify: false,
  });
  place.dataset.drawn = String(drawn.nodes().length);
}
