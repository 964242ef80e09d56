// Charts of time and bars of names, in the colours of the page.

import { make } from "./pages.js";

const COLOURS = ["--accent", "--high", "--low", "--t-number", "--medium", "--critical", "--soft", "--rule"];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

async function plotter() {
  return (await import("/static/built/chart.js")).uPlot;
}

// A day where it begins, an hour otherwise.
function clock(_chart, splits, _axis, _space, step) {
  return splits.map((t) => {
    const text = new Date(t * 1000).toISOString();
    return step >= 86400 || t % 86400 === 0 ? text.slice(5, 10) : step >= 60 ? text.slice(11, 16) : text.slice(11, 19);
  });
}

function axes() {
  const quiet = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "11px system-ui, sans-serif" };
  return [{ ...quiet, grid: { show: false }, size: 24, space: 70, values: clock }, { ...quiet, size: 46, space: 26 }];
}

export async function histogram(place, data, brushed) {
  if (!data.bars.length) return false;
  const UPlot = await plotter();
  const totals = new Map();
  for (const bar of data.bars) totals.set(bar.at, (totals.get(bar.at) || 0) + bar.count);
  const first = Date.parse(data.first) / 1000;
  const start = Math.floor(first / data.step) * data.step;
  const times = [];
  for (let t = start; t <= Date.parse(data.last) / 1000; t += data.step) times.push(t);
  place.hidden = false;
  place.replaceChildren();
  const chart = new UPlot(
    {
      width: place.clientWidth,
      height: 84,
      tzDate: (ts) => UPlot.tzDate(new Date(ts * 1e3), "UTC"),
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false } },
      axes: axes(),
      scales: { x: { range: [start - data.step / 2, times[times.length - 1] + data.step] } },
      series: [{}, { fill: colour("--accent"), stroke: colour("--accent"), width: 0, points: { show: false }, paths: UPlot.paths.bars({ size: [0.86, 40], align: 1 }) }],
      hooks: { setSelect: [(u) => u.select.width > 4 && brushed(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"))] },
    },
    [times, times.map((t) => totals.get(t) || 0)],
    place,
  );
  new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: 84 })).observe(place);
  return true;
}

function leftOut(place, chart, what) {
  if (chart.left_out) place.append(make("p", { class: "soft" }, `${chart.left_out} ${what} are left out`));
}

// Areas lie on one another: each is drawn up to the sum of those below it and its own, the last first.
function piled(chart) {
  const sums = chart.times.map(() => 0);
  return chart.series.map((s) => ({ name: s.name, values: s.values.map((v, i) => (sums[i] += v || 0)) })).reverse();
}

export async function lines(place, chart) {
  const UPlot = await plotter();
  const areas = chart.kind === "areas";
  const drawn = areas ? piled(chart) : chart.series;
  const tone = (i) => colour(COLOURS[(areas ? drawn.length - 1 - i : i) % COLOURS.length]);
  const own = (u, value, at, point) => (point === null || value === null ? "" : (areas ? chart.series[chart.series.length - at].values[point] : value)?.toLocaleString("en") ?? "");
  new UPlot(
    {
      width: Math.max(320, place.clientWidth),
      height: 320,
      tzDate: (ts) => UPlot.tzDate(new Date(ts * 1e3), "UTC"),
      axes: axes(),
      series: [{}, ...drawn.map((s, i) => ({ label: s.name || "value", stroke: tone(i), fill: areas ? tone(i) : undefined, value: own, width: areas ? 1 : 2, spanGaps: true, points: { show: !areas && chart.times.length < 60, size: 5 } }))],
    },
    [chart.times, ...drawn.map((s) => s.values)],
    place,
  );
  leftOut(place, chart, "smaller series");
}

function barRow(name, value, parts) {
  const track = make("span", { class: "bartrack" });
  for (const { share, tone, title } of parts) {
    const bar = make("span", { class: "barfill", title: title || "" });
    bar.style.width = `${share * 100}%`;
    if (tone) bar.style.background = colour(tone);
    track.append(bar);
  }
  return make("div", { class: "barrow" }, make("span", { class: "barname", title: name }, name), track, make("span", { class: "num" }, value.toLocaleString("en")));
}

export function bars(place, chart) {
  const most = Math.max(...chart.bars.map((b) => Math.abs(b.value)), Number.MIN_VALUE);
  place.append(make("div", { class: "bars" }, ...chart.bars.map((b) => barRow(b.name || "(empty)", b.value, [{ share: Math.abs(b.value) / most }]))));
  leftOut(place, chart, "further names");
}

function legend(series) {
  const key = (name, i) => {
    const spot = make("span", { class: "swatch", "aria-hidden": "true" });
    spot.style.background = colour(COLOURS[i % COLOURS.length]);
    return make("li", {}, spot, name || "(empty)");
  };
  return make("ul", { class: "legend" }, ...series.map(key));
}

export function groups(place, chart) {
  const size = (v) => Math.abs(v || 0);
  const stacked = chart.kind === "stacks";
  const sums = chart.names.map((_, i) => chart.series.reduce((sum, s) => sum + size(s.values[i]), 0));
  const most = Math.max(...(stacked ? sums : chart.series.flatMap((s) => s.values.map(size))), Number.MIN_VALUE);
  const tone = (i) => COLOURS[i % COLOURS.length];
  const rows = chart.names.flatMap((name, i) =>
    stacked
      ? [barRow(name || "(empty)", sums[i], chart.series.map((s, n) => ({ share: size(s.values[i]) / most, tone: tone(n), title: `${s.name}: ${s.values[i] ?? 0}` })))]
      : chart.series.map((s, n) => [s, n]).filter(([s]) => typeof s.values[i] === "number").map(([s, n], at) => barRow(at ? "" : name || "(empty)", s.values[i], [{ share: size(s.values[i]) / most, tone: tone(n), title: s.name }])),
  );
  place.append(legend(chart.series.map((s) => s.name)), make("div", { class: "bars" }, ...rows));
  leftOut(place, chart, "further names");
}

// Slices from the top, clockwise; what they are called stands beside them, for a slice has no room for names of logs.
export function pie(place, chart) {
  const total = chart.bars.reduce((sum, b) => sum + b.value, 0);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "-1.05 -1.05 2.1 2.1");
  svg.setAttribute("class", "pie");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${chart.bars.length} shares of ${chart.label}; the list beside it says them`);
  const at = (share) => [Math.sin(share * 2 * Math.PI), -Math.cos(share * 2 * Math.PI)].map((v) => v.toFixed(5)).join(" ");
  let from = 0;
  chart.bars.forEach((b, i) => {
    const share = b.value / total;
    const slice = document.createElementNS("http://www.w3.org/2000/svg", share > 0.99999 ? "circle" : "path");
    if (share > 0.99999) slice.setAttribute("r", "1");
    else slice.setAttribute("d", `M0 0L${at(from)}A1 1 0 ${share > 0.5 ? 1 : 0} 1 ${at(from + share)}Z`);
    slice.style.fill = colour(COLOURS[i % COLOURS.length]);
    svg.append(slice);
    from += share;
  });
  const said = chart.bars.map((b) => `${b.name || "(empty)"}: ${b.value.toLocaleString("en")}, ${((100 * b.value) / total).toFixed(1)}%`);
  place.append(make("div", { class: "piesplit" }, svg, legend(said)));
  leftOut(place, chart, "further names");
}

export function draw(place, chart) {
  const how = { lines, areas: lines, bars, groups, stacks: groups, pie };
  return how[chart.kind](place, chart);
}
