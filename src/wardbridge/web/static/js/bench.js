// The technician's bench: pages by the address after #, the state of the network, and when to synchronise.

import { age, copy, day, item, moment, overdue, put, say, use } from "./bench-dom.js";
import { find, fromRow, line, machine, named } from "./bench-find.js";
import { order } from "./bench-order.js";
import { act, begun, overlay } from "./bench-queue.js";
import { all, get, set, waiting, wipe } from "./bench-store.js";
import { machine as ask, settle, Stopped, sync } from "./bench-sync.js";

const main = document.querySelector("main");
const EVERY = 60_000;
const NO_KIT = { parts: [], stores: [], instruments: [] };
const fetched = new Map(); // machines that the server told of while this page was open
let network = "starting";
let notice = "";

async function state() {
  const [me, queue, orders, buckets, kit, synced, born] = await Promise.all([
    get("me"), waiting(), all("orders"), all("machines"), get("kit"), get("synced"), get("born"),
  ]);
  const mine = queue.filter((one) => one.person === me?.person);
  const machineOf = (id) => fetched.get(id) ?? orders.find((one) => one.machine?.id === id)?.machine ?? row(buckets, id);
  const held = [...orders, ...(me ? begun(mine, machineOf, me) : [])].map((one) => (me ? overlay(one, mine, me) : one));
  return { me, queue, mine, buckets, kit: kit ?? NO_KIT, synced, born: born ?? {}, machineOf, orders: held };
}

function row(buckets, id) {
  for (const bucket of buckets) {
    const found = bucket.rows.find(([ident]) => ident === id);
    if (found) return fromRow(named(found));
  }
  return null;
}

const nearest = (a, b) => (a.due ?? a.planned ?? Infinity) - (b.due ?? b.planned ?? Infinity) || a.number - b.number;

async function list(now) {
  const page = copy("t-list");
  const open = now.orders.filter((one) => one.state !== "resolved").sort(nearest);
  page.querySelector("ul").append(...open.map((one) => {
    const row = line(one);
    put(row, ".bench-due", one.due ? say("due", { day: day(one.due) }) : say("no date"));
    put(row, ".bench-where", [one.machine?.name, one.place || one.machine?.place, use(one.machine, now.synced)].filter(Boolean).join(" · "));
    if (overdue(one)) row.querySelector("a").dataset.late = "";
    return row;
  }));
  page.querySelector("[data-empty]").hidden = open.length > 0;
  const teams = (await get("teams")) ?? [];
  const chosen = (await get("chosen")) ?? [];
  page.querySelector("[data-teams]").hidden = !teams.length;
  page.querySelector(".choices").append(...teams.map((name) => {
    const label = Object.assign(document.createElement("label"), { className: "inline" });
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: chosen.includes(name) });
    box.addEventListener("change", async () => {
      const kept = (await get("chosen")) ?? [];
      await set("chosen", box.checked ? [...kept, name] : kept.filter((one) => one !== name));
      exchange();
    });
    label.append(box, name);
    return label;
  }));
  const foreign = now.queue.length - now.mine.length;
  page.querySelector("[data-foreign]").hidden = !foreign;
  put(page, "[data-foreign] b", `${foreign}`);
  page.querySelector("[data-wipe]").addEventListener("click", async () => {
    notice = (await wipe()) ? "" : say("not wiped");
    await show();
  });
  main.replaceChildren(page);
}

async function settling() {
  const page = copy("t-settle");
  const rows = (await get("unsettled")) ?? [];
  page.querySelector("[data-empty]").hidden = rows.length > 0;
  page.querySelector("ul").append(...rows.map((one) => {
    const card = copy("t-unsettled");
    put(card, "h2", `${say(`kind ${one.kind}`)} · ${say(one.state)} · ${moment(one.at)}`);
    put(card, "[data-why]", one.text);
    put(card, "[data-said]", lines(one.body));
    const there = card.querySelector("[data-there]");
    there.hidden = !Object.keys(one.there).length;
    there.textContent = `${say("there now")}\n${lines(one.there)}`;
    card.querySelector("form").addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await settle(one.id, event.target.elements.text.value);
        await exchange();
      } catch (error) {
        stopped(error);
      }
    });
    return card;
  }));
  main.replaceChildren(page);
}

const TIMES = new Set(["at", "since", "out_of_use_since"]);
const lines = (fields) => Object.entries(fields).filter(([, value]) => value !== "" && value !== null)
  .map(([name, value]) => `${name}: ${TIMES.has(name) ? moment(value / 1000) : value}`).join("\n");

async function onOrder(id, now) {
  const real = id.startsWith("op:") && now.born[id.slice(3)];
  if (real && !now.orders.some((one) => one.id === id)) return location.replace(`#/order/${encodeURIComponent(real)}`);
  const seen = now.orders.find((one) => one.id === id);
  if (!seen) return main.replaceChildren(item(say("gone")));
  const done = async (kind, body, work = id) => {
    await act(now.me.person, kind, { work }, body);
    if (kind === "resolve") location.hash = "#/";
    await show();
    exchange();
  };
  return order(main, seen, { act: done, kit: now.kit, synced: now.synced, show });
}

