// What every page shares: elements made of text, questions to the server, jobs that are watched, keys to go by.

export function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") for (const [event, heard] of Object.entries(value)) element.addEventListener(event, heard);
    else if (name === "class") element.className = value;
    else if (name in element && name !== "list" && !name.startsWith("aria")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

// Characters that hide or reorder what is read are written out, as the server does.
export function harmless(text) {
  return text.replace(/[\p{Cf}\p{Co}\p{Cn}\p{Cs}\u2028\u2029\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

export class Refusal extends Error {
  constructor(status, said) {
    super(said.message || `the server answered ${status}`);
    this.status = status;
    this.code = said.code || "";
    this.diagnostics = said.diagnostics || [];
  }
}

export async function ask(path, body, signal) {
  const options = body === undefined ? { signal } : { method: "POST", signal, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`/api/v1${path}`, options);
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, said);
  return said;
}

export function watchJob(id, tell) {
  return new Promise((resolve, reject) => {
    const stream = new EventSource(`/jobs/${id}/events`);
    stream.addEventListener("standing", (event) => {
      const standing = JSON.parse(event.data);
      tell(standing.doing || "beginning");
      if (standing.state === "running") return;
      stream.close();
      if (standing.state === "failed" || standing.state === "stopped") reject(new Error(standing.fault));
      else ask(`/jobs/${id}`).then((job) => resolve(job.result), reject);
    });
  });
}

for (const button of document.querySelectorAll("[data-copy-from]")) {
  button.addEventListener("click", async () => {
    const text = await (await fetch(button.dataset.copyFrom)).text();
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
}

const watched = document.querySelector("[data-watch]");
if (watched) {
  document.querySelector('meta[http-equiv="refresh"]')?.remove();
  watchJob(watched.dataset.watch, (text) => (watched.querySelector("[data-doing]").textContent = text)).then(
    () => location.replace(watched.dataset.back),
    (fault) => {
      watched.textContent = fault.message;
      document.querySelector("[data-stop]")?.remove();
    },
  );
  const stopping = document.querySelector("[data-stop]");
  stopping?.addEventListener("submit", (event) => {
    event.preventDefault();
    stopping.querySelector("button").disabled = true;
    ask(`/jobs/${watched.dataset.watch}/stop`, {}).catch((fault) => stopping.append(` ${fault.message}`));
  });
}

const PLACES = { c: "/", w: "/workbench", a: "/alerts", h: "/health", p: "/published" };
let going = false;
document.addEventListener("keydown", (event) => {
  const typing = event.composedPath()[0];
  if (event.ctrlKey || event.metaKey || event.altKey || (typing instanceof HTMLElement && (typing.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(typing.tagName)))) return;
  if (going && PLACES[event.key]) location.assign(PLACES[event.key]);
  going = event.key === "g";
});

// Lists that are long enough to look for something in them.
for (const field of document.querySelectorAll("[data-find]")) {
  field.addEventListener("input", () => {
    const sought = field.value.trim().toLowerCase();
    for (const row of document.querySelectorAll(field.dataset.find)) row.hidden = !row.textContent.toLowerCase().includes(sought);
  });
}
