// What the tablet keeps: orders, the list of machines, parts, and the queue of operations. Never a patient.

const STORES = { meta: "key", orders: "id", machines: "bucket", queue: "id" };

const promise = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

let opened;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("wardbridge-bench", 1);
    request.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(STORES)) request.result.createObjectStore(name, { keyPath });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

/** Run `work` with the named stores in one transaction; resolves when it is on disk. */
async function transaction(names, mode, work) {
  const database = await open();
  const running = database.transaction(names, mode, { durability: "strict" });
  const ended = new Promise((resolve, reject) => {
    running.oncomplete = resolve;
    running.onabort = running.onerror = () => reject(running.error);
  });
  const result = await work(Object.fromEntries(names.map((name) => [name, running.objectStore(name)])));
  await ended;
  return result;
}

export const all = (name) => transaction([name], "readonly", (stores) => promise(stores[name].getAll()));

export async function get(key, other = null) {
  const found = await transaction(["meta"], "readonly", ({ meta }) => promise(meta.get(key)));
  return found ? found.value : other;
}

export const set = (key, value) => transaction(["meta"], "readwrite", ({ meta }) => promise(meta.put({ key, value })));

/** Append an operation under the next number of this tablet: both or none. */
export function append(operation) {
  return transaction(["meta", "queue"], "readwrite", async ({ meta, queue }) => {
    const counter = ((await promise(meta.get("counter")))?.value ?? 0) + 1;
    await promise(meta.put({ key: "counter", value: counter }));
    await promise(queue.put({ ...operation, counter }));
    return counter;
  });
}

/** The operations that wait, in their order. */
export const waiting = async () => (await all("queue")).sort((a, b) => a.counter - b.counter);

/** Take in an answer of the server: answered operations leave the queue as what they did arrives, in one step. */
export function take(person, answer, at) {
  return transaction(["meta", "orders", "machines", "queue"], "readwrite", async ({ meta, orders, machines, queue }) => {
    const born = (await promise(meta.get("born")))?.value ?? {};
    for (const one of answer.answers) {
      if (one.state === "kept") continue;
      queue.delete(one.id);
      if (one.work) born[one.id] = one.work;
    }
    meta.put({ key: "born", value: Object.fromEntries(Object.entries(born).slice(-200)) });
    for (const id of answer.gone) orders.delete(id);
    for (const one of answer.changed) orders.put({ ...one, holder: person });
    for (const [bucket, { mark, rows }] of Object.entries(answer.machines?.buckets ?? {})) machines.put({ bucket, mark, rows });
    for (const bucket of answer.machines?.gone ?? []) machines.delete(bucket);
    if (answer.kit) meta.put({ key: "kit", value: answer.kit });
    for (const key of ["unsettled", "teams"]) meta.put({ key, value: answer[key] });
    meta.put({ key: "synced", value: at });
  });
}

/** Somebody else signed in: their orders are not the last one's. The queue stays, each operation with its person. */
export function change(me) {
  return transaction(["meta", "orders"], "readwrite", async ({ meta, orders }) => {
    meta.put({ key: "me", value: me });
    for (const key of ["synced", "unsettled", "timer"]) meta.delete(key);
    orders.clear();
  });
}

/** Forget everything; only where nothing waits. */
export async function wipe() {
  if ((await waiting()).length) return false;
  await transaction(Object.keys(STORES), "readwrite", async (stores) => {
    for (const name of Object.keys(STORES)) if (name !== "meta") stores[name].clear();
    for (const key of ["me", "synced", "unsettled", "teams", "kit", "born", "timer", "chosen"]) stores.meta.delete(key);
  });
  return true;
}