async function onMachine(id, now) {
  if (!now.machineOf(id) || network === "online") await fetchMachine(id);
  const known = now.machineOf(id);
  if (!known) return main.replaceChildren(item(say("gone")));
  const here = now.orders.filter((one) => one.machine?.id === id && one.state !== "resolved");
  return machine(main, known, here, fetched.has(id) ? Date.now() : now.synced, async (body) => {
    const ident = await act(now.me.person, "fault", { device: id }, body);
    location.hash = `#/order/${encodeURIComponent(`op:${ident}`)}`;
    exchange();
  });
}

async function fetchMachine(code) {
  try {
    const found = await ask(code);
    if (found) fetched.set(found.id, found);
    return found;
  } catch (error) {
    stopped(error);
    return null;
  }
}

async function show() {
  const now = await state();
  if (!now.me) {
    main.replaceChildren(item(say("first")));
    return status(now);
  }
  const [, page = "", id = ""] = location.hash.split("/");
  const ident = decodeURIComponent(id);
  if (page === "order") await onOrder(ident, now);
  else if (page === "machine") await onMachine(ident, now);
  else if (page === "find") find(main, now.buckets, fetchMachine);
  else if (page === "settle") await settling();
  else await list(now);
  return status(now);
}

async function status(given) {
  const now = given ?? (await state());
  const line = document.querySelector("[data-status]");
  line.dataset.state = network;
  const pill = line.querySelector("[data-network]");
  pill.textContent = say(`network ${network}`);
  pill.className = `state state-${network === "online" ? "good" : network === "offline" ? "warn" : "bad"}`;
  line.querySelector("[data-age]").textContent = now.synced ? say("age", { age: age(Date.now() - now.synced) }) : "";
  line.querySelector("[data-waiting]").textContent = say("queue", { count: now.mine.length });
  line.querySelector("[data-waiting]").dataset.count = now.mine.length;
  const rows = (await get("unsettled")) ?? [];
  const link = line.querySelector("[data-unsettled]");
  link.hidden = !rows.length;
  link.textContent = say("unsettled", { count: rows.length });
  document.querySelector("[data-person]").textContent = now.me?.display ?? "";
  const box = document.querySelector("[data-notice]");
  const text = notice || (network === "signed-out" ? say("sign in") : network === "forbidden" ? say("forbidden") : "");
  box.hidden = !text;
  if (box.textContent !== text) box.textContent = text;
  if (network === "signed-out") {
    const link = Object.assign(document.createElement("a"), { href: "/sign-in?next=/equipment/bench", textContent: say("to sign in") });
    box.append(" ", link);
  }
}

function stopped(error) {
  if (!(error instanceof Stopped)) throw error;
  network = error.state === "problem" ? "online" : error.state;
  notice = error.state === "problem" ? say("problem", { text: error.message }) : "";
  return status();
}

// What a person is typing must not be swept away by an answer from the server.
const busy = () => main.contains(document.activeElement) && ["INPUT", "TEXTAREA", "SELECT"].includes(document.activeElement.tagName);

let running = null;
let again = false;

/** Synchronise now, or once more after the running time. */
function exchange() {
  again = true;
  running ??= rounds().finally(() => { running = null; });
  return running;
}

// A round that fails may have been asked for again meanwhile: the network came back while it was still failing.
async function rounds() {
  while (again) {
    again = false;
    try {
      await sync();
      network = "online";
      notice = "";
      if (busy()) await status();
      else await show();
    } catch (error) {
      await stopped(error);
    }
  }
}

async function worker() {
  if (!("serviceWorker" in navigator)) return;
  const registration = await navigator.serviceWorker.register("/equipment/bench/worker.js", { scope: "/equipment/bench" });
  const offer = (found) => {
    if (!found || !navigator.serviceWorker.controller) return;
    document.querySelector("[data-newer]").hidden = false;
    document.querySelector("[data-take-over]").onclick = () => {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      found.postMessage("take over");
    };
  };
  offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const fresh = registration.installing;
    fresh.addEventListener("statechange", () => fresh.state === "installed" && offer(fresh));
  });
}

addEventListener("hashchange", async () => {
  await show();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
});
addEventListener("online", exchange);
addEventListener("offline", () => {
  network = "offline";
  status();
});
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && exchange());
document.querySelector("[data-sync]").addEventListener("click", () => exchange().then(() => navigator.storage?.persist?.()));
setInterval(exchange, EVERY);
setInterval(() => status(), 15_000);

worker().catch(() => { notice = say("no worker"); });
await show();
await exchange();
document.body.dataset.ready = "";
