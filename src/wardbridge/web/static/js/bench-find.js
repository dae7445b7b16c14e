// Finding a machine by what is on its label, and what can be done with it.

import { copy, marks, put, say, title, use } from "./bench-dom.js";

/** What a scanned code says: our labels are addresses that end with their code. */
export function codeOf(text) {
  const plain = text.trim();
  try {
    const url = new URL(plain);
    if (["http:", "https:"].includes(url.protocol)) return decodeURIComponent(url.pathname.replace(/\/+$/, "").split("/").pop());
  } catch { /* no address */ }
  return plain;
}

// The tablet holds digests of the labels' codes only; without TLS a browser offers none, and the server is asked.
async function digest(text) {
  if (!globalThis.crypto?.subtle) return null;
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return [...bytes.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const FIELDS = ["id", "tag", "serial", "name", "maker", "place", "label"];
export const named = (row) => Object.fromEntries(FIELDS.map((name, at) => [name, row[at] ?? ""]));

/** Machines of the list on this tablet: those with exactly this number or label first, else those that contain it. */
export async function lookup(buckets, text) {
  const code = codeOf(text);
  const wanted = code.toLowerCase();
  if (!wanted) return [];
  const label = await digest(code);
  const rows = buckets.flatMap((bucket) => bucket.rows).map(named);
  const exact = rows.filter((one) => (label && one.label === label) || [one.id, one.tag, one.serial].some((part) => part.toLowerCase() === wanted));
  if (exact.length) return exact;
  return wanted.length < 2 ? [] : rows.filter((one) => `${one.tag} ${one.serial} ${one.name} ${one.maker}`.toLowerCase().includes(wanted)).slice(0, 50);
}

export const fromRow = ({ id, tag, serial, name, maker, place }) => ({ id, tag, serial, name, model: `${maker} ${name}`, model_id: "", place, in_use: null, out_of_use: null });

export function find(main, buckets, online) {
  const page = copy("t-find");
  const list = page.querySelector("ul");
  const empty = page.querySelector("[data-empty]");
  const video = page.querySelector("video");
  const scan = page.querySelector("[data-scan]");
  const form = page.querySelector("form");
  const open = (id) => { location.hash = `#/machine/${encodeURIComponent(id)}`; };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const found = await lookup(buckets, form.elements.code.value);
    if (found.length === 1) return open(found[0].id);
    const known = found.length ? null : await online(codeOf(form.elements.code.value));
    if (known) return open(known.id);
    empty.hidden = found.length > 0;
    return list.replaceChildren(...found.map((one) => {
      const line = copy("t-line");
      put(line, "b", `${one.name} ${one.tag}`);
      put(line, ".bench-due", one.serial);
      put(line, ".bench-where", one.place);
      line.querySelector("a").href = `#/machine/${encodeURIComponent(one.id)}`;
      return line;
    }));
  });
  if ("BarcodeDetector" in globalThis && navigator.mediaDevices) {
    scan.hidden = false;
    scan.addEventListener("click", () => read(video, scan, (text) => { form.elements.code.value = text; form.requestSubmit(); }));
  }
  main.replaceChildren(page);
}

async function read(video, button, found) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    button.textContent = say("no camera");
    button.disabled = true;
    return;
  }
  video.srcObject = stream;
  video.hidden = false;
  await video.play();
  const detector = new BarcodeDetector({ formats: ["qr_code", "data_matrix", "code_128"] });
  while (video.isConnected) {
    const [code] = await detector.detect(video).catch(() => []);
    if (code) {
      found(code.rawValue);
      break;
    }
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  for (const track of stream.getTracks()) track.stop();
  video.hidden = true;
}

/** The page of one machine: its orders here, and a new fault. */
export function machine(main, known, orders, synced, act) {
  const page = copy("t-machine");
  page.querySelector("h1").textContent = known.name;
  put(page, "[data-tag]", known.tag);
  put(page, "[data-serial]", known.serial);
  put(page, "[data-place]", known.place);
  put(page, "[data-use]", use(known, synced));
  page.querySelector("ul").append(...orders.map(line));
  page.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const { text, priority, out_of_use: out } = Object.fromEntries(new FormData(event.target));
    if (text.trim()) act({ text, priority, out_of_use: out === "on", take: true });
  });
  main.replaceChildren(page);
}

/** An order as a line of a list. */
export function line(order) {
  const row = copy("t-line");
  const link = row.querySelector("a");
  link.href = `#/order/${encodeURIComponent(order.id)}`;
  put(row, "b", title(order));
  row.querySelector(".bench-marks").append(...marks(order));
  return row;
}
