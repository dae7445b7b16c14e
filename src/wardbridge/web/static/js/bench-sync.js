// Sending what waits and fetching what changed. An answer that is lost costs nothing: the same is sent again.

import { all, change, get, set, take, waiting } from "./bench-store.js";
import { tablet, wire } from "./bench-queue.js";

const BATCH = 50;
const PATIENCE = 30_000; // a network that swallows an answer must not hold up the next try
const SLOW = 10 * 60_000; // the list of machines and the parts are asked for this often

/** Why nothing was exchanged: "offline", "signed-out", "forbidden", "problem". */
export class Stopped extends Error {
  constructor(state, text = "") {
    super(text || state);
    this.state = state;
  }
}

/** The answer's {ok, status, json}; an answer that breaks off is one that did not come. */
async function ask(url, options = {}) {
  let answer;
  let text;
  try {
    answer = await fetch(url, { redirect: "manual", cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE), ...options });
    text = await answer.text();
  } catch {
    throw new Stopped("offline");
  }
  // Pages lead to the sign-in; a session that has ended looks like that from here.
  if (answer.type === "opaqueredirect" || answer.status === 401) throw new Stopped("signed-out");
  if (answer.status === 403) throw new Stopped("forbidden");
  if ([502, 503, 504].includes(answer.status)) throw new Stopped("offline");
  const json = answer.headers.get("content-type")?.startsWith("application/json") ? JSON.parse(text) : null;
  if (!answer.ok || !json) throw new Stopped("problem", json?.message ?? `${answer.status}`);
  return json;
}

/** Who is signed in now; another person than before gets an empty list, and the queue stays. */
export async function who() {
  const me = await ask("/equipment/bench/me");
  const before = await get("me");
  if (before?.person !== me.person) await change({ person: me.person, display: me.display });
  return me;
}

async function exchange(me, operations, slow) {
  const marks = (rows, key) => Object.fromEntries(rows.map((row) => [row[key], row.mark]));
  const request = {
    person: me.person, tablet: await tablet(), clock: Date.now(), operations: operations.map(wire),
    have: marks((await all("orders")).filter((one) => one.holder === me.person), "id"), teams: (await get("chosen")) ?? [],
  };
  if (slow) Object.assign(request, { machines: marks(await all("machines"), "bucket"), parts: (await get("kit"))?.mark ?? "" });
  return ask("/equipment/bench/sync", {
    method: "POST", body: JSON.stringify(request), headers: { "content-type": "application/json", "x-csrf-token": me.csrf },
  });
}

async function once() {
  const me = await who();
  let slow = Date.now() - ((await get("slow")) ?? 0) > SLOW;
  for (;;) {
    const mine = (await waiting()).filter((one) => one.person === me.person);
    const batch = mine.slice(0, BATCH);
    const answer = await exchange(me, batch, slow);
    await take(me.person, answer, answer.now);
    await set("offset", answer.now - Date.now());
    const more = answer.machines?.more;
    if (slow && !more) await set("slow", Date.now());
    slow = Boolean(more);
    if (!more && (mine.length <= BATCH || answer.answers.every((one) => one.state === "kept"))) return me;
  }
}

/** One synchronisation at a time, in all tabs of this browser. Throws Stopped. */
export function sync() {
  return navigator.locks ? navigator.locks.request("bench-sync", once) : once();
}

/** Say how a conflict was settled. Throws Stopped. */
export async function settle(id, text) {
  const me = await who();
  await ask(`/equipment/bench/unsettled/${encodeURIComponent(id)}`, {
    method: "POST", body: new URLSearchParams({ text }), headers: { "x-csrf-token": me.csrf, accept: "application/json" },
  });
}

/** The machine of a code as the server knows it now, null where it does not. Throws Stopped. */
export async function machine(code) {
  return (await ask(`/equipment/bench/machine?code=${encodeURIComponent(code)}`)).machine;
}
