// Operations: everything that a technician does is written down first, and shown as done until the server says more.

import { append, get, set } from "./bench-store.js";

const boot = ident();

/** A random UUID (version 4), also where the page came without TLS. */
export function ident() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The name of this tablet, made once. */
export async function tablet() {
  let name = await get("tablet");
  if (!name) await set("tablet", (name = ident()));
  return name;
}

/** Write an operation down. `on` is {work} or {device}. Its id. */
export async function act(person, kind, on, body = {}) {
  const id = ident();
  await append({
    id, person, kind, work: on.work ?? "", device: on.device ?? "", body, at: Date.now(), up: Math.round(performance.now()), boot,
  });
  return id;
}

/** An order as it will be when its waiting operations have arrived. */
export function overlay(order, operations, me) {
  const seen = {
    ...order, results: { ...order.results }, notes: [...order.notes], parts: [...order.parts], waiting: 0,
    machine: order.machine && { ...order.machine },
  };
  for (const { kind, body, at, work } of operations) {
    if (work !== order.id) continue;
    seen.waiting += 1;
    const note = (text) => seen.notes.push({ text, by: me.display, at, waiting: true });
    if (kind === "take") Object.assign(seen, { state: "taken", taken_by: me.display, person_id: me.person });
    else if (kind === "wait") Object.assign(seen, { state: "waiting", waiting_for: body.what });
    else if (kind === "note") note(body.text);
    else if (kind === "missing") note(`? ${body.text}`);
    else if (kind === "step") seen.results[body.step] = { text: body.value, verdict: body.verdict, by: me.display, at, waiting: true };
    else if (kind === "part") seen.parts.push({ ...body.shown, quantity: body.quantity, waiting: true });
    else if (kind === "labour") seen.minutes += body.minutes + (body.travel ?? 0);
    else if (kind === "resolve") Object.assign(seen, { state: "resolved", resolution: body.text });
    else if (kind === "down" && seen.machine) seen.machine.out_of_use = at;
    else if (kind === "up" && seen.machine) seen.machine.out_of_use = null;
  }
  return seen;
}

/** Orders that began here and that the server does not know yet. */
export function begun(operations, machineOf, me) {
  return operations.filter((one) => one.kind === "fault").map((one) => ({
    id: `op:${one.id}`, number: 0, kind: "fault", name: one.body.text.split("\n")[0].slice(0, 120), text: one.body.text,
    state: "taken", waiting_for: "", priority: one.body.priority, due: null, due_first: null, planned: null, person_id: me.person,
    person: me.display, team: "", taken_by: me.display, tries: 0, late_reason: "", place: "", steps: [], results: {}, notes: [],
    parts: [], minutes: 0, fresh: true,
    machine: { ...machineOf(one.device), out_of_use: one.body.out_of_use ? one.at : null },
  }));
}

/** What goes over the wire of an operation: not what only this screen needs. */
export function wire({ id, person, counter, at, up, boot: page, kind, work, device, body }) {
  const { verdict, shown, ...said } = body;
  return { id, person, counter, at, up, boot: page, kind, work, device, body: said };
}
