// The workbench: what is written is judged while it is written, run when asked, and shown in every way it can be looked at.

import { bars, draw, histogram } from "./drawing.js";
import { mended, openEditor, place } from "./editing.js";
import { grid, statistics } from "./grid.js";
import { ask, harmless, make, watchJob } from "./pages.js";

const bench = document.getElementById("bench");
const area = document.getElementById("text");
const output = document.getElementById("output");
const said = document.getElementById("said");
const field = (name) => document.getElementById(name);
const HISTORY = "livefire.history";
const PIPED = {
  kql: (c, v, not) => `\n| where ${c} ${not ? "!=" : "=="} ${v}`,
  cql: (c, v, not) => `\n| ${c} ${not ? "!=" : "="} ${v}`,
  spl: (c, v, not) => `\n| search ${not ? "NOT " : ""}${c}=${v}`,
  esql: (c, v, not) => `\n| WHERE ${c} ${not ? "!=" : "=="} ${v}`,
};

let editor = { text: () => area.value, write: (text) => (area.value = text), change: () => {}, speak: () => {}, select: () => {} };
let running = null;
let sheets = [];
let last = null;

function query() {
  return { text: editor.text(), language: field("language").value, start: field("start").value.trim(), end: field("end").value.trim(), lenient: field("lenient").checked };
}

// what is said of the query

function judge(found) {
  const text = editor.text();
  const fixes = found.diagnostics.filter((d) => d.fix);
  said.replaceChildren(
    ...found.diagnostics.map((d) => {
      const spot = place(text, d);
      return make(
        "div",
        { class: `said said-${d.severity}` },
        make("button", { type: "button", class: "plain code", title: "go to the place", on: { click: () => editor.select(spot.from, spot.to) } }, `${d.code} ${d.start.line}:${d.start.column}`),
        " ", d.message, d.help && make("span", { class: "help" }, `; ${d.help}`),
        d.fix && " ",
        d.fix && make("button", { type: "button", class: "fix", on: { click: () => editor.change(mended(text, d.fix)) } }, d.fix.message || "apply the fix"),
      );
    }),
  );
  if (found.fault) said.prepend(make("div", { class: "said said-warning" }, `This has not been checked: ${found.fault}`));
  if (fixes.length && found.mended !== undefined && found.mended !== text)
    said.prepend(make("button", { type: "button", class: "fix", id: "mend", on: { click: () => editor.write(found.mended) } }, `Apply ${fixes.length === 1 ? "the fix" : "every fix"}`));
}

// the tabs below

const TABS = [["results", "Results"], ["chart", "Chart"], ["plan", "Plan"], ["sql", "SQL"], ["miss", "Explain a miss"], ["translate", "Translate"], ["history", "History"]];
const tablist = make("div", { role: "tablist", class: "tablist", "aria-label": "Output" });
const panel = make("div", { role: "tabpanel", id: "panel", tabIndex: 0 });
let chosen = "results";

for (const [name, label] of TABS)
  tablist.append(make("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "panel", on: { click: () => choose(name) } }, label));
tablist.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const names = TABS.map(([name]) => name);
  const next = names[(names.indexOf(chosen) + step + names.length) % names.length];
  choose(next);
  field(`tab-${next}`).focus();
});

function choose(name) {
  chosen = name;
  for (const [tab] of TABS) {
    field(`tab-${tab}`).setAttribute("aria-selected", String(tab === name));
    field(`tab-${tab}`).tabIndex = tab === name ? 0 : -1;
  }
  panel.setAttribute("aria-labelledby", `tab-${name}`);
  SHOW[name]();
}

const SHOW = {
  results: showResults,
  chart: showChart,
  plan: () => showStage("plan"),
  sql: () => showStage("sql"),
  miss: showMiss,
  translate: showTranslate,
  history: showHistory,
};

function empty(text) {
  panel.replaceChildren(make("p", { class: "empty" }, text));
}

function fault(error) {
  if (error.diagnostics?.length && error.status === 422) judge({ diagnostics: error.diagnostics });
  panel.replaceChildren(make("p", {}, make("span", { class: "state bad" }, error.code || "refused"), " ", error.message));
}

