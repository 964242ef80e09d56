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

export async function lines(place, chart) {
  const UPlot = await plotter();
  new UPlot(
    {
      width: Math.max(320, place.clientWidth),
      height: 320,
      tzDate: (ts) => UPlot.tzDate(new Date(ts * 1e3), "UTC"),
      axes: axes(),
      series: [{}, ...chart.series.map((s, i) => ({ label: s.name || "value", stroke: colour(COLOURS[i % COLOURS.length]), width: 2, spanGaps: true, points: { show: chart.times.length < 60, size: 5 } }))],
    },
    [chart.times, ...chart.series.map((s) => s.values)],
    place,
  );
  if (chart.left_out) place.append(make("p", { class: "soft" }, `${chart.left_out} smaller series are left out`));
}

export function bars(place, chart) {
  const most = Math.max(...chart.bars.map((b) => Math.abs(b.value)), 1);
  place.append(
    make(
      "div",
      { class: "bars" },
      ...chart.bars.map((b) => {
        const bar = make("span", { class: "barfill" });
        bar.style.width = `${(Math.abs(b.value) / most) * 100}%`;
        return make("div", { class: "barrow" }, make("span", { class: "barname", title: b.name }, b.name || "(empty)"), make("span", { class: "bartrack" }, bar), make("span", { class: "num" }, b.value.toLocaleString("en")));
      }),
    ),
  );
}
