// The page of one order: everything that is done on it becomes an operation.

import { copy, day, item, marks, moment, option, overdue, put, say, title, use } from "./bench-dom.js";
import { judge } from "./bench-judge.js";
import { get, set } from "./bench-store.js";

/** Fill the page. `act(kind, body)` writes an operation of this order down and shows the page again. */
export async function order(main, seen, { act, kit, synced, show }) {
  const page = copy("t-order");
  page.querySelector("h1").textContent = title(seen);
  page.querySelector("[data-marks]").append(...marks(seen));
  put(page, "[data-text]", seen.text === seen.name ? " " : seen.text);
  const { machine } = seen;
  put(page, "[data-machine]", machine ? [machine.name, machine.model, machine.tag && `${machine.tag}`, machine.serial].filter(Boolean).join(" · ") : "");
  put(page, "[data-place]", seen.place || machine?.place);
  put(page, "[data-use]", use(machine, synced));
  put(page, "[data-due]", day(seen.due));
  buttons(page, seen, act, await get("timer"), show);
  steps(page, seen, act, kit);
  page.querySelector("[data-notes]").append(...seen.notes.map((one) => item(one.text, `${one.by} · ${moment(one.at)}`, one.waiting)));
  parts(page, seen, act, kit);
  put(page, "[data-minutes]", seen.minutes ? `${seen.minutes} min` : "");
  const form = (name, body) => page.querySelector(`[data-form="${name}"]`).addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    const said = body(fields, event.target);
    if (said) act(name, said);
  });
  form("note", ({ text }) => text.trim() && { text });
  form("labour", ({ minutes, travel }) => Number(minutes) + Number(travel) > 0 && {
    minutes: Number(minutes), travel: Number(travel), started: Date.now() - (Number(minutes) + Number(travel)) * 60_000,
  });
  form("missing", ({ text }) => ({ text }));
  form("wait", ({ what }) => ({ what }));
  finish(page, seen, form);
  main.replaceChildren(page);
}

function buttons(page, seen, act, timer, show) {
  const button = (name) => page.querySelector(`[data-do="${name}"]`);
  const ended = seen.state === "resolved";
  button("take").hidden = ended || seen.state === "taken";
  button("take").addEventListener("click", () => act("take", {}));
  const running = timer?.work === seen.id;
  const clock = button("timer");
  clock.textContent = running ? say("stop the timer", { minutes: Math.max(1, Math.round((Date.now() - timer.started) / 60_000)) }) : say("start the timer");
  clock.addEventListener("click", async () => {
    if (!running) {
      if (timer && timer.work !== seen.id) await stop(timer, act);
      await set("timer", { work: seen.id, started: Date.now() });
      if (!ended && seen.state !== "taken") await act("take", {});
      return show();
    }
    await stop(timer, act);
    return show();
  });
  const out = Boolean(seen.machine?.out_of_use);
  button("down").hidden = !seen.machine || out;
  button("up").hidden = !out;
  button("down").addEventListener("click", () => act("down", {}));
  button("up").addEventListener("click", () => act("up", {}));
}

async function stop(timer, act) {
  const minutes = Math.min(1440, Math.max(1, Math.round((Date.now() - timer.started) / 60_000)));
  await set("timer", null);
  await act("labour", { minutes, travel: 0, started: timer.started }, timer.work);
}

function steps(page, seen, act, kit) {
  if (!seen.steps.length) return;
  const card = page.querySelector("[data-steps]");
  card.hidden = false;
  const done = seen.steps.filter((step) => seen.results[step.step]).length;
  put(card, "[data-progress]", `${done} / ${seen.steps.length}`);
  const chooser = card.querySelector("#instrument");
  const why = card.querySelector("[data-override]");
  const chosen = () => kit.instruments.find((one) => one.id === chooser.value);
  const late = () => { const one = chosen(); return Boolean(one) && !(one.due && one.due >= Date.now()); };
  if (seen.steps.some((step) => step.instrument)) {
    card.querySelector("[data-instrument]").hidden = false;
    chooser.append(option("", say("choose")), ...kit.instruments.map((one) => option(one.id, `${one.name} (${day(one.due)})`)));
    get("instrument").then((last) => { chooser.value = kit.instruments.some((one) => one.id === last) ? last : ""; why.hidden = !late(); });
    chooser.addEventListener("change", () => { set("instrument", chooser.value); why.hidden = !late(); });
  }
  seen.steps.forEach((step, index) => card.querySelector("ol").append(one(step, index)));

  function one(step, index) {
    const row = copy("t-step");
    const known = seen.results[step.step];
    row.querySelector("form").dataset.step = step.step;
    put(row, ".bench-step-text", `${index + 1}. ${step.text}`).id = `step-${index}`;
    put(row, ".help", [step.help, limits(step)].filter(Boolean).join(" · ") || " ");
    const verdict = row.querySelector(".bench-verdict");
    const tell = (text, worth) => { verdict.textContent = text; verdict.dataset.verdict = worth ?? ""; };
    if (known) tell(say(`verdict ${known.verdict}`, { text: known.text, by: known.by }), known.verdict);
    const keep = (value) => {
      const worth = judge(step, value);
      if (!worth) return tell(say("no answer"), "fail");
      if (step.instrument && !chosen()) return tell(say("no instrument"), "fail");
      const override = card.querySelector("#override").value.trim();
      if (step.instrument && late() && override.length < 5) return tell(say("out of calibration"), "fail");
      return act("step", { step: step.step, value: String(value).trim(), instrument: step.instrument ? chooser.value : "", override: step.instrument ? override : "", verdict: worth });
    };
    const answer = row.querySelector("[data-answer]");
    if (step.kind === "check") answer.append(choices(step, index, known, keep));
    else answer.append(...value(step, index, known, tell));
    row.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const field = event.target.elements.value;
      if (field) keep(field.value);
    });
    return row;
  }
}

