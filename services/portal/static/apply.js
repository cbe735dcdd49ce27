// Saves a step by itself, checks numbers while they are typed, and offers a calendar. Without it everything works by button.
const form = document.getElementById("step");
const saved = document.getElementById("saved");
const WAIT = 1500;
const WEIGHTS = [1, 3, 7, 1, 3, 7, 1, 3, 5];

const plain = (text) => text.normalize("NFKC").replace(/[\s,\-\u2010-\u2015\u2212\uFF0D]/g, "");

function businessNumberIsWrong(typed) {
  const digits = plain(typed);
  if (!/^\d{10}$/.test(digits)) return false;
  const each = [...digits].map(Number);
  const sum = WEIGHTS.reduce((total, weight, at) => total + weight * each[at], 0) + Math.floor((each[8] * 5) / 10);
  return (10 - (sum % 10)) % 10 !== each[9];
}

function inWon(typed) {
  const digits = plain(typed);
  if (!/^\d{1,15}$/.test(digits)) return "";
  const amount = Number(digits);
  if (form.dataset.language !== "ko") return `KRW ${amount.toLocaleString("en")}`;
  const eok = Math.floor(amount / 1e8);
  const man = Math.floor((amount % 1e8) / 1e4);
  const ones = amount % 1e4;
  const parts = [];
  if (eok) parts.push(`${eok.toLocaleString("ko")}억`);
  if (man) parts.push(`${man.toLocaleString("ko")}만`);
  if (ones || !parts.length) parts.push(ones.toLocaleString("ko"));
  return `${parts.join(" ")}원`;
}

function shown(input, text) {
  const place = document.getElementById(`read-${input.id}`);
  place.textContent = text;
  place.hidden = !text;
  const described = (input.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== place.id);
  input.setAttribute("aria-describedby", [...described, ...(text ? [place.id] : [])].join(" "));
}

function looked(input) {
  const kind = input.dataset.kind;
  if (kind === "money") {
    const won = inWon(input.value);
    shown(input, won && form.dataset.reading.replace("{}", won));
  } else if (input.name === "business_number") {
    shown(input, businessNumberIsWrong(input.value) ? form.dataset.wrong : "");
  }
}

let timer = 0;
let sending = Promise.resolve();

async function save() {
  const body = new URLSearchParams(new FormData(form));
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    const told = await answer.json();
    saved.textContent = told.told;
    if (answer.ok) form.elements.version.value = told.version;
  } catch {
    saved.textContent = form.dataset.lost;
  }
}

form.addEventListener("input", ({ target }) => {
  looked(target);
  clearTimeout(timer);
  timer = setTimeout(() => { sending = sending.then(save); }, WAIT);
});

form.addEventListener("submit", (event) => {
  clearTimeout(timer);
  const button = event.submitter;
  event.preventDefault();
  // The version that a save under way brings belongs into this form.
  sending.then(() => {
    if (button?.name) {
      const then = document.createElement("input");
      then.type = "hidden";
      then.name = button.name;
      then.value = button.value;
      form.append(then);
    }
    form.submit();
  });
});

for (const input of form.querySelectorAll("[data-kind=date]")) {
  const calendar = document.createElement("input");
  calendar.type = "date";
  const label = form.querySelector(`label[for="${input.id}"]`).textContent.trim();
  calendar.setAttribute("aria-label", `${label}: ${form.dataset.calendar}`);
  calendar.addEventListener("change", () => {
    input.value = calendar.value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  const both = document.createElement("div");
  both.className = "dated";
  input.before(both);
  both.append(input, calendar);
}
document.querySelector(".summary")?.focus();