function spinning(text) {
  const doing = make("span", {}, text);
  const line = make("p", { role: "status", class: "row" }, make("span", { class: "spin", "aria-hidden": "true" }), doing);
  const tell = (now) => (doing.textContent = now);
  tell.stops = (job) => {
    const button = make("button", { type: "button", class: "stop-job", on: { click: () => ((button.disabled = true), ask(`/jobs/${job}/stop`, {}).catch((error) => tell(error.message))) } }, "Stop");
    line.append(button);
  };
  return [line, tell];
}

function busy(text) {
  const [line, tell] = spinning(text);
  panel.replaceChildren(line);
  return tell;
}

function showResults() {
  if (running) return;
  if (!last) return empty("Nothing has run yet. Ctrl+Enter runs the query.");
  const beside = make("div", { class: "beside", "aria-live": "polite" });
  const only = PIPED[last.asked.language] && sheets.length === 1 && ((index, value, not) => narrow(last.columns[index], value, last.types[index], not));
  const view = grid(last, { row: (i, open) => showRow(beside, i, open, only), column: (i) => beside.replaceChildren(statistics(last, i, only)) });
  const count = `${last.rows.length.toLocaleString("en")} row${last.rows.length === 1 ? "" : "s"} in ${last.seconds.toFixed(2)} s, clock set to ${last.now.replace("T", " ").replace("Z", "")}`;
  panel.replaceChildren(make("p", { class: "soft", id: "count" }, count), choice(showResults), last.rows.length ? make("div", { class: "gridsplit" }, view, beside) : make("p", { class: "empty" }, "No row. Explain a miss says which clause dropped an event that should be here."));
}

// Which table of a query that gives several: KQL's fork and facet.
function choice(again) {
  if (sheets.length === 1) return "";
  const pick = (i) => ((last = sheets[i]), again());
  const told = (s, i) => `${s.name || `table ${i + 1}`} (${s.rows.length.toLocaleString("en")})`;
  const button = (s, i) => make("button", { type: "button", "aria-pressed": String(s === last), on: { click: () => pick(i) } }, told(s, i));
  return make("p", { class: "row sheets", role: "group", "aria-label": "Tables of the query" }, ...sheets.map(button));
}

function shownTable() {
  return last?.asked.text === editor.text() ? last.asked.table : 0;
}

