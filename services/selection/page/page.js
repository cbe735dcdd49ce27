// The page: asks the worker to check, and shows what it found. Names come from firms: they are set as text, never as markup.

import { MORE, PAGE, say, STATUS } from "./words.js";

const ROWS_AT_ONCE = 200;
const byId = (name) => document.getElementById(name);
const epoch = new URLSearchParams(location.search).get("epoch");
const evidence = /^[0-9]+$/.test(epoch ?? "") ? `./evidence?epoch=${epoch}` : "./evidence";

let language = (navigator.languages ?? [navigator.language]).some((one) => /^ko\b/i.test(one)) ? "ko" : "en";
let status = null; // [word, values]
let report = null;
let rowsShown = ROWS_AT_ONCE;
let worker = null;

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

/** A name somebody else chose: its direction stays its own. */
function name(text) {
  return element("bdi", text);
}

function show() {
  document.documentElement.lang = language;
  document.title = PAGE.title[language];
  for (const one of document.querySelectorAll("[data-word]")) one.textContent = PAGE[one.dataset.word][language];
  for (const one of document.querySelectorAll("[data-language]")) {
    one.setAttribute("aria-pressed", String(one.dataset.language === language));
  }
  byId("status").textContent = status ? STATUS[status[0]][language](status[1]) : "";
  showReport();
}

function showReport() {
  byId("findings").hidden = byId("results").hidden = report === null;
  if (report === null) return;
  for (const [kind, differs] of [["differs", true], ["checked", false], ["notChecked", false]]) {
    const items = report[kind].map((finding) => element("li", say(finding, language, differs)));
    if (kind === "differs" && report.more) items.push(element("li", MORE[language](report.more)));
    byId(kind).replaceChildren(...items);
    byId(`${kind}-part`).hidden = items.length === 0;
  }
  const rows = report.selected.flatMap(rowsOf);
  byId("rows").replaceChildren(...rows.slice(0, rowsShown));
  byId("table").hidden = rows.length === 0;
  byId("nobody").hidden = rows.length > 0;
  byId("more").hidden = rows.length <= rowsShown;
}

function rowsOf({ position, product, applicant, awards }) {
  return awards.map(({ request, institution, won }) => {
    const row = element("tr");
    const offered = element("td");
    offered.append(name(product), element("br"), element("small"));
    offered.lastChild.append(name(applicant));
    const asked = element("td");
    asked.append(name(institution), " / ", name(request));
    row.append(element("td", String(position), { class: "number" }), offered, asked);
    row.append(element("td", won.toLocaleString(language), { class: "number" }));
    return row;
  });
}

function tell(word, values = {}) {
  status = [word, values];
  byId("status").dataset.state = word;
  show();
}

function ended(word, values) {
  byId("bar").hidden = true;
  byId("read").textContent = "";
  byId("check").disabled = byId("file").disabled = false;
  document.body.setAttribute("aria-busy", "false");
  worker?.terminate();
  worker = null;
  tell(word, values);
}

function heard({ data }) {
  if (data.progress) {
    const { lines, bytes, total } = data.progress;
    byId("read").textContent = STATUS.lines[language]({ lines });
    if (total) Object.assign(byId("bar"), { max: total, value: bytes });
  } else if (data.report) {
    report = data.report;
    const count = report.differs.length + report.more;
    if (count) ended("wrong", { count });
    else ended("right", report);
  } else if (data.refused) {
    const { status: code, told } = data.refused;
    ended(code === 404 || code === 409 ? code : "refused", { status: code, told });
  } else if (data.insecure) ended("insecure");
  else if (data.broken) ended("broken");
  else ended("failed", { told: data.failed });
}

/** The roots in the fields; null, and the field told, where one is no root. */
function held() {
  const roots = {};
  for (const root of ["commitment", "selection"]) {
    const field = byId(`held-${root}`);
    const value = field.value.trim().toLowerCase();
    const wrong = value !== "" && !/^[0-9a-f]{64}$/.test(value);
    field.setCustomValidity(wrong ? PAGE.badRoot[language] : "");
    field.setAttribute("aria-invalid", String(wrong));
    if (wrong) {
      field.reportValidity();
      field.focus();
      return null;
    }
    if (value) roots[root] = value;
  }
  return roots;
}

function check(source) {
  const roots = held();
  if (roots === null) return;
  report = null;
  rowsShown = ROWS_AT_ONCE;
  byId("check").disabled = byId("file").disabled = true;
  byId("bar").hidden = false;
  byId("bar").removeAttribute("value");
  document.body.setAttribute("aria-busy", "true");
  tell("reading");
  worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  worker.addEventListener("message", heard);
  worker.addEventListener("error", (event) => ended("failed", { told: event.message ?? "worker" }));
  worker.postMessage({ ...source, held: roots });
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  check({ address: new URL(evidence, location.href).href });
});
byId("file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  target.value = "";
  if (file) check({ file });
});
byId("more").addEventListener("click", () => {
  rowsShown += ROWS_AT_ONCE;
  showReport();
});
for (const one of document.querySelectorAll("[data-language]")) {
  one.addEventListener("click", () => {
    language = one.dataset.language;
    show();
  });
}
for (const one of document.querySelectorAll("input[id^=held]")) {
  one.addEventListener("input", () => one.setCustomValidity(""));
}
byId("bundle").href = evidence;
show();
