// Small tools of the bench's pages: templates, words, ages. Text is only ever set as text.

const words = new Map([...document.querySelectorAll("#words dt")].map((dt) => [dt.textContent, dt.nextElementSibling.textContent]));

/** A text of the page's language, with `{name}` filled in. */
export const say = (key, values = {}) => (words.get(key) ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

export const copy = (id) => document.getElementById(id).content.cloneNode(true);

export function put(scope, selector, text) {
  const element = scope.querySelector(selector);
  element.textContent = text || "--";
  return element;
}

export function mark(kind, text) {
  const element = document.createElement("span");
  element.className = `state state-${kind}`;
  element.textContent = text;
  return element;
}

export function option(value, text) {
  const element = document.createElement("option");
  element.value = value;
  element.textContent = text;
  return element;
}

export function item(text, detail = "", waiting = false) {
  const element = document.createElement("li");
  const main = document.createElement("span");
  main.textContent = text;
  const small = document.createElement("span");
  small.className = "detail";
  small.textContent = detail;
  element.append(main, small);
  if (waiting) element.append(mark("warn", say("waits")));
  return element;
}

export function age(ms) {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 1) return say("under a minute");
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** 04-Mar-2026, as everywhere else; "--" for none. */
export function day(ms) {
  if (!ms) return "--";
  const at = new Date(ms);
  return `${String(at.getDate()).padStart(2, "0")}-${MONTHS[at.getMonth()]}-${at.getFullYear()}`;
}

export const moment = (ms) => (ms ? `${day(ms)} ${TIME.format(ms)}` : "--");

/** Whether a patient has the machine, and how old that knowledge is. Nobody knows of a machine that never spoke. */
export function use(machine, synced) {
  if (!machine || machine.in_use === null || machine.in_use === undefined || !synced) return say("use not known");
  return say(machine.in_use ? "in use" : "not in use", { age: age(Date.now() - synced) });
}

export const overdue = (order, now = Date.now()) => Boolean(order.due) && (order.due_first ?? order.due) < now;

export function marks(order) {
  const found = [];
  if (order.waiting || order.fresh) found.push(mark("warn", say("waits")));
  if (overdue(order) && order.state !== "resolved") found.push(mark("bad", say("overdue")));
  const kinds = { taken: "info", waiting: "warn", resolved: "good" };
  found.push(mark(kinds[order.state] ?? "none", say(`state ${order.state}`)));
  if (order.priority !== "routine") found.push(mark("warn", say(`priority ${order.priority}`)));
  if (order.machine?.in_use) found.push(mark("bad", say("with a patient")));
  if (order.machine?.out_of_use) found.push(mark("info", say("out of use")));
  return found;
}

export const title = (order) => (order.number ? `#${order.number} ${order.name}` : order.name);
