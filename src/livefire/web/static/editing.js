// The editor: CodeMirror in a shadow tree, so that its styles need no exception in the page's policy.

import { ask } from "./pages.js";

const COMMENTS = { kql: "//", cql: "//", eql: "//", esql: "//", sigma: "#" };
const LEVELS = { error: "error", warning: "warning", notice: "info" };

// Places count characters there and UTF-16 units here; they differ only beyond the basic plane.
function unit(text, offset) {
  if (!/[\ud800-\udfff]/.test(text)) return offset;
  return [...text].slice(0, offset).join("").length;
}

export function place(text, diagnostic) {
  const size = text.length;
  const from = Math.min(size, unit(text, diagnostic.start.offset));
  return { from, to: Math.max(from, Math.min(size, unit(text, diagnostic.end.offset))) };
}

export function mended(text, fix) {
  return { from: unit(text, fix.start), to: unit(text, fix.end), insert: fix.replacement };
}

function language(cm, words) {
  const known = new Set([...words.commands, ...words.commands.map((w) => w.toLowerCase())]);
  const functions = new Set(words.functions);
  const comment = COMMENTS[words.language];
  return cm.StreamLanguage.define({
    token(stream) {
      if (stream.eatSpace()) return null;
      if (comment && stream.match(comment)) return stream.skipToEnd(), "comment";
      const quote = stream.peek();
      if (quote === '"' || quote === "'") {
        stream.next();
        for (let c = stream.next(); c && c !== quote; c = stream.next()) if (c === "\\") stream.next();
        return "string";
      }
      if (stream.match(/^\d+(\.\d+)?(ms|[smhd])?\b/)) return "number";
      const word = stream.match(/^[A-Za-z_@#][\w.-]*/);
      if (word) return known.has(word[0]) ? "keyword" : functions.has(word[0]) ? "typeName" : null;
      stream.next();
      return null;
    },
  });
}

function completion(words) {
  const options = [
    ...words.tables.map((t) => ({ label: t.name, type: "class", detail: t.title })),
    ...words.functions.map((f) => ({ label: f, type: "function", info: words.about?.[f] })),
    ...words.commands.map((c) => ({ label: c, type: "keyword" })),
  ];
  return (context) => {
    const word = context.matchBefore(/[\w.@#{}-]+/);
    if (!word && !context.explicit) return null;
    const text = context.state.doc.toString();
    const named = words.tables.filter((t) => text.includes(t.name));
    const columns = new Map();
    // A pipe is followed by a command; only CQL filters there by a field alone.
    const before = text.slice(0, word ? word.from : context.pos).trimEnd();
    const boost = words.language !== "cql" && before.endsWith("|") ? -50 : 2;
    for (const table of named.length ? named : words.tables.slice(0, 3)) for (const c of table.columns) columns.set(c.name, { label: c.name, type: "property", detail: c.type, boost });
    return { from: word ? word.from : context.pos, options: [...columns.values(), ...options], validFor: /^[\w.@#{}-]*$/ };
  };
}

function hover(cm, words) {
  return cm.hoverTooltip((view, pos) => {
    const line = view.state.doc.lineAt(pos);
    const found = [...line.text.matchAll(/[\w.@#{}-]+/g)].find((m) => line.from + m.index <= pos && pos <= line.from + m.index + m[0].length);
    if (!found) return null;
    const name = found[0];
    const holders = words.tables.filter((t) => t.columns.some((c) => c.name === name));
    const table = words.tables.find((t) => t.name === name);
    const text = table
      ? `table ${table.name}${table.title ? `: ${table.title}` : ""}, ${table.columns.length} columns`
      : holders.length
        ? `${holders[0].columns.find((c) => c.name === name).type} column of ${holders.slice(0, 4).map((t) => t.name).join(", ")}${holders.length > 4 ? ` and ${holders.length - 4} more` : ""}`
        : words.functions.includes(name)
          ? `function ${name}${words.about?.[name] ? ` ${words.about[name]}` : ""}`
          : "";
    if (!text) return null;
    return {
      pos: line.from + found.index,
      end: line.from + found.index + name.length,
      create() {
        const dom = document.createElement("div");
        dom.className = "cm-words";
        dom.textContent = text;
        return { dom };
      },
    };
  });
}

export async function openEditor(host, area, run, heard) {
  const cm = await import("/static/built/editor.js");
  const marks = cm.HighlightStyle.define([
    { tag: cm.tags.comment, color: "var(--t-comment)", fontStyle: "italic" },
    { tag: cm.tags.string, color: "var(--t-string)" },
    { tag: cm.tags.number, color: "var(--t-number)" },
    { tag: cm.tags.keyword, color: "var(--t-word)", fontWeight: "600" },
    { tag: cm.tags.typeName, color: "var(--t-word)" },
  ]);
  const looks = cm.EditorView.theme({
    "&": { fontSize: "13px", color: "var(--ink)", backgroundColor: "var(--panel)", border: "1px solid var(--rule)", borderRadius: "4px" },
    "&.cm-focused": { outline: "2px solid var(--focus)" },
    ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", minHeight: "210px", maxHeight: "46vh" },
    ".cm-content": { caretColor: "var(--ink)" },
    ".cm-cursor": { borderLeftColor: "var(--ink)" },
    ".cm-gutters": { backgroundColor: "var(--sunk)", color: "var(--soft)", border: "0" },
    ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent-soft) 45%, transparent)" },
    ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": { backgroundColor: "var(--accent-soft) !important" },
    ".cm-tooltip": { backgroundColor: "var(--panel)", color: "var(--ink)", border: "1px solid var(--rule)", borderRadius: "4px", fontFamily: "var(--sans)" },
    ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--panel)" },
    ".cm-words": { padding: "3px 8px" },
    ".cm-diagnosticAction": { backgroundColor: "var(--accent)", color: "var(--panel)" },
  });
  const speaking = new cm.Compartment();
  let words = { language: "", tables: [], functions: [], commands: [] };
  let asked = { language: "", lenient: false };
  let spoken = false; // the language is known later than the text: then all is judged again

  const linter = cm.linter(
    async (view) => {
      const text = view.state.doc.toString();
      if (!asked.language) return [];
      const said = await ask("/check", { text, ...asked }).catch((fault) => ({ diagnostics: [], mended: text, fault: fault.message }));
      if (view.state.doc.toString() !== text) return [];
      heard(said);
      return said.diagnostics.map((d) => ({
        ...place(text, d),
        severity: LEVELS[d.severity],
        message: `${d.code} ${d.message}${d.help ? `; ${d.help}` : ""}`,
        actions: d.fix ? [{ name: d.fix.message || "fix", apply: (v) => v.dispatch({ changes: mended(text, d.fix) }) }] : [],
      }));
    },
    { delay: 350, needsRefresh: () => spoken && !(spoken = false) },
  );
  const root = host.attachShadow({ mode: "open" });
  const view = new cm.EditorView({
    root,
    parent: root,
    doc: area.value,
    extensions: [
      cm.lineNumbers(), cm.history(), cm.drawSelection(), cm.highlightActiveLine(), cm.bracketMatching(), cm.closeBrackets(),
      cm.syntaxHighlighting(marks), looks, linter, cm.lintGutter(), speaking.of([]),
      cm.Prec.highest(cm.keymap.of([{ key: "Mod-Enter", run: () => (run(), true) }])),
      cm.keymap.of([...cm.closeBracketsKeymap, ...cm.defaultKeymap, ...cm.historyKeymap, ...cm.completionKeymap, ...cm.lintKeymap]),
      cm.EditorView.contentAttributes.of({ "aria-label": "Query", spellcheck: "false" }),
      cm.EditorView.updateListener.of((update) => update.docChanged && (area.value = update.state.doc.toString())),
    ],
  });
  return {
    view,
    text: () => view.state.doc.toString(),
    write: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    change: (changes) => view.dispatch({ changes }),
    speak(found, lenient) {
      words = found;
      asked = { language: found.language, lenient };
      spoken = true;
      view.dispatch({ effects: speaking.reconfigure([language(cm, words), cm.autocompletion({ override: [completion(words)] }), hover(cm, words)]) });
      cm.forceLinting(view);
    },
    select(from, to) {
      view.dispatch({ selection: { anchor: from, head: to }, scrollIntoView: true });
      view.focus();
    },
  };
}