function narrow(column, value, type, not = false) {
  const plain = /^(int|long|real|decimal|bool)$/.test(type);
  const quoted = plain ? value : `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  const text = editor.text().trimEnd();
  const drawn = field("language").value === "kql" ? text.match(/\s*\|\s*render\b[^|]*$/)?.index : undefined; // what is drawn comes last
  editor.write(text.slice(0, drawn) + PIPED[field("language").value](column, quoted, not) + (drawn === undefined ? "" : `\n${text.slice(drawn).trimStart()}`));
  run();
}

function showRow(beside, index, open, only) {
  const row = last.rows[index];
  const events = make("div", {});
  const button = make("button", { type: "button", id: "behind", on: { click: () => showBehind(row, events) } }, "Events behind this row");
  const list = make("dl", { class: "fields" });
  const value = (i) => only && /^(string|int|long|real|decimal|bool)$/.test(last.types[i]) && row[i].length < 300;
  const pivot = (i, not) => ({ type: "button", class: not ? "not" : "plain", title: not ? "only rows without this value" : "only rows with this value", "aria-label": not ? `without ${last.columns[i]} ${row[i]}` : null, on: { click: () => only(i, row[i], not) } });
  last.columns.forEach((name, i) => row[i] !== "" && list.append(make("dt", {}, name), value(i) ? make("dd", {}, make("button", pivot(i, false), row[i]), make("button", pivot(i, true), "≠")) : make("dd", {}, row[i])));
  beside.replaceChildren(make("h3", {}, `Row ${index + 1}`), list, button, events);
  if (open) showBehind(row, events);
}

async function showBehind(row, spot) {
  spot.replaceChildren(make("p", { class: "soft" }, "looking"));
  try {
    const events = await ask("/behind", { ...last.asked, row });
    spot.replaceChildren(
      make("p", { class: "soft" }, events.length ? `${events.length} event${events.length === 1 ? "" : "s"}` : "This row rests on no stored event."),
      ...events.map((e) => make("details", { class: "story", open: events.length === 1 }, make("summary", {}, `${e.time.replace("T", " ")} ${e.source}`, " ", make("span", { class: "mono soft" }, harmless(e.id))), make("pre", { class: "plaincode", tabIndex: 0 }, harmless(JSON.stringify(e.event, null, 2))))),
    );
    const list = spot.parentElement;
    if (list) list.scrollTop += spot.getBoundingClientRect().top - list.getBoundingClientRect().top - 44; // below the button that asked
  } catch (error) {
    spot.replaceChildren(make("p", { class: "state bad" }, error.message));
  }
}

async function showChart() {
  if (!last) return empty("Run a query first.");
  if (!last.chart) return panel.replaceChildren(choice(showChart), make("p", { class: "empty" }, "These rows hold nothing to draw: a time or a name, and a number."));
  panel.replaceChildren(choice(showChart), make("p", { class: "soft" }, last.chart.asked ? `drawn as ${last.chart.asked}, as the query asks` : "drawn by the types of the columns"));
  const spot = make("div", { class: "chart" });
  panel.append(spot);
  await draw(spot, last.chart);
}

async function showStage(stage) {
  busy(stage);
  try {
    const found = await ask("/stage", { ...query(), table: shownTable(), stage });
    panel.replaceChildren(make("pre", { class: "plaincode", tabIndex: 0 }, harmless(found.text)));
  } catch (error) {
    fault(error);
  }
}

function showMiss() {
  const answer = make("p", { class: "lede", "aria-live": "polite" });
  const id = make("input", { id: "event", size: 46, placeholder: "the event's id, such as CloudTrail's eventID", "aria-label": "Event id" });
  const explain = async () => {
    answer.textContent = "looking";
    try {
      answer.textContent = (await ask("/miss", { ...query(), table: shownTable(), event: id.value.trim() })).reason;
    } catch (error) {
      answer.textContent = error.message;
    }
  };
  id.addEventListener("keydown", (event) => event.key === "Enter" && (event.preventDefault(), explain()));
  panel.replaceChildren(make("p", { class: "soft" }, "An event that the query should have found: which clause dropped it?"), make("p", { class: "row" }, id, make("button", { type: "button", id: "explain", on: { click: explain } }, "Explain")), answer);
}

function showTranslate() {
  const to = make("select", { id: "to", "aria-label": "Language" }, ...[...field("language").options].filter((o) => o.value !== field("language").value).map((o) => make("option", { value: o.value }, o.textContent)));
  const spot = make("div", { "aria-live": "polite" });
  const go = async () => {
    const [line, tell] = spinning("translating, and running both over the same events");
    spot.replaceChildren(line);
    try {
      const { job } = await ask("/translate", { ...query(), to: to.value });
      tell.stops(job);
      const made = await watchJob(job, () => {});
      const proved = made.proof?.verdict === "proved";
      spot.replaceChildren(
        make("p", {}, make("span", { class: `state ${proved ? "good" : "bad"}`, id: "verdict" }, made.proof?.verdict || "not proved")),
        make("pre", { class: "plaincode", tabIndex: 0, id: "translated" }, harmless(made.text)),
        make("pre", { class: "account soft" }, harmless(made.account)),
        make("button", { type: "button", on: { click: () => ((field("language").value = to.value), editor.write(made.text), learn()) } }, "Open it here"),
      );
    } catch (error) {
      spot.replaceChildren(make("p", { class: "state bad" }, error.message));
    }
  };
  panel.replaceChildren(make("p", { class: "row" }, make("span", { class: "soft" }, "the same findings in"), to, make("button", { type: "button", id: "go", on: { click: go } }, "Translate and prove")), spot);
}

function showHistory() {
  const kept = JSON.parse(localStorage.getItem(HISTORY) || "[]");
  if (!kept.length) return empty("What runs is listed here, in this browser alone.");
  panel.replaceChildren(
    make("ul", { class: "plainlist" }, ...kept.map((k) => make("li", {}, make("button", { type: "button", class: "plain mono", on: { click: () => ((field("language").value = k.language), editor.write(k.text), learn()) } }, k.text.replaceAll("\n", " ").slice(0, 140)), " ", make("span", { class: "soft" }, `${k.language}, ${k.rows} rows, ${k.at}`)))),
    make("button", { type: "button", on: { click: () => (localStorage.removeItem(HISTORY), showHistory()) } }, "Forget"),
  );
}

// running

async function run() {
  if (running) return;
  const asked = { ...query(), run: crypto.randomUUID() };
  running = asked.run;
  field("stop").hidden = false;
  field("run").disabled = true;
  choose("results");
  busy("running");
  const began = performance.now();
  try {
    const found = await ask("/query", asked);
    running = null;
    delete asked.run;
    const { others, now, diagnostics, ...first } = found;
    const seconds = (performance.now() - began) / 1000;
    sheets = [first, ...others].map((sheet, table) => ({ ...sheet, now, seconds, asked: { ...asked, table } }));
    last = sheets[0];
    remember(asked, found.rows.length);
    if (bench.dataset.built !== "yes") judge(found);
    choose(found.chart?.asked ? "chart" : "results");
  } catch (error) {
    running = null;
    last = null;
    fault(error);
  } finally {
    running = null;
    field("stop").hidden = true;
    field("run").disabled = false;
  }
}

function remember(asked, rows) {
  const kept = JSON.parse(localStorage.getItem(HISTORY) || "[]").filter((k) => k.text !== asked.text);
  const at = new Date().toISOString().slice(0, 16).replace("T", " ");
  localStorage.setItem(HISTORY, JSON.stringify([{ text: asked.text, language: asked.language, rows, at }, ...kept].slice(0, 50)));
}

async function work(path, show) {
  for (const [tab] of TABS) field(`tab-${tab}`).setAttribute("aria-selected", "false");
  const tell = busy("beginning");
  try {
    const { job } = await ask(path, query());
    tell.stops(job);
    show(await watchJob(job, tell));
  } catch (error) {
    fault(error);
  }
}

function showProof(proof) {
  panel.replaceChildren(
    make("p", {}, make("span", { class: `state ${proof.proved ? "good" : "bad"}` }, proof.proved ? "proved" : "not proved"), " ", proof.reason || ""),
    make("table", { class: "grid" }, make("thead", {}, make("tr", {}, ...["story", "kind", "result", "rows", "why"].map((h) => make("th", {}, h)))), make("tbody", {}, ...proof.cases.map((c) => make("tr", {}, make("td", {}, c.title), make("td", {}, c.kind.replace("_", "-")), make("td", {}, make("span", { class: `state ${c.right ? "good" : "warn"}` }, c.result)), make("td", { class: "num" }, String(c.rows)), make("td", {}, c.reason))))),
  );
}

function showDays(found) {
  const rule = found.rules[0];
  const days = Object.entries(rule.days);
  const spot = make("div", { class: "chart days" });
  panel.replaceChildren(make("p", {}, `${rule.findings.toLocaleString("en")} finding${rule.findings === 1 ? "" : "s"} over ${days.length} day${days.length === 1 ? "" : "s"}; ${rule.median_a_day} on a usual day`), rule.findings ? spot : "");
  if (rule.findings) {
    const at = (day) => Date.parse(`${day}T00:00:00Z`) / 1000;
    histogram(spot, { bars: days.map(([day, count]) => ({ at: at(day), count })), first: `${days[0][0]}T00:00:00Z`, last: `${days.at(-1)[0]}T00:00:00Z`, step: 86400 }, () => {});
    const list = make("div", { class: "chart" });
    bars(list, { bars: days.map(([name, value]) => ({ name, value })) });
    panel.append(make("details", {}, make("summary", {}, "Day by day"), list));
  }
  if (rule.actors.length) panel.append(make("h3", {}, "Because of"), make("ul", {}, ...rule.actors.slice(0, 8).map((a) => make("li", {}, `${a.actor} (${a.findings})`))));
}

function save() {
  const name = make("input", { id: "rule-name", size: 34, pattern: "[a-z0-9][a-z0-9_-]*", placeholder: "small letters, digits, - and _", spellcheck: false });
  const answer = make("p", { "aria-live": "polite" });
  const keep = async () => {
    try {
      const { file } = await ask("/save", { ...query(), name: name.value.trim() });
      answer.replaceChildren(make("span", { class: "state good" }, "saved"), ` ${file}: Look through the lake and livefire watch evaluate it from now on.`);
    } catch (error) {
      answer.replaceChildren(make("span", { class: "state bad" }, error.code || "not saved"), ` ${error.message}`);
    }
  };
  name.addEventListener("keydown", (event) => event.key === "Enter" && (event.preventDefault(), keep()));
  for (const [tab] of TABS) field(`tab-${tab}`).setAttribute("aria-selected", "false");
  panel.replaceChildren(make("p", { class: "soft" }, "The query as a rule of your own, in the folder that --rules names."), make("p", { class: "row" }, make("label", { class: "field" }, "name ", name), make("button", { type: "button", id: "keep", on: { click: keep } }, "Save as a detection")), answer);
  name.focus();
}

// words and tables of the language

async function learn() {
  const words = await ask(`/words/${field("language").value}`);
  editor.speak(words, field("lenient").checked);
  const tables = words.tables.filter((t) => !t.compatibility);
  const list = () => {
    const sought = field("find-column").value.toLowerCase();
    field("tables").replaceChildren(
      ...tables
        .map((t) => [t, t.columns.filter((c) => !sought || c.name.toLowerCase().includes(sought) || t.name.toLowerCase().includes(sought))])
        .filter(([, columns]) => columns.length)
        .map(([t, columns]) => {
          const body = make("ul", {});
          const details = make("details", { open: Boolean(sought) }, make("summary", { title: t.title }, t.name, " ", make("span", { class: "soft" }, String(t.columns.length))), body);
          const fill = () => body.childElementCount || body.append(...columns.map((c) => make("li", {}, make("button", { type: "button", class: "plain", title: "put it into the query", on: { click: () => insert(c.name) } }, c.name), " ", make("span", { class: "soft" }, c.type))));
          details.addEventListener("toggle", fill);
          if (sought) fill();
          return details;
        }),
    );
  };
  field("find-column").oninput = list;
  list();
}

function insert(name) {
  const at = editor.view?.state.selection.main;
  if (at) editor.change({ from: at.from, to: at.to, insert: name });
  editor.view?.focus();
}

function iso(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}

// The time that the lake holds stands in the empty fields, so that the stretch asked is always there to read.
function showSpan(data) {
  if (data.first) {
    field("start").placeholder = data.first.slice(0, 19);
    field("end").placeholder = data.last.slice(0, 19);
  }
  const clear = () => {
    const cut = field("start").value.trim() || field("end").value.trim();
    field("whole").hidden = !cut;
  };
  field("whole").addEventListener("click", () => ((field("start").value = field("end").value = ""), clear(), run()));
  for (const name of ["start", "end"]) field(name).addEventListener("input", clear);
  clear();
  return histogram(field("histogram"), data, (from, to) => ((field("start").value = iso(from)), (field("end").value = iso(to)), clear(), run()));
}

async function start() {
  output.replaceChildren(tablist, panel);
  choose("results");
  field("more").hidden = field("schema").hidden = false;
  bench.addEventListener("submit", (event) => (event.preventDefault(), run()));
  field("stop").addEventListener("click", () => running && ask("/stop", { run: running }));
  field("prove").addEventListener("click", () => work("/rehearse", showProof));
  field("days").addEventListener("click", () => work("/backtest", showDays));
  field("save")?.addEventListener("click", save);
  field("language").addEventListener("change", learn);
  field("lenient").addEventListener("change", learn);
  if (bench.dataset.built === "yes") {
    editor = await openEditor(field("editor"), area, run, judge);
    ask("/histogram").then(showSpan).catch(() => {});
  }
  await learn();
}

start();
