// The page: asks the worker to check, and shows what it found. Names come from firms: they are set as text, never as markup.

import { soughtOf, told } from "./finding.js";
import { ELSEWHERE, MORE, PAGE, say, STATUS } from "./words.js";

const ROWS_AT_ONCE = 200;
const RECEIPT_BYTES = 1_000_000;
const HEARD_EVERY_MS = 5000; // a screen reader would speak of nothing but lines
const byId = (name) => document.getElementById(name);
const epoch = new URLSearchParams(location.search).get("epoch");
const evidence = /^[0-9]+$/.test(epoch ?? "") ? `./evidence?epoch=${epoch}` : "./evidence";

let language = (navigator.languages ?? [navigator.language]).some((one) => /^ko\b/i.test(one)) ? "ko" : "en";
let status = null; // [word, values]
let report = null;
let rowsShown = ROWS_AT_ONCE;
let worker = null;
let heardAt = 0;
let sought = null; // the application looked for
let found = null; // what was found of it, or why nothing was: "unreadable", "searching", "nothing"
const INSTITUTIONS = JSON.parse(byId("page").dataset.institutions);
const nameOf = (institution) => (Object.hasOwn(INSTITUTIONS, institution) ? INSTITUTIONS[institution] : institution);

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
  document.title = `${PAGE.title[language]} · ${byId("title").textContent.trim()}`;
  for (const one of document.querySelectorAll("[data-word]")) one.textContent = PAGE[one.dataset.word][language];
  for (const one of document.querySelectorAll("[data-language]")) {
    one.setAttribute("aria-pressed", String(one.dataset.language === language));
  }
  byId("status").textContent = status ? STATUS[status[0]][language](status[1]) : "";
  showReport();
  showFound();
}

function showReport() {
  byId("findings").hidden = byId("results").hidden = report === null;
  if (report === null) return;
  byId("elsewhere").hidden = report.round === null || report.round === byId("round").dataset.round;
  byId("elsewhere").textContent = ELSEWHERE[language](report);
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
    asked.append(name(nameOf(institution)), " / ", name(request));
    row.append(element("td", String(position), { class: "number" }), offered, asked);
    row.append(element("td", won.toLocaleString(language), { class: "number" }));
    return row;
  });
}

function showFound() {
  byId("sought").setAttribute("aria-invalid", String(found === "unreadable"));
  const place = byId("found");
  if (found === null) {
    delete place.dataset.state;
    return place.replaceChildren();
  }
  const { state, heading, lines } = told(found, sought, language, nameOf);
  place.dataset.state = state;
  const items = element("ul");
  for (const line of lines) {
    const item = element("li");
    item.append(...line.map((part) => (typeof part === "string" ? part : name(part.name))));
    items.append(item);
  }
  place.replaceChildren(element("p", heading), ...(lines.length ? [items] : []));
}

function tell(word, values = {}) {
  status = [word, values];
  byId("status").dataset.state = word;
  show();
}

function ended(word, values) {
  byId("bar").hidden = true;
  byId("read").textContent = byId("heard").textContent = "";
  byId("check").disabled = byId("file").disabled = false;
  document.body.setAttribute("aria-busy", "false");
  if (report === null) {
    worker?.terminate();
    worker = null;
  }
  tell(word, values);
  if (sought !== null) find();
}

function heard({ data }) {
  if (data.progress) {
    const { lines, bytes, total } = data.progress;
    byId("read").textContent = STATUS.lines[language]({ lines });
    if (performance.now() - heardAt > HEARD_EVERY_MS) {
      heardAt = performance.now();
      byId("heard").textContent = byId("read").textContent;
    }
    if (total) Object.assign(byId("bar"), { max: total, value: bytes });
  } else if (data.report) {
    report = data.report;
    const count = report.differs.length + report.more;
    if (count) ended("wrong", { count });
    else ended(report.voided ? "voided" : report.confirmed ? "right" : "unconfirmed", report);
  } else if (data.found) {
    if (data.found.application !== sought?.application) return; // another was asked for meanwhile
    found = data.found;
    showFound();
  } else if (data.refused) {
    const { status: code, told } = data.refused;
    ended(code === 404 || code === 409 ? code : "refused", { status: code, told });
  } else if (data.broken) ended("broken");
  else ended("failed", { told: data.failed });
}

/** The roots in the fields, each field several apart by blanks; null, and the field told, where one is no root. */
function held() {
  const roots = {};
  for (const root of ["commitment", "selection", "announcement", "shown"]) {
    const field = byId(`held-${root}`);
    const values = field.value.toLowerCase().split(/[\s,]+/).filter((value) => value);
    const wrong = values.some((value) => !/^[0-9a-f]{64}$/.test(value));
    field.setCustomValidity(wrong ? PAGE.badRoot[language] : "");
    field.setAttribute("aria-invalid", String(wrong));
    if (wrong) {
      field.reportValidity();
      field.focus();
      return null;
    }
    if (values.length) roots[root] = values;
  }
  return roots;
}

function check(source) {
  const roots = held();
  if (roots === null) return false;
  worker?.terminate();
  report = null;
  found = sought && "searching";
  rowsShown = ROWS_AT_ONCE;
  byId("check").disabled = byId("file").disabled = true;
  byId("bar").hidden = false;
  byId("bar").removeAttribute("value");
  document.body.setAttribute("aria-busy", "true");
  heardAt = performance.now();
  tell("reading");
  worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  worker.addEventListener("message", heard);
  worker.addEventListener("error", (event) => ended("failed", { told: event.message ?? "worker" }));
  worker.postMessage({ ...source, held: roots });
  return true;
}

const checkPublished = () => check({ address: new URL(evidence, location.href).href });

/** In the evidence that was checked last; where none was, in the published one. */
function find() {
  if (report !== null) worker.postMessage({ find: sought.application });
  else if (worker === null) found = "nothing";
  showFound();
}

function seek(text) {
  sought = soughtOf(text);
  found = sought === null ? "unreadable" : "searching";
  if (sought === null) byId("sought").focus();
  else if (report === null && worker === null && !checkPublished()) [sought, found] = [null, null];
  else if (report !== null) find();
  showFound();
}

async function seekIn([file]) {
  if (file) seek(file.size > RECEIPT_BYTES ? "" : await file.text());
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  checkPublished();
});
byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  seek(byId("sought").value);
});
byId("receipt").addEventListener("change", async ({ target }) => {
  const files = [...target.files];
  target.value = "";
  await seekIn(files);
});
for (const [kind, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  byId("finding").addEventListener(kind, (event) => {
    event.preventDefault();
    byId("finding").classList.toggle("over", over);
    if (kind === "drop") seekIn(event.dataTransfer.files);
  });
}
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