const limits = ({ low, high, unit }) =>
  low !== null && high !== null ? `${low} – ${high} ${unit}` : low !== null ? `≥ ${low} ${unit}` : high !== null ? `≤ ${high} ${unit}` : "";

function choices(step, index, known, keep) {
  const box = document.createElement("div");
  box.className = "choices";
  box.setAttribute("role", "radiogroup");
  box.setAttribute("aria-labelledby", `step-${index}`);
  for (const name of ["pass", "fail", "na"]) {
    const label = document.createElement("label");
    label.className = "choice";
    const input = Object.assign(document.createElement("input"), { type: "radio", name: `check-${index}`, value: name, checked: known?.text === name });
    const text = document.createElement("span");
    text.textContent = say(`check ${name}`);
    label.append(input, text);
    box.append(label);
    input.addEventListener("change", () => keep(name));
  }
  return box;
}

function value(step, index, known, tell) {
  const box = document.createElement("div");
  box.className = "bench-value";
  const input = Object.assign(document.createElement("input"), { name: "value", value: known?.text ?? "", autocomplete: "off", maxLength: 1000 });
  input.setAttribute("aria-labelledby", `step-${index}`);
  if (step.kind === "value") input.inputMode = "decimal";
  input.addEventListener("input", () => {
    const worth = judge(step, input.value);
    tell(worth === "none" || !input.value ? "" : say(worth ? `verdict ${worth}` : "no answer", { text: `${input.value} ${step.unit}`, by: "" }), worth ?? "fail");
  });
  const unit = document.createElement("span");
  unit.textContent = step.unit === "1" ? "" : step.unit;
  const button = Object.assign(document.createElement("button"), { className: "button big", textContent: say("keep") });
  box.append(input, unit, button);
  return [box];
}

function parts(page, seen, act, kit) {
  page.querySelector("[data-parts]").append(...seen.parts.map((one) => item(`${one.quantity} × ${one.name}`, one.number, one.waiting)));
  const form = page.querySelector('[data-form="part"]');
  const fits = (part) => !part.fits.length || part.fits.includes(seen.machine?.model_id);
  const known = [...kit.parts].sort((a, b) => fits(b) - fits(a));
  const stores = new Map(kit.stores.map((one) => [one.id, one.name]));
  form.elements.part.append(option("", say("choose")), ...known.map((one) => option(one.id, `${one.name} ${one.number}${fits(one) ? "" : ` (${say("does not fit")})`}`)));
  form.elements.store.append(...kit.stores.map((one) => option(one.id, one.name)));
  const chosen = () => kit.parts.find((one) => one.id === form.elements.part.value);
  form.elements.part.addEventListener("change", () => {
    const part = chosen();
    form.querySelector("[data-serial]").hidden = !part?.serialised;
    form.elements.serial.required = Boolean(part?.serialised);
    form.elements.store.replaceChildren(...[...stores].map(([id, name]) => option(id, `${name}: ${part?.held[id] ?? 0}`)));
    const full = Object.keys(part?.held ?? {}).find((id) => Number(part.held[id]) > 0);
    if (full) form.elements.store.value = full;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const part = chosen();
    const { store, quantity, lot, serial } = Object.fromEntries(new FormData(form));
    if (part && store) act("part", { part: part.id, store, quantity, lot: lot.trim(), serial: serial.trim(), shown: { number: part.number, name: part.name } });
  });
}

const PLANNED = ["maintenance", "inspection", "calibration"];

function finish(page, seen, form) {
  const open = seen.steps.filter((step) => !seen.results[step.step]);
  const late = overdue(seen) && PLANNED.includes(seen.kind) && !seen.late_reason;
  const problem = page.querySelector("[data-unfinished]");
  page.querySelector("[data-late]").hidden = !late;
  page.querySelector("#late").required = late;
  form("resolve", ({ text, late_reason: why }) => {
    problem.hidden = !open.length;
    problem.textContent = open.length ? say("steps open", { count: open.length, first: open[0].text }) : "";
    return !open.length && text.trim() && { text, late_reason: why ?? "" };
  });
  if (seen.state === "resolved") page.querySelector('[data-form="resolve"]').hidden = true;
}
